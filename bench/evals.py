"""2,000 examples x 3 scorers against a local endpoint that takes 50 ms, 50 calls at once.

    .venv/bin/python bench/evals.py [--items 2000] [--rounds 3]

Prints the run beside its floor: the same calls in a bare aiohttp loop that keeps nothing. The endpoint is
a process of its own. Peers were measured elsewhere, on a quiet machine of 2 cores; they stand as printed.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import resource
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

import aiohttp
import orjson
from aiohttp import web

PEERS = """\
measured elsewhere    ideal 2.0 s; bare aiohttp 2.2 s, 0.4 ms; openai client alone 3.4 s, 2 ms; httpx 17.4 s, 8.7 ms
(same job, quiet)     DeepEval 8.6 s, 4.9 ms; promptfoo 13.2 s, 8.3 ms; inspect_ai 37 s, 19 ms; MLflow 37 s for 500, 87 ms"""


def _serve(pipe: Connection, delay_s: float) -> None:
    async def ask(request: web.Request) -> web.Response:
        number = (await request.json())["input"]
        await asyncio.sleep(delay_s)
        answer = {
            "output": f"the answer to {number} is {number}",
            "ranked": [f"d{number}", "d0", "d1", "d2", "d3"],
        }
        return web.Response(body=orjson.dumps(answer), content_type="application/json")

    async def run() -> None:
        app = web.Application()
        app.router.add_post("/ask", ask)
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


def _ours(url: str, items: list[Any], concurrency: int, runs: Any, run_id: str) -> None:
    from launchworthy.evals import HttpTarget, Limits, evaluate, scorer_of
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
    done = evaluate(
        items,
        target=HttpTarget(url=url, trace_seed=run_id),
        scorers=[scorer_of(name) for name in run.scorers],
        runs=runs,
        run=run,
        limits=Limits(concurrency=concurrency),
    )
    if (done.done, done.errors) != (len(items), 0):
        raise SystemExit(f"the run is not whole: {done}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=2_000)
    parser.add_argument("--concurrency", type=int, default=50)
    parser.add_argument("--delay-ms", type=float, default=50.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

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
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(theirs, options.delay_ms / 1_000), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ours.recv()}/ask"
    ideal = options.items / options.concurrency * options.delay_ms / 1_000
    figures: dict[str, list[Figure]] = {"bare aiohttp loop (floor)": [], "launchworthy eval": []}
    with TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        for number in range(options.rounds):
            floor = partial(_floor, url, options.items, options.concurrency)
            run = partial(_ours, url, items, options.concurrency, store.runs, f"run-{number}")
            figures["bare aiohttp loop (floor)"].append(_measured(floor, options.items))
            figures["launchworthy eval"].append(_measured(run, options.items))
    server.terminate()
    print(
        f"{options.items:,} items, {options.concurrency} at once, {options.delay_ms:g} ms each: ideal {ideal:.2f} s; "
        f"load {os.getloadavg()[0]:.1f}, median of {options.rounds}"
    )
    for name, rows in figures.items():
        wall, cpu = median(r.wall_s for r in rows), median(r.cpu_ms_each for r in rows)
        print(f"{name:<26} {wall:6.2f} s wall   {cpu:5.2f} ms CPU an item")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB (both)")
    print("asked of us                ≤ 3.00 s wall   ≤ 1.00 ms CPU an item")
    print(PEERS)


if __name__ == "__main__":
    main()
