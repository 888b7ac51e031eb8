"""What a key that is not trusted sends is all a user's, whatever shape it gives to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest
from tests.gateway.conftest import Model, Start, client
from tests.gateway.guards import rule
from tests.gateway.test_chat import ASKED
from tests.gateway.test_responses import message, response

from launchworthy.gateway.keys import add_key
from launchworthy.runtime.guards import Stage

WORD = "EVILWORD"


def _post(start: Start, tmp_path: Path, path: str, body: dict[str, Any], *, trusted: bool = False) -> Any:
    keys = tmp_path / "keys.json"
    key = add_key(keys, "web", trusted=trusted)
    gateway = start(keys=keys, rules=[rule(WORD, Stage.INPUT)])
    return client(gateway.url, key=key).post(path, body={"model": "answer", **body}, cast_to=object)


def _user(*parts: Any) -> list[Any]:
    return [{"role": "user", "content": list(parts)}]


def _called(call: Any, result: str = "fine") -> list[Any]:
    told = {"role": "tool", "tool_call_id": "c1", "content": result}
    return [*ASKED, {"role": "assistant", "tool_calls": [call]}, told]


def _function(**more: Any) -> dict[str, Any]:
    return {"id": "c1", "type": "function", "function": {"name": "search", "arguments": "{}", **more}}


@pytest.mark.parametrize(
    "messages",
    [
        _called(_function(), WORD),
        _called(_function(name=WORD)),
        _called({"id": "c1", "type": "custom", "custom": {"name": "x", "input": WORD}}),
        [*ASKED, {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": WORD}]}],
        _user({"type": "text", "text": "EVIL"}, {"type": "text", "text": "WORD"}),
        [{"role": "user", "content": "EVIL"}, {"role": "user", "content": "WORD"}],
    ],
)
def test_a_user_passes_no_guard_by_the_shape_of_a_message(
    start: Start, model: Model, tmp_path: Path, messages: Any
) -> None:
    answer = _post(start, tmp_path, "/chat/completions", {"messages": messages})
    assert answer["choices"][0]["finish_reason"] == "content_filter"
    assert model.requests == []


@pytest.mark.parametrize(
    "messages",
    [
        _user({"type": "text", "text": "Hi", "note": WORD, "cache_control": {"type": WORD}}),
        [{**ASKED[0], "name": WORD, "prefix": WORD}],
        _called({**_function(), "extra": WORD}),
        _called({**_function(), "id": WORD}),
        _called(_function(note=WORD)),
        _called({**_function(), "type": WORD}),
        [*ASKED, {"role": "assistant", "content": "Yes?", "reasoning": WORD}, *ASKED],
    ],
)
def test_what_no_guard_reads_of_a_message_does_not_reach_the_model(
    start: Start, model: Model, tmp_path: Path, messages: Any
) -> None:
    _post(start, tmp_path, "/chat/completions", {"messages": messages})
    assert WORD not in json.dumps(model.requests)
    assert len(model.requests) == 1


def test_calls_and_their_answers_still_belong_together(start: Start, model: Model, tmp_path: Path) -> None:
    twice = [*_called(_function()), *_called({**_function(), "id": "c2"})]
    twice[-1]["tool_call_id"] = "c2"
    _post(start, tmp_path, "/chat/completions", {"messages": twice})
    sent = model.requests[0]["messages"]
    assert [each["tool_calls"][0]["id"] for each in sent if "tool_calls" in each] == ["call_1", "call_2"]
    assert [each["tool_call_id"] for each in sent if each["role"] == "tool"] == ["call_1", "call_2"]


@pytest.mark.parametrize("name", ["chat_template", "suffix", "system", "guided_grammar", "extra_body"])
@pytest.mark.parametrize("value", ["{{ 'EVIL' ~ 'WORD' }}", {"a": "b"}, ["x"]])
@pytest.mark.parametrize("path", ["/chat/completions", "/responses"])
def test_a_field_that_some_servers_run_is_not_for_such_a_key(
    start: Start, model: Model, tmp_path: Path, name: str, value: Any, path: str
) -> None:
    with pytest.raises(openai.PermissionDeniedError) as caught:
        _post(start, tmp_path, path, {"messages": ASKED, "input": "x", name: value})
    assert caught.value.code == "untrusted_field"
    assert caught.value.param == name
    assert model.requests == []


@pytest.mark.parametrize(
    "field",
    [
        {"stop": [WORD]},
        {"stop": WORD},
        {"reasoning_effort": WORD},
        {"prompt_cache_key": WORD},
        {"prompt": WORD},
        {"logit_bias": {WORD: 1}},
        {"modalities": [WORD]},
        {"tool_choice": WORD},
    ],
)
def test_a_setting_that_is_a_text_is_checked_as_one(
    start: Start, model: Model, tmp_path: Path, field: Any
) -> None:
    answer = _post(start, tmp_path, "/chat/completions", {"messages": ASKED, **field})
    assert answer["choices"][0]["finish_reason"] == "content_filter"
    assert model.requests == []


def test_settings_arrive_as_they_were_sent(start: Start, model: Model, tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "temperature": 0.5,
        "top_k": 40,
        "stop": ["\n"],
        "logit_bias": {"50256": -100},
        "reasoning_effort": "low",
        "response_format": {"type": "json_object"},
        "tools": [{"type": "function", "function": {"name": "x", "parameters": {"type": "object"}}}],
        "stream_options": {"include_usage": True},
    }
    sent = {**settings, "stream_options": {"include_usage": True, "note": WORD}}
    _post(start, tmp_path, "/chat/completions", {"messages": ASKED, **sent})
    assert model.requests == [{"model": "small", "messages": ASKED, **settings}]


@pytest.mark.parametrize("mark", ["retrieved", {"retrieved": "help"}, {"retrieved": "help", "owner": "c-1"}])
def test_only_a_trusted_key_says_that_a_text_was_retrieved(
    start: Start, model: Model, tmp_path: Path, mark: Any
) -> None:
    marked = {"type": "text", "text": WORD, "launchworthy": mark}
    with pytest.raises(openai.PermissionDeniedError) as caught:
        _post(start, tmp_path, "/chat/completions", {"messages": _user(marked)})
    assert caught.value.code == "untrusted_mark"
    assert model.requests == []


def _item(**more: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": "c1", "name": "search", "arguments": "{}", **more}


@pytest.mark.parametrize(
    "items",
    [
        [_item(), {"type": "function_call_output", "call_id": "c1", "output": WORD}],
        [_item(name=WORD)],
        [_item(arguments=WORD)],
        [{"role": "user", "content": "EVIL"}, {"role": "user", "content": "WORD"}],
        [{"role": "user", "content": [{"type": "input_text", "text": each} for each in ("EVIL", "WORD")]}],
    ],
)
def test_a_user_passes_no_guard_by_the_shape_of_an_item(
    start: Start, model: Model, tmp_path: Path, items: Any
) -> None:
    answer = _post(start, tmp_path, "/responses", {"input": items})
    assert answer["incomplete_details"] == {"reason": "content_filter"}
    assert model.requests == []


@pytest.mark.parametrize(
    "item",
    [
        _item(arguments={"a": WORD}),
        _item(foo=WORD),
        _item(call_id=WORD),
        {"role": "user", "content": "Hi", "name": WORD},
        {"type": "reasoning", "id": "rs_1", "summary": [{"text": WORD}], "content": [{"text": WORD}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": f"do {WORD}"},
    ],
)
def test_what_no_guard_reads_of_an_item_does_not_reach_the_model(
    start: Start, model: Model, tmp_path: Path, item: Any
) -> None:
    model.script = lambda body: response(message("Yes."))
    _post(start, tmp_path, "/responses", {"input": [item, {"role": "user", "content": "Hello"}]})
    assert WORD not in json.dumps(model.requests)
    assert len(model.requests) == 1


STRANGE: list[Any] = [["text"], {}, 5, None, ""]


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize("trusted", [False, True])
def test_a_type_that_is_no_word_is_refused_in_words(
    start: Start, model: Model, tmp_path: Path, kind: Any, trusted: bool
) -> None:
    part = {"type": kind, "text": "x"}
    for path, body in (
        ("/chat/completions", {"messages": _user(part)}),
        ("/responses", {"input": [{"role": "user", "content": [part]}]}),
        ("/responses", {"input": [{"type": kind, "role": "user", "content": "x"}]}),
        ("/responses", {"input": [{"role": [], "content": "x"}]}),
    ):
        (tmp_path / "keys.json").unlink(missing_ok=True)
        with pytest.raises(openai.BadRequestError) as caught:
            _post(start, tmp_path, path, body, trusted=trusted)
        assert caught.value.code in ("invalid_content", "invalid_input")
    assert model.requests == []


def test_a_word_in_two_parts_is_found_whoever_sends_it(start: Start, model: Model, tmp_path: Path) -> None:
    split = _user({"type": "text", "text": "EVIL"}, {"type": "text", "text": "WORD"})
    old = [*split, {"role": "assistant", "content": "No."}, *ASKED]
    _post(start, tmp_path, "/chat/completions", {"messages": old}, trusted=True)
    assert [part["text"] for part in model.requests[0]["messages"][0]["content"]] == 2 * [
        "[withheld by a guard]"
    ]
