"""What a plan would do before it meets users: how often it errs, finds and decides, and when. Pure, seeded.

May import ``errors``, ``quantity``, ``stats`` and this room. Steps are drawn, not users: what an arm adds up
to in a step is binomial for shares and normal for scores.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.rollout.experiment.plan import Role
from launchworthy.rollout.experiment.simulated_plan import SimulatedMetric, SimulatedPlan
from launchworthy.stats import (
    FEWEST_EVENTS,
    FEWEST_WATCHED,
    asymptotic_sequence,
    look_bounds,
    normal_quantile,
    share_evidence,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MOST_REPETITIONS", "Outcome", "Peeking", "Simulation", "simulate"]

_MOST_STEPS = 5_000
MOST_REPETITIONS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the plan does in one world.

    Attributes:
        world: What is true there.
        ships, rolls_back, neither: Shares of the repetitions.
        days: Median days to the decision, of those that decide; None where none does.
        days_late: The same at the 90th percentile.
        exposed: Users who had met the candidate by then, on average.
        by_metric: Share of the repetitions that each harm took back.
    """

    world: str
    ships: float
    rolls_back: float
    neither: float
    days: float | None
    days_late: float | None
    exposed: float
    by_metric: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peeking:
    """One way to read the first goal: how often it finds a difference.

    Attributes:
        reading: Which way, in words.
        looks: How often it looks.
        false_finds: Where there is no difference.
        finds: Where the change is as hoped.
    """

    reading: str
    looks: int
    false_finds: float
    finds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """All of it, with the plan that it is of.

    Attributes:
        plan, repetitions, seed: What was run.
        days, users: Of the plan.
        followed: Days after which what has not decided is said not to have.
        looks, bounds: Shares of the planned information at which it may ship, and the z that each needs.
        outcomes: One a world.
        peeking: Ways to read the first goal.
    """

    plan: SimulatedPlan
    repetitions: int
    seed: int
    days: float
    followed: float
    users: int
    looks: tuple[float, ...]
    bounds: tuple[float, ...]
    outcomes: tuple[Outcome, ...]
    peeking: tuple[Peeking, ...]

    @property
    def noise(self) -> float:
        """Two standard errors of a share of one half."""
        return 1.0 / math.sqrt(self.repetitions)


def simulate(plan: SimulatedPlan, *, repetitions: int = 1_000, seed: int = 1) -> Simulation:
    """Run a plan many times where nothing changes, where all is as hoped, and where each harm is done.

    Harm is looked for at each step, at bounds that always hold; it may ship at the end of each stage, at
    group-sequential bounds; what does neither by the last day has not decided.

    Raises:
        InputError: No goal and no harm, too many steps, or stages without users in both arms.
    """
    import numpy as np

    if not 10 <= repetitions <= MOST_REPETITIONS:
        raise InputError(f"{repetitions} repetitions are not from 10 to {MOST_REPETITIONS:,}")
    steps = _Steps(plan)
    rng = np.random.default_rng(seed)
    worlds: list[tuple[str, Mapping[str, float]]] = [("nothing differs", {})]
    hoped = {metric.name: metric.change for metric in plan.metrics if metric.change}
    if hoped:
        worlds.append(("as hoped", hoped))
    for metric in plan.metrics:
        if metric.role is Role.HARM:
            worlds.append((f"{metric.name} is harmed", {**hoped, metric.name: _harm(metric)}))
    outcomes, peeking = [], []
    goals = [metric for metric in plan.metrics if metric.role is Role.GOAL]
    finds: list[dict[str, float]] = []
    for world, changes in worlds:
        paths = {
            metric.name: steps.draw(metric, changes.get(metric.name, 0.0), repetitions, rng)
            for metric in plan.metrics
        }
        outcomes.append(steps.decide(world, paths))
        if goals and world in ("nothing differs", "as hoped"):
            finds.append(steps.read(paths[goals[0].name]))
    if finds:
        for reading, looks in steps.readings:
            later = finds[1][reading] if len(finds) > 1 else math.nan
            peeking.append(Peeking(reading=reading, looks=looks, false_finds=finds[0][reading], finds=later))
    days = sum(days for _, days in plan.stages)
    return Simulation(
        plan=plan,
        repetitions=repetitions,
        seed=seed,
        days=days,
        followed=days,
        users=int(steps.old[-1] + steps.new[-1]),
        looks=steps.looks.fractions,
        bounds=steps.looks.bounds,
        outcomes=tuple(outcomes),
        peeking=tuple(peeking),
    )


def _harm(metric: SimulatedMetric) -> float:
    if metric.harm is not None:
        return metric.harm
    return -metric.sign * 2.0 * metric.margin


