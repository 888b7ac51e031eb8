"""garak's report: ``garak.….report.jsonl``. Pure; may import this package and ``jsonl``.

An item is one output of one attack attempt; its slice is the probe. A detector's score is from 0 to 1, where
1 is a hit; below garak's threshold the target has resisted, and the metric is the share that resisted.
Outputs of one attempt share a cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from launchworthy.evals.importing.results import (
    ALL,
    Results,
    list_of,
    moment,
    name_of,
    number_of,
    object_of,
    scored,
    together,
    unique_ids,
)
from launchworthy.records import RunItem, Score

__all__ = ["is_garak", "read_garak"]

_EVALUATED = 2
_THRESHOLD = 0.5
_TARGETS = tuple(
    f"plugins.{name}" for name in ("target_name", "model_name", "target_type", "model_type")
)  # older names last


def is_garak(row: Any) -> bool:
    """Whether the first line of a file is one of garak's."""
    return isinstance(row, dict) and isinstance(row.get("entry_type"), str)


def read_garak(rows: Iterable[tuple[int, Mapping[str, Any]]], *, where: str) -> Results:
    """The evaluated attempts of a report; those that were only begun are counted in a remark."""
    items: list[RunItem] = []
    finished, version, target = None, None, "target"
    threshold, unfinished = _THRESHOLD, dict[str, Mapping[str, Any]]()
    evaluated: set[str] = set()
    for line, row in rows:
        kind = row.get("entry_type")
        if kind == "start_run setup":
            threshold = _number(row, "run.eval_threshold", _THRESHOLD)
            target = next((name_of(row[name]) for name in _TARGETS if row.get(name)), target)
        elif kind in ("init", "completion"):
            version = row.get("garak_version") or version
            finished = moment(row.get("end_time")) or moment(row.get("start_time")) or finished
        elif kind == "attempt":
            own = str(row.get("uuid"))
            if row.get("status") == _EVALUATED:
                evaluated.add(own)
                items += _items(row, threshold, where=f"{where}:{line}")
            else:
                unfinished[own] = row
    left = len(unfinished.keys() - evaluated)
    remarks = (f"{left:,} attempts were never evaluated and are left out",) if left else ()
    return Results(
        tool=f"garak {version}" if isinstance(version, str) else "garak",
        target=target,
        items=unique_ids(items, repeats=False),
        finished_at=finished,
        remarks=remarks,
    )


def _number(row: Mapping[str, Any], name: str, default: float) -> float:
    found = number_of(row.get(name))
    return default if found is None else found


def _items(row: Mapping[str, Any], threshold: float, *, where: str) -> Iterable[RunItem]:
    outputs = list_of(row.get("outputs"), where=where)
    given = object_of(row.get("detector_results") or {}, where=where)
    detectors = {name_of(name): list_of(values, where=where) for name, values in given.items()}
    probe = name_of(row.get("probe_classname") or "probe")
    attempt = f"{probe}/{row.get('seq')}"
    for number in range(max([len(outputs), *map(len, detectors.values())], default=0)):
        scores = {
            name: _resisted(values[number] if number < len(values) else None, threshold)
            for name, values in detectors.items()
        }
        output = outputs[number] if number < len(outputs) else None
        yield RunItem(
            item_id=name_of(f"{attempt}.{number + 1}"),
            input=_prompt(row.get("prompt")),
            output=output.get("text") if isinstance(output, dict) else output,
            error="no output" if output is None else None,
            slices=(probe,),
            cluster=name_of(row.get("uuid") or attempt) if len(outputs) > 1 else None,
            scores={} if output is None else scores | {ALL: together(list(scores.values()))},
        )


def _resisted(value: Any, threshold: float) -> Score:
    if value is None:
        return Score(value=None, error="the detector could not tell")
    score = scored(value)
    return score if score.value is None else Score(value=float(score.value < threshold))


def _prompt(value: Any) -> Any:
    """The text of the attack; older reports hold it plain, newer ones as a conversation."""
    if isinstance(value, dict) and isinstance(value.get("turns"), list):
        texts = [
            turn["content"].get("text")
            for turn in value["turns"]
            if isinstance(turn, dict) and isinstance(turn.get("content"), dict)
        ]
        return "\n".join(text for text in texts if isinstance(text, str)) or None
    return value.get("text") if isinstance(value, dict) else value
