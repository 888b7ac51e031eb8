"""Each decision is one entry of the chain, whatever is sent again, and none outlives its subject readable."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.store.conftest import make_rows

from launchworthy.evidence import commitment, detail_of, is_opened_by, verify
from launchworthy.records import Rows
from launchworthy.store import Store

OpenStore = Callable[..., Store]


def decisions(count: int = 1, *, seed: int = 0, **columns: Any) -> Rows:
    values: dict[str, Any] = {
        "event_id": [f"d{seed}-{place}" for place in range(count)],
        "kind": "permission",
        "subject": "refund",
        "outcome": "denied",
        "rule": "tools/refund",
        "reason": "above the limit of ana",
        "facts": '{"amount":12.5}',
        "user_id": "u_ana",
        **columns,
    }
    return make_rows(count, table="decisions", seed=seed, **values)


def entries(store: Store) -> list[dict[str, Any]]:
    return [json.loads(entry.body) for entry in store.ledger.ledger_entries("shop")]


def test_a_decision_is_in_the_chain_once_it_is_acknowledged(store: Store) -> None:
    store.ingest([decisions(2)], batch_id="b")
    found = entries(store)
    assert [(body["event"], body["kind"], body["outcome"]) for body in found] == [
        ("d0-0", "permission", "denied"),
        ("d0-1", "permission", "denied"),
    ]
    assert store.decisions.entry_numbers("shop", ["d0-1", "nothing"]) == {"d0-1": 2}
    assert all(fault.fault == "no_head" for fault in verify(store.ledger.ledger_entries("shop"), head=None))


def test_what_is_sent_again_in_the_same_or_another_batch_is_one_entry(store: Store) -> None:
    store.ingest([decisions(2)], batch_id="b")
    store.ingest([decisions(2)], batch_id="b")
    store.flush()
    store.ingest([decisions(2), decisions(1, seed=1)], batch_id="c")
    store.ingest([decisions(1, seed=2, event_id=["d0-0"], subject="forged")], batch_id="d")
    store.flush()
    assert [body["event"] for body in entries(store)] == ["d0-0", "d0-1", "d1-0"]
    rows = store.query("SELECT event_id, subject FROM decisions ORDER BY event_id")
    assert [row["event_id"] for row in rows] == ["d0-0", "d0-1", "d1-0"]
    assert {row["subject"] for row in rows} == {"refund"}


def test_a_batch_that_the_log_refuses_adds_nothing_to_the_chain(open_store: OpenStore) -> None:
    def fail(step: str) -> None:
        if step == "ingest.commit":
            raise OSError("the disk went")

    store = open_store(step=fail)
    with pytest.raises(Exception, match="the disk went"):
        store.ingest([decisions(1)], batch_id="b")
    assert entries(store) == []


def test_the_chain_holds_no_reason_no_fact_and_no_person(store: Store) -> None:
    store.ingest([decisions(1, decided_by="bo@example.com", session_id="s_1")], batch_id="b")
    (entry,) = store.ledger.ledger_entries("shop")
    for told in ("ana", "12.5", "bo@example.com", "s_1"):
        assert told not in entry.body


def test_the_records_open_what_the_chain_commits_to_and_nothing_else_does(store: Store) -> None:
    store.ingest([decisions(1)], batch_id="b")
    store.flush()
    (row,) = store.query("SELECT * FROM decisions")
    (salt,) = store.decisions.salts("shop", [row])
    (body,) = entries(store)
    assert salt is not None
    assert is_opened_by(body, detail=detail_of(row), salt=salt)
    assert not is_opened_by(body, detail=detail_of({**row, "reason": "he was allowed to"}), salt=salt)
    assert not is_opened_by(body, detail=detail_of(row), salt=b"x" * 32)
    assert body["who"] == commitment("u_ana", salt=salt, purpose="who")


def test_decisions_on_one_person_share_a_commitment_that_says_nothing_elsewhere(store: Store) -> None:
    store.ingest([decisions(2), decisions(1, seed=1, user_id="u_bo")], batch_id="b")
    store.ingest([decisions(1, seed=2, product="other")], batch_id="c")
    first, second, third = (body["who"] for body in entries(store))
    (other,) = (json.loads(entry.body)["who"] for entry in store.ledger.ledger_entries("other"))
    assert first == second
    assert len({first, third, other}) == 3


def test_erasing_a_person_leaves_the_chain_verifying_and_its_commitments_closed(store: Store) -> None:
    trace = b"t" * 16
    store.ingest(
        [
            decisions(2, trace_id=trace),
            decisions(1, seed=1, user_id=None, trace_id=trace, reason="quietly"),
            decisions(1, seed=2, user_id="u_bo"),
        ],
        batch_id="b",
    )
    before = [entry.hash for entry in store.ledger.ledger_entries("shop")]
    audit = store.erase_subject(product="shop", user_id="u_ana", by="me")
    assert audit["removed"] == {"audit_salts": 2, "decisions": 3}
    after = list(store.ledger.ledger_entries("shop"))
    assert [entry.hash for entry in after][: len(before)] == before
    assert [fault.fault for fault in verify(after, head=None)] == ["no_head"]
    (row,) = store.query("SELECT * FROM decisions")
    assert row["user_id"] == "u_bo"
    gone = {**row, "user_id": "u_ana", "trace_id": trace.hex()}
    assert store.decisions.salts("shop", [gone, row])[0] is None
    assert store.decisions.salts("shop", [row])[0] is not None


def test_a_long_chain_is_read_in_order_and_from_any_place(store: Store) -> None:
    store.ingest([decisions(5_200)], batch_id="b")
    seqs = [entry.seq for entry in store.ledger.ledger_entries("shop")]
    assert seqs == list(range(1, 5_201))
    assert [entry.seq for entry in store.ledger.ledger_entries("shop", after=5_198)] == [5_199, 5_200]
