"""Two arms of an experiment from what each adds up to over its users. Pure.

An arm is its number of users, the sums of a few variables over them and the sums of their products: all that
means, ratios and adjustment by a covariate need, and cheap to add up where the rows are. The user is the
independent unit, so what a user did many times is summed first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from launchworthy.errors import InputError
from launchworthy.stats.checks import tail_error
from launchworthy.stats.interval import Interval
from launchworthy.stats.proportion import wilson
from launchworthy.stats.special import normal_cdf, normal_quantile, t_cdf, t_quantile

__all__ = [
    "VARIABLES",
    "ArmSums",
    "Posterior",
    "arm_difference",
    "posterior_difference",
    "stratified_difference",
]

# What may be summed, in this order. A covariate was measured before the user was assigned.
VARIABLES = ("value", "denominator", "covariate", "covariate_denominator")
_SETS = (
    VARIABLES[:1],
    VARIABLES[:2],
    ("value", "covariate"),
    VARIABLES,
)
_FEW = 10  # users with the rarer of yes and no, below which their share is not near normal
_ROUNDING = 1e-9
_MOST, _MOST_USERS = 1e75, 10**15  # squares of what is computed from them stay finite


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSums:
    """What an arm adds up to over its users.

    Attributes:
        n: Users.
        sums: Of each variable.
        products: Of each two variables, squares on the diagonal: symmetric.
        variables: Which of ``VARIABLES`` they are, in that order.
        yes_or_no: Every variable is known to be 0 or 1 for every user.
    """

    n: int
    sums: tuple[float, ...]
    products: tuple[tuple[float, ...], ...]
    variables: tuple[str, ...] = ("value",)
    yes_or_no: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.n <= _MOST_USERS:
            raise InputError(f"{self.n:g} users are impossible")
        size = len(self.variables)
        if self.variables not in _SETS or len(self.sums) != size or len(self.products) != size:
            raise InputError(f"sums of {', '.join(self.variables)} are no metric")
        numbers = [*self.sums, *(entry for row in self.products for entry in row)]
        if not all(math.isfinite(number) for number in numbers):
            raise InputError("a sum is NaN or infinite")
        if max(map(abs, numbers)) > _MOST:
            raise InputError(f"sums go beyond {_MOST:g}", hint="use a larger unit")
        for at, (total, name) in enumerate(zip(self.sums, self.variables, strict=True)):
            if self.yes_or_no and not 0.0 <= total <= self.n:
                raise InputError(f"{total:g} of {self.n:,} users is impossible")
            squares = self.products[at][at]
            if self.n and squares * self.n < total * total * (1.0 - _ROUNDING):
                raise InputError(
                    f"the squares of {name} add up to {squares:g}, which {self.n:,} users with the sum "
                    f"{total:g} cannot have",
                    hint="sum_squares is the sum of each user's value squared",
                )

    @property
    def mean(self) -> float | None:
        """The mean, or the ratio of the sums; None where there is none. Not adjusted."""
        base = self.sums[1] if "denominator" in self.variables else float(self.n)
        return self.sums[0] / base if base else None

    @property
    def binary(self) -> bool:
        """Whether it is a single variable that is 0 or 1 for every user, by its sums."""
        total = self.sums[0]
        return (
            self.variables == ("value",)
            and self.products[0][0] == total == round(total)
            and 0.0 <= total <= self.n
        )

    @property
    def adjusted(self) -> bool:
        """Whether a covariate is there to adjust by."""
        return "covariate" in self.variables

    def covariance(self, left: int, right: int) -> float:
        """Of two variables over users: with n below for shares, which are known by them, else n − 1."""
        if self.n < 2:
            return 0.0
        centred = self.products[left][right] - self.sums[left] * self.sums[right] / self.n
        return centred / (self.n if self.yes_or_no else self.n - 1)

    def plain(self) -> ArmSums:
        """The same without its covariate."""
        kept = [at for at, name in enumerate(self.variables) if not name.startswith("covariate")]
        return ArmSums(
            n=self.n,
            sums=tuple(self.sums[at] for at in kept),
            products=tuple(tuple(self.products[a][b] for b in kept) for a in kept),
            variables=tuple(self.variables[at] for at in kept),
            yes_or_no=self.yes_or_no,
        )

    def plus(self, other: ArmSums) -> ArmSums:
        """Both together: other users of the same arm.

        Raises:
            InputError: They are sums of other variables.
        """
        if self.variables != other.variables:
            raise InputError("sums of different variables do not add up")
        return ArmSums(
            n=self.n + other.n,
            sums=tuple(a + b for a, b in zip(self.sums, other.sums, strict=True)),
            products=tuple(
                tuple(a + b for a, b in zip(row, more, strict=True))
                for row, more in zip(self.products, other.products, strict=True)
            ),
            variables=self.variables,
            yes_or_no=self.yes_or_no and other.yes_or_no,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """What is believed of a difference: a normal distribution.

    Attributes:
        mean, sd: Of the difference.
        low, high: Between which it lies with the credibility asked for.
        chance: That it is above 0.
        loss: What is lost on average by taking the candidate if it is worse.
    """

    mean: float
    sd: float
    low: float
    high: float
    chance: float
    loss: float


def arm_difference(
    baseline: ArmSums,
    *,
    candidate: ArmSums,
    relative: bool = False,
    level: float = 0.95,
    sides: int = 2,
    unit: str = "",
) -> Interval:
    """Candidate minus baseline, of means or of ratios, adjusted by a covariate where there is one.

    ``relative`` gives it as a share of the baseline's unadjusted value. Where users only say yes or no and
    fewer than ten of either kind are in an arm, the absolute bounds are those of Newcombe. ``sample`` holds
    the two values, ``standard_error``, ``df``, the two-sided ``p_value`` of "no difference", and with a
    covariate its coefficient ``theta`` and the share of the variance that it leaves.

    Raises:
        InputError: Arms of other variables, an arm without users, or a ratio whose denominator adds up to 0.

    Source: Welch, Biometrika 34 (1947); ratios by the delta method, Deng et al., KDD (2018); covariates,
    Deng, Xu, Kohavi and Walker, WSDM (2013); Newcombe, Statistics in Medicine 17 (1998), method 10.
    """
    error = tail_error(level, sides=sides)
    _check_pair(baseline, candidate)
    theta = _theta(baseline, candidate)
    if theta == 0.0 and baseline.adjusted:
        baseline, candidate = baseline.plain(), candidate.plain()
    parts = [_Adjusted(arm, theta) for arm in (baseline, candidate)]
    before, after = parts
    value, variances = after.value - before.value, [part.variance for part in parts]
    if relative:
        if before.plain_value == 0.0:
            raise InputError("the baseline is 0: there is no difference relative to it")
        value, variances = value / abs(before.plain_value), _relative(before, after)
    spread = variances[0] + variances[1]
    se = math.sqrt(max(0.0, spread))
    low, high, p_value, df = -math.inf, math.inf, None, None
    method = "none: nothing varies"
    scale = max(abs(before.value), abs(after.value)) if not relative else 1.0 + abs(value)
    if min(part.variance for part in parts) > 0.0 and se > 1e-12 * scale:
        df = _welch(parts)
        half = t_quantile(1.0 - error, df=df) * se
        low, high, method = value - half, value + half, "Welch's t"
        p_value = 2.0 * t_cdf(-abs(value) / se, df=df)
        if "denominator" in baseline.variables or relative:
            method = "Welch's t, delta method"
    if _few(baseline, candidate) and not relative:
        low, high = _newcombe(baseline, candidate, level, sides)
        method = "Newcombe"
    sample: dict[str, float | int | None] = {
        "baseline": before.plain_value,
        "candidate": after.plain_value,
        "baseline_n": baseline.n,
        "candidate_n": candidate.n,
        "standard_error": se,
        "df": df,
        "p_value": p_value,
    }
    if theta:
        plain = sum(_Adjusted(arm.plain(), 0.0).variance for arm in (baseline, candidate))
        left = sum(part.variance for part in parts) / plain if plain > 0.0 else 1.0
        sample |= {"theta": theta, "variance_left": left}
        method = f"{method}, adjusted by a covariate"
    return Interval(
        value=value,
        low=low,
        high=high,
        confidence=level,
        n=baseline.n + candidate.n,
        method=method,
        sides=sides,
        unit="ratio" if relative else unit,
        sample=sample,
    )


def stratified_difference(
    strata: Sequence[tuple[ArmSums, ArmSums]], *, level: float = 0.95, sides: int = 2, unit: str = ""
) -> Interval:
    """Candidate minus baseline within each stratum, weighted by the stratum's share of all users.

    A stratum is something known before the user was assigned (a country, a plan). The shares are estimated
    from the same users, which the variance counts.

    Raises:
        InputError: No stratum, or one in which an arm has fewer than two users.

    Source: Miratrix, Sekhon and Yu, JRSS B 75 (2013).
    """
    if not strata:
        raise InputError("there are no strata")
    found = []
    for baseline, candidate in strata:
        if min(baseline.n, candidate.n) < 2:
            raise InputError(
                "a stratum has fewer than two users in an arm", hint="join it with others, or leave it out"
            )
        found.append(arm_difference(baseline, candidate=candidate, level=level, sides=sides, unit=unit))
    total = sum(part.n for part in found)
    value = sum(part.n / total * part.value for part in found)
    inside = sum((part.n / total * part.sample["standard_error"]) ** 2 for part in found)
    between = sum(part.n / total * part.value**2 for part in found) - value**2
    se = math.sqrt(max(0.0, inside + max(0.0, between) / total))
    arms = [_whole([pair[side] for pair in strata]) for side in (0, 1)]
    theta = _theta(*arms)
    parts = [_Adjusted(arm if theta else arm.plain(), theta) for arm in arms]
    low, high, p_value, df, method = -math.inf, math.inf, None, None, "none: nothing varies"
    if inside > 0.0 and min(part.variance for part in parts) > 0.0:
        df = _welch(parts)
        half = t_quantile(1.0 - tail_error(level, sides=sides), df=df) * se
        low, high, method = value - half, value + half, "post-stratified"
        p_value = 2.0 * t_cdf(-abs(value) / se, df=df)
    return Interval(
        value=value,
        low=low,
        high=high,
        confidence=level,
        n=total,
        method=method,
        sides=sides,
        unit=unit,
        sample={
            "baseline": arms[0].mean,
            "candidate": arms[1].mean,
            "baseline_n": arms[0].n,
            "candidate_n": arms[1].n,
            "standard_error": se,
            "df": df,
            "p_value": p_value,
            "strata": len(found),
        },
    )


def posterior_difference(
    difference: Interval, *, prior_mean: float = 0.0, prior_sd: float | None = None, credibility: float = 0.95
) -> Posterior | None:
    """What to believe of a difference, from its estimate and standard error; None where nothing varies.

    Args:
        difference: From :func:`arm_difference`.
        prior_mean, prior_sd: What was believed before, in its unit; without a deviation, nothing.
        credibility: Of ``low`` to ``high``.

    Source: the conjugate normal; loss as in Stucchio, Bayesian A/B Testing at VWO (2015).
    """
    se = difference.sample["standard_error"]
    if prior_sd is not None and not 0.0 < prior_sd < math.inf:
        raise InputError(f"a prior with the standard deviation {prior_sd!r} is none", hint="above 0")
    if not se:
        return None
    precision = 1.0 / se**2
    weighted = difference.value * precision
    if prior_sd is not None:
        weighted += prior_mean / prior_sd**2
        precision += 1.0 / prior_sd**2
    mean, sd = weighted / precision, math.sqrt(1.0 / precision)
    z, half = mean / sd, normal_quantile(1.0 - tail_error(credibility, sides=2)) * sd
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return Posterior(
        mean=mean,
        sd=sd,
        low=mean - half,
        high=mean + half,
        chance=normal_cdf(z),
        loss=max(0.0, sd * density - mean * normal_cdf(-z)),
    )


class _Adjusted:
    """An arm's value with theta times its covariate taken off, and the variance of that."""

    def __init__(self, arm: ArmSums, theta: float) -> None:
        self.arm, self.theta = arm, theta
        self.ratio = "denominator" in arm.variables
        mean = [total / arm.n for total in arm.sums]
        step = 2 if self.ratio else 1
        self.plain_value = mean[0] / mean[1] if self.ratio else mean[0]
        gradient = [1.0 / mean[1], -mean[0] / mean[1] ** 2] if self.ratio else [1.0]
        before = 0.0
        if arm.adjusted:
            own = mean[step:]
            if self.ratio and own[1] == 0.0:
                raise InputError("the covariate's denominator adds up to 0, so there is no ratio")
            before = own[0] / own[1] if self.ratio else own[0]
            slope = [1.0 / own[1], -own[0] / own[1] ** 2] if self.ratio else [1.0]
            gradient += [-theta * part for part in slope]
        self.value = self.plain_value - theta * before
        self.gradient = gradient
        self.variance = self.along(gradient)

    def along(self, gradient: Sequence[float], other: Sequence[float] | None = None) -> float:
        """Variance of a mean along a direction, or covariance along two."""
        right = gradient if other is None else other
        return (
            math.fsum(
                a * b * self.arm.covariance(i, j)
                for i, a in enumerate(gradient)
                for j, b in enumerate(right)
                if a and b
            )
            / self.arm.n
        )


