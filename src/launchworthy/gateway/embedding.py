"""Embeddings: texts go to the model that the contract names, after the guards of the input.

May import ``runtime`` and this room. No other model stands in: its vectors would lie in another space.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import orjson

from launchworthy.capture.sdk.span import Span
from launchworthy.gateway.answering import Means
from launchworthy.gateway.asking import Attempts, Exhausted
from launchworthy.gateway.caller import Caller
from launchworthy.gateway.checking import Check
from launchworthy.gateway.paying import purse_of, settle
from launchworthy.gateway.refusing import Refused
from launchworthy.gateway.served import Arm, Job
from launchworthy.gateway.texts import Ask, Piece, Slot
from launchworthy.gateway.upstreams.reply import UpstreamError
from launchworthy.runtime.budget import Deadline
from launchworthy.runtime.fallback import Asked
from launchworthy.runtime.guards import Stage
from launchworthy.runtime.no_answer import NoAnswer
from launchworthy.runtime.permission import Origin
from launchworthy.runtime.telling import Telling

__all__ = ["Embedding", "read_embedding"]

_MOST_TEXTS = 10_000


def read_embedding(body: dict[str, Any]) -> Ask:
    """The texts of a request.

    Raises:
        Refused: It holds none.
    """
    given = body.get("input")
    if isinstance(given, str):
        return Ask(pieces=[Piece(slot=Slot(body, "input"), origin=Origin.USER, stage=Stage.INPUT)])
    if isinstance(given, list) and given and len(given) <= _MOST_TEXTS:
        if all(isinstance(each, str) for each in given):
            # A list has places and no names: its texts stand in a dict while they are looked at.
            texts = {str(index): text for index, text in enumerate(given)}
            body["input"] = texts
            return Ask(
                pieces=[
                    Piece(slot=Slot(texts, name), origin=Origin.USER, stage=Stage.INPUT) for name in texts
                ]
            )
        if all(isinstance(each, (int, list)) for each in given):
            return Ask(unread=["tokens"])
    raise Refused(400, "invalid_input", "input is neither text nor a list of texts", param="input")


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """One call for embeddings; the attributes are those of a call for an answer."""

    means: Means
    arm: Arm
    job: Job
    caller: Caller
    user: str
    ask: Ask
    body: dict[str, Any]
    model: str
    span: Span

    async def whole(self) -> bytes:
        """The vectors.

        Raises:
            Refused: A guard or a limit stops the call, or the model does not answer: vectors have no words to
                say so.
            UpstreamError: The request was refused by the model.
        """
        telling = Telling(
            product=self.arm.product,
            contract=self.arm.contract,
            workflow=self.job.name,
            span=self.span,
            simulated=self.caller.simulated or None,
            failure_of=self.job.failure_of,
        )
        check = Check(
            self.arm,
            self.job,
            self.caller,
            self.ask,
            user=self.user,
            telling=telling,
            ledger=self.means.ledger,
            approvals=None,
        )
        stopped = await check.request()
        if stopped is not None:
            telling.no_answer(stopped)
            raise _refused(stopped)
        if isinstance(self.body["input"], dict):
            self.body["input"] = list(self.body["input"].values())
        job = replace(self.job, retries=max(1, self.job.retries))
        attempts = Attempts(
            self.means.asker,
            job,
            path="/embeddings",
            body=self.body,
            stream=False,
            deadline=Deadline.begin(self.means.asker.clock, timeout_s=job.timeout_s, latency_s=None),
            purse=purse_of(
                self.arm,
                self.job,
                self.caller,
                prices=self.means.prices,
                ledger=self.means.ledger,
                telling=telling,
            ),
            read=_vectors,
            operation="embeddings",
            models=(self.model,),
        )
        try:
            good = await attempts.next()
        except Exhausted as error:
            telling.asked(Asked(reply=None, failures=error.failures, timed_out=error.timed_out))
            if error.too_dear is not None:
                over = check.over(error.too_dear.rule, error.too_dear.reason, facts={})
                telling.no_answer(over)
                raise _refused(over) from None
            tried = ", ".join(dict.fromkeys(each.reason for each in error.failures))
            raise Refused(503, "no_model", f"the model gave no vectors: {tried or 'timeout'}") from None
        document = good.reply.document or {}
        settle(self.means.ledger, good.hold, document.get("usage"), written=0)
        good.span.set_response({key: value for key, value in document.items() if key != "data"})
        good.span.end()
        good.reply.close()
        return orjson.dumps(document)


def _vectors(document: dict[str, Any]) -> list[Any]:
    data = document.get("data")
    if not isinstance(data, list) or not data or not all(isinstance(each, dict) for each in data):
        raise UpstreamError("garbage", "the answer holds no vectors")
    return data


def _refused(stopped: NoAnswer) -> Refused:
    return Refused(400, "refused_by_contract", stopped.reason, hint=f"see {stopped.rule}", param="input")
