"""What ledger and registered releases show of a model's age and of a decision, measured by the workspace."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from launchworthy.evidence import Evidence, State
from launchworthy.records import Release
from launchworthy.records.incident import Was

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.conftest import OpenWorkspace, TraceRequest

BLOCKS = """
release: {model: {algorithm: trees, artifact: model.onnx}, training: {retrain: 30d}}
decisions:
  trees: {chosen: trees, over: a network, revisit: {answer/reliability/latency_p95: {at_least: 1s, for: 30d}}}
"""


def test_a_model_ages_over_releases_and_a_decision_is_reopened_by_the_ledger(
    open_workspace_here: OpenWorkspace, contract_file: Path, trace_request: TraceRequest
) -> None:
    now = datetime.now(UTC)
    clock = [now - timedelta(days=40)]
    workspace = open_workspace_here(clock=lambda: clock[0])
    contract_file.write_text(contract_file.read_text() + BLOCKS)
    contract_file.with_name("model.onnx").write_bytes(b"trained once")
    workspace.follow_contract(contract_file)
    known = workspace.contracts.in_force("docs-bot")
    assert known is not None
    release = workspace.judge.described(known)
    assert release is not None
    # The first release with this model had another policy, forty days ago.
    workspace.register_release(Release({**release.parts, "policy": "old"}), product="docs-bot")
    slow = Evidence(
        claim="docs-bot/answer/reliability/latency_p95",
        kind="bound",
        value=1_500.0,
        low=1_400.0,
        high=1_600.0,
        n=900,
        unit="ms",
        producer="test",
        observed_at=clock[0],
    )
    workspace.add_evidence("docs-bot", [slow])
    clock[0] = now
    workspace.register_release(release, product="docs-bot")
    body, _ = trace_request(
        2, attributes={"launchworthy.release": release.id, "launchworthy.kind": "workflow"}
    )
    assert workspace.take("traces", body, "application/x-protobuf", None, "b") == (0, "")
    clock[0] = now + timedelta(seconds=5)
    found = {piece.claim: piece for piece in workspace.measure(product="docs-bot")}
    model = found["docs-bot/release/training/retrain"]
    assert model.value == pytest.approx(40 * 86_400e3, rel=1e-3)
    assert model.release == release.id
    assert "no evidence of it since" in found["docs-bot/decisions/trees"].detail["reason"]
    workspace.add_evidence("docs-bot", [replace(slow, observed_at=now)])
    decided = {piece.claim: piece for piece in workspace.measure(product="docs-bot")}[
        "docs-bot/decisions/trees"
    ]
    assert decided.value == 1.0
    verdict = workspace.judge.verdict("docs-bot")
    assert verdict is not None
    states = {each.claim.address: each.state for each in verdict.statuses}
    assert states["docs-bot/decisions/trees"] is State.UNMET
    assert states["docs-bot/release/training/retrain"] is State.UNMET


def test_a_test_page_is_answered_by_somebody_else_within_an_hour(
    open_workspace_here: OpenWorkspace, contract_file: Path
) -> None:
    clock = [datetime(2026, 11, 24, 9, tzinfo=UTC)]
    workspace = open_workspace_here(clock=lambda: clock[0])
    text = contract_file.read_text().replace("owners: {", "owners: {on_call: pager@example.com, ")
    contract_file.write_text(text + "attest: {escalation: {by: on_call, every: 30d, drill: page}}\n")
    workspace.follow_contract(contract_file)
    address = "docs-bot/attest/escalation/drill"

    def state() -> tuple[str, str]:
        clock[0] += timedelta(seconds=1)
        workspace.measure(product="docs-bot")
        verdict = workspace.judge.verdict("docs-bot")
        assert verdict is not None
        own = next(each for each in verdict.statuses if each.claim.address == address)
        assert own.claim.prover == "incidents"
        return own.state.value, own.reason

    def page() -> str:
        return workspace.open_incident(
            product="docs-bot", title="Test page", address=address, severity="critical", by="ana"
        ).id

    assert state() == ("unproven", "no evidence yet")
    first = page()
    assert "nobody has answered yet" in state()[1]
    workspace.note_incident(product="docs-bot", incident_id=first, text="is anybody there?", by="ana")
    clock[0] += timedelta(minutes=61)
    assert state()[0] == "unmet"  # who sent it does not answer it
    workspace.close_incident(
        product="docs-bot", incident_id=first, was=Was.NOISE, by="ana", because="nobody came"
    )
    clock[0] += timedelta(days=1)
    second = page()
    clock[0] += timedelta(minutes=7)
    workspace.assign_incident(product="docs-bot", incident_id=second, owner="bo", by="bo")
    assert state()[0] == "met"
    clock[0] += timedelta(days=30)
    assert state()[0] == "unproven"  # a page ages, whenever it is looked at
