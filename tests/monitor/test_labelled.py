"""Monitors by labels that come late, and not for every call."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from scipy import stats

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

    from launchworthy.contract import Claim

DAY_S = 86_400.0
CHARGEBACK = {"event": "chargeback", "matures_ms": 90 * DAY_S * 1e3, "truth": True}
ANALYST = {"event": "analyst", "matures_ms": None, "truth": False}


def _payment(world: World, *, action: str, ago_days: float = 100.0) -> bytes:
    return world.call(ago=ago_days * DAY_S, output=json.dumps({"action": action, "score": 0.1}))


def _watched(claim: ClaimOf, metric: str, *sources: dict[str, Any], **more: Any) -> tuple[Claim, Claim]:
    monitor = claim(
        f"monitors/{metric}",
        at_least=0.7,
        unit="ratio",
        signal=f"quality/{metric}",
        window_ms=30 * DAY_S * 1e3,
        labels=[source["event"] for source in sources],
        label_sources=sources,
        **more,
    )
    return monitor, claim("decide", bands=("pass", "confirm", "hold"))


def test_recall_is_read_where_labels_have_settled_and_no_chargeback_by_then_is_a_no(
    world: World, claim: ClaimOf
) -> None:
    for place in range(40):
        held = _payment(world, action="hold")
        world.outcome("analyst", value=float(place < 30), trace=held, ago=99 * DAY_S)
    for place in range(60):
        passed = _payment(world, action="pass")
        if place < 10:
            world.outcome("chargeback", trace=passed, ago=50 * DAY_S)
    young = _payment(world, action="pass", ago_days=20)
    world.outcome("chargeback", trace=young, ago=10 * DAY_S)
    recall = world.one(*_watched(claim, "recall", CHARGEBACK, ANALYST))
    assert (recall.value, recall.n) == (30 / 40, 40)
    assert recall.low == pytest.approx(stats.beta.ppf(0.05, 30, 11))
    assert (recall.detail["calls"], recall.detail["labels"]) == (100, 100)
    precision = world.one(*_watched(claim, "precision", CHARGEBACK, ANALYST))
    assert (precision.value, precision.n) == (30 / 40, 40)
    specificity = world.one(*_watched(claim, "specificity", CHARGEBACK, ANALYST))
    assert (specificity.value, specificity.n) == (50 / 60, 60)


def test_labels_of_a_part_count_for_the_calls_that_they_stand_for(world: World, claim: ClaimOf) -> None:
    rng = random.Random(7)
    for _ in range(400):
        trace, bad = _payment(world, action="hold"), rng.random() < 0.6
        world.outcome("analyst", value=float(bad), trace=trace, ago=DAY_S, attributes={"chance": 1.0})
    missed = 0
    for _ in range(4_000):
        trace, bad = _payment(world, action="pass"), rng.random() < 0.05
        missed += bad
        if rng.random() < 0.25:
            world.outcome("analyst", value=float(bad), trace=trace, ago=DAY_S, attributes={"chance": 0.25})
    source = {**ANALYST, "matures_ms": 90 * DAY_S * 1e3}
    found = world.one(*_watched(claim, "recall", source))
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    true = 240 / (240 + missed)
    assert found.low < true < found.high
    assert abs(found.value - true) < 0.08  # without weights it would be some 0.83
    assert true < 0.6
    assert "stands for" in found.detail["weighted"]


def test_chosen_labels_that_do_not_say_their_chance_prove_nothing(world: World, claim: ClaimOf) -> None:
    for place in range(50):
        trace = _payment(world, action="pass" if place % 2 else "hold")
        if place % 4 < 2:
            world.outcome("analyst", value=1.0, trace=trace, ago=DAY_S)
    found = world.one(*_watched(claim, "recall", {**ANALYST, "matures_ms": DAY_S * 1e3}))
    assert found.value is None  # the window of 30 days holds none of these
    later, decide = _watched(claim, "recall", CHARGEBACK | {"event": "analyst", "truth": False})
    found = world.one(later, decide)
    assert found.value is None
    assert "with which chance they were chosen" in found.detail["reason"]


def test_what_is_missing_is_said(world: World, claim: ClaimOf) -> None:
    for _ in range(5):
        _payment(world, action="pass")
    found = world.one(*_watched(claim, "recall", CHARGEBACK))
    assert found.value is None
    assert found.detail["reason"] == "no label was recorded: no outcome chargeback"
    world.outcome("chargeback", trace=_payment(world, action="pass", ago_days=1), ago=60.0)
    found = world.one(*_watched(claim, "mcc", CHARGEBACK))
    assert "not mcc" in found.detail["reason"]
    world.outcome("chargeback", trace=world.call(ago=100 * DAY_S, output="[broken"), ago=60.0)
    found = world.one(*_watched(claim, "recall", CHARGEBACK))
    assert found.unscored == 1


def test_a_planted_change_of_what_is_fraud_is_an_alarm_of_the_stream(world: World, claim: ClaimOf) -> None:
    rng = random.Random(3)
    for place in range(600):
        caught = rng.random() < (0.85 if place < 300 else 0.3)
        trace = _payment(world, action="hold" if caught else "pass", ago_days=119.0 - place / 25)
        world.outcome("chargeback", trace=trace, ago=5 * DAY_S)
    stream = {"method": "cusum", "false_alarm_ms": 90 * DAY_S * 1e3, "streams": 1}
    found = world.one(*_watched(claim, "recall", CHARGEBACK, **stream))
    assert found.high is not None
    assert found.high < 0.7
    assert found.detail["since"] > "2026-08-05"
    kept = world.one(*_watched(claim, "precision", CHARGEBACK, **stream))
    assert kept.value == 1.0
    assert not kept.detail["alarms"]
