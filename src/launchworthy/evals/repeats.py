"""What asking each item several times has shown: how answers vary, and how often one of k is right. Pure.

May import ``metrics``, ``quantity``, ``records`` and ``stats``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from launchworthy.evals.comparison import item_value
from launchworthy.metrics import Metric
from launchworthy.quantity import format_interval, format_number
from launchworthy.records import RunItem
from launchworthy.stats import Interval, Repeats, pass_at_k, pass_every_k, repeated_samples

__all__ = ["Repeated", "repeats_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """One metric over the samples of each item.

    Attributes:
        metric: Its name.
        k: Samples of each item, the fewest that any has.
        spread: Variance within and between items.
        any_right: Chance that at least one of k is right (pass@k); None where scores are not yes or no.
        all_right: Chance that all k are right (pass^k); None likewise.
    """

    metric: str
    k: int
    spread: Repeats
    any_right: Interval | None
    all_right: Interval | None

    def __str__(self) -> str:
        within, between = self.spread.within, self.spread.between
        said = [f"{self.metric} over {self.k:,} samples of each of {self.spread.items:,} items"]
        if within is not None and between is not None:
            said.append(f"variance {format_number(within)} within items, {format_number(between)} between")
        for name, found in (("at least one right", self.any_right), ("all right", self.all_right)):
            if found is not None:
                shown = format_interval(found.value, found.low, found.high, n=found.n, unit=found.unit)
                said.append(f"{name} {shown}")
        return "; ".join(said)


def repeats_of(items: Iterable[RunItem], metrics: Sequence[Metric]) -> list[Repeated]:
    """For each metric, what the samples of items say; none where no item was asked twice."""
    every = list(items)
    groups = _groups(every)
    if len(groups) == len(every):
        return []
    found = []
    for metric in metrics:
        values = [own for group in groups.values() if (own := _values(group, metric))]
        k = min(map(len, values), default=0)
        if k < 2:
            continue
        plain = all(value in (0.0, 1.0) for own in values for value in own)
        correct = [round(sum(own)) for own in values]
        sizes = [len(own) for own in values]
        found.append(
            Repeated(
                metric=metric.name,
                k=k,
                spread=repeated_samples(values, unit=metric.unit),
                any_right=pass_at_k(correct, samples=sizes, k=k) if plain else None,
                all_right=pass_every_k(correct, samples=sizes, k=k) if plain else None,
            )
        )
    return found


def _groups(items: Sequence[RunItem]) -> Mapping[str, list[RunItem]]:
    """Items by the id of the first sample; see ``launchworthy.evals.samples``."""
    ids = {item.item_id for item in items}
    groups: dict[str, list[RunItem]] = {}
    for item in items:
        first, sign, number = item.item_id.rpartition("#")
        own = first if sign and number.isdecimal() and first in ids else item.item_id
        groups.setdefault(own, []).append(item)
    return groups


def _values(group: Sequence[RunItem], metric: Metric) -> list[float]:
    scores = [item.scores.get(metric.name) for item in group if item.error is None]
    read = (item_value(metric, score) for score in scores if score is not None and score.value is not None)
    return [value for value in read if value is not None]
