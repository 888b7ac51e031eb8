"""Scenarios of metrics that are more than a mean: areas, F1, calibration, and groups against each other."""

from __future__ import annotations

import numpy as np
from coverage_scenario import Scenario, covers

from launchworthy import stats
from launchworthy.metrics import (
    Scored,
    columns_of,
    compare_groups,
    find_metric,
    group_report,
    report_groups,
    score_rows,
)


def _scored(rng: np.random.Generator, n: int) -> list[dict[str, object]]:
    label = rng.random(n) < 0.3
    score = rng.normal(size=n) + label
    return [{"label": bool(one), "score": float(of)} for one, of in zip(label, score, strict=True)]


def _auc(rng: np.random.Generator) -> bool:
    interval = score_rows(find_metric("roc-auc"), _scored(rng, 120)).overall.interval
    return interval is not None and covers(interval, stats.normal_cdf(1 / 2**0.5))


def _auc_clustered(rng: np.random.Generator) -> bool:
    """Four answers to each of 60 users, whose scores are alike."""
    users = np.repeat(np.arange(60), 4)
    label = rng.random(users.size) < 0.3
    score = label + 0.5**0.5 * (rng.normal(size=60)[users] + rng.normal(size=users.size))
    metric = find_metric("roc-auc")
    scores = [
        metric.score({"label": bool(one), "score": float(of)}) for one, of in zip(label, score, strict=True)
    ]
    interval = metric.estimate(scores, clusters=users.tolist())
    return interval is not None and covers(interval, stats.normal_cdf(1 / 2**0.5))


_AVERAGE_PRECISION = score_rows(
    find_metric("average-precision"), _scored(np.random.default_rng(0), 100_000)
).overall.interval


