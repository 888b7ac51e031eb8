"""The drift page over a real data folder: what moved, when nothing did, and evidence that others wrote."""

from __future__ import annotations

import html
import json
import random
import re
from collections.abc import Iterator
from dataclasses import replace
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
product: cards
kind: predictive
owners: {product: ana@example.com}
workflows:
  authorise:
    user: cardholder
    job: stop fraud
    no_answer: defer
monitors:
  score_drift: {signal: score, method: psi, at_most: 0.1, window: 1d, page: product}
  data_drift: {signal: features, method: jensen_shannon, window: 1d, page: product}
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


def _calls(
    workspace: LocalWorkspace, *, days_ago: float, scale: float, seed: int, country: str = "de"
) -> None:
    rng = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for number in range(400):
        amount = scale * rng.lognormvariate(3.0, 0.5)
        began = NOW - timedelta(days=days_ago, seconds=number)
        rows.append(
            {
                "trace_id": rng.randbytes(16), "span_id": rng.randbytes(8), "product": "cards",
                "workflow": "authorise", "kind": "workflow", "name": "authorise", "status": "ok",
                "start_time": int(began.timestamp()) * 1_000_000_000, "duration_ms": 10.0,
                "user_id": f"u-{seed}-{number}",
                "input": json.dumps({"amount": amount, "country": country}),
                "output": json.dumps({"score": min(1.0, amount / 200.0)}),
            }
        )  # fmt: skip
    columns = {name: [row.get(name) for row in rows] for name in TABLES["spans"].names}
    receipt = workspace._store.ingest([Rows("spans", columns)], batch_id=f"spans-{seed}")
    assert workspace._store.wait_until_stored(receipt.seq)


def _page(client: TestClient) -> str:
    answer = client.get("/products/cards/drift")
    assert answer.status_code == 200
    return answer.text


