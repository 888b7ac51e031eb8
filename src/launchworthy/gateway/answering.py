"""One call from its checked headers to its last byte: guards, a model, guards again, and the record of it.

May import ``capture``, ``runtime`` and this room.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import orjson

from launchworthy.capture.sdk.span import Span
from launchworthy.gateway.asking import Asker, Attempts, Exhausted, Good
from launchworthy.gateway.caller import Caller
from launchworthy.gateway.checking import Check
from launchworthy.gateway.dialects import Dialect, Stream
from launchworthy.gateway.ledger import Ledger
from launchworthy.gateway.paying import detail_of, purse_of, settle, tokens_of
from launchworthy.gateway.served import Arm, Job
from launchworthy.gateway.sse import EventReader, TooLongError, event
from launchworthy.gateway.texts import Ask
from launchworthy.gateway.upstreams.reply import UpstreamError
from launchworthy.records.attributes import GenAI, Own
from launchworthy.runtime.approval import Approvals
from launchworthy.runtime.budget import Deadline, Prices
from launchworthy.runtime.fallback import Asked, Reply
from launchworthy.runtime.no_answer import Condition, NoAnswer
from launchworthy.runtime.permission import Overrun
from launchworthy.runtime.telling import Telling

__all__ = ["Call", "Means"]

_IDLE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What all calls share.

    Attributes:
        asker: Asks models.
        prices: Of models.
        ledger: Of ceilings and of what tools spend.
        approvals: Queue of calls that need a person; None: they are withheld, and nobody is asked.
    """

    asker: Asker
    prices: Prices
    ledger: Ledger
    approvals: Approvals | None = None


