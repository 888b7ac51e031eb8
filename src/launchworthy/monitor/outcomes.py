"""What came of it for the user: successes, handings-over, time until it was settled.

May import ``contract``, ``evidence`` and this room. What no event tells is not known: without a single event
of its name an outcome is not measured, since nobody can tell "never" from "not recorded".
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from launchworthy.contract import Claim, ClaimKind, Direction
from launchworthy.evidence import Evidence
from launchworthy.monitor.amounts import amount_a_period, is_amount, share_of_amount
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Sample, mean, quantile, share
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.monitor.uses import Success, any_event, success_of, uses

__all__ = ["EVENTS", "MEASURES", "Came", "came_of", "outcome_claim"]

# Metric → names of the outcome events that tell it; any other metric is the event of its own name.
EVENTS: Mapping[str, tuple[str, ...]] = {
    "conversion": ("conversion", "converted"),
    "deflection": ("deflection", "deflected"),
    "escalation": ("escalation", "escalated"),
    "reopened": ("reopened",),
    "resolved": ("resolved",),
    "task_completion": ("task_completion", "task_completed"),
}
_COLUMNS = "unit, trace, began, sim"


def _told(ask: Ask, found: Success) -> Success:
    """With the horizon of the claim itself, where it has one."""
    own_ms = ask.claim.options.get("within_ms")
    return found if own_ms is None else replace(found, horizon_s=own_ms / 1e3)


def _settled(ask: Ask) -> Success:
    """What ``resolved`` and the times to it mean: the declared success, else the event of that name."""
    return success_of(ask) or Success(events=EVENTS["resolved"])


def _named(ask: Ask) -> Success:
    declared = success_of(ask)
    horizon_s = 0.0 if declared is None else declared.horizon_s
    return Success(events=EVENTS.get(ask.metric, (ask.metric,)), horizon_s=horizon_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """How the uses are told that came to an outcome.

    Attributes:
        success: The events that say so, and how long they may take.
        condition: SQL over a row of :func:`uses` that is true of those uses.
        bad: 1 where it is bad that it came, else 0.
    """

    success: Success
    condition: str
    bad: int


def outcome_claim(ask: Ask, address: str) -> Claim | None:
    """The claim about the outcome at an address, which stands with or without its workflow."""
    for claim in ask.scene.claims.values():
        if claim.kind is ClaimKind.BOUND and claim.family == "outcomes":
            path = claim.address.partition("/")[2]
            if address in (path, path.removeprefix(f"{claim.workflow}/")):
                return claim
    return None


def came_of(ask: Ask) -> Came | str:
    """How the uses that came to the outcome are told; why they cannot be, where they cannot."""
    told = _TELLS.get(ask.metric, _own)
    if ask.unit != "ratio" or ask.claim.options.get("of") is not None:
        return "it is measured as a share of uses, and the target asks for something else"
    found = told(ask)
    return found if isinstance(found, str) else replace(found, success=_told(ask, found.success))


def _share(ask: Ask) -> Evidence | None:
    of = ask.claim.options.get("of")
    if of is not None and ask.claim.family == "outcomes":
        return share_of_amount(ask, str(of))
    if is_amount(ask):
        return amount_a_period(ask)
    came = came_of(ask)
    return nothing(ask, came, noun="use") if isinstance(came, str) else _share_of_uses(ask, came)


def _share_of_uses(ask: Ask, came: Came) -> Evidence | None:
    success = came.success
    ask = ask.matured(success.horizon_s)
    bind = Bind()
    sample = Sample(
        sql=f"SELECT {_COLUMNS}, ({came.condition})::DOUBLE AS x FROM ({uses(ask, bind, success)})",
        parameters=bind.values,
        noun="use",
    )
    found = share(ask.scene.query, sample, level=ask.claim.confidence, bad=came.bad)
    told = {"events": list(success.events), "horizon_s": success.horizon_s}
    return evidence_of(ask, found, detail=told) or nothing(ask, success.too_young, noun="use")


def _resolved(ask: Ask) -> Came | str:
    success = _settled(ask)
    if not any_event(ask.matured(success.horizon_s), success.events):
        return f"no outcome {success.told} was recorded"
    return Came(success=success, condition="won IS NOT NULL AND NOT undone", bad=0)


def _event(ask: Ask) -> Came | str:
    success = _named(ask)
    if not any_event(ask.matured(success.horizon_s), success.events):
        return f"no outcome {success.told} was recorded"
    return Came(success=success, condition="won IS NOT NULL", bad=1 if ask.metric == "reopened" else 0)


def _own(ask: Ask) -> Came | str:
    """An event of the product's own; whether it is bad that it came, the target says."""
    success = _named(ask)
    if not any_event(ask.matured(success.horizon_s), success.events):
        return f"no outcome {success.told} was recorded"
    target = ask.claim.target
    bad = target is not None and target.direction is Direction.AT_MOST
    return Came(success=success, condition="won IS NOT NULL", bad=int(bad))


