"""How far apart groups fare on a run, as evidence for claims about gaps and ratios. Pure; times are aware.

May import ``contract``, ``evidence``, ``metrics``, ``records`` and this room, but nothing of ``judging``,
which builds on it. The bounds are those of ``launchworthy.metrics.group_report``: of all groups at once,
never of the most extreme alone. A gap is between the best and the worst group; a ratio is a group's over that
of all others: the highest where the target is ``at_most``, else the lowest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from launchworthy.contract import Claim, ClaimKind, Direction
from launchworthy.evals.comparison import clusters_of
from launchworthy.evals.coverage import metric_of
from launchworthy.evals.run_evidence import Holdout, RunContext
from launchworthy.evidence import Evidence
from launchworthy.metrics import between_groups, group_report
from launchworthy.metrics.scores import Scores
from launchworthy.records import Run, RunItem
from launchworthy.stats import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Grouped", "compared_claims", "gap_evidence", "group_evidence"]

Estimate = Callable[["NDArray[np.int64]", float], Interval | None]


def gap_evidence(
    claims: Sequence[Claim],
    run: Run,
    items: Iterable[RunItem],
    *,
    now: datetime,
    holdout: Holdout | None = None,
) -> list[Evidence]:
    """One piece for each claim about how groups compare in a quality metric that the run was scored with.

    An item is in a group by its slice ``field:value``, such as ``language:de``. Groups with fewer scored
    items than the contract's ``min_group`` are left out and named. What a judge scores is not among these:
    see ``judging``.
    """
    holdout = holdout or Holdout()
    proving = [item for item in items if holdout.ids is None or item.item_id in holdout.ids]
    found = []
    for claim, own in compared_claims(claims, workflow=run.workflow):
        metric = metric_of(own)
        if metric is None or metric.signature not in run.scorers:
            continue
        context = RunContext(claim=claim, run=run, metric=metric, now=now, holdout=holdout)
        groups = Grouped.of(claim, proving, name=metric.name)
        found.append(group_evidence(context, groups, _plain(context, groups)))
    return found


def compared_claims(claims: Sequence[Claim], *, workflow: str) -> Iterator[tuple[Claim, Claim]]:
    """Claims about groups, each with the quality claim of this workflow that it is of.

    An address in ``fairness`` stands with or without its workflow.
    """
    of_quality = {
        claim.address: claim
        for claim in claims
        if claim.family == "quality" and claim.kind is ClaimKind.BOUND and claim.workflow == workflow
    }
    for claim in claims:
        if claim.kind is not ClaimKind.BOUND or claim.family != "fairness":
            continue
        product, of = claim.address.partition("/")[0], claim.options["of"]
        own = of_quality.get(f"{product}/{of}") or of_quality.get(f"{product}/{workflow}/{of}")
        if own is not None:
            yield claim, own


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """Items of which the group is known.

    Attributes:
        fields: Fields that name groups.
        least: Scored items that a group takes to be compared.
        scored: Items with a score.
        unscored: How many have none, and may have had one.
        groups: Positions among ``scored`` by group, such as ``language:de``; those of enough items.
        small: Groups with fewer, and how many they have.
    """

    fields: tuple[str, ...]
    least: int
    scored: tuple[RunItem, ...]
    unscored: int
    groups: dict[str, list[int]]
    small: dict[str, int]

    @classmethod
    def of(
        cls,
        claim: Claim,
        items: Iterable[RunItem],
        *,
        name: str,
        counts: Callable[[RunItem], bool] | None = None,
    ) -> Grouped:
        """Sort items by group; ``counts`` says whether the score of this name, where there is one, counts."""
        fields = tuple(claim.options.get("groups") or ())
        prefixes, least = tuple(f"{field}:" for field in fields), int(claim.options.get("min_group") or 1)
        scored: list[RunItem] = []
        unscored, sizes = 0, dict[str, list[int]]()
        for item in items:
            mine = [slice_ for slice_ in item.slices if slice_.startswith(prefixes)]
            if not mine or not (item.error or name in item.scores):
                continue
            if item.error or item.scores[name].value is None or not (counts is None or counts(item)):
                unscored += 1
                continue
            for slice_ in mine:
                sizes.setdefault(slice_, []).append(len(scored))
            scored.append(item)
        return cls(
            fields=fields,
            least=least,
            scored=tuple(scored),
            unscored=unscored,
            groups={group: sizes[group] for group in sorted(sizes) if len(sizes[group]) >= least},
            small={group: len(sizes[group]) for group in sorted(sizes) if len(sizes[group]) < least},
        )

    def compared(self) -> list[dict[str, NDArray[np.int64]]]:
        """Groups of each field that has two at least."""
        import numpy as np

        by_field = (
            {name: np.array(at) for name, at in self.groups.items() if name.startswith(f"{field}:")}
            for field in self.fields
        )
        return [groups for groups in by_field if len(groups) > 1]


def _plain(context: RunContext, groups: Grouped) -> Estimate:
    names = clusters_of(groups.scored)
    scores = Scores.of([item.scores[context.metric.name] for item in groups.scored])

    def estimate(chosen: NDArray[np.int64], level: float) -> Interval | None:
        units = None if names is None else [names[at] for at in chosen.tolist()]
        return context.metric.estimate(scores.take(chosen), level=level, clusters=units)

    return estimate


def group_evidence(
    context: RunContext, groups: Grouped, estimate: Estimate, *, told: dict[str, Any] | None = None
) -> Evidence:
    """The gap or ratio that the claim asks for, with every group in the detail beside what is ``told``."""
    import numpy as np

    claim, compared = context.claim, groups.compared()
    detail: dict[str, Any] = {"of": context.metric.signature, "min_group": groups.least, **(told or {})}
    if groups.small:
        detail["too_small"] = groups.small
    reports = [
        group_report(
            context.metric,
            slices,
            measured=np.ones(len(groups.scored), dtype=bool),
            estimate=estimate,
            level=claim.confidence,
            share=len(compared),
        )
        for slices in compared
    ]
    detail["groups"] = {
        group.name: None if group.value is None else {"value": group.value.value, "n": group.value.n}
        for report in reports
        for group in report.groups
    }
    at_most = claim.target is None or claim.target.direction is Direction.AT_MOST
    between = between_groups(reports, ratio=claim.metric == "ratio", highest=at_most)
    if between is None:
        listed = ", ".join(groups.fields) or "no field"
        detail.setdefault(
            "reason",
            "the others' value is 0 or below, or a group could not be measured, so there is no ratio"
            if claim.metric == "ratio" and compared
            else f"no two groups of {listed} with {groups.least:,} scored items each could be measured",
        )
        return context.evidence(None, None, unscored=groups.unscored, detail=detail)
    found, names = between
    if claim.metric == "ratio" and claim.target is not None:
        found = replace(found, unit=claim.target.unit)  # a plain number, or per cent of what the others have
    return context.evidence(None, found, unscored=groups.unscored, detail=detail | names)
