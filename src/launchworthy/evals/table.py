"""A run's items as columns, for files and frames: a row an item, a column a metric. May import ``records``.

Text stays text, any other JSON value is written as JSON text; a metric that could not score is null, and
``METRIC:error`` says why.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from launchworthy.records import RunItem

if TYPE_CHECKING:
    from arro3.core import Table

__all__ = ["arrow_table", "run_columns"]

_PLAIN = ("output", "error", "latency_ms", "cost_usd", "attempts", "trace_id", "cluster")
_NUMBERS = ("latency_ms", "cost_usd")


def run_columns(items: Iterable[RunItem]) -> dict[str, list[Any]]:
    """Columns by name, in order of the items; metrics last, sorted, each with its errors if it has any."""
    items = list(items)
    metrics = sorted({name for item in items for name in item.scores})
    columns: dict[str, list[Any]] = {
        "item": [item.item_id for item in items],
        "input": [_text(item.input) for item in items],
        "expected": [_text(item.expected) for item in items],
    }
    for name in _PLAIN:
        values = [getattr(item, name) for item in items]
        columns[name] = [_text(value) for value in values] if name == "output" else values
    columns["slices"] = [list(item.slices) for item in items]
    for metric in metrics:
        scores = [item.scores.get(metric) for item in items]
        columns[metric] = [None if score is None else score.value for score in scores]
        errors = [None if score is None else score.error for score in scores]
        if any(error is not None for error in errors):
            columns[f"{metric}:error"] = errors
    return columns


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def arrow_table(columns: dict[str, list[Any]]) -> Table:
    """The columns of :func:`run_columns` as one Arrow table."""
    import numpy as np
    from arro3.core import Array, DataType, Table, list_array

    arrays: dict[str, Any] = {}
    for name, values in columns.items():
        if name == "slices":
            ends = np.cumsum([0, *map(len, values)], dtype=np.int32)
            flat = Array([one for value in values for one in value], type=DataType.string())
            arrays[name] = list_array(Array.from_numpy(ends), flat)
        elif name == "attempts":
            arrays[name] = Array(values, type=DataType.int64())
        elif name in _NUMBERS or not any(isinstance(value, str) for value in values):
            number = name in _NUMBERS or any(value is not None for value in values)
            arrays[name] = Array(values, type=DataType.float64() if number else DataType.string())
        else:
            arrays[name] = Array(values, type=DataType.string())
    return Table.from_pydict(arrays)
