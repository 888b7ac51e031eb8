"""Margins, what is billed, how far users go and what they were told, against sums made by hand."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

from launchworthy.contract import ClaimKind, claims, parse_contract
from launchworthy.evidence import State
from launchworthy.evidence.claim_status import status
from launchworthy.provers import PROVERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.monitor.conftest import ClaimOf, World

    from launchworthy.contract import Claim

DAY = 86_400.0
INNER: dict[str, Any] = {"parent_span_id": b"12345678"}
CONTRACT = """
launchworthy: 1
product: {product}
owners: {{product: ana@example.com}}
workflows:
  answer:
    user: developer
    job: find the function that does what I need
    success: {{event: settled, within: 1d, unless: [reopened]}}
    no_answer: refuse
    outcomes: {{resolved: {{at_least: 10 %}}}}
    economics: {{margin: {{at_least: 50 %}}}}
  other:
    user: developer
    job: say what changed
    no_answer: refuse
    economics: {{margin: {{at_least: 50 %}}}}
pricing:
  value: resolved
  packaging: {packaging}
  {prices}
  margin: {{at_least: 40 %}}
  heavy_users: {{above: p90, margin: {{at_least: 20 %}}, cap: 5/d}}
  expectations: {{not_for: [law], shown_in: [onboarding, help], misfit: {{at_most: 10 %}}}}
