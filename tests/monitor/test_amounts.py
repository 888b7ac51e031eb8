"""Outcomes in money, signals in the contract's own words, and two sources of labels, counted by hand."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import krippendorff
import pytest

from launchworthy.contract import ClaimKind, claims, parse_contract
from launchworthy.evidence import State
from launchworthy.evidence.claim_status import status
from launchworthy.stats import mean_interval, ratio_interval

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

    from launchworthy.contract import Claim

DAY = 86_400.0
CONTRACT = """
launchworthy: 1
product: {product}
kind: predictive
owners: {{product: ana@example.com}}
workflows:
  answer:
    user: cardholder
    job: pay
    predicts: {{label: fraud, horizon: 5d}}
    decide: {{bands: [pass, hold]}}
    no_answer: refuse
    limits: {{holds_per_user: 2/d}}
labels:
  sources: {{chargeback: {{truth: true, matures: 5d}}, analyst: {{within: 1d, covers: hold}}}}
  agreement: {{at_least: 0.5}}
proof: {{proxies: {{labels/analyst: labels/chargeback}}}}
monitors:
  hold_rate: {{signal: hold, at_most: 40 %, window: 10d, page: product}}
  late: {{signal: chargeback_delay_p50, at_most: 30d, window: 30d, page: product}}
"""


@pytest.fixture
def known(world: World) -> dict[str, Claim]:
    contract = parse_contract(CONTRACT.format(product=world.product), file="launchworthy.yaml")
    return {each.address.partition("/")[2]: each for each in claims(contract)}


def test_a_benefit_a_day_is_the_mean_of_whole_days_and_may_be_a_loss(world: World, claim: ClaimOf) -> None:
    asked = claim("outcomes/net_benefit", at_least=20.0, unit="EUR/w")
    days = {
        9: [5.0, 7.0],
        8: [-3.0],
        7: [],
        6: [10.0, 1.0, 1.0],
        5: [2.0],
        4: [],
        3: [4.0],
        2: [6.0],
        1: [8.0],
    }
    for day, values in days.items():
        world.call(ago=day * DAY)  # what nothing came of
        for value in values:
            world.outcome("net_benefit", trace=world.call(ago=day * DAY), value=value, ago=0.5 * DAY)
    world.outcome("net_benefit", trace=world.call(ago=60.0), value=900.0, ago=30.0)  # today is not over
    piece = world.one(asked)
    sums = [7 * sum(values) for day, values in days.items() if day < 9]
    own = mean_interval(sums, level=0.95, sides=1)
    assert piece.value == pytest.approx(own.value)
    assert (piece.low, piece.high) == pytest.approx((own.low, own.high))
    assert (piece.n, piece.unit, piece.unit_of_analysis) == (8, "EUR/w", "day")
    assert status(asked, [piece], release="r-1", now=world.now).state is State.UNPROVEN
    world.outcome("net_benefit", trace=world.call(ago=3 * DAY))  # of which nobody knows how much
    assert "1 events net_benefit have no value" in world.one(asked).detail["reason"]


def test_a_loss_is_a_share_of_the_volume_by_user(world: World, claim: ClaimOf) -> None:
    rng = random.Random(3)
    asked = claim("outcomes/fraud_loss", at_most=0.2, unit="ratio", of="volume")
    change = claim(
        "outcomes/fraud_loss",
        at_most=0.2,
        unit="ratio",
        kind=ClaimKind.DELTA,
        of="volume",
        before=0.3,
        against="before",
    )
    sums: dict[str, list[float]] = {}
    for place in range(80):
        user, volume = f"u_{place % 20}", rng.uniform(5, 100)
        lost = volume if rng.random() < 0.05 else 0.0
        # The volume is a number of the input, or an event of its own.
        trace = world.call(user_id=user, input=f'{{"volume": {volume}}}' if place % 2 else '{"volume": 1}')
        if not place % 2:
            world.outcome("volume", trace=trace, value=volume)
        if lost:
            world.outcome("fraud_loss", trace=trace, value=lost)
        own = sums.setdefault(user, [0.0, 0.0])
        own[0] += lost
        own[1] += volume
    over, under = zip(*sums.values(), strict=True)
    expected = ratio_interval(over, denominators=under, level=0.95, sides=1, bounds=(0.0, 1.0))
    piece = world.one(asked)
    assert (piece.value, piece.low, piece.high) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )
    assert world.one(change).value == pytest.approx(expected.value - 0.3)
    world.call(input='"no number"')
    assert world.one(asked).unscored == 1


def test_an_action_is_a_signal_and_a_limit_of_each_user(world: World, known: dict[str, Claim]) -> None:
    for place in range(30):
        action = "hold" if place < 9 else "pass"
        world.call(
            ago=2 * DAY, output=f'{{"action": "{action}"}}', user_id="u_1" if place < 3 else f"u_{place}"
        )
    found = world.measure(*known.values())
    rate = found[f"{world.product}/monitors/hold_rate"]
    assert (rate.value, rate.unit) == (0.3, "ratio")
    limit = found[world.at("limits/holds_per_user")]
    assert limit.value == 1.0  # three of one user, and two are allowed


def test_how_late_an_event_comes_is_a_signal(world: World, known: dict[str, Claim]) -> None:
    delays = [3, 5, 8, 12, 20, 24, 25]
    for delay in delays:
        trace = world.call(ago=(delay + 1) * DAY)
        world.outcome("chargeback", trace=trace, ago=DAY)
    piece = world.measure(*known.values())[f"{world.product}/monitors/late"]
    assert piece.value == pytest.approx(12 * DAY * 1e3)
    assert piece.unit == "ms"


def test_an_early_source_is_held_against_the_late_one(world: World, known: dict[str, Claim]) -> None:
    rng = random.Random(8)
    table: list[tuple[float, float]] = []
    for _ in range(60):
        truth = float(rng.random() < 0.4)
        early = truth if rng.random() < 0.85 else 1.0 - truth
        trace = world.call(ago=8 * DAY, output='{"action": "pass"}')
        world.outcome("analyst", trace=trace, value=early, ago=7 * DAY)
        if truth:
            world.outcome("chargeback", trace=trace, ago=6 * DAY)  # silence is a no
        table.append((early, truth))
    held = world.call(ago=8 * DAY, output='{"action": "hold"}')
    world.outcome("analyst", trace=held, ago=7 * DAY)  # is never charged back, so that silence says nothing
    claim = known["proof/proxies/labels/analyst"]
    piece = world.measure(*known.values())[claim.address]
    expected = krippendorff.alpha(
        reliability_data=[list(row) for row in zip(*table, strict=True)], level_of_measurement="nominal"
    )
    assert piece.value == pytest.approx(expected, abs=1e-9)
    assert piece.n == 60
    assert status(claim, [piece], release="r-1", now=world.now).state is State.MET


def test_few_calls_with_both_labels_say_how_many_are_missing(world: World, known: dict[str, Claim]) -> None:
    trace = world.call(ago=8 * DAY, output='{"action": "pass"}')
    found: Any = world.measure(*known.values())
    assert "no outcome" in found[f"{world.product}/proof/proxies/labels/analyst"].detail["reason"]
    for source in ("analyst", "chargeback"):
        world.outcome(source, trace=trace, ago=7 * DAY)
    found = world.measure(*known.values())
    assert "29 more are needed" in found[f"{world.product}/proof/proxies/labels/analyst"].detail["reason"]
