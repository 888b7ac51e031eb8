"""How groups compare in how often decisions about them are right, by labels that come late."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fairlearn.metrics import MetricFrame  # type: ignore[import-untyped]
from sklearn.metrics import recall_score

from launchworthy.evidence import State
from launchworthy.evidence.claim_status import status
from launchworthy.records import Own

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

    from launchworthy.contract import Claim
    from launchworthy.evidence import Evidence

DAY_S = 86_400.0
CHARGEBACK = {"event": "chargeback", "matures_ms": 60 * DAY_S * 1e3, "truth": True}
ANALYST = {"event": "analyst", "matures_ms": None, "truth": False}
OF = "answer/quality/recall"


def _claims(
    claim: ClaimOf, which: str = "gap", *, at_most: float = 0.1, of: str = OF, least: int = 30
) -> tuple[Claim, ...]:
    """The monitor, and what it reads of the contract."""
    promise = claim(
        f"fairness/{which}", at_most=at_most, unit="ratio" if which == "gap" else "", workflow=None
    )
    options = {"of": of, "groups": ("age_band",), "min_group": least}
    promise = replace(promise, address=f"{promise.address}/{of}", options=options)
    monitor = claim(
        "monitors/equal",
        at_most=at_most,
        unit="ratio" if which == "gap" else "",
        signal=f"{promise.address.partition('/')[0]}/fairness/{which}/{of}",
        window_ms=30 * DAY_S * 1e3,
        labels=["analyst", "chargeback"],
        label_sources=(CHARGEBACK, ANALYST),
    )
    known = claim("quality/recall", at_least=0.5, unit="ratio")
    return monitor, promise, known, claim("decide", bands=("pass", "hold"))


def _payment(
    world: World, group: str, *, held: bool, bad: bool, label: bool = True, ago: float = 70.0
) -> None:
    trace = world.call(
        ago=ago * DAY_S,
        output=json.dumps({"action": "hold" if held else "pass"}),
        attributes={Own.SLICE: [f"age_band:{group}"]},
    )
    if held and label:
        world.outcome("analyst", value=float(bad), trace=trace, ago=(ago - 1.0) * DAY_S)
    elif bad and not held:
        world.outcome("chargeback", trace=trace, ago=(ago - 20.0) * DAY_S)


def _state(asked: Claim, piece: Evidence) -> State:
    return status(asked, [piece], release="r-1", now=piece.observed_at).state


def test_the_gap_in_recall_is_fairlearns_once_chargebacks_have_matured(world: World, claim: ClaimOf) -> None:
    rng = random.Random(2)
    rows = []
    for group, caught in (("under_36", 0.5), ("from_36", 0.85), ("from_60", 0.8)):
        for _ in range(300):
            bad = rng.random() < 0.5
            held = rng.random() < (caught if bad else 0.1)
            rows.append((group, held, bad))
            _payment(world, group, held=held, bad=bad)
    for _ in range(200):  # whose chargebacks may still come
        _payment(world, "under_36", held=False, bad=False, ago=30.0)
    asked = _claims(claim)
    piece = world.one(*asked)
    groups, said, truth = zip(*rows, strict=True)
    frame = MetricFrame(metrics=recall_score, y_true=truth, y_pred=said, sensitive_features=groups)
    assert piece.value == pytest.approx(frame.difference())
    told = {name.removeprefix("age_band:"): one["value"] for name, one in piece.detail["groups"].items()}
    assert told == pytest.approx(dict(frame.by_group))
    assert (piece.detail["highest"], piece.detail["lowest"]) == ("age_band:from_36", "age_band:under_36")
    assert piece.detail["records"] == sum(truth)
    assert _state(asked[0], piece) is State.UNMET
    generous = _claims(claim, at_most=0.6)
    assert _state(generous[0], world.one(*generous)) is State.MET
    ratio = world.one(*_claims(claim, "ratio", at_most=1.5))
    assert (ratio.unit, ratio.detail["against"]) == ("", "all others")


def test_labels_count_for_the_calls_that_they_stand_for_in_each_group(world: World, claim: ClaimOf) -> None:
    rng = random.Random(5)
    held = {"under_36": 0.2, "from_36": 0.2}
    for group, share in held.items():
        for _ in range(1_200):
            bad = rng.random() < 0.3
            held_it = rng.random() < (share * 2 if bad else share)
            chance = 1.0 if held_it else 0.3 if group == "under_36" else 0.6
            trace = world.call(
                ago=70 * DAY_S,
                output=json.dumps({"action": "hold" if held_it else "pass"}),
                attributes={Own.SLICE: f"age_band:{group}"},
            )
            if rng.random() < chance:
                attributes = {"chance": chance}
                world.outcome("analyst", value=float(bad), trace=trace, ago=DAY_S, attributes=attributes)
    monitor, *others = _claims(claim)
    analyst = {**ANALYST, "matures_ms": 60 * DAY_S * 1e3}
    monitor = replace(monitor, options={**monitor.options, "label_sources": (analyst,)})
    piece = world.one(monitor, *others)
    for one in piece.detail["groups"].values():
        assert one["value"] == pytest.approx(0.4, abs=0.06), "unweighted it would be 0.69 and 0.53"
    assert "stands for" in piece.detail["weighted"]
    assert piece.low == 0.0


def test_a_group_whose_held_calls_nobody_labelled_is_not_compared(world: World, claim: ClaimOf) -> None:
    for at in range(3_000):
        _payment(world, "from_36", held=at % 2 == 0, bad=at % 4 == 0)
    for at in range(65):
        _payment(world, "under_36", held=True, bad=at % 2 == 0, label=at > 4)
    piece = world.one(*_claims(claim))
    assert piece.value is None
    assert piece.detail["reason"] == (
        "5 calls of age_band:under_36 have no label, where 30 labels tell its recall"
    )


def test_what_cannot_be_compared_says_why(world: World, claim: ClaimOf) -> None:
    for at in range(60):
        _payment(world, "from_36", held=at % 2 == 0, bad=at % 3 == 0)
    found = world.one(*_claims(claim))
    assert "no two groups of age_band have 30 labelled calls each" in found.detail["reason"]
    found = world.one(*_claims(claim, of="answer/quality/groundedness"))
    assert "not groundedness" in found.detail["reason"]
    alone = world.one(_claims(claim)[0])
    assert alone.detail["reason"] == "the contract promises nothing at fairness/gap/answer/quality/recall"


def test_a_monitor_watches_a_promise_about_groups_in_an_outcome(world: World, claim: ClaimOf) -> None:
    for group, escalated in (("de", 0.5), ("en", 0.1)):
        for at in range(100):
            trace = world.call(ago=DAY_S, attributes={Own.SLICE: f"age_band:{group}"})
            if at < 100 * escalated:
                world.outcome("escalated", trace=trace, ago=DAY_S / 2)
    monitor, promise, *_ = _claims(claim, of="answer/outcomes/escalation")
    watched = replace(monitor, options={"signal": monitor.options["signal"], "window_ms": 7 * DAY_S * 1e3})
    piece = world.one(watched, promise, claim("outcomes/escalation", at_most=0.5, unit="ratio"))
    assert piece.value == pytest.approx(0.4)
    assert piece.claim == monitor.address
