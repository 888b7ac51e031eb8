"""Special functions behind the exact procedures. Pure; may import the standard library only.

The incomplete beta function holds to about 1e-13 relative up to parameters of 1e7, where the textbook
prefactor with ``lgamma`` keeps only eight digits: it is taken from Loader's saddle-point form instead.
"""

from __future__ import annotations

import math
from statistics import NormalDist

__all__ = [
    "beta_cdf",
    "beta_quantile",
    "binomial_cdf",
    "binomial_tail",
    "chi_square_tail",
    "normal_cdf",
    "normal_quantile",
    "t_cdf",
    "t_quantile",
]

_NORMAL = NormalDist()
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
_TINY = 1e-300


def normal_quantile(p: float) -> float:
    """Quantile of the standard normal; ``p`` strictly between 0 and 1 (Wichura, AS 241, 1988)."""
    return _NORMAL.inv_cdf(p)


def normal_cdf(z: float) -> float:
    """Probability that a standard normal is at most ``z``."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def _stirling_error(z: float) -> float:
    """log Γ(z+1) minus Stirling's formula."""
    if z < 15.0:
        return math.lgamma(z + 1.0) - (z + 0.5) * math.log(z) + z - _HALF_LOG_2PI
    s = 1.0 / (z * z)
    return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - s / 1188) * s) * s) * s) / z


def _deviance(x: float, mean: float) -> float:
    """x log(x/mean) + mean − x without cancellation near x = mean."""
    d = x - mean
    if abs(d) < 0.1 * (x + mean):
        v = d / (x + mean)
        total, term, square, j = d * v, 2.0 * x * v, v * v, 1
        while True:
            term *= square
            step = term / (2 * j + 1)
            if total + step == total:
                return total
            total += step
            j += 1
    return x * math.log(x / mean) + mean - x


def _density_factor(a: float, b: float, x: float, y: float) -> float:
    """x^a y^b / B(a, b), with y = 1 − x.

    Source: Loader, Fast and accurate computation of binomial probabilities (2000).
    """
    n = a + b
    exponent = (
        _stirling_error(n)
        - _stirling_error(a)
        - _stirling_error(b)
        - _deviance(a, n * x)
        - _deviance(b, n * y)
    )
    return math.sqrt(a * b / (2.0 * math.pi * n)) * math.exp(exponent)


def _continued_fraction(a: float, b: float, x: float, y: float) -> float:
    """Lentz's evaluation of I_x(a, b) / (x^a y^b / B(a, b)); converges in O(√max(a, b)) steps.

    Both x and y = 1 − x are used as given: forming one from the other loses the digits of a small one.
    """
    start = a * y - b * x + 1.0
    value = a * start / (a + 1.0) or _TINY
    c, d = value, 0.0
    for m in range(1, 200_000):
        even = a + 2 * m - 1
        upper = (m * (a + m - 1) / even) * ((a + b + m - 1) / even) * (b - m) * x * x
        lower = m + m * (b - m) * x / even + (a + m) * (start + m * (1.0 + y)) / (a + 2 * m + 1)
        d = 1.0 / ((lower + upper * d) or _TINY)
        c = (lower + upper / c) or _TINY
        value *= c * d
        if abs(c * d - 1.0) < 2.3e-16:
            break
    return 1.0 / value


def _both_tails(a: float, b: float, x: float, y: float) -> tuple[float, float]:
    """I_x(a, b) and its complement, the smaller one to full relative precision."""
    if x <= 0.0:
        return 0.0, 1.0
    if y <= 0.0:
        return 1.0, 0.0
    factor = _density_factor(a, b, x, y)
    if x < (a + 1.0) / (a + b + 2.0):
        below = min(1.0, factor * _continued_fraction(a, b, x, y))
        return below, 1.0 - below
    above = min(1.0, factor * _continued_fraction(b, a, y, x))
    return 1.0 - above, above


