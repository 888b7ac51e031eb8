"""One question to a model, within its time and its money: retries, other models beside a slow one, the rest.

May import ``budget``, ``faults``, ``running`` and this folder. The first good answer wins. A request that
nobody waits for any more is left behind and counts as paid, for it may have been. Past the soft point of
the deadline another model is asked beside the first; an answer that needs no model waits until all of them
have failed or the hard point is reached, for it is the poorer one.
"""

from __future__ import annotations

import asyncio
import queue
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from launchworthy.capture.sdk.blocks import model_call
from launchworthy.capture.sdk.messages import field_of
from launchworthy.capture.sdk.responses import read_usage
from launchworthy.capture.sdk.span import Span
from launchworthy.capture.sdk.streams import Gathering, text_of
from launchworthy.records.attributes import GenAI
from launchworthy.runtime.budget import Breaker, Deadline, estimated_tokens, is_transient, wait_before
from launchworthy.runtime.fallback.asked import BUDGET, EMPTY, LEDGER, Asked, Failure, Restart
from launchworthy.runtime.fallback.paying import Hold, Purse, TooDear
from launchworthy.runtime.fallback.plan import Fallback, Way
from launchworthy.runtime.fallback.reply import NoReply, Reply, reply_of
from launchworthy.runtime.faults import InjectedFault, faults
from launchworthy.runtime.running import Busy, Job, Runner, parts_of, settle

__all__ = ["Asking"]

# What the product's own fallback may take past the hard point, for it is the last that answers.
_GRACE_S = 0.5


