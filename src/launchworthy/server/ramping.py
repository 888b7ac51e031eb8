"""Ramps as the server keeps them: it looks, decides, keeps the step, and only then does what follows from it.

May import every room below ``server``. Who has a release follows from the ramp that is kept, so a rollback is
one commit; the incident comes after it, and is opened again where the process ended in between.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from launchworthy import monitor
from launchworthy.contract import Claim, stages
from launchworthy.errors import ConflictError, InputError, LaunchworthyError, NotFoundError
from launchworthy.evidence import ClaimStatus, Evidence, Verdict
from launchworthy.quantity import difference_unit, format_interval
from launchworthy.records import MARKED_CALL, SEEN, SHADOW
from launchworthy.records.incident import IncidentSource, Suspect
from launchworthy.rollout.ramp import (
    Action,
    Decision,
    Ramp,
    RampState,
    Seen,
    Step,
    decide,
    proven_harm,
    ramp_from_json,
    ramp_to_json,
    step_document,
)
from launchworthy.server.caller import Caller
from launchworthy.server.contracts import Contracts, InForce
from launchworthy.server.incidents import Incidents
from launchworthy.server.judging import Judge
from launchworthy.server.measuring import what_is_new
from launchworthy.store import Clock, Store
from launchworthy.store.plain import to_json

__all__ = ["Ramping"]

_log = logging.getLogger("launchworthy.server")

_SILENT = timedelta(days=1)  # without a single call, whoever should have the release is not heard
_BY_PEOPLE = frozenset(
    {Action.ENTER, Action.HOLD, Action.RESUME, Action.APPROVE, Action.ROLL_BACK, Action.STOP}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A ramp, and the version it is kept under."""

    ramp: Ramp
    version: int


