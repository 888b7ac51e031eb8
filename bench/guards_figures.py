"""How well a guard tells texts apart: per source, with intervals. Used in training and in the bench."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from guards_corpus import Example

from launchworthy.metrics import find_metric, score_rows
from launchworthy.quantity import format_number
from launchworthy.stats import Interval, wilson

THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Scored:
    """A text and what a model that did not learn from it said."""

    example: Example
    score: float


@dataclass(frozen=True, slots=True)
class Figure:
    """Of one source: how it is told from the clean texts, and the share that is flagged."""

    source: str
    label: int
    auc: Interval | None
    flagged: Interval

    def as_json(self) -> dict[str, Any]:
        """What the card keeps."""
        found: dict[str, Any] = {"source": self.source, "label": self.label, "n": self.flagged.n}
        for name, value in (("auc", self.auc), ("flagged", self.flagged)):
            if value is not None:
                found[name] = [round(part, 4) for part in (value.value, value.low, value.high)]
        return found

    def __str__(self) -> str:
        sign = "+" if self.label else "-"
        auc = "" if self.auc is None else f"AUC {_three(self.auc)}  "
        return f"  {sign} {self.source:32} {auc:31}flagged {self.flagged}"


def _three(interval: Interval) -> str:
    value, low, high = (f"{part:.3f}" for part in (interval.value, interval.low, interval.high))
    return f"{value} ({low} to {high})"


def auc_of(attacks: Iterable[Scored], clean: Iterable[Scored]) -> Interval | None:
    """Area under the curve of these against those, by DeLong."""
    rows = [{"score": one.score, "label": 1} for one in attacks] + [
        {"score": one.score, "label": 0} for one in clean
    ]
    return score_rows(find_metric("roc-auc"), rows).overall.interval


def figures(scored: Sequence[Scored], clean: Sequence[str], threshold: float = THRESHOLD) -> list[Figure]:
    """One for all that are real, then one per source; ``clean`` names the sources to tell them from."""
    calm = [one for one in scored if one.example.source in clean]
    sources = sorted({one.example.source for one in scored}, key=lambda name: (name.startswith("made"), name))
    found = []
    for source in sources:
        own = [one for one in scored if one.example.source == source]
        label = own[0].example.label
        hits = sum(one.score >= threshold for one in own)
        auc = auc_of(own, calm) if label and calm else None
        found.append(Figure(source, label, auc, wilson(hits, n=len(own))))
    return found


def overall(scored: Sequence[Scored], attacks: Sequence[str], clean: Sequence[str]) -> list[Figure]:
    """The same for several sources together."""
    found = []
    calm = [one for one in scored if one.example.source in clean]
    bad = [one for one in scored if one.example.source in attacks]
    for name, label, own in (("all attacks", 1, bad), ("all clean", 0, calm)):
        if own:
            hits = sum(one.score >= THRESHOLD for one in own)
            auc = auc_of(bad, calm) if label and calm else None
            found.append(Figure(name, label, auc, wilson(hits, n=len(own))))
    return found


def bytes_text(size: int) -> str:
    """A file's size in words."""
    return f"{format_number(size / 1e6)} MB"