def beta_cdf(x: float, *, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), for a, b > 0 and x from 0 to 1.

    Source: continued fraction of Didonato and Morris, ACM TOMS 18 (1992), by Lentz's method.
    """
    return _both_tails(a, b, x, 1.0 - x)[0]


def _quantile_pair(p: float, *, a: float, b: float) -> tuple[float, float]:
    """The x with I_x(a, b) = p, and 1 − x, each to full relative precision.

    Newton steps on the logit of x, kept inside a bracket that shrinks at every step.
    """
    if p <= 0.0:
        return 0.0, 1.0
    if p >= 1.0:
        return 1.0, 0.0
    low, high = -745.0, 745.0
    logit = max(low, min(high, math.log(a / b)))
    # The upper tail is compared as such, so that p near 1 does not lose its digits.
    upper = p > 0.5
    target = math.log1p(-p) if upper else math.log(p)
    for _ in range(400):
        small = math.exp(-abs(logit)) / (1.0 + math.exp(-abs(logit)))
        x, y = (small, 1.0 - small) if logit < 0 else (1.0 - small, small)
        below, above = _both_tails(a, b, x, y)
        tail = above if upper else below
        gap = (math.log(tail) if tail > 0 else -math.inf) - target
        if gap == 0.0:
            break
        if (gap > 0) != upper:
            high = logit
        else:
            low = logit
        # d log(tail) / d logit = ± x y · density / tail
        slope = _density_factor(a, b, x, y) / tail if tail > 0 else 0.0
        slope = -slope if upper else slope
        step = logit - gap / slope if slope and math.isfinite(gap) else math.nan
        nxt = step if low < step < high else 0.5 * (low + high)
        if nxt == logit or abs(nxt - logit) <= 1e-15 * max(1.0, abs(logit)):
            logit = nxt
            break
        logit = nxt
    small = math.exp(-abs(logit)) / (1.0 + math.exp(-abs(logit)))
    return (small, 1.0 - small) if logit < 0 else (1.0 - small, small)


def beta_quantile(p: float, *, a: float, b: float) -> float:
    """The x with I_x(a, b) = ``p``, for a, b > 0 and p from 0 to 1."""
    return _quantile_pair(p, a=a, b=b)[0]


def binomial_tail(k: int, *, n: int, rate: float) -> float:
    """Probability of ``k`` or more successes in ``n`` trials at ``rate``."""
    if k <= 0:
        return 1.0
    return 0.0 if k > n else beta_cdf(rate, a=k, b=n - k + 1)


def binomial_cdf(k: int, *, n: int, rate: float) -> float:
    """Probability of ``k`` or fewer successes in ``n`` trials at ``rate``."""
    if k < 0:
        return 0.0
    return 1.0 if k >= n else _both_tails(k + 1, n - k, rate, 1.0 - rate)[1]


def chi_square_tail(x: float, *, df: int) -> float:
    """Probability that chi-square with a whole number of degrees of freedom is above ``x``.

    Source: the finite sums of Abramowitz and Stegun, 26.4.4 and 26.4.5.
    """
    if x <= 0.0:
        return 1.0
    half = 0.5 * x
    if df % 2:
        term, total, steps = 2.0 * math.sqrt(half / math.pi), 0.0, (df - 1) // 2
        divisors = (0.5 + step for step in range(1, steps + 1))
    else:
        term, total, steps = 1.0, 0.0, df // 2
        divisors = (float(step) for step in range(1, steps + 1))
    for divisor in divisors:
        total += term
        term *= half / divisor
    tail = total * math.exp(-half)
    return min(1.0, tail + math.erfc(math.sqrt(half)) if df % 2 else tail)


def t_cdf(t: float, *, df: float) -> float:
    """Probability that Student's t with ``df`` degrees of freedom is at most ``t``."""
    square = t * t
    x, y = df / (df + square), square / (df + square)
    tail = 0.5 * _both_tails(df / 2, 0.5, x, y)[0]
    return tail if t < 0 else 1.0 - tail


def t_quantile(p: float, *, df: float) -> float:
    """Quantile of Student's t with ``df`` degrees of freedom; ``p`` strictly between 0 and 1."""
    if p == 0.5:
        return 0.0
    x, y = _quantile_pair(2.0 * min(p, 1.0 - p), a=df / 2, b=0.5)
    size = math.sqrt(df * y / x)
    return size if p > 0.5 else -size