def _check_pair(baseline: ArmSums, candidate: ArmSums) -> None:
    if baseline.variables != candidate.variables:
        raise InputError("the arms have sums of different variables")
    for name, arm in (("baseline", baseline), ("candidate", candidate)):
        if not arm.n:
            raise InputError(f"the {name} has no users", hint="nothing can be compared with it")
        if arm.mean is None:
            raise InputError(f"the denominators of the {name} add up to 0, so there is no ratio")


def _theta(baseline: ArmSums, candidate: ArmSums) -> float:
    """The coefficient that leaves the least variance, the same for both arms; 0 where there is none."""
    if not baseline.adjusted:
        return 0.0
    if "denominator" not in baseline.variables:
        both = baseline.plus(candidate)
        spread = both.covariance(1, 1)
        return both.covariance(0, 1) / spread if spread > 0.0 and both.covariance(0, 0) > 0.0 else 0.0
    above, below = 0.0, 0.0
    for arm in (baseline, candidate):
        part = _Adjusted(arm, -1.0)
        own, before = [*part.gradient[:2], 0.0, 0.0], [0.0, 0.0, *part.gradient[2:]]
        above += part.along(own, before) * arm.n
        below += part.along(before) * arm.n
    theta = above / below if below > 0.0 else 0.0
    return theta if abs(theta) >= 1e-8 else 0.0


