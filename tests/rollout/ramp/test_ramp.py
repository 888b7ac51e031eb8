from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.contract import Claim, Stage, claims, parse_contract, stages
from launchworthy.errors import ConflictError, InputError
from launchworthy.evidence import ClaimStatus, Evidence, State
from launchworthy.rollout.ramp import (
    Action,
    Ramp,
    RampState,
    Seen,
    Step,
    decide,
    ramp_from_json,
    ramp_to_json,
)
from launchworthy.stats import look_bounds

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
CONTRACT = parse_contract(
    """
launchworthy: 1
product: support
owners: {product: ana@example.com, safety: kim@example.com}
workflows:
  answer:
    user: customer
    job: get an answer
    no_answer: refuse
    outcomes: {escalation: {at_most: 15 %}}
    quality: {exact_match: {at_least: 80 %}}
gold:
  answer: {file: gold.jsonl}
rollout:
  stages:
    - {name: shadow, share: 0 %, for: 1d, needs: [quality]}
    - {name: pilot, share: 5 %, for: 7d}
    - {name: expand, share: 25 %, for: 7d, approve: safety}
    - {name: launch, share: 100 %, needs: [outcomes]}
  harms: [outcomes/escalation]
  roll_back: {when: any_harm, within: 5m}
"""
)
STAGES = stages(CONTRACT)
HARM, QUALITY = (
    next(claim for claim in claims(CONTRACT) if claim.address == f"support/{path}")
    for path in ("rollout/harms/answer/outcomes/escalation", "answer/quality/exact_match")
)


def _ramp(*, takes_back: bool = True) -> Ramp:
    ramp = Ramp(
        id="ramp-1",
        product="support",
        release="r-2",
        baseline="r-1",
        unit="user",
        stages=STAGES,
        takes_back=takes_back,
        within_ms=300_000.0,
    )
    return ramp.after(_step(Action.START, "shadow", by="ana"))


def _step(action: Action, stage: str, *, by: str | None = None, at: datetime = NOW) -> Step:
    return Step(at=at, action=action, stage=stage, reason="because", by=by)


def _status(claim: Claim, state: State) -> ClaimStatus:
    return ClaimStatus(claim=claim, state=state, reason=f"it is {state.value}")


def _seen(days: float, *, harm: State = State.MET, blocked: State | None = None) -> Seen:
    blocking = {} if blocked is None else {stage.name: [_status(QUALITY, blocked)] for stage in STAGES}
    return Seen(at=NOW + timedelta(days=days), blocking=blocking, harms=[_status(HARM, harm)])


def _go(ramp: Ramp, seen: Seen) -> Ramp:
    step = decide(ramp, seen).step
    assert step is not None
    return ramp.after(step)


def test_it_goes_from_stage_to_stage_as_claims_time_and_people_allow() -> None:
    ramp = _ramp()
    waiting = decide(ramp, _seen(0, blocked=State.UNPROVEN))
    assert waiting.step is None
    assert waiting.because == "shadow waits for answer/quality/exact_match: it is unproven"
    ramp = _go(ramp, _seen(0, harm=State.UNPROVEN))
    assert (ramp.stage, ramp.share) == (STAGES[0], 0.0)
    early = decide(ramp, _seen(0.5))
    assert (early.step, early.because, early.until) == (
        None,
        "shadow lasts 12 h more",
        NOW + timedelta(days=1),
    )
    ramp = _go(ramp, _seen(1, harm=State.UNPROVEN))  # nobody has it yet, so no harm can be shown
    assert (ramp.share, ramp.exposed_since) == (0.05, NOW + timedelta(days=1))
    ramp = _go(ramp, _seen(9, harm=State.UNPROVEN))
    assert (ramp.steps[-1].action, ramp.stage) == (Action.LOOK, STAGES[1])
    unsure = decide(ramp, _seen(9.1, harm=State.UNPROVEN))
    assert unsure.step is None  # a look that was taken is not taken again
    assert "look 1, at 21.3 % of the plan" in unsure.because
    assert "no harm is not shown yet for answer/outcomes/escalation" in unsure.because
    assert decide(ramp, _seen(9.1)).because == "expand waits for safety to approve it"
    ramp = ramp.after(_step(Action.APPROVE, "expand", by="kim", at=NOW + timedelta(days=9)))
    ramp = _go(_go(ramp, _seen(9.2)), _seen(17))
    assert (ramp.state, ramp.share) == (RampState.COMPLETE, 1.0)
    assert decide(ramp, _seen(30)).because == "everybody has the release"


