"""Approvals over the real server: who may confirm, what runs and how often, and what a crash leaves."""

from __future__ import annotations

import http.server
import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from launchworthy.contract import parse_contract
from launchworthy.errors import ConflictError, LaunchworthyError, NotFoundError, OverloadedError, StorageError
from launchworthy.runtime.approval import Approval, ApprovalState, Refused, RemoteApprovals, call_of
from launchworthy.runtime.permission import Charge
from launchworthy.server.caller import Caller
from launchworthy.server.local import LocalWorkspace
from launchworthy.server.telling import SIGNATURE, signature
from launchworthy.store import StoreOptions

if TYPE_CHECKING:
    from tests.forking import Forking

CONTRACT = """\
launchworthy: 1
product: shop
owners: {product: ana@example.com}
roles: [customer, agent, lead]
workflows:
  refund:
    user: agent
    job: pay back what the policy allows
    no_answer: refuse
    editable: [amount]
tools:
  refund:
    effect: pay
    roles: [agent]
    approval:
      - {by: agent, preview: [order, amount], expires: 10m}
      - {by: lead, above: 100 USD, expires: 1h}
    limits: {per_call: 500 USD, per_user: 600 USD/d}
    idempotent_by: [order]
    arguments: {order: {from: any}}
  mail:
    effect: send
    roles: [agent]
    approval: [{by: agent}]
    arguments: {text: {from: any}}
"""

APP = Caller(role="ingest", key="app")
Running = Any
Clock = Callable[[], datetime]


def _call(**changes: Any) -> dict[str, Any]:
    return {
        "id": "c-1",
        "requester": "copilot",
        "tool": "refund",
        "roles": ["agent"],
        "user": "mia",
        "arguments": {"order": "o-7", "amount": 40},
        "provenance": {"order": "user", "amount": "model"},
        "workflow": "refund",
        "question": "please pay back order 7",
        **changes,
    }


@pytest.fixture
def now() -> list[datetime]:
    return [datetime(2026, 11, 24, 9, tzinfo=UTC)]


@pytest.fixture
def shop(open_workspace_here: Callable[..., LocalWorkspace], now: list[datetime]) -> LocalWorkspace:
    workspace = open_workspace_here(clock=lambda: now[0])
    workspace.register_contract(product="shop", text=CONTRACT, path="shop.yaml")
    for name, roles in (("mia", ["agent"]), ("noa", ["agent"]), ("leo", ["lead"])):
        workspace.add_api_key(name=name, role="read", acts_as=roles)
    workspace.add_api_key(name="app", role="ingest")
    return workspace


def _as(name: str) -> Caller:
    return Caller(role="read", key=name)


def _approve(shop: LocalWorkspace, approval: Approval, name: str) -> Approval:
    return shop.approve(
        product="shop", approval_id=approval.id, arguments_hash=approval.hash, caller=_as(name)
    )


def _ask(shop: LocalWorkspace, **changes: Any) -> Approval:
    return shop.request_approval(product="shop", call=_call(**changes), caller=APP)


def _claim(shop: LocalWorkspace, approval: Approval, who: str = "p" * 16) -> Any:
    return shop.claim_approval(
        product="shop", approval_id=approval.id, claimant=who, arguments_hash=approval.hash, caller=APP
    )


def _events(shop: LocalWorkspace) -> list[dict[str, Any]]:
    """What the chain says of approvals."""
    every = [json.loads(e.body) for e in shop.ledger_entries(product="shop") if e.kind == "decision"]
    return [each for each in every if each["kind"] == "approval"]


def _recorded(shop: LocalWorkspace, count: int) -> list[dict[str, Any]]:
    """What the records say of them, once so many are there."""
    deadline = time.monotonic() + 20
    while True:
        shop._store.flush()
        found = shop.query("SELECT * FROM decisions WHERE kind = 'approval' ORDER BY time, event_id")
        if len(found) >= count or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def test_every_step_stands_in_the_chain_without_a_word_of_the_call(shop: LocalWorkspace) -> None:
    asked = _ask(shop)
    done = _approve(shop, asked, "mia")
    ticket = _claim(shop, done)
    shop.settle_approval(
        product="shop", approval_id="c-1", ticket=ticket.secret, outcome="done", reason="paid to mia"
    )
    outcomes = ["requested", "approved", "claimed", "settled"]
    assert [each["outcome"] for each in _events(shop)] == outcomes
    recorded = _recorded(shop, 4)
    assert [each["outcome"] for each in recorded] == outcomes
    assert [each["decided_by"] for each in recorded] == [None, "mia", None, None]
    assert {each["user_id"] == "mia" for each in recorded} == {False}  # a pseudonym
    chain = json.dumps(_events(shop)) + json.dumps([asked.as_json()["id"]])
    assert not any(word in chain for word in ("o-7", "please pay", "paid to", asked.hash))
    assert [f.fault for f in shop.audit(product="shop") if f.fault.proves_tampering] == []


