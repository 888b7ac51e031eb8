"""The canvas as a file: whole, safe, and in need of nothing else."""

from __future__ import annotations

import html
import re
from pathlib import Path

from click.testing import CliRunner

from launchworthy.cli.canvas import command
from launchworthy.console.canvas_file import canvas_html
from launchworthy.contract import parse_contract

TEXT = """\
launchworthy: 1
product: docs-bot
owners: {product: ana@example.com}
workflows:
  answer:
    user: developer <b>who reads</b>
    job: find the function that does what I need
    no_answer: refuse
    failures:
      wrong_object: {kind: wrong, fix: retrieval, watched_by: quality/hit@5}
    quality:
      hit@5: {at_least: 80 %}
"""


def test_the_file_holds_every_field_and_says_where_the_contract_is_silent() -> None:
    text = html.unescape(canvas_html(parse_contract(TEXT)))
    for field in ("Problem", "User", "Data sources", "Model outputs", "User value", "Risks", "Metrics"):
        assert f"<h2>{field}</h2>" in text
    assert "Find the function that does what I need" in text
    assert "at least 80\xa0%" in text
    assert "silent on data sources, model outputs and user value" in text


def test_the_file_asks_nothing_of_any_host_and_runs_no_script() -> None:
    text = canvas_html(parse_contract(TEXT))
    assert not re.search(r"<script|<link|\bsrc=|@import|url\((?!['\"]?data:)", text)
    assert "default-src 'none'" in text


def test_what_a_contract_says_is_text_and_never_markup() -> None:
    text = canvas_html(parse_contract(TEXT))
    assert "<b>who reads</b>" not in text
    assert "&lt;b&gt;who reads&lt;/b&gt;" in text


def test_the_command_writes_the_file_and_names_a_broken_contract_by_its_line(tmp_path: Path) -> None:
    contract, out = tmp_path / "launchworthy.yaml", tmp_path / "canvas.html"
    contract.write_text(TEXT)
    done = CliRunner().invoke(command, ["--contract", str(contract), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert out.read_text().startswith("<!doctype html>")
    contract.write_text(TEXT.replace("quality:", "qualty:"))
    broken = CliRunner().invoke(command, ["--contract", str(contract), "--out", str(out)])
    assert f"{contract}:11:5" in str(broken.exception)
