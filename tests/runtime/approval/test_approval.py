"""Who may confirm a call, for how long, with which arguments, and how often it then runs: once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.contract import parse_contract
from launchworthy.errors import InputError
from launchworthy.runtime.approval import (
    Approval,
    ApprovalState,
    Person,
    ProposedCall,
    Refused,
    approve,
    call_of,
    claim,
    edit,
    in_time,
    open_approval,
    reject,
    resolve,
    settle,
    withdraw,
)
from launchworthy.runtime.permission import Policy, Request

Open = Callable[..., Approval]

TOOLS: dict[str, Any] = {
    "refund": {
        "effect": "pay",
        "roles": ["agent"],
        "approval": [
            {"by": "agent", "preview": ["order", "amount"], "expires": "10m"},
            {"by": "lead", "above": "100 USD", "expires": "1h", "four_eyes": True},
        ],
        "limits": {"per_call": "500 USD"},
        "idempotent_by": ["order"],
        "arguments": {"order": {"from": "any"}},
    },
    "mail": {
        "effect": "send",
        "roles": ["agent"],
        "approval": [{"by": "agent"}],
        "arguments": {"text": {"from": "any"}},
    },
    "look_up": {"effect": "read", "roles": ["agent"]},
}


@cache
def policy() -> Policy:
    text = {
        "launchworthy": 1,
        "product": "shop",
        "owners": {"product": "ana@example.com"},
        "roles": ["agent", "lead"],
        "workflows": {"help": {"user": "customer", "job": "get help", "no_answer": "refuse"}},
        "tools": TOOLS,
    }
    return Policy.of(parse_contract(json.dumps(text)))


def call(**changes: Any) -> ProposedCall:
    row: dict[str, Any] = {
        "id": "call-1",
        "requester": "support-copilot",
        "tool": "refund",
        "roles": ["agent"],
        "arguments": {"order": "o-7", "amount": 40},
        "user": "mia",
        "provenance": {"amount": "model", "order": "user"},
        **changes,
    }
    return call_of(row)


@pytest.fixture
def opened() -> Open:
    """Asks for an approval at moment 0."""
    rules = policy()

    def make(*, now_ms: int = 0, editable: tuple[str, ...] = ("amount",), **changes: Any) -> Approval:
        proposed = call(**changes)
        found = open_approval(
            proposed,
            product="shop",
            decision=rules.decide(proposed.request),
            now_ms=now_ms,
            idempotent_by=TOOLS.get(proposed.request.tool, {}).get("idempotent_by", ()),
            editable=editable,
            asked_by="app",
        )
        assert isinstance(found, Approval), found
        return found

    return make


MIA = Person(name="mia", roles=("agent",))
NOA = Person(name="noa", roles=("agent",))
LEO = Person(name="leo", roles=("lead",))
BOTH = Person(name="kim", roles=("agent", "lead"))

MINUTE = 60_000


def _taken(found: Approval | Refused) -> Approval:
    assert isinstance(found, Approval), found
    return found


def _refused(found: Approval | Refused) -> str:
    assert isinstance(found, Refused), found
    return found.reason


def _approve(approval: Approval, person: Person | None, *, at: int = 1) -> Approval | Refused:
    return approve(approval, person, bound_to=approval.hash, now_ms=at)


def _claim(approval: Approval, *, who: str = "p" * 16, ticket: str = "t1", at: int = 2) -> Approval | Refused:
    return claim(approval, claimant=who, bound_to=approval.hash, ticket=ticket, now_ms=at)


def _edit(
    approval: Approval, person: Person, arguments: dict[str, Any], *, at: int = 1
) -> Approval | Refused:
    return edit(
        approval,
        person,
        arguments=arguments,
        decide=policy().decide,
        idempotent_by=("order",),
        bound_to=approval.hash,
        now_ms=at,
    )


def test_the_person_confirms_what_the_model_proposed_for_them(opened: Open) -> None:
    done = _taken(_approve(opened(), MIA))
    assert done.state is ApprovalState.APPROVED
    assert [(each.what, each.by, each.role) for each in done.history[1:]] == [("approved", "mia", "agent")]


@pytest.mark.parametrize(
    "requester", ["noa", "NOA ", "p-noa", "\uff4eoa", "n\u200boa", "\u202enoa", " N\u00adoa"]
)
def test_whoever_made_the_call_never_confirms_it(opened: Open, requester: str) -> None:
    noa = replace(NOA, known_as=("p-noa",))
    assert "made the call" in _refused(_approve(opened(requester=requester), noa))


def test_the_key_that_asked_cannot_confirm_under_the_name_of_a_person(opened: Open) -> None:
    assert "made the call" in _refused(_approve(opened(), replace(NOA, key="app")))
    assert "made the call" in _refused(_approve(opened(), replace(NOA, key="laptop", keys=("app", "laptop"))))


def test_nobody_and_people_without_the_role_cannot_confirm(opened: Open) -> None:
    assert "nobody is signed in" in _refused(_approve(opened(), None))
    assert "you act as lead" in _refused(_approve(opened(), LEO))
    assert "you act as no role" in _refused(_approve(opened(), Person(name="bob", roles=())))


def test_each_step_needs_another_person(opened: Open) -> None:
    first = _taken(_approve(opened(arguments={"order": "o-7", "amount": 300}), BOTH))
    assert first.state is ApprovalState.PENDING
    assert "another person" in _refused(_approve(first, BOTH))
    assert _taken(_approve(first, LEO)).state is ApprovalState.APPROVED


def test_four_eyes_exclude_those_for_whom_the_call_is_made(opened: Open) -> None:
    first = _taken(_approve(opened(arguments={"order": "o-7", "amount": 300}, user="leo"), MIA))
    assert "four eyes" in _refused(_approve(first, LEO))
    jose = Person(name="Jos\u00e9 Ruiz", roles=("lead",))
    first = _taken(_approve(opened(arguments={"order": "o-7", "amount": 300}, user="JOSE\u0301  Ruiz"), MIA))
    assert "four eyes" in _refused(_approve(first, jose))
    assert _taken(_approve(first, BOTH)).state is ApprovalState.APPROVED


def test_four_eyes_exclude_who_corrected_the_arguments(opened: Open) -> None:
    kim = _taken(_edit(opened(arguments={"order": "o-7", "amount": 300}), BOTH, {"amount": 250}))
    agreed = _taken(_approve(kim, MIA))
    assert "four eyes" in _refused(_approve(agreed, BOTH))


def test_an_approval_is_bound_to_the_arguments_that_were_shown(opened: Open) -> None:
    shown = opened()
    corrected = _taken(_edit(shown, NOA, {"amount": 41}))
    late = approve(corrected, MIA, bound_to=shown.hash, now_ms=2)
    assert "not those that you were shown" in _refused(late)
    done = _taken(_approve(corrected, MIA))
    stale = claim(done, claimant="p" * 16, bound_to=shown.hash, ticket="t", now_ms=3)
    assert "bound to" in _refused(stale)


def test_a_correction_voids_earlier_approvals_and_is_checked_anew(opened: Open) -> None:
    first = _taken(_approve(opened(arguments={"order": "o-7", "amount": 300}), MIA))
    corrected = _taken(_edit(first, LEO, {"amount": 320}))
    assert [step.decided for step in corrected.steps] == [None, None]
    assert "per_call" in str(_edit(opened(), NOA, {"amount": 501}))
    small = _taken(_edit(opened(arguments={"order": "o-7", "amount": 300}), LEO, {"amount": 20}))
    assert [step.by for step in small.steps] == ["agent"]  # above 100 USD no more


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"order": "o-8"}, "order cannot be corrected"),
        ({"amount": 40}, "nothing was corrected"),
        ({}, "nothing"),
    ],
)
def test_only_what_the_contract_lets_people_correct_can_be(
    opened: Open, arguments: dict[str, Any], told: str
) -> None:
    assert told in _refused(_edit(opened(), NOA, arguments))


def test_true_is_not_one(opened: Open) -> None:
    answer = _edit(opened(arguments={"order": "o-7", "amount": 1}), NOA, {"amount": True})
    assert "denied" in _refused(answer)


def test_a_rejection_needs_a_reason_and_one_person(opened: Open) -> None:
    waits = opened(arguments={"order": "o-7", "amount": 300})
    assert "no reason" in _refused(reject(waits, LEO, reason="  ", bound_to=waits.hash, now_ms=1))
    ended = _taken(reject(waits, LEO, reason="not owed", bound_to=waits.hash, now_ms=1))
    assert ended.state is ApprovalState.REJECTED
    assert "rejected" in _refused(_approve(ended, MIA))


def test_what_nobody_confirms_in_time_expires_and_so_does_an_approval(opened: Open) -> None:
    waits = opened()
    assert in_time(waits, now_ms=10 * MINUTE - 1) is waits
    assert in_time(waits, now_ms=10 * MINUTE).state is ApprovalState.EXPIRED
    done = _taken(_approve(waits, MIA, at=9 * MINUTE))
    assert in_time(done, now_ms=19 * MINUTE - 1).state is ApprovalState.APPROVED
    late = in_time(done, now_ms=19 * MINUTE)
    assert "expired" in _refused(_claim(late))


def test_the_first_step_lapses_while_the_second_is_waited_for(opened: Open) -> None:
    first = _taken(_approve(opened(arguments={"order": "o-7", "amount": 300}), MIA, at=MINUTE))
    assert in_time(first, now_ms=11 * MINUTE).state is ApprovalState.EXPIRED


def test_one_claimant_gets_the_call_and_gets_it_again_after_a_lost_answer(opened: Open) -> None:
    runs = _taken(_claim(_taken(_approve(opened(), MIA))))
    assert runs.running is not None
    assert _claim(runs, ticket="t2") is runs
    assert "another process" in _refused(_claim(runs, who="q" * 16, ticket="t3"))


@pytest.mark.parametrize("before", ["pending", "rejected", "withdrawn", "expired", "done", "unknown"])
def test_only_an_approved_call_can_be_claimed(opened: Open, before: str) -> None:
    waits = replace(opened(), state=ApprovalState(before))
    assert before in _refused(_claim(waits))


def test_a_lost_call_that_may_be_repeated_is_given_to_another_under_the_same_key(opened: Open) -> None:
    runs = _taken(_claim(_taken(_approve(opened(), MIA))))
    assert runs.running is not None
    later = runs.running.until_ms
    again = _taken(_claim(in_time(runs, now_ms=later), who="q" * 16, ticket="t2", at=later))
    assert again.running is not None
    assert (again.running.attempt, again.key) == (2, runs.key)
    assert "not the one" in _refused(settle(again, ticket="t1", outcome=ApprovalState.DONE, now_ms=later + 1))


def test_a_lost_call_that_may_not_be_repeated_goes_to_a_person(opened: Open) -> None:
    mail = opened(tool="mail", arguments={"text": "hello"}, provenance={})
    runs = _taken(_claim(_taken(_approve(mail, MIA))))
    assert runs.running is not None
    lost = in_time(runs, now_ms=runs.running.until_ms)
    assert lost.state is ApprovalState.UNKNOWN
    assert "unknown" in _refused(_claim(lost, who="q" * 16))
    assert "no reason" in _refused(resolve(lost, NOA, ran=True, reason="", now_ms=9))
    assert "only agent" in _refused(resolve(lost, LEO, ran=True, reason="seen", now_ms=9))
    found = _taken(resolve(lost, NOA, ran=False, reason="not in the outbox", now_ms=9))
    assert (found.state, found.history[-1].by) == (ApprovalState.FAILED, "noa")


def test_a_call_is_settled_once(opened: Open) -> None:
    runs = _taken(_claim(_taken(_approve(opened(), MIA))))
    assert "ticket" in _refused(settle(runs, ticket="forged", outcome=ApprovalState.DONE, now_ms=3))
    done = _taken(settle(runs, ticket="t1", outcome=ApprovalState.DONE, now_ms=3))
    assert settle(done, ticket="t1", outcome=ApprovalState.DONE, now_ms=4) is done
    assert "done already" in _refused(settle(done, ticket="t1", outcome=ApprovalState.FAILED, now_ms=4))


def test_a_call_that_is_a_test_never_runs_and_says_so_only_afterwards(opened: Open) -> None:
    test = replace(opened(arguments={"order": "o-7", "amount": 300}), wrong="never paid")
    assert "never paid" not in json.dumps(test.as_json())
    first = _taken(_approve(test, MIA))
    assert (first.state, "never paid" in json.dumps(first.as_json())) == (ApprovalState.PENDING, False)
    missed = _taken(_approve(first, LEO))
    assert (missed.state, missed.as_json()["wrong"]) == (ApprovalState.WITHDRAWN, "never paid")
    assert "test" in _refused(_claim(replace(test, state=ApprovalState.APPROVED)))
    caught = _taken(reject(test, NOA, reason="never paid?", bound_to=None, now_ms=1))
    assert caught.state is ApprovalState.REJECTED
    corrected = _taken(_edit(test, NOA, {"amount": 1}))
    assert [each.what for each in corrected.history[-2:]] == ["edited", "withdrawn"]


def test_withdrawing_ends_what_has_not_begun(opened: Open) -> None:
    gone = _taken(withdraw(opened(), by="mia", now_ms=1))
    assert "withdrawn" in _refused(_approve(gone, NOA))
    runs = _taken(_claim(_taken(_approve(opened(), MIA))))
    assert "too late" in _refused(withdraw(runs, by="mia", now_ms=3))


def test_no_approval_makes_a_denied_call_run() -> None:
    for changes, told in (
        ({"roles": ["customer"]}, "refund is for agent"),
        ({"tool": "look_up"}, "no approval is due"),
    ):
        proposed = call(**changes)
        answer = open_approval(proposed, product="shop", decision=policy().decide(proposed.request), now_ms=0)
        assert told in _refused(answer)


def test_the_hash_tells_every_part_of_a_call_apart(opened: Open) -> None:
    calls = [
        opened(),
        opened(arguments={"order": "o-7", "amount": 41}),
        opened(arguments={"order": "o-7", "amount": 40.0}),
        opened(user="leo"),
        opened(arguments={"order": "o-7", "amount": 40, "note": ""}),
    ]
    assert len({each.hash for each in calls}) == len(calls)
    assert (
        opened(arguments={"amount": 40, "order": "o-7"}).hash == calls[0].hash
    )  # order of keys says nothing


def test_the_written_form_is_read_back_whole(opened: Open) -> None:
    full = opened(
        question="wo ist mein Geld? 💸",
        evidence=[{"id": "d1", "text": "14 days", "title": "Policy", "argument": "amount"}],
        on_behalf_of=[{"user": "lia", "roles": ["agent"]}],
        workflow="help",
    )
    runs = _taken(_claim(_taken(_approve(full, MIA))))
    assert runs.running is not None
    plain = json.loads(json.dumps(runs.as_json()))
    assert "t1" not in json.dumps(plain["running"])
    assert Approval.from_json(plain, ticket="t1") == runs


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"id": "c", "requester": "", "tool": "t", "roles": []},
        {"id": "../c", "requester": "m", "tool": "t", "roles": []},
        {"id": "c", "requester": "m", "tool": "t", "roles": [], "argument": {}},
        {"id": "c", "requester": "m", "tool": "t", "roles": [], "arguments": {"a": float("nan")}},
        {"id": "c", "requester": "m", "tool": "t", "roles": [], "evidence": "all of it"},
        {"id": "c", "requester": "m", "tool": "t", "roles": [], "evidence": [{"text": "x"}]},
        {"id": "c", "requester": "m", "tool": "t", "roles": [], "question": "x" * 300_000},
        {"id": "c", "requester": "m", "tool": "t", "roles": [], "lowered": "no"},
    ],
)
def test_a_call_that_is_not_one_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        call_of(row)


def _step(what: str, now: Approval, person: Person | None, *, amount: int, now_ms: int) -> Approval | Refused:
    if what == "approve":
        return approve(now, person, bound_to=now.hash, now_ms=now_ms)
    if what == "edit":
        return edit(
            now,
            person,
            arguments={"amount": amount},
            decide=policy().decide,
            idempotent_by=(),
            bound_to=now.hash,
            now_ms=now_ms,
        )
    if what == "reject":
        return reject(now, person, reason="no", bound_to=None, now_ms=now_ms)
    if what == "claim":
        return _claim(now, at=now_ms)
    if what == "settle":
        return settle(now, ticket="t1", outcome=ApprovalState.DONE, now_ms=now_ms)
    if what == "withdraw":
        return withdraw(now, by="app", now_ms=now_ms)
    if what == "resolve":
        return resolve(now, person, ran=True, reason="seen", now_ms=now_ms)
    return now


_PEOPLE = (MIA, NOA, LEO, BOTH, None)
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["approve", "edit", "reject", "claim", "settle", "withdraw", "wait", "resolve"]),
        st.sampled_from(_PEOPLE),
        st.integers(0, 8 * MINUTE),
        st.sampled_from([20, 150, 400]),
    ),
    max_size=14,
)


@given(steps=_STEPS)
@settings(max_examples=150, deadline=None)
def test_whatever_happens_nothing_runs_that_was_not_confirmed_as_it_is(
    steps: list[tuple[str, Person | None, int, int]],
) -> None:
    """Against the history alone: a claim follows a confirmation of its hash by every step's role."""
    rules = policy()
    proposed = call()
    found = open_approval(
        proposed, product="shop", decision=rules.decide(proposed.request), now_ms=0, editable=("amount",)
    )
    assert isinstance(found, Approval)
    now, now_ms = found, 0
    for what, person, wait_ms, amount in steps:
        now_ms += wait_ms
        now = in_time(now, now_ms=now_ms)
        answer = _step(what, now, person, amount=amount, now_ms=now_ms)
        now = answer if isinstance(answer, Approval) else now
    claimed = [place for place, event in enumerate(now.history) if event.what == "claimed"]
    assert len(claimed) <= 1
    for place in claimed:
        event = now.history[place]
        since = max(
            (at for at, each in enumerate(now.history[:place]) if each.what in ("edited", "requested")),
            default=0,
        )
        given = [each for each in now.history[since:place] if each.what == "approved"]
        needed = rules.decide(Request(**{**_request(now), "arguments": now.call.request.arguments})).approvals
        assert {each.hash for each in given} == {event.hash}
        assert [each.role for each in given].count("agent") >= 1
        assert sorted(each.role for each in given) == sorted(step.by for step in needed)
        assert len({each.by for each in given}) == len(given)
        assert event.at_ms - min(each.at_ms for each in given) < 60 * MINUTE


def _request(approval: Approval) -> dict[str, Any]:
    request = approval.call.request
    return {"tool": request.tool, "roles": request.roles, "user": request.user, "provenance": {}}
