"""From a measurement to evidence: the one place where records become a line of the ledger.

May import ``contract``, ``evidence`` and this room.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from launchworthy import __version__
from launchworthy.contract import ClaimKind
from launchworthy.evidence import Evidence
from launchworthy.monitor.sample import Measured
from launchworthy.monitor.scene import Ask

__all__ = ["evidence_of", "nothing", "piece"]

_PRODUCER = f"launchworthy.monitor {__version__}"
_DAY_S = 86_400.0


def evidence_of(
    ask: Ask, found: Measured, *, detail: Mapping[str, Any] | None = None, release: bool = True
) -> Evidence | None:
    """The measurement as evidence for the claim; None where there was no record at all to look at.

    Args:
        ask: What was asked.
        found: What was measured.
        detail: More for the reader.
        release: False for what does not depend on a release.
    """
    if not found.rows:
        return None
    told: dict[str, Any] = {
        "records": found.records,
        "of": found.row,
        "window_days": round((ask.until - ask.since).total_seconds() / _DAY_S, 4),
        "worst": list(found.worst),
        **(detail or {}),
    }
    if found.simulated:
        told["simulated_share"] = found.simulated / found.rows
    if found.effect is not None:
        told["design_effect"] = found.effect
    if found.unscored:
        told["unscored_because"] = {found.missing: found.unscored}
    interval, unscored = found.interval, found.unscored
    measured: dict[str, Any] = {}
    if interval is None:
        told.setdefault("reason", f"none of {found.rows:,}: {found.missing}")
    else:
        told["per_day"] = _per_day(ask, found, interval.n)
        if interval.n < found.records:
            # Units and records are not counted together: the share that is missing stays the same.
            unscored = math.ceil(found.unscored * interval.n / found.records)
            told["unscored_records"] = found.unscored
        measured = {
            "value": interval.value,
            "low": interval.low,
            "high": interval.high,
            "n": interval.n,
            "unit": interval.unit,
            "method": interval.method,
            "sample": dict(interval.sample),
        }
        if ask.claim.kind is ClaimKind.NEVER:
            measured |= {"low": None, "high": None}
        elif ask.claim.kind is ClaimKind.DELTA:
            measured |= _since_before(ask, measured, told)
    return piece(
        ask,
        release=release,
        unscored=unscored,
        unit_of_analysis=found.noun,
        simulated=found.simulated > 0,
        detail=told,
        **measured,
    )


def nothing(ask: Ask, reason: str, *, noun: str = "call", release: bool = True) -> Evidence | None:
    """Evidence that the claim could not be measured, though there are calls; None where there are none."""
    if not ask.known():
        return None
    return piece(ask, release=release, unit_of_analysis=noun, detail={"reason": reason})


def piece(ask: Ask, *, release: bool = True, **fields: Any) -> Evidence:
    """Evidence for the claim that is asked, of the window that was read, with these fields."""
    claim, now = ask.claim, ask.scene.now
    window = timedelta(seconds=min(ask.window_s, 1e9))
    return Evidence(
        claim=claim.address,
        kind=claim.kind,
        confidence=claim.confidence,
        release=ask.scene.release if release else None,
        slice=claim.slice,
        source=f"records:{ask.since:%Y-%m-%dT%H:%M:%SZ}/{ask.until:%Y-%m-%dT%H:%M:%SZ}",
        producer=_PRODUCER,
        observed_at=now,
        # A monitor is about now: it must be looked at again once its window has passed.
        valid_until=now + window if claim.family == "monitors" else None,
        **fields,
    )


def _per_day(ask: Ask, found: Measured, units: int) -> float:
    if found.first_ns is None:
        return 0.0
    span_s = max(_DAY_S, ask.until.timestamp() - found.first_ns / 1e9)
    return units / span_s * _DAY_S


def _since_before(ask: Ask, measured: Mapping[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """The difference to the old workflow, whose value the contract tells without an error of its own."""
    before = float(ask.claim.options["before"])
    told |= {"candidate": measured["value"], "baseline": before}
    return {
        **{name: measured[name] - before for name in ("value", "low", "high")},
        # Counts and points tell of the value itself, and would be read as those of the difference.
        "sample": {key: measured["sample"][key] for key in ("n", "items") if key in measured["sample"]},
    }
