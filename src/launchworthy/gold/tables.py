"""Rows of a table file (CSV, Parquet) as JSON values. May import ``errors``; DuckDB loads for Parquet."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from launchworthy.errors import InputError

__all__ = ["parquet_rows", "plain", "read_csv", "read_parquet"]

_LISTS = frozenset({"slices", "tags", "relevant"})
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_MAX_COLUMNS = 1_000


def read_csv(path: Path) -> tuple[list[tuple[int, dict[str, Any]]], list[InputError]]:
    """Rows by line. An empty cell is an absent field; a cell that starts with ``[`` or ``{`` is JSON;
    slices, tags and relevant ids may be separated by ``;`` or ``|``.

    Raises:
        InputError: The file cannot be opened.
    """
    rows: list[tuple[int, dict[str, Any]]] = []
    problems: list[InputError] = []
    start = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(_without_nul(file), strict=True)
            header = _header(next(reader, []), path)
            start = reader.line_num + 1
            for cells in reader:
                where = f"{path}:{start}"
                try:
                    if any(cells):
                        rows.append((start, _cells(header, cells, where=where)))
                except InputError as problem:
                    problems.append(problem)
                start = reader.line_num + 1
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error
    except UnicodeDecodeError as error:
        problems.append(
            InputError(
                f"byte {error.start + 1:,} of a block is not UTF-8; nothing after it was looked at",
                where=f"{path}:{_bad_line(path)}",
                hint="save the file as UTF-8",
            )
        )
    except csv.Error as error:
        problems.append(
            InputError(
                f"not CSV: {error}; nothing after it was looked at",
                where=f"{path}:{start}",
                hint='quote a cell that holds a comma, a quote or a line break: "so, it says ""yes"""',
            )
        )
    return rows, problems


def _without_nul(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if "\0" in line:
            raise csv.Error("a line holds a NUL character")
        yield line


def _bad_line(path: Path) -> int:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 1


def _header(names: list[str], path: Path) -> list[str]:
    where = f"{path}:1"
    header = [name.strip() for name in names]
    if not any(header):
        raise InputError(
            "the first line names no columns", where=where, hint="write id,input,expected,slices"
        )
    if len(header) > _MAX_COLUMNS:
        raise InputError(f"{len(header):,} columns; at most {_MAX_COLUMNS:,} are read", where=where)
    for name in header:
        if not name:
            raise InputError("a column has no name", where=where)
        if header.count(name) > 1:
            raise InputError(f"the column {name!r:.80} stands twice", where=where)
    return header


def _cells(header: list[str], cells: list[str], *, where: str) -> dict[str, Any]:
    if len(cells) != len(header):
        raise InputError(
            f"the row has {len(cells):,} cells, the header {len(header):,}",
            where=where,
            hint="is a comma inside a cell without quotes round it?",
        )
    return {
        name: _cell(name, text, where=where) for name, text in zip(header, cells, strict=True) if text != ""
    }


def _cell(name: str, text: str, *, where: str) -> Any:
    if name == "answerable":
        return _FLAGS.get(text.strip().lower(), text)
    if text[0] in "[{":
        try:
            return plain(json.loads(text))
        except (ValueError, RecursionError) as error:
            if name in _LISTS:
                raise InputError(f"{name} starts like JSON and is not: {error}", where=where) from error
            return text
    if name in _LISTS:
        return [part.strip() for part in text.replace("|", ";").split(";") if part.strip()]
    return text


def read_parquet(path: Path) -> tuple[list[tuple[int, dict[str, Any]]], list[InputError]]:
    """Rows by number, the first being 1. A null is an absent field; dates become ISO 8601 text.

    Raises:
        InputError: Not a Parquet file, or DuckDB cannot read it.
    """
    rows: list[tuple[int, dict[str, Any]]] = []
    problems: list[InputError] = []
    for number, values in parquet_rows(path):
        try:
            row = {name: plain(value) for name, value in values.items()}
        except ValueError as error:
            problems.append(InputError(str(error), where=f"{path}:row {number}"))
            continue
        rows.append((number, {name: value for name, value in row.items() if value is not None}))
    return rows, problems


def parquet_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows as the file holds them, by number, a thousand in memory at a time.

    Raises:
        InputError: Not a Parquet file, or DuckDB cannot read it.
    """
    import duckdb

    if any(character in str(path) for character in "*?["):
        raise InputError(
            "a Parquet file whose path holds *, ? or [ is not read", where=str(path), hint="rename it"
        )
    # A file we are handed must not make the engine load code or look at anything but itself.
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    with duckdb.connect(":memory:", config=settings) as connection:
        try:
            cursor = connection.execute(
                "SELECT * FROM read_parquet(?, hive_partitioning = false)", [str(path)]
            )
            names = [column[0] for column in cursor.description or []]
            number = 0
            while block := cursor.fetchmany(1_000):
                for values in block:
                    number += 1
                    yield number, dict(zip(names, values, strict=True))
        except duckdb.Error as error:
            raise InputError(
                f"not a Parquet file that can be read: {str(error).splitlines()[0][:300]}", where=str(path)
            ) from error


def plain(value: Any) -> Any:
    """The JSON value of what a table holds; fields of a struct that are null are absent.

    Raises:
        ValueError: Bytes, NaN and infinities have none.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise ValueError(f"{value} is not a number that JSON has; leave out what is not known")
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, UUID):
        return str(value)
    raise ValueError(f"a column holds {type(value).__name__}, which is not JSON")
