"""A verdict's parts in words, one way for every format. Pure; what others wrote is made one printable line.

May import ``contract``, ``quantity`` and this room.
"""

from __future__ import annotations

import json
import math
from pathlib import PurePath

from launchworthy.contract import Claim, ClaimKind
from launchworthy.contract.vocabulary import find_word
from launchworthy.evidence.evidence import Evidence
from launchworthy.evidence.judgement import FULL_COUNT
from launchworthy.evidence.origins import source_text
from launchworthy.evidence.status import ClaimStatus, Plan, State
from launchworthy.evidence.verdict import Served, StageVerdict, Verdict
from launchworthy.quantity import difference_unit, format_interval, format_number, format_value

__all__ = [
    "MARKS",
    "clean",
    "command_text",
    "cure_text",
    "date_text",
    "judged_line",
    "measured_text",
    "origin_text",
    "plan_text",
    "promise_text",
    "ready_line",
    "repository_path",
    "served_text",
    "stage_text",
    "unmeasured",
]

MARKS = {
    State.MET: "●",
    State.UNMET: "✕",
    State.UNPROVEN: "◌",
    State.WAIVED: "◐",
    State.ATTESTED: "✎",
}
_LONGEST = 400
_LONGEST_PART = 60


def clean(text: str) -> str:
    """Text of others on one line, without what would move a cursor, turn the writing or break XML."""
    flat = " ".join(text.split())
    shown = "".join(character if character.isprintable() else "�" for character in flat)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def repository_path(file: str, *, root: PurePath | None) -> str:
    """A path with forward slashes, from the root where it lies below it."""
    path = PurePath(file)
    if root is not None and path.is_absolute() and path.is_relative_to(root):
        path = path.relative_to(root)
    return path.as_posix()


def judged_line(verdict: Verdict, *, root: PurePath | None = None) -> str:
    """What was judged, on which contract (its path from ``root``, where it lies below), when."""
    release = "no release named"
    if verdict.release is not None:
        known = verdict.releases.get(verdict.release)
        label = f" ({known.label})" if known is not None and known.label else ""
        release = f"release {verdict.release}{label}"
    terms = verdict.terms.contract
    file = repository_path(terms["file"], root=root) if terms.get("file") else ""
    contract = " ".join(part for part in (file, terms.get("version")) if part)
    by = f" by {contract}" if contract else ""
    pieces = len(verdict.evidence)
    rests = f"{pieces:,} piece{'' if pieces == 1 else 's'} of evidence"
    return clean(f"{verdict.terms.product}: {release}, judged {verdict.at:%Y-%m-%d %H:%M} UTC{by} on {rests}")


def date_text(row: StageVerdict) -> str:
    """When a stage may be entered at the earliest."""
    if not row.blocking:
        return "may be entered now"
    return "no date yet" if row.ready.on is None else f"ready on {row.ready.on} at the earliest"


def ready_line(row: StageVerdict) -> str:
    """When a stage may be entered at the earliest, and why then; or why nobody can say."""
    return clean(f"{date_text(row)}: {row.ready.why}" if row.blocking else date_text(row))


def stage_text(row: StageVerdict) -> str:
    """``pilot (5 %): 1 claim unmet, 2 unproven``."""
    share = format_value(row.share, unit="ratio")
    needs = f"all {len(row.needed):,} claims stand" if row.needed else "needs no claim"
    if len(row.needed) == 1:
        needs = "its 1 claim stands"
    return clean(f"{row.name} ({share}): {row.blockers or needs}")


def measured_text(piece: Evidence) -> str:
    """What a piece measured, in the one way numbers print; without a judgement."""
    if piece.kind == ClaimKind.ATTEST:
        return f"signed by {clean(piece.producer) or 'nobody named'}"
    if piece.value is None:
        return "not measured"
    if piece.kind == ClaimKind.HOLDS:
        return f"its trigger to revisit has {'' if piece.value else 'not '}fired"
    if piece.kind == ClaimKind.NEVER:
        noun = "breach" if piece.value == 1 else "breaches"
        return f"{format_number(piece.value)} {noun} on {_of(piece.n, 'occasion')}"
    unit = clean(piece.unit)
    if piece.kind == ClaimKind.DRILL and not unit:
        return f"{format_number(piece.value * piece.n)} of {_of(piece.n, 'drill')} answered as declared"
    if piece.kind == ClaimKind.DELTA:
        unit = difference_unit(unit)
    if piece.method == FULL_COUNT or piece.low == piece.value == piece.high:
        counted = f" (n = {piece.n:,})" if unit == "ratio" else ""
        return f"{format_value(piece.value, unit=unit)}{counted}"
    if piece.low is None or piece.high is None:
        return f"{format_value(piece.value, unit=unit)} (no bounds, n = {piece.n:,})"
    return format_interval(piece.value, piece.low, piece.high, n=piece.n, unit=unit)


