from __future__ import annotations

import asyncio
import json
import sqlite3
import time
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from launchworthy.evals import CallableTarget, Limits, evaluate
from launchworthy.evals.cache import CACHE_FILE, ReplyCache, forget_replies
from launchworthy.evals.remembering import RememberingTarget
from launchworthy.gold import GoldItem
from launchworthy.records import Run

if TYPE_CHECKING:
    from tests.forking import Forking

NewRun = Callable[..., Run]
FIELDS = {"target": "app:ask", "release": "r-1"}

SITTING = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from launchworthy.evals import HttpTarget, Limits, evaluate
from launchworthy.evals.cache import ReplyCache
from launchworthy.evals.remembering import RememberingTarget
from launchworthy.evals.scoring import own_scorer
from launchworthy.gold import GoldItem
from launchworthy.records import Run
from launchworthy.store import Store

def slow(row):
    if sys.argv[3] == "slow" and row["input"] >= 20: time.sleep(60)
    return 1.0

folder = Path(sys.argv[2])
run = Run(id="r", product="p", workflow="w", release="r-1", target="t", gold="g@1", split="all", scorers=(),
          status="running", started_at=datetime(2026, 11, 24, tzinfo=UTC))
with Store.open(folder) as store:
    target = RememberingTarget(HttpTarget(url=sys.argv[1]), ReplyCache(folder / "replies.sqlite"),
                               known={"run": "r"}, shared=False)
    done = evaluate([GoldItem(id=f"q{n:03}", input=n) for n in range(100)], target=target,
                    scorers=[own_scorer(slow, name="slow")], runs=store.runs, run=run,
                    limits=Limits(concurrency=5, timeout_s=60, scorer_timeout_s=60))
    print(done.status, done.done, done.cost_usd, len(store.runs.run_items("r")))
