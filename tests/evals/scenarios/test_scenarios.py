"""Whole conversations: who says what when, what ends them, and how they are judged and stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from aiohttp import web

from launchworthy.errors import InputError
from launchworthy.evals import CallableTarget, try_out
from launchworthy.evals.chat import ChatClient, ChatModel
from launchworthy.evals.engine import Limits, evaluate
from launchworthy.evals.http import HttpTarget
from launchworthy.evals.model_target import ModelTarget, Prompt
from launchworthy.evals.remembering import RememberingTarget
from launchworthy.evals.scenarios import read_scenario
from launchworthy.evals.target import Target, TargetFailure
from launchworthy.gold import GoldItem
from launchworthy.records import Run, RunItem


def _item(scenario: Any, name: str = "s1", **meta: Any) -> GoldItem:
    return GoldItem(id=name, input=scenario, slices=("scenarios",), meta=meta)


Ask = Callable[..., RunItem]


@pytest.fixture
def hold(runs: Any, new_run: Callable[..., Run]) -> Ask:
    names = count()

    def one(target: Any, item: GoldItem, user: Any = None, **limits: Any) -> RunItem:
        asked = target if isinstance(target, Target) else CallableTarget(target)
        options = {"concurrency": 1, "timeout_s": 10.0, "retries": 0} | limits
        run = evaluate(
            [item],
            target=asked,
            scorers=[],
            runs=runs,
            run=new_run(f"run-{next(names)}"),
            limits=Limits(**options),
            user=user,
        )
        items: list[RunItem] = runs.run_items(run.id)
        return items[0]

    return one


def shop(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Refunds an order once it knows which, and says each call that it makes."""
    said = messages[-1]["content"]
    reply: dict[str, Any] = {"cost_usd": 0.01, "tool_calls": []}
    if "A-17" in said:
        call = {"name": "refund", "arguments": {"order": "A-17", "amount": 20}}
        return reply | {
            "output": "Refunded 20 EUR to your card.",
            "tool_calls": [call],
            "state": {"refunds": {"A-17": 20}},
        }
    if "refund" in said:
        return reply | {"output": "What is your order number?"}
    return reply | {"output": "Goodbye!"}


REFUND = {
    "opening": "I want a refund",
    "turns": [
        {"say": "Order A-17", "when": {"contains": "order number"}},
        {"say": "thanks", "when": {"called": "refund"}},
    ],
}


def test_a_scripted_user_answers_what_it_is_asked_and_the_transcript_is_the_output(hold: Ask) -> None:
    output = hold(shop, _item(REFUND)).output
    assert [(one["role"], one["content"]) for one in output["messages"]] == [
        ("user", "I want a refund"),
        ("assistant", "What is your order number?"),
        ("user", "Order A-17"),
        ("assistant", "Refunded 20 EUR to your card."),
        ("user", "thanks"),
        ("assistant", "Goodbye!"),
    ]
    assert output["output"] == "Goodbye!"
    assert output["turns"] == 3
    assert output["ended_because"] == "the user has no more to say"
    assert [call["name"] for call in output["tool_calls"]] == ["refund"]
    assert output["state"] == {"refunds": {"A-17": 20}}
    assert output["cost_usd"] == pytest.approx(0.03)


def test_latency_and_cost_are_those_of_every_turn_together(hold: Ask) -> None:
    async def slow(messages: list[Any]) -> dict[str, Any]:
        await asyncio.sleep(0.02)
        return {"output": "order number?", "cost_usd": 0.5}

    item = hold(slow, _item({"opening": "a", "turns": ["b", "c"]}))
    assert item.cost_usd == pytest.approx(1.5)
    assert item.latency_ms is not None
    assert item.latency_ms >= 60


def test_a_cost_that_one_reply_did_not_tell_is_not_told_of_the_whole(hold: Ask) -> None:
    costs = iter([0.5, None, 0.5])
    item = hold(
        lambda _: {"output": "yes", "cost_usd": next(costs)}, _item({"opening": "a", "turns": ["b", "c"]})
    )
    assert item.error is None
    assert item.cost_usd is None


def test_the_target_is_given_the_conversation_so_far_and_cannot_change_it(hold: Ask) -> None:
    seen: list[list[dict[str, Any]]] = []

    def target(messages: list[dict[str, Any]]) -> str:
        seen.append([dict(one) for one in messages])
        messages[0]["content"] = "changed"
        messages.clear()
        return f"reply {len(seen)}"

    output = hold(target, _item({"opening": "one", "turns": ["two"]})).output
    assert [len(messages) for messages in seen] == [1, 3]
    assert seen[1][0] == {"role": "user", "content": "one"}
    assert seen[1][1] == {"role": "assistant", "content": "reply 1"}
    assert output["messages"][0]["content"] == "one"


MANY = [str(number) for number in range(50)]


