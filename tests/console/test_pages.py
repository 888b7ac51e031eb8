"""Pages as text: each title is a conclusion, each number has its records, and nothing hostile acts."""

from __future__ import annotations

import dataclasses
import html
import importlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from launchworthy import console
from launchworthy.console import routes
from launchworthy.console.page import Ask
from launchworthy.console.pages import PAGES
from launchworthy.console.visible import visible
from launchworthy.contract import Claim, ClaimKind, Direction, Target
from launchworthy.errors import ContractError
from launchworthy.evidence import Evidence, State
from launchworthy.evidence.terms import Stage, Terms
from launchworthy.evidence.verdict import verdict_on

ROOT = Path(console.__file__).parent
# Tried over a real queue, with hostile text in every field, by tests/server/test_approval_pages.py.
OVER_A_QUEUE = frozenset(("approvals", "approval", "approve", "audit", "decided", "incident", "permissions"))
ADDRESSES: Mapping[str, str] = {
    "canvas": "/products/python-docs/canvas",
    "contract": "/products/python-docs/contract",
    "incidents": "/products/python-docs/incidents",
    "failure-modes": "/products/python-docs/failure-modes",
    "overview": "/",
    "board": "/products/python-docs",
    "claim": "/products/python-docs/claims/python-docs/answer/quality/hit@5",
    "traces": "/traces",
    "trace": "/traces/{trace}",
    "runs": "/runs",
    "run": "/runs/20261124-080000-cafe",
    "run-item": "/runs/20261124-080000-cafe/items/q-003",
    "compare": "/runs/compare?baseline=20261123-080000-beef&candidate=20261124-080000-cafe",
    "threshold": "/runs/20261124-080000-cafe/threshold?metric=hit@5&target=40",
    "history": "/runs/history?product=python-docs&workflow=answer&gold=answer",
    "gold": "/gold",
    "gold_set": "/gold/python-docs/answer",
    "gold-coverage": "/gold/graded-docs/answer/coverage",
    "guards": "/products/python-docs/guards",
    "budgets": "/products/python-docs/budgets",
    "drift": "/products/python-docs/drift",
    "redteam": "/products/python-docs/redteam",
    "rollout": "/products/python-docs/rollout",
    "live": "/products/python-docs/live",
    "flags": "/products/python-docs/flags",
    "experiments": "/products/python-docs/experiments",
    "experiment": "/products/python-docs/experiments/answer-v2",
    "judges": "/products/graded-docs/judges",
    "judge": "/products/graded-docs/judges/grounding-v2",
    "ingest": "/ingest",
    "login": "/login",
}
TITLES: Mapping[str, str] = {
    "canvas": "python-docs on one page; the contract is silent on user value",
    "overview": "2 products: 1 held by unmet claims and 1 without a contract",
    "board": "May enter shadow; not ready for pilot: 1 claim unmet, 2 unproven",
    "claim": "Met: the right object is among the first 5 for at least 80 % of questions",
    "traces": "The newest 50 traces: 2 failed",
    "runs": "3 runs; the newest, of answer, is complete on 180 items",
    "history": "answer: 2 releases; the newest is better on hit@5 and mrr than the one before",
    "gold": "1 gold set with 312 items",
    "gold_set": "answer has 312 items in 6 slices; its holdout was read 5 of 20 times",
    "guards": "1 of 3 guards acts; prompt_injection and pii/names only watch",
    "flags": "1 flag in force",
    "rollout": "Held in pilot, 5 % of users",
    "ingest": "520 spans accepted, all stored; 4 rejected",
    "experiments": "1 experiment, 1 without a plan",
    "login": "An API key is needed",
}


@pytest.fixture(scope="module")
def client(looked: Any, moment: datetime) -> TestClient:
    return TestClient(Starlette(routes=routes(looked, clock=lambda: moment)))


@pytest.fixture
def empty(nothing: Any, moment: datetime) -> TestClient:
    return TestClient(Starlette(routes=routes(nothing, clock=lambda: moment)))


