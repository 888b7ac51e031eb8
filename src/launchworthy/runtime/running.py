"""Functions of the application, run beside the call that waits for them, so that it need not wait for ever.

Standard library only. A thread each, a daemon: one that hangs is left behind and must not keep the process
from ending. Coroutine functions run on the loop of the application, where there is one, and are cancelled
when nobody waits for them any more.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import inspect
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Busy", "Job", "Runner", "parts_of", "settle"]


class Busy(Exception):
    """Too many functions are running already; most of them hang."""


class Job:
    """One function that runs.

    Attributes:
        cancelled: Set once nobody waits for it any more.
    """

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self._awaited: concurrent.futures.Future[Any] | None = None

    def cancel(self) -> None:
        """Nobody waits for it any more: a coroutine is cancelled, a thread is left behind."""
        self.cancelled.set()
        if self._awaited is not None:
            self._awaited.cancel()

    def awaits(self, future: concurrent.futures.Future[Any]) -> None:
        """It waits for what runs on a loop, which is cancelled with it."""
        self._awaited = future
        if self.cancelled.is_set():
            future.cancel()


class Runner:
    """Runs functions in threads, so many at once.

    Args:
        most: Functions that run at the same time; those that hang count.
    """

    def __init__(self, *, most: int = 256) -> None:
        self._places = threading.BoundedSemaphore(most)

    def start(
        self,
        work: Callable[[Job], Any],
        *,
        done: Callable[[Any, BaseException | None], None],
    ) -> Job:
        """Run ``work`` in a thread with the context of here; ``done`` is told there what came of it.

        Raises:
            Busy: Too many are running.
        """
        if not self._places.acquire(blocking=False):
            raise Busy("too many requests are waiting for an answer")
        job, inside = Job(), contextvars.copy_context()

        def run() -> None:
            try:
                value = inside.run(work, job)
            except BaseException as error:
                done(None, error)
            else:
                done(value, None)
            finally:
                self._places.release()

        threading.Thread(target=run, name="launchworthy-call", daemon=True).start()
        return job

    def within(self, seconds: float, work: Callable[[Job], Any]) -> Any:
        """What ``work`` answers.

        Raises:
            TimeoutError: Not within the time; it may still be running.
            Busy: Too many are running.
            BaseException: Whatever it raised.
        """
        answers: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        job = self.start(work, done=lambda value, error: answers.put((value, error)))
        try:
            value, error = answers.get(timeout=max(0.0, seconds))
        except queue.Empty:
            job.cancel()
            raise TimeoutError(f"no answer within {seconds:.3g} s") from None
        if error is not None:
            raise error
        return value


def settle(value: Any, *, job: Job, loop: asyncio.AbstractEventLoop | None) -> Any:
    """The value itself, or what it comes to where it is awaited; called in a job's thread."""
    if not inspect.isawaitable(value):
        return value

    async def wait() -> Any:
        return await value

    if loop is None or loop.is_closed():
        return asyncio.run(wait())
    future = asyncio.run_coroutine_threadsafe(wait(), loop)
    job.awaits(future)
    return future.result()


def parts_of(value: Any, *, job: Job, loop: asyncio.AbstractEventLoop | None) -> Iterator[Any]:
    """The parts of a stream, sync or async, one after another; called in a job's thread."""
    if not hasattr(value, "__aiter__"):
        yield from value
        return
    if loop is None or loop.is_closed():
        loop = None
    own = asyncio.new_event_loop() if loop is None else None
    parts = value.__aiter__()
    try:
        while True:
            try:
                if own is not None:
                    part = own.run_until_complete(parts.__anext__())
                else:
                    part = settle(parts.__anext__(), job=job, loop=loop)
            except StopAsyncIteration:
                return
            yield part
    finally:
        if own is not None:
            own.close()
