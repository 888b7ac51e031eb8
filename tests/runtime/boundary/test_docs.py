"""The example of docs/data.md runs, and answers what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "data.md"


def test_the_example_answers_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (data,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    ((code, answer),) = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", text, re.DOTALL)
    contract = """\
launchworthy: 1
product: shop
owners: {product: ana@example.com}
workflows:
  answer:
    user: customer
    job: find out where an order is
    no_answer: refuse
    failures:
      wrong: {kind: wrong, fix: retrieval, watched_by: quality/hit@5}
    quality: {hit@5: {at_least: 80 %}}
"""
    (tmp_path / "launchworthy.yaml").write_text(contract + data)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "docs/data.md", "exec"), {})
    assert capsys.readouterr().out == answer