def title_of(text: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", text, re.DOTALL)
    assert found is not None
    return " ".join(html.unescape(re.sub(r"<span class=\"state.*?</span></span>", "", found[1])).split())


def test_every_page_has_an_address_here() -> None:
    assert {page.name for page in PAGES} == {*ADDRESSES, *OVER_A_QUEUE}


@pytest.mark.parametrize("name", TITLES)
def test_a_title_is_the_conclusion_in_words(client: TestClient, name: str) -> None:
    answer = client.get(ADDRESSES[name])
    assert answer.status_code == 200
    assert title_of(answer.text) == TITLES[name]
    assert f"<title>{html.escape(TITLES[name], quote=False)} · Launchworthy</title>" in answer.text


def test_a_trace_says_what_became_of_it(client: TestClient, trace_id: Callable[[int], str]) -> None:
    said = title_of(client.get(f"/traces/{trace_id(1)}").text)
    assert re.fullmatch(r"answer: done in [\d.]+ (ms|s); the user was not content: wrong_object", said)
    failed = title_of(client.get(f"/traces/{trace_id(17)}").text)
    assert re.match(r"answer: failed after [\d.]+ (ms|s): timeout", failed)
    refused = title_of(client.get(f"/traces/{trace_id(3)}").text)
    assert re.fullmatch(r"answer: refused after [\d.]+ (ms|s)", refused)


def test_an_experiment_of_real_units_is_read_though_only_simulated_users_called(client: TestClient) -> None:
    text = html.unescape(client.get(ADDRESSES["experiment"]).text)
    assert title_of(text) == "answer-v2: no plan says what it is to show"
    assert "30 units from" in text


def test_a_stage_of_a_rollout_says_how_long_it_lasts_and_what_it_must_see(client: TestClient) -> None:
    text = client.get("/products/python-docs/rollout").text
    assert "lasts 1 d, sees 2,000 calls" in text


def test_what_a_release_changes_is_drawn_and_said_in_numbers(client: TestClient) -> None:
    page = client.get("/products/python-docs/rollout").text
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())
    assert "12 points (5 to 19) 400 at most 2 points ✕ unmet" in text
    assert "When Difference n Planned look 2026-11-24 08:00 UTC" in text
    assert "250 5 points to 19 points" in text


def test_a_comparison_says_where_the_candidate_is_better(client: TestClient) -> None:
    said = title_of(client.get(ADDRESSES["compare"]).text)
    assert said == "The candidate is better on hit@5 and mrr; unproven on refusal-correctness"


def test_the_board_shows_each_claim_with_its_reason_plan_and_evidence(client: TestClient) -> None:
    text = html.unescape(client.get(ADDRESSES["board"]).text)
    assert "even the lower bound is above 5 %" in text
    assert (
        "measure 2,095 further calls, enough if each is flawless; about 7 days; odds 55 % that it is then met"
        in text
    )
    assert 'href="/products/python-docs/claims/python-docs/answer/quality/under_refusal"' in text
    assert 'href="/runs/20261124-080000-cafe"' in text
    assert "waived by ana@example.com until 2026-12-24" in text
    assert "signed by noor@example.com" in text
    assert "differs in retrieval" in text
    assert "1 unmet, 1 unproven and 2 met; 2 block pilot" in text
    assert "no claim stands under it" in text or "nothing measurable stands under: before" in text


