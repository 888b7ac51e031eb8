"""The console over a real data folder: judges as the contract has them now, gold sets as they are stored."""

from __future__ import annotations

import html
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from launchworthy.console import routes
from launchworthy.evals.judging import JudgeVersion
from launchworthy.gold import GoldItem, Look, freeze
from launchworthy.server import reading as server_reading
from launchworthy.server.local import LocalWorkspace
from launchworthy.server.reading import WorkspaceReading

NOW = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)
CONTRACT = """
launchworthy: 1
product: docs
owners: {product: ana@example.com}
workflows:
  answer:
    user: developer
    job: find it
    no_answer: refuse
    failures:
      wrong: {kind: wrong, fix: prompt, reason: Wrong, watched_by: quality/groundedness}
    quality:
      groundedness: {at_least: 70 %, judge: grounding-v2}
proof:
  judges:
    grounding-v2: {agreement: {at_least: 0.60}, labels: 100, models: judge-1, policy: policy.md}
    idle: {agreement: {at_least: 0.60}, labels: 100, models: judge-1}
gold:
  answer: {slices: {plain: 2}, holdout: 50 %}
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[LocalWorkspace]:
    opened = LocalWorkspace.open(tmp_path / "data", clock=lambda: NOW)
    yield opened
    opened.close()


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    (tmp_path / "policy.md").write_text("Round numbers are right.")
    path = tmp_path / "launchworthy.yaml"
    path.write_text(CONTRACT)
    return path


def gold(workspace: LocalWorkspace, *items: GoldItem, at: datetime = NOW) -> None:
    version, ordered = freeze(items, product="docs", name="answer", created_at=at)
    workspace.add_gold(version, ordered)


def test_the_version_of_a_judge_follows_the_files_of_the_contract(
    workspace: LocalWorkspace, contract: Path
) -> None:
    workspace.follow_contract(contract)
    reading = WorkspaceReading(workspace)
    first = reading.judge_version("docs", "grounding-v2", metric=None)
    assert isinstance(first, JudgeVersion)
    assert reading.judge_version("docs", "grounding-v2", metric="groundedness") == first
    assert reading.judge_version("docs", "grounding-v2", metric="a metric of before") == first
    (contract.parent / "policy.md").write_text("Round numbers are wrong.")
    second = reading.judge_version("docs", "grounding-v2", metric=None)
    assert isinstance(second, JudgeVersion)
    assert second.changed(first.parts) == ["label policy"]
    (contract.parent / "policy.md").unlink()
    told = reading.judge_version("docs", "grounding-v2", metric=None)
    assert isinstance(told, str)
    assert "cannot be read" in told


def test_a_judge_whose_files_are_elsewhere_has_no_known_version(
    workspace: LocalWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("policy.md").write_text("not the contract's")
    workspace.register_contract(product="docs", text=CONTRACT, path="launchworthy.yaml")
    reading = WorkspaceReading(workspace)
    told = reading.judge_version("docs", "grounding-v2", metric=None)
    assert isinstance(told, str)
    assert "another machine" in told
    assert reading.judge_version("docs", "idle", metric=None) == "no claim of the contract is scored by it"
    assert isinstance(reading.judge_version("nobody", "grounding-v2", metric=None), str)
    client = TestClient(Starlette(routes=routes(reading, clock=lambda: NOW)))
    text = html.unescape(client.get("/products/docs/judges/grounding-v2").text)
    assert "was never calibrated" in text


def test_a_gold_set_is_compared_by_id_alone_and_anew_after_an_erasure(workspace: LocalWorkspace) -> None:
    text = "Which function reads a large file line by line?"
    gold(
        workspace,
        GoldItem(id="a", input=text, split="dev"),
        GoldItem(id="b", input=f"{text} Please", split="holdout"),
        GoldItem(id="c", input=f"{text} Thanks", split="dev"),
    )
    reading = WorkspaceReading(workspace)
    (version,) = reading.gold_versions(product="docs", name="answer")
    found = reading.gold_check(version)
    assert found is not None
    assert {(copy.item, copy.other) for copy in found.copies} >= {("a", "b"), ("a", "c")}
    assert all(copy.texts == (None, None) for copy in found.copies)
    assert reading.gold_check(version) is found, "a version never changes"
    client = TestClient(Starlette(routes=routes(reading, clock=lambda: NOW)))
    shown = html.unescape(client.get("/gold/docs/answer").text)
    assert f"{text} Thanks" in shown
    assert f"{text} Please" not in shown


def test_a_large_set_is_not_compared_while_a_page_waits(
    workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    gold(workspace, *(GoldItem(id=str(number), input=f"{number}", split="dev") for number in range(6)))
    reading = WorkspaceReading(workspace)
    (version,) = reading.gold_versions(product="docs", name="answer")
    monkeypatch.setattr(server_reading, "_MOST_COMPARED", 5)
    assert reading.gold_check(version) is None


def test_looking_at_the_pages_is_no_reading_of_the_holdout(workspace: LocalWorkspace) -> None:
    gold(
        workspace,
        GoldItem(id="a", input="one", split="dev"),
        GoldItem(id="b", input="secret", split="holdout"),
    )
    (version,) = workspace.gold_versions(product="docs", name="answer")
    workspace.add_look(
        Look(product="docs", name="answer", version=version.version, at=NOW, by="ana", purpose="run r-1")
    )
    client = TestClient(Starlette(routes=routes(WorkspaceReading(workspace), clock=lambda: NOW)))
    for address in ("/gold", "/gold/docs/answer", "/gold/docs/answer/coverage"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert "secret" not in answer.text
    assert len(workspace.looks(product="docs", name="answer")) == 1
    assert "its holdout was read 1 time" in client.get("/gold/docs/answer").text


def test_looking_at_the_pages_appends_nothing(workspace: LocalWorkspace, contract: Path) -> None:
    workspace.follow_contract(contract)
    gold(workspace, GoldItem(id="a", input="one", split="dev"))
    client = TestClient(Starlette(routes=routes(WorkspaceReading(workspace), clock=lambda: NOW)))
    before = workspace.ledger_entries(product="docs"), workspace.evidence(product="docs")
    for address in (
        "/products/docs",
        "/products/docs/judges",
        "/products/docs/judges/grounding-v2",
        "/gold/docs/answer",
        "/gold/docs/answer/coverage",
    ):
        assert client.get(address).status_code == 200
    assert (workspace.ledger_entries(product="docs"), workspace.evidence(product="docs")) == before
