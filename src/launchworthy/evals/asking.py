"""The thread that asks: workers that take the next item, ask, wait and ask again.

May import ``errors``, ``gold``, ``records`` and this room. One event loop that only waits for the target: a
worker whose answer came asks its next item at once, and what came is read, and handed to the thread that
scores and stores, when no other answer is waiting to turn round.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import random
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import orjson

from launchworthy.errors import InputError
from launchworthy.evals.answer import read_answer
from launchworthy.evals.backlog import Backlog
from launchworthy.evals.limits import Limits
from launchworthy.evals.pace import FIRST_WAIT_S, LONGEST_WAIT_S, Pace
from launchworthy.evals.purse import Purse
from launchworthy.evals.target import Foresight, Reply, Target, TargetFailure
from launchworthy.gold import GoldItem
from launchworthy.records import RunItem

__all__ = ["Asked", "Asking"]

_FLUSH_S = 0.1  # the longest that an answer waits for its commit
_BATCH = 256
_TURN_S = 0.02  # the longest that an answer waits for others to turn round
_AHEAD = 4_096  # answers that may wait to be scored; then no more is asked
_WAY_S = 1e-6  # any sleep at all lets the other thread run
_NEXT = 64  # items at least that are made ready before their turn
_OVERLOADS = 5  # attempts after an overload, for each retry

Asked = tuple[GoldItem, RunItem]
_Came = tuple[GoldItem, "_Said | RunItem"]


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
        self._next: deque[GoldItem] = deque()
        self._broken: Exception | None = None  # what the items ended with
        self._back = Backlog(self._hand_over, oldest_s=_TURN_S)
        self._came: queue.SimpleQueue[list[_Came] | _End] = queue.SimpleQueue()
        self._handed = self._taken = 0  # answers; each is counted by one thread alone
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
                batch += self._read(came)
                due = due or time.monotonic() + _FLUSH_S
            yield batch

    def give_way(self) -> None:
        """Let the loop turn round what came while others score, unless they are behind as it is.

        The interpreter runs one thread at a time and takes 5 ms to ask the other to pause: so long would an
        answer wait for its next call.
        """
        if self._handed - self._taken < _BATCH and self._thread.is_alive():
            time.sleep(_WAY_S)

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
                rest += self._read(came)

    def _read(self, came: Sequence[_Came]) -> list[Asked]:
        self._taken += len(came)
        return [
            (item, answer if isinstance(answer, RunItem) else _answered(item, answer))
            for item, answer in came
        ]

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            asyncio.run(self._ask_all())
        except asyncio.CancelledError:
            self.stopped_because = self.stopped_because or "interrupted"
        except BaseExceptionGroup as group:
            error = group.exceptions[0]  # the others were cancelled for it
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
            self._todo = iter(())  # nothing more is asked
            self._back.clear()
            await self._target.close()

    def _hand_over(self, came: list[_Came]) -> None:
        self._handed += len(came)
        self._came.put(came)
        if len(self._next) < self._workers:
            self._make_ready()

    def _make_ready(self) -> None:
        """Take the next items, and let the target look at them before each has its turn."""
        try:
            for item in islice(self._todo, max(_NEXT, 2 * self._workers)):
                self._next.append(item)
        except Exception as error:
            self._broken = error
        if isinstance(self._target, Foresight):
            self._target.foresee(self._next)

    def _take(self) -> GoldItem | None:
        if not self._next and self._broken is None:
            self._make_ready()
        if self._next:
            return self._next.popleft()
        if self._broken is not None:
            raise self._broken
        return None

    async def _worker(self) -> None:
        while (item := self._take()) is not None:
            if self._done_with():
                return
            while self._handed - self._taken > _AHEAD:
                await asyncio.sleep(_FLUSH_S)
            await self._purse.enter()
            answer = cost = None
            try:
                if self._done_with():
                    return
                answer = await self._asked(item)
                if self._purse.counts:
                    answer = answer if isinstance(answer, RunItem) else _answered(item, answer)
                    # What was remembered cost nothing now, and says nothing of what a call costs.
                    cost = _cost(answer) if answer.error is None and answer.attempts else None
            finally:
                self._purse.leave(cost)
            self._back.add((item, answer))

    def _done_with(self) -> bool:
        """Whether nothing more is asked, and why."""
        if self._purse.is_empty:
            self.stopped_because = f"the cost ceiling of {self._limits.max_cost_usd:g} USD was reached"
        elif self._pace.refuses:
            self.stopped_because = "the target was overloaded each time it was asked"
        return self.stopped_because is not None

    async def _asked(self, item: GoldItem) -> _Said | RunItem:
        attempt = overloads = 0
        while True:
            attempt += 1
            began = await self._pace.enter()
            try:
                async with asyncio.timeout(self._limits.timeout_s):
                    reply = await self._target.ask(item)
                self._pace.answered()
                return _said(item, reply, attempts=0 if reply.remembered else attempt)
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


@dataclass(frozen=True, slots=True)
class _Said:
    """A reply as JSON, so that a run that is read back says the same, and nobody can change it any more."""

    json: bytes
    latency_ms: float
    trace_id: str | None
    attempts: int


def _said(item: GoldItem, reply: Reply, *, attempts: int) -> _Said | RunItem:
    try:
        plain = orjson.dumps(reply.raw, option=orjson.OPT_SERIALIZE_NUMPY)
    except (TypeError, ValueError) as error:
        return _failed(item, f"the answer holds what JSON cannot: {error}", attempts=attempts)
    return _Said(plain, reply.latency_ms, reply.trace_id, attempts)


def _answered(item: GoldItem, said: _Said) -> RunItem:
    try:
        output = orjson.loads(said.json)
        answer = read_answer(output)
    except InputError as error:
        return _failed(item, error.message, attempts=said.attempts)
    except ValueError as error:
        return _failed(item, f"the answer holds what JSON cannot: {error}", attempts=said.attempts)
    return RunItem(
        item_id=item.id,
        input=item.input,
        expected=item.expected,
        output=output,
        latency_ms=said.latency_ms,
        cost_usd=answer.cost_usd,
        attempts=said.attempts,
        trace_id=answer.trace_id or said.trace_id,
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
