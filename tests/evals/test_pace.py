from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from launchworthy.evals import HttpTarget, Limits, evaluate
from launchworthy.evals.pace import Pace
from launchworthy.gold import GoldItem
from launchworthy.records import Run

NewRun = Callable[..., Run]


def _items(count: int) -> list[GoldItem]:
    return [GoldItem(id=f"q{n:03}", input=n) for n in range(count)]


def test_one_workers_429_slows_all_and_every_item_is_answered_in_the_end(
    serve: Any, runs: Any, new_run: NewRun
) -> None:
    """The endpoint takes 8 calls each tenth of a second; 40 workers would get 32 refusals each."""
    windows: Counter[int] = Counter()
    answers: Counter[int] = Counter()

    async def handler(request: web.Request) -> web.Response:
        window = int(time.monotonic() * 10)
        windows[window] += 1
        status = 200 if windows[window] <= 8 else 429
        answers[status] += 1
        if status == 429:
            return web.Response(status=429, headers={"Retry-After": "0.1"})
        return web.json_response({"output": "fine"})

    run = evaluate(
        _items(120),
        target=HttpTarget(url=serve(handler).url),
        scorers=[],
        runs=runs,
        run=new_run(),
        limits=Limits(concurrency=40, retries=2, timeout_s=20),
    )
    assert (run.status, run.done, run.errors) == ("complete", 120, 0)
    assert answers[200] == 120
    assert answers[429] < 120  # who only waits his own turn out is refused several hundred times
    assert run.config["overloads"] >= 1


def test_after_a_refusal_nobody_calls_until_the_target_said(serve: Any, runs: Any, new_run: NewRun) -> None:
    moments: list[float] = []
    refused_at = 0.0

    async def handler(request: web.Request) -> web.Response:
        nonlocal refused_at
        moments.append(time.monotonic())
        if len(moments) == 5:
            refused_at = time.monotonic()
            return web.Response(status=503, headers={"Retry-After": "0.5"})
        return web.json_response({"output": "fine"})

    run = evaluate(
        _items(30),
        target=HttpTarget(url=serve(handler).url),
        scorers=[],
        runs=runs,
        run=new_run(),
        limits=Limits(concurrency=2),
    )
    assert (run.done, run.errors) == (30, 0)
    # One call may have been under way already.
    assert len([moment for moment in moments if refused_at < moment < refused_at + 0.45]) <= 1


def test_a_target_that_refuses_everything_is_not_asked_for_ever(
    serve: Any, runs: Any, new_run: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchworthy.evals.pace.FIRST_WAIT_S", 0.001)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=503)

    endpoint = serve(handler)
    run = evaluate(
        _items(500),
        target=HttpTarget(url=endpoint.url),
        scorers=[],
        runs=runs,
        run=new_run(),
        limits=Limits(concurrency=4),
    )
    assert run.status == "interrupted"
    assert run.config["stopped_because"] == "the target was overloaded each time it was asked"
    assert run.errors == run.done < 20
    assert len(endpoint.calls) < 60


def test_the_most_at_once_is_halved_once_for_one_overload_and_comes_back_when_it_is_over() -> None:
    async def entered(pace: Pace, tries: int) -> int:
        """How many get in at once, of so many who try."""
        waiting = [asyncio.create_task(pace.enter()) for _ in range(tries)]
        await asyncio.sleep(0.01)
        inside = sum(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for _ in range(inside):
            pace.leave()
        return inside

    async def run() -> list[int]:
        pace = Pace(8)
        counts = [await entered(pace, 20)]
        together = [await pace.enter() for _ in range(8)]
        for began in together:
            pace.leave()
            pace.overloaded(began, retry_after_s=0.0)
        counts.append(await entered(pace, 20))
        for _ in range(5):
            pace.answered()
        counts.append(await entered(pace, 20))
        for _ in range(100):
            pace.answered()
        counts.append(await entered(pace, 20))
        return counts

    assert asyncio.run(run()) == [8, 4, 5, 8]
