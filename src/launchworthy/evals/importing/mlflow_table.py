"""MLflow's table of an evaluation: ``eval_results_table.json``, or the frame written as JSON or CSV. Pure.

May import this package and ``errors``. A metric is a column ``NAME/value`` (``mlflow.genai.evaluate``) or
``NAME/score`` (``mlflow.evaluate``); ``NAME/error_message`` says that it could not score. A truth that was
expected has such a column too, and no metric is made of it; a row whose ``state`` is ERROR has no answer.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from launchworthy.errors import InputError
from launchworthy.evals.importing.results import (
    ALL,
    Results,
    name_of,
    number_of,
    object_of,
    scored,
    text_of,
    together,
    unique_ids,
)
from launchworthy.records import RunItem, Score

__all__ = ["is_mlflow", "read_mlflow", "table_rows"]

_ENDS = ("/value", "/score")
_YES_OR_NO = {"yes": True, "no": False, "true": True, "false": False}
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "item_id", "request_id", "trace_id"),
    "input": ("inputs", "request", "input", "question"),
    "output": ("outputs", "response", "output", "prediction"),
    "expected": ("expectations", "targets", "target", "ground_truth", "expected"),
    "latency": ("execution_duration", "latency_ms"),
}


def is_mlflow(document: Any) -> bool:
    """Whether a JSON document, or rows of a CSV file, has a metric's columns."""
    if isinstance(document, dict) and isinstance(document.get("columns"), list) and "data" in document:
        return any(str(column).endswith(_ENDS) for column in document["columns"])
    if isinstance(document, list):
        document = document[:1]  # a broken row further down is for its reader to tell
    try:
        rows = table_rows(document, where="")
    except InputError:
        return False
    return bool(rows) and any(column.endswith(_ENDS) for column in rows[0])


def table_rows(document: Any, *, where: str) -> list[Mapping[str, Any]]:
    """Rows from each orientation in which a frame is written: split, records, columns, index.

    Raises:
        InputError: No table.
    """
    if isinstance(document, list):
        return [object_of(row, where=f"{where}: row {number + 1}") for number, row in enumerate(document)]
    table = object_of(document, where=where)
    columns, data = table.get("columns"), table.get("data")
    if isinstance(columns, list) and isinstance(data, list):
        for number, row in enumerate(data):
            if not isinstance(row, list) or len(row) != len(columns):
                raise InputError(
                    f"it has not the {len(columns)} values of the header", where=f"{where}: row {number + 1}"
                )
        return [dict(zip(map(str, columns), row, strict=True)) for row in data]
    if table and all(isinstance(column, dict) for column in table.values()):
        by_column = any(str(name).endswith(_ENDS) for name in table)
        if not by_column:
            return list(table.values())
        keys = [*dict.fromkeys(key for column in table.values() for key in column)]
        return [{name: column.get(key) for name, column in table.items()} for key in keys]
    raise InputError(
        "no table of results", where=where, hint="write it with result_df.to_json(orient='split')"
    )


def read_mlflow(document: Any, *, where: str) -> Results:
    """The rows of a table.

    Raises:
        InputError: No table, or one without a metric.
    """
    rows = table_rows(document, where=where)
    columns = [*dict.fromkeys(column for row in rows for column in row)]
    metrics = [
        column
        for column in columns
        if column.endswith(_ENDS) and not _is_expectation(column.rpartition("/")[0], rows)
    ]
    if not metrics:
        raise InputError(
            "no metric: no column NAME/value or NAME/score but of what was expected", where=where
        )
    items = [_item(row, metrics, number) for number, row in enumerate(rows)]
    if all(score.value in (0.0, 1.0, None) for item in items for score in item.scores.values()):
        items = [
            replace(item, scores={**item.scores, ALL: together(item.scores.values())})
            if item.scores
            else item
            for item in items
        ]
    return Results(tool="MLflow", target="MLflow evaluation", items=unique_ids(items, repeats=False))


def _is_expectation(name: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a column holds what was expected (mlflow.genai), by the assessments that stand beside it."""
    told = [found for row in rows if (found := _assessed(row.get("assessments"), name)) is not None]
    return bool(told) and all(told)


def _assessed(assessments: Any, name: str) -> bool | None:
    """Whether the assessment of a name is an expectation; None where there is none of that name."""
    if isinstance(assessments, str):  # of a CSV file: Python's own writing
        try:
            assessments = ast.literal_eval(assessments)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    for one in assessments if isinstance(assessments, list) else ():
        if isinstance(one, dict) and one.get("assessment_name") == name:
            return "expectation" in one
    return None


def _item(row: Mapping[str, Any], metrics: Sequence[str], number: int) -> RunItem:
    scores: dict[str, Score] = {}
    for column in metrics:
        name = column.rpartition("/")[0]
        value, error = row.get(column), text_of(row.get(f"{name}/error_message"))
        if value is None or value == "":
            if error is None:
                continue  # the scorer had nothing to say of this row
            value = None
        scores[name_of(name)] = scored(_plain(value), error=error)
    found = {
        field: next((row[name] for name in names if row.get(name) not in (None, "")), None)
        for field, names in _FIELDS.items()
    }
    own = found["id"]
    failed = text_of(row.get("error_message"))
    if failed is None and row.get("state") == "ERROR":
        failed = "the call failed (state ERROR)"
    return RunItem(
        item_id=name_of(own) if isinstance(own, (str, int)) else f"row-{number + 1}",
        input=found["input"],
        expected=found["expected"],
        output=found["output"],
        error=None if failed is None else failed[:500],
        latency_ms=number_of(_plain(found["latency"])),
        scores={} if failed is not None else scores,
    )


def _plain(value: Any) -> Any:
    """A value as CSV writes it, too: ``yes``, ``True``, ``0.5``."""
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _YES_OR_NO:
            return _YES_OR_NO[word]
        try:
            return float(word)
        except ValueError:
            return value
    return value
