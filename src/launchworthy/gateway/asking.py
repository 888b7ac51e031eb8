"""Which model answers: the release's own, again, another beside a slow one, the next; or none.

May import ``runtime`` and this room. On an event loop what the enforcer does with threads: the first
good answer wins, and whoever is still asked then is left.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from launchworthy.capture.sdk.block import Block
from launchworthy.capture.sdk.blocks import model_call
from launchworthy.capture.sdk.span import Span
from launchworthy.gateway.ledger import Ledger
from launchworthy.gateway.served import Job
from launchworthy.gateway.upstream import Upstreams
from launchworthy.gateway.upstreams.reply import Reply, UpstreamError
from launchworthy.runtime.budget import Breaker, Deadline, is_transient, wait_before
from launchworthy.runtime.fallback import Failure, Hold, Purse, TooDear
from launchworthy.runtime.fallback.asked import BUDGET, LEDGER
from launchworthy.runtime.faults import faults

__all__ = ["Asker", "Attempts", "Exhausted", "Good"]

_DRILLED = "drilled"


class Exhausted(Exception):
    """No model answered.

    Attributes:
        failures: Why each did not.
        timed_out: Whether the time of the call ended.
        too_dear: The limit that kept all of them from being asked; None where something else kept any.
    """

    def __init__(self, failures: tuple[Failure, ...], *, timed_out: bool, too_dear: TooDear | None) -> None:
        super().__init__("no model answered")
        self.failures, self.timed_out, self.too_dear = failures, timed_out, too_dear


@dataclass(slots=True, kw_only=True)
class Good:
    """An answer that has begun.

    Attributes:
        model: Of the contract, that answers.
        fallback: Its name where it is not the release's own.
        reply: The answer.
        read: What ``read`` made of its document; None of a stream.
        span: Of this request; to be ended.
        hold: What was set aside for it.
    """

    model: str
    fallback: str | None
    reply: Reply
    read: Any
    span: Span
    hold: Hold


@dataclass(slots=True)
class Asker:
    """Asks models; one for the process.

    Attributes:
        upstreams: Where they are.
        ledger: Of what they cost.
        clock: Seconds that do not go back.
        chance: Jitter of what is tried again.
    """

    upstreams: Upstreams
    ledger: Ledger
    clock: Callable[[], float] = time.monotonic
    chance: random.Random = field(default_factory=random.Random)
    breakers: dict[str, Breaker] = field(default_factory=dict)
    _blocks: dict[tuple[str, str], Block] = field(default_factory=dict)

    def breaker(self, model: str) -> Breaker:
        """Of a model."""
        found = self.breakers.get(model)
        if found is None:
            found = self.breakers[model] = Breaker()
        return found

    def block(self, model: str, provider: str, operation: str) -> Block:
        """The span of a request, made ready once."""
        found = self._blocks.get((model, operation))
        if found is None:
            found = self._blocks[model, operation] = model_call(
                model, provider=provider or None, operation=operation
            )
        return found


class Attempts:
    """The models of one call, in order.

    Args:
        asker: Asks.
        job: Names them.
        path: Of the request.
        body: Of the request, checked.
        stream: Whether the answer is read as it comes.
        deadline: Of the call.
        purse: Pays.
        read: Reads a whole answer; raises :class:`UpstreamError` for what is none.
        operation: As records name it.
        models: Instead of the job's.
    """

    def __init__(
        self,
        asker: Asker,
        job: Job,
        *,
        path: str,
        body: dict[str, Any],
        stream: bool,
        deadline: Deadline,
        purse: Purse,
        read: Callable[[dict[str, Any]], Any],
        operation: str = "chat",
        models: tuple[str, ...] = (),
    ) -> None:
        self._asker, self._path, self._body, self._stream = asker, path, body, stream
        self.deadline, self._purse, self._read, self._operation = deadline, purse, read, operation
        self._prompt = body.get("messages", body.get("input"))
        self._models = models or job.models
        plan = [self._models[0]] * (1 + job.retries) + list(self._models[1:])
        self._plan = deque(model for model in plan if asker.upstreams.speaks(model, path))
        self._can_be_asked = bool(self._plan)
        self._last_error: UpstreamError | None = None
        self._tries = 0
        self._hurried = False
        self.failures: list[Failure] = []
        self._too_dear: TooDear | None = None

    async def next(self) -> Good:
        """The next answer that begins well.

        Raises:
            Exhausted: There is none.
            UpstreamError: The request itself was refused.
        """
        if not self._can_be_asked:
            why = f"{self._models[0]} is not asked by {self._path}; ask by /chat/completions"
            raise UpstreamError("refused", "the model is not asked this way", status=400, body=why)
        if len(set(self._plan)) <= 1:
            return await self._alone()
        return await self._beside()

    async def _alone(self) -> Good:
        """No other model is left that could be asked beside the one."""
        while self._plan and not self.deadline.is_over:
            model = self._plan.popleft()
            if not await self._pause(model) or (hold := await self._take(model)) is None:
                continue
            try:
                return await self._ask(model, hold)
            except UpstreamError as error:
                self._failed(model, error)
        raise self._exhausted()

    async def _beside(self) -> Good:
        running: dict[asyncio.Task[Good], str] = {}
        try:
            while not self.deadline.is_over:
                if not running and not await self._start(running):
                    break
                soft = self.deadline.soft_left_s if not self._hurried else self.deadline.left_s
                done, _ = await asyncio.wait(
                    running,
                    timeout=min(soft, self.deadline.left_s),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                good: Good | None = None
                for task in done:
                    model = running.pop(task)
                    error = task.exception()
                    if error is None and good is None:
                        good = task.result()
                    elif error is None:
                        self._leave(task)
                    elif isinstance(error, UpstreamError):
                        self._failed(model, error)
                    else:
                        raise error
                if good is not None:
                    return good
                if not done and not self._hurried and self.deadline.soft_left_s <= 0:
                    self._hurried = True
                    busy = set(running.values())
                    self._plan = deque(model for model in self._plan if model not in busy)
                    if self._plan:
                        await self._start(running)
            raise self._exhausted()
        finally:
            for task in running:
                task.cancel()
                task.add_done_callback(self._leave)

    async def _start(self, running: dict[asyncio.Task[Good], str]) -> bool:
        while self._plan:
            model = self._plan.popleft()
            if not await self._pause(model) or (hold := await self._take(model)) is None:
                continue
            running[asyncio.ensure_future(self._ask(model, hold))] = model
            return True
        return False

    async def _pause(self, model: str) -> bool:
        """Before the same model is asked again; False where that would not help or comes too late."""
        error = self._last_error
        if error is None or not self.failures or self.failures[-1].name != model:
            return True
        if not is_transient(error) or error.why == "garbage":
            return error.why in ("garbage", "half")
        wait = wait_before(self._tries, error, chance=self._asker.chance, now=datetime.now(UTC))
        if wait >= self.deadline.left_s:
            return False
        await asyncio.sleep(wait)
        return True

    async def _take(self, model: str) -> Hold | None:
        if not self._asker.breaker(model).allows(self._asker.clock()):
            self.failures.append(Failure(name=model, reason="resting"))
            return None
        hold = await self._asker.ledger.run(self._purse.take, model, self._prompt, self._body)
        if isinstance(hold, TooDear):
            if not hold.unknown:
                self._too_dear = self._too_dear or hold
            self.failures.append(Failure(name=model, reason=LEDGER if hold.unknown else BUDGET))
            return None
        return hold

    async def _ask(self, model: str, hold: Hold) -> Good:
        place = self._asker.upstreams.place(model)
        span, _ = self._asker.block(model, place.provider, self._operation).begin()
        reply: Reply | None = None
        try:
            if faults().hits(model):
                raise UpstreamError(_DRILLED, "a drill makes it fail")
            reply = await self._asker.upstreams.ask(
                place, self._path, self._body, stream=self._stream, timeout_s=self.deadline.left_s
            )
            read = None if reply.document is None else self._read(reply.document)
        except BaseException as error:
            if reply is not None:
                reply.close()
            self._asker.ledger.later(hold.back)
            if not isinstance(error, asyncio.CancelledError):
                span.fail(error)
            span.end()
            raise
        if reply.document is not None:
            self._asker.breaker(model).succeeded(self._asker.clock())
        fallback = model if model != self._models[0] else None
        return Good(model=model, fallback=fallback, reply=reply, read=read, span=span, hold=hold)

    def broke(self, good: Good, error: UpstreamError) -> None:
        """A stream that had begun well broke off."""
        good.reply.close()
        self._asker.ledger.later(good.hold.lost)
        good.span.fail(error)
        good.span.end()
        self._failed(good.model, error)

    def _failed(self, model: str, error: UpstreamError) -> None:
        if error.refused:
            raise error
        self._tries += 1
        self._last_error = error
        if error.why != _DRILLED:  # which says nothing of the model
            self._asker.breaker(model).failed(self._asker.clock())
        self.failures.append(Failure(name=model, reason=error.why))

    def _exhausted(self) -> Exhausted:
        only_dear = all(each.reason == BUDGET for each in self.failures)
        return Exhausted(
            tuple(self.failures),
            timed_out=self.deadline.is_over,
            too_dear=self._too_dear if only_dear else None,
        )

    def _leave(self, task: asyncio.Task[Good]) -> None:
        """Nobody waits for this answer any more."""
        if task.cancelled() or task.exception() is not None:
            return
        good = task.result()
        good.reply.close()
        self._asker.ledger.later(good.hold.lost)
        good.span.end()
