"""Hits that people looked at, as labelled cases for the next calibration."""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Reviewed", "reviewed_cases", "write_cases"]

Query = Callable[[str, Sequence[Any]], list[dict[str, Any]]]

_COLUMNS = {"input": "input", "output": "output"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """Cases, and how many hits that people looked at kept no text."""

    cases: tuple[dict[str, Any], ...]
    without_text: int


def reviewed_cases(query: Query, *, product: str, guard: str) -> Reviewed:
    """The reviewed hits of a guard with the text that was checked, where the records hold it.

    Of a hit in a passage or in what a tool answered, the records do not say which text it was; of an answer
    that was withheld or masked, they hold what went out.
    """
    from launchworthy.gold.promotion import question_in
    from launchworthy.gold.shingles import strings
    from launchworthy.monitor.guards import FALSE_POSITIVE, RIGHT, altered_texts
    from launchworthy.records import MARKED_CALL, ROOT

    rows = query(
        "SELECT hit.event_id AS id, lower(hex(hit.trace_id)) AS trace,"
        " arg_max(said.outcome, said.time) AS said,"
        " json_extract_string(hit.facts, '$.stage') AS stage FROM decisions said JOIN decisions hit"
        " ON hit.product = said.product AND hit.event_id = json_extract_string(said.facts, '$.hit')"
        " WHERE said.product = $1 AND said.kind = 'override' AND hit.kind = 'guard' AND hit.subject = $2"
        f" AND said.outcome IN ('{FALSE_POSITIVE}', '{RIGHT}') GROUP BY 1, 2, 4 ORDER BY 1",
        [product, guard],
    )
    traces = sorted({str(row["trace"]) for row in rows if row["trace"]})
    altered = altered_texts(query, product=product, traces=traces)
    cases: list[dict[str, Any]] = []
    missing = 0
    for row in rows:
        column = _COLUMNS.get(str(row["stage"]))
        found = (
            query(
                f"SELECT {column} AS text FROM spans WHERE product = $1 AND trace_id = unhex($2)"
                f" AND ({MARKED_CALL} OR {ROOT}) ORDER BY ({MARKED_CALL}) DESC, start_time LIMIT 1",
                [product, row["trace"]],
            )
            if column is not None and row["trace"] and (row["trace"], column) not in altered
            else []
        )
        value = found[0]["text"] if found else None
        if column == "input":
            value = question_in(value)
        text = "\n".join(strings(value)) if value is not None else ""
        if not text:
            missing += 1
            continue
        label = int(row["said"] == RIGHT)
        cases.append({"id": row["id"], "text": text, "label": label, "source": "review"})
    return Reviewed(cases=tuple(cases), without_text=missing)


def write_cases(path: Path, found: Reviewed) -> None:
    """One JSON object a line.

    Raises:
        StorageError: The file cannot be written.
    """
    from launchworthy.errors import StorageError

    text = "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in found.cases)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"the file cannot be written: {error.strerror or error}", where=str(path)
        ) from error