"""


def _claims(
    world: World, *, packaging: str = "usage", prices: str = "usage: 0.50 USD/resolved"
) -> list[Claim]:
    text = CONTRACT.format(product=world.product, packaging=packaging, prices=prices)
    return list(claims(parse_contract(text, file="launchworthy.yaml"), provers=PROVERS))


def _call(world: World, cost: float | None, *, won: bool, user: str | None, ago: float, **call: Any) -> bytes:
    """A call that is a use of its own, with what it cost, and its success an hour later."""
    trace = world.call(user_id=user, ago=ago, **call)
    inner = {**INNER, **({"workflow": call["workflow"]} if "workflow" in call else {})}
    world.span(kind="model", trace=trace, cost_usd=cost, input_tokens=9, user_id=user, ago=ago, **inner)
    if won:
        world.outcome("settled", trace=trace, ago=ago - 3600)
    return trace


def _margin(costs: Sequence[float], revenues: Sequence[float]) -> tuple[float, float, float]:
    """Of accounts: 1 − Σ cost / Σ revenue with its bounds by the delta method."""
    x, y = np.array(costs), np.array(revenues)
    n, value = len(x), x.sum() / y.sum()
    error = math.sqrt(n / (n - 1) * ((x - value * y) ** 2).sum()) / y.sum() * stats.t.ppf(0.95, n - 1)
    return 1 - value, 1 - value - error, 1 - value + error


def test_the_margin_of_usage_is_what_costs_leave_of_the_price_of_what_came_of_it(world: World) -> None:
    rng = random.Random(5)
    accounts: dict[str, list[float]] = {}
    for place in range(90):
        user, cost, won = f"u_{place % 30}", rng.uniform(0.05, 0.2), rng.random() < 0.7
        _call(world, cost, won=won, user=user, ago=rng.uniform(2, 20) * DAY)
        sums = accounts.setdefault(user, [0.0, 0.0])
        sums[0] += cost
        sums[1] += 0.5 * won
    taken_back = _call(world, 0.0, won=True, user="u_0", ago=3 * DAY)
    world.outcome("reopened", trace=taken_back, ago=2.5 * DAY)  # nobody pays for that
    found = world.measure(*_claims(world))
    expected = _margin([each[0] for each in accounts.values()], [each[1] for each in accounts.values()])
    for path in ("pricing/margin", "answer/economics/margin"):
        piece = found[f"{world.product}/{path}"]
        assert (piece.value, piece.low, piece.high) == pytest.approx(expected), path
        assert (piece.n, piece.unit) == (30, "ratio")
    assert found[f"{world.product}/pricing/margin"].release is None
    assert found[f"{world.product}/answer/economics/margin"].release == "r-1"


def test_a_seat_pays_for_a_whole_period_and_what_it_includes_costs_no_more(world: World) -> None:
    asked = _claims(
        world, packaging="hybrid", prices="seat: 1 USD/w\n  usage: 0.50 USD/resolved\n  included: 2/w"
    )
    costs, revenues = [], []
    for place in range(20):
        wins = place % 5
        for number in range(5):
            _call(
                world, 0.02 * (1 + place % 3), won=number < wins, user=f"u_{place}", ago=(7.9 - number) * DAY
            )
        costs.append(5 * 0.02 * (1 + place % 3))
        revenues.append(1 + 0.5 * max(0, wins - 2))
    piece = world.measure(*asked)[f"{world.product}/pricing/margin"]
    assert (piece.value, piece.low, piece.high) == pytest.approx(_margin(costs, revenues))


def test_a_release_tells_the_margin_of_a_seat_by_users_who_met_no_other(world: World) -> None:
    asked = _claims(world, packaging="seat", prices="seat: 1 USD/w")
    for place in range(12):
        _call(world, 0.1 + 0.01 * place, won=True, user=f"u_{place}", ago=7.9 * DAY)
        if place < 4:
            _call(world, 5.0, won=True, user=f"u_{place}", ago=4 * DAY, release="r-0")
    piece = world.measure(*asked)[f"{world.product}/answer/economics/margin"]
    own = [0.1 + 0.01 * place for place in range(4, 12)]
    assert piece.value == pytest.approx(1 - sum(own) / 8)
    assert piece.n == 8


def test_the_margin_of_heavy_users_is_of_those_who_use_it_most(world: World) -> None:
    for place in range(20):
        for number in range(30 if place < 2 else 3):
            cost = 0.4 + 0.01 * place if place < 2 else 0.01
            _call(world, cost, won=number % 3 > 0, user=f"u_{place}", ago=(3 + number / 10) * DAY)
    found = world.measure(*_claims(world))
    heavy = found[f"{world.product}/pricing/heavy_users/margin"]
    assert heavy.value == pytest.approx(1 - (30 * 0.4 + 30 * 0.41) / (2 * 20 * 0.5))
    assert heavy.n == 2
    assert (found[f"{world.product}/pricing/margin"].value or 0) > 0


def test_the_margin_is_met_unmet_or_needs_more_accounts(world: World) -> None:
    asked = {each.address: each for each in _claims(world)}
    for place in range(8):
        _call(world, 0.2 + 0.02 * place, won=True, user=f"u_{place}", ago=3 * DAY)
        _call(world, 0.5, won=place % 2 == 0, user=f"u_{place}", ago=4 * DAY)
    claim = asked[f"{world.product}/pricing/margin"]
    piece = world.measure(*asked.values())[claim.address]
    assert status(claim, [piece], release="r-1", now=world.now).state is State.UNMET
    assert claim.target is not None
    assert piece.value is not None
    for least, state in ((-2.0, State.MET), (piece.value, State.UNPROVEN)):
        told = replace(claim, target=replace(claim.target, threshold=least))
        found = status(told, [piece], release="r-1", now=world.now)
        assert found.state is state, least


def test_no_user_goes_beyond_the_cap_of_a_day(world: World) -> None:
    for place in range(4):
        for number in range(7 if place == 1 else 5):
            _call(world, 0.1, won=False, user=f"u_{place}", ago=2 * DAY + number)
    world.outcome("settled", trace=_call(world, 0.1, won=True, user=None, ago=3 * DAY), ago=DAY)
    piece = world.measure(*_claims(world))[f"{world.product}/pricing/heavy_users/cap"]
    assert (piece.value, piece.n) == (1.0, 4)


def test_what_is_billed_must_stand_on_a_use_that_was_not_taken_back(world: World) -> None:
    for place in range(10):
        trace = _call(world, 0.1, won=True, user=f"u_{place}", ago=5 * DAY)
        if place < 2:
            world.outcome("reopened", trace=trace, ago=4.5 * DAY)
        if place == 9:
            world.outcome("settled", trace=trace, ago=4.9 * DAY)  # sent twice, billed once
    for number in range(3):  # billed for what nobody recorded
        world.outcome("resolved", trace=bytes([number] * 16), ago=3 * DAY)
    piece = world.measure(*_claims(world))[f"{world.product}/pricing/value"]
    assert piece.value == pytest.approx(8 / 13)
    assert (piece.n, piece.unit_of_analysis) == (13, "billed event")


def test_misfit_is_the_share_of_calls_that_a_guard_found_off_the_topic(world: World) -> None:
    asked = _claims(world)
    address = f"{world.product}/pricing/expectations/misfit"
    traces = [_call(world, 0.1, won=True, user=f"u_{place}", ago=2 * DAY) for place in range(20)]
    assert "no guard of topics" in world.measure(*asked)[address].detail["reason"]
    for number, trace in enumerate(traces[:3]):
        world._add(
            "decisions", 2 * DAY, event_id=f"g-{number}", trace_id=trace, kind="guard", subject="topic",
            outcome="hit", facts='{"category": "off_topic"}',
        )  # fmt: skip
    piece = world.measure(*asked)[address]
    assert (piece.value, piece.n) == (3 / 20, 20)


def test_users_saw_what_it_is_for_where_a_screen_says_so(world: World) -> None:
    asked = _claims(world)
    address = f"{world.product}/pricing/expectations/shown_in"
    for place in range(10):
        _call(world, 0.1, won=True, user=f"u_{place}", ago=2 * DAY)
    assert "expectations_shown" in world.measure(*asked)[address].detail["reason"]
    for place in range(7):
        where = {"in": "somewhere_else" if place == 0 else "onboarding"}
        world.outcome("expectations_shown", user_id=f"u_{place}", ago=60 * DAY, attributes=where)
    piece = world.measure(*asked)[address]
    assert (piece.value, piece.n, piece.unit_of_analysis) == (0.6, 10, "user")


@pytest.mark.parametrize(
    ("packaging", "prices", "reason"),
    [
        ("usage", "usage: 0.50 EUR/resolved", "the price is in EUR: write it in USD"),
        ("seat", "seat: 29 USD/month", "whole period"),
        ("usage", "usage: 0.50 USD/resolved", "no outcome settled was recorded"),
    ],
)
def test_what_cannot_be_told_says_why(world: World, packaging: str, prices: str, reason: str) -> None:
    world.call(user_id="u_1", ago=2 * DAY)
    if packaging == "seat":
        _call(world, 0.1, won=True, user="u_1", ago=2 * DAY)
    found = world.measure(*_claims(world, packaging=packaging, prices=prices))
    for path in ("pricing/margin", "pricing/heavy_users/margin"):
        piece = found[f"{world.product}/{path}"]
        assert piece.value is None
        assert reason in piece.detail["reason"]


def test_costs_of_a_workflow_that_nobody_pays_for_count_in_the_margin_of_all(world: World) -> None:
    for place in range(6):
        _call(world, 0.1, won=True, user=f"u_{place}", ago=3 * DAY)
        _call(world, 0.05 * place, won=False, user=f"u_{place}", ago=3 * DAY, workflow="other")
    found = world.measure(*_claims(world))
    assert "not for other" in found[f"{world.product}/other/economics/margin"].detail["reason"]
    assert found[f"{world.product}/answer/economics/margin"].value == pytest.approx(0.8)
    assert found[f"{world.product}/pricing/margin"].value == pytest.approx(1 - (0.6 + 0.75) / 3)


def test_a_cost_that_is_not_known_is_none_that_was_not(world: World) -> None:
    for place in range(10):
        _call(world, 0.1 + place / 100, won=True, user=f"u_{place}", ago=3 * DAY)
    _call(world, None, won=True, user="u_dark", ago=3 * DAY)
    piece = world.measure(*_claims(world))[f"{world.product}/pricing/margin"]
    assert (piece.n, piece.unscored) == (10, 1)


def test_without_a_price_there_is_no_margin(world: World, claim: ClaimOf) -> None:
    world.call()
    piece = world.one(claim("economics/margin", at_least=0.5, unit="ratio"))
    assert "names no price" in piece.detail["reason"]
    cap = claim("pricing/heavy_users/cap", kind=ClaimKind.NEVER, workflow=None, limit=3.0, unit="1/d")
    assert "names no price" in world.one(cap).detail["reason"]
