"""What single items of a holdout asked is shown to nobody whose look is not recorded."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from tests.console.conftest import press
from tests.console.judged import PRODUCT, REASON

from launchworthy.console import routes
from launchworthy.console.forms import system_user
from launchworthy.gold import SEALED, GoldItem, freeze, looks_spent, read_items
from launchworthy.records import Run, RunItem, Score
from launchworthy.server.app import build_app
from launchworthy.server.local import LocalWorkspace

NOW = datetime(2026, 11, 24, tzinfo=UTC)
BASELINE, CANDIDATE, JUDGED = "20261123-080000-beef", "20261124-080000-cafe", "20261124-070000-f00d"
RUN = f"/runs/{CANDIDATE}"
COMPARE = f"/runs/compare?baseline={BASELINE}&candidate={CANDIDATE}"
ASKED, ANSWERED, EXPECTED = "merge two dicts", "Use dict.update.", "dict.update, collections.ChainMap"


@pytest.fixture
def own(world: Any) -> Any:
    return replace(world, seen=list(world.seen), golds=list(world.golds), gold=dict(world.gold))


@pytest.fixture
def client(own: Any, moment: datetime) -> TestClient:
    return TestClient(Starlette(routes=routes(own, clock=lambda: moment)))


def contents(own: Any) -> list[str]:
    """Texts of single items that no closed page may hold."""
    texts = {str(item.input) for item in own.items[CANDIDATE]} | {ANSWERED, EXPECTED}
    return [text for text in texts if "<" not in text]


@pytest.mark.parametrize("address", [RUN, f"{RUN}?page=2&slice=plain", f"{RUN}/items/q-001", COMPARE])
def test_figures_are_shown_and_what_single_items_asked_is_not(
    client: TestClient, own: Any, address: str
) -> None:
    before = list(own.seen)
    text = html.unescape(client.get(address).text)
    assert not [content for content in contents(own) if content in text]
    assert "Look at holdout items" in text
    assert "3 of 20 used" in text
    assert f"under the name of {system_user()}" in text
    if "items" not in address:
        assert "hit@5" in text
    assert own.seen == before, "to be shown figures is no look"


def test_a_look_is_recorded_with_who_and_when_before_anything_is_shown(
    client: TestClient, own: Any, moment: datetime
) -> None:
    text = html.unescape(press(client, f"{RUN}?page=2").text)
    assert "51 to 100 of 180" in text, "it comes back to where it was pressed"
    assert ANSWERED in text
    look = own.seen[-1]
    assert (look.split, look.purpose, look.by, look.at) == (
        "holdout",
        f"console run {CANDIDATE}",
        system_user(),
        moment,
    )
    assert ANSWERED in client.get(f"{RUN}/items/q-001").text
    assert "its holdout was read 4 of 20 times" in client.get("/gold/python-docs/answer").text
    assert f'href="{RUN}"' in client.get("/gold/python-docs/answer").text


def test_one_reader_pays_once_for_a_run_and_again_for_another(client: TestClient, own: Any) -> None:
    before = len(own.seen)
    press(client, COMPARE)
    assert len(own.seen) == before + 2, "a comparison shows the answers of two runs"
    assert "▼ worse" in client.get(COMPARE).text
    first = client.get(f"/runs/{JUDGED}").text
    token = first.partition('name="token" value="')[2].partition('"')[0]
    for _ in range(2):
        assert client.post("/look", data={"token": token, "run": CANDIDATE, "back": RUN}).status_code == 200
    assert len(own.seen) == before + 2
    assert "Look at holdout items" in first


def test_the_words_of_a_judge_and_of_a_claims_worst_items_are_kept_back_too(client: TestClient) -> None:
    judge = f"/products/{PRODUCT}/judges/grounding-v2"
    assert "Look at holdout items" in client.get(judge).text
    assert REASON not in html.unescape(client.get(judge).text)
    assert "reasons are not kept" not in client.get(judge).text
    assert REASON in html.unescape(press(client, judge).text)
    claim = "/products/python-docs/claims/python-docs/answer/quality/hit@5"
    assert "Behind the number" in client.get(claim).text
    asked = '<td class="text fill" dir="auto">'
    assert asked not in client.get(claim).text
    press(client, RUN)
    assert asked in client.get(claim).text


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"token": ""}, 403),
        ({"token": "0" * 64}, 403),
        ({"run": "no-such-run"}, 404),
        ({"run": ""}, 400),
        ({"back": "x" * 20_000}, 400),
    ],
)
def test_a_form_that_is_not_ours_records_nothing(
    client: TestClient, own: Any, changed: dict[str, str], status: int
) -> None:
    before = list(own.seen)
    answer = press(client, RUN, **changed)
    assert answer.status_code == status
    assert own.seen == before
    # A page that the reader came from says why and offers the button again; a stranger's form shows none.
    assert ("Look at holdout items" in answer.text) == (set(changed) == {"run"})
    assert ('role="alert"' in answer.text) == (set(changed) == {"run"})


@pytest.mark.parametrize("back", [RUN, COMPARE, "/nowhere", "//evil.example/", "/runs/%00", ""])
def test_a_look_that_is_refused_shows_the_page_it_came_from(client: TestClient, back: str) -> None:
    answer = press(client, RUN, run="no-such-run", back=back)
    assert (answer.status_code, "evil.example" in answer.text) == (404, False)
    assert "no-such-run" in answer.text
    assert ("Look at holdout items" in answer.text) == (back in (RUN, COMPARE))


@pytest.mark.parametrize("back", ["//evil.example/x", "https://evil.example", "/\\evil.example", "/\r\nx: y"])
def test_a_look_leads_to_no_other_host(client: TestClient, back: str) -> None:
    answer = press(client, RUN, back=back)
    assert answer.url.path == RUN
    assert answer.url.host == "testserver"


def test_a_look_is_no_get(client: TestClient, own: Any) -> None:
    before = list(own.seen)
    assert client.get(f"/look?run={CANDIDATE}").status_code in (404, 405)
    assert own.seen == before


def test_of_a_run_on_both_splits_only_the_dev_items_are_shown(client: TestClient, own: Any) -> None:
    run = own.run(CANDIDATE)
    version = next(each for each in own.golds if each.version == run.gold.partition("@")[2])
    own.headers = [replace(run, split="all"), *(each for each in own.headers if each.id != run.id)]
    own.gold[version.version] = [
        GoldItem(id="q-001", input="shown"),
        GoldItem(id="q-002", input="kept", split="holdout"),
    ]
    text = client.get(RUN).text
    assert 'id="item-q-001"' in text
    assert 'id="item-q-002"' not in text, "and what is not known to be of the dev split is not shown either"
    assert "1 to 1 of 1; 179 items are kept back" in text
    own.headers[0] = replace(run, split="dev")
    assert "Look at holdout items" not in client.get(RUN).text
    assert ANSWERED in client.get(RUN).text


def test_of_a_set_that_is_not_here_no_look_can_be_counted(client: TestClient, own: Any) -> None:
    own.golds.clear()
    text = html.unescape(client.get(RUN).text)
    assert "is not stored here, so no look could be counted" in text
    assert ANSWERED not in text
    assert "<button>Look" not in text


ITEMS = [GoldItem(id=f"s{n}", input=f"secret {n}", split=("dev", "holdout", SEALED)[n % 3]) for n in range(9)]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[LocalWorkspace]:
    opened = LocalWorkspace.open(tmp_path / "data", clock=lambda: NOW)
    version, items = freeze(ITEMS, product="docs", name="answer", created_at=NOW)
    opened.add_gold(version, items)
    for split in ("holdout", SEALED):
        run = Run(
            id=f"r-{split}",
            product="docs",
            workflow="answer",
            release="r1",
            target="app:ask",
            gold=f"answer@{version.version}",
            split=split,
            scorers=("exact-match",),
            status="complete",
            started_at=NOW,
            done=3,
            items=3,
        )
        opened.add_run(run)
        opened.add_run_items(
            run.id,
            [
                RunItem(
                    item_id=item.id, input=item.input, output="no", scores={"exact-match": Score(value=0.0)}
                )
                for item in items
                if item.split == split
            ],
        )
    yield opened
    opened.close()


def test_sealed_items_open_only_after_the_gate_and_for_every_release(workspace: LocalWorkspace) -> None:
    app = build_app(workspace, require_key=False, token="t")
    client = TestClient(app, base_url="http://127.0.0.1")
    page = "/runs/r-sealed"
    assert "the launch gate has not read" in client.get(page).text.lower()
    assert "secret" not in client.get(page).text
    assert press(client, "/runs/r-holdout", run="r-sealed").status_code == 400
    (version,) = workspace.gold_versions(product="docs", name="answer")
    read_items(workspace, version, split=SEALED, by="ci", purpose="gate g", now=NOW, release="r1")
    text = client.get(page).text
    assert "spends the sealed items for every release" in text
    assert "secret" not in text
    assert "secret" in press(client, page).text
    assert [look.release for look in looks_spent(workspace, version, split=SEALED)] == ["r1", None]


def test_a_key_looks_under_its_own_name_and_one_that_only_reads_does_not(workspace: LocalWorkspace) -> None:
    app = build_app(workspace, require_key=True, token="t")
    keys = {
        name: workspace.add_api_key(name=name, role=role) for name, role in (("ana", "write"), ("bo", "read"))
    }
    clients = {}
    for name, key in keys.items():
        clients[name] = TestClient(app, base_url="https://lw.example")
        clients[name].post("/login", data={"key": key})
    page = "/runs/r-holdout"
    assert "A key with the role write may open it" in clients["bo"].get(page).text
    token = clients["ana"].get(page).text.partition('name="token" value="')[2].partition('"')[0]
    stolen = clients["bo"].post("/look", data={"token": token, "run": "r-holdout"})
    assert stolen.status_code == 403
    cross = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    fields = {"token": token, "run": "r-holdout"}
    assert clients["ana"].post("/look", data=fields, headers=cross).status_code == 403
    (version,) = workspace.gold_versions(product="docs", name="answer")
    assert looks_spent(workspace, version) == []
    assert "secret" in press(clients["ana"], page).text
    assert [look.by for look in looks_spent(workspace, version)] == ["ana"]
    assert "secret" not in clients["bo"].get(page).text, "one's look is not another's"
    other = TestClient(app, base_url="https://lw.example", headers={"Authorization": f"Bearer {keys['ana']}"})
    assert "secret" in other.get(page).text, "a key is the same reader without a session"


def _evaluated(own: Any, run_id: str, *, trace: str, at: datetime, text: str) -> None:
    own.records.add(
        "spans",
        [
            {
                "trace_id": bytes.fromhex(trace),
                "span_id": bytes.fromhex(trace)[:8],
                "product": "python-docs",
                "workflow": "answer",
                "name": "answer",
                "kind": "workflow",
                "cohort": "evaluation",
                "status": "error",
                "status_message": f"{text} failed",
                "start_time": int(at.timestamp()) * 10**9,
                "received_at": int(at.timestamp()) * 10**9,
                "duration_ms": 12.0,
                "input": json.dumps(text),
                "attributes": json.dumps({"said": text}),
            }
        ],
    )
    own.records.add(
        "scores",
        [
            {
                "trace_id": bytes.fromhex(trace),
                "product": "python-docs",
                "name": "quality",
                "explanation": text,
                "time": int(at.timestamp()) * 10**9,
                "received_at": int(at.timestamp()) * 10**9,
            }
        ],
    )


@pytest.fixture
def evaluated(nothing: Any, own: Any) -> Any:
    """A world with one evaluated call of a run on the holdout, and one that is no item's."""
    nothing.headers = [own.run(CANDIDATE)]
    nothing.golds, nothing.names = own.golds, ["python-docs"]
    known = [item for item in own.items[CANDIDATE] if item.item_id == "q-001"]
    nothing.items = {CANDIDATE: [replace(known[0], trace_id="ab" * 16)]}
    at = own.run(CANDIDATE).started_at
    for trace in ("ab" * 16, "cd" * 16):
        _evaluated(nothing, CANDIDATE, trace=trace, at=at, text="a swordfish of the holdout")
    _evaluated(nothing, CANDIDATE, trace="ef" * 16, at=at - timedelta(days=3), text="of another evaluation")
    return nothing


