"""2,000 examples x 3 scorers against a local endpoint that takes 50 ms, then none, 50 calls at once.

    python bench/evals.py [--items 2000] [--rounds 3]
    python bench/evals.py --peers           DeepEval, inspect_ai and promptfoo beside it, on the same endpoint
    python bench/evals.py --items 100000    memory; and what is repeated after kill -9

Prints the run, as `launchworthy eval` makes it, beside its floor: the same calls in a bare aiohttp loop that keeps
nothing. The endpoint is a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import urlopen

import aiohttp
import orjson
from aiohttp import web
from evals_large import measure_large
from evals_peers import install, measure

LARGE = 20_000  # items from which on memory and going on are what is measured


def _serve(pipe: Connection, delay_s: float) -> None:
    seen: set[Any] = set()
    calls = 0

    async def ask(request: web.Request) -> web.Response:
        nonlocal calls
        number = (await request.json())["input"]
        calls += 1
        seen.add(number)
        if delay_s:
            await asyncio.sleep(delay_s)
        answer = {
            "output": f"the answer to {number} is {number}",
            "ranked": [f"d{number}", "d0", "d1", "d2", "d3"],
        }
        return web.Response(body=orjson.dumps(answer), content_type="application/json")

    async def chat(request: web.Request) -> web.Response:
        """The same answer in the shape that the peers' clients read."""
        number = (await request.json())["messages"][-1]["content"].rpartition(" ")[2]
        if delay_s:
            await asyncio.sleep(delay_s)
        message = {"role": "assistant", "content": f"the answer to {number} is {number}"}
        answer = {
            "id": "c",
            "object": "chat.completion",
            "created": 0,
            "model": "fake",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11},
        }
        return web.Response(body=orjson.dumps(answer), content_type="application/json")

    async def count(_: web.Request) -> web.Response:
        return web.json_response([calls, len(seen)])

    async def run() -> None:
        app = web.Application()
        app.router.add_post("/ask", ask)
        app.router.add_post("/v1/chat/completions", chat)
        app.router.add_get("/calls", count)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=512).start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


@dataclass(frozen=True)
class Figure:
    wall_s: float
    cpu_ms_each: float


def _measured(job: Callable[[], None], items: int) -> Figure:
    wall, cpu = time.perf_counter(), time.process_time()
    job()
    return Figure(time.perf_counter() - wall, (time.process_time() - cpu) * 1_000 / items)


def _floor(url: str, items: int, concurrency: int) -> None:
    async def run() -> None:
        numbers = iter(range(items))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as session:

            async def worker() -> None:
                for number in numbers:
                    async with session.post(url, json={"input": number}) as response:
                        await response.json()

            await asyncio.gather(*(worker() for _ in range(concurrency)))

    asyncio.run(run())


def _ours(url: str, items: list[Any], concurrency: int, runs: Any, run_id: str, folder: Path) -> None:
    from launchworthy.evals import HttpTarget, Limits, ReplyCache, evaluate, scorer_of
    from launchworthy.evals.remembering import RememberingTarget
    from launchworthy.records import Run

    run = Run(
        id=run_id,
        product="bench",
        workflow="answer",
        release="r-000000000000",
        target=url,
        gold="bench@g-000000000000",
        split="all",
        scorers=("exact_match", "token_f1", "hit@5"),
        status="running",
        started_at=datetime.now(UTC),
    )
    cache = ReplyCache(folder / "replies.sqlite")
    done = evaluate(
        items,
        target=RememberingTarget(HttpTarget(url=url, trace_seed=run_id), cache, known={"run": run_id}),
        scorers=[scorer_of(name) for name in run.scorers],
        runs=runs,
        run=run,
        limits=Limits(concurrency=concurrency),
    )
    cache.close()
    if (done.done, done.errors) != (len(items), 0):
        raise SystemExit(f"the run is not whole: {done}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=2_000)
    parser.add_argument("--concurrency", type=int, default=50)
    parser.add_argument("--delay-ms", type=float, action="append", help="may be repeated [50 and 0]")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--peers", action="store_true", help="install other tools and run them on the same job"
    )
    parser.add_argument("--peer-folder", type=Path, default=Path.home() / ".cache" / "launchworthy-bench")
    options = parser.parse_args()

    large = options.items >= LARGE
    for delay_ms in options.delay_ms or ([0.0] if large else [50.0, 0.0]):
        ours, theirs = multiprocessing.Pipe()
        server = multiprocessing.Process(target=_serve, args=(theirs, delay_ms / 1_000), daemon=True)
        server.start()
        base = f"http://127.0.0.1:{ours.recv()}"
        if large:
            measure_large(f"{base}/ask", options.items, calls=partial(_calls, base))
        else:
            _compare(base, options, delay_ms)
        server.terminate()
        server.join()


def _calls(base: str) -> tuple[int, int]:
    with urlopen(f"{base}/calls") as answer:
        total, different = json.load(answer)
    return total, different


def _compare(base: str, options: argparse.Namespace, delay_ms: float) -> None:
    from launchworthy.gold import GoldItem
    from launchworthy.store import Store

    items = [
        GoldItem(
            id=f"q{number:06}",
            input=number,
            expected=f"the answer to {number} is {number}",
            meta={"relevant": {f"d{number}": 1}},
        )
        for number in range(options.items)
    ]
    rows: dict[str, list[Figure]] = {"bare aiohttp loop (floor)": [], "launchworthy eval": []}
    with TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        for number in range(options.rounds):
            floor = partial(_floor, f"{base}/ask", options.items, options.concurrency)
            run = partial(
                _ours, f"{base}/ask", items, options.concurrency, store.runs, f"run-{number}", Path(folder)
            )
            rows["bare aiohttp loop (floor)"].append(_measured(floor, options.items))
            rows["launchworthy eval"].append(_measured(run, options.items))
    ideal = options.items / options.concurrency * delay_ms / 1_000
    print(
        f"{options.items:,} items x 3 scorers, {options.concurrency} at once, {delay_ms:g} ms each: "
        f"ideal {ideal:.2f} s; load {os.getloadavg()[0]:.1f}, median of {options.rounds}"
    )
    for name, figures in rows.items():
        wall = median(figure.wall_s for figure in figures)
        cpu = median(figure.cpu_ms_each for figure in figures)
        print(
            f"  {name:<26} {wall:6.2f} s   {cpu:5.2f} ms CPU an item   {options.items / wall:7,.0f} items/s"
        )
    print(
        f"  to reach                   {'  2.50 s    0.80 ms' if delay_ms else '                       1,500 items/s'}"
    )
    if options.peers:
        tools = install(options.peer_folder)
        for peer in measure(tools, base, items=options.items, concurrency=options.concurrency):
            print(
                f"  {peer.name:<26} {peer.wall_s:6.2f} s   {peer.cpu_ms_each:5.2f} ms CPU an item   "
                f"{options.items / peer.wall_s:7,.0f} items/s   ({peer.right:.0%} right)"
            )


if __name__ == "__main__":
    main()
