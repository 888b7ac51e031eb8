"""What the ramp of a contract would do before it meets users: its own rules, many times over. Pure, seeded.

May import ``stats``, ``rollout.ramp`` and this room. Harm is looked for at each step, by bounds that always
hold. A stage that has lasted ends by those bounds or by its planned look, which is repeated whenever it has
lasted as long again, until the error is spent: what ``rollout.ramp`` decides, for all repetitions at once.
Claims that stages need and people who approve are taken to be there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.rollout.experiment.simulated_plan import SimulatedMetric, SimulatedPlan
from launchworthy.rollout.experiment.simulating import MOST_REPETITIONS, Outcome, Simulation
from launchworthy.rollout.ramp.looking import SPENDING
from launchworthy.stats import (
    FEWEST_EVENTS,
    FEWEST_WATCHED,
    asymptotic_sequence,
    error_at_margin,
    harm_level,
    look_bounds,
    share_evidence,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["simulate_ramp"]

_FOLLOWED = 2.0  # times as long as the plan, after which a ramp that still waits is said to wait


def simulate_ramp(plan: SimulatedPlan, *, repetitions: int = 1_000, seed: int = 1) -> Simulation:
    """Run a ramp many times where nothing differs, and where each harm is done: at its margin, and beyond.

    Args:
        plan: Of harms that are shares, as :func:`ramp_of` gives it.

    Raises:
        InputError: A number of repetitions, or rates, that cannot be simulated.
    """
    import numpy as np

    if not 10 <= repetitions <= MOST_REPETITIONS:
        raise InputError(f"{repetitions} repetitions are not from 10 to {MOST_REPETITIONS:,}")
    rng = np.random.default_rng(seed)
    bounds: dict[tuple[float, ...], float] = {}
    outcomes = [
        _Ramps(plan, changes, repetitions=repetitions, rng=rng, bounds=bounds).run(world)
        for world, changes in _worlds(plan)
    ]
    days = sum(days for _, days in plan.stages)
    fractions = _fractions(plan.stages)
    looks = look_bounds(fractions, error=_look_error(plan), spending=SPENDING)
    return Simulation(
        plan=plan,
        repetitions=repetitions,
        seed=seed,
        days=days,
        followed=_FOLLOWED * days,
        users=round(days * plan.per_day),
        looks=looks.fractions,
        bounds=looks.bounds,
        outcomes=tuple(outcomes),
        peeking=(),
    )


def _worlds(plan: SimulatedPlan) -> Iterator[tuple[str, Mapping[str, float]]]:
    yield "nothing differs", {}
    for metric in plan.metrics:
        yield f"{metric.name} is worse by its margin", {metric.name: _worse(metric, 1.0)}
    for metric in plan.metrics:
        yield f"{metric.name} is harmed", {metric.name: _worse(metric, 2.0)}


def _worse(metric: SimulatedMetric, margins: float) -> float:
    """A change for the worse that leaves a share one."""
    rate, change = metric.rate or 0.0, -metric.sign * margins * metric.margin
    return min(1.0, max(0.0, rate + change)) - rate


def _look_error(plan: SimulatedPlan) -> float:
    """What the bounds that always hold leave to the planned looks."""
    return _level(plan) - plan.confidence


def _level(plan: SimulatedPlan) -> float:
    return harm_level(plan.confidence, harms=max(plan.harms, len(plan.metrics)))


def _fractions(stages: Sequence[tuple[float, float]]) -> list[float]:
    """Share of the planned information that is in where each stage ends, by the calendar."""
    new = old = 0.0
    told = []
    for share, days in stages:
        new, old = new + share * days, old + (1.0 - share) * days
        told.append(new * old / (new + old))
    return [each / told[-1] for each in told]


class _Ramps:
    """All repetitions of one world: arrays over those that are still on their way.

    What is counted in days is counted by the calendar, as the ramp does; users come by chance.
    """

    def __init__(
        self,
        plan: SimulatedPlan,
        changes: Mapping[str, float],
        *,
        repetitions: int,
        rng: np.random.Generator,
        bounds: dict[tuple[float, ...], float],
    ) -> None:
        import numpy as np

        self._plan, self._rng, self._metrics = plan, rng, plan.metrics
        self._rates = [
            (metric.rate or 0.0, (metric.rate or 0.0) + changes.get(metric.name, 0.0))
            for metric in plan.metrics
        ]
        self._always = 1.0 - _level(plan)
        self._shares = np.array([share for share, _ in plan.stages])
        self._lasts = np.array([max(1, round(days * plan.steps_per_day)) for _, days in plan.stages])
        self._whole = _telling(
            float((self._shares * self._lasts).sum()), float(((1.0 - self._shares) * self._lasts).sum())
        )
        self._steps = math.ceil(_FOLLOWED * int(self._lasts.sum()))
        self._widths = _Widths(4.0 * plan.per_day * self._steps / plan.steps_per_day, error=self._always / 2)
        self._bounds = bounds
        n, harms = repetitions, len(plan.metrics)
        self.at = np.arange(n)  # which repetition each row is
        self.stage = np.zeros(n, dtype=np.int64)
        self.entered = np.zeros(n, dtype=np.int64)  # step after which it entered the stage
        self.looked = np.zeros(n, dtype=np.int64)  # step of its last look there, or of entering
        self.known = np.zeros((n, 2))  # steps of users of the old and of the new release
        self.users = np.zeros((n, 2), dtype=np.int64)
        self.seen = np.zeros((n, harms, 2), dtype=np.int64)
        self.shown = np.zeros((n, harms), dtype=bool)  # at a look of this stage
        self.looks: list[list[tuple[float, tuple[float, ...]]]] = [[] for _ in range(n)]

    def run(self, world: str) -> Outcome:
        """Until each has ended, or for as long as they are followed."""
        import numpy as np

        repetitions = self.at.size
        ended = np.full(repetitions, "waits", dtype="<U10")
        when = np.full(repetitions, self._steps)
        met = np.zeros(repetitions)
        by = np.zeros((repetitions, len(self._metrics)), dtype=bool)
        for step in range(1, self._steps + 1):
            self._come()
            proven = self._proven(step)
            worse, fine = proven > 0, proven < 0
            back = np.asarray(worse.any(axis=1))
            by[self.at[back]] = worse[back]
            through = self._go_on(step, fine, rows=~back)
            for ends, how in ((back, "taken back"), (through, "shipped")):
                ended[self.at[ends]], when[self.at[ends]] = how, step
            met[self.at] = self.users[:, 1]
            self._keep(~(back | through))
            if not self.at.size:
                break
        days = when[ended != "waits"] / self._plan.steps_per_day
        return Outcome(
            world=world,
            ships=float((ended == "shipped").mean()),
            rolls_back=float((ended == "taken back").mean()),
            neither=float((ended == "waits").mean()),
            days=float(np.median(days)) if days.size else None,
            days_late=float(np.quantile(days, 0.9)) if days.size else None,
            exposed=float(met.mean()),
            by_metric={metric.name: float(by[:, at].mean()) for at, metric in enumerate(self._metrics)},
        )

    def _come(self) -> None:
        """Users of one step, and what becomes of them."""
        import numpy as np

        share = self._shares[self.stage]
        parts = np.column_stack([1.0 - share, share])
        came = self._rng.poisson(parts * self._plan.per_day / self._plan.steps_per_day)
        self.users += came
        self.known += parts
        for harm, rates in enumerate(self._rates):
            self.seen[:, harm] += self._rng.binomial(came, rates)

    def _proven(self, step: int) -> NDArray[np.int64]:
        """Of each harm, by bounds that always hold: 1 worse than its margin, −1 within it, 0 neither."""
        import numpy as np

        n = self.users
        told = np.zeros(self.shown.shape, dtype=np.int64)
        heard = n.min(axis=1) > 0
        of = np.maximum(n, 1)
        # A proven harm counts at once; that there is none only where the stage has lasted.
        over = step >= self.entered + self._lasts[self.stage]
        error = 0.5 * self._always
        for harm, metric in enumerate(self._metrics):
            seen = self.seen[:, harm]
            rates = seen / of
            gap = rates[:, 1] - rates[:, 0]
            limit = -metric.sign * metric.margin
            beyond = -metric.sign * (gap - limit)
            spread = np.sqrt((rates * (1.0 - rates) / of).sum(axis=1))
            kinds = np.minimum(seen.sum(axis=1), (n - seen).sum(axis=1))
            near = heard & (n.min(axis=1) >= FEWEST_WATCHED) & (kinds >= FEWEST_EVENTS) & (spread > 0.0)
            time = np.maximum(1.0, 4.0 * of[:, 0] * of[:, 1] / of.sum(axis=1))
            clear = near & (np.abs(beyond) >= self._widths.at(time) * spread)
            # Where no null that is easy to name is far enough from what was seen, the exact bounds are not.
            asked = heard & ~clear & (over | (beyond > 0.0))
            open_rows = asked & (_distance(seen, of, limit) >= -math.log(error))
            if open_rows.any():
                rows = np.flatnonzero(open_rows)
                found = share_evidence((seen[rows, 0], seen[rows, 1]), n=(n[rows, 0], n[rows, 1]), gap=limit)
                clear[rows] = found >= -math.log(error)
            told[:, harm] = np.where(clear, np.sign(beyond), 0).astype(np.int64)
        return told

    def _go_on(self, step: int, fine: NDArray[np.bool_], *, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Looks that are due, and the stages that are entered; which rows passed the last."""
        import numpy as np

        lasts = self._lasts[self.stage]
        over = rows & (step >= self.entered + lasts)
        unsure = ~(fine | self.shown).all(axis=1)
        due = over & unsure & (step >= self.looked + lasts)
        for row in np.flatnonzero(due):
            self._look(int(row), step)
        passed = over & (fine | self.shown).all(axis=1)
        through = passed & (self.stage == len(self._shares) - 1)
        enters = passed & ~through
        self.stage[enters] += 1
        self.entered[enters] = self.looked[enters] = step
        self.shown[enters] = False
        return np.asarray(through)

    def _look(self, row: int, step: int) -> None:
        """A planned look at one repetition, as :mod:`launchworthy.rollout.ramp.looking` takes it."""
        earlier = self.looks[row]
        if earlier and earlier[-1][0] >= 1.0:
            return
        self.looked[row] = step
        old, new = self.known[row]
        fraction = min(1.0, _telling(float(new), float(old)) / self._whole)
        told = []
        n = (int(self.users[row, 0]), int(self.users[row, 1]))
        for harm, metric in enumerate(self._metrics):
            seen = self.seen[row, harm]
            baseline = float(seen[0]) / max(1, n[0])
            error = float(
                error_at_margin(baseline, margin=metric.margin, n=n, higher_is_better=metric.higher_is_better)
            )
            before = [(each, facts[harm]) for each, facts in earlier if not math.isnan(facts[harm])]
            information = math.nan if not error > 0.0 else 1.0 / (error * error)
            if before and not (information > before[-1][1] and fraction > before[-1][0]):
                information = math.nan
            told.append(information)
            if math.isnan(information):
                continue
            bound = self._bound(
                [known / information for _, known in before], [*(each for each, _ in before), fraction]
            )
            gap = float(seen[1]) / n[1] - baseline
            if -metric.sign * gap + bound * error <= metric.margin:
                self.shown[row, harm] = True
        earlier.append((fraction, tuple(told)))

    def _bound(self, known: Sequence[float], spend: Sequence[float]) -> float:
        """Of the newest look; both are rounded to a fiftieth, so that bounds are found once."""
        key = (*_rounded([*known, 1.0]), *_rounded(spend))
        if key not in self._bounds:
            looks = look_bounds(
                key[: len(spend)], error=_look_error(self._plan), spending=SPENDING, spend=key[len(spend) :]
            )
            self._bounds[key] = looks.bounds[-1]
        return self._bounds[key]

    def _keep(self, rows: NDArray[np.bool_]) -> None:
        if rows.all():
            return
        self.looks = [looks for looks, stays in zip(self.looks, rows, strict=True) if stays]
        for name in ("at", "stage", "entered", "looked", "known", "users", "seen", "shown"):
            setattr(self, name, getattr(self, name)[rows])


