"""The numbers that the sums are made of, as the contract gives them. May import this room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from launchworthy.contract.arithmetic.figures import percent
from launchworthy.contract.claim import Direction
from launchworthy.contract.document import KeyPath
from launchworthy.contract.draft import canonical_unit
from launchworthy.contract.model import Contract
from launchworthy.contract.model.measures import Line
from launchworthy.contract.model.workflow import Workflow
from launchworthy.contract.units import per_day
from launchworthy.quantity import Quantity, format_value

__all__ = [
    "Counted",
    "Held",
    "Screening",
    "Term",
    "currency",
    "held_back",
    "screening",
    "target",
    "targets",
]

_NEARLY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A value of the contract, with the line it stands in and the words for it."""

    path: KeyPath
    value: float
    unit: str
    direction: Direction | None = None

    @property
    def shown(self) -> str:
        """The value as it is printed."""
        return format_value(self.value, unit=self.unit)

    @property
    def name(self) -> str:
        """Address within the product."""
        parts = self.path[1:] if self.path[:1] == ("workflows",) else self.path
        return "/".join(str(part) for part in parts)


def currency(unit: str) -> str:
    """Currency of a price."""
    return unit.partition("/")[0]


def targets(workflow: str, block: Workflow, family: str) -> Iterator[tuple[str, Line, Term]]:
    """Metric, line and target of each line of a family."""
    for metric, line in getattr(block, family).items():
        term = _term(workflow, family, metric, line)
        if term.unit != "ratio" or 0 <= term.value <= 1:  # what is no share is told as that
            yield metric, line, term


def target(
    workflow: str, block: Workflow, family: str, metric: str, *, direction: Direction | None = None
) -> Term | None:
    """The target of a metric over all items, if there is one on that side."""
    for name, line, term in targets(workflow, block, family):
        same = name.replace("-", "_") == metric and getattr(line, "slice", None) is None
        if same and direction in (None, line.direction):
            return term
    return None


def _term(workflow: str, family: str, metric: str, line: Line) -> Term:
    return Term(
        path=("workflows", workflow, family, metric),
        value=line.threshold.value,
        unit=canonical_unit(family, metric, line.threshold),
        direction=line.direction,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A gold file that is there: its items, and those that the holdout keeps, in all and by slice.

    Attributes:
        file: As the contract names it.
        items: Items in all.
        held: Of these in the holdout.
        sealed: Of these in the sealed split.
        by_hand: Splits that hold other items than the shares of the contract would choose: rows say so.
        slices: Slice → those in the holdout, and in all.
        sealed_slices: Slice → those in the sealed split.
    """

    file: str
    items: int
    held: int
    slices: Mapping[str, tuple[int, int]]
    sealed: int = 0
    by_hand: frozenset[str] = frozenset()
    sealed_slices: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How many gold items a verdict can be shown on, at most, and how that came about."""

    items: int
    of: int
    told: str
    share: float


def held_back(
    contract: Contract,
    workflow: str,
    slice_: str | None,
    counted: Mapping[str, Counted],
    *,
    sealed: bool = False,
) -> Held | None:
    """Items of a slice, or of all slices together, that the holdout keeps (or the sealed split); None where
    nothing tells.

    Slices may overlap, so all together is the most there can be. What a split by time keeps back is not
    known before the items are: there the whole set counts. Where no slices are declared, the file tells.
    """
    gold, verb = contract.gold_of(workflow), "seals" if sealed else "keeps back"
    if not gold.slices and workflow in counted:
        own = counted[workflow]
        kept, of = (own.held, own.items) if slice_ is None else own.slices.get(slice_, (0, 0))
        if sealed:
            kept = own.sealed if slice_ is None else own.sealed_slices.get(slice_, 0)
        some = "" if slice_ is None else f" {slice_}"
        told = f"{own.file} {verb} {kept:,} of its {of:,}{some} items"
        return Held(items=kept, of=of, told=told, share=kept / of if of else 0.0)
    if not gold.slices or (slice_ is not None and slice_ not in gold.slices):
        return None
    declared = sum(gold.slices.values()) if slice_ is None else gold.slices[slice_]
    where = f"gold/{workflow}" if slice_ is None else f"gold/{workflow}/slices/{slice_}"
    if gold.holdout.unit != "ratio" and not sealed:
        return Held(items=declared, of=declared, told=f"{where} has {declared:,} in all", share=1.0)
    share = gold.sealed.value if sealed else gold.holdout.value
    kept = int(declared * share + _NEARLY)
    told = f"{where} {verb} {percent(share)} of {declared:,}, which is {kept:,}"
    return Held(items=kept, of=declared, told=told, share=share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """What recall and precision imply for a predictive workflow that picks out the few.

    Attributes:
        base_rate: Share of positives.
        recall: Share of the positives that it promises to find.
        precision: Share of the picked that it promises to be positive.
        frequency: Cases a day, or None.
    """

    base_rate: Term
    recall: Term
    precision: Term
    frequency: Term | None

    @property
    def picked(self) -> float:
        """Share of all cases that are picked out."""
        return self.recall.value * self.base_rate.value / self.precision.value

    @property
    def wrongly(self) -> float:
        """Share of the negatives that are picked out."""
        return self.picked * (1.0 - self.precision.value) / (1.0 - self.base_rate.value)

    @property
    def uses(self) -> tuple[KeyPath, ...]:
        """The lines it is made of."""
        own = (self.base_rate.path, self.recall.path, self.precision.path)
        return own if self.frequency is None else (*own, self.frequency.path)


def screening(workflow: str, block: Workflow) -> Screening | None:
    """The screening of a workflow; None unless it promises recall and precision at a base rate."""
    recall = target(workflow, block, "quality", "recall", direction=Direction.AT_LEAST)
    precision = target(workflow, block, "quality", "precision", direction=Direction.AT_LEAST)
    base = None if block.predicts is None else block.predicts.base_rate
    if (
        recall is None
        or precision is None
        or base is None
        or not 0 < base.value < 1
        or not precision.value
        or not recall.value
    ):
        return None
    return Screening(
        base_rate=Term(path=("workflows", workflow, "predicts", "base_rate"), value=base.value, unit="ratio"),
        recall=recall,
        precision=precision,
        frequency=_daily(("workflows", workflow, "frequency"), block.frequency),
    )


def _daily(path: KeyPath, rate: Quantity | None) -> Term | None:
    value = None if rate is None else per_day(rate)
    return None if value is None else Term(path=path, value=value, unit="1/d")
