"""How groups compare in what came of their uses."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from launchworthy.contract import Direction, Target
from launchworthy.evidence import State
from launchworthy.evidence.claim_status import status
from launchworthy.records import Own

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.monitor.conftest import ClaimOf, World

    from launchworthy.contract import Claim
    from launchworthy.evidence import Evidence

DAY = 86_400.0


def _fairness(claim: ClaimOf, which: str, *, at_most: float, of: str = "answer/outcomes/escalation") -> Claim:
    made = claim(f"fairness/{which}", at_most=at_most, unit="ratio" if which == "gap" else "", workflow=None)
    address = f"{made.address}/{of}"
    return replace(
        made, address=address, options={"of": of, "groups": ("language", "region"), "min_group": 30}
    )


def _calls(world: World, group: str | Sequence[str] | None, *, count: int, share: float) -> None:
    draws = random.Random(f"{group}/{count}")
    for n in range(count):
        attributes = None if group is None else {Own.SLICE: group}
        trace = world.call(ago=2 * DAY, session_id=f"{group}/{n}", attributes=attributes)
        if draws.random() < share:
            world.outcome("escalated", trace=trace, ago=1.9 * DAY)


def _state(asked: Claim, piece: Evidence) -> State:
    return status(asked, [piece], release="r-1", now=piece.observed_at).state


def test_the_worst_group_is_held_against_all_others(world: World, claim: ClaimOf) -> None:
    _calls(world, "language:de", count=400, share=0.3)
    _calls(world, ["language:en", "long"], count=400, share=0.1)
    _calls(world, "language:fr", count=400, share=0.1)
    _calls(world, "language:it", count=10, share=1.0)
    _calls(world, None, count=50, share=1.0)
    ratio, outcome = (
        _fairness(claim, "ratio", at_most=1.25),
        claim("outcomes/escalation", at_most=0.2, unit="ratio"),
    )
    piece = world.one(ratio, outcome)
    groups = piece.detail["groups"]
    rest = (groups["language:en"]["value"] + groups["language:fr"]["value"]) / 2
    assert piece.value == pytest.approx(groups["language:de"]["value"] / rest)
    assert (piece.detail["group"], piece.detail["against"], piece.unit) == ("language:de", "all others", "")
    assert piece.detail["too_small"] == {"language:it": 10}
    assert (piece.detail["records"], piece.release) == (1_210, "r-1")
    assert _state(ratio, piece) is State.UNMET
    generous = _fairness(claim, "ratio", at_most=8.0)
    assert _state(generous, world.one(generous, outcome)) is State.MET
    gap = _fairness(claim, "gap", at_most=0.05)
    found = world.one(gap, outcome)
    assert found.value == pytest.approx(
        groups["language:de"]["value"] - min(groups[name]["value"] for name in ("language:en", "language:fr"))
    )
    assert _state(gap, found) is State.UNMET


def test_a_target_at_least_asks_for_the_lowest_ratio(world: World, claim: ClaimOf) -> None:
    _calls(world, "region:eu", count=300, share=0.2)
    _calls(world, "region:us", count=300, share=0.4)
    asked = replace(
        _fairness(claim, "ratio", at_most=1.0), target=Target(direction=Direction.AT_LEAST, threshold=0.8)
    )
    piece = world.one(asked, claim("outcomes/escalation", at_most=0.5, unit="ratio"))
    assert piece.detail["group"] == "region:eu"
    assert piece.value is not None
    assert piece.value < 0.8


def test_what_cannot_be_compared_says_why(world: World, claim: ClaimOf) -> None:
    _calls(world, "language:de", count=60, share=0.3)
    outcome = claim("outcomes/escalation", at_most=0.5, unit="ratio")
    ratio = _fairness(claim, "ratio", at_most=1.25)
    alone = world.one(ratio, outcome)
    assert alone.value is None
    assert "a call is in a group by its slice, such as language:value" in alone.detail["reason"]
    _calls(world, "language:en", count=60, share=0.0)
    nobody = world.one(ratio, outcome)
    assert nobody.detail["reason"] == "it came to none of the others, so there is no ratio"
    own = _fairness(claim, "ratio", at_most=1.25, of="answer/outcomes/honest_blocked")
    blocked = world.one(own, claim("outcomes/honest_blocked", at_most=0.5, unit="ratio"))
    assert blocked.detail["reason"] == "no outcome honest_blocked was recorded"
    world.call(attributes='{"launchworthy.slice": 7}')
    world.call(attributes='{"launchworthy.slice": "language:de"')
    assert world.one(ratio, outcome).value is None
