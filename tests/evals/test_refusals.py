"""What is wrong in a gold set or a prompt is told before a call is paid for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from launchworthy.errors import InputError
from launchworthy.evals import row_of
from launchworthy.evals.model_target import read_prompt
from launchworthy.evals.scenarios import conversing
from launchworthy.evals.target import CallableTarget
from launchworthy.gold import GoldItem
from launchworthy.records import RunItem


@pytest.mark.parametrize("wrong", [[{"calld": "a"}], {"regex": "("}, [], "yes", [[]]])
def test_a_condition_of_success_that_cannot_be_read_stops_the_run_at_its_start(wrong: Any) -> None:
    item = GoldItem(
        id="s1",
        input={"opening": "hello"},
        slices=("scenarios",),
        meta={"success_when": wrong},
        expected=None,
    )
    with pytest.raises(InputError, match="success_when") as caught:
        conversing(CallableTarget(str), [item])
    assert "item s1" in str(caught.value)


def test_conditions_of_success_that_can_be_read_are_let_through() -> None:
    meta = {"success_when": [{"called": "refund"}, {"contains": "done"}]}
    item = GoldItem(id="s1", input={"opening": "hello"}, slices=("scenarios",), meta=meta, expected=None)
    assert conversing(CallableTarget(str), [item]).name == "builtins:str"


@pytest.mark.parametrize(
    "text", ["{input} {nope}", "Question: {input}\n{contxt}", "---\nsystem: You are {role}.\n---\n{input}"]
)
def test_a_hole_that_nothing_fills_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.md"
    path.write_text(text)
    with pytest.raises(InputError, match="which nothing fills"):
        read_prompt(path)


def test_braces_of_json_and_code_are_no_holes(tmp_path: Path) -> None:
    path = tmp_path / "p.md"
    path.write_text('Answer {"answer": "text"} or {} or { x }, to {input} in {context}.')
    assert '{"answer": "text"}' in read_prompt(path).text


def test_a_scorer_of_ones_own_finds_what_was_expected_under_its_name() -> None:
    for expected in ("Paris", {"city": "Paris"}, ["Paris", "paris"]):
        gold = GoldItem(id="q1", input="capital?", expected=expected)
        row = row_of(gold, RunItem(item_id="q1", input="capital?", expected=expected, output="Paris"))
        assert row["expected"] == expected
