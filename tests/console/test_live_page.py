"""The page of live traffic over a real workspace: figures of the hour, what is silent, hostile words."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from launchworthy.console import routes
from launchworthy.records import TABLES, Rows
from launchworthy.server.local import LocalWorkspace
from launchworthy.server.reading import WorkspaceReading
from launchworthy.store import StoreOptions

NOW = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)
CONTRACT = """\
launchworthy: 1
product: shop
owners: {product: ana@shop.example}
workflows:
  answer: {user: customer, job: get a sourced answer, no_answer: refuse}
  reorder: {user: customer, job: order the same again, no_answer: ask}
"""
HOSTILE = '<script>alert(1)</script>\u202e{{ 7*7 }} "onload=alert(1)'


class Desk:
    """A workspace with calls, and its pages."""

    def __init__(self, folder: Path) -> None:
        self.now, self._made = NOW, 0
        self.workspace = LocalWorkspace.open(
            folder / "data",
            clock=lambda: self.now,
            options=StoreOptions(min_free_bytes=0, flush_interval_s=0.02),
        )
        (folder / "launchworthy.yaml").write_text(CONTRACT)
        self.workspace.follow_contract(folder / "launchworthy.yaml")
        reading = WorkspaceReading(self.workspace)
        self.client = TestClient(
            Starlette(routes=routes(reading, clock=lambda: self.now)), follow_redirects=False
        )

    def call(self, *, minutes_ago: float, cost_usd: float | None = None, **more: Any) -> None:
        """One call, with the model that it asked where it cost something."""
        self._made += 1
        trace, start = self._made.to_bytes(16, "big"), int((self.now.timestamp() - 60 * minutes_ago) * 1e9)
        root = {
            "trace_id": trace, "span_id": self._made.to_bytes(8, "big"), "product": "shop", "name": "answer",
            "workflow": "answer", "kind": "workflow", "release": "r-1", "status": "ok", "duration_ms": 100.0,
            "start_time": start, **more,
        }  # fmt: skip
        rows = [root]
        if cost_usd is not None:
            rows.append(
                {
                    **root, "span_id": (1_000_000 + self._made).to_bytes(8, "big"), "kind": "model",
                    "parent_span_id": root["span_id"], "cost_usd": cost_usd, "start_time": start + 1,
                }
            )  # fmt: skip
        columns = {name: [row.get(name) for row in rows] for name in TABLES["spans"].names}
        self.workspace._store.ingest([Rows("spans", columns)], batch_id=f"b-{self._made}")
        self.workspace._store.flush()

    def page(self, query: str = "") -> str:
        answer = self.client.get(f"/products/shop/live{query}")
        assert answer.status_code == 200, answer.text
        return answer.text


def title(text: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", text, re.DOTALL)
    assert found is not None
    return " ".join(html.unescape(found[1]).split())


def rows(text: str, label: str) -> list[list[str]]:
    """Cells of the table in the region of this name, without its head."""
    region = text.partition(f'aria-label="{label}"')[2].partition("</table>")[0]
    return [
        [
            " ".join(html.unescape(re.sub(r"<[^>]*>", "", cell)).split())
            for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr>(.*?)</tr>", region, re.DOTALL)[1:]
    ]


def figures(text: str) -> dict[str, str]:
    found = re.findall(r"<div><dt>(.*?)</dt><dd[^>]*>(.*?)</dd></div>", text)
    return {name: html.unescape(value) for name, value in found}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.workspace.close()


def test_where_only_simulated_users_ever_called_it_is_their_silence_that_is_told(desk: Desk) -> None:
    desk.call(minutes_ago=300, simulated=True)
    assert title(desk.page()).startswith("Silent since 2026-")
    assert "no real one called" in desk.page()
    assert title(desk.page("?users=real")) == "No call yet"
    desk.call(minutes_ago=400)
    assert "no real one called" not in desk.page(), "since one real user did, they are who is silent"


def test_before_the_first_call_it_says_how_to_send_one(desk: Desk) -> None:
    text = desk.page()
    assert title(text) == "No call yet"
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://testserver python app.py" in text


def test_the_hour_is_counted_by_workflow_release_and_cohort(desk: Desk) -> None:
    took = [100.0, 200.0, 300.0, 400.0]
    for place, ms in enumerate(took):
        desk.call(minutes_ago=place, duration_ms=ms, cost_usd=0.01)
    desk.call(minutes_ago=30, duration_ms=900.0, status="error", error_type="timeout", release="r-2")
    desk.call(minutes_ago=31, duration_ms=50.0, no_answer="refuse", release="r-2", cohort="pilot")
    desk.call(minutes_ago=65, workflow="old")
    text = desk.page()
    assert title(text) == "4 calls in the last 5 minutes, none failed"
    all_ms = [*took, 900.0, 50.0]
    shown = figures(text)
    assert shown["Calls a minute"] == "0.1"
    assert (shown["Failed"], shown["Without an answer"]) == ("16.7 %", "16.7 %")
    assert shown["P50"] == f"{np.quantile(all_ms, 0.5):g} ms"
    assert shown["P95"] == f"{np.quantile(all_ms, 0.95):g} ms"
    assert shown["Cost an hour"] == "0.04 USD"
    assert [(row[0], row[1], row[2], row[3]) for row in rows(text, "By release and cohort")] == [
        ("r-1", "", "4", "0 %"),
        ("r-2", "", "1", "100 %"),
        ("r-2", "pilot", "1", "0 %"),
    ]
    assert [(row[0], row[1], row[-1]) for row in rows(text, "By workflow")] == [
        ("answer", "6", "12:00:30"),
        ("reorder", "0", "○ never called"),
        ("old", "0", "○ silent since 2026-11-24 10:00"),
    ]
    assert [row[2] for row in rows(text, "Newest calls")][-2:] == ["✕ timeout", "○ refused"]


def test_the_day_is_told_by_hour_with_latency_within_one_percent(desk: Desk) -> None:
    took = [3.0 * place * place for place in range(1, 41)]
    for place, ms in enumerate(took):
        # Two workflows and releases, of which an hour adds up what is kept apart.
        desk.call(
            minutes_ago=61 + place,
            duration_ms=ms,
            workflow=("answer", "reorder")[place % 2],
            release=f"r-{place % 3}",
            status="error" if place < 4 else "ok",
        )
    desk.call(minutes_ago=0)
    desk.call(minutes_ago=90, cohort="shadow")
    desk.call(minutes_ago=90, simulated=True)
    desk.call(minutes_ago=60 * 24)
    text = desk.page()
    hours = rows(text, "By hour")
    assert len(hours) == 24
    assert hours[0] == ["2026-11-24 12:00", "1", "0 %", "100 ms", "100 ms"]
    assert hours[1] == ["2026-11-24 11:00", "0", "", "", ""]
    name, n, failed, p50, p95 = hours[2]
    assert (name, n, failed) == ("2026-11-24 10:00", "40", "10 %")
    told = [1e3 * float(each.removesuffix(" s")) for each in (p50, p95)]
    np.testing.assert_allclose(told, np.quantile(took, [0.5, 0.95], method="inverted_cdf"), rtol=0.015)
    assert "41 calls in 24 hours, 4 failed; at most 40 in one, 22 hours without any" in text
    assert "P50 and P95 by hour: 100 ms to 1.2 s and 100 ms to 4.32 s" in text
    # The newest workflow of the hour is silent now, and what ended a day ago is told no more.
    assert "2026-11-23 12:00" not in text


def test_silence_is_said_and_never_shown_as_no_failure(desk: Desk) -> None:
    desk.call(minutes_ago=0)
    desk.now += timedelta(minutes=12)
    assert title(desk.page()) == "Silent for 12 minutes"
    desk.now += timedelta(hours=3)
    text = desk.page()
    assert title(text) == "Silent since 2026-11-24 12:00 UTC, to the hour"
    assert "none failed" not in text


def test_evaluations_and_shadows_are_no_traffic_and_simulated_users_stand_apart(desk: Desk) -> None:
    desk.call(minutes_ago=1, cohort="evaluation")
    desk.call(minutes_ago=1, cohort="shadow")
    desk.call(minutes_ago=1, simulated=True)
    text = desk.page()
    assert title(text) == "1 call in the last 5 minutes, none failed"
    assert "Calls of simulated users, no real one called." in text
    desk.call(minutes_ago=1)
    desk.call(minutes_ago=1, status="error")
    assert title(desk.page()) == "2 calls in the last 5 minutes, 1 failed"
    assert title(desk.page("?users=simulated")) == "1 call in the last 5 minutes, none failed"


def test_it_asks_again_until_it_is_told_to_stand_still(desk: Desk) -> None:
    desk.call(minutes_ago=1)
    text = desk.page("?users=real")
    assert 'hx-get="/products/shop/live?users=real" hx-trigger="every 10s"' in text
    assert '<a href="/products/shop/live?users=real&amp;still=1">Stand still</a>' in text
    assert "hx-trigger" not in desk.page("?users=real&still=1").partition("<main")[2]
    hostile = desk.page('?users="><script>&still=<script>')
    assert "<script>&" not in hostile


def test_what_a_caller_wrote_is_shown_as_text(desk: Desk) -> None:
    desk.call(
        minutes_ago=1, workflow=HOSTILE, release=HOSTILE, cohort=HOSTILE, name=HOSTILE, status="error",
        error_type=HOSTILE, input=HOSTILE,
    )  # fmt: skip
    text = desk.page()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "\u202e" not in text
    assert "49" not in "".join(cell for row in rows(text, "Newest calls") for cell in row[1:])
