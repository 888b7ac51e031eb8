from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchworthy.errors import InputError
from launchworthy.evals import read_answer, row_of, scorer_of
from launchworthy.evals.scoring import score_item
from launchworthy.gold import GoldItem
from launchworthy.records import RunItem

TRACE = "0af7651916cd43dd8448eb211c80319c"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["output", "ranked", "citations", "answered", "cost_usd", "x"]), inner
        )
    ),
    max_leaves=6,
)


@given(JSON)
def test_any_json_at_all_is_an_answer_or_a_clear_refusal(raw: Any) -> None:
    with contextlib.suppress(InputError):
        assert read_answer(raw).answered in (None, True, False)


def test_what_a_target_says_is_read_by_its_usual_names() -> None:
    answer = read_answer(
        {
            "answer": "So.",
            "documents": [{"id": 7}, "b"],
            "no_answer": None,
            "cost_usd": 1,
            "trace_id": TRACE.upper(),
        }
    )
    assert (answer.output, answer.ranked, answer.answered) == ("So.", ["7", "b"], True)
    assert (answer.cost_usd, answer.trace_id) == (1.0, TRACE)


def test_a_prediction_is_scored_without_further_words() -> None:
    gold = GoldItem(id="a", input={"amount": 7}, expected="spam")
    said = {"prediction": "ham", "score": 0.25, "confidence": 0.75, "because": "no link"}
    row = row_of(gold, RunItem(item_id="a", output=said, latency_ms=3.0))
    assert {name: row[name] for name in ("prediction", "score", "confidence", "label")} == {
        "prediction": "ham",
        "score": 0.25,
        "confidence": 0.75,
        "label": "spam",
    }
    assert row["output"] == said  # whole, for a JSON Schema
    assert "answered" not in row


@pytest.mark.parametrize(
    ("raw", "answered"),
    [
        ("text", None),
        ("  ", False),
        (None, False),
        ({"output": "I cannot say"}, None),
        ({"output": ""}, False),
        ({"ranked": ["a"]}, None),
        ({"output": "x", "no_answer": "refuse"}, False),
        ({"output": "x", "no_answer": False}, True),
        ({"output": "x", "answered": False}, False),
        ({"amount": 3}, None),
    ],
)
def test_whether_it_answered_is_never_guessed_from_words(raw: Any, answered: bool | None) -> None:
    assert read_answer(raw).answered is answered


@pytest.mark.parametrize(
    "raw",
    [
        {"output": "x", "cost_usd": -1},
        {"output": "x", "cost_usd": "free"},
        {"output": "x", "trace_id": "12"},
        {"output": "x", "ranked": {"a": 1}},
        {"output": "x", "citations": [None]},
        {"output": "x", "answered": "yes"},
        {"output": "x", "no_answer": 1.5},
    ],
)
def test_a_field_of_the_wrong_type_is_no_answer(raw: Any) -> None:
    with pytest.raises(InputError, match="the answer's"):
        read_answer(raw)


def _row(gold: GoldItem, output: Any) -> dict[str, Any]:
    return row_of(gold, RunItem(item_id=gold.id, output=output, latency_ms=3.0))


def test_the_truth_goes_where_metrics_look_for_it() -> None:
    assert _row(GoldItem(id="q", input="?", expected="a"), "a")["reference"] == "a"
    ranked = _row(GoldItem(id="q", input="?", expected=["a", "b"]), {"ranked": ["a"]})
    assert ranked["relevant"] == {"a": 1, "b": 1}
    both = GoldItem(
        id="q", input="?", expected="text", meta={"relevant": {"a": 2}, "pattern": "x"}, answerable=True
    )
    row = _row(both, {"output": "text", "citations": ["a"]})
    assert (row["reference"], row["relevant"], row["supported"]) == ("text", {"a": 2}, {"a": 2})
    assert (row["should_answer"], row["pattern"]) == (True, "x")
    assert "answered" not in row


SCORERS = [scorer_of(name) for name in ("exact-match", "hit@5", "citation-correctness", "over-refusal")]


def _values(gold: GoldItem, output: Any) -> dict[str, float | None]:
    scores = score_item(_row(gold, output), SCORERS, timeout_s=5)
    return {name: score.value for name, score in scores.items()}


def test_a_question_without_an_answer_is_outside_what_needs_one() -> None:
    gold = GoldItem(id="q", input="?", answerable=False)
    assert _values(gold, {"output": None, "ranked": ["a"], "answered": False}) == {"over-refusal": 1.0}


def test_a_refusal_where_an_answer_was_due_is_wrong_and_not_unmeasured() -> None:
    gold = GoldItem(id="q", input="?", expected="seven", meta={"relevant": ["d"]}, answerable=True)
    values = _values(gold, {"output": None, "no_answer": "refuse"})
    assert values == {"exact-match": 0.0, "hit@5": 0.0, "over-refusal": 0.0}


def test_a_target_that_never_says_whether_it_answered_cannot_be_scored_for_it() -> None:
    gold = GoldItem(id="q", input="?", expected="a", answerable=True)
    assert _values(gold, "a") == {"exact-match": 1.0, "over-refusal": None}


def test_scorers_are_written_on_the_command_line() -> None:
    assert scorer_of("regex:pattern=a:b=c+").options["pattern"]
    assert scorer_of("hit@3").name == "hit@3"
    assert scorer_of("json:dumps").options["function"].endswith(":dumps")
    for wrong in ("hit", "nonsense", "regex:pattern=(", "hit@5:depth=3", "absent_module:f", ""):
        with pytest.raises(InputError):
            scorer_of(wrong)
