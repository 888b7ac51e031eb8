"""What was seen of each arm, by metric, and how two arms differ in it. May import ``errors``, ``quantity``,
``stats`` and the plan of this room.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from launchworthy.errors import InputError
from launchworthy.quantity import format_value
from launchworthy.rollout.experiment.plan import Metric
from launchworthy.stats import (
    ArmSums,
    Interval,
    UserCounts,
    arm_difference,
    corrected_mean,
    joined_difference,
    log_rank,
    mean_time_difference,
    mean_time_interval,
    quantile_ranks,
    stratified_difference,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Gathered",
    "JudgedArms",
    "QuantileArms",
    "SumArms",
    "TimeArms",
    "Values",
    "quantile_of_users",
]

_Arm = TypeVar("_Arm")
_FEWEST = 2  # users of a stratum in each arm


class Values(Protocol):
    """What is known of one metric in every arm."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done to the values, or left out."""

    def difference(self, metric: Metric, baseline: str, candidate: str, *, level: float) -> Interval:
        """Candidate minus baseline, two-sided, with the values of both in its sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What was seen.

    Attributes:
        users: Of each arm, those in two arms left out.
        values: By metric.
        in_two_arms: Users who were seen in more than one arm; they count nowhere.
        notes: What else a reader must know.
        unread: Metrics of the plan without values, and why.
        growing: Records still come, so that a metric which cannot be computed yet is left unread.
    """

    users: Mapping[str, int]
    values: Mapping[str, Values]
    in_two_arms: int = 0
    notes: tuple[str, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    growing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SumArms:
    """Means and ratios: sums of each arm, by stratum (one without a name where there are none)."""

    strata: Mapping[str, Mapping[str, ArmSums]]
    notes: tuple[str, ...] = ()

    def of(self, arm: str) -> ArmSums:
        """The sums of an arm over all strata.

        Raises:
            InputError: It has none.
        """
        parts = [arms[arm] for arms in self.strata.values() if arm in arms]
        if not parts:
            raise InputError(f"nothing was measured in the arm {arm!r}")
        whole = parts[0]
        for part in parts[1:]:
            whole = whole.plus(part)
        return whole

    def with_unit(self, metric: Metric) -> Metric:
        """The metric, as a share where all that was seen is yes or no and nobody said otherwise."""
        every = [arm for arms in self.strata.values() for arm in arms.values()]
        return (
            replace(metric, unit="ratio") if not metric.unit and all(arm.binary for arm in every) else metric
        )

    def shares(self, baseline: str, candidate: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """Users with a yes and all users of both arms, where there are only yes and no."""
        old, new = self.of(baseline), self.of(candidate)
        if not (old.binary and new.binary):
            return None
        return (round(old.sums[0]), round(new.sums[0])), (old.n, new.n)

    def difference(self, metric: Metric, baseline: str, candidate: str, *, level: float) -> Interval:
        old, new = self.of(baseline), self.of(candidate)
        found = arm_difference(old, candidate=new, relative=metric.relative, level=level, unit=metric.unit)
        if metric.relative or len(self.strata) < 2 or found.method == "Newcombe":
            return found  # of few events, strata would make fewer
        pairs = _enough([(arms.get(baseline), arms.get(candidate)) for arms in self.strata.values()])
        if len(pairs) < 2:
            return found
        return stratified_difference(pairs, level=level, unit=metric.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileArms:
    """A quantile of all rows: each arm's interval at the level of the plan."""

    arms: Mapping[str, Interval]
    notes: tuple[str, ...] = ()

    def difference(self, metric: Metric, baseline: str, candidate: str, *, level: float) -> Interval:
        return joined_difference(_arm(self.arms, baseline), candidate=_arm(self.arms, candidate))


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeArms:
    """Times until something happened, or until it was last known that it had not."""

    arms: Mapping[str, tuple[NDArray[np.float64], NDArray[np.bool_]]]
    notes: tuple[str, ...] = ()

    def difference(self, metric: Metric, baseline: str, candidate: str, *, level: float) -> Interval:
        pair = _arm(self.arms, baseline), _arm(self.arms, candidate)
        horizon = metric.horizon or math.inf
        for arm, (times, _) in zip((baseline, candidate), pair, strict=True):
            longest = float(times.max(initial=0.0))
            if longest < horizon:
                raise InputError(
                    f"nobody of {arm!r} was followed to the horizon of {_time(horizon, metric)}",
                    hint=f"the longest time is {_time(longest, metric)}; choose a horizon up to there",
                )
        old, new = (
            mean_time_interval(times, happened=happened, horizon=horizon, level=level, unit=metric.unit)
            for times, happened in pair
        )
        found = mean_time_difference(old, candidate=new)
        whole = log_rank(
            pair[0][0],
            baseline_happened=pair[0][1],
            candidate=pair[1][0],
            candidate_happened=pair[1][1],
        )
        return replace(found, sample={**found.sample, "p_log_rank": whole})


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedArms:
    """A judge's scores of rows, people's labels of some (NaN elsewhere), and the user of each row."""

    arms: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64], Sequence[int]]]
    notes: tuple[str, ...] = ()

    def difference(self, metric: Metric, baseline: str, candidate: str, *, level: float) -> Interval:
        old, new = (
            corrected_mean(
                judge,
                human=human,
                clusters=users,
                level=level,
                sides=2,
                bounds=_bounds(judge, human),
                unit=metric.unit,
            )
            for judge, human, users in (_arm(self.arms, baseline), _arm(self.arms, candidate))
        )
        found = joined_difference(old, candidate=new)
        labels = int(old.sample["labels"]) + int(new.sample["labels"])
        return replace(found, sample={**found.sample, "labels": labels})


