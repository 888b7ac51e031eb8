"""How much is needed to settle a share against a threshold, and how likely that is to settle it. Pure.

Everything is computed from the exact one-sided test that the verdict uses, so a plan and a verdict never
disagree: "met" is a Clopper-Pearson lower bound at or above the threshold. A plan counts the items
*against* it (bad ones when it is to be met): with c of them, n items settle it when c or fewer would be
rarer than the error at a share of exactly the threshold.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from launchworthy.errors import InputError
from launchworthy.stats.checks import check_counts, check_share, tail_error
from launchworthy.stats.special import binomial_cdf

__all__ = ["Needed", "first_count", "items_to_prove", "power", "sample_size"]

_MOST_ITEMS = 1_000_000_000  # beyond this the answer is "not by counting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What would settle a share against a threshold.

    Attributes:
        flawless: Further items that prove it if every one of them is good; 0 if it is proven already;
            None beyond a billion.
        flawless_odds: Probability that all of these are good, judged by what was seen (predictive, under
            Jeffreys' prior); 1 when none are needed.
        steady: Further items after which it is settled with probability ``steady_odds``, if the observed
            rate is the true one; None where the observed rate is the threshold itself or too close to it.
        steady_odds: That probability, at least the one asked for.
        settles: ``"met"`` or ``"unmet"``: which way the observed rate points; None where it is the threshold.
    """

    flawless: int | None
    flawless_odds: float
    steady: int | None
    steady_odds: float | None
    settles: str | None


def items_to_prove(
    successes: int = 0,
    *,
    n: int = 0,
    threshold: float,
    direction: str = "at_least",
    level: float = 0.95,
    odds: float = 0.8,
) -> Needed:
    """How many further items settle "the share is at least (or at most) ``threshold``".

    ``successes`` counts what the share counts: the good items for ``at_least``, the bad for ``at_most``.

    Raises:
        InputError: Impossible counts, or a threshold outside (0, 1).
    """
    error = tail_error(level, sides=1)
    check_share(odds, name="odds")
    if n or successes:
        check_counts(successes, n=n)
    good, floor = (successes, threshold) if _wants_more(direction) else (n - successes, 1.0 - threshold)
    check_share(threshold, name="threshold")
    bad = n - good
    total = _least_items(bad, share=1.0 - floor, error=error)
    flawless = None if total is None else max(0, total - n)
    steady, steady_odds, settles = None, None, None
    if n and good / n != floor:
        settles = "met" if good / n > floor else "unmet"
        against, share = (bad, 1.0 - floor) if settles == "met" else (good, floor)
        steady, steady_odds = _steady(against, n, share, error, odds)
    return Needed(
        flawless=flawless,
        flawless_odds=_all_good(good, bad, flawless),
        steady=steady,
        steady_odds=steady_odds,
        settles=settles,
    )


def power(
    *, n: int, rate: float, threshold: float, direction: str = "at_least", level: float = 0.95
) -> float:
    """Probability that ``n`` items prove the share on the good side of ``threshold`` if it is ``rate``.

    Raises:
        InputError: n below 1, or a rate or threshold that is no share.
    """
    check_share(threshold, name="threshold")
    check_counts(0, n=n)
    error = tail_error(level, sides=1)
    bad_rate, share = _against(rate, threshold, direction)
    low, high = -1, n  # the most bad items that still prove it lies in [low, high)
    while high - low > 1:
        middle = (low + high) // 2
        proves = binomial_cdf(middle, n=n, rate=share) <= error
        low, high = (middle, high) if proves else (low, middle)
    return binomial_cdf(low, n=n, rate=bad_rate)


def sample_size(
    *, rate: float, threshold: float, direction: str = "at_least", level: float = 0.95, odds: float = 0.8
) -> int | None:
    """The fewest items with which a true ``rate`` is proven with probability ``odds``.

    None beyond a billion, or when the rate is not on the good side of the threshold. Odds rise in a
    saw-tooth: just above the answer they dip a little below what was asked.
    """
    check_share(threshold, name="threshold")
    check_share(odds, name="odds")
    error = tail_error(level, sides=1)
    bad_rate, share = _against(rate, threshold, direction)
    if bad_rate >= share:
        return None
    return _fewest(0, 0, bad_rate, share, error, odds)


def _wants_more(direction: str) -> bool:
    if direction not in ("at_least", "at_most"):
        raise InputError(f"direction {direction!r} is neither 'at_least' nor 'at_most'")
    return direction == "at_least"


def _against(rate: float, threshold: float, direction: str) -> tuple[float, float]:
    """Rate of bad items, and the most the threshold allows."""
    if not 0.0 <= rate <= 1.0:
        raise InputError(f"a rate of {rate!r} is not from 0 to 1")
    return (1.0 - rate, 1.0 - threshold) if _wants_more(direction) else (rate, threshold)


def first_count(holds: Callable[[int], bool]) -> int | None:
    """The smallest count for which ``holds``, found by doubling and halving."""
    if holds(0):
        return 0
    high = 1
    while not holds(high):
        high *= 2
        if high > _MOST_ITEMS:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _least_items(against: int, *, share: float, error: float) -> int | None:
    """The fewest items of which ``against`` may be against and the share is still proven below ``share``."""
    more = first_count(lambda m: binomial_cdf(against, n=against + m, rate=share) <= error)
    return None if more is None else against + more


def _fewest(seen: int, n: int, rate: float, share: float, error: float, odds: float) -> int | None:
    """Fewest items in all, of which n with ``seen`` against are past, that settle it with ``odds``.

    Odds peak where one more item against becomes allowed, so only these sizes are tried.
    """

    def likely(extra: int) -> bool:
        total = _least_items(seen + extra, share=share, error=error)
        return total is None or binomial_cdf(extra, n=max(0, total - n), rate=rate) >= odds

    extra = first_count(likely)
    return None if extra is None else _least_items(seen + extra, share=share, error=error)


def _steady(against: int, n: int, share: float, error: float, odds: float) -> tuple[int | None, float | None]:
    rate = against / n
    total = _fewest(against, n, rate, share, error, odds)
    if total is None:
        return None, None
    more = max(0, total - n)
    allowed, limit = -1, total + 1
    while limit - allowed > 1:
        middle = (allowed + limit) // 2
        proves = binomial_cdf(middle, n=max(total, n), rate=share) <= error
        allowed, limit = (middle, limit) if proves else (allowed, middle)
    return more, binomial_cdf(allowed - against, n=more, rate=rate)


def _all_good(good: int, bad: int, more: int | None) -> float:
    """Beta-binomial probability that ``more`` items are all good after ``good`` and ``bad`` were seen."""
    if more is None:
        return 0.0
    a, b = good + 0.5, bad + 0.5
    return math.exp(math.lgamma(a + more) - math.lgamma(a + b + more) - math.lgamma(a) + math.lgamma(a + b))
