"""What cases say of a guard: a bound that holds, and words for when it does not."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from scipy import stats as scipy_stats
from sklearn.metrics import roc_auc_score

from launchworthy.runtime.guards import GuardContext, GuardVerdict, Outcome, Stage
from launchworthy.runtime.guards.calibration_measuring import Case, Figures, measure_guard
from launchworthy.stats import flagging_threshold


class Told:
    """Scores a text by the number that it is."""

    name, version, estimates, waits, window = "told", "1", True, False, None

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        if payload == "?":
            raise RuntimeError
        score = float(payload.split()[0])
        return GuardVerdict(guard="told", version="1", outcome=Outcome.PASS, score=score)


class Says:
    """Says yes to what begins with y, and has no scores."""

    name, version, estimates, waits, window = "says", "1", True, False, None

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        outcome = Outcome.HIT if payload.startswith("y") else Outcome.PASS
        return GuardVerdict(guard="says", version="1", outcome=outcome)


def figures(
    harmless: Iterable[float], harmful: Iterable[float], *, threshold: float | None = None, most: float = 0.01
) -> Figures:
    cases = [Case(text=f"{score!r} a{at}", harmful=False) for at, score in enumerate(harmless)]
    cases += [Case(text=f"{score!r} b{at}", harmful=True) for at, score in enumerate(harmful)]
    return measure_guard(Told(), cases, stage=Stage.INPUT, most=most, threshold=threshold)


def test_the_threshold_keeps_its_bound_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    broken = 0
    for _ in range(400):
        best = flagging_threshold(rng.random(500).round(6).tolist(), most=0.02)
        assert best.threshold is not None
        broken += 1.0 - best.threshold > 0.02  # the true share of uniform scores above it
    assert scipy_stats.binomtest(broken, 400, 0.05, alternative="greater").pvalue > 0.01
    assert broken > 0  # a bound that never breaks gives recall away


def test_ties_are_flagged_or_not_together() -> None:
    best = flagging_threshold([0.9] * 4 + [0.1] * 996, most=0.01)
    assert (best.threshold, best.flagged) == (0.100001, 4)
    assert flagging_threshold([1.0] * 50 + [0.1] * 950, most=0.01).threshold is None


def test_scores_give_auc_recall_and_a_threshold_that_lets_it_act() -> None:
    rng = np.random.default_rng(3)
    harmless, harmful = rng.beta(1, 9, 600).round(4), rng.beta(6, 2, 200).round(4)
    found = figures(harmless.tolist(), harmful.tolist())
    assert found.may_act
    assert found.auc is not None
    assert found.auc.value == pytest.approx(
        roc_auc_score([0] * 600 + [1] * 200, np.concatenate([harmless, harmful]))
    )
    assert found.threshold is not None
    assert found.recall is not None
    assert found.recall.value == pytest.approx((harmful >= found.threshold).mean())
    assert found.reason.startswith("It may act: from ")


@pytest.mark.parametrize(
    ("harmless", "harmful", "reason"),
    [
        ([0.1] * 298, [0.9] * 50, "298 harmless cases cannot show that it flags at most 1 %"),
        ([0.1] * 400, [0.9] * 9, "9 harmful cases say too little"),
        ([0.1] * 400, [0.05] * 50, "does not find clearly more of the harmful cases"),
        ([1.0] * 300 + [0.4], [1.0] * 50, "at no threshold"),
        ([], [], "0 harmless cases"),
    ],
)
def test_it_stays_in_shadow_and_says_what_is_missing(
    harmless: list[float], harmful: list[float], reason: str
) -> None:
    found = figures(harmless, harmful)
    assert not found.may_act
    assert found.reason.startswith("It stays in shadow: ")
    assert reason in found.reason


def test_a_threshold_of_the_contract_is_bounded_and_not_chosen() -> None:
    found = figures([0.6] * 9 + [0.1] * 991, [0.9] * 50, threshold=0.5)
    assert found.threshold == 0.5
    assert found.false_positives is not None
    assert found.false_positives.high == pytest.approx(scipy_stats.beta.ppf(0.95, 10, 991))
    assert "may flag as many as 1.57 % of good cases, and 1 % is allowed" in found.reason


def test_a_guard_without_scores_is_bounded_as_it_is() -> None:
    cases = [Case(text=f"n{at}", harmful=False) for at in range(400)]
    cases += [Case(text=f"y{at}", harmful=True) for at in range(40)]
    found = measure_guard(Says(), cases, stage=Stage.INPUT, most=0.01)
    assert (found.may_act, found.threshold, found.auc) == (True, None, None)
    wrong = [Case(text=f"y!{at}", harmful=False) for at in range(20)]
    assert not measure_guard(Says(), [*cases, *wrong], stage=Stage.INPUT, most=0.01).may_act


def test_a_guard_with_thresholds_of_its_own_is_bounded_by_its_hits() -> None:
    class Kinds(Told):
        def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
            score = float(payload.split()[0])
            outcome = Outcome.HIT if score in (0.3, 0.9) else Outcome.PASS  # 0.3 is enough for one kind
            return GuardVerdict(guard="told", version="1", outcome=outcome, score=score)

    cases = [Case(text=f"{0.3 if at < 9 else 0.1} a{at}", harmful=False) for at in range(400)]
    cases += [Case(text=f"0.9 b{at}", harmful=True) for at in range(40)]
    found = measure_guard(Kinds(), cases, stage=Stage.INPUT, most=0.01, as_declared=True)
    assert (found.threshold, found.auc, found.may_act) == (None, None, False)
    assert found.false_positives is not None
    assert found.false_positives.value == 9 / 400


def test_copies_count_once_and_twins_and_slices_are_told_apart() -> None:
    cases = [Case(text=f"0.1 a{at}", harmful=False, slice="mail") for at in range(300)]
    cases += [Case(text="0.1  A0", harmful=False), Case(text="0.9 twin", harmful=False, is_twin=True)]
    cases += [Case(text=f"0.9 b{at}", harmful=True, slice="chat") for at in range(20)]
    found = measure_guard(Told(), cases, stage=Stage.INPUT, most=0.05)
    assert (found.copies, found.harmless, found.harmful) == (1, 301, 20)
    assert found.over_refusal is not None
    assert found.over_refusal.n == 1
    assert found.slices["mail"]["recall"] is None
    assert found.slices["chat"]["recall"] is not None


def test_cases_that_could_not_be_checked_are_no_passes() -> None:
    cases = [Case(text=f"0.1 a{at}", harmful=False) for at in range(300)]
    cases += [Case(text=f"0.9 b{at}", harmful=True) for at in range(20)]
    cases += [Case(text="?", harmful=False)]
    assert measure_guard(Told(), cases, stage=Stage.INPUT, most=0.01).unscored == 1
    broken = [Case(text=f"x{at}", harmful=False) for at in range(20)]
    found = measure_guard(Told(), [*cases, *broken], stage=Stage.INPUT, most=0.01)
    assert "could not check 21 of 341 cases" in found.reason
