"""Asking a target every item, and keeping each answer as it comes.

May import ``errors``, ``records``, ``gold`` and this room. Two threads: one event loop that only waits for
the target, and the caller's own, which scores and stores. A slow disk or a hanging scorer so never shows
in a latency, and a notebook, which has an event loop of its own, can call it.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from launchworthy.errors import InputError, LaunchworthyError, NotFoundError, OverloadedError
from launchworthy.evals.answer import read_answer
from launchworthy.evals.rows import row_of
from launchworthy.evals.scoring import Scorer, score_item
from launchworthy.evals.target import Reply, Target, TargetFailure
from launchworthy.gold import GoldItem
from launchworthy.records import Run, RunItem, RunStore, Score

__all__ = ["Limits", "Progress", "evaluate"]

_FLUSH_S = 0.1  # the longest that an answer waits for its commit
_BATCH = 256
_HEADER_S = 2.0
_STORE_ATTEMPTS = 10
_TOO_LONG = "LW413"  # a server takes no longer body
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How hard to ask, and when to stop.

    Attributes:
        concurrency: Calls at once.
        timeout_s: For one attempt.
        retries: Further attempts after one that may pass.
        max_cost_usd: No call is begun once the target's own reports add up to this; calls that are under
            way are finished, so it can be overrun by ``concurrency`` of them.
        scorer_timeout_s: For one scorer on one item.
        seed: Of the waits between attempts.
    """

    concurrency: int = 16
    timeout_s: float = 60.0
    retries: int = 2
    max_cost_usd: float | None = None
    scorer_timeout_s: float = 10.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.concurrency <= 10_000:
            raise InputError(f"a concurrency of {self.concurrency} is not from 1 to 10,000")
        if not self.timeout_s > 0 or not self.scorer_timeout_s > 0:
            raise InputError("a timeout must be above 0 s")
        if not 0 <= self.retries <= 100:
            raise InputError(f"{self.retries} retries are not from 0 to 100")
        if self.max_cost_usd is not None and not self.max_cost_usd > 0:
            raise InputError("the cost ceiling must be above 0 USD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is: items stored, of them errors, of all; and what it cost so far, if the target says."""

    done: int
    errors: int
    items: int
    cost_usd: float | None


def evaluate(
    items: Sequence[GoldItem],
    *,
    target: Target,
    scorers: Sequence[Scorer],
    runs: RunStore,
    run: Run,
    limits: Limits | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Run:
    """Ask every item that the run has no answer for yet, score it and store it; answers the run's header.

    An item that fails stays an item with its error. Items are stored in batches at most 0.1 s old, so a
    process that is killed repeats only calls that had not come back; items that had failed are asked again.

    Args:
        items: What to ask.
        target: Who is asked.
        scorers: What to say of each answer.
        runs: Where the run rests.
        run: Its header; a run of this id that is there already is continued.
        limits: Concurrency, timeouts, retries, cost.
        on_progress: Called after each batch.

    Raises:
        InputError: An option is impossible, or an id stands twice.
        StorageError: What came back could not be stored; asking stops.
        KeyboardInterrupt: After what had come back was stored and the run marked as interrupted.
    """
    limits = limits or Limits()
    by_id = {item.id: item for item in items}
    if len(by_id) != len(items):
        raise InputError("an item id stands twice", where=run.gold)
    stored = {item.item_id: item for item in _stored_items(runs, run.id) if item.item_id in by_id}
    kept = [item for item in stored.values() if item.error is None]
    todo = [item for item in items if stored.get(item.id) is None or stored[item.id].error is not None]
    tally = _Tally(run, items=len(items), kept=kept)
    runs.add_run(tally.header("running"))
    asking = _Asking(todo, target=target, limits=limits, spent_usd=tally.cost_usd or 0.0)
    asking.start()
    status, pending = "failed", list[RunItem]()
    try:
        header_due = time.monotonic() + _HEADER_S
        for pending in asking.batches():
            _keep(pending, by_id, scorers=scorers, limits=limits, runs=runs, tally=tally)
            if on_progress is not None:
                on_progress(tally.progress())
            if time.monotonic() >= header_due:
                runs.add_run(tally.header("running"))
                header_due = time.monotonic() + _HEADER_S
        status = "complete" if tally.done == len(items) else "interrupted"
    except KeyboardInterrupt:
        status = "interrupted"
        pending = [*pending, *asking.stop()]
        _keep(pending, by_id, scorers=scorers, limits=limits, runs=runs, tally=tally)
        raise
    finally:
        asking.stop()
        header = tally.header(status, finished_at=datetime.now(UTC), stopped=asking.stopped_because)
        runs.add_run(header)
    return header


def _stored_items(runs: RunStore, run_id: str) -> list[RunItem]:
    try:
        return runs.run_items(run_id)
    except NotFoundError:
        return []


def _keep(
    batch: Sequence[RunItem],
    by_id: Mapping[str, GoldItem],
    *,
    scorers: Sequence[Scorer],
    limits: Limits,
    runs: RunStore,
    tally: _Tally,
) -> None:
    scored = [_scored(by_id[item.item_id], item, scorers, limits) for item in batch]
    _store(runs, tally.run_id, scored)
    tally.add(scored)


def _store(runs: RunStore, run_id: str, items: Sequence[RunItem]) -> None:
    if not items:
        return
    for attempt in range(1, _STORE_ATTEMPTS + 1):
        try:
            runs.add_run_items(run_id, items)
        except OverloadedError as error:
            if attempt == _STORE_ATTEMPTS:
                raise
            time.sleep(min(error.retry_after_s, _LONGEST_WAIT_S))
        except LaunchworthyError as error:
            if error.code != _TOO_LONG or len(items) == 1:
                raise
            half = len(items) // 2
            _store(runs, run_id, items[:half])
            _store(runs, run_id, items[half:])
            return
        else:
            return


def _scored(gold: GoldItem, item: RunItem, scorers: Sequence[Scorer], limits: Limits) -> RunItem:
    if item.error is not None or not scorers:
        return item
    scores: Mapping[str, Score] = score_item(row_of(gold, item), scorers, timeout_s=limits.scorer_timeout_s)
    return replace(item, scores=scores)


class _Tally:
    """Counts of a run, those of an earlier sitting included."""

    def __init__(self, run: Run, *, items: int, kept: Sequence[RunItem]) -> None:
        self._run = replace(run, items=items)
        self.run_id = run.id
        self.done = self.errors = 0
        self.cost_usd: float | None = None
        self._seen: set[str] = set()
        self.add(kept)

    def add(self, batch: Sequence[RunItem]) -> None:
        for item in batch:
            if item.item_id in self._seen:
                continue  # an interrupt fell between storing and counting
            self._seen.add(item.item_id)
            self.done += 1
            self.errors += item.error is not None
            if item.cost_usd is not None:
                self.cost_usd = (self.cost_usd or 0.0) + item.cost_usd

    def progress(self) -> Progress:
        return Progress(done=self.done, errors=self.errors, items=self._run.items, cost_usd=self.cost_usd)

    def header(self, status: str, *, finished_at: datetime | None = None, stopped: str | None = None) -> Run:
        config = {key: value for key, value in self._run.config.items() if key != "stopped_because"}
        if stopped:
            config["stopped_because"] = stopped
        return replace(
            self._run,
            status=status,
            finished_at=finished_at,
            done=self.done,
            errors=self.errors,
            cost_usd=self.cost_usd,
            config=config,
        )


class _Asking:
    """The event loop's thread: workers that take the next item, ask, wait and ask again."""

    def __init__(self, todo: Sequence[GoldItem], *, target: Target, limits: Limits, spent_usd: float) -> None:
        self._todo = iter(todo)
        self._workers = min(limits.concurrency, len(todo))
        self._target = target
        self._limits = limits
        self._spent_usd = spent_usd
        self._came: queue.SimpleQueue[RunItem | _End] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="launchworthy-eval", daemon=True)
        self.stopped_because: str | None = None

    def start(self) -> None:
        self._thread.start()

    def batches(self) -> Iterator[list[RunItem]]:
        """What came back, at most ``_FLUSH_S`` after the first of each batch."""
        while True:
            batch: list[RunItem] = []
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

    def stop(self) -> list[RunItem]:
        """End every call; answers what had come back and was not taken yet."""
        if self._thread.is_alive() and self._loop is not None and self._main is not None:
            with contextlib.suppress(RuntimeError):  # it closed in between
                self._loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join(timeout=5.0)
        rest: list[RunItem] = []
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
        ceiling = self._limits.max_cost_usd
        for item in self._todo:
            if ceiling is not None and self._spent_usd >= ceiling:
                self.stopped_because = f"the cost ceiling of {ceiling:g} USD was reached"
                return
            answer = await self._asked(item)
            self._spent_usd += answer.cost_usd or 0.0
            self._came.put(answer)

    async def _asked(self, item: GoldItem) -> RunItem:
        attempt = 0
        while True:
            attempt += 1
            try:
                async with asyncio.timeout(self._limits.timeout_s):
                    reply = await self._target.ask(item)
                return _answered(item, reply, attempts=attempt)
            except TimeoutError:
                failure = TargetFailure(f"no answer within {self._limits.timeout_s:g} s", transient=True)
            except TargetFailure as caught:
                failure = caught
            except asyncio.CancelledError:
                own = asyncio.current_task()
                if own is None or own.cancelling():
                    raise
                failure = TargetFailure("the target cancelled its own call", transient=False)
            wait_s = self._wait_s(item, attempt, failure)
            if wait_s is None:
                return _failed(item, failure.message, attempts=attempt)
            await asyncio.sleep(wait_s)

    def _wait_s(self, item: GoldItem, attempt: int, failure: TargetFailure) -> float | None:
        """Seconds until the next attempt; None where there is none."""
        if not failure.transient or attempt > self._limits.retries:
            return None
        if failure.retry_after_s is not None:
            return failure.retry_after_s if failure.retry_after_s <= _LONGEST_WAIT_S else None
        # Full jitter, so that calls that failed together do not come back together.
        most = min(_FIRST_WAIT_S * 2 ** (attempt - 1), _LONGEST_WAIT_S)
        return random.Random(f"{self._limits.seed}/{item.id}/{attempt}").uniform(0.0, most)  # noqa: S311


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
