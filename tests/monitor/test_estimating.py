"""What scores say of decisions, corrected by labels, and contradicted by them: the statistics alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from ppi_py import ppi_mean_ci, ppi_mean_pointestimate  # type: ignore[import-untyped]

from launchworthy.monitor.estimating import (
    RIGHTNESS,
    Curve,
    Decided,
    calibrated,
    disagreement,
    estimated,
    measured,
)

Floats = NDArray[np.float64]


def _decided(
    score: Floats, truth: Floats, *, chance: Floats | float = 1.0, units: list[str] | None = None
) -> Decided:
    known = ~np.isnan(truth)
    return Decided(
        score=score,
        said=score >= 0.5,
        truth=truth,
        weight=np.where(known, 1.0 / (np.zeros(score.size) + chance), 0.0),
        calls=np.ones(score.size),
        units=units or [f"u{at}" for at in range(score.size)],
    )


def _labels(rng: np.random.Generator, chance: Floats) -> Floats:
    return (rng.random(chance.size) < chance).astype(float)


def _curve(rng: np.random.Generator, many: int = 4_000) -> Curve:
    score = rng.random(many)
    found = calibrated(_decided(score, _labels(rng, score**2)))
    assert isinstance(found, Curve)
    return found


def _true(metric: str, score: Floats, truth: Floats) -> float:
    hits, among = RIGHTNESS[metric].parts(score >= 0.5, truth)
    return float(hits.sum() / among.sum())


@pytest.mark.parametrize("metric", sorted(RIGHTNESS))
def test_each_share_is_that_of_the_confusion_table(metric: str) -> None:
    from sklearn import metrics

    rng = np.random.default_rng(1)
    score, truth = rng.random(500), _labels(rng, np.full(500, 0.4))
    said = score >= 0.5
    tn, fp, fn, tp = metrics.confusion_matrix(truth == 1.0, said).ravel()
    theirs = {
        "accuracy": (tp + tn) / 500,
        "false_negative_rate": fn / (fn + tp),
        "false_positive_rate": fp / (fp + tn),
        "precision": tp / (tp + fp),
        "recall": tp / (tp + fn),
        "specificity": tn / (tn + fp),
    }
    assert _true(metric, score, truth) == pytest.approx(theirs[metric], abs=1e-12)


def test_labels_drawn_at_random_correct_the_scores_as_the_reference_implementation_does() -> None:
    rng = np.random.default_rng(2)
    score = rng.random(20_000)
    truth = _labels(rng, score)
    known = rng.random(20_000) < 0.05
    now = _decided(score, np.where(known, truth, np.nan), chance=0.05)
    found = measured(RIGHTNESS["accuracy"], now, score, level=0.95)
    expected = np.where(score >= 0.5, score, 1.0 - score)
    right = ((score >= 0.5) == (truth == 1.0)).astype(float)
    args = right[known], expected[known], expected[~known]
    assert found is not None
    assert found.value == pytest.approx(float(ppi_mean_pointestimate(*args)[0]), abs=0.0005)
    low, high = ppi_mean_ci(*args, alpha=0.1)
    assert (found.low, found.high) == pytest.approx((float(low[0]), float(high[0])), abs=0.0005)
    assert found.n == int(known.sum())


@pytest.mark.parametrize(("metric", "width"), [("recall", 0.9), ("precision", 1.001), ("accuracy", 0.97)])
def test_bounds_by_labels_of_chosen_calls_hold_and_are_no_wider_than_without_scores(
    metric: str, width: float
) -> None:
    rng = np.random.default_rng(3)
    held, widths = 0, []
    for _ in range(40):
        score = rng.beta(1.0, 3.0, size=3_000)
        truth = _labels(rng, score)
        chance = np.where(score >= 0.5, 0.5, 0.1)
        now = _decided(score, np.where(rng.random(3_000) < chance, truth, np.nan), chance=chance)
        found, blind = (measured(RIGHTNESS[metric], now, each, level=0.95) for each in (score, score * 0.0))
        assert found is not None
        assert blind is not None
        held += found.low <= _true(metric, score, truth) <= found.high
        widths.append((found.high - found.low) / (blind.high - blind.low))
    assert held >= 32, "two bounds at 95 % each: 90 % of 40, less two standard errors"
    assert float(np.mean(widths)) < width, "of those decided on each is as likely to be labelled"


def test_other_inputs_leave_the_estimate_right_and_nothing_contradicts_it() -> None:
    rng = np.random.default_rng(4)
    held = alarms = 0
    for _ in range(40):
        curve = _curve(rng, 1_500)
        score = rng.beta(3.0, 1.5, size=3_000)
        truth = _labels(rng, score**2)
        found = estimated(RIGHTNESS["recall"], _decided(score, truth * np.nan), curve, level=0.95)
        assert found is not None
        expected = float((score**2)[score >= 0.5].sum() / (score**2).sum())
        held += found.low <= expected <= found.high
        known = np.where(rng.random(3_000) < 0.1, truth, np.nan)
        gap = disagreement(RIGHTNESS["recall"], _decided(score, known, chance=0.1), curve, level=0.995)
        assert gap is not None
        alarms += gap.low > 0.0 or gap.high < 0.0
    assert held >= 32
    assert alarms <= 2, "1 % of 40, and three standard errors"


def test_few_labels_calibrate_decisions_without_flattering_them() -> None:
    rng = np.random.default_rng(8)
    off, held = [], 0
    for _ in range(100):
        score = rng.random(300)
        curve = calibrated(_decided(score, _labels(rng, score)))
        assert isinstance(curve, Curve)
        found = estimated(RIGHTNESS["accuracy"], _decided(score, score * np.nan), curve, level=0.95)
        assert found is not None
        off.append(found.value - float(np.where(score >= 0.5, score, 1.0 - score).mean()))
        held += found.low <= found.value - off[-1] <= found.high
    assert abs(float(np.mean(off))) < 3.0 * float(np.std(off)) / 10.0
    assert held >= 84


def test_a_score_that_means_something_else_is_contradicted_by_a_few_labels() -> None:
    rng = np.random.default_rng(5)
    curve = _curve(rng)
    score = rng.random(4_000)
    truth = _labels(rng, 1.0 - score)
    share = RIGHTNESS["accuracy"]
    blind = estimated(share, _decided(score, truth * np.nan), curve, level=0.95)
    assert blind is not None
    assert blind.low > _true("accuracy", score, truth) + 0.2, "the estimate alone is wrong, and sure of it"
    known = np.where(rng.random(4_000) < 0.03, truth, np.nan)
    gap = disagreement(share, _decided(score, known, chance=0.03), curve, level=0.99)
    assert gap is not None
    assert gap.low > 0.2
    assert gap.sample["estimated"] - gap.sample["labelled"] == pytest.approx(gap.value)


def test_users_whose_calls_go_together_are_no_more_evidence_than_one_call_each() -> None:
    rng = np.random.default_rng(6)
    score = np.repeat(rng.random(400), 20)
    truth = np.repeat(_labels(rng, score[::20]), 20)
    units = [f"u{at // 20}" for at in range(8_000)]
    alone, wrong = (
        measured(RIGHTNESS["accuracy"], _decided(score, truth, units=each), score, level=0.95)
        for each in (units, None)
    )
    assert alone is not None
    assert wrong is not None
    assert (alone.n, wrong.n) == (400, 8_000)
    assert alone.high - alone.low > 3.0 * (wrong.high - wrong.low)


def test_too_few_labels_correct_nothing_calibrate_nothing_and_contradict_nothing() -> None:
    rng = np.random.default_rng(7)
    score = rng.random(1_000)
    truth = _labels(rng, score)
    few = np.where(np.arange(1_000) < 150, truth, np.nan)
    assert measured(RIGHTNESS["recall"], _decided(score, few), score, level=0.95) is None
    flawless = _decided(score, (score >= 0.5).astype(float))
    assert measured(RIGHTNESS["accuracy"], flawless, score, level=0.95) is None
    told = calibrated(_decided(score, np.where(np.arange(1_000) < 40, truth, np.nan)))
    assert isinstance(told, str)
    assert "it takes 30" in told
    assert "no earlier call" in str(calibrated(None))
    curve = _curve(rng)
    one = np.where(np.arange(1_000) < 20, truth, np.nan)
    assert disagreement(RIGHTNESS["accuracy"], _decided(score, one), curve, level=0.95) is None
    none = _decided(score * 0.0, truth * 0.0)
    assert disagreement(RIGHTNESS["recall"], none, curve, level=0.95) is None
    nothing: Any = estimated(RIGHTNESS["precision"], none, curve, level=0.95)
    assert nothing is None, "no call is decided on, so none of these is right or wrong"
