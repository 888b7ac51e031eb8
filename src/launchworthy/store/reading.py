"""What a query may be, and how it runs: one SELECT over the views, read-only, bounded in time and rows.

The statement is parsed by DuckDB itself and its tree is searched: tables must be views of this store,
table functions must be pure. That DuckDB may open no other file is a second fence. May import ``errors``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date
from datetime import time as clock
from decimal import Decimal
from hashlib import sha256
from itertools import accumulate
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from launchworthy.errors import InputError
from launchworthy.records import TABLES

__all__ = ["VIEWS", "check_select", "run_select"]

VIEWS = (*TABLES, "rollup_hour", "latency_hour", "trace_index")
_FUNCTIONS = frozenset({"unnest", "range", "generate_series", "repeat_row"})
_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
# DuckDB's own views, and files, could otherwise be named outside the subquery that borrows their name.
_SYSTEM = ("duckdb_", "pg_", "pragma_", "sqlite_")
_MAX_SQL_CHARS = 100_000
_MOST_PASSED = 2_000
_passed: set[bytes] = set()  # digests of texts that may run: monitors ask the same ones every minute
_MAX_OPEN = 200  # DuckDB's parser takes minutes over thousands of parentheses that nothing closes


def check_select(cursor: DuckDBPyConnection, sql: str) -> None:
    """Refuse everything but one SELECT over the views.

    Raises:
        InputError: Says what is not allowed, or where the syntax is wrong.
    """
    if len(sql) > _MAX_SQL_CHARS:
        raise InputError(f"the query has {len(sql):,} characters", hint=f"at most {_MAX_SQL_CHARS:,}")
    digest = sha256(sql.encode("utf-8", "surrogatepass")).digest()
    if digest in _passed:
        return
    _check(cursor, sql)
    if len(_passed) >= _MOST_PASSED:
        _passed.clear()
    _passed.add(digest)


def _check(cursor: DuckDBPyConnection, sql: str) -> None:
    hint = f"write one SELECT over {', '.join(VIEWS)}"
    if _open_at_once(sql) > _MAX_OPEN:
        raise InputError(f"more than {_MAX_OPEN} parentheses are open at once", where="sql", hint=hint)
    try:
        tree = json.loads(cursor.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()[0][0])
    except (duckdb.Error, ValueError, RecursionError, UnicodeError) as error:
        raise InputError(f"the query cannot be read: {error}", where="sql", hint=hint) from error
    if tree["error"]:
        raise InputError(f"not a query: {tree['error_message']}", where="sql", hint=hint)
    if len(tree["statements"]) != 1:
        raise InputError("more than one statement", where="sql", hint=hint)
    nodes = list(_nodes(tree["statements"]))
    named = {
        entry["key"].lower()
        for node in nodes
        if isinstance(node.get("cte_map"), dict)
        for entry in node["cte_map"]["map"]
    } | {node["cte_name"].lower() for node in nodes if isinstance(node.get("cte_name"), str)}
    for name in named:
        if not name.isidentifier() or name.startswith(_SYSTEM):
            raise InputError(f"{name!r:.100} cannot name a subquery here", where="sql", hint=hint)
    for node in nodes:
        kind = node.get("type")
        if not isinstance(kind, str):
            continue
        if kind == "BASE_TABLE":
            path = node["qualified_name"]["path"]
            if len(path) != 1 or path[0].lower() not in named.union(VIEWS):
                raise InputError(f"no table {'.'.join(path)!r:.100} to query", where="sql", hint=hint)
        elif kind == "TABLE_FUNCTION":
            name = node["function"]["function_name"].lower()
            if name not in _FUNCTIONS:
                raise InputError(f"the table function {name:.100} is not allowed", where="sql", hint=hint)
        elif kind == "SHOW_REF" or (kind.endswith("_NODE") and kind not in _NODES):
            raise InputError("only SELECT is allowed", where="sql", hint=hint)


def _open_at_once(sql: str) -> int:
    """Most parentheses that are open at one place; those in texts count too."""
    steps = (1 if mark == "(" else -1 for mark in re.findall(r"[()]", sql))
    return max(accumulate(steps), default=0)


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def run_select(
    cursor: DuckDBPyConnection, sql: str, parameters: Sequence[Any], *, max_rows: int
) -> list[dict[str, Any]]:
    """Run a checked query; identifiers come as hexadecimal text.

    Raises:
        InputError: It answers too much, or a parameter is of no type that DuckDB knows.
        duckdb.Error: DuckDB refuses it.
    """
    try:
        cursor.execute(sql, list(parameters))
        names = [column[0] for column in cursor.description or ()]
        rows = cursor.fetchmany(max_rows + 1)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        if isinstance(error, duckdb.Error):
            raise
        raise InputError(str(error).splitlines()[0], where="sql") from error
    if len(rows) > max_rows:
        raise InputError(f"the query answers more than {max_rows:,} rows", hint="add a LIMIT")
    return [dict(zip(names, map(_shown, row), strict=True)) for row in rows]


def _shown(value: Any) -> Any:
    """A value as JSON has it, so that an answer is the same here and over HTTP."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {_shown(key): _shown(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shown(item) for item in value]
    return value.isoformat() if isinstance(value, (date, clock)) else str(value)