def test_the_board_says_why_the_contract_file_cannot_be_read(
    client: TestClient, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "cannot be read" not in client.get(ADDRESSES["board"]).text
    problem = 'launchworthy.yaml:12:7 LW201 unknown key "at_leest" <b>'
    monkeypatch.setitem(world.broken, "python-docs", [problem])
    text = client.get(ADDRESSES["board"]).text
    assert html.escape(problem, quote=False) in text.replace("&#34;", '"')
    assert title_of(text) == TITLES["board"]


def test_the_board_never_colours_without_a_word(client: TestClient) -> None:
    text = client.get(ADDRESSES["board"]).text
    for state in State:
        shown = re.findall(
            rf'<span class="state {state.value}"><span class="mark"[^>]*>(.)</span> (\w+)', text
        )
        assert all(mark.strip() and word for mark, word in shown)


def test_a_claim_leads_down_to_items_traces_and_the_line_of_the_contract(
    client: TestClient, trace_id: Callable[[int], str]
) -> None:
    text = html.unescape(client.get(ADDRESSES["claim"]).text)
    assert f'href="/traces/{trace_id(1)}"' in text
    assert 'href="/runs/20261124-080000-cafe/items/q-001"' in text
    assert re.search(r"launchworthy\.yaml:\d+:7", text)
    assert "another release" in text
    assert text.count("<circle") == 5


def test_a_claim_may_be_named_without_its_product(client: TestClient) -> None:
    assert client.get("/products/python-docs/claims/answer/quality/hit@5").status_code == 200


def test_a_run_lists_failures_first_each_with_its_trace(
    client: TestClient, trace_id: Callable[[int], str]
) -> None:
    text = client.get(ADDRESSES["run"]).text
    order = re.findall(r'<tr id="item-(q-\d+)"', text)
    assert order[:2] == ["q-007", "q-099"]
    assert order[2] == "q-011", "what could not be scored comes next"
    assert "could not score: the scorer took longer than 5 s" in text
    assert f"/traces/{trace_id(7)}" in text


def test_a_run_is_paged_and_narrowed_by_slice_in_the_url(client: TestClient) -> None:
    text = client.get(ADDRESSES["run"] + "?slice=plain").text
    assert "1 to 45 of 45" in text
    second = client.get(ADDRESSES["run"] + "?page=4").text
    assert "151 to 180 of 180" in second
    assert client.get(ADDRESSES["run"] + "?page=-3&slice=%00").status_code == 200


def test_a_run_shows_how_its_items_are_spread(client: TestClient) -> None:
    text = client.get(ADDRESSES["run"]).text
    hits = re.search(r"Items by hit@5. ([\d,]+) good, ([\d,]+) bad", text)
    assert hits is not None
    assert int(hits[1]) + int(hits[2]) == 178, "each item that was scored, in one of two colours"
    assert re.search(r"Items by latency-p50. 180 values from [\d.]+ (ms|s) to [\d.]+ (ms|s), median", text)


def test_an_item_stands_beside_what_was_expected_with_its_scores_and_its_trace(
    client: TestClient, trace_id: Callable[[int], str]
) -> None:
    text = html.unescape(client.get("/runs/20261124-080000-cafe/items/q-001").text)
    assert "dict.update: 1" in text
    assert "Use dict.update." in text
    assert 'id="waterfall"' in text, "its spans are on the same page"
    failed = client.get("/runs/20261124-080000-cafe/items/q-007").text
    assert title_of(failed) == "q-007: no answer"
    unscored = client.get("/runs/20261124-080000-cafe/items/q-011").text
    assert "could not score: the scorer took longer than 5 s" in unscored
    gone = client.get("/runs/20261124-080000-cafe/items/q-150").text
    assert "The call left no trace" in gone


def test_a_suite_is_drawn_over_its_releases_with_what_is_proven_between_them(client: TestClient) -> None:
    text = html.unescape(client.get(ADDRESSES["history"]).text)
    plot = re.search(r'aria-label="hit@5 over the runs. 2 measurements', text)
    assert plot is not None
    assert "Newest release minus the one before:" in text
    assert "/runs/compare?baseline=20261123-080000-beef&candidate=20261124-080000-cafe" in text
    assert title_of(client.get("/runs/history").text) == TITLES["history"], "the newest suite by itself"


def test_a_slice_table_says_which_differences_survive_that_there_are_many(client: TestClient) -> None:
    text = html.unescape(client.get(ADDRESSES["compare"] + "&metric=mrr").text)
    assert "By slice: mrr" in text
    assert re.search(r"(None|\d+) of \d+ slices differs? beyond chance", text)
    part = text[text.index('id="slices"') : text.index('id="flips"')]
    told = re.findall(r'<td class="n">(< 0\.001|\d\.\d{3})</td><td class="n">(< 0\.001|\d\.\d{3})</td>', part)
    assert told
    assert all(float(alone.strip("< ")) <= float(among.strip("< ")) for alone, among in told)
    assert client.get(ADDRESSES["compare"] + "&metric=%00<b>").status_code == 200


def test_a_threshold_says_what_it_keeps_and_what_share_is_answered(client: TestClient) -> None:
    text = html.unescape(client.get(ADDRESSES["threshold"]).text)
    said = re.fullmatch(
        r"Answer from confidence ([\d.]+) on: ([\d.]+) % answered, at most 40 % wrong", title_of(text)
    )
    assert said is not None
    assert float(said[2]) > 50
    assert "With 95\xa0% confidence, at most 40\xa0% of the answers given are wrong" in text
    assert text.count("● chosen") + text.count("</span> chosen") == 1
    hopeless = title_of(client.get(ADDRESSES["run"] + "/threshold?target=0.001").text)
    assert hopeless.startswith("No threshold keeps wrong answers at 0.001 %")
    for asked in ("?target=x&confidence=-1", "?metric=%00", "?target=100", "?target=1e400"):
        assert client.get(ADDRESSES["run"] + "/threshold" + asked).status_code == 200


def test_a_run_whose_answers_do_not_say_how_sure_they_are_has_no_threshold(
    client: TestClient, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = world.run_items
    monkeypatch.setattr(
        type(world), "run_items", lambda _, run_id: [replace(item, output="text") for item in known(run_id)]
    )
    text = client.get(ADDRESSES["threshold"]).text
    assert title_of(text) == "No answer of this run says how sure it is"
    assert "/threshold" not in client.get(ADDRESSES["run"]).text


def test_a_comparison_says_why_so_much_is_missing_that_nothing_is_settled(
    looked: Any, moment: datetime
) -> None:
    run_id = "20261124-080000-cafe"
    own = dataclasses.replace(looked, items=dict(looked.items))
    own.items[run_id] = [item for item in own.items[run_id] if item.item_id > "q-020"]
    client = TestClient(Starlette(routes=routes(own, clock=lambda: moment)))
    text = html.unescape(client.get(ADDRESSES["compare"]).text)
    assert re.search(
        r"not settled: \d+ of 180 items could not be compared \(.*at most 2 % may be missing\)", text
    )
    assert title_of(text).endswith("unproven on hit@5, mrr and refusal-correctness")


def test_items_that_became_worse_stand_before_those_that_became_better(client: TestClient) -> None:
    text = client.get(ADDRESSES["compare"]).text
    text = text[text.index('id="flips"') :]
    worse, better = text.find("▼ worse"), text.find("▲ better")
    assert 0 < worse < better or better == -1


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ("", "true"),
        ("?text=E", "concat_ws(chr(10), input, output, context, name, status_message) ILIKE '%e%'"),
    ],
)
def test_filters_live_in_the_url_and_paging_loses_nothing(
    client: TestClient, world: Any, query: str, condition: str
) -> None:
    wanted = world.records.query(
        f"""SELECT count(*) AS n FROM spans WHERE parent_span_id IS NULL
        AND trace_id IN (SELECT trace_id FROM spans WHERE {condition})"""
    )[0]["n"]
    seen: list[str] = []
    address = f"/traces{query}"
    for _ in range(10):
        text = client.get(address).text
        seen += re.findall(r'href="/traces/([0-9a-f]{32})" data-record', text)
        older = re.search(r'href="(/traces\?[^"]*before=[^"]*)" rel="next"', text)
        if older is None:
            break
        address = html.unescape(older[1])
    assert len(seen) == len(set(seen)) == wanted
    assert wanted > 100


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("product=python-docs", 50),
        ("product=nobody", 0),
        ("status=error", 7),
        ("min_ms=1e9", 0),
        ("min_ms=nonsense", 50),
        ("model=vendor/chat-small&status=error", 7),
        ("text=merge+two", 21),
        ("text=%25", 0),
        ("text='+OR+1=1+--", 0),
        ("text=</script>", 1),
        ("show=spans&status=error", 14),
        ("before=junk", 50),
        ("status=sideways", 50),
    ],
)
def test_filters_narrow_the_traces(client: TestClient, query: str, rows: int) -> None:
    answer = client.get(f"/traces?{query}")
    assert answer.status_code == 200
    assert answer.text.count('<td class="text asked"') == rows
    if rows == 0:
        assert title_of(answer.text) == "No trace fits these filters"