def _average_precision(rng: np.random.Generator) -> bool:
    interval = score_rows(find_metric("average-precision"), _scored(rng, 200)).overall.interval
    return (
        interval is not None and _AVERAGE_PRECISION is not None and covers(interval, _AVERAGE_PRECISION.value)
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
    return interval is not None and covers(interval, 0.0)


def _f1_few_users(rng: np.random.Generator) -> bool:
    """60 users of 5 answers, of whom 5 % are answered anew, as well as before."""
    metric, users = find_metric("f1"), np.repeat(np.arange(60), 5)
    truth, wrong = rng.random(300) < 0.4, rng.random(300) < 0.15
    anew = np.where((rng.random(60) < 0.05)[users], rng.random(300) < 0.15, wrong)
    sides = [
        [
            metric.score({"label": bool(t), "prediction": bool(t != w)})
            for t, w in zip(truth, side, strict=True)
        ]
        for side in (wrong, anew)
    ]
    interval = metric.difference(sides[0], sides[1], clusters=users.tolist())
    return interval is not None and covers(interval, 0.0)


def _judged_gap(rng: np.random.Generator) -> bool:
    """Three groups, of which a judge fails one more often than people do; 250 labels of each."""
    group = np.repeat(np.arange(3), 1_000)
    truth = rng.random(group.size) < np.array([0.8, 0.8, 0.7])[group]
    judge = (rng.random(group.size) < np.where(truth, np.array([0.95, 0.7, 0.95])[group], 0.2)).astype(float)
    human = np.where(np.arange(group.size) % 1_000 < 250, truth, np.nan)
    places = {str(one): np.flatnonzero(group == one) for one in range(3)}

    def estimate(chosen: np.ndarray, level: float) -> stats.Interval:
        level = (1.0 + level) / 2.0
        return stats.corrected_mean(judge[chosen], human=human[chosen], level=level, sides=1)

    measured = np.ones(group.size, dtype=bool)
    gap = group_report(find_metric("accuracy"), places, measured=measured, estimate=estimate).gap
    return gap is not None and covers(gap, 0.1)


def _gap_growth(rng: np.random.Generator) -> bool:
    """Five groups, of which one is apart before and after; the same items on both sides."""
    group = rng.integers(0, 5, size=600)
    before = rng.random(600) < np.where(group == 0, 0.35, 0.5)
    after = before & (rng.random(600) >= np.where(group == 0, 0.2, 0.1))
    metric, names = find_metric("selection-rate"), np.array([str(n) for n in range(600)])
    old, new = (
        Scored.of_columns(
            metric, columns_of({"prediction": said, "group": group, "id": names}), by="group", ids="side"
        )
        for said in (before, after)
    )
    gap = None if old is None or new is None else compare_groups(metric, baseline=old, candidate=new).gap
    return gap is not None and covers(gap, (0.5 * 0.9 - 0.35 * 0.8) - 0.15)


_CELLS = np.array([[0.54, 0.01, 0.01], [0.03, 0.28, 0.01], [0.01, 0.03, 0.08]])  # truth by decision


def _macro_f1(rng: np.random.Generator) -> bool:
    """The lower bound of macro F1 of three classes, one of them rare."""
    hit, true, said = np.diag(_CELLS), _CELLS.sum(axis=1), _CELLS.sum(axis=0)
    metric = find_metric("macro-f1")
    drawn = rng.choice(9, size=150, p=_CELLS.ravel())
    columns = columns_of({"label": drawn // 3, "prediction": drawn % 3})
    scores = None if metric.columns is None else metric.columns(columns)
    interval = None if scores is None else metric.estimate(scores, sides=1)
    return interval is not None and interval.low <= float((2 * hit / (true + said)).mean())


def _calibration(rng: np.random.Generator) -> bool:
    """Nothing is wrong with the probabilities, and the calibration error reads 9 points."""
    metric = find_metric("expected-calibration-error")
    chance = rng.beta(2, 2, size=200)
    columns = columns_of({"label": rng.random(200) < chance, "score": chance})
    scores = None if metric.columns is None else metric.columns(columns)
    interval = None if scores is None else metric.estimate(scores)
    return interval is not None and covers(interval, 0.0)


def _overconfident(rng: np.random.Generator) -> bool:
    """What says 55, 75 and 95 % is right ten points less often."""
    metric = find_metric("expected-calibration-error")
    said = rng.choice([0.55, 0.75, 0.95], size=300)
    columns = columns_of({"label": rng.random(300) < said - 0.1, "score": said})
    scores = None if metric.columns is None else metric.columns(columns)
    interval = None if scores is None else metric.estimate(scores)
    return interval is not None and covers(interval, 0.1)


def _groups(rng: np.random.Generator) -> bool:
    """The widest gap between six groups, of which five are alike."""
    group = rng.integers(0, 6, size=600)
    said = rng.random(600) < np.where(group == 0, 0.45, 0.3)
    metric = find_metric("selection-rate")
    found = Scored.of_columns(metric, columns_of({"prediction": said, "group": group}), by="group")
    gap = None if found is None else report_groups(metric, found).gap
    return gap is not None and covers(gap, 0.15)


SCENARIOS = (
    Scenario("DeLong on the logit scale, n = 120", _auc, 0.93, 0.97),
    Scenario("AUC over clusters, Obuchowski, 60 x 4", _auc_clustered, 0.92, 0.97),
    Scenario("average precision, jackknife of groups, n = 200", _average_precision, 0.92, 0.97),
    Scenario("difference of F1 by influence, n = 200", _f1_difference, 0.93, 0.97),
    Scenario("difference of F1, 60 users x 5, few of whom differ", _f1_few_users, 0.94),
    Scenario("Bayesian bootstrap of a table, macro F1, lower bound, n = 150", _macro_f1, 0.94),
    Scenario("calibration error of 0, n = 200", _calibration, 0.93),
    Scenario("calibration error of 10 points, n = 300", _overconfident, 0.93, 0.98),
    Scenario("widest gap of six groups, Bonferroni, n = 600", _groups, 0.95),
    Scenario("widest gap of three groups, judged, 250 labels each", _judged_gap, 0.95),
    Scenario("growth of the widest gap of five groups, n = 600", _gap_growth, 0.95),
)