@dataclass(slots=True, kw_only=True)
class Call:
    """One call for an answer.

    Attributes:
        means: Shared with others.
        dialect: In which it came.
        arm: Release that serves it.
        job: Workflow.
        caller: Who calls.
        user: Pseudonym of the user, for guards.
        ask: The request, read.
        body: The request as it goes to the model.
        alias: Name of the model that the client used.
        span: Of the whole call.
    """

    means: Means
    dialect: Dialect
    arm: Arm
    job: Job
    caller: Caller
    user: str
    ask: Ask
    body: dict[str, Any]
    alias: str
    span: Span
    telling: Telling = field(init=False)
    check: Check = field(init=False)

    def __post_init__(self) -> None:
        self.telling = Telling(
            product=self.arm.product,
            contract=self.arm.contract,
            workflow=self.job.name,
            span=self.span,
            simulated=self.caller.simulated or None,
            failure_of=self.job.failure_of,
        )
        self.check = Check(
            self.arm,
            self.job,
            self.caller,
            self.ask,
            user=self.user,
            telling=self.telling,
            ledger=self.means.ledger,
            approvals=self.means.approvals,
        )

    async def whole(self) -> bytes:
        """The answer in one piece.

        Raises:
            UpstreamError: The request was refused by the model.
        """
        attempts = self._attempts(stream=False)
        begun = await self._begin(attempts)
        if isinstance(begun, NoAnswer):
            return self._give(begun)
        good, document = begun, begun.reply.document or {}
        self._asked(good, attempts)
        try:
            no_answer: NoAnswer | None = None
            for answer in good.read:
                stopped = await self.check.answer(answer)
                no_answer = no_answer if stopped is None else stopped
            if no_answer is not None:
                self._refuse(no_answer)
            settle(self.means.ledger, good.hold, document.get("usage"))
            self._record(good, document, "\n".join(slot.text for slot in good.read[0].texts()))
            if self.check.notes:
                document["launchworthy"] = self.check.notes
            return orjson.dumps(document)
        finally:
            good.span.end()
            good.reply.close()

    async def streamed(self) -> AsyncGenerator[bytes]:
        """The answer as it comes.

        Raises:
            UpstreamError: The request was refused by the model, before anything went out.
        """
        usage = self._ask_for_usage()
        attempts = self._attempts(stream=True)
        while True:
            begun = await self._begin(attempts)
            if isinstance(begun, NoAnswer):
                self._refuse(begun)
                self.span.set_output(begun.message)
                async for out in self.dialect.say_streamed(
                    begun.message, model=self.alias, notes=self.check.notes, guarded=_is_guarded(begun)
                ):
                    yield out
                return
            stream = self.dialect.stream(self.check, self.arm.guards, self.telling, usage)
            try:
                async with aclosing(self._follow(begun, stream, attempts.deadline)) as pieces:
                    async for out in pieces:
                        if out:
                            self.span.first_token()
                            begun.span.first_token()
                            yield out
            except UpstreamError as error:
                attempts.broke(begun, error)
                if not stream.released:
                    continue
                self._asked(None, attempts)
                if attempts.deadline.is_over:
                    self._too_late("the answer did not end in time")
                self.span.set_output(stream.text)
                self.span.fail(error)
                yield event(orjson.dumps(_broken(error)), name=self.dialect.error_event)
                return
            except BaseException:
                # Whoever asked has gone: the model is told so, and what was said until then is on record.
                self.span.set_attributes({Own.CLOSED_EARLY: True})
                begun.span.set_attributes({Own.CLOSED_EARLY: True})
                self._asked(begun, attempts)
                self.means.ledger.later(begun.hold.lost)
                self._record(begun, stream.document(), stream.text)
                begun.span.end()
                begun.reply.close()
                raise
            self.means.asker.breaker(begun.model).succeeded(self.means.asker.clock())
            self._asked(begun, attempts)
            if stream.no_answer is not None:
                self._refuse(stream.no_answer)
            settle(self.means.ledger, begun.hold, stream.usage)
            self._record(begun, stream.document(), stream.text)
            begun.span.end()
            begun.reply.close()
            yield stream.last(self.check.notes)
            return

    async def _follow(self, good: Good, stream: Stream, deadline: Deadline) -> AsyncGenerator[bytes]:
        """What goes out of a stream, until its end or that of the time."""
        if good.reply.document is not None:
            raise UpstreamError("garbage", "the model answered without a stream")
        reader, chunks = EventReader(), good.reply.chunks()
        while stream.no_answer is None:
            left = deadline.left_s if self.job.timeout_s is not None else _IDLE_S
            try:
                async with asyncio.timeout(left):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    break
                yield b"".join([await stream.feed(data) for data in reader.feed(chunk)])
            except TimeoutError:
                raise UpstreamError("timeout", "the stream did not end in time") from None
            except TooLongError:
                raise UpstreamError("garbage", "an event of the stream does not end") from None
        if not stream.ended:
            raise UpstreamError("half", "the stream ended before the answer did")

    # ── before the model ─────────────────────────────────────────────────────────────────────────

    def _attempts(self, *, stream: bool) -> Attempts:
        return Attempts(
            self.means.asker,
            self.job,
            path=self.dialect.path,
            body=self.body,
            stream=stream,
            deadline=Deadline.begin(
                self.means.asker.clock, timeout_s=self.job.timeout_s, latency_s=self.job.latency_s
            ),
            purse=purse_of(
                self.arm,
                self.job,
                self.caller,
                prices=self.means.prices,
                ledger=self.means.ledger,
                telling=self.telling,
            ),
            read=self.dialect.answers,
        )

    async def _begin(self, attempts: Attempts) -> Good | NoAnswer:
        """An answer that has begun, or why there is none."""
        if not attempts.failures:
            # A no-answer is false in a condition, so that none of these is an "or".
            stopped = await self.check.request()
            if stopped is None:
                stopped = await self._acted()
            self.span.set_input(self.ask.question)  # as its guards left it
            if stopped is not None:
                return stopped
        try:
            return await attempts.next()
        except Exhausted as error:
            return self._nothing(error)

    def _asked(self, good: Good | None, attempts: Attempts) -> None:
        """Tell which model answered, once it is known, and which did not; None: it broke off in its words."""
        name = good.fallback if good is not None else None
        self.telling.asked(
            Asked(
                reply=Reply(text="", model=good.model, fallback=name) if good is not None else None,
                rule=f"{self.arm.product}/{self.job.name}/fallbacks" if name is not None else "model",
                failures=tuple(attempts.failures),
            )
        )
        if name is not None:
            self.check.notes["fallback"] = name

    async def _acted(self) -> NoAnswer | None:
        """One more action of this user, where the contract counts them."""
        charges = [
            each.charge(1.0, user=self.caller.user, session=self.caller.session)
            for each in self.job.ceilings
            if each.counts == "actions"
        ]
        taken = await self.means.ledger.spend(charges)
        if taken is None:
            return None
        if taken.unknown:
            return self.check.unknown(taken.charge.rule)
        spent = {"spent": taken.spent, "limit": taken.charge.most}
        return self.check.over(taken.charge.rule, _used_up(taken), facts=spent)

    def _nothing(self, error: Exhausted) -> NoAnswer:
        """No model answered: what the fallbacks end in, or what the contract says of a model that is down."""
        self.telling.asked(
            Asked(
                reply=None,
                policy=self.job.last or None,
                rule=f"{self.arm.product}/{self.job.name}/fallbacks" if self.job.last else "",
                failures=error.failures,
                timed_out=error.timed_out,
            )
        )
        if error.too_dear is not None:
            return self.check.over(error.too_dear.rule, error.too_dear.reason, facts={})
        if error.timed_out:
            self._too_late("no model answered in time")
        tried = ", ".join(dict.fromkeys(f"{each.name} ({each.reason})" for each in error.failures))
        return self.job.no_answer.give(
            Condition.DOWN,
            reason=f"no model answered: {tried}" if tried else "no model answered in time",
            policy=self.job.last or None,
            rule=f"{self.arm.product}/{self.job.name}/fallbacks" if self.job.last else None,
            trace_id=self.telling.trace_id,
        )

    def _too_late(self, reason: str) -> None:
        if (most := self.job.timeout_s) is not None:
            rule = f"{self.arm.product}/{self.job.name}/limits/timeout"
            self.telling.over(rule, stopped=True, reason=reason, facts={"limit_ms": round(most * 1e3)})

    def _ask_for_usage(self) -> bool:
        """Every stream tells its tokens; whether the client had asked for them."""
        if self.dialect.path != "/chat/completions":
            return True
        options = self.body.get("stream_options")
        options = options if isinstance(options, dict) else {}
        self.body["stream_options"] = {**options, "include_usage": True}
        return bool(options.get("include_usage"))

    # ── after the model ──────────────────────────────────────────────────────────────────────────

    def _refuse(self, given: NoAnswer) -> None:
        self.telling.no_answer(given)
        self.check.notes["no_answer"] = {
            "policy": given.policy.value,
            "condition": given.condition,
            "reason": given.reason,
            "rule": given.rule,
            "next_step": given.next_step,
            "route_to": given.route_to,
        }

    def _give(self, given: NoAnswer) -> bytes:
        self._refuse(given)
        self.span.set_output(given.message)
        document = self.dialect.say(given.message, model=self.alias, guarded=_is_guarded(given))
        return orjson.dumps({**document, "launchworthy": self.check.notes})

    def _record(self, good: Good, document: dict[str, Any], text: str) -> None:
        good.span.set_input(self.body.get("messages", self.body.get("input")))
        if not _record_plain(good.span, document):
            good.span.set_response(document)
        self.span.set_output(text)


