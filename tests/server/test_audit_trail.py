"""What a reviewer reads of the chain: by person, tool, case, kind and time, opened as far as it can be."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from launchworthy.errors import InputError
from launchworthy.evidence import Openness, entry_words
from launchworthy.server.local import LocalWorkspace
from launchworthy.store import StoreOptions

TRACE = "0af7651916cd43dd8448eb211c80319c"
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
Opened = Callable[[], LocalWorkspace]


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workspace(tmp_path: Path, clock: Clock) -> Iterator[LocalWorkspace]:
    opened = LocalWorkspace.open(tmp_path / "data", clock=clock, options=StoreOptions(min_free_bytes=0))
    yield opened
    opened.close()


def decide(workspace: LocalWorkspace, **changes: Any) -> None:
    told: dict[str, Any] = {
        "product": "shop",
        "kind": "permission",
        "subject": "refund",
        "outcome": "denied",
        "rule": "tools/refund/limits/per_call",
        "reason": "120 is above the limit of 100",
        "facts": {"amount": 120, "arguments_sha256": "ab" * 32},
        "user": "ana",
        "trace_id": TRACE,
    }
    workspace.decide(**{**told, **changes})


def test_entries_are_found_by_person_tool_case_and_kind(workspace: LocalWorkspace) -> None:
    decide(workspace)
    decide(workspace, user="bo", trace_id=None, subject="Refund")
    decide(
        workspace, user=None, kind="approval", subject="ap-1", outcome="approved", facts={"tool": "refund"}
    )
    workspace.record(product="shop", kind="note", body={"text": "refund"})

    def found(**where: Any) -> list[int]:
        return [entry.seq for entry in workspace.audit_trail(product="shop", **where)]

    assert found() == [4, 3, 2, 1]
    assert found(person="ana") == [1]
    assert found(person="nobody") == []
    assert found(tool="refund") == [3, 1]
    assert found(case="ap-1") == [3]
    assert found(case=TRACE) == [3, 1]
    assert found(kind="permission") == [2, 1]
    assert found(kind="note") == [4]
    assert found(kind="decision") == [3, 2, 1]
    assert found(tool="re_und") == found(tool='refund","x":"') == found(tool="%") == []
    assert found(before=3, limit=1) == [2]
    assert workspace.audit_trail(product="other") == []


def test_entries_are_found_by_the_time_they_were_appended(workspace: LocalWorkspace, clock: Clock) -> None:
    for _ in range(3):
        decide(workspace)
        clock.now += timedelta(hours=1)
    entries = workspace.audit_trail(product="shop", since=NOW + timedelta(hours=1))
    assert [entry.seq for entry in entries] == [3, 2]
    entries = workspace.audit_trail(product="shop", until=NOW + timedelta(hours=1))
    assert [entry.seq for entry in entries] == [1]


def test_an_entry_says_in_words_why_it_was_decided(workspace: LocalWorkspace) -> None:
    decide(workspace, by="cy@example.com")
    (entry,) = workspace.audit_trail(product="shop")
    assert entry.openness is Openness.OPEN
    words = "\n".join(entry_words(entry))
    for told in (
        "permission: refund → denied",
        "rule: tools/refund/limits/per_call",
        "why: 120 is above the limit of 100",
        "decided by: cy@example.com",
        "saw amount: 120",
        f"trace {TRACE}",
    ):
        assert told in words
    assert "ana" not in words


def test_a_run_says_who_confirmed_it_and_under_which_contract(workspace: LocalWorkspace) -> None:
    facts = {"approval": "ap-1", "confirmed_by": ["cy@example.com", "di@example.com"], "contract": "c-1"}
    decide(workspace, kind="tool_run", outcome="done", rule="shop/tools/refund", facts=facts)
    (entry,) = workspace.audit_trail(product="shop", case="ap-1")
    words = entry_words(entry)
    assert "rule: shop/tools/refund, contract c-1" in words
    assert "confirmed by: cy@example.com, di@example.com" in words


def test_a_verdict_says_what_it_rested_on_and_what_was_unmet(workspace: LocalWorkspace) -> None:
    statuses = {"shop/a/error": "unmet", "shop/a/cost": "met", "shop/tools/refund": "met"}
    body = {"conclusion": "Not ready", "contract": {"version": "c-1"}, "evidence": "ab" * 32, "pieces": 9}
    workspace.record(product="shop", kind="verdict", body={**body, "statuses": statuses})
    workspace.record(product="shop", kind="verdict", body={"statuses": ["?"], "contract": 3})
    odd, entry = (entry_words(each) for each in workspace.audit_trail(product="shop"))
    assert odd[0] == "verdict: ?"
    assert f"saw 9 pieces of evidence, SHA-256 {'ab' * 32}" in entry
    assert entry[-2:] == ["of all claims: met 2, unmet 1", "unmet: a/error"]


def test_a_record_that_was_changed_after_the_fact_is_shown_as_altered(
    workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(workspace)
    query = workspace._store.query

    def changed(sql: str, parameters: Any = ()) -> list[dict[str, Any]]:
        return [{**row, "reason": "he may"} if "reason" in row else row for row in query(sql, parameters)]

    monkeypatch.setattr(workspace._store, "query", changed)
    (entry,) = workspace.audit_trail(product="shop")
    assert entry.openness is Openness.ALTERED
    assert any(line.startswith("ALTERED") for line in entry_words(entry))


def test_an_erased_person_leaves_closed_entries_that_nobody_finds_by_name(workspace: LocalWorkspace) -> None:
    decide(workspace, facts={"contract": "c-0123456789ab", "amount": 120})
    decide(workspace, user="bo", trace_id=None)
    workspace.erase_subject(product="shop", user_id="ana", by="me")
    entries = workspace.audit_trail(product="shop", kind="permission")
    assert [(entry.seq, entry.openness) for entry in entries] == [(2, "open"), (1, "closed")]
    assert entries[1].detail is None
    assert any("erased" in line for line in entry_words(entries[1]))
    assert "rule: tools/refund/limits/per_call, contract c-0123456789ab" in entry_words(entries[1])
    assert workspace.audit_trail(product="shop", person="ana") == []
    workspace.measure_all()
    assert not any(fault.fault.proves_tampering for fault in workspace.audit(product="shop"))


def test_the_same_decision_told_twice_is_one_entry(workspace: LocalWorkspace) -> None:
    for _ in range(2):
        decide(workspace, decision_id="d-1")
    assert len(workspace.audit_trail(product="shop")) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"decision_id": "approval:ap-1:2"},
        {"kind": "rumour"},
        {"subject": " "},
        {"outcome": ""},
        {"trace_id": "xyz"},
        {"trace_id": "ab"},
    ],
)
def test_what_is_no_decision_is_refused(workspace: LocalWorkspace, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        decide(workspace, **wrong)
    assert workspace.ledger_entries(product="shop") == []


def test_heads_are_kept_in_every_folder_that_is_named(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    monkeypatch.setenv("LAUNCHWORTHY_HEADS", os.pathsep.join([str(first), str(second)]))
    options = StoreOptions(min_free_bytes=0)
    workspace = LocalWorkspace.open(tmp_path / "data", clock=clock, options=options)
    decide(workspace)
    workspace.measure_all()
    lines = [(each / "shop" / "heads.jsonl").read_text() for each in (first, second)]
    assert lines[0] == lines[1]
    decide(workspace)
    workspace.close()
    # One folder goes back to an older state: the other still knows.
    (first / "shop" / "heads.jsonl").write_text(lines[0])
    again = LocalWorkspace.open(tmp_path / "data", clock=clock, options=options)
    heads = again.audit_heads(product="shop")
    assert [head.size for head in heads.heads] == [1, 2]
    assert len(heads.heads[-1].root) == 64
    assert again.audit(product="shop") == []
    again.close()


def test_a_folder_of_heads_that_cannot_be_written_does_not_stop_the_other(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file")
    monkeypatch.setenv("LAUNCHWORTHY_HEADS", os.pathsep.join([str(blocked), str(tmp_path / "good")]))
    workspace = LocalWorkspace.open(tmp_path / "data", clock=clock, options=StoreOptions(min_free_bytes=0))
    decide(workspace)
    workspace.measure_all()
    assert json.loads((tmp_path / "good" / "shop" / "heads.jsonl").read_text())["size"] == 1
    assert workspace.audit(product="shop") == []
    workspace.close()


def test_openings_open_what_the_chain_holds(workspace: LocalWorkspace) -> None:
    decide(workspace)
    workspace.record(product="shop", kind="note", body={})
    decide(workspace, user="bo")
    assert [opening.seq for opening in workspace.audit_openings(product="shop")] == [1, 3]
    assert [opening.seq for opening in workspace.audit_openings(product="shop", after=1)] == [3]


def test_heads_that_are_taken_away_while_it_runs_are_not_made_anew(
    workspace: LocalWorkspace, tmp_path: Path
) -> None:
    decide(workspace)
    workspace.measure_all()
    decide(workspace)
    workspace.measure_all()
    assert [head.size for head in workspace.audit_heads(product="shop").heads] == [1, 2]
    shutil.rmtree(tmp_path / "data" / "heads")
    decide(workspace)
    workspace.measure_all()
    assert [fault.fault for fault in workspace.audit(product="shop")] == ["no_head"]