def _relative(before: _Adjusted, after: _Adjusted) -> list[float]:
    """Variances that the two arms add to the relative difference."""
    base, sign = before.plain_value, math.copysign(1.0, before.plain_value)
    # A mean of before the assignment is alike in both arms, so what the sample says of it is left out here.
    gap = after.value - before.value if before.ratio else after.plain_value - before.plain_value
    size = len(before.gradient) // 2 if before.arm.adjusted else len(before.gradient)
    of_base = before.gradient[:size] + [0.0] * (len(before.gradient) - size)
    slope = [
        -own / abs(base) - sign * gap / base**2 * plain
        for own, plain in zip(before.gradient, of_base, strict=True)
    ]
    return [before.along(slope), after.variance / base**2]


def _welch(parts: Sequence[_Adjusted]) -> float:
    above = sum(part.variance for part in parts) ** 2
    return above / sum(part.variance**2 / (part.arm.n - 1) for part in parts)


def _few(baseline: ArmSums, candidate: ArmSums) -> bool:
    arms = (baseline, candidate)
    return all(arm.binary for arm in arms) and any(
        min(arm.sums[0], arm.n - arm.sums[0]) < _FEW for arm in arms
    )


def _newcombe(baseline: ArmSums, candidate: ArmSums, level: float, sides: int) -> tuple[float, float]:
    old, new = (
        wilson(round(arm.sums[0]), n=arm.n, level=level, sides=sides) for arm in (baseline, candidate)
    )
    value = new.value - old.value
    return (
        value - math.hypot(new.value - new.low, old.high - old.value),
        value + math.hypot(new.high - new.value, old.value - old.low),
    )


def _whole(arms: list[ArmSums]) -> ArmSums:
    first, *others = arms
    for other in others:
        first = first.plus(other)
    return first