@dataclass(frozen=True, slots=True)
class _Path:
    """One metric over all repetitions (rows) and steps (columns), better being up."""

    metric: SimulatedMetric
    gap: NDArray[np.float64]
    se: NDArray[np.float64]
    successes: tuple[NDArray[np.int64], NDArray[np.int64]] | None


class _Steps:
    """The steps of a plan: users of each arm so far, where stages end, and the bounds there."""

    def __init__(self, plan: SimulatedPlan) -> None:
        import numpy as np

        self.plan = plan
        shares, ends = [], []
        for share, days in plan.stages:
            count = max(1, round(days * plan.steps_per_day))
            shares += [share] * count
            ends.append(len(shares) - 1)
        if len(shares) > _MOST_STEPS:
            raise InputError(
                f"{len(shares):,} steps are more than {_MOST_STEPS:,}",
                where="steps_per_day",
                hint="look less often, or let stages be shorter",
            )
        users = plan.per_day / plan.steps_per_day
        given = np.array(shares)
        self.new = np.maximum(np.round(np.cumsum(users * given)), 0).astype(np.int64)
        self.old = np.maximum(np.round(np.cumsum(users * (1.0 - given))), 0).astype(np.int64)
        if self.new[-1] < 2 or self.old[-1] < 2:
            raise InputError(
                "an arm gets fewer than two users in all stages",
                hint="a stage at 100 % has nobody to compare with: plan stages below it",
            )
        self.days = (np.arange(given.size) + 1.0) / plan.steps_per_day
        with np.errstate(divide="ignore"):
            known = 1.0 / (1.0 / self.new + 1.0 / self.old)
        self.known = np.where((self.new > 1) & (self.old > 1), known, 0.0)
        grows = [at for number, at in enumerate(ends) if self._adds(ends, number)]
        self.error = 0.5 * (1.0 - plan.confidence)
        # Information is whole where the last stage that adds to it ends.
        self.looks = look_bounds(
            [float(self.known[at] / self.known[grows[-1]]) for at in grows],
            error=self.error,
            spending=plan.spending,
        )
        self.ends = grows
        harms = [metric for metric in plan.metrics if metric.role is Role.HARM]
        # Any of the harms is enough, so they share the error, which is all on the side of harm.
        self.harm_error = 2.0 * self.error / max(1, len(harms))
        # Shares change from stage to stage, so time is counted in users of equal arms who would tell as much.
        self.worth = 4.0 * self.known
        self.tuned = 0.25 * float(self.worth[-1])

    def _adds(self, ends: Sequence[int], number: int) -> bool:
        """Whether a stage leaves more to compare than the one before it."""
        before = self.known[ends[number - 1]] if number else 0.0
        return bool(self.known[ends[number]] > before * (1.0 + 1e-9))

    def draw(
        self, metric: SimulatedMetric, change: float, repetitions: int, rng: np.random.Generator
    ) -> _Path:
        """One metric in a world where the candidate changes it by ``change``."""
        import numpy as np

        sizes = [np.diff(arm, prepend=0) for arm in (self.old, self.new)]
        means: list[NDArray[np.float64]] = []
        spreads: list[NDArray[np.float64]] = []
        counts: list[NDArray[np.int64]] = []
        with np.errstate(divide="ignore", invalid="ignore"):
            for size, total, shift in zip(sizes, (self.old, self.new), (0.0, change), strict=True):
                if metric.rate is not None:
                    rate = metric.rate + shift
                    if not 0.0 <= rate <= 1.0:
                        raise InputError(
                            f"{metric.name} would have a rate of {rate:g}",
                            where=f"metrics.{metric.name}",
                            hint="say higher_is_better: false where more is worse, or a smaller harm",
                        )
                    seen = np.cumsum(rng.binomial(size, rate, (repetitions, size.size)), axis=1)
                    counts.append(seen)
                    mean = seen / total
                    means.append(mean)
                    spreads.append(mean * (1.0 - mean) / total)
                else:
                    sd = metric.sd or 0.0
                    noise = rng.normal(size=(repetitions, size.size)) * sd * np.sqrt(size)
                    means.append(metric.mean + shift + np.cumsum(noise, axis=1) / total)
                    spreads.append(np.broadcast_to(sd * sd / total, (repetitions, size.size)))
            gap = metric.sign * (means[1] - means[0])
            se = np.sqrt(spreads[0] + spreads[1])
        usable = self.known > 0.0
        return _Path(
            metric,
            np.where(usable, gap, 0.0),
            np.where(usable & np.isfinite(se), se, np.inf),
            (counts[0], counts[1]) if counts else None,
        )

    def decide(self, world: str, paths: Mapping[str, _Path]) -> Outcome:
        """Which step, if any, takes the candidate back or ships it."""
        import numpy as np

        some = next(iter(paths.values()))
        never = some.gap.shape[1]
        harms = {
            name: self._first(self._harmed(path), never)
            for name, path in paths.items()
            if path.metric.role is Role.HARM
        }
        back = np.minimum.reduce(list(harms.values())) if harms else np.full(some.gap.shape[0], never)
        ship = self._first(self._ships(paths), never)
        ship = np.where(ship < never, np.array([*self.ends, never])[np.minimum(ship, len(self.ends))], never)
        shipped, taken = (ship < back) & (ship < never), (back <= ship) & (back < never)
        at = np.minimum(ship, back)
        days = self.days[at[at < never]]
        exposed = self.new[np.minimum(at, never - 1)]
        return Outcome(
            world=world,
            ships=float(shipped.mean()),
            rolls_back=float(taken.mean()),
            neither=float((at == never).mean()),
            days=float(np.median(days)) if days.size else None,
            days_late=float(np.quantile(days, 0.9)) if days.size else None,
            exposed=float(exposed.mean()),
            by_metric={name: float((taken & (first == at)).mean()) for name, first in harms.items()},
        )

    @staticmethod
    def _first(hits: NDArray[np.bool_], never: int) -> NDArray[np.int64]:
        import numpy as np

        return np.where(hits.any(axis=1), hits.argmax(axis=1), never)

    def _harmed(self, path: _Path) -> NDArray[np.bool_]:
        """At each step: whether it is shown to be worse than its margin, by bounds that always hold."""
        import numpy as np

        margin = path.metric.margin
        error = self.harm_error if path.successes is None else 0.5 * self.harm_error
        with np.errstate(invalid="ignore"):  # no width times no spread is neither
            near = path.gap + self._widths(1.0 - error, 1) * path.se < -margin
        if path.successes is None:
            return np.asarray(near)
        seen = path.successes[0] + path.successes[1]
        rare = np.minimum(seen, self.old + self.new - seen) < FEWEST_EVENTS
        gap = -path.metric.sign * margin
        exact = share_evidence(path.successes, n=(self.old, self.new), gap=gap) >= -math.log(error)
        return np.asarray((near & ~rare) | (exact & (path.gap < -margin)))

    def _ships(self, paths: Mapping[str, _Path]) -> NDArray[np.bool_]:
        """At each end of a stage: whether a goal is shown and every harm is within its margin."""
        import numpy as np

        goals = [path for path in paths.values() if path.metric.role is Role.GOAL]
        harms = [path for path in paths.values() if path.metric.role is Role.HARM]
        bounds = np.array(self.looks.bounds)
        fine = np.ones((next(iter(paths.values())).gap.shape[0], len(self.ends)), dtype=bool)
        for path in harms:
            fine &= path.gap[:, self.ends] - bounds * path.se[:, self.ends] >= -path.metric.margin
        if not goals:
            return fine
        # Holm at each look: the strongest goal at the strictest bound, and one is enough.
        strict = np.array(
            look_bounds(
                self.looks.fractions, error=self.error / len(goals), spending=self.plan.spending
            ).bounds
        )
        shown = [
            (path.gap[:, self.ends] - path.metric.least) / path.se[:, self.ends] > strict for path in goals
        ]
        return np.asarray(fine & np.logical_or.reduce(shown))

    @property
    def readings(self) -> tuple[tuple[str, int], ...]:
        """Ways to read the first goal, and how often each looks."""
        steps = int((self.known > 0.0).sum())
        return (
            ("1.96 at every step, as if it were the only one", steps),
            ("bounds that always hold, at every step", steps),
            (f"group sequential ({self.plan.spending}), as stages end", len(self.ends)),
            ("one look at the end", 1),
        )

    def read(self, path: _Path) -> dict[str, float]:
        """How often each way finds a difference, in either direction."""
        import numpy as np

        with np.errstate(invalid="ignore", divide="ignore"):
            z = np.abs(np.where(np.isfinite(path.se) & (path.se > 0.0), path.gap / path.se, 0.0))
        alone = normal_quantile(1.0 - self.error)
        naive, always, planned, last = (name for name, _ in self.readings)
        return {
            naive: float((z > alone).any(axis=1).mean()),
            always: float((z > self._widths(self.plan.confidence, 2)).any(axis=1).mean()),
            planned: float((z[:, self.ends] > np.array(self.looks.bounds)).any(axis=1).mean()),
            last: float((z[:, self.ends[-1]] > alone).mean()),
        }

    def _widths(self, level: float, sides: int) -> NDArray[np.float64]:
        """Half the width of the asymptotic sequence in standard errors, at each step."""
        import numpy as np

        return np.array(
            [
                asymptotic_sequence(
                    0.0, standard_error=1.0, n=int(worth), level=level, sides=sides, tuned_for=self.tuned
                ).high
                if fewest >= FEWEST_WATCHED
                else math.inf
                for worth, fewest in zip(self.worth, np.minimum(self.old, self.new), strict=True)
            ]
        )