def test_what_a_call_says_rests_encrypted(shop: LocalWorkspace, tmp_path: Path) -> None:
    _ask(shop, arguments={"order": "o-very-telling", "amount": 40})
    shop.close()
    files = [each.read_bytes() for each in (tmp_path / "data").rglob("*") if each.is_file()]
    assert not any(b"o-very-telling" in each or b"please pay back" in each for each in files)


def test_the_policy_of_the_contract_decides_and_not_the_application(shop: LocalWorkspace) -> None:
    with pytest.raises(LaunchworthyError, match="refund is for agent") as refused:
        _ask(shop, roles=["customer"])
    assert (refused.value.code, refused.value.where) == ("LW403", "shop/tools/refund/roles")
    with pytest.raises(LaunchworthyError, match="one call may reach"):
        _ask(shop, arguments={"order": "o-7", "amount": 900})
    with pytest.raises(LaunchworthyError, match="no tool of the contract"):
        _ask(shop, tool="wire")
    with pytest.raises(NotFoundError, match="no contract"):
        shop.request_approval(product="bank", call=_call(), caller=APP)


def test_the_same_id_is_the_same_call_and_never_another(shop: LocalWorkspace) -> None:
    first = _ask(shop)
    assert _ask(shop) == first
    with pytest.raises(ConflictError, match="another call"):
        _ask(shop, arguments={"order": "o-7", "amount": 41})
    for changes in ({"tool": "mail"}, {"user": "leo"}):
        with pytest.raises(ConflictError, match="another call"):
            _ask(shop, **changes)


def test_a_call_that_repeats_another_is_that_one_and_does_not_run_again(shop: LocalWorkspace) -> None:
    first = _ask(shop)
    ticket = _claim(shop, _approve(shop, first, "mia"))
    shop.settle_approval(product="shop", approval_id="c-1", ticket=ticket.secret, outcome="done")
    again = _ask(shop, id="c-2")
    assert (again.id, again.state) == ("c-1", ApprovalState.DONE)
    with pytest.raises(ConflictError, match="the same call as c-1"):
        _ask(shop, id="c-3", arguments={"order": "o-7", "amount": 30})


def test_who_confirms_is_told_by_the_key_alone(shop: LocalWorkspace) -> None:
    asked = _ask(shop)
    for who, told in (
        (APP, "nobody is signed in"),
        (Caller(role="write", owner=True), "nobody is signed in"),
        (_as("leo"), "you act as lead"),
    ):
        with pytest.raises(LaunchworthyError, match=told):
            shop.approve(product="shop", approval_id="c-1", arguments_hash=asked.hash, caller=who)
    assert [each["outcome"] for each in _events(shop)] == ["requested", *["refused"] * 3]
    tried_by = [json.loads(each["facts"]).get("tried_by") for each in _recorded(shop, 4)]
    assert sorted(filter(None, tried_by)) == ["leo"]  # the others were nobody
    contracts = {json.loads(each["facts"])["contract"] for each in _recorded(shop, 4)}
    known = shop.contract_version(product="shop")
    assert known is not None
    assert contracts == {known.version}
    shop.revoke_api_key(name="mia")
    with pytest.raises(LaunchworthyError, match="nobody is signed in"):
        _approve(shop, asked, "mia")


def test_an_application_cannot_make_itself_an_approver(shop: LocalWorkspace) -> None:
    for who in (Caller(role="write", key="ci"), Caller(role="write")):
        with pytest.raises(LaunchworthyError, match="only the owner"):
            shop.add_api_key(name="x", role="read", acts_as=["agent"], caller=who)
        with pytest.raises(LaunchworthyError, match="only the owner"):
            shop.tell_approvals(product="shop", url="http://127.0.0.1:1", people=["mia"], caller=who)


def test_an_application_sees_and_runs_only_its_own_calls(shop: LocalWorkspace) -> None:
    done = _approve(shop, _ask(shop), "mia")
    other = Caller(role="ingest", key="other")
    with pytest.raises(NotFoundError):
        shop.approval(product="shop", approval_id="c-1", caller=other)
    with pytest.raises(NotFoundError):
        shop.claim_approval(
            product="shop", approval_id="c-1", claimant="x" * 16, arguments_hash=done.hash, caller=other
        )
    with pytest.raises(NotFoundError):
        shop.withdraw_approval(product="shop", approval_id="c-1", caller=other)


def test_of_many_at_once_one_confirms_and_one_runs(shop: LocalWorkspace) -> None:
    asked = _ask(shop)

    def confirm(name: str) -> str:
        try:
            return _approve(shop, asked, name).state.value
        except ConflictError as error:
            return error.message

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(confirm, ["mia", "noa"] * 8))
    assert sorted(set(answers)) == ["approved", "this call is approved: there is nothing to approve"]
    assert answers.count("approved") == 1

    def run(number: int) -> bool:
        try:
            return bool(_claim(shop, asked, f"process-{number:010}"))
        except ConflictError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(run, range(24))) == 1


