"""The same calls on an event loop, which nothing holds up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from launchworthy.runtime.no_answer import Answer, NoAnswer

Make = Callable[..., Any]


def test_steps_are_awaited_and_coroutines_run_on_the_loop_of_the_application(shop: Make) -> None:
    loops = []

    async def main(messages: Any, **options: Any) -> str:
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return "Shoes may be returned."

    async def get_order(order: int) -> dict[str, int]:
        loops.append(asyncio.get_running_loop())
        return {"order": order}

    async def search(query: str) -> list[dict[str, str]]:
        return [{"text": query, "source": "help_centre"}]

    made = shop(models={"vendor/main": main, "vendor/backup": main}, tools={"get_order": get_order})

    async def ask() -> Any:
        async with made.enforcer.acall("answer", user="u-1", roles=["agent"]) as call:
            question = await call.input("May I return shoes?")
            assert len(await call.retrieve(search, question)) == 1
            reply = await call.model([{"role": "user", "content": question}])
            assert (await call.tool("get_order", {"order": 7})).value == {"order": 7}
            return await call.answer(reply), asyncio.get_running_loop()

    found, loop = asyncio.run(ask())
    assert isinstance(found, Answer)
    assert loops == [loop, loop]


def test_a_coroutine_that_nobody_waits_for_any_more_is_cancelled(shop: Make, contract: str) -> None:
    cancelled = []

    async def hangs(messages: Any, **options: Any) -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(1)
            raise
        return "late"

    made = shop(
        contract.replace("timeout: 3s", "timeout: 300ms"),
        models={"vendor/main": hangs, "vendor/backup": hangs},
    )

    async def ask() -> Any:
        async with made.enforcer.acall("answer", user="u-1") as call:
            await call.model("hello")
            found = await call.answer()
        await asyncio.sleep(0.05)
        return found

    assert isinstance(asyncio.run(ask()), NoAnswer)
    assert cancelled


def test_an_async_stream_goes_out_in_parts(shop: Make) -> None:
    async def parts(messages: Any, **options: Any) -> AsyncIterator[str]:
        for _ in range(20):
            yield "Shoes may go back. "

    made = shop(models={"vendor/main": parts, "vendor/backup": parts})

    async def ask() -> tuple[list[str], Any]:
        async with made.enforcer.acall("answer", user="u-1") as call:
            out = [part async for part in call.stream("May I?")]
        return out, call.result

    out, result = asyncio.run(ask())
    assert len(out) > 1
    assert isinstance(result, Answer)
    assert "".join(out) == "Shoes may go back. " * 20


def test_an_async_function_of_the_application_is_served_whole(shop: Make) -> None:
    made = shop()

    @made.enforcer.workflow("answer")  # type: ignore[untyped-decorator]
    async def answer(call: Any, question: str) -> Any:
        if question == "crash":
            raise KeyError
        return await call.model([{"role": "user", "content": await call.input(question)}])

    async def ask() -> list[Any]:
        return list(
            await asyncio.gather(*(answer(text, user="u") for text in ("hello", "forbidden", "crash")))
        )

    good, refused, crashed = asyncio.run(ask())
    assert isinstance(good, Answer)
    assert refused.policy == "refuse"
    assert crashed.condition == "model_or_tool_down"
