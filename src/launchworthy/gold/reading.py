"""Gold files: JSON Lines, CSV, Parquet, YAML; read whole, with every broken row by line and reason.

May import ``errors``, ``jsonl`` and this room. DuckDB (Parquet) and ruamel.yaml load when such a file comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError
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


def read_gold(path: Path, *, holdout: float = DEFAULT_HOLDOUT, sealed: float = 0.0) -> GoldFile:
    """Read a gold file; its suffix says how.

    Args:
        path: ``.jsonl``, ``.ndjson``, ``.csv``, ``.parquet``, ``.yaml`` or ``.yml``.
        holdout: Share of items to keep back, where rows name no split.
        sealed: Share that only the launch gate may read, where rows name no split.

    Raises:
        InputError: Not such a file, or not readable at all.
    """
    if not is_gold_file(path):
        raise InputError(
            f"gold sets are not read from {path.suffix or 'files without a suffix'!r}",
            where=str(path),
            hint=f"name it one of {', '.join(sorted(_READERS))}",
        )
    if not path.is_file():
        state = "is not a file" if path.exists() else "is not there"
        raise InputError(f"the file {state}", where=str(path))
    split_of("", holdout=holdout, sealed=sealed)  # shares that cannot be are told once, not at every row
    word, reader = _READERS[path.suffix.lower()]
    rows, problems = reader(path)
    items, wrong = _items(rows, path=path, word=word, holdout=holdout, sealed=sealed)
    problems = sorted([*problems, *wrong], key=_line_of)
    if not items and not problems:
        problems = [InputError("the file holds no rows", where=str(path))]
    return GoldFile(path=path, items=tuple(items), problems=tuple(problems))


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
    return items, problems


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