def test_a_trace_shows_prompt_context_answer_and_what_came_later(
    client: TestClient, trace_id: Callable[[int], str]
) -> None:
    text = html.unescape(client.get(f"/traces/{trace_id(1)}").text)
    for part in (
        "Answer from the passages only.",
        "collections.ChainMap",
        "Use `dict.update` to merge in place",
        "2026-11-01",
        "that is not what I asked",
        "question_resolved",
        "groundedness: grounded",
        "A simulated user made this call.",
    ):
        assert part in text
    assert text.count('<td class="plot">') == 4


@pytest.mark.parametrize("name", ["traces", "ingest"])
def test_an_empty_page_names_this_server(empty: TestClient, name: str) -> None:
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://testserver python app.py" in empty.get(ADDRESSES[name]).text


@pytest.mark.parametrize("name", [page.name for page in PAGES if page.name not in OVER_A_QUEUE])
def test_nothing_hostile_leaves_its_place(
    client: TestClient, name: str, trace_id: Callable[[int], str]
) -> None:
    answer = client.get(ADDRESSES[name].format(trace=trace_id(2)))
    assert answer.status_code == 200
    text = answer.text
    assert "<script>alert" not in text
    assert "{{ 49 }}" not in text
    for hidden in ("\u202e", "\x1b", "\U000e0041"):
        assert hidden not in text
    assert " style=" not in text
    assert not re.search(r"\son[a-z]+=", re.sub(r"<pre.*?</pre>", "", text, flags=re.DOTALL))


def test_hostile_text_is_shown_as_it_is(client: TestClient, trace_id: Callable[[int], str]) -> None:
    text = html.unescape(client.get(f"/traces/{trace_id(2)}").text)
    assert (
        "<script>alert(1)</script>'; DROP TABLE spans;-- {{ 7*7 }} ⟨U+202E⟩evil⟨U+202C⟩ ⟨U+001B⟩[31mred"
        in text
    )


def test_hidden_characters_are_written_out_and_scripts_keep_their_joiners() -> None:
    assert visible("a\u202eb\x00c\x9bd\ud800e") == "a⟨U+202E⟩b⟨U+0000⟩c⟨U+009B⟩d⟨U+D800⟩e"
    assert visible("نمی\u200cخواهم 👩\u200d💻\ttab\r\nnext") == "نمی\u200cخواهم 👩\u200d💻\ttab\nnext"


