"""How far apart groups fare on a run, as evidence for the claims about gaps. Pure; times are aware.

May import ``contract``, ``evidence``, ``metrics``, ``records`` and this room. The bounds are those of
``launchworthy.metrics.report_groups``: of all pairs of groups at once, never of the largest alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from launchworthy.contract import Claim, ClaimKind
from launchworthy.evals.comparison import clusters_of
from launchworthy.evals.coverage import metric_of
from launchworthy.evals.judging.judged import judged_again, judged_name
from launchworthy.evals.run_evidence import Holdout, RunContext
from launchworthy.evidence import Evidence
from launchworthy.metrics import GroupReport, report_groups, widest
from launchworthy.metrics.scored import Scored
from launchworthy.metrics.scores import Scores
from launchworthy.records import Run, RunItem

__all__ = ["gap_evidence"]


def gap_evidence(
    claims: Sequence[Claim],
    run: Run,
    items: Iterable[RunItem],
    *,
    now: datetime,
    holdout: Holdout | None = None,
) -> list[Evidence]:
    """One piece for each claim about the gap of a quality metric that the run was scored with.

    An item is in a group by its slice ``field:value``, such as ``language:de``. Groups with fewer scored
    items than the contract's ``min_group`` are left out and named. The gap of what a judge scores is not
    measured, since its errors may differ between groups.
    """
    holdout = holdout or Holdout()
    proving = [item for item in items if holdout.ids is None or item.item_id in holdout.ids]
    found = []
    for claim in claims:
        own = _compared(claim, claims, workflow=run.workflow) if _is_gap(claim) else None
        if own is None:
            continue
        judge, metric = own.options.get("judge"), metric_of(own)
        if judge is not None:
            metric = judged_again(judged_name(own.metric, judge), "")
            if any(each.partition("|")[0] == metric.name for each in run.scorers):
                reason = f"the judge {judge} may err more often on one group than on another"
                context = RunContext(claim=claim, run=run, metric=metric, now=now, holdout=holdout)
                found.append(context.evidence(None, None, detail={"reason": reason}))
        elif metric is not None and metric.signature in run.scorers:
            context = RunContext(claim=claim, run=run, metric=metric, now=now, holdout=holdout)
            found.append(_measured(context, proving))
    return found


def _is_gap(claim: Claim) -> bool:
    return claim.kind is ClaimKind.BOUND and (claim.family, claim.metric) == ("fairness", "gap")


def _compared(gap: Claim, claims: Iterable[Claim], *, workflow: str) -> Claim | None:
    """The quality claim that a gap is of, in this workflow; its address stands with or without workflow."""
    product, of = gap.address.partition("/")[0], gap.options["of"]
    names = (f"{product}/{of}", f"{product}/{workflow}/{of}")
    of_quality = (claim for claim in claims if claim.family == "quality" and claim.kind is ClaimKind.BOUND)
    return next(
        (claim for claim in of_quality if claim.address in names and claim.workflow == workflow), None
    )


def _measured(context: RunContext, items: Sequence[RunItem]) -> Evidence:
    claim, name = context.claim, context.metric.name
    fields: Sequence[str] = claim.options.get("groups") or ()
    least = int(claim.options.get("min_group") or 1)
    prefixes = tuple(f"{field}:" for field in fields)
    grouped = [
        item
        for item in items
        if any(each.startswith(prefixes) for each in item.slices) and (item.error or name in item.scores)
    ]
    scored = [item for item in grouped if item.error is None and item.scores[name].value is not None]
    unscored = len(grouped) - len(scored)
    sizes: dict[str, list[int]] = {}
    for place, item in enumerate(scored):
        for slice_ in item.slices:
            if slice_.startswith(prefixes):
                sizes.setdefault(slice_, []).append(place)
    small = {group: len(places) for group, places in sorted(sizes.items()) if len(places) < least}
    detail: dict[str, Any] = {"of": context.metric.signature, "min_group": least}
    if small:
        detail["too_small"] = small
    reports = _reports(
        context, scored, {group: sizes[group] for group in sorted(sizes.keys() - small)}, prefixes
    )
    worst = widest(reports)
    if worst is None or worst.gap is None:
        listed = ", ".join(fields) or "no field"
        detail["reason"] = f"no two groups of {listed} with {least:,} scored items each could be measured"
        return context.evidence(None, None, unscored=unscored, detail=detail)
    detail |= {
        "highest": worst.highest,
        "lowest": worst.lowest,
        "groups": {
            group.name: None if group.value is None else {"value": group.value.value, "n": group.value.n}
            for report in reports
            for group in report.groups
        },
    }
    return context.evidence(None, worst.gap, unscored=unscored, detail=detail)


def _reports(
    context: RunContext, items: Sequence[RunItem], groups: dict[str, list[int]], prefixes: Sequence[str]
) -> list[GroupReport]:
    """A report for each field that has two groups at least; all keep the claim's confidence together."""
    import numpy as np

    by_field = [
        {name: np.array(places) for name, places in groups.items() if name.startswith(prefix)}
        for prefix in prefixes
    ]
    compared = [slices for slices in by_field if len(slices) > 1]
    names = clusters_of(items)
    scores = Scores.of([item.scores[context.metric.name] for item in items]) if compared else None
    return [
        report_groups(
            context.metric,
            Scored(scores=scores, clusters=None if names is None else [*names], slices=slices),
            level=context.claim.confidence,
            share=len(compared),
        )
        for slices in compared
        if scores is not None
    ]
