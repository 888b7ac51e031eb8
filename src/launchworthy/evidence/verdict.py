"""The verdict on a release: which stage it may enter, what blocks the next, and from when on. Pure.

May import ``contract``, ``records``, ``stats``, ``quantity`` and the standard library. A verdict is its
weakest line, never an average; the same contract, evidence and moment give the same verdict.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby, takewhile

from launchworthy.contract import ClaimKind, Direction
from launchworthy.errors import InputError
from launchworthy.evidence.claim_status import named_release, status
from launchworthy.evidence.evidence import Evidence
from launchworthy.evidence.ready import Ready, when_ready
from launchworthy.evidence.status import ClaimStatus, State
from launchworthy.evidence.terms import Terms
from launchworthy.quantity import format_value
from launchworthy.records import Release

__all__ = ["Served", "StageVerdict", "Verdict", "verdict_on"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A release seen in traffic, beside the one that is judged.

    ``differing_parts`` is empty for the same release and None where the parts are not known.
    """

    release: str
    share: float
    judged: bool
    differing_parts: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageVerdict:
    """One rollout stage: what it needs in all (earlier stages included) and what of that blocks it."""

    name: str
    share: float
    needed: tuple[ClaimStatus, ...]
    blocking: tuple[ClaimStatus, ...]
    ready: Ready

    @property
    def state(self) -> State:
        """Met if it may be entered, unmet if a needed claim is unmet, else unproven."""
        if not self.blocking:
            return State.MET
        return State.UNMET if any(each.state is State.UNMET for each in self.blocking) else State.UNPROVEN

    @property
    def blockers(self) -> str:
        """``1 claim unmet, 2 unproven``."""
        unmet = sum(each.state is State.UNMET for each in self.blocking)
        unproven = len(self.blocking) - unmet
        parts = [f"{count:,} {word}" for count, word in ((unmet, "unmet"), (unproven, "unproven")) if count]
        if parts:
            first = unmet or unproven
            number, word = parts[0].split(" ")
            parts[0] = f"{number} claim{'' if first == 1 else 's'} {word}"
        return ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the evidence allows.

    Attributes:
        terms: What the contract promised.
        release, at: What was judged, and when; release is None where none is named.
        subject: The stage that the conclusion and the exit code are about: the one asked for, else the
            first that may not be entered, else the last.
        statuses: Every claim of the contract, in its order.
        stages: Every stage in order.
        may_enter: The last stage of the unbroken row that may be entered; None if not even the first.
        serving: Releases seen in traffic, largest share first.
        releases: Known releases by id.
        evidence: Every piece that speaks for a claim of this contract, oldest first.
    """

    terms: Terms
    release: str | None
    at: datetime
    subject: StageVerdict
    asked: str | None
    statuses: tuple[ClaimStatus, ...]
    stages: tuple[StageVerdict, ...]
    may_enter: str | None
    serving: tuple[Served, ...]
    releases: Mapping[str, Release]
    evidence: tuple[Evidence, ...]

    @property
    def exit_code(self) -> int:
        """0 the stage may be entered, 1 a claim that it needs is unmet, 2 none unmet but some unproven."""
        return {State.MET: 0, State.UNMET: 1}.get(self.subject.state, 2)

    @property
    def simulated(self) -> tuple[ClaimStatus, ...]:
        """Claims that were settled by evidence from simulated users."""
        return tuple(each for each in self.statuses if each.evidence is not None and each.evidence.simulated)

    @property
    def conclusion(self) -> str:
        """The verdict in words: ``Not ready for pilot: 1 claim unmet, 2 unproven``."""
        stage = self.subject
        if stage.blocking:
            may = "" if self.may_enter is None or self.asked else f"May enter {self.may_enter}; not"
            return f"{may or 'Not'} ready for {stage.name}: {stage.blockers}"
        if not stage.needed:
            return f"Ready for {stage.name}: it needs no claim"
        counts = [(state, sum(each.state is state for each in stage.needed)) for state in State]
        others = [f"{count:,} {state}" for state, count in counts if count and state is not State.MET]
        met = dict(counts)[State.MET]
        simulated = len([each for each in self.simulated if each in stage.needed])
        if simulated:
            others.append(f"{simulated:,} of them shown only with simulated users")
        return f"Ready for {stage.name}: " + ", ".join(
            [f"{met:,} claim{'' if met == 1 else 's'} met", *others]
        )


def verdict_on(
    terms: Terms,
    evidence: Iterable[Evidence],
    *,
    release: Release | str | None,
    now: datetime,
    stage: str | None = None,
    serving: Mapping[str, float] | None = None,
    releases: Mapping[str, Release] | None = None,
) -> Verdict:
    """Judge ``release`` by ``terms`` on ``evidence`` at ``now``.

    Args:
        terms: What the contract in force promises.
        evidence: Pieces in any order; those of other products or claims are passed over.
        release: The release to judge, or its id where its parts are not known.
        now: The moment to judge at (aware).
        stage: Stage to ask about; None asks about the first that may not be entered.
        serving: Share of recent traffic by release id.
        releases: Known releases by id, so that differing parts can be named.

    Raises:
        InputError: The contract has no stage of that name.
    """
    pieces = _in_order(evidence, {claim.address for claim in terms.claims})
    by_claim: dict[str, list[Evidence]] = {}
    for piece in pieces:
        by_claim.setdefault(piece.claim, []).append(piece)
    release_id, known = named_release(release, releases)
    statuses = [
        status(
            claim,
            by_claim.get(claim.address, ()),
            release=release_id,
            now=now,
            releases=known,
            owners=terms.owners,
            judges=terms.judges.get(claim.address, ()),
        )
        for claim in terms.claims
    ]
    statuses = [_under_ceiling(each, statuses) for each in statuses]
    statuses = [_waived(each, terms, now=now) for each in statuses]
    rows: list[StageVerdict] = []
    needed: list[ClaimStatus] = []
    for each_stage in terms.stages:
        needed += [each for each in statuses if each.claim.due == each_stage.name]
        blocking = tuple(each for each in needed if not each.state.admits)
        rows.append(
            StageVerdict(
                name=each_stage.name,
                share=each_stage.share,
                needed=tuple(needed),
                blocking=blocking,
                ready=when_ready(blocking, now=now, labels_per_day=terms.labels_per_day),
            )
        )
    may_enter = [row.name for row in takewhile(lambda row: not row.blocking, rows)]
    return Verdict(
        terms=terms,
        release=release_id,
        at=now,
        subject=_subject(rows, asked=stage),
        asked=stage,
        statuses=tuple(statuses),
        stages=tuple(rows),
        may_enter=may_enter[-1] if may_enter else None,
        serving=_served(serving or {}, release=release_id, known=known),
        releases=known,
        evidence=tuple(pieces),
    )


def _in_order(evidence: Iterable[Evidence], addresses: Collection[str]) -> list[Evidence]:
    """Pieces for these claims, oldest first, each once, in an order that depends on nothing but them.

    A content address costs a digest, so it is asked for only where claim and moment are the same.
    """

    def place(piece: Evidence) -> tuple[datetime, str]:
        return piece.observed_at, piece.claim

    found: list[Evidence] = []
    for _, same in groupby(sorted((x for x in evidence if x.claim in addresses), key=place), key=place):
        several = list(same)
        if len(several) > 1:
            unique = {piece.id: piece for piece in several}
            several = [unique[key] for key in sorted(unique)]
        found += several
    return found


def _subject(rows: Sequence[StageVerdict], *, asked: str | None) -> StageVerdict:
    if not rows:
        raise InputError("the contract has no rollout stage to enter", where="rollout/stages")
    if asked is None:
        return next((row for row in rows if row.blocking), rows[-1])
    for row in rows:
        if row.name == asked:
            return row
    names = [row.name for row in rows]
    close = difflib.get_close_matches(asked, names, n=1)
    raise InputError(
        f"the contract has no stage {asked!r}" + (f"; did you mean {close[0]!r}?" if close else ""),
        where="--stage",
        hint=f"stages are {', '.join(names)}",
    )


def _waived(each: ClaimStatus, terms: Terms, *, now: datetime) -> ClaimStatus:
    """A waiver lets a claim pass that is not met, until its day is over; the reason keeps what was found."""
    if each.state.admits:
        return each
    waiver = terms.waiver_of(each.claim.address)
    if waiver is None:
        return each
    if now.astimezone(UTC).date() > waiver.until:
        return replace(each, reason=f"{each.reason}; the waiver by {waiver.by} ended on {waiver.until}")
    return replace(
        each,
        state=State.WAIVED,
        reason=f"waived by {waiver.by} until {waiver.until}: {waiver.because} "
        f"(otherwise {each.state}: {each.reason})",
        plan=None,
    )


def _under_ceiling(each: ClaimStatus, statuses: Sequence[ClaimStatus]) -> ClaimStatus:
    """Refuse a target above what those who judge it agree on: nobody could show that it is met."""
    claim = each.claim
    judge_name, target = claim.options.get("judge"), claim.target
    if judge_name is None or target is None or target.unit != "ratio" or claim.kind is not ClaimKind.BOUND:
        return each
    if target.direction is not Direction.AT_LEAST:
        return each
    for other in statuses:
        piece = other.evidence
        if other.claim.kind is not ClaimKind.AGREE or piece is None or judge_name not in _parts(other):
            continue
        share = piece.detail.get("agreed_share")
        if isinstance(share, (int, float)) and not isinstance(share, bool) and share < target.threshold:
            agreed, asked = (format_value(x, unit="ratio") for x in (share, target.threshold))
            return replace(
                each,
                state=State.UNPROVEN,
                reason=f"refused: those who judge it agree on {agreed} of items, "
                f"so nobody could show {asked}",
                plan=None,
            )
    return each


def _parts(each: ClaimStatus) -> list[str]:
    return each.claim.address.split("/")


def _served(
    serving: Mapping[str, float], *, release: str | None, known: Mapping[str, Release]
) -> tuple[Served, ...]:
    rows = []
    for other, share in sorted(serving.items(), key=lambda pair: (-pair[1], pair[0])):
        if other == release:
            differing: tuple[str, ...] | None = ()
        elif release is not None and release in known and other in known:
            differing = known[release].differing_parts(known[other])
        else:
            differing = None
        rows.append(Served(release=other, share=share, judged=other == release, differing_parts=differing))
    return tuple(rows)
