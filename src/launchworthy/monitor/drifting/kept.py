"""A release's reference as counts, which are kept when its records reach the end of their retention.

May import ``errors`` and this room. Of names only those that five users or more have are kept, since a rare
one may tell of somebody; how often rarer ones come is kept as what must be expected of new ones. Of numbers
the bins, their sums and the whole range are kept, without whose they were.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from launchworthy.errors import InputError
from launchworthy.monitor.drifting.profile import Categories, Column, Profile
from launchworthy.monitor.scene import Ask

__all__ = ["FEWEST_USERS", "KeptReference", "keep_reference", "kept_reference"]

FEWEST_USERS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReference:
    """The counts of the calls from ``since`` to ``until`` (aware); ``simulated`` of them are simulated."""

    profile: Profile
    since: datetime
    until: datetime
    simulated: int


def kept_reference(ask: Ask, signal: str) -> KeptReference | None:
    """What was kept for this release, workflow, signal and window; None where nothing was.

    Raises:
        InputError: It was damaged.
    """
    kept = ask.scene.references
    plain = None if kept is None else kept.kept_reference(_name(ask, signal))
    if plain is None:
        return None
    where = f"the kept reference of {ask.claim.address}"
    try:
        since, until = (datetime.fromisoformat(plain[end]) for end in ("since", "until"))
        simulated, counts = int(plain["simulated"]), plain["counts"]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"the reference is damaged: {error!s:.120}", where=where) from error
    return KeptReference(
        profile=Profile.from_json(counts, where=where), since=since, until=until, simulated=simulated
    )


def keep_reference(ask: Ask, signal: str, reference: KeptReference) -> None:
    """Keep its counts, where the scene keeps any."""
    if ask.scene.references is None:
        return
    columns = {name: _of_many(column) for name, column in reference.profile.columns.items()}
    kept: Mapping[str, Any] = {
        "since": reference.since.isoformat(),
        "until": reference.until.isoformat(),
        "simulated": reference.simulated,
        "counts": replace(reference.profile, columns=columns).as_json(),
    }
    ask.scene.references.keep_reference(_name(ask, signal), kept)


def _name(ask: Ask, signal: str) -> str:
    scene = ask.scene
    asked = [scene.product, ask.workflow, scene.release, ask.claim.slice, signal, ask.window_s]
    return f"drift-reference {json.dumps(asked, ensure_ascii=False)}"


def _of_many(column: Column) -> Column:
    """A column without the values that few users have: among the others, and new when they return."""
    import numpy as np

    if not isinstance(column, Categories):
        return column
    common = [
        (name, many)
        for name, many in zip(column.names, column.counts.tolist(), strict=False)
        if many >= FEWEST_USERS
    ]
    rest = column.known - sum(many for _, many in common)
    return replace(
        column,
        names=tuple(name for name, _ in common),
        counts=np.array([*(many for _, many in common), rest], dtype=np.int64),
        known_names=frozenset(name for name, _ in common),
        singles=rest,
        newest=(),
    )
