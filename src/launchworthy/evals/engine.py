"""Asking a target every item, and keeping each answer as it comes.

May import ``errors``, ``records``, ``gold`` and this room. Two threads: one event loop that only waits for
the target, and the caller's own, which scores and stores. A slow disk or a hanging scorer so never shows
in a latency, and a notebook, which has an event loop of its own, can call it. Nothing is held of an answer
once it is stored, so that memory does not grow with the run.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from launchworthy.errors import DiskFullError, InputError, LaunchworthyError, NotFoundError, OverloadedError
from launchworthy.evals.asking import Asked, Asking
from launchworthy.evals.limits import Limits
from launchworthy.evals.rows import row_of
from launchworthy.evals.scenarios import Speaker, conversing
from launchworthy.evals.scoring import Scorer, score_item
from launchworthy.evals.target import Target
from launchworthy.gold import GoldItem, GoldStream
from launchworthy.records import Run, RunItem, RunStore, Score

__all__ = ["Limits", "Progress", "evaluate"]

_HEADER_S = 2.0
_STORE_ATTEMPTS = 10
_DISK_RETRIES = 2  # what is short of room may be another process's, and gone in a moment
_DISK_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0
_TOO_LONG = "LW413"  # a server takes no longer body


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is.

    Attributes:
        done: Items stored.
        errors: Of them, those that failed.
        items: All that are asked.
        cost_usd: What the run cost so far, if the target says.
        note: What else whoever waits may want to know.
    """

    done: int
    errors: int
    items: int
    cost_usd: float | None
    note: str = ""