@pytest.mark.parametrize(
    ("scenario", "turns", "because"),
    [
        ({"turns": MANY, "max_turns": 4}, 4, "the limit of turns was reached"),
        ({"turns": MANY}, 10, "the limit of turns was reached"),
        ({"turns": MANY, "stop_when": {"contains": "reply 3"}}, 3, "its stop rule held"),
        ({}, 1, "the user has no more to say"),
        ({"turns": [{"say": "b", "when": {"contains": "never"}}]}, 1, "the user has no more to say"),
        ({"turns": [{"say": "b", "when": {"called": "x"}}]}, 1, "the user has no more to say"),
    ],
)
def test_a_conversation_ends(hold: Ask, scenario: Any, turns: int, because: str) -> None:
    numbers = count(1)
    output = hold(lambda _: f"reply {next(numbers)}", _item({"opening": "a"} | scenario)).output
    assert (output["turns"], output["ended_because"]) == (turns, because)


def test_scenarios_are_scored_by_their_outcome_beside_plain_items() -> None:
    due = [{"name": "refund", "arguments": {"order": "A-17"}}]
    asked: dict[str, Any] = {
        "success_when": [{"called": "refund", "with": {"amount": 20}}, {"state": {"refunds": {"A-17": 20}}}],
        "expected_calls": due,
        "call_rules": {"arguments": "subset"},
        "forbidden_calls": ["delete"],
    }
    never = REFUND | {"turns": []}
    items = [_item(REFUND, name="done", **asked), _item(never, name="not-done", **asked)]
    items.append(GoldItem(id="plain", input=[{"role": "user", "content": "bye"}], expected="Goodbye!"))
    scorers = [
        "task-success",
        "tool-call-correctness",
        "forbidden-tool-calls",
        "steps-to-success",
        "cost-to-success",
        "exact-match",
    ]
    outcome = try_out(items, target=shop, scorers=scorers)
    measured = {row.metric: row for row in outcome.measured if row.slice is None}
    assert not outcome.run.errors
    values = {name: measured[name].interval for name in scorers}
    assert {name: found and found.value for name, found in values.items()} == {
        "task-success": 0.5,
        "tool-call-correctness": 0.5,
        "forbidden-tool-calls": 0.0,
        "steps-to-success": 4.0,  # three and one, for one success
        "cost-to-success": pytest.approx(0.04),
        "exact-match": 1.0,
    }
    assert measured["task-success"].outside == 1
    assert measured["exact-match"].outside == 2


def test_calls_that_no_reply_tells_are_not_taken_for_none(hold: Ask) -> None:
    items = [_item({"opening": "a"}, forbidden_calls=["delete"])]
    outcome = try_out(items, target=lambda _: "done", scorers=["forbidden-tool-calls"])
    assert outcome.items[0].scores["forbidden-tool-calls"].value is None


def test_a_target_may_tell_the_messages_of_its_own_turn(hold: Ask) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
    turn = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "3"},
        {"role": "assistant", "content": "There are 3."},
    ]

    def whole(messages: list[dict[str, Any]]) -> dict[str, Any]:
        return {"output": "There are 3.", "messages": [*messages, *turn]}

    def added(messages: list[dict[str, Any]]) -> dict[str, Any]:
        return {"output": "There are 3.", "messages": turn}

    item = _item({"opening": "how many?", "turns": ["sure?"]})
    one, other = hold(whole, item).output, hold(added, item).output
    assert one == other
    assert len(one["messages"]) == 8
    assert len(one["tool_calls"]) == 2


def test_how_the_last_reply_declined_is_how_the_conversation_did(hold: Ask) -> None:
    replies: Iterator[dict[str, Any]] = iter(
        [
            {"output": "Which one?", "no_answer": "ask"},
            {"output": "A person will help.", "no_answer": "route"},
        ]
    )
    output = hold(lambda _: next(replies), _item({"opening": "a", "turns": ["b"]})).output
    assert (output["answered"], output["no_answer"]) == (False, "route")
    replies = iter([{"output": "Which one?", "no_answer": "ask"}, {"output": "So.", "answered": True}])
    output = hold(lambda _: next(replies), _item({"opening": "a", "turns": ["b"]})).output
    assert output["answered"] is True
    assert "no_answer" not in output


