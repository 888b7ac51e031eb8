"""Shares that follow what is seen, for choices in which a mistake costs little. Pure; may import ``errors``,
``stats``.

A bandit earns more while it runs and proves less: its arms are of unequal size and time, so no verdict is
read from it. A plan says ``low_risk: true`` before shares may follow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from launchworthy.errors import InputError
from launchworthy.stats import ArmSums

__all__ = ["epsilon_greedy", "thompson"]

_DRAWS = 20_000


def thompson(
    arms: Mapping[str, ArmSums], *, higher_is_better: bool = True, least: float = 0.01, seed: int = 0
) -> dict[str, float]:
    """The next share of each arm: the probability that it is the best, and ``least`` at least.

    Shares of yes and no are drawn from Beta(1 + yes, 1 + no), means from the normal around the arm's own mean
    (an arm with fewer than two users, or of which nothing varies, from one as wide as all arms together).

    Raises:
        InputError: Fewer than two arms, or more ``least`` than there is to give.

    Source: Thompson, Biometrika 25 (1933); Chapelle and Li, NeurIPS (2011).
    """
    import numpy as np

    _check(arms, least)
    rng = np.random.default_rng(seed)
    draws = []
    for arm in arms.values():
        if all(each.binary for each in arms.values()):
            yes = arm.sums[0]
            draws.append(rng.beta(1.0 + yes, 1.0 + arm.n - yes, size=_DRAWS))
            continue
        centre, spread = _belief(arm, arms)
        draws.append(rng.normal(centre, spread, size=_DRAWS))
    best = (np.argmax if higher_is_better else np.argmin)(np.array(draws), axis=0)
    chances = np.bincount(best, minlength=len(arms)) / _DRAWS
    return _floored(dict(zip(arms, chances.tolist(), strict=True)), least)


def epsilon_greedy(
    arms: Mapping[str, ArmSums], *, epsilon: float = 0.1, higher_is_better: bool = True
) -> dict[str, float]:
    """The next share of each arm: ``epsilon`` spread over all, the rest to the best so far.

    An arm that nobody has met yet is the best so far, so that it is met.

    Raises:
        InputError: Fewer than two arms, or an epsilon that is no share.

    Source: Sutton and Barto, Reinforcement Learning (2018), 2.2.
    """
    if not 0.0 < epsilon <= 1.0:
        raise InputError(f"an epsilon of {epsilon!r} is no share above 0")
    _check(arms, 0.0)
    sign = 1.0 if higher_is_better else -1.0
    values = {name: math.inf if arm.mean is None else sign * arm.mean for name, arm in arms.items()}
    top = max(values.values())
    best = [name for name, value in values.items() if value == top]
    return {
        name: epsilon / len(arms) + ((1.0 - epsilon) / len(best) if name in best else 0.0) for name in arms
    }


def _check(arms: Mapping[str, ArmSums], least: float) -> None:
    if len(arms) < 2:
        raise InputError("there is nothing to choose between", hint="two arms at least")
    if not 0.0 <= least <= 1.0 / len(arms):
        raise InputError(f"{len(arms)} arms cannot have {least!r} each at least")


def _belief(arm: ArmSums, arms: Mapping[str, ArmSums]) -> tuple[float, float]:
    mean = arm.mean
    spread = math.sqrt(arm.covariance(0, 0) / arm.n) if arm.n > 1 else 0.0
    if mean is not None and spread > 0.0:
        return mean, spread
    known = [(each.mean, each) for each in arms.values() if each.mean is not None]
    centre = sum(value for value, _ in known) / len(known) if known else 0.0
    wide = max((math.sqrt(each.covariance(0, 0)) for _, each in known), default=0.0)
    return (centre if mean is None else mean), wide or 1.0


def _floored(chances: dict[str, float], least: float) -> dict[str, float]:
    """The same shares with at least ``least`` for each, taken from the others in proportion."""
    free = 1.0 - least * len(chances)
    return {name: least + free * chance for name, chance in chances.items()}
