"""promptfoo's ``-o results.json``, versions 2 and 3 of its summary. Pure; may import this package.

A row's own ``success`` is not believed: it is true where the text of the last failed reason is empty. What
each assertion found is a boolean of its own, and those count. ``--repeat`` numbers each repetition as a test
of its own: rows that were asked the same share a cluster.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from launchworthy.errors import InputError
from launchworthy.evals.importing.results import (
    ALL,
    Results,
    list_of,
    mapping_of,
    moment,
    name_of,
    number_of,
    object_of,
    scored,
    slices_of,
    text_of,
    together,
    unique_ids,
)
from launchworthy.records import RunItem, Score

__all__ = ["is_promptfoo", "read_promptfoo"]

_ERROR = 2  # ResultFailureReason.ERROR
_THREW = ("Custom function threw error: ", "Python code execution failed: ", "Ruby code execution failed: ")


def is_promptfoo(document: Any) -> bool:
    """Whether a JSON document is one of promptfoo's."""
    return isinstance(document, dict) and (
        ("evalId" in document and isinstance(document.get("results"), dict))
        or (isinstance(document.get("results"), list) and "stats" in document)
    )


def read_promptfoo(document: Any, *, where: str, target: str | None) -> Results:
    """The rows of one provider and prompt.

    Raises:
        InputError: A row of the wrong shape; several targets and none chosen, or none of that name.
    """
    whole = object_of(document, where=where)
    summary = whole["results"] if isinstance(whole.get("results"), dict) else whole
    rows = [
        object_of(row, where=f"{where}: results[{number}]")
        for number, row in enumerate(list_of(summary.get("results"), where=where))
    ]
    by_target: dict[str, list[Mapping[str, Any]]] = {}
    for name, row in zip(_targets(rows), rows, strict=True):
        by_target.setdefault(name, []).append(row)
    chosen = _chosen(by_target, target, where=where)
    mine = sorted(by_target[chosen], key=lambda row: number_of(row.get("testIdx")) or 0.0)
    items = _repeats(mine, [_item(row, number, where=where) for number, row in enumerate(mine)])
    wrong = sum(
        row.get("success") is True and item.scores.get(ALL, Score(value=None)).value == 0.0
        for row, item in zip(mine, items, strict=True)
    )
    remarks = []
    if wrong:
        remarks.append(f"{wrong:,} rows say success although an assertion failed: the assertions count")
    version = text_of(mapping_of(whole.get("metadata")).get("promptfooVersion"))
    return Results(
        tool=f"promptfoo {version}" if version else "promptfoo",
        target=chosen,
        items=unique_ids(items, repeats=True),
        finished_at=moment(summary.get("timestamp")),
        remarks=tuple(remarks),
    )


def _targets(rows: list[Mapping[str, Any]]) -> list[str]:
    """Name of the target of each row; where it was asked by several prompts, with the prompt's number."""
    providers = [_provider(row) for row in rows]
    prompts: dict[str, set[int]] = {}
    indices = [int(number_of(row.get("promptIdx")) or 0) for row in rows]
    for provider, index in zip(providers, indices, strict=True):
        prompts.setdefault(provider, set()).add(index)
    return [
        provider
        if len(prompts[provider]) == 1
        else f"{provider} #{sorted(prompts[provider]).index(index) + 1}"
        for provider, index in zip(providers, indices, strict=True)
    ]


def _provider(row: Mapping[str, Any]) -> str:
    provider = row.get("provider")
    if isinstance(provider, dict):
        return name_of(provider.get("label") or provider.get("id") or "unnamed")
    return name_of(provider or "unnamed")


def _chosen(by_target: Mapping[str, Any], target: str | None, *, where: str) -> str:
    names = ", ".join(sorted(by_target)[:20])
    if not by_target:
        raise InputError("the file holds no results", where=where)
    if target is None:
        if len(by_target) > 1:
            raise InputError(
                f"the file holds results of {len(by_target)} targets",
                where=where,
                hint=f"choose one with --target: {names}",
            )
        return next(iter(by_target))
    if target not in by_target:
        raise InputError(f"no target {target!r:.80} in the file", where=where, hint=f"there are: {names}")
    return target


