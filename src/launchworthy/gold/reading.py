"""Gold files: JSON Lines, CSV, Parquet, YAML, data sets; read whole, every broken row by line and reason.

May import ``errors``, ``jsonl`` and this room. DuckDB (Parquet) and ruamel.yaml load when such a file comes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError
from launchworthy.gold.huggingface import is_dataset, read_dataset
from launchworthy.gold.item import GoldItem
from launchworthy.gold.rows import item_of
from launchworthy.gold.split import DEFAULT_HOLDOUT, split_of
from launchworthy.gold.tables import read_csv, read_parquet
from launchworthy.gold.version import canonical_json, item_row
from launchworthy.gold.yaml import read_yaml
from launchworthy.jsonl import collect_jsonl

__all__ = ["GoldFile", "is_gold_file", "load_gold", "read_gold"]

Numbered = list[tuple[int, dict[str, Any]]]
_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldFile:
    """What a file holds: ``items`` in order of the file, and every ``problem`` in order of line.

    Items are to be used only where there is no problem: nothing is imported by halves.
    """

    path: Path
    items: tuple[GoldItem, ...]
    problems: tuple[InputError, ...]


def _read_jsonl(path: Path) -> tuple[Numbered, list[InputError]]:
    return collect_jsonl(path)


_READERS: dict[str, tuple[str, Callable[[Path], tuple[Numbered, list[InputError]]]]] = {
    ".jsonl": ("", _read_jsonl),
    ".ndjson": ("", _read_jsonl),
    ".csv": ("", read_csv),
    ".parquet": ("row ", read_parquet),
    ".yaml": ("", read_yaml),
    ".yml": ("", read_yaml),
}


def is_gold_file(path: Path) -> bool:
    """Whether a file of this name would be read as a gold set."""
    return path.suffix.lower() in _READERS


def read_gold(
    path: Path,
    *,
    holdout: float = DEFAULT_HOLDOUT,
    sealed: float = 0.0,
    columns: Mapping[str, str] | None = None,
) -> GoldFile:
    """Read a gold file; its suffix says how.

    Args:
        path: ``.jsonl``, ``.ndjson``, ``.csv``, ``.parquet``, ``.yaml`` or ``.yml``; a folder that
            ``datasets`` saved, or ``hf:NAME``, either with ``:SPLIT``.
        holdout: Share of items to keep back, where rows name no split.
        sealed: Share that only the launch gate may read, where rows name no split.
        columns: Name of a column → name of the field that it is.

    Raises:
        InputError: Not such a file, or not readable at all; no row has a column that is named.
        MissingExtraError: A data set, and ``datasets`` is not installed.
    """
    word, reader = _reader_of(path)
    split_of("", holdout=holdout, sealed=sealed)  # shares that cannot be are told once, not at every row
    rows, problems = reader(path)
    rows, misnamed = _renamed(rows, columns or {}, path=path, word=word)
    items, wrong = _items(rows, path=path, word=word, holdout=holdout, sealed=sealed)
    problems = sorted([*problems, *misnamed, *wrong], key=_line_of)
    if not items and not problems:
        problems = [InputError("the file holds no rows", where=str(path))]
    return GoldFile(path=path, items=tuple(items), problems=tuple(problems))


def _reader_of(path: Path) -> tuple[str, Callable[[Path], tuple[Numbered, list[InputError]]]]:
    """What a place in the file is called, and who reads it."""
    if is_dataset(path):
        return "row ", read_dataset
    if not is_gold_file(path):
        raise InputError(
            f"gold sets are not read from {path.suffix or 'files without a suffix'!r}",
            where=str(path),
            hint=f"name it one of {', '.join(sorted(_READERS))}",
        )
    if not path.is_file():
        state = "is not a file" if path.exists() else "is not there"
        raise InputError(f"the file {state}", where=str(path))
    return _READERS[path.suffix.lower()]


def _renamed(
    rows: Numbered, columns: Mapping[str, str], *, path: Path, word: str
) -> tuple[Numbered, list[InputError]]:
    """The rows with columns under the names of the fields that they are."""
    problems: list[InputError] = []
    for column in columns:
        if rows and all(column not in row for _, row in rows):
            known = sorted({name for _, row in rows for name in row})
            raise InputError(
                f"no row has a column {column!r:.80}",
                where=str(path),
                hint=f"there are: {', '.join(known[:20])}",
            )
    renamed: Numbered = []
    for number, row in rows if columns else ():
        new = {name: value for name, value in row.items() if name not in columns}
        twice = next((columns[name] for name in columns if name in row and columns[name] in new), None)
        if twice is not None:
            problems.append(
                InputError(f"the row has a field {twice!r:.80} already", where=f"{path}:{word}{number}")
            )
            continue
        renamed.append((number, new | {columns[name]: row[name] for name in columns if name in row}))
    return (renamed if columns else rows), problems


def load_gold(path: Path, *, holdout: float = DEFAULT_HOLDOUT, sealed: float = 0.0) -> tuple[GoldItem, ...]:
    """The items of a gold file that has no problem.

    Raises:
        InputError: Not readable, or any row is broken; lists the rows.
    """
    file = read_gold(path, holdout=holdout, sealed=sealed)
    if file.problems:
        shown = "".join(f"\n  {problem.where}: {problem.message}" for problem in file.problems[:_SHOWN])
        more = len(file.problems) - _SHOWN
        rows = "1 row is" if len(file.problems) == 1 else f"{len(file.problems):,} rows are"
        raise InputError(
            f"{rows} broken, so nothing was read:{shown}" + (f"\n  and {more:,} more" if more > 0 else ""),
            where=str(path),
        )
    return file.items


def _items(
    rows: Iterable[tuple[int, dict[str, Any]]], *, path: Path, word: str, holdout: float, sealed: float
) -> tuple[list[GoldItem], list[InputError]]:
    items: list[GoldItem] = []
    problems: list[InputError] = []
    ids: dict[str, int] = {}
    contents: dict[str, int] = {}
    places: list[str] = []
    for number, row in rows:
        where = f"{path}:{word}{number}"
        try:
            item = item_of(row, holdout=holdout, sealed=sealed, where=where)
            _refuse_unwritable(item, where)
            _refuse_twin(ids, item.id, number, f"the id {item.id!r:.80}", word, where)
            _refuse_twin(contents, _asked(item), number, "the same input", word, where)
        except InputError as problem:
            problems.append(problem)
            continue
        items.append(item)
        places.append(where)
    for field in ("input", "expected"):
        odd = _odd_ones(field, items, places)
        problems += odd.values()
        items, places = (
            [each for place, each in enumerate(items) if place not in odd],
            [each for place, each in enumerate(places) if place not in odd],
        )
    return items, problems


_MANY = 100  # of few rows nobody can tell which kind is the odd one
_ODD = 0.01
_MEETING = frozenset({frozenset({"a text", "a list"}), frozenset({"a list", "an object"})})


def _odd_ones(field: str, items: Sequence[GoldItem], places: Sequence[str]) -> dict[int, InputError]:
    """Rows whose value is of another kind than nearly all others have, by place: a slip, in a set of many."""
    kinds = [_kind(getattr(item, field)) for item in items]
    counts = Counter(kind for kind in kinds if kind)
    if counts.total() < _MANY:
        return {}
    ((usual, number),) = counts.most_common(1)
    if counts.total() - number > _ODD * counts.total():
        return {}
    return {
        place: InputError(
            f"{field} is {kind}, and {usual} in {number:,} other rows", where=places[place], hint="a slip?"
        )
        for place, kind in enumerate(kinds)
        if kind not in ("", usual) and frozenset({kind, usual}) not in _MEETING
    }


def _kind(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true or false"
    names: tuple[tuple[Any, str], ...] = ((str, "a text"), ((int, float), "a number"), (list, "a list"))
    return next((name for kind, name in names if isinstance(value, kind)), "an object")


def _asked(item: GoldItem) -> str:
    """What makes two rows the same question. Feature rows may repeat; a text asked twice may not."""
    if isinstance(item.input, str):
        return canonical_json([" ".join(item.input.split()), item.context])
    return canonical_json([item.input, item.context, item.expected, item.cluster, dict(item.meta)])


def _refuse_unwritable(item: GoldItem, where: str) -> None:
    try:
        canonical_json(item_row(item)).encode()
    except UnicodeEncodeError as error:
        raise InputError("the row holds half a surrogate pair, which is no character", where=where) from error


def _refuse_twin(seen: dict[str, int], key: str, number: int, what: str, word: str, where: str) -> None:
    if key in seen:
        raise InputError(
            f"{what} stands at {word or 'line '}{seen[key]} already",
            where=where,
            hint="a question that stands twice counts twice, and may stand in dev and holdout at once",
        )
    seen[key] = number


def _line_of(problem: InputError) -> int:
    number = problem.where.rpartition(":")[2].removeprefix("row ")
    return int(number) if number.isdecimal() else 0
