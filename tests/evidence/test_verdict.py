"""A verdict is its weakest line, and the same contract, evidence and moment give the same verdict."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.contract import Claim, ClaimKind, Direction, Target, claims, parse_contract
from launchworthy.errors import InputError
from launchworthy.evidence import (
    DeclaredJudge,
    Evidence,
    LedgerEntry,
    Stage,
    State,
    Terms,
    Waiver,
    link,
    read_evidence,
    replayed,
    terms_of,
    verdict_json,
    verdict_on,
    verdict_record,
    write_evidence,
)
from launchworthy.evidence.claim_status import status
from launchworthy.records import Release

Make = Callable[..., Any]
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.fixture
def three(claim_of: Make) -> tuple[Claim, ...]:
    """Two claims due at the pilot, one at launch, one that no stage needs."""
    return (
        claim_of(address="p/ask/quality/a"),
        claim_of(address="p/ask/quality/b"),
        claim_of(address="p/ask/outcomes/c", due="launch"),
        claim_of(address="p/ask/outcomes/d", due=None),
    )


def test_a_stage_needs_what_earlier_stages_need_and_its_weakest_claim_decides(
    three: tuple[Claim, ...], piece_of: Make, terms_with: Make, now: datetime
) -> None:
    a, b = piece_of(199, 200, claim="p/ask/quality/a"), piece_of(199, 200, claim="p/ask/quality/b")
    c = piece_of(199, 200, claim="p/ask/outcomes/c")
    terms = terms_with(*three)

    def verdict(*pieces: Evidence, stage: str | None = None) -> tuple[str, int, str | None]:
        found = verdict_on(terms, pieces, release="r-1", now=now, stage=stage)
        return found.conclusion, found.exit_code, found.may_enter

    assert verdict() == ("Not ready for pilot: 2 claims unproven", 2, None)
    assert verdict(a, b) == ("May enter pilot; not ready for launch: 1 claim unproven", 2, "pilot")
    assert verdict(a, b, stage="pilot") == ("Ready for pilot: 2 claims met", 0, "pilot")
    assert verdict(a, b, c) == ("Ready for launch: 3 claims met", 0, "launch")
    bad = piece_of(100, 200, claim="p/ask/quality/b")
    assert verdict(a, bad, c) == ("Not ready for pilot: 1 claim unmet", 1, None)
    assert verdict(bad) == ("Not ready for pilot: 1 claim unmet, 1 unproven", 1, None)
    assert verdict(a, bad, c, stage="launch") == ("Not ready for launch: 1 claim unmet", 1, None)


def test_a_claim_that_no_stage_needs_blocks_nothing(
    three: tuple[Claim, ...], piece_of: Make, terms_with: Make, now: datetime
) -> None:
    failing = piece_of(1, 200, claim="p/ask/outcomes/d")
    found = verdict_on(terms_with(three[3]), [failing], release="r-1", now=now)
    assert (found.conclusion, found.exit_code) == ("Ready for launch: it needs no claim", 0)
    assert found.statuses[0].state is State.UNMET


def test_an_unknown_stage_is_refused_with_the_known_ones(
    three: tuple[Claim, ...], terms_with: Make, now: datetime
) -> None:
    with pytest.raises(InputError, match="did you mean 'pilot'") as raised:
        verdict_on(terms_with(*three), [], release=None, now=now, stage="pilo")
    assert raised.value.hint == "stages are pilot, launch"
    with pytest.raises(InputError, match="no rollout stage"):
        verdict_on(terms_with(*three, stages=()), [], release=None, now=now)


def test_a_waiver_is_shown_as_waived_through_its_last_day_and_never_as_met(
    three: tuple[Claim, ...], piece_of: Make, terms_with: Make, now: datetime
) -> None:
    waivers = (
        Waiver(claim="ask/quality/a", by="ana", until=date(2026, 11, 24), because="small pilot"),
        Waiver(claim="p/ask/quality/b", by="ana", until=date(2026, 12, 1), because="known"),
    )
    terms = terms_with(*three[:2], waivers=waivers)
    bad = piece_of(100, 200, claim="p/ask/quality/a")
    found = verdict_on(terms, [bad], release="r-1", now=now)
    assert [each.state for each in found.statuses] == [State.WAIVED, State.WAIVED]
    assert found.statuses[0].reason.startswith("waived by ana until 2026-11-24: small pilot (otherwise unmet")
    assert found.conclusion == "Ready for launch: 0 claims met, 2 waived"
    last = datetime(2026, 11, 24, 23, 59, 59, tzinfo=UTC)
    assert verdict_on(terms, [bad], release="r-1", now=last).exit_code == 0
    over = verdict_on(terms, [bad], release="r-1", now=last + timedelta(seconds=1))
    assert over.statuses[0].state is State.UNMET
    assert over.statuses[0].reason.endswith("the waiver by ana ended on 2026-11-24")
    good = piece_of(199, 200, claim="p/ask/quality/a")
    assert verdict_on(terms, [good], release="r-1", now=now).statuses[0].state is State.MET


def test_a_target_above_the_human_ceiling_is_refused(
    claim_of: Make, piece_of: Make, terms_with: Make, now: datetime
) -> None:
    target = Target(direction=Direction.AT_LEAST, threshold=0.92, unit="ratio")
    judged = claim_of(target=target, options={"judge": "grounding-v2"})
    agree = claim_of(
        address="p/proof/judges/grounding-v2",
        kind=ClaimKind.AGREE,
        target=Target(direction=Direction.AT_LEAST, threshold=0.5),
    )
    kappa = piece_of(
        claim=agree.address, kind="agree", unit="", value=0.6, low=0.55, high=0.7, n=200, release=None
    )
    quality = piece_of(499, 500)

    def state(share: Any) -> tuple[State, str]:
        pieces = [quality, replace(kappa, detail={"agreed_share": share})]
        found = verdict_on(terms_with(judged, agree), pieces, release="r-1", now=now).statuses[0]
        return found.state, found.reason

    assert state(0.67)[0] is State.UNPROVEN
    assert "those who judge it agree on 67 % of items, so nobody could show 92 %" in state(0.67)[1]
    assert state(0.93)[0] is State.MET
    assert state("many")[0] is State.MET


def test_the_release_that_serves_is_compared_part_by_part(
    claim_of: Make, terms_with: Make, now: datetime
) -> None:
    proven, other = Release({"model": "m1", "prompt": "a"}), Release({"model": "m2", "prompt": "a"})
    found = verdict_on(
        terms_with(claim_of()),
        [],
        release=proven,
        now=now,
        serving={other.id: 0.3, proven.id: 0.6, "r-unknown": 0.1},
        releases={other.id: other},
    )
    assert [(row.release, row.judged, row.differing_parts) for row in found.serving] == [
        (proven.id, True, ()),
        (other.id, False, ("model",)),
        ("r-unknown", False, None),
    ]


def test_simulated_evidence_is_said_in_the_conclusion(
    claim_of: Make, piece_of: Make, terms_with: Make, now: datetime
) -> None:
    found = verdict_on(terms_with(claim_of()), [piece_of(199, 200, simulated=True)], release="r-1", now=now)
    assert found.conclusion == "Ready for launch: 1 claim met, 1 of them shown only with simulated users"
    assert [each.claim.address for each in found.simulated] == ["p/ask/quality/hit@5"]


def test_a_verdict_in_the_record_comes_out_the_same_from_the_evidence_that_was_there(
    three: tuple[Claim, ...], piece_of: Make, terms_with: Make, now: datetime, tmp_path: Any
) -> None:
    pieces = [piece_of(185 + i, 200, claim=claim.address) for i, claim in enumerate(three)]
    terms = terms_with(*three)
    record = verdict_record(verdict_on(terms, pieces, release="r-1", now=now))
    (tmp_path / "e.jsonl").write_text(write_evidence(pieces), encoding="utf-8")
    again = verdict_on(
        terms,
        read_evidence(tmp_path / "e.jsonl"),
        release=record["release"],
        now=datetime.fromisoformat(record["at"]),
        stage=record["asked"],
    )
    assert json.loads(json.dumps(verdict_record(again))) == record
    changed = [*pieces[:-1], replace(pieces[-1], producer="someone else")]
    other = verdict_record(verdict_on(terms, changed, release="r-1", now=now))
    assert other["evidence"] != record["evidence"]


def test_evidence_of_a_later_day_does_not_change_a_verdict_of_today(
    claim_of: Make, piece_of: Make, terms_with: Make, now: datetime
) -> None:
    today, later = piece_of(199, 200), piece_of(1, 200, observed_at=now + timedelta(days=1))
    assert verdict_on(terms_with(claim_of()), [today, later], release="r-1", now=now).exit_code == 0


# ── Properties ───────────────────────────────────────────────────────────────────────────────────────

ADDRESSES = ("p/a", "p/b", "p/c")
CLAIMS = tuple(
    Claim(
        address=address,
        kind=ClaimKind.BOUND,
        family="quality",
        metric="m",
        sentence="m is at least 90 %",
        target=Target(direction=Direction.AT_LEAST, threshold=0.9, unit="ratio"),
        due=due,
        prover="evals",
        slice=slice_,
        options={"slices": ("s", "t")} if slice_ else {},
    )
    for address, due, slice_ in zip(ADDRESSES, ("pilot", "pilot", "launch"), (None, None, "*"), strict=True)
)
TERMS = Terms(
    product="p", claims=CLAIMS, stages=(Stage(name="pilot", share=0.1), Stage(name="launch", share=1.0))
)


@st.composite
def pieces(draw: st.DrawFn, address: str | None = None) -> Evidence:
    n = draw(st.integers(1, 400))
    successes = draw(st.integers(0, n) | st.integers(max(0, n - 9), n))
    return Evidence(
        claim=address or draw(st.sampled_from(ADDRESSES)),
        kind="bound",
        value=successes / n,
        confidence=0.5,
        n=n,
        unit="ratio",
        sample={"successes": successes, "n": n},
        slice=draw(st.sampled_from([None, None, "s", "t"])),
        release=draw(st.sampled_from(["r-1", "r-1", "r-2", None])),
        observed_at=NOW - timedelta(days=draw(st.integers(0, 40))),
        unscored=draw(st.sampled_from([0, 0, 0, 50])),
        simulated=draw(st.booleans()),
    )


@settings(max_examples=30)
@given(st.lists(pieces(), max_size=12), st.randoms(use_true_random=False))
def test_neither_the_order_nor_a_second_copy_of_evidence_matters(
    evidence: list[Evidence], order: random.Random
) -> None:
    shuffled = [*evidence, *evidence[:3]]
    order.shuffle(shuffled)
    first = verdict_on(TERMS, evidence, release="r-1", now=NOW)
    assert verdict_on(TERMS, shuffled, release="r-1", now=NOW) == first
    assert verdict_json(verdict_on(TERMS, reversed(shuffled), release="r-1", now=NOW)) == verdict_json(first)


@settings(max_examples=30)
@given(st.lists(pieces(), max_size=12))
def test_a_verdict_is_never_better_than_its_weakest_claim(evidence: list[Evidence]) -> None:
    found = verdict_on(TERMS, evidence, release="r-1", now=NOW)
    for row in found.stages:
        states = {each.state for each in row.needed}
        expected = (
            State.UNMET
            if State.UNMET in states
            else State.UNPROVEN
            if State.UNPROVEN in states
            else State.MET
        )
        assert row.state is expected
    assert found.exit_code == {State.MET: 0, State.UNMET: 1, State.UNPROVEN: 2}[found.subject.state]
    if found.may_enter is not None:
        assert not next(row for row in found.stages if row.name == found.may_enter).blocking
    json.dumps(verdict_json(found), allow_nan=False)


@settings(max_examples=30)
@given(st.integers(30, 400), st.integers(0, 5), st.integers(1, 20))
def test_more_data_that_agrees_never_turns_met_into_anything_else(n: int, bad: int, times: int) -> None:
    bad = min(bad, n // 20)
    piece = Evidence(
        claim="p/a",
        kind="bound",
        value=(n - bad) / n,
        confidence=0.5,
        n=n,
        unit="ratio",
        sample={"successes": n - bad, "n": n},
        observed_at=NOW - timedelta(hours=1),
    )
    grown = replace(
        piece,
        n=n * times,
        sample={"successes": (n - bad) * times, "n": n * times},
        observed_at=NOW,
    )
    before = status(CLAIMS[0], [piece], release="r-1", now=NOW)
    after = status(CLAIMS[0], [piece, grown], release="r-1", now=NOW)
    if before.state is State.MET:
        assert after.state is State.MET
        assert not after.contradicting
    assert after.state is not State.UNMET


@settings(max_examples=30)
@given(st.lists(pieces(address="p/a"), min_size=1, max_size=6))
def test_met_and_unmet_rest_on_a_piece_that_counts(evidence: list[Evidence]) -> None:
    found = status(CLAIMS[0], evidence, release="r-1", now=NOW)
    if found.state in (State.MET, State.UNMET):
        assert found.evidence is not None
        assert found.evidence.release in ("r-1", None)
        assert found.evidence.slice is None
        assert NOW - found.evidence.observed_at < timedelta(days=30)


def test_a_recorded_verdict_is_given_again_with_the_judges_and_the_evidence_of_then(now: datetime) -> None:
    text = """\
