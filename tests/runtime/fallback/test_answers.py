"""Answers that need no model, and replies in every client's form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from launchworthy.errors import InputError
from launchworthy.runtime.fallback import (
    CachedAnswer,
    MemoryAnswerCache,
    Way,
    answer_key,
    best_sentences,
    listed_results,
    plan_of,
    reply_of,
)
from launchworthy.runtime.guards import Passage

PASSAGES = [
    Passage(id="help-1", text="Parcels arrive in three days. Express parcels arrive the next day."),
    Passage(id="help-2", text="Shoes may be returned within 30 days. Keep the box. We like shoes."),
]


def test_an_extract_says_the_sentence_that_fits_and_where_it_stands() -> None:
    found = best_sentences("Within how many days may shoes be returned?", PASSAGES)
    assert found is not None
    assert found.text == "Shoes may be returned within 30 days. [help-2]"
    assert found.cites == ("help-2",)


@pytest.mark.parametrize("question", ["Who was Goethe?", "", "?!", "the of and", "\ud800"])
def test_where_nothing_fits_there_is_no_extract(question: str) -> None:
    assert best_sentences(question, PASSAGES) is None


def test_an_extract_of_nothing_is_none_and_a_huge_passage_is_read_in_part() -> None:
    assert best_sentences("shoes returned", []) is None
    assert best_sentences("shoes returned", [Passage(text="shoes " * 300_000)]) is not None


def test_search_results_are_listed_with_their_ids() -> None:
    found = listed_results(PASSAGES)
    assert found is not None
    assert found.text.splitlines()[1].endswith("[help-2]")
    assert listed_results([]) is None


def _key(**changes: Any) -> str:
    base: dict[str, Any] = {
        "product": "shop", "workflow": "answer", "release": "r1", "question": "May I return shoes?",
        "roles": ("customer",), "scopes": {}, "user": None,
    }  # fmt: skip
    return answer_key(**{**base, **changes})


def test_an_answer_is_found_again_only_for_the_same_question_with_the_same_rights() -> None:
    assert _key() == _key(question="  may i RETURN\nshoes? ")
    others: list[dict[str, Any]] = [
        {"question": "May I return socks?"}, {"roles": ("agent",)}, {"roles": ("customer", "agent")},
        {"scopes": {"own_customer": "c-1"}}, {"user": "u-1"}, {"release": "r2"}, {"workflow": "refund"},
        {"product": "other"}, {"cohort": "tone=warm@1"}, {"cohort": "tone=plain@1"},
    ]  # fmt: skip
    keys = [_key(), *(_key(**each) for each in others)]
    assert len(set(keys)) == len(keys)


def test_the_cache_forgets_a_person_what_is_old_and_what_is_used_least() -> None:
    now = 0.0
    cache = MemoryAnswerCache(clock=lambda: now, most=2, keep_s=60)
    cache.put("a", CachedAnswer(text="A"), people=["u-1", ""])
    cache.put("b", CachedAnswer(text="B"), people=["u-2", "u-1"])
    assert cache.get("a") == CachedAnswer(text="A")
    cache.put("c", CachedAnswer(text="C"), people=["u-3"])
    assert cache.get("b") is None  # a was used since
    assert cache.forget("u-1") == 1
    assert cache.get("a") is None
    assert cache.forget("") == 0
    now = 61.0
    assert cache.get("c") is None


CALL = {"id": "call_1", "type": "function", "function": {"name": "get_order", "arguments": '{"order": 7}'}}
CHAT = {
    "id": "c", "object": "chat.completion", "created": 0, "model": "m",
    "choices": [{"index": 0, "finish_reason": "tool_calls",
                 "message": {"role": "assistant", "content": "Looking.", "tool_calls": [CALL]}}],
    "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14,
              "prompt_tokens_details": {"cached_tokens": 4}},
}  # fmt: skip
RESPONSE = {
    "id": "r", "object": "response", "created_at": 0, "model": "m", "parallel_tool_calls": True,
    "tool_choice": "auto", "tools": [],
    "output": [
        {"type": "message", "id": "m1", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "Looking.", "annotations": []}]},
        {"type": "function_call", "id": "f1", "call_id": "call_1", "name": "get_order",
         "arguments": '{"order": 7}'},
    ],
    "usage": {"input_tokens": 11, "output_tokens": 3, "total_tokens": 14,
              "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
              "output_tokens_details": {"reasoning_tokens": 0}},
}  # fmt: skip
ANTHROPIC = {
    "type": "message", "role": "assistant",
    "content": [{"type": "text", "text": "Looking."},
                {"type": "tool_use", "id": "call_1", "name": "get_order", "input": {"order": 7}}],
    "usage": {"input_tokens": 7, "cache_read_input_tokens": 4, "output_tokens": 3},
}  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [CHAT, ChatCompletion.model_validate(CHAT), RESPONSE, Response.model_validate(RESPONSE), ANTHROPIC],
    ids=["chat", "chat object", "response", "response object", "anthropic"],
)
def test_text_tool_calls_and_tokens_are_read_from_every_client(value: object) -> None:
    reply, read, written, cached = reply_of(value)
    assert reply.text == "Looking."
    [call] = reply.tool_calls
    assert (call.name, call.id) == ("get_order", "call_1")
    arguments = call.arguments if isinstance(call.arguments, dict) else json.loads(call.arguments)
    assert arguments == {"order": 7}
    assert (read, written, cached) == (11, 3, 4)


def test_a_reply_goes_back_to_the_model_as_it_came() -> None:
    reply, *_ = reply_of(CHAT)
    assert reply.message == {"role": "assistant", "content": "Looking.", "tool_calls": [CALL]}


def test_a_plan_names_every_way_and_refuses_what_nothing_answers() -> None:
    plan = plan_of(
        ("retry_twice", "vendor/backup", "cached_answer", "extractive_answer", "manual_form", "route"),
        address="shop/answer",
        models={"vendor/backup": str},
        own={"manual_form": "Use the form."},
    )
    assert [each.way for each in plan] == [
        Way.RETRY, Way.MODEL, Way.CACHED, Way.EXTRACT, Way.OWN, Way.NO_ANSWER,
    ]  # fmt: skip
    assert plan[1].rule == "shop/answer/fallbacks/vendor-backup"
    with pytest.raises(InputError, match="vendor/chat-backup") as refused:
        plan_of(("vendor/chat-backup",), address="shop/answer", models={}, own={})
    assert refused.value.where == "shop/answer/fallbacks/vendor-chat-backup"