def quantile_of_users(
    values: NDArray[np.float64], *, who: NDArray[np.int64], q: float, level: float, unit: str
) -> Interval:
    """A quantile of an arm's rows, its ranks taken at what rows of the same users are worth.

    Args:
        values: One a row; at least one.
        who: A number for the user of each row.
        q: Which quantile.
        level: Of the interval, two-sided.
        unit: Of the values.
    """
    import numpy as np

    n = values.size
    at = max(0, math.ceil(q * n - 1e-9) - 1)
    value = float(np.partition(values, at)[at])
    _, own = np.unique(who, return_inverse=True)
    rows = np.bincount(own).astype(float)
    # Where many rows are equal to the quantile, one user may hold them all: both sides of it are asked.
    worth = min(
        _worth(rows, np.bincount(own[side], minlength=rows.size).astype(float))
        for side in (values > value, values >= value)
    )
    lower, upper = quantile_ranks(n, q=q, level=level, sides=2, effective=max(1.0, worth))
    ends = []
    for rank, none in ((lower, -math.inf), (upper, math.inf)):
        ends.append(none if rank is None else float(np.partition(values, rank - 1)[rank - 1]))
    return Interval(
        value=value,
        low=ends[0],
        high=ends[1],
        confidence=level,
        n=int(rows.size),
        method="order statistics" if rows.size == n else "order statistics, clustered",
        unit=unit,
        sample={"q": q, "items": int(n), "effective": worth},
    )


def _worth(rows: NDArray[np.float64], above: NDArray[np.float64]) -> float:
    """How many independent values an arm's rows are worth, from how many each user has, and has above."""
    return UserCounts(
        users=rows.size,
        values=float(rows.sum()),
        above=float(above.sum()),
        values_squares=float(rows @ rows),
        above_squares=float(above @ above),
        product=float(rows @ above),
    ).effective


def _time(value: float, metric: Metric) -> str:
    return format_value(value, unit=metric.unit or metric.column)


def _arm(arms: Mapping[str, _Arm], name: str) -> _Arm:
    if name not in arms:
        raise InputError(f"nothing was measured in the arm {name!r}")
    return arms[name]


def _bounds(judge: NDArray[np.float64], human: NDArray[np.float64]) -> tuple[float, float] | None:
    """0 to 1 where all lie there."""
    import numpy as np

    known = human[~np.isnan(human)]
    both = np.concatenate([judge, known])
    return (0.0, 1.0) if both.size and both.min() >= 0.0 and both.max() <= 1.0 else None


def _enough(pairs: Sequence[tuple[ArmSums | None, ArmSums | None]]) -> list[tuple[ArmSums, ArmSums]]:
    """Strata with two users in each arm; smaller ones are joined, and left out if they stay too small."""
    kept: list[tuple[ArmSums, ArmSums]] = []
    small: list[list[ArmSums]] = [[], []]
    for old, new in pairs:
        if old is not None and new is not None and min(old.n, new.n) >= _FEWEST:
            kept.append((old, new))
            continue
        for side, arm in zip(small, (old, new), strict=True):
            if arm is not None:
                side.append(arm)
    if all(sum(arm.n for arm in side) >= _FEWEST for side in small):
        joined = [_joined(side) for side in small]
        kept.append((joined[0], joined[1]))
    return kept


def _joined(arms: list[ArmSums]) -> ArmSums:
    whole = arms[0]
    for arm in arms[1:]:
        whole = whole.plus(arm)
    return whole
