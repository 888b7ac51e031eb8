"""Harmful requests and texts, by a small linear model that is shipped with the package: for shadow only.

May import ``linear`` and ``verdict``. A lexical model does not tell "kill a process" from "kill a person"
well enough to refuse anybody: its card says how often it is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

from launchworthy.runtime.guards.linear import LinearModel, bundled_model
from launchworthy.runtime.guards.verdict import Finding, GuardContext, GuardVerdict, Outcome, Stage

__all__ = ["HarmGuard"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmGuard:
    """Hits where a text is likely to ask for harm or to be abusive.

    It estimates, so it is in shadow until it is calibrated; it needs the whole text (``window`` is None).

    Attributes:
        threshold: Score from which it hits.
        allowed: Texts that are never flagged.
        model: Another model than the one that is shipped.
        name: As the contract names it.
    """

    threshold: float = 0.5
    allowed: tuple[str, ...] = ()
    model: LinearModel | None = None
    name: str = "harm"

    estimates = True
    waits = False
    window: int | None = None

    @property
    def version(self) -> str:
        """Of the model's file."""
        return (self.model or bundled_model("harm")).version

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Score the text at any stage; the span is the strongest line or sentence."""
        model = self.model or bundled_model("harm")
        reading = model.read_text(payload)
        place = reading.strongest.get("harm")
        calm = place is None or payload.strip() in self.allowed
        score = 0.0 if calm else model.signals["harm"].probability(reading.values)
        hit = place is not None and not calm and score >= self.threshold
        return GuardVerdict(
            guard=self.name,
            version=model.version,
            outcome=Outcome.HIT if hit else Outcome.PASS,
            category="harm" if hit else None,
            score=score,
            spans=(Finding(place.start, place.end, "harm", score),) if hit and place is not None else (),
            reason="reads like a request for harm or like abuse" if hit else "",
        )
