from __future__ import annotations

import asyncio
import functools
import inspect
import json
from typing import Any

import pytest

import launchworthy as lw
from launchworthy.testing import Recording


def test_a_workflow_and_what_runs_inside_it_are_one_tree(recorded: Recording) -> None:
    @lw.retrieval("help_centre")
    def search(query: str) -> list[dict[str, Any]]:
        return [{"id": "refunds", "score": 0.9, "content": "30 days"}]

    @lw.model_call("chat-small", provider="vendor", prompt="answer", prompt_version="3")
    def complete(prompt: str) -> str:
        return "You have 30 days."

    @lw.tool
    def book(order: int, *, note: str) -> dict[str, bool]:
        return {"done": True}

    @lw.step
    def check(text: str) -> bool:
        return True

    @lw.workflow("answer")
    def answer(question: str) -> str:
        search(question)
        text = complete(f"Answer: {question}")
        check(text)
        book(7, note="now")
        return text

    assert answer("How long?") == "You have 30 days."
    root = recorded.span("invoke_workflow answer")
    names = ["retrieval help_centre", "chat chat-small", "check", "execute_tool book"]
    children = [recorded.span(name) for name in names]
    assert root.parent_id is None
    assert {child.parent_id for child in children} == {root.span_id}
    assert {child.trace_id for child in children} == {root.trace_id}
    for span in recorded.spans:
        assert span.attributes["launchworthy.product"] == "shop"
        assert span.attributes["launchworthy.workflow"] == "answer"
        assert span.attributes["launchworthy.release"] == "r-1"
    assert json.loads(root.attributes["launchworthy.input"]) == "How long?"
    assert json.loads(root.attributes["launchworthy.output"]) == "You have 30 days."
    retrieval, model, step, tool = (child.attributes for child in children)
    assert retrieval["gen_ai.retrieval.query.text"] == "How long?"
    assert json.loads(retrieval["gen_ai.retrieval.documents"]) == [
        {"id": "refunds", "score": 0.9, "content": "30 days"}
    ]
    assert (model["gen_ai.operation.name"], model["gen_ai.request.model"]) == ("chat", "chat-small")
    assert (model["gen_ai.prompt.name"], model["gen_ai.prompt.version"]) == ("answer", "3")
    assert json.loads(model["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "You have 30 days."}]}
    ]
    assert step["launchworthy.kind"] == "step"
    assert tool["gen_ai.tool.name"] == "book"
    assert json.loads(tool["gen_ai.tool.call.arguments"]) == {"order": 7, "note": "now"}
    assert json.loads(tool["gen_ai.tool.call.result"]) == {"done": True}


def test_a_block_gives_a_span_to_talk_to(recorded: Recording) -> None:
    with lw.workflow("answer", user="ana", session="s", cohort="canary", simulated=True) as span:
        span.set_input({"q": 1})
        span.set_output("fine")
        assert lw.current_span() is span
        assert lw.current_trace_id() == span.trace_id
    found = recorded.span("invoke_workflow answer").attributes
    assert json.loads(found["launchworthy.input"]) == {"q": 1}
    assert found["launchworthy.cohort"] == "canary"
    assert found["launchworthy.simulated"] is True
    assert found["user.id"].startswith("u_")
    assert found["session.id"].startswith("s_")
    assert "ana" not in (found["user.id"], found["session.id"])
    assert lw.current_trace_id() is None


def test_parentheses_make_no_difference(recorded: Recording) -> None:
    @lw.workflow
    def one() -> int:
        return 1

    @lw.workflow()
    def two() -> int:
        return 2

    @lw.workflow("three")
    def other() -> int:
        return 3

    assert (one(), two(), other()) == (1, 2, 3)
    assert [span.attributes["launchworthy.workflow"] for span in recorded.spans] == ["one", "two", "three"]
    assert one.__name__ == "one"


async def _double(n: int) -> int:
    await asyncio.sleep(0)
    return 2 * n


def test_coroutines_stay_coroutines(recorded: Recording) -> None:
    decorated = lw.step("double")(_double)
    assert inspect.iscoroutinefunction(decorated)
    assert asyncio.run(decorated(4)) == 8
    found = recorded.span("double").attributes
    assert (found["launchworthy.input"], found["launchworthy.output"]) == ("4", "8")


def test_a_coroutine_behind_a_plain_wrapper_is_recorded_until_it_ends(recorded: Recording) -> None:
    @lw.step("late")
    @functools.lru_cache
    def late() -> Any:
        return _double(5)

    async def main() -> Any:
        assert recorded.spans == []
        coroutine = late()
        assert recorded.spans == []
        return await coroutine

    assert asyncio.run(main()) == 10
    assert recorded.span("late").attributes["launchworthy.output"] == "10"


def test_an_error_is_recorded_and_raised_unchanged(recorded: Recording) -> None:
    problem = ValueError("no such order")

    @lw.tool("refund")
    def refund() -> None:
        raise problem

    with pytest.raises(ValueError) as caught, lw.workflow("answer"):
        refund()
    assert caught.value is problem
    for span in recorded.spans:
        assert span.status == "error"
        assert span.attributes["error.type"] == "ValueError"
        assert span.message == "no such order"
        assert span.events == ("exception",)


def test_an_error_of_a_library_has_its_module_in_its_name(recorded: Recording) -> None:
    with pytest.raises(json.JSONDecodeError), lw.step("parse"):
        json.loads("{")
    assert recorded.span("parse").attributes["error.type"] == "json.decoder.JSONDecodeError"


def test_an_error_that_cannot_be_printed_is_still_raised_unchanged(recorded: Recording) -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    with pytest.raises(Odd), lw.step("odd"):
        raise Odd
    assert recorded.span("odd").status == "error"


def test_a_cancelled_task_is_an_error_of_its_span(recorded: Recording) -> None:
    @lw.workflow("slow")
    async def slow() -> None:
        await asyncio.sleep(10)

    async def main() -> None:
        task = asyncio.create_task(slow())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert recorded.span("invoke_workflow slow").attributes["error.type"].endswith("CancelledError")


def test_methods_record_their_arguments_without_self(recorded: Recording) -> None:
    class Shop:
        @lw.step
        def price(self, item: str, *more: int, **rest: int) -> int:
            return 3

        @classmethod
        @lw.step
        def rule(cls, item: str) -> str:
            return item

        @staticmethod
        @lw.step
        def free(item: str) -> str:
            return item

    assert Shop().price("tea", 1, 2, n=3) == 3
    Shop.rule("a")
    Shop.free("b")
    inputs = [json.loads(span.attributes["launchworthy.input"]) for span in recorded.spans]
    assert inputs == [{"item": "tea", "args": [1, 2], "n": 3}, "a", "b"]


def test_capture_off_records_neither_arguments_nor_answer(recorded: Recording) -> None:
    @lw.workflow("secret", capture=False)
    def secret(text: str) -> str:
        return text

    secret("4111 1111 1111 1111")
    assert "4111" not in str(recorded.spans)


def test_the_innermost_identity_wins_and_ends_with_its_block(recorded: Recording) -> None:
    with lw.identify(user="ana", cohort="control"):
        with lw.workflow("a"), lw.step("inner"):
            lw.current_span().identify(user="ben")
            with lw.step("deeper"):
                pass
        with lw.workflow("b", cohort="canary"):
            pass
    with lw.workflow("c"):
        pass
    who = {span.name: span.attributes.get("user.id") for span in recorded.spans}
    assert who["inner"] == who["deeper"] != who["invoke_workflow a"] == who["invoke_workflow b"]
    assert who["invoke_workflow c"] is None
    assert recorded.span("deeper").attributes["launchworthy.cohort"] == "control"
    assert recorded.span("invoke_workflow b").attributes["launchworthy.cohort"] == "canary"


def test_a_workflow_inside_a_workflow_names_its_own_spans(recorded: Recording) -> None:
    with lw.workflow("outer", user="ana"), lw.workflow("inner", product="other"), lw.step("leaf"):
        pass
    leaf = recorded.span("leaf").attributes
    assert (leaf["launchworthy.workflow"], leaf["launchworthy.product"]) == ("inner", "other")
    assert leaf["user.id"] == recorded.span("invoke_workflow outer").attributes["user.id"]


def test_blocks_left_in_the_wrong_order_or_twice_do_not_raise(recorded: Recording) -> None:
    block = lw.step("same")
    with block, block:
        pass
    assert len(recorded.spans) == 2
    first, second = lw.step("first"), lw.step("second")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert lw.current_span().name == "second"
    second.__exit__(None, None, None)
    assert len(recorded.spans) == 4
    assert lw.current_trace_id() is None


def test_a_builtin_without_a_signature_can_be_decorated(recorded: Recording) -> None:
    assert lw.step("build")(dict)(a=1) == {"a": 1}
    assert json.loads(recorded.span("build").attributes["launchworthy.input"]) == 1


def test_outside_any_span_everything_can_be_said_and_nothing_happens(recorded: Recording) -> None:
    span = lw.current_span()
    span.set_output("lost")
    span.no_answer("refuse")
    assert not span.recording
    assert recorded.spans == []


def test_nobody_is_not_somebody(recorded: Recording) -> None:
    with lw.workflow("answer", user="", session=""):
        pass
    found = recorded.span("invoke_workflow answer").attributes
    assert "user.id" not in found
    assert "session.id" not in found
