from __future__ import annotations

import asyncio
import gc
import inspect
import json
from collections.abc import AsyncGenerator, Generator, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import context as otel_context

import launchworthy as lw
from launchworthy.testing import Recording, recording


@lw.workflow("count")
def count(to: int) -> Generator[str, Any, str]:
    for n in range(to):
        with lw.step(f"step {n}"):
            pass
        yield f"{n} "
    return "end"


@lw.workflow("count")
async def acount(to: int) -> AsyncGenerator[str, Any]:
    for n in range(to):
        with lw.step(f"step {n}"):
            await asyncio.sleep(0)
        yield f"{n} "


def test_a_generator_is_one_span_with_its_parts_put_together(recorded: Recording) -> None:
    assert inspect.isgeneratorfunction(count)
    assert list(count(3)) == ["0 ", "1 ", "2 "]
    root = recorded.span("invoke_workflow count")
    assert json.loads(root.attributes["launchworthy.output"]) == "0 1 2 "
    assert root.attributes["launchworthy.first_token_ms"] > 0
    for n in range(3):
        assert recorded.span(f"step {n}").parent_id == root.span_id


def test_an_async_generator_likewise(recorded: Recording) -> None:
    async def main() -> list[str]:
        return [part async for part in acount(3)]

    assert inspect.isasyncgenfunction(acount)
    assert asyncio.run(main()) == ["0 ", "1 ", "2 "]
    root = recorded.span("invoke_workflow count")
    assert json.loads(root.attributes["launchworthy.output"]) == "0 1 2 "
    assert {recorded.span(f"step {n}").parent_id for n in range(3)} == {root.span_id}


def test_between_two_parts_the_caller_is_not_inside_the_generator(recorded: Recording) -> None:
    before = otel_context.get_current()
    parts = count(2)
    next(parts)
    assert otel_context.get_current() is before
    with lw.workflow("other"):
        next(parts)
    parts.close()
    assert recorded.span("invoke_workflow other").parent_id is None
    assert recorded.span("step 1").parent_id == recorded.span("invoke_workflow count").span_id


def test_interleaved_generators_keep_their_own_parents(recorded: Recording) -> None:
    pairs = list(zip(count(3), count(3), strict=True))
    assert len(pairs) == 3
    roots = {span.span_id for span in recorded.spans if span.name == "invoke_workflow count"}
    assert len(roots) == 2
    for n in range(3):
        assert {span.parent_id for span in recorded.spans if span.name == f"step {n}"} == roots


def test_what_the_generator_returns_and_is_sent_gets_through(recorded: Recording) -> None:
    @lw.step("echo")
    def echo() -> Generator[str, str, str]:
        try:
            got = yield "ready"
            while got != "stop":
                got = yield got.upper()
        except KeyError:
            yield "mended"
        return "bye"

    talk = echo()
    assert next(talk) == "ready"
    assert talk.send("hi") == "HI"
    assert talk.throw(KeyError("x")) == "mended"
    with pytest.raises(StopIteration) as stop:
        next(talk)
    assert stop.value.value == "bye"
    assert recorded.span("echo").status == "ok"


def test_a_generator_closed_early_ends_well_and_says_so(recorded: Recording) -> None:
    cleaned = []

    @lw.model_call("m")
    def words() -> Iterator[str]:
        try:
            yield "one"
            yield "two"
        finally:
            with lw.step("clean"):
                cleaned.append(True)

    for word in words():
        assert word == "one"
        break
    gc.collect()
    span = recorded.span("chat m")
    assert cleaned == [True]
    assert span.status == "ok"
    assert span.attributes["launchworthy.closed_early"] is True
    assert json.loads(span.attributes["gen_ai.output.messages"])[0]["parts"][0]["content"] == "one"
    assert recorded.span("clean").parent_id == span.span_id


def test_an_async_generator_closed_in_another_task_leaves_no_context_behind(recorded: Recording) -> None:
    async def main() -> None:
        parts = acount(5)
        await anext(parts)
        await asyncio.create_task(parts.aclose())
        assert lw.current_trace_id() is None

    asyncio.run(main())
    assert recorded.span("invoke_workflow count").status == "ok"


def test_a_generator_that_fails_keeps_what_it_gave(recorded: Recording) -> None:
    @lw.step("broken")
    def broken() -> Iterator[str]:
        yield "half"
        raise TimeoutError("too slow")

    with pytest.raises(TimeoutError):
        list(broken())
    span = recorded.span("broken")
    assert span.attributes["error.type"] == "TimeoutError"
    assert span.attributes["launchworthy.output"] == '"half"'


def test_a_generator_that_is_never_started_is_no_call(recorded: Recording) -> None:
    count(3)
    gc.collect()
    assert recorded.spans == []


@given(st.lists(st.sampled_from(["next", "send", "throw", "close"]), max_size=6))
def test_a_decorated_generator_behaves_as_the_plain_one(moves: list[str]) -> None:
    def plain() -> Generator[int, Any, str]:
        n = 0
        while n < 4:
            try:
                got = yield n
                n += 1 if got is None else 2
            except LookupError:
                n += 3
        return f"end {n}"

    def played(generator: Generator[int, Any, str]) -> list[Any]:
        seen: list[Any] = []
        for move in moves:
            try:
                if move == "next":
                    seen.append(next(generator))
                elif move == "send":
                    seen.append(generator.send(5))
                elif move == "throw":
                    seen.append(generator.throw(LookupError("x")))
                else:
                    generator.close()
                    seen.append("closed")
            except BaseException as error:
                seen.append((type(error), str(error)))
        generator.close()
        return seen

    with recording() as found:
        assert played(lw.step("g")(plain)()) == played(plain())
        assert len(found.spans) == (1 if set(moves[:1]) == {"next"} or _started(moves) else 0)


def _started(moves: list[str]) -> bool:
    """Whether the generator's own code ran: the first move that is not refused or final starts it."""
    for move in moves:
        if move == "next":
            return True
        if move in ("throw", "close"):
            return False
    return False
