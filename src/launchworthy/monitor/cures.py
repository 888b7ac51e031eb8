"""Whether a fix helped in production: how often it failed before and since, with bounds of the difference.

May import ``contract``, ``evidence``, ``records``, ``stats`` and this room. The rate is that of calls that
passed the limit, else what the claim that watches the failure measures, else the share of calls of which
users say that this was wrong.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from launchworthy.contract import Claim, ClaimKind, Direction
from launchworthy.evidence.rates import compared, rate_of
from launchworthy.monitor.measuring import measure
from launchworthy.monitor.sample import Measured, Sample, share
from launchworthy.monitor.scene import UNIT, Bind, Query
from launchworthy.records import MARKED_CALL, ROOT, no_evaluation
from launchworthy.records.incident import Proof, Rate

__all__ = ["Failing", "Period", "calls_in", "calls_sql", "production_proof"]

_FEW = 30  # units after a fix, below which nothing is said of a rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Calls of one release (any, where it is None) in a stretch of time."""

    since: datetime
    until: datetime
    release: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """What is counted as the failure.

    Attributes:
        address: Of the claim or limit.
        failure_mode: What users call it, as their feedback is recorded.
        workflow: Where it happens; None: anywhere.
        decided: It is counted by decisions that name the address as their rule.
    """

    address: str
    failure_mode: str | None
    workflow: str | None
    decided: bool


def calls_in(query: Query, period: Period, *, product: str, workflow: str | None) -> dict[str | None, int]:
    """How many calls there were of each release; of one release where the period names it."""
    bind = Bind()
    sql = calls_sql(bind, period, product=product, workflow=workflow)
    rows = query(f"SELECT release, count(*) AS n FROM ({sql}) GROUP BY release", bind.values)
    return {row["release"]: row["n"] for row in rows}


def production_proof(
    failing: Failing,
    *,
    before: Period,
    after: Period,
    claims: Iterable[Claim],
    product: str,
    query: Query,
    level: float,
) -> Proof:
    """The rates before and after, and whether the second is shown to be better.

    Args:
        failing: What is counted.
        before, after: When, and of which release.
        claims: Claims of the contract.
        product: Whose records.
        query: Answers one SELECT over the records.
        level: At which each bound holds.
    """
    known = list(claims)
    if failing.decided:
        rule = failing.address
        told = f"calls that passed {rule.removeprefix(f'{product}/')}"
        return _shares("decisions", "rule", rule, told, failing, before, after, product, query, level)
    claim = next((each for each in known if each.address == failing.address and each.slice is None), None)
    proof = None
    if claim is not None and claim.kind in (ClaimKind.BOUND, ClaimKind.COVER):
        proof = _measured(claim, known, before, after, product=product, query=query, level=level)
        if proof.before is not None:
            return proof
    if failing.failure_mode:
        told = f"calls of which users say {failing.failure_mode.replace('_', ' ')}"
        clicks = _shares(
            "feedback", "reason", failing.failure_mode, told, failing, before, after, product, query, level
        )
        if proof is None or (clicks.before is not None and clicks.before.value > 0):
            return clicks
    return proof or Proof(where="production", reason="no record tells how often it happens")


def _measured(
    claim: Claim,
    known: Sequence[Claim],
    before: Period,
    after: Period,
    *,
    product: str,
    query: Query,
    level: float,
) -> Proof:
    rates: list[Rate | None] = []
    reason = ""
    for period in (before, after):
        seconds = max(1.0, (period.until - period.since).total_seconds())
        options = dict(claim.options)
        if claim.family == "monitors":
            options["window_ms"] = seconds * 1e3
        own = replace(claim, valid_for_s=seconds, confidence=level, options=options)
        found = [
            piece
            for piece in measure(
                # The others only say what one line needs of another: nobody measures them here.
                [own, *(replace(each, prover="nobody") for each in known if each is not claim)],
                product=product,
                query=query,
                release=period.release,
                now=period.until,
            )
            if piece.claim == claim.address
        ]
        rate = rate_of(found[0]) if found else None
        if rate is None and found:
            reason = reason or str(found[0].detail.get("reason", ""))
        rates.append(rate)
    less = claim.target is not None and claim.target.direction is Direction.AT_MOST
    what = claim.address.removeprefix(f"{product}/")
    proof = compared(what, rates[0], rates[1], where="production", less_is_better=less, level=level, few=_FEW)
    if proof.fallen and rates[1] is not None and _still_broken(claim, rates[1]):
        return replace(proof, fallen=None, reason=f"{proof.reason}; it is still worse than promised")
    return replace(proof, reason=reason) if reason and proof.fallen is None and None in rates else proof


def _still_broken(claim: Claim, since: Rate) -> bool:
    """Whether the rate since the fix is shown to be beyond the target."""
    if claim.target is None:
        return False
    at_most = claim.target.direction is Direction.AT_MOST
    return since.low > claim.target.threshold if at_most else since.high < claim.target.threshold


def _shares(
    table: str,
    column: str,
    value: str,
    what: str,
    failing: Failing,
    before: Period,
    after: Period,
    product: str,
    query: Query,
    level: float,
) -> Proof:
    """Shares of calls of which a decision or a user's click tells that it failed."""
    rates = []
    for period in (before, after):
        bind = Bind()
        calls = calls_sql(bind, period, product=product, workflow=failing.workflow)
        sample = Sample(
            sql=f"SELECT unit, trace, began, sim, coalesce(trace IN (SELECT trace_id FROM {table}"
            f" WHERE product = {bind(product)} AND {column} = {bind(value)} AND trace_id IS NOT NULL), false)"
            f"::DOUBLE AS x FROM ({calls})",
            parameters=bind.values,
            noun="call",
        )
        rates.append(_rate(share(query, sample, level=level, bad=1), period))
    return compared(what, rates[0], rates[1], where="production", less_is_better=True, level=level, few=_FEW)


def calls_sql(bind: Bind, period: Period, *, product: str, workflow: str | None) -> str:
    """SELECT of the calls of a period: spans of kind workflow, or roots where there are none."""
    name = bind(product)
    of = f" AND workflow = {bind(workflow)}" if workflow else ""
    release = f" AND release = {bind(period.release)}" if period.release else ""
    since, until = bind(_ns(period.since)), bind(_ns(period.until))
    own = f"SELECT count(*) FROM spans WHERE product = {name}{of} AND {MARKED_CALL} AND start_time >= {since}"
    return (
        f"SELECT {UNIT} AS unit, trace_id AS trace, start_time AS began, release,"
        f" coalesce(simulated, false) AS sim FROM spans WHERE product = {name}{of}{release}"
        f" AND start_time >= {since} AND start_time < {until} AND {no_evaluation(name)}"
        f" AND CASE WHEN ({own}) > 0 THEN {MARKED_CALL} ELSE {ROOT} END"
    )


def _rate(found: Measured, period: Period) -> Rate | None:
    if found.interval is None:
        return None
    return Rate(
        value=found.interval.value,
        low=found.interval.low,
        high=found.interval.high,
        n=found.interval.n,
        source=f"records:{period.since:%Y-%m-%dT%H:%M:%SZ}/{period.until:%Y-%m-%dT%H:%M:%SZ}",
    )


def _ns(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() * 1e6) * 1_000
