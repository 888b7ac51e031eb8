"""Answers that say what their passages do not. May import ``metrics`` and the verdicts.

It reads words, numbers and names (see the metric ``groundedness``) and no meaning, so it estimates: it may
act only once it is calibrated on the product's own answers. A judge (``uses: judge:NAME``) reads meaning.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from launchworthy.runtime.guards.answers import hit, passed, unchecked
from launchworthy.runtime.guards.citations import context_rows
from launchworthy.runtime.guards.verdict import Finding, GuardContext, GuardVerdict, Stage

if TYPE_CHECKING:
    from launchworthy.metrics.metric import Metric

__all__ = ["GroundingGuard"]

_THRESHOLD = 0.5


class GroundingGuard:
    """Hits where too large a share of an answer's sentences is supported by none of its passages.

    Without any passage an answer that claims something is wholly unsupported.

    Args:
        threshold: Share of unsupported sentences from which it hits.
        name: As the contract names it.
    """

    estimates = True
    waits = False
    window: int | None = None
    version = "grounding-1"

    def __init__(self, *, threshold: float | None = None, name: str = "grounding") -> None:
        self.name = name
        self.threshold = _THRESHOLD if threshold is None else threshold

    @cached_property
    def _metric(self) -> Metric:
        from launchworthy.metrics.grounding import groundedness

        return groundedness()

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Hold an answer against the passages of its context."""
        from launchworthy.metrics.metric import CannotScore

        try:
            found = self._metric.read({"output": payload, "context": context_rows(context.passages)})
        except CannotScore as error:
            if "no sentence" in str(error):
                return passed(self, score=0.0, reason="it claims nothing")
            return unchecked(self, "the answer or its passages are too long to be compared")
        score = round(1.0 - (found.value or 0.0), 4)
        if score < self.threshold or score == 0.0:
            return passed(self, score=score)
        counted = found.statistics or {}
        missing = round(counted.get("sentences", 0) - counted.get("supported", 0))
        return hit(
            self,
            "outside_context",
            score=score,
            spans=_places(payload, (found.detail or {}).get("unsupported", ())),
            reason=f"{missing} of {counted.get('sentences', 0):.0f} sentences are in no passage",
        )


def _places(text: str, unsupported: list[str]) -> list[Finding]:
    found, after = [], 0
    for sentence in unsupported:
        start = text.find(sentence, after)
        if start >= 0:
            after = start + len(sentence)
            found.append(Finding(start, after, "outside_context"))
    return found
