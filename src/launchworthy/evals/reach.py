"""What a suite can prove, before anything is asked.

May import ``contract``, ``gold``, ``metrics``, ``quantity``, ``stats`` and the judges of this room. Only
counts of items are read, so that planning spends no look at the holdout.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from launchworthy.contract import Claim, ClaimKind
from launchworthy.evals.coverage import metrics_of
from launchworthy.evals.judging import judgings
from launchworthy.gold import SEALED, GoldItem, GoldVersion
from launchworthy.metrics import Metric
from launchworthy.metrics.estimators import MeanEstimator, ShareEstimator
from launchworthy.quantity import format_value
from launchworthy.stats import items_to_prove

__all__ = ["Reach", "reach_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a suite can prove of one claim.

    Attributes:
        claim: Its address.
        slice: Slice it speaks of; None: all items.
        items: Items that may prove something, each counted once however often it is asked.
        needed: Items that prove it if every one of them is good; None beyond a billion, or where how many it
            takes depends on how the scores spread.
        allowed: How many of ``items`` may be bad; None where it cannot be proven, or depends on the spread.
        target: The claim's threshold in words.
        labels: People's labels that its judge is to be calibrated with; None without a judge, or where the
            contract does not say.
    """

    claim: str
    slice: str | None
    items: int
    needed: int | None
    allowed: int | None
    target: str
    labels: int | None = None

    @property
    def possible(self) -> bool:
        """Whether flawless answers would prove it, as far as counting says."""
        return self.items > 0 and (self.needed is None or self.items >= self.needed)

    def __str__(self) -> str:
        judged = "" if self.labels is None else f"; its judge needs {self.labels:,} labels of people"
        return self._items_told() + judged

    def _items_told(self) -> str:
        where = self.claim if self.slice is None else f"{self.claim} [{self.slice}]"
        count = "1 item" if self.items == 1 else f"{self.items:,} items"
        if not self.items:
            return f"{where}: this suite has no item for it"
        if not self.possible:
            return (
                f"{where}: this suite cannot prove {self.target}: {self.items:,} items of {self.needed:,}, "
                "were every one good"
            )
        if self.allowed is None:
            return f"{where}: {count} for {self.target}; what they prove depends on how the scores spread"
        return f"{where}: {count} prove {self.target} if at most {self.allowed:,} of them are bad"


def reach_of(
    claims: Iterable[Claim],
    items: Sequence[GoldItem],
    *,
    version: GoldVersion,
    workflow: str,
    split: str,
) -> list[Reach]:
    """What a run on ``split`` could prove of the claims that a metric here measures, in their order.

    Args:
        claims: Claims of the contract.
        items: Items of the version, of which id, split and slices are counted.
        version: The version.
        workflow: Workflow that is run.
        split: ``dev``, ``holdout``, ``all`` or ``sealed``.
    """
    claims = list(claims)
    counts = _counts(items, version, split)
    judging, _ = judgings(claims, workflow=workflow)
    metrics = {**metrics_of(claims, workflow=workflow), **{key: each.metric for key, each in judging.items()}}
    found = []
    for claim in claims:
        metric = metrics.get(claim.address)
        if metric is None or claim.target is None or claim.kind is not ClaimKind.BOUND:
            continue
        for name in _slices(claim, counts):
            reach = _reach(claim, name, counts[name], metric)
            judged = judging.get(claim.address)
            labels = None if judged is None else judged.agreement.options.get("labels")
            found.append(replace(reach, labels=None if labels is None else int(labels)))
    return found


def _counts(items: Sequence[GoldItem], version: GoldVersion, split: str) -> Mapping[str | None, int]:
    """Items that prove something: whole under None, and by slice."""
    proving = SEALED if split == SEALED else "holdout" if version.splits.get("holdout") else None
    counts: Counter[str | None] = Counter({None: 0})
    for item in items:
        if not item.counts or (proving is None and item.split == SEALED) or split == "dev":
            continue
        if proving is None or item.split == proving:
            counts.update([None, *item.slices])
    return counts


def _slices(claim: Claim, counts: Mapping[str | None, int]) -> list[str | None]:
    if claim.slice != "*":
        return [claim.slice]
    return [*(claim.options.get("slices") or sorted(name for name in counts if name is not None))]


def _reach(claim: Claim, name: str | None, items: int, metric: Metric) -> Reach:
    needed = allowed = None
    target = claim.target
    if target is None:
        raise ValueError(f"{claim.address} has no target")
    own = metric.estimator
    whole = isinstance(own, MeanEstimator) and own.bounds == (0.0, 1.0)
    part = isinstance(own, ShareEstimator) and not own.harmonic  # of some of the items only
    if (whole or part) and 0 < target.threshold < 1:
        direction = target.direction.value

        def proves(bad: int) -> bool:
            seen = items - bad if direction == "at_least" else bad
            more = items_to_prove(
                seen, n=items, threshold=target.threshold, direction=direction, level=claim.confidence
            )
            return more.flawless == 0

        needed = items_to_prove(
            threshold=target.threshold, direction=direction, level=claim.confidence
        ).flawless
        if whole and items and proves(0):
            low, high = 0, items + 1  # the most bad items that still prove it lies in [low, high)
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if proves(middle) else (low, middle)
            allowed = low
    word = "at least" if target.direction.value == "at_least" else "at most"
    shown = f"{word} {format_value(target.threshold, unit=target.unit)}"
    return Reach(claim=claim.address, slice=name, items=items, needed=needed, allowed=allowed, target=shown)
