"""The page on the receiver names what the receiver reads, and its examples run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from launchworthy.capture.dialects import genai, openinference, openllmetry
from launchworthy.capture.facts import FACT_TABLES
from launchworthy.capture.otlp import limits
from launchworthy.capture.pricing import PRICES_VARIABLE, load_prices
from launchworthy.capture.storage_policy import IDENTITY
from launchworthy.records import KINDS, OPERATION_KINDS

PAGE = (Path(__file__).parents[3] / "docs" / "receiver.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def _rows() -> dict[str, list[set[str]]]:
    """Names in each cell of each table row, by what stands in the first."""
    found: dict[str, list[set[str]]] = {}
    for line in PAGE.splitlines():
        if line.startswith("| `"):
            first, *cells = line.strip("|").split("|")
            found[first.strip().strip("`")] = [set(re.findall(r"`([^`]+)`", cell)) for cell in cells]
    return found


def test_the_table_of_dialects_is_that_of_the_code() -> None:
    rows = _rows()
    for place, names in enumerate((genai.RENAMED, openinference.RENAMED, openllmetry.RENAMED)):
        for current in set(names.values()):
            assert rows[current][place] == {old for old, new in names.items() if new == current}, current


def test_the_table_of_kinds_is_that_of_the_code() -> None:
    rows = _rows()
    assert set(KINDS) <= set(rows)
    for place, kinds in enumerate((OPERATION_KINDS, openinference.KINDS, openllmetry.KINDS)):
        for name, kind in kinds.items():
            assert name in rows[kind][place], name


def test_every_other_name_that_is_read_is_told() -> None:
    for name in (*IDENTITY, *FACT_TABLES, PRICES_VARIABLE):
        assert f"`{name}`" in PAGE, name
    assert f"{limits.MAX_RECORDS:,}" in PAGE
    assert f"{limits.MAX_ATTRIBUTES:,}" in PAGE
    assert f"{limits.MAX_BODY_BYTES // 2**20} MiB" in PAGE
    assert f"| {limits.MAX_RECORD_BYTES // 2**20} MiB |" in PAGE


def test_the_price_file_of_the_page_is_read(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text(_blocks("json")[0])
    cost = load_prices(path).cost("gpt-4o", "azure.ai.openai", 1_795_000_000 * 10**9, 1_000_000, 0)
    assert cost is not None
    assert (cost.usd, cost.version) == (2.2, "house-2026-11")


def test_the_example_of_the_page_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = _blocks("python")
    exec(code, {})
    assert f"# {capsys.readouterr().out.strip()}" == code.strip().splitlines()[-1]