def _item(row: Mapping[str, Any], number: int, *, where: str) -> RunItem:
    place = f"{where}: row {number + 1}"
    test, variables = mapping_of(row.get("testCase")), mapping_of(row.get("vars"))
    metadata, response = mapping_of(test.get("metadata")), mapping_of(row.get("response"))
    grading = row.get("gradingResult")
    told = number_of(row.get("testIdx"))
    test_index = number if told is None else int(told)
    own = next(
        (found for source in (metadata, variables) if isinstance(found := source.get("id"), (str, int))), None
    )
    failed = None
    if not isinstance(grading, dict) and (row.get("error") or row.get("failureReason") == _ERROR):
        failed = str(row.get("error") or "the tool noted an error")[:500]
    return RunItem(
        item_id=name_of(own) if own is not None else f"test-{test_index + 1}",
        input=variables or None,
        output=response.get("output"),
        error=failed,
        latency_ms=number_of(row.get("latencyMs")),
        cost_usd=number_of(row.get("cost")),
        slices=slices_of(metadata),
        scores={}
        if failed is not None or not isinstance(grading, dict)
        else _scores(row, grading, test, place),
    )


def _repeats(rows: Sequence[Mapping[str, Any]], items: Sequence[RunItem]) -> list[RunItem]:
    """The items; those that were asked the same, as ``--repeat`` does, in the cluster of the first."""
    asked = [_asked(row) for row in rows]
    counts, first = Counter(asked), dict[str, str]()
    return [
        replace(item, cluster=first.setdefault(question, item.item_id))
        if question and counts[question] > 1
        else item
        for question, item in zip(asked, items, strict=True)
    ]


def _asked(row: Mapping[str, Any]) -> str:
    """The variables and the prompt of a row; empty where the file tells neither."""
    variables = {
        name: value
        for name, value in mapping_of(row.get("vars")).items()
        if name != "sessionId" and not name.startswith("_")  # which promptfoo sets, each time anew
    }
    prompt = text_of(mapping_of(row.get("prompt")).get("raw"))
    return json.dumps([variables, prompt], sort_keys=True) if variables or prompt else ""


def _scores(
    row: Mapping[str, Any], grading: Mapping[str, Any], test: Mapping[str, Any], where: str
) -> dict[str, Score]:
    by_metric: dict[str, list[Score]] = {}
    graded: dict[str, list[float]] = {}
    counted: list[Score] = []
    for component, assertion, below in _components(grading, where=where):
        check = _check(component, assertion)
        name = name_of(assertion.get("metric") or assertion.get("type") or "assertion")
        by_metric.setdefault(name, []).append(check)
        value = number_of(component.get("score"))
        if value is not None and not _unjudged(component):
            graded.setdefault(name, []).append(value)
        if assertion.get("weight") != 0 and not below:  # such a one is only watched, or its set decides
            counted.append(check)
    scores = {name: together(checks) for name, checks in by_metric.items()}
    scores |= {
        f"{name}.score": Score(value=sum(values) / len(values)) for name, values in graded.items() if values
    }
    threshold, whole = number_of(test.get("threshold")), number_of(row.get("score"))
    if threshold is not None and whole is not None and counted:
        # what could not be judged scored 0: more could only have raised it
        broken = next((check for check in counted if check.value is None), None)
        reached = whole >= threshold
        return scores | {ALL: broken if broken and not reached else Score(value=float(reached))}
    return scores | {ALL: together(counted)}


def _components(
    grading: Mapping[str, Any], *, where: str
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any], bool]]:
    """What each check found, its assertion, and whether it is a part of the check before it.

    promptfoo lists the parts of a set, or of an assertion of code, right after the whole. The whole decides:
    a set has a threshold of its own. Parts without an assertion of their own say nothing that the whole
    does not.
    """
    below, above = 0, None
    for component in list_of(grading.get("componentResults"), where=where):
        component = object_of(component, where=where)
        parts = component.get("componentResults")
        assertion = mapping_of(component.get("assertion"))
        if below and not parts:
            below -= 1
            if assertion and assertion != above:
                yield component, assertion, True
            continue
        below = len(parts) if isinstance(parts, list) else 0
        above = assertion or mapping_of(mapping_of(component.get("metadata")).get("assertionSet"))
        yield component, above, False


def _check(component: Mapping[str, Any], assertion: Mapping[str, Any]) -> Score:
    """Whether it passed; None where it was never judged, which promptfoo calls failed."""
    passed, reason = component.get("pass"), str(component.get("reason") or "")
    if _unjudged(component):
        return Score(value=None, error=f"never judged: {reason.partition(chr(10))[0][:200]}")
    if assertion.get("weight") == 0 and passed is True:  # which promptfoo calls passed whatever it found
        score = number_of(component.get("score"))
        if score not in (0.0, 1.0):
            return Score(value=None, error="of weight 0, and neither passed nor failed by its score")
        passed = score == 1.0
    return scored(passed if isinstance(passed, bool) else None)


def _unjudged(component: Mapping[str, Any]) -> bool:
    """Whether the model that grades failed, or the code of the assertion."""
    grader = mapping_of(component.get("metadata")).get("graderError")
    threw = component.get("pass") is False and str(component.get("reason")).startswith(_THREW)
    return grader is True or threw