def _text(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_what_moved_is_the_title_with_its_picture_its_cause_and_calls_that_show_it(
    workspace: LocalWorkspace, client: TestClient
) -> None:
    _calls(workspace, days_ago=5.5, scale=1.0, seed=1)
    _calls(workspace, days_ago=0.3, scale=2.0, seed=2)
    workspace.measure(product="cards")
    page = _page(client)
    text = _text(page)
    assert "<h1>Score drift and data drift moved beyond what is tolerated</h1>" in page
    assert "Moved by The world: the release is the same in both periods" in text
    assert "Compared with Its own first calls" in text
    assert re.search(r"amount ✕ drifted jensen shannon 0\.\d+ \([\d.]+ to [\d.]+\) [a-z]", text), (
        "no rows wanted"
    )
    assert re.search(r"Since 2026-11-24", text)
    assert page.count("<svg") >= 4
    assert re.search(r"When Value n 2026-11-24 \d\d:\d\d UTC 0\.\d+ \([\d.]+ to [\d.]+\) 400", text)
    trace = re.search(r"/traces/([0-9a-f]{32})", page)
    assert trace is not None
    assert client.get(trace[0]).status_code == 200
    assert "Drift" in client.get("/products/cards").text


def test_drift_opens_one_incident_of_its_monitor_with_calls_that_show_it(workspace: LocalWorkspace) -> None:
    _calls(workspace, days_ago=5.5, scale=1.0, seed=1)
    _calls(workspace, days_ago=0.3, scale=2.0, seed=2)
    workspace.measure_all()
    workspace.measure_all()
    found = {each.address: each for each in WorkspaceReading(workspace).incidents("cards")}
    assert set(found) == {"cards/monitors/score_drift", "cards/monitors/data_drift"}
    one = found["cards/monitors/score_drift"]
    assert (one.count, one.owner, len(one.traces)) == (1, "product", 5)


def test_what_did_not_move_and_what_nobody_can_say_are_titles_of_their_own(
    workspace: LocalWorkspace, client: TestClient
) -> None:
    assert "<h1>Nothing can be said of score drift and data drift</h1>" in _page(client)
    _calls(workspace, days_ago=5.5, scale=1.0, seed=1)
    _calls(workspace, days_ago=5.4, scale=1.0, seed=3)
    _calls(workspace, days_ago=5.3, scale=1.0, seed=4)
    _calls(workspace, days_ago=0.3, scale=1.0, seed=2)
    _calls(workspace, days_ago=0.2, scale=1.0, seed=5)
    _calls(workspace, days_ago=0.1, scale=1.0, seed=6)
    workspace.measure(product="cards")
    text = _text(_page(client))
    assert "Score drift" not in text.split("Products")[0]
    assert re.search(r"score drift ● met", text)


def test_evidence_that_somebody_else_wrote_cannot_break_or_write_into_the_page(
    workspace: LocalWorkspace, client: TestClient
) -> None:
    _calls(workspace, days_ago=5.5, scale=1.0, seed=1)
    _calls(workspace, days_ago=0.3, scale=2.0, seed=2, country=HOSTILE)
    measured = workspace.measure(product="cards")
    piece = next(each for each in measured if each.claim == "cards/monitors/score_drift")
    oddities: tuple[dict[str, Any], ...] = (
        {"drift": HOSTILE, "worst": HOSTILE, "features": HOSTILE, "needed": HOSTILE},
        {"drift": {"columns": [HOSTILE, {"name": None, "state": [], "bars": [[1], ["a", 2, "b"]]}]}},
        {"drift": {"columns": {"a": 1}}, "cause": 3, "reference": [HOSTILE], "worst": [{"trace": 5}]},
        {"drift": {"columns": [{"name": HOSTILE, "told": HOSTILE, "bars": [[HOSTILE, 0.5, 0.5]]}]}},
    )
    for number, odd in enumerate(oddities):
        written = replace(
            piece, detail=odd, observed_at=NOW + timedelta(milliseconds=number), source="file:x"
        )
        workspace.add_evidence("cards", [written])
        page = _page(client)
        assert HOSTILE not in page


def test_a_product_without_such_a_monitor_is_told_how_to_name_one(
    workspace: LocalWorkspace, client: TestClient, tmp_path: Path
) -> None:
    assert client.get("/products/nobody/drift").status_code == 404
    path = tmp_path / "launchworthy.yaml"
    path.write_text(CONTRACT.partition("monitors:")[0])
    workspace.follow_contract(path)
    page = _page(client)
    assert "<h1>Nothing is watched for drift</h1>" in page
    assert "signal: input, method: classifier" in page


def test_what_the_proof_stands_on_and_levels_stand_beside_drift_with_their_state(
    workspace: LocalWorkspace, client: TestClient, tmp_path: Path
) -> None:
    path = tmp_path / "launchworthy.yaml"
    standing = """
  prices: {signal: prices, window: 7d, page: product}
  refusals: {signal: no_answer, at_most: 40 %, window: 7d, page: product}
  model_down: {inject: [model_timeout], every: 90d, page: product}
"""
    path.write_text(CONTRACT.rstrip() + standing)
    _calls(workspace, days_ago=0.3, scale=1.0, seed=1)
    _unpriced(workspace)
    workspace.measure(product="cards")
    page = _page(client)
    assert "<h1>Not as promised: prices; of 2 nothing can be said</h1>" in page
    text = _text(page)
    assert re.search(r"What else is watched .* prices ✕ unmet whether model calls cost what the table", text)
    assert re.search(r"refusals ● met the level of no answer 0 % ", text)
    assert "model down" not in text  # a drill moves nothing
    link = re.search(r'href="(/products/cards/claims/cards/monitors/prices)"', page)
    assert link is not None
    assert client.get(link[1]).status_code == 200


def test_each_monitor_of_the_proof_leads_to_the_page_that_shows_it(
    workspace: LocalWorkspace, client: TestClient, tmp_path: Path
) -> None:
    contract = (
        CONTRACT.partition("monitors:")[0]
        + """
gold: {authorise: {file: gold.jsonl}}
monitors:
  age: {signal: gold/authorise/age, at_most: 90d, window: 30d, page: product}
  coverage: {signal: gold/authorise/coverage, window: 7d, page: product}
"""
    )
    (tmp_path / "launchworthy.yaml").write_text(contract)
    page = _page(client)
    assert "<h1>Nothing can be said of age and coverage</h1>" in page
    assert 'href="/gold/cards/authorise"' in page
    assert 'href="/gold/cards/authorise/coverage"' in page


def _unpriced(workspace: LocalWorkspace) -> None:
    """Model calls that nobody knows the price of."""
    rng = random.Random(9)
    rows = [
        {
            "trace_id": rng.randbytes(16), "span_id": rng.randbytes(8), "product": "cards", "kind": "model",
            "workflow": "authorise", "name": "chat", "status": "ok", "duration_ms": 10.0,
            "provider": "vendor", "model": "brand-new", "input_tokens": 10, "output_tokens": 10,
            "start_time": int((NOW - timedelta(hours=2)).timestamp()) * 1_000_000_000,
        }
        for _ in range(50)
    ]  # fmt: skip
    columns = {name: [row.get(name) for row in rows] for name in TABLES["spans"].names}
    receipt = workspace._store.ingest([Rows("spans", columns)], batch_id="models")
    assert workspace._store.wait_until_stored(receipt.seq)
