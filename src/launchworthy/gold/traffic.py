"""What users asked, from the records of a workflow or from a file.

May import ``errors``, ``jsonl``, ``records`` and this room. Evaluation traffic is never among it; what
simulated users asked is kept apart.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError
from launchworthy.gold.promotion import question_in
from launchworthy.gold.shingles import strings
from launchworthy.gold.tables import parquet_rows, read_csv
from launchworthy.jsonl import read_jsonl
from launchworthy.records import MARKED_CALL, ROOT, no_evaluation

__all__ = ["Asked", "asked_of", "questions_in_file"]

_MOST = 20_000  # newest questions that are read
_NO_LINES = (".arrow", ".htm", ".html", ".json", ".tsv", ".toml", ".xls", ".xlsx", ".xml", ".yaml", ".yml")
_FIELDS = ("input", "question", "query", "prompt", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Questions of real and of simulated users, newest first, and how many calls kept no text.

    ``whole`` is False where there are more than are read.
    """

    real: tuple[str, ...]
    simulated: tuple[str, ...]
    unstored: int
    whole: bool = True


def asked_of(
    query: Callable[[str, Sequence[Any]], list[dict[str, Any]]],
    *,
    product: str,
    workflow: str,
    since: datetime,
    until: datetime,
    most: int = _MOST,
) -> Asked:
    """The questions of a workflow's calls: its spans of kind ``workflow``, or its roots if it sends none.

    Args:
        query: Answers one SELECT over the records.
        product: Product.
        workflow: Workflow.
        since: From when (aware).
        until: To when (aware).
        most: Newest calls that are read.
    """
    values = [product, workflow, int(since.timestamp() * 1e9), int(until.timestamp() * 1e9)]
    of_workflow = (
        f"product = $1 AND workflow = $2 AND start_time >= $3 AND start_time < $4 AND {no_evaluation('$1')}"
    )
    rows: list[dict[str, Any]] = []
    for of_kind in (MARKED_CALL, ROOT):
        rows = query(
            f"SELECT input, coalesce(simulated, false) AS sim FROM spans WHERE {of_workflow} AND {of_kind}"
            f" ORDER BY start_time DESC LIMIT {int(most) + 1}",
            values,
        )
        if rows:
            break
    found: dict[bool, list[str]] = {True: [], False: []}
    unstored = 0
    for row in rows[:most]:
        text = "\n".join(strings(question_in(row["input"])))
        if text:
            found[row["sim"]].append(text)
        else:
            unstored += 1
    return Asked(
        real=tuple(found[False]), simulated=tuple(found[True]), unstored=unstored, whole=len(rows) <= most
    )


def questions_in_file(path: Path) -> list[str]:
    """Questions of a file: the lines of a text; of a table the field input, question, query, prompt or text.

    Raises:
        InputError: Not readable, of a kind whose lines are no questions, or a row has none of these fields.
    """
    suffix = path.suffix.lower()
    if suffix in _NO_LINES:
        raise InputError(
            f"questions are not read from {suffix}",
            where=str(path),
            hint="write one JSON object a line to a .jsonl file, or one question a line to a .txt file",
        )
    if suffix in (".jsonl", ".ndjson"):
        return [_question(row, f"{path}:{number}") for number, row in read_jsonl(path)]
    if suffix == ".parquet":
        return [_question(row, f"{path}:row {number}") for number, row in parquet_rows(path)]
    if suffix == ".csv":
        rows, problems = read_csv(path)
        if problems:
            raise problems[0]
        return [_question(row, f"{path}:{number}") for number, row in rows]
    try:
        return [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise InputError(f"byte {error.start + 1:,} is not UTF-8", where=str(path)) from error


def _question(row: dict[str, Any], where: str) -> str:
    name = next((name for name in _FIELDS if row.get(name) is not None), None)
    if name is None:
        raise InputError(f"the row has none of the fields {', '.join(_FIELDS)}", where=where)
    return "\n".join(strings(row[name]))
