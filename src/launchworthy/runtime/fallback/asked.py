"""What came of a question: the answer, or what was tried for it. May import this folder."""

from __future__ import annotations

from dataclasses import dataclass

from launchworthy.runtime.fallback.paying import TooDear
from launchworthy.runtime.fallback.reply import Reply

__all__ = ["BUDGET", "EMPTY", "LEDGER", "Asked", "Failure", "Restart"]

BUDGET, EMPTY, LEDGER = "budget", "nothing to answer with", "ledger"
"""Reasons of what was not asked, or had nothing to say."""


class Restart:
    """Said within a stream: forget what came so far, another answers from the beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Something that was tried and did not answer.

    Attributes:
        name: Model or fallback.
        reason: ``timeout``, ``budget``, ``ledger`` (it did not answer), ``resting`` (its breaker is open), or
            the name of the error.
        rule: Line of the contract that it broke, if one.
    """

    name: str
    reason: str
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What came of a question.

    Attributes:
        reply: The answer; None where nothing answered.
        policy: The way to give no answer that the fallbacks end in, if they name one.
        rule: Address of the fallback that answered or ended it.
        failures: What was tried before, in order.
        timed_out: Whether the hard point was reached.
        too_dear: The first line of the contract for whose sake a model was not asked.
    """

    reply: Reply | None
    policy: str | None = None
    rule: str = ""
    failures: tuple[Failure, ...] = ()
    timed_out: bool = False
    too_dear: TooDear | None = None

    @property
    def only_too_dear(self) -> bool:
        """Whether no model failed: those that were not asked cost too much."""
        return all(each.reason in (BUDGET, EMPTY) for each in self.failures)
