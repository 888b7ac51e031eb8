"""The audit page over a real data folder: whether the chain is whole, and why each entry was decided."""

from __future__ import annotations

import html
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from launchworthy.console import routes
from launchworthy.evidence import Evidence
from launchworthy.records import TABLES, Rows
from launchworthy.server.local import LocalWorkspace
from launchworthy.server.reading import WorkspaceReading
from launchworthy.store import StoreOptions

NOW = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)
PAGE = "/products/shop/audit"
TRACE = "0af7651916cd43dd8448eb211c80319c"
HOSTILE = "<script>alert(1)</script>{{ 7*7 }}\u202eevil"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalWorkspace]:
    monkeypatch.delenv("LAUNCHWORTHY_HEADS", raising=False)
    options = StoreOptions(min_free_bytes=0, flush_interval_s=0.05)
    opened = LocalWorkspace.open(tmp_path / "data", options=options, clock=lambda: NOW)
    yield opened
    opened.close()


def client_of(workspace: LocalWorkspace) -> TestClient:
    return TestClient(Starlette(routes=routes(WorkspaceReading(workspace), clock=lambda: NOW)))


def decide(workspace: LocalWorkspace, **changes: Any) -> None:
    told: dict[str, Any] = {
        "product": "shop",
        "kind": "permission",
        "subject": "refund",
        "outcome": "denied",
        "rule": "tools/refund",
        "reason": "above the limit",
        "facts": {"amount": 120},
        "user": "ana",
        "trace_id": TRACE,
    }
    workspace.decide(**{**told, **changes})


def shown(client: TestClient, **query: str) -> str:
    answer = client.get(PAGE, params=query)
    assert answer.status_code == 200
    return answer.text


def title(page: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)
    assert found is not None
    return html.unescape(re.sub(r"<[^>]+>", "", found[1])).strip()


def numbers(page: str) -> list[str]:
    return re.findall(r'<th scope="row" class="nowrap">([\d,]+)<br>', page)


def test_the_title_says_that_the_chain_is_whole_and_each_row_why(workspace: LocalWorkspace) -> None:
    decide(workspace)
    decide(workspace, kind="approval", subject="ap-1", outcome="approved", by="bo@example.com", user=None)
    workspace.measure_all()
    page = shown(client_of(workspace))
    assert title(page) == "● The audit chain is whole: 2 entries"
    assert numbers(page) == ["2", "1"]
    for told in ("above the limit", "tools/refund", "decided by: bo@example.com", "saw amount: 120"):
        assert told in page
    assert f'href="/traces/{TRACE}"' in page
    assert 'href="/products/shop/approvals/ap-1"' in page


def test_evidence_leads_to_its_claim(workspace: LocalWorkspace) -> None:
    claim = "shop/answer/quality/hit@5"
    workspace.add_evidence("shop", [Evidence(claim=claim, kind="bound", value=0.9, n=10, observed_at=NOW)])
    assert f'href="/products/shop/claims/{claim}"' in shown(client_of(workspace))


def test_filters_stand_in_the_address_and_pages_keep_them(workspace: LocalWorkspace) -> None:
    for place in range(60):
        decide(workspace, subject="refund" if place % 12 else "mail", user="ana" if place % 2 else "bo")
    client = client_of(workspace)
    page = shown(client, tool="refund")
    assert len(numbers(page)) == 50
    older = re.search(r'href="([^"]+)" rel="next"', page)
    assert older is not None
    address = html.unescape(older[1])
    assert "tool=refund" in address
    assert len(numbers(client.get(address).text)) == 5
    assert numbers(shown(client, person="bo", tool="mail")) == ["49", "37", "25", "13", "1"]
    assert len(numbers(shown(client, case=TRACE))) == 50
    assert numbers(shown(client, kind="guard")) == []
    assert "No entry is like that" in shown(client, since="2030-01-01")


def test_a_chain_that_was_tampered_with_says_so_in_the_title(
    workspace: LocalWorkspace, tmp_path: Path
) -> None:
    for _ in range(3):
        decide(workspace)
    workspace.measure_all()
    with sqlite3.connect(tmp_path / "data" / "metadata.sqlite") as metadata:
        metadata.execute("UPDATE ledger SET body = replace(body, 'denied', 'allowed') WHERE seq = 2")
    metadata.close()
    page = shown(client_of(workspace))
    assert title(page).startswith("✕ The audit chain was tampered with: entry 2 does not have the content")


def test_without_heads_the_title_says_that_it_cannot_be_told(workspace: LocalWorkspace) -> None:
    decide(workspace)
    assert title(shown(client_of(workspace))).startswith("◌ Whether the audit chain is whole cannot be told")


def test_what_was_erased_shows_as_its_commitment_only(workspace: LocalWorkspace) -> None:
    decide(workspace)
    workspace.erase_subject(product="shop", user_id="ana", by="me")
    page = shown(client_of(workspace), kind="permission")
    assert "above the limit" not in page
    assert "only the commitment is left" in page


def test_texts_of_others_stay_texts(workspace: LocalWorkspace) -> None:
    decide(workspace, subject=HOSTILE, outcome=HOSTILE, rule=HOSTILE, reason=HOSTILE, by=HOSTILE)
    workspace.record(product="shop", kind="verdict", body={"conclusion": HOSTILE, "release": HOSTILE})
    page = shown(client_of(workspace), person=HOSTILE) + shown(client_of(workspace))
    assert "<script>alert" not in page
    assert "{{ 7*7 }}" in page
    assert "\u202e" not in page


@pytest.mark.parametrize(
    "query",
    [
        {"before": "abc"},
        {"before": "9" * 400},
        {"before": "-1"},
        {"since": "now", "until": "\x00"},
        {"since": "0001-01-01", "until": "9999-12-31T23:59:59-23:59"},
        {"kind": "x" * 5_000},
        {"person": "%' OR 1=1 --"},
    ],
)
def test_an_address_that_cannot_be_meant_is_answered(
    workspace: LocalWorkspace, query: dict[str, str]
) -> None:
    decide(workspace)
    shown(client_of(workspace), **query)


def test_a_product_that_is_not_there_has_no_page(workspace: LocalWorkspace) -> None:
    assert client_of(workspace).get("/products/nothing/audit").status_code == 404


def test_a_trace_says_what_was_decided_in_it_and_leads_to_the_chain(workspace: LocalWorkspace) -> None:
    columns: dict[str, list[Any]] = {name: [None] for name in TABLES["spans"].names}
    start = int(NOW.timestamp()) * 1_000_000_000
    columns |= {"trace_id": [bytes.fromhex(TRACE)], "span_id": [b"s" * 8], "product": ["shop"]}
    workspace._store.ingest([Rows("spans", columns | {"start_time": [start]})], batch_id="b")
    decide(workspace)
    decide(workspace, kind="guard", subject=HOSTILE, outcome="could_not_check", reason=HOSTILE)
    workspace._store.flush()
    answer = client_of(workspace).get(f"/traces/{TRACE}")
    assert answer.status_code == 200
    assert "refund: denied" in answer.text
    assert "tools/refund · above the limit" in answer.text
    assert f'href="/products/shop/audit?case={TRACE}"' in answer.text
    assert "<script>alert" not in answer.text
