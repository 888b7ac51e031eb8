"""What an experiment says, metric by metric and as a whole. Pure; may import ``errors``, ``quantity``,
``stats`` and this room.

Ship is read at planned looks, where group-sequential bounds keep their error; harm is watched all the time,
where only bounds that always hold do. Each harm has its part of the error, since any of them is enough; all
of them must be shown to be within their margins before anything ships, which needs no correction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from launchworthy.errors import InputError
from launchworthy.quantity import difference_unit, format_number, format_value
from launchworthy.rollout.experiment.gathered import Gathered, SumArms, Values
from launchworthy.rollout.experiment.plan import Metric, Plan, Role
from launchworthy.stats import (
    FEWEST_WATCHED,
    Interval,
    LookBounds,
    Posterior,
    SampleRatio,
    asymptotic_sequence,
    bound_status,
    look_bounds,
    look_interval,
    normal_cdf,
    normal_quantile,
    posterior_difference,
    sample_ratio,
    watched_shares,
)

__all__ = [
    "Conclusion",
    "ExperimentReading",
    "MetricReading",
    "PairReading",
    "analyse",
    "ends_in_words",
]

_ODDS = 0.8  # with which a sample is to show what it is planned for
_FURTHEST = 7.0  # a z whose tail is still told apart from 0
_NAMED = 3  # metrics that a sentence tells of
_NEAR = 0.005  # of the plan: a look this close to a planned one is that look


class Conclusion(StrEnum):
    """What follows from an experiment, or one comparison of it."""

    SHIP = "ship"
    HARM = "harm"
    NO_HARM = "no_harm"  # beyond the margins, and no improvement shown
    NO_EFFECT = "no_effect"  # the improvement is shown to be smaller than what was looked for
    UNDERPOWERED = "underpowered"
    GO_ON = "go_on"  # before the planned end
    STOPPED_BY_SRM = "stopped_by_srm"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricReading:
    """One metric, candidate minus baseline.

    Attributes:
        metric: As planned.
        difference: By itself: as if this were the only metric and the only look.
        relative: The same as a share of the baseline, for means and ratios; None where there is none.
        look: With the bounds of this look.
        always: With bounds that hold at every moment; a harm's are at its part of the error.
        belief: Bayesian reading; None where nothing varies.
        shown: Whether a goal is better by what was asked, corrected for all goals.
        status: Of the bound against the margin: met (not worse beyond it), unmet (worse) or unproven.
        harmed: Whether harm is proven, by the bounds that always hold.
        smallest: Difference that this many users show with odds of 80 %, in the unit of ``difference``.
        needed: Users in all arms who would show what was planned; None where nothing was, or no number does.
        notes: What was done to its values.
    """

    metric: Metric
    difference: Interval
    relative: Interval | None
    look: Interval
    always: Interval
    belief: Posterior | None
    shown: bool
    status: str
    harmed: bool
    smallest: float | None
    needed: int | None
    notes: tuple[str, ...] = ()

    @property
    def p_value(self) -> float | None:
        """Two-sided, of "no difference", by itself."""
        found = self.difference.sample["p_value"]
        return None if found is None else float(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairReading:
    """One arm against the baseline.

    Attributes:
        arm: Which.
        conclusion: What follows.
        reason: Why, in a sentence.
        metrics: What was read, by name.
        unread: Metrics of the plan that could not be, and why; what must not get worse is then not shown.
    """

    arm: str
    conclusion: Conclusion
    reason: str
    metrics: Mapping[str, MetricReading]
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentReading:
    """A whole experiment at one moment.

    Attributes:
        plan: As completed by what was seen.
        gathered: What was seen.
        ratio: Users of each arm against the plan.
        fraction: Share of the planned users; above 1 where there are more.
        looks: Bounds of the looks so far.
        pairs: Each other arm against the baseline; empty where the sample ratio stops the reading.
        despite: Why it was read although the sample ratio says not to.
    """

    plan: Plan
    gathered: Gathered
    ratio: SampleRatio
    fraction: float
    looks: LookBounds
    pairs: tuple[PairReading, ...]
    despite: str = ""

    @property
    def conclusion(self) -> Conclusion:
        """Of the whole: harm in any arm first, then a ship in any."""
        if not self.pairs:
            return Conclusion.STOPPED_BY_SRM
        found = [pair.conclusion for pair in self.pairs]
        for first in (Conclusion.HARM, Conclusion.SHIP):
            if first in found:
                return first
        return found[0]

    @property
    def reason(self) -> str:
        """Why, in a sentence."""
        if self.pairs:
            chosen = next(pair for pair in self.pairs if pair.conclusion is self.conclusion)
            return chosen.reason if len(self.pairs) == 1 else f"{chosen.arm}: {chosen.reason}"
        told = ", ".join(
            f"{name} has {count:,} users where {format_number(due, digits=6)} are due"
            for name, count, due in zip(self.plan.shares, self.ratio.counts, self.ratio.expected, strict=True)
        )
        return (
            f"users did not fall into the arms as planned (p = {format_number(self.ratio.p_value)}): {told}; "
            "whatever kept them out may be what the metrics would show"
        )


def analyse(plan: Plan, gathered: Gathered, *, despite: str = "") -> ExperimentReading:
    """Read an experiment.

    Args:
        plan: Completed by the reader of its file.
        gathered: What was seen.
        despite: Why to read it even if users did not fall into the arms as planned.

    Raises:
        InputError: A metric that cannot be computed, such as a ratio over 0.
    """
    counts = [gathered.users.get(arm, 0) for arm in plan.shares]
    ratio = sample_ratio(counts, shares=list(plan.shares.values()))
    error = 0.5 * (1.0 - plan.confidence)
    users = sum(counts)
    fraction = users / plan.users if plan.users else 1.0
    looks = look_bounds(_looks_so_far(plan.looks, fraction), error=error, spending=plan.spending)
    pairs: tuple[PairReading, ...] = ()
    if not ratio.mismatch or despite:
        pairs = tuple(_pair(plan, gathered, arm, looks, fraction) for arm in plan.candidates)
    return ExperimentReading(
        plan=plan,
        gathered=gathered,
        ratio=ratio,
        fraction=fraction,
        looks=looks,
        pairs=pairs,
        despite=despite if ratio.mismatch else "",
    )


def _looks_so_far(planned: Sequence[float], fraction: float) -> list[float]:
    """Planned looks that are past, and this one."""
    now = min(1.0, max(fraction, 1e-6))
    close = [look for look in planned if abs(look - now) <= _NEAR]
    now = close[0] if close else now
    return [*(look for look in planned if look < now), now]


def _pair(plan: Plan, gathered: Gathered, arm: str, looks: LookBounds, fraction: float) -> PairReading:
    goals = [metric for metric in plan.metrics.values() if metric.role is Role.GOAL]
    harms = max(1, len(plan.metrics) - len(goals)) * len(plan.candidates)
    found: dict[str, Interval] = {}
    unread = dict(gathered.unread)
    for name, metric in plan.metrics.items():
        if name in unread:
            continue
        try:
            found[name] = gathered.values[name].difference(metric, plan.baseline, arm, level=plan.confidence)
        except InputError as error:
            if not gathered.growing:
                raise InputError(f"{name}: {error.message}", where=error.where, hint=error.hint) from error
            unread[name] = error.message
    shown = _shown(plan, goals, found, looks)
    metrics = {
        name: _metric(plan, gathered, plan.metrics[name], arm, own, looks, shown, harms)
        for name, own in found.items()
    }
    conclusion, reason = _conclude(metrics, fraction, [plan.metrics[name] for name in unread])
    return PairReading(arm=arm, conclusion=conclusion, reason=reason, metrics=metrics, unread=unread)


def _shown(
    plan: Plan, goals: Sequence[Metric], found: Mapping[str, Interval], looks: LookBounds
) -> frozenset[str]:
    """Goals that are better by what was asked at this look, corrected for their number and that of arms."""
    strengths = {}
    for metric in goals:
        if metric.name not in found:
            continue
        own = found[metric.name]
        se = own.sample["standard_error"]
        sign = 1.0 if metric.higher_is_better else -1.0
        strengths[metric.name] = (sign * own.value - metric.least) / se if se else -math.inf
    order = sorted(strengths, key=lambda name: -strengths[name])
    tests = len(goals) * len(plan.candidates)
    passed = []
    for rank, name in enumerate(order, start=1):
        share = rank / tests if plan.correction == "benjamini-hochberg" else 1.0 / (tests - rank + 1)
        bounds = look_bounds(looks.fractions, error=looks.error * share, spending=plan.spending)
        own = look_interval(found[name], bound=bounds.bounds[-1], error=bounds.error)
        passed.append(_better(plan.metrics[name], own))
    if plan.correction == "benjamini-hochberg":
        last = max((rank for rank, fine in enumerate(passed, start=1) if fine), default=0)
    else:
        last = next((rank for rank, fine in enumerate(passed) if not fine), len(passed))
    return frozenset(order[:last])


def _better(metric: Metric, own: Interval) -> bool:
    return own.low > metric.least if metric.higher_is_better else own.high < -metric.least


def _metric(
    plan: Plan,
    gathered: Gathered,
    metric: Metric,
    arm: str,
    own: Interval,
    looks: LookBounds,
    shown: frozenset[str],
    harms: int,
) -> MetricReading:
    values = gathered.values[metric.name]
    look = _at_look(plan, metric, values, arm, own, looks)
    always = _always(plan, metric, values, arm, own, harms)
    status = _within(metric, look.low, look.high)
    harmed = _within(metric, always.low, always.high) == "unmet"
    relative = None
    if isinstance(values, SumArms) and not metric.relative and own.sample["baseline"]:
        relative = values.difference(
            replace(metric, relative=True), plan.baseline, arm, level=plan.confidence
        )
    prior = plan.prior_sd
    if prior is not None and not metric.relative:
        prior = prior * abs(own.sample["baseline"]) or None
    smallest, needed = _plan_again(metric, own, looks)
    return MetricReading(
        metric=metric,
        difference=own,
        relative=relative,
        look=look,
        always=always,
        belief=posterior_difference(own, prior_sd=prior, credibility=plan.confidence),
        shown=metric.name in shown,
        status=status,
        harmed=harmed and metric.role is Role.HARM,
        smallest=smallest,
        needed=needed,
        notes=values.notes,
    )


def _at_look(
    plan: Plan, metric: Metric, values: Values, arm: str, own: Interval, looks: LookBounds
) -> Interval:
    """With the bounds of this look; of few events by the procedure that does not lean on the normal."""
    bound = looks.bounds[-1]
    found = look_interval(own, bound=bound, error=looks.error)
    if own.method != "Newcombe" or bound > _FURTHEST:
        return found
    wide = values.difference(metric, plan.baseline, arm, level=1.0 - 2.0 * normal_cdf(-bound))
    return replace(found, low=wide.low, high=wide.high)


def _always(plan: Plan, metric: Metric, values: Values, arm: str, own: Interval, harms: int) -> Interval:
    """Bounds that always hold: of a goal two-sided; of a harm one-sided at its part of the error, and exact
    where it is yes or no, since what must not happen is rare."""
    level, sides = plan.confidence, 2
    if metric.role is Role.HARM:
        level, sides = 1.0 - (1.0 - plan.confidence) / harms, 1
    tuned = 0.25 * plan.users if plan.users else 5_000.0
    shares = values.shares(plan.baseline, arm) if isinstance(values, SumArms) else None
    if shares is not None and metric.role is Role.HARM and not metric.relative:
        return watched_shares(shares[0], n=shares[1], level=level, sides=sides, tuned_for=tuned)
    fewest = min(own.sample["baseline_n"], own.sample["candidate_n"])
    if fewest < FEWEST_WATCHED:
        method = f"none: fewer than {FEWEST_WATCHED} users in an arm"
        return replace(
            own, low=-math.inf, high=math.inf, confidence=level, sides=sides, method=method, sample={}
        )
    return asymptotic_sequence(
        own.value,
        standard_error=own.sample["standard_error"],
        n=own.n,
        level=level,
        sides=sides,
        tuned_for=tuned,
        unit=own.unit,
    )


def _within(metric: Metric, low: float, high: float) -> str:
    """Whether it is not worse beyond its margin."""
    if metric.higher_is_better:
        return bound_status(low, high, direction="at_least", threshold=-metric.margin)
    return bound_status(low, high, direction="at_most", threshold=metric.margin)


def _plan_again(metric: Metric, own: Interval, looks: LookBounds) -> tuple[float | None, int | None]:
    """What this many users show with odds of 80 %, and how many show what was planned for."""
    se = own.sample["standard_error"]
    if not se:
        return None, None
    both = normal_quantile(1.0 - looks.error) + normal_quantile(_ODDS)
    wanted = metric.margin if metric.role is Role.HARM else (metric.detect or 0.0) - metric.least
    needed = math.ceil(own.n * (both * se / wanted) ** 2) if wanted > 0.0 else None
    return both * se, needed


def _conclude(
    metrics: Mapping[str, MetricReading], fraction: float, unread: Sequence[Metric]
) -> tuple[Conclusion, str]:
    """What follows. A harm that was not read is not shown to be within its margin, a goal not to be small."""
    unseen = [each.name for each in unread if each.role is Role.HARM]
    unmeasured = [each.name for each in unread if each.role is Role.GOAL]
    goals = [each for each in metrics.values() if each.metric.role is Role.GOAL]
    harms = [each for each in metrics.values() if each.metric.role is Role.HARM]
    harmed = [each for each in harms if each.harmed]
    if harmed:
        return Conclusion.HARM, "; ".join(
            f"{_said(each, each.always)}, worse than {_margin(each)}" for each in harmed
        )
    worse = [each for each in goals if each.status == "unmet" and not each.shown]
    if worse:
        return Conclusion.HARM, "; ".join(
            f"{_said(each, each.look)}, worse than {_margin(each)}" for each in worse
        )
    unsure = [each for each in harms if each.status != "met"]
    better = [each for each in goals if each.shown]
    if better and not unsure and not unseen:
        told = " and ".join(_said(each, each.look) for each in better)
        rest = f"; {_names(harms)} not worse beyond the margin" if harms else ""
        return Conclusion.SHIP, f"{told}{rest}"
    if fraction < 1.0:
        open_ = ", ".join([each.metric.name for each in unsure] + unseen)
        return Conclusion.GO_ON, (
            f"{format_value(fraction, unit='ratio')} of the planned users are in; "
            + (f"not yet shown within the margin: {open_}" if open_ else "no goal is shown yet")
        )
    if unsure or unseen:
        told = "; ".join([_missing(unsure)] * bool(unsure) + [f"{name} could not be read" for name in unseen])
        return Conclusion.UNDERPOWERED, f"not shown within the margin: {told}"
    small = [each for each in goals if _excluded(each)]
    if goals and len(small) == len(goals) and not unmeasured:
        told = "; ".join(_said(each, each.look) for each in small)
        return Conclusion.NO_EFFECT, f"smaller than what was looked for: {told}"
    wanted = ", ".join([each.metric.name for each in goals] + unmeasured)
    if harms:
        tail = f"; no improvement shown of {wanted}" if wanted else ""
        return Conclusion.NO_HARM, f"{_names(harms)} not worse beyond the margin{tail}"
    told = "; ".join([_missing(goals)] * bool(goals) + [f"{name} could not be read" for name in unmeasured])
    return Conclusion.UNDERPOWERED, f"not shown to be better: {told}"


def _excluded(each: MetricReading) -> bool:
    """Whether the difference that one would not want to miss is ruled out."""
    detect = each.metric.detect
    if detect is None:
        return False
    return each.look.high < detect if each.metric.higher_is_better else each.look.low > -detect


def _unit(each: MetricReading) -> str:
    return difference_unit(each.difference.unit) if not each.metric.relative else "ratio"


def _said(each: MetricReading, own: Interval) -> str:
    unit = _unit(each)
    ends = ends_in_words(own, unit=unit)
    return f"{each.metric.name} {format_value(own.value, unit=unit)} ({ends})"


def ends_in_words(own: Interval, *, unit: str) -> str:
    """``−1.04 to 1.27 points``: the bounds alone, their unit said once."""
    low, high = (format_value(end, unit=unit) for end in (own.low, own.high))
    number, space, tail = low.rpartition(" ")
    same = space and high.rpartition(" ")[2].rstrip("s") == tail.rstrip("s")
    return f"{number if same else low} to {high}"


def _margin(each: MetricReading) -> str:
    if not each.metric.margin:
        return "the baseline"
    return f"the margin of {format_value(each.metric.margin, unit=_unit(each))}"


def _names(some: Sequence[MetricReading]) -> str:
    return ", ".join(each.metric.name for each in some)


def _missing(some: Sequence[MetricReading]) -> str:
    told = []
    for each in some[:_NAMED]:
        text = _said(each, each.look)
        if each.needed is not None and each.needed > each.difference.n:
            text += f", about {each.needed:,} users would"
        elif each.smallest is not None and each.needed is None:
            text += f", this many users show {format_value(each.smallest, unit=_unit(each))} (80 %)"
        told.append(text)
    more = f"; and {len(some) - _NAMED} more" if len(some) > _NAMED else ""
    return "; ".join(told) + more
