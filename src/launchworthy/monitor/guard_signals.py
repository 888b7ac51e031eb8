"""Guards as signals of monitors: how many calls they hit, could not check, and how often they were wrong.

May import ``contract``, ``evidence`` and this room. A hit counts whether the guard acted or only watched:
what it would do is what the monitor is to warn of.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from launchworthy.evidence import Evidence
from launchworthy.monitor.guards import FALSE_POSITIVE, RIGHT
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Sample, share
from launchworthy.monitor.scene import Ask, Bind

__all__ = ["guard_signal"]

_OUTCOMES = {"guard_hits": "hit", "guard_unchecked": "could_not_check"}


def guard_signal(ask: Ask, signal: str) -> Evidence | None:
    """The share of calls that guards hit (``guard_hits``, or ``guards/NAME`` for one) or could not check
    (``guard_unchecked``), or of reviewed hits that people found wrong (``guard_overrides``); None for any
    other signal, or where nothing was recorded."""
    if signal == "guard_overrides":
        return _overrides(ask)
    if signal in _OUTCOMES:
        return _calls(ask, _OUTCOMES[signal])
    if signal.startswith("guards/"):
        return _calls(ask, "hit", rule=f"{ask.scene.product}/{signal}")
    return None


def _calls(ask: Ask, outcome: str, *, rule: str | None = None) -> Evidence | None:
    bind = Bind()
    calls = ask.calls(bind)
    of_rule = "" if rule is None else f" AND rule = {bind(rule)}"
    sample = Sample(
        sql="SELECT unit, trace_id AS trace, start_time AS began, sim, coalesce(trace_id IN (SELECT trace_id"
        f" FROM decisions WHERE product = {bind(ask.scene.product)} AND kind = 'guard'"
        f" AND outcome = {bind(outcome)} AND trace_id IS NOT NULL AND time >= {bind(ask.since_ns)}{of_rule}),"
        f" false)::DOUBLE AS x FROM ({calls})",
        parameters=bind.values,
        noun="call",
    )
    return evidence_of(ask, share(ask.scene.query, sample, level=ask.claim.confidence, bad=1))


def _overrides(ask: Ask) -> Evidence | None:
    bind = Bind()
    sample = Sample(
        sql="SELECT any_value(coalesce('u' || user_id, 's' || session_id, 't' || hex(trace_id), hit))"
        " AS unit, any_value(trace_id) AS trace, max(time) AS began, false AS sim,"
        f" (arg_max(outcome, time) = '{FALSE_POSITIVE}')::DOUBLE AS x FROM (SELECT *,"
        " json_extract_string(facts, '$.hit') AS hit FROM decisions WHERE kind = 'override'"
        f" AND product = {bind(ask.scene.product)} AND outcome IN ('{FALSE_POSITIVE}', '{RIGHT}')"
        f" AND time >= {bind(ask.since_ns)} AND time < {bind(ask.until_ns)})"
        " WHERE hit IS NOT NULL GROUP BY hit",
        parameters=bind.values,
        noun="hit",
    )
    found = evidence_of(ask, share(ask.scene.query, sample, level=ask.claim.confidence, bad=1))
    return found or nothing(ask, "nobody has looked at a hit of a guard", noun="hit")
