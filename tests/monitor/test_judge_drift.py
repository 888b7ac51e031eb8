"""Whether a judge still agrees with people, by labels that came after it was calibrated."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sklearn.metrics import cohen_kappa_score
from tests.monitor.conftest import NOW

from launchworthy import monitor
from launchworthy.contract import Direction, claims, defaults_in_force, parse_contract
from launchworthy.evidence import State
from launchworthy.evidence.claim_status import status
from launchworthy.records import JudgeGrades

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

    from launchworthy.contract import Claim
    from launchworthy.evidence import Evidence

DAY = 86_400.0
# Of the calibration: 200 items of which the judge and people see 180 alike.
ADMITTED = ((1.0, 1.0, 120), (0.0, 0.0, 60), (1.0, 0.0, 12), (0.0, 1.0, 8))


def _watching(claim: ClaimOf, **options: Any) -> Claim:
    told: dict[str, Any] = {"at_least": 0.6} | options
    sources = ({"event": "reviewer", "matures_ms": None, "truth": True},)
    return claim(
        "monitors/judge",
        workflow=None,
        signal="proof/judges/grounding",
        window_ms=30 * DAY * 1e3,
        label_sources=sources,
        **told,
    )


def _graded(
    world: World, count: int, *, right: float, ago: float = 3_600.0, per_user: int = 1
) -> tuple[dict[str, float], list[tuple[float, float]]]:
    """Calls that the judge graded and people labelled; how often both say the same is ``right``."""
    draws = random.Random(count)
    grades, both = {}, []
    for n in range(count):
        trace = world.call(ago=DAY, user_id=f"u_{n // per_user}")
        human = float(draws.random() < 0.6)
        grades[trace.hex()] = human if draws.random() < right else 1.0 - human
        world.outcome("reviewer", trace=trace, value=human, ago=ago)
        both.append((grades[trace.hex()], human))
    return grades, both


def _said(grades: dict[str, float], *, days: float = 10.0, **more: Any) -> JudgeGrades:
    plain: dict[str, Any] = {
        "judge": "grounding",
        "version": "j-1",
        "calibrated_at": NOW - timedelta(days=days),
        "pairs": ADMITTED,
        "scale": (0.0, 1.0),
        "grades": grades,
    }
    return JudgeGrades(**plain | more)


def _one(world: World, watching: Claim, said: JudgeGrades | None, release: str = "r-1") -> Evidence:
    world.settle()
    (piece,) = monitor.measure(
        [watching],
        product=world.product,
        query=world.store.query,
        release=release,
        now=world.now,
        judges={} if said is None else {"grounding": said},
    )
    return piece


def _state(watching: Claim, piece: Evidence) -> State:
    return status(watching, [piece], release="r-1", now=piece.observed_at).state


def test_a_judge_that_agrees_as_before_keeps_its_promise(world: World, claim: ClaimOf) -> None:
    grades, both = _graded(world, 250, right=0.92)
    watching = _watching(claim)
    piece = _one(world, watching, _said(grades))
    assert piece.value == pytest.approx(cohen_kappa_score(*zip(*both, strict=True)), abs=1e-9)
    assert _state(watching, piece) is State.MET
    assert piece.release is None, "the judge is the instrument, not the release"
    assert piece.detail["admitted"]["n"] == 200
    assert "no fall is shown" in piece.detail["remark"]


def test_a_judge_that_people_no_longer_follow_is_unmet_and_shows_the_calls(
    world: World, claim: ClaimOf
) -> None:
    grades, both = _graded(world, 250, right=0.65)
    watching = _watching(claim)
    piece = _one(world, watching, _said(grades))
    assert _state(watching, piece) is State.UNMET
    assert "it agrees less than it did" in piece.detail["remark"]
    assert piece.detail["apart"] == sum(own != human for own, human in both)
    assert set(world.traces(piece)) <= set(grades)
    assert piece.detail["window_days"] == 30.0


def test_few_labels_leave_it_open_and_fewer_say_how_many_more(world: World, claim: ClaimOf) -> None:
    grades, _ = _graded(world, 30, right=0.88)
    watching = _watching(claim)
    assert _state(watching, _one(world, watching, _said(grades))) is State.UNPROVEN
    few = dict(list(grades.items())[:12])
    piece = _one(world, watching, _said(few))
    assert piece.value is None
    assert "needs 8 more" in piece.detail["reason"]


def test_the_fall_from_the_calibration_may_be_bounded_instead(world: World, claim: ClaimOf) -> None:
    grades, _ = _graded(world, 400, right=0.7)
    watching = replace(_watching(claim), target=None)
    bounded = replace(watching, target=_watching(claim, at_least=None, at_most=0.1).target)
    assert bounded.target is not None
    assert bounded.target.direction is Direction.AT_MOST
    piece = _one(world, bounded, _said(grades))
    assert piece.value == pytest.approx(
        piece.detail["admitted"]["value"] - piece.detail["agreement"]["value"], abs=1e-9
    )
    assert _state(bounded, piece) is State.UNMET
    assert "at_least" in _one(world, watching, _said(grades)).detail["reason"]


def test_labels_from_before_the_calibration_say_nothing_new(world: World, claim: ClaimOf) -> None:
    grades, _ = _graded(world, 60, right=0.2, ago=5 * DAY)
    piece = _one(world, _watching(claim), _said(grades, days=2.0))
    assert piece.value is None
    assert "people labelled 0 of the 60 calls" in piece.detail["reason"]


def test_of_each_user_one_call_counts(world: World, claim: ClaimOf) -> None:
    grades, _ = _graded(world, 90, right=0.9, per_user=3)
    assert _one(world, _watching(claim), _said(grades)).n == 30


def test_of_a_scale_a_near_miss_weighs_less_and_what_is_off_it_is_counted(
    world: World, claim: ClaimOf
) -> None:
    draws = random.Random(5)
    grades, both = {}, []
    for n in range(120):
        trace = world.call(ago=DAY, user_id=f"u_{n}")
        human = float(draws.randint(1, 5))
        grades[trace.hex()] = min(5.0, human + draws.choice((0.0, 0.0, 1.0)))
        world.outcome("reviewer", trace=trace, value=human if n else 7.5)
        both.append((grades[trace.hex()], human))
    scale = (1.0, 2.0, 3.0, 4.0, 5.0)
    said = _said(grades, scale=scale, pairs=((1.0, 1.0, 20), (5.0, 5.0, 20), (4.0, 5.0, 5)))
    piece = _one(world, _watching(claim), said)
    expected = cohen_kappa_score(*zip(*both[1:], strict=True), weights="quadratic")
    assert piece.value == pytest.approx(expected, abs=1e-9)
    assert piece.unscored == 1


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (None, "never calibrated"),
        ({"grades": {}}, "graded no recorded call"),
        ({"grades": {}, "others": 7}, "7 have grades of another version"),
    ],
)
def test_what_is_missing_is_said(
    world: World, claim: ClaimOf, said: dict[str, Any] | None, reason: str
) -> None:
    world.call(ago=DAY)
    found = None if said is None else _said(**{"grades": {}, **said})
    piece = _one(world, _watching(claim), found)
    assert piece.value is None
    assert reason in piece.detail["reason"]


def test_without_a_source_of_labels_it_asks_for_one(world: World, claim: ClaimOf) -> None:
    world.call(ago=DAY)
    watching = _watching(claim)
    bare = replace(watching, options={**watching.options, "label_sources": ()})
    assert "name under labels" in _one(world, bare, None).detail["reason"]


CONTRACT = """\
launchworthy: 1
product: shop
owners: {product: ana@example.com}
workflows:
  answer:
    user: customer
    job: learn what to do
    no_answer: refuse
    quality: {groundedness: {at_least: 90 %, judge: grounding}}
labels: {sources: {reviewer: {truth: true}}}
proof: {judges: {grounding: {models: tiny, agreement: {at_least: 0.7}}}}
monitors: {judge: {signal: proof/judges/grounding, labels: [reviewer], window: 30d, page: product}}
"""


def test_a_monitor_of_a_judge_promises_what_the_judge_was_admitted_with() -> None:
    found = claims(parse_contract(CONTRACT))
    (watching,) = (each for each in found if each.family == "monitors")
    assert watching.target is not None
    assert (watching.target.direction, watching.target.threshold) == (Direction.AT_LEAST, 0.7)
    told = {each.address: each.value for each in defaults_in_force(parse_contract(CONTRACT))}
    assert told["monitors/judge/at_least"] == "0.7"
