"""What stays valid however often one looks: e-values and confidence sequences. Pure."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.stats.checks import check_counts, tail_error
from launchworthy.stats.interval import Interval
from launchworthy.stats.units import clean_values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "FEWEST_EVENTS",
    "FEWEST_WATCHED",
    "asymptotic_sequence",
    "confidence_sequence",
    "discordant_e_value",
    "equal_arm_users",
    "share_evidence",
    "share_sequence",
    "watched_shares",
]

FEWEST_WATCHED = 100  # users of each arm before which a mean is not near normal
FEWEST_EVENTS = 20  # of either kind, in both arms together, before which a share is not


def discordant_e_value(*, gained: int, lost: int) -> float:
    """Evidence that pairs are not gained and lost alike: reject at level alpha, whenever, at 1/alpha.

    Source: 2^(b+c) B(b+1, c+1), the mixture of all rates against one half; Ville's inequality (1939).
    """
    if gained < 0 or lost < 0:
        raise InputError(f"{gained} pairs gained and {lost} lost is impossible")
    total = gained + lost
    log = total * math.log(2.0) + math.lgamma(gained + 1) + math.lgamma(lost + 1) - math.lgamma(total + 2)
    return math.exp(log) if log < 700.0 else math.inf


def asymptotic_sequence(
    estimate: float,
    *,
    standard_error: float,
    n: int,
    level: float = 0.95,
    sides: int = 2,
    tuned_for: float = 5_000.0,
    unit: str = "",
) -> Interval:
    """Any estimate that is near normal, with bounds that hold at every moment at once, from some users on.

    Args:
        estimate: The newest one.
        standard_error: Its own; 0 gives no bounds.
        n: Users behind it, of all arms.
        tuned_for: Users at which the bounds are to be narrowest.

    With ``sides=2`` ``sample["p_value"]`` is the one of "it is 0" that may be looked at all the time.

    Raises:
        InputError: No users, a standard error below 0, or a tuning that is not above 0.

    Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Time-uniform central limit theory (2021),
    equations 9, 134, 155 and 161 of version 7.
    """
    error = 1.0 - level
    tail_error(level, sides=sides)
    if n < 1 or not 0.0 <= standard_error < math.inf or not tuned_for > 0.0:
        raise InputError(f"{n} users with a standard error of {standard_error!r} cannot be watched")
    own = error if sides == 2 else 2.0 * error
    if own >= 1.0:
        raise InputError(f"a confidence of {level!r} is too low to watch one side", hint="write 0.95")
    rho = (-2.0 * math.log(own) + math.log(1.0 - 2.0 * math.log(own))) / tuned_for
    grown = n * rho + 1.0
    inside = math.log(math.sqrt(grown) / error) if sides == 2 else math.log1p(math.sqrt(grown) / own)
    half = math.inf
    sample: dict[str, float | int] = {"n": n, "standard_error": standard_error}
    if standard_error > 0.0:
        half = standard_error * math.sqrt(2.0 * grown * inside / (n * rho))
        if sides == 2:
            log = 0.5 * math.log(grown) - 0.5 * n * rho / grown * (estimate / standard_error) ** 2
            sample["p_value"] = min(1.0, math.exp(log))
    return Interval(
        value=estimate,
        low=estimate - half,
        high=estimate + half,
        confidence=level,
        n=n,
        method="asymptotic confidence sequence",
        sides=sides,
        unit=unit,
        sample=sample,
    )


def share_sequence(
    successes: tuple[float, float], *, n: tuple[float, float], level: float = 0.95, unit: str = "ratio"
) -> Interval:
    """Difference of two independent shares, second minus first, with exact bounds that always hold.

    Both bounds hold together, at every moment and for any number of users. A difference stays in as long as
    the best two shares with it explain what was seen at most 1/error times worse than all shares at once do.
    Counts need not be whole: of users with several answers they are what these are worth.

    Raises:
        InputError: Impossible counts, or an arm without users.

    Source: universal inference, Wasserman, Ramdas and Balakrishnan, PNAS 117 (2020), with the mixture of
    Krichevsky and Trofimov (1981) in each arm; Ville's inequality.
    """
    for seen, of in zip(successes, n, strict=True):
        check_counts(seen, n=of)
    limit = -math.log(tail_error(level, sides=1))
    evidence = sum(_mixture(seen, of) for seen, of in zip(successes, n, strict=True))
    value = successes[1] / n[1] - successes[0] / n[0]

    def stays(gap: float) -> bool:
        return evidence - _best_with(gap, successes, n) < limit

    ends = []
    for edge in (-1.0, 1.0):
        inside, outside = value, edge
        if stays(edge):
            ends.append(edge)
            continue
        for _ in range(32):
            middle = 0.5 * (inside + outside)
            inside, outside = (middle, outside) if stays(middle) else (inside, middle)
        ends.append(outside)
    return Interval(
        value=value,
        low=ends[0],
        high=ends[1],
        confidence=level,
        n=int(sum(n)),
        method="exact confidence sequence",
        sides=2,
        unit=unit,
        sample={"successes": list(successes), "users": list(n)},
    )


def share_evidence(
    successes: tuple[ArrayLike, ArrayLike], *, n: tuple[ArrayLike, ArrayLike], gap: float
) -> NDArray[np.float64]:
    """Logarithm of the evidence that two shares do not differ by ``gap``, for many counts at once.

    At log(1/error) or more the gap is outside :func:`share_sequence`. 0 where an arm has no users.
    """
    import numpy as np

    (a, c), (k, m) = (tuple(np.asarray(part, dtype=np.float64) for part in pair) for pair in (successes, n))
    b, d = k - a, m - c
    table, whole = _log_gammas(int(max(np.max(k), np.max(m))).bit_length())
    evidence = sum(
        table[yes.astype(np.int64)] + table[no.astype(np.int64)] - whole[of.astype(np.int64)]
        for yes, no, of in ((a, b, k), (c, d, m))
    ) - 4.0 * math.lgamma(0.5)
    left = np.full(np.shape(a), max(0.0, -gap))
    right = np.full(np.shape(a), min(1.0, 1.0 - gap))
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(32):
            p = 0.5 * (left + right)
            q = p + gap
            rises = _ratio(a, p) + _ratio(c, q) > _ratio(b, 1.0 - p) + _ratio(d, 1.0 - q)
            left, right = np.where(rises, p, left), np.where(rises, right, p)
        p = 0.5 * (left + right)
        best = sum(
            np.where(count > 0, count * np.log(np.maximum(share, 0.0)), 0.0)
            for count, share in ((a, p), (b, 1.0 - p), (c, p + gap), (d, 1.0 - p - gap))
        )
        return np.asarray(np.where((k > 0) & (m > 0), evidence - best, 0.0))


@lru_cache(maxsize=2)
def _log_gammas(bits: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each whole number that has so many bits, half and one added to it."""
    import numpy as np

    table = np.array([math.lgamma(at + 0.5) for at in range(1 << bits)])
    return table, np.append(0.0, np.cumsum(np.log(np.arange(1.0, table.size))))


