"""A gold set's pages: what is kept back stays so, and what is wrong with the set is said first."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from tests.console.guarded import HIDDEN, items_of

from launchworthy.console import routes
from launchworthy.console.pages import gold_coverage
from launchworthy.gold import GoldItem, Look, freeze

PAGE = "/gold/graded-docs/answer"
COVERAGE = f"{PAGE}/coverage"


@pytest.fixture
def own(world: Any) -> Any:
    """The world, of which a test may change the gold sets."""
    return replace(
        world,
        golds=list(world.golds),
        gold=dict(world.gold),
        seen=list(world.seen),
        verdicts=dict(world.verdicts),
    )


@pytest.fixture
def client(own: Any, moment: datetime) -> TestClient:
    return TestClient(Starlette(routes=routes(own, clock=lambda: moment)))


def said(client: TestClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


def title(text: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", text, re.DOTALL)
    assert found is not None
    return " ".join(found[1].split())


def part(text: str, name: str) -> str:
    return text.partition(f'id="{name}"')[2].partition("</section>")[0]


def test_the_title_says_what_is_spent_what_leaks_and_what_waits(client: TestClient) -> None:
    assert title(said(client, PAGE)) == (
        "answer has 14 items in 1 slice; its holdout was read 4 of 3 times; "
        "1 near-copy stands in another split; 2 wait for review"
    )


@pytest.mark.parametrize("address", [PAGE, COVERAGE, f"{COVERAGE}?users=simulated", "/gold"])
def test_nothing_of_what_is_kept_back_is_shown(client: TestClient, address: str) -> None:
    assert HIDDEN not in said(client, address)


def test_items_that_wait_lead_to_the_trace_they_came_from(client: TestClient) -> None:
    text = part(said(client, PAGE), "review")
    assert "<b>Who wrote the zoneinfo module?" in text
    assert re.search(r'href="/traces/[0-9a-f]{32}"', text)
    assert "r-1" in text
    assert "simulated" in text
    assert "t-holdout" not in text
    assert "1 item waits in what is kept back and is not shown." in text
    assert "launchworthy gold review answer" in text
    assert re.search(r"Rejected</dt><dd[^>]*>1 item<", text)


def test_near_copies_show_their_texts_only_where_both_may_be_read(client: TestClient) -> None:
    text = part(said(client, PAGE), "copies")
    leak, copy = re.findall(r"<tr><td.*?</tr>", text, re.DOTALL)
    assert "leak" in leak
    assert "h-leak<br><span>q-05" in leak
    assert "kept back" in leak
    assert "sort a list of tuples" not in leak
    assert "counts twice" in copy
    assert "How do I combine two dictionaries into a new one please?" in copy
    assert "1 pair across splits, 1 pair within one" in text


def test_readings_are_drawn_against_the_budget(client: TestClient) -> None:
    text = part(said(client, PAGE), "looks")
    assert "4 readings, 3 allowed" in text
    assert text.count('class="unmet"') == 1, "the fourth is one too many"
    assert "gate g-1" not in text.partition("Sealed split")[0]
    assert re.search(r"r-1</th>.*2 times", text, re.DOTALL)
    assert "2 items that only the launch gate reads" in text


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        (None, "by 1 release."),
        (5, "by 1 release; its budget is 5."),
        (1, "by 1 release, and its budget is 1: replace its items by new ones."),
    ],
)
def test_readings_of_the_sealed_part_are_counted_over_releases(
    client: TestClient, own: Any, budget: int | None, told: str
) -> None:
    verdict = own.verdicts["graded-docs"]
    sealed = next(each for each in verdict.statuses if each.claim.metric == "sealed_looks")
    statuses = [each for each in verdict.statuses if each is not sealed]
    if budget is not None:
        target = replace(sealed.claim.target, threshold=float(budget))
        statuses.append(replace(sealed, claim=replace(sealed.claim, target=target)))
    own.verdicts["graded-docs"] = replace(verdict, statuses=tuple(statuses))
    assert f"The sealed part was read 2 times {told}" in said(client, PAGE)


def test_sealed_items_that_nobody_read_are_said_to_be_unread(client: TestClient, own: Any) -> None:
    own.seen = [look for look in own.seen if look.split != "sealed"]
    assert "once for each release. Nobody has read them." in said(client, PAGE)


def test_readings_of_an_older_holdout_are_told_apart(client: TestClient, own: Any, moment: datetime) -> None:
    fresh = [GoldItem(id=f"n-{n}", input=f"{n} is new", split="holdout") for n in range(20)]
    version, items = freeze(fresh, product="graded-docs", name="answer", created_at=moment)
    own.golds.insert(0, version)
    own.gold[version.version] = list(items)
    text = said(client, PAGE)
    assert title(text).startswith("answer has 20 items in no slices; its holdout is unread")
    assert part(text, "looks").count("of an older holdout") == 4


def test_a_canary_that_got_out_is_an_unmet_claim_of_the_set(client: TestClient) -> None:
    text = part(said(client, PAGE), "claims")
    assert 'href="/products/graded-docs/claims/graded-docs/gold/answer/private"' in text
    assert re.search(r"state unmet.*?</p>", text, re.DOTALL)
    claim = said(client, "/products/graded-docs/claims/gold/answer/private")
    assert "its canary stands in 1 texts" in claim
    assert 'href="/gold/graded-docs/answer"' in claim


def test_a_set_that_is_too_large_is_not_compared_while_someone_waits(
    client: TestClient, own: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(own), "gold_check", lambda _, version: None)
    text = part(said(client, PAGE), "copies")
    assert "too many to compare while you wait" in text
    assert "launchworthy gold check answer" in text


def test_coverage_of_a_large_set_is_left_to_the_command(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gold_coverage, "_MOST_ITEMS", 10)
    text = said(client, f"{COVERAGE}?days=7")
    assert title(text) == "answer has too many items to compare while you wait"
    assert "launchworthy gold coverage answer --since 7d" in text


def test_coverage_says_which_share_of_questions_has_no_item(client: TestClient) -> None:
    text = said(client, COVERAGE)
    assert title(text) == "46.7 % of real questions have no gold item near them, in 3 kinds"
    assert "46.7 % (34.6 to 59.1, n = 60)" in text
    assert "32 near an item, 28 without one in 3 numbered kinds" in text
    rows = re.findall(r'<tr><td class="n">\d+</td>.*?</tr>', text, re.DOTALL)
    assert [re.findall(r'<td class="n">([\d,]+)</td>', row)[:2] for row in rows] == [
        ["1", "20"],
        ["2", "5"],
        ["3", "3"],
    ]
    assert "How do I deploy a container to a cluster?" in rows[0]
    assert "deploying containers on a cluster" in rows[0]
    asked = quote("How do I deploy a container to a cluster?", safe="").replace("%20", "+")
    assert f'href="/traces?product=graded-docs&text={asked}"' in rows[0]
    assert "2 questions of simulated users are not among them" in text


def test_the_traces_of_a_kind_are_found_by_its_link(client: TestClient) -> None:
    link = re.search(r'href="(/traces\?product=graded-docs[^"]*)"', client.get(COVERAGE).text)
    assert link is not None
    assert title(said(client, html.unescape(link[1]))).startswith("14 traces")


def test_coverage_is_of_the_users_and_the_days_in_the_url(client: TestClient) -> None:
    simulated = said(client, f"{COVERAGE}?users=simulated")
    assert title(simulated) == "Each of 2 simulated questions has a gold item near it"
    none = said(client, f"{COVERAGE}?days=3")
    assert title(none) == "No question of simulated users to compare answer with"
    assert "launchworthy gold coverage answer --input questions.csv" in none
    for query in ("days=x&users=%00", "days=-1", "days=1e400", "days=nan", "users=<b>"):
        assert client.get(f"{COVERAGE}?{query}").status_code == 200


def test_a_set_that_nobody_asks_from_or_is_not_there(client: TestClient) -> None:
    assert client.get("/gold/graded-docs/none/coverage").status_code == 404
    assert client.get("/gold/nobody/answer/coverage").status_code == 404
    assert client.get("/gold/python-docs/answer/coverage").status_code == 200


def test_provenance_of_another_shape_breaks_no_page(client: TestClient, own: Any, moment: datetime) -> None:
    odd = [
        replace(item, meta={"provenance": told}) if item.id == "t-dev" else item
        for told in (["x"],)
        for item in items_of(moment)
    ]
    for told in (3, {"trace_id": 7, "release": ["x"]}, {"trace_id": "<i>/../x"}):
        odd = [replace(item, meta={"provenance": told}) if item.id == "t-dev" else item for item in odd]
        version, items = freeze(odd, product="graded-docs", name="answer", created_at=moment)
        own.golds.insert(0, version)
        own.gold[version.version] = list(items)
        text = client.get(PAGE).text
        assert "<i>" not in text
        assert "t-dev" in text


def test_many_readings_are_drawn_in_part_and_all_counted(
    client: TestClient, own: Any, moment: datetime
) -> None:
    version = next(each for each in own.golds if each.product == "graded-docs").version
    own.seen[:] = [
        Look(
            product="graded-docs",
            name="answer",
            version=version,
            at=moment - timedelta(minutes=number),
            by="<b>",
            purpose="show",
        )
        for number in range(300, 0, -1)
    ]
    text = said(client, PAGE)
    assert "read 300 of 3 times" in title(text)
    assert "300 readings, 3 allowed" in text
    assert "250 older ones" in text
