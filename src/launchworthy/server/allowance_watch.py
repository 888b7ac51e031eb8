"""Allowances that will not last: incidents that open before anybody is stopped, and end by themselves.

May import ``contract``, ``monitor``, ``records``, ``stats``, the store and ``server.incidents``. Whoever
passes an allowance is stopped; that it will be passed is known days before, from the pace of the spending.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from launchworthy.contract import Contract
from launchworthy.monitor.pacing import Pacing, pacing
from launchworthy.quantity import format_value
from launchworthy.records import incident_steps as steps
from launchworthy.records.incident import Incident, IncidentSource, IncidentState
from launchworthy.server.incidents import Incidents
from launchworthy.stats import Pace, normal_cdf, rolling_bound
from launchworthy.store import Store

__all__ = ["watch_allowances"]

_RESTS_ON_S = 7 * 86_400.0  # the level of a projection is that of the last week


def watch_allowances(contract: Contract, *, store: Store, incidents: Incidents, now: datetime) -> None:
    """Open an incident for each allowance that is shown not to last; end it where it lasts again.

    All of them together raise a false alarm in twice ``proof/false_alarm_every``, as the other windows of the
    product do.
    """
    limits = [name for each in contract.workflows.values() for name in each.limits.model_extra or {}]
    allowances = sum(name.endswith("_per_workflow") for name in limits)
    if not allowances:
        return
    every_s = contract.proof.false_alarm_every.value / 1e3
    bound = rolling_bound(max(1.0, 2.0 * allowances * every_s / _RESTS_ON_S))
    confidence = min(1.0 - 1e-12, 2.0 * normal_cdf(bound) - 1.0)
    for found in pacing(contract, query=store.query_alone, now=now, confidence=confidence):
        pace, key = found.pace, f"{found.rule}/pace"
        one = store.incidents.current(contract.product, key)
        is_open = one is not None and one.state is not IncidentState.CLOSED
        if pace is None or pace.spent > pace.most:
            continue  # that it is passed is another incident, of the calls that were stopped
        if pace.surely_passes_h < math.inf:
            if not is_open:
                incidents.open(
                    contract.product,
                    title=_title(found, pace, now),
                    source=IncidentSource.BUDGET,
                    address=found.rule,
                    key=key,
                    facts={
                        "spent": pace.spent,
                        "most": pace.most,
                        "window_s": found.window_h * 3_600,
                        "passes_s": _finite(pace.passes_h),
                        "passes_at_the_latest_s": _finite(pace.surely_passes_h),
                        "days": pace.days,
                    },
                )
        elif is_open and one is not None and pace.passes_h == math.inf:
            incidents.step(contract.product, one.id, _lasts)


def _lasts(one: Incident, now: datetime) -> steps.Step:
    return steps.heard(one, text="at the pace of now it lasts again", now=now)


def _title(found: Pacing, pace: Pace, now: datetime) -> str:
    place = f"{found.workflow}/limits/{found.rule.rpartition('/')[2]}"
    spent = format_value(pace.spent, unit=found.unit)
    when = now + timedelta(hours=pace.passes_h)
    hours = format_value(pace.passes_h * 3.6e6, unit="ms")
    told = f"{spent} of {found.allowed} is spent; at this pace it is passed in {hours}, on {when:%Y-%m-%d}"
    return f"{place}: {told}"


def _finite(hours: float) -> float | None:
    return hours * 3_600 if math.isfinite(hours) else None
