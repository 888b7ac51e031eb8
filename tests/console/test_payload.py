"""Prompts and answers come in any shape; each is shown, none breaks a page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.console.payload import answer, conversation, documents, gist, messages, readable, truth
from launchworthy.console.visible import visible

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
TURNS = st.lists(
    st.fixed_dictionaries(
        {"role": st.text(max_size=6)}, optional={"content": JSON, "parts": JSON, "tool_calls": JSON}
    ),
    min_size=1,
    max_size=3,
)


@given(value=JSON | TURNS)
@settings(max_examples=120, deadline=None)
def test_any_json_can_be_shown(value: object) -> None:
    stored = json.dumps(value)
    for turn in messages(stored):
        assert isinstance(turn.text, str)
    for document in documents(stored):
        assert isinstance(document.text, str)
    assert len(gist(stored)) <= 120
    assert "\n" not in gist(stored)
    assert isinstance(readable(value), str)


@given(text=st.text())
@settings(max_examples=120, deadline=None)
def test_text_made_visible_can_be_sent_and_stays_so(text: str) -> None:
    shown = visible(text)
    shown.encode()
    assert visible(shown) == shown


@pytest.mark.parametrize("text", ["{", "[" * 5000, '{"a":' * 3900, "not json", "\x00"])
def test_what_is_not_json_is_shown_as_text(text: str) -> None:
    assert messages(text)[0].text == text
    assert documents(text)[0].text == text


def test_a_conversation_keeps_its_turns_and_its_tool_calls() -> None:
    turns = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "parts": [{"type": "text", "content": "hello"}, {"type": "image", "uri": "x.png"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"name": "search", "arguments": {"q": "hello"}}],
        },
    ]
    shown = messages(json.dumps({"messages": turns}))
    assert [turn.role for turn in shown] == ["system", "user", "assistant"]
    assert shown[1].text.startswith("hello\n")
    assert "x.png" in shown[1].text
    assert '"search"' in shown[2].text
    assert gist(json.dumps(turns)).startswith("hello")


def test_a_question_in_a_field_is_the_question() -> None:
    assert gist(json.dumps({"question": "how do I merge?"})) == "how do I merge?"
    assert readable({"amount": 12.5}) == "amount: 12.5"
    assert readable({"answer": "yes", "citations": ["a", "b"]}) == "answer: yes\ncitations: a, b"


def test_a_long_text_is_cut_and_says_by_how_much() -> None:
    turn = messages(json.dumps([{"role": "user", "content": "x" * 30_000}]))[0]
    assert (len(turn.text), turn.cut) == (20_000, 10_000)


def test_an_answer_is_its_text_first_then_its_other_fields_in_short() -> None:
    given = {
        "answered": True,
        "output": "Use dict.update.",
        "ranked": ["dict", "dict.update", "collections.ChainMap", "map", "zip"],
        "confidence": 0.8943763392654295,
        "citations": [],
        "cost_usd": 0.0,
        "trace_id": "ab" * 16,
    }
    shown = answer(given)
    assert shown.text == "Use dict.update."
    assert shown.fields == (
        ("answered", "yes"),
        ("ranked", "dict, dict.update, collections.ChainMap and 2 more"),
        ("confidence", "0.894"),
    )
    assert answer("x" * 1000, most=10).text == "x" * 10 + "…"
    assert answer({"label": "spam", "score": 0.5}).fields == ()
    assert answer(None).text == "null"


def test_expected_ids_stand_without_their_gains_and_the_best_first() -> None:
    assert truth({"b": 1, "a": 2}) == "a, b"
    assert truth({"a": 1, "b": 1, "c": 1, "d": 3, "e": 1}) == "d, a, b and 2 more"
    assert truth("plain text") == "plain text"
    assert truth({}) == "{}"


TALK = {
    "output": "It is on its way back.",
    "messages": [
        {"role": "user", "content": "Refund order 17"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "function": {"name": "refund", "arguments": '{"order": 17, "why": "late"}'}}
            ],
        },
        {"role": "tool", "content": [{"type": "text", "text": "done"}]},
        {"role": "assistant", "content": "It is on its way back."},
    ],
    "turns": 1,
    "ended_because": "its stop rule held",
    "state": {"refunded": [17]},
    "answered": True,
}


def test_a_talk_reads_as_who_said_what_and_which_tools_were_called() -> None:
    found = conversation(TALK)
    assert found is not None
    assert [(each.role, each.text) for each in found.messages] == [
        ("user", "Refund order 17"),
        ("assistant", ""),
        ("tool", "done"),
        ("assistant", "It is on its way back."),
    ]
    assert found.messages[1].calls == ("refund(order=17, why=late)",)
    assert (found.turns, found.ended) == ("1", "its stop rule held")
    assert found.state == "refunded: 17"


def test_tool_calls_beside_the_messages_are_shown_once() -> None:
    plain = [{"role": "user", "content": "x"}]
    beside = conversation({"messages": plain, "tool_calls": [{"name": "look_up", "arguments": {"id": 4}}]})
    assert beside is not None
    assert beside.calls == ("look_up(id=4)",)
    both = conversation(TALK | {"tool_calls": [{"name": "refund", "arguments": {}}]})
    assert both is not None
    assert both.calls == ()


@pytest.mark.parametrize(
    "value",
    [
        "text",
        None,
        [],
        {"messages": []},
        {"messages": "x"},
        {"messages": [1]},
        {"messages": [{"content": "x"}]},
    ],
)
def test_what_is_no_talk_is_none(value: Any) -> None:
    assert conversation(value) is None


@pytest.mark.parametrize(
    "call",
    [None, 3, "refund", [], {"name": 3}, {"function": "x"}, {"name": "x", "arguments": "{"}, {"name": "x"}],
)
def test_a_tool_call_of_any_shape_is_shown(call: Any) -> None:
    found = conversation({"messages": [{"role": 7, "content": "x", "tool_calls": [call]}], "turns": True})
    assert found is not None
    (shown,) = found.messages[0].calls
    assert isinstance(shown, str)
    assert found.turns == ""


def test_a_table_shows_of_a_talk_what_was_said_last() -> None:
    shown = answer(TALK)
    assert shown.text == "It is on its way back."
    assert dict(shown.fields) == {
        "turns": "1",
        "ended because": "its stop rule held",
        "answered": "yes",
    }
    silent = answer({name: value for name, value in TALK.items() if name != "output"})
    assert silent == shown


@settings(max_examples=40)
@given(turns=TURNS, state=JSON, calls=JSON, count=JSON)
def test_a_talk_of_any_shape_is_shown(turns: Any, state: Any, calls: Any, count: Any) -> None:
    found = conversation({"messages": turns, "state": state, "tool_calls": calls, "turns": count})
    assert found is not None
    assert len(found.messages) == len(turns)
