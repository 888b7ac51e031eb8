"""Decisions: whether what reopens them has come true, and lasted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from launchworthy import monitor
from launchworthy.contract import ClaimKind
from launchworthy.evidence import Evidence, State
from launchworthy.evidence.claim_status import status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.monitor.conftest import ClaimOf, World

    from launchworthy.contract import Claim

DAY = 86_400.0
LOW = {"value": 0.30, "low": 0.27, "high": 0.33}
BETWEEN = {"value": 0.36, "low": 0.31, "high": 0.41}
HIGH = {"value": 0.50, "low": 0.47, "high": 0.53}


def _decision(
    claim: ClaimOf, *, days: float | None = 30.0, triggers: Mapping[str, Mapping[str, Any]] | None = None
) -> Claim:
    plain = {"direction": "at_most", "threshold": 0.35, "unit": "ratio"}
    known = triggers or {"answer/outcomes/resolved": plain}
    revisit = {
        address: {**told, "for_ms": None if days is None else days * DAY * 1e3, "slice": None}
        for address, told in known.items()
    }
    return claim("decisions/rag", kind=ClaimKind.HOLDS, workflow=None, chosen="rag", revisit=revisit)


def _held(world: World, *told: tuple[float, Mapping[str, float]], **more: Any) -> list[Evidence]:
    return [
        Evidence(
            claim=f"{world.product}/answer/outcomes/resolved",
            kind=ClaimKind.BOUND,
            n=900,
            producer="test",
            observed_at=world.now - timedelta(days=days),
            **{"unit": "ratio", **values, **more},
        )
        for days, values in told
    ]


def _measured(world: World, asked: Claim, held: list[Evidence]) -> Evidence:
    world.settle()
    [piece] = monitor.measure(
        [asked],
        product=world.product,
        query=world.store.query,
        release="r-1",
        now=world.now,
        held=lambda: held,
    )
    return piece


@pytest.mark.parametrize(
    ("told", "state", "reason"),
    [
        ([(40, LOW), (20, LOW), (1, LOW)], State.UNMET, "has fired: answer/outcomes/resolved"),
        ([(40, LOW), (20, HIGH), (1, LOW)], State.MET, "has not fired"),
        ([(40, HIGH), (20, LOW), (1, LOW)], State.UNPROVEN, "it fires on 2026-12-04"),
        ([(29, LOW), (1, LOW)], State.UNMET, "has fired"),
        ([(20, BETWEEN), (1, BETWEEN)], State.UNPROVEN, "cannot tell whether it is"),
        ([(40, LOW), (20, BETWEEN), (1, LOW)], State.UNMET, "has fired"),
        ([(40, LOW)], State.UNPROVEN, "no evidence of it since 2026-10-25"),
    ],
)
def test_a_decision_is_made_again_once_its_trigger_was_true_for_its_time(
    world: World, claim: ClaimOf, told: list[tuple[float, Mapping[str, float]]], state: State, reason: str
) -> None:
    asked = _decision(claim)
    piece = _measured(world, asked, _held(world, *told))
    found = status(asked, [piece], release=None, now=world.now)
    assert found.state is state
    assert reason in found.reason


def test_a_moment_is_enough_where_no_time_is_asked(world: World, claim: ClaimOf) -> None:
    asked = _decision(claim, days=None)
    assert _measured(world, asked, _held(world, (20, HIGH), (1, LOW))).value == 1.0
    assert _measured(world, asked, _held(world, (20, LOW), (1, HIGH))).value == 0.0


def test_one_of_several_triggers_is_enough(world: World, claim: ClaimOf) -> None:
    plain = {"direction": "at_most", "threshold": 0.35, "unit": "ratio"}
    asked = _decision(claim, triggers={"answer/quality/accuracy": plain, "answer/outcomes/resolved": plain})
    assert _measured(world, asked, _held(world, (40, LOW), (1, LOW))).value == 1.0
    unknown = _measured(world, asked, _held(world, (40, HIGH), (1, HIGH)))
    assert unknown.value is None
    assert unknown.detail["reason"].startswith("answer/quality/accuracy, at most 35 % asked: no evidence")


@pytest.mark.parametrize(
    "more", [{"unit": "ms"}, {"slice": "de"}, {"value": None, "low": None, "high": None}]
)
def test_evidence_of_something_else_says_nothing_of_a_trigger(
    world: World, claim: ClaimOf, more: dict[str, Any]
) -> None:
    piece = _measured(world, _decision(claim), _held(world, (40, LOW), (1, LOW), **more))
    assert piece.value is None


def test_calls_and_costs_are_counted_from_records(world: World, claim: ClaimOf) -> None:
    for day in range(1, 40):
        for number in range(3 + day % 2):
            world.call(ago=day * DAY + number, cost_usd=0.5)
    often = {"direction": "at_least", "threshold": 60.0, "unit": "1/month"}
    dear = {"direction": "at_least", "threshold": 90.0, "unit": "USD/month"}
    assert _measured(world, _decision(claim, days=None, triggers={"calls": often}), []).value == 1.0
    assert _measured(world, _decision(claim, days=None, triggers={"cost": dear}), []).value == 0.0
    long = _measured(world, _decision(claim, days=90, triggers={"calls": often}), [])
    assert long.value is None
    assert "do not go back that far" in long.detail["reason"]
    never = _measured(world, _decision(claim, days=None, triggers={"calls": {**often, "unit": ""}}), [])
    assert "by period" in never.detail["reason"]
