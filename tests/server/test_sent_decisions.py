"""From the application to the chain: what the SDK tells of a decision, sent once or again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import launchworthy as lw
from launchworthy.capture.sdk import decision
from launchworthy.capture.sdk.encoding import logs_frame
from launchworthy.evidence import Openness, entry_words
from launchworthy.server.local import LocalWorkspace
from launchworthy.store import StoreOptions
from launchworthy.testing import recording


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[LocalWorkspace]:
    opened = LocalWorkspace.open(tmp_path / "data", options=StoreOptions(min_free_bytes=0))
    yield opened
    opened.close()


def take(workspace: LocalWorkspace, body: bytes, *, batch_id: str) -> tuple[int, str]:
    return workspace.take("logs", body, "application/x-protobuf", "gzip", batch_id)


def test_what_the_sdk_told_is_one_entry_however_often_it_is_sent(workspace: LocalWorkspace) -> None:
    with recording(product="shop", release="r-1") as recorded, lw.workflow("answer", user="ana") as span:
        decision(
            kind="tool_run",
            subject="refund",
            outcome="done",
            rule="tools/refund",
            reason="approved by a lead",
            facts={"approval": "ap-1", "amount": 12.5, "arguments_sha256": "ab" * 32},
        )
        trace = span.trace_id
    frame = logs_frame(recorded.events, resource={})
    for batch_id in ("first", "first", "another"):
        assert take(workspace, frame.body, batch_id=batch_id) == (0, "")
    (entry,) = workspace.audit_trail(product="shop")
    assert (entry.kind, entry.openness, entry.body["release"]) == ("tool_run", Openness.OPEN, "r-1")
    assert entry.body["trace_id"] == trace
    assert "saw amount: 12.5" in entry_words(entry)
    assert [each.seq for each in workspace.audit_trail(product="shop", case="ap-1")] == [1]
    person = str((entry.detail or {})["user_id"])
    assert [each.seq for each in workspace.audit_trail(product="shop", person=person)] == [1]


def test_a_batch_with_a_broken_decision_keeps_the_good_ones(workspace: LocalWorkspace) -> None:
    with recording(product="shop") as recorded:
        decision(kind="guard", subject="pii", outcome="hit")
        decision(kind="gossip", subject="pii", outcome="hit")
    frame = logs_frame(recorded.events, resource={})
    rejected, reason = take(workspace, frame.body, batch_id="b")
    assert rejected == 1
    assert "none of guard" in reason
    assert len(workspace.audit_trail(product="shop")) == 1
