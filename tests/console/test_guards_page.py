"""The guards' page over a real data folder: what acts, what it hit, and what people say of it."""

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

from launchworthy.cli.guarding.reviewed import reviewed_cases, write_cases
from launchworthy.cli.main import main
from launchworthy.console import routes
from launchworthy.monitor.guards import guard_readings
from launchworthy.records import TABLES, Rows
from launchworthy.server.app import build_app
from launchworthy.server.local import LocalWorkspace
from launchworthy.server.reading import WorkspaceReading
from launchworthy.store import StoreOptions

NOW = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)
PAGE = "/products/support/guards"
CONTRACT = """
launchworthy: 1
product: support
owners: {product: ana@example.com}
roles: [customer, reviewer]
workflows:
  answer: {user: customer, job: get an answer with its source, no_answer: refuse}
guards:
  secrets: {checks: [output], action: block}
  moderation: {checks: [input], action: refuse}
  tone: {checks: [output], action: log, uses: "app_of_the_product:tone"}
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


def ns(days_ago: float) -> int:
    return int((NOW - timedelta(days=days_ago)).timestamp()) * 1_000_000_000


def trace(number: int) -> bytes:
    return number.to_bytes(16, "big")


def stored(workspace: LocalWorkspace, table: str, *rows: dict[str, Any]) -> None:
    columns = {name: [row.get(name) for row in rows] for name in TABLES[table].names}
    receipt = workspace._store.ingest([Rows(table, columns)], batch_id=f"{table}-{rows}"[:200])
    assert workspace._store.wait_until_stored(receipt.seq)


def calls(workspace: LocalWorkspace, number_of: int, **more: Any) -> None:
    rows = [
        {
            "trace_id": trace(number),
            "span_id": number.to_bytes(8, "big"),
            "product": "support",
            "workflow": "answer",
            "kind": "workflow",
            "name": "answer",
            "start_time": ns(number % 3) - number,
            "end_time": ns(number % 3),
            "input": json.dumps([{"role": "user", "content": f"question {number}"}]),
            "output": f"answer {number}",
        }
        | more
        for number in range(1, number_of + 1)
    ]
    stored(workspace, "spans", *rows)


def hit(number: int, guard: str = "moderation", **changes: Any) -> dict[str, Any]:
    facts = {"stage": "input", "action": "shadow", "category": "harm", "score": 0.91} | changes.pop(
        "facts", {}
    )
    return {
        "event_id": f"h{number}",
        "trace_id": trace(number),
        "product": "support",
        "kind": "guard",
        "subject": guard,
        "outcome": "hit",
        "rule": f"support/guards/{guard}",
        "reason": "reads like a request for harm",
        "facts": json.dumps(facts),
        "time": ns(number % 3),
        **changes,
    }


def said(client: TestClient, address: str = PAGE) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return html.unescape(answer.text)


def title(text: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", text, re.DOTALL)
    assert found is not None
    return " ".join(found[1].split())


def test_the_title_says_which_guards_act_and_the_row_says_why_not(client: TestClient) -> None:
    text = said(client)
    assert title(text) == "1 of 3 guards acts; moderation and tone only watch"
    assert "it estimates, and has no calibration on the product's own cases" in text
    assert "No guard hit anything in the last 30 days." in text


def test_code_of_the_product_is_not_loaded_into_the_server(client: TestClient) -> None:
    assert "app_of_the_product" not in said(client)  # it would not be found, and the page would say so


def test_hits_are_shares_of_calls_live_apart_from_shadow(
    client: TestClient, workspace: LocalWorkspace
) -> None:
    calls(workspace, 60)
    live = {"stage": "output", "action": "block", "category": "api_key"}
    stored(
        workspace,
        "decisions",
        *(hit(number) for number in range(1, 7)),
        hit(1, event_id="again"),  # another text of the same call
        hit(7, guard="secrets", facts=live),
        hit(8, outcome="could_not_check"),
        hit(9, simulated=True),
        hit(10, product="other"),
    )
    n, found = guard_readings(
        workspace.query, product="support", since=NOW - timedelta(days=30), until=NOW + timedelta(seconds=1)
    )
    assert n == 60
    moderation, secrets = found["moderation"], found["secrets"]
    assert (moderation.live, moderation.shadow, moderation.unchecked) == (0, 6, 1)
    assert (secrets.live, secrets.shadow) == (1, 0)
    assert [day.calls for day in moderation.days] == [20, 20, 20]
    text = said(client)
    assert "10 % (4.66 to 20.1)" in text  # Wilson of 6 in 60
    assert "moderation day by day" in text
    assert text.count("<svg") == 1
    assert said(client, f"{PAGE}?guard=secrets").count("data-record") > 0


def test_hits_in_calls_of_simulated_users_are_labelled_and_can_be_left_out(
    client: TestClient, workspace: LocalWorkspace
) -> None:
    calls(workspace, 20, simulated=True)
    evaluated: dict[str, Any] = {
        "trace_id": trace(99),
        "span_id": b"12345678",
        "product": "support",
        "kind": "workflow",
    }
    evaluated |= {"name": "answer", "start_time": ns(1), "simulated": True, "cohort": "evaluation"}
    stored(workspace, "spans", evaluated)
    stored(workspace, "decisions", hit(1, simulated=True), hit(99, simulated=True))
    text = said(client)
    assert "20 calls of simulated users in the last 30 days." in text
    assert '<span class="tag">simulated</span> Calls of simulated users, no real one called.' in text
    assert "5 % (" in text  # 1 in 20: an evaluation is no call of a user
    assert text.count('name="hit"') == 1
    left_out = said(client, f"{PAGE}?users=real")
    assert "No guard hit anything in the last 30 days." in left_out
    assert "20 calls of simulated ones left out" in left_out
    stored(workspace, "spans", evaluated | {"trace_id": trace(50), "simulated": None, "cohort": None})
    stored(workspace, "decisions", hit(50, guard="tone"))
    text = said(client)  # as soon as a real user called, the page is about real ones
    assert "1 call in the last 30 days." in text
    assert f'href="{PAGE}?users=simulated"' in text
    assert text.count('name="hit"') == 1


def test_a_hit_leads_to_its_call_and_shows_nothing_as_markup(
    client: TestClient, workspace: LocalWorkspace
) -> None:
    calls(workspace, 3)
    stored(workspace, "decisions", hit(1, reason=HOSTILE, facts={"category": HOSTILE}))
    raw = client.get(PAGE).text
    assert f'href="/traces/{trace(1).hex()}"' in raw
    assert HOSTILE not in raw
    assert html.escape(HOSTILE, quote=False) in raw or "&lt;script&gt;" in raw


def test_a_hit_shows_the_text_that_was_checked_where_records_hold_it(
    client: TestClient, workspace: LocalWorkspace
) -> None:
    calls(workspace, 8)
    inner = {"trace_id": trace(2), "span_id": b"inner---", "product": "support", "kind": "llm", "name": "llm"}
    stored(
        workspace, "spans", inner | {"parent_span_id": b"outer---", "start_time": ns(2), "input": "deeper"}
    )
    asked = json.dumps([{"role": "user", "content": HOSTILE + " long" * 200}])
    root = {"trace_id": trace(9), "span_id": b"12345678", "product": "support", "kind": "llm", "name": "llm"}
    stored(workspace, "spans", root | {"start_time": ns(0), "input": asked})
    of_output = {"stage": "output", "action": "shadow", "category": "harm"}
    stored(
        workspace,
        "decisions",
        hit(2),
        hit(3, facts=of_output),
        hit(4, facts=of_output | {"stage": "retrieved"}),
        hit(5, facts=of_output),
        hit(5, guard="secrets", event_id="stopped", facts=of_output | {"action": "block"}),
        hit(6, facts={"action": "redact"}),
        hit(9),
        hit(17),
    )
    rows = {
        found[0]: " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found[1])).split())
        for found in re.findall(r"/traces/(\w+)\"(.*?)</tr>", client.get(PAGE).text, re.DOTALL)
    }
    shown = {number: rows[trace(number).hex()] for number in (2, 3, 4, 5, 6, 9, 17)}
    assert "question 2 reads like" in shown[2]
    assert "answer 3 reads like" in shown[3]
    assert "question 6 reads like" in shown[6]
    assert not [word for word in ("question", "answer") if word in shown[4] + shown[5] + shown[17]]
    assert f"{HOSTILE} long" in shown[9]
    assert len(shown[9]) < 400


def form(client: TestClient) -> dict[str, str]:
    text = client.get(PAGE).text
    found = dict(re.findall(r'name="(token|back|hit)" value="([^"]*)"', text))
    return {name: html.unescape(value) for name, value in found.items()}


def test_what_a_person_says_of_a_hit_is_kept_and_labels_a_case(
    client: TestClient, workspace: LocalWorkspace, tmp_path: Path
) -> None:
    calls(workspace, 3)
    calls(workspace, 1, attributes=json.dumps({"launchworthy.client": "web"}), trace_id=trace(5))
    stored(
        workspace,
        "decisions",
        hit(1),
        hit(2, facts={"stage": "output"}),
        hit(3, facts={"stage": "tool"}),
        hit(5, facts={"action": "redact"}),
    )
    fields = form(client)
    said_of = (("h1", "right"), ("h1", "false_positive"), ("h2", "right"), ("h3", "right"), ("h5", "right"))
    for name, answer in said_of:
        sent = client.post(
            f"{PAGE}/review", data=fields | {"hit": name, "said": answer}, follow_redirects=False
        )
        assert (sent.status_code, sent.headers["location"]) == (303, f"{PAGE}#hit-{name}")
    workspace._store.flush()
    text = said(client)
    assert "People looked at 4 hits and found 1 wrong." in text
    assert "1 of 4" in text
    cases = reviewed_cases(workspace.query, product="support", guard="moderation")
    assert [(case["id"], case["text"], case["label"]) for case in cases.cases] == [
        ("h1", "question 1", 0),
        ("h2", "answer 2", 1),
    ]
    assert cases.without_text == 2  # of a tool, and masked before it was recorded
    write_cases(tmp_path / "cases.jsonl", cases)
    assert {each.fault.value for each in workspace.audit(product="support")} <= {"no_head"}
    (told,) = workspace.query("SELECT count(*) AS n FROM decisions WHERE kind = 'override'")
    assert told["n"] == 5


def test_a_form_that_is_not_ours_or_of_no_hit_does_nothing(
    client: TestClient, workspace: LocalWorkspace
) -> None:
    stored(workspace, "decisions", hit(1))
    fields = form(client) | {"hit": "h1", "said": "right"}
    for change, status in (
        ({"token": "0" * 64}, 403),
        ({"said": "maybe"}, 400),
        ({"hit": "none"}, 404),
        ({"hit": "' OR 1=1 --"}, 404),
    ):
        answer = client.post(f"{PAGE}/review", data=fields | change)
        assert answer.status_code == status
        # Where the form is ours its page says why, in place; what another sends is not shown beside a token.
        assert ('role="alert"' in answer.text, 'value="h1"' in answer.text) == (("token" not in change),) * 2
    assert reviewed_cases(workspace.query, product="support", guard="moderation").cases == ()


def test_who_acts_in_a_role_of_the_contract_judges_hits_with_a_key_that_may_only_read(
    workspace: LocalWorkspace,
) -> None:
    stored(workspace, "decisions", hit(1))
    app = build_app(workspace, require_key=True, token="t" * 40)
    for name, acts_as, status in (("mia", ["reviewer"], 303), ("app", [], 403), ("noa", ["elsewhere"], 403)):
        browser = TestClient(app, base_url="https://console.example")
        browser.post("/login", data={"key": workspace.add_api_key(name=name, role="read", acts_as=acts_as)})
        fields = form(browser)
        assert ("hit" in fields) == (status == 303)  # nobody gets a button that refuses
        answer = browser.post(f"{PAGE}/review", data=fields | {"said": "right"}, follow_redirects=False)
        assert answer.status_code == status
        assert ("acts in a role of the contract" in answer.text) == (status == 403)
    stranger = TestClient(app, base_url="https://console.example")
    assert stranger.post(f"{PAGE}/review", data={"hit": "h1", "said": "right"}).status_code == 401
    workspace._store.flush()
    told = workspace.query("SELECT decided_by, outcome FROM decisions WHERE kind = 'override'")
    assert [tuple(each.values()) for each in told] == [("mia", "right")]


def test_a_form_leads_back_to_this_server_only(client: TestClient, workspace: LocalWorkspace) -> None:
    stored(workspace, "decisions", hit(1))
    fields = form(client) | {"said": "right", "back": "https://evil.example/"}
    answer = client.post(f"{PAGE}/review", data=fields, follow_redirects=False)
    assert answer.headers["location"] == f"{PAGE}#hit-h1"


def test_a_product_without_a_contract_has_no_such_page(client: TestClient) -> None:
    assert client.get("/products/none/guards").status_code == 404


def test_the_command_says_where_nobody_has_looked(
    workspace: LocalWorkspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace.close()
    arguments = ["guard", "reviewed", "moderation", "--out", str(tmp_path / "c.jsonl")]
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--data", str(tmp_path / "data"), "--product", "support"])
    assert left.value.code == 1
    assert "nobody has looked at a hit of moderation" in capsys.readouterr().err
