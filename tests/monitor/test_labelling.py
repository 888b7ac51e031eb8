"""Labels: whether enough come, soon enough, of raters who agree and saw nothing that sways them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import krippendorff
import numpy as np
import pytest

from launchworthy.contract import claims, parse_contract
from launchworthy.evidence import State
from launchworthy.evidence.claim_status import status
from launchworthy.provers import PROVERS

if TYPE_CHECKING:
    from tests.monitor.conftest import World

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
    job: pay without friction
    predicts: {{label: fraud, horizon: 10d}}
    decide: {{bands: [pass, confirm, hold]}}
    no_answer: {{low_confidence: route, route_to: product}}
labels:
  sources:
    chargeback: {{truth: true, matures: 10d}}
    analyst: {{per_item: 1, within: 1d, covers: hold}}
    quality: {{within: 3d}}
  sample: {{random: 5 %, hold: 100 %, thumbs_down: 50 %, guard_hit: 100 %, low_confidence: 10 %, vip: 20 %}}
  explore: {{share: 10 %, up_to: 50 EUR}}
  blind_to: [model_score, other_rater]
  agreement: {{at_least: 0.67}}
"""


@pytest.fixture
def known(world: World) -> dict[str, Claim]:
    contract = parse_contract(CONTRACT.format(product=world.product), file="launchworthy.yaml")
    return {
        each.address.partition("/")[2]: each
        for each in claims(contract, provers=PROVERS)
        if each.family in ("labels", "predicts", "decide")
    }


def _act(action: str, **more: Any) -> dict[str, Any]:
    return {"output": f'{{"action": "{action}"}}', **more}


def _label(world: World, trace: bytes, *, source: str = "analyst", ago: float = 3600.0, **told: Any) -> None:
    value = told.pop("value", 1.0)
    world.outcome(source, trace=trace, ago=ago, value=value, attributes=told)


def test_the_oldest_item_that_waits_is_as_old_as_its_call(world: World, known: dict[str, Claim]) -> None:
    for place in range(5):
        trace = world.call(ago=(5 - place) * 3600, **_act("hold"))
        if place < 2:
            _label(world, trace, ago=600)
    world.call(ago=9 * 3600, **_act("pass"))  # is not what analysts read
    found = world.measure(*known.values())
    piece = found[f"{world.product}/labels/sources/analyst"]
    assert piece.value == pytest.approx(3 * 3600e3)
    assert (piece.n, piece.detail["waiting"]) == (5, 3)
    assert status(known["labels/sources/analyst"], [piece], release=None, now=world.now).state is State.MET
    world.call(ago=2 * DAY, **_act("hold"))
    late = world.measure(*known.values())[piece.claim]
    assert status(known["labels/sources/analyst"], [late], release=None, now=world.now).state is State.UNMET


def test_items_of_a_source_that_covers_no_action_are_put_before_raters_by_an_event(
    world: World, known: dict[str, Claim]
) -> None:
    traces = [world.call(ago=8 * DAY) for _ in range(4)]
    address = f"{world.product}/labels/sources/quality"
    assert "quality_asked" in world.measure(*known.values())[address].detail["reason"]
    for place, trace in enumerate(traces):
        world.outcome("quality_asked", trace=trace, ago=(place + 1) * DAY)
        if place == 3:
            _label(world, trace, source="quality")
    piece = world.measure(*known.values())[address]
    assert piece.value == pytest.approx(3 * DAY * 1e3)


