"""What calls cost: known, unknown, shared, and divided by users, sessions and successes."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

from launchworthy.contract import ClaimKind
from launchworthy.evidence import State
from launchworthy.evidence.claim_status import status
from launchworthy.stats import mean_interval

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

DAY = 86_400.0
INNER: dict[str, Any] = {"parent_span_id": b"12345678"}


def _priced(world: World, cost: float | None, **call: Any) -> bytes:
    trace = world.call(**call)
    keep = {key: call[key] for key in ("user_id", "session_id", "ago") if key in call}
    world.span(kind="model", trace=trace, cost_usd=cost, input_tokens=100, **INNER, **keep)
    return trace


def test_a_call_costs_the_sum_of_its_trace_or_what_it_says_itself(world: World, claim: ClaimOf) -> None:
    trace = world.call()
    world.span(kind="model", trace=trace, cost_usd=0.02, **INNER)
    world.span(kind="model", trace=trace, cost_usd=0.03, workflow=None, release=None, **INNER)
    world.span(kind="embedding", trace=trace, cost_usd=0.01, **INNER)
    world.span(kind="tool", trace=trace, cost_usd=0.04, **INNER)
    world.span(kind="agent", trace=trace, cost_usd=0.06, **INNER)  # a sum of others, not one more
    world.span(kind="model", trace=trace, cost_usd=5.0, workflow="refund", **INNER)
    own = world.call(cost_usd=0.5)
    world.span(kind="model", trace=own, cost_usd=None, **INNER)
    piece = world.one(claim("economics/cost", at_most=1.0, unit="USD"))
    assert piece.value == pytest.approx((0.10 + 0.5) / 2)
    assert [each["value"] for each in piece.detail["worst"]] == [0.5, pytest.approx(0.10)]
    assert piece.unit == "USD"


def test_a_model_call_without_a_price_makes_its_call_one_whose_cost_is_not_known(
    world: World, claim: ClaimOf
) -> None:
    for cost in (0.01, 0.02, 0.03):
        _priced(world, cost)
    half = _priced(world, 0.5)
    world.span(kind="model", trace=half, cost_usd=None, input_tokens=10, **INNER)
    _priced(world, None)
    world.call()  # tells of no model call at all: nobody knows what it cost
    asked = claim("economics/cost_per_action", at_most=1.0, unit="USD/answer")
    piece = world.one(asked)
    assert piece.value == pytest.approx(0.02)
    assert (piece.n, piece.unscored) == (3, 3)
    assert piece.unit == "USD/answer"
    assert status(asked, [piece], release="r-1", now=world.now).state is State.UNPROVEN


def test_what_no_model_was_asked_for_and_what_failed_before_a_token_cost_nothing(
    world: World, claim: ClaimOf
) -> None:
    world.call(no_answer="refuse")
    retried = _priced(world, 0.04)
    world.span(kind="model", trace=retried, status="error", cost_usd=None, input_tokens=None, **INNER)
    billed = world.call()
    world.span(kind="model", trace=billed, status="error", cost_usd=None, input_tokens=900, **INNER)
    piece = world.one(claim("economics/cost", at_most=1.0, unit="USD"))
    assert piece.value == pytest.approx(0.02)
    assert (piece.n, piece.unscored) == (2, 1)


def test_costs_in_another_currency_than_dollars_are_not_guessed(world: World, claim: ClaimOf) -> None:
    _priced(world, 0.01)
    asked = claim("economics/cost_per_success", at_most=12.0, unit="EUR")
    limit = claim("limits/cost_per_action", kind=ClaimKind.NEVER, limit=0.0005, unit="EUR")
    for address, piece in world.measure(asked, limit).items():
        assert piece.value is None, address
        assert "is in EUR: write it in USD, at a rate of your own" in piece.detail["reason"]
    found = status(asked, [world.one(asked)], release="r-1", now=world.now)
    assert found.state is State.UNPROVEN
    assert "is in EUR: write it in USD" in found.reason


@pytest.mark.parametrize("users", [None, 12])
def test_a_mean_cost_has_the_bounds_of_the_values_themselves(
    world: World, claim: ClaimOf, users: int | None
) -> None:
    rng = random.Random(11)
    values, names = [rng.lognormvariate(-4, 1) for _ in range(150)], []
    for place, value in enumerate(values):
        names.append(f"u_{min(place % (users or 1), place)}" if users else f"u_{place}")
        _priced(world, value, user_id=names[-1])
    piece = world.one(claim("economics/cost", at_most=1.0, unit="USD", confidence=0.9))
    own = mean_interval(values, level=0.9, sides=1, clusters=names if users else None)
    assert piece.value == pytest.approx(own.value)
    assert (piece.low, piece.high) == pytest.approx((own.low, own.high), rel=0.02)
    assert (piece.n, piece.unit_of_analysis) == ((12, "user") if users else (150, "call"))
    assert piece.confidence == 0.9


def test_a_session_costs_what_its_calls_cost_together(world: World, claim: ClaimOf) -> None:
    for cost, session in ((0.1, "s_a"), (0.2, "s_a"), (0.5, "s_b"), (0.7, None)):
        _priced(world, cost, session_id=session)
    _priced(world, 0.4, session_id="s_c")
    _priced(world, None, session_id="s_c")
    piece = world.one(claim("economics/cost_per_session", at_most=1.0, unit="USD"))
    assert piece.value == pytest.approx((0.3 + 0.5) / 2)
    assert (piece.n, piece.unscored, piece.unit_of_analysis) == (2, 1, "session")


def test_an_active_user_is_measured_over_a_whole_period_or_not_at_all(world: World, claim: ClaimOf) -> None:
    asked = claim("economics/cost_per_active_user", at_most=0.4, unit="USD/month")
    for user in ("u_a", "u_a", "u_b", "u_c"):
        _priced(world, 0.1, user_id=user)
    piece = world.one(asked)
    assert piece.value is None
    assert "whole period" in piece.detail["reason"]
    _priced(world, 3.0, user_id="u_d", ago=31 * DAY)
    piece = world.one(asked)
    assert piece.value == pytest.approx((0.2 + 0.1 + 0.1) / 3)
    assert (piece.n, piece.unit, piece.unit_of_analysis) == (3, "USD/month", "user")
    yearless = world.one(claim("economics/cost_per_active_user", at_most=0.4, unit="USD"))
    assert "period" in yearless.detail["reason"]


def test_cost_per_success_is_a_ratio_by_user_of_uses_that_have_matured(world: World, claim: ClaimOf) -> None:
    rng = random.Random(12)
    rows: list[tuple[str, float, bool]] = []
    for place in range(200):
        user, cost, won = f"u_{rng.randrange(40)}", rng.uniform(0.01, 0.1), rng.random() < 0.6
        trace = _priced(world, cost, user_id=user, session_id=f"s_{place}", ago=3 * DAY)
        rows.append((user, cost, won))
        if won:
            world.outcome("settled", trace=trace, ago=2.5 * DAY)
    young = _priced(world, 50.0, user_id="u_1", session_id="s_young", ago=0.5 * DAY)
    world.outcome("settled", trace=young, ago=0.4 * DAY)
    success = claim(
        "success", kind=ClaimKind.COVER, at_least=0.9, unit="ratio", event="settled", within_ms=DAY * 1e3
    )
    piece = world.one(claim("economics/cost_per_success", at_most=0.2, unit="USD"), success)
    users = sorted({user for user, _, _ in rows})
    over = np.array([sum(cost for name, cost, _ in rows if name == user) for user in users])
    under = np.array([sum(won for name, _, won in rows if name == user) for user in users], dtype=float)
    value = over.sum() / under.sum()
    growth = len(users) / (len(users) - 1)
    se = math.sqrt(growth * float(((over - value * under) ** 2).sum())) / under.sum()
    t = stats.t.ppf(0.95, len(users) - 1)
    assert piece.value == pytest.approx(value)
    assert (piece.low, piece.high) == pytest.approx((value - t * se, value + t * se))
    assert (piece.n, piece.unit_of_analysis) == (len(users), "user")


def test_without_a_success_there_is_no_cost_of_one(world: World, claim: ClaimOf) -> None:
    _priced(world, 0.1)
    asked = claim("economics/cost_per_success", at_most=0.2, unit="USD")
    assert "no success event" in world.one(asked).detail["reason"]
    success = claim("success", kind=ClaimKind.COVER, at_least=0.9, unit="ratio", event="settled")
    piece = world.one(asked, success)
    assert piece.value is None
    assert "settled" in piece.detail["reason"]


def test_the_cached_share_of_tokens_leaves_out_what_does_not_tell(world: World, claim: ClaimOf) -> None:
    for read, cached in ((100, 50), (300, 0), (100, 200), (500, None)):
        world.span(kind="model", trace=world.call(), input_tokens=read, cache_read_tokens=cached, **INNER)
    piece = world.one(claim("economics/cache_hit", at_least=0.2, unit="ratio"))
    assert piece.value == pytest.approx((50 + 0 + 100) / 500)
    assert (piece.n, piece.unscored) == (3, 1)
    assert piece.low is not None
    assert piece.high is not None
    assert 0.0 <= piece.low <= piece.high <= 1.0


def test_of_several_calls_in_one_trace_each_bears_an_equal_part(world: World, claim: ClaimOf) -> None:
    trace = world.call()
    world.call(trace=trace, parent_span_id=b"12345678")
    world.span(kind="model", trace=trace, cost_usd=0.06, **INNER)
    limit = claim("limits/cost_per_action", kind=ClaimKind.NEVER, limit=0.04, unit="USD")
    assert world.one(claim("economics/cost", at_most=1.0, unit="USD")).value == pytest.approx(0.03)
    # Their average is within the limit; whether both were, nobody knows.
    within = world.one(limit)
    assert (within.value, within.n, within.unscored) == (None, 0, 2)
    world.span(kind="model", trace=trace, cost_usd=0.06, **INNER)
    beyond = world.one(limit)
    assert (beyond.value, beyond.n) == (2.0, 2)
    assert status(limit, [beyond], release="r-1", now=world.now).state is State.UNMET


@pytest.mark.parametrize("cost", [math.nan, math.inf, -math.inf, 1e300, -5.0])
def test_a_cost_that_only_a_sender_can_have_made_up_is_no_cost(
    world: World, claim: ClaimOf, cost: float
) -> None:
    for amount, user in ((0.5, "u_1"), (0.7, "u_2"), (cost, "u_3")):
        world.call(cost_usd=amount, user_id=user)
    piece = world.one(claim("economics/cost", at_most=1.0, unit="USD"))
    assert piece.value == pytest.approx(0.6)
    assert (piece.n, piece.unscored) == (2, 1)


@pytest.mark.parametrize("users", [None, 20])
def test_costs_that_do_not_vary_are_bounded_by_the_limit_of_each_call(
    world: World, claim: ClaimOf, users: int | None
) -> None:
    for place in range(200):
        world.call(cost_usd=0.0, user_id=f"u_{place % users if users else place}")
    asked = claim("economics/cost", at_most=0.002, unit="USD")
    assert world.one(asked).high == math.inf
    limit = claim("limits/cost_per_action", kind=ClaimKind.NEVER, limit=0.01, unit="USD")
    piece = world.one(asked, limit)
    # Nothing seen in n units leaves room for 1 − 0.05^(1/n) of what each may cost.
    assert piece.high == pytest.approx(0.01 * (1 - 0.05 ** (1 / (users or 200))))
    assert piece.detail["limit_of_each"] == 0.01
    world.call(cost_usd=0.5)
    assert world.one(asked, limit).high == pytest.approx(world.one(asked).high)