def test_proven_harm_takes_it_back_whatever_else_is_there() -> None:
    ramp = _go(_go(_ramp(), _seen(0)), _seen(1))
    decision = decide(ramp, _seen(1.01, harm=State.UNMET, blocked=State.UNMET))
    assert decision.step is not None
    assert decision.step.action is Action.ROLL_BACK
    assert decision.because == "harm is proven: answer/outcomes/escalation: it is unmet"
    assert decision.step.facts["claims"][0]["claim"] == HARM.address
    ramp = ramp.after(decision.step)
    assert (ramp.state, ramp.share) == (RampState.ROLLED_BACK, 0.0)
    assert decide(ramp, _seen(2)).step is None
    with pytest.raises(ConflictError, match="it is over: rolled back"):
        ramp.after(_step(Action.RESUME, "pilot", by="ana"))


def test_what_did_harm_before_does_not_go_out_again_by_itself() -> None:
    ramp = _go(_go(_ramp(), _seen(0)), _seen(0.5, harm=State.UNMET))
    assert (ramp.state, ramp.share) == (RampState.HELD, 0.0)
    assert ramp.steps[-1].reason.startswith("harm was proven when it was out before")


def test_where_a_person_takes_it_back_harm_holds_it_once() -> None:
    ramp = _go(_go(_ramp(takes_back=False), _seen(0)), _seen(1))
    ramp = _go(ramp, _seen(1.01, harm=State.UNMET))
    assert (ramp.state, ramp.share) == (RampState.HELD, 0.05)
    assert decide(ramp, _seen(1.02, harm=State.UNMET)).step is None
    ramp = ramp.after(_step(Action.ROLL_BACK, "pilot", by="ana", at=NOW + timedelta(days=2)))
    assert ramp.share == 0.0


def test_an_unmet_claim_holds_it_and_a_person_lets_it_go_on() -> None:
    ramp = _go(_ramp(), _seen(0))
    ramp = _go(ramp, _seen(1, blocked=State.UNMET))
    assert ramp.state is RampState.HELD
    assert decide(ramp, _seen(1.1)).because.startswith("it is held until somebody resumes it: pilot needs")
    with pytest.raises(ConflictError, match="it is held: resume it first"):
        ramp.after(_step(Action.ENTER, "pilot", by="ana"))
    ramp = ramp.after(_step(Action.RESUME, "shadow", by="ana", at=NOW + timedelta(days=1.2)))
    assert _go(ramp, _seen(1.3)).stage == STAGES[1]


def test_silence_is_no_proof() -> None:
    ramp = _go(_ramp(), _seen(0))
    silent = replace(_seen(2), silent_since=NOW)
    decision = decide(ramp, silent)
    assert decision.step is None
    assert "nothing was heard of r-2 since 2026-11-25 09:00 UTC" in decision.because


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (_step(Action.START, "shadow", by="ana"), "it was started already"),
        (_step(Action.ENTER, "launch", by="ana"), "it cannot enter launch: shadow comes next"),
        (_step(Action.RESUME, "shadow", by="ana"), "it is not held"),
        (_step(Action.APPROVE, "expand", by="kim"), "it cannot enter expand: shadow comes next"),
    ],
)
def test_a_step_that_does_not_follow_is_refused(step: Step, why: str) -> None:
    with pytest.raises(ConflictError, match=why):
        _ramp().after(step)


