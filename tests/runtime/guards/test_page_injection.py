"""The page on injection and its kin: its examples print what they show, and it names what there is."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from launchworthy.runtime.guards.hidden import HIDDEN_KINDS, HiddenTextGuard
from launchworthy.runtime.guards.secrets import SECRET_KINDS, SecretsGuard

PAGE = (Path(__file__).parents[3] / "docs" / "guards-injection.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize(("code", "shown"), EXAMPLES)
def test_an_example_prints_what_the_page_shows(code: str, shown: str) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    assert printed.getvalue() == shown


def test_the_page_has_its_examples() -> None:
    assert len(EXAMPLES) == PAGE.count("```python") == 2


def test_the_page_names_every_kind() -> None:
    assert [kind for kind in (*HIDDEN_KINDS, *SECRET_KINDS) if f"`{kind}`" not in PAGE] == []


def test_the_page_says_what_is_held_back() -> None:
    for guard in (HiddenTextGuard(), SecretsGuard()):
        assert f"the last {guard.window} characters" in PAGE
