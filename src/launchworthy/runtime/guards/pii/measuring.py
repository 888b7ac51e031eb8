"""How well findings agree with labels: precision, recall and F1 by kind, with intervals.

May import ``stats``. A label is found where findings of its kind cover at least half of its
characters, and a finding is right where labels of its kind cover at least half of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from launchworthy.stats import Interval, normal_quantile

__all__ = ["Agreement", "Spans", "agreement"]

Spans = Sequence[tuple[int, int, str]]
"""Start, end and kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Findings against labels, over texts.

    Attributes:
        labels: How many labels there are.
        findings: How many findings there are.
        precision: Share of findings that are right; None without findings.
        recall: Share of labels that are found; None without labels.
        f1: Both together: share of labels and findings that the other side covers.
    """

    labels: int
    findings: int
    precision: Interval | None
    recall: Interval | None
    f1: Interval | None


def agreement(
    texts: Iterable[tuple[Spans, Spans]], *, kinds: frozenset[str], groups: Sequence[str] | None = None
) -> Agreement:
    """Compare labels and findings of each text.

    Args:
        texts: Labels and findings, text by text.
        kinds: What is counted.
        groups: Of each text, such as the template it was made from.
    """
    by_group: dict[str, list[int]] = {}
    for place, (labels, findings) in enumerate(texts):
        sums = by_group.setdefault(str(place) if groups is None else groups[place], [0, 0, 0, 0])
        for column, count in enumerate(_counts(labels, findings, kinds)):
            sums[column] += count
    rows = list(by_group.values())
    return Agreement(
        labels=sum(row[1] for row in rows),
        findings=sum(row[3] for row in rows),
        precision=_share([(right, of) for _, _, right, of in rows]),
        recall=_share([(found, of) for found, of, _, _ in rows]),
        f1=_share([(found + right, labels + of) for found, labels, right, of in rows]),
    )


def _share(rows: Sequence[tuple[int, int]]) -> Interval | None:
    """Wilson's interval of a share, for as many independent cases as vary as much as the groups do.

    Source: Korn and Graubard, Survey Methodology 24 (1998), the effective sample size.
    """
    hits, cases = sum(row[0] for row in rows), sum(row[1] for row in rows)
    if not cases:
        return None
    share = hits / cases
    varied = sum((hit - share * of) ** 2 for hit, of in rows) * len(rows) / max(len(rows) - 1, 1)
    alone = share * (1 - share) * cases  # what independent cases would vary
    independent = cases if varied <= alone else max(1.0, cases * alone / varied)
    square = normal_quantile(0.975) ** 2
    middle = (share + square / (2 * independent)) / (1 + square / independent)
    spread = share * (1 - share) / independent + square / (4 * independent**2)
    half = math.sqrt(square * spread) / (1 + square / independent)
    return Interval(
        value=share,
        low=max(0.0, middle - half) if hits else 0.0,
        high=min(1.0, middle + half) if hits < cases else 1.0,
        confidence=0.95,
        n=cases,
        method="Wilson, effective sample size",
        unit="ratio",
        sample={"hits": hits, "independent": independent},
    )


def _counts(labels: Spans, findings: Spans, kinds: frozenset[str]) -> tuple[int, int, int, int]:
    wanted = [label for label in labels if label[2] in kinds]
    given = [finding for finding in findings if finding[2] in kinds]
    return (
        sum(_covered(label, given) for label in wanted),
        len(wanted),
        sum(_covered(finding, wanted) for finding in given),
        len(given),
    )


def _covered(one: tuple[int, int, str], others: Spans) -> bool:
    start, end, kind = one
    shared = sum(max(0, min(end, other[1]) - max(start, other[0])) for other in others if other[2] == kind)
    return 2 * shared >= end - start