def test_a_person_gives_a_reason_and_names_a_stage_that_is_there() -> None:
    with pytest.raises(InputError, match="gives a reason"):
        _ramp().after(replace(_step(Action.HOLD, "shadow", by="ana"), reason=" "))
    with pytest.raises(InputError, match="no stage"):
        _ramp().after(_step(Action.HOLD, "<b>", by="ana"))


def test_approval_is_asked_for_again_after_a_hold() -> None:
    ramp = _go(_go(_ramp(), _seen(0)), _seen(1))
    ramp = ramp.after(_step(Action.APPROVE, "expand", by="kim"))
    assert ramp.approved_by("expand") == "kim"
    ramp = ramp.after(_step(Action.HOLD, "pilot", by="ana")).after(_step(Action.RESUME, "pilot", by="ana"))
    assert ramp.approved_by("expand") is None


def _looks() -> st.SearchStrategy[Sequence[tuple[float, State, State | None]]]:
    states = st.sampled_from([State.MET, State.UNMET, State.UNPROVEN])
    return st.lists(st.tuples(st.floats(-1, 10), states, st.none() | states), max_size=25)


@settings(max_examples=150)
@given(_looks())
def test_whatever_is_seen_shares_only_grow_until_it_is_taken_back(
    looks: Sequence[tuple[float, State, State | None]],
) -> None:
    ramp, days, shares = _ramp(), 0.0, [0.0]
    for more, harm, blocked in looks:
        days += more  # a clock may go back
        seen = _seen(days, harm=harm, blocked=None if blocked is State.MET else blocked)
        step = decide(ramp, seen).step
        if step is None:
            continue
        if step.action is Action.ENTER:
            assert blocked in (None, State.MET)
            assert harm is State.MET or ramp.share == 0.0
        ramp = ramp.after(step)
        assert [each.at for each in ramp.steps] == sorted(each.at for each in ramp.steps)
        shares.append(ramp.share)
        again = decide(ramp, seen).step
        assert again is None or again.action is Action.ENTER  # nothing else is done twice
    if ramp.state is RampState.ROLLED_BACK:
        assert shares[-1] == 0.0
        shares.pop()
    assert shares == sorted(shares)
    assert ramp_from_json(ramp_to_json(ramp)) == ramp


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"id": 1}', "null", '{"steps": 5}'])
def test_what_is_no_ramp_is_told(text: str) -> None:
    with pytest.raises(InputError, match="no ramp"):
        ramp_from_json(text)


def test_stages_are_those_of_the_contract() -> None:
    assert [stage.name for stage in STAGES] == ["shadow", "pilot", "expand", "launch"]
    assert isinstance(STAGES[0], Stage)


def _measured(gap: float, *, error: float, margin: float = 0.02) -> ClaimStatus:
    """No harm is shown by bounds that always hold; this is what the planned look reads."""
    claim = replace(HARM, margin=margin)
    piece = Evidence(
        claim=claim.address,
        kind=claim.kind,
        value=gap,
        low=-1.0,
        high=1.0,
        n=2_000,
        unit="ratio",
        confidence=0.975,
        producer="test",
        observed_at=NOW,
        detail={"standard_error": error},
    )
    return ClaimStatus(claim=claim, state=State.UNPROVEN, reason="wide", evidence=piece)


def _pilot() -> Ramp:
    ramp = _ramp()
    for stage, day in (("shadow", 0), ("pilot", 1)):
        ramp = ramp.after(_step(Action.ENTER, stage, at=NOW + timedelta(days=day)))
    return ramp


def _look(ramp: Ramp, day: float, status: ClaimStatus) -> Ramp:
    return _go(ramp, Seen(at=NOW + timedelta(days=day), blocking={}, harms=[status]))


