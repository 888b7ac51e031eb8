"""What came of single uses, for measures that are no share of them. May import this room.

Everything else of this room is aggregated in SQL; these rows are of the uses of which something more is
known: a score, or a group.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from launchworthy.monitor.outcomes import Came
from launchworthy.monitor.sample import Measured
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.monitor.uses import uses
from launchworthy.stats import Interval

__all__ = ["USE", "UseRow", "measured_on", "use_rows"]

# Name of the use that a call belongs to, over the columns of ``Ask.calls``; as ``uses`` has it.
USE = "coalesce('s' || session_id, 't' || hex(trace_id))"


@dataclass(frozen=True, slots=True, kw_only=True)
class UseRow:
    """A use: whether the outcome came, and whose it was (a user, else a session, else the use itself)."""

    use: str
    trace: str
    came: bool
    unit: str
    began: int
    simulated: bool


def use_rows(ask: Ask, came: Came, *, among: Collection[str]) -> list[UseRow]:
    """Those among the uses that are in the window and old enough, in order of name."""
    bind = Bind()
    rows = ask.scene.query(
        f"SELECT use, lower(hex(trace)) AS trace, unit, began, sim, ({came.condition}) AS came"
        f" FROM ({uses(ask, bind, came.success)})"
        f" WHERE use IN (SELECT unnest({bind(list(among))}::VARCHAR[])) ORDER BY use",
        bind.values,
    )
    return [
        UseRow(
            use=row["use"],
            trace=row["trace"],
            came=bool(row["came"]),
            unit=row["unit"],
            began=row["began"],
            simulated=bool(row["sim"]),
        )
        for row in rows
    ]


def measured_on(rows: Sequence[UseRow], interval: Interval | None) -> Measured:
    """What was measured on these uses, and what stands behind it."""
    units = len({row.unit for row in rows})
    return Measured(
        interval=interval,
        records=len(rows),
        unscored=0,
        simulated=sum(row.simulated for row in rows),
        units=units,
        noun="user" if units < len(rows) else "use",
        row="use",
        first_ns=min((row.began for row in rows), default=None),
    )
