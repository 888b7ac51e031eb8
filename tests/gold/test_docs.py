from __future__ import annotations

import re
from pathlib import Path

import pytest

from launchworthy.gold import load_gold
from launchworthy.gold.coverage import NEAR
from launchworthy.gold.rows import ALIASES

DOCS = Path(__file__).parents[2] / "docs" / "gold.md"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_gold_set_of_the_docs_imports(tmp_path: Path) -> None:
    (tmp_path / "gold.jsonl").write_text(_blocks("json")[0])
    sort, love = load_gold(tmp_path / "gold.jsonl")
    assert sort.expected == {"sorted": 1, "list.sort": 1}
    assert love.slices == ("off_topic", "unanswerable")


def test_the_example_of_the_docs_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(_blocks("python")[-1], {})
    assert capsys.readouterr().out == "1 prompt.md resemblance\nWhat is the weather like?\n"


def test_the_docs_name_every_field_and_the_threshold() -> None:
    told = DOCS.read_text(encoding="utf-8")
    for field, names in ALIASES.items():
        assert f"| `{field}`" in told
        assert all(f"`{name}`" in told for name in names)
    assert f"cosine of {NEAR}" in told
