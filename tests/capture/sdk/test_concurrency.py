from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import launchworthy as lw
from launchworthy.testing import Recording


def _tree(recorded: Recording) -> dict[str, str | None]:
    """Name of each span's parent by its own name."""
    names = {span.span_id: span.name for span in recorded.spans}
    return {span.name: names.get(span.parent_id or "") for span in recorded.spans}


def test_tasks_of_one_loop_keep_their_parents(recorded: Recording) -> None:
    async def leaf(name: str) -> None:
        with lw.step(f"leaf {name}"):
            await asyncio.sleep(0)

    async def one(name: str) -> None:
        with lw.workflow(name, user=name):
            await asyncio.gather(*(leaf(f"{name}{n}") for n in range(3)))

    async def main() -> None:
        await asyncio.gather(*(one(name) for name in "abc"))

    asyncio.run(main())
    tree = _tree(recorded)
    for name in "abc":
        assert tree[f"invoke_workflow {name}"] is None
        for n in range(3):
            assert tree[f"leaf {name}{n}"] == f"invoke_workflow {name}"
            assert recorded.span(f"leaf {name}{n}").attributes["launchworthy.workflow"] == name
    assert len({span.trace_id for span in recorded.spans}) == 3


def test_a_task_that_outlives_its_workflow_stays_in_its_trace(recorded: Recording) -> None:
    async def late(gate: asyncio.Event) -> None:
        await gate.wait()
        with lw.step("late 1"):
            pass
        with lw.step("late 2"):
            pass

    async def main() -> None:
        gate = asyncio.Event()
        with lw.workflow("answer"):
            task = asyncio.create_task(late(gate))
            await asyncio.sleep(0)
        gate.set()
        await task
        assert lw.current_trace_id() is None

    asyncio.run(main())
    assert _tree(recorded) == {
        "invoke_workflow answer": None,
        "late 1": "invoke_workflow answer",
        "late 2": "invoke_workflow answer",
    }


def test_to_thread_carries_the_parent(recorded: Recording) -> None:
    @lw.tool("lookup")
    def lookup() -> int:
        return threading.get_ident()

    async def main() -> int:
        with lw.workflow("answer", session="s"):
            return await asyncio.to_thread(lookup)

    assert asyncio.run(main()) != threading.get_ident()
    assert _tree(recorded)["execute_tool lookup"] == "invoke_workflow answer"
    assert "session.id" in recorded.span("execute_tool lookup").attributes


def test_a_pool_keeps_calls_apart_and_a_copied_context_together(recorded: Recording) -> None:
    def leaf(n: int) -> None:
        with lw.step(f"leaf {n}"):
            pass

    with ThreadPoolExecutor(4) as pool, lw.workflow("answer"):
        inside = [pool.submit(contextvars.copy_context().run, leaf, n) for n in range(20)]
        outside = [pool.submit(leaf, n) for n in range(20, 40)]
        for done in (*inside, *outside):
            done.result()
    tree = _tree(recorded)
    assert {tree[f"leaf {n}"] for n in range(20)} == {"invoke_workflow answer"}
    assert {tree[f"leaf {n}"] for n in range(20, 40)} == {None}


def test_many_threads_lose_nothing(recorded: Recording) -> None:
    def work(name: str) -> None:
        for n in range(50):
            with lw.workflow(name), lw.step(f"{name}.{n}"):
                pass

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(recorded.spans) == 600
    by_id = {span.span_id: span for span in recorded.spans}
    for span in recorded.spans:
        if span.parent_id is not None:
            assert by_id[span.parent_id].name == f"invoke_workflow {span.name.partition('.')[0]}"


def test_one_block_may_be_entered_by_several_tasks_at_once(recorded: Recording) -> None:
    block = lw.step("shared")

    async def one(name: str, waits: int) -> None:
        with lw.workflow(name), block as span:
            for _ in range(waits):
                await asyncio.sleep(0)
            span.set_output(name)

    async def main() -> None:
        await asyncio.gather(one("slow", 5), one("quick", 1), one("middle", 3))
        assert lw.current_trace_id() is None

    asyncio.run(main())
    by_id = {span.span_id: span for span in recorded.spans}
    shared = [span for span in recorded.spans if span.name == "shared"]
    assert len(shared) == 3
    for span in shared:
        name = span.attributes["launchworthy.output"].strip('"')
        assert by_id[span.parent_id or ""].name == f"invoke_workflow {name}"
