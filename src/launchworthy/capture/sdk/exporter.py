"""From finished spans to a server's acknowledgement, without the application ever waiting for it.

A queue bounded in spans and in characters, one background thread, and the spill for what no server takes.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from launchworthy.capture.sdk.delivery import Answer, Delivery, Verdict
from launchworthy.capture.sdk.encoding import logs_frame, traces_frame
from launchworthy.capture.sdk.ended import Counters, EndedSpan, Event
from launchworthy.capture.sdk.problems import once
from launchworthy.capture.sdk.protection import Protection
from launchworthy.capture.sdk.settings import Settings
from launchworthy.capture.sdk.spill import Frame, Spill

__all__ = ["Exporter"]

_REQUEST_S = 10.0
_LONGEST_WAIT_S = 30.0
_BATCH_CHARACTERS = 4 * 1024 * 1024  # of text; the server takes requests of 16 MiB
_TRIES = 5  # of a batch that the server fails on by itself (HTTP 500)


@dataclass(slots=True)
class _Flush:
    """Somebody waits until the queue is empty."""

    done: threading.Event = field(default_factory=threading.Event)
    complete: bool = False


class Exporter:
    """Takes finished spans and events.

    Args:
        settings: Bounds and times.
        delivery: Sends one batch.
        spill: Keeps what could not be sent.
        resource: Attributes that describe this process, for events.
        protection: What of them may leave the process.
        started: Called when there is something to send for the first time in this process.
        now: Monotonic clock, seconds.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        delivery: Delivery,
        spill: Callable[[Callable[[Frame], None]], Spill],
        resource: Mapping[str, Any],
        protection: Protection | None = None,
        started: Callable[[], None] = lambda: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._delivery, self._resource, self._now = settings, delivery, resource, now
        self._protection = protection
        self.counters = Counters()
        self._make_spill, self._started = spill, started
        self._begin()

    def _begin(self) -> None:
        """An empty queue and no thread: at first, and in a forked child."""
        self._spill = self._make_spill(self._spill_dropped)
        # Both may be entered again by the collection of an abandoned generator, anywhere.
        self._queueing = threading.RLock()
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._taking = threading.Lock()
        self._spans: deque[EndedSpan] = deque()
        self._events: deque[Event] = deque()
        self._characters = 0
        self._thread: threading.Thread | None = None
        self._flushes: deque[_Flush] = deque()
        self._under_way: Frame | None = None
        self._sending = False  # whether the thread waits for an answer
        self._relieving = False
        self._closing_at: float | None = None  # when sending ends, once closing began
        self._closed = False
        self._not_before = 0.0
        self._waits = 0
        self._tries: dict[str, int] = {}
        self._mine: set[str] = set()  # ids of batches this process spilled

    def add_span(self, ended: EndedSpan) -> None:
        """Queue a span; drops and counts it where the queue is full. Never waits for a server or a disk."""
        with self._queueing:
            self.counters.accepted += 1
            if (
                self._closed
                or len(self._spans) >= self._settings.queue_spans
                or self._characters + ended.size > self._settings.queue_characters
            ):
                self._overflow()
                return
            self._characters += ended.size
            self._spans.append(ended)
            waiting = len(self._spans)
        if self._thread is None:
            self._start()
        elif waiting == self._settings.batch_spans:
            self._wake.put(None)
        elif waiting >= self._settings.queue_spans // 2:
            if self._sending and not self._relieving:
                self._relieve()
            # A loop that makes spans without a pause leaves nobody the interpreter: let the thread go first.
            time.sleep(0)

    def add_event(self, event: Event) -> None:
        """Queue an event likewise."""
        with self._queueing:
            self.counters.accepted += 1
            if self._closed or len(self._events) >= self._settings.queue_spans:
                self._overflow()
                return
            self._events.append(event)
        if self._thread is None:
            self._start()

    def flush(self, timeout_s: float) -> bool:
        """Send what is queued and spilled; True once a server has all of it."""
        if self._closed:
            return not self._spill.waiting()
        self.start()
        if self._thread is None:
            return True
        wanted = _Flush()
        self._flushes.append(wanted)
        self._wake.put(None)
        wanted.done.wait(timeout_s)
        return wanted.complete

    def close(self, timeout_s: float) -> None:
        """Send or spill everything within a time, and take nothing more."""
        if self._closed:
            return
        begin = self._now()
        # The first half is for sending; what is not sent by then is written to the spill.
        self._closing_at = begin + timeout_s / 2
        self._wake.put(None)
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s / 2)
        self._closed = True
        if thread is not None and thread.is_alive():
            self._delivery.interrupt()
            self._rescue(begin + timeout_s * 0.9)
        self._spill.roll()

    def start(self) -> None:
        """Begin the thread now where an earlier process left something to send."""
        if self._thread is None and self._spill.waiting():
            self._start()

    def after_fork(self) -> None:
        """In the child: what was queued and spilled belongs to the parent, which still has it."""
        self._spill.let_go()
        self._delivery.close()
        self.counters = Counters()
        self._begin()

    # ── the background thread ────────────────────────────────────────────────────────────────────

    def _start(self) -> None:
        with self._queueing:
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._run, name="launchworthy-export", daemon=True)
            try:
                self._thread.start()
                self._started()
            except RuntimeError as error:  # the interpreter is ending
                self._thread = None
                once("thread", "records cannot be sent: %s", error)

    def _run(self) -> None:
        first = True
        while True:
            closing = self._closing_at is not None
            if not closing and not (first and self._spill.waiting()):
                self._sleep()
            first = False
            closing = self._closing_at is not None
            flushes = [self._flushes.popleft() for _ in range(len(self._flushes))]
            try:
                complete = self._round(insist=bool(flushes) or closing)
            except Exception as error:  # a bug here must not end the thread
                once("bug:export", "the exporter failed: %r", error)
                complete = False
            for flush in flushes:
                flush.complete = complete
                flush.done.set()
            if closing:
                self._delivery.close()
                return

    def _relieve(self) -> None:
        """A server keeps the thread waiting and the queue fills: another thread moves it to the spill."""

        def move() -> None:
            least = self._settings.queue_spans // 4
            while not self._closed and len(self._spans) > least and (frame := self._take()) is not None:
                self._keep(frame)
            self._relieving = False

        with self._queueing:
            if self._relieving:
                return
            self._relieving = True
        try:
            threading.Thread(target=move, name="launchworthy-spill", daemon=True).start()
        except RuntimeError:  # the interpreter is ending, and moves the queue itself
            self._relieving = False

    def _sleep(self) -> None:
        """Until the delay is over, a batch is full or somebody waits."""
        try:
            self._wake.get(timeout=self._settings.delay_s)
            while True:
                self._wake.get_nowait()
        except Empty:
            return

    def _round(self, *, insist: bool) -> bool:
        """Send all that is queued now, then what was spilled; True if nothing is left."""
        if insist:
            self._not_before = min(self._not_before, self._now())
        complete = True
        while not self._closed and (frame := self._take(under_way=True)) is not None:
            complete = self._send_or_spill(frame) and complete
        if self._closed:
            return False
        if self._spill.waiting():
            complete = self._may_send() and self._spill.send(self._resend) and complete
        return complete

    def _take(self, *, under_way: bool = False) -> Frame | None:
        """The next batch of the queue, ready to be sent; None if the queue is empty."""
        with self._taking:
            frame = None
            while frame is None and self._spans:
                batch: list[EndedSpan] = []
                size = 0
                while self._spans and len(batch) < self._settings.batch_spans and size < _BATCH_CHARACTERS:
                    ended = self._spans.popleft()
                    size += ended.size
                    batch.append(ended)
                with self._queueing:
                    self._characters -= size
                frame, failed = traces_frame(batch, protection=self._protection)
                self._count(refused=failed)
            if frame is None and self._events:
                count = min(len(self._events), self._settings.batch_spans)
                frame = logs_frame(
                    [self._events.popleft() for _ in range(count)],
                    resource=self._resource,
                    protection=self._protection,
                )
            if under_way:
                self._under_way = frame
            return frame

    def _may_send(self) -> bool:
        now = self._now()
        return now >= self._not_before and (self._closing_at is None or now < self._closing_at)

    def _send_or_spill(self, frame: Frame) -> bool:
        answer = self._deliver(frame) if self._may_send() else None
        with self._taking:
            # While this thread waited for an answer, the end of the process may have kept the batch.
            if self._under_way is not frame:
                return False
            self._under_way = None
        if answer is not None and answer.verdict is not Verdict.LATER:
            self._settle(frame, answer)
            return True
        self._keep(frame)
        return False

    def _keep(self, frame: Frame) -> None:
        self._count(spilled=frame.records)
        self._mine.add(frame.batch_id)
        self._spill.append(frame)

    def _resend(self, frame: Frame) -> bool:
        if not self._may_send():
            return False
        answer = self._deliver(frame)
        if answer.verdict is Verdict.LATER:
            return False
        if frame.batch_id in self._mine:
            self._mine.discard(frame.batch_id)
            self._count(spilled=-frame.records)
            self._settle(frame, answer)
        else:
            self._count(resent=frame.records)
        return True

    def _deliver(self, frame: Frame) -> Answer:
        now = self._now()
        timeout_s = _REQUEST_S
        if self._closing_at is not None:
            timeout_s = max(min(timeout_s, self._closing_at - now), 0.05)
        self._sending = True
        answer = self._delivery(frame, timeout_s=timeout_s)
        self._sending = False
        if answer.verdict is not Verdict.LATER:
            self._waits = 0
            self._tries.pop(frame.batch_id, None)
            return answer
        if answer.why.startswith("HTTP 500"):
            tries = self._tries[frame.batch_id] = self._tries.get(frame.batch_id, 0) + 1
            if tries >= _TRIES:  # one batch that breaks the server must not hold up the rest
                del self._tries[frame.batch_id]
                return Answer(verdict=Verdict.REFUSED, why=answer.why)
        self._waits += 1
        wait = min(2.0 ** (self._waits - 1), _LONGEST_WAIT_S) * random.uniform(0.8, 1.2)  # noqa: S311
        self._not_before = self._now() + (answer.retry_after_s if answer.retry_after_s is not None else wait)
        once(
            "delivery",
            "%s does not take records now (%s); they are kept and sent later",
            self._settings.endpoint,
            answer.why,
        )
        return answer

    def _settle(self, frame: Frame, answer: Answer) -> None:
        if answer.verdict is Verdict.REFUSED:
            self._count(refused=frame.records)
            once("refused", "%s refuses records for good: %s", self._settings.endpoint, answer.why)
            return
        self._count(delivered=frame.records)
        if answer.rejected:
            self._count(rejected=answer.rejected)
            once("rejected", "%s did not keep some records: %s", self._settings.endpoint, answer.why)

    # ── the end ──────────────────────────────────────────────────────────────────────────────────

    def _rescue(self, deadline: float) -> None:
        """The thread hangs in a request: keep its batch and the queue here, as far as time allows."""
        # A batch that is just being written as OTLP is under way in a moment.
        if self._taking.acquire(timeout=max(deadline - self._now(), 0)):
            frame, self._under_way = self._under_way, None
            self._taking.release()
            if frame is not None:
                self._keep(frame)
            while self._now() < deadline and (frame := self._take()) is not None:
                self._keep(frame)
        lost = len(self._spans) + len(self._events)
        if lost:
            self._count(dropped=lost)
            once("exit", "%d records could not be kept in the time that the end of the process has", lost)

    def _overflow(self) -> None:
        self.counters.dropped += 1
        once("overflow", "records come faster than they can be sent, or after the end; some are dropped")

    def _spill_dropped(self, frame: Frame) -> None:
        if frame.batch_id in self._mine:
            self._mine.discard(frame.batch_id)
            self._count(spilled=-frame.records, dropped=frame.records)
        else:
            self._count(dropped_of_others=frame.records)

    def _count(self, **changes: int) -> None:
        with self._queueing:
            for name, by in changes.items():
                setattr(self.counters, name, getattr(self.counters, name) + by)
