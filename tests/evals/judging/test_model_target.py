from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from launchworthy.errors import InputError
from launchworthy.evals import Outcome, try_out
from launchworthy.evals.model_target import ModelTarget, model_release, model_target, read_prompt
from launchworthy.gold import GoldItem

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def one(text: str, name: str = "answer.md") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return one


def _ask(target: ModelTarget, **fields: Any) -> Any:
    outcome: Outcome = try_out(
        [GoldItem(id="q1", **({"input": "How long?"} | fields))], target=target, scorers=[]
    )
    assert outcome.items[0].error is None, outcome.items[0].error
    return outcome.items[0]


def test_a_model_is_asked_with_the_prompt_of_a_file(chat_server: Any, write: Write) -> None:
    server = chat_server(lambda body: "30 days.")
    path = write(
        "---\nsystem: Answer from the passages.\ntemperature: 0.5\nmax_tokens: 60\n---\n"
        "Passages: {context}\n\nQuestion: {input} { literal }\n"
    )
    item = _ask(model_target("openai:m-1", base_url=server.url, prompt=path), context=["Returns: 30 days."])
    assert item.output["output"] == "30 days."
    assert item.output["usage"] == {"input_tokens": 100, "output_tokens": 10}
    (call,) = server.calls
    assert (call["model"], call["temperature"], call["max_tokens"]) == ("m-1", 0.5, 60)
    assert call["messages"] == [
        {"role": "system", "content": "Answer from the passages."},
        {"role": "user", "content": 'Passages: ["Returns: 30 days."]\n\nQuestion: How long? { literal }'},
    ]


def test_an_input_that_holds_a_hole_stays_as_it_is(chat_server: Any, write: Write) -> None:
    server = chat_server(lambda body: "So.")
    _ask(
        model_target("openai:m-1", base_url=server.url, prompt=write("{input}")),
        input="{context}",
        context="secret",
    )
    assert server.calls[0]["messages"][0]["content"] == "{context}"


def test_a_model_without_a_prompt_is_asked_the_bare_input(chat_server: Any) -> None:
    server = chat_server(lambda body: "So.")
    _ask(model_target("openai:vendor/m-1", base_url=server.url))
    assert server.calls[0]["messages"] == [{"role": "user", "content": "How long?"}]
    assert server.calls[0]["model"] == "vendor/m-1"


@pytest.mark.parametrize(
    ("said", "output"),
    [
        ('{"answer": "30 days", "citations": ["d1"]}', {"answer": "30 days", "citations": ["d1"]}),
        ('{"days": 30}', {"output": {"days": 30}}),
        ("thirty", {"output": "thirty"}),
        ('{"answer": "x", "cost_usd": -4, "trace_id": "zz"}', {"answer": "x"}),
    ],
)
def test_an_answer_in_a_shape_is_read_as_the_object_it_is(
    chat_server: Any, write: Write, said: str, output: dict[str, Any]
) -> None:
    server = chat_server(lambda body: said)
    write('{"type": "object"}', "shape.json")
    item = _ask(
        model_target("openai:m-1", base_url=server.url, prompt=write("---\nschema: shape.json\n---\n{input}"))
    )
    assert {name: value for name, value in item.output.items() if name != "usage"} == output
    assert server.calls[0]["response_format"]["json_schema"]["schema"] == {"type": "object"}


def test_a_model_that_declines_gave_no_answer(chat_server: Any) -> None:
    item = _ask(model_target("openai:m-1", base_url=chat_server(lambda body: {"refusal": "No."}).url))
    assert (item.output["output"], item.output["answered"]) == ("No.", False)


def test_a_word_of_the_prompt_or_another_model_makes_another_release(write: Write) -> None:
    url = "http://127.0.0.1:1/v1"

    def release(text: str, model: str = "m-1", **options: Any) -> str:
        path = write(text)
        return model_release(
            model_target(f"openai:{model}", base_url=url, prompt=path, **options), prompt=path
        ).id

    base = release("Say: {input}")
    assert release("Say: {input}\n") == base
    assert release("Say: {input}", key_env="OTHER_KEY") == base
    others = {
        release("Say it: {input}"),
        release("Say: {input}", "m-2"),
        release("---\ntemperature: 1\n---\nSay: {input}"),
        release("---\nschema: {type: object}\n---\nSay: {input}"),
    }
    assert len(others | {base}) == 5


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("Say something.", "no {input}"),
        ("---\ntemprature: 1\n---\n{input}", "no setting 'temprature'"),
        ("---\ntemperature: warm\n---\n{input}", "not a number"),
        ("---\ntemperature: -1\n---\n{input}", "below 0"),
        ("---\nmax_tokens: 1.5\n---\n{input}", "not a number"),
        ("---\nmax_tokens: true\n---\n{input}", "not a number"),
        ("---\ntemperature: .nan\n---\n{input}", "not a number"),
        ("---\n[1, 2\n---\n{input}", "not YAML"),
        ("---\n- 1\n---\n{input}", "no list of settings"),
        ("---\nsystem: 3\n---\n{input}", "system is not text"),
        ("---\nschema: none.json\n---\n{input}", "schema cannot be read"),
        ("---\nschema: {type: 3}\n---\n{input}", "not a JSON Schema"),
        ("---\nschema: true\n---\n{input}", "an object"),
    ],
)
def test_a_prompt_that_cannot_be_used_says_why(write: Write, text: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        read_prompt(write(text))


def test_a_prompt_that_is_not_text_or_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"\xff\x00{input}")
    for name in ("a.md", "none.md", "."):
        with pytest.raises(InputError, match="prompt cannot be read"):
            read_prompt(tmp_path / name)