@pytest.mark.parametrize("name", ["overview", "traces", "runs", "gold", "ingest", "compare"])
def test_an_empty_page_says_what_supplies_it(empty: TestClient, name: str) -> None:
    answer = empty.get(ADDRESSES[name].partition("?")[0])
    assert answer.status_code == 200
    assert 'class="card empty"' in answer.text
    if name != "compare":
        assert "<pre><code>" in answer.text


def test_spans_whose_parents_never_came_are_not_called_nothing(nothing: Any, moment: datetime) -> None:
    span = {
        "trace_id": b"\1" * 16,
        "span_id": b"\2" * 8,
        "parent_span_id": b"\3" * 8,
        "product": "p",
        "start_time": 1,
    }
    nothing.records.add("spans", [span])
    client = TestClient(Starlette(routes=routes(nothing, clock=lambda: moment)))
    assert "1 span arrived, none of which begins a trace" in client.get("/traces").text
    assert title_of(client.get("/traces?show=spans").text) == "1 span: none failed"
    assert client.get(f"/traces/{'01' * 16}").status_code == 200


def test_spans_that_are_their_own_ancestors_are_shown_once(nothing: Any, moment: datetime) -> None:
    ids = [bytes([number]) * 8 for number in (1, 2, 3)]
    nothing.records.add(
        "spans",
        [
            {
                "trace_id": b"\1" * 16,
                "span_id": own,
                "parent_span_id": parent,
                "product": "p",
                "start_time": 10**18,
            }
            for own, parent in zip(ids, (ids[1], ids[0], ids[2]), strict=True)
        ],
    )
    client = TestClient(Starlette(routes=routes(nothing, clock=lambda: moment)))
    text = client.get(f"/traces/{'01' * 16}").text
    assert text.count('<td class="plot">') == 3


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/nowhere", 404, "Nothing is at this address"),
        ("/products/nobody", 404, "No product 'nobody'"),
        ("/products/python-docs/claims/nothing", 404, "has no claim 'nothing'"),
        ("/traces/zz", 404, "No trace 'zz'"),
        ("/runs/none", 404, "No run 'none'"),
        ("/runs/history?product=none", 200, "No complete run of such a suite"),
        ("/runs/20261124-080000-cafe/items/none", 404, "No item 'none'"),
        ("/runs/20261124-080000-cafe/items/a/b?c", 404, "No item 'a/b'"),
        ("/runs/compare?baseline=a&candidate=b", 404, "No run 'a'"),
        ("/gold/python-docs/none", 404, "No gold set 'none'"),
        ("/static/../pyproject.toml", 404, ""),
        ("/static/secret.txt", 404, ""),
    ],
)
def test_what_is_not_there_says_so(client: TestClient, address: str, status: int, said: str) -> None:
    answer = client.get(address)
    assert answer.status_code == status
    assert said in html.unescape(answer.text)