def _escalation(ask: Ask) -> Came | str:
    success = _named(ask)
    if not any_event(ask.matured(success.horizon_s), success.events) and not _any_routed(ask):
        return f"no outcome {success.told} was recorded, and no call was routed to a person"
    return Came(success=success, condition="won IS NOT NULL OR routed", bad=1)


def _deflection(ask: Ask) -> Came | str:
    success = _named(ask)
    if any_event(ask.matured(success.horizon_s), success.events):
        return Came(success=success, condition="won IS NOT NULL", bad=0)
    handed = replace(success, events=EVENTS["escalation"])
    if any_event(ask.matured(success.horizon_s), handed.events) or _any_routed(ask):
        return Came(success=handed, condition="won IS NULL AND NOT routed", bad=0)
    return f"no outcome {success.told} or {handed.told} was recorded, and no call was routed to a person"


def _any_routed(ask: Ask) -> bool:
    bind = Bind()
    found = ask.scene.query(
        f"SELECT count(*) AS n FROM ({ask.calls(bind)}) WHERE no_answer = 'route'", bind.values
    )
    return bool(found[0]["n"])


def _time_to(ask: Ask) -> Evidence | None:
    name = ask.metric.removeprefix("time_to_")
    settled = name in ("resolution", "completion")
    success = _settled(ask) if settled else Success(events=(name,))
    if ask.unit != "ms":
        return nothing(ask, "it is a time, and the target is none", noun="use")
    success = _told(ask, success)
    ask = ask.matured(success.horizon_s)
    bind = Bind()
    sample = Sample(
        sql=f"SELECT {_COLUMNS}, (won - began) / 1e6 AS x FROM ({uses(ask, bind, success)})"
        " WHERE won IS NOT NULL AND NOT undone",
        parameters=bind.values,
        noun="use",
    )
    told = {
        "events": list(success.events),
        "horizon_s": success.horizon_s,
        "remark": "of the uses that came to it; the others are in the share that did",
    }
    statistic = str(ask.claim.options.get("statistic") or "median")
    level = ask.claim.confidence
    if statistic == "mean":
        found = mean(ask.scene.query, sample, level=level, unit="ms")
    elif statistic == "median" or statistic.startswith("p"):
        q = 0.5 if statistic == "median" else float(statistic[1:]) / 100.0
        found = quantile(ask.scene.query, sample, q=q, level=level, unit="ms")
    else:
        return nothing(ask, f"a {statistic} of times is not measured", noun="use")
    return evidence_of(ask, found, detail=told) or nothing(
        ask, f"no outcome {success.told} was recorded", noun="use"
    )


def _known(ask: Ask) -> Evidence | None:
    """The share of uses of which any outcome is known, once they are old enough."""
    success = success_of(ask)
    if success is None:
        return None
    return _share_of_uses(ask, Came(success=_told(ask, success), condition="events > 0", bad=0))


_TELLS: Mapping[str, Callable[[Ask], Came | str]] = {
    "conversion": _event,
    "deflection": _deflection,
    "escalation": _escalation,
    "reopened": _event,
    "resolved": _resolved,
    "task_completion": _event,
}
MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {
    **{f"{kind}:outcomes/{name}": _share for name in _TELLS for kind in ("bound", "delta")},
    **{f"{kind}:outcomes/time_to_*": _time_to for kind in ("bound", "delta")},
    **{f"{kind}:outcomes/*": _share for kind in ("bound", "delta")},
    "cover:success/success": _known,
}
