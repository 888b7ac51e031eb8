"""What another policy would have earned, from what a logged one did with known chances. Pure.

Each row is one decision: the chance with which the logged policy took the action it took, the chance with
which the other would take that action, and what came of it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.stats.interval import Interval
from launchworthy.stats.means import mean_interval
from launchworthy.stats.ratio import ratio_interval
from launchworthy.stats.units import clean_values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["effective_rows", "policy_value", "policy_values"]

METHODS = ("ips", "snips", "dr")
_FEWEST = 30.0  # rows that the weights must be worth, for bounds


def policy_values(
    rewards: ArrayLike,
    *,
    logged: ArrayLike,
    other: ArrayLike,
    predicted: ArrayLike | None = None,
    predicted_other: ArrayLike | None = None,
    clusters: Sequence[Hashable] | None = None,
    level: float = 0.95,
    sides: int = 2,
    unit: str = "",
) -> dict[str, Interval]:
    """The value by each method that the columns allow: see :func:`policy_value`."""
    methods = METHODS if predicted is not None and predicted_other is not None else METHODS[:2]
    return {
        method: policy_value(
            rewards,
            logged=logged,
            other=other,
            predicted=predicted,
            predicted_other=predicted_other,
            method=method,
            clusters=clusters,
            level=level,
            sides=sides,
            unit=unit,
        )
        for method in methods
    }


def policy_value(
    rewards: ArrayLike,
    *,
    logged: ArrayLike,
    other: ArrayLike,
    predicted: ArrayLike | None = None,
    predicted_other: ArrayLike | None = None,
    method: str = "snips",
    clusters: Sequence[Hashable] | None = None,
    level: float = 0.95,
    sides: int = 2,
    unit: str = "",
) -> Interval:
    """Mean reward of the other policy.

    Args:
        rewards: What came of each decision.
        logged: Chance with which the logged policy took this action, as it was when it did; above 0.
        other: Chance with which the other policy takes it.
        predicted: What a model expected of the action taken.
        predicted_other: What it expects under the other policy: its mean over the actions.
        method: ``ips`` weighs each reward by other/logged; ``snips`` divides by the weights' own sum, which
            helps where they vary; ``dr`` takes the model's expectation and weighs only its errors.

    Where the weights are worth fewer than 30 rows there are no bounds: the two policies hardly share a
    decision.

    Raises:
        InputError: Chances that are none, an action that cannot have been taken, or no model for ``dr``.

    Source: Horvitz and Thompson, JASA 47 (1952); Swaminathan and Joachims, NeurIPS (2015); Dudík, Langford
    and Li, ICML (2011).
    """
    import math

    if method not in METHODS:
        raise InputError(f"no method {method!r}", hint=f"one of {', '.join(METHODS)}")
    reward = clean_values(rewards, name="rewards")
    weights = _weights(logged, other, reward.size)
    worth = effective_rows(weights)
    if method == "snips":
        if not float(weights.sum()):
            raise InputError("the other policy takes none of the logged actions")
        found = ratio_interval(
            weights * reward, denominators=weights, level=level, sides=sides, clusters=clusters, unit=unit
        )
    else:
        terms = weights * reward
        if method == "dr":
            if predicted is None or predicted_other is None:
                raise InputError("dr needs what a model predicted: of the action, and under the other policy")
            own, under = (clean_values(part, name="predictions") for part in (predicted, predicted_other))
            if own.size != reward.size or under.size != reward.size:
                raise InputError("there is not one prediction for each reward")
            terms = under + weights * (reward - own)
        found = mean_interval(terms, level=level, sides=sides, clusters=clusters, unit=unit)
    sample = {**found.sample, "effective_rows": worth, "rows": int(reward.size)}
    if worth < _FEWEST:
        return replace(
            found,
            low=-math.inf,
            high=math.inf,
            method="none: the policies hardly share a decision",
            sample=sample,
        )
    return replace(found, method=f"{method}, {found.method}", sample=sample)


def effective_rows(weights: ArrayLike) -> float:
    """How many rows of equal weight these are worth.

    Source: Kish, Survey Sampling (1965).
    """
    w = clean_values(weights, name="weights")
    squares = float((w * w).sum())
    return float(w.sum()) ** 2 / squares if squares > 0.0 else 0.0


def _weights(logged: ArrayLike, other: ArrayLike, size: int) -> NDArray[np.float64]:
    before, after = clean_values(logged, name="logged chances"), clean_values(other, name="other chances")
    if before.size != size or after.size != size:
        raise InputError("there is not one chance of each policy for each reward")
    if float(before.min()) <= 0.0 or float(before.max()) > 1.0:
        raise InputError(
            "a logged chance is not above 0 and at most 1",
            hint="what was taken had a chance; log it when the decision is made",
        )
    if float(after.min()) < 0.0 or float(after.max()) > 1.0:
        raise InputError("a chance of the other policy is not from 0 to 1")
    return after / before