def _of(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def promise_text(claim: Claim) -> str:
    """The claim in words, and what its metric measures where that has a word of its own."""
    word = None if claim.workflow is None else find_word(claim.family, claim.metric)
    if word is None or claim.kind not in (ClaimKind.BOUND, ClaimKind.DELTA):
        return clean(claim.sentence)
    doc = word.doc.removesuffix(".")
    if depth := claim.metric.partition("@")[2]:
        doc = doc.replace("first k", f"first {depth}")
    return clean(f"{claim.sentence} ({doc[:1].lower()}{doc[1:]})")


def origin_text(piece: Evidence) -> str:
    """Who or what produced a piece, from what, on which release and gold set, when."""
    parts = [
        source_text(piece) if piece.source else "source not named",
        f"by {piece.producer or 'nobody named'}",
    ]
    if piece.kind != ClaimKind.ATTEST:
        parts.append(f"release {piece.release}" if piece.release else "tied to no release")
    if piece.gold:
        parts.append(f"gold {piece.gold}")
    parts += [f"{piece.observed_at:%Y-%m-%d %H:%M} UTC", piece.id]
    if piece.simulated:
        parts.append("simulated users")
    remark = piece.detail.get("remark")
    if isinstance(remark, str) and remark:
        parts.append(remark)
    return clean(", ".join(parts))


# Provers that have one command for all that they prove.
_COMMANDS = {
    "erase": "launchworthy erase --product {product} --by NAME --drill",
    "export": "launchworthy export preferences --product {product} --out FILE",
    "redteam": "launchworthy redteam --target MODULE:NAME",
}


def command_text(claim: Claim) -> str:
    """The command that measures a claim, or by which its owner signs it; empty where none does."""
    if claim.kind is ClaimKind.ATTEST:
        return f"launchworthy attest {clean(claim.address.partition('/')[2])} --by PERSON"
    if claim.prover is None:
        return ""
    last = claim.address.rpartition("/")[2]
    if claim.prover == "drill":
        if claim.family == "rollout":
            return "launchworthy rollout drill"
        return "launchworthy drill " + ("guards" if claim.family == "guards" else "--target MODULE:NAME")
    if claim.prover == "guard":
        return f"launchworthy guard calibrate {claim.address.split('/')[-2]} --input FILE"
    if claim.prover == "incidents":
        page = clean(claim.address.partition("/")[2])
        return f'launchworthy incidents open "Test page" --claim {page} --severity critical --by PERSON'
    if claim.prover in _COMMANDS:
        return _COMMANDS[claim.prover].format(product=clean(claim.address.partition("/")[0]))
    if claim.prover == "monitor" and claim.family == "data":
        return "launchworthy scan"
    if claim.kind is ClaimKind.AGREE and claim.metric == "judges":
        return f"launchworthy judge calibrate {last} --labels FILE"
    asks = claim.prover == "evals" and claim.family != "gold"  # all else is read from records and gold sets
    return "launchworthy eval" if asks else "launchworthy measure"


def cure_text(each: ClaimStatus) -> str:
    """What an unmet claim takes, which is more than data."""
    if each.claim.kind is ClaimKind.HOLDS:
        return "decide again, and write the decision down in the contract"
    if each.claim.kind is ClaimKind.FRESH:
        return "renew it"
    return "change the product and measure the new release, or change what the contract promises"


def plan_text(plan: Plan) -> str:
    """``measure 85 further items; 85 labels; about 3 days; about 4.2 USD; odds 80 % that it is then met``."""
    parts = [plan.what]
    if plan.labels and (plan.labels != plan.needed or plan.unit != "label"):
        parts.append(f"{plan.labels:,} label{'' if plan.labels == 1 else 's'}")
    if plan.days is not None:
        days = max(1, math.ceil(plan.days))
        parts.append(f"about {days:,} day{'' if days == 1 else 's'}")
    if plan.cost_usd is not None:
        parts.append(f"about {format_value(plan.cost_usd, unit='USD')}")
    if plan.odds is not None:
        parts.append(f"odds {format_value(plan.odds, unit='ratio', digits=2)} that it is then met")
    return clean("; ".join(parts))


def served_text(row: Served, verdict: Verdict) -> str:
    """A release seen in traffic, and each part in which it is not the one that is judged."""
    share = format_value(row.share, unit="ratio")
    if row.judged:
        told = "the release judged here"
    elif row.differing_parts is None:
        told = "another release, whose parts are not known"
    else:
        parts = [f"{name} ({_difference(name, row, verdict)})" for name in row.differing_parts]
        told = f"another release; differing parts: {', '.join(parts)}"
    return clean(f"{row.release} serves {share} of traffic: {told}")


def _difference(name: str, row: Served, verdict: Verdict) -> str:
    proven = verdict.releases[str(verdict.release)].parts.get(name)
    serving = verdict.releases[row.release].parts.get(name)
    return f"{_part(serving)} serves, {_part(proven)} is judged"


def _part(value: object) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= _LONGEST_PART else text[: _LONGEST_PART - 1] + "…"


def unmeasured(each: ClaimStatus) -> bool:
    """Whether a claim waits only because nothing here can measure it; what a person signs waits for them."""
    unsigned = each.claim.kind is ClaimKind.ATTEST
    return (
        each.state is State.UNPROVEN and each.evidence is None and each.claim.prover is None and not unsigned
    )
