"""Claims of one workflow. May import this room only."""

from __future__ import annotations

from typing import Any

from launchworthy.contract.claim import ClaimKind, Direction, Target
from launchworthy.contract.draft import (
    Draft,
    canonical_unit,
    label_sources,
    margin_of,
    side,
    told_margin,
    words,
)
from launchworthy.contract.model.measures import Line
from launchworthy.contract.model.workflow import FAMILIES, CostParts, Workflow
from launchworthy.quantity import Quantity, format_value

__all__ = ["workflow_claims"]

_TOLD = ("statistic", "of", "judge", "weight", "positive", "pattern")


def workflow_claims(draft: Draft, name: str, workflow: Workflow) -> None:
    """Write every claim of a workflow, in the order of the language."""
    _job(draft, name, workflow)
    for family in FAMILIES:
        for metric, line in getattr(workflow, family).items():
            _target(draft, name, family, metric, line)
    _enforced(draft, name, workflow)


def _job(draft: Draft, name: str, workflow: Workflow) -> None:
    if workflow.frequency is not None:
        draft.bound(
            "frequency", Direction.AT_LEAST, workflow.frequency, subject=f"use of {name}", workflow=name
        )
    if workflow.after:
        shown = f" ({_listed(workflow.shows)})" if workflow.shows else ""
        decider = f" and what {words(workflow.decides)} decided" if workflow.decides else ""
        draft.cover(
            "after",
            subject=f"{{share}} of calls of {name} record what was shown{shown}{decider}",
            workflow=name,
            options={"shows": workflow.shows, "decides": workflow.decides},
        )
    if workflow.hides:
        draft.never(
            "hides",
            f"nobody sees {_listed(workflow.hides)} in {name} before having decided",
            workflow=name,
            options={"hides": workflow.hides},
        )
    if workflow.editable:
        draft.cover(
            "editable",
            subject=f"{{share}} of edits of {_listed(workflow.editable)} in {name} are kept",
            workflow=name,
        )
    if workflow.waits:
        draft.cover(
            "waits",
            subject=f"{{share}} of calls of {name} hide their wait by {_listed(workflow.waits)}",
            workflow=name,
            options={"waits": workflow.waits},
        )
    if workflow.predicts is not None:
        predicts = workflow.predicts
        horizon = f" after {predicts.horizon}" if predicts.horizon else ""
        draft.cover(
            "predicts",
            subject=f"{{share}} of predictions of {words(predicts.label)} have their settled label{horizon}",
            workflow=name,
            options={
                "label": predicts.label,
                "base_rate": _value(predicts.base_rate),
                "horizon_ms": _value(predicts.horizon),
                "label_sources": _told_by(draft, workflow),
                "threshold": draft.contract.release.threshold and draft.contract.release.threshold.value,
            },
        )
    if workflow.decide is not None:
        draft.add(
            ClaimKind.DELTA,
            "decide",
            f"the threshold of {name} costs no more than the best one on the holdout",
            workflow=name,
            target=Target(direction=Direction.AT_MOST, threshold=0.0, unit="ratio"),
            margin=draft.contract.proof.margin.value,
            options={
                "bands": workflow.decide.bands,
                "costs": tuple(workflow.decide.costs),
                "prices": {name: _price(cost) for name, cost in workflow.decide.costs.items()},
            },
        )
        for action, rate in workflow.decide.capacity.items():
            draft.never(
                f"decide/capacity/{action}",
                f"{name} never asks people for more than {rate} of {action}",
                workflow=name,
                options={"limit": rate.value, "unit": rate.unit},
            )
    if workflow.success is not None:
        success = workflow.success
        when = success.within or success.matures
        draft.cover(
            "success",
            subject=f"{{share}} of uses of {name} tell whether {words(success.event)} came"
            + (f" within {when}" if when else ""),
            workflow=name,
            options={
                "event": success.event,
                "unless": success.unless,
                "within_ms": _value(success.within),
                "matures_ms": _value(success.matures),
            },
        )
    conditions = workflow.no_answer.conditions
    routed = conditions or {"otherwise": "refuse"}
    draft.never(
        "no_answer",
        f"{name} never answers otherwise than declared when it has no good answer ("
        + ", ".join(f"{words(condition)}: {policy}" for condition, policy in routed.items())
        + ")",
        workflow=name,
        options={"conditions": routed, "route_to": workflow.no_answer.route_to},
    )


