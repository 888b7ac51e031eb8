"""The thread that asks: workers that take the next item, ask, wait and ask again.

May import ``errors``, ``gold``, ``records`` and this room. One event loop that only waits for the target;
what came back is taken from a queue by the thread that scores and stores.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import random
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from launchworthy.errors import InputError
from launchworthy.evals.answer import read_answer
from launchworthy.evals.limits import Limits
from launchworthy.evals.pace import FIRST_WAIT_S, LONGEST_WAIT_S, Pace
from launchworthy.evals.purse import Purse
from launchworthy.evals.target import Reply, Target, TargetFailure
from launchworthy.gold import GoldItem
from launchworthy.records import RunItem

__all__ = ["Asked", "Asking"]

_FLUSH_S = 0.1  # the longest that an answer waits for its commit
_BATCH = 256
_AHEAD = 4_096  # answers that may wait to be scored; then no more is asked
_OVERLOADS = 5  # attempts after an overload, for each retry

Asked = tuple[GoldItem, RunItem]


class Asking:
    """Asks each of ``items`` once, and more often where that may help.

    Args:
        items: What to ask, in order.
        count: How many there are.
        target: Who is asked.
        limits: Concurrency, timeouts, retries, cost.
        spent_usd: What an earlier sitting cost.
    """

    def __init__(
        self, items: Iterable[GoldItem], *, count: int, target: Target, limits: Limits, spent_usd: float
    ) -> None:
        self._todo = iter(items)
        self._workers = min(limits.concurrency, count)
        self._target = target
        self._limits = limits
        self._purse = Purse(limits.max_cost_usd, spent_usd=spent_usd)
        self._pace = Pace(max(1, self._workers), seed=limits.seed)
        self._came: queue.SimpleQueue[Asked | _End] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="launchworthy-eval", daemon=True)
        self.stopped_because: str | None = None

    @property
    def pace(self) -> Pace:
        """How the target was asked."""
        return self._pace

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def batches(self) -> Iterator[list[Asked]]:
        """What came back, at most ``_FLUSH_S`` after the first of each batch."""
        while True:
            batch: list[Asked] = []
            due = None
            while len(batch) < _BATCH:
                try:
                    came = self._came.get(timeout=None if due is None else max(0.0, due - time.monotonic()))
                except queue.Empty:
                    break
                if isinstance(came, _End):
                    yield batch
                    if came.error is not None:
                        raise came.error
                    return
                batch.append(came)
                due = due or time.monotonic() + _FLUSH_S
            yield batch

    def stop(self, because: str | None = None) -> list[Asked]:
        """End every call; answers what had come back and was not taken yet."""
        self.stopped_because = self.stopped_because or because
        if self._thread.is_alive() and self._loop is not None and self._main is not None:
            with contextlib.suppress(RuntimeError):  # it closed in between
                self._loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join(timeout=5.0)
        rest: list[Asked] = []
        while True:
            try:
                came = self._came.get_nowait()
            except queue.Empty:
                return rest
            if not isinstance(came, _End):
                rest.append(came)

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            asyncio.run(self._ask_all())
        except asyncio.CancelledError:
            self.stopped_because = self.stopped_because or "interrupted"
        except BaseException as caught:
            error = caught
        self._came.put(_End(error))

    async def _ask_all(self) -> None:
        self._loop, self._main = asyncio.get_running_loop(), asyncio.current_task()
        await self._target.open(concurrency=max(1, self._workers))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._workers):
                    group.create_task(self._worker())
        finally:
            await self._target.close()

    async def _worker(self) -> None:
        for item in self._todo:
            if self._done_with():
                return
            while self._came.qsize() > _AHEAD:
                await asyncio.sleep(_FLUSH_S)
            await self._purse.enter()
            answer = None
            try:
                if self._done_with():
                    return
                answer = await self._asked(item)
            finally:
                # What was remembered cost nothing now, and says nothing of what a call costs.
                paid = answer is not None and answer.error is None and answer.attempts > 0
                self._purse.leave(_cost(answer) if answer is not None and paid else None)
            self._came.put((item, answer))

    def _done_with(self) -> bool:
        """Whether nothing more is asked, and why."""
        if self._purse.is_empty:
            self.stopped_because = f"the cost ceiling of {self._limits.max_cost_usd:g} USD was reached"
        elif self._pace.refuses:
            self.stopped_because = "the target was overloaded each time it was asked"
        return self.stopped_because is not None

    async def _asked(self, item: GoldItem) -> RunItem:
        attempt = overloads = 0
        while True:
            attempt += 1
            began = await self._pace.enter()
            try:
                async with asyncio.timeout(self._limits.timeout_s):
                    reply = await self._target.ask(item)
                self._pace.answered()
                return _answered(item, reply, attempts=0 if reply.remembered else attempt)
            except TimeoutError:
                failure = TargetFailure(f"no answer within {self._limits.timeout_s:g} s", transient=True)
            except TargetFailure as caught:
                failure = caught
            except asyncio.CancelledError:
                own = asyncio.current_task()
                if own is None or own.cancelling():
                    raise
                failure = TargetFailure("the target cancelled its own call", transient=False)
            finally:
                self._pace.leave()
            too_long = failure.retry_after_s is not None and failure.retry_after_s > LONGEST_WAIT_S
            if failure.overloaded:
                overloads += 1
                self._pace.overloaded(began, retry_after_s=None if too_long else failure.retry_after_s)
                most = self._limits.retries * _OVERLOADS
                if too_long or overloads > most or self._pace.refuses:
                    return _failed(item, failure.message, attempts=attempt)
            elif not failure.transient or attempt - overloads > self._limits.retries:
                return _failed(item, failure.message, attempts=attempt)
            else:
                await asyncio.sleep(self._wait_s(item, attempt))

    def _wait_s(self, item: GoldItem, attempt: int) -> float:
        # Full jitter, so that calls that failed together do not come back together.
        most = min(FIRST_WAIT_S * 2 ** (attempt - 1), LONGEST_WAIT_S)
        return random.Random(f"{self._limits.seed}/{item.id}/{attempt}").uniform(0.0, most)  # noqa: S311


def _cost(answer: RunItem) -> float:
    """What one answer cost, with the model that played the user of a conversation."""
    output = answer.output
    user = output.get("user_cost_usd") if isinstance(output, dict) else None
    return (answer.cost_usd or 0.0) + (float(user) if isinstance(user, (int, float)) else 0.0)


@dataclass(frozen=True, slots=True)
class _End:
    """The last thing in the queue."""

    error: BaseException | None


def _answered(item: GoldItem, reply: Reply, *, attempts: int) -> RunItem:
    try:
        output = _plain(reply.raw)
        answer = read_answer(output)
    except InputError as error:
        return _failed(item, error.message, attempts=attempts)
    return RunItem(
        item_id=item.id,
        input=item.input,
        expected=item.expected,
        output=output,
        latency_ms=reply.latency_ms,
        cost_usd=answer.cost_usd,
        attempts=attempts,
        trace_id=answer.trace_id or reply.trace_id,
        slices=item.slices,
        cluster=item.cluster,
    )


def _failed(item: GoldItem, message: str, *, attempts: int) -> RunItem:
    return RunItem(
        item_id=item.id,
        input=item.input,
        expected=item.expected,
        error=message,
        attempts=attempts,
        slices=item.slices,
        cluster=item.cluster,
    )


def _plain(output: Any) -> Any:
    """The answer as JSON holds it, so that a run that is read back says the same.

    Raises:
        InputError: It holds what JSON cannot.
    """
    try:
        return orjson.loads(orjson.dumps(output, option=orjson.OPT_SERIALIZE_NUMPY))
    except (TypeError, ValueError) as error:
        raise InputError(f"the answer holds what JSON cannot: {error}") from error
