"""A ramp whose first stage shows the candidate to nobody: it goes on by what its shadows took."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from launchworthy.console.routing import routes
from launchworthy.records import TABLES, Release, Rows
from launchworthy.rollout.ramp import IN_SHADOW
from launchworthy.server.reading import WorkspaceReading

CONTRACT = """
launchworthy: 1
product: support
owners: {product: ana@example.com}
release: {model: {name: vendor/new}}
workflows:
  answer:
    user: customer
    job: get an answer
    no_answer: refuse
    reliability: {latency_p95: {at_most: 1s}}
rollout:
  stages:
    - {name: shadow, share: 0 %, for: 1h, sample: 400}
    - {name: pilot, share: 5 %, needs: [reliability]}
    - {name: launch, share: 100 %}
"""
OLD = Release({"model": "vendor/old"})


def test_a_shadow_stage_collects_and_decides_and_steps_on(open_workspace_here: Any) -> None:
    now = [datetime(2026, 11, 25, 9, tzinfo=UTC)]
    workspace = open_workspace_here(clock=lambda: now[0])
    workspace.register_contract(product="support", text=CONTRACT, path="launchworthy.yaml")
    workspace._store.registry.register_release(OLD, product="support")
    _calls(workspace, now[0], release=OLD.id, cohort="baseline", n=50)
    new = workspace.start_ramp(product="support", release=None, baseline=None, by="ana")["release"]

    def evaluated() -> dict[str, Any]:
        found = workspace.evaluate_ramp(product="support")
        assert isinstance(found, dict)
        return found

    def asked() -> tuple[object, str | None]:
        time.sleep(0.3)  # a step is in force a quarter of a second later
        decision = workspace.flagging.current("support").evaluates["release"]("user-1", {})
        return decision.value, decision.rule

    assert evaluated()["stage"] == "shadow"
    assert asked() == (OLD.id, IN_SHADOW)
    now[0] += timedelta(hours=2)
    waiting = evaluated()
    assert waiting["next"]["because"] == f"shadow has seen 0 of 400 calls of {new} in shadow"
    assert waiting["shadow"] is None
    _calls(workspace, now[0], release=new, cohort="shadow", n=399)
    assert evaluated()["next"]["because"] == f"shadow has seen 399 of 400 calls of {new} in shadow"
    now[0] += timedelta(minutes=10)
    _calls(workspace, now[0], release=new, cohort="shadow", n=1)
    last = evaluated()
    assert last["stage"] == "pilot", last["next"]
    assert asked()[1] != IN_SHADOW
    ramp = workspace.ramps(product="support")[0]
    assert ramp["shadow"]["calls"] == 400
    page = TestClient(Starlette(routes=routes(WorkspaceReading(workspace), clock=lambda: now[0])))
    text = " ".join(page.get("/products/support/rollout").text.split())  # spaces before units do not break
    assert "400 calls in shadow, 95 % within 100 ms" in text
    # In the next stage somebody has to have it: what goes on in shadow is no sign of life.
    now[0] += timedelta(hours=1)
    _calls(workspace, now[0], release=new, cohort="shadow", n=10)
    assert evaluated()["next"]["because"].startswith(f"nothing was heard of {new}")


def _calls(workspace: Any, now: datetime, *, release: str, cohort: str, n: int) -> None:
    began = int((now - timedelta(minutes=5)).timestamp() * 1e9)
    rows = [
        {
            "product": "support",
            "workflow": "answer",
            "kind": "workflow",
            "status": "ok",
            "release": release,
            "cohort": cohort,
            "user_id": f"u-{number}",
            "trace_id": f"{release[-6:]}{number:010d}".encode(),
            "span_id": f"{number:08d}".encode(),
            "start_time": began,
            "received_at": began,
            "duration_ms": 100.0,
        }
        for number in range(n)
    ]
    columns = {name: [row.get(name) for row in rows] for name in TABLES["spans"].names}
    workspace._store.ingest([Rows("spans", columns)], batch_id=f"{release}-{now}")
    workspace._store.flush()