def evaluate(
    items: Iterable[GoldItem],
    *,
    target: Target,
    scorers: Sequence[Scorer],
    runs: RunStore,
    run: Run,
    limits: Limits | None = None,
    user: Speaker | None = None,
    on_items: Callable[[Sequence[RunItem]], str | None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Run:
    """Ask every item that the run has no answer for yet, score it and store it; answers the run's header.

    An item that fails stays an item with its error. Items are stored in batches at most 0.1 s old, so a
    process that is killed repeats only calls that had not come back; items that had failed are asked again.

    Args:
        items: What to ask; gone through twice, and held by nobody here.
        target: Who is asked.
        scorers: What to say of each answer.
        runs: Where the run rests.
        run: Its header; a run of this id that is there already is continued.
        limits: Concurrency, timeouts, retries, cost.
        user: The model that plays the users of scenarios whose words are not scripted.
        on_items: Sees each batch once it is stored; a text that it answers is why asking stops there.
        on_progress: Called after each batch.

    Raises:
        InputError: An option is impossible, an id stands twice, or a scenario cannot be held.
        StorageError: What came back could not be stored; asking stops.
        KeyboardInterrupt: After what had come back was stored and the run marked as interrupted.
    """
    limits = limits or Limits()
    ids: set[str] = set()
    target = conversing(target, _listed(items, ids, where=run.gold), user=user)
    tally = _Tally(run, items=len(ids))
    for item in _stored_items(runs, run.id):
        if item.item_id in ids and item.error is None:
            tally.add((item,))
    runs.add_run(tally.header("running"))
    asking = Asking(
        items.without(tally.seen)
        if isinstance(items, GoldStream)
        else (item for item in items if item.id not in tally.seen),
        count=len(ids) - tally.done,
        target=target,
        limits=limits,
        spent_usd=tally.cost_usd or 0.0,
    )
    sitting = _Sitting(scorers=scorers, limits=limits, runs=runs, tally=tally, give_way=asking.give_way)
    asking.start()
    status, pending = "failed", list[Asked]()
    try:
        header_due = time.monotonic() + _HEADER_S
        for pending in asking.batches():
            kept = sitting.keep(pending)
            because = None if on_items is None or not kept else on_items(kept)
            if on_progress is not None:
                on_progress(tally.progress())
            if because is not None:
                sitting.keep(asking.stop(because))
                break
            if time.monotonic() >= header_due:
                runs.add_run(tally.header("running"))
                header_due = time.monotonic() + _HEADER_S
        status = "complete" if tally.done == len(ids) else "interrupted"
    except KeyboardInterrupt:
        status = "interrupted"
        sitting.keep([*pending, *asking.stop()])
        raise
    finally:
        asking.stop()
        header = tally.header(
            status,
            finished_at=datetime.now(UTC),
            stopped=asking.stopped_because,
            overloads=asking.pace.slowed,
        )
        # A store that took no item may take no header either: its first word is what is told.
        with contextlib.suppress(LaunchworthyError) if status == "failed" else contextlib.nullcontext():
            runs.add_run(header)
    return header


def _listed(items: Iterable[GoldItem], ids: set[str], *, where: str) -> Iterator[GoldItem]:
    """The items, their ids noted as they pass."""
    for item in items:
        if item.id in ids:
            raise InputError("an item id stands twice", where=where)
        ids.add(item.id)
        yield item


def _stored_items(runs: RunStore, run_id: str) -> Iterator[RunItem]:
    with contextlib.suppress(NotFoundError):
        yield from runs.iter_run_items(run_id)


class _Sitting:
    """What the caller's thread does with a batch: score, store, count."""

    def __init__(
        self,
        *,
        scorers: Sequence[Scorer],
        limits: Limits,
        runs: RunStore,
        tally: _Tally,
        give_way: Callable[[], None],
    ) -> None:
        self._scorers = scorers
        self._limits = limits
        self._runs = runs
        self._tally = tally
        self._give_way = give_way

    def keep(self, batch: Sequence[Asked]) -> list[RunItem]:
        scored = [self._scored(gold, item) for gold, item in batch]
        self._store(scored)
        self._tally.add(scored)
        return scored

    def _scored(self, gold: GoldItem, item: RunItem) -> RunItem:
        if item.error is not None or not self._scorers:
            return item
        self._give_way()
        scores: Mapping[str, Score] = score_item(
            row_of(gold, item), self._scorers, timeout_s=self._limits.scorer_timeout_s
        )
        return replace(item, scores=scores)

    def _store(self, items: Sequence[RunItem]) -> None:
        if not items:
            return
        for attempt in range(1, _STORE_ATTEMPTS + 1):
            try:
                self._runs.add_run_items(self._tally.run_id, items)
            except DiskFullError:
                if attempt > _DISK_RETRIES:
                    raise
                time.sleep(_DISK_WAIT_S)
            except OverloadedError as error:
                if attempt == _STORE_ATTEMPTS:
                    raise
                time.sleep(min(error.retry_after_s, _LONGEST_WAIT_S))
            except LaunchworthyError as error:
                if error.code != _TOO_LONG or len(items) == 1:
                    raise
                half = len(items) // 2
                self._store(items[:half])
                self._store(items[half:])
                return
            else:
                return


class _Tally:
    """Counts of a run, those of an earlier sitting included."""

    def __init__(self, run: Run, *, items: int) -> None:
        self._run = replace(run, items=items)
        self.run_id = run.id
        self.done = self.errors = self.remembered = 0
        self.cost_usd: float | None = None
        self.seen: set[str] = set()

    def add(self, batch: Sequence[RunItem]) -> None:
        for item in batch:
            if item.item_id in self.seen:
                continue  # an interrupt fell between storing and counting
            self.seen.add(item.item_id)
            self.done += 1
            self.errors += item.error is not None
            self.remembered += item.attempts == 0
            if item.cost_usd is not None and item.attempts:
                self.cost_usd = (self.cost_usd or 0.0) + item.cost_usd

    def progress(self) -> Progress:
        return Progress(done=self.done, errors=self.errors, items=self._run.items, cost_usd=self.cost_usd)

    def header(
        self,
        status: str,
        *,
        finished_at: datetime | None = None,
        stopped: str | None = None,
        overloads: int = 0,
    ) -> Run:
        told = {"stopped_because": stopped, "overloads": overloads, "remembered": self.remembered}
        config = {key: value for key, value in self._run.config.items() if key not in told}
        return replace(
            self._run,
            status=status,
            finished_at=finished_at,
            done=self.done,
            errors=self.errors,
            cost_usd=self.cost_usd,
            config=config | {key: value for key, value in told.items() if value},
        )
