"""Which part of the rows carries a change, and whether a release or the world made it.

Pure; may import ``stats`` and this room. Parts are rows with one value of a field (a country, a plan). Every
column of every part is asked, and a find is one among all of them. To tell a release from the world takes a
release that ran in both periods: what changed within it is the world; what differs now between it and
another release, at the same time, is the release.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from launchworthy.monitor.drifting.comparing import (
    Change,
    ColumnDrift,
    Comparison,
    DriftState,
    Tolerances,
    asked_of,
    can_tell,
    settle,
)
from launchworthy.monitor.drifting.profile import Profile

__all__ = ["Carried", "Cause", "PartDrift", "carried_by", "causes", "parts_of"]

_FEWEST = 50  # rows of a part in each period


@dataclass(frozen=True, slots=True, kw_only=True)
class PartDrift:
    """A column within one part: ``share`` of the rows now are in it."""

    field: str
    value: str
    share: float
    column: ColumnDrift


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Where a drifted column's change comes from: ``the world``, ``the release``, ``both`` or ``cannot say``.

    ``world`` is what changed within the release that ran in both periods; ``release`` what differs now
    between it and the newer one.
    """

    column: str
    cause: str
    kept: str = ""
    newer: str = ""
    world: Change | None = None
    release: Change | None = None
    reason: str = ""


def parts_of(
    reference: Profile,
    *,
    current: Profile,
    by: str | Collection[str],
    tolerances: Tolerances | None = None,
    draws: int = 200,
) -> list[PartDrift]:
    """Every column of every part with rows enough, the drifted ones first, the heaviest first.

    ``by`` is one field or several, all parts of which are then asked among each other.
    """
    tolerances = tolerances or Tolerances()
    fields = (by,) if isinstance(by, str) else by
    pairs = [
        (part, old, new)
        for part, old in reference.parts.items()
        if part[0] in fields and (new := current.parts.get(part)) is not None
        if min(old.rows, new.rows) >= _FEWEST
    ]
    asked, where = [], []
    for part, old, new in pairs:
        for at, (name, column) in enumerate(old.columns.items()):
            if name != part[0] and name in new.columns and can_tell(column) and can_tell(new.columns[name]):
                asked.append(asked_of(column, new.columns[name], tolerances=tolerances, draws=draws, seed=at))
                where.append((part, new.rows / current.rows))
    found = [
        PartDrift(field=field, value=value, share=share, column=column)
        for ((field, value), share), column in zip(where, settle(asked, tolerances=tolerances), strict=True)
    ]
    order = (DriftState.DRIFTED, DriftState.CANNOT_SAY, DriftState.WITHIN)
    return sorted(
        found, key=lambda each: (order.index(each.column.state), -each.share * each.column.main.times)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """The parts in which a column moved, the heaviest first, and the values of those shown not to have."""

    moved: tuple[PartDrift, ...]
    still: tuple[str, ...]


def carried_by(parts: Sequence[PartDrift]) -> dict[str, Carried]:
    """By column which parts carry its change; columns that moved in none are left out."""
    columns = dict.fromkeys(each.column.name for each in parts if each.column.state is DriftState.DRIFTED)
    return {
        name: Carried(
            moved=tuple(
                each for each in parts if each.column.name == name and each.column.state is DriftState.DRIFTED
            ),
            still=tuple(
                each.value
                for each in parts
                if each.column.name == name and each.column.state is DriftState.WITHIN
            ),
        )
        for name in columns
    }


def causes(
    found: Comparison, *, reference: Profile, current: Profile, by: str, draws: int = 300
) -> list[Cause]:
    """Of each drifted column, whether the world or a release moved it.

    Args:
        found: The comparison of both periods.
        reference, current: With parts by the release.
        by: Field that names a row's release.
        draws: As :func:`compare`.
    """
    drifted = [column for column in found.of(DriftState.DRIFTED) if column.name != by]
    old, new = (
        {
            value: part
            for (field, value), part in profile.parts.items()
            if field == by and part.rows >= _FEWEST
        }
        for profile in (reference, current)
    )
    both = sorted(old.keys() & new.keys(), key=lambda name: -min(old[name].rows, new[name].rows))
    later = sorted(new.keys() - old.keys(), key=lambda name: -new[name].rows)
    if not both:
        reason = f"no release has {_FEWEST} rows in both periods: keep some users on the old one for a while"
        return [Cause(column=column.name, cause="cannot say", reason=reason) for column in drifted]
    kept, newer = both[0], later[0] if later else ""
    tolerances = found.tolerances
    named = [column.name for column in drifted]
    world = _between(old[kept], new[kept], named, tolerances, draws)
    release = _between(new[kept], new[newer], named, tolerances, draws) if newer else {}
    return [
        replace(_cause(column, world.get(column.name), release.get(column.name)), kept=kept, newer=newer)
        if not newer or column.name in release
        else Cause(column=column.name, cause="cannot say", reason=f"of {newer} too little is known of it")
        for column in drifted
    ]


def _between(
    before: Profile, after: Profile, names: Sequence[str], tolerances: Tolerances, draws: int
) -> dict[str, ColumnDrift]:
    asked = [
        asked_of(before.columns[name], after.columns[name], tolerances=tolerances, draws=draws, seed=at)
        for at, name in enumerate(names)
        if name in before.columns
        and name in after.columns
        and can_tell(before.columns[name])
        and can_tell(after.columns[name])
    ]
    return {column.name: column for column in settle(asked, tolerances=tolerances)}


def _cause(column: ColumnDrift, world: ColumnDrift | None, release: ColumnDrift | None) -> Cause:
    what = column.main.what
    changes = [
        None if side is None else next((each for each in side.changes if each.what == what), None)
        for side in (world, release)
    ]
    moved = [change is not None and change.state is DriftState.DRIFTED for change in changes]
    still = [change is None or change.state is DriftState.WITHIN for change in changes]
    if moved[0] and moved[1]:
        cause = "both"
    elif moved[0] and still[1]:
        cause = "the world"
    elif moved[1] and still[0] and changes[0] is not None:
        cause = "the release"
    else:
        cause = "cannot say"
    return Cause(column=column.name, cause=cause, world=changes[0], release=changes[1])