def test_planned_looks_have_the_bounds_of_lan_and_demets_at_what_the_bounds_that_always_hold_left() -> None:
    ramp = _look(_pilot(), 8, _measured(0.001, error=0.01))
    first = ramp.steps[-1].facts
    fraction = (0.05 * 0.95 / 1.0) / (0.3 * 1.7 / 2.0)  # users in the arms of 5 and then 25 %, a week each
    assert first["fraction"] == pytest.approx(fraction)
    assert (first["look"], first["planned"], first["harms"][0]["shown"]) == (1, 2, False)
    assert first["harms"][0]["bound"] == pytest.approx(
        look_bounds([fraction, 1.0], error=0.025, spending="pocock").bounds[0], abs=1e-6
    )
    ramp = ramp.after(_step(Action.ENTER, "expand", by="ana", at=NOW + timedelta(days=8)))
    again = ramp_from_json(ramp_to_json(ramp))  # what was spent is kept, so a restart spends no more
    last = _look(again, 15, _measured(0.001, error=0.01 * fraction**0.5)).steps[-1].facts["harms"][0]
    assert last["bound"] == pytest.approx(
        look_bounds([fraction, 1.0], error=0.025, spending="pocock").bounds[1], abs=1e-6
    )
    assert (last["shown"], last["spent"]) == (True, pytest.approx(0.025))


def test_a_stage_that_lasts_as_long_again_has_another_look_until_the_error_is_spent() -> None:
    ramp = _look(_pilot(), 8, _measured(0.0, error=0.02))
    wide = Seen(at=NOW + timedelta(days=14.9), blocking={}, harms=[_measured(0.0, error=0.015)])
    assert decide(ramp, wide).step is None
    for number in range(2, 7):
        ramp = _look(ramp, 1 + 7 * number, _measured(0.01, error=0.02 / number**0.5))
        if ramp.looks[-1].facts["fraction"] == 1.0:
            break
    spent = [step.facts["harms"][0]["spent"] for step in ramp.looks]
    assert spent == sorted(spent)
    assert spent[-1] == pytest.approx(0.025)
    late = Seen(at=NOW + timedelta(days=90), blocking={}, harms=[replace(wide.harms[0])])
    assert decide(ramp, late).step is None


def test_a_look_that_shows_no_harm_opens_the_next_stage_and_stands_behind_it() -> None:
    ramp = _look(_pilot(), 8, _measured(-0.03, error=0.008))
    assert ramp.looks_here[-1].facts["harms"][0]["shown"]
    waiting = decide(
        ramp, Seen(at=NOW + timedelta(days=8), blocking={}, harms=[_measured(-0.03, error=0.01)])
    )
    assert waiting.because == "expand waits for safety to approve it"
    ramp = ramp.after(_step(Action.APPROVE, "expand", by="kim", at=NOW + timedelta(days=8)))
    ramp = _look(ramp, 8, _measured(0.05, error=0.01))  # what was shown at the look is not asked again
    assert ramp.stage == STAGES[2]
    assert ramp.steps[-1].facts["looks"][0]["look"] == 1
    harmed = replace(_measured(0.09, error=0.01), state=State.UNMET)
    taken = decide(ramp, Seen(at=NOW + timedelta(days=8.1), blocking={}, harms=[harmed]))
    assert taken.step is not None
    assert taken.step.action is Action.ROLL_BACK


@pytest.mark.parametrize("error", [None, 0.0, 0.02])
def test_a_look_that_tells_nothing_new_shows_nothing(error: float | None) -> None:
    ramp = _look(_pilot(), 8, _measured(0.0, error=0.01))
    ramp = ramp.after(_step(Action.ENTER, "expand", by="ana", at=NOW + timedelta(days=9)))
    known = _measured(0.0, error=0.0)
    assert known.evidence is not None
    status = replace(known, evidence=replace(known.evidence, detail={"standard_error": error}))
    (harm,) = _look(ramp, 17, status).steps[-1].facts["harms"]
    assert not harm["shown"]
    assert "too few users" in harm["reason"] or "no more information" in harm["reason"]
