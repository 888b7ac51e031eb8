"""What a run proves of a contract's quality claims. Pure; times are aware.

May import ``contract``, ``evidence``, ``metrics``, ``records`` and this room. Latency and cost of a run are
shown, but are no evidence for claims about the live product: a test machine is not the world.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from launchworthy.contract import Claim, ClaimKind
from launchworthy.evals.comparison import clusters_of, compare_runs, item_value
from launchworthy.evals.coverage import metrics_of
from launchworthy.evals.piece import piece
from launchworthy.evidence import Evidence
from launchworthy.evidence.judgement import FULL_COUNT
from launchworthy.metrics import Metric
from launchworthy.records import Run, RunItem, Score
from launchworthy.stats import Interval

__all__ = ["Holdout", "RunContext", "is_asked_for", "run_evidence", "slices_of", "sort_items", "worst_items"]

_WORST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdout:
    """The part of a run that may prove something.

    Attributes:
        ids: Ids of its items; None where the gold set keeps no holdout, and every item counts.
        looks: Readings so far, this run's among them.
        budget: Readings that the contract allows; None if it names none.
    """

    ids: Collection[str] | None = None
    looks: int = 0
    budget: int | None = None


def run_evidence(
    claims: Iterable[Claim],
    run: Run,
    items: Sequence[RunItem],
    *,
    now: datetime,
    metrics: Mapping[str, Metric] | None = None,
    holdout: Holdout | None = None,
    baseline: tuple[Run, Sequence[RunItem]] | None = None,
) -> list[Evidence]:
    """One piece for every claim that the run can speak for; for "every slice", one for each slice.

    Args:
        claims: Claims of the contract; those that it was not scored for are passed over.
        run: Header of the run.
        items: Its items.
        now: When the measurement is made.
        metrics: Metric by address of the claim; those that ``metrics_of`` finds if None.
        holdout: Which items may prove something, and how worn they are.
        baseline: Run and items to compare with, for claims of kind delta.
    """
    holdout = holdout or Holdout()
    proving = [item for item in items if holdout.ids is None or item.item_id in holdout.ids]
    claims = list(claims)
    metrics = metrics_of(claims, workflow=run.workflow) if metrics is None else metrics
    found = []
    for claim in claims:
        metric = metrics.get(claim.address)
        if metric is None or metric.signature not in run.scorers:
            continue
        context = RunContext(claim=claim, run=run, metric=metric, now=now, holdout=holdout)
        for slice_ in slices_of(claim, proving, metric):
            part = [item for item in proving if slice_ is None or slice_ in item.slices]
            if claim.kind is not ClaimKind.DELTA:
                found.append(_measured(context, slice_, part))
            elif baseline is not None and is_asked_for(claim, baseline[0]):
                found.append(_compared(context, slice_, part, *_side(baseline, slice_, items, holdout)))
    if proving:
        found += [_made(claim, run, n=len(proving), now=now) for claim in claims if _is_of_runs(claim)]
    return found


def _is_of_runs(claim: Claim) -> bool:
    """Whether a claim asks how old the newest run of the release is."""
    return (claim.kind, claim.family, claim.metric) == (ClaimKind.FRESH, "proof", "run")


def _made(claim: Claim, run: Run, *, n: int, now: datetime) -> Evidence:
    """That this run was made, and when: its age grows from here."""
    made = run.finished_at or now
    age_ms = max(0.0, (now - made).total_seconds() * 1_000)
    return piece(
        claim,
        run,
        now=now,
        value=age_ms,
        low=age_ms,
        high=age_ms,
        n=n,
        unit="ms",
        unit_of_analysis="run",
        method=FULL_COUNT,
        detail={"finished_at": made.isoformat()},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """A claim, the run and metric that speak for it, and what every piece of evidence says of them."""

    claim: Claim
    run: Run
    metric: Metric
    now: datetime
    holdout: Holdout

    def evidence(self, slice_: str | None, interval: Interval | None, **fields: Any) -> Evidence:
        detail = {
            "split": "holdout" if self.holdout.ids is not None else self.run.split,
            "metric": self.metric.signature,
            **fields.pop("detail"),
            **self._remarks(),
        }
        measured: dict[str, Any] = {"unit": self.metric.unit}
        if interval is not None:
            measured = {
                "value": interval.value,
                "low": interval.low,
                "high": interval.high,
                "n": interval.n,
                "unit": interval.unit
                if self.claim.family == "fairness"
                else interval.unit or self.metric.unit,
                "method": interval.method,
                "sample": dict(interval.sample),
            }
        return piece(self.claim, self.run, now=self.now, slice=slice_, detail=detail, **measured, **fields)

    def _remarks(self) -> dict[str, Any]:
        if self.holdout.ids is None:
            return {"remark": "the gold set keeps no holdout: what was tuned on is also what proves"}
        told: dict[str, Any] = {"holdout_looks": self.holdout.looks}
        if self.holdout.budget is not None:
            told["holdout_budget"] = self.holdout.budget
            if self.holdout.looks > self.holdout.budget:
                told["remark"] = (
                    f"the holdout was read {self.holdout.looks} times and its budget is "
                    f"{self.holdout.budget}: it may have been learnt; refresh the gold set"
                )
        return told


def is_asked_for(claim: Claim, baseline: Run) -> bool:
    """Whether this is the baseline that the claim names; which release is launched, the caller knows."""
    against = claim.options.get("against")
    return against in (None, "launched", baseline.release, baseline.config.get("release_label"))


def slices_of(claim: Claim, items: Sequence[RunItem], metric: Metric) -> list[str | None]:
    """The slice a claim is about; for every slice those declared, else all that the metric could judge."""
    if claim.slice != "*":
        return [claim.slice]
    if claim.options.get("slices"):
        return [*claim.options["slices"]]
    judged = (item for item in items if item.error is not None or metric.name in item.scores)
    return [*sorted({name for item in judged for name in item.slices})]


@dataclass(slots=True)
class _Sorted:
    """Items of one part: with a score, without one and why, and without a truth to score by."""

    scored: list[tuple[RunItem, Score]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    outside: int = 0


def sort_items(items: Sequence[RunItem], name: str) -> _Sorted:
    """Items by whether they have the score of this name, and why not."""
    told = _Sorted()
    for item in items:
        score = item.scores.get(name)
        if item.error is not None:
            told.reasons[f"no answer: {item.error[:120]}"] += 1
        elif score is None:
            told.outside += 1
        elif score.value is None:
            told.reasons[(score.error or "no value")[:120]] += 1
        else:
            told.scored.append((item, score))
    return told


def _measured(context: RunContext, slice_: str | None, items: Sequence[RunItem]) -> Evidence:
    metric = context.metric
    told = sort_items(items, metric.name)
    clusters = clusters_of([item for item, _ in told.scored])
    interval = metric.estimate(
        [score for _, score in told.scored],
        level=context.claim.confidence,
        sides=1,
        clusters=clusters,
    )
    unscored = told.reasons.total()
    detail: dict[str, Any] = {
        "items": len(items),
        "outside": told.outside,
        "worst": worst_items(metric, told.scored),
    }
    if told.reasons:
        detail["unscored_because"] = dict(told.reasons.most_common(5))
    if interval is None:
        detail["reason"] = _why_nothing(items, told, slice_)
    return context.evidence(
        slice_,
        interval,
        unscored=unscored,
        unit_of_analysis="item" if interval is None or clusters is None else "cluster",
        detail=detail,
    )


def _why_nothing(items: Sequence[RunItem], told: _Sorted, slice_: str | None) -> str:
    where = "the run" if slice_ is None else f"slice {slice_}"
    if not items:
        return f"{where} has no items"
    if told.reasons:
        return f"none of {len(items)} items of {where} could be scored: {told.reasons.most_common(1)[0][0]}"
    if told.scored:
        return f"what was scored on {where} does not determine it"
    return f"no item of {where} says what would be right"


def worst_items(metric: Metric, scored: Sequence[tuple[RunItem, Score]]) -> list[dict[str, Any]]:
    """The items furthest on the wrong side, down to their traces; the best value is never among them."""
    values = [(value, item) for item, score in scored if (value := item_value(metric, score)) is not None]
    if not values:
        return []
    sign = 1 if metric.higher_is_better else -1
    best = max(sign * value for value, _ in values)
    ranked = sorted(
        (sign * value, item.item_id, item.trace_id) for value, item in values if sign * value < best
    )
    return [
        {"item": item_id, "value": sign * value, "trace": trace} for value, item_id, trace in ranked[:_WORST]
    ]


def _side(
    baseline: tuple[Run, Sequence[RunItem]], slice_: str | None, items: Sequence[RunItem], holdout: Holdout
) -> tuple[Run, list[RunItem]]:
    """The baseline's items that a part is compared with: the same ones, and those that it left out."""
    mine = {item.item_id: item for item in items}

    def belongs(item: RunItem) -> bool:
        here = mine.get(item.item_id, item)
        proves = holdout.ids is None or item.item_id in holdout.ids
        return proves and (slice_ is None or slice_ in here.slices)

    return baseline[0], [item for item in baseline[1] if belongs(item)]


def _compared(
    context: RunContext,
    slice_: str | None,
    items: Sequence[RunItem],
    baseline: Run,
    baseline_items: Sequence[RunItem],
) -> Evidence:
    found = compare_runs(
        items,
        baseline_items,
        context.metric,
        margin=context.claim.margin or 0.0,
        level=context.claim.confidence,
    )
    traces = {item.item_id: item.trace_id for item in items}
    detail: dict[str, Any] = {
        "baseline_run": baseline.id,
        "baseline_release": baseline.release,
        "candidate": found.candidate,
        "baseline": found.baseline,
        "better": len(found.better),
        "worse": [{"item": item, "trace": traces[item]} for item in found.worse[:_WORST]],
        "unpaired": found.unpaired,
    }
    if found.difference is None:
        detail["reason"] = "no item was scored in both runs"
    return context.evidence(
        slice_, found.difference, unscored=found.missing, unit_of_analysis="item", detail=detail
    )
