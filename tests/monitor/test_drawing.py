"""Calls drawn at random to be labelled: how often a draw is right, and what its labels prove."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from scipy import stats

from launchworthy.evals import sample_calls
from launchworthy.monitor import LabelDraw, asked_rows, draw_calls

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

DAY_S = 86_400.0
QA = {"event": "qa", "matures_ms": None, "within_ms": 2 * DAY_S * 1e3, "truth": False}


def _draw(world: World, *, share: float, seed: int = 0, days: float = 30.0, until: float = 0.0) -> LabelDraw:
    return draw_calls(
        world.store.query,
        product=world.product,
        workflow="answer",
        event="qa",
        share=share,
        since=world.now - timedelta(days=days),
        until=world.now - timedelta(days=until),
        seed=seed,
    )


def _ask(world: World, draw: LabelDraw, *, ago_days: float) -> None:
    rows = asked_rows(world.store.query, draw, now=world.now - timedelta(days=ago_days))
    world.store.ingest([rows], batch_id=f"{world.product}-{draw.share}-{draw.until}")
    world.store.flush()


def test_over_many_seeds_the_sizes_are_binomial_and_the_bound_holds_as_often_as_it_says(world: World) -> None:
    calls, share, tries = 1_500, 0.06, 200
    traces = [world.call(ago=DAY_S + at).hex() for at in range(calls)]
    wrong = set(traces[::8])
    world.settle()
    sizes, missed = [], 0
    for seed in range(tries):
        drawn = {call.trace_id for call in _draw(world, share=share, seed=seed).drawn}
        sizes.append(len(drawn))
        bad = len(drawn & wrong)
        missed += len(wrong) / calls < stats.beta.ppf(0.05, bad, len(drawn) - bad + 1)
    size = stats.binom(calls, share)
    assert abs(sum(sizes) / tries - size.mean()) < 4 * size.std() / tries**0.5
    spread = sum((n - size.mean()) ** 2 for n in sizes) / size.var()
    assert stats.chi2.ppf(0.001, tries) < spread < stats.chi2.ppf(0.999, tries)
    assert missed <= stats.binom.ppf(0.999, tries, 0.05)


def test_people_label_what_judges_grade(world: World) -> None:
    for at in range(400):
        world.call(ago=DAY_S + at, output="yes", input=f"question {at}")
    world.settle()
    graded = sample_calls(
        world.store.query,
        product=world.product,
        workflow="answer",
        release=None,
        since=world.now - timedelta(days=30),
        until=world.now,
        share=0.3,
        seed=5,
    ).items
    few = {call.trace_id for call in _draw(world, share=0.1, seed=5).drawn}
    same = {call.trace_id for call in _draw(world, share=0.3, seed=5).drawn}
    assert few < same == {item.id for item in graded}


def test_calls_of_draws_with_other_shares_count_for_those_that_they_stand_for(
    world: World, claim: ClaimOf
) -> None:
    right = {}
    for at in range(3_000):
        early = at < 2_000  # of which a tenth is wrong, and 5 % are drawn; later a half, and 40 %
        trace = world.call(
            ago=(20.0 if early else 6.0) * DAY_S + at,
            user_id=f"u{at}",
            output=json.dumps({"prediction": True}),
        )
        right[trace.hex()] = at % 10 > 0 if early else at % 2 > 0
    world.settle()
    _ask(world, _draw(world, share=0.05, until=10.0), ago_days=10.0)
    _ask(world, _draw(world, share=0.40, days=10.0), ago_days=5.0)
    labelled = _draw(world, share=0.05).drawn
    assert {call.chance for call in labelled} == {0.05, 0.4}
    for call in labelled:
        trace = bytes.fromhex(call.trace_id)
        world.outcome("qa", value=float(right[call.trace_id]), trace=trace, ago=DAY_S)
    monitor = claim(
        "monitors/right",
        at_least=0.7,
        unit="ratio",
        signal="quality/accuracy",
        window_ms=30 * DAY_S * 1e3,
        labels=["qa"],
        label_sources=(QA,),
    )
    found = world.one(monitor)
    true = sum(right.values()) / len(right)
    assert found.low is not None
    assert found.high is not None
    assert found.low < true < found.high
    plain = sum(right[call.trace_id] for call in labelled) / len(labelled)
    assert plain < found.low, "counted alike they would say something else"


def test_drawn_calls_that_nobody_labels_in_time_leave_it_unproven(world: World, claim: ClaimOf) -> None:
    for at in range(400):
        world.call(ago=5 * DAY_S + at, user_id=f"u{at}", output=json.dumps({"prediction": True}))
    world.settle()
    draw = _draw(world, share=0.5)
    _ask(world, draw, ago_days=4.0)
    for call in draw.drawn[20:]:
        world.outcome("qa", value=1.0, trace=bytes.fromhex(call.trace_id), ago=DAY_S)
    monitor = claim(
        "monitors/right",
        at_least=0.7,
        unit="ratio",
        signal="quality/accuracy",
        window_ms=30 * DAY_S * 1e3,
        labels=["qa"],
        label_sources=(QA,),
    )
    found = world.one(monitor)
    assert found.value is None
    assert found.detail["reason"].startswith(
        "20 calls were drawn to be labelled, longer ago than a label takes"
    )
    for call in draw.drawn[:20]:
        world.outcome("qa", value=1.0, trace=bytes.fromhex(call.trace_id), ago=DAY_S)
    assert world.one(monitor).value == 1.0
