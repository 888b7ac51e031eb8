"""A promise whose budget burns opens one incident, with what is lost and when it ends."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from launchworthy.records import TABLES, Rows
from launchworthy.records.incident import IncidentSource
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
