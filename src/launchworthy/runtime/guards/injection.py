"""Prompt injection and jailbreaks, by a small linear model that is shipped with the package.

May import ``linear``, ``injection_views`` and ``verdict``. A text is read in pieces, so one line in a long
mail is found, and in every way it may be spelt or encoded. What a user may ask, a passage may not: text
from outside is held to another signal, for which any request to the assistant counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from launchworthy.runtime.guards.injection_views import View, views_of
from launchworthy.runtime.guards.linear import LinearModel, bundled_model
from launchworthy.runtime.guards.verdict import Finding, GuardContext, GuardVerdict, Outcome, Stage

__all__ = ["InjectionGuard", "InjectionScore", "injection_score"]

_THRESHOLD = 0.5
_STRONGEST = {"direct": "attack", "planted": "planted"}


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectionScore:
    """How likely a text is an injection.

    Attributes:
        probability: 0 to 1; 0.5 is what 0.7 % of the clean texts of the training data reach.
        start: Where the strongest piece begins.
        end: Where it ends.
        how: ``plain``, or how that piece was hidden: ``base64``, ``rot13``, ``invisible`` …
    """

    probability: float
    start: int = 0
    end: int = 0
    how: str = "plain"


def injection_score(text: str, *, trusted: bool = True, model: LinearModel | None = None) -> InjectionScore:
    """Score one text.

    Args:
        text: Of a user, or of a passage or tool.
        trusted: False for text from outside the product and its user.
        model: Another than the one that is shipped.

    Example:
        >>> injection_score("What is the delivery time?").probability < 0.5
        True
    """
    model = model or bundled_model("injection")
    signal = "direct" if trusted else "planted"
    best = InjectionScore(probability=0.0)
    for views in views_of(text):
        if views:
            score = _score(views, model, signal)
            best = max(best, score, key=lambda one: one.probability)
    return best


def _score(views: Sequence[View], model: LinearModel, signal: str) -> InjectionScore:
    asked = model.signals[signal]
    texts, places = [view.text for view in views], [view.place for view in views]
    reading = model.read(texts, places, heads={*asked.heads, _STRONGEST[signal]})
    place = reading.strongest[_STRONGEST[signal]]
    return InjectionScore(
        probability=asked.probability(reading.values),
        start=place.start,
        end=place.end,
        how=views[0].how,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectionGuard:
    """Hits where a text speaks to the model in the place of its owner or, from outside, speaks to it at all.

    It estimates: it may block only once it is calibrated on the product's own cases. It needs the whole text
    (``window`` is None).

    Attributes:
        threshold: Score from which it hits.
        allowed: Texts that are never flagged.
        model: Another model than the one that is shipped.
        name: As the contract names it.
    """

    threshold: float = _THRESHOLD
    allowed: tuple[str, ...] = ()
    model: LinearModel | None = None
    name: str = "prompt_injection"

    estimates = True
    waits = False
    window: int | None = None

    @property
    def version(self) -> str:
        """Of the model's file."""
        return (self.model or bundled_model("injection")).version

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Score the text; the span is the strongest line or sentence."""
        if payload.strip() in self.allowed:
            return GuardVerdict(guard=self.name, version=self.version, outcome=Outcome.PASS, score=0.0)
        score = injection_score(payload, trusted=stage.trusted, model=self.model)
        hit = score.probability >= self.threshold
        kind = "injection" if stage.trusted else "planted_instruction"
        return GuardVerdict(
            guard=self.name,
            version=self.version,
            outcome=Outcome.HIT if hit else Outcome.PASS,
            category=kind if hit else None,
            score=score.probability,
            spans=(Finding(score.start, score.end, kind, score.probability),) if hit else (),
            reason=_reason(stage, score) if hit else "",
        )


def _reason(stage: Stage, score: InjectionScore) -> str:
    who = (
        "speaks to the model against its owner" if stage.trusted else "text from outside instructs the model"
    )
    return who if score.how == "plain" else f"{who}, hidden as {score.how}"