"""


def test_after_kill_9_in_the_midst_of_scoring_no_call_is_repeated(
    serve: Any, tmp_path: Path, forking: Forking
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"output": "x", "cost_usd": 0.5})

    endpoint = serve(handler)
    command = ("-c", SITTING, endpoint.url, str(tmp_path / "data"))
    with forking.start(*command, "slow") as first:
        deadline = time.monotonic() + 30
        while len(endpoint.calls) < 100 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)  # the last replies travel
        first.kill()
    assert len(endpoint.calls) == 100
    done = forking.run(*command, "fast")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:2] == ["complete", "100"]
    assert done.stdout.split()[2:] == ["50.0", "100"]  # what the first sitting paid is not forgotten
    assert len(endpoint.calls) == 100


def _evaluate(runs: Any, run: Run, target: Any, items: list[GoldItem]) -> Run:
    return evaluate(items, target=target, scorers=[], runs=runs, run=run, limits=Limits(retries=0))


def test_another_run_of_the_same_release_asks_nothing_and_pays_nothing(
    runs: Any, new_run: NewRun, tmp_path: Path
) -> None:
    calls: list[Any] = []

    def ask(value: Any) -> Any:
        calls.append(value)
        return {"output": value, "cost_usd": 0.25}

    cache = ReplyCache(tmp_path / "replies.sqlite")
    items = [GoldItem(id=str(n), input={"text": "\N{SNOWMAN}", "n": n}) for n in range(10)]
    target = RememberingTarget(CallableTarget(ask), cache, known=FIELDS)
    first = _evaluate(runs, new_run("one"), target, items)
    second = _evaluate(runs, new_run("two"), target, items)
    assert (len(calls), first.cost_usd, second.cost_usd) == (10, 2.5, None)
    assert second.config["remembered"] == 10
    one, two = runs.run_items("one"), runs.run_items("two")
    assert [item.output for item in one] == [item.output for item in two]
    assert [item.latency_ms for item in one] == [item.latency_ms for item in two]
    assert {item.attempts for item in two} == {0}
    other = RememberingTarget(CallableTarget(ask), cache, known=FIELDS | {"release": "r-2"})
    _evaluate(runs, new_run("three"), other, items)
    assert len(calls) == 20
    cache.close()


def test_a_file_of_before_replies_told_their_question_goes_on(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / CACHE_FILE) as file:
        file.execute(
            "CREATE TABLE replies (place INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,"
            " at REAL NOT NULL, value BLOB NOT NULL)"
        )
        file.execute("INSERT INTO replies (key, at, value) VALUES ('old', 1e12, ?)", (zlib.compress(b"1"),))
    file.close()
    cache = ReplyCache(tmp_path / CACHE_FILE)
    cache.put_many([("new", b"2")], asked=[b'"whose?"'])
    assert (cache.get("old"), cache.get("new")) == (b"1", b"2")
    cache.close()
    assert forget_replies(tmp_path, about=lambda text: False) == 1
    cache = ReplyCache(tmp_path / CACHE_FILE)
    assert (cache.get("old"), cache.get("new")) == (None, b"2")
    cache.close()


def test_what_failed_is_asked_again(runs: Any, new_run: NewRun, tmp_path: Path) -> None:
    calls: Counter[int] = Counter()

    def ask(number: int) -> Any:
        calls[number] += 1
        if number == 1:
            raise ValueError("down")
        return {2: {"ranked": "no list"}, 3: {1, 2}, 4: "\ud800"}.get(number, "fine")

    cache = ReplyCache(tmp_path / "replies.sqlite")
    target = RememberingTarget(CallableTarget(ask), cache, known=FIELDS)
    items = [GoldItem(id=str(n), input=n) for n in range(5)]
    for run_id in ("one", "two"):
        assert _evaluate(runs, new_run(run_id), target, items).errors == 4
    assert dict(calls) == {0: 1, 1: 2, 2: 2, 3: 2, 4: 2}
    cache.close()


def test_answers_that_come_together_turn_round_before_any_is_put_down(
    runs: Any, new_run: NewRun, tmp_path: Path
) -> None:
    happened: list[str] = []
    together = [asyncio.Event(), asyncio.Event()]

    async def ask(number: int) -> str:
        happened.append("asked")
        if happened.count("asked") % 10 == 0:
            together[number // 10].set()
        await together[number // 10].wait()
        return str(number)

    class Watched(ReplyCache):
        def put_many(self, replies: Sequence[tuple[str, bytes]], **told: Any) -> None:
            happened.append("put down")
            super().put_many(replies, **told)

    cache = Watched(tmp_path / "replies.sqlite")
    target = RememberingTarget(CallableTarget(ask), cache, known=FIELDS)
    items = [GoldItem(id=f"{n:02}", input=n) for n in range(20)]
    limits = Limits(concurrency=10)
    evaluate(items, target=target, scorers=[], runs=runs, run=new_run("one"), limits=limits)
    assert happened[:20] == ["asked"] * 20
    assert evaluate(
        items, target=target, scorers=[], runs=runs, run=new_run("two"), limits=limits
    ).config == {"remembered": 20}
    cache.close()


def test_an_item_that_is_asked_again_at_once_finds_what_had_just_come(tmp_path: Path) -> None:
    calls: list[int] = []

    async def ask(number: int) -> str:
        calls.append(number)
        return str(number)

    async def twice() -> tuple[Any, Any]:
        await target.open(concurrency=1)
        item = GoldItem(id="a", input=7)
        told = (await target.ask(item)).raw, (await target.ask(item)).raw
        await target.close()
        return told

    cache = ReplyCache(tmp_path / "replies.sqlite")
    target = RememberingTarget(CallableTarget(ask), cache, known=FIELDS)
    assert asyncio.run(twice()) == ("7", "7")
    assert calls == [7]
    cache.close()


def test_a_cache_that_gives_nonsense_is_asked_past(runs: Any, new_run: NewRun) -> None:
    class Nonsense:
        def journal(self) -> None:
            return None

        def get(self, key: str) -> bytes | None:
            return b"<html>"

        def holding(self, keys: Collection[str]) -> set[str]:
            return set(keys)

        def put(self, key: str, value: bytes) -> None:
            assert json.loads(value)[0] == "7"

        def put_many(
            self, replies: Sequence[tuple[str, bytes]], *, asked: Sequence[bytes] | None = None
        ) -> None:
            for key, value in replies:
                self.put(key, value)

    target = RememberingTarget(CallableTarget(str), Nonsense(), known=FIELDS)
    run = _evaluate(runs, new_run(), target, [GoldItem(id="a", input=7)])
    assert (run.done, run.errors) == (1, 0)