def test_evaluation_traffic_is_listed_where_it_is_asked_for_and_without_what_it_asked(
    evaluated: Any, moment: datetime
) -> None:
    client = TestClient(Starlette(routes=routes(evaluated, clock=lambda: moment)))
    assert "No user has called yet; 3 traces came from evaluations" in client.get("/traces").text
    both = html.unescape(client.get("/traces?traffic=all").text)
    assert "Production and evaluation traffic" in both
    assert both.count('<span class="tag">evaluation</span>') == 3
    assert "swordfish" not in both
    _evaluated(evaluated, CANDIDATE, trace="11" * 16, at=moment, text="asked by a user")
    evaluated.records.query("UPDATE spans SET cohort = NULL WHERE hex(trace_id) = repeat('11', 16)")
    for address in ("/traces", "/traces?show=spans"):
        text = html.unescape(client.get(address).text)
        assert "Production traffic only" in text
        assert "asked by a user" in text
        assert "/traces/ab" not in text
        assert "traffic=all" in text
    assert 'name="traffic" value="all"' in both, "filters keep the choice"


def test_a_trace_of_a_holdout_item_shows_its_words_after_a_look(evaluated: Any, moment: datetime) -> None:
    client = TestClient(Starlette(routes=routes(evaluated, clock=lambda: moment)))
    for trace in ("ab" * 16, "cd" * 16):
        text = client.get(f"/traces/{trace}").text
        assert "swordfish" not in text
        assert "12 ms" in text
        assert "Look at holdout items" in text
    assert "of another evaluation" in client.get(f"/traces/{'ef' * 16}").text, "no run was at work then"
    assert "swordfish" in press(client, f"/traces/{'ab' * 16}").text
    assert "swordfish" in client.get(f"/traces/{'cd' * 16}").text