@pytest.mark.parametrize(
    "scenario",
    [
        {},
        {"opening": ""},
        {"opening": 3},
        {"turns": ["a"]},
        {"opening": "a", "turn": ["b"]},
        {"opening": "a", "turns": "b"},
        {"opening": "a", "turns": [3]},
        {"opening": "a", "turns": [{"when": {"contains": "x"}}]},
        {"opening": "a", "turns": [{"say": "b", "when": {"contain": "x"}}]},
        {"opening": "a", "turns": ["b"] * 101},
        {"opening": "a", "max_turns": 0},
        {"opening": "a", "max_turns": True},
        {"opening": "a", "max_turns": 10**9},
        {"opening": "a", "stop_when": {"regex": "("}},
        {"opening": "a", "user": "Ann"},
        {"opening": "a", "user": {"persona": "x"}},
        {"opening": "a" * 20_001},
    ],
)
def test_a_broken_scenario_is_told_before_anything_is_asked(
    runs: Any, new_run: Callable[..., Run], scenario: Any
) -> None:
    def never(_: Any) -> str:
        raise AssertionError("it was asked")

    items = [GoldItem(id="plain", input="a"), _item(scenario, name="broken-one")]
    with pytest.raises(InputError) as caught:
        evaluate(items, target=CallableTarget(never), scorers=[], runs=runs, run=new_run())
    assert "broken-one" in str(caught.value)


def test_what_is_tagged_but_plain_is_asked_as_it_is(hold: Ask) -> None:
    assert hold(lambda said: f"{said}!", _item("attack")).output == "attack!"
    assert read_scenario(GoldItem(id="a", input={"opening": "x"})) is None


@pytest.mark.parametrize(
    "reply",
    [
        {"output": "x", "tool_calls": 3},
        {"output": "x", "messages": 3},
        {"output": "x", "messages": [3]},
        {"output": "x", "cost_usd": -1},
        {"output": "x", "messages": [{"role": "assistant", "content": object()}]},
    ],
)
def test_a_reply_that_cannot_be_read_is_an_error_of_the_item_with_its_turn(hold: Ask, reply: Any) -> None:
    item = hold(lambda _: reply, _item({"opening": "a"}))
    assert item.output is None
    assert item.error is not None
    assert item.error.startswith("turn 1: ")


def test_a_target_that_fails_in_the_middle_fails_the_item(hold: Ask) -> None:
    def target(messages: list[Any]) -> str:
        if len(messages) > 1:
            raise ValueError("lost")
        return "first"

    item = hold(target, _item({"opening": "a", "turns": ["b"]}))
    assert item.error == "turn 2: ValueError: lost"


def test_a_failure_that_may_pass_holds_the_conversation_again_from_the_start(hold: Ask) -> None:
    failures = iter([False, True, False, False])

    def target(messages: list[Any]) -> str:
        if next(failures):
            raise ConnectionError("reset")
        return f"after {len(messages)}"

    item = hold(target, _item({"opening": "a", "turns": ["b"]}), retries=1)
    assert (item.error, item.attempts) == (None, 2)
    assert len(item.output["messages"]) == 4


class DictCache:
    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    def journal(self) -> None:
        return None

    def get(self, key: str) -> bytes | None:
        return self.held.get(key)

    def holding(self, keys: Collection[str]) -> set[str]:
        return self.held.keys() & set(keys)

    def put(self, key: str, value: bytes) -> None:
        self.held[key] = value

    def put_many(self, replies: Sequence[tuple[str, bytes]], *, asked: Sequence[bytes] | None = None) -> None:
        self.held.update(replies)


def test_held_again_it_repeats_no_call_that_had_come_back(hold: Ask) -> None:
    failures = iter([False, True, False])
    calls: list[int] = []

    def target(messages: list[Any]) -> str:
        calls.append(len(messages))
        if next(failures):
            raise ConnectionError("reset")
        return f"after {len(messages)}"

    remembering = RememberingTarget(CallableTarget(target), DictCache(), known={})
    item = hold(remembering, _item({"opening": "a", "turns": ["b"]}), retries=1)
    assert item.error is None
    assert calls == [1, 3, 3]


def test_an_endpoint_gets_messages_in_the_place_its_request_names(serve: Any, hold: Ask) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"choices": [{"message": {"content": "order number?"}}]})

    endpoint = serve(handler)
    path = {"output": "/choices/0/message/content"}
    item = _item({"opening": "a", "turns": ["b"]})
    target = HttpTarget(url=endpoint.url, request={"model": "m", "messages": "{messages}"}, response=path)
    assert hold(target, item).output["turns"] == 2
    first = {"role": "user", "content": "a"}
    assert endpoint.calls[0] == {"model": "m", "messages": [first]}
    assert endpoint.calls[1]["messages"] == [
        first,
        {"role": "assistant", "content": "order number?"},
        {"role": "user", "content": "b"},
    ]
    hold(HttpTarget(url=endpoint.url, response=path), item)
    assert endpoint.calls[2] == {"messages": [first]}
    hold(target, GoldItem(id="p", input="plain"))
    assert endpoint.calls[-1]["messages"] == [{"role": "user", "content": "plain"}]


@dataclass(frozen=True)
class Said:
    text: str | None
    cost_usd: float | None = 0.001


