"""A chat endpoint on loopback whose replies the test decides."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

Reply = str | dict[str, Any] | tuple[int, Any] | tuple[int, Any, dict[str, str]] | None
Answer = Callable[[dict[str, Any]], Reply]


@dataclass
class ChatServer:
    """Speaks chat completions; ``answer`` gives a text, a whole message, or a status with its body."""

    answer: Answer
    url: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.calls.append(body)
        self.headers.append(dict(request.headers))
        said = self.answer(body)
        if isinstance(said, tuple):
            status, content, *rest = said
            headers = rest[0] if rest else {}
            if isinstance(content, str):
                return web.Response(status=status, text=content, headers=headers)
            return web.json_response(content, status=status, headers=headers)
        message = said if isinstance(said, dict) else {"content": said}
        return web.json_response(
            {
                "id": f"chatcmpl-{len(self.calls)}",
                "object": "chat.completion",
                "created": 1_764_000_000,
                "model": body["model"],
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {"role": "assistant", "content": None, "refusal": None} | message,
                    }
                ],
                "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
            }
        )


@pytest.fixture
def chat_server() -> Iterator[Callable[[Answer], ChatServer]]:
    stops: list[Callable[[], None]] = []

    def start(answer: Answer) -> ChatServer:
        server = ChatServer(answer)
        loop = asyncio.new_event_loop()
        ready = threading.Event()
        runners: list[web.AppRunner] = []

        async def boot() -> None:
            app = web.Application()
            app.router.add_post("/v1/chat/completions", server.handle)
            runners.append(web.AppRunner(app, shutdown_timeout=0.1))
            await runners[0].setup()
            await web.TCPSite(runners[0], "127.0.0.1", 0).start()
            server.url = f"http://127.0.0.1:{runners[0].addresses[0][1]}/v1"

        def work() -> None:
            asyncio.set_event_loop(loop)
            loop.run_until_complete(boot())
            ready.set()
            loop.run_forever()
            loop.run_until_complete(runners[0].cleanup())
            loop.close()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        assert ready.wait(10)

        def stop() -> None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)

        stops.append(stop)
        return server

    yield start
    for stop in stops:
        stop()