launchworthy: 1
product: p
owners: {product: ana@example.com}
workflows:
  ask:
    user: developer
    job: find it
    no_answer: refuse
    quality: {"hit@5": {at_least: 80 %}}
"""
    contract = parse_contract(text)
    promised = claims(contract)
    piece = Evidence(
        claim="p/ask/quality/hit@5",
        kind="bound",
        value=0.95,
        n=400,
        unit="ratio",
        sample={"successes": 380, "n": 400},
        observed_at=now - timedelta(hours=1),
        detail={"judge": "strict", "judge_version": "j-1", "judge_parts": {"rubric": "a"}},
    )
    later = replace(piece, value=0.5, sample={"successes": 200, "n": 400}, observed_at=now)
    chain: list[LedgerEntry] = []
    for each in (piece, later):  # the second came while the verdict was given
        chain.append(link(each.as_json(), kind="evidence", at=now, after=chain[-1] if chain else None))
    record: dict[str, Any] = {}
    for rubric, state in (("a", "met"), ("b", "unproven")):
        judges = {piece.claim: (DeclaredJudge(version=None, parts={"rubric": rubric}),)}
        terms = terms_of(contract, promised, judges=judges)
        record = json.loads(json.dumps(verdict_record(verdict_on(terms, [piece], release=None, now=now))))
        assert record["statuses"][piece.claim] == state
        again = replayed(record, contract=contract, claims=promised, entries=chain)
        assert (again.differences, again.verdict.conclusion) == ((), record["conclusion"])
    record["judges"] = {piece.claim: [None]}  # as entries were written at first
    again = replayed(record, contract=contract, claims=promised, entries=chain)
    assert again.differences[0] == "p/ask/quality/hit@5 was unproven, and comes out met"