class FakeUser:
    """Says what it was given to say, in turn, and keeps what it was sent."""

    def __init__(self, *words: str | Exception | None, cost_usd: float | None = 0.001) -> None:
        self.words = iter(words)
        self.cost_usd = cost_usd
        self.sent: list[list[Mapping[str, Any]]] = []
        self.is_open = False

    async def open(self, *, concurrency: int) -> None:
        self.is_open = True

    async def close(self) -> None:
        self.is_open = False

    async def complete(self, messages: Sequence[Mapping[str, Any]]) -> Said:
        assert self.is_open
        self.sent.append(list(messages))
        word = next(self.words)
        if isinstance(word, Exception):
            raise word
        return Said(word, self.cost_usd)


PLAYED = {
    "user": {"persona": "a hurried customer", "goal": "get order A-17 refunded", "knows": {"order": "A-17"}}
}


def test_a_model_plays_the_user_from_its_own_side_until_it_is_done(hold: Ask) -> None:
    user = FakeUser("I want a refund", "It is A-17.", "[DONE]")
    output = hold(shop, _item(PLAYED), user=user).output
    assert output["ended_because"] == "the user was done"
    assert [one["content"] for one in output["messages"]][::2] == ["I want a refund", "It is A-17."]
    assert (output["cost_usd"], output["user_cost_usd"]) == pytest.approx((0.02, 0.003))
    system, *rest = user.sent[1]
    assert system["role"] == "system"
    for told in ("a hurried customer", "get order A-17 refunded", "order: A-17", "[DONE]"):
        assert told in system["content"]
    assert [one["role"] for one in rest] == ["user", "assistant", "user"]
    assert [one["content"] for one in rest[1:]] == ["I want a refund", "What is your order number?"]
    assert not user.is_open


def test_scripted_turns_go_before_the_model(hold: Ask) -> None:
    user = FakeUser("Thank you", "[DONE]")
    scenario = REFUND | PLAYED | {"turns": REFUND["turns"][:1]}
    output = hold(shop, _item(scenario), user=user).output
    assert [one["content"] for one in output["messages"]][::2] == [
        "I want a refund",
        "Order A-17",
        "Thank you",
    ]


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("  ", "the user's model said nothing"),
        (None, "the user's model said nothing"),
        ("[DONE]", "the user ended the conversation before it began"),
        (TargetFailure("HTTP 500", transient=False), "the user's model: HTTP 500"),
    ],
)
def test_a_model_that_plays_badly_is_an_error_of_the_item(hold: Ask, word: Any, error: str) -> None:
    item = hold(shop, _item(PLAYED), user=FakeUser(word))
    assert item.error == error


def test_without_a_model_a_played_user_is_told_before_anything_is_asked(
    runs: Any, new_run: Callable[..., Run]
) -> None:
    with pytest.raises(InputError, match="played by a model"):
        evaluate([_item(PLAYED)], target=CallableTarget(shop), scorers=[], runs=runs, run=new_run())


def test_an_openai_compatible_endpoint_plays_the_user(serve: Any, hold: Ask) -> None:
    words = iter(["I want a refund", "Order A-17", "[DONE]"])

    async def handler(request: web.Request) -> web.Response:
        message = {"role": "assistant", "content": next(words)}
        usage = {"prompt_tokens": 10, "completion_tokens": 3}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage})

    endpoint = serve(handler)
    client = ChatClient(ChatModel(model="m", base_url=endpoint.url.removesuffix("/ask"), seed=7))
    output = hold(shop, _item(PLAYED), user=client).output
    assert output["turns"] == 2
    assert output["state"] == {"refunds": {"A-17": 20}}
    assert [call["seed"] for call in endpoint.calls] == [7, 7, 7]


def test_conversations_are_held_side_by_side_and_twice_the_same(
    runs: Any, new_run: Callable[..., Run]
) -> None:
    items = [_item(REFUND, name=f"s{n}") for n in range(40)]
    for name in ("one", "two"):
        evaluate(
            items,
            target=CallableTarget(shop),
            scorers=[],
            runs=runs,
            run=new_run(name),
            limits=Limits(concurrency=8),
        )
    one, two = ([item.output for item in runs.run_items(name)] for name in ("one", "two"))
    assert one == two
    assert len(one) == 40


def test_a_model_with_a_prompt_goes_on_with_a_conversation(serve: Any, hold: Ask) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response(
            {"choices": [{"message": {"role": "assistant", "content": "order number?"}}]}
        )

    endpoint = serve(handler)
    model = ChatModel(model="m", base_url=endpoint.url.removesuffix("/ask"))
    target = ModelTarget(model, Prompt(text="Question: {input}", system="Be brief."))
    hold(target, _item({"opening": "a {context}", "turns": ["b"]}))
    assert endpoint.calls[1]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Question: a {context}"},
        {"role": "assistant", "content": "order number?"},
        {"role": "user", "content": "b"},
    ]
