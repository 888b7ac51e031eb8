"""A chat endpoint on loopback whose replies the test decides."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from launchworthy.contract import Claim, ClaimKind, Direction, Target
from launchworthy.evals.judging import Judge, judge_for

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


def verdict(value: Any, reasoning: str = "Because.") -> str:
    """A judge's reply in the shape that was asked for."""
    name = {bool: "verdict", int: "score", str: "better"}[type(value)]
    return json.dumps({"reasoning": reasoning, name: value})


def shown(body: dict[str, Any]) -> dict[str, Any]:
    """The material that a judge was given."""
    found: dict[str, Any] = json.loads(body["messages"][1]["content"])
    return found


@pytest.fixture
def make_judge(tmp_path: Path) -> Callable[..., Judge]:
    """A judge as a contract declares it; texts of rubric and policy become files."""

    def make(url: str, metric: str = "groundedness", **options: Any) -> Judge:
        return judge_for(agreement_claim(tmp_path, url, **options), metric=metric)

    return make


def agreement_claim(folder: Path, url: str, **options: Any) -> Claim:
    said: dict[str, Any] = {"models": ("judge-1",), "base_url": url, "scale": "yes_no", "labels": 20}
    said |= options
    for name in ("rubric", "policy"):
        if said.get(name) is not None:
            path = folder / f"{name}.md"
            path.write_text(said[name])
            said[name] = str(path)
    return Claim(
        address="docs/proof/judges/grounding-v2",
        kind=ClaimKind.AGREE,
        family="proof",
        metric="judges",
        sentence="agreement of judge grounding-v2 with people (kappa) is at least 0.6",
        target=Target(direction=Direction.AT_LEAST, threshold=0.6),
        options=said,
    )
