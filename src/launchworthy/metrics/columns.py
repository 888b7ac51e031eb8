"""Whole columns instead of rows: how a metric scores a million of them at once. Pure; may import this room.

A metric's ``columns`` takes these and gives the very scores that its ``read`` would give row by row, reasons
of what cannot be scored included, or None where only reading the rows can tell (a mapping of probabilities,
say). Where few different rows are possible, that is ``read`` itself on each different one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.metrics.scores import Scores
from launchworthy.records import Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Column", "Columns", "by_distinct", "column_of", "columns_of"]

_SPAN = 65_536  # whole numbers this close together are counted instead of sorted
_MOST_KINDS = 100_000  # different rows beyond which reading each of them gains nothing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Column:
    """One field of n rows.

    Attributes:
        values: Shape (n,): numbers or booleans; of a text, its position in ``texts``. Of lists, the entries
            of all rows one after the other.
        missing: Shape (n,): where a row has no such field; None where every row has it.
        texts: The different texts of a text column.
        ends: Shape (n,): of lists, where each row's entries end; None where rows hold one value each.
    """

    values: NDArray[Any]
    missing: NDArray[np.bool_] | None = None
    texts: tuple[str, ...] | None = None
    ends: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return int(self.values.size if self.ends is None else self.ends.size)

    @property
    def is_number(self) -> bool:
        """Whether each row holds one number (true and false are none)."""
        return self.texts is None and self.ends is None and self.values.dtype.kind in "iuf"

    def numbers(self) -> NDArray[np.float64]:
        """The numbers, shape (n,); NaN where there is none."""
        import numpy as np

        found = self.values.astype(np.float64)
        if self.missing is not None:
            found[self.missing] = np.nan
        return found

    def entries(self) -> list[Any]:
        """What each row holds as a Python value; None where it is missing."""
        values: list[Any] = self.values.tolist()
        if self.texts is not None:
            values = [self.texts[code] for code in values]
        if self.ends is not None:
            values = [values[start:end] for start, end in pairwise([0, *self.ends.tolist()])]
        if self.missing is not None:
            values = [None if gone else value for value, gone in zip(values, self.missing, strict=True)]
        return values


Columns = Mapping[str, Column]


def columns_of(arrays: Mapping[str, Column | NDArray[Any] | Sequence[Any]]) -> dict[str, Column]:
    """The columns of arrays by field name.

    Raises:
        InputError: One cannot be a column, or they do not have the same length.
    """
    found = {
        name: array if isinstance(array, Column) else column_of(array, name=name)
        for name, array in arrays.items()
    }
    if len({len(column) for column in found.values()}) > 1:
        lengths = ", ".join(f"{name} {len(column):,}" for name, column in found.items())
        raise InputError(f"columns differ in length: {lengths:.300}")
    return found


def column_of(array: NDArray[Any] | Sequence[Any], *, name: str = "column") -> Column:
    """A column of numbers, booleans or texts; what a masked array masks, and None among texts, is missing.

    Raises:
        InputError: It holds anything else.
    """
    import numpy as np

    data = array if isinstance(array, np.ndarray) else np.asarray(array)
    missing = None
    if isinstance(data, np.ma.MaskedArray):
        gone = np.ma.getmaskarray(data)
        missing, data = (gone if gone.any() else None), data.filled(None if data.dtype.kind == "O" else 0)
    if data.ndim == 1 and data.dtype.kind in "iufb":
        return Column(values=data, missing=missing)
    entries = data.tolist()
    if data.ndim != 1 or not all(entry is None or isinstance(entry, str) for entry in entries):
        raise InputError("a column holds neither numbers, nor true and false, nor text", where=name)
    places = {text: at for at, text in enumerate(dict.fromkeys(entries)) if text is not None}
    places = {text: at for at, text in enumerate(places)}
    codes = np.fromiter((places.get(entry, -1) for entry in entries), np.int64, len(entries))
    gone = codes < 0
    if gone.any():
        codes, missing = np.where(gone, 0, codes), gone if missing is None else missing | gone
    return Column(values=codes, missing=missing, texts=tuple(places) or ("",))


def by_distinct(
    score: Callable[[Mapping[str, Any]], Score], columns: Columns, fields: Sequence[str]
) -> Scores | None:
    """The scores of all rows, from those of each different row of ``fields``; None where too many differ."""
    import numpy as np

    length = len(next(iter(columns.values())))
    code, kinds = np.zeros(length, dtype=np.int64), 1
    choices: list[list[Any]] = []
    for field in fields:
        column = columns.get(field)
        if column is None:
            choices.append([None])
            continue
        if column.ends is not None:
            return None
        places, held = _factors(column)
        kinds *= len(held)
        if kinds > _MOST_KINDS:
            return None
        code = code * len(held) + places if choices else places
        choices.append(held)
    present = np.flatnonzero(np.bincount(code, minlength=kinds))
    rows = []
    for kind in present.tolist():
        row = {}
        for field, held in zip(reversed(fields), reversed(choices), strict=True):
            kind, at = divmod(kind, len(held))
            if held[at] is not None:
                row[field] = held[at]
        rows.append(row)
    place = np.zeros(kinds, dtype=np.int64)
    place[present] = np.arange(present.size)
    return Scores.of(score(row) for row in rows).take(place[code])


def _factors(column: Column) -> tuple[NDArray[np.int64], list[Any]]:
    """The position of each row's value among the different ones, and these; None stands for a missing one."""
    import numpy as np

    values, gone = column.values, column.missing
    held: list[Any]
    if column.texts is not None:
        places, held = values.astype(np.int64, copy=False), list(column.texts)
    elif not values.size:
        places, held = np.zeros(0, dtype=np.int64), []
    elif values.dtype.kind == "b":
        places, held = values.astype(np.int64), [False, True]
    elif values.dtype.kind in "iu" and int(values.max()) - int(values.min()) < _SPAN:
        least, most = int(values.min()), int(values.max())
        places, held = np.subtract(values, least, dtype=np.int64, casting="unsafe"), [*range(least, most + 1)]
    else:
        different, places = np.unique(values, return_inverse=True)
        held = different.tolist()
    if gone is not None:
        places, held = np.where(gone, len(held), places), [*held, None]
    return places, held
