"""What opens incidents by itself, and what closes them: overruns, broken promises, silence, and proven fixes.

May import every room below ``server``. It looks after each measurement. Everything here may be repeated: an
incident is opened once per key, and a process that ends in between opens it when it looks next.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from launchworthy.contract import Claim, ClaimKind, Direction
from launchworthy.errors import LaunchworthyError
from launchworthy.evals.cures import offline_proof
from launchworthy.evidence import AuditFilter, Evidence, State
from launchworthy.evidence.judgement import judge
from launchworthy.evidence.selection import expiry
from launchworthy.evidence.wording import measured_text
from launchworthy.monitor.burning import Burning, burning
from launchworthy.monitor.cures import Failing, Period, calls_in, production_proof
from launchworthy.monitor.incidents import INCIDENT, closing_of, overruns
from launchworthy.monitor.incidents import Incident as Overrun
from launchworthy.monitor.incidents import incidents as read_overruns
from launchworthy.quantity import format_value
from launchworthy.records import incident_steps as steps
from launchworthy.records.incident import (
    Fix,
    Incident,
    IncidentSource,
    IncidentState,
    Proof,
    Verification,
    Was,
)
from launchworthy.server.alarm_rate import is_sure, windows_of
from launchworthy.server.allowance_watch import watch_allowances
from launchworthy.server.contracts import Contracts
from launchworthy.server.incidents import Incidents
from launchworthy.server.judging import Judge
from launchworthy.stats import Burn
from launchworthy.store import Clock, Store
from launchworthy.store.moments import to_ns

__all__ = ["IncidentWatch"]

_log = logging.getLogger("launchworthy.server")

FIRST_LOOK, MOST_LOOKS = 50, 12  # calls since a fix at which it is looked at, then at twice as many each time
_DAYS_LOOKED = 90  # a proven fix is looked at once a day, for so long
_LEVEL = 0.95
_RECENT = timedelta(days=7)
_LEAST_WINDOW = timedelta(days=1)
_MOST_CLOSINGS = 1_000
_PRODUCER = "launchworthy.monitor"
# What the product does to its users and its data; how well it is measured is the verdict's affair.
_LOSSES = frozenset(
    ("data", "economics", "fairness", "gold", "guards", "limits", "monitors", "no_answer", "outcomes",
     "quality", "reliability", "tools", "trust")
)  # fmt: skip
_BY_FAMILY = {"guards": IncidentSource.GUARD, "data": IncidentSource.GUARD, "tools": IncidentSource.GUARD}


class IncidentWatch:
    """Looks at one product after the other.

    Args:
        store: Records, runs, evidence, incidents.
        contracts: What is promised.
        judge: What is met and what is not.
        incidents: Opens them.
        clock: The moment.
    """

    def __init__(
        self, store: Store, *, contracts: Contracts, judge: Judge, incidents: Incidents, clock: Clock
    ) -> None:
        self._store, self._contracts, self._judge = store, contracts, judge
        self._incidents, self._clock = incidents, clock
        self._earlier: dict[str, list[Incident]] = {}

    def look(self, product: str) -> None:
        """Open what is due, close what is proven; where one part fails the others are still done."""
        parts = (self.overran, self.spending, self.burning, self.broken, self.silent, self.cured)
        for part in parts:
            try:
                part(product)
            except LaunchworthyError as error:
                _log.warning("incidents of %s (%s): %s", product, part.__name__, error)

    def failed(self, product: str, error: Exception) -> None:
        """Looking itself failed: what is not looked at is not known to be well."""
        self._incidents.open(
            product,
            title=f"nothing watches {product}: measuring failed ({type(error).__name__})",
            source=IncidentSource.MONITOR,
            address="monitors",
            key="measuring failed",
            severity="high",
            facts={"error": type(error).__name__},
        )

    def earlier(self, product: str) -> list[Incident]:
        """Incidents that were closed before incidents were kept, as the chain and records tell of them."""
        held = self._earlier.get(product)
        if held is None:
            entries = self._store.ledger.newest_entries(
                product, where=AuditFilter(kind=INCIDENT), who=None, before=None, limit=_MOST_CLOSINGS
            )
            closings = [closing for each in entries if (closing := closing_of(each.body)) is not None]
            found = read_overruns(self._store.query, product=product, closings=closings) if closings else ()
            held = [_earlier(each, product) for each in found if each.closed is not None]
            self._earlier[product] = held
        return held

    def overran(self, product: str) -> None:
        """Calls that passed a limit, or were stopped at one."""
        closed = {each.key: to_ns(each.closed_at) for each in self.earlier(product) if each.closed_at}
        now = self._clock()
        kept: dict[str, Incident | None] = {}

        def starts(rule: str) -> int:
            one = kept[rule] = self._store.incidents.current(product, rule)
            if one is None:
                return closed.get(rule, 0)
            if one.state is not IncidentState.CLOSED:
                return to_ns(one.opened_at) - 1
            return to_ns(one.closed_at or one.last_at)

        for found in overruns(self._store.query, product=product, starts=starts):
            one = kept[found.rule]
            if one is not None and (
                (one.state is IncidentState.CLOSED and one.may_return(now))
                or (one.state is not IncidentState.CLOSED and one.count == found.calls)
            ):
                continue  # whether a fix holds is a matter of rates, not of one call
            self._incidents.open(
                product,
                title=_overran(found, product),
                source=IncidentSource.BUDGET,
                address=found.rule,
                key=found.rule,
                failure_mode=found.failure_mode,
                traces=found.traces,
                facts={"calls": found.calls, "stopped": found.stopped},
                first_at=found.opened_at,
                last_at=found.last_at,
                count=found.calls,
            )

    def spending(self, product: str) -> None:
        """Allowances that are shown not to last."""
        known = self._contracts.in_force(product)
        if known is not None:
            watch_allowances(known.contract, store=self._store, incidents=self._incidents, now=self._clock())

    def burning(self, product: str) -> None:
        """Promises of which so many calls are bad that their budget ends before its time."""
        known = self._contracts.in_force(product)
        if known is None:
            return
        now, serving = self._clock(), self._judge.serving(product)
        if not serving:
            return
        release, taken_back = max(serving, key=lambda each: serving[each]), self._taken_back(product)
        for found in burning(
            self._judge.claims(known),
            product=product,
            query=self._store.query_alone,
            release=release,
            now=now,
        ):
            if (release, found.claim.address) in taken_back:
                continue
            worst = found.worst
            one = self._store.incidents.current(product, found.claim.address)
            if worst is None or (
                one is not None and one.state is IncidentState.OPEN and "factor" in one.facts
            ):
                continue  # one that goes on is one incident
            if one is not None and _is_judged(one, now):
                continue
            self._incidents.open(
                product,
                title=_burning(found, worst, product),
                source=IncidentSource.BUDGET,
                address=found.claim.address,
                traces=found.traces,
                release=release,
                facts={
                    "rate": worst.long_rate,
                    "short_rate": worst.short_rate,
                    "factor": worst.window.factor,
                    "window_s": worst.window.long_s,
                    "used": found.used,
                    "ends_s": worst.ends_s if worst.ends_s < 1e12 else None,
                },
            )

    def broken(self, product: str) -> None:
        """Promises that records of what is served show not to be kept."""
        known = self._contracts.in_force(product)
        if known is None:
            return
        now = self._clock()
        serving = self._judge.serving(product)
        newest = {
            (piece.claim, piece.release): piece
            for piece in self._store.ledger.evidence(product)
            if piece.producer.startswith(_PRODUCER)
        }
        order = [None, *sorted(serving, key=lambda each: -serving[each])]
        taken_back = self._taken_back(product)
        self._unserved(product, serving)
        watched = [claim for claim in self._judge.claims(known) if claim.family in _LOSSES]
        windows, every_s = windows_of(watched), known.contract.proof.false_alarm_every.value / 1e3
        for claim in watched:
            pieces = (newest.get((claim.address, release)) for release in order)
            piece = next(
                (
                    each
                    for each in pieces
                    if each is not None
                    and (each.release, claim.address) not in taken_back
                    and _unmet(claim, each, now)
                    and is_sure(claim, each, windows=windows, false_alarm_s=every_s)
                ),
                None,
            )
            if piece is None:
                continue
            one = self._store.incidents.current(product, claim.address)
            title = _broken(claim, piece, product)
            if one is not None and _is_judged(one, now):
                # A window that holds calls from before the fix says nothing of it; one that holds none does.
                if one.fix is not None and _began(piece) >= one.fix.at:
                    self._incidents.step(product, one.id, partial(_broken_again, title, piece))
                continue
            self._incidents.open(
                product,
                title=title,
                source=_source(claim),
                address=claim.address,
                traces=_traces(piece),
                release=piece.release,
                facts={
                    "value": piece.value,
                    "low": piece.low,
                    "high": piece.high,
                    "n": piece.n,
                    "unit": piece.unit,
                    "evidence": piece.id,
                    **_carried(piece),
                },
                count=None if one is None or one.state is IncidentState.CLOSED else one.count,
            )

    def _taken_back(self, product: str) -> set[tuple[str | None, str]]:
        """Releases that were taken back for a claim, each with its claim: what records still hold of them has
        its incident, which is not over or was cured lately.
        """
        now = self._clock()
        return {
            (one.release, one.address)
            for one in self._store.incidents.listed(product, states=())
            if one.source is IncidentSource.ROLLBACK
            and (one.state is not IncidentState.CLOSED or one.may_return(now))
        }

    def _unserved(self, product: str, serving: Mapping[str, float]) -> None:
        """Say of what is open that nobody has its release any more: that cures nothing, and it stays open."""
        if not serving:
            return  # nothing is heard of any release
        for one in self._store.incidents.listed(product, states=(IncidentState.OPEN,)):
            if one.release is not None and one.release not in serving and "not_served" not in one.facts:
                self._incidents.step(product, one.id, _gone)

    def silent(self, product: str) -> None:
        """Monitors that once heard something and hear nothing now: that is no zero, and no good news."""
        known = self._contracts.in_force(product)
        if known is None:
            return
        now = self._clock()
        heard: dict[str, datetime] = {}
        for piece in self._store.ledger.evidence(product):
            if piece.value is not None:
                heard[piece.claim] = max(piece.observed_at, heard.get(piece.claim, piece.observed_at))
        quiet = [
            claim
            for claim in self._judge.claims(known)
            if claim.family == "monitors"
            and claim.kind is ClaimKind.BOUND
            and claim.address in heard
            and now - heard[claim.address] > _window(claim)
        ]
        key = f"{product}/monitors"
        one = self._store.incidents.current(product, key)
        if quiet:
            names = ", ".join(claim.address.rpartition("/")[2] for claim in quiet)
            last = max(heard[claim.address] for claim in quiet)
            who = f"the monitor {names} hears" if len(quiet) == 1 else f"the monitors {names} hear"
            self._incidents.open(
                product,
                title=f"{who} nothing since {last:%Y-%m-%d %H:%M} UTC; nobody knows how it is",
                source=IncidentSource.MONITOR,
                address=key,
                key=key,
                facts={"silent": [claim.address for claim in quiet], "since": last.isoformat()},
                count=None if one is None or one.state is IncidentState.CLOSED else one.count,
            )
        elif one is not None and one.state is not IncidentState.CLOSED:
            self._incidents.step(
                product, one.id, lambda it, at: steps.heard(it, text="records come again", now=at)
            )

    def cured(self, product: str) -> None:
        """Fixes that are due to be looked at."""
        known = self._contracts.in_force(product)
        claims = () if known is None else self._judge.claims(known)
        states = (IncidentState.WATCHED, IncidentState.CLOSED)
        now = self._clock()
        for one in self._store.incidents.listed(product, states=states):
            fix = one.fix
            if fix is None:
                continue
            look = self._first if one.state is IncidentState.WATCHED else self._again
            found = look(one, fix, claims, now)
            if found is not None:
                self._incidents.step(product, one.id, partial(_verified, found))

    def _first(
        self, one: Incident, fix: Fix, claims: tuple[Claim, ...], now: datetime
    ) -> Verification | None:
        """The next look at a watched fix; None where it is not due, or all are done."""
        done = 0 if one.verification is None else one.verification.looks
        after = Period(since=fix.at, until=now, release=fix.release)
        calls = calls_in(self._store.query, after, product=one.product, workflow=_workflow(one, claims))
        looks = _looks_at(sum(calls.values()))
        if done >= MOST_LOOKS or looks <= done:
            return self._asked_since(one, fix, claims, now)
        level = 1.0 - (1.0 - _LEVEL) / MOST_LOOKS
        production = self._production(one, fix, claims, until=now, level=level)
        proofs = [production]
        if fix.gold_items:
            proofs.append(self._offline(one, fix, claims))
        return Verification(
            at=now,
            verified=all(proof.fallen is True for proof in proofs),
            returned=production.fallen is False,
            looks=min(looks, MOST_LOOKS),
            proofs=tuple(proofs),
        )

    def _asked_since(
        self, one: Incident, fix: Fix, claims: tuple[Claim, ...], now: datetime
    ) -> Verification | None:
        """What a run that came since the newest look adds, where production has shown its part: no further
        look at production is spent on it.
        """
        held = one.verification
        if held is None or not fix.gold_items or held.proofs[0].fallen is not True:
            return None
        offline = self._offline(one, fix, claims)
        if offline.fallen is not True:
            return None
        return replace(held, at=now, verified=True, proofs=(held.proofs[0], offline))

    def _offline(self, one: Incident, fix: Fix, claims: tuple[Claim, ...]) -> Proof:
        return offline_proof(
            fix,
            claims=claims,
            address=one.address,
            product=one.product,
            store=self._store.runs,
            level=_LEVEL,
            failed_in=one.release,
        )

    def _again(
        self, one: Incident, fix: Fix, claims: tuple[Claim, ...], now: datetime
    ) -> Verification | None:
        """Whether a proven fix still holds, once a day; None where it is not due."""
        last = one.checked_at or one.closed_at
        if not one.verified or not one.may_return(now) or last is None or now - last < timedelta(days=1):
            return None
        held = one.verification
        then = None if held is None else next((p for p in held.proofs if p.where == "production"), None)
        if then is None or then.after is None or held is None:
            return None
        level = 1.0 - (1.0 - _LEVEL) / _DAYS_LOOKED
        recent = Period(since=max(held.at, now - _RECENT), until=now, release=fix.release)
        proof = self._compared(
            one, claims, Period(since=fix.at, until=held.at, release=fix.release), recent, level
        )
        returned = proof.fallen is False
        return Verification(
            at=now, verified=not returned, returned=returned, looks=held.looks, proofs=(proof,)
        )

    def _production(
        self, one: Incident, fix: Fix, claims: tuple[Claim, ...], *, until: datetime, level: float
    ) -> Proof:
        claim = next((each for each in claims if each.address == one.address), None)
        began = one.opened_at - (_LEAST_WINDOW if claim is None else _window(claim))
        before = Period(since=began, until=fix.at, release=one.release)
        after = Period(since=fix.at, until=until, release=fix.release)
        return self._compared(one, claims, before, after, level)

    def _compared(
        self, one: Incident, claims: tuple[Claim, ...], before: Period, after: Period, level: float
    ) -> Proof:
        workflow = _workflow(one, claims)
        decided = one.source is IncidentSource.BUDGET and "/limits/" in one.address
        if not decided:
            # What a claim measures is measured of one release: that which had most calls.
            before, after = (self._served(each, one.product, workflow) for each in (before, after))
        return production_proof(
            Failing(address=one.address, failure_mode=one.failure_mode, workflow=workflow, decided=decided),
            before=before,
            after=after,
            claims=claims,
            product=one.product,
            query=self._store.query_alone,
            level=level,
        )

    def _served(self, period: Period, product: str, workflow: str | None) -> Period:
        if period.release is not None:
            return period
        calls = calls_in(self._store.query, period, product=product, workflow=workflow)
        return replace(period, release=max(calls, key=lambda each: calls[each], default=None))


def _is_judged(one: Incident, now: datetime) -> bool:
    """Whether it is a matter of rates if it is over: its fix is watched, or was proven lately."""
    return one.state is IncidentState.WATCHED or (one.state is IncidentState.CLOSED and one.may_return(now))


def _began(piece: Evidence) -> datetime:
    """Start of the window that evidence from records is of."""
    days = piece.detail.get("window_days")
    return piece.observed_at - timedelta(days=days if isinstance(days, (int, float)) else 36_500)


def _broken_again(title: str, piece: Evidence, one: Incident, now: datetime) -> steps.Step:
    facts = {"value": piece.value, "n": piece.n, "evidence": piece.id}
    return steps.reopened(one, text=title, facts=facts, now=now)


def _gone(one: Incident, now: datetime) -> steps.Step:
    return steps.unserved(
        one, text=f"nobody had {one.release} for a day; a fix is still to be shown", now=now
    )


def _verified(found: Verification, one: Incident, _: datetime) -> steps.Step:
    return steps.verified(one, found)


def _looks_at(calls: int) -> int:
    """How many looks are due by so many calls: at 50, 100, 200 …"""
    return max(0, (calls // FIRST_LOOK).bit_length())


def _burning(found: Burning, worst: Burn, product: str) -> str:
    """What is being lost, and when the budget ends."""
    window = format_value(worst.window.long_s * 1e3, unit="ms")
    ends = "has ended" if worst.ends_s <= 0.0 else f"ends in {format_value(worst.ends_s * 1e3, unit='ms')}"
    share = format_value(worst.long_rate * found.budget, unit="ratio")
    return (
        f"{_place(found.claim.address, product)}: {share} of {found.noun}s in {window} are bad, "
        f"{worst.long_rate:.3g} times what is allowed; its budget {ends}"
    )


def _overran(found: Overrun, product: str) -> str:
    where = _place(found.rule, product)
    calls = "1 call" if found.calls == 1 else f"{found.calls:,} calls"
    stopped = f", {found.stopped:,} of them stopped" if found.stopped else ""
    return f"{calls} passed {where}{stopped}; the newest: {found.reason or 'no reason was told'}"


def _unmet(claim: Claim, piece: Evidence, now: datetime) -> bool:
    if piece.value is None or expiry(claim, piece) <= now:
        return False
    return judge(claim, piece, now=now).state is State.UNMET


def _broken(claim: Claim, piece: Evidence, product: str) -> str:
    """What is being lost: what was measured, and what was promised."""
    target = claim.target
    if claim.kind is ClaimKind.NEVER or target is None:
        return f"{_place(claim.address, product)}: {measured_text(piece)}, and none may be"
    metric = (claim.metric or claim.address.rpartition("/")[2]).replace("_", " ")
    drift = piece.detail.get("drift")
    if isinstance(drift, Mapping) and drift.get("state") == "drifted":
        tolerated = format_value(target.threshold, unit=target.unit)
        moved = f"moved by {measured_text(piece)}, where {tolerated} is tolerated"
        return f"{metric}: {drift.get('conclusion')}; {moved}"
    if claim.family == "fairness":
        metric = _place(claim.address, product)
    elif claim.family == "monitors":
        metric = f"the signal of monitor {metric}"
    place = f"{metric} of {claim.workflow}" if claim.workflow else metric
    word = "at most" if target.direction is Direction.AT_MOST else "at least"
    promised = f"{word} {format_value(target.threshold, unit=target.unit)} is promised"
    segment = piece.detail.get("segment")
    among = f"; carried by {segment}" if isinstance(segment, str) else ""
    return f"{place} is worse than promised: {measured_text(piece)}, where {promised}{among}"


def _carried(piece: Evidence) -> dict[str, Any]:
    """Which calls carry what is broken, as far as they were searched."""
    told = ("carried", "segment", "parts_asked", "smallest_part")
    return {name: piece.detail[name] for name in told if piece.detail.get(name) is not None}


def _place(address: str, product: str) -> str:
    return address.removeprefix(f"{product}/")


def _source(claim: Claim) -> IncidentSource:
    if claim.family == "gold":
        return IncidentSource.CANARY
    if str(claim.options.get("signal", "")).startswith("guard"):
        return IncidentSource.GUARD
    return _BY_FAMILY.get(claim.family, IncidentSource.MONITOR)


def _traces(piece: Evidence) -> tuple[str, ...]:
    """Calls to look at: of the part that carries what is broken, where one does."""
    worst = next((each.get("traces") for each in piece.detail.get("segments", ())), None)
    worst = worst or piece.detail.get("worst", ())
    found = [each.get("trace") if isinstance(each, dict) else each for each in worst]
    return tuple(each.lower() for each in found if isinstance(each, str) and len(each) == 32)


def _window(claim: Claim) -> timedelta:
    window_ms = claim.options.get("window_ms") if claim.family == "monitors" else None
    return timedelta(milliseconds=window_ms) if window_ms else _LEAST_WINDOW


def _workflow(one: Incident, claims: tuple[Claim, ...]) -> str | None:
    workflows = {each.workflow for each in claims if each.workflow}
    return next((each for each in one.address.split("/")[1:2] if each in workflows), None)


def _earlier(found: Overrun, product: str) -> Incident:
    closing = found.closed
    return Incident(
        product=product,
        id=found.id,
        key=found.rule,
        state=IncidentState.CLOSED,
        source=IncidentSource.BUDGET,
        address=found.rule,
        title=_overran(found, product),
        failure_mode=found.failure_mode,
        severity="medium",
        owner="",
        opened_at=found.opened_at,
        last_at=found.last_at,
        told_at=found.last_at,
        count=found.calls,
        traces=found.traces,
        facts={"calls": found.calls, "stopped": found.stopped},
        was=Was.UNKNOWN,
        closed_at=None
        if closing is None
        else datetime.fromtimestamp(closing.until_ns / 1e9, found.last_at.tzinfo),
        closed_by="" if closing is None else closing.by,
        because="" if closing is None else closing.because,
    )
