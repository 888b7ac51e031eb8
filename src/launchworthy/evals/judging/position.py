"""Whether a judge of pairs prefers a place to an answer. Pure; may import ``stats`` and this room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from launchworthy.evals.judging.voting import Vote
from launchworthy.stats import Interval, mean_interval, wilson

__all__ = ["Bias", "position_bias"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bias:
    """What became of pairs that were shown in both orders.

    Attributes:
        first: How much more often the answer shown first was chosen than the one shown second: 0 without
            bias, 1 where the first one always wins, -1 where the second one does. A pair and a model are
            one unit; both of its orders are in it.
        consistent: Share of them in which the same answer was chosen in both orders.
        pairs: Pairs and models with a grade in both orders.
        missing: Those without.
    """

    first: Interval
    consistent: Interval
    pairs: int
    missing: int

    def as_json(self) -> dict[str, Any]:
        """A plain mapping."""
        return {
            "first": {"value": self.first.value, "low": self.first.low, "high": self.first.high},
            "consistent": {
                "value": self.consistent.value,
                "low": self.consistent.low,
                "high": self.consistent.high,
            },
            "pairs": self.pairs,
            "missing": self.missing,
        }


def position_bias(votes: Sequence[Vote], *, level: float = 0.95) -> Bias | None:
    """The bias over all votes on pairs; None where no pair was graded in both orders.

    Models that judge one pair are not independent, so pairs are the units where there are several models.
    """
    leanings: list[float] = []
    names: list[str] = []
    same, missing = 0, 0
    for vote in votes:
        by_model: dict[str, dict[str, float | None]] = {}
        for part in vote.parts:
            by_model.setdefault(part["model"], {})[part["order"]] = part["grade"]
        missing += 0 if by_model else 1
        for orders in by_model.values():
            given, turned = orders.get("as given"), orders.get("turned round")
            if given is None or turned is None:
                missing += 1
                continue
            # Grades are of the pair as given: the place shows where both orders are taken apart.
            leanings.append(given - turned)
            names.append(vote.id)
            same += given == turned
    if not leanings:
        return None
    several = len(set(names)) < len(names)
    return Bias(
        first=mean_interval(
            leanings, level=level, sides=2, clusters=names if several else None, bounds=(-1.0, 1.0)
        ),
        consistent=wilson(same, n=len(leanings), level=level),
        pairs=len(leanings),
        missing=missing,
    )
