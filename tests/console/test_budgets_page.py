"""The budgets page over a real data folder: limits, fallbacks, models, incidents."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from launchworthy.console import routes
from launchworthy.records import TABLES, Rows
from launchworthy.server.local import LocalWorkspace
from launchworthy.server.reading import WorkspaceReading
from launchworthy.store import StoreOptions

NOW = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)
CONTRACT = """
launchworthy: 1
product: support
owners: {product: ana@example.com}
workflows:
  answer:
    user: customer
    job: get an answer with its source
    no_answer: refuse
    reliability: {latency_p95: {at_most: 4s}}
    limits: {timeout: 8s, cost_per_action: 0.03 USD, actions_per_user: 10/d}
    fallbacks: [retry_once, route]
"""
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[LocalWorkspace]:
    options = StoreOptions(min_free_bytes=0, flush_interval_s=0.05)
    ticks = count()
    opened = LocalWorkspace.open(
        tmp_path / "data", options=options, clock=lambda: NOW + timedelta(microseconds=next(ticks))
    )
    path = tmp_path / "launchworthy.yaml"
    path.write_text(CONTRACT)
    opened.follow_contract(path)
    yield opened
    opened.close()


@pytest.fixture
def client(workspace: LocalWorkspace) -> TestClient:
    return TestClient(Starlette(routes=routes(WorkspaceReading(workspace), clock=lambda: NOW)))


def _trace(number: int) -> bytes:
    return number.to_bytes(16, "big")


def _ns(hours_ago: float) -> int:
    return int((NOW - timedelta(hours=hours_ago)).timestamp()) * 1_000_000_000


def _stored(workspace: LocalWorkspace, table: str, *rows: dict[str, Any]) -> None:
    columns = {name: [row.get(name) for row in rows] for name in TABLES[table].names}
    receipt = workspace._store.ingest([Rows(table, columns)], batch_id=f"{table}-{rows}"[:200])
    assert workspace._store.wait_until_stored(receipt.seq)


def _call(number: int, *, took_ms: float = 2_000.0, cost: float = 0.01, **more: Any) -> dict[str, Any]:
    return {
        "trace_id": _trace(number), "span_id": number.to_bytes(8, "big"), "product": "support",
        "workflow": "answer", "kind": "workflow", "name": "answer", "start_time": _ns(2), "status": "ok",
        "duration_ms": took_ms, "cost_usd": cost, "user_id": f"u_{number % 4}", **more,
    }  # fmt: skip


def _decision(number: int, kind: str, subject: str, **more: Any) -> dict[str, Any]:
    return {
        "event_id": f"{kind}-{subject}-{number}", "trace_id": _trace(number), "product": "support",
        "workflow": "answer", "kind": kind, "subject": subject, "outcome": "overrun", "time": _ns(2),
        "rule": f"support/answer/limits/{subject}", **more,
    }  # fmt: skip


def _said(client: TestClient) -> tuple[str, str]:
    answer = client.get("/products/support/budgets")
    assert answer.status_code == 200
    text = html.unescape(answer.text)
    found = re.search(r"<h1>(.*?)</h1>", text, re.DOTALL)
    assert found is not None
    return " ".join(found[1].split()), text


def test_before_any_call_no_limit_is_said_to_hold(client: TestClient) -> None:
    title, text = _said(client)
    assert title == "4 limits, and no call to hold against them yet"
    assert text.count("not seen") == 4
    assert "never used" in text


def test_limits_that_hold_are_shown_with_what_was_taken_of_them(
    client: TestClient, workspace: LocalWorkspace
) -> None:
    _stored(workspace, "spans", *(_call(number) for number in range(1, 21)))
    _stored(workspace, "spans", _call(30, took_ms=99_000.0, simulated=True))
    title, text = _said(client)
    assert title == "All 4 limits hold"
    assert "20 calls in the last 30 days, which cost 0.2 USD." in text
    for seen in ("P95 2 s", "longest 2 s", "dearest 0.01 USD", "most 5"):
        assert seen in text
    _stored(workspace, "spans", *(_call(number) for number in range(41, 57)))
    assert _said(client)[0] == "No limit is passed; 1 limit is near"


def test_what_simulated_users_took_is_labelled_and_can_be_left_out(
    client: TestClient, workspace: LocalWorkspace
) -> None:
    _stored(workspace, "spans", *(_call(number, simulated=True) for number in range(1, 9)))
    _stored(workspace, "spans", _call(30, took_ms=99_000.0, simulated=True, cohort="evaluation"))
    _stored(workspace, "decisions", _decision(1, "fallback", "route", simulated=True, rule=None))
    title, text = _said(client)
    assert title == "All 4 limits hold"
    assert "8 calls of simulated users in the last 30 days" in text
    assert '<span class="tag">simulated</span> Calls of simulated users, no real one called.' in text
    assert "longest 2 s" in text  # not that of an evaluation
    assert "12.5 % (" in text  # a fallback in 1 of 8
    left_out = html.unescape(client.get("/products/support/budgets?users=real").text)
    assert left_out.count("not seen") == 4
    assert "8 calls of simulated ones left out" in left_out


def test_an_incident_is_the_title_until_it_is_closed(client: TestClient, workspace: LocalWorkspace) -> None:
    _stored(workspace, "spans", _call(1, took_ms=9_000.0), _call(2))
    facts = json.dumps({"failure_mode": "long_wait"})
    _stored(workspace, "decisions", _decision(1, "budget", "timeout", reason=HOSTILE, facts=facts))
    raw = client.get("/products/support/budgets").text
    title, text = _said(client)
    assert title == "1 incident open: timeout of answer"
    assert "long wait" in text
    assert f'href="/traces/{_trace(1).hex()}"' in raw
    assert 'href="/products/support/claims/support/answer/limits/timeout"' in raw
    assert HOSTILE not in raw
    [one] = workspace.incidents(product="support")
    assert f'href="/products/support/incidents/{one.id}"' in raw
    workspace.close_incident(product="support", incident_id=one.id, by="ana", because="fixed")
    title, text = _said(client)
    assert "incident" not in title
    assert "Closed by ana: fixed" in text


def test_fallbacks_and_the_models_that_failed_before_them(
    client: TestClient, workspace: LocalWorkspace
) -> None:
    _stored(workspace, "spans", *(_call(number) for number in range(1, 21)))
    failed = json.dumps({"failed": [{"name": "vendor/main", "reason": "ConnectionError"}]})
    resting = json.dumps({"failed": [{"name": "vendor/main", "reason": "resting"}]})
    rule = "support/answer/fallbacks/retry_once"
    _stored(
        workspace,
        "decisions",
        _decision(1, "fallback", "retry_once", facts=failed, rule=rule),
        _decision(2, "fallback", "retry_once", facts=resting, rule=rule),
        _decision(3, "fallback", "none", facts="not json at all", rule=None),
        _decision(4, "fallback", HOSTILE, rule=None),
    )
    _, text = _said(client)
    row = re.search(r"retry_once</a>.*?</tr>", text, re.DOTALL)
    assert row is not None
    assert "10 % (" in row[0]  # 2 of 20
    model = re.search(r"vendor/main.*?</tr>", text, re.DOTALL)
    assert model is not None
    assert re.findall(r'<td class="n">([^<]*)</td>', model[0]) == ["1", "1"]
    assert HOSTILE not in client.get("/products/support/budgets").text


def test_a_product_that_is_not_there_is_not_found(client: TestClient) -> None:
    assert client.get("/products/nobody/budgets").status_code == 404


def test_a_budget_that_burns_is_the_title_with_when_it_ends_and_the_newest_bad_calls(
    client: TestClient, workspace: LocalWorkspace
) -> None:
    old = [_call(n, start_time=_ns(24.0 * (1 + n % 20)) + n * 10**6) for n in range(1, 401)]
    now = [_call(n, took_ms=6_000.0, start_time=_ns(0.05) + n * 10**6) for n in range(401, 441)]
    _stored(workspace, "spans", *old, *now)
    title, text = _said(client)
    assert title == "1 budget is burning too fast: answer/reliability/latency_p95"
    assert "5 % of calls may be bad." in text
    assert "of the budget is used; it is used up 20 times as fast as allowed, and ends" in text
    assert "Newest bad ones: " in text
    assert f'href="/traces/{_trace(440).hex()}"' in text
    assert 'aria-label="Budget of answer/reliability/latency_p95 used up.' in text
    cells = r'>1 h and 5 min</th><td class="nowrap" data-th="Used up">20 and .*?>page, has ended</td></tr>'
    assert re.search(cells, text)


def test_an_allowance_shows_what_it_holds_and_when_it_will_be_passed(
    client: TestClient, workspace: LocalWorkspace, tmp_path: Path
) -> None:
    path = tmp_path / "launchworthy.yaml"
    path.write_text(CONTRACT.replace("actions_per_user: 10/d", "cost_per_workflow: 30 USD/week"))
    workspace.follow_contract(path)
    spent = [_call(n, cost=0.1, start_time=_ns(float(n))) for n in range(1, 30 * 24)]
    more = [_call(n, cost=0.1, start_time=_ns(n - 1999.5)) for n in range(2000, 2132)]
    _stored(workspace, "spans", *spent, *more)
    title, text = _said(client)
    assert title == "1 allowance will not last: cost per workflow of answer"
    told = text.partition('aria-labelledby="allowances"')[2]
    assert "of 30 USD/week is spent; it is passed in " in told
    assert re.search(r"What cost per workflow holds of answer\. 29\.\d USD of 30 USD now; ", told)
    path.write_text(CONTRACT.replace("actions_per_user: 10/d", "cost_per_workflow: 90 USD/week"))
    workspace.follow_contract(path)
    _, text = _said(client)
    assert "of 90 USD/week is spent; it lasts, and holds" in text


def test_a_budget_of_which_nothing_was_heard_lately_is_silent_and_not_kept(
    client: TestClient, workspace: LocalWorkspace
) -> None:
    _stored(workspace, "spans", *(_call(n, start_time=_ns(24.0 * 20) + n) for n in range(1, 101)))
    _, text = _said(client)
    told = text.partition('aria-labelledby="burn"')[2].partition("</section>")[0]
    assert "nothing was heard" in told
    assert "it lasts" not in told
    assert 'class="state unproven"' in told
