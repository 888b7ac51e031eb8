"""Two periods compared: which columns moved beyond what is tolerated, which did not, and which cannot tell.

Pure; may import ``errors``, ``stats`` and this room. Each column is asked up to three things: how far its
values moved, whether more of them are missing, and whether new ones came (values that the reference does not
have, or numbers out of its range). A find is what e-BH finds among all of them, so that the expected share
of false finds is the error asked for, however the columns hang together; "within" is a bound of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise

from launchworthy.monitor.drifting.profile import Column, Numbers, Profile
from launchworthy.monitor.drifting.texts import TOPIC
from launchworthy.quantity import format_interval, format_number, format_value
from launchworthy.stats import (
    FEWEST_BLOCKS,
    TOLERATED,
    Divergence,
    Interval,
    divergences,
    e_benjamini_hochberg,
    e_value,
    rows_to_tell,
    share_change,
    share_p_value,
    surprise_beyond,
)

__all__ = [
    "Bar",
    "Change",
    "ColumnDrift",
    "Comparison",
    "DriftState",
    "Tolerances",
    "can_tell",
    "compare",
    "measures_of",
    "settle",
]

_GROUPS = 16
_FEW_BLOCKS = f"its values stand in fewer than {FEWEST_BLOCKS} blocks of rows"
_SHOWN = 12  # names that a picture has room for
_OF_NUMBERS = (
    Divergence.JENSEN_SHANNON,
    Divergence.PSI,
    Divergence.KS,
    Divergence.WASSERSTEIN,
    Divergence.CRAMER,
)
_OF_NAMES = (Divergence.JENSEN_SHANNON, Divergence.PSI, Divergence.CRAMER)


class DriftState(StrEnum):
    """What is known of a change: beyond the tolerance, within it, or neither is shown."""

    DRIFTED = "drifted"
    WITHIN = "within"
    CANNOT_SAY = "cannot_say"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerances:
    """How much may change: by ``measure`` by so much, and shares by ``share``; ``confidence`` of each bound,
    and one minus the expected share of false finds."""

    measure: Divergence = Divergence.JENSEN_SHANNON
    distance: float | None = None
    share: float = 0.01
    confidence: float = 0.95

    def of(self, measure: Divergence) -> float:
        """What is tolerated of a measure."""
        return self.distance if self.distance is not None and measure is self.measure else TOLERATED[measure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One question to a column: its answer with bounds, what is tolerated, and what is known of it.

    ``what`` is ``values``, ``missing``, ``new`` or ``range``; ``e`` the evidence that it is beyond the
    tolerance, ``found`` the smallest expected share of false finds at which it is a find among all asked.
    ``needed`` is about how many rows now would settle it, ``needed_reference`` how many of the reference.
    """

    what: str
    interval: Interval
    tolerance: float
    p: float
    e: float = 0.0
    found: float = 1.0
    state: DriftState = DriftState.CANNOT_SAY
    needed: int | None = None
    needed_reference: int | None = None

    @property
    def times(self) -> float:
        """How many times what is tolerated."""
        return abs(self.interval.value) / self.tolerance if self.tolerance else float("inf")

    @property
    def told(self) -> str:
        """The answer in words and numbers."""
        interval = self.interval
        shown = format_interval(interval.value, interval.low, interval.high, unit=interval.unit)
        if self.what == "values":
            return f"{interval.method.partition(' less')[0]} {shown}"
        before, now = (format_value(interval.sample[side], unit="ratio") for side in ("reference", "current"))
        noun = {"missing": "missing", "new": "new values", "range": "out of range"}[self.what]
        expected = "expected " if self.what != "missing" else ""
        return f"{noun} {now}, {expected}{before} before (change {shown})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A group of values, and its share of the rows with a value in the reference and now.

    ``low`` and ``high`` are the ends of a group of numbers.
    """

    name: str
    reference: float
    current: float
    low: float | None = None
    high: float | None = None

    def holds(self, value: object) -> bool:
        """Whether a value is in the group."""
        if self.low is None or self.high is None:
            return value == self.name
        return isinstance(value, (int, float)) and self.low <= value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """A column: each change that was asked for, every distance that it has, and its groups as shares."""

    name: str
    kind: str
    changes: tuple[Change, ...]
    distances: Mapping[Divergence, Interval]
    newest: tuple[str, ...] = ()
    bars: tuple[Bar, ...] = ()

    @property
    def state(self) -> DriftState:
        """Drifted where any change is, within where all are."""
        states = [change.state for change in self.changes]
        if DriftState.DRIFTED in states:
            return DriftState.DRIFTED
        return DriftState.CANNOT_SAY if DriftState.CANNOT_SAY in states else DriftState.WITHIN

    @property
    def main(self) -> Change:
        """The change that decides its state; of several drifted ones, the furthest beyond the tolerance."""
        own = [change for change in self.changes if change.state is self.state]
        if self.state is DriftState.DRIFTED:
            return max(own, key=lambda change: change.times)
        return next((change for change in own if change.what == "values"), own[0])

    @property
    def told(self) -> str:
        """The change that decides, in words; of a mix of topics, which one became more and which less."""
        told = self.main.told
        if self.name.rpartition(": ")[2] != TOPIC or self.state is not DriftState.DRIFTED:
            return told
        more, less = (
            max(self.bars, key=lambda bar: sign * (bar.current - bar.reference)) for sign in (1.0, -1.0)
        )
        for words, bar in (("more of", more), ("less of", less)):
            before, now = (format_value(share, unit="ratio") for share in (bar.reference, bar.current))
            told += f"; {words} {bar.name} ({before} before, {now} now)"
        return told

    @property
    def needed(self) -> int | None:
        """About how many rows now would tell, where it cannot be said; None where none would."""
        if self.state is not DriftState.CANNOT_SAY:
            return None
        waiting = [change.needed for change in self.changes if change.state is DriftState.CANNOT_SAY]
        known = [needed for needed in waiting if needed is not None]
        return max(known) if known and len(known) == len(waiting) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two periods: the drifted columns first, the furthest first."""

    rows: int
    reference_rows: int
    columns: tuple[ColumnDrift, ...]
    tolerances: Tolerances
    left_out: Mapping[str, str] = field(default_factory=dict)

    def of(self, state: DriftState) -> list[ColumnDrift]:
        """Columns in a state."""
        return [column for column in self.columns if column.state is state]

    @property
    def state(self) -> DriftState:
        """The weakest line: drifted if any column is, within if all are."""
        states = {column.state for column in self.columns}
        if DriftState.DRIFTED in states:
            return DriftState.DRIFTED
        return DriftState.WITHIN if states == {DriftState.WITHIN} else DriftState.CANNOT_SAY

    @property
    def conclusion(self) -> str:
        """The title: what moved most, or that nothing did, or how much more is needed."""
        total, drifted = len(self.columns), self.of(DriftState.DRIFTED)
        unsure = self.of(DriftState.CANNOT_SAY)
        if not total:
            return "no column can be compared"
        if drifted:
            most = drifted[0]
            rest = f", {len(unsure)} cannot say" if unsure else ""
            far = format_number(most.main.times, digits=2)
            return (
                f"{len(drifted)} of {_columns(total)} drifted, most {most.name} ({far} times tolerated){rest}"
            )
        if not unsure:
            return f"none of {_columns(total)} moved beyond what is tolerated"
        needed = [column.needed for column in unsure]
        if all(each is not None for each in needed):
            more = f"about {max(each for each in needed if each is not None):,} rows would tell"
        else:
            more = "the reference has too few rows, or it lies at the tolerance"
        return f"{len(unsure)} of {_columns(total)} cannot be told: {more}"


