"""Time until something happens, which for some users has not happened yet. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.stats.checks import tail_error
from launchworthy.stats.interval import Interval
from launchworthy.stats.special import chi_square_tail, normal_cdf, normal_quantile
from launchworthy.stats.units import clean_values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["log_rank", "mean_time_difference", "mean_time_interval"]


def mean_time_interval(
    times: ArrayLike,
    *,
    happened: ArrayLike,
    horizon: float,
    level: float = 0.95,
    sides: int = 2,
    unit: str = "",
) -> Interval:
    """Mean time without the event up to ``horizon``: the area under the Kaplan-Meier curve.

    Args:
        times: One a user: when it happened, or how long it has not.
        happened: Whether it did.
        horizon: Where counting ends; users must be followed as long.

    Raises:
        InputError: No users, a time below 0, or nobody who was followed to the horizon.

    Source: Royston and Parmar, BMC Medical Research Methodology 13 (2013); variance by Greenwood (1926).
    """
    t, d = _checked(times, happened)
    if not 0.0 < horizon < math.inf:
        raise InputError(f"a horizon of {horizon!r} is not above 0")
    if float(t.max()) < horizon:
        raise InputError(
            f"nobody was followed to the horizon of {horizon:g}",
            hint=f"the longest time is {float(t.max()):g}; choose a horizon up to there",
        )
    moments, events, at_risk = _table(t, d, horizon)
    ends = [*moments.tolist(), horizon]
    curve, areas = 1.0, [ends[0]]
    for at, (event, risk) in enumerate(zip(events.tolist(), at_risk.tolist(), strict=True)):
        curve *= 1.0 - event / risk
        areas.append(curve * (ends[at + 1] - ends[at]))
    area, left, variance = math.fsum(areas), 0.0, 0.0
    for at in range(len(ends) - 2, -1, -1):
        left += areas[at + 1]
        event, risk = float(events[at]), float(at_risk[at])
        if risk > event:
            variance += left * left * event / (risk * (risk - event))
    se = math.sqrt(variance)
    half = normal_quantile(1.0 - tail_error(level, sides=sides)) * se if se > 0.0 else math.inf
    return Interval(
        value=area,
        low=max(0.0, area - half),
        high=min(horizon, area + half),
        confidence=level,
        n=int(t.size),
        method="restricted mean (Kaplan-Meier)",
        sides=sides,
        unit=unit,
        sample={"standard_error": se, "events": int(d.sum()), "horizon": horizon},
    )


def mean_time_difference(baseline: Interval, *, candidate: Interval) -> Interval:
    """Candidate minus baseline, of restricted means over the same horizon.

    Raises:
        InputError: Other horizons or levels.
    """
    sample, other = baseline.sample, candidate.sample
    if sample["horizon"] != other["horizon"] or baseline.confidence != candidate.confidence:
        raise InputError("the arms were read over different horizons, or at different levels")
    value = candidate.value - baseline.value
    se = math.hypot(sample["standard_error"], other["standard_error"])
    z = normal_quantile(1.0 - tail_error(baseline.confidence, sides=baseline.sides))
    half = z * se if se > 0.0 else math.inf
    return Interval(
        value=value,
        low=value - half,
        high=value + half,
        confidence=baseline.confidence,
        n=baseline.n + candidate.n,
        method="restricted means (Kaplan-Meier)" if se > 0.0 else "none: nothing happened",
        sides=baseline.sides,
        unit=baseline.unit,
        sample={
            "baseline": baseline.value,
            "candidate": candidate.value,
            "baseline_n": baseline.n,
            "candidate_n": candidate.n,
            "standard_error": se,
            "df": None,
            "p_value": 2.0 * normal_cdf(-abs(value) / se) if se > 0.0 else None,
            "events": int(sample["events"]) + int(other["events"]),
            "horizon": sample["horizon"],
        },
    )


def log_rank(
    baseline: ArrayLike,
    *,
    baseline_happened: ArrayLike,
    candidate: ArrayLike,
    candidate_happened: ArrayLike,
) -> float:
    """P-value of "it happens as fast in both arms", whole curves compared; 1 where nothing happened.

    Raises:
        InputError: As :func:`mean_time_interval`.

    Source: Mantel, Cancer Chemotherapy Reports 50 (1966).
    """
    import numpy as np

    times, done = zip(
        _checked(baseline, baseline_happened), _checked(candidate, candidate_happened), strict=True
    )
    whole, events = np.concatenate(times), np.concatenate(done)
    moments = np.unique(whole[events])
    ordered = [np.sort(part) for part in times]
    happened = [np.sort(part[flag]) for part, flag in zip(times, done, strict=True)]
    if not moments.size:
        return 1.0
    risk = [part.size - np.searchsorted(part, moments, side="left") for part in ordered]
    seen = [
        np.searchsorted(part, moments, side="right") - np.searchsorted(part, moments, side="left")
        for part in happened
    ]
    n, d = (risk[0] + risk[1]).astype(float), (seen[0] + seen[1]).astype(float)
    share = risk[1] / n
    surplus = float((seen[1] - d * share).sum())
    spread = np.where(n > 1, d * share * (1.0 - share) * (n - d) / np.maximum(n - 1.0, 1.0), 0.0)
    variance = float(spread.sum())
    return chi_square_tail(surplus**2 / variance, df=1) if variance > 0.0 else 1.0


def _checked(times: ArrayLike, happened: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    import numpy as np

    t = clean_values(times, name="times")
    d = np.asarray(happened, dtype=bool).ravel()
    if d.size != t.size:
        raise InputError(f"{t.size} times and {d.size} words on whether it happened")
    if float(t.min()) < 0.0:
        raise InputError("a time is below 0", hint="count from when the user was assigned")
    return t, d


def _table(
    t: NDArray[np.float64], d: NDArray[np.bool_], horizon: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Moments at which it happened before the horizon, how often, and users at risk just before."""
    import numpy as np

    moments, events = np.unique(t[d & (t <= horizon)], return_counts=True)
    at_risk = t.size - np.searchsorted(np.sort(t), moments, side="left")
    return moments, events, at_risk
