from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from launchworthy.cli.eval import command as eval_command
from launchworthy.cli.runs import command as runs_command
from launchworthy.errors import LaunchworthyError, NotFoundError
from launchworthy.records import Release, Run, RunItem
from launchworthy.store import Store

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Call = Callable[..., Result]


class MemoryRunStore:
    """Runs in dicts; what the real store must also do."""

    def __init__(self) -> None:
        self.headers: dict[str, Run] = {}
        self.items: dict[str, dict[str, RunItem]] = {}
        self.batches: list[int] = []

    def add_run(self, run: Run) -> None:
        self.headers[run.id] = run

    def add_run_items(self, run_id: str, items: Sequence[RunItem]) -> None:
        self.batches.append(len(items))
        self.items.setdefault(run_id, {}).update({item.item_id: item for item in items})

    def run(self, run_id: str) -> Run:
        if run_id not in self.headers:
            raise NotFoundError("no such run")
        return self.headers[run_id]

    def runs(self, *, product: str | None = None, workflow: str | None = None) -> list[Run]:
        return list(self.headers.values())

    def run_items(self, run_id: str) -> list[RunItem]:
        return sorted(self.items.get(run_id, {}).values(), key=lambda item: item.item_id)

    def iter_run_items(self, run_id: str) -> Iterator[RunItem]:
        yield from self.items.get(run_id, {}).values()


@pytest.fixture
def runs() -> MemoryRunStore:
    return MemoryRunStore()


@pytest.fixture
def new_run() -> Callable[..., Run]:
    def make(run_id: str = "run-1", **changes: Any) -> Run:
        fields: dict[str, Any] = {
            "id": run_id,
            "product": "docs",
            "workflow": "answer",
            "release": "r-000000000001",
            "target": "app:ask",
            "gold": "answer@g-000000000001",
            "split": "all",
            "scorers": (),
            "status": "running",
            "started_at": datetime(2026, 11, 24, tzinfo=UTC),
        }
        return Run(**(fields | changes))

    return make


@dataclass
class Endpoint:
    """A real HTTP server on loopback, in a thread of its own."""

    url: str
    calls: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def serve() -> Iterator[Callable[[Handler], Endpoint]]:
    stops: list[Callable[[], None]] = []

    def start(handler: Handler) -> Endpoint:
        loop = asyncio.new_event_loop()
        ready = threading.Event()
        endpoint = Endpoint(url="")
        runner: list[web.AppRunner] = []

        async def counted(request: web.Request) -> web.StreamResponse:
            endpoint.calls.append(await request.json())
            endpoint.headers.append(dict(request.headers))
            return await handler(request)

        async def boot() -> None:
            app = web.Application()
            app.router.add_post("/{path:.*}", counted)
            runner.append(web.AppRunner(app, shutdown_timeout=0.1))
            await runner[0].setup()
            site = web.TCPSite(runner[0], "127.0.0.1", 0)
            await site.start()
            endpoint.url = f"http://127.0.0.1:{runner[0].addresses[0][1]}/ask"

        def work() -> None:
            asyncio.set_event_loop(loop)
            loop.run_until_complete(boot())
            ready.set()
            loop.run_forever()
            loop.run_until_complete(runner[0].cleanup())
            loop.close()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        assert ready.wait(10)

        def stop() -> None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)

        stops.append(stop)
        return endpoint

    yield start
    for stop in stops:
        stop()


class StoreWorkspace:
    """The methods of a workspace that evaluations use, on a real store."""

    def __init__(self, store: Store) -> None:
        self._rooms = (store.gold, store.runs, store.ledger, store.registry)

    def __getattr__(self, name: str) -> Any:
        for room in self._rooms:
            if hasattr(room, name):
                return getattr(room, name)
        raise AttributeError(name)

    def register_release(self, release: Release, *, product: str) -> None:
        """Releases are not looked up here."""

    def register_contract(self, *, product: str, text: str, path: str) -> str:
        return "c-1"

    def products(self) -> list[str]:
        return []

    def close(self) -> None:
        """The fixture closes the store."""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[StoreWorkspace]:
    with Store.open(tmp_path / "data") as store:
        yield StoreWorkspace(store)


APP = """
def good(number):
    return {"output": f"answer {number}", "ranked": [f"d{number}"], "answered": True, "cost_usd": 0.0625}

def worse(number):
    return good(number if number % 4 else -1)

def broken(number):
    raise ValueError("<b>down</b> \\x1b[31m")

def same(row):
    return row["output"] == row["reference"]

def never(row):
    raise RuntimeError("cannot tell")
"""
CONTRACT = """
launchworthy: 1
product: docs
owners: {product: ana@example.com}
release: {model: {name: small}, prompt: prompts/answer.md}
workflows:
  answer:
    user: developer
    job: find it
    no_answer: refuse
    failures:
      wrong: {kind: wrong, fix: retrieval, watched_by: quality/hit@1}
    quality:
      hit@1: {at_least: 80 %, every_slice: 50 %}
      over_refusal: {at_most: 5 %}
      format_adherence: {at_least: 90 %, schema: answer.json}
proof: {baseline: launched}
gold:
  answer: {file: gold.jsonl, slices: {odd: 10}, looks: 1}
"""


@pytest.fixture
def folder(tmp_path: Path, workspace: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "own_bot.py").write_text(APP)
    rows = [
        {
            "id": f"q{n:02}",
            "input": n,
            "expected": f"answer {n}",
            "relevant": [f"d{n}"],
            "slices": ["odd"] if n % 2 else [],
        }
        for n in range(40)
    ]
    (tmp_path / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr("launchworthy.server.open_workspace", lambda data, **_: workspace)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("own_bot", None)


def call_command(command: Any, *arguments: str) -> Result:
    result = CliRunner().invoke(command, arguments, standalone_mode=False)
    if isinstance(result.exception, LaunchworthyError):
        raise result.exception
    assert result.exception is None, result.exception
    return result


@pytest.fixture
def run_eval(folder: Path) -> Call:
    def call(*arguments: str) -> Result:
        return call_command(eval_command, "--product", "docs", *arguments)

    return call


@pytest.fixture
def run_runs() -> Call:
    def call(*arguments: str) -> Result:
        return call_command(runs_command, *arguments)

    return call


@pytest.fixture
def contract(folder: Path) -> Path:
    (folder / "answer.json").write_text('{"type": "string"}')
    (folder / "launchworthy.yaml").write_text(CONTRACT)
    return folder