def measures_of(column: Column) -> tuple[Divergence, ...]:
    """The distances that a column of its kind has."""
    return _OF_NUMBERS if isinstance(column, Numbers) else _OF_NAMES


def compare(
    reference: Profile,
    *,
    current: Profile,
    tolerances: Tolerances | None = None,
    draws: int = 300,
    seed: int = 0,
) -> Comparison:
    """Which columns moved beyond what is tolerated; columns that only one has are left out.

    Raises:
        InputError: A tolerance is negative.
    """
    tolerances = tolerances or Tolerances()
    pairs = [
        (column, current.columns[name])
        for name, column in reference.columns.items()
        if name in current.columns and type(column) is type(current.columns[name])
    ]
    few = {old.name: _FEW_BLOCKS for old, new in pairs if not (can_tell(old) and can_tell(new))}
    pairs = [(old, new) for old, new in pairs if old.name not in few]
    asked = [
        asked_of(old, new, tolerances=tolerances, draws=draws, seed=seed + at)
        for at, (old, new) in enumerate(pairs)
    ]
    columns = settle(asked, tolerances=tolerances)
    order = (DriftState.DRIFTED, DriftState.CANNOT_SAY, DriftState.WITHIN)
    return Comparison(
        rows=current.rows,
        reference_rows=reference.rows,
        columns=tuple(sorted(columns, key=lambda each: (order.index(each.state), -each.main.times))),
        tolerances=tolerances,
        left_out={**current.left_out, **few},
    )


