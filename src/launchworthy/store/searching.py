"""Looking for texts in every file of a data folder: whether an erasure left anything behind.

May import ``records`` and ``errors``. Every file is read byte by byte, free pages of databases and all;
what is compressed is opened. What contracts and keys say of people stays, and is not looked at.
"""
# ruff: noqa: S608 (names in SQL come from the schema, values from parameters or text_literal)

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import LargeBinary, func, literal, select

from launchworthy.errors import InputError
from launchworthy.records import TABLES, ColumnType
from launchworthy.store.arrow import decode
from launchworthy.store.database import Database
from launchworthy.store.hot import Hot
from launchworthy.store.runs import unpack_items
from launchworthy.store.schema import metadata
from launchworthy.store.segments import Segments

__all__ = ["LEAST", "Remnant", "find_texts"]

LEAST = 8
"""Characters of a text that can be looked for: a shorter one stands anywhere by chance."""

_BLOCK = 1 << 20
_TEXTUAL = (ColumnType.TEXT, ColumnType.JSON)
# Where people stand by their office: who signs, who owns a key, who asked for an erasure.
_OFFICES = frozenset(
    {"contracts", "key_people", "api_keys", "settings", "approval_links", "approval_deliveries"}
)
_PACKED: dict[str, Callable[[bytes], str]] = {
    "run_chunks": lambda body: json.dumps(unpack_items(body), ensure_ascii=False),
    "ingest_log": lambda body: _rows(body),
    "quarantine": lambda body: _rows(body),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remnant:
    """A text that stands somewhere.

    Attributes:
        place: File under the data folder, with table and column where it is known.
        text: Which of the texts, by its place among them.
    """

    place: str
    text: int


def find_texts(
    texts: Sequence[str], *, folder: Path, database: Database, hot: Hot, segments: Segments
) -> list[Remnant]:
    """Where any of these texts stands.

    Raises:
        InputError: A text is too short to be told from chance.
    """
    for text in texts:
        if len(text) < LEAST:
            raise InputError(
                f"a text of {len(text)} characters stands anywhere by chance",
                where="texts",
                hint=f"look for texts of at least {LEAST} characters",
            )
    found = [
        *_in_records(texts, hot, segments),
        *_in_metadata(texts, database),
        *_in_files(texts, folder, database),
    ]
    return list(dict.fromkeys(found))


def _in_records(texts: Sequence[str], hot: Hot, segments: Segments) -> Iterator[Remnant]:
    paths = segments.paths()
    with hot.reading() as cursor:
        for table in TABLES.values():
            names = [column.name for column in table.columns if column.type in _TEXTUAL]
            sources = [("hot.duckdb", f"hot.raw.{table.name}")]
            if table.name in paths:
                sources.append(("segments", Hot.parquet(paths[table.name])))
            for file, source in sources:
                for place, text in enumerate(texts):
                    said, written = text, json.dumps(text)[1:-1]
                    counts = ", ".join(
                        f"count(*) FILTER (contains({name}, $said) OR contains({name}, $written))"
                        for name in names
                    )
                    row = cursor.execute(
                        f"SELECT {counts} FROM {source}", {"said": said, "written": written}
                    ).fetchall()[0]
                    for name, count in zip(names, row, strict=True):
                        if count:
                            yield Remnant(place=f"{file}: {table.name}.{name}", text=place)


def _in_metadata(texts: Sequence[str], database: Database) -> Iterator[Remnant]:
    with database.read() as connection:
        for table in metadata.sorted_tables:
            if table.name in _OFFICES:
                continue
            opening = _PACKED.get(table.name)
            for column in table.columns:
                where = f"{database.path.name}: {table.name}.{column.name}"
                if isinstance(column.type, LargeBinary):
                    if opening is None:
                        continue  # a hash or a salt, or encrypted; raw bytes are read below
                    for (body,) in connection.execute(select(column)):
                        yield from _within(texts, _opened(opening, bytes(body)), where)
                elif column.type.python_type is str:
                    for place, text in enumerate(texts):
                        forms = {text, json.dumps(text)[1:-1]}
                        if any(
                            connection.execute(
                                select(func.count()).where(func.instr(column, literal(form)) > 0)
                            ).scalar_one()
                            for form in forms
                        ):
                            yield Remnant(place=where, text=place)


def _rows(body: bytes) -> str:
    table = decode(body)
    return "\n".join(str(table.column(name).to_pylist()) for name in table.column_names)


def _opened(opening: Callable[[bytes], str], body: bytes) -> str:
    try:
        return opening(body)
    except Exception:  # what cannot be opened is looked at as it is
        return body.decode("latin-1")


def _within(texts: Sequence[str], held: str, where: str) -> Iterator[Remnant]:
    for place, text in enumerate(texts):
        if text in held or json.dumps(text)[1:-1] in held:
            yield Remnant(place=where, text=place)


def _in_files(texts: Sequence[str], folder: Path, database: Database) -> Iterator[Remnant]:
    needles = [
        (place, form)
        for place, text in enumerate(texts)
        for form in {text.encode("utf-8", "surrogatepass"), json.dumps(text)[1:-1].encode()}
    ]
    longest = max((len(form) for _, form in needles), default=0)
    stands: dict[int, int] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        counts: dict[int, int] = {}
        for place, count in _counted(path, needles, longest):
            counts[place] = counts.get(place, 0) + count
        name = str(path.relative_to(folder))
        for place, count in counts.items():
            if path.name.startswith(database.path.name):
                stands[place] = stands.get(place, 0) + count
            else:
                yield Remnant(place=name, text=place)
    if stands:
        allowed = _of_offices(texts, database)
        for place, count in stands.items():
            if count > allowed.get(place, 0):
                yield Remnant(place=database.path.name, text=place)


def _counted(path: Path, needles: Sequence[tuple[int, bytes]], longest: int) -> Iterator[tuple[int, int]]:
    try:
        with path.open("rb") as file:
            kept = b""
            while block := file.read(_BLOCK):
                held = kept + block
                for place, form in needles:
                    count = held.count(form) - kept.count(form)
                    if count > 0:
                        yield place, count
                kept = held[-(longest - 1) :] if longest > 1 else b""
    except OSError:
        return  # gone since it was listed


def _of_offices(texts: Sequence[str], database: Database) -> dict[int, int]:
    """How often each text stands where people stand by their office: in the file, that often may be."""
    found: dict[int, int] = {}
    with database.read() as connection:
        for table in metadata.sorted_tables:
            if table.name not in _OFFICES:
                continue
            for row in connection.execute(select(table)):
                for value in row:
                    for place, text in enumerate(texts):
                        found[place] = found.get(place, 0) + _times(text, value)
    return found


def _times(text: str, value: Any) -> int:
    if not isinstance(value, str):
        return 0
    # An index holds a value once more.
    return 2 * sum(value.count(form) for form in {text, json.dumps(text)[1:-1]})
