"""The page of flags over a real workspace: who gets what in words, who met it, and the kill switch."""

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
from launchworthy.console.flag_words import steps_of
from launchworthy.records import TABLES, Release, Rows
from launchworthy.rollout.flags import read_flags
from launchworthy.server.local import LocalWorkspace
from launchworthy.server.reading import WorkspaceReading
from launchworthy.store import StoreOptions

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
FLAGS: dict[str, Any] = {
    "product": "shop",
    "segments": {"staff": {"when": {"email": {"ends_with": "@shop.example"}}}},
    "holdouts": {"q4": {"share": "5 %"}},
    "flags": {
        "tone": {
            "variants": {"plain": "Answer plainly.", "warm": "Answer warmly."},
            "holdout": "q4",
            "overrides": {"tester-7": "warm"},
            "rules": [
                {"name": "staff", "segments": "staff", "serve": "warm"},
                {
                    "name": "half",
                    "when": {"country": ["DE", "AT"], "age": {"at_least": 18}},
                    "split": {"plain": 1, "warm": 3},
                    "share": "20 %",
                },
            ],
        },
        "banner": {"variants": {"none": "", "sale": "Sale!"}, "enabled": False},
    },
}
RAMPED = """\
launchworthy: 1
product: shop
owners: {product: ana@shop.example, on_call: ana@shop.example, safety: ana@shop.example}
workflows:
  answer:
    user: customer
    job: get an answer
    no_answer: refuse
    failures:
      wrong: {kind: wrong, fix: retrieval, watched_by: reliability/error}
    reliability: {error: {at_most: 5 %}}
rollout:
  stages: [{name: pilot, share: 5 %, for: 1d}, {name: launch, share: 100 %}]
  harms: [reliability/error]
  roll_back: {when: any_harm, within: 5m}
proof: {margin: 5 %}
"""


class Desk:
    """A workspace with flags, and its pages."""

    def __init__(self, folder: Path) -> None:
        self.workspace = LocalWorkspace.open(
            folder / "data",
            clock=lambda: NOW,
            options=StoreOptions(min_free_bytes=0, flush_interval_s=0.02),
        )
        reading = WorkspaceReading(self.workspace)
        self.client = TestClient(Starlette(routes=routes(reading, clock=lambda: NOW)), follow_redirects=False)

    def page(self) -> str:
        answer = self.client.get("/products/shop/flags")
        assert answer.status_code == 200, answer.text
        return html.unescape(answer.text)

    def send(self, **fields: str) -> Any:
        token = re.search(r'name="token" value="([0-9a-f]+)"', self.page())
        assert token is not None
        return self.client.post("/products/shop/flags", data={"token": token[1], **fields})


