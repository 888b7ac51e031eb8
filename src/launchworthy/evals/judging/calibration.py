"""How well a judge agrees with people, and the evidence of it. May import ``evidence``, ``stats``, this room.

The judge is shown what people labelled. What came out is bound to the judge's version: a calibration of
another rubric, model or label policy says nothing about this one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from launchworthy.capture.pricing import PriceTable
from launchworthy.contract import Claim
from launchworthy.evals.engine import Limits, Progress
from launchworthy.evals.judging.judge import Judge
from launchworthy.evals.judging.labels import Labels
from launchworthy.evals.judging.position import Bias, position_bias
from launchworthy.evals.judging.voting import Vote, ask_all
from launchworthy.evals.piece import PRODUCER
from launchworthy.evals.remembering import Cache
from launchworthy.evidence import Evidence
from launchworthy.stats import Interval, agreed_items, cohen_kappa

__all__ = ["Calibration", "Table", "calibrate", "calibration_evidence"]

_DISAGREEMENTS = 20
_FEWEST_DOUBLE = 30  # items with several labels that say how far people agree


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Items by what the judge and what people said.

    Attributes:
        grades: Grades of the scale, the worst first.
        counts: Items by (judge's grade, people's grade).
    """

    grades: tuple[float, ...]
    counts: Mapping[tuple[float, float], int]

    def rows(self) -> list[list[int]]:
        """Counts: a row for each grade of the judge, a column for each of people."""
        return [[self.counts.get((judge, human), 0) for human in self.grades] for judge in self.grades]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """One judge against people's labels.

    Attributes:
        judge: Who was calibrated.
        metric: The contract's metric it scores.
        table: Every item that both graded.
        kappa: Agreement beyond chance; weighted by the square of the distance where grades are ordered. None
            where it is not defined: one of them gave everything the same grade.
        agreed: Share of items on which both say the same.
        raters_agreed: Share of the items with several labels on which all people said the same.
        unscored: Items that the judge could not grade, by reason.
        divided: Items left out since people are divided.
        disagreed: Items on which the models of the panel did not all say the same.
        bias: Of the places in which pairs were shown; None for a judge of single answers.
        disagreements: Ids of items that judge and people grade apart, with both grades and the reasons.
        votes: What the judge said of each item.
        labels: What people said.
        cost_usd, tokens: What it took.
    """

    judge: Judge
    metric: str
    table: Table
    kappa: Interval | None
    agreed: Interval | None
    raters_agreed: Interval | None
    unscored: Mapping[str, int]
    divided: int
    disagreed: int
    bias: Bias | None
    disagreements: tuple[Mapping[str, Any], ...]
    votes: tuple[Vote, ...]
    labels: Labels
    cost_usd: float
    tokens: int

    @property
    def n(self) -> int:
        """Items that both graded."""
        return sum(self.table.counts.values())


