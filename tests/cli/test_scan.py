"""``launchworthy scan`` as someone types it: what records hold, and where they differ from the contract."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from launchworthy.cli.main import main
from launchworthy.records import TABLES, Rows
from launchworthy.store import Store, StoreOptions

Run = Callable[..., tuple[int, str, str]]
MAIL = "ana.silva@example.org"
CONTRACT = """\
launchworthy: 1
product: shop
owners: {product: ana@example.com}
roles: [agent]
workflows:
  answer:
    user: customer
    job: find out where an order is
    no_answer: refuse
    failures:
      wrong: {kind: wrong, fix: retrieval, watched_by: quality/hit@5}
    quality: {hit@5: {at_least: 80 %}}
data:
  sources:
    help:     {class: public,       may: [see, store, learn]}
    orders:   {class: confidential, may: [see]}
    payments: {class: restricted,   may: []}
    unread:   {class: public,       may: [see]}
  pii: {find: [email, card], record: pseudonymise}
  retention: {traces: 30d, feedback: 400d}
  region: EU
tools:
  get_order: {effect: read, roles: [agent]}
"""
DAY_NS = 86_400 * 10**9


def _rows(table: str, *rows: dict[str, Any]) -> Rows:
    now = time.time_ns()
    known = {"product": "shop", "workflow": "answer", TABLES[table].time: now - 10**9}
    full = [
        {**known, "trace_id": bytes([place + 1]) * 16, "span_id": bytes([place + 1]) * 8, **row}
        for place, row in enumerate(rows)
    ]
    return Rows(table, {name: [row.get(name) for row in full] for name in TABLES[table].names})


def _context(*documents: Any) -> str:
    return json.dumps(documents)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "launchworthy.yaml").write_text(CONTRACT)

    def running(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main([*arguments, "--data", str(tmp_path / "data")])
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return running


def _store(tmp_path: Path, *rows: Rows) -> None:
    store = Store.open(tmp_path / "data", options=StoreOptions(min_free_bytes=0))
    try:
        store.ingest(list(rows), batch_id="first")
    finally:
        store.close()


def test_every_difference_is_told_with_what_to_accept_or_mend(run: Run, tmp_path: Path) -> None:
    _store(
        tmp_path,
        _rows(
            "spans",
            {
                "kind": "workflow",
                "input": json.dumps(f"I am {MAIL}"),
                "output": '"Of email_' + "0" * 24 + '"',
            },
            {"kind": "retrieval", "context": _context({"source": "wiki", "content": "x"}, "text alone")},
            {"kind": "retrieval", "context": _context({"source": "payments"}, {"source": "help"})},
            {"kind": "retrieval", "context": _context({"source": "orders", "content": "Order 7"})},
            {"kind": "tool", "tool_name": "get_order"},
            {"kind": "tool", "tool_name": "wire_money"},
            {"kind": "model", "provider": "acme", "attributes": '{"launchworthy.region": "us-east-1"}'},
            {"kind": "model", "provider": "acme", "attributes": '{"launchworthy.region": "eu-west-1"}'},
            {"kind": "workflow", "start_time": time.time_ns() - 40 * DAY_NS},
        ),
        _rows("feedback", {"comment": f"write to {MAIL}, card 4111 1111 1111 1111"}),
    )
    code, out, _ = run("scan", "--json")
    assert code == 1
    found = json.loads(out)
    assert {each["address"] for each in found["drift"]} == {
        "data/pii/record",
        "data/unnamed",
        "data/sources/payments",
        "data/sources/orders",
        "tools/unnamed",
        "data/region",
        "data/retention/traces",
    }
    assert {each["table"] + "." + each["field"]: each["kinds"] for each in found["fields"]} == {
        "feedback.comment": {"card": 1, "email": 1},
        "spans.attributes": {},
        "spans.context": {},
        "spans.input": {"email": 1},
        "spans.output": {},
    }
    (comment,) = [each for each in found["fields"] if each["field"] == "comment"]
    assert (comment["texts"], comment["holding"], comment["share"]) == (1, 1, 1.0)
    assert comment["low"] < 0.1
    assert {each["source"]: each["documents"] for each in found["sources"]} == {
        "wiki": 1,
        None: 1,
        "payments": 1,
        "help": 1,
        "orders": 1,
    }
    assert found["unused"] == ["data/sources/unread"]
    evidence = {each["claim"].removeprefix("shop/data/"): each["value"] for each in found["evidence"]}
    assert evidence["pii/record"] == 2.0
    assert evidence["unnamed"] == 2.0
    assert evidence["sources/payments"] == evidence["sources/orders"] == evidence["region"] == 1.0
    assert evidence["retention/traces"] == 1.0

    code, out, _ = run("scan", "--all")
    assert code == 1
    assert "Records of shop differ from the contract in 8 places:" in out
    assert "accept: data: {sources: {wiki: {class: internal, may: [see, store]}}}" in out
    assert "accept: may: [see, store]" in out
    assert "spans.input  100 % (" in out
    assert "pseudonyms in 1" in out
    assert MAIL not in out
    store = Store.open(tmp_path / "data", options=StoreOptions(min_free_bytes=0))
    try:
        held = store.ledger.evidence("shop")
    finally:
        store.close()
    assert [piece.value for piece in held if piece.claim == "shop/data/pii/record"] == [2.0, 2.0]


def test_records_that_are_as_declared_are_told_so(run: Run, tmp_path: Path) -> None:
    _store(
        tmp_path,
        _rows(
            "spans",
            {"kind": "workflow", "input": '"How long?"', "output": '"30 days"'},
            {"kind": "retrieval", "context": _context({"source": "help", "content": "30 days"})},
            {"kind": "tool", "tool_name": "get_order"},
        ),
    )
    code, out, _ = run("scan", "--sample", "2")
    assert code == 0
    assert out.startswith("Records of shop hold nothing that the contract does not declare.")
    assert "at most 2 records of each table" in out


def test_what_cannot_be_scanned_says_why(run: Run, tmp_path: Path) -> None:
    assert run("scan")[0] == 64
    _store(tmp_path, _rows("spans", {"kind": "workflow", "input": '"x"'}))
    assert run("scan", "--all", "--sample", "3")[0] == 64
    (tmp_path / "launchworthy.yaml").write_text(CONTRACT.replace("[email, card]", "[blood_group]"))
    code, _, err = run("scan")
    assert (code, "blood_group" in err) == (64, True)


def test_personal_data_in_names_is_told_and_names_are_no_texts(run: Run, tmp_path: Path) -> None:
    event = {"name": f"mailed {MAIL}", "time": 1, "attributes": {}}
    _store(
        tmp_path,
        _rows(
            "spans",
            {"kind": "tool", "name": f"GET /customers/{MAIL}", "tool_name": MAIL, "error_type": "Timeout"},
            {"kind": "tool", "name": "get_order", "tool_name": "get_order", "events": json.dumps([event])},
            {
                "kind": "other",
                "name": "pay 4111 1111 1111 1111",
                "links": json.dumps([{"attributes": {"of": MAIL}}]),
            },
        ),
        _rows("feedback", {"reason": f"other: {MAIL}"}, {"reason": "wrong"}),
        _rows(
            "decisions",
            {
                "kind": "override",
                "event_id": "e-1",
                "subject": f"case of {MAIL}",
                "outcome": "kept",
                "facts": json.dumps({"to": MAIL}),
            },
            {
                "kind": "override",
                "event_id": "e-2",
                "subject": "case-7",
                "outcome": "kept",
                "facts": json.dumps({"h": "a" * 64}),
            },
        ),
    )
    code, out, _ = run("scan", "--all", "--json")
    assert code == 1
    found = {(row["table"], row["field"]): row for row in json.loads(out)["fields"]}
    assert {place: row["holding"] for place, row in found.items()} == dict.fromkeys(
        [
            ("spans", "name"), ("spans", "tool_name"), ("spans", "events"), ("spans", "links"),
            ("feedback", "reason"), ("decisions", "subject"), ("decisions", "facts"),
        ],
        1,
    ) | {("spans", "name"): 2}  # fmt: skip


ACTING = CONTRACT.replace(
    "    no_answer: refuse\n",
    "    no_answer: refuse\n"
    "    after: [system: propose, agent: confirm, customer: read]\n"
    "    decides: agent\n",
).replace(
    "  get_order: {effect: read, roles: [agent]}\n",
    "  get_order: {effect: read, roles: [agent]}\n"
    "  refund:  # money\n"
    "    {effect: pay, roles: [agent], approval: [{by: agent}],\n"
    "     limits: {per_user: 100 USD/d, total: 1000 USD/d}}\n"
    "guards:\n"
    "  injection: {checks: [input], action: block}  # as in the first plan\n"
    "  secrets: {checks: [output], action: block}\n",
)


def _guard(name: str, place: int, **facts: object) -> dict[str, Any]:
    outcome = "could_not_check" if facts.pop("failed", False) else "hit"
    ago_ns = 2 * 10**9 if facts.pop("before", False) else 10**9
    return {
        "kind": "guard",
        "time": time.time_ns() - ago_ns,
        "event_id": f"{name}-{place}",
        "subject": name,
        "outcome": outcome,
        "rule": f"shop/guards/{name}",
        "facts": json.dumps(facts),
    }


@pytest.fixture
def acting(tmp_path: Path, run: Run) -> Run:
    (tmp_path / "launchworthy.yaml").write_text(ACTING)
    approved = [
        {
            "kind": "approval",
            "event_id": f"approval:{place}",
            "trace_id": bytes([place + 1]) * 16,
            "subject": "refund",
            "outcome": "approved",
            "decided_by": "tom",
            "facts": json.dumps({"role": "team_lead"}),
        }
        for place in range(3)
    ]
    _store(
        tmp_path,
        _rows(
            "spans",
            *[{"kind": "tool", "tool_name": "refund"} for _ in range(4)],
            *[{"kind": "workflow"} for _ in range(6)],
            {"kind": "workflow", "workflow": "poems"},
            {"kind": "workflow", "cohort": "shadow", "workflow": "other"},
        ),
        _rows(
            "decisions",
            *[_guard("topic", place, category="off_topic", action="shadow") for place in range(5)],
            _guard("injection", 5, action="block", before=True),
            _guard("injection", 6, action="shadow"),
            *[_guard("secrets", place, failed=True) for place in range(7, 11)],
        ),
        _rows("decisions", *approved),
    )
    return run


def test_who_decided_what_is_outside_the_job_and_which_guards_act_are_told(acting: Run) -> None:
    code, out, _ = acting("scan", "--json")
    assert code == 1
    found = json.loads(out)
    assert found["decided"] == [
        {
            "workflow": "answer",
            "declared": "agent",
            "acts": 4,
            "by_a_person": 3,
            "roles": {"team_lead": 3},
        }
    ]
    jobs = {each["workflow"]: each for each in found["jobs"]}
    assert (jobs["answer"]["calls"], jobs["answer"]["outside"]) == (10, 5)
    assert (jobs["poems"]["declared"], jobs["poems"]["outside"]) == (False, 1)
    assert "other" not in jobs
    guards = {each["guard"]: each for each in found["guards"]}
    assert guards["injection"]["shadow"] is True
    assert guards["secrets"]["could_not_check"] == 4
    told = {(each["address"], each["observed"]) for each in found["drift"]}
    assert {
        (
            "workflows/answer/decides",
            "tools acted in 1 of 4 calls without anybody's decision, and agent decides",
        ),
        ("workflows/answer/decides", "it was decided by team_lead (3), never by agent, who decides"),
        ("workflows", "1 calls serve poems, which is not named"),
        ("workflows/answer/job", "5 of 10 calls were off the topic of the job, more than 5 % of them"),
        ("guards/injection", "it only watched when it last hit, and is to block"),
        ("guards/secrets", "it could not check 4 of 11 calls, more than 5 % of them"),
        ("guards/topic", "it hit in 5 calls, failed in 0, and is not named"),
    } <= told


def test_what_was_asked_for_and_ran_later_in_a_trace_of_its_own_was_decided_by_somebody(
    tmp_path: Path, run: Run
) -> None:
    (tmp_path / "launchworthy.yaml").write_text(ACTING)

    def decision(place: int, kind: str, outcome: str, key: str) -> dict[str, Any]:
        return {
            "kind": kind, "event_id": f"{kind}:{place}", "trace_id": bytes([place]) * 16, "subject": "refund",
            "outcome": outcome, "facts": json.dumps({"idempotency_key": key}),
        }  # fmt: skip

    _store(
        tmp_path,
        _rows(
            "spans", *[{"kind": "tool", "tool_name": "refund", "trace_id": bytes([n]) * 16} for n in (1, 2)]
        ),
        _rows(
            "decisions",
            decision(9, "approval", "requested", "k-1"),
            decision(1, "tool_run", "done", "k-1"),
            decision(2, "tool_run", "done", "k-2"),
        ),
    )
    _, out, _ = run("scan", "--json")
    (decided,) = json.loads(out)["decided"]
    assert (decided["acts"], decided["by_a_person"]) == (2, 1)


def test_accepting_shows_the_change_asks_and_writes_that_line_only(
    acting: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "launchworthy.yaml"
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    code, out, _ = acting("scan", "--accept", "guards/injection")
    assert code != 0
    assert "+  injection: {checks: [input], action: block, mode: shadow}  # as in the first plan" in out
    assert file.read_text() == ACTING
    code, out, _ = acting("scan", "--accept", "guards/injection", "--yes")
    assert code == 1
    assert "+  injection: {checks: [input], action: block, mode: shadow}  # as in the first plan" in out
    assert file.read_text() == ACTING.replace(
        "{checks: [input], action: block}", "{checks: [input], action: block, mode: shadow}"
    )
    assert not list(tmp_path.glob(".*.accepted"))
    assert "guards/injection" not in {
        each["address"] for each in json.loads(acting("scan", "--json")[1])["drift"]
    }


def test_what_a_person_has_to_choose_is_not_accepted_for_them(acting: Run, tmp_path: Path) -> None:
    code, _, err = acting("scan", "--accept", "workflows", "--yes")
    assert (code, "cannot be accepted for you" in err) == (64, True)
    code, _, err = acting("scan", "--accept", "guards/nothing", "--yes")
    assert (code, "nothing differs at" in err, "guards/secrets" in err) == (64, True, True)
    assert acting("scan", "--accept", "guards/injection", "--json")[0] == 64
    assert acting("scan", "--yes")[0] == 64
    assert (tmp_path / "launchworthy.yaml").read_text() == ACTING
