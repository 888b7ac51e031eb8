"""Which rows of a file hang together: those of one day, or of one value of a column. Reads files.

May import DuckDB, ``errors``, ``stats`` and this room.
"""

# ruff: noqa: S608 (names of columns are quoted; values are parameters)
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.monitor.drifting.blocks import MOST_BLOCKS, in_blocks
from launchworthy.monitor.drifting.profile import Categories, Column, Numbers
from launchworthy.monitor.drifting.table import EMPTY, MOST_TEXTS, is_vector, kinds_of, quoted, step_of
from launchworthy.monitor.drifting.texts import described
from launchworthy.stats import FEWEST_BLOCKS

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Together", "blocks_of_rows", "over"]


class Together:
    """The block of each row: rows of one value of a column, or of a time those of one day (UTC)."""

    def __init__(self, table: duckdb.DuckDBPyConnection, name: str) -> None:
        kind, column = kinds_of(table, wanted=[name])[name], quoted(name)
        if kind == EMPTY or is_vector(kind):
            raise InputError(f"the column {name!r:.80} tells no rows that hang together")
        is_day = kind.startswith(("TIMESTAMP", "DATE"))
        key = f"floor(epoch({column}) / 86400)" if is_day else column
        key = f"({key})::VARCHAR"
        many, without = table.execute(
            f"SELECT count(DISTINCT {key}), count(*) - count({key}) FROM file"
        ).fetchall()[0]
        if without:
            raise InputError(
                f"{without:,} rows have no {name!r:.80}, so that nobody knows with which they hang"
            )
        if many < FEWEST_BLOCKS:
            noun = "days" if is_day else f"values of {name:.80}"
            raise InputError(
                f"{many} {noun} say nothing of how far they differ by chance",
                hint=f"it takes {FEWEST_BLOCKS} in each file, better 20",
            )
        self._table = table
        self.many = min(many, MOST_BLOCKS)
        if many > MOST_BLOCKS:
            self.sql, self.values = f"(hash({key}) % {MOST_BLOCKS})::SMALLINT", []
        else:
            found = table.execute(f"SELECT DISTINCT {key} AS x FROM file ORDER BY x").fetchall()
            self.sql, self.values = (
                f"(list_position($1::VARCHAR[], {key}) - 1)::SMALLINT",
                [[x for (x,) in found]],
            )
        self._codes: NDArray[np.int64] | None = None

    @property
    def codes(self) -> NDArray[np.int64]:
        """Number of each row's block, from 0."""
        import numpy as np

        if self._codes is None:
            found = self._table.execute(f"SELECT {self.sql} AS x FROM file", self.values).fetchnumpy()["x"]
            self._codes = np.asarray(found, dtype=np.int64)
        return self._codes

    def of_numbers(self, column: Numbers, values: NDArray[np.float64], mine: Any = slice(None)) -> Column:
        """A column of numbers, of those rows, with its blocks."""
        each = column.count(values[mine], codes=self.codes[mine], parts=self.many)
        return in_blocks(column.count(values[mine])[0], each)

    def of_names(self, column: Categories, source: str, by: str | None = None, value: str = "") -> Column:
        """A column of names, of the rows where a field has a value, with its blocks."""
        given = [*self.values, *([] if by is None else [value])]
        where = "true" if by is None else f"{quoted(by)}::VARCHAR = ${len(given)}"
        rows = self._table.execute(
            f"SELECT {self.sql}, {quoted(source)}::VARCHAR, count(*) FROM file WHERE {where} GROUP BY 1, 2",
            given,
        ).fetchall()
        each: list[dict[str | None, int]] = [{} for _ in range(self.many)]
        whole: Counter[str | None] = Counter()
        for code, name, many in rows:
            each[code][name] = many
            whole[name] += many
        return in_blocks(column.count(whole), [column.count(one) for one in each])

    def of_texts(self, column: Column, values: Sequence[float | str | None], places: Sequence[int]) -> Column:
        """A column that is told of the texts at these places, with its blocks."""
        told: list[list[float | str | None]] = [[] for _ in range(self.many)]
        step = step_of(self._table, MOST_TEXTS)
        for value, place in zip(values, places, strict=True):
            told[int(self.codes[(place + 1) * step - 1])].append(value)
        return in_blocks(over(column, values), [over(column, one) for one in told])


def blocks_of_rows(table: duckdb.DuckDBPyConnection, blocks: str, *, most: int) -> list[str]:
    """The block of each row that :func:`rows_of` answers."""
    step = step_of(table, most)
    return [str(code) for code in Together(table, blocks).codes[step - 1 :: step].tolist()]


def over(column: Column, values: Sequence[float | str | None]) -> Column:
    import numpy as np

    if isinstance(column, Numbers):
        return column.count(np.array([np.nan if value is None else value for value in values], dtype=float))[
            0
        ]
    return column.count(described(values))
