"""What pages ask of the records, each as one or two narrow scans. May import ``records`` and ``errors``.

A filter names columns of ``spans`` and the values they must have; ``attributes.NAME`` filters by an
attribute. Times are nanoseconds, identifiers hexadecimal text.
"""
# ruff: noqa: S608 (names in SQL come from the schema, values from parameters or text_literal)

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from duckdb import DuckDBPyConnection

from launchworthy.errors import InputError
from launchworthy.records import SPANS, ColumnType

__all__ = ["LIST_COLUMNS", "model_stats", "newest_spans", "newest_traces", "trace"]

LIST_COLUMNS = (
    "trace_id",
    "span_id",
    "parent_span_id",
    "product",
    "workflow",
    "release",
    "cohort",
    "user_id",
    "session_id",
    "name",
    "kind",
    "start_time",
    "duration_ms",
    "status",
    "error_type",
    "model",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "simulated",
)
_MAX_LIMIT = 10_000


def newest_spans(
    cursor: DuckDBPyConnection,
    *,
    where: Mapping[str, Any],
    before: int | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Newest first, without the long texts; ``before`` is a start time to page from."""
    condition, parameters = _condition(where, before=before)
    return _rows(
        cursor,
        f"SELECT {', '.join(LIST_COLUMNS)} FROM main.spans{condition}"
        f" ORDER BY start_time DESC LIMIT {_limit(limit)}",
        parameters,
    )


def newest_traces(
    cursor: DuckDBPyConnection,
    *,
    where: Mapping[str, Any],
    before: int | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Newest root spans, each with ``spans``, ``errors``, ``tokens`` and ``cost_usd`` of its whole trace."""
    roots = newest_spans(cursor, where={"parent_span_id": None, **where}, before=before, limit=limit)
    if not roots:
        return []
    ids = [bytes.fromhex(root["trace_id"]) for root in roots]
    span = cursor.execute(
        "SELECT min(min_time), max(max_time) FROM hot.raw.traces"
        " WHERE trace_id IN (SELECT unnest(?::BLOB[]))",
        [ids],
    ).fetchall()[0]
    sums = {
        row["trace_id"]: row
        for row in _rows(
            cursor,
            "SELECT trace_id, count(*) AS spans, count(*) FILTER (status = 'error') AS errors,"
            " sum(input_tokens)::BIGINT AS input_tokens, sum(output_tokens)::BIGINT AS output_tokens,"
            " sum(cost_usd) AS cost_usd, arg_min(model, start_time) FILTER (model IS NOT NULL) AS model"
            " FROM main.spans WHERE start_time BETWEEN ? AND ?"
            " AND trace_id IN (SELECT unnest(?::BLOB[])) GROUP BY trace_id",
            [*span, ids],
        )
    }
    return [{**root, **sums.get(root["trace_id"], {})} for root in roots]


def trace(cursor: DuckDBPyConnection, trace_id: str) -> list[dict[str, Any]]:
    """Every span of a trace with all columns, in order of start; empty if there is none.

    Raises:
        InputError: The id is not 32 hexadecimal digits.
    """
    raw = _identifier(trace_id, size=16)
    low, high = cursor.execute(
        "SELECT min(min_time), max(max_time) FROM hot.raw.traces WHERE trace_id = ?", [raw]
    ).fetchall()[0]
    if low is None:
        return []
    return _rows(
        cursor,
        "SELECT * FROM main.spans WHERE start_time BETWEEN ? AND ? AND trace_id = ?"
        " ORDER BY start_time, duration_ms DESC, span_id",
        [low, high, raw],
    )


def model_stats(
    cursor: DuckDBPyConnection, *, since: int, until: int, product: str | None
) -> list[dict[str, Any]]:
    """Calls, errors, P50 and P95 latency, tokens and cost for each model; most calls first."""
    of_product = " AND product = ?" if product is not None else ""
    return _rows(
        cursor,
        # Both quantiles in one list: the durations are gathered and sorted once.
        "SELECT model, provider, calls, errors, quantiles[1] AS p50_ms, quantiles[2] AS p95_ms,"
        " input_tokens, output_tokens, cost_usd FROM ("
        "SELECT model, provider, count(*) AS calls, count(*) FILTER (status = 'error') AS errors,"
        " quantile_cont(duration_ms, [0.5, 0.95]) AS quantiles,"
        " sum(input_tokens)::BIGINT AS input_tokens, sum(output_tokens)::BIGINT AS output_tokens,"
        " sum(cost_usd) AS cost_usd FROM main.spans"
        f" WHERE start_time >= ? AND start_time < ? AND model IS NOT NULL{of_product}"
        " GROUP BY model, provider) ORDER BY calls DESC, model",
        [since, until, *([product] if product is not None else [])],
    )


def _condition(where: Mapping[str, Any], *, before: int | None) -> tuple[str, list[Any]]:
    parts: list[str] = []
    parameters: list[Any] = []
    for name, value in where.items():
        if name.startswith("attributes."):
            key = name.removeprefix("attributes.")
            text = value if isinstance(value, str) else json.dumps(value)
            # A plain text search first: it skips nearly every row before any JSON is read.
            parts.append("contains(attributes, ?) AND json_extract_string(attributes, ?) = ?")
            parameters += [
                json.dumps(text, ensure_ascii=False)[1:-1],
                "/" + key.replace("~", "~0").replace("/", "~1"),
                text,
            ]
        elif name not in SPANS.names:
            raise InputError(
                f"spans have no column {name!r:.80}",
                where="filter",
                hint="columns of spans, or attributes.NAME",
            )
        elif value is None:
            parts.append(f"{name} IS NULL")
        elif SPANS.column(name).type is ColumnType.ID:
            parts.append(f"{name} = ?")
            parameters.append(_identifier(value, size=16 if name == "trace_id" else 8))
        else:
            parts.append(f"{name} = ?")
            parameters.append(value)
    if before is not None:
        parts.append("start_time < ?")
        parameters.append(before)
    return (" WHERE " + " AND ".join(parts) if parts else ""), parameters


def _identifier(text: Any, *, size: int) -> bytes:
    try:
        raw = bytes.fromhex(text)
    except (TypeError, ValueError) as error:
        raise InputError(f"not an identifier: {text!r:.80}", hint=f"{2 * size} hexadecimal digits") from error
    if len(raw) != size:
        raise InputError(f"not an identifier: {text!r:.80}", hint=f"{2 * size} hexadecimal digits")
    return raw


def _limit(limit: int) -> int:
    if not 1 <= limit <= _MAX_LIMIT:
        raise InputError(f"a limit of {limit}", where="limit", hint=f"1 to {_MAX_LIMIT:,}")
    return limit


def _rows(cursor: DuckDBPyConnection, sql: str, parameters: list[Any]) -> list[dict[str, Any]]:
    cursor.execute(sql, parameters)
    names = [column[0] for column in cursor.description or ()]
    return [
        {
            name: value.hex() if isinstance(value, bytes) else value
            for name, value in zip(names, row, strict=True)
        }
        for row in cursor.fetchall()
    ]
