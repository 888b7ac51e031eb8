"""How long an item waits for a person, in the queue of approvals. May import ``evidence`` and this room.

The server that keeps the queue tells when a call was asked for and when somebody decided first. What still
waits has waited as long as it has; what was withdrawn waits for nobody.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from launchworthy.evidence import Evidence
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Sample, quantile
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.records import OF_THE_QUEUE

__all__ = ["MEASURES"]

_PERCENTILE = re.compile(r"queue_wait_p(?P<percent>[1-9]\d?(\.\d{1,3})?)")
_APPROVAL = "CASE WHEN json_valid(facts) THEN json_extract_string(facts, '$.approval') END"


def _waited(ask: Ask) -> Evidence | None:
    match = _PERCENTILE.fullmatch(ask.metric)
    if match is None:
        return None
    bind = Bind()
    until = bind(ask.until_ns)
    of_workflow = "true" if ask.workflow is None else f"workflow = {bind(ask.workflow)}"
    sample = Sample(
        sql="SELECT approval AS unit, trace, asked AS began, sim,"
        f" (coalesce(decided, {until}) - asked) / 1e6 AS x FROM (SELECT {_APPROVAL} AS approval,"
        " any_value(trace_id) AS trace, min(time) FILTER (outcome = 'requested') AS asked,"
        " min(time) FILTER (outcome IN ('approved', 'rejected', 'edited', 'expired')) AS decided,"
        " bool_or(outcome = 'withdrawn') AS gone, coalesce(bool_or(simulated), false) AS sim FROM decisions"
        f" WHERE product = {bind(ask.scene.product)} AND kind = 'approval' AND {of_workflow}"
        f" AND event_id LIKE '{OF_THE_QUEUE}%' AND time < {until} GROUP BY 1)"
        f" WHERE approval IS NOT NULL AND asked >= {bind(ask.since_ns)}"
        " AND (decided IS NOT NULL OR NOT gone)",
        parameters=bind.values,
        noun="call that waited",
    )
    q = float(match["percent"]) / 100.0
    found = quantile(ask.scene.query, sample, q=q, level=ask.claim.confidence, unit="ms")
    return evidence_of(ask, found, release=False) or nothing(
        ask, "no call was put into the queue of approvals", noun="call", release=False
    )


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {"bound:reliability/queue_wait_p*": _waited}
