"""What a ramp does next, and why. Pure; may import ``contract``, ``evidence``, ``quantity`` and this room.

One decision over everything that the stage needs: outcome, quality, safety, latency and cost. Proven harm
comes first, by bounds that always hold. A stage ends once it has lasted and seen its sample, every claim
that the next one needs is met, every harm is shown to be no worse than its margin, and whoever has to say yes
has said it. No harm is shown by those same bounds, or at the stage's planned look by narrower ones
(``looking``), which is kept as a step: a look that was taken is not taken again. A gate that needs all of its
claims keeps its error level; where any one harm is enough, the claims share theirs (``stats.harm_level``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from launchworthy.evidence import ClaimStatus, State
from launchworthy.quantity import format_value
from launchworthy.rollout.ramp.looking import look_at, look_due
from launchworthy.rollout.ramp.ramp import Action, Ramp, RampState, Step

__all__ = ["Decision", "Seen", "decide", "proven_harm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known at the moment of a decision.

    Attributes:
        at: The moment (aware).
        blocking: Of each stage by name: the claims that it needs and that do not admit it.
        harms: The claims about harm, each against the baseline.
        silent_since: When the candidate was last heard of, where it should be heard and is not.
        calls: Of the candidate in this stage so far; None where the stage asks for none.
    """

    at: datetime
    blocking: Mapping[str, Sequence[ClaimStatus]]
    harms: Sequence[ClaimStatus] = ()
    silent_since: datetime | None = None
    calls: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What follows now.

    Attributes:
        step: What is done; None: nothing yet.
        because: Why it is done, or what it waits for, in a sentence.
        waits_for: Claims that stand in the way.
        until: The earliest moment at which something else may follow; None where that is not known.
    """

    step: Step | None
    because: str
    waits_for: tuple[ClaimStatus, ...] = ()
    until: datetime | None = None


def decide(ramp: Ramp, seen: Seen) -> Decision:
    """What the ramp does next, by itself."""
    state = ramp.state
    if state in (RampState.ROLLED_BACK, RampState.STOPPED):
        return Decision(step=None, because=f"it is over: {ramp.steps[-1].reason}")
    harmed = [each for each in seen.harms if each.state is State.UNMET]
    if harmed and ramp.share > 0.0:
        return _harmed(ramp, harmed, seen)
    if harmed and state is RampState.RUNNING:
        reason = f"harm was proven when it was out before: {_names(harmed)}: {harmed[0].reason}"
        return Decision(step=_step(ramp, Action.HOLD, seen, reason, harmed), because=reason)
    if state is RampState.HELD:
        return Decision(step=None, because=f"it is held until somebody resumes it: {ramp.steps[-1].reason}")
    if state is RampState.COMPLETE:
        return Decision(step=None, because="everybody has the release")
    following = ramp.next_stage
    if following is None:
        return Decision(step=None, because="it is in its last stage, and not everybody has the release")
    until = ramp.dwells_until
    if until is not None and seen.at < until:
        stage = "" if ramp.stage is None else ramp.stage.name
        left = format_value((until - seen.at).total_seconds() * 1e3, unit="ms")
        return Decision(step=None, because=f"{stage} lasts {left} more", until=until)
    if seen.silent_since is not None:
        return Decision(
            step=None,
            because=f"nothing was heard of {ramp.release} since {seen.silent_since:%Y-%m-%d %H:%M} UTC: what "
            "is not heard proves nothing",
        )
    sample = None if ramp.stage is None else ramp.stage.sample
    if ramp.stage is not None and sample is not None and (seen.calls or 0) < sample:
        where = " in shadow" if ramp.share <= 0.0 else ""
        return Decision(
            step=None,
            because=f"{ramp.stage.name} has seen {seen.calls or 0:,} of {sample:,} calls of "
            f"{ramp.release}{where}",
        )
    unsure = _unsure(ramp, seen)
    if unsure and ramp.stage is not None and look_due(ramp, at=seen.at):
        look = look_at(ramp, seen.harms, at=seen.at)
        step = Step(
            at=seen.at, action=Action.LOOK, stage=ramp.stage.name, reason=look.words, facts=look.facts
        )
        return Decision(step=step, because=look.words)
    blocking = tuple(seen.blocking.get(following.name, ()))
    unmet = tuple(each for each in blocking if each.state is State.UNMET)
    if unmet:
        reason = f"{following.name} needs {_names(unmet)}, which {_is(unmet)} unmet: {unmet[0].reason}"
        return Decision(
            step=_step(ramp, Action.HOLD, seen, reason, unmet), because=reason, waits_for=blocking
        )
    if blocking:
        needs = f"{following.name} waits for {_names(blocking)}: {blocking[0].reason}"
        return Decision(step=None, because=needs, waits_for=blocking)
    if unsure:
        needs = f"no harm is not shown yet for {_names(unsure)}: {unsure[0].reason}"
        if ramp.looks_here:
            needs += f"; {ramp.looks_here[-1].reason}"
        return Decision(step=None, because=needs, waits_for=unsure)
    if following.approver is not None and ramp.approved_by(following.name) is None:
        return Decision(step=None, because=f"{following.name} waits for {following.approver} to approve it")
    reason = f"all that {following.name} needs is there"
    return Decision(
        step=Step(
            at=seen.at,
            action=Action.ENTER,
            stage=following.name,
            reason=reason,
            facts={
                "share": following.share,
                "harms": _facts(seen.harms),
                "bounds": "those of planned looks" if ramp.looks_here else "those that always hold",
                "looks": [dict(step.facts) for step in ramp.looks_here],
            },
        ),
        because=reason,
    )


def proven_harm(seen: Seen) -> list[dict[str, Any]]:
    """The numbers of every harm that is shown, for the step of a person who takes the release back."""
    return _facts([each for each in seen.harms if each.state is State.UNMET])


def _unsure(ramp: Ramp, seen: Seen) -> tuple[ClaimStatus, ...]:
    """Harms that are not shown to be within their margin, neither now nor at a look of this stage."""
    if ramp.share <= 0.0:
        return ()
    taken = (harm for step in ramp.looks_here for harm in step.facts["harms"])
    shown = {harm["claim"] for harm in taken if harm["shown"]}
    return tuple(each for each in seen.harms if not each.state.admits and each.claim.address not in shown)


def _harmed(ramp: Ramp, harmed: Sequence[ClaimStatus], seen: Seen) -> Decision:
    told = "; ".join(f"{_own(each)}: {each.reason}" for each in harmed)
    if ramp.takes_back:
        reason = f"harm is proven: {told}"
        return Decision(
            step=_step(ramp, Action.ROLL_BACK, seen, reason, harmed), because=reason, waits_for=tuple(harmed)
        )
    reason = f"harm is proven, and a person takes it back: {told}"
    step = None if ramp.state is RampState.HELD else _step(ramp, Action.HOLD, seen, reason, harmed)
    return Decision(step=step, because=reason, waits_for=tuple(harmed))


def _step(ramp: Ramp, action: Action, seen: Seen, reason: str, claims: Sequence[ClaimStatus]) -> Step:
    stage = ramp.stage or ramp.stages[0]
    return Step(at=seen.at, action=action, stage=stage.name, reason=reason, facts={"claims": _facts(claims)})


def _facts(claims: Sequence[ClaimStatus]) -> list[dict[str, Any]]:
    """The numbers behind a decision, which the audit chain keeps."""
    return [
        {
            "claim": each.claim.address,
            "state": each.state.value,
            "evidence": None if each.evidence is None else each.evidence.id,
            "value": None if each.evidence is None else each.evidence.value,
            "low": None if each.evidence is None else each.evidence.low,
            "high": None if each.evidence is None else each.evidence.high,
            "n": 0 if each.evidence is None else each.evidence.n,
        }
        for each in claims
    ]


def _own(status: ClaimStatus) -> str:
    """``answer/outcomes/escalation`` of ``support/rollout/harms/answer/outcomes/escalation``."""
    return str(status.claim.options.get("of") or status.claim.address.partition("/")[2])


def _names(claims: Sequence[ClaimStatus]) -> str:
    first = _own(claims[0])
    return first if len(claims) == 1 else f"{first} and {len(claims) - 1:,} more"


def _is(claims: Sequence[ClaimStatus]) -> str:
    return "is" if len(claims) == 1 else "are"
