"""lw.evaluate in a notebook: what it takes, what it shows, and that nothing an answer says becomes markup."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd  # type: ignore[import-untyped]
import pyarrow as pa
import pytest
from rich.console import Console

import launchworthy as lw
from launchworthy.errors import InputError
from launchworthy.gold import GoldItem

ROWS = [
    {"id": f"q{n:02}", "input": n, "expected": str(n * n), "slices": ["odd" if n % 2 else "even"]}
    for n in range(1, 41)
]


def square(n: int) -> str:
    return str(n * n)


def sloppy(n: int) -> str:
    return "about that" if n % 4 == 0 else str(n * n)


def clumsy(n: int) -> str:
    if n == 13:
        raise RuntimeError("<b>upstream</b> said 503")
    return "<script>alert(1)</script>" if n % 4 == 0 else str(n * n)


class Tags(HTMLParser):
    """Every tag and style that a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_list_a_file_a_frame_and_gold_items_are_the_same_questions(tmp_path: Path) -> None:
    file = tmp_path / "gold.jsonl"
    file.write_text("\n".join(map(json.dumps, ROWS)))
    gold = [GoldItem(id=r["id"], input=r["input"], expected=r["expected"]) for r in ROWS]  # type: ignore[arg-type]
    frame = pd.DataFrame([{**row, "slices": None} for row in ROWS])
    for items in (ROWS, file, str(file), gold, frame, iter(ROWS)):
        found = lw.evaluate(items, square, "exact-match")
        assert [item.scores["exact-match"].value for item in found.items] == [1.0] * 40
        assert found.failures == ()


def test_it_runs_where_an_event_loop_runs_already() -> None:
    async def cell() -> Any:
        return lw.evaluate(ROWS, square, ["exact-match"])

    assert asyncio.run(cell()).outcome.run.done == 40


def test_a_baseline_is_a_result_or_a_target_and_the_difference_is_paired() -> None:
    before = lw.evaluate(ROWS, square, "exact-match")
    for baseline in (before, square):
        found = lw.evaluate(ROWS, sloppy, "exact-match", baseline=baseline, margin=0.02)
        (pair,) = found.outcome.comparisons
        assert (pair.status, len(pair.worse), len(pair.better)) == ("unmet", 10, 0)
        assert found.conclusion.startswith("40 of 40 items answered by ")
        assert "proven worse than" in found.conclusion


def test_answers_that_never_came_keep_a_comparison_from_being_settled() -> None:
    def crash(n: int) -> str:
        if n > 10:
            raise RuntimeError("down")
        return str(n * n)

    before = lw.evaluate(ROWS, square, "exact-match")
    found = lw.evaluate(ROWS, crash, "exact-match", baseline=before, margin=0.3)
    why = "30 of 40 items could not be compared (30 could not be scored; 75 %"
    assert f"not proven either way against {found.baseline}: exact-match, as {why}" in found.conclusion
    assert "no worse" not in found.conclusion
    assert f"no worse than 30 points: unproven: {why}" in str(found)
    assert why in Tags(found._repr_html_()).text


def test_failures_come_with_no_answer_first_then_the_worst() -> None:
    found = lw.evaluate(ROWS, clumsy, "exact-match")
    assert found.failures[0].item_id == "q13"
    assert len(found.failures) == 11
    assert str(found.failures[0].error).startswith("RuntimeError")


def test_own_scorers_are_functions_of_a_row() -> None:
    def length(row: Any) -> float:
        return float(len(row["output"]))

    found = lw.evaluate(ROWS[:5], square, [length, "exact-match"])
    assert found.items[0].scores["length"].value == 1.0
    assert found.failures == (), "a number without a best is no failure"


def test_frames_hold_a_row_an_item_for_pandas_and_for_any_arrow_reader() -> None:
    found = lw.evaluate(ROWS, clumsy, "exact-match")
    frame = found.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert frame.loc[0, "input"] == "1"
    assert frame["exact-match"].sum() == 29
    table = pa.table(found)
    assert table.num_rows == 40
    assert table.column("slices")[0].as_py() == ["odd"]
    assert table.to_pylist()[12]["error"].startswith("RuntimeError")


def test_the_page_says_conclusion_figures_differences_and_failures_and_stands_alone() -> None:
    found = lw.evaluate(ROWS, clumsy, "exact-match", baseline=square, margin=0.02)
    html = found._repr_html_()
    page = Tags(html)
    assert found.conclusion in page.text
    assert "74.4 % (58.9 to 85.4, n = 39)" in page.text
    assert "11 of 40 items fell short" in page.text
    assert page.tags.count("svg") >= 4, "a plot for each interval, and the forest"
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert "http" not in html.replace("503", "")
    assert "prefers-color-scheme:dark" in html
    assert "data-jp-theme-light=false" in html
    forest = str(found.forest())
    assert forest == found.forest()._repr_html_()
    svg = ET.fromstring(forest[forest.index("<svg") : forest.index("</svg>") + 6])
    assert "exact-match" in "".join(svg.itertext())


@pytest.mark.parametrize(
    "said", ["<script>alert(1)</script>", "</style></div><img src=x onerror=alert(1)>", "\u202e\x00{{7*7}}"]
)
def test_what_an_answer_a_question_or_a_name_says_stays_text(said: str) -> None:
    rows = [{"id": said.strip("\x00\u202e") or "x", "input": said, "expected": "a", "slices": ["s"]}]
    found = lw.evaluate(rows, lambda _: said, "exact-match", baseline=lambda _: "a")
    html = found._repr_html_()
    assert not {"script", "img"} & set(Tags(html).tags)
    assert "\u202e" not in html
    assert "\x00" not in html


def test_without_a_baseline_there_is_no_forest_but_a_sentence() -> None:
    found = lw.evaluate(ROWS, square, "exact-match")
    assert "nothing to compare with" in str(found.forest())
    assert "<svg" not in str(found.forest())


def test_terminals_show_a_table() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    found = lw.evaluate(ROWS, clumsy, "exact-match")
    console.print(found)
    assert "74.4 % (58.9 to 85.4, n = 39)" in console.export_text()
    assert "exact-match" in str(found)
    assert "RuntimeError" in str(found)


@pytest.mark.parametrize(
    ("items", "scorers", "message"),
    [
        ([], "exact-match", "no items"),
        ([3], "exact-match", "is no item"),
        (None, "exact-match", "None is no list of items"),
        (7, "exact-match", "7 is no list of items"),
        (ROWS[0], "exact-match", "is no list of items"),
        (ROWS, None, "no scorer"),
        ([{"expected": "x"}], "exact-match", "the input is missing"),
        (ROWS, [], "no scorer"),
        (ROWS, "exact-mach", "unknown metric"),
        ("no-such.jsonl", "exact-match", "no-such.jsonl"),
        ([ROWS[0], ROWS[0]], "exact-match", "stands twice"),
    ],
)
def test_what_cannot_be_evaluated_is_told(items: Any, scorers: Any, message: str) -> None:
    with pytest.raises(InputError) as told:
        lw.evaluate(items, square, scorers)
    assert message in str(told.value)


def test_importing_the_package_does_not_load_the_notebook() -> None:
    code = "import sys, launchworthy; print([n for n in sys.modules if n.startswith('launchworthy.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
