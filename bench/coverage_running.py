"""Scenarios of what runs: a ramp, a fix that is watched, columns that drift, and what fixed thresholds do."""

from __future__ import annotations

import numpy as np
from coverage_scenario import Scenario

from launchworthy import stats
from launchworthy.evidence.rates import compared
from launchworthy.monitor.drifting import separate
from launchworthy.records.incident import Rate
from launchworthy.rollout.ramp.looking import SPENDING


def _fix_watched(rng: np.random.Generator) -> bool:
    """A fix that changes nothing, looked at after 50, 100, 200 … calls, twelve times: it is never proven."""
    level, rate = 1.0 - 0.05 / 12, 0.1
    failed, calls = int(rng.binomial(300, rate)), 0
    before = _rate_of(failed, 300, level)
    failed = 0
    for look in range(12):
        more = 50 * 2**look - calls
        failed, calls = failed + int(rng.binomial(more, rate)), calls + more
        since = _rate_of(failed, calls, level)
        if compared("", before, since, where="production", less_is_better=True, level=level).fallen:
            return False
    return True


def _rate_of(failed: int, calls: int, level: float) -> Rate:
    found = stats.clopper_pearson(failed, n=calls, level=level)
    return Rate(value=found.value, low=found.low, high=found.high, n=calls)


def _at_margin(
    rng: np.random.Generator, shares: np.ndarray, *, users: int = 400
) -> tuple[np.ndarray, np.ndarray]:
    """Users of both releases so far and the bad ones among them, at each look, of a candidate whose share is
    worse by the 2 points that it may be."""
    came = np.column_stack([rng.poisson(users * (1.0 - shares)), rng.poisson(users * shares)])
    return np.cumsum(came, axis=0), np.cumsum(rng.binomial(came, [0.1, 0.12]), axis=0)


def _always(n: np.ndarray, bad: np.ndarray, *, level: float) -> np.ndarray:
    """At each look: 1 where the difference is shown to be beyond the margin, -1 within it, else 0."""
    error = 0.5 * (1.0 - level)
    gap = bad[:, 1] / n[:, 1] - bad[:, 0] / n[:, 0] - 0.02
    spread = np.sqrt(sum(bad[:, arm] * (n[:, arm] - bad[:, arm]) / n[:, arm] ** 3 for arm in (0, 1)))
    exact = stats.share_evidence((bad[:, 0], bad[:, 1]), n=(n[:, 0], n[:, 1]), gap=0.02)
    widths = [
        stats.asymptotic_sequence(
            0.0, standard_error=1.0, n=stats.equal_arm_users(*of), level=1.0 - error, sides=1
        ).high
        if min(of) >= stats.FEWEST_WATCHED and seen >= stats.FEWEST_EVENTS
        else np.inf
        for of, seen in zip(n.tolist(), bad.sum(axis=1).tolist(), strict=True)
    ]
    found = (exact >= -np.log(error)) | (np.abs(gap) > np.array(widths) * spread)
    return np.where(found, np.sign(gap), 0.0)


def _taken_back(rng: np.random.Generator) -> bool:
    """A candidate at its margin, looked at 199 times: it does no harm beyond, and is never taken back."""
    n, bad = _at_margin(rng, np.full(199, 0.25))
    return not (_always(n, bad, level=stats.harm_level(0.95, harms=1)) > 0.0).any()


def _goes_on(rng: np.random.Generator) -> bool:
    """The same in two stages of 14 days, one look each and one more: it must not go on by any of them.

    By the calendar the looks are at the end of 5 %, at the same again, and at the end of 25 %.
    """
    n, bad = _at_margin(rng, np.repeat([0.05, 0.25], [28, 14]))
    level, ends, spend = stats.harm_level(0.95, harms=1), [13, 27, 41], [0.186, 0.373, 1.0]
    if (_always(n, bad, level=level)[ends] < 0.0).any():
        return False
    known: list[float] = []
    for look, at in enumerate(ends):
        share = bad[at] / n[at]
        error = float(
            stats.error_at_margin(share[0], margin=0.02, n=(n[at, 0], n[at, 1]), higher_is_better=False)
        )
        known.append(1.0 / error**2)
        bounds = stats.look_bounds(
            [each / known[-1] for each in known[:-1]] + [1.0],
            error=level - 0.95,
            spending=SPENDING,
            spend=spend[: look + 1],
        )
        if share[1] - share[0] + bounds.bounds[-1] * error <= 0.02:
            return False
    return True


_EVEN = np.full(12, 1.0 / 12)
_MOVED = _EVEN + np.repeat([0.02, 0.0, -0.02], [3, 6, 3])


def _distance(
    rng: np.random.Generator, *, rows: int = 2_000, moved: bool = True, draws: int = 80
) -> stats.Interval:
    """Jensen-Shannon of twelve categories of which 6 % of the mass moved."""
    now = rng.multinomial(rows, _MOVED if moved else _EVEN)
    found = stats.divergences(rng.multinomial(2 * rows, _EVEN), current=now, sides=1, draws=draws)
    return found[stats.Divergence.JENSEN_SHANNON]


def _parted(shares: np.ndarray, others: np.ndarray) -> float:
    middle = 0.5 * (shares + others)
    return float(np.sqrt(0.5 * sum((each * np.log2(each / middle)).sum() for each in (shares, others))))