class _Widths:
    """Half the width of the asymptotic sequence in standard errors, by users of two equal arms."""

    def __init__(self, most: float, *, error: float) -> None:
        import numpy as np

        self._log = np.linspace(0.0, math.log(max(2.0, most)), 400)
        self._width = np.array(
            [
                asymptotic_sequence(
                    0.0, standard_error=1.0, n=max(1, round(math.exp(each))), level=1.0 - error, sides=1
                ).high
                for each in self._log
            ]
        )

    def at(self, users: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        return np.asarray(np.interp(np.log(users), self._log, self._width))


def _rounded(shares: Sequence[float]) -> tuple[float, ...]:
    """To a fiftieth where they still ascend."""
    told = [round(50.0 * share) / 50.0 for share in shares]
    ascends = all(low < high for low, high in zip([0.0, *told], told, strict=False))
    return tuple(told if ascends else shares)


def _telling(new: float, old: float) -> float:
    """Users of both arms as users who tell of each other."""
    return new * old / (new + old) if new + old > 0.0 else 0.0


def _distance(seen: NDArray[np.int64], n: NDArray[np.int64], gap: float) -> NDArray[np.float64]:
    """Log likelihood of what was seen over that of one pair of shares which differ by ``gap``.

    No evidence against the gap is larger, since the best such pair is at least as likely.
    """
    import numpy as np

    low, high = max(0.0, -gap), min(1.0, 1.0 - gap)
    first = np.clip((seen.sum(axis=1) - n[:, 1] * gap) / n.sum(axis=1), low, high)
    pair = np.column_stack([first, first + gap])
    with np.errstate(divide="ignore", invalid="ignore"):
        yes = np.where(seen > 0, seen * np.log(seen / n / pair), 0.0)
        no = np.where(n > seen, (n - seen) * np.log((n - seen) / n / (1.0 - pair)), 0.0)
    return np.asarray((yes + no).sum(axis=1))
