"""What a target says of its calls, state and passages reaches the metrics that ask for it."""

from __future__ import annotations

from typing import Any

import pytest

from launchworthy.evals import read_answer, scorer_of, try_out
from launchworthy.gold import GoldItem

PAGES = [
    {"id": "returns", "text": "Unworn shoes may be returned within 30 days."},
    {"id": "jobs", "text": "-"},
]


def _score(scorer: str, reply: Any, **gold: Any) -> float | None:
    fields = {name: gold.pop(name) for name in ("context", "answerable", "slices") if name in gold}
    item = GoldItem(id="q", input="?", meta=gold, **fields)
    outcome = try_out([item], target=lambda _: reply, scorers=[scorer_of(scorer)])
    name = scorer_of(scorer).name
    score = outcome.items[0].scores.get(name)
    return None if score is None else score.value


@pytest.mark.parametrize(
    ("scorer", "reply", "gold", "value"),
    [
        ("tool-call-correctness", {"tool_calls": [{"name": "pay"}]}, {"expected_calls": ["pay"]}, 1.0),
        ("tool-call-correctness", {"tool_calls": []}, {"expected_calls": ["pay"]}, 0.0),
        ("tool-call-correctness", {"tool_calls": [{"name": "pay"}]}, {}, None),
        ("forbidden-tool-calls", {"tool_calls": [{"name": "pay"}]}, {"allowed_tools": ["find"]}, 1.0),
        ("task-success", {"output": "x", "state": {"a": 1}}, {"expected_state": {"a": 1}}, 1.0),
        ("task-success", {"output": "x", "success": False}, {}, 0.0),
        ("no-answer-action", {"no_answer": "route"}, {"expected_no_answer": "route"}, 1.0),
        ("no-answer-action", {"no_answer": "route"}, {}, None),
        ("groundedness", {"output": "Unworn shoes may be returned.", "documents": PAGES}, {}, 1.0),
        ("groundedness", {"output": "Unworn shoes may be returned.", "context": ["Other."]}, {}, 0.0),
        ("groundedness", {"output": "Unworn shoes may be returned."}, {"context": PAGES[0]["text"]}, 1.0),
        ("groundedness", {"no_answer": True, "documents": PAGES}, {}, None),
        (
            "citation-recall",
            {"output": "Unworn shoes may be returned [returns].", "documents": PAGES},
            {},
            1.0,
        ),
        ("answered-without-evidence", {"output": "Yes", "citations": []}, {}, 1.0),
        ("length", "one two", {"length": "..1 words"}, 0.0),
        ("length", "one two", {}, None),
        ("format-adherence", "one two", {"length": "..5 words", "pattern": "[a-z ]+"}, 1.0),
    ],
)
def test_items_are_scored_by_what_target_and_gold_set_say(
    scorer: str, reply: Any, gold: dict[str, Any], value: float | None
) -> None:
    assert _score(scorer, reply, **gold) == value


def test_several_options_of_a_scorer_stand_side_by_side() -> None:
    found = scorer_of("tool-call-correctness:order=subset;ignore=id,when;tolerance=0.5")
    assert found.options == {"order": "subset", "ignore": "id,when", "tolerance": "0.5"}
    assert scorer_of("regex:pattern=a;b=c").options == scorer_of("regex:pattern=a;b=c").options != {}


def test_an_answer_of_tool_calls_alone_is_not_taken_for_a_refusal() -> None:
    assert read_answer({"tool_calls": [{"name": "pay"}]}).answered is None
    assert read_answer({"tool_calls": []}).answered is False
    assert read_answer({"tool_calls": [], "output": "Hi."}).answered is None
