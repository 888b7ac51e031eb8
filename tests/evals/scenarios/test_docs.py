"""The page about scenarios: its item, its target and its command do what it says."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from launchworthy.cli.main import cli

DOCS = Path(__file__).parents[3] / "docs" / "scenarios.md"
CONTRACT = """
launchworthy: 1
product: shop
owners: {product: ana@example.com}
workflows:
  answer:
    user: customer
    job: get the money back
    no_answer: refuse
    failures:
      unpaid: {kind: wrong, fix: tool, watched_by: quality/task_success}
    quality:
      task_success: {at_least: 60 %}
      forbidden_tool_calls: {at_most: 30 %}
gold:
  answer: {file: gold/scenarios.jsonl, scenarios: 8}
"""
PLAYED = {"user": {"goal": "get order A-17 refunded", "knows": {"order": "A-17"}}}


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    target, _ = _blocks("python")
    (tmp_path / "shop_of_the_docs.py").write_text(target)
    (tmp_path / "gold").mkdir()
    (tmp_path / "gold" / "scenarios.jsonl").write_text(_blocks("json")[0])
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("shop_of_the_docs", None)


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--data", "data"], catch_exceptions=False)


def _several(folder: Path, scenario: dict[str, Any] | None = None) -> None:
    row = json.loads(_blocks("json")[0])
    rows = [
        row | {"id": f"r{n}", "split": "holdout", "input": (scenario or row["input"]) | {"max_turns": 5 + n}}
        for n in range(8)
    ]
    (folder / "gold" / "scenarios.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))


def test_the_conversation_of_the_docs_is_held(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for block in _blocks("python"):
        exec(block, names)
    printed = capsys.readouterr().out
    assert [message["content"] for message in names["outcome"].items[0].output["messages"]] == [
        "I want my money back",
        "What is your order number?",
        "Order A-17",
        "20 EUR are on their way.",
        "Thanks",
        "Goodbye!",
    ]
    assert "assistant: 20 EUR are on their way." in printed
    measured = {row.metric: row for row in names["outcome"].measured if row.slice is None}
    found = {name: measured[name].interval.value for name in names["scorers"]}
    assert found == {"task-success": 1.0, "tool-call-correctness": 1.0, "forbidden-tool-calls": 0.0}


def test_scenarios_prove_what_the_contract_asks_of_them(folder: Path) -> None:
    _several(folder)
    (folder / "launchworthy.yaml").write_text(CONTRACT)
    told = json.loads(_run("eval", "--target", "shop_of_the_docs:ask", "--json").stdout)
    by_claim = {piece["claim"]: piece for piece in told["evidence"]}
    done = by_claim["shop/answer/quality/task_success"]
    assert (done["value"], done["n"]) == (1.0, 8)
    assert by_claim["shop/answer/quality/forbidden_tool_calls"]["value"] == 0.0
    assert told["cost_usd"] == pytest.approx(8 * 0.004)
    run = json.loads(_run("runs", told["run"], "--json").stdout)
    assert "20 EUR are on their way." in json.dumps(run)
    _run("measure")
    verdict = json.loads(_run("verdict", "--json").stdout)
    covered = next(claim for claim in _claims(verdict) if claim["claim"] == "shop/gold/answer/scenarios")
    assert covered["status"] == "met", covered


def _claims(verdict: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = verdict["claims"]
    return found


def test_a_model_plays_the_user_from_the_command_line(
    folder: Path, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["I want my money back", "Order A-17", "[DONE]"]

    async def handler(request: web.Request) -> web.Response:
        said = sum(one["role"] == "assistant" for one in (await request.json())["messages"])
        message = {"role": "assistant", "content": words[said]}
        return web.json_response({"choices": [{"message": message}]})

    endpoint = serve(handler)
    monkeypatch.setenv("MODEL_TOKEN", "secret-of-the-model")
    _several(folder, PLAYED)
    asked = ["eval", "--product", "shop", "--target", "shop_of_the_docs:ask", "--scorer", "task-success"]
    asked += ["--gold", "gold/scenarios.jsonl"]
    refused = CliRunner().invoke(cli, [*asked, "--data", "data"], standalone_mode=False)
    assert "--user MODEL" in str(getattr(refused.exception, "hint", refused.output))
    address = endpoint.url.removesuffix("/ask")
    result = _run(*asked, "--user", "m", "--user-url", address, "--user-key-env", "MODEL_TOKEN", "--json")
    told = json.loads(result.stdout)
    done = next(row for row in told["measured"] if row["metric"] == "task-success" and row["slice"] is None)
    assert (done["value"], done["n"]) == (1.0, 8)
    assert endpoint.headers[0]["Authorization"] == "Bearer secret-of-the-model"
    assert "secret-of-the-model" not in result.output
    assert "secret-of-the-model" not in _run("runs", told["run"], "--json").stdout
    lone = CliRunner().invoke(cli, [*asked, "--user-url", address, "--data", "data"], standalone_mode=False)
    assert "none was named" in str(lone.exception)