def asked_of(
    old: Column, new: Column, *, tolerances: Tolerances, draws: int = 300, seed: int = 0
) -> ColumnDrift:
    """A column's answers, before they are settled among all others."""
    level = tolerances.confidence
    changes = [
        _share("missing", (old.missing, old.rows), (new.missing, new.rows), _effects(old, new), tolerances)
    ]
    blocks = None
    if old.blocks is not None and new.blocks is not None:
        blocks = old.blocks.counts, new.blocks.counts
    distances: dict[Divergence, Interval] = {}
    if old.known and new.known:
        many = measures_of(old)
        is_number = isinstance(old, Numbers)
        distances = (
            divergences(
                old.counts,
                current=new.counts,
                measures=many,
                groups=old.groups(_GROUPS).tolist() if isinstance(old, Numbers) else None,
                means=(old.means(), new.means())
                if isinstance(old, Numbers) and isinstance(new, Numbers)
                else None,
                spread=old.spread if isinstance(old, Numbers) else 1.0,
                blocks=blocks,
                unseen=0.0 if isinstance(old, Numbers) else old.unseen,
                level=level,
                sides=1,
                draws=draws,
                seed=seed,
            )
            if new.counts.sum()
            else {}
        )
        measure = tolerances.measure if tolerances.measure in many else Divergence.JENSEN_SHANNON
        if distances:
            limit = tolerances.of(measure)
            changes.insert(
                0,
                Change(
                    what="values",
                    interval=distances[measure],
                    tolerance=limit,
                    p=surprise_beyond(distances[measure], tolerance=limit),
                ),
            )
        expected = old.alone if isinstance(old, Numbers) else old.singles
        changes.append(
            _share(
                "range" if is_number else "new",
                (expected, old.known),
                (new.outside, new.known),
                _effects(old, new, outside=True),
                tolerances,
            )
        )
    return ColumnDrift(
        name=old.name,
        kind="number" if isinstance(old, Numbers) else "category",
        changes=tuple(changes),
        distances=distances,
        newest=() if isinstance(new, Numbers) else new.newest,
        bars=_bars(old, new),
    )


def _bars(old: Column, new: Column) -> tuple[Bar, ...]:
    import numpy as np

    if isinstance(old, Numbers):
        groups = old.groups(_GROUPS)
        starts = np.flatnonzero(np.diff(groups, prepend=-1))
        counts = [np.add.reduceat(each.counts, starts) for each in (old, new)]
        edges = [old.low, *old.edges[starts[1:] - 1].tolist(), old.high]
        ends: list[tuple[float | None, float | None]] = list(pairwise(edges))
        names = [f"{format_number(low)} to {format_number(high)}" for low, high in pairwise(edges)]
    else:
        most = np.argsort(-(old.counts[:-1] + new.counts[:-1]), kind="stable")[:_SHOWN]
        kept = np.sort(most)
        counts = [
            np.append(each.counts[kept], each.counts.sum() - each.counts[kept].sum()) for each in (old, new)
        ]
        names = [*(old.names[at] for at in kept.tolist()), "others"]
        ends = [(None, None)] * len(names)
    shares = [(each / max(1, each.sum())).tolist() for each in counts]
    return tuple(
        Bar(name=name, reference=before, current=now, low=low, high=high)
        for name, (low, high), before, now in zip(names, ends, *shares, strict=True)
        if before or now
    )


