"""The page on enforcement in an application does what it says."""

from __future__ import annotations

import re
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from launchworthy.capture.pricing import Price, PriceTable, Rates
from launchworthy.testing import recording

PAGE = Path(__file__).parents[3] / "docs" / "runtime.md"


def test_the_page_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = PAGE.read_text(encoding="utf-8")
    blocks = {
        language: re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)
        for language in ("yaml", "python", "text")
    }
    (tmp_path / "launchworthy.yaml").write_text(blocks["yaml"][0])
    monkeypatch.chdir(tmp_path)
    price = Price(
        providers=frozenset({"vendor"}),
        models=("chat-small", "chat-backup"),
        rates=Rates(input=0.1, output=0.4),
        source="test",
        seen="2026-01-01",
        version="test",
    )

    def ask_small(messages: Any, tools: Any = None, **options: Any) -> Any:
        if tools is None:
            return "Shoes may be returned within 30 days."
        if messages[-1]["role"] == "tool":
            return "Order 7 is on its way."
        call = {"id": "c1", "function": {"name": "get_order", "arguments": '{"order": 7}'}}
        return {"choices": [{"message": {"content": None, "tool_calls": [call]}}]}

    def search(question: str) -> list[dict[str, str]]:
        return [{"id": "h-1", "text": "Shoes: 30 days."}] if "shoes" in question else []

    names: dict[str, Any] = {
        "ask_small": ask_small,
        "ask_backup": lambda messages, **options: "From the backup.",
        "get_order": lambda order: {"order": order, "state": "sent"},
        "search": search,
        "PRICES": PriceTable(version="test", prices=(price,)),
    }
    with recording():
        for program, printed in zip_longest(blocks["python"], blocks["text"], fillvalue=""):
            exec(compile(program, "page", "exec"), names)
            assert capsys.readouterr().out == printed
