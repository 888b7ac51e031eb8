"""What is evaluated: a Python callable or an HTTP endpoint, behind one small protocol.

May import ``errors``, ``gold`` and this room; the HTTP client loads when an address is given.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol, runtime_checkable

from launchworthy.functions import load_function
from launchworthy.gold import GoldItem

__all__ = [
    "MAX_BYTES",
    "MODEL_FILE",
    "MODEL_PREFIX",
    "CallableTarget",
    "Foresight",
    "Reply",
    "Target",
    "TargetFailure",
    "load_function",
]

# How addresses of targets begin that are no function and no URL.
MODEL_FILE = "model:"
MODEL_PREFIX = "openai:"

MAX_BYTES = 16 * 1024 * 1024  # of one answer
_MAX_DEPTH = 1_000

_MAX_HUNG = 64  # calls that outlived their timeout; a thread cannot be ended from outside


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back, and how long it took; ``trace_id`` is the one that the call was made under.

    ``remembered`` says that no call was made: it is what an earlier one brought.
    """

    raw: Any
    latency_ms: float
    trace_id: str | None = None
    remembered: bool = False


class TargetFailure(Exception):
    """One call that brought no answer.

    ``transient`` says that another attempt may; ``retry_after_s`` when, if the target said so; ``overloaded``
    that it would rather be asked less, which a target that says when to come back always would.
    """

    def __init__(
        self,
        message: str,
        *,
        transient: bool,
        retry_after_s: float | None = None,
        overloaded: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.transient = transient
        self.retry_after_s = retry_after_s
        self.overloaded = transient and (overloaded or retry_after_s is not None)


@runtime_checkable
class Target(Protocol):
    """Something that answers an item."""

    @property
    def name(self) -> str:
        """As the run records it."""

    async def open(self, *, concurrency: int) -> None:
        """Make ready for this many calls at once."""

    async def ask(self, item: GoldItem) -> Reply:
        """One call.

        Raises:
            TargetFailure: No answer.
        """

    async def close(self) -> None:
        """Let go of connections."""


@runtime_checkable
class Foresight(Protocol):
    """A target that is quicker where it knows what comes."""

    def foresee(self, items: Collection[GoldItem]) -> None:
        """These are asked next. Makes no call, and never fails."""


class CallableTarget:
    """A Python callable that takes an item's input: coroutines run as they are, functions in threads."""

    def __init__(self, function: Callable[[Any], Any], *, name: str | None = None) -> None:
        self.function = function
        self._name = (
            name or f"{function.__module__}:{getattr(function, '__qualname__', type(function).__name__)}"
        )
        self._is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004 (an object may be a coroutine by its __call__)
        )
        self._hung = 0

    @property
    def name(self) -> str:
        return self._name

    async def open(self, *, concurrency: int) -> None:
        self._hung = 0

    async def close(self) -> None:
        pass

    async def ask(self, item: GoldItem) -> Reply:
        started = time.perf_counter()
        try:
            if self._is_async:
                raw = await self.function(item.input)
                latency_ms = (time.perf_counter() - started) * 1_000
                _refuse_long(raw)
                return Reply(raw=raw, latency_ms=latency_ms)
            if self._hung >= _MAX_HUNG:
                raise TargetFailure(
                    f"{self._hung} earlier calls still hang; no more are made", transient=False
                )
            raw, seconds = await self._in_thread(item.input)
            if inspect.isawaitable(raw):
                raw = await raw
                seconds = time.perf_counter() - started
            _refuse_long(raw)
            return Reply(raw=raw, latency_ms=seconds * 1_000)
        except (TargetFailure, asyncio.CancelledError):
            raise
        except (Exception, SystemExit) as error:
            raise _failure(error) from error

    def _in_thread(self, value: Any) -> Awaitable[tuple[Any, float]]:
        # Daemon threads, not an executor: one that hangs must not keep the interpreter from ending.
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[Any, float]] = loop.create_future()
        context = contextvars.copy_context()
        hung = False

        def settle(result: tuple[Any, float] | None, error: BaseException | None) -> None:
            if hung:
                self._hung -= 1
            if future.done():
                return
            if error is None and result is not None:
                future.set_result(result)
            else:
                future.set_exception(_TargetCrash(error) if not isinstance(error, Exception) else error)

        def work() -> None:
            started = time.perf_counter()
            result, failure = None, None
            try:
                result = (context.run(self.function, value), time.perf_counter() - started)
            except BaseException as error:
                failure = error
            try:
                loop.call_soon_threadsafe(settle, result, failure)
            except RuntimeError:
                return  # the run ended before this call did

        def on_done(done: asyncio.Future[Any]) -> None:
            nonlocal hung
            if done.cancelled():
                hung = True
                self._hung += 1

        future.add_done_callback(on_done)
        threading.Thread(target=work, name="launchworthy-target", daemon=True).start()
        return future


def _refuse_long(raw: Any) -> None:
    """Raise where the texts of an answer, and one byte for each of its values, go beyond what is kept.

    Stops where the limit is passed, so that an answer that holds itself ends too; no copy of it is made.
    """
    left = MAX_BYTES
    todo: list[Iterator[Any]] = [iter((raw,))]
    while todo:
        value = next(todo[-1], todo)
        if value is todo:
            todo.pop()
            continue
        left -= 1 + _length(value)
        if len(todo) > _MAX_DEPTH:
            raise TargetFailure(f"the answer nests deeper than {_MAX_DEPTH:,}", transient=False)
        if left < 0:
            raise TargetFailure(f"the answer is larger than {MAX_BYTES:,} bytes", transient=False)
        if isinstance(value, Mapping):
            todo.append(chain.from_iterable(value.items()))
        elif isinstance(value, (list, tuple)):
            todo.append(iter(value))


def _length(value: Any) -> int:
    if isinstance(value, str):
        # Only what is short enough to be in doubt is encoded.
        return (
            len(value) if value.isascii() or len(value) > MAX_BYTES else len(value.encode(errors="replace"))
        )
    return len(value) if isinstance(value, (bytes, bytearray)) else 0


class _TargetCrash(Exception):
    """A target that ended its thread: SystemExit, KeyboardInterrupt."""


def _failure(error: Exception | SystemExit) -> TargetFailure:
    """Errors of the network, and of clients that carry an HTTP status, may pass; a bug does not."""
    cause: BaseException = error
    if isinstance(error, _TargetCrash) and error.args and isinstance(error.args[0], BaseException):
        cause = error.args[0]
    status = getattr(cause, "status_code", None)
    headers = getattr(getattr(cause, "response", None), "headers", None)
    retry_after = headers.get("Retry-After") if headers is not None and hasattr(headers, "get") else None
    transient = isinstance(cause, (OSError, TimeoutError)) or status in TRANSIENT_STATUS
    return TargetFailure(
        f"{type(cause).__name__}: {str(cause)[:500]}",
        transient=transient,
        retry_after_s=retry_after_seconds(retry_after if isinstance(retry_after, str) else None),
        overloaded=status in OVERLOAD_STATUS,
    )


TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
OVERLOAD_STATUS = frozenset({429, 503, 529})


def retry_after_seconds(text: str | None, *, now: float | None = None) -> float | None:
    """Seconds to wait, from a ``Retry-After`` header in either of its forms; None if it says nothing."""
    from email.utils import parsedate_to_datetime

    if not text:
        return None
    try:
        return max(0.0, float(text)) if float(text) < float("inf") else None
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, moment - (time.time() if now is None else now))