def calibrate(
    judge: Judge,
    labels: Labels,
    *,
    metric: str,
    level: float = 0.95,
    sides: int = 2,
    cache: Cache | None = None,
    limits: Limits | None = None,
    prices: PriceTable | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Calibration:
    """Ask the judge about every labelled item, and compare.

    Raises:
        InputError: The judge cannot be asked: no key, or a ceiling that cannot be kept.
    """
    votes, spent = ask_all(
        judge,
        {item.id: item.material for item in labels.items},
        cache=cache,
        limits=limits,
        prices=prices,
        on_progress=on_progress,
    )
    human = {item.id: item.human for item in labels.items}
    graded = [(vote, vote.grade, human[vote.id]) for vote in votes if vote.grade is not None]
    pairs = [(own, other) for _, own, other in graded]
    apart = sorted(
        ((vote, own, other) for vote, own, other in graded if own != other),
        key=lambda each: (-abs(each[1] - each[2]), each[0].id),
    )
    return Calibration(
        judge=judge,
        metric=metric,
        table=Table(grades=judge.scale.grades, counts=Counter(pairs)),
        kappa=_kappa(judge, pairs, level=level, sides=sides),
        agreed=agreed_items(pairs, level=level) if pairs else None,
        raters_agreed=agreed_items([item.raters for item in labels.items], level=level),
        unscored=Counter(vote.error or "no grade" for vote in votes if vote.grade is None),
        divided=labels.divided,
        disagreed=sum(vote.grade is not None and not vote.agreed for vote in votes),
        bias=position_bias(votes, level=level) if judge.is_pairwise else None,
        disagreements=tuple(
            {"id": vote.id, "judge": own, "human": other, "reasoning": vote.reasoning}
            for vote, own, other in apart[:_DISAGREEMENTS]
        ),
        votes=tuple(votes),
        labels=labels,
        cost_usd=spent.cost_usd,
        tokens=spent.tokens,
    )


def _kappa(
    judge: Judge, pairs: Sequence[tuple[float, float]], *, level: float, sides: int
) -> Interval | None:
    if not pairs:
        return None
    return cohen_kappa(
        [own for own, _ in pairs],
        second=[other for _, other in pairs],
        weights="quadratic" if judge.scale.ordered else None,
        level=level,
        sides=sides,
    )


def calibration_evidence(claim: Claim, found: Calibration, *, now: datetime) -> Evidence:
    """Evidence for the claim that the judge agrees with people; each bound holds with the claim's confidence.

    It carries what a correction needs: how often each pair of grades came, and the labels of items that were
    drawn from a run.
    """
    kappa = found.kappa
    graded = {vote.id: vote.grade for vote in found.votes if vote.grade is not None}
    drawn: dict[str, dict[str, float]] = {}
    for item in found.labels.items:
        if item.run is not None and item.item is not None:
            drawn.setdefault(item.run, {})[item.item] = item.human
    elsewhere = Counter((graded[item.id], item.human) for item in found.labels.items if item.id in graded)
    needed = int(claim.options.get("labels") or 0)
    detail: dict[str, Any] = {
        "judge": {
            "version": found.judge.version.id,
            "parts": dict(found.judge.version.parts),
            "models": [model.model for model in found.judge.models],
            "scale": found.judge.scale.name,
        },
        "metric": found.metric,
        "labels": found.labels.digest[:16],
        "pairs": [[own, other, count] for (own, other), count in sorted(elsewhere.items())],
        "divided": found.divided,
        "panel_disagreed": found.disagreed,
        # The judge's reasons may quote what was asked: they stay out of a ledger that forgets nothing.
        "disagreements": [
            {name: each[name] for name in ("id", "judge", "human")} for each in found.disagreements
        ],
    }
    if drawn:
        detail["drawn"] = drawn
    if found.agreed is not None:
        detail["same_grade_share"] = found.agreed.value
    if found.raters_agreed is not None:
        detail["raters_agreed_share"] = found.raters_agreed.value
        if found.raters_agreed.n >= _FEWEST_DOUBLE:
            # What caps a target is how far people agree: where the judge errs is corrected.
            detail["agreed_share"] = found.raters_agreed.value
    if found.bias is not None:
        detail["position_bias"] = found.bias.as_json()
    if found.unscored:
        detail["unscored_because"] = dict(Counter(found.unscored).most_common(5))
    measured: dict[str, Any] = {}
    if kappa is None:
        detail["reason"] = (
            "the judge graded nothing that people labelled"
            if not found.n
            else "judge or people gave everything one grade, so agreement beyond chance is not defined"
        )
    elif found.n < needed:
        detail["reason"] = f"calibrated on {found.n:,} labelled items, and {needed:,} are asked for"
    else:
        measured = {
            "value": kappa.value,
            "low": kappa.low,
            "high": kappa.high,
            "sample": dict(kappa.sample),
            "method": kappa.method,
        }
    return Evidence(
        claim=claim.address,
        kind=claim.kind,
        confidence=claim.confidence,
        n=found.n,
        unit="" if claim.target is None else claim.target.unit,
        unit_of_analysis="item",
        unscored=sum(found.unscored.values()),
        source=f"judge:{found.judge.name}@{found.judge.version.id}",
        producer=PRODUCER,
        observed_at=now,
        detail=detail,
        **measured,
    )
