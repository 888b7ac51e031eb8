"""Monitors by labels that come late, and not for every call."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from scipy import stats

from launchworthy.monitor import label_rows

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


def _scored(
    world: World, score: float, *, bad: bool, ago_days: float, chance: float | None, label_days: float = 0.5
) -> None:
    trace = world.call(
        ago=ago_days * DAY_S, user_id=f"u{score:.9f}", output=json.dumps({"score": score, "reason": "card"})
    )
    if chance is not None:
        at = (ago_days - label_days) * DAY_S
        world.outcome("analyst", value=float(bad), trace=trace, ago=at, attributes={"chance": chance})


def _traffic(
    world: World,
    many: int,
    *,
    days: tuple[float, float],
    share: float,
    turned: bool = False,
    power: float = 1.0,
) -> float:
    """Calls of which a random share is labelled; answers how often ``score >= 0.5`` is right of all."""
    rng = random.Random(f"{many} {days} {share} {turned} {power}")
    right = 0
    for _ in range(many):
        score = rng.random() ** power
        bad = rng.random() < (1.0 - score if turned else score)
        right += (score >= 0.5) == bad
        chance = share if rng.random() < share else None
        _scored(world, score, bad=bad, ago_days=rng.uniform(*days), chance=chance)
    return right / many


WEEK = {"window_ms": 7 * DAY_S * 1e3, "threshold": 0.5}
QA = {"event": "analyst", "matures_ms": DAY_S * 1e3, "truth": False}


def _scores(claim: ClaimOf, metric: str = "accuracy", **more: Any) -> Claim:
    fields = {"at_least": 0.6, **WEEK, "labels": ["analyst"], "label_sources": (QA,), **more}
    if "at_most" in fields:
        fields.pop("at_least")
    return claim("monitors/right", unit="ratio", signal=f"quality/{metric}", **fields)


def test_what_scores_say_alone_proves_nothing_and_other_inputs_leave_it_right(
    world: World, claim: ClaimOf
) -> None:
    _traffic(world, 400, days=(30, 60), share=1.0)
    truth = _traffic(world, 600, days=(0.1, 6.9), share=0.0, power=0.4)
    found = world.one(_scores(claim))
    assert (found.value, found.low, found.high) == (None, None, None)
    told = found.detail["reason"]
    assert "none of the" in told or "no label was recorded" in told
    assert "unproven, estimated by scores" in told
    shown = float(told.partition("estimated by scores: ")[2].partition(" %")[0])
    assert shown == pytest.approx(100 * truth, abs=4.0)
    assert shown > 60.0, "above what is promised, and still unproven"


def test_labels_of_a_random_part_make_the_estimate_a_measurement_sharper_than_labels_alone(
    world: World, claim: ClaimOf
) -> None:
    _traffic(world, 400, days=(30, 60), share=1.0)
    truth = _traffic(world, 2_500, days=(1.1, 7.9), share=0.2)
    found = world.one(_scores(claim, threshold=0.5))
    assert found.method == "prediction-powered (PPI++), labels weighted by their chance"
    assert found.low is not None
    assert found.high is not None
    assert found.low < truth < found.high
    labels = found.detail["labels"]
    assert found.n == labels < 0.3 * found.detail["calls"]
    alone = stats.binom.interval(0.9, labels, truth)
    assert found.high - found.low < 0.97 * (alone[1] - alone[0]) / labels
    assert "unproven, estimated by scores" in found.detail["remark"]
    assert "contradict" not in found.detail["remark"]


def test_scores_that_mean_something_else_are_told_by_a_few_labels_and_are_an_alarm(
    world: World, claim: ClaimOf
) -> None:
    _traffic(world, 400, days=(30, 60), share=1.0)
    truth = _traffic(world, 1_500, days=(1.1, 7.9), share=0.05, turned=True)
    level, gap = _scores(claim), _scores(claim, at_most=0.05, method="estimate")
    found = world.one(level)
    assert found.high is not None
    assert found.high < 0.6, "by labels it is worse than promised"
    assert found.detail["estimate"]["low"] > truth + 0.15, "by scores it would look fine"
    assert "labels contradict what scores say" in found.detail["remark"]
    alarm = world.one(gap)
    assert alarm.low is not None
    assert alarm.low > 0.05
    assert alarm.value == pytest.approx(abs(found.detail["disagreement"]["value"]))
    assert alarm.detail["remark"].startswith("scores say 7")
    assert alarm.detail["cause"].startswith("what a score means: scores say 7")
    assert len(world.traces(alarm)) == 20
    assert world.traces(alarm) == world.traces(found)[:20], "calls that labels say were decided wrongly"
    assert not alarm.simulated


def test_scores_that_mean_what_they_did_are_no_alarm_and_too_few_labels_are_none_either(
    world: World, claim: ClaimOf
) -> None:
    monitor = _scores(claim, at_most=0.1, method="estimate")
    assert world.measure(monitor) == {}, "there is no call"
    _traffic(world, 30, days=(1.1, 7.9), share=1.0)
    assert "nothing came before the window" in world.one(monitor).detail["reason"]
    _traffic(world, 50, days=(30, 60), share=1.0)
    assert "it takes 30" in world.one(monitor).detail["reason"]
    _traffic(world, 900, days=(30, 61), share=1.0)
    _traffic(world, 900, days=(1.1, 7.8), share=0.5, power=0.7)
    found = world.one(monitor)
    assert found.value is not None
    assert found.high is not None
    assert found.high < 0.1
    wrong = world.one(claim("monitors/x", at_least=0.9, unit="ratio", signal="quality/accuracy", **WEEK,
                            labels=["analyst"], label_sources=(QA,), method="estimate"))  # fmt: skip
    assert "at_most" in wrong.detail["reason"]


def test_a_score_is_no_decision_where_the_contract_names_no_threshold(world: World, claim: ClaimOf) -> None:
    for place in range(60):
        _scored(world, place / 60, bad=place >= 30, ago_days=3.0, chance=1.0)
    unsaid = _scores(claim, threshold=None)
    found = world.one(unsaid)
    assert found.value is None
    assert "60 of 60 calls answer with a score" in found.detail["reason"]
    assert "threshold: {value:" in found.detail["reason"]
    assert world.one(_scores(claim)).value == 1.0
    assert world.one(_scores(claim, threshold=0.9)).value == pytest.approx(36 / 60)


def test_of_many_calls_a_part_is_drawn_which_says_the_same(
    world: World, claim: ClaimOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    _traffic(world, 800, days=(30, 60), share=1.0)
    truth = _traffic(world, 3_000, days=(1.1, 7.9), share=0.2, power=0.7)
    whole = world.one(_scores(claim))
    monkeypatch.setattr(label_rows, "_MOST", 500)
    part = world.one(_scores(claim))
    for found in (whole, part):
        assert found.low is not None
        assert found.high is not None
        assert found.low < truth < found.high
        assert found.detail["estimate"]["low"] < truth < found.detail["estimate"]["high"]
    assert part.n < 560 < whole.n, "users with a label that was read"
    assert part.detail["labels"] == whole.detail["labels"]


def test_silence_that_is_a_no_calibrates_as_labels_do_however_few_calls_are_drawn(
    world: World, claim: ClaimOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_rows, "_MOST", 600)
    rng = random.Random(4)
    source = {"event": "chargeback", "matures_ms": 10 * DAY_S * 1e3, "truth": True}
    for place in range(3_000):
        score = rng.random() ** 2
        bad, held = rng.random() < score, score >= 0.5
        ago = rng.uniform(18, 60) if place < 2_000 else rng.uniform(10.1, 16.9)
        trace = world.call(ago=ago * DAY_S, user_id=f"s{place}", output=json.dumps({"score": score}))
        if bad or held:
            world.outcome("chargeback", value=float(bad), trace=trace, ago=(ago - 5.0) * DAY_S)
    found = world.one(
        _scores(
            claim, "recall", at_most=0.2, method="estimate", labels=["chargeback"], label_sources=(source,)
        )
    )
    assert found.value is not None
    assert found.low == 0.0, "scores mean what they did"
    assert found.sample["estimated"] == pytest.approx(found.sample["labelled"], abs=0.1)
    assert found.detail["reference_records"] < 1_400


def test_a_label_of_the_random_sample_has_the_chance_that_the_contract_says(
    world: World, claim: ClaimOf
) -> None:
    calls = [_payment(world, action="hold" if at % 2 else "pass", ago_days=5.0) for at in range(400)]
    chosen = [at for at in range(400) if at % 5 < 2]
    for at in chosen:
        sample = {"sample": "random" if at else "complaints"}
        world.outcome("analyst", value=float(at % 3 == 0), trace=calls[at], attributes=sample, ago=DAY_S)
    asked = _watched(claim, "precision", QA, random=0.4)
    assert "1 of these do not say with which chance" in world.one(*asked).detail["reason"]
    world.outcome("analyst", value=1.0, trace=calls[0], attributes={"sample": "random"}, ago=60.0)
    found = world.one(*asked)
    held = [at for at in chosen if at % 2]
    assert found.n == len(held)
    assert found.value == pytest.approx(sum(at % 3 == 0 for at in held) / len(held))
    assert found.method == "Clopper-Pearson", "all stand for as many calls"
    unsaid = world.one(*_watched(claim, "precision", QA))
    assert unsaid.value is None, "the contract names no such sample"


def test_calls_to_which_the_label_may_still_come_are_not_read_and_their_silence_is_no_answer(
    world: World, claim: ClaimOf
) -> None:
    for at in range(60):
        trace = _payment(world, action="hold", ago_days=1.0 if at < 30 else 5.0)
        if at >= 10:  # of the young only what was quick to tell has a label yet
            world.outcome("analyst", value=float(at >= 30), trace=trace, ago=DAY_S / 2)
    source = {**ANALYST, "within_ms": 3 * DAY_S * 1e3, "truth": True}
    found = world.one(*_watched(claim, "precision", source))
    assert (found.n, found.value, found.detail["calls"]) == (30, 1.0, 30)
    world.outcome("analyst", value=1.0, trace=_payment(world, action="pass", ago_days=5.0), ago=DAY_S)
    _payment(world, action="pass", ago_days=5.0)
    assert "with which chance" in world.one(*_watched(claim, "recall", source)).detail["reason"]


@pytest.mark.parametrize(
    ("held", "passed"),
    [
        ({"decision": "hold"}, {"band": "pass", "score": 0.9}),
        ({"output": "confirm"}, {"output": "pass", "prediction": True}),
        ("hold", "pass"),
        ({"prediction": True, "score": 0.1}, {"prediction": 0.0, "score": 0.9}),
        ({"output": "looks odd", "score": 0.7}, {"output": "fine", "score": 0.2}),
    ],
)
def test_what_was_said_is_read_however_the_output_says_it(
    world: World, claim: ClaimOf, held: object, passed: object
) -> None:
    for at in range(60):
        trace = world.call(ago=3.0 * DAY_S, output=json.dumps(held if at < 20 else passed))
        world.outcome("analyst", value=float(at % 4 == 0), trace=trace, ago=DAY_S)
    decide = claim("decide", bands=("pass", "confirm", "hold"))
    precision = world.one(_scores(claim, "precision"), decide)
    assert (precision.n, precision.value) == (20, 0.25)
