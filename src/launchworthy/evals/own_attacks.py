"""Attacks of a product's own, kept as gold items: how often they succeed. Pure; times are aware.

May import ``contract``, ``evidence``, ``metrics``, ``records`` and this room. An event of abuse that no
family of attacks speaks for, such as card testing, is played by the items of the slice of its name: one
succeeds where the decision about it is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from launchworthy.contract import Claim, ClaimKind
from launchworthy.evals.comparison import clusters_of
from launchworthy.evals.report import metrics_of_run
from launchworthy.evals.run_evidence import Holdout, RunContext, sort_items
from launchworthy.evidence import Evidence
from launchworthy.metrics import Metric, find_metric
from launchworthy.records import Run, RunItem, Score

__all__ = ["own_attack_evidence"]

# Metrics whose value of an item is whether the decision about it was right, the first that was scored counts.
_RIGHT = ("accuracy", "recall", "precision", "f1", "recall-by-weight", "precision-by-weight", "exact-match")


def own_attack_evidence(
    claims: Iterable[Claim],
    run: Run,
    items: Iterable[RunItem],
    *,
    now: datetime,
    holdout: Holdout | None = None,
) -> list[Evidence]:
    """One piece for each claim ``abuse/NAME`` whose slice the run has items of, attempt by attempt."""
    from launchworthy.evals.redteam.families import families_of

    holdout = holdout or Holdout()
    proving = [item for item in items if holdout.ids is None or item.item_id in holdout.ids]
    metric = next((each for name in _RIGHT for each in metrics_of_run(run) if each.name == name), None)
    found = []
    for claim in claims:
        if (claim.family, claim.kind) != ("abuse", ClaimKind.BOUND) or families_of(claim.metric) is not None:
            continue
        attempts = [item for item in proving if claim.metric in item.slices]
        if metric is not None and attempts:
            context = RunContext(claim=claim, run=run, metric=metric, now=now, holdout=holdout)
            found.append(_attempted(context, attempts, metric))
    return found


def _attempted(context: RunContext, attempts: Sequence[RunItem], metric: Metric) -> Evidence:
    told = sort_items(attempts, metric.name)
    failed = [(item, score) for item, score in told.scored if score.value != 1.0]
    interval = find_metric("attack-success").estimate(
        [Score(value=float(score.value != 1.0)) for _, score in told.scored],
        level=context.claim.confidence,
        sides=1,
        clusters=clusters_of([item for item, _ in told.scored]),
    )
    detail = {
        "attempts": len(attempts),
        "worst": [{"item": item.item_id, "value": 1.0, "trace": item.trace_id} for item, _ in failed[:20]],
        "decided_by": metric.name,
    }
    if told.reasons:
        detail["unscored_because"] = dict(told.reasons.most_common(5))
    if interval is None:
        detail["reason"] = f"none of {len(attempts):,} attempts of {context.claim.metric} could be scored"
    return context.evidence(
        None,
        interval,
        unscored=told.reasons.total(),
        unit_of_analysis="attempt",
        detail=detail,
    )