def test_a_clock_that_goes_back_revives_nothing(shop: LocalWorkspace, now: list[datetime]) -> None:
    asked = _ask(shop)
    now[0] += timedelta(minutes=11)
    assert shop.approval(product="shop", approval_id="c-1").state is ApprovalState.EXPIRED
    now[0] -= timedelta(hours=5)
    with pytest.raises(ConflictError, match="expired"):
        _approve(shop, asked, "mia")
    assert [each["outcome"] for each in _events(shop)] == ["requested", "expired", "refused"]


def test_what_expired_stays_so_after_a_restart_with_the_clock_set_back(
    open_workspace_here: Callable[..., LocalWorkspace], shop: LocalWorkspace, now: list[datetime]
) -> None:
    asked = _ask(shop)
    now[0] += timedelta(minutes=11)
    shop.attend()
    shop.close()
    early = now[0] - timedelta(hours=1)
    again = open_workspace_here(clock=lambda: early)
    with pytest.raises(ConflictError, match="expired"):
        again.approve(product="shop", approval_id="c-1", arguments_hash=asked.hash, caller=_as("mia"))


def test_who_may_read_cannot_take_a_call_away_from_the_application_that_asked(shop: LocalWorkspace) -> None:
    done = _approve(shop, _ask(shop), "mia")
    _claim(shop, done)
    shown = shop.approval(product="shop", approval_id="c-1", caller=_as("noa"))
    assert shown.running is not None
    for who in (_as("noa"), Caller(role="write", key="other-app")):
        with pytest.raises(NotFoundError, match="came by this key"):
            shop.claim_approval(
                product="shop",
                approval_id="c-1",
                claimant=shown.running.claimant,
                arguments_hash=done.hash,
                caller=who,
            )


def test_all_keys_of_a_person_are_that_person(shop: LocalWorkspace) -> None:
    shop.add_api_key(name="mia-script", role="ingest", person="Mia", acts_as=[])
    asked = shop.request_approval(
        product="shop", call=_call(), caller=Caller(role="ingest", key="mia-script")
    )
    with pytest.raises(LaunchworthyError, match="whoever made the call"):
        _approve(shop, asked, "mia")
    who = shop.approving.named("mia")  # as a link names her
    assert isinstance(shop.approving.may_decide(asked, who), Refused)
    assert _approve(shop, asked, "noa").state is ApprovalState.APPROVED


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (
            "roles: [agent]\n    approval:\n      - {by",
            "roles: [lead]\n    approval:\n      - {by",
            "denies it",
        ),
        ("per_call: 500 USD", "per_call: 10 USD", "denies it"),
        ("{by: lead, above: 100 USD, expires: 1h}", "{by: lead, expires: 1h}", "approval of lead"),
        ("{by: agent, preview: [order, amount], expires", "{by: agent, four_eyes: true, expires", "of agent"),
    ],
)
def test_what_was_approved_does_not_run_once_the_contract_forbids_it(
    shop: LocalWorkspace, before: str, after: str, why: str
) -> None:
    done = _approve(shop, _ask(shop), "mia")
    assert before in CONTRACT
    shop.register_contract(product="shop", text=CONTRACT.replace(before, after), path="shop.yaml")
    with pytest.raises(ConflictError, match=why):
        _claim(shop, done)
    assert _events(shop)[-1]["outcome"] == "refused"
    shop.register_contract(product="shop", text=CONTRACT + "# as it was\n", path="shop.yaml")
    assert _claim(shop, done).tool == "refund"