def _ratio(count: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    return np.asarray(np.where(count > 0, count / share, 0.0))


def equal_arm_users(first: int, second: int) -> int:
    """Users, of two arms of one size, who tell as much as these do: the time of a sequence.

    Where the share of an arm changes on the way, all users together are no measure of what is known.
    """
    return max(1, round(4.0 * first * second / (first + second)))


def watched_shares(
    successes: tuple[int, int],
    *,
    n: tuple[int, int],
    level: float = 0.95,
    sides: int = 2,
    tuned_for: float = 5_000.0,
) -> Interval:
    """Difference of two independent shares that may be watched all the time, also where events are rare.

    The exact bounds hold from the first user on and the asymptotic ones, which are narrower later, count
    once there are 100 users in each arm and 20 of either kind; each has half of the error, and the better
    one is taken.

    Raises:
        InputError: As :func:`share_sequence`.
    """
    exact = share_sequence(successes, n=n, level=0.5 + 0.5 * level)
    low, high, method = exact.low, exact.high, exact.method
    seen, users = sum(successes), sum(n)
    rates = [part / of for part, of in zip(successes, n, strict=True)]
    spread = math.sqrt(sum(rate * (1.0 - rate) / of for rate, of in zip(rates, n, strict=True)))
    sample = dict(exact.sample)
    if min(n) >= FEWEST_WATCHED and min(seen, users - seen) >= FEWEST_EVENTS and spread > 0.0:
        near = asymptotic_sequence(
            exact.value,
            standard_error=spread,
            n=equal_arm_users(*n),
            level=0.5 + 0.5 * level,
            sides=sides,
            tuned_for=tuned_for,
        )
        low, high = max(low, near.low), min(high, near.high)
        method = "confidence sequence, exact and asymptotic"
        sample["standard_error"] = spread
    return Interval(
        value=exact.value,
        low=low,
        high=high,
        confidence=level,
        n=users,
        method=method,
        sides=sides,
        unit="ratio",
        sample=sample,
    )


def _mixture(successes: float, n: float) -> float:
    """Logarithm of the probability of a sequence, averaged over its rate by Beta(1/2, 1/2)."""
    half = 0.5
    return (
        math.lgamma(successes + half)
        + math.lgamma(n - successes + half)
        - math.lgamma(n + 1.0)
        - 2.0 * math.lgamma(half)
    )


def _best_with(gap: float, successes: tuple[float, float], n: tuple[float, float]) -> float:
    """The largest logarithm of the likelihood with shares that differ by ``gap``."""
    low, high = max(0.0, -gap), min(1.0, 1.0 - gap)
    (a, b), (c, d) = ((seen, of - seen) for seen, of in zip(successes, n, strict=True))

    def slope(p: float) -> float:
        q = p + gap
        up = (a / p if a else 0.0) + (c / q if c else 0.0)
        down = (b / (1.0 - p) if b else 0.0) + (d / (1.0 - q) if d else 0.0)
        return up - down

    left, right = low, high
    for _ in range(32):  # the likelihood is flat there, so this is far more than it needs
        p = 0.5 * (left + right)
        if p in (left, right):
            break
        left, right = (p, right) if slope(p) > 0.0 else (left, p)
    p = 0.5 * (left + right)
    pairs = ((a, p), (b, 1.0 - p), (c, p + gap), (d, 1.0 - p - gap))
    total = 0.0
    for count, share in pairs:
        if count:
            if share <= 0.0:
                return -math.inf
            total += count * math.log(share)
    return total


def confidence_sequence(
    values: ArrayLike,
    *,
    level: float = 0.95,
    sides: int = 2,
    bounds: tuple[float, float] = (0.0, 1.0),
    unit: str = "",
) -> Interval:
    """Mean of a bounded scale, with bounds that hold at every moment at once.

    Values are in the order they came; the interval after the last of them is given, narrowed by those before
    it (which hold as well).

    Raises:
        InputError: No values, NaN among them, or values outside ``bounds``.

    Source: Waudby-Smith and Ramdas, JRSS B 86 (2024), theorem 2 (predictable plug-in empirical Bernstein).
    """
    import numpy as np

    error = tail_error(level, sides=sides)
    floor, ceiling = bounds
    x = (clean_values(values) - floor) / (ceiling - floor)
    if float(x.min()) < 0.0 or float(x.max()) > 1.0:
        raise InputError(f"values leave the scale {floor:g} to {ceiling:g}")
    t = np.arange(1, x.size + 1)
    means = (0.5 + np.cumsum(x)) / (t + 1)
    variances = (0.25 + np.cumsum((x - means) ** 2)) / (t + 1)
    past_means = np.concatenate([[0.5], means[:-1]])
    past_variances = np.concatenate([[0.25], variances[:-1]])
    bets = np.minimum(0.75, np.sqrt(2 * math.log(1.0 / error) / (past_variances * t * np.log(t + 1))))
    cost = -np.log1p(-bets) - bets
    total = np.cumsum(bets)
    centre = np.cumsum(bets * x) / total
    half = (math.log(1.0 / error) + np.cumsum((x - past_means) ** 2 * cost)) / total
    low = float(np.clip((centre - half).max(), 0.0, 1.0))
    high = float(np.clip((centre + half).min(), 0.0, 1.0))
    width = ceiling - floor
    return Interval(
        value=floor + float(x.mean()) * width,
        low=floor + low * width,
        high=floor + high * width,
        confidence=level,
        n=int(x.size),
        method="empirical Bernstein confidence sequence",
        sides=sides,
        unit=unit,
        sample={"mean": floor + float(x.mean()) * width, "n": int(x.size)},
    )