class Ramping:
    """Ramps of every product of a folder.

    Args:
        store: Keeps them.
        contracts: The contract in force of each product.
        judge: Verdicts.
        incidents: What a rollback opens.
        clock: The moment.
    """

    def __init__(
        self,
        store: Store,
        *,
        contracts: Contracts,
        judge: Judge,
        incidents: Incidents,
        clock: Clock,
    ) -> None:
        self._store, self._contracts, self._judge = store, contracts, judge
        self._incidents, self._clock = incidents, clock

    def start(
        self,
        product: str,
        *,
        release: str | None,
        baseline: str | None,
        reason: str,
        by: str,
        caller: Caller,
    ) -> dict[str, Any]:
        """Begin to bring a release to its users.

        Raises:
            NotFoundError: No contract, or no release of that name.
            ConflictError: Another ramp is under way.
            InputError: The release is its own baseline, or nobody is named.
        """
        known = self._known(product)
        who, registered = self._incidents.who(by, caller), self._store.registry.releases(product=product)
        if release is None:
            own = self._judge.release(known)
            if own is None:
                raise NotFoundError(
                    f"no release of {product} is known",
                    where="release",
                    hint="declare `release` in the contract, or name the id of one that was registered",
                )
            release = own.id
            self._store.registry.register_release(own, product=product)
        elif release not in registered and release not in self._judge.serving(product):
            raise NotFoundError(f"there is no release {release!r:.60} of {product}", where="release")
        baseline = baseline or self._served(product, besides=release)
        if baseline == release:
            raise InputError(
                "a release cannot be its own baseline", where="baseline", hint="name the one that serves now"
            )
        back, now = known.contract.rollout.roll_back, self._clock()
        # It salts who gets the release: told by what the ramp is, so that a replay gives it to the same.
        place = len(self._kept(product))
        named = hashlib.sha256(f"{product}\0{release}\0{baseline}\0{place}\0{now.isoformat()}".encode())
        ramp = Ramp(
            id=f"ramp-{named.hexdigest()[:8]}",
            product=product,
            release=release,
            baseline=baseline,
            unit=known.contract.rollout.unit,
            stages=stages(known.contract),
            takes_back=back is None or back.when == "any_harm",
            within_ms=None if back is None else back.within.value,
        )
        first = Step(
            at=now,
            action=Action.START,
            stage=ramp.stages[0].name,
            reason=reason or f"{release} is to reach everybody",
            by=who,
            facts={"contract": known.version.version, "baseline": baseline},
        )
        ramp = ramp.after(first)
        self._store.ramps.add(product, ramp=ramp.id, body=ramp_to_json(ramp), chained=_chained(ramp, first))
        return self._told(_Kept(ramp=ramp, version=1), known)

    def listed(self, product: str) -> list[dict[str, Any]]:
        """Every ramp, newest first; the one under way with what follows."""
        known = self._contracts.in_force(product)
        return [
            self._told(kept, known if place == 0 else None) for place, kept in enumerate(self._kept(product))
        ]

    def step(
        self, product: str, *, ramp: str, action: str, reason: str, by: str, caller: Caller
    ) -> dict[str, Any]:
        """Let a person decide; who has to approve a stage is named by the contract.

        Raises:
            NotFoundError: No such ramp.
            ConflictError: The step does not follow from where it stands.
            InputError: It is no action of people, or no reason is given.
        """
        known = self._known(product)
        found = next((kept for kept in self._kept(product) if kept.ramp.id == ramp), None)
        if found is None:
            raise NotFoundError(f"there is no ramp {ramp!r:.60} of {product}", where="ramp")
        if action not in _BY_PEOPLE:
            raise InputError(
                f"{action!r:.60} is nothing that can be done to a ramp",
                where="action",
                hint=f"one of {', '.join(sorted(_BY_PEOPLE))}",
            )
        who, what, own = self._incidents.who(by, caller), Action(action), found.ramp
        stage = own.stage or own.stages[0]
        if what in (Action.ENTER, Action.APPROVE):
            following = own.next_stage
            if following is None:
                raise ConflictError("it is in its last stage", where=ramp)
            stage = following
            if stage.approver is not None:
                self._may_approve(known, stage.approver, who)
        facts: dict[str, Any] = {}
        if what is Action.ENTER:
            facts = {"overrides": decide(own, self._seen(own, known)).because, "share": stage.share}
        elif what is Action.ROLL_BACK:
            facts = {"claims": proven_harm(self._seen(own, known))}
        step = Step(at=self._clock(), action=what, stage=stage.name, reason=reason, by=who, facts=facts)
        return self._told(self._take(found, step), known)

    def watch(self) -> None:
        """Decide about every ramp that is under way; where it fails for one, the others still are."""
        for product in self._store.ramps.open_products():
            try:
                self.evaluate(product)
            except LaunchworthyError as error:
                _log.warning("the ramp of %s was not decided: %s", product, error)

    def evaluate(self, product: str) -> Decision | None:
        """Measure the harms, decide, and do what follows; None where no ramp is under way."""
        kept = next(iter(self._kept(product, only_open=True)), None)
        if kept is None:
            return None
        if kept.ramp.state in (RampState.ROLLED_BACK, RampState.STOPPED):
            self._after(kept)  # the process ended between the step and what follows from it
            return None
        known = self._known(product)
        self._measure(kept.ramp, known)
        while True:
            decision = decide(kept.ramp, self._seen(kept.ramp, known))
            if decision.step is None:
                return decision
            kept = self._take(kept, decision.step)
            if decision.step.action is not Action.LOOK:  # after which it is known whether to go on
                return decision

    def newest(self, product: str) -> Ramp | None:
        """The ramp that says who has which release now; None where there never was one."""
        return next((kept.ramp for kept in self._kept(product)), None)

    def _take(self, kept: _Kept, step: Step) -> _Kept:
        ramp = kept.ramp.after(step)
        # A rollback stays open until its incident is: what a restart finds open, it looks at again.
        is_open = ramp.state not in (RampState.COMPLETE, RampState.STOPPED)
        version = self._store.ramps.change(
            ramp.product,
            ramp=ramp.id,
            version=kept.version,
            body=ramp_to_json(ramp),
            is_open=is_open,
            chained=_chained(ramp, ramp.steps[-1]),
        )
        taken = _Kept(ramp=ramp, version=version)
        if ramp.state is RampState.ROLLED_BACK:
            self._after(taken)
        return taken

    def _after(self, kept: _Kept) -> None:
        """Open the incident of a rollback, once, and let the ramp rest; none where nobody had the release."""
        ramp, step = kept.ramp, kept.ramp.steps[-1]
        if ramp.state is RampState.ROLLED_BACK and ramp.exposed_since is not None:
            worst: Mapping[str, Any] = next(iter(step.facts.get("claims", ())), {})
            address = str(worst.get("claim", ""))
            piece = next(
                (
                    each
                    for each in reversed(self._store.ledger.evidence(ramp.product))
                    if each.claim == address and each.release == ramp.release
                ),
                None,
            )
            about = address.replace("/rollout/harms/", "/", 1)
            began = ramp.exposed_since
            self._incidents.open(
                ramp.product,
                title=_title(ramp, step, piece),
                source=IncidentSource.ROLLBACK,
                by=step.by or "",
                address=about,
                key=f"rollback/{ramp.id}",
                release=ramp.release,
                cohort=step.stage,
                first_at=began,
                suspected=[
                    Suspect(
                        kind="release",
                        at=began,
                        what=f"{ramp.release} came to its first users"
                        + (f", who had {ramp.baseline} before" if ramp.baseline else ""),
                    )
                ],
                traces=[] if piece is None else [each["trace"] for each in piece.detail.get("worst", ())],
                facts={
                    "ramp": ramp.id,
                    "baseline": ramp.baseline or "",
                    **{
                        name: worst[name]
                        for name in ("value", "low", "high", "n")
                        if worst.get(name) is not None
                    },
                    **({} if piece is None else {"unit": difference_unit(piece.unit)}),
                },
            )
        self._store.ramps.finish(ramp.product, ramp=ramp.id)

    def _measure(self, ramp: Ramp, known: InForce) -> None:
        """Look at the harms of a ramp, and at what its next stage needs where nobody has it yet."""
        claims = self._judge.claims(known)
        asked = self._asked(ramp, known, claims)
        if not asked:
            return
        self._store.flush()
        pieces = monitor.measure(
            claims,
            product=ramp.product,
            query=self._store.query_alone,
            release=ramp.release,
            now=self._clock(),
            baseline=ramp.baseline,
            not_before=ramp.exposed_since,
            only=asked,
        )
        new = what_is_new(
            pieces,
            held=self._store.ledger.evidence(ramp.product),
            claims={claim.address: claim for claim in claims},
        )
        if new:
            self._store.ledger.add_evidence(ramp.product, new)

    def _asked(self, ramp: Ramp, known: InForce, claims: Sequence[Claim]) -> frozenset[str]:
        """Addresses to measure now: of a release that is served, the rest is measured with all that are."""
        if ramp.exposed_since is not None:
            return frozenset(claim.address for claim in _harms(claims) if ramp.baseline is not None)
        following = ramp.next_stage
        verdict = self._judge.verdict_on(known, ramp.release, now=self._clock())
        return frozenset(
            status.claim.address
            for stage in verdict.stages
            if following is not None and stage.name == following.name
            for status in stage.blocking
        )

    def _seen(self, ramp: Ramp, known: InForce) -> Seen:
        now = self._clock()
        verdict = self._judge.verdict_on(known, ramp.release, now=now)
        return Seen(
            at=now,
            blocking={stage.name: stage.blocking for stage in verdict.stages},
            harms=() if ramp.baseline is None else _statuses(verdict),
            silent_since=self._silent_since(ramp, now),
            calls=self._calls(ramp, now),
        )

    def _calls(self, ramp: Ramp, now: datetime) -> int | None:
        """Calls of the candidate in this stage, those in shadow where nobody has it."""
        stage, entered = ramp.stage, ramp.entered_at
        if stage is None or entered is None or stage.sample is None:
            return None
        which = SEEN if ramp.share > 0.0 else f"cohort = '{SHADOW}'"
        row = self._store.query(
            "SELECT count(*) AS n FROM spans WHERE product = ? AND release = ? AND start_time >= ?"  # noqa: S608
            f" AND start_time <= ? AND {MARKED_CALL} AND {which}",
            [ramp.product, ramp.release, *(int(each.timestamp() * 1e9) for each in (entered, now))],
        )[0]
        return int(row["n"])

    def _silent_since(self, ramp: Ramp, now: datetime) -> datetime | None:
        entered = ramp.entered_at
        if ramp.share == 0.0 or entered is None:
            return None
        row = self._store.query(
            # A clock that is ahead is no sign of life.
            "SELECT max(least(start_time, received_at)) AS last FROM spans"  # noqa: S608
            f" WHERE product = ? AND release = ? AND {SEEN}",
            [ramp.product, ramp.release],
        )[0]
        last = None if row["last"] is None else datetime.fromtimestamp(row["last"] / 1e9, tz=now.tzinfo)
        if last is None or last < entered:
            return entered
        return last if now - last > _SILENT else None

    def _told(self, kept: _Kept, known: InForce | None) -> dict[str, Any]:
        """A ramp as JSON values; with what follows, where that is asked."""
        ramp = kept.ramp
        told: dict[str, Any] = {
            "id": ramp.id,
            "product": ramp.product,
            "release": ramp.release,
            "baseline": ramp.baseline,
            "unit": ramp.unit,
            "state": ramp.state.value,
            "stage": None if ramp.stage is None else ramp.stage.name,
            "share": ramp.share,
            "entered_at": _iso(ramp.entered_at),
            "exposed_since": _iso(ramp.exposed_since),
            "dwells_until": _iso(ramp.dwells_until),
            "takes_back": ramp.takes_back,
            "within_ms": ramp.within_ms,
            "stages": [
                {
                    "name": each.name,
                    "share": each.share,
                    "dwell_ms": each.dwell_ms,
                    "sample": each.sample,
                    "approver": each.approver,
                }
                for each in ramp.stages
            ],
            "steps": [step_document(step) for step in ramp.steps],
        }
        if known is not None:
            seen = self._seen(ramp, known)
            decision = decide(ramp, seen)
            told["next"] = {
                "action": None if decision.step is None else decision.step.action.value,
                "stage": None if ramp.next_stage is None else ramp.next_stage.name,
                "because": decision.because,
                "until": _iso(decision.until),
                "waits_for": [each.claim.address for each in decision.waits_for],
            }
            told["harms"] = [_harm(each) for each in seen.harms]
            told["shadow"] = monitor.shadowed(
                self._store.query, product=ramp.product, release=ramp.release, since=ramp.steps[0].at
            )
        return told

    def _may_approve(self, known: InForce, approver: str, who: str) -> None:
        named = known.contract.owners.get(approver, approver)
        if who not in (approver, named):
            raise InputError(
                f"{approver} has to approve this stage, and {who} is not", where="by", hint=f"ask {named}"
            )

    def _served(self, product: str, *, besides: str) -> str | None:
        """The release that most users get now, but for this one."""
        others = {name: share for name, share in self._judge.serving(product).items() if name != besides}
        return max(others, key=lambda name: others[name]) if others else None

    def _known(self, product: str) -> InForce:
        known = self._contracts.in_force(product)
        if known is None:
            raise NotFoundError(f"no contract of {product!r:.60} is registered", where="product")
        return known

    def _kept(self, product: str, *, only_open: bool = False) -> list[_Kept]:
        return [
            _Kept(ramp=ramp_from_json(body), version=version)
            for version, body in self._store.ramps.ramps(product, only_open=only_open)
        ]