def test_a_clock_that_was_far_ahead_for_a_moment_does_not_stop_time(
    shop: LocalWorkspace, now: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    now[0] += timedelta(days=3_000)
    _ask(shop, id="c-0", arguments={"order": "o-0", "amount": 1})
    now[0] -= timedelta(days=3_000)
    asked = _ask(shop)
    assert asked.state is ApprovalState.PENDING
    later = time.monotonic_ns() + 11 * 60 * 10**9
    monkeypatch.setattr("launchworthy.store.approvals.time.monotonic_ns", lambda: later)
    assert shop.approval(product="shop", approval_id="c-1", caller=APP).state is ApprovalState.EXPIRED


def test_a_call_that_never_came_to_wait_is_in_the_chain_without_words_of_its_own(
    shop: LocalWorkspace,
) -> None:
    _ask(shop)
    for changes in (
        {"id": "c-2", "tool": "mia@example.org asked me to"},
        {"id": "c-3", "arguments": {"order": "o-8", "amount": 900}},
        {"arguments": {"order": "o-9", "amount": 41}},
    ):
        with pytest.raises(LaunchworthyError):
            _ask(shop, **changes)
    refused = [each for each in _events(shop) if each["outcome"] == "refused"]
    assert [(each["subject"], each["approval"]) for each in refused] == [
        ("unnamed", "c-2"),
        ("refund", "c-3"),
        ("refund", "c-1"),
    ]
    assert "mia" not in json.dumps(refused)


def test_a_wrong_call_that_is_put_among_the_others_is_counted_and_never_runs(shop: LocalWorkspace) -> None:
    _ask(shop)
    row = _call(id="c-7")
    with pytest.raises(LaunchworthyError, match="only the owner"):
        shop.seed_approval(product="shop", call=row, wrong="never paid", caller=Caller(role="write", key="x"))
    test = shop.seed_approval(product="shop", call=row, wrong="the order was never paid")
    told = shop.approval(product="shop", approval_id="c-1").as_json()
    seen = shop.approval(product="shop", approval_id="c-7").as_json()
    different = {name for name in told if told[name] != seen[name]}
    assert different <= {"id", "call", "key", "history"}  # nothing tells them apart
    ended = _approve(shop, test, "mia")
    assert "the order was never paid" in ended.history[-1].reason
    with pytest.raises(ConflictError, match="was a test"):
        _claim(shop, ended)
    facts = [json.loads(each["facts"]) for each in _recorded(shop, 4) if each["outcome"] == "approved"]
    assert [each["seeded"] for each in facts] == [True]


def test_a_flood_of_calls_buries_none_that_waits(
    shop: LocalWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchworthy.store.approvals.MOST_PENDING", 3)
    for number in range(3):
        _ask(shop, id=f"c-{number}", arguments={"order": f"o-{number}", "amount": 1})
    with pytest.raises(OverloadedError, match="wait for approval already"):
        _ask(shop, id="c-9", arguments={"order": "o-9", "amount": 1})
    assert len(shop.approvals(product="shop", state="pending")) == 3


def test_a_budget_that_is_used_up_denies_before_anybody_is_asked(shop: LocalWorkspace) -> None:
    from launchworthy.runtime.permission import Charge

    charge = Charge(
        tool="refund", user="mia", unit="USD", amount=580.0, most=600.0, window_ms=86_400_000, rule="r"
    )
    assert "reservation" in shop.reserve_spending(product="shop", charges=[charge])
    with pytest.raises(LaunchworthyError, match="of the budget of one user"):
        _ask(shop)


def test_every_step_says_which_version_of_the_contract_was_asked(shop: LocalWorkspace) -> None:
    before = shop.contract_version(product="shop")
    asked = _ask(shop)
    text = CONTRACT + "# a word more\n"
    after = shop.register_contract(product="shop", text=text, path="shop.yaml")
    done = _approve(shop, asked, "mia")  # of the steps that were due when it was asked for
    _claim(shop, done)  # under the contract that is in force when it runs
    versions = [json.loads(each["facts"])["contract"] for each in _recorded(shop, 3)]
    assert before is not None
    assert versions == [before.version, before.version, after]
    assert before.version != after


def test_a_correction_is_checked_and_bound_anew(shop: LocalWorkspace) -> None:
    asked = _ask(shop)
    corrected = shop.edit_approval(
        product="shop",
        approval_id="c-1",
        arguments={"amount": 25},
        arguments_hash=asked.hash,
        caller=_as("noa"),
    )
    with pytest.raises(ConflictError, match="not those that you were shown"):
        _approve(shop, asked, "mia")
    done = _approve(shop, corrected, "mia")
    with pytest.raises(ConflictError, match="bound to"):
        _claim(shop, asked)
    assert _claim(shop, done).arguments == {"order": "o-7", "amount": 25}
    assert _ask(shop).id == "c-1"  # whoever asked finds it again by what they asked for


def test_erasing_a_person_leaves_no_word_of_their_calls_and_the_chain_whole(
    shop: LocalWorkspace, tmp_path: Path
) -> None:
    _ask(shop, user="mia.mueller@example.org")
    own = Charge(
        tool="refund", user="mia.mueller@example.org", unit="USD", amount=40.0, most=90.0, window_ms=10**9,
        rule="shop/tools/refund/limits/per_user",
    )  # fmt: skip
    assert "reservation" in shop.reserve_spending(product="shop", charges=[own])
    assert "overrun" in shop.reserve_spending(product="shop", charges=[replace(own, amount=51.0)])
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"mia.mueller" not in held
    done = shop.erase_subject(product="shop", user_id="mia.mueller@example.org", by="ana")
    assert done["removed"]["spending"] == 1
    with pytest.raises(NotFoundError):
        shop.approval(product="shop", approval_id="c-1")
    assert [f.fault for f in shop.audit(product="shop") if f.fault.proves_tampering] == []
    # The call cannot be asked for anew under its id, nor approved.
    with pytest.raises(ConflictError):
        _ask(shop, user="mia.mueller@example.org")


def test_what_people_write_of_a_call_is_kept_as_the_contract_says(shop: LocalWorkspace) -> None:
    text = CONTRACT + "data: {pii: {find: [email], record: pseudonymise}}\n"
    shop.register_contract(product="shop", text=text, path="shop.yaml")
    user, said = "mia.mueller@example.org", "ask zoe.adams@example.org first"
    asked = _ask(shop, user=user, requester=user)
    shop.reject(product="shop", approval_id="c-1", reason=said, arguments_hash=asked.hash, caller=_as("noa"))
    done = _approve(shop, _ask(shop, id="c-2", arguments={"order": "o-2", "amount": 4}), "mia")
    ticket = _claim(shop, done)
    shop.settle_approval(
        product="shop", approval_id="c-2", ticket=ticket.secret, outcome="failed", reason=said
    )
    shop.decide(
        product="shop",
        kind="override",
        subject=f"case: {said}",
        outcome="kept",
        reason=said,
        facts={"to": said},
    )
    rows = _recorded(shop, 6)
    rejected = next(each for each in rows if each["outcome"] == "rejected")
    assert (rejected["decided_by"], "ask email_" in rejected["reason"]) == ("noa", True)
    assert shop.find_texts(texts=["zoe.adams", "mia.mueller"]) == []


def test_an_application_cannot_tell_of_an_approval_in_the_name_of_the_queue(
    shop: LocalWorkspace, now: list[datetime]
) -> None:
    told = {
        "event.name": "launchworthy.decision",
        "launchworthy.decision.kind": "approval",
        "launchworthy.decision.subject": "refund",
        "launchworthy.decision.outcome": "claimed",
        "launchworthy.decision.id": "approval:c-1:2",
    }
    record = {
        "timeUnixNano": str(int(now[0].timestamp() * 1e9)),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in told.items()],
    }
    own = [{"key": "launchworthy.product", "value": {"stringValue": "shop"}}]
    body = {"resourceLogs": [{"resource": {"attributes": own}, "scopeLogs": [{"logRecords": [record]}]}]}
    rejected, reason = shop.take("logs", json.dumps(body).encode(), "application/json", "", "b-1")
    assert (rejected, "by the server alone" in reason) == (1, True)
    assert _events(shop) == []


def test_a_crash_between_a_step_and_its_record_loses_neither(
    shop: LocalWorkspace, open_workspace_here: Callable[..., LocalWorkspace], now: list[datetime]
) -> None:
    shop._store.approvals._record = lambda rows: None  # as if the process ended right after the commit
    _approve(shop, _ask(shop), "mia")
    assert _recorded(shop, 0) == []
    shop.close()
    again = open_workspace_here(clock=lambda: now[0])
    assert [each["outcome"] for each in _recorded(again, 2)] == ["requested", "approved"]
    assert [each["outcome"] for each in _events(again)] == ["requested", "approved"]


def test_what_an_ended_call_said_goes_with_the_traces_and_it_still_runs_but_once(
    shop: LocalWorkspace, now: list[datetime]
) -> None:
    shop.register_contract(
        product="shop", text=CONTRACT + "data: {retention: {traces: 30d}}\n", path="shop.yaml"
    )
    ticket = _claim(shop, _approve(shop, _ask(shop), "mia"))
    shop.settle_approval(product="shop", approval_id="c-1", ticket=ticket.secret, outcome="done")
    waits = _ask(shop, id="c-2", arguments={"order": "o-8", "amount": 1})
    shop.apply_retention()
    assert shop.approval(product="shop", approval_id="c-1").state is ApprovalState.DONE
    now[0] += timedelta(days=31)
    shop.attend()
    shop.apply_retention()
    with pytest.raises(NotFoundError):
        shop.approval(product="shop", approval_id="c-1")
    with pytest.raises(ConflictError, match="same call as c-1"):
        _ask(shop, id="c-3")
    assert shop.approval(product="shop", approval_id=waits.id).state is ApprovalState.EXPIRED  # just now


class _Heard(http.server.BaseHTTPRequestHandler):
    answers: ClassVar[list[int]] = []
    messages: ClassVar[list[tuple[bytes, str]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.messages.append((body, self.headers[SIGNATURE]))
        self.send_response(self.answers.pop(0) if self.answers else 204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def hook() -> Iterator[str]:
    _Heard.answers, _Heard.messages = [], []
    server = http.server.HTTPServer(("127.0.0.1", 0), _Heard)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_is_told_signed_and_again_until_it_hears(
    shop: LocalWorkspace, hook: str, now: list[datetime]
) -> None:
    secret = shop.tell_approvals(product="shop", url=hook, console="https://c.example", people=["mia", "leo"])
    _Heard.answers = [500]
    _ask(shop)
    shop.attend()
    shop.attend()
    assert len(_Heard.messages) == 1  # it waits before it tries again
    now[0] += timedelta(seconds=6)
    shop.attend()
    assert len(_Heard.messages) == 2
    body, signed = _Heard.messages[-1]
    at_s = int(signed.split(",")[0].removeprefix("t="))
    assert signed == signature(body, secret=secret, at_s=at_s)
    told = json.loads(body)
    assert [each["person"] for each in told["links"]] == ["mia"]  # leo cannot confirm this one
    assert "o-7" not in body.decode()
    assert _events(shop)[-1]["outcome"] == "told"


def test_a_link_decides_once_for_one_person_and_those_arguments(
    shop: LocalWorkspace, hook: str, now: list[datetime]
) -> None:
    shop.tell_approvals(product="shop", url=hook, people=["mia"])
    _ask(shop)
    shop.attend()
    token = json.loads(_Heard.messages[-1][0])["links"][0]["url"].rpartition("/")[2]
    link = shop.approving.link(token)
    who = shop.approving.named(link.person)
    done = shop.approving.approve("shop", link.approval, arguments_hash=link.arguments, who=who, link=token)
    assert (done.state, done.history[-1].by) == (ApprovalState.APPROVED, "mia")
    with pytest.raises(ConflictError, match="used already"):
        shop.approving.link(token)
    with pytest.raises(LaunchworthyError, match="none of ours"):
        shop.approving.link("forged" * 8)
    _ask(shop, id="c-9", arguments={"order": "o-9", "amount": 5})
    shop.attend()
    late = json.loads(_Heard.messages[-1][0])["links"][0]["url"].rpartition("/")[2]
    now[0] += timedelta(minutes=11)
    with pytest.raises(ConflictError, match="expired"):
        shop.approving.link(late)


def test_who_decides_by_a_link_that_leads_nowhere_any_more_is_in_the_chain(
    shop: LocalWorkspace, now: list[datetime], caplog: pytest.LogCaptureFixture
) -> None:
    news = shop._store.approvals.news
    used, late = (news.make_link(_ask(shop), person=name) for name in ("mia", "noa"))
    link = shop.approving.link(used, deciding=True)
    who = shop.approving.named("mia")
    shop.approving.approve("shop", link.approval, arguments_hash=link.arguments, who=who, link=used)
    before = len(_events(shop))
    with pytest.raises(ConflictError, match="used already"):
        shop.approving.link(used)  # only looked at
    assert len(_events(shop)) == before
    with pytest.raises(ConflictError, match="used already"):
        shop.approving.link(used, deciding=True)
    now[0] += timedelta(minutes=11)
    with pytest.raises(ConflictError, match="expired"):
        shop.approving.link(late, deciding=True)
    assert [each["outcome"] for each in _events(shop)[before:]] == ["refused", "refused"]
    told = [each for each in _recorded(shop, before + 2) if each["outcome"] == "refused"]
    assert sorted((each["reason"], json.loads(each["facts"])["link_for"]) for each in told) == [
        ("this link has expired", "noa"),
        ("this link was used already", "mia"),
    ]
    with pytest.raises(LaunchworthyError, match="none of ours"):
        shop.approving.link("forged" * 8, deciding=True)  # of which product, nobody knows
    assert len(_events(shop)) == before + 2
    assert "none of ours" in caplog.text


def test_a_webhook_that_never_answers_is_given_up_and_that_is_written_down(
    shop: LocalWorkspace, now: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchworthy.server.telling.MOST_ATTEMPTS", 2)
    shop.tell_approvals(product="shop", url="http://127.0.0.1:9/closed")
    _ask(shop)
    shop.attend()
    now[0] += timedelta(seconds=6)
    shop.attend()
    assert _events(shop)[-1]["outcome"] == "not_told"


@dataclass(frozen=True)
class Shop:
    """A running server, the keys of people and of an application, and the folder."""

    server: Running
    keys: dict[str, str]
    folder: Path

    def app(self, key: str = "app") -> RemoteApprovals:
        return RemoteApprovals(self.server.url, product="shop", key=self.keys[key])


@pytest.fixture(scope="module")
def starting(tmp_path_factory: pytest.TempPathFactory, serving_in: Any) -> Iterator[Callable[[], Shop]]:
    """Starts the server of the one folder of this module, anew where it was killed."""
    folder = tmp_path_factory.mktemp("approvals")
    (folder / "shop.yaml").write_text(CONTRACT)
    keys = {}
    workspace = LocalWorkspace.open(folder / "data", options=StoreOptions(min_free_bytes=0))
    for name, role, acts in (("mia", "read", ["agent"]), ("leo", "read", ["lead"]), ("app", "ingest", [])):
        keys[name] = workspace.add_api_key(name=name, role=role, acts_as=acts)
    workspace.close()
    with serving_in(folder) as start:
        yield lambda: Shop(server=start("--contract", "shop.yaml"), keys=keys, folder=folder)


@pytest.fixture(scope="module")
def first(starting: Callable[[], Shop]) -> list[Shop]:
    return [starting()]


@pytest.fixture
def live(first: list[Shop]) -> Shop:
    return first[0]


@pytest.fixture
def restart(first: list[Shop], starting: Callable[[], Shop]) -> Callable[[], Shop]:
    def again() -> Shop:
        os.kill(first[0].server.process.pid, signal.SIGKILL)
        first[0].server.process.wait()
        first[0] = starting()
        return first[0]

    return again


def _decide(shop: Shop, key: str, approval: Approval, verb: str = "approve", **more: Any) -> int:
    body = json.dumps({"arguments_hash": approval.hash} | more).encode()
    status, _, _ = shop.server.request(
        "POST",
        f"/api/v1/products/shop/approvals/{approval.id}/{verb}",
        body,
        headers={"Authorization": f"Bearer {shop.keys[key]}"},
    )
    return int(status)


def _row(name: str, **changes: Any) -> dict[str, Any]:
    return _call(id=name, arguments={"order": name, "amount": 40}, **changes)


def test_the_page_on_approvals_prints_what_it_says(live: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "approvals.md").read_text(encoding="utf-8")
    contract, program, printed = (
        re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)[0]
        for language in ("yaml", "python", "text")
    )
    assert parse_contract(contract).tools["refund"].approval
    names = {
        "SERVER": live.server.url,
        "ask_mia": lambda asked: _decide(live, "mia", asked),
        "pay": lambda *, order, amount, idempotency_key: print(f"paid {amount} for {order}"),
    }
    exec(compile(program, "page", "exec"), names)
    assert capsys.readouterr().out == printed


def test_an_application_waits_for_a_person_and_runs_the_call_once(live: Shop) -> None:
    app = live.app()
    asked = app.request(call_of(_row("a-1")))
    assert app.wait(asked.id, timeout_s=0.2).state is ApprovalState.PENDING
    assert _decide(live, "app", asked) == 403
    assert _decide(live, "leo", asked) == 403
    waited: list[Approval] = []
    waiting = threading.Thread(target=lambda: waited.append(app.wait(asked.id, timeout_s=20)))
    waiting.start()
    assert _decide(live, "mia", asked) == 200
    waiting.join()
    assert waited[0].state is ApprovalState.APPROVED
    given: list[Any] = []
    with ThreadPoolExecutor(8) as pool:  # threads of one process that resume the same call
        for each in [pool.submit(app.claim, asked.id, arguments_hash=asked.hash) for _ in range(8)]:
            try:
                given.append(each.result())
            except ConflictError:
                continue
    [ticket] = given
    with pytest.raises(ConflictError, match="another process"):
        live.app().claim(asked.id, arguments_hash=asked.hash)
    assert app.settle(ticket, ApprovalState.DONE).state is ApprovalState.DONE


def test_a_claim_whose_answer_got_lost_is_made_again_by_whoever_lost_it(
    live: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = live.app()
    asked = app.request(call_of(_row("a-1b")))
    assert _decide(live, "mia", asked) == 200
    real, lost = app._link.ask, []

    def losing(*arguments: Any) -> Any:
        lost.append(real(*arguments))
        raise StorageError("the server does not answer")

    with monkeypatch.context() as while_it_is_down:
        while_it_is_down.setattr(app._link, "ask", losing)
        with pytest.raises(StorageError):
            app.claim(asked.id, arguments_hash=asked.hash)
    ticket = app.claim(asked.id, arguments_hash=asked.hash)
    assert ticket.secret == lost[0]["secret"]
    assert app.settle(ticket, ApprovalState.DONE).state is ApprovalState.DONE


def test_a_server_that_is_killed_at_any_step_loses_none_and_repeats_none(
    live: Shop, restart: Callable[[], Shop]
) -> None:
    asked = live.app().request(call_of(_row("k-1")))
    live = restart()
    assert _decide(live, "mia", asked) == 200
    live = restart()
    ticket = live.app().claim(asked.id, arguments_hash=asked.hash)
    live = restart()
    with pytest.raises(ConflictError, match="another process"):
        live.app().claim(asked.id, arguments_hash=asked.hash)
    done = live.app().settle(ticket, ApprovalState.DONE)
    assert [event.what.value for event in done.history] == ["requested", "approved", "claimed", "settled"]
    assert _decide(live, "mia", asked) == 409


_WORKER = """
import json, sys, time
from launchworthy.runtime.approval import RemoteApprovals, call_of
url, key, rows = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
app = RemoteApprovals(url, product="shop", key=key)
for row in rows:
    asked = app.request(call_of(row))
    print(app.claim(asked.id, arguments_hash=asked.hash, lease_s=1.0).idempotency_key, flush=True)
time.sleep(60)
"""


def test_an_application_that_is_killed_as_it_acts_is_followed_or_asked_after(
    live: Shop, forking: Forking
) -> None:
    """What may be repeated is, under the same key; of the rest a person says how it ended."""
    app = live.app()
    rows = [_row("w-1"), _call(id="w-2", tool="mail", arguments={"text": "hello"}, provenance={})]
    repeats, once = [app.request(call_of(row)) for row in rows]
    assert [_decide(live, "mia", each) for each in (repeats, once)] == [200, 200]
    with forking.start("-c", _WORKER, live.server.url, live.keys["app"], json.dumps(rows)) as worker:
        assert worker.stdout is not None
        keys = [worker.stdout.readline().strip(), worker.stdout.readline().strip()]
        worker.kill()
    assert keys == [repeats.key, once.key]
    deadline = time.monotonic() + 30
    while app.get("w-2").state is not ApprovalState.UNKNOWN:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    ticket = app.claim("w-1", arguments_hash=repeats.hash)
    assert (ticket.attempt, ticket.idempotency_key) == (2, keys[0])
    with pytest.raises(ConflictError, match="unknown"):
        app.claim("w-2", arguments_hash=once.hash)
    body = json.dumps({"ran": True, "reason": "it is in the outbox"}).encode()
    status, _, _ = live.server.request(
        "POST",
        "/api/v1/products/shop/approvals/w-2/resolve",
        body,
        headers={"Authorization": f"Bearer {live.keys['mia']}"},
    )
    assert (status, app.get("w-2").state) == (200, ApprovalState.DONE)


_APPLICATION = """
import json, sys
import launchworthy as lw
from launchworthy.runtime.enforcer import Enforcer
url, key, contract, step, out = sys.argv[1:]
lw.init(endpoint=url, product="shop", api_key=key)
def refund(order, amount):
    with open(out, "a") as file:
        file.write(f"{order} {amount}\\n")
    return "paid"
def mail(text):
    return "sent"
enforcer = Enforcer.load(contract, tools={"refund": refund, "mail": mail}, server=url, api_key=key)
with enforcer.call("refund", user="mia", roles=["agent"]) as call:
    if step == "ask":
        call.input("please refund order e-1 with 40")
        print(call.tool("refund", {"order": "e-1", "amount": 40}, request_id="e-1").state)
    else:
        print(enforcer.resume("e-1").state, enforcer.resume("e-1").reason)
        with lw.tool("mail"):  # the application runs a tool that nobody has confirmed
            mail("hello")
lw.flush()
"""


def test_an_application_that_is_restarted_resumes_and_what_it_did_is_evidence(
    live: Shop, forking: Forking
) -> None:
    paid = live.folder / "paid"

    def run(step: str) -> str:
        told = (live.server.url, live.keys["app"], "shop.yaml", step, str(paid))
        done = forking.run("-c", _APPLICATION, *told, cwd=live.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert run("ask") == "pending"
    assert not paid.exists()
    assert _decide(live, "mia", live.app().get("e-1")) == 200
    assert run("resume") == "done it has run already"
    assert paid.read_text() == "e-1 40\n"
    values: dict[str, tuple[float | None, int]] = {}
    deadline = time.monotonic() + 30
    while "shop/tools/mail/approval" not in values and time.monotonic() < deadline:
        live.server.request("POST", "/api/v1/products/shop/measure", b"{}")
        _, _, answer = live.server.request("GET", "/api/v1/products/shop/evidence")
        values = {each["claim"]: (each["value"], each["n"]) for each in json.loads(answer)}
    assert values["shop/tools/refund/approval"] == (0.0, 1)
    assert values["shop/tools/refund/idempotent_by"] == (0.0, 1)
    assert values["shop/tools/mail/approval"] == (1.0, 1)


def test_on_loopback_without_a_key_nobody_can_confirm_or_become_somebody(live: Shop) -> None:
    asked = RemoteApprovals(live.server.url, product="shop").request(call_of(_row("l-1")))
    body = json.dumps({"arguments_hash": asked.hash}).encode()
    status, _, answer = live.server.request("POST", "/api/v1/products/shop/approvals/l-1/approve", body)
    assert (status, "--acts-as agent" in answer.decode()) == (403, True)
    new = json.dumps({"name": "me", "role": "read", "acts_as": ["agent"]}).encode()
    status, _, answer = live.server.request("POST", "/api/v1/keys", new)
    assert (status, "only the owner" in answer.decode()) == (403, True)


@pytest.mark.parametrize(
    "bad",
    [{}, {"call": []}, {"call": {}}, {"call": {"id": "x" * 500}}, {"call": _call(id="..")}, {"calls": {}}],
)
def test_what_is_no_call_is_refused_with_its_place(live: Shop, bad: Any) -> None:
    status, _, body = live.server.request("POST", "/api/v1/products/shop/approvals", json.dumps(bad).encode())
    assert status == 400
    assert json.loads(body)["error"]["message"]


def test_the_commands_confirm_correct_and_reject(live: Shop, run_command: Any) -> None:
    app = live.app()
    asked = app.request(call_of(_row("t-1", evidence=[{"id": "d1", "title": "Policy", "text": "14 days"}])))
    app.request(call_of(_row("t-2")))

    def run(*arguments: str) -> Any:
        return run_command("approvals", *arguments, "--data", "data", "--product", "shop", folder=live.folder)

    shown = run("show", "t-1").stdout
    assert 'order = "t-1"' in shown
    assert "had read Policy: 14 days" in shown
    nobody = run("approve", "t-1", "--hash", asked.hash)
    assert (nobody.returncode, "LAUNCHWORTHY_KEY" in nobody.stderr) == (64, True)
    edited = run("edit", "t-1", "--set", "amount=30", "--key", live.keys["mia"])
    assert "amount = 30" in edited.stdout, edited.stderr
    done = run("approve", "t-1", "--hash", app.get("t-1").hash, "--key", live.keys["mia"])
    assert done.stdout == "t-1 is approved.\n", done.stderr
    live.server.stop()
    rejected = run("reject", "t-2", "--reason", "no", "--key", live.keys["mia"])
    assert rejected.stdout == "t-2 is rejected.\n", rejected.stderr
    assert "t-2" in run("list", "--all").stdout
