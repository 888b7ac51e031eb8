"""Scenarios of two arms of an experiment: differences, planned looks, watching, and policies from logs."""

from __future__ import annotations

import numpy as np
from coverage_scenario import Scenario, covers

from launchworthy import stats


def _arm(values: np.ndarray) -> stats.ArmSums:
    return stats.ArmSums(n=values.size, sums=(float(values.sum()),), products=((float((values**2).sum()),),))


def _arms_of(columns: list[np.ndarray], variables: tuple[str, ...]) -> stats.ArmSums:
    return stats.ArmSums(
        n=columns[0].size,
        sums=tuple(float(column.sum()) for column in columns),
        products=tuple(tuple(float(one @ two) for two in columns) for one in columns),
        variables=variables,
    )


def _welch(rng: np.random.Generator) -> bool:
    old, new = rng.lognormal(sigma=1.0, size=800), 1.1 * rng.lognormal(sigma=1.0, size=600)
    return covers(stats.arm_difference(_arm(old), candidate=_arm(new)), 0.1 * float(np.exp(0.5)))


def _ratio_arms(rng: np.random.Generator) -> bool:
    """Cost per call of users with 1 to 7 calls; the candidate's is 10 % higher."""
    arms = []
    for rise in (1.0, 1.1):
        calls = rng.integers(1, 8, size=400).astype(float)
        cost = rise * calls * rng.gamma(2.0, 0.5, size=400)
        arms.append(_arms_of([cost, calls], ("value", "denominator")))
    return covers(stats.arm_difference(arms[0], candidate=arms[1], relative=True), 0.1)


def _covariate(rng: np.random.Generator) -> bool:
    arms = []
    for lift in (0.0, 0.2):
        before = rng.gamma(2.0, 1.0, size=200)
        arms.append(_arms_of([before + rng.normal(size=200) + lift, before], ("value", "covariate")))
    return covers(stats.arm_difference(arms[0], candidate=arms[1]), 0.2)


def _strata(rng: np.random.Generator) -> bool:
    """Three plans whose users differ, and whose effects do."""
    plan = rng.choice(3, size=600, p=[0.5, 0.3, 0.2])
    arm = rng.random(600) < 0.5
    effect = np.array([0.0, 0.5, 1.0])
    values = 2.0 * plan + np.where(arm, effect[plan], 0.0) + rng.normal(size=600)
    parts = [tuple(_arm(values[(plan == at) & (arm == side)]) for side in (False, True)) for at in range(3)]
    return covers(stats.stratified_difference(parts), 0.35)  # type: ignore[arg-type]


def _newcombe(rng: np.random.Generator) -> bool:
    seen = [int(rng.binomial(400, rate)) for rate in (0.01, 0.015)]
    arms = [stats.ArmSums(n=400, sums=(float(x),), products=((float(x),),), yes_or_no=True) for x in seen]
    return covers(stats.arm_difference(arms[0], candidate=arms[1]), 0.005)


def _quantile_apart(rng: np.random.Generator) -> bool:
    arms = [stats.quantile_interval(scale * rng.exponential(size=400), q=0.9) for scale in (1.0, 1.2)]
    return covers(stats.joined_difference(arms[0], candidate=arms[1]), 0.2 * float(np.log(10.0)))


def _mean_time(rng: np.random.Generator) -> bool:
    """Events that take 8 or 10 days on average, seen for 20 days, a third of the users lost before."""
    arms, truth = [], []
    for scale in (8.0, 10.0):
        happens, leaves = rng.exponential(scale, size=200), rng.uniform(5.0, 40.0, size=200)
        followed, done = np.minimum(happens, leaves), happens <= leaves
        arms.append(stats.mean_time_interval(followed, happened=done, horizon=20.0))
        truth.append(scale * (1.0 - float(np.exp(-20.0 / scale))))
    return covers(stats.mean_time_difference(arms[0], candidate=arms[1]), truth[1] - truth[0])


def _z_path(rng: np.random.Generator, looks: int) -> np.ndarray:
    """z at each of equal looks where nothing differs."""
    return np.asarray(np.cumsum(rng.normal(size=looks)) / np.sqrt(np.arange(1, looks + 1)))


def _group_sequential(rng: np.random.Generator) -> bool:
    bounds = stats.look_bounds([(look + 1) / 20 for look in range(20)]).bounds
    return bool((np.abs(_z_path(rng, 20)) <= np.array(bounds)).all())


_WATCHED = np.array(
    [stats.asymptotic_sequence(0.0, standard_error=1.0, n=100 * look).high for look in range(1, 200)]
)


def _always(rng: np.random.Generator) -> bool:
    return bool((np.abs(_z_path(rng, 199)) <= _WATCHED).all())


def _always_naive(rng: np.random.Generator) -> bool:
    return bool((np.abs(_z_path(rng, 199)) <= 1.959963984540054).all())


def _watched_shares(rng: np.random.Generator) -> bool:
    """Rare events in two arms, looked at three times from the first users on."""
    seen = np.cumsum(rng.binomial(200, 0.01, size=(2, 3)), axis=1).tolist()
    return all(
        covers(stats.watched_shares((old, new), n=(200 * look, 200 * look)), 0.0)
        for look, (old, new) in enumerate(zip(*seen, strict=True), start=1)
    )


def _sample_ratio(rng: np.random.Generator) -> bool:
    """Users of three arms, looked at after each of 40 days; 99 % is claimed."""
    users = np.cumsum(rng.multinomial(200, [0.5, 0.25, 0.25], size=40), axis=0).tolist()
    return not any(stats.sample_ratio(row, shares=[0.5, 0.25, 0.25]).watched_mismatch for row in users)


def _other_policy(rng: np.random.Generator) -> bool:
    chances, others = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.2, 0.7])
    pays = np.array([0.3, 0.5, 0.7])
    action = rng.choice(3, size=2_100, p=chances)
    found = stats.policy_value(
        (rng.random(2_100) < pays[action]).astype(float),
        logged=chances[action],
        other=others[action],
    )
    return covers(found, float(others @ pays))


SCENARIOS = (
    Scenario("Welch's t from sums, lognormal, 800 + 600", _welch, 0.93, 0.97),
    Scenario("relative difference of ratios by the delta method, 400 + 400 users", _ratio_arms, 0.93, 0.97),
    Scenario("difference adjusted by a covariate, 200 + 200", _covariate, 0.935, 0.97),
    Scenario("post-stratified difference, 600 users of three plans", _strata, 0.935, 0.97),
    Scenario("Newcombe, 400 + 400, events of 1 %", _newcombe, 0.93, 0.985),
    Scenario("difference of P90 of two arms, 400 + 400", _quantile_apart, 0.93, 0.98),
    Scenario("difference of restricted mean times, 200 + 200, a third lost", _mean_time, 0.93, 0.97),
    Scenario("group-sequential bounds, 20 looks, nothing differs", _group_sequential, 0.938, 0.962),
    Scenario("asymptotic sequence, 199 looks, nothing differs", _always, 0.95),
    Scenario("shares of 1 %, watched from the first user on", _watched_shares, 0.95),
    Scenario("sample ratio of three arms, watched for 40 days", _sample_ratio, 0.99),
    Scenario(
        "another policy, self-normalised, 2,100 decisions",
        _other_policy,
        0.92,
        0.97,
    ),
)

FAULTS = (Scenario("z of 1.96 at each of 199 looks", _always_naive, 0.0, 0.65),)