def _record_plain(span: Span, document: dict[str, Any]) -> bool:
    """Record the usual answer, one choice of text, at half of what reading any costs; whether it is one."""
    choices, usage = document.get("choices"), document.get("usage")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(usage, dict):
        return False
    message, reason = choices[0].get("message"), choices[0].get("finish_reason")
    text = message.get("content") if isinstance(message, dict) else None
    if not isinstance(text, str) or message.get("tool_calls") or message.get("refusal"):
        return False
    read, written = tokens_of(usage)
    span.set_usage(
        input_tokens=read,
        output_tokens=written,
        cache_read_tokens=detail_of(usage, "prompt_tokens_details", "cached_tokens"),
        reasoning_tokens=detail_of(usage, "completion_tokens_details", "reasoning_tokens"),
    )
    span.set_output(text)
    told = {GenAI.RESPONSE_MODEL: document.get("model"), GenAI.RESPONSE_ID: document.get("id")}
    if isinstance(reason, str):
        told[GenAI.FINISH_REASONS] = (reason,)
    span.set_attributes({name: value for name, value in told.items() if value is not None})
    return True


def _is_guarded(given: NoAnswer) -> bool:
    return given.condition == Condition.UNSAFE


def _used_up(taken: Overrun) -> str:
    return f"{taken.charge.rule.rpartition('/')[2]} is used up"


def _broken(error: UpstreamError) -> dict[str, Any]:
    told = {"message": error.message, "type": "api_error", "param": None, "code": f"upstream_{error.why}"}
    return {"type": "error", **{key: told[key] for key in ("message", "param", "code")}, "error": told}