@dataclass(eq=False, slots=True)
class _Attempt:
    name: str  # model, or the product's own fallback
    fallback: Fallback | None
    hold: Hold | None = None
    job: Job | None = None
    breaker: Breaker | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How questions are asked in one workflow.

    Attributes:
        models: Functions by name: ``(messages, **options)`` → an answer, or its parts.
        breakers: One a model.
        plan: The fallbacks.
        runner: Runs them.
        chance: Jitter.
        loop: Where coroutines run.
    """

    models: Mapping[str, Callable[..., Any]]
    breakers: Mapping[str, Breaker]
    plan: Sequence[Fallback]
    runner: Runner
    chance: random.Random
    loop: asyncio.AbstractEventLoop | None = None

    def ask(
        self,
        model: str,
        messages: Any,
        options: Mapping[str, Any],
        *,
        deadline: Deadline,
        purse: Purse,
        instant: Callable[[Fallback], Reply | None],
    ) -> Asked:
        """One answer, whole.

        Args:
            model: Name of the model that is asked first.
            messages: What it is given.
            options: What else its function is given.
            deadline: Of the call.
            purse: Pays.
            instant: Answers for fallbacks that need no model.
        """
        question = _Question(
            self, model, messages, options, deadline=deadline, purse=purse, instant=instant, streamed=False
        )
        for _ in question.run(lambda: False):
            pass
        return question.asked

    def stream(
        self,
        model: str,
        messages: Any,
        options: Mapping[str, Any],
        *,
        deadline: Deadline,
        purse: Purse,
        instant: Callable[[Fallback], Reply | None],
        committed: Callable[[], bool],
    ) -> Iterator[str | Restart | Asked]:
        """The answer in parts, and at last an :class:`Asked`.

        ``committed`` answers whether anything has gone out: then a stream that breaks is not begun anew.
        """
        question = _Question(
            self, model, messages, options, deadline=deadline, purse=purse, instant=instant, streamed=True
        )
        yield from question.run(committed)
        yield question.asked


class _Question:
    """The state of one question."""

    def __init__(
        self,
        asking: Asking,
        model: str,
        messages: Any,
        options: Mapping[str, Any],
        *,
        deadline: Deadline,
        purse: Purse,
        instant: Callable[[Fallback], Reply | None],
        streamed: bool,
    ) -> None:
        self._asking, self._model, self._messages, self._options = asking, model, messages, dict(options)
        self._deadline, self._purse, self._instant, self._streamed = deadline, purse, instant, streamed
        self._rest: deque[Fallback] = deque(
            each for entry in asking.plan for each in [entry] * max(1, entry.times)
        )
        self._events: queue.SimpleQueue[tuple[_Attempt, str, Any]] = queue.SimpleQueue()
        self._running: list[_Attempt] = []
        self._due: tuple[float, Fallback] | None = None  # a retry that waits
        self._last_error: BaseException | None = None
        self._failed = 0
        self._hurried = deadline.soft_s >= deadline.hard_s  # then there is no time to hurry in
        self._chosen: _Attempt | None = None
        self._failures: list[Failure] = []
        self._timed_out = False
        self._too_dear: TooDear | None = None
        self.asked = Asked(reply=None)

    def run(self, committed: Callable[[], bool]) -> Iterator[str | Restart]:
        """Ask until something answers; the parts of a stream as they come."""
        try:
            self._ask_model(self._model, None)
            while not self._ended:
                if self._deadline.is_over:
                    self._give_up_waiting()
                    return
                if not self._running and self._due is None:
                    self._advance()
                    continue
                event = self._next()
                if event is None:
                    self._on_time()
                    continue
                yield from self._take(*event, committed)
        finally:
            for attempt in list(self._running):
                self._abandon(attempt)

    @property
    def _ended(self) -> bool:
        return self.asked.reply is not None or self.asked.rule != ""

    def _next(self) -> tuple[_Attempt, str, Any] | None:
        waits = [self._deadline.left_s]
        if self._due is not None:
            waits.append(self._due[0] - self._deadline.clock())
        if not self._hurried and self._chosen is None:
            waits.append(self._deadline.soft_left_s)
        try:
            return self._events.get(timeout=max(0.0, min(waits)))
        except queue.Empty:
            return None

    def _on_time(self) -> None:
        """Something is due: a retry, or a second model beside the first."""
        if self._due is not None and self._deadline.clock() >= self._due[0]:
            _, fallback = self._due
            self._due = None
            self._ask_model(self._model, fallback)
        elif not self._hurried and self._chosen is None and self._deadline.soft_left_s <= 0:
            self._hurried = True
            for fallback in list(self._rest):
                if fallback.way is Way.MODEL:
                    self._rest.remove(fallback)
                    if self._ask_model(fallback.name, fallback):
                        return

    def _take(
        self, attempt: _Attempt, what: str, value: Any, committed: Callable[[], bool]
    ) -> Iterator[str | Restart]:
        if attempt not in self._running:
            return  # it was left behind
        if what == "part":
            if self._chosen is None:
                self._chosen = attempt
                for other in [each for each in self._running if each is not attempt]:
                    self._abandon(other)
            yield value
            return
        self._running.remove(attempt)
        if what == "error":
            begun = self._chosen is attempt
            self._fail(attempt, value)
            if begun:
                self._chosen = None
                if committed():
                    self._finish(None, rule="cut off")
                else:
                    yield Restart()
            return
        reply, read, written, cached = value
        cost = None
        if attempt.hold is not None:
            cost = attempt.hold.paid(
                input_tokens=estimated_tokens(self._messages) if read is None else read,
                output_tokens=estimated_tokens(reply.text) if written is None else written,
                cached=cached,
            )
        if attempt.breaker is not None:
            attempt.breaker.succeeded(self._deadline.clock())
        fallback = attempt.fallback
        self._finish(
            Reply(
                text=reply.text,
                tool_calls=reply.tool_calls,
                model=attempt.name if attempt.hold is not None else "",
                fallback=fallback.name if fallback is not None else None,
                cites=reply.cites,
                cost_usd=cost,
                response=reply.response,
            ),
            rule=fallback.rule if fallback is not None else "model",
        )

    def _advance(self) -> None:
        """Nothing runs: the next fallback."""
        if not self._rest:
            self._finish(None, rule="nothing left")
            return
        fallback = self._rest.popleft()
        if fallback.name in faults().skip:
            self._failures.append(Failure(name=fallback.name, reason="injected"))
        elif fallback.way is Way.RETRY:
            self._retry(fallback)
        elif fallback.way is Way.MODEL:
            self._ask_model(fallback.name, fallback)
        elif fallback.way is Way.OWN and callable(fallback.own):
            self._ask_own(fallback)
        else:
            self._answer_at_once(fallback)

    def _retry(self, fallback: Fallback) -> None:
        error = self._last_error
        if error is None or not is_transient(error):
            return
        wait = wait_before(max(1, self._failed), error, chance=self._asking.chance, now=datetime.now(UTC))
        if wait < self._deadline.left_s:
            self._due = (self._deadline.clock() + wait, fallback)

    def _answer_at_once(self, fallback: Fallback) -> None:
        if fallback.way is Way.NO_ANSWER:
            self._finish(None, rule=fallback.rule, policy=fallback.name)
            return
        reply = Reply(text=fallback.own) if isinstance(fallback.own, str) else self._instant(fallback)
        if reply is None or not reply:
            self._failures.append(Failure(name=fallback.name, reason=EMPTY))
            return
        self._finish(Reply(text=reply.text, fallback=fallback.name, cites=reply.cites), rule=fallback.rule)

    def _ask_model(self, name: str, fallback: Fallback | None) -> bool:
        """Begin a request; False where it may not, or cannot, be made."""
        called = name if fallback is None else fallback.name
        breaker = self._asking.breakers.get(name)
        if breaker is not None and not breaker.allows(self._deadline.clock()):
            self._failures.append(Failure(name=called, reason="resting"))
            return False
        hold = self._purse.take(name, self._messages, self._options)
        if isinstance(hold, TooDear):
            if not hold.unknown:
                self._too_dear = self._too_dear or hold
            why = LEDGER if hold.unknown else BUDGET
            self._failures.append(Failure(name=called, reason=why, rule=hold.rule))
            return False
        attempt = _Attempt(name=name, fallback=fallback, hold=hold, breaker=breaker)
        return self._start(attempt, lambda job: self._call_model(attempt, job))

    def _ask_own(self, fallback: Fallback) -> None:
        self._start(
            _Attempt(name=fallback.name, fallback=fallback), lambda job: self._call_own(fallback, job)
        )

    def _call_own(self, fallback: Fallback, job: Job) -> Any:
        """In a thread: what the product brought itself."""
        if not callable(fallback.own):
            raise NoReply("the fallback is no function")
        return reply_of(settle(fallback.own(self._messages), job=job, loop=self._asking.loop))

    def _start(self, attempt: _Attempt, work: Callable[[Job], Any]) -> bool:
        def done(value: Any, error: BaseException | None) -> None:
            self._events.put(
                (attempt, "reply" if error is None else "error", value if error is None else error)
            )

        self._running.append(attempt)
        try:
            attempt.job = self._asking.runner.start(work, done=done)
        except Busy as error:
            self._running.remove(attempt)
            self._fail(attempt, error)
            return False
        return True

    def _call_model(self, attempt: _Attempt, job: Job) -> Any:
        """In a thread: the function of the model, with a span of its own."""
        vendor, slash, _ = attempt.name.partition("/")
        with model_call(attempt.name, provider=vendor if slash else None) as span:
            if isinstance(self._messages, (list, tuple, str)):
                span.set_messages(self._messages)
            injected = faults()
            if injected.hits(attempt.name):
                if injected.hang:
                    job.cancelled.wait()
                raise InjectedFault("a drill has taken this model away")
            options = {**self._options, "stream": True} if self._streamed else self._options
            function = self._asking.models[attempt.name]
            value = settle(function(self._messages, **options), job=job, loop=self._asking.loop)
            if not self._streamed or isinstance(value, (str, Reply)) or not _has_parts(value):
                span.set_output(value)
                read = reply_of(value)
                _price(span, attempt, read[1:])
                return read
            gathering, texts, usage = Gathering(span), [], dict[str, int]()
            for part in parts_of(value, job=job, loop=self._asking.loop):
                if job.cancelled.is_set():
                    getattr(value, "close", lambda: None)()
                    break
                gathering.add(part)
                usage |= read_usage(field_of(part, "usage"))
                if text := text_of(part):
                    texts.append(text)
                    self._events.put((attempt, "part", text))
            gathering.finish(early=job.cancelled.is_set())
            if not "".join(texts).strip():
                raise NoReply("the model answered nothing")
            counts = (
                usage.get(GenAI.INPUT_TOKENS),
                usage.get(GenAI.OUTPUT_TOKENS),
                usage.get(GenAI.CACHE_READ_TOKENS, 0),
            )
            _price(span, attempt, counts)
            return Reply(text="".join(texts)), *counts

    def _fail(self, attempt: _Attempt, error: BaseException) -> None:
        called = attempt.fallback.name if attempt.fallback is not None else attempt.name
        self._failures.append(Failure(name=called, reason=type(error).__name__))
        if attempt.hold is not None:
            self._last_error, self._failed = error, self._failed + 1
            if self._chosen is attempt:
                attempt.hold.lost()  # a stream that broke is billed for what came
            else:
                attempt.hold.back()
            if attempt.breaker is not None and is_transient(error):
                attempt.breaker.failed(self._deadline.clock())

    def _abandon(self, attempt: _Attempt, *, late: bool = False) -> None:
        self._running.remove(attempt)
        if attempt.job is not None:
            attempt.job.cancel()
        if attempt.hold is not None:
            attempt.hold.lost()
        if late:
            called = attempt.fallback.name if attempt.fallback is not None else attempt.name
            self._failures.append(Failure(name=called, reason="timeout"))
            if attempt.breaker is not None:
                attempt.breaker.failed(self._deadline.clock())

    def _give_up_waiting(self) -> None:
        """The hard point: what needs no model may still answer, in the order of the contract."""
        self._timed_out = True
        cut_off = self._chosen is not None
        for attempt in list(self._running):
            self._abandon(attempt, late=True)
        self._due = None
        if cut_off:
            self._finish(None, rule="cut off")
            return
        while self._rest and not self._ended:
            fallback = self._rest.popleft()
            if fallback.name in faults().skip or fallback.way in (Way.RETRY, Way.MODEL):
                continue
            if fallback.way is Way.OWN and callable(fallback.own):
                self._ask_own_in_grace(fallback)
            else:
                self._answer_at_once(fallback)
        if not self._ended:
            self._finish(None, rule="nothing left")

    def _ask_own_in_grace(self, fallback: Fallback) -> None:
        try:
            reply, *_ = self._asking.runner.within(_GRACE_S, lambda job: self._call_own(fallback, job))
        except Exception as error:
            self._failures.append(Failure(name=fallback.name, reason=type(error).__name__))
            return
        self._finish(Reply(text=reply.text, fallback=fallback.name, cites=reply.cites), rule=fallback.rule)

    def _finish(self, reply: Reply | None, *, rule: str, policy: str | None = None) -> None:
        self.asked = Asked(
            reply=reply,
            policy=policy,
            rule=rule,
            failures=tuple(self._failures),
            timed_out=self._timed_out,
            too_dear=self._too_dear,
        )


def _has_parts(value: Any) -> bool:
    return hasattr(value, "__aiter__") or hasattr(value, "__next__") or isinstance(value, (list, tuple))


def _price(span: Span, attempt: _Attempt, counts: tuple[int | None, int | None, int]) -> None:
    """What the request cost, on its span, where the answer tells its tokens."""
    read, written, cached = counts
    if attempt.hold is None or read is None or written is None:
        return
    cost = attempt.hold.price(input_tokens=read, output_tokens=written, cached=cached)
    if cost is not None:
        span.set_cost(cost)
