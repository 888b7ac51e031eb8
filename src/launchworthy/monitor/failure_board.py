"""The board of failure modes: how often users say so, where that is going, and what is being done.

May import ``contract``, ``evidence``, ``records``, ``stats`` and this room.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from launchworthy.contract import Contract
from launchworthy.contract.failure_modes import FailureMode, failure_modes
from launchworthy.evidence import Evidence
from launchworthy.evidence.rates import compared, rate_of
from launchworthy.monitor.cures import Period, calls_sql
from launchworthy.monitor.sample import Sample, share
from launchworthy.monitor.scene import Bind, Query
from launchworthy.records.incident import FailureRow, Incident, IncidentState, Rate

__all__ = ["failure_board"]

_WEEKS, _RECENT = 8, 4
_LEVEL = 0.95
_FEW = 30


def failure_board(
    contract: Contract,
    incidents: Iterable[Incident],
    *,
    evidence: Iterable[Evidence],
    query: Query,
    now: datetime,
) -> list[FailureRow]:
    """One row a failure mode, in the contract's order.

    Args:
        contract: What may go wrong.
        incidents: Of its product.
        evidence: Of its product, oldest first.
        query: Answers one SELECT over the records.
        now: End of the newest week.
    """
    known = list(incidents)
    measured = {piece.claim: rate for piece in evidence if (rate := rate_of(piece)) is not None}
    return [
        _row(contract.product, mode, known, measured.get(mode.watched_by), query=query, now=now)
        for mode in failure_modes(contract)
    ]


def _row(
    product: str,
    mode: FailureMode,
    known: Sequence[Incident],
    measured: Rate | None,
    *,
    query: Query,
    now: datetime,
) -> FailureRow:
    own = [
        each
        for each in known
        if each.failure_mode == mode.name and each.address.split("/")[1:2] in ([], [mode.workflow])
    ]
    own += [each for each in known if each.failure_mode is None and each.address == mode.watched_by]
    cured = [each for each in own if each.verified and each.state is IncidentState.CLOSED]
    days = [(each.closed_at - each.opened_at).total_seconds() / 86_400.0 for each in cured if each.closed_at]
    weeks = _weeks(product, mode, query=query, now=now)
    rate = _rate(product, mode, query=query, now=now, newest=True)
    earlier = _rate(product, mode, query=query, now=now, newest=False)
    trend = compared(
        mode.name, earlier, rate, where="production", less_is_better=True, level=_LEVEL, few=_FEW
    )
    return FailureRow(
        workflow=mode.workflow,
        name=mode.name,
        kind=mode.failure.kind,
        severity=mode.failure.severity,
        watched_by=mode.watched_by,
        clicks=tuple(clicks for clicks, _ in weeks),
        calls=tuple(calls for _, calls in weeks),
        rate=rate,
        measured=measured,
        trend=trend if trend.low is not None else None,
        open=sum(each.state is IncidentState.OPEN for each in own),
        watched=sum(each.state is IncidentState.WATCHED for each in own),
        cured=len(cured),
        days_to_cure=statistics.median(days) if days else None,
    )


def _weeks(product: str, mode: FailureMode, *, query: Query, now: datetime) -> list[tuple[int, int]]:
    """Clicks and calls of each week, the oldest first."""
    bind = Bind()
    since = now - timedelta(weeks=_WEEKS)
    calls = calls_sql(bind, Period(since=since, until=now), product=product, workflow=mode.workflow)
    week_ns = 7 * 86_400 * 1_000_000_000
    start = bind(int(since.timestamp()) * 1_000_000_000)
    rows = query(
        f"SELECT least((began - {start}) // {week_ns}, {_WEEKS - 1}) AS week, count(*) AS calls,"
        f" count(*) FILTER (trace IN ({_said(bind, product, mode)})) AS clicks FROM ({calls}) GROUP BY week",
        bind.values,
    )
    found = {row["week"]: (row["clicks"], row["calls"]) for row in rows}
    return [found.get(week, (0, 0)) for week in range(_WEEKS)]


def _rate(product: str, mode: FailureMode, *, query: Query, now: datetime, newest: bool) -> Rate | None:
    bind = Bind()
    middle = now - timedelta(weeks=_RECENT)
    period = (
        Period(since=middle, until=now)
        if newest
        else Period(since=now - timedelta(weeks=_WEEKS), until=middle)
    )
    calls = calls_sql(bind, period, product=product, workflow=mode.workflow)
    sample = Sample(
        sql="SELECT unit, trace, began, sim,"
        f" coalesce(trace IN ({_said(bind, product, mode)}), false)::DOUBLE AS x FROM ({calls})",
        parameters=bind.values,
        noun="call",
    )
    found = share(query, sample, level=_LEVEL, bad=1).interval
    if found is None:
        return None
    return Rate(value=found.value, low=found.low, high=found.high, n=found.n)


def _said(bind: Bind, product: str, mode: FailureMode) -> str:
    """SELECT of the traces of which users said this."""
    return (
        f"SELECT trace_id FROM feedback WHERE product = {bind(product)} AND reason = {bind(mode.name)}"
        " AND trace_id IS NOT NULL"
    )
