"""Pages of incidents over a real workspace: what they conclude, what their forms do, and hostile words."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from launchworthy.console import routes
from launchworthy.records import TABLES, Rows
from launchworthy.records.incident import IncidentSource, Was
from launchworthy.server.local import LocalWorkspace
from launchworthy.server.reading import WorkspaceReading
from launchworthy.store import StoreOptions

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CONTRACT = """\
launchworthy: 1
product: shop
owners: {product: ana@shop.example, engineering: wei@shop.example}
workflows:
  answer:
    user: customer
    job: get a sourced answer
    no_answer: refuse
    failures:
      long_wait: {kind: slow, severity: high, fix: model, mitigation: fallback at timeout,
                  watched_by: reliability/timeout}
    reliability: {timeout: {at_most: 5 %}}
"""
HOSTILE = '<script>alert(1)</script>\u202e{{ 7*7 }} "onload=alert(1)'


class Desk:
    """A workspace, its pages, and a clock that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.now, self._calls = NOW, 0
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

    def calls(self, n: int, *, bad: int) -> None:
        rows = []
        for place in range(n):
            self._calls += 1
            failed = place < bad
            rows.append(
                {
                    "trace_id": self._calls.to_bytes(16, "big"), "span_id": self._calls.to_bytes(8, "big"),
                    "product": "shop", "workflow": "answer", "kind": "workflow", "name": "answer",
                    "user_id": f"u-{self._calls}", "release": "r-1", "duration_ms": 10.0,
                    "start_time": int((self.now - timedelta(minutes=1)).timestamp()) * 10**9,
                    "status": "error" if failed else "ok", "error_type": "timeout" if failed else None,
                }
            )  # fmt: skip
        columns = {name: [row.get(name) for row in rows] for name in TABLES["spans"].names}
        self.workspace._store.ingest([Rows("spans", columns)], batch_id=f"b-{self._calls}")
        self.workspace._store.flush()

    def open(self, **more: Any) -> str:
        return self.workspace.open_incident(
            **{"product": "shop", "title": "Answers are late", "by": "ana", **more}
        ).id

    def page(self, path: str) -> tuple[str, str]:
        answer = self.client.get(f"/products/shop/{path}")
        assert answer.status_code == 200, answer.text
        found = re.search(r"<h1>(.*?)</h1>", answer.text, re.DOTALL)
        assert found is not None
        title = re.sub(r"<[^>]*>", "", found[1])
        return " ".join(
            html.unescape(title).replace("✕", "").replace("◌", "").replace("●", "").split()
        ), answer.text

    def send(self, incident_id: str, **fields: str) -> Any:
        _, text = self.page(f"incidents/{incident_id}")
        token = re.search(r'name="token" value="([0-9a-f]+)"', text)
        assert token is not None
        return self.client.post(f"/products/shop/incidents/{incident_id}", data={"token": token[1], **fields})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.workspace.close()


def test_nothing_open_says_so_and_how_to_open_one(desk: Desk) -> None:
    title, text = desk.page("incidents")
    assert title == "No incident of shop is open"
    assert "launchworthy incidents open" in text
    assert desk.client.get("/products/nobody/incidents").status_code == 404
    assert desk.client.get("/products/shop/incidents/i-none").status_code == 404


def test_the_way_from_open_over_watched_to_cured_is_the_title_of_each_page(desk: Desk) -> None:
    desk.calls(200, bad=60)
    desk.workspace.measure_all()
    assert desk.page("incidents")[0] == "1 incident open"
    [one] = desk.workspace.incidents(product="shop")
    title, text = desk.page(f"incidents/{one.id}")
    assert title == "Long wait: open"
    assert "fallback at timeout" in text
    assert "30 % (24.7 to 35.8, n = 200)" in html.unescape(text)
    assert f'href="/traces/{one.traces[0]}"' in text
    assert re.search(r"<option selected>model</option>", text)
    answer = desk.send(one.id, act="fix", text="a larger model", mechanism="model")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/products/shop/incidents/{one.id}")
    title, text = desk.page(f"incidents/{one.id}")
    assert title == "Long wait: fixed, not yet shown to be cured"
    assert "before 50 calls" in text
    assert desk.page("incidents")[0] == "Nothing is open; 1 fix under watch"
    desk.now += timedelta(hours=1)
    desk.calls(400, bad=2)
    desk.workspace.measure_all()
    title, text = desk.page(f"incidents/{one.id}")
    assert title == "Long wait: shown to be cured"
    assert 'aria-label="Rate in production. Before 30 % (' in html.unescape(text)
    title, text = desk.page("failure-modes")
    assert title == "No failure is shown to happen more often; no incident open"
    assert "1 cured, 1 h to the proven fix" in text
    assert desk.send(one.id, act="reopen", text="it is back").status_code == 303
    assert desk.page(f"incidents/{one.id}")[0] == "Long wait: open again"


