"""A promise whose budget burns opens one incident, with what is lost and when it ends."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from launchworthy.records import TABLES, Rows
from launchworthy.records.incident import IncidentSource, IncidentState
from launchworthy.server.local import LocalWorkspace

if TYPE_CHECKING:
    from tests.server.conftest import OpenWorkspace

CONTRACT = """
launchworthy: 1
product: shop
owners: {product: ana@shop.example, on_call: lee@shop.example}
workflows:
  answer:
    user: customer
    job: get an answer
    no_answer: refuse
    reliability: {error: {at_most: 1 %}}
    failures:
      down: {kind: missing, severity: critical, fix: model, watched_by: reliability/error}
"""
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def _calls(workspace: LocalWorkspace, now: datetime, *, count: int, failed: float, over: timedelta) -> None:
    rng, rows = random.Random(count), []
    for place in range(count):
        began, trace = int((now - over * (place + 1) / count).timestamp() * 1e9), rng.randbytes(16)
        rows.append(
            {"product": "shop", "workflow": "answer", "kind": "workflow", "name": "answer", "trace_id": trace}
            | {"span_id": trace[:8], "start_time": began, "end_time": began + 10**8, "duration_ms": 100.0}
            | {"received_at": began, "release": "r-1", "status": "error" if rng.random() < failed else "ok"}
        )
    columns: dict[str, Any] = {name: [row.get(name) for row in rows] for name in TABLES["spans"].names}
    workspace._store.ingest([Rows("spans", columns)], batch_id=f"{now}-{count}")
    workspace._store.flush()


def _spend(workspace: LocalWorkspace, since: datetime, until: datetime, *, usd_an_hour: float) -> None:
    """One model call an hour."""
    rows: list[dict[str, Any]] = []
    for hour in range(int((until - since) / timedelta(hours=1))):
        at = since + timedelta(hours=hour)
        trace, began = int(at.timestamp()).to_bytes(16, "big"), int(at.timestamp() * 1e9)
        rows.append(
            {"product": "shop", "workflow": "answer", "kind": "model", "name": "m", "trace_id": trace}
            | {"span_id": trace[8:], "start_time": began, "duration_ms": 9.0, "cost_usd": usd_an_hour}
        )
    columns: dict[str, Any] = {name: [row.get(name) for row in rows] for name in TABLES["spans"].names}
    workspace._store.ingest([Rows("spans", columns)], batch_id=f"{since}-{until}")
    workspace._store.flush()


def test_an_allowance_that_will_not_last_is_told_before_anybody_is_stopped_and_ends_where_it_lasts_again(
    open_workspace_here: OpenWorkspace,
) -> None:
    now = [NOW]
    workspace = open_workspace_here(clock=lambda: now[0])
    text = CONTRACT.replace(
        "    failures:",
        "    limits: {cost_per_workflow: 900 USD/month}\n    failures:\n      dear:"
        " {kind: expensive, severity: high, fix: model, watched_by: economics/cost_per_action}",
    ).replace("    reliability:", "    economics: {cost_per_action: {at_most: 5 USD}}\n    reliability:")
    workspace.register_contract(product="shop", text=text, path="launchworthy.yaml")
    _spend(workspace, NOW - timedelta(days=40), NOW - timedelta(days=8), usd_an_hour=1.0)
    now[0] = NOW - timedelta(days=8)
    workspace.measure_all()
    assert workspace.incidents(product="shop") == []  # 720 of 900 USD a month
    now[0] = NOW
    _spend(workspace, NOW - timedelta(days=8), NOW, usd_an_hour=1.6)
    for _ in range(2):
        workspace.measure_all()
    (one,) = workspace.incidents(product="shop")
    assert (one.source, one.failure_mode, one.severity) == (IncidentSource.BUDGET, "dear", "high")
    assert one.title.startswith("answer/limits/cost_per_workflow: 834 USD of 900 USD/month is spent")
    assert 3 * 86_400 < one.facts["passes_s"] <= one.facts["passes_at_the_latest_s"] < 8 * 86_400
    now[0] = NOW + timedelta(days=9)
    _spend(workspace, NOW, now[0], usd_an_hour=0.5)
    workspace.measure_all()
    (one,) = workspace.incidents(product="shop")
    assert (one.state, one.because) == (IncidentState.CLOSED, "at the pace of now it lasts again")


def test_a_budget_that_burns_opens_one_incident_that_says_when_it_ends(
    open_workspace_here: OpenWorkspace,
) -> None:
    now = [NOW]
    workspace = open_workspace_here(clock=lambda: now[0])
    workspace.register_contract(product="shop", text=CONTRACT, path="launchworthy.yaml")
    _calls(workspace, NOW - timedelta(hours=2), count=2_000, failed=0.0, over=timedelta(days=3))
    workspace.measure_all()
    assert workspace.incidents(product="shop") == []
    _calls(workspace, NOW, count=400, failed=0.4, over=timedelta(hours=1))
    for _ in range(3):
        workspace.measure_all()
    (one,) = workspace.incidents(product="shop")  # that the promise is broken as well joins it
    detail = workspace.incident(product="shop", incident_id=one.id)
    assert [each.kind for each in detail.events] == ["opened", "again"]
    assert (one.source, one.failure_mode, one.severity) == (IncidentSource.BUDGET, "down", "critical")
    assert "of calls in 1 h are bad" in one.title
    assert "times what is allowed; its budget" in one.title
    assert len(one.traces) == 5
    assert one.facts["rate"] > 14.4
