"""What we test with, for your tests: clocks, seeded ids, records in a list, a model that is free.

Stands on top: imports ``capture``. Nothing here sends anything anywhere but to this process.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator

from launchworthy.capture.sdk.client import Client
from launchworthy.capture.sdk.ended import EndedSpan, Event
from launchworthy.capture.sdk.process import client, install
from launchworthy.capture.sdk.processor import TRACER, Processor
from launchworthy.capture.sdk.pseudonyms import Pseudonyms
from launchworthy.capture.sdk.settings import Settings

__all__ = ["FakeModel", "FixedClock", "RecordedSpan", "Recording", "ReplayClock", "SeededIds", "recording"]

_START_NS = 1_767_225_600_000_000_000  # 2026-01-01, UTC


class FixedClock:
    """Nanoseconds since the Unix epoch, a fixed step further at each reading.

    Args:
        start_ns: The first reading.
        step_ns: Between two readings; a millisecond if not given.
    """

    def __init__(self, start_ns: int = _START_NS, *, step_ns: int = 1_000_000) -> None:
        self._next_ns, self._step_ns = start_ns, step_ns
        self._lock = threading.Lock()

    def __call__(self) -> int:
        with self._lock:
            now, self._next_ns = self._next_ns, self._next_ns + self._step_ns
        return now


class ReplayClock:
    """A moment that only you move, for a data folder and records in which months pass in a minute.

    Args:
        start: The first moment, with its time zone.

    Example:
        clock = ReplayClock(datetime(2026, 1, 1, tzinfo=UTC))
        workspace = LocalWorkspace.open(folder, clock=clock)
        with clock.recorded():
            clock.to(clock.now + timedelta(days=1))
    """

    def __init__(self, start: datetime) -> None:
        self._now = _zoned(start)

    @property
    def now(self) -> datetime:
        """The moment it is."""
        return self._now

    def __call__(self) -> datetime:
        """The same, as whatever takes a clock asks for it."""
        return self._now

    def to(self, moment: datetime) -> None:
        """Move on.

        Raises:
            ValueError: It is earlier than now, which no clock shows, or has no time zone.
        """
        if _zoned(moment) < self._now:
            raise ValueError(f"{moment.isoformat()} is before {self._now.isoformat()}")
        self._now = moment

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Give what the SDK records meanwhile the time of this clock; call it after ``init``."""
        found = client()
        before = found.clock
        found.clock = lambda: int(self._now.timestamp() * 1e6) * 1_000
        try:
            yield
        finally:
            found.clock = before


class SeededIds(IdGenerator):
    """Trace and span ids that are the same in each run."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 (reproducible on purpose)

    def generate_trace_id(self) -> int:
        """A trace id that is not zero."""
        return self._random.getrandbits(128) | 1

    def generate_span_id(self) -> int:
        """A span id that is not zero."""
        return self._random.getrandbits(64) | 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSpan:
    """One span as it would have been sent; ids in hexadecimal, times in nanoseconds."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str | None
    attributes: Mapping[str, Any]
    status: str  # ok or error
    message: str
    events: tuple[str, ...]
    begun_ns: int
    ended_ns: int


@dataclass(slots=True)
class Recording:
    """What was recorded inside :func:`recording`, in the order in which it ended.

    Attributes:
        provider: OpenTelemetry's provider, for instrumentations that take one.
        events: Outcomes, feedback and scores.
    """

    provider: TracerProvider
    events: list[Event] = field(default_factory=list)
    _ended: list[EndedSpan] = field(default_factory=list)

    @property
    def spans(self) -> list[RecordedSpan]:
        """Spans that have ended."""
        return [_recorded(ended) for ended in self._ended]

    def span(self, name: str) -> RecordedSpan:
        """The only span with this name.

        Raises:
            LookupError: There is none, or several.
        """
        found = [span for span in self.spans if span.name == name]
        if len(found) != 1:
            raise LookupError(f"{len(found)} spans {name!r} among {[span.name for span in self.spans]}")
        return found[0]

    def add_span(self, ended: EndedSpan) -> None:
        """Called by the SDK."""
        self._ended.append(ended)

    def add_event(self, event: Event) -> None:
        """Called by the SDK."""
        self.events.append(event)

    def flush(self, timeout_s: float) -> bool:
        """Everything is here already."""
        return True

    def close(self, timeout_s: float) -> None:
        """Nothing is held."""

    def after_fork(self) -> None:
        """A child records into its own copy."""


@contextmanager
def recording(
    *,
    product: str = "test",
    release: str = "",
    content: bool = True,
    pseudonymise: bool = True,
    clock: Callable[[], int] | None = None,
    seed: int = 0,
    payload_characters: int = 128 * 1024,
    provider: TracerProvider | None = None,
) -> Iterator[Recording]:
    """Record into a list instead of sending; the SDK's settings come back afterwards.

    Args:
        product: Of the records.
        release: Of the records.
        content: As in ``init``.
        pseudonymise: As in ``init``; the key is fixed.
        clock: A :class:`FixedClock` if not given.
        seed: Of the ids.
        payload_characters: Most of one input or output.
        provider: One that exists; else one with seeded ids.
    """
    if provider is None:
        provider = TracerProvider(id_generator=SeededIds(seed), shutdown_on_exit=False)
    found = Recording(provider)
    client = Client(
        Settings(
            product=product,
            release=release,
            endpoint="",
            state=Path(),
            content=content,
            pseudonymise=pseudonymise,
            payload_characters=payload_characters,
        ),
        tracer=provider.get_tracer(TRACER),
        sink=found,
        pseudonyms=Pseudonyms(b"a key for tests" if pseudonymise else None),
        clock=clock or FixedClock(),
    )
    processor = Processor()
    processor.client = client
    provider.add_span_processor(processor)
    before = install(client)
    try:
        yield found
    finally:
        install(before)
        processor.client = None


