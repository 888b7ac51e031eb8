"""The candidate of a rollout, asked beside the live release in a stage of 0 %: its answer is on record only.

May import ``capture``, ``runtime`` and this room. It is asked once the live answer is out, so many at a time,
with circuit breakers and a ledger of its own. A tool that it proposes goes to nobody.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from launchworthy.capture.sdk.process import client
from launchworthy.capture.sdk.span import Span
from launchworthy.gateway.answering import Call, Means
from launchworthy.gateway.asking import Asker
from launchworthy.gateway.caller import Caller
from launchworthy.gateway.dialects import Dialect
from launchworthy.gateway.ledger import Ledger
from launchworthy.gateway.served import Arm, Job
from launchworthy.records.calls import SHADOW
from launchworthy.runtime.permission import MemorySpending
from launchworthy.runtime.shadow import unseen

__all__ = ["Asked", "Shadows"]

_LOG = logging.getLogger("launchworthy.gateway")
_MOST, _LONGEST_S, _END_S = 8, 60.0, 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A live call, as the candidate is asked it again.

    Attributes:
        dialect: In which it came.
        caller: Who called.
        user: Whom it is for.
        workflow: Name of it.
        alias: Name of the model that the client used.
        body: Of the request, before anything of it was changed.
    """

    dialect: Dialect
    caller: Caller
    user: str
    workflow: str
    alias: str
    body: dict[str, Any]

    @classmethod
    def of(cls, body: dict[str, Any], **told: Any) -> Asked:
        """With a copy of the request, to be answered in one piece."""
        own = copy.deepcopy(body)
        own.pop("stream_options", None)
        if "stream" in own:
            own["stream"] = False
        return cls(body=own, **told)


class Shadows:
    """Asks the candidate.

    Args:
        means: Of the live calls, whose models it shares.
        begin: Makes the span of a call.
    """

    def __init__(
        self, means: Means, *, begin: Callable[[Arm, Job, Caller, str], AbstractContextManager[Span]]
    ) -> None:
        ledger = Ledger(MemorySpending())
        asker = Asker(means.asker.upstreams, ledger)
        self._means, self._begin = replace(means, asker=asker, ledger=ledger, approvals=None), begin
        self._running: set[asyncio.Task[None]] = set()
        self.dropped = 0

    def ask(self, arm: Arm, asked: Asked, *, beside: str) -> None:
        """Ask the candidate, behind the back of the live call; where too many run, it is left out."""
        if len(self._running) >= _MOST:
            if not self.dropped:
                _LOG.warning("calls in shadow of %s are left out: it is slower than they come", arm.release)
            self.dropped += 1
            return
        task = asyncio.create_task(self._ask(replace(arm, cohort=SHADOW), asked, beside))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Wait a little for what runs; the rest is left."""
        if not self._running:
            return
        _, left = await asyncio.wait(self._running, timeout=_END_S)
        for task in left:
            task.cancel()

    async def _ask(self, arm: Arm, asked: Asked, beside: str) -> None:
        try:
            job = arm.jobs.get(asked.workflow)
            if job is None:
                return  # the candidate has no such workflow
            with unseen(arm.release, beside=beside), self._begin(arm, job, asked.caller, asked.user) as span:
                call = Call(
                    means=self._means,
                    dialect=asked.dialect,
                    arm=arm,
                    job=job,
                    caller=asked.caller,
                    user=client().pseudonyms.user(asked.user) if asked.user else "",
                    ask=asked.dialect.read(asked.body, trusted=asked.caller.key.trusted),
                    body=asked.body,
                    alias=asked.alias,
                    span=span,
                )
                async with asyncio.timeout(_LONGEST_S):
                    await call.whole()
        except Exception as error:
            _LOG.debug("a call in shadow of %s failed: %r", arm.release, error)
