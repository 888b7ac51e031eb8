from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.evals.judging import NoGrade, Scale, read_grade, scale_of
from launchworthy.evals.judging.grading import PAIRS, YES_NO

FIVE = scale_of("1-5")


@pytest.mark.parametrize(
    ("said", "scale", "grade"),
    [
        ({"reasoning": "All of it stands there.", "verdict": True}, YES_NO, 1.0),
        ({"reasoning": "", "verdict": False}, YES_NO, 0.0),
        ({"verdict": False}, YES_NO, 0.0),
        ({"reasoning": "So so.", "score": 3}, FIVE, 3.0),
        ({"reasoning": "So so.", "score": 3.0}, FIVE, 3.0),
        ({"reasoning": "Shorter.", "better": "second"}, PAIRS, 0.0),
        ({"reasoning": "Alike.", "better": "tie"}, PAIRS, 0.5),
    ],
)
def test_a_grade_is_read_from_the_field_that_holds_it(said: Any, scale: Scale, grade: float) -> None:
    assert read_grade(json.dumps(said), scale)[0] == grade
    assert read_grade(f"```json\n{json.dumps(said, indent=1)}\n```", scale)[0] == grade


@pytest.mark.parametrize("reasoning", ["", "why", "All assertions passed", "PASS", "The verdict is true."])
def test_a_verdict_comes_from_its_boolean_whatever_the_reasons_say(reasoning: str) -> None:
    # promptfoo read an item that had failed as passed where the text of the reason was empty.
    assert read_grade(json.dumps({"reasoning": reasoning, "verdict": False}), YES_NO)[0] == 0.0
    with pytest.raises(NoGrade):
        read_grade(json.dumps({"reasoning": reasoning}), YES_NO)
    with pytest.raises(NoGrade):
        read_grade(json.dumps({"reasoning": reasoning, "verdict": None}), YES_NO)


@pytest.mark.parametrize(
    ("text", "scale", "why"),
    [
        (None, YES_NO, "said nothing"),
        ("  \n", YES_NO, "said nothing"),
        ("Yes, this answer is well supported.", YES_NO, "prose"),
        ('Sure! {"verdict": true}', YES_NO, "prose"),
        ('{"verdict": true} {"verdict": false}', YES_NO, "prose"),
        ('{"verdict": true, "verdict": false}', YES_NO, "prose"),
        ("true", YES_NO, "not an object"),
        ("[true]", YES_NO, "not an object"),
        ('{"verdict": "true"}', YES_NO, "neither true nor false"),
        ('{"verdict": 1}', YES_NO, "neither true nor false"),
        ('{"score": 5}', YES_NO, "no verdict"),
        ('{"score": 6}', FIVE, "not on the scale"),
        ('{"score": 0}', FIVE, "not on the scale"),
        ('{"score": 4.5}', FIVE, "not on the scale"),
        ('{"score": true}', FIVE, "not on the scale"),
        ('{"score": "5"}', FIVE, "not on the scale"),
        ('{"score": NaN}', FIVE, "not on the scale"),
        ('{"better": "third"}', PAIRS, "not one of"),
        ('{"better": "FIRST"}', PAIRS, "not one of"),
        ('{"better": ["first"]}', PAIRS, "not one of"),
        ("[" * 100_000, YES_NO, "prose"),
    ],
)
def test_what_was_not_offered_is_no_grade(text: str | None, scale: Scale, why: str) -> None:
    with pytest.raises(NoGrade, match=why):
        read_grade(text, scale)


def test_a_reply_that_was_cut_off_says_so() -> None:
    with pytest.raises(NoGrade, match="cut off"):
        read_grade('{"reasoning": "First, the', YES_NO, cut_off=True)


@settings(max_examples=100)
@given(st.text(max_size=200) | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
def test_no_reply_whatever_breaks_the_reading(text: str) -> None:
    for scale in (YES_NO, FIVE, PAIRS):
        with suppress(NoGrade):
            assert read_grade(text, scale)[0] in scale.grades


@pytest.mark.parametrize("scale", [YES_NO, FIVE, PAIRS])
def test_the_shape_that_is_asked_for_is_the_shape_that_is_read(scale: Scale) -> None:
    schema = scale.schema()
    jsonschema.Draft202012Validator.check_schema(dict(schema))
    name = schema["required"][1]
    offered = schema["properties"][name].get("enum", [True, False])
    replies = [{"reasoning": "r", name: value} for value in offered]
    for reply in replies:
        jsonschema.validate(reply, dict(schema))
    assert sorted(read_grade(json.dumps(reply), scale)[0] for reply in replies) == list(scale.grades)