def test_a_page_that_breaks_shows_nothing_of_the_inside(
    nothing: Any, moment: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> list[str]:
        raise RuntimeError("the password is swordfish")

    nothing.products = broken
    client = TestClient(Starlette(routes=routes(nothing, clock=lambda: moment)))
    answer = client.get("/")
    assert answer.status_code == 500
    assert title_of(answer.text) == "This page could not be drawn"
    assert "swordfish" not in answer.text
    assert "swordfish" in caplog.text


def test_pages_forbid_what_browsers_would_allow(client: TestClient) -> None:
    headers = client.get("/").headers
    assert headers["content-security-policy"].startswith(
        "default-src 'self'; script-src 'self'; style-src 'self'"
    )
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_assets_may_be_kept_since_their_address_names_their_content(client: TestClient) -> None:
    text = client.get("/").text
    assets = re.findall(r'(?:href|src)="(/static/[^"]+)"', text)
    assert len(assets) == 2
    for address in assets:
        answer = client.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert client.get(address.partition("?")[0]).headers["cache-control"] == "no-cache"


def test_data_enters_scripts_as_json_alone(client: TestClient) -> None:
    text = client.get("/ingest").text
    found = re.search(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    series = json.loads(found[1])
    assert len(series["times"]) == 168
    assert None in series["series"][0]["values"], "a gap stays a gap"
    assert 0 not in series["series"][0]["values"]


def test_accepted_spans_that_are_nowhere_are_the_headline(nothing: Any, moment: datetime) -> None:
    nothing.tally = {"accepted": 10, "stored": 7, "pending": 1, "rejected": 0, "quarantined": 0}
    ingest = next(page for page in PAGES if page.name == "ingest")
    view = ingest.view(nothing, Ask(path={}, query={}, now=moment))
    assert view.head.title == "2 accepted spans are neither stored nor waiting"


def test_a_product_alone_has_its_verdict_as_the_title(world: Any, nothing: Any, moment: datetime) -> None:
    nothing.names = ["python-docs"]
    nothing.verdicts = world.verdicts
    overview = next(page for page in PAGES if page.name == "overview")
    view = overview.view(nothing, Ask(path={}, query={}, now=moment))
    assert view.head.title == "python-docs may enter shadow; not ready for pilot: 1 claim unmet, 2 unproven"


def test_a_run_without_scores_measures_nothing_and_says_so(
    world: Any, nothing: Any, moment: datetime
) -> None:
    run = replace(world.headers[0], status="running", done=0, scorers=())
    nothing.headers = [run]
    page = next(page for page in PAGES if page.name == "run")
    view = page.view(nothing, Ask(path={"run_id": run.id}, query={}, now=moment))
    assert view.head.title == "answer of python-docs: run running, nothing measured"


def test_a_product_of_any_name_has_its_page(nothing: Any, moment: datetime) -> None:
    nothing.names = ["a/b <i>?#%"]
    client = TestClient(Starlette(routes=routes(nothing, clock=lambda: moment)))
    link = re.search(r'href="(/products/[^"]+)" data-record', client.get("/").text)
    assert link is not None
    answer = client.get(html.unescape(link[1]))
    assert answer.status_code == 200
    assert title_of(answer.text) == "a/b <i>?#% has no contract"


def test_a_contract_that_cannot_be_read_is_told_line_by_line(nothing: Any, moment: datetime) -> None:
    def broken(product: str) -> None:
        raise ContractError("the contract has 2 errors\n  x.yaml:3:1 LW210 one\n  x.yaml:9:4 LW212 two")

    nothing.verdict = broken
    client = TestClient(Starlette(routes=routes(nothing, clock=lambda: moment)))
    answer = client.get("/products/p")
    assert answer.status_code == 400
    assert title_of(answer.text) == "The contract has 2 errors"
    assert "x.yaml:9:4 LW212 two" in answer.text


KINDS: Mapping[ClaimKind, tuple[Target | None, dict[str, Any], str]] = {
    ClaimKind.BOUND: (
        Target(direction=Direction.AT_LEAST, threshold=0.8, unit="ratio"),
        {"value": 0.9, "low": -math.inf, "high": math.inf, "n": 3, "unit": "ratio"},
        "90 % (−∞ to ∞, n = 3)",
    ),
    ClaimKind.DELTA: (
        Target(direction=Direction.AT_LEAST, threshold=0.8, unit="ratio"),
        {
            "value": 0.01,
            "low": -0.01,
            "high": 0.03,
            "n": 300,
            "unit": "ratio",
            "detail": {"worse": [{"item": "q-1"}]},
        },
        "1 point (−1 to 3, n = 300)",
    ),
    ClaimKind.NEVER: (
        None,
        {"value": 2.0, "n": 900, "detail": {"traces": ["ab" * 16, {"trace_id": "cd" * 16}]}},
        "2 breaches on 900 occasions",
    ),
    ClaimKind.COVER: (
        Target(direction=Direction.AT_LEAST, threshold=250.0),
        {"value": 312.0, "low": 312.0, "high": 312.0, "n": 312},
        "312",
    ),
    ClaimKind.FRESH: (
        Target(direction=Direction.AT_MOST, threshold=7.8e9, unit="ms"),
        {"value": 1.7e8, "low": 1.7e8, "high": 1.7e8, "n": 1, "unit": "ms"},
        "1.97 d",
    ),
    ClaimKind.AGREE: (
        Target(direction=Direction.AT_LEAST, threshold=0.67),
        {"value": 0.71, "low": 0.52, "high": 0.86, "n": 60},
        "0.71 (0.52 to 0.86, n = 60)",
    ),
    ClaimKind.DRILL: (
        None,
        {"value": 1.0, "n": 2, "sample": {"successes": 2, "n": 2}},
        "2 of 2 drills answered as declared",
    ),
    ClaimKind.HOLDS: (
        None,
        {"value": 0.0, "n": 1, "detail": {"reason": "4,000 calls a month"}},
        "has not fired",
    ),
    ClaimKind.ATTEST: (None, {"detail": {"note": "looked at it"}}, "signed by noor@example.com"),
}


@pytest.mark.parametrize("kind", list(ClaimKind))
def test_every_kind_of_claim_has_its_page(nothing: Any, moment: datetime, kind: ClaimKind) -> None:
    target, measured, shown = KINDS[kind]
    claim = Claim(
        address="p/quality/x", kind=kind, family="quality", metric="x", sentence="it holds", target=target,
        margin=0.02 if kind is ClaimKind.DELTA else None, due="launch", prover="evals",
    )  # fmt: skip
    piece = Evidence(
        claim=claim.address, kind=kind, observed_at=moment, producer="noor@example.com", **measured
    )
    unmeasured = Evidence(claim=claim.address, kind=kind, observed_at=moment - timedelta(days=1), unscored=9)
    nothing.verdicts["p"] = verdict_on(
        Terms(product="p", claims=(claim,), stages=(Stage(name="launch", share=1.0),)),
        [unmeasured, piece],
        release=None,
        now=moment,
    )
    client = TestClient(Starlette(routes=routes(nothing, clock=lambda: moment)))
    text = html.unescape(client.get("/products/p/claims/quality/x").text)
    assert shown in text
    state = nothing.verdicts["p"].statuses[0].state
    assert f"{state.value.capitalize()}: it holds" in text
    if kind is ClaimKind.NEVER:
        assert 'href="/traces/cdcd' in text


def test_a_claim_without_evidence_says_what_would_supply_it(world: Any, client: TestClient) -> None:
    text = html.unescape(client.get("/products/python-docs/claims/answer/outcomes/resolved").text)
    assert "No evidence for this claim has been recorded." in text
    assert "launchworthy evidence add FILE.jsonl" in text


def test_what_a_template_receives_is_a_documented_frozen_dataclass() -> None:
    for file in sorted((ROOT / "pages").glob("*.py")):
        module = importlib.import_module(f"launchworthy.console.pages.{file.stem}")
        for name, value in vars(module).items():
            if (
                dataclasses.is_dataclass(value)
                and isinstance(value, type)
                and value.__module__ == module.__name__
            ):
                assert value.__doc__, name
                assert not value.__doc__.startswith(f"{name}("), f"{name} is not documented"
                assert value.__dataclass_params__.frozen, name  # type: ignore[attr-defined]


def test_templates_escape_everything_and_hold_no_style_script_or_foreign_address() -> None:
    templates = sorted((ROOT / "templates").glob("*.html"))
    assert {page.template for page in PAGES} <= {template.name for template in templates}
    for template in templates:
        text = template.read_text()
        assert not re.search(r"\|\s*safe|autoescape|Markup", text), template.name
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=", text), template.name
        assert not re.search(r"<script(?![^>]*(src=|application/json))", text), template.name
        addresses = re.findall(r"(?:href|src|action)=\"(?:https?:)?//", text)
        assert not addresses, template.name


def test_a_claim_about_every_slice_draws_the_slice_that_decides(nothing: Any, moment: datetime) -> None:
    claim = Claim(
        address="p/answer/quality/x/every_slice", kind=ClaimKind.BOUND, family="quality", metric="x",
        sentence="x holds on every slice", slice="*", due="launch", prover="evals",
        target=Target(direction=Direction.AT_LEAST, threshold=0.5, unit="ratio"),
    )  # fmt: skip
    pieces = [
        Evidence(
            claim=claim.address, kind="bound", slice=name, value=value, low=value - 0.1, high=value + 0.1,
            n=40, unit="ratio", observed_at=moment,
        )
        for name, value in (("plain", 0.9), ("jargon", 0.2), ("misspelt", 0.8))
    ]  # fmt: skip
    nothing.verdicts["p"] = verdict_on(
        Terms(product="p", claims=(claim,), stages=(Stage(name="launch", share=1.0),)),
        pieces,
        release=None,
        now=moment,
    )
    client = TestClient(Starlette(routes=routes(nothing, clock=lambda: moment)))
    text = client.get("/products/p/claims/answer/quality/x/every_slice").text
    assert "Only the slice that decides: jargon." in text
    assert text.count("<circle") == 1
    assert all(name in text for name in ("plain", "misspelt")), "the table has every slice"


def test_a_claim_shows_the_line_of_the_contract_as_written(world: Any, client: TestClient) -> None:
    text = html.unescape(client.get("/products/python-docs/claims/attest/playbook").text)
    place = next(
        status.claim.place
        for status in world.verdicts["python-docs"].statuses
        if status.claim.address.endswith("playbook")
    )
    line = world.contracts["python-docs"].text.splitlines()[place.line - 1].strip()
    assert line
    assert f"<code>{line}</code>" in text


def test_a_claim_leads_to_its_line_of_the_contract(world: Any, client: TestClient) -> None:
    place = next(
        each.claim.place
        for each in world.verdicts["python-docs"].statuses
        if each.claim.address.endswith("hit@5") and each.claim.place is not None
    )
    address = f"/products/python-docs/contract#line-{place.line}"
    assert f'href="{address}"' in client.get(ADDRESSES["claim"]).text
    text = client.get(address).text
    row = re.search(rf'<tr id="line-{place.line}">(.*?)</tr>', text, re.DOTALL)
    assert row is not None
    assert 'href="/products/python-docs/claims/python-docs/answer/quality/hit@5"' in row[1]
    written = world.contracts["python-docs"].text.splitlines()
    assert text.count('<tr id="line-') == len(written)


def test_the_canvas_holds_the_contract_and_the_state_of_each_metric(client: TestClient) -> None:
    text = html.unescape(client.get(ADDRESSES["canvas"]).text)
    for part in (
        "Find the function that does what I need, with its source, within a minute",
        "developer: search the docs; developer: read three pages",
        "Help centre",
        "public, may see and store",
        "Wrong object",
        'href="/products/python-docs/claims/python-docs/answer/quality/hit@5"',
    ):
        assert part in text
    assert text.count('<span class="state') >= 6


def test_the_board_says_once_and_first_what_blocks_the_stage(client: TestClient) -> None:
    text = html.unescape(client.get(ADDRESSES["board"]).text)
    work, checklist = text.index('id="work"'), text.index('id="checklist"')
    assert work < checklist
    part = text[work:checklist]
    change, gather = part.index("Change the product"), part.index("Gather evidence")
    unmet = "At most 5\xa0% of questions that the docs do not answer are answered"
    assert part.count(unmet) == 1
    assert change < part.index(unmet) < gather
    assert re.search(r'start from <a href="[^"]*under_refusal#records"', part)
    assert gather < part.index("measure 2,095 further calls")


def test_claims_that_nothing_measures_are_one_folded_row(nothing: Any, world: Any, moment: datetime) -> None:
    claims = tuple(
        Claim(
            address=f"python-docs/answer/reliability/m{number}", kind=ClaimKind.BOUND, family="reliability",
            workflow="answer", metric=f"m{number}", sentence=f"m{number} holds", due="launch",
        )
        for number in range(40)
    )  # fmt: skip
    stages = (Stage(name="launch", share=1.0),)
    terms = Terms(product="python-docs", claims=claims, stages=stages)
    nothing.contracts = world.contracts
    nothing.verdicts["python-docs"] = verdict_on(terms, [], release=None, now=moment)
    client = TestClient(Starlette(routes=routes(nothing, clock=lambda: moment)))
    text = client.get("/products/python-docs").text
    assert "40 unproven; 40 block launch" in text
    work, checklist = text.index('id="work"'), text.index('id="checklist"')
    for part in (text[work:checklist], text[checklist:]):
        assert part.count('<details class="unmeasured">') == 1
        assert "40 unproven:" in part
        assert part.count("reliability/m7&#34;") + part.count('reliability/m7"') == 1
    assert "<details open" not in text


def test_a_scenario_reads_as_a_conversation(client: TestClient) -> None:
    text = client.get("/runs/20261124-080000-cafe/items/q-180").text
    assert "<script>alert" not in text
    part = html.unescape(text).partition('id="talk"')[2].partition("</section>")[0]
    order = (
        "Refund order 17 <script>",
        "Which item of it?",
        "refund(order=17, item=blue)",
        "refunded 12 EUR",
    )
    places = [part.index(each) for each in order]
    assert places == sorted(places)
    assert "2 turns; its stop rule held" in part
    assert "refunded: 17" in part
    assert 'id="talk"' not in client.get("/runs/20261124-080000-cafe/items/q-001").text


def test_a_trace_says_how_its_question_becomes_a_gold_item(
    client: TestClient, nothing: Any, moment: datetime, trace_id: Callable[[int], str]
) -> None:
    command = f"launchworthy gold promote {trace_id(1)} --name answer --product python-docs"
    assert f"<code>{command}</code>" in client.get(f"/traces/{trace_id(1)}").text
    span: dict[str, Any] = {
        "trace_id": b"\1" * 16,
        "span_id": b"\2" * 8,
        "product": "p; rm -rf ~",
        "workflow": "a b",
        "kind": "workflow",
        "start_time": 1,
        "input": '"asked"',
    }
    asked = TestClient(Starlette(routes=routes(nothing, clock=lambda: moment)))
    nothing.records.add("spans", [span])
    text = html.unescape(asked.get(f"/traces/{'01' * 16}").text)
    assert f"gold promote {'01' * 16} --name 'a b' --product 'p; rm -rf ~'" in text
    others: tuple[dict[str, Any], ...] = ({"input": None}, {"cohort": "evaluation"}, {"workflow": None})
    for number, told in enumerate(others, start=2):
        nothing.records.add("spans", [span | told | {"trace_id": bytes([number]) * 16}])
        assert "gold promote" not in asked.get(f"/traces/{f'0{number}' * 16}").text
