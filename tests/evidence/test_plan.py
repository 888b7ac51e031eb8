"""What would settle a claim: counts, labels, days, money and odds, against references that are not ours."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from scipy import stats as scipy_stats

from launchworthy.contract import ClaimKind, Direction, Target
from launchworthy.evidence import ClaimStatus, Plan, State
from launchworthy.evidence.claim_status import status
from launchworthy.evidence.plan import plan_for
from launchworthy.evidence.ready import when_ready

Make = Callable[..., Any]


def proves(successes: int, n: int, threshold: float) -> bool:
    return bool(scipy_stats.binomtest(successes, n, threshold, alternative="greater").pvalue <= 0.05)


def test_a_plan_at_the_rate_seen_settles_the_claim_with_the_odds_it_names(
    claim_of: Make, piece_of: Make
) -> None:
    plan = plan_for(claim_of(), piece_of(185, 200), collecting=True)
    assert plan is not None
    assert plan.needed is not None
    assert plan.odds is not None
    assert plan.odds >= 0.8
    total = 200 + plan.needed
    enough = next(k for k in range(plan.needed + 1) if proves(185 + k, total, 0.9))
    odds = scipy_stats.binom.sf(enough - 1, plan.needed, 185 / 200)
    assert plan.odds == pytest.approx(odds, abs=1e-6)


def test_evidence_that_no_longer_counts_teaches_the_rate_but_adds_no_items(
    claim_of: Make, piece_of: Make
) -> None:
    plan = plan_for(claim_of(), piece_of(185, 200), collecting=False)
    assert plan is not None
    assert plan.needed is not None
    assert plan.what == f"measure {plan.needed} items anew"

    def odds(n: int) -> float:
        enough = next(k for k in range(n + 1) if proves(k, n, 0.9))
        return float(scipy_stats.binom.sf(enough - 1, n, 185 / 200))

    assert odds(plan.needed) >= 0.8 > odds(plan.needed - 1)


FROM_NOTHING = 29  # 0.9 ** 29 < 5 %


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"observed_at": datetime(2027, 3, 1, tzinfo=UTC)}, "dated in the future"),
        ({"observed_at": datetime(2026, 1, 1, tzinfo=UTC)}, "expired"),
        ({"release": "r-0"}, "another release"),
    ],
)
@pytest.mark.parametrize(
    "piece",
    [
        {"successes": 500, "n": 500},  # proven already, had it counted
        {"successes": 4, "n": 4},
        {"successes": 88, "n": 100},  # unmet, had it counted
        {"n": 200, "value": 0.99, "low": 0.98, "high": 0.995, "sample": {"successes": 20, "n": 200}},
        {"n": 200, "value": 0.99, "low": 0.98, "high": 0.995},
        {"n": 40, "value": 0.99, "low": 0.98, "high": 0.995, "sample": {"mean": 0.2, "n": 40}},
        {"n": 1, "value": 1.0, "low": 1.0, "high": 1.0},
        {"n": 90, "value": 0.95, "low": 0.94, "high": 0.96, "unit": "EUR", "sample": {"n": 90}},
    ],
)
def test_what_does_not_count_is_measured_anew_with_the_count_that_nothing_takes(
    claim_of: Make, piece_of: Make, now: datetime, piece: dict[str, Any], changes: dict[str, Any], why: str
) -> None:
    found = status(claim_of(), [piece_of(**piece, **changes)], release="r-1", now=now)
    assert why in found.reason
    assert found.plan is not None
    assert (found.plan.needed, found.plan.odds) == (FROM_NOTHING, None)
    assert found.plan.what == "measure 29 items anew, enough if each is flawless"


def test_a_mean_that_does_not_count_is_planned_by_its_width_only_where_its_sample_agrees(
    claim_of: Make, piece_of: Make
) -> None:
    claim = claim_of(target=Target(direction=Direction.AT_MOST, threshold=0.12, unit="USD"))
    fields = {"unit": "USD", "value": 0.11, "low": 0.09, "high": 0.13, "n": 100, "unit_of_analysis": "user"}
    z95, z80 = scipy_stats.norm.ppf([0.95, 0.8])
    total = math.ceil(100 * ((z95 + z80) * 0.02 / z95 / 0.01) ** 2)
    plan = plan_for(claim, piece_of(**fields, sample={"mean": 0.11, "n": 100}), collecting=False)
    assert plan is not None
    assert (plan.needed, plan.what) == (total, f"measure {total} users anew")
    for sample in ({}, {"mean": 0.2, "n": 100}, {"mean": 0.11, "n": 7}, {"mean": "0.11", "n": 100}):
        plan = plan_for(claim, piece_of(**fields, sample=sample), collecting=False)
        assert plan == Plan(what="measure it again")
    narrow = {**fields, "value": 0.05, "low": 0.049, "high": 0.051}
    plan = plan_for(claim, piece_of(**narrow, sample={"mean": 0.05, "n": 100}), collecting=False)
    assert plan is not None
    assert plan.needed == 30, "normal theory says nothing about fewer"


def test_a_difference_that_does_not_count_is_not_planned_as_a_share(claim_of: Make, piece_of: Make) -> None:
    claim = claim_of(kind=ClaimKind.DELTA, margin=0.02)
    plan = plan_for(claim, piece_of(kind="delta", value=0.5, low=0.5, high=0.5, n=9), collecting=False)
    assert plan == Plan(what="measure it again")


def test_at_a_rate_below_the_target_no_amount_of_data_is_recommended(claim_of: Make, piece_of: Make) -> None:
    plan = plan_for(claim_of(), piece_of(88, 100), collecting=True)
    assert plan is not None
    assert plan.needed is None
    assert plan.what.startswith("change the product first")


def test_without_any_evidence_the_least_flawless_number_is_named(claim_of: Make) -> None:
    plan = plan_for(claim_of(), None, collecting=False)
    assert plan is not None
    assert plan.needed == math.ceil(math.log(0.05) / math.log(0.9))
    assert (plan.odds, plan.what) == (None, "measure 29 items, enough if each is flawless")
    rare = claim_of(target=Target(direction=Direction.AT_MOST, threshold=0.001, unit="ratio"))
    plan = plan_for(rare, None, collecting=False)
    assert plan is not None
    assert plan.needed == 2995


def test_a_plan_carries_days_money_and_labels_where_the_evidence_says_what_they_are(
    claim_of: Make, piece_of: Make
) -> None:
    detail = {"per_day": 50, "cost_usd_each": 0.02}
    plan = plan_for(claim_of(), piece_of(20, 20, detail=detail), collecting=True)
    assert plan is not None
    assert (plan.needed, plan.labels, plan.days) == (9, None, 9 / 50)
    assert plan.cost_usd == pytest.approx(0.18)
    of_gold = plan_for(claim_of(), piece_of(20, 20, gold="ask@g-1"), collecting=True)
    assert of_gold is not None
    assert of_gold.labels == 9
    by_judge = plan_for(claim_of(options={"judge": "v2"}), piece_of(20, 20), collecting=True)
    assert by_judge is not None
    assert by_judge.labels == 9


@pytest.mark.parametrize("rate", [0, -1, math.inf, math.nan, True, "50", None, 1e-320])
def test_a_rate_that_is_none_gives_no_days(claim_of: Make, piece_of: Make, rate: Any) -> None:
    plan = plan_for(claim_of(), piece_of(20, 20, detail={"per_day": rate}), collecting=True)
    assert plan is not None
    assert plan.days is None


def test_a_mean_is_planned_by_the_width_of_its_interval(claim_of: Make, piece_of: Make) -> None:
    claim = claim_of(target=Target(direction=Direction.AT_MOST, threshold=0.12, unit="USD"))
    piece = piece_of(unit="USD", value=0.11, low=0.09, high=0.13, n=100, unit_of_analysis="user")
    plan = plan_for(claim, piece, collecting=True)
    z95, z80 = scipy_stats.norm.ppf([0.95, 0.8])
    error = 0.02 / z95
    total = math.ceil(100 * ((z95 + z80) * error / 0.01) ** 2)
    assert plan is not None
    assert (plan.needed, plan.unit, plan.odds) == (total - 100, "user", 0.8)
    wrong_side = plan_for(claim, replace(piece, value=0.125), collecting=True)
    assert wrong_side is not None
    assert wrong_side.needed is None


def test_a_quantile_is_planned_by_the_share_beyond_the_threshold(claim_of: Make, piece_of: Make) -> None:
    claim = claim_of(target=Target(direction=Direction.AT_MOST, threshold=2000.0, unit="ms"))
    sample = {"quantile": 0.95, "n": 40, "points": [[0.5, 400.0], [0.95, 900.0], [1.0, 1500.0]]}
    piece = piece_of(unit="ms", value=900.0, low=500.0, high=math.inf, n=40, sample=sample)
    plan = plan_for(claim, piece, collecting=True)
    assert plan is not None
    assert plan.needed == 59 - 40  # 0.95 ** 59 < 5 %


# ── Ready when? ──────────────────────────────────────────────────────────────────────────────────────


def waiting(claim_of: Make, plan: Plan | None, state: State = State.UNPROVEN) -> ClaimStatus:
    return ClaimStatus(claim=claim_of(), state=state, reason="because", plan=plan)


def test_the_date_is_that_of_the_slowest_plan_and_labels_add_up(claim_of: Make, now: datetime) -> None:
    plans = [
        Plan(what="", needed=100, unit="item", labels=100),
        Plan(what="", needed=80, unit="item", labels=80),
        Plan(what="", needed=40, unit="call", days=2.0),
        Plan(what="", needed=1, unit="signature"),
        Plan(what="", needed=1, unit="drill"),
    ]
    ready = when_ready([waiting(claim_of, plan) for plan in plans], now=now, labels_per_day=50)
    assert ready.on == date(2026, 11, 28)
    assert ready.why == "blocked by 180 labels and 40 calls and 1 drill and 1 signature"
    slow = replace(plans[2], days=9.2)
    assert when_ready([waiting(claim_of, slow)], now=now, labels_per_day=50).on == date(2026, 12, 4)


def test_there_is_no_date_where_something_is_unmet_unknown_or_endless(claim_of: Make, now: datetime) -> None:
    labels = waiting(claim_of, Plan(what="", needed=9, labels=9))
    cases = [
        ([waiting(claim_of, None, State.UNMET)], 5.0, "1 claim is unmet, which needs a change"),
        ([labels], None, "9 labels, and how many a day brings is not known"),
        ([labels], 1e-6, "more than ten years"),
        ([waiting(claim_of, Plan(what="", needed=9))], 5.0, "needs 9 items, and how many a day brings"),
        ([waiting(claim_of, None), waiting(claim_of, None)], 5.0, "no plan that could be dated: because; so"),
        ([waiting(claim_of, Plan(what="", needed=9, days=math.inf))], 5.0, "more than ten years"),
    ]
    for blocking, rate, why in cases:
        ready = when_ready(blocking, now=now, labels_per_day=rate)
        assert ready.on is None
        assert why in ready.why
    end_of_time = datetime.max.replace(tzinfo=now.tzinfo)
    late = when_ready(
        [waiting(claim_of, Plan(what="", needed=9, days=9.0))], now=end_of_time, labels_per_day=1
    )
    assert late.on is None
    assert when_ready([], now=now, labels_per_day=None).on == now.date()


def test_a_plan_from_real_evidence_reaches_the_verdict(claim_of: Make, piece_of: Make, now: datetime) -> None:
    claim = claim_of(kind=ClaimKind.NEVER)
    idle = piece_of(kind="never", unit="", value=0.0, n=0, detail={"per_day": 4})
    found = status(claim, [idle], release="r-1", now=now)
    assert found.plan is not None
    assert (found.plan.needed, found.plan.unit, found.plan.days) == (1, "call", 0.25)