def _of_days(
    rng: np.random.Generator, *, days: int = 14, moved: bool = False, together: bool = True
) -> stats.Interval:
    """Jensen-Shannon of days of 150 rows each, whose shares differ by chance from day to day."""
    sides = [
        np.array([rng.multinomial(150, rng.dirichlet(60.0 * shares)) for _ in range(days)])
        for shares in (_EVEN, _MOVED if moved else _EVEN)
    ]
    found = stats.divergences(
        sides[0].sum(axis=0),
        current=sides[1].sum(axis=0),
        blocks=(sides[0], sides[1]) if together else None,
        sides=1,
        draws=80,
    )
    return found[stats.Divergence.JENSEN_SHANNON]


def _days_unmoved(rng: np.random.Generator) -> bool:
    """Nothing is tolerated, and nothing moved but what days do by chance: no alarm."""
    return stats.surprise_beyond(_of_days(rng), tolerance=0.0) > 0.05


def _days_lower(rng: np.random.Generator) -> bool:
    return _of_days(rng, days=28, moved=True).low <= _parted(_EVEN, _MOVED)


def _days_upper(rng: np.random.Generator) -> bool:
    return _of_days(rng, days=28, moved=True).high >= _parted(_EVEN, _MOVED)


def _days_as_rows(rng: np.random.Generator) -> bool:
    """The same, each row taken as independent."""
    return stats.surprise_beyond(_of_days(rng, together=False), tolerance=0.0) > 0.05


def _distance_lower(rng: np.random.Generator) -> bool:
    return _distance(rng).low <= _parted(_EVEN, _MOVED)


def _distance_upper(rng: np.random.Generator) -> bool:
    return _distance(rng).high >= _parted(_EVEN, _MOVED)


def _far(rng: np.random.Generator) -> bool:
    """The distance that mass goes, upper bound."""
    places = np.arange(12.0)
    found = stats.divergences(
        rng.multinomial(4_000, _EVEN),
        current=rng.multinomial(2_000, _MOVED),
        measures=[stats.Divergence.WASSERSTEIN],
        means=(places, places),
        sides=1,
        draws=80,
    )[stats.Divergence.WASSERSTEIN]
    return found.high >= float(np.abs(np.cumsum(_EVEN - _MOVED)).sum())


def _share_moved(rng: np.random.Generator) -> bool:
    """A share that moved by what is tolerated must not be called further."""
    old, new = int(rng.binomial(900, 0.02)), int(rng.binomial(600, 0.03))
    found = stats.share_change(old, of_reference=900, current=new, of_current=600, sides=1)
    return stats.share_p_value(found, tolerance=0.01) > 0.05


def _ten_columns(rng: np.random.Generator) -> bool:
    """Ten columns of which none moved, and nothing is tolerated: e-BH must find none."""
    found = [_distance(rng, rows=400, moved=False, draws=40) for _ in range(10)]
    tiny = [stats.surprise_beyond(each, tolerance=0.0) for each in found]
    return min(stats.e_benjamini_hochberg([stats.e_value(p) for p in tiny])) > 0.05


def _told_apart(rng: np.random.Generator) -> bool:
    """A classifier on two periods that are one."""
    rows = [{"v": row} for row in rng.normal(size=(240, 6)).tolist()]
    found = separate(rows[:120], current=rows[120:]).auc
    return found is not None and found.low <= 0.5


def _fixed_distance(rng: np.random.Generator) -> bool:
    """The natural-logarithm distance against 0.1, where nothing moved."""
    even = np.full(50, 0.02)
    found = stats.divergences(rng.multinomial(1_100, even), current=rng.multinomial(1_100, even), draws=2)
    plain = found[stats.Divergence.JENSEN_SHANNON].sample["plain"]
    return bool(plain * np.sqrt(np.log(2.0)) <= 0.1)


def _p_value_of_millions(rng: np.random.Generator) -> bool:
    """Chi-square at 5 % on a million rows of which 1 % stand elsewhere, which nobody would act on."""
    moved = np.full(10, 0.1) + np.array([0.002, -0.002] * 5)
    old, new = rng.multinomial(1_000_000, np.full(10, 0.1)), rng.multinomial(1_000_000, moved)
    return float(((old - new) ** 2 / (old + new)).sum()) <= 16.919


SCENARIOS = (
    Scenario("ramp: always-valid harm at the margin, 199 looks", _taken_back, 0.975),
    Scenario("ramp: planned looks and a repeated one, a release at the margin", _goes_on, 0.95),
    Scenario("fix that changes nothing, looked at twelve times, 300 calls before", _fix_watched, 0.95),
    Scenario("Jensen-Shannon less its floor, 12 categories, lower bound, n = 2,000", _distance_lower, 0.95),
    Scenario("Jensen-Shannon less its floor, 12 categories, upper bound, n = 2,000", _distance_upper, 0.94),
    Scenario("Jensen-Shannon by whole days, 14 and 14 that did not move", _days_unmoved, 0.95),
    Scenario("Jensen-Shannon by whole days, 28 and 28, lower bound", _days_lower, 0.95),
    Scenario("Jensen-Shannon by whole days, 28 and 28, upper bound", _days_upper, 0.94),
    Scenario("Wasserstein less its floor, 12 places, upper bound, n = 2,000", _far, 0.94),
    Scenario("share that moved as far as tolerated, n = 600", _share_moved, 0.95),
    Scenario("e-BH over 10 columns that did not move, n = 400", _ten_columns, 0.95),
    Scenario("cross-fitted classifier, no change, lower bound, n = 120", _told_apart, 0.95),
)

FAULTS = (
    Scenario(
        "Jensen-Shannon above 0.1, 50 categories that did not move, n = 1,100", _fixed_distance, 0.0, 0.5
    ),
    Scenario("Jensen-Shannon, 14 and 14 days that did not move, taken row by row", _days_as_rows, 0.0, 0.9),
    Scenario("chi-square on a million rows, 1 % of them moved", _p_value_of_millions, 0.0, 0.01),
)
