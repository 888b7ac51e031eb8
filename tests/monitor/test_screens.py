"""What people saw and decided, how old what an answer rests on was, and what only numbers of people tell."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

from launchworthy import monitor
from launchworthy.contract import ClaimKind
from launchworthy.evidence import State
from launchworthy.evidence.claim_status import status

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

DAY = 86_400.0
COVER: dict[str, Any] = {"kind": ClaimKind.COVER, "at_least": 0.95, "unit": "ratio"}


def test_a_call_records_what_was_shown_and_what_a_person_decided(world: World, claim: ClaimOf) -> None:
    asked = claim("after/after", shows=("citations", "page_date"), decides="customer", **COVER)
    traces = [world.call() for _ in range(10)]
    assert "`fields`" in world.one(asked).detail["reason"]
    for place, trace in enumerate(traces):
        fields = ["citations"] if place == 0 else ["citations", "page_date", "price"]
        world.outcome("shown", trace=trace, attributes={"fields": fields})
        if place < 8:
            world.outcome("accepted" if place % 2 else "edited", trace=trace, ago=1700.0)
    piece = world.one(asked)
    assert (piece.value, piece.n) == (0.7, 10)
    assert status(asked, [piece], release="r-1", now=world.now).state is State.UNMET


def test_nobody_may_see_what_is_hidden_before_having_decided(world: World, claim: ClaimOf) -> None:
    asked = claim("hides/hides", kind=ClaimKind.NEVER, hides=("score",))
    for place in range(6):
        trace = world.call()
        world.outcome("shown", trace=trace, ago=1800.0, attributes={"fields": ["history"]})
        world.outcome("decided", trace=trace, ago=1000.0)
        if place < 3:  # one of them before the decision
            shown = {"fields": ["score"]}
            world.outcome("shown", trace=trace, ago=1500.0 if place == 0 else 500.0, attributes=shown)
    piece = world.one(asked)
    assert (piece.value, piece.n, piece.unscored) == (1.0, 6, 0)
    world.outcome("shown", trace=world.call())  # a screen that lists nothing may have shown it
    assert world.one(asked).unscored == 1


def test_edits_are_kept_as_corrections_or_by_the_queue(world: World, claim: ClaimOf) -> None:
    asked = claim("editable/editable", **COVER)
    for place in range(8):
        trace = world.call()
        world.outcome("edited", trace=trace)
        if place < 4:
            world.feedback(trace=trace, correction="10 EUR")
        elif place < 6:
            world._add(
                "decisions", 1700.0, event_id=f"q-{place}", trace_id=trace, kind="approval", subject="refund",
                outcome="edited", decided_by="p-1",
            )  # fmt: skip
    world.call()
    piece = world.one(asked)
    assert (piece.value, piece.n, piece.unit_of_analysis) == (0.75, 8, "edited answer")


def test_a_wait_is_hidden_by_a_stream_and_by_what_a_screen_says(world: World, claim: ClaimOf) -> None:
    streams = claim("waits/waits", waits=("stream",), **COVER)
    both = claim("answer/waits/waits", waits=("stream", "sources_first"), workflow=None, **COVER)
    for place in range(10):
        trace = world.call(first_token_ms=90.0 if place < 9 else None)
        if place < 6:
            world.outcome("shown", trace=trace, attributes={"waits": ["sources_first"]})
    assert world.one(streams).value == 0.9
    both = replace(both, family="waits", metric="waits", workflow="answer")
    assert world.one(both).value == 0.6


def test_no_more_calls_end_in_an_action_on_a_day_than_people_can_take(world: World, claim: ClaimOf) -> None:
    asked = claim("decide/capacity/hold", kind=ClaimKind.NEVER, limit=3.0, unit="1/d")
    for day, holds in ((2, 3), (3, 5), (4, 0)):
        for _ in range(holds):
            world.call(ago=day * DAY, output='{"action": "hold"}', release=f"r-{holds}")
        world.call(ago=day * DAY, output='{"action": "pass"}')
    piece = world.one(asked)
    assert (piece.value, piece.n, piece.unit_of_analysis) == (1.0, 3, "day")


def test_the_age_of_features_is_what_calls_say(world: World, claim: ClaimOf) -> None:
    rng = random.Random(4)
    asked = claim("reliability/feature_staleness_p90", at_most=5_000.0, unit="ms")
    world.call()
    assert "launchworthy.feature_age_ms" in world.one(asked).detail["reason"]
    ages = [rng.uniform(100, 4_000) for _ in range(99)]
    for age in ages:
        world.call(attributes={"launchworthy.feature_age_ms": age}, user_id=f"u_{age}")
    piece = world.one(asked)
    assert piece.value == pytest.approx(np.quantile(ages, 0.9, method="inverted_cdf"))
    upper = sorted(ages)[next(r for r in range(1, 100) if stats.binom.sf(r - 1, 99, 0.9) <= 0.05) - 1]
    assert piece.high == pytest.approx(upper)
    assert (piece.n, piece.unscored) == (99, 1)
    assert status(asked, [piece], release="r-1", now=world.now).state is State.MET
    product = claim("release/features", at_most=1_000.0, unit="ms", workflow=None)
    whole = world.one(product)
    assert whole.value == pytest.approx(np.quantile(ages, 0.95, method="inverted_cdf"))
    assert status(product, [whole], release="r-1", now=world.now).state is State.UNMET


def test_the_index_grows_older_since_the_newest_retrieval_said_its_age(world: World, claim: ClaimOf) -> None:
    asked = claim("release/retrieval", kind=ClaimKind.FRESH, at_most=DAY * 1e3, unit="ms", workflow=None)
    world.span(kind="retrieval", trace=world.call())
    assert "launchworthy.index_age_ms" in world.one(asked).detail["reason"]
    for hours, age_h in ((5, 20), (1, 2)):
        told = {"launchworthy.index_age_ms": age_h * 3600e3}
        world.span(kind="retrieval", trace=world.call(), ago=hours * 3600.0, attributes=told)
    piece = world.one(asked)
    assert piece.value == pytest.approx(3 * 3600e3)
    assert status(asked, [piece], release="r-1", now=world.now).state is State.MET
    later = status(asked, [piece], release="r-1", now=world.now + timedelta(hours=22))
    assert later.state is State.UNMET


def test_a_model_is_as_old_as_the_first_release_that_has_it(world: World, claim: ClaimOf) -> None:
    asked = claim(
        "release/training/retrain", kind=ClaimKind.FRESH, at_most=30 * DAY * 1e3, unit="ms", workflow=None
    )
    world.call()
    world.settle()

    def measured(**models: tuple[str, float]) -> Any:
        known = {
            f"r-{name[1:]}": (text, world.now - timedelta(days=days)) for name, (text, days) in models.items()
        }
        [piece] = monitor.measure(
            [asked],
            product=world.product,
            query=world.store.query,
            release="r-1",
            now=world.now,
            models=known,
        )
        return piece

    piece = measured(r0=("model a", 40.0), r1=("model b", 2.0), r2=("model b", 12.0))
    assert piece.value == pytest.approx(12 * DAY * 1e3)
    assert "r-2" in piece.detail["remark"]
    assert status(asked, [piece], release="r-1", now=world.now).state is State.MET
    old = measured(r0=("model b", 40.0), r1=("model b", 2.0))
    assert status(asked, [old], release="r-1", now=world.now).state is State.UNMET
    assert "no artifact" in measured(r1=("", 2.0)).detail["reason"]
    assert "registered" in measured(r0=("model b", 2.0)).detail["reason"]


def test_a_rating_is_the_mean_of_its_values(world: World, claim: ClaimOf) -> None:
    asked = claim("trust/explanation_useful", at_least=4.0)
    world.call()
    assert "explanation_useful" in world.one(asked).detail["reason"]
    values = [3.0, 4.0, 5.0, 5.0, 4.0]
    for value in values:
        world.outcome("explanation_useful", trace=world.call(), value=value)
    piece = world.one(asked)
    assert piece.value == pytest.approx(4.2)
    assert piece.n == 5
    share = world.one(claim("trust/forwarded", at_most=0.5, unit="ratio"))
    assert "forwarded" in share.detail["reason"]
    world.outcome("forwarded", trace=world.call())
    assert world.one(claim("trust/forwarded", at_most=0.5, unit="ratio")).value == pytest.approx(1 / 7)


def test_seeded_cases_are_caught_by_the_queue_or_by_an_event(world: World, claim: ClaimOf) -> None:
    asked = claim("trust/seeded_caught", at_least=0.85, unit="ratio")
    world.call()
    assert "seeded" in world.one(asked).detail["reason"]
    for place in range(6):
        world._add(
            "decisions", 900.0, event_id=f"approval:{place}", trace_id=world.call(), kind="approval",
            subject="refund", outcome="approved" if place == 0 else "rejected", decided_by=f"p-{place}",
            facts='{"seeded": true}',
        )  # fmt: skip
    for place in range(4):
        world.outcome(
            "seeded_caught", trace=world.call(), value=float(place > 0), attributes={"rater": f"q-{place}"}
        )
    piece = world.one(asked)
    assert (piece.value, piece.n) == (0.8, 10)


@pytest.mark.parametrize("labels", [False, True])
def test_confidence_that_is_shown_is_held_against_what_came_of_it(
    world: World, claim: ClaimOf, labels: bool
) -> None:
    rng = random.Random(9)
    asked = claim("trust/calibration_error", at_most=0.2, unit="ratio")
    others = [
        claim("success", event="settled", within_ms=DAY * 1e3, **COVER),
        claim("labels/sample/random", workflow=None, events=("qa",), **COVER),
    ]
    gaps: dict[int, list[float]] = {}
    for place in range(200):
        said, right = rng.choice([0.3, 0.7, 0.9]), rng.random() < 0.6
        trace = world.call(ago=3 * DAY, output=f'{{"confidence": {said}}}', user_id=f"u_{place}")
        # Where people labelled at random, what came of it does not count.
        if right is not labels:
            world.outcome("settled", trace=trace, ago=2.5 * DAY)
        if labels:
            world.outcome("qa", trace=trace, value=float(right), attributes={"sample": "random"})
        gaps.setdefault(int(said * 15), []).append(said - right)
    piece = world.one(asked, *others)
    expected = sum(abs(sum(each)) for each in gaps.values()) / 200
    assert piece.value == pytest.approx(expected)
    assert piece.high is not None
    assert piece.high > expected
    assert status(asked, [piece], release="r-1", now=world.now).state is State.UNPROVEN


def test_few_answers_that_say_their_confidence_tell_how_many_are_missing(
    world: World, claim: ClaimOf
) -> None:
    asked = claim("trust/calibration_error", at_most=0.2, unit="ratio")
    success = claim("success", event="settled", **COVER)
    world.outcome("settled", trace=world.call(output='{"confidence": 0.5}', ago=2 * DAY))
    world.call(output='{"confidence": 9}', ago=2 * DAY)
    assert "1 of 2 answers" in world.one(asked, success).detail["reason"]
    assert "29 more" in world.one(asked, success).detail["reason"]


def test_how_long_a_call_waits_for_a_person_is_read_from_the_queue(world: World, claim: ClaimOf) -> None:
    asked = claim("reliability/queue_wait_p50", at_most=1_800_000.0, unit="ms")
    world.call()
    assert "queue of approvals" in world.one(asked).detail["reason"]

    def happened(number: int, outcome: str, ago: float, **more: Any) -> None:
        world._add(
            "decisions", ago, event_id=f"approval:a-{number}:{outcome}", kind="approval", subject="refund",
            outcome=outcome, facts=f'{{"approval": "a-{number}"}}', **more,
        )  # fmt: skip

    for number, waited in enumerate((60.0, 120.0, 300.0, 900.0)):
        happened(number, "requested", 7_200.0)
        happened(number, "approved" if number % 2 else "rejected", 7_200.0 - waited, decided_by="p-1")
        happened(number, "claimed", 60.0)
    happened(7, "requested", 3_000.0)  # waits still
    happened(8, "requested", 3_000.0)
    happened(8, "withdrawn", 2_000.0)
    happened(9, "requested", 900.0, workflow="other")
    piece = world.one(asked)
    assert (piece.value, piece.n) == (300_000.0, 5)
    assert [each["value"] for each in piece.detail["worst"]][:2] == [3_000_000.0, 900_000.0]
