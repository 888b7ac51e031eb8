"""A judge's page: whether its grades may be believed, and what they come to."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from tests.console.conftest import looked_at
from tests.console.judged import PRODUCT, REASON, RUN

from launchworthy.console import routes
from launchworthy.evals.judging import JudgeVersion, judge_view
from launchworthy.evidence import Evidence
from launchworthy.evidence.verdict import verdict_on
from launchworthy.quantity import format_interval

LIST = f"/products/{PRODUCT}/judges"
PAGE = f"{LIST}/grounding-v2"


@pytest.fixture
def own(world: Any) -> Any:
    """The world, of which a test may change what speaks of judges."""
    mine = {name: dict(getattr(world, name)) for name in ("verdicts", "judges", "items")}
    return looked_at(replace(world, **mine), RUN)


@pytest.fixture
def client(own: Any, moment: datetime) -> TestClient:
    return TestClient(Starlette(routes=routes(own, clock=lambda: moment)))


def said(client: TestClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return html.unescape(answer.text)


def title(text: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", text, re.DOTALL)
    assert found is not None
    return " ".join(re.sub(r"<span class=\"state.*?</span></span>", "", found[1]).split())


def test_a_judge_says_how_far_it_agrees_with_people(client: TestClient, own: Any) -> None:
    piece = judge_view(own.verdicts[PRODUCT].evidence, "grounding-v2").calibrations[0].evidence
    assert piece.value is not None
    assert piece.low is not None
    text = said(client, PAGE)
    wanted = f"agrees with people: kappa {piece.value:.3g}, at least {piece.low:.3g} proven"
    assert title(text) == f"grounding-v2 {wanted}"
    assert '<span class="state met">' in text[: text.index("</h1>")]


def test_the_table_counts_what_both_said(client: TestClient, own: Any) -> None:
    told = judge_view(own.verdicts[PRODUCT].evidence, "grounding-v2").calibrations[0]
    part = said(client, PAGE).partition('id="both"')[2].partition("</table>")[0]
    rows = re.findall(r'<th scope="row">(\w+)</th>(.*?)</tr>', part, re.DOTALL)
    assert [name for name, _ in rows] == ["no", "yes"]
    counts = [[int(number) for number in re.findall(r">(\d+)</td>", row)] for _, row in rows]
    assert [row[:2] for row in counts] == told.table.rows()
    assert sum(row[2] for row in counts) == 230


def test_what_it_said_stands_beside_what_labels_make_of_it(client: TestClient, own: Any) -> None:
    text = said(client, PAGE)
    part = text.partition('id="corrections"')[2].partition("</table>")[0]
    told = judge_view(own.verdicts[PRODUCT].evidence, "grounding-v2").corrections[0]
    assert told.raw is not None
    raw, piece = told.raw, told.evidence
    judged = format_interval(raw["value"], raw["low"], raw["high"], n=400, unit="ratio")
    corrected = format_interval(piece.value, piece.low, piece.high, n=piece.n, unit="ratio")
    assert f"as judged {judged}; corrected {corrected}" in part
    assert f'<td class="n">{judged}</td>' in part
    assert f'<td class="n">{corrected}</td>' in part
    assert "prediction-powered" in part
    assert f'href="/products/{PRODUCT}/claims/{PRODUCT}/answer/quality/groundedness"' in part


def test_items_that_are_graded_apart_open_with_the_reason_of_the_judge(client: TestClient, own: Any) -> None:
    told = judge_view(own.verdicts[PRODUCT].evidence, "grounding-v2").calibrations[0]
    answer = client.get(PAGE).text
    first = told.disagreements[0]["id"]
    assert f'href="/runs/{RUN}/items/{first}"' in answer
    assert "<script>alert" not in answer
    part = html.unescape(answer).partition('id="apart"')[2].partition("</table>")[0]
    assert part.count(REASON) == len(told.disagreements)
    assert "<td>yes</td><td>no</td>" in part or "<td>no</td><td>yes</td>" in part


def test_reasons_are_not_taken_from_another_version_of_the_judge(
    client: TestClient, own: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def older(item: Any) -> Any:
        (name,) = item.scores
        score = item.scores[name]
        return replace(item, scores={name: replace(score, detail={**score.detail, "judge": "j-other"})})

    monkeypatch.setitem(own.items, RUN, [older(item) for item in own.items[RUN]])
    text = said(client, PAGE)
    assert REASON not in text
    assert "reasons are not kept" in text


def test_a_run_that_is_gone_takes_no_page_with_it(client: TestClient, own: Any) -> None:
    own.items[RUN] = []
    text = said(client, PAGE)
    assert f"/runs/{RUN}/items/" not in text.partition('id="apart"')[2]


def test_a_changed_label_policy_is_the_headline(client: TestClient, own: Any) -> None:
    version = own.judges[PRODUCT, "grounding-v2"]
    own.judges[PRODUCT, "grounding-v2"] = JudgeVersion(
        id="j-000000000000", parts={**version.parts, "policy": "another"}
    )
    text = said(client, PAGE)
    assert title(text) == "grounding-v2 is not calibrated as it is now: the label policy changed"
    assert '<span class="state unproven">' in text[: text.index("</h1>")]


def test_calibrations_say_which_part_changed(client: TestClient, own: Any) -> None:
    part = said(client, PAGE).partition('id="versions"')[2]
    rows = re.findall(r"<tr><td.*?</tr>", part, re.DOTALL)
    assert len(rows) == 2
    assert "label policy" in rows[0]
    assert "as it is now" in rows[0]
    assert "the first" in rows[1]


def test_a_judge_of_pairs_says_which_place_it_prefers(client: TestClient) -> None:
    text = said(client, f"{LIST}/prefer-v1")
    part = text.partition('id="bias"')[2].partition("</section>")[0]
    assert "Leans to the first place" in part
    assert re.search(r"36\.7 points \([\d.]+ to [\d.]+\)", part)
    assert "Same answer in both orders" in part
    assert title(text).startswith("prefer-v1 does not agree with people as asked: kappa 0.3")
    assert 'id="bias"' not in said(client, PAGE)


def test_a_judge_that_was_never_calibrated_says_how_it_is(client: TestClient) -> None:
    text = said(client, f"{LIST}/unused-v1")
    assert title(text) == "unused-v1 was never calibrated: its grades prove nothing yet"
    assert "launchworthy judge calibrate unused-v1 --labels labels.jsonl" in text


def test_a_claim_that_was_never_judged_says_so(client: TestClient, own: Any, moment: datetime) -> None:
    before = own.verdicts[PRODUCT]
    own.verdicts[PRODUCT] = verdict_on(before.terms, [], release=None, now=moment)
    part = said(client, PAGE).partition('id="corrections"')[2].partition("</table>")[0]
    assert "not judged yet" in part
    assert f'href="/products/{PRODUCT}/claims/{PRODUCT}/answer/quality/groundedness"' in part
    assert "win rate" not in part.lower()


def test_the_list_names_every_judge_with_its_state(client: TestClient) -> None:
    text = said(client, LIST)
    assert title(text) == "3 judges: 1 unmet, 1 unproven and 1 met"
    for name in ("grounding-v2", "prefer-v1", "unused-v1"):
        assert f'href="{LIST}/{name}"' in text
    none = said(client, "/products/python-docs/judges")
    assert title(none) == "No judge scores python-docs"


def test_board_and_claims_lead_to_the_judge(client: TestClient) -> None:
    assert f'href="{LIST}"' in said(client, f"/products/{PRODUCT}")
    assert f'href="{LIST}"' not in said(client, "/products/python-docs")
    for claim in ("answer/quality/groundedness", "proof/judges/grounding-v2"):
        assert f'href="{PAGE}"' in said(client, f"/products/{PRODUCT}/claims/{claim}")


@pytest.mark.parametrize(
    "detail",
    [
        {"judge": {}},
        {"judge": {"version": "j", "parts": 3, "models": None, "scale": "yes_no"}},
        {"judge": {"version": "j", "parts": {}, "models": [], "scale": "9-x"}},
        {"judge": {"version": "j", "parts": {}, "models": ["<i>"], "scale": "yes_no"}, "pairs": [[1]]},
        {
            "judge": {"version": "j", "parts": {}, "models": ["<i>"], "scale": "yes_no"},
            "disagreements": ["x", {"id": "<b>", "judge": "much", "human": None}],
            "drawn": {RUN: ["x"], "gone": 3},
            "position_bias": {"first": {"value": "x"}, "pairs": "many"},
            "same_grade_share": "most",
            "divided": "few",
        },
        {"judge": {"version": "j", "parts": 3, "models": [], "scale": "yes_no"}},
        {"judge": {"version": ["j"], "parts": {}, "models": [], "scale": "yes_no"}},
        {"judge": {"version": "j", "parts": {}, "models": [3, None], "scale": "yes_no"}},
        {
            "judge": {"version": "j", "parts": {}, "models": [], "scale": "yes_no"},
            "pairs": [[0.0, 1.0, "many"]],
        },
        {"judge": {"version": "j", "parts": {}, "models": [], "scale": ["yes_no"]}},
        {"judge": {"version": "j", "parts": {}, "models": [], "scale": "1-5"}, "position_bias": ["first"]},
        {"judge": "grounding-v2", "raw": {"value": None}, "reason": ["odd"]},
        {"judge": "grounding-v2", "raw": ["x"], "judge_version": 7},
    ],
)
def test_evidence_of_another_shape_breaks_no_page(
    client: TestClient, own: Any, moment: datetime, detail: Mapping[str, Any]
) -> None:
    before = own.verdicts[PRODUCT]
    odd = Evidence(
        claim=f"{PRODUCT}/proof/judges/grounding-v2",
        kind="agree",
        observed_at=moment - timedelta(minutes=1),
        detail=detail,
    )
    own.verdicts[PRODUCT] = verdict_on(before.terms, [*before.evidence, odd], release=None, now=moment)
    assert client.get(PAGE).status_code == 200
    own.verdicts[PRODUCT] = verdict_on(before.terms, [odd], release=None, now=moment)
    assert client.get(PAGE).status_code == 200


def test_what_people_say_since_the_calibration_stands_beside_it(
    client: TestClient, own: Any, moment: datetime
) -> None:
    before = own.verdicts[PRODUCT]
    agreement = {"value": 0.41, "low": 0.3, "high": 0.52, "n": 150}
    for detail, wanted in (
        ({"watched": "grounding-v2", "agreement": agreement}, "0.41 (0.3 to 0.52, n = 150)"),
        ({"watched": "grounding-v2", "agreement": {"value": "x"}}, None),
        ({"watched": "grounding-v2", "reason": "too few"}, None),
        ({"watched": "another", "agreement": agreement}, None),
    ):
        since = Evidence(
            claim=f"{PRODUCT}/answer/quality/groundedness",
            kind="bound",
            observed_at=moment,
            n=150,
            detail=detail,
        )
        own.verdicts[PRODUCT] = verdict_on(before.terms, [*before.evidence, since], release=None, now=moment)
        text = said(client, PAGE)
        assert ("By labels since" in text) is (wanted is not None)
        assert wanted is None or wanted in text


@pytest.mark.parametrize("name", ["nobody", "a/b", "%3Cb%3E", "../x"])
def test_a_judge_that_is_not_there_says_so(client: TestClient, name: str) -> None:
    answer = client.get(f"{LIST}/{name}")
    assert answer.status_code == 404
    assert client.get(f"/products/nobody/judges/{name}").status_code == 404
