"""The state of one claim from the evidence for it. Pure: no I/O and no clock; ``now`` is an argument.

May import ``contract``, ``records``, ``stats``, ``quantity`` and the standard library. The newest valid
piece decides, the first reading of sealed items before all others, of several of one moment the weakest; a
breach of a rule outlasts later silence for as long as it counts. Valid pieces that say otherwise are shown
beside the one that decided, and runs of one release that say opposite things of the same items prove nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from launchworthy.contract.claim import Claim, ClaimKind, Direction
from launchworthy.evidence.evidence import Evidence
from launchworthy.evidence.judgement import Judgement, judge
from launchworthy.evidence.origins import sources_text
from launchworthy.evidence.plan import plan_for
from launchworthy.evidence.readings import Judged, first_readings, is_sealed, opposite_readings
from launchworthy.evidence.selection import Selection, select, speaks_for, stale_judge
from launchworthy.evidence.status import ClaimStatus, Plan, State
from launchworthy.evidence.terms import DeclaredJudge
from launchworthy.records import Release

__all__ = ["named_release", "status"]

_SETTLED = (State.MET, State.UNMET)
_WEAKEST_FIRST = {State.UNMET: 0, State.UNPROVEN: 1}


def status(
    claim: Claim,
    evidence: Iterable[Evidence],
    *,
    release: Release | str | None,
    now: datetime,
    releases: Mapping[str, Release] | None = None,
    owners: Mapping[str, str] | None = None,
    judges: Sequence[DeclaredJudge] = (),
) -> ClaimStatus:
    """Where ``claim`` stands for ``release`` at ``now``.

    Args:
        claim: The claim to judge.
        evidence: Any evidence, in any order; only pieces of this claim's address and slice are read.
        release: The release to judge, or its id where its parts are not known; None: evidence that
            names a release does not count.
        now: The moment to judge at (aware).
        releases: Known releases by id, to name the parts in which another release differs.
        owners: Person by role: only the owner whom the claim names may sign it. None: not checked.
        judges: What the claim's judge is now; empty: not compared with who graded.
    """
    release_id, known = named_release(release, releases)
    chosen = select(
        claim, evidence, release=release_id, now=now, releases=known, owners=owners or {}, judges=judges
    )
    if claim.slice == "*":
        return _every_slice(claim, chosen, now=now)
    return _of_selection(claim, chosen, now=now)


def named_release(
    release: Release | str | None, releases: Mapping[str, Release] | None
) -> tuple[str | None, Mapping[str, Release]]:
    """The id of a release, and the known releases with this one among them."""
    known = dict(releases or {})
    if isinstance(release, Release):
        known[release.id] = release
        return release.id, known
    return release, known


def _of_selection(claim: Claim, chosen: Selection, *, now: datetime) -> ClaimStatus:
    if not chosen.valid:
        return _without_evidence(claim, chosen)
    judged = [(piece, judge(claim, piece, now=now)) for piece in chosen.valid]
    first, later = first_readings(claim, judged, expired=[piece for piece, _ in chosen.ignored])
    # What the launch gate measured on items that nobody has seen is not overruled by what was looked at.
    open_ = [pair for pair in judged if not is_sealed(pair[0])]
    if not first and not open_:
        return _without_evidence(claim, replace(chosen, valid=()))
    decider, judgement = _decisive(claim, judged, first or open_)
    opposite = opposite_readings(claim, decider, judged)
    if opposite:
        return _contradicted(claim, decider, opposite)
    contradicting = tuple(
        piece for piece, other in judged if other.state in _SETTLED and other.state is not judgement.state
    )
    return ClaimStatus(
        claim=claim,
        state=judgement.state,
        reason=_with_contradiction(judgement, contradicting) + _told_of_later(later),
        evidence=decider,
        contradicting=contradicting,
        plan=_plan(claim, judgement, decider),
    )


def _told_of_later(later: Sequence[Evidence]) -> str:
    if not later:
        return ""
    told = "1 later one decides" if len(later) == 1 else f"{len(later):,} later ones decide"
    return f"; the first reading of the sealed items decides, {told} nothing"


def _contradicted(claim: Claim, decider: Evidence, readings: Sequence[Judged]) -> ClaimStatus:
    """Runs of one release that read the same items and say the opposite: chance must not choose."""
    times = "twice" if len(readings) == 2 else f"{len(readings):,} times"
    told = [
        f"{state} by {sources_text(piece for piece, own in readings if own.state is state)}"
        for state in _SETTLED
    ]
    return ClaimStatus(
        claim=claim,
        state=State.UNPROVEN,
        reason=f"measured {times} with opposite results: {'; '.join(told)}",
        evidence=decider,
        contradicting=tuple(piece for piece, _ in readings if piece is not decider),
        plan=Plan(
            what="find out why they differ; then a new release decides, or the sealed items "
            "(launchworthy eval --gate)"
        ),
    )


def _decisive(claim: Claim, judged: Sequence[Judged], deciding: Sequence[Judged]) -> Judged:
    """The piece that decides, of pieces newest first; a breach does, whatever ``deciding`` ones say."""
    breaches = [pair for pair in judged if pair[1].state is State.UNMET]
    if claim.kind is ClaimKind.NEVER and breaches:
        return breaches[0]
    moment = deciding[0][0].observed_at
    same = [pair for pair in deciding if pair[0].observed_at == moment]
    return min(same, key=lambda pair: _WEAKEST_FIRST.get(pair[1].state, len(_WEAKEST_FIRST)))


def _plan(claim: Claim, judgement: Judgement, piece: Evidence) -> Plan | None:
    if judgement.state is not State.UNPROVEN:
        return None
    if judgement.enough_data:
        missing = piece.detail.get("next")  # what measured in vain knows what it lacked
        return Plan(
            what=missing
            if isinstance(missing, str) and missing
            else "see to what is missing, then measure it again"
        )
    return plan_for(claim, piece, collecting=True)


def _with_contradiction(judgement: Judgement, others: tuple[Evidence, ...]) -> str:
    if not others:
        return judgement.reason
    count = "1 other valid piece says" if len(others) == 1 else f"{len(others):,} other valid pieces say"
    return f"{judgement.reason}; {count} otherwise ({sources_text(others)})"


def _without_evidence(claim: Claim, chosen: Selection) -> ClaimStatus:
    if chosen.ignored:
        why = chosen.ignored[0][1]
        like = next((piece for piece, _ in chosen.ignored if speaks_for(claim, piece)), None)
        plan = plan_for(claim, like, collecting=False)
        if like is not None and stale_judge(like, chosen.judges) == why:
            plan = _calibration(claim)
        return ClaimStatus(
            claim=claim, state=State.UNPROVEN, reason=f"no evidence that counts: {why}", plan=plan
        )
    if claim.kind is ClaimKind.ATTEST:
        owner = claim.options.get("by")
        reason = f"not signed yet by {owner}" if isinstance(owner, str) else "not signed yet"
    elif claim.prover is None:
        reason = "nothing measures this yet"
    else:
        reason = "no evidence yet"
    return ClaimStatus(
        claim=claim, state=State.UNPROVEN, reason=reason, plan=plan_for(claim, None, collecting=False)
    )


def _calibration(claim: Claim) -> Plan:
    """What it takes once a judge has changed: labels say what the new one is worth, then it grades."""
    name = claim.options.get("judge") or claim.address.rpartition("/")[2]
    again = "" if claim.kind is ClaimKind.AGREE else ", and measure it again: launchworthy eval"
    return Plan(what=f"calibrate its judge: launchworthy judge calibrate {name} --labels FILE{again}")


def _every_slice(claim: Claim, chosen: Selection, *, now: datetime) -> ClaimStatus:
    """The worst slice decides, and a declared slice without evidence is the worst but an unmet one."""
    if not chosen.valid:
        return _without_evidence(claim, chosen)
    declared = claim.options.get("slices") or ()
    names = {piece.slice for piece in chosen.valid if piece.slice is not None} | set(declared)
    judged = []
    for name in sorted(names):
        part = replace(claim, slice=name)
        pieces = Selection(
            valid=tuple(piece for piece in chosen.valid if piece.slice == name),
            ignored=tuple(pair for pair in chosen.ignored if pair[0].slice == name),
            judges=chosen.judges,
        )
        judged.append((name, _of_selection(part, pieces, now=now)))
    name, worst = min(judged, key=lambda pair: _rank(pair[1]))
    share = f"{sum(1 for _, each in judged if each.state is State.MET)} of {len(judged)} slices met"
    return replace(
        worst,
        claim=claim,
        reason=f"worst slice {name}: {worst.reason} ({share})",
        contradicting=tuple(piece for _, each in judged for piece in each.contradicting),
        plan=_whole_plan([each for _, each in judged]) if worst.state is State.UNPROVEN else None,
    )


def _whole_plan(slices: list[ClaimStatus]) -> Plan | None:
    """One plan for every slice that is unproven: counts add, days run side by side."""
    plans = [each.plan for each in slices if each.state is State.UNPROVEN and each.plan is not None]
    if len(plans) < 2:
        return plans[0] if plans else None
    needed, labels, cost = (
        _sum([getattr(plan, name) for plan in plans]) for name in ("needed", "labels", "cost_usd")
    )
    days, odds = [plan.days for plan in plans], [plan.odds for plan in plans]
    what = (
        f"settle {len(plans)} slices"
        if needed is None
        else f"measure {needed:,} more over {len(plans)} slices"
    )
    return Plan(
        what=what,
        needed=None if needed is None else int(needed),
        unit=plans[0].unit,
        labels=None if labels is None else int(labels),
        days=None if None in days else max(day for day in days if day is not None),
        cost_usd=cost,
        odds=None if None in odds else math.prod(chance for chance in odds if chance is not None),
    )


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _rank(each: ClaimStatus) -> tuple[int, float]:
    """Unmet before unproven before met; among equals, the one furthest on the wrong side first."""
    order = _WEAKEST_FIRST.get(each.state, len(_WEAKEST_FIRST))
    piece, target = each.evidence, each.claim.target
    if piece is None or target is None:
        return order, -math.inf
    bound = piece.low if target.direction is Direction.AT_LEAST else piece.high
    if bound is None:
        return order, -math.inf
    return order, bound if target.direction is Direction.AT_LEAST else -bound
