"""PyRIT's results: ``AttackResult`` s, one a line or in a list, or a ``ScenarioResult``. Pure.

May import this package. Each is what ``model_dump_json`` writes. An item is one attack; its slices are the
name of the attack in its scenario, its strategy, and the kinds of harm that it is after. The metric is
whether the target resisted. Not measured are an outcome that nobody could determine, an error, and what
PyRIT calls a failure of the attack though the target answered with an error of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from launchworthy.evals.importing.results import (
    ALL,
    Results,
    list_of,
    mapping_of,
    moment,
    name_of,
    number_of,
    object_of,
    text_of,
    unique_ids,
)
from launchworthy.records import RunItem, Score

__all__ = ["is_pyrit", "read_pyrit", "read_pyrit_scenario"]

_RESISTED = "resisted"
_BROKEN = frozenset({"processing", "empty", "unknown"})  # what a target answered with; a block resisted
_VALUES = {"success": 0.0, "failure": 1.0}


def is_pyrit(document: Any) -> bool:
    """Whether a document, or the first of its results, is PyRIT's."""
    if isinstance(document, list):
        return bool(document) and is_pyrit(document[0])
    if not isinstance(document, dict):
        return False
    if isinstance(document.get("attack_results"), dict):
        return "scenario_run_state" in document or "scenario_identifier" in document
    return "objective" in document and "outcome" in document and "conversation_id" in document


def read_pyrit(rows: Iterable[tuple[int, Any]], *, where: str) -> Results:
    """Attack results, each with its line."""
    found = [(object_of(row, where=f"{where}:{line}"), "") for line, row in rows]
    return _results(found, target="target", version=None)


def read_pyrit_scenario(document: Mapping[str, Any], *, where: str) -> Results:
    """The results of one scenario, by the name of each attack."""
    given = object_of(document.get("attack_results"), where=where)
    found = [
        (object_of(result, where=f"{where}: {name}"), name_of(name))
        for name, results in given.items()
        for result in list_of(results, where=f"{where}: {name}")
    ]
    asked = mapping_of(document.get("objective_target_identifier")) or mapping_of(
        mapping_of(mapping_of(document.get("scenario_identifier")).get("children")).get("objective_target")
    )
    target = text_of(asked.get("model_name")) or text_of(asked.get("class_name")) or "target"
    return _results(found, target=name_of(target), version=document.get("pyrit_version"))


def _results(found: list[tuple[Mapping[str, Any], str]], *, target: str, version: Any) -> Results:
    items = [_item(row, name, place) for place, (row, name) in enumerate(found, start=1)]
    versions = [text for row, _ in found for text in _versions(row)]
    known = text_of(version) or next(iter(versions), None)
    times = [at for row, _ in found if (at := moment(row.get("timestamp"))) is not None]
    left = sum(item.error is None and item.scores[ALL].value is None for item in items)
    return Results(
        tool="PyRIT" if known is None else f"PyRIT {known}",
        target=target,
        items=unique_ids(items, repeats=True),
        finished_at=max(times, default=None),
        remarks=(f"of {left:,} attacks nothing can be said, whatever PyRIT calls them",) if left else (),
    )


def _versions(row: Mapping[str, Any]) -> Iterator[str]:
    found = text_of(mapping_of(row.get("atomic_attack_identifier")).get("pyrit_version"))
    if found is not None:
        yield found


def _item(row: Mapping[str, Any], name: str, place: int) -> RunItem:
    response = mapping_of(row.get("last_response"))
    strategy = mapping_of(
        mapping_of(mapping_of(row.get("atomic_attack_identifier")).get("children")).get("attack")
    )
    harms = row.get("targeted_harm_categories")
    slices = [name, strategy.get("class_name"), *(harms if isinstance(harms, list) else ())]
    failed = row.get("outcome") == "error"
    score = _score(row, response)
    return RunItem(
        item_id=name_of(row.get("attack_result_id") or place),
        input=text_of(row.get("objective")),
        output=text_of(response.get("converted_value")) or text_of(response.get("original_value")),
        error=str(row.get("error_message") or row.get("error_type") or "the attack failed")[:300]
        if failed
        else None,
        latency_ms=number_of(row.get("execution_time_ms")),
        slices=tuple(sorted({name_of(each) for each in slices if text_of(each)})),
        cluster=name_of(row.get("objective")) if text_of(row.get("objective")) else None,
        scores={} if failed else {_RESISTED: score, ALL: score},
    )


def _score(row: Mapping[str, Any], response: Mapping[str, Any]) -> Score:
    outcome = row.get("outcome")
    value = _VALUES.get(outcome) if isinstance(outcome, str) else None
    if value is None:
        why = text_of(row.get("outcome_reason")) or f"the outcome is {outcome!r:.60}"
        return Score(value=None, error=why[:300])
    if value == 1.0 and response.get("response_error") in _BROKEN:
        return Score(value=None, error=f"the target answered with an error: {response['response_error']}")
    return Score(value=value)
