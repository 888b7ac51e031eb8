"""Do the bounds hold as often as they say? Prints each procedure's coverage and error rate by simulation.

    python bench/coverage.py [--repetitions 4000] [--seed 1]

Each scenario draws samples from a known truth and counts how often the two-sided 95 % interval covers it, or
how often a one-sided decision at 5 % errs. ``claimed`` is what theory says, ``allowed`` how far a method that
is only approximate may stray at this sample size; exact ones may err only to the safe side.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from launchworthy import stats
from launchworthy.metrics import find_metric, score_rows

Draw = Callable[[np.random.Generator], bool]


@dataclass(frozen=True, slots=True)
class Scenario:
    """``hit`` draws one sample and says whether the procedure was right; the share of hits must be between
    ``least`` and ``most``, give or take the noise of the simulation."""

    name: str
    hit: Draw
    least: float
    most: float = 1.0


def _covers(interval: stats.Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def _clustered(rng: np.random.Generator, clusters: int, size: int) -> tuple[np.ndarray, list[int]]:
    """0/1 outcomes with mean 0.8 and strong likeness inside a cluster."""
    rates = rng.beta(0.8, 0.2, size=clusters)
    values = (rng.random((clusters, size)) < rates[:, None]).astype(float).ravel()
    return values, np.repeat(np.arange(clusters), size).tolist()


def _proportion(rng: np.random.Generator) -> bool:
    return stats.clopper_pearson(int(rng.binomial(200, 0.95)), n=200).low <= 0.95


def _wilson(rng: np.random.Generator) -> bool:
    rate = rng.random()
    return _covers(stats.wilson(int(rng.binomial(100, rate)), n=100), rate)


def _skewed_mean(rng: np.random.Generator) -> bool:
    return _covers(stats.mean_interval(rng.exponential(size=40)), 1.0)


def _skewed_upper(rng: np.random.Generator) -> bool:
    return stats.mean_interval(rng.exponential(size=60), sides=1).high >= 1.0


def _many(rng: np.random.Generator) -> bool:
    return stats.mean_interval(rng.lognormal(sigma=1.0, size=2_500), sides=1).high >= float(np.exp(0.5))


def _near_one(rng: np.random.Generator) -> bool:
    values = np.where(rng.random(60) < 0.97, 1.0, rng.random(60))
    return stats.mean_interval(values, sides=1, bounds=(0.0, 1.0)).low <= 0.97 + 0.03 * 0.5


def _flat(rng: np.random.Generator) -> bool:
    return stats.bounded_mean((rng.random(40) < 0.95).astype(float), sides=1).low <= 0.95


def _clustered_t(rng: np.random.Generator) -> bool:
    values, names = _clustered(rng, 40, 5)
    return _covers(stats.t_interval(values, clusters=names), 0.8)


def _clustered_bootstrap(rng: np.random.Generator) -> bool:
    values, names = _clustered(rng, 40, 5)
    return _covers(stats.mean_interval(values, clusters=names, bounds=(0.0, 1.0)), 0.8)


def _quantile(rng: np.random.Generator) -> bool:
    return stats.quantile_interval(rng.exponential(size=120), q=0.95, sides=1).high >= -np.log(0.05)


def _quantile_clustered(rng: np.random.Generator) -> bool:
    own = rng.normal(size=60)
    values = (0.8 * own[:, None] + 0.6 * rng.normal(size=(60, 5))).ravel()
    names = np.repeat(np.arange(60), 5).tolist()
    return stats.quantile_interval(values, q=0.9, sides=1, clusters=names).high >= 1.2815515655446004


def _ratio(rng: np.random.Generator) -> bool:
    calls = rng.integers(1, 8, size=150)
    names = np.repeat(np.arange(150), calls).tolist()
    rate = np.repeat(rng.beta(3, 2, size=150), calls)
    success = (rng.random(rate.size) < rate).astype(float)
    cost = rng.gamma(2.0, 0.01, size=rate.size)
    return _covers(stats.ratio_interval(cost, denominators=success, clusters=names), 0.02 / 0.6)


def _paired_shares(rng: np.random.Generator) -> bool:
    gained, lost, _ = rng.multinomial(150, [0.08, 0.05, 0.87])
    return _covers(stats.paired_shares(gained=int(gained), lost=int(lost), n=150), 0.03)


def _inferior(rng: np.random.Generator) -> bool:
    """A candidate exactly a margin worse must not be called no worse."""
    gained, lost, _ = rng.multinomial(300, [0.04, 0.06, 0.90])
    interval = stats.paired_shares(gained=int(gained), lost=int(lost), n=300, sides=1)
    return stats.non_inferiority(interval.low, interval.high, margin=0.02) != "met"


def _paired_means(rng: np.random.Generator) -> bool:
    easy = rng.random(80)
    before, after = easy**2, np.minimum(1.0, easy**2 + 0.1 * rng.random(80) * (1 - easy))
    interval = stats.paired_means(before, candidate=after, bounds=(0.0, 1.0))
    return _covers(interval, _PAIRED_TRUTH)


_GRID = (np.arange(4_000) + 0.5) / 4_000
_PAIRED_TRUTH = float(
    np.mean(
        [np.minimum(1.0, _GRID**2 + 0.1 * u * (1 - _GRID)) - _GRID**2 for u in (np.arange(400) + 0.5) / 400]
    )
)


def _paired_quantiles(rng: np.random.Generator) -> bool:
    """Candidate 20 % faster, on calls that are alike."""
    easy = rng.exponential(size=120)
    before = easy * rng.gamma(20, 1 / 20, size=120)
    after = 0.8 * easy * rng.gamma(20, 1 / 20, size=120)
    return _covers(stats.paired_quantiles(before, candidate=after, q=0.8), -0.2 * _P80)


# The 0.8 quantile of exponential times gamma(20, 1/20), from a large fixed sample.
_LARGE = np.random.default_rng(0)
_P80 = float(np.quantile(_LARGE.exponential(size=2_000_000) * _LARGE.gamma(20, 1 / 20, size=2_000_000), 0.8))


def _scored(rng: np.random.Generator, n: int) -> list[dict[str, object]]:
    label = rng.random(n) < 0.3
    score = rng.normal(size=n) + label
    return [{"label": bool(one), "score": float(of)} for one, of in zip(label, score, strict=True)]


def _auc(rng: np.random.Generator) -> bool:
    interval = score_rows(find_metric("roc-auc"), _scored(rng, 120)).overall.interval
    return interval is not None and _covers(interval, stats.normal_cdf(1 / 2**0.5))


_AVERAGE_PRECISION = score_rows(
    find_metric("average-precision"), _scored(np.random.default_rng(0), 100_000)
).overall.interval


def _average_precision(rng: np.random.Generator) -> bool:
    interval = score_rows(find_metric("average-precision"), _scored(rng, 200)).overall.interval
    return (
        interval is not None
        and _AVERAGE_PRECISION is not None
        and _covers(interval, _AVERAGE_PRECISION.value)
    )


def _f1_difference(rng: np.random.Generator) -> bool:
    """Both sides err alike, so the true difference is 0."""
    metric = find_metric("f1")
    truth = rng.random(200) < 0.4
    sides = [
        [
            metric.score({"label": bool(t), "prediction": bool(t != w)})
            for t, w in zip(truth, wrong, strict=True)
        ]
        for wrong in (rng.random(200) < 0.15, rng.random(200) < 0.15)
    ]
    interval = metric.difference(sides[0], sides[1])
    return interval is not None and _covers(interval, 0.0)


def _mcnemar(rng: np.random.Generator) -> bool:
    gained, lost, _ = rng.multinomial(120, [0.1, 0.1, 0.8])
    return stats.mcnemar(gained=int(gained), lost=int(lost)) > 0.05


def _e_value_peeked(rng: np.random.Generator) -> bool:
    """Looking after every one of 200 discordant pairs."""
    wins = np.cumsum(rng.random(200) < 0.5)
    return all(
        stats.discordant_e_value(gained=int(w), lost=i + 1 - int(w)) < 20.0 for i, w in enumerate(wins)
    )


def _sequence(rng: np.random.Generator) -> bool:
    """The interval after the last value is the narrowest of all, so it covers only if all did."""
    return _covers(stats.confidence_sequence(rng.beta(8, 2, size=400)), 0.8)


SCENARIOS = (
    Scenario("Clopper-Pearson lower bound, n = 200, p = 0.95", _proportion, 0.95),
    Scenario("Wilson, n = 100, any p", _wilson, 0.94, 0.965),
    Scenario("studentised bootstrap, n = 40, exponential", _skewed_mean, 0.93, 0.97),
    Scenario("studentised bootstrap, upper bound, n = 60, exponential", _skewed_upper, 0.93, 0.97),
    Scenario("Student t for skewness, upper bound, n = 2,500, lognormal", _many, 0.935, 0.965),
    Scenario("bounded mean near 1, lower bound, n = 60", _near_one, 0.94),
    Scenario("Chernoff-Hoeffding, lower bound, n = 40", _flat, 0.95),
    Scenario("Student t, clustered, 40 x 5, alike inside", _clustered_t, 0.90, 0.97),
    Scenario("studentised cluster bootstrap, 40 x 5, alike inside", _clustered_bootstrap, 0.92, 0.98),
    Scenario("order statistics, P95 upper bound, n = 120", _quantile, 0.95),
    Scenario("order statistics, clustered P90 upper bound, 60 x 5", _quantile_clustered, 0.92),
    Scenario("delta method, cost per success, 150 users", _ratio, 0.93, 0.97),
    Scenario("Tango, n = 150, difference 3 points", _paired_shares, 0.935, 0.97),
    Scenario("non-inferiority at the margin, n = 300", _inferior, 0.935, 0.97),
    Scenario("paired means, n = 80", _paired_means, 0.93, 0.97),
    Scenario("paired quantiles, P80, n = 120", _paired_quantiles, 0.92),
    Scenario("DeLong on the logit scale, n = 120", _auc, 0.93, 0.97),
    Scenario("average precision, jackknife of groups, n = 200", _average_precision, 0.92, 0.97),
    Scenario("difference of F1 by influence, n = 200", _f1_difference, 0.93, 0.97),
    Scenario("exact McNemar, n = 120, no difference", _mcnemar, 0.95),
    Scenario("e-value, peeked at 200 times", _e_value_peeked, 0.95),
    Scenario("confidence sequence, all of 400 moments", _sequence, 0.95),
)


def rate(scenario: Scenario, *, repetitions: int, seed: int) -> float:
    """Share of repetitions in which the procedure was right."""
    rng = np.random.default_rng(seed)
    return sum(scenario.hit(rng) for _ in range(repetitions)) / repetitions


def noise(share: float, *, repetitions: int) -> float:
    """Three standard errors of the simulated share."""
    return 3.0 * float(np.sqrt(max(share * (1.0 - share), 0.01) / repetitions))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repetitions", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    wrong = 0
    print(f"{'procedure':62} {'right':>7} {'allowed':>15} {'s':>6}")
    for scenario in SCENARIOS:
        started = time.perf_counter()
        share = rate(scenario, repetitions=options.repetitions, seed=options.seed)
        slack = noise(share, repetitions=options.repetitions)
        held = scenario.least - slack <= share <= scenario.most + slack
        wrong += not held
        allowed = f"{scenario.least:.3f} to {scenario.most:.3f}"
        took = time.perf_counter() - started
        print(f"{scenario.name:62} {share:7.4f} {allowed:>15} {took:6.1f}{'' if held else '  outside'}")
    print(
        f"{options.repetitions:,} repetitions each; noise of the simulation ± {noise(0.95, repetitions=options.repetitions):.4f}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
