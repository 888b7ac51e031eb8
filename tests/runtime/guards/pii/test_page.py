"""The page on personal data: its examples run and print what they show, and it names every kind."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from launchworthy.contract import load_contract
from launchworthy.runtime.guards.pii import KINDS, pii_guards
from launchworthy.runtime.guards.pii.guard import WINDOW
from launchworthy.runtime.guards.pii.words import LONGEST_SENTENCE

PAGE = (Path(__file__).parents[4] / "docs" / "guards-pii.md").read_text(encoding="utf-8")
MINIMAL = """launchworthy: 1
product: docs-bot
owners: {product: ana@example.com}
workflows:
  answer:
    user: developer
    job: find the function
    no_answer: refuse
    failures:
      wrong_object: {kind: wrong, fix: retrieval, watched_by: quality/hit@5}
    quality:
      hit@5: {at_least: 80 %}
"""
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize(("code", "shown"), EXAMPLES)
def test_an_example_prints_what_the_page_shows(
    code: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    assert printed.getvalue() == shown


def test_the_page_has_its_examples() -> None:
    assert len(EXAMPLES) == PAGE.count("```python") == 2


def test_the_contract_shown_is_one(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    path = tmp_path / "launchworthy.yaml"
    path.write_text(MINIMAL + shown, encoding="utf-8")
    guard = (load_contract(path).guards or {})["pii"]
    assert guard.thresholds["phone"].value == 0.7
    assert [each.name for each in pii_guards(find=guard.find)] == ["pii", "pii_names"]


def test_the_page_names_every_kind() -> None:
    assert [kind for kind in KINDS if f"`{kind}`" not in PAGE] == []


def test_the_page_says_what_is_held_back() -> None:
    assert f"the last {WINDOW} characters" in PAGE
    assert f"the last {LONGEST_SENTENCE} characters" in PAGE
