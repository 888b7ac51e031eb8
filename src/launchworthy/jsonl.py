"""Reading JSON Lines that others wrote: one object a line, errors by file and line, bounded memory.

May import ``errors`` and the standard library only. UTF-8 with or without a byte order mark; blank
lines are passed over. What JSON does not allow (NaN, infinities), or allows and means nothing (a key
twice, half a surrogate pair), is refused rather than guessed at.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from launchworthy.errors import InputError

__all__ = ["MAX_DEPTH", "MAX_LINE_BYTES", "collect_jsonl", "each_jsonl", "read_jsonl"]

MAX_LINE_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 64
_FOREIGN = {
    b"\x1f\x8b": "gzip-compressed",
    b"PK\x03\x04": "a zip archive",
    b"\x28\xb5\x2f\xfd": "zstd-compressed",
    b"PAR1": "Parquet",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def read_jsonl(
    path: Path | str, *, unique: str | None = None, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield ``(line number, object)`` for every line, the first line being 1.

    ``unique`` names a field whose value no two lines may share (lines without it are let through).

    Raises:
        InputError: At the first line that is wrong; ``where`` is ``file:line``.
    """
    for number, row in each_jsonl(Path(path), unique, max_line_bytes):
        if isinstance(row, InputError):
            raise row
        yield number, row


def collect_jsonl(
    path: Path | str, *, unique: str | None = None, max_line_bytes: int = MAX_LINE_BYTES
) -> tuple[list[tuple[int, dict[str, Any]]], list[InputError]]:
    """All good lines, and every problem by line, for callers that report them together.

    Raises:
        InputError: The file cannot be opened at all.
    """
    good: list[tuple[int, dict[str, Any]]] = []
    problems: list[InputError] = []
    for number, row in each_jsonl(Path(path), unique, max_line_bytes):
        if isinstance(row, InputError):
            problems.append(row)
        else:
            good.append((number, row))
    return good, problems


def each_jsonl(
    path: Path, unique: str | None = None, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[tuple[int, dict[str, Any] | InputError]]:
    """Every line as it is read: its number, and its object or what is wrong with it.

    Raises:
        InputError: The file cannot be opened at all.
    """
    seen: dict[str, int] = {}
    for number, line, complete in _lines(path, max_line_bytes):
        where = f"{path}:{number}"
        if line is None:
            yield (
                number,
                InputError(
                    f"the line is longer than {max_line_bytes:,} bytes",
                    where=where,
                    hint="one JSON object a line; move large content into files of its own",
                ),
            )
            continue
        try:
            row = _parse(line, where=where, complete=complete)
        except InputError as problem:
            yield number, problem
            continue
        if row is None:
            continue
        if unique is not None and row.get(unique) is not None:
            key = str(row[unique])
            if key in seen:
                yield (
                    number,
                    InputError(
                        f"{unique} {key[:80]!r} stands in line {seen[key]} already",
                        where=where,
                        hint=f"no two lines share one {unique}",
                    ),
                )
                continue
            seen[key] = number
        yield number, row


def _lines(path: Path, most: int) -> Iterator[tuple[int, bytes | None, bool]]:
    """Line number, bytes (None if too long), and whether a line feed ended it."""
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(most + 1):
                number += 1
                if number == 1:
                    _refuse_foreign(line, path)
                    line = line.removeprefix(b"\xef\xbb\xbf")
                complete = line.endswith(b"\n")
                if len(line) > most and not complete:
                    _skip_line(file)
                    yield number, None, True
                else:
                    yield number, line, complete
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error


def _skip_line(file: BinaryIO) -> None:
    while (piece := file.readline(1 << 20)) and not piece.endswith(b"\n"):
        pass


def _refuse_foreign(start: bytes, path: Path) -> None:
    for magic, name in _FOREIGN.items():
        if start.startswith(magic):
            raise InputError(
                f"the file is {name}, not JSON Lines", where=f"{path}:1", hint="give plain UTF-8 text"
            )


def _parse(line: bytes, *, where: str, complete: bool) -> dict[str, Any] | None:
    try:
        text = line.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise InputError(
            f"byte {error.start + 1} of the line is not UTF-8", where=where, hint="save the file as UTF-8"
        ) from error
    if not text:
        return None
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite
        )
    except RecursionError as error:
        raise _too_deep(where) from error
    except json.JSONDecodeError as error:
        cut = "the file ends inside this line: was it cut off?"
        raise InputError(
            f"not JSON: {error.msg.removesuffix(' at')} at character {error.pos + 1}",
            where=where,
            hint="one JSON object a line, with double quotes" if complete else cut,
        ) from error
    except ValueError as error:
        message = "a number has too many digits" if "digits" in str(error) else str(error)
        raise InputError(message, where=where) from error
    if not isinstance(value, dict):
        raise InputError(
            f"the line holds {_kind(value)}, not an object", where=where, hint='write {"id": …, …}'
        )
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise _too_deep(where)
    if "\\u" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise InputError(
                "the line holds half a surrogate pair, which is no character", where=where
            ) from error
    return value


def _too_deep(where: str) -> InputError:
    return InputError(f"nested deeper than {MAX_DEPTH} levels", where=where)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:80]!r} stands twice in one object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON; leave out what was not measured, or write null")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:40]} is too large")
    return number


def _depth(value: Any) -> int:
    deepest, stack = 0, [(value, 1)]
    while stack:
        item, depth = stack.pop()
        deepest = max(deepest, depth)
        if isinstance(item, dict):
            stack += [(child, depth + 1) for child in item.values() if isinstance(child, (dict, list))]
        elif isinstance(item, list):
            stack += [(child, depth + 1) for child in item if isinstance(child, (dict, list))]
    return deepest


def _kind(value: Any) -> str:
    names = {list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
