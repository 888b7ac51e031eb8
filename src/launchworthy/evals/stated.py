"""How sure each answer of a run said it was, and whether it was right. Pure; may import ``metrics``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from launchworthy.metrics import Metric, answer_was_right
from launchworthy.records import RunItem

__all__ = ["Stated", "stated_confidences"]

_UNANSWERABLE = "unanswerable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """Confidence and truth of the items that have both.

    Attributes:
        confidence: What the answers said, in order of the items.
        correct: 1 where the metric finds nothing to better, else 0.
        left_out: Items without a confidence, a score, or an answer at all.
        repeated: Further items of a cluster (samples of one item, turns of one user) that has one here.
    """

    confidence: tuple[float, ...]
    correct: tuple[float, ...]
    left_out: int
    repeated: int


def stated_confidences(items: Sequence[RunItem], metric: Metric) -> Stated:
    """Read the answers' ``confidence``; a question that should not be answered is wrong whatever is said.

    Answers that were withheld count too, with what they would have been: a threshold moves them. Metrics of
    refusals (selective-risk) know no more than whether an answer was due; others judge the answer itself.
    Of a cluster the first one counts: what chooses a threshold takes its rows for independent.
    """
    perfect = 1.0 if metric.higher_is_better else 0.0
    confidence, correct = [], []
    clusters, repeated = set[str](), 0
    for item in items:
        said = item.output.get("confidence") if isinstance(item.output, Mapping) else None
        if item.error is not None or isinstance(said, bool) or not isinstance(said, (int, float)):
            continue
        if not math.isfinite(said):
            continue
        score = item.scores.get(metric.name)
        due = None if score is None else answer_was_right(score)
        if due is not None:
            right = float(due)
        elif _UNANSWERABLE in item.slices:
            right = 0.0
        elif score is None or score.value is None:
            continue
        else:
            (own,) = metric.each([score]).tolist()
            if math.isnan(own):
                continue
            right = float(own == perfect)
        if item.cluster is not None and item.cluster in clusters:
            repeated += 1
            continue
        if item.cluster is not None:
            clusters.add(item.cluster)
        confidence.append(float(said))
        correct.append(right)
    return Stated(
        confidence=tuple(confidence),
        correct=tuple(correct),
        left_out=len(items) - len(confidence) - repeated,
        repeated=repeated,
    )
