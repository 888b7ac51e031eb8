"""Decisions against labels where rows are not worth the same: a large payment counts for many small ones.

May import this room. Σ weight of the hits over Σ weight of what enters, as scikit-learn's ``sample_weight``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from launchworthy.metrics.decisions import (
    DECIDED,
    LABEL,
    PREDICTION,
    PROBABILITY,
    class_of,
    decision_of,
    is_positive,
    named,
)
from launchworthy.metrics.estimators import RatioEstimator
from launchworthy.metrics.metric import CannotScore, Field, Metric
from launchworthy.records import Score

__all__ = ["FAMILY", "by_weight"]

# Name → what it says; of (truth, decision), which enter and which of them are hits; its source.
_KINDS: Mapping[str, tuple[str, frozenset[tuple[bool, bool]], frozenset[tuple[bool, bool]], str]] = {
    "accuracy": (
        "Share of the weight whose prediction is the label.",
        frozenset({(True, True), (True, False), (False, True), (False, False)}),
        frozenset({(True, True), (False, False)}),
        "accuracy_score",
    ),
    "precision": (
        "Share of the weight predicted positive that is.",
        frozenset({(True, True), (False, True)}),
        frozenset({(True, True)}),
        "precision_score",
    ),
    "recall": (
        "Share of the weight of the positives that was predicted so.",
        frozenset({(True, True), (True, False)}),
        frozenset({(True, True)}),
        "recall_score",
    ),
    "false-positive-rate": (
        "Share of the weight of the negatives that was predicted positive.",
        frozenset({(False, True), (False, False)}),
        frozenset({(False, True)}),
        "recall_score",
    ),
}


def by_weight(kind: str, *, weight: str = "weight", positive: str | None = None) -> Metric:
    """A rate of the positive class, by the number in the field ``weight`` of each row."""
    doc, enters, hits, source = _KINDS[kind]

    def read(row: Mapping[str, Any]) -> Score:
        truth = is_positive(class_of(row.get("label"), "label"), positive)
        decision = decision_of(row, positive)
        said = decision == positive if positive is not None else is_positive(decision, None)
        if (truth, said) not in enters:
            return Score(value=float(truth == said), statistics={"over": 0.0, "under": 0.0})
        worth = _worth(row, weight)
        hit = worth if (truth, said) in hits else 0.0
        return Score(value=float(truth == said), statistics={"over": hit, "under": worth})

    return Metric(
        name=f"{kind}-by-weight",
        doc=doc,
        fields=(
            LABEL,
            PREDICTION,
            Field(PROBABILITY.name, PROBABILITY.doc, required=False),
            Field("weight", "how much the row counts, 0 or more; the option `weight` names another field"),
        ),
        read=read,
        estimator=RatioEstimator("over", "under", "ratio", bounds=(0.0, 1.0)),
        unit="ratio",
        higher_is_better=kind != "false-positive-rate",
        convention=f"Bounds by the delta method over rows, or clusters of them. {DECIDED}",
        source=f"sklearn.metrics.{source}(sample_weight=…)",
        options={**({"weight": weight} if weight != "weight" else {}), **named(positive)},
    )


def _worth(row: Mapping[str, Any], name: str) -> float:
    numbers = row.get("numbers")
    value = row.get(name, numbers.get(name) if isinstance(numbers, Mapping) else None)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value < math.inf:
        raise CannotScore(f"field {name[:80]!r} is missing or no weight of 0 or more")
    return float(value)


FAMILY: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...]]] = {
    f"{kind}-by-weight": (partial(by_weight, kind), ("weight", "positive")) for kind in _KINDS
}