def _told_by(draft: Draft, workflow: Workflow) -> tuple[dict[str, Any], ...]:
    """What says in the end what was right: the sources of labels, else the label's or the success's event."""
    known = label_sources(draft.contract, draft.contract.labels.sources)
    if known or workflow.predicts is None:
        return known
    success = workflow.success
    names = [workflow.predicts.label, *([success.event] if success is not None else [])]
    return label_sources(draft.contract, names)


def _target(draft: Draft, workflow: str, family: str, metric: str, line: Line) -> None:
    path, threshold = f"{family}/{metric}", line.threshold
    unit = canonical_unit(family, metric, threshold)
    extra = {key: getattr(line, key, None) for key in _TOLD}
    extra["schema"] = getattr(line, "schema_", None)
    extra["options"] = getattr(line, "options", None) or None
    for key in ("within", "before"):
        extra[key if key == "before" else f"{key}_ms"] = _value(getattr(line, key, None))
    statistic = f"{extra['statistic']} " if extra["statistic"] else ""
    weighed = f", weighed by {words(str(extra['weight']))}," if extra["weight"] else ""
    slice_ = getattr(line, "slice", None)
    on = f" on {words(slice_)}" if slice_ else ""
    subject = f"{statistic}{words(metric)} of {workflow}{on}{weighed}"
    common: dict[str, Any] = {"workflow": workflow, "family": family, "metric": metric, "line": path}
    draft.bound(
        path, line.direction, threshold, unit=unit, subject=subject, slice_=slice_, options=extra, **common
    )
    every = getattr(line, "every_slice", None)
    if every is not None:
        slices = tuple(draft.contract.gold_of(workflow).slices)
        shown = Quantity(every.value, unit)
        draft.add(
            ClaimKind.BOUND,
            f"{path}/every_slice",
            f"{words(metric)} of {workflow} is {side(line.direction, shown)} in every slice",
            target=Target(direction=line.direction, threshold=every.value, unit=unit),
            slice_="*",
            options={**extra, "slices": slices},
            **common,
        )
    before = getattr(line, "before", None)
    if before is not None:
        better = "above" if line.direction is Direction.AT_LEAST else "below"
        draft.add(
            ClaimKind.DELTA,
            f"{path}/change",
            f"{subject} is {better} the {format_value(before.value, unit=unit)} of before",
            target=Target(direction=line.direction, threshold=before.value, unit=unit),
            slice_=slice_,
            options={**extra, "against": "before"},
            **common,
        )
    baseline = draft.contract.proof.baseline
    if family == "quality" and baseline is not None:
        _against_baseline(draft, metric, line, subject, unit, baseline, slice_, extra, common)


def _against_baseline(
    draft: Draft,
    metric: str,
    line: Line,
    subject: str,
    unit: str,
    baseline: str,
    slice_: str | None,
    extra: dict[str, Any],
    common: dict[str, Any],
) -> None:
    margin = margin_of(draft.contract, line, unit)
    draft.add(
        ClaimKind.DELTA,
        f"quality/{metric}/baseline",
        f"{subject} is no more than {told_margin(margin)} worse than {words(baseline)}",
        target=Target(direction=line.direction, threshold=line.threshold.value, unit=unit),
        margin=margin.value,
        slice_=slice_,
        options={**extra, "against": baseline},
        **common,
    )


def _enforced(draft: Draft, name: str, workflow: Workflow) -> None:
    limits = {
        field: getattr(workflow.limits, field) for field in ("timeout", "cost_per_action", "turns", "steps")
    } | dict(workflow.limits.model_extra or {})
    for limit, value in limits.items():
        if value is None:
            continue
        quantity = value if isinstance(value, Quantity) else Quantity(float(value))
        draft.never(
            f"limits/{limit}",
            f"{words(limit)} of {name} never goes beyond {quantity} without an incident",
            workflow=name,
            options={"limit": quantity.value, "unit": quantity.unit},
        )
    for number, fallback in enumerate(workflow.fallbacks):
        draft.drill(
            f"fallbacks/{_slug(fallback)}",
            f"when what comes before it fails, {name} falls back to {words(fallback)}",
            workflow=name,
            line="fallbacks",
            metric=_slug(fallback),
            options={"order": number + 1},
        )


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() or c in "_.@-" else "-" for c in text)


def _price(cost: Quantity | CostParts) -> dict[str, float | None]:
    """What an error costs: a share of the amount, and a fixed sum."""
    if isinstance(cost, Quantity):
        return {"amount": None, "fixed": cost.value}
    return {"amount": _value(cost.amount), "fixed": _value(cost.fixed)}


def _value(quantity: Quantity | None) -> float | None:
    return None if quantity is None else quantity.value


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(words(name) for name in names)
