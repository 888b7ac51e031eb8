"""DeepEval's test run as JSON: ``.latest_run_full.json``, or a file of ``DEEPEVAL_RESULTS_FOLDER``. Pure.

May import this package. A metric that raised has an ``error`` and reads ``success: false`` all the same: it
could not score, and neither could one whose score is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from launchworthy.evals.importing.results import (
    ALL,
    Results,
    list_of,
    mapping_of,
    name_of,
    number_of,
    object_of,
    scored,
    slices_of,
    together,
    unique_ids,
)
from launchworthy.records import RunItem, Score

__all__ = ["is_deepeval", "read_deepeval"]


def is_deepeval(document: Any) -> bool:
    """Whether a JSON document is a test run, or a file that wraps one."""
    found = _unwrapped(document)
    return isinstance(found, dict) and isinstance(found.get("testCases"), list)


def _unwrapped(document: Any) -> Any:
    # .latest_test_run.json holds the run below a key of its own
    if isinstance(document, dict) and isinstance(document.get("testRunData"), dict):
        return document["testRunData"]
    return document


def read_deepeval(document: Any, *, where: str) -> Results:
    """Test cases and conversations.

    Raises:
        InputError: A part of the wrong shape.
    """
    run = object_of(_unwrapped(document), where=where)
    items = []
    for field in ("testCases", "conversationalTestCases"):
        for number, case in enumerate(list_of(run.get(field), where=where)):
            items.append(_item(object_of(case, where=f"{where}: {field}[{number}]"), number, where=where))
    return Results(tool="DeepEval", target="DeepEval test cases", items=unique_ids(items, repeats=False))


def _item(case: Mapping[str, Any], number: int, *, where: str) -> RunItem:
    metadata = mapping_of(case.get("metadata") or case.get("additionalMetadata"))
    own = metadata.get("id")
    name = own if isinstance(own, (str, int)) else case.get("name") or f"test_case_{number}"
    seconds = number_of(case.get("completionTime"))
    turns = case.get("turns")
    scores: dict[str, Score] = {}
    counted: list[Score] = []
    for metric in list_of(case.get("metricsData"), where=where):
        metric = object_of(metric, where=where)
        error, success, score = metric.get("error"), metric.get("success"), metric.get("score")
        if not error and "score" in metric and score is None:
            error = "the metric has no score, or NaN"
        passed = scored(success if isinstance(success, bool) else None, error=error)
        label = name_of(metric.get("name"))
        scores[label] = passed
        scores[f"{label}.score"] = scored(score, error=error)
        if metric.get("flaky") is not True:  # which never decide a case
            counted.append(passed)
    return RunItem(
        item_id=name_of(name),
        input=case.get("input") or case.get("scenario"),
        expected=case.get("expectedOutput") or case.get("expectedOutcome"),
        output=turns if isinstance(turns, list) and turns else case.get("actualOutput"),
        latency_ms=None if seconds is None else seconds * 1_000,
        cost_usd=number_of(case.get("tokenCost")),
        slices=slices_of({**metadata, "tags": case.get("tags") or metadata.get("tags")}),
        scores=scores | {ALL: together(counted)},
    )