def test_each_kind_of_call_is_counted_with_its_labels(world: World, known: dict[str, Claim]) -> None:
    said: dict[str, list[bytes]] = {}
    for place in range(40):
        kind = ("plain", "hold", "thumbs_down", "guard_hit", "low_confidence", "vip")[min(place // 5, 5)]
        more: dict[str, Any] = {"attributes": {"launchworthy.slice": ["vip"]}} if kind == "vip" else {}
        trace = world.call(ago=5 * DAY, **_act("hold" if kind == "hold" else "pass", **more))
        said.setdefault(kind, []).append(trace)
        facts = {"guard_hit": "{}", "low_confidence": '{"condition": "low_confidence"}'}.get(kind)
        if kind == "thumbs_down":
            world.feedback(trace=trace, rating=-1.0, ago=4 * DAY)
        if facts is not None:
            world._add(
                "decisions", 5 * DAY, event_id=f"d-{place}", trace_id=trace, subject="it",
                kind="guard" if kind == "guard_hit" else "no_answer",
                outcome="hit" if kind == "guard_hit" else "route", facts=facts,
            )  # fmt: skip
    for kind, n in (("hold", 5), ("thumbs_down", 2), ("guard_hit", 4), ("low_confidence", 1), ("vip", 3)):
        for trace in said[kind][:n]:
            _label(world, trace, ago=4 * DAY)
    _label(world, said["plain"][0], ago=4 * DAY, sample="random")
    world.call(ago=DAY, **_act("hold"))  # three days have not passed
    found = world.measure(*known.values())
    for kind, labelled, calls in (
        ("random", 1, 40),
        ("hold", 5, 5),
        ("thumbs_down", 2, 5),
        ("guard_hit", 4, 5),
        ("low_confidence", 1, 5),
        ("vip", 3, 15),
    ):
        piece = found[f"{world.product}/labels/sample/{kind}"]
        assert (piece.value, piece.n) == (labelled / calls, calls), kind
        assert piece.low == piece.value == piece.high  # all there are, and no estimate
    hold = status(known["labels/sample/hold"], found.values(), release=None, now=world.now)
    assert hold.state is State.MET
    hits = status(known["labels/sample/guard_hit"], found.values(), release=None, now=world.now)
    assert hits.state is State.UNMET


def test_cases_that_were_let_through_to_learn_from_say_so(world: World, known: dict[str, Claim]) -> None:
    address = f"{world.product}/labels/explore"
    for place in range(18):
        world.call(ago=2 * DAY, **_act("hold", input=f'{{"amount": {10 + place}}}'))
    world.call(ago=2 * DAY, **_act("hold", input='{"amount": 500}'))  # more than may be let through
    assert "slice explore" in world.measure(*known.values())[address].detail["reason"]
    for _ in range(2):
        world.call(ago=2 * DAY, **_act("pass", attributes={"launchworthy.slice": "explore"}))
    piece = world.measure(*known.values())[address]
    assert (piece.value, piece.n, piece.unit_of_analysis) == (0.1, 20, "case")


def test_a_rater_who_saw_what_is_hidden_is_a_breach(world: World, known: dict[str, Claim]) -> None:
    for place in range(6):
        saw = ["question", "model_score"] if place == 0 else ["question"]
        _label(world, world.call(ago=2 * DAY), saw=saw, rater=f"p-{place}")
    piece = world.measure(*known.values())[f"{world.product}/labels/blind_to"]
    assert (piece.value, piece.n, piece.unscored) == (1.0, 6, 0)
    _label(world, world.call(ago=2 * DAY), rater="p-9")  # does not say what it saw
    assert world.measure(*known.values())[piece.claim].unscored == 1


def test_agreement_of_raters_is_that_of_the_reference(world: World, known: dict[str, Claim]) -> None:
    rng = random.Random(3)
    table = np.full((3, 60), np.nan)
    for item in range(60):
        trace, truth = world.call(ago=9 * DAY), float(rng.random() < 0.4)
        for rater in range(3 if item % 2 else 2):
            said = truth if rng.random() < 0.9 else 1.0 - truth
            table[rater, item] = said
            _label(world, trace, rater=f"p-{rater}", value=1.0 - said, ago=8 * DAY)
            _label(world, trace, rater=f"p-{rater}", value=said, ago=7 * DAY)  # the last one counts
    piece = world.measure(*known.values())[f"{world.product}/labels/agreement"]
    expected = krippendorff.alpha(reliability_data=table, level_of_measurement="nominal")
    assert piece.value == pytest.approx(expected, abs=1e-9)
    assert piece.low is not None
    assert piece.high is not None
    assert piece.low < expected < piece.high
    assert (piece.n, piece.detail["raters"]) == (60, 3)


def test_agreement_tells_how_many_items_are_missing(world: World, known: dict[str, Claim]) -> None:
    address = f"{world.product}/labels/agreement"
    trace = world.call(ago=9 * DAY)
    _label(world, trace)
    assert "attribute rater" in world.measure(*known.values())[address].detail["reason"]
    for rater in ("a", "b"):
        _label(world, trace, rater=rater)
    assert "29 more are needed" in world.measure(*known.values())[address].detail["reason"]


def test_predictions_settle_by_a_label_or_by_silence_where_they_were_let_through(
    world: World, known: dict[str, Claim]
) -> None:
    for place in range(20):
        trace = world.call(ago=12 * DAY, **_act("hold" if place < 8 else "pass"))
        if place < 3:
            _label(world, trace, ago=11 * DAY)
        if place == 19:
            _label(world, trace, source="chargeback", ago=5 * DAY)
    world.call(ago=2 * DAY, **_act("hold"))
    piece = world.measure(*known.values())[world.at("predicts")]
    assert (piece.value, piece.n) == (15 / 20, 20)  # nobody said anything of five that were held
    assert status(known["answer/predicts"], [piece], release="r-1", now=world.now).state is State.UNMET


def test_without_a_label_each_claim_says_what_is_missing(world: World, known: dict[str, Claim]) -> None:
    world.call(ago=20 * DAY)
    for address, piece in world.measure(*known.values()).items():
        assert piece.value is None, address
        assert len(piece.detail["reason"]) > 20, address