def test_buttons_note_assign_and_call_noise_by_its_name(desk: Desk) -> None:
    for place in range(6):
        one = desk.open(address="answer/reliability/timeout", source=IncidentSource.MONITOR)
        if place == 0:
            desk.send(one, act="note", text="looking")
            desk.send(one, act="assign", owner="wei")
            text = html.unescape(desk.page(f"incidents/{one}")[1])
            assert "looking" in text
            assert desk.workspace.incident(product="shop", incident_id=one).incident.owner == "wei"
        desk.send(one, act="noise", text="a holiday")
        desk.now += timedelta(minutes=1)
    title, text = desk.page("incidents")
    assert title == "No incident of shop is open"
    assert "timeout is shown to be noise more often than not" in text
    found = desk.workspace.incidents(product="shop")
    assert {each.was for each in found} == {Was.NOISE}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"act": "explode", "text": "x"}, 400),
        ({"act": "fix", "text": "x", "mechanism": "magic"}, 400),
        ({"act": "fix", "text": "x", "mechanism": "model", "gold": "no-such"}, 400),
        ({"act": "noise", "text": " "}, 400),
        ({"act": "reopen", "text": "x"}, 409),
        ({"act": "note", "text": "x", "token": "0" * 64}, 403),
    ],
)
def test_a_form_that_cannot_be_done_says_why_and_changes_nothing(
    desk: Desk, fields: dict[str, str], status: int
) -> None:
    one = desk.open()
    assert desk.send(one, **fields).status_code == status
    detail = desk.workspace.incident(product="shop", incident_id=one)
    assert [each.kind for each in detail.events] == ["opened"]


def field(text: str, act: str, name: str) -> str:
    """The tag of a field in the form that has the button of this act."""
    form = next(each for each in re.findall(r"<form.*?</form>", text, re.DOTALL) if f'value="{act}"' in each)
    found = re.search(rf'<input [^>]*name="{name}"[^>]*>', form)
    assert found is not None, form
    return found[0]


def test_a_refused_form_keeps_what_was_typed_and_points_at_what_is_wrong(desk: Desk) -> None:
    one = desk.open()
    answer = desk.send(
        one, act="fix", text='a "larger" model', mechanism="data", gold="answer/q-1 no-such", release="r-9"
    )
    assert answer.status_code == 400
    text = answer.text
    assert "Not done:" in text
    assert html.unescape(field(text, "fix", "text")).count('value="a "larger" model"') == 1
    assert 'value="answer/q-1 no-such"' in field(text, "fix", "gold")
    assert "autofocus" in field(text, "fix", "gold")
    assert 'value="r-9"' in field(text, "fix", "release")
    assert "autofocus" not in field(text, "fix", "text")
    assert re.search(r"<option selected>data</option>", text)
    assert text.count("<details open>") == 1
    for act in ("noise", "note"):
        assert " value=" not in field(text, act, "text"), "another form is as it was"
    text = desk.send(one, act="noise", text=" ").text
    assert "autofocus" in field(text, "unknown", "text")
    assert text.count("<details open>") == 1


def test_a_step_that_came_too_late_is_refused_on_the_page_as_it_is_now_and_keeps_the_words(
    desk: Desk,
) -> None:
    one = desk.open()
    desk.send(one, act="noise", text="a holiday")
    answer = desk.send(one, act="fix", text="a larger model", mechanism="model")
    assert answer.status_code == 409
    assert 'Not done:</span> <span dir="auto">it is closed' in answer.text
    assert 'value="a larger model"' in field(answer.text, "reopen", "text")


def test_a_forged_form_shows_nothing_of_what_it_says(desk: Desk) -> None:
    answer = desk.send(desk.open(), act="note", text="call 555-0100 to pay", token="0" * 64)
    assert answer.status_code == 403
    assert "555-0100" not in answer.text


def test_hostile_words_are_shown_as_words(desk: Desk) -> None:
    one = desk.open(title=HOSTILE, by=HOSTILE, facts={HOSTILE: HOSTILE}, key=HOSTILE)
    desk.workspace.note_incident(product="shop", incident_id=one, text=HOSTILE, by=HOSTILE)
    refused = {"text": HOSTILE, "mechanism": HOSTILE, "gold": HOSTILE, "release": HOSTILE, "owner": HOSTILE}
    shown = [desk.page(path)[1] for path in ("incidents", f"incidents/{one}", "failure-modes")]
    shown += [desk.send(one, act=act, **refused).text for act in ("fix", HOSTILE)]
    assert "⟨U+202E⟩" in field(shown[3], "fix", "gold")
    desk.send(one, act="assign", owner=HOSTILE)
    desk.send(one, act="unknown", text=HOSTILE)
    shown += [desk.page(path)[1] for path in ("incidents", f"incidents/{one}")]
    for raw in shown:
        assert "<script>alert" not in raw
        assert '"onload=' not in raw
        assert "49" not in re.sub(r"\d{4}-\d\d-\d\d|#\w+|[0-9a-f]{12,}|\?v=\w+", "", raw)
