"""Items of two sides paired by id. May import this room and ``errors``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.metrics.scored import Scored, without_cluster
from launchworthy.metrics.scores import Scores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Pairs", "pair_scored"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """Items on both sides, in the baseline's order.

    Attributes:
        baseline, candidate: Scores of each side.
        clusters: Cluster of each pair, the candidate's if it names one; None where none was asked for.
        slices: Positions of the pairs in each slice, by name.
        only_baseline, only_candidate: Ids on one side only, in order.
        changed: Ids on both sides for which something else is right on each, in order: they are no pairs.
    """

    baseline: Scores
    candidate: Scores
    clusters: list[str] | None
    slices: Mapping[str, NDArray[np.int64]]
    only_baseline: tuple[str, ...]
    only_candidate: tuple[str, ...]
    changed: tuple[str, ...] = ()

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Which pairs could be scored on both sides."""
        import numpy as np

        return ~(np.isnan(self.baseline.value) | np.isnan(self.candidate.value))


def pair_scored(*, baseline: Scored, candidate: Scored, cluster: str | None = None) -> Pairs:
    """Pair what was scored with ids.

    Args:
        baseline, candidate: Each side.
        cluster: Field that names clusters, for errors.

    Raises:
        InputError: A side is empty, no id is on both sides, something else is right for each item on each
            side, or a pair has no cluster.
    """
    import numpy as np

    for side, scored in (("baseline", baseline), ("candidate", candidate)):
        if not scored.ids:
            raise InputError("there are no rows", where=side, hint="compare two files of results")

    old_names, new_names = baseline.ids or [], candidate.ids or []
    place = {name: at for at, name in enumerate(new_names)}
    shared = [name for name in old_names if name in place]
    if not shared:
        raise InputError(
            "no id is on both sides, so there is nothing to compare", where="id", hint="pair rows by their id"
        )
    changed = _changed(baseline, candidate, place)
    shared = [name for name in shared if name not in changed]
    if not shared:
        raise InputError(
            f"for each of the {len(changed):,} items something else is right on the two sides",
            where="id",
            hint="score both sides against the same truth; ids must stand for the same items",
        )
    old_at = np.array(
        [at for at, name in enumerate(old_names) if name in place and name not in changed], dtype=np.int64
    )
    new_at = np.array([place[name] for name in shared], dtype=np.int64)
    clusters: list[str] | None = None
    if baseline.clusters is not None and candidate.clusters is not None:
        clusters = []
        for name, one, other in zip(shared, old_at.tolist(), new_at.tolist(), strict=True):
            unit = candidate.clusters[other]
            unit = baseline.clusters[one] if unit is None else unit
            if unit is None:
                raise without_cluster(cluster or "cluster", f"id {name[:80]!r}")
            clusters.append(unit)
    there = set(old_names)
    return Pairs(
        baseline=baseline.scores.take(old_at),
        candidate=candidate.scores.take(new_at),
        clusters=clusters,
        slices=_paired_slices((candidate, new_at), (baseline, old_at)),
        only_baseline=tuple(name for name in old_names if name not in place),
        only_candidate=tuple(name for name in new_names if name not in there),
        changed=tuple(changed),
    )


def _changed(baseline: Scored, candidate: Scored, place: Mapping[str, int]) -> dict[str, None]:
    """Ids of both sides for which the truth differs."""
    old, new = baseline.truths, candidate.truths
    if old is None or new is None:
        return {}
    return {
        name: None
        for at, name in enumerate(baseline.ids or [])
        if name in place and _differ(old[at], new[place[name]])
    }


def _differ(one: int | None, other: int | None) -> bool:
    return one is not None and other is not None and one != other


def _paired_slices(*sides: tuple[Scored, NDArray[np.int64]]) -> dict[str, NDArray[np.int64]]:
    """Positions among the pairs by slice: the first side's, and the next's for pairs that it puts nowhere."""
    import numpy as np

    found: dict[str, list[NDArray[np.int64]]] = {}
    placed = np.zeros(sides[0][1].size, dtype=bool)
    for side, at in sides:
        pair = np.full(len(side.scores), -1, dtype=np.int64)
        pair[at] = np.arange(at.size)
        before = placed.copy()
        for name, positions in side.slices.items():
            mine = pair[positions]
            mine = mine[mine >= 0]
            mine = mine[~before[mine]]
            placed[mine] = True
            if mine.size:
                found.setdefault(name, []).append(mine)
    return {name: np.sort(np.concatenate(found[name])) for name in sorted(found)}