def settle(columns: Sequence[ColumnDrift], *, tolerances: Tolerances) -> list[ColumnDrift]:
    """The columns with what is found among all that was asked of all of them."""
    asked = [change for column in columns for change in column.changes]
    e_values = [e_value(change.p) for change in asked]
    found = iter(zip(e_values, e_benjamini_hochberg(e_values), strict=True))
    return [
        replace(
            column,
            changes=tuple(
                _settled(change, *next(found), tolerances=tolerances, asked=len(asked))
                for change in column.changes
            ),
        )
        for column in columns
    ]


def _settled(change: Change, e: float, found: float, *, tolerances: Tolerances, asked: int) -> Change:
    error = 1.0 - tolerances.confidence
    interval, limit = change.interval, change.tolerance
    within = interval.high <= limit and (change.what == "values" or interval.low >= -limit)
    state = DriftState.DRIFTED if found <= error else DriftState.WITHIN if within else DriftState.CANNOT_SAY
    needed: tuple[int | None, int | None] = (None, None)
    if state is DriftState.CANNOT_SAY:
        if change.what == "values":
            # To be found among all that was asked takes more evidence than to be shown within.
            level = interval.confidence if interval.value <= limit else 1.0 - error / asked
            needed = rows_to_tell(replace(interval, confidence=level), tolerance=limit)
        else:
            needed = _rows_of_share(interval, limit)
    return replace(change, e=e, found=found, state=state, needed=needed[0], needed_reference=needed[1])


def can_tell(column: Column) -> bool:
    """Whether blocks, where rows come in them, are enough to say how far they differ by chance."""
    return column.blocks is None or column.blocks.are_enough


def _effects(old: Column, new: Column, *, outside: bool = False) -> tuple[float, float]:
    """How many rows of a side are worth an independent one, by the share of missing or of other values."""
    if old.blocks is None or new.blocks is None:
        return 1.0, 1.0
    if outside:  # what the reference leads to expect is no share of its blocks
        return old.blocks.effect, new.blocks.effect_of(
            new.blocks.outside, new.blocks.rows - new.blocks.missing
        )
    first, second = (each.effect_of(each.missing, each.rows) for each in (old.blocks, new.blocks))
    return first, second


def _share(
    what: str,
    old: tuple[int, int],
    new: tuple[int, int],
    effects: tuple[float, float],
    tolerances: Tolerances,
) -> Change:
    """The change of a share, hits of rows; of rows that hang together at what they are worth (Korn and
    Graubard, 1998)."""
    plain = (min(old), old[1]), new
    worth = [
        (round(hits / max(1, of) * at_least), at_least)
        for (hits, of), effect in zip(plain, effects, strict=True)
        for at_least in [max(1, round(of / effect))]
    ]
    found = share_change(
        worth[0][0],
        of_reference=worth[0][1],
        current=worth[1][0],
        of_current=worth[1][1],
        level=tolerances.confidence,
        sides=1,
    )
    p = share_p_value(found, tolerance=tolerances.share)
    if effects != (1.0, 1.0):
        before, now = (hits / max(1, of) for hits, of in plain)
        sample = {
            **found.sample,
            "reference": before,
            "current": now,
            "reference_n": plain[0][1],
            "n": plain[1][1],
            "reference_effect": effects[0],
            "effect": effects[1],
        }
        moved = now - before
        found = replace(
            found,
            value=moved,
            low=min(found.low, moved),
            high=max(found.high, moved),
            n=plain[1][1],
            method=f"{found.method}, at the number of independent rows",
            sample=sample,
        )
    return Change(what=what, interval=found, tolerance=tolerances.share, p=p)


def _rows_of_share(found: Interval, limit: float) -> tuple[int | None, int | None]:
    """About how many rows bring the bounds to one side: their width falls with the root of the rows."""
    gap = abs(abs(found.value) - limit)
    width = max(found.high - found.value, found.value - found.low)
    if gap <= 0.0 or width <= 0.0:
        return None, None
    times = (width / gap) ** 2
    n_c, n_r = found.sample["n"], found.sample["reference_n"]
    h = (1.0 / n_c + 1.0 / n_r) / times
    if h <= 2e-9:
        return None, None
    if h * n_r > 1.25:
        return max(int(n_c) + 1, int(1.0 / (h - 1.0 / n_r)) + 1), None
    both = int(2.0 / h) + 1
    return max(int(n_c), both), max(int(n_r), both)


def _columns(many: int) -> str:
    return "1 column" if many == 1 else f"{many} columns"
