"""A verdict as plain JSON: all that the text, the pages and another program need. Pure.

May import ``contract``, ``records`` and the standard library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime, time
from typing import Any

from launchworthy import __version__
from launchworthy.contract import Claim
from launchworthy.evidence.evidence import Evidence
from launchworthy.evidence.judgement import bounds_at
from launchworthy.evidence.selection import expiry
from launchworthy.evidence.status import ClaimStatus, State
from launchworthy.evidence.verdict import StageVerdict, Verdict

__all__ = ["verdict_json", "verdict_record"]


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """The verdict as JSON values; times in ISO 8601, infinities as the strings ``inf`` and ``-inf``."""
    release = None if verdict.release is None else verdict.releases.get(verdict.release)
    return {
        "product": verdict.terms.product,
        "conclusion": verdict.conclusion,
        "exit_code": verdict.exit_code,
        "stage": verdict.subject.name,
        "asked": verdict.asked,
        "may_enter": verdict.may_enter,
        "ready_on": _day(verdict.subject),
        "at": verdict.at.isoformat(),
        "contract": dict(verdict.terms.contract),
        "release": verdict.release,
        "label": None if release is None else release.label,
        "parts": None if release is None else dict(release.parts),
        "serving": [
            {
                "release": row.release,
                "share": row.share,
                "judged": row.judged,
                "parts": None if row.release not in verdict.releases else verdict.releases[row.release].parts,
                "differing_parts": None if row.differing_parts is None else list(row.differing_parts),
            }
            for row in verdict.serving
        ],
        "simulated": [each.claim.address for each in verdict.simulated],
        "stages": [_stage(row, verdict) for row in verdict.stages],
        "claims": [_claim(each) for each in verdict.statuses],
    }


def verdict_record(verdict: Verdict) -> dict[str, Any]:
    """What the audit chain keeps of a verdict: enough to judge again and see whether it comes out the same.

    ``evidence`` is the SHA-256 over the addresses of the pieces that were read, ``statuses`` maps each claim
    to its state, ``launchworthy`` is the version that judged.
    """
    return {
        "contract": dict(verdict.terms.contract),
        "release": verdict.release,
        "at": verdict.at.isoformat(),
        "asked": verdict.asked,
        "judges": {
            address: [asdict(judge) for judge in judges] for address, judges in verdict.terms.judges.items()
        },
        "stage": verdict.subject.name,
        "may_enter": verdict.may_enter,
        "conclusion": verdict.conclusion,
        "exit_code": verdict.exit_code,
        "pieces": len(verdict.evidence),
        "evidence": _digest(verdict.evidence),
        "statuses": {each.claim.address: each.state.value for each in verdict.statuses},
        "launchworthy": __version__,
    }


def _digest(evidence: Iterable[Evidence]) -> str:
    return hashlib.sha256("\n".join(sorted(piece.id for piece in evidence)).encode()).hexdigest()


def _day(row: StageVerdict) -> str | None:
    return None if row.ready.on is None else row.ready.on.isoformat()


def _stands_until(row: StageVerdict, verdict: Verdict) -> str | None:
    """When the first thing that a stage rests on ends, evidence or waiver, if nothing is measured anew."""
    ends = []
    for each in row.needed:
        if each.state is State.WAIVED and (waiver := verdict.terms.waiver_of(each.claim.address)) is not None:
            ends.append(datetime.combine(waiver.until, time.max, tzinfo=UTC))
        elif each.evidence is not None:
            ends.append(expiry(each.claim, each.evidence))
    return min(ends).isoformat() if ends else None


def _stage(row: StageVerdict, verdict: Verdict) -> dict[str, Any]:
    return {
        "name": row.name,
        "share": row.share,
        "status": row.state.value,
        "needs": [each.claim.address for each in row.needed],
        "blocking": [each.claim.address for each in row.blocking],
        "stands_until": _stands_until(row, verdict) if row.state is State.MET else None,
        "ready_on": _day(row),
        "ready_why": row.ready.why,
    }


def _claim(each: ClaimStatus) -> dict[str, Any]:
    claim, piece = each.claim, each.evidence
    return {
        "claim": claim.address,
        "sentence": claim.sentence,
        "kind": claim.kind.value,
        "due": claim.due,
        "place": None if claim.place is None else str(claim.place),
        "status": each.state.value,
        "reason": each.reason,
        "needed": None if each.plan is None else each.plan.needed,
        "plan": None if each.plan is None else asdict(each.plan),
        "metric": claim.metric,
        **_measured(claim, piece),
        "confidence": claim.confidence,
        "target": _target(claim),
        "simulated": piece is not None and piece.simulated,
        "evidence": None if piece is None else _piece(piece),
        "contradicting": [_piece(other) for other in each.contradicting],
    }


def _measured(claim: Claim, piece: Evidence | None) -> dict[str, Any]:
    """Value and the bounds it was judged by, which hold at the claim's level; null where there are none."""
    if piece is None:
        return {"value": None, "low": None, "high": None, "n": 0, "unit": None}
    bounds = bounds_at(piece, level=claim.confidence) or (None, None)
    plain = replace(piece, low=bounds[0], high=bounds[1]).as_json()
    return {name: plain[name] for name in ("value", "low", "high", "n", "unit")}


def _target(claim: Claim) -> dict[str, Any] | None:
    if claim.target is None:
        return None
    return {
        "direction": claim.target.direction.value,
        "threshold": claim.target.threshold,
        "unit": claim.target.unit,
    }


def _piece(piece: Evidence) -> dict[str, Any]:
    return {"id": piece.id, **piece.as_json()}
