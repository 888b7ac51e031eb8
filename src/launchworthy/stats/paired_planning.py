"""How many pairs or values a comparison needs, and how likely it is to show what it should. Pure.

A plan assumes what a pilot has to tell: how often two answers to one item differ, or how far scores spread.
"""

from __future__ import annotations

import math

from launchworthy.errors import InputError
from launchworthy.stats.checks import check_share, tail_error
from launchworthy.stats.planning import first_count
from launchworthy.stats.special import normal_cdf, normal_quantile, t_quantile

__all__ = ["mean_power", "mean_size", "paired_power", "paired_size"]


def paired_power(
    *,
    n: int,
    discordance: float,
    difference: float = 0.0,
    margin: float = 0.0,
    level: float = 0.95,
    sides: int = 1,
) -> float:
    """Chance that n pairs of yes-or-no scores show the candidate above −margin.

    Args:
        n: Pairs.
        discordance: Share of pairs in which the two differ.
        difference: True candidate − baseline.
        margin: How much worse it may be; 0 asks for proof that it is better.
        level: Of the bound (``sides=1``) or interval (2) that must clear the margin.

    Raises:
        InputError: Impossible shares.

    Source: Connor, Biometrics 43 (1987); the variance at the margin, Nam, Biometrics 53 (1997).
    """
    error = tail_error(level, sides=sides)
    if n < 1:
        raise InputError(f"{n} pairs show nothing")
    null, true = _spreads(discordance, difference, margin)
    gap = (difference + margin) * math.sqrt(n)
    return normal_cdf((gap - normal_quantile(1.0 - error) * null) / true)


def paired_size(
    *,
    discordance: float,
    difference: float = 0.0,
    margin: float = 0.0,
    level: float = 0.95,
    sides: int = 1,
    odds: float = 0.8,
) -> int | None:
    """The fewest pairs with which :func:`paired_power` reaches ``odds``; None where no number does.

    Raises:
        InputError: Impossible shares.
    """
    error = tail_error(level, sides=sides)
    check_share(odds, name="odds")
    null, true = _spreads(discordance, difference, margin)
    gap = difference + margin
    if gap <= 0.0:
        return None
    z = normal_quantile(1.0 - error) * null + normal_quantile(odds) * true
    return max(1, math.ceil((z / gap) ** 2 - 1e-9))


def mean_power(*, n: int, gap: float, sd: float, level: float = 0.95, sides: int = 1) -> float:
    """Chance that Student's t on n values (or differences) shows a mean that lies ``gap`` from the threshold.

    Args:
        n: Values, two at least.
        gap: True mean minus threshold, on the good side positive; for non-inferiority, difference + margin.
        sd: Standard deviation of the values.

    Raises:
        InputError: Fewer than two values, or a standard deviation that is not above 0.

    Source: the noncentral t distribution, as the normal tail averaged over the estimated deviation.
    """
    error = tail_error(level, sides=sides)
    if n < 2:
        raise InputError(f"{n} values have no spread", hint="a mean takes two at least")
    if not 0.0 < sd < math.inf or not math.isfinite(gap):
        raise InputError(f"a gap of {gap!r} with a standard deviation of {sd!r} cannot be planned for")
    df, shift = n - 1, gap / sd * math.sqrt(n)
    critical = t_quantile(1.0 - error, df=df)
    power = _noncentral_tail(critical, df, shift)
    return power if sides == 1 else power + _noncentral_tail(critical, df, -shift)


def mean_size(*, gap: float, sd: float, level: float = 0.95, sides: int = 1, odds: float = 0.8) -> int | None:
    """The fewest values with which :func:`mean_power` reaches ``odds``; None where no number does.

    Raises:
        InputError: As :func:`mean_power`.
    """
    check_share(odds, name="odds")
    mean_power(n=2, gap=gap, sd=sd, level=level, sides=sides)
    if gap <= 0.0:
        return None
    more = first_count(lambda m: mean_power(n=2 + m, gap=gap, sd=sd, level=level, sides=sides) >= odds)
    return None if more is None else 2 + more


def _spreads(discordance: float, difference: float, margin: float) -> tuple[float, float]:
    """Standard deviation of one pair's difference at the margin, and in truth."""
    if not 0.0 < discordance <= 1.0:
        raise InputError(f"a discordance of {discordance!r} is not above 0 and at most 1")
    if not margin >= 0.0:
        raise InputError(f"a margin of {margin!r} is not 0 or more")
    if not abs(difference) <= discordance or not margin <= 1.0:
        raise InputError(
            f"a difference of {difference!r} cannot come from pairs of which {discordance!r} differ"
        )
    true = math.sqrt(max(1e-300, discordance - difference**2))
    return math.sqrt(max(1e-300, max(discordance, margin) - margin**2)), true


def _noncentral_tail(critical: float, df: int, shift: float) -> float:
    """P(T ≥ critical) for the noncentral t: E Φ(shift − critical·S), S² being chi-square over its df."""
    spread = 1.0 / math.sqrt(2.0 * df)
    low, high = max(0.0, 1.0 - 12.0 * spread), 1.0 + 12.0 * spread + 12.0 / df
    steps = 2_000 if df > 4 else 8_000
    width = (high - low) / steps
    constant = math.log(2.0) + 0.5 * df * math.log(0.5 * df) - math.lgamma(0.5 * df)
    total = 0.0
    for i in range(steps + 1):
        s = low + i * width
        if s <= 0.0:
            density = math.exp(constant) if df == 1 else 0.0
        else:
            density = math.exp(constant + (df - 1) * math.log(s) - 0.5 * df * s * s)
        simpson = 1 if i in (0, steps) else 4 if i % 2 else 2
        total += simpson * density * normal_cdf(shift - critical * s)
    return min(1.0, total * width / 3.0)
