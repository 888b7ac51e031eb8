"""What no guard can look at leaves with no answer, wherever a model or its server puts it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.gateway.conftest import CONTRACT, Model, Pieces, Start, client, completion
from tests.gateway.guards import rule
from tests.gateway.test_chat import ASKED
from tests.gateway.test_responses import call, events, message, part, response, said
from tests.gateway.test_tools import AGENT, TOOLS

from launchworthy.runtime.action import Action
from launchworthy.runtime.guards import Stage

WORD = "SECRETWORD"
Change = Callable[[dict[str, Any]], Any]


def _choice(**more: Any) -> Change:
    return lambda document: document["choices"][0].update(more)


def _message(**more: Any) -> Change:
    return lambda document: document["choices"][0]["message"].update(more)


THOUGHT = [
    {"type": "thinking", "thinking": [{"type": "text", "text": WORD}]},
    {"type": "text", "text": "Yes."},
]


def _chat(gateway: Any) -> str:
    raw = client(gateway.url).chat.completions.with_raw_response.create(model="answer", messages=ASKED)
    return str(raw.http_response.text)


@pytest.mark.parametrize(
    "change",
    [
        _message(content=THOUGHT),
        _message(content=[{"type": "text", "text": "Yes.", "note": WORD}]),
        _message(annotations=[{"type": "url_citation", "url_citation": {"title": WORD, "url": "x"}}]),
        _message(role=WORD),
        _choice(finish_details=WORD),
        _choice(finish_reason=WORD),
        _choice(index=WORD),
        lambda document: document.update(citations=[WORD], prompt_logprobs={"a": WORD}),
        lambda document: document.update(model=f"the model is {WORD}", object=WORD, service_tier=WORD),
        lambda document: document["usage"].update({WORD: 1}),
        lambda document: document["usage"].update(prompt_tokens_details={"cached_tokens": WORD}),
    ],
)
def test_an_answer_goes_out_with_what_guards_have_seen_and_no_more(
    start: Start, model: Model, change: Change
) -> None:
    document = completion("Yes.")
    change(document)
    model.script = lambda body: document
    found = _chat(start(rules=[rule(WORD, Stage.OUTPUT)]))
    assert WORD not in found
    assert "Yes." in found
    assert json.loads(found)["choices"][0]["finish_reason"] == "stop"


def test_without_a_guard_an_answer_goes_on_as_it_came(start: Start, model: Model) -> None:
    document = completion("Yes.")
    document["citations"] = ["https://shop.example"]
    document["choices"][0]["message"]["reasoning_content"] = "Let me see."
    model.script = lambda body: document
    assert json.loads(_chat(start())) == document


@pytest.mark.parametrize("content", [5, {"a": "x"}, ["x"], [{"type": "text", "text": "x"}, 5]])
@pytest.mark.parametrize("guarded", [False, True])
def test_an_answer_whose_content_is_garbage_is_asked_of_the_next_model(
    start: Start, model: Model, content: Any, guarded: bool
) -> None:
    broken = completion("x")
    broken["choices"][0]["message"]["content"] = content
    model.script = lambda body: broken if body["model"] == "small" else completion("Twenty-eight days.")
    contract = CONTRACT + "    fallbacks: [vendor/backup, defer]\n"
    gateway = start(contract, rules=[rule(WORD, Stage.OUTPUT)] if guarded else [])
    found = json.loads(_chat(gateway))
    assert found["choices"][0]["message"]["content"] == "Twenty-eight days."
    assert found["launchworthy"]["fallback"] == "vendor/backup"


@pytest.mark.parametrize("calls", [WORD, {"a": WORD}, [WORD]])
def test_calls_of_tools_that_are_none_are_no_answer(start: Start, model: Model, calls: Any) -> None:
    broken = completion("x")
    broken["choices"][0]["message"]["tool_calls"] = calls
    model.script = lambda body: broken
    for rules in ([], [rule(WORD, Stage.OUTPUT)]):
        found = _chat(start(rules=rules))
        assert WORD not in found
        assert "try again later" in found


def test_a_word_in_two_parts_of_an_answer_is_found(start: Start, model: Model) -> None:
    document = completion(None)
    document["choices"][0]["message"]["content"] = [
        {"type": "text", "text": "It is SECRET"},
        {"type": "text", "text": "WORD, friend."},
    ]
    model.script = lambda body: document
    found = _chat(start(rules=[rule(WORD, Stage.OUTPUT)]))
    assert "SECRET" not in found
    assert json.loads(found)["choices"][0]["finish_reason"] == "content_filter"


def _row(delta: Any, reason: Any = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    head = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "small-2026"}
    return {**head, "choices": [choice], **more}


USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


@pytest.mark.parametrize(
    "changed",
    [
        {"first": _row({"role": WORD, "content": ""})},
        {"first": _row({"role": "assistant", "content": ""}, citations=[WORD], model=f"of {WORD}")},
        {"first": _row({"role": "assistant", "content": THOUGHT[:1]})},
        {"first": _row({"role": "assistant", "reasoning": WORD, "audio": {"transcript": WORD}})},
        {"last": _row({}, WORD)},
        {"last": _row({}, "stop", finish_details=WORD)},
        {"usage": {**_row({}), "choices": [], "usage": {**USAGE, WORD: 1}, "extra": WORD}},
    ],
)
def test_a_chunk_goes_out_with_what_guards_have_seen_and_no_more(
    start: Start, model: Model, changed: dict[str, Any]
) -> None:
    rows = {
        "first": _row({"role": "assistant", "content": ""}),
        "text": _row({"content": "Yes."}),
        "last": _row({}, "stop"),
        "usage": {**_row({}), "choices": [], "usage": USAGE},
        **changed,
    }
    sent = [b"data: " + json.dumps(row).encode() + b"\n\n" for row in rows.values()]
    model.script = lambda body: Pieces([*sent, b"data: [DONE]\n\n"])
    raw = client(start(rules=[rule(WORD, Stage.OUTPUT)]).url).chat.completions.with_raw_response.create(
        model="answer", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    found = raw.http_response.read().decode()
    assert WORD not in found
    assert "Yes." in found
    assert '"total_tokens":2' in found
    assert found.endswith("data: [DONE]\n\n")


OUTPUTS: list[dict[str, Any]] = [
    {"id": "m", "type": "mcp_call", "name": WORD, "arguments": WORD, "output": WORD, "status": "completed"},
    {"id": "ci", "type": "code_interpreter_call", "code": WORD, "outputs": [{"type": "logs", "logs": WORD}]},
    {"id": "rs", "type": "reasoning", "summary": [{"type": "summary_text", "text": WORD}]},
    {"type": WORD, "id": f"is {WORD}"},
    {"id": "m", "type": "message", "role": WORD, "content": [{"type": "reasoning_text", "text": WORD}]},
    {
        "id": "m",
        "type": "message",
        "content": [{**part("Hm."), "annotations": [{"title": WORD}], "refusal": WORD}],
    },
]


@pytest.mark.parametrize("item", OUTPUTS)
def test_a_response_goes_out_with_what_guards_have_seen_and_no_more(
    start: Start, model: Model, item: dict[str, Any]
) -> None:
    document = {**response(copy.deepcopy(item), message("Yes.")), "extra": WORD, "instructions": WORD}
    model.script = lambda body: document
    answer = client(start(rules=[rule(WORD, Stage.OUTPUT)]).url).responses.create(model="answer", input="x")
    assert WORD not in answer.model_dump_json(warnings=False)
    assert answer.output_text.endswith("Yes.")
    assert len(answer.output) == 2


def _with_item(item: dict[str, Any]) -> Pieces:
    begun = {**response(copy.deepcopy(item)), "status": "in_progress", "extra": WORD}
    at = {"item_id": "m", "output_index": 0, "content_index": 0}
    said_last = [
        {"type": "response.output_item.added", "output_index": 1, "item": {**message(""), "content": []}},
        {"type": "response.output_text.delta", **at, "output_index": 1, "delta": "Yes.", "obfuscation": WORD},
        {"type": "response.output_text.done", **at, "output_index": 1, "text": "Yes."},
        {"type": "response.output_item.done", "output_index": 1, "item": message("Yes.")},
    ]
    return events(
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": item, "note": WORD},
        {"type": "response.mcp_call_arguments.delta", **at, "delta": WORD},
        {"type": "response.code_interpreter_call_code.done", **at, "code": WORD},
        {"type": "response.output_text.annotation.added", **at, "annotation": {"title": WORD}},
        {"type": "response.content_part.added", **at, "part": {"type": "reasoning_text", "text": WORD}},
        {"type": "response.content_part.added", **at, "part": part(WORD)},
        {"type": f"response.{WORD}", **at},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        *said_last,
        {"type": "response.completed", "response": {**response(item, message("Yes.")), "extra": WORD}},
    )


@pytest.mark.parametrize("item", OUTPUTS)
def test_an_event_goes_out_with_what_guards_have_seen_and_no_more(
    start: Start, model: Model, item: dict[str, Any]
) -> None:
    model.script = lambda body: _with_item(item)
    raw = client(start(rules=[rule(WORD, Stage.OUTPUT)]).url).responses.with_raw_response.create(
        model="answer", input="x", stream=True
    )
    found = raw.http_response.read().decode()
    assert WORD not in found
    assert '"delta":"Yes."' in found
    assert "event: response.completed" in found


def test_a_word_in_two_parts_of_a_streamed_response_is_found(start: Start, model: Model) -> None:
    rows = [json.loads(each.partition(b"data: ")[2]) for each in said("It is SECRET").pieces]
    second = [{**row, "output_index": 1} for row in rows[2:-1]]
    text = json.loads(json.dumps(second).replace("It is SECRET", "WORD, friend."))
    model.script = lambda body: events(*rows[:-1], *text, rows[-1])
    found = list(
        client(start(rules=[rule(WORD, Stage.OUTPUT, action=Action.REDACT)]).url).responses.create(
            model="answer", input="x", stream=True
        )
    )
    assert not any("WORD" in each.model_dump_json(warnings=False) for each in found)
    assert found[-1].type == "response.incomplete"


def test_no_call_slips_past_its_decision_by_the_order_of_events(start: Start, model: Model) -> None:
    forbidden = call("delete_all", "{}")
    model.script = lambda body: events(
        {"type": "response.created", "response": {**response(forbidden), "status": "in_progress"}},
        {"type": "response.output_item.done", "output_index": 0, "item": forbidden},
        {"type": "response.completed", "response": response(forbidden)},
    )
    raw = client(start(TOOLS).url).responses.with_raw_response.create(
        model="answer", input="x", stream=True, extra_headers=AGENT
    )
    found = raw.http_response.read().decode()
    assert '"function_call"' not in found
    assert "This may not be done." in found


@pytest.mark.parametrize("guarded", [False, True])
def test_a_tool_that_a_model_made_up_is_named_only_where_no_guard_looks(
    start: Start, model: Model, guarded: bool
) -> None:
    model.script = lambda body: completion(None, calls=[(WORD, "{}")])
    found = _chat(start(TOOLS, rules=[rule(WORD, Stage.OUTPUT)] if guarded else []))
    [withheld] = json.loads(found)["launchworthy"]["withheld_calls"]
    assert withheld["ruling"] == "deny"
    assert (WORD in found) is not guarded
