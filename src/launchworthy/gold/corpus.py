"""Texts that a gold set must not stand in: prompts, examples, documents, training files.

May import ``errors``, ``jsonl`` and this room. Read a piece at a time, so that a corpus of any size fits; a
file that cannot be read whole is an error, since a part that was not looked at cannot be called clean.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError
from launchworthy.gold.shingles import strings
from launchworthy.gold.tables import parquet_rows
from launchworthy.jsonl import read_jsonl

__all__ = ["Corpus", "Passage", "find_corpus", "read_corpus"]

_BLOCK = 1 << 20  # characters of a long text that are read at once
_OVERLAP = 1 << 14  # and how many of them are read again with the next
_LONGEST_CELL = 16 * 1024 * 1024
_LARGEST_JSON = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A text and where it stands: a file, or ``file:line`` with the name of the field.

    ``line`` is the line of the file that the text begins in, where places in it are lines of the file.
    """

    place: str
    text: str
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Files to read, and those in the same folders that are passed over since they hold no text we read."""

    files: tuple[Path, ...]
    skipped: tuple[Path, ...] = ()


def find_corpus(paths: Iterable[Path]) -> Corpus:
    """The files of these paths: a file as it is, of a folder every one whose suffix says that it holds text.

    Hidden files and folders are passed over.

    Raises:
        InputError: A path is not there.
    """
    files: list[Path] = []
    skipped: list[Path] = []
    for path in paths:
        if path.is_file():
            files.append(path)
            continue
        if not path.is_dir():
            raise InputError("there is no such file or folder", where=str(path))
        for each in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in each.relative_to(path).parts)
            if each.is_file() and not hidden:
                (files if each.suffix.lower() in _READERS else skipped).append(each)
    return Corpus(files=tuple(dict.fromkeys(files)), skipped=tuple(dict.fromkeys(skipped)))


def read_corpus(files: Iterable[Path]) -> Iterator[Passage]:
    """Every text of the files, in order.

    Raises:
        InputError: A file cannot be read to its end; names the line.
    """
    for path in files:
        yield from _READERS.get(path.suffix.lower(), _text)(path)


def _text(path: Path) -> Iterator[Passage]:
    """A text file in blocks that overlap, so that nothing is cut in two unseen."""
    line, kept = 1, ""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            while block := file.read(_BLOCK):
                text = kept + block
                if text.strip():
                    yield Passage(place=str(path), text=text, line=line)
                kept = text[-_OVERLAP:] if len(block) == _BLOCK else ""
                line += text.count("\n", 0, len(text) - len(kept))
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error


def _jsonl(path: Path) -> Iterator[Passage]:
    for number, row in read_jsonl(path):
        yield from _row(f"{path}:{number}", row)


def _json(path: Path) -> Iterator[Passage]:
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise InputError(
                f"the file is larger than {_LARGEST_JSON:,} bytes", where=str(path), hint="use JSON Lines"
            )
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error
    except (ValueError, RecursionError):
        yield from _text(path)  # no JSON after all: text like any other
        return
    yield from (Passage(place=str(path), text=text) for text in strings(value))


def _csv(path: Path, *, delimiter: str = ",") -> Iterator[Passage]:
    longest = csv.field_size_limit(_LONGEST_CELL)
    number = 0
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter)
            header = next(reader, [])
            # The first line may hold texts too, where a file names no columns.
            for cells in chain([header], reader):
                number = reader.line_num
                named = dict(zip([*header, *map(str, range(len(header), len(cells)))], cells, strict=False))
                yield from _row(f"{path}:{number}", named)
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error
    except csv.Error as error:
        raise InputError(f"not CSV: {error}", where=f"{path}:{number + 1}") from error
    finally:
        csv.field_size_limit(longest)


def _tsv(path: Path) -> Iterator[Passage]:
    return _csv(path, delimiter="\t")


def _parquet(path: Path) -> Iterator[Passage]:
    for number, row in parquet_rows(path):
        yield from _row(f"{path}:row {number}", row)


def _row(place: str, row: Mapping[str, Any]) -> Iterator[Passage]:
    for name, value in row.items():
        for text in strings(value):
            yield Passage(place=f"{place} {name}", text=text)


_READERS: Mapping[str, Callable[[Path], Iterator[Passage]]] = {
    **dict.fromkeys((".txt", ".text", ".md", ".markdown", ".rst", ".html", ".htm", ".xml"), _text),
    **dict.fromkeys((".prompt", ".j2", ".jinja", ".jinja2", ".tmpl", ".mustache", ".py", ".toml"), _text),
    **dict.fromkeys((".yaml", ".yml"), _text),
    **dict.fromkeys((".jsonl", ".ndjson"), _jsonl),
    ".json": _json,
    ".csv": _csv,
    ".tsv": _tsv,
    ".parquet": _parquet,
}
