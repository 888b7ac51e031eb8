"""Scenarios of shares, means, quantiles and ratios of one sample, and of pairs."""

from __future__ import annotations

import numpy as np
from coverage_scenario import Scenario, covers

from launchworthy import stats


def _clustered(rng: np.random.Generator, clusters: int, size: int) -> tuple[np.ndarray, list[int]]:
    """0/1 outcomes with mean 0.8 and strong likeness inside a cluster."""
    rates = rng.beta(0.8, 0.2, size=clusters)
    values = (rng.random((clusters, size)) < rates[:, None]).astype(float).ravel()
    return values, np.repeat(np.arange(clusters), size).tolist()


def _proportion(rng: np.random.Generator) -> bool:
    return stats.clopper_pearson(int(rng.binomial(200, 0.95)), n=200).low <= 0.95


def _wilson(rng: np.random.Generator) -> bool:
    rate = rng.random()
    return covers(stats.wilson(int(rng.binomial(100, rate)), n=100), rate)


def _skewed_mean(rng: np.random.Generator) -> bool:
    return covers(stats.mean_interval(rng.exponential(size=40)), 1.0)


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
    return covers(stats.t_interval(values, clusters=names), 0.8)


def _clustered_bootstrap(rng: np.random.Generator) -> bool:
    values, names = _clustered(rng, 40, 5)
    return covers(stats.mean_interval(values, clusters=names, bounds=(0.0, 1.0)), 0.8)


def _quantile(rng: np.random.Generator) -> bool:
    return bool(stats.quantile_interval(rng.exponential(size=120), q=0.95, sides=1).high >= -np.log(0.05))


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
    return covers(stats.ratio_interval(cost, denominators=success, clusters=names), 0.02 / 0.6)


def _paired_shares(rng: np.random.Generator) -> bool:
    gained, lost, _ = rng.multinomial(150, [0.08, 0.05, 0.87])
    return covers(stats.paired_shares(gained=int(gained), lost=int(lost), n=150), 0.03)


def _inferior(rng: np.random.Generator) -> bool:
    """A candidate exactly a margin worse must not be called no worse."""
    gained, lost, _ = rng.multinomial(300, [0.04, 0.06, 0.90])
    interval = stats.paired_shares(gained=int(gained), lost=int(lost), n=300, sides=1)
    return stats.non_inferiority(interval.low, interval.high, margin=0.02) != "met"


def _moved_users(
    rng: np.random.Generator, sizes: np.ndarray, *, gained: float, lost: float, together: float
) -> tuple[np.ndarray, list[int]]:
    """What each pair of a user gained (1) or lost (−1); so many of the users move as a whole."""
    users = np.repeat(np.arange(sizes.size), sizes)
    whole = (rng.random(sizes.size) < together)[users]
    place = np.where(whole, rng.random(sizes.size)[users], rng.random(users.size))
    moved = np.where(place < gained, 1.0, np.where(place < gained + lost, -1.0, 0.0))
    return moved, users.tolist()


def _clustered_few(rng: np.random.Generator) -> bool:
    """Nothing differs in truth, and two users of 50 move, each as a whole."""
    moved, users = _moved_users(rng, np.full(50, 2), gained=0.02, lost=0.02, together=1.0)
    return bool(stats.clustered_shares(moved, clusters=users).sample["p_value"] > 0.05)


def _clustered_margin(rng: np.random.Generator) -> bool:
    """A candidate that only loses, exactly by the margin, must not be called no worse."""
    moved, users = _moved_users(rng, rng.integers(1, 8, size=100), gained=0.0, lost=0.02, together=0.5)
    interval = stats.clustered_shares(moved, clusters=users, sides=1)
    return stats.non_inferiority(interval.low, interval.high, margin=0.02) != "met"


def _clustered_many(rng: np.random.Generator) -> bool:
    moved, users = _moved_users(rng, rng.integers(1, 8, size=150), gained=0.12, lost=0.08, together=0.5)
    return covers(stats.clustered_shares(moved, clusters=users), 0.04)


def _clusters_resampled(rng: np.random.Generator) -> bool:
    moved, users = _moved_users(rng, np.full(50, 2), gained=0.02, lost=0.02, together=1.0)
    found = stats.mean_interval(moved, clusters=users, bounds=(-1.0, 1.0))
    return bool(found.sample["p_value"] > 0.05)


def _few_scores(rng: np.random.Generator) -> bool:
    """Two of a hundred scores move, either way."""
    before = np.full(100, 0.5)
    after = before + np.where(rng.random(100) < 0.02, rng.uniform(-0.5, 0.5, size=100), 0.0)
    found = stats.paired_means(before, candidate=after, bounds=(0.0, 1.0))
    return bool(found.sample["p_value"] > 0.05)


def _few_lower(rng: np.random.Generator) -> bool:
    """Scores only fall, exactly by the margin, and few of them."""
    before = np.full(100, 0.9)
    after = before - np.where(rng.random(100) < 0.04, rng.random(100) * 0.8, 0.0)
    found = stats.paired_means(before, candidate=after, bounds=(0.0, 1.0), sides=1)
    return stats.non_inferiority(found.low, found.high, margin=0.016) != "met"


def _paired_means(rng: np.random.Generator) -> bool:
    easy = rng.random(80)
    before, after = easy**2, np.minimum(1.0, easy**2 + 0.1 * rng.random(80) * (1 - easy))
    interval = stats.paired_means(before, candidate=after, bounds=(0.0, 1.0))
    return covers(interval, _PAIRED_TRUTH)


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
    return covers(stats.paired_quantiles(before, candidate=after, q=0.8), -0.2 * _P80)


# The 0.8 quantile of exponential times gamma(20, 1/20), from a large fixed sample.
_LARGE = np.random.default_rng(0)
_P80 = float(np.quantile(_LARGE.exponential(size=2_000_000) * _LARGE.gamma(20, 1 / 20, size=2_000_000), 0.8))


def _t_near_one(rng: np.random.Generator) -> bool:
    """A sample that does not vary has an interval of zero width there; ours has none."""
    values = (rng.random(200) < 0.999).astype(float)
    found = stats.t_interval(values)
    return bool(values.std() > 0.0) and covers(found, 0.999)


def _clusters_ignored(rng: np.random.Generator) -> bool:
    return covers(stats.t_interval(_clustered(rng, 40, 5)[0]), 0.8)


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
    Scenario("Tango over clusters, 50 x 2, users move as a whole, few do", _clustered_few, 0.95),
    Scenario("Tango over clusters, losses at the margin, 100 x 1 to 7", _clustered_margin, 0.95),
    Scenario("Tango over clusters, 150 x 1 to 7, difference 4 points", _clustered_many, 0.935, 0.975),
    Scenario("paired means, n = 80", _paired_means, 0.93, 0.97),
    Scenario("paired means of which few differ, n = 100, no difference", _few_scores, 0.95),
    Scenario("paired means of which few differ, losses at the margin, n = 100", _few_lower, 0.94),
    Scenario("paired quantiles, P80, n = 120", _paired_quantiles, 0.92),
)

FAULTS = (
    Scenario("Student t on yes-or-no scores, n = 200, p = 0.999", _t_near_one, 0.0, 0.25),
    Scenario("Student t with clusters ignored, 40 x 5", _clusters_ignored, 0.0, 0.85),
    Scenario(
        "bootstrap of clusters of which few differ, 50 x 2, no difference", _clusters_resampled, 0.0, 0.88
    ),
)
