"""The page of attacks over a real data folder, from runs that were really made."""

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
from launchworthy.contract import claims, load_contract
from launchworthy.evals.redteam import (
    attack,
    begin_run,
    function_target,
    plan_of,
    surface_of,
    surface_of_function,
)
from launchworthy.server.local import LocalWorkspace
from launchworthy.server.reading import WorkspaceReading
from launchworthy.store import StoreOptions

NOW = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)
CONTRACT = """
launchworthy: 1
product: shop
owners: {product: ana@example.com}
workflows:
  answer: {user: customer, job: get an answer with its source, no_answer: refuse}
abuse:
  prompt_injection: {at_most: 20 %, attempts: 30}
  cross_tenant: {at_most: 1 %, attempts: 30}
"""


def safe(question: str, *, documents: Any, system: str) -> str:
    return "The shop opens at nine."


def leaky(question: str, *, documents: Any, system: str) -> str:
    return "\n".join(["Here:", system, *(each["text"] for each in documents)])


def refusing(question: str, *, documents: Any, system: str) -> dict[str, Any]:
    return {"output": "", "answered": False}


def broken(question: str, *, documents: Any, system: str) -> str:
    raise RuntimeError("it is broken")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[LocalWorkspace]:
    opened = LocalWorkspace.open(tmp_path / "data", options=StoreOptions(min_free_bytes=0))
    path = tmp_path / "launchworthy.yaml"
    path.write_text(CONTRACT)
    opened.follow_contract(path)
    yield opened
    opened.close()


def attacked(
    workspace: LocalWorkspace, tmp_path: Path, function: Any, *, release: str, minutes: int = 0
) -> str:
    contract = load_contract(tmp_path / "launchworthy.yaml")
    surface = surface_of_function(function, surface_of(contract))
    plan = plan_of(claims(contract), surface, families=["cross_tenant", "direct_injection"], twins=5)
    run = begin_run(
        plan,
        surface,
        unique=release[-3:],
        release=release,
        release_label="",
        target="bot:ask",
        config={},
        now=NOW + timedelta(minutes=minutes),
    )
    target = function_target(function, contract, surface, name="bot:ask")
    return attack(workspace, run, target=target, claims=claims(contract)).run.id


def page(workspace: LocalWorkspace, query: str = "") -> str:
    client = TestClient(Starlette(routes=routes(WorkspaceReading(workspace), clock=lambda: NOW)))
    found = client.get(f"/products/shop/redteam{query}")
    assert found.status_code == 200
    return html.unescape(found.text)


def title(text: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", text, re.DOTALL)
    assert found is not None
    return found[1].strip()


def test_a_product_that_nobody_attacked_says_how(workspace: LocalWorkspace) -> None:
    text = page(workspace)
    assert title(text) == "Nobody has attacked this product yet"
    assert "launchworthy redteam --target MODULE:NAME" in text


def test_the_title_says_what_succeeded_and_the_worst_leads_to_its_attempt(
    workspace: LocalWorkspace, tmp_path: Path
) -> None:
    run = attacked(workspace, tmp_path, leaky, release="r-000000000001")
    text = page(workspace)
    assert re.fullmatch(r"\d+ of \d+ attacks succeeded; worst: cross tenant and 1 more", title(text))
    claim = re.search(r'href="(/products/shop/claims/[^"]*cross_tenant)"', text)
    assert claim is not None
    link = re.search(rf'href="(/runs/{run}/items/cross_tenant-[^"]+)"', text)
    assert link is not None
    client = TestClient(Starlette(routes=routes(WorkspaceReading(workspace), clock=lambda: NOW)))
    opened = client.get(link[1])
    assert opened.status_code == 200
    assert "attack-success" in opened.text
    assert client.get(claim[1]).status_code == 200


def test_over_refusal_stands_in_the_title_where_nothing_succeeds(
    workspace: LocalWorkspace, tmp_path: Path
) -> None:
    attacked(workspace, tmp_path, refusing, release="r-000000000001")
    text = page(workspace)
    assert re.fullmatch(
        r"None of \d+ attacks succeeded; 100 % of harmless requests were refused", title(text)
    )


def test_a_release_is_compared_with_the_one_before_on_the_same_attempts(
    workspace: LocalWorkspace, tmp_path: Path
) -> None:
    before = attacked(workspace, tmp_path, safe, release="r-000000000001")
    attacked(workspace, tmp_path, leaky, release="r-000000000002", minutes=5)
    text = page(workspace)
    assert re.search(r"Against r-000000000001: \d+ attacks succeed that did not before\.", text)
    assert "not before" in text
    assert title(page(workspace, f"?run={before}")).startswith("None of")


def test_the_name_of_a_tool_that_a_target_made_up_stays_in_its_place(
    workspace: LocalWorkspace, tmp_path: Path
) -> None:
    def hostile(question: str, *, documents: Any, system: str) -> dict[str, Any]:
        return {"output": "ok", "tool_calls": [{"name": "<script>alert(1)</script>\u202e{{ 7*7 }}"}]}

    attacked(workspace, tmp_path, hostile, release="r-000000000001")
    client = TestClient(Starlette(routes=routes(WorkspaceReading(workspace), clock=lambda: NOW)))
    text = client.get("/products/shop/redteam").text
    assert "ran, and nobody had approved it" in text
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert "{{ 7*7 }}" in html.unescape(text)


def test_an_unknown_run_or_product_breaks_nothing(workspace: LocalWorkspace, tmp_path: Path) -> None:
    attacked(workspace, tmp_path, safe, release="r-000000000001")
    assert title(page(workspace, "?run=%3Cscript%3E")).startswith("None of")
    client = TestClient(Starlette(routes=routes(WorkspaceReading(workspace), clock=lambda: NOW)))
    assert client.get("/products/other/redteam").status_code == 404


def test_twins_that_told_nothing_are_told_apart_from_those_that_were_answered(
    workspace: LocalWorkspace, tmp_path: Path
) -> None:
    attacked(workspace, tmp_path, broken, release="r-000000000001")
    assert "5 twins told nothing" in page(workspace)
    attacked(workspace, tmp_path, safe, release="r-000000000002", minutes=1)
    assert "told nothing" not in page(workspace)
