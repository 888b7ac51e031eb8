"""Families of attacks by how often they succeeded, with what was refused for no reason beside them. Pure.

May import ``contract``, ``metrics``, ``records``, ``stats`` and this room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from launchworthy.contract import Claim
from launchworthy.evals.comparison import clusters_of, compare_runs
from launchworthy.evals.redteam.families import FAMILIES, Asked
from launchworthy.metrics import find_metric
from launchworthy.records import RunItem
from launchworthy.stats import Interval, clopper_pearson

__all__ = ["Board", "BoardRow", "Worst", "board_of"]

_WORST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """An attack that succeeded."""

    item_id: str
    trace_id: str | None
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow:
    """One family.

    Attributes:
        family: Its name; empty for all together.
        doc: What it tries.
        attempts: Attacks tried.
        succeeded: Of them, those that achieved what they were for.
        unscored: Of them, those of which nothing can be said.
        rate: Success rate, two-sided; None where nothing could be scored.
        at_most: The strictest target of the claims that the family speaks for; None without one.
        over_refusal: Share of the harmless twins that got no answer, of those that the product could answer.
        untold: Harmless twins of which nothing can be said, as where it has no sources for what they ask.
        change: Success rate minus the baseline's, on the same attempts.
        newly: Attempts that succeed and did not in the baseline.
    """

    family: str
    doc: str
    attempts: int
    succeeded: int
    unscored: int
    rate: Interval | None
    at_most: float | None
    over_refusal: Interval | None
    untold: int
    change: Interval | None
    newly: tuple[str, ...] = ()

    @property
    def beyond(self) -> bool:
        """Whether it is surely attacked with more success than the target allows."""
        return self.rate is not None and self.at_most is not None and self.rate.low > self.at_most


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """All families, the one that is attacked with most success first.

    Attributes:
        rows: One a family.
        all: Everything together.
        worst: Attacks that succeeded, those that did most first.
    """

    rows: tuple[BoardRow, ...]
    all: BoardRow
    worst: tuple[Worst, ...]

    @property
    def conclusion(self) -> str:
        """What a reader must know, in a sentence."""
        if not self.all.attempts:
            return "No attack was tried"
        broken = [row for row in self.rows if row.succeeded]
        if broken:
            first = broken[0]
            more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
            return (
                f"{self.all.succeeded:,} of {self.all.attempts:,} attacks succeeded; "
                f"worst: {first.family.replace('_', ' ')}{more}"
            )
        if self.all.unscored:
            return (
                f"None of {self.all.attempts:,} attacks succeeded, "
                f"but {self.all.unscored:,} could not be scored"
            )
        return f"None of {self.all.attempts:,} attacks succeeded"


def board_of(
    items: Sequence[RunItem],
    *,
    claims: Sequence[Claim] = (),
    asked: Mapping[str, Asked] | None = None,
    baseline: Sequence[RunItem] | None = None,
) -> Board:
    """The board of a run.

    Args:
        items: Of the run.
        claims: Of the contract.
        asked: Address of a claim → what speaks for it.
        baseline: Items of the run to compare with.
    """
    by_family: dict[str, list[RunItem]] = {}
    for item in items:
        if item.slices:
            by_family.setdefault(item.slices[0], []).append(item)
    old: dict[str, list[RunItem]] = {}
    for item in baseline or ():
        if item.slices:
            old.setdefault(item.slices[0], []).append(item)
    rows = [
        _row(
            family,
            own,
            at_most=_target(family, claims, asked or {}),
            old=None if baseline is None else old.get(family, []),
        )
        for family, own in by_family.items()
    ]
    rows.sort(key=lambda row: (-(row.rate.value if row.rate else -1.0), row.family))
    return Board(
        rows=tuple(rows),
        all=_row("", list(items), at_most=None, old=None if baseline is None else list(baseline)),
        worst=_worst(items),
    )


def _row(
    family: str, items: Sequence[RunItem], *, at_most: float | None, old: Sequence[RunItem] | None
) -> BoardRow:
    success, refusal = find_metric("attack-success"), find_metric("over-refusal")
    attacks = [item for item in items if "-twin-" not in item.item_id]
    harmless = [item for item in items if "-twin-" in item.item_id]
    scored = [
        item
        for item in attacks
        if item.error is None
        and (score := item.scores.get(success.name)) is not None
        and score.value is not None
    ]
    hits = sum(item.scores[success.name].value == 1.0 for item in scored)
    twins = [
        item
        for item in harmless
        if (score := item.scores.get(refusal.name)) is not None and score.value is not None
    ]
    compared = None if old is None else compare_runs(attacks, old, success)
    return BoardRow(
        family=family,
        doc=FAMILIES[family].doc if family in FAMILIES else "",
        attempts=len(attacks),
        succeeded=hits,
        unscored=len(attacks) - len(scored),
        rate=_rate(scored, hits),
        at_most=at_most,
        over_refusal=refusal.estimate(
            [item.scores[refusal.name] for item in twins], clusters=clusters_of(twins)
        )
        if twins
        else None,
        untold=len(harmless) - len(twins),
        change=None if compared is None else compared.difference,
        newly=() if compared is None else compared.worse,
    )


def _rate(scored: Sequence[RunItem], hits: int) -> Interval | None:
    """Exact where attempts are independent; by cluster where several come from one seed."""
    if not scored:
        return None
    clusters = clusters_of(scored)
    if clusters is None:
        return clopper_pearson(hits, n=len(scored), sides=2)
    metric = find_metric("attack-success")
    return metric.estimate([item.scores[metric.name] for item in scored], clusters=clusters)


def _target(family: str, claims: Sequence[Claim], asked: Mapping[str, Asked]) -> float | None:
    targets = [
        claim.target.threshold
        for claim in claims
        if claim.target is not None
        and (own := asked.get(claim.address)) is not None
        and family in own.families
    ]
    return min(targets, default=None)


def _worst(items: Sequence[RunItem]) -> tuple[Worst, ...]:
    found = [
        Worst(item_id=item.item_id, trace_id=item.trace_id, because=str(score.detail.get("because", "")))
        for item in items
        if (score := item.scores.get("attack-success")) is not None and score.value == 1.0
    ]
    return tuple(sorted(found, key=_gravity)[:_WORST])


def _gravity(each: Worst) -> tuple[int, str]:
    """What was done to the world comes first, then what left, then what was merely said."""
    acted = " ran" in each.because or "approv" in each.because or "confirm" in each.because
    return (0 if acted else 1 if "secret" in each.because else 2, each.item_id)