def title(text: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", text, re.DOTALL)
    assert found is not None
    return " ".join(found[1].split())


def rows(text: str, label: str) -> list[list[str]]:
    """Cells of the table in the region of this name, without its head."""
    region = text.partition(f'aria-label="{label}"')[2].partition("</table>")[0]
    return [
        [" ".join(re.sub(r"<[^>]*>", "", cell).split()) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", region, re.DOTALL)[1:]
    ]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.workspace.close()


def test_without_flags_it_says_what_one_is_for_and_how_to_set_it(desk: Desk) -> None:
    text = desk.page()
    assert title(text) == "No flag is in force"
    assert 'launchworthy flags set flags.yaml --because "…"' in text


def test_each_flag_says_who_gets_what_in_the_order_of_deciding(desk: Desk) -> None:
    desk.workspace.set_flags(product="shop", flags=FLAGS, reason="the new tone", by="ana")
    text = desk.page()
    assert title(text) == "2 flags in force, 1 switched off"
    assert "Version 1, by ana 2026-11-24 12:00 UTC: the new tone" in text
    assert rows(text, "Who gets what of tone") == [
        ["override", "warm", "1 tester named in it"],
        ["holdout q4", "plain", "5 % of all users"],
        ["rule staff", "warm", "those in the segment staff"],
        [
            "rule half",
            "plain 25 % and warm 75 %",
            '20 % of those whose country is one of "AT", "DE" and age is at least 18',
        ],
        ["otherwise", "plain", "everybody else"],
    ]
    assert rows(text, "Who gets what of banner") == [["switched off", "none", "everybody"]]
    assert 'href="/products/shop/experiments/tone"' in text
    assert 'href="/products/shop/experiments/banner"' not in text


def test_who_met_a_variant_is_counted_once_and_simulated_users_apart(desk: Desk) -> None:
    desk.workspace.set_flags(product="shop", flags=FLAGS, reason="the new tone", by="ana")
    seen = [
        (unit, variant, simulated, days)
        for unit, variant, simulated, days in (
            ("u-1", "warm", False, 1), ("u-1", "warm", False, 2), ("u-2", "warm", False, 1),
            ("u-3", "plain", True, 1), ("u-4", "plain", False, 8),
        )
    ]  # fmt: skip
    found = [
        {
            "event_id": f"e-{place}", "product": "shop", "flag": "tone", "variant": variant, "unit": unit,
            "user_id": unit, "unit_kind": "user", "simulated": simulated,
            "time": int((NOW - timedelta(days=days)).timestamp() * 1e9),
        }
        for place, (unit, variant, simulated, days) in enumerate(seen)
    ]  # fmt: skip
    columns = {name: [row.get(name) for row in found] for name in TABLES["exposures"].names}
    desk.workspace._store.ingest([Rows("exposures", columns)], batch_id="b-1")
    desk.workspace._store.flush()
    variants = rows(desk.page(), "Variants of tone")
    assert variants == [["plain", '"Answer plainly."', "0"], ["warm", '"Answer warmly."', "2"]]
    shown = html.unescape(desk.client.get("/products/shop/flags?users=simulated").text)
    assert [row[2] for row in rows(shown, "Variants of tone")] == ["1", "0"]


def test_who_met_a_release_is_who_called_it(desk: Desk) -> None:
    releases = [Release({"model": f"vendor/{name}"}) for name in ("old", "new", "older")]
    desk.workspace.register_contract(product="shop", text=RAMPED, path="launchworthy.yaml")
    for each in releases:
        desk.workspace.register_release(each, product="shop")
    old, new, older = (each.id for each in releases)
    desk.workspace.start_ramp(product="shop", release=new, baseline=old, by="ana")
    calls = [("u-1", old), ("u-1", old), ("u-2", old), ("u-3", new), ("u-4", None), ("u-5", older)]
    found = [
        {
            "product": "shop", "release": release, "user_id": user, "kind": "workflow",
            "trace_id": bytes([place]) * 16, "span_id": bytes([place]) * 8,
            "start_time": int((NOW - timedelta(days=1)).timestamp() * 1e9),
        }
        for place, (user, release) in enumerate(calls)
    ]  # fmt: skip
    columns = {name: [row.get(name) for row in found] for name in TABLES["spans"].names}
    desk.workspace._store.ingest([Rows("spans", columns)], batch_id="b-2")
    desk.workspace._store.flush()
    assert [row[2] for row in rows(desk.page(), "Variants of release")] == ["2", "1"]


def test_the_kill_switch_needs_a_reason_and_stands_in_the_history(desk: Desk) -> None:
    desk.workspace.set_flags(product="shop", flags=FLAGS, reason="the new tone", by="ana")
    assert desk.send(flag="tone", act="off", reason=" ").status_code == 400
    assert desk.send(flag="tone", act="away", reason="x").status_code == 400
    assert desk.send(flag="none", act="off", reason="x").status_code == 404
    done = desk.send(flag="tone", act="off", reason="it is rude")
    assert (done.status_code, done.headers["location"]) == (303, "/products/shop/flags")
    text = desk.page()
    assert title(text) == "2 flags in force, switched off"
    assert [row[3] for row in rows(text, "What was changed")] == ["it is rude", "the new tone"]
    assert desk.workspace.flags(product="shop")["flags"]["flags"]["tone"]["enabled"] is False
    assert desk.send(flag="tone", act="on", reason="it was polite").status_code == 303
    assert title(desk.page()) == "2 flags in force, 1 switched off"


def test_a_refused_switch_keeps_the_reason_beside_its_flag_and_no_other(desk: Desk) -> None:
    desk.workspace.set_flags(product="shop", flags=FLAGS, reason="the new tone", by="ana")
    answer = desk.send(flag="tone", act="away", reason="it is <rude>")
    assert answer.status_code == 400
    assert "Not done:" in answer.text
    assert answer.text.count('value="it is &lt;rude&gt;"') == 1
    opened = re.findall(r"<details open>.*?</details>", answer.text, re.DOTALL)
    assert ['name="flag" value="tone"' in each for each in opened] == [True]


def test_hostile_words_are_shown_as_words(desk: Desk) -> None:
    hostile = '<script>alert(1)</script>\u202e{{ 7*7 }} "onload=alert(1)'
    flags = {
        "product": "shop",
        "flags": {
            "tone": {
                "variants": {"plain": {"text": hostile}, "warm": {hostile: [hostile]}},
                "overrides": {hostile: "warm"},
                "rules": [
                    {
                        "name": "odd",
                        "when": {"plan": hostile, "email": {"contains": hostile}},
                        "serve": "warm",
                    }
                ],
            }
        },
    }
    desk.workspace.set_flags(product="shop", flags=flags, reason=hostile, by=hostile)
    pages = [
        desk.client.get("/products/shop/flags").text,
        desk.send(flag="tone", act=hostile, reason=hostile).text,
        desk.send(flag=hostile, act="off", reason=hostile).text,
    ]
    for raw in pages:
        assert "<script>alert" not in raw
        assert '"onload=' not in raw
        assert "\u202e" not in raw
        assert "{{ 7*7 }}" in raw, "what was typed is shown, not computed"
    assert [raw.count("Not done:") for raw in pages] == [0, 1, 1]


def test_a_form_of_another_page_switches_nothing(desk: Desk) -> None:
    desk.workspace.set_flags(product="shop", flags=FLAGS, reason="the new tone", by="ana")
    sent = {"flag": "tone", "act": "off", "reason": "x", "token": "0" * 64}
    assert desk.client.post("/products/shop/flags", data=sent).status_code == 403
    assert len(desk.workspace.flag_history(product="shop")) == 1


def test_every_condition_has_words() -> None:
    compared = {
        "is": 1, "is_not": 1, "in": [1], "not_in": [1], "at_least": 1, "at_most": 1, "above": 1, "below": 1,
        "starts_with": "a", "ends_with": "a", "contains": "a", "matches": "a", "exists": False,
        "version_at_least": "1.2", "version_below": "1.2",
    }  # fmt: skip
    for operator, value in compared.items():
        rule = {"name": "r", "when": {"plan": {operator: value}}, "serve": "b"}
        found = read_flags({"product": "shop", "flags": {"f": {"variants": ["a", "b"], "rules": [rule]}}})
        (step, _) = steps_of(found.flags["f"], found)
        assert step.who.startswith("those whose plan "), operator
