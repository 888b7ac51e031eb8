"""Whether a metric's scores of calls tell what came of them."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from scipy.stats import spearmanr

from launchworthy import monitor
from launchworthy.contract import ClaimKind
from launchworthy.evidence import State
from launchworthy.evidence.claim_status import status
from launchworthy.records import CallScores

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

    from launchworthy.contract import Claim
    from launchworthy.evidence import Evidence

DAY = 86_400.0


def _proxy(claim: ClaimOf, outcome: str = "answer/outcomes/resolved") -> Claim:
    options: dict[str, Any] = {"of": "answer/quality/groundedness", "for": outcome}
    path = "proof/proxies/answer/quality/groundedness"
    return replace(
        claim(path, kind=ClaimKind.AGREE, at_least=0.0, workflow=None, **options), metric="proxies"
    )


def _one(
    world: World, proxy: Claim, *others: Claim, values: dict[str, float], release: str = "r-1"
) -> Evidence:
    world.settle()
    (piece,) = monitor.measure(
        [proxy, *others],
        product=world.product,
        query=world.store.query,
        release=release,
        now=world.now,
        scores={proxy.address: CallScores(metric="groundedness", values=values, runs=("run-1",))},
    )[:1]
    assert piece.claim == proxy.address
    return piece


def _calls(
    world: World, count: int, *, tells: float, event: str = "resolved", per_user: int = 1, **columns: Any
) -> tuple[dict[str, float], dict[str, bool]]:
    """Scores of calls, and which of them came to the outcome: the higher the score, the likelier."""
    draws = random.Random(count)
    values, came = {}, {}
    for n in range(count):
        score = draws.random()
        trace = world.call(ago=2 * DAY, user_id=f"u_{n // per_user}", session_id=f"s_{n}", **columns)
        values[trace.hex()] = score
        came[trace.hex()] = draws.random() < 0.5 + tells * (score - 0.5)
        if came[trace.hex()]:
            world.outcome(event, trace=trace, ago=1.9 * DAY)
    return values, came


def _state(proxy: Claim, piece: Evidence) -> tuple[State, str]:
    found = status(proxy, [piece], release="r-1", now=piece.observed_at)
    return found.state, found.reason


def test_a_metric_that_tells_what_came_of_it_deserves_its_target(world: World, claim: ClaimOf) -> None:
    values, came = _calls(world, 300, tells=0.8)
    proxy, outcome = _proxy(claim), claim("outcomes/resolved", at_least=0.5, unit="ratio")
    piece = _one(world, proxy, outcome, values=values)
    expected = spearmanr([*values.values()], [float(came[trace]) for trace in values]).statistic
    assert piece.value == pytest.approx(expected, abs=1e-9)
    assert piece.value is not None
    assert piece.low is not None
    assert 0.0 < piece.low < piece.value
    assert _state(proxy, piece)[0] is State.MET
    assert (piece.n, piece.unit_of_analysis, piece.release) == (300, "use", "r-1")
    assert piece.detail["mean_where_it_came"] > piece.detail["mean_where_not"]
    assert piece.detail["runs"] == ["run-1"]


def test_a_metric_that_tells_the_opposite_is_unmet_and_one_that_tells_nothing_unproven(
    world: World, claim: ClaimOf
) -> None:
    values, _ = _calls(world, 300, tells=0.8)
    proxy, outcome = _proxy(claim), claim("outcomes/resolved", at_least=0.5, unit="ratio")
    against = _one(world, proxy, outcome, values={trace: -value for trace, value in values.items()})
    assert _state(proxy, against)[0] is State.UNMET
    draws = random.Random(7)
    nothing = _one(world, proxy, outcome, values={trace: draws.random() for trace in values})
    assert _state(proxy, nothing)[0] is State.UNPROVEN
    same = _one(world, proxy, outcome, values=dict.fromkeys(values, 1.0))
    assert same.value is None
    assert "says the same of all 300 uses" in same.detail["reason"]


def test_an_outcome_that_is_bad_is_turned(world: World, claim: ClaimOf) -> None:
    values, _ = _calls(world, 200, tells=-0.8, event="escalated")
    proxy = _proxy(claim, "answer/outcomes/escalation")
    piece = _one(world, proxy, claim("outcomes/escalation", at_most=0.2, unit="ratio"), values=values)
    assert piece.value is not None
    assert piece.value > 0.2
    assert _state(proxy, piece)[0] is State.MET


def test_calls_of_one_session_are_one_use_of_its_mean_and_uses_of_one_user_are_no_independent_ones(
    world: World, claim: ClaimOf
) -> None:
    values, _ = _calls(world, 240, tells=0.8, per_user=4)
    second = {
        world.call(ago=1.95 * DAY, user_id=f"u_{n // 4}", session_id=f"s_{n}").hex(): score
        for n, score in enumerate(values.values())
    }
    proxy, outcome = _proxy(claim), claim("outcomes/resolved", at_least=0.5, unit="ratio")
    once = _one(world, proxy, outcome, values=values)
    twice = _one(world, proxy, outcome, values=values | second)
    assert (once.n, once.unit_of_analysis, once.detail["records"]) == (60, "user", 240)
    assert once.value == pytest.approx(twice.value)
    assert twice.detail["records"] == 240


def test_too_few_uses_say_how_many_more_it_takes(world: World, claim: ClaimOf) -> None:
    values, came = _calls(world, 20, tells=0.8)
    proxy, outcome = _proxy(claim), claim("outcomes/resolved", at_least=0.5, unit="ratio")
    piece = _one(world, proxy, outcome, values=values)
    assert piece.value is None
    state, reason = _state(proxy, piece)
    assert state is State.UNPROVEN
    assert f"20 scored uses are old enough, and the outcome came to {sum(came.values())}" in reason
    assert "needs about" in reason
    assert "launchworthy score-traffic --workflow answer --scorer groundedness" in reason


def test_only_uses_of_the_release_that_are_old_enough_count(world: World, claim: ClaimOf) -> None:
    values, _ = _calls(world, 60, tells=0.8)
    other, _ = _calls(world, 61, tells=0.8, release="r-2")
    young = {world.call(ago=3600.0, session_id=f"young_{n}").hex(): 0.0 for n in range(50)}
    success = claim(
        "success", kind=ClaimKind.COVER, at_least=0.9, unit="ratio", event="resolved", within_ms=DAY * 1e3
    )
    proxy, outcome = _proxy(claim), claim("outcomes/resolved", at_least=0.5, unit="ratio")
    piece = _one(world, proxy, outcome, success, values=values | other | young)
    assert piece.detail["records"] == 60
    assert piece.detail["scored_calls"] == 171


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        ("answer/outcomes/net_benefit", "the target asks for something else"),
        ("answer/outcomes/nowhere", "is no outcome of the contract"),
        ("labels/chargeback", "no label was recorded: no outcome labels/chargeback"),
        ("answer/outcomes/resolved", "no outcome resolved was recorded"),
    ],
)
def test_what_cannot_be_joined_says_why(world: World, claim: ClaimOf, outcome: str, told: str) -> None:
    trace = world.call()
    others = (
        claim("outcomes/net_benefit", at_least=5.0, unit="EUR/d"),
        claim("outcomes/resolved", at_least=0.5, unit="ratio"),
    )
    piece = _one(world, _proxy(claim, outcome), *others, values={trace.hex(): 1.0})
    assert piece.value is None
    assert told in piece.detail["reason"]


def test_no_scored_call_says_how_to_score_some(world: World, claim: ClaimOf) -> None:
    world.outcome("resolved", trace=world.call())
    outcome = claim("outcomes/resolved", at_least=0.5, unit="ratio")
    piece = _one(world, _proxy(claim), outcome, values={})
    assert "no recorded call was scored with groundedness in the last 30 d" in piece.detail["reason"]
    unknown = _one(world, _proxy(claim), outcome, values={"ab" * 16: 1.0, "not hex": 2.0})
    assert "none of 2 scored calls is of this release" in unknown.detail["reason"]