def _title(ramp: Ramp, step: Step, piece: Evidence | None) -> str:
    """What is being lost, in a line; the whole reason stands in the step and in the chain."""
    claims = step.facts.get("claims", ())
    title = f"at {step.stage}, {ramp.release} was taken back"
    if step.by is not None:
        return f"{title} by {step.by}: {step.reason}"
    if piece is None or piece.value is None or piece.low is None or piece.high is None:
        return f"{title}: {step.reason}"
    shown = format_interval(piece.value, piece.low, piece.high, n=piece.n, unit=difference_unit(piece.unit))
    more = f", and {len(claims) - 1} more" if len(claims) > 1 else ""
    of = piece.claim.partition("/rollout/harms/")[2]
    return f"{title} for harm to {of}: it differs by {shown}{more}"


def _harms(claims: Sequence[Claim]) -> list[Claim]:
    return [claim for claim in claims if claim.metric == "harms"]


def _statuses(verdict: Verdict) -> list[ClaimStatus]:
    return [each for each in verdict.statuses if each.claim.metric == "harms"]


def _harm(status: ClaimStatus) -> dict[str, Any]:
    piece = status.evidence
    return {
        "claim": status.claim.address,
        "of": status.claim.options.get("of"),
        "state": status.state.value,
        "reason": status.reason,
        "margin": status.claim.margin,
        "direction": None if status.claim.target is None else status.claim.target.direction.value,
        "unit": None if status.claim.target is None else status.claim.target.unit,
        "value": None if piece is None else piece.value,
        "low": None if piece is None else piece.low,
        "high": None if piece is None else piece.high,
        "n": 0 if piece is None else piece.n,
        "candidate": None if piece is None else piece.detail.get("candidate"),
        "baseline": None if piece is None else piece.detail.get("baseline"),
        "observed_at": None if piece is None else _iso(piece.observed_at),
    }


def _chained(ramp: Ramp, step: Step) -> str:
    """What the audit chain keeps of a step."""
    return to_json(
        {"ramp": ramp.id, "release": ramp.release, "baseline": ramp.baseline, **step_document(step)}
    )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
