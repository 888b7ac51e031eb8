"""Scenarios of decisions by a score: estimated, measured by labels of a part, and which users it goes worse for."""

from __future__ import annotations

import numpy as np
from coverage_scenario import Scenario

from launchworthy.monitor.estimating import (
    RIGHTNESS,
    Curve,
    Decided,
    calibrated,
    disagreement,
    estimated,
    measured,
)
from launchworthy.monitor.segment_search import searched
from launchworthy.stats import Interval, fisher_p_value

_SIZES = (3_000, 1_000, 400, 120, 60, 25)
_GROUP = np.repeat(np.arange(6), _SIZES)
# Of scores with the density 3 (1 - x)², each the chance of a yes: what a decision from 0.5 on finds.
_RECALL = 0.3125


def _decided(score: np.ndarray, truth: np.ndarray, chance: np.ndarray | float = 1.0) -> Decided:
    return Decided(
        score=score,
        said=score >= 0.5,
        truth=truth,
        weight=np.where(np.isnan(truth), 0.0, 1.0 / (np.zeros(score.size) + chance)),
        calls=np.ones(score.size),
    )


def _labels(rng: np.random.Generator, chance: np.ndarray) -> np.ndarray:
    return (rng.random(chance.size) < chance).astype(float)


def _curve(rng: np.random.Generator) -> Curve:
    score = rng.random(500)
    found = calibrated(_decided(score, _labels(rng, score)))
    if isinstance(found, str):
        raise RuntimeError(found)
    return found


def _measured(rng: np.random.Generator) -> Interval:
    """Recall of 3,000 calls, of which those that were held are labelled five times as often."""
    score = rng.beta(1.0, 3.0, size=3_000)
    chance = np.where(score >= 0.5, 0.5, 0.1)
    truth = np.where(rng.random(3_000) < chance, _labels(rng, score), np.nan)
    found = measured(RIGHTNESS["recall"], _decided(score, truth, chance), score, level=0.95)
    if found is None:
        raise RuntimeError("too few labels")
    return found


def _measured_lower(rng: np.random.Generator) -> bool:
    return _measured(rng).low <= _RECALL


def _measured_upper(rng: np.random.Generator) -> bool:
    return _measured(rng).high >= _RECALL


def _estimated(rng: np.random.Generator, *, turned: bool = False) -> bool:
    """Accuracy of calls with other scores than those whose labels calibrate them."""
    curve = _curve(rng)
    score = rng.beta(2.0, 1.0, size=4_000)
    found = estimated(RIGHTNESS["accuracy"], _decided(score, score * np.nan), curve, level=0.975)
    # The density 2x: right is x from 0.5 on, and 1 - x below; the other way round where it turned.
    right = 0.75
    return found is not None and found.low <= (1.0 - right if turned else right) <= found.high


def _turned(rng: np.random.Generator) -> bool:
    return _estimated(rng, turned=True)


def _no_alarm(rng: np.random.Generator) -> bool:
    """Labels of a tenth of calls whose scores mean what they did."""
    curve = _curve(rng)
    score = rng.beta(2.0, 1.0, size=3_000)
    truth = np.where(rng.random(3_000) < 0.1, _labels(rng, score), np.nan)
    gap = disagreement(RIGHTNESS["accuracy"], _decided(score, truth, 0.1), curve, level=0.975)
    return gap is not None and gap.low <= 0.0 <= gap.high


def _none_worse(rng: np.random.Generator) -> bool:
    found = searched(rng.random(_GROUP.size) < 0.05, {f"{at}": np.equal(_GROUP, at) for at in range(6)})
    return found is not None and not found.found


def _each_alone(rng: np.random.Generator) -> bool:
    """The same parts, each asked as if it were the only one."""
    wrong = rng.random(_GROUP.size) < 0.05
    hits = [int(wrong[np.equal(_GROUP, at)].sum()) for at in range(6)]
    return all(
        fisher_p_value(own, n=n, others=sum(hits) - own, others_n=_GROUP.size - n) > 0.05
        for own, n in zip(hits, _SIZES, strict=True)
    )


SCENARIOS = (
    Scenario("recall by labels of chosen calls and scores, lower bound, n = 3,000", _measured_lower, 0.94),
    Scenario("recall by labels of chosen calls and scores, upper bound, n = 3,000", _measured_upper, 0.93),
    Scenario("accuracy estimated by scores, 500 labels, other inputs", _estimated, 0.93, 0.975),
    Scenario("300 labels against scores that 500 calibrate, nothing changed", _no_alarm, 0.93, 0.975),
    Scenario("which of 6 parts is worse, 25 to 3,000 users, none", _none_worse, 0.95),
)

FAULTS = (
    Scenario("accuracy estimated by scores that mean the opposite", _turned, 0.0, 0.01),
    Scenario("which of 6 parts is worse, each asked at 5 %, none", _each_alone, 0.0, 0.92),
)
