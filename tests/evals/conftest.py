from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from launchworthy.errors import NotFoundError
from launchworthy.records import Release, Run, RunItem
from launchworthy.store import Store

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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