def _zoned(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment


def _recorded(ended: EndedSpan) -> RecordedSpan:
    span = ended.span
    context = span.context
    if context is None:
        raise LookupError("a span without ids")
    return RecordedSpan(
        name=span.name,
        trace_id=f"{context.trace_id:032x}",
        span_id=f"{context.span_id:016x}",
        parent_id=f"{span.parent.span_id:016x}" if span.parent is not None and not ended.root else None,
        attributes=ended.attributes,
        status="error" if span.status.status_code.name == "ERROR" else "ok",
        message=span.status.description or "",
        events=tuple(event.name for event in span.events),
        begun_ns=span.start_time or 0,
        ended_ns=span.end_time or 0,
    )


class FakeModel:
    """A server on loopback that speaks OpenAI's chat completions and embeddings; use it with ``with``.

    Args:
        reply: The answer, or a function of the request's JSON that gives it.
        delay_s: Before each answer.
        fail: Status of the first ``fail_times`` answers, such as 429; 0 for none.
        fail_times: How many fail.
        cached_tokens: Of the prompt's, said to be read from a cache.
        reasoning_tokens: Of the answer's, said to be reasoning.

    Attributes:
        requests: The JSON of each request, in order.
    """

    def __init__(
        self,
        reply: str | Callable[[dict[str, Any]], str] = "It is in the help centre.",
        *,
        delay_s: float = 0.0,
        fail: int = 0,
        fail_times: int = 1,
        cached_tokens: int = 0,
        reasoning_tokens: int = 0,
    ) -> None:
        self._reply, self._delay_s = reply, delay_s
        self._fail, self._failures_left = fail, fail_times if fail else 0
        self._cached, self._reasoning = cached_tokens, reasoning_tokens
        self.requests: list[dict[str, Any]] = []
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Base address, as OpenAI's client takes it.

        Raises:
            RuntimeError: It does not run.
        """
        if self._server is None:
            raise RuntimeError("use the fake model inside `with`")
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                with contextlib.suppress(ConnectionError):  # the caller gave up waiting
                    model._answer(self)

            def log_message(self, *args: Any) -> None:
                """Quietly."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        return False

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        try:
            request = json.loads(body)
        except ValueError:
            return _send(handler, 400, {"error": {"message": "the request is no JSON", "code": 400}})
        self.requests.append(request)
        time.sleep(self._delay_s)
        if self._failures_left > 0:
            self._failures_left -= 1
            return _send(handler, self._fail, {"error": {"message": "asked to fail", "code": self._fail}})
        if handler.path.endswith("/embeddings"):
            return _send(handler, 200, self._embeddings(request))
        if not handler.path.endswith("/chat/completions"):
            return _send(handler, 404, {"error": {"message": f"no {handler.path}", "code": 404}})
        answer = self._reply if isinstance(self._reply, str) else self._reply(request)
        head = {"id": f"chatcmpl-{len(self.requests)}", "created": 0, "model": request.get("model", "fake")}
        usage = self._usage(request, answer)
        if request.get("stream"):
            return self._stream(handler, head, answer, usage, request)
        choice = {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": answer, "refusal": None},
        }
        return _send(handler, 200, {**head, "object": "chat.completion", "choices": [choice], "usage": usage})

    def _stream(
        self,
        handler: BaseHTTPRequestHandler,
        head: dict[str, Any],
        answer: str,
        usage: dict[str, Any],
        request: dict[str, Any],
    ) -> None:
        def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
            choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
            return {**head, "object": "chat.completion.chunk", "choices": choices}

        words = answer.split(" ")
        parts = [word if n == 0 else f" {word}" for n, word in enumerate(words)]
        chunks = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": part}) for part in parts)]
        chunks.append(chunk({}, "stop"))
        if (request.get("stream_options") or {}).get("include_usage"):
            chunks.append({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Connection", "close")
        handler.end_headers()
        for part in chunks:
            handler.wfile.write(f"data: {json.dumps(part)}\n\n".encode())
        handler.wfile.write(b"data: [DONE]\n\n")
        handler.close_connection = True

    def _usage(self, request: dict[str, Any], answer: str) -> dict[str, Any]:
        """Words stand for tokens."""
        given = sum(len(str(message.get("content", "")).split()) for message in request.get("messages", ()))
        said = len(answer.split()) + self._reasoning
        return {
            "prompt_tokens": given,
            "completion_tokens": said,
            "total_tokens": given + said,
            "prompt_tokens_details": {"cached_tokens": self._cached},
            "completion_tokens_details": {"reasoning_tokens": self._reasoning},
        }

    def _embeddings(self, request: dict[str, Any]) -> dict[str, Any]:
        texts = request.get("input", [])
        texts = [texts] if isinstance(texts, str) else texts
        data = [
            {
                "object": "embedding",
                "index": n,
                "embedding": [byte / 255 for byte in hashlib.sha256(str(text).encode()).digest()[:8]],
            }
            for n, text in enumerate(texts)
        ]
        count = sum(len(str(text).split()) for text in texts)
        usage = {"prompt_tokens": count, "total_tokens": count}
        return {"object": "list", "data": data, "model": request.get("model", "fake"), "usage": usage}


def _send(handler: BaseHTTPRequestHandler, status: int, answer: dict[str, Any]) -> None:
    body = json.dumps(answer).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
