"""The protocol of guards: what one is given, and what it answers.

Standard library only. A guard never decides what happens: the contract names the action, and
``pipeline`` takes it. What a guard could not check is an answer of its own, and never counts as a pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

__all__ = ["Finding", "Guard", "GuardContext", "GuardVerdict", "Outcome", "Passage", "Stage"]


class Stage(StrEnum):
    """Where in a call a text stands."""

    INPUT = "input"
    RETRIEVED = "retrieved"  # one passage at a time
    TOOL = "tool"  # the arguments of a call, as canonical JSON
    TOOL_RESULT = "tool_result"
    OUTPUT = "output"

    @property
    def trusted(self) -> bool:
        """False for text that came from outside the product and its user."""
        return self not in (Stage.RETRIEVED, Stage.TOOL_RESULT)


class Outcome(StrEnum):
    """What a guard may answer."""

    PASS = "pass"  # noqa: S105 (a verdict)
    HIT = "hit"
    COULD_NOT_CHECK = "could_not_check"


@dataclass(frozen=True, slots=True)
class Finding:
    """A stretch of the text that a guard found.

    Attributes:
        start: First code point.
        end: One past the last code point.
        type: Kind: ``email``, ``card``, ``api_key``, ``zero_width`` …
        score: How sure the guard is, 0 to 1.
    """

    start: int
    end: int
    type: str
    score: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardVerdict:
    """What one guard says of one text.

    Attributes:
        guard: Name of the guard.
        version: Of its rules or model; a change makes verdicts incomparable.
        outcome: Pass, hit, or could not check.
        category: What was found, in one word of the guard's; None where nothing was.
        score: The strongest score, 0 to 1; None for guards that only say yes or no.
        spans: Where; empty for a verdict on the whole text. Ordered, without overlap.
        rewritten: The text as it may go on, from guards that can say it; for the action *rewrite*.
        reason: One sentence, without the text itself: it goes into records.
        latency_ms: How long the check took; set by the pipeline.
    """

    guard: str
    version: str
    outcome: Outcome
    category: str | None = None
    score: float | None = None
    spans: tuple[Finding, ...] = ()
    rewritten: str | None = None
    reason: str = ""
    latency_ms: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The row that commands print and records keep."""
        return {
            "name": self.guard,
            "version": self.version,
            "verdict": self.outcome.value,
            "category": self.category,
            "score": self.score,
            "spans": [
                {"start": span.start, "end": span.end, "type": span.type, "score": span.score}
                for span in self.spans
            ],
            "reason": self.reason,
            "latency_ms": self.latency_ms,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One retrieved passage: its text, and where it came from."""

    text: str
    id: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardContext:
    """What a guard may know besides the text.

    Attributes:
        product: Product of the contract.
        workflow: Workflow of the call.
        question: What the user asked, for guards that check an answer against it.
        passages: What was retrieved and passed its own guards.
        tool: Name of the tool, at the tool stages.
        user: Pseudonym of the user.
        extra: What the application adds, by name.
    """

    product: str = ""
    workflow: str = ""
    question: str = ""
    passages: tuple[Passage, ...] = ()
    tool: str = ""
    user: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


class Guard(Protocol):
    """Anything that checks a text.

    Attributes:
        name: As the contract names it.
        version: Of its rules or model.
        estimates: True where it scores by a model: it may block only once it is calibrated.
        waits: True where it asks another process: the pipeline runs it in a thread, within its timeout.
        window: For streams: how many of the last characters must be held back for it, because what it
            finds may begin there; None where it needs the whole text.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def estimates(self) -> bool: ...
    @property
    def waits(self) -> bool: ...
    @property
    def window(self) -> int | None: ...

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Check one text. What it raises becomes *could not check*, with the exception's name as reason."""
        ...
