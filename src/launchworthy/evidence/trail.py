"""Entries of the audit chain as a reviewer reads them: what was decided, on what, by which rule, and whether
what the records say of it is what the chain committed to.

Pure; may import ``errors`` and this room.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from launchworthy.errors import InputError
from launchworthy.evidence.commitment import OPENED, is_opened_by
from launchworthy.evidence.evidence import Evidence
from launchworthy.evidence.status import LedgerEntry
from launchworthy.evidence.wording import measured_text

__all__ = ["AuditEntry", "AuditFilter", "Opening", "Openness", "audit_entry", "entry_words"]


class Openness(StrEnum):
    """Whether the detail that an entry commits to can be shown."""

    PLAIN = "plain"  # everything stands in the entry itself
    OPEN = "open"  # the detail is there, and is what was committed to
    CLOSED = "closed"  # the detail or its salt was erased, or is past its retention
    ALTERED = "altered"  # the detail is there, and is not what was committed to


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What opens one entry: its detail as canonical JSON, and the salt, in hex, of its commitment."""

    seq: int
    detail: str
    salt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries; empty: all of them.

    Attributes:
        person: Pseudonym of the user whom a decision is about.
        tool: Name of a tool.
        case: Trace id, approval id, or any other subject of decisions.
        kind: Kind of entry, such as ``evidence``, or of decision, such as ``permission``.
        since: From this moment of being appended …
        until: … and before this one.
    """

    person: str = ""
    tool: str = ""
    case: str = ""
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def lets_through(self, entry: AuditEntry) -> bool:
        """Whether an entry is one of these; a person is known by the opened detail only."""
        body, decided = entry.body, entry.is_decision
        if (self.since is not None and entry.at < self.since) or (
            self.until is not None and entry.at >= self.until
        ):
            return False
        if self.kind and self.kind not in (entry.kind, "decision" if decided else entry.kind):
            return False
        if self.tool and not (decided and self.tool in (body.get("subject"), body.get("tool"))):
            return False
        cases = [body.get(name) for name in ("subject", "trace_id", "approval", "event")]
        if self.case and not (decided and self.case in cases):
            return False
        return not self.person or (entry.detail or {}).get("user_id") == self.person


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One entry with what opens it.

    Attributes:
        seq: Number in the chain.
        at: When it was appended.
        kind: Of the entry, and for a decision of the decision.
        hash: Of the entry.
        body: As it stands in the chain.
        detail: Reason, facts, who decided and whom it is about, where they can be shown.
        openness: Whether they can.
    """

    seq: int
    at: datetime
    kind: str
    hash: str
    body: dict[str, Any]
    detail: dict[str, Any] | None
    openness: Openness

    @property
    def is_decision(self) -> bool:
        """Whether it is a decision, and not evidence, an attestation or the like."""
        return all(isinstance(self.body.get(name), str) for name in ("detail", "event", "subject", "outcome"))

    @property
    def facts(self) -> dict[str, Any]:
        """What was seen, as far as it can be shown."""
        found = (self.detail or {}).get("facts")
        try:
            plain = json.loads(found) if isinstance(found, str) else found
        except (ValueError, RecursionError):
            return {}
        return plain if isinstance(plain, dict) else {}


def audit_entry(entry: LedgerEntry, opening: Opening | None) -> AuditEntry:
    """An entry as it is read; the opening is None where there is none to be had."""
    body = json.loads(entry.body)
    if not isinstance(body, dict):
        body = {"value": body}
    decision = entry.kind == "decision"
    detail: dict[str, Any] | None = None
    openness = Openness.CLOSED if decision else Openness.PLAIN
    if decision and opening is not None:
        holds = is_opened_by(body, detail=opening.detail, salt=bytes.fromhex(opening.salt))
        openness = Openness.OPEN if holds else Openness.ALTERED
        read = json.loads(opening.detail)
        detail = {name: read.get(name) for name in OPENED} if isinstance(read, dict) else None
    return AuditEntry(
        seq=entry.seq,
        at=entry.at,
        kind=str(body.get("kind", entry.kind)) if decision else entry.kind,
        hash=entry.hash,
        body=body,
        detail=detail,
        openness=openness,
    )


def entry_words(entry: AuditEntry) -> list[str]:
    """Why this was decided, in lines: what, under which rule, for what reason, seeing what, by whom."""
    body = entry.body
    if not entry.is_decision:
        return _other_words(entry)
    lines = [f"{entry.kind.replace('_', ' ')}: {body['subject']} → {str(body['outcome']).replace('_', ' ')}"]
    lines.append(f"made {_made(body.get('time_ns'))}{_where(body)}")
    facts = dict(entry.facts)
    rule = str(body.get("rule") or "none was named")
    under = body.get("contract", facts.pop("contract", None))
    lines.append(f"rule: {rule}, contract {under}" if isinstance(under, str) else f"rule: {rule}")
    if entry.detail is None:
        lines.append("why and whom: erased, or past retention; the commitment to it stands in the chain")
        return lines
    if entry.openness is Openness.ALTERED:
        lines.append("ALTERED: what the records say is not what the chain committed to")
    detail = entry.detail
    if detail.get("reason"):
        lines.append(f"why: {detail['reason']}")
    if detail.get("decided_by"):
        lines.append(f"decided by: {detail['decided_by']}")
    confirmed = facts.pop("confirmed_by", None)
    if isinstance(confirmed, list):
        lines.append(f"confirmed by: {', '.join(map(str, confirmed))}")
    if detail.get("user_id"):
        lines.append(f"about: {detail['user_id']}")
    lines += [f"saw {name}: {_plain(value)}" for name, value in sorted(facts.items())]
    return lines


def _made(time_ns: Any) -> str:
    try:
        return f"{datetime.fromtimestamp(time_ns / 1e9, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (TypeError, ValueError, OverflowError, OSError):
        return "at no time that is told"


def _where(body: Mapping[str, Any]) -> str:
    places = [
        f"{word} {body[name]}"
        for name, word in (
            ("workflow", "workflow"),
            ("release", "release"),
            ("cohort", "cohort"),
            ("trace_id", "trace"),
        )
        if body.get(name)
    ]
    return f", {', '.join(places)}" if places else ""


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _other_words(entry: AuditEntry) -> list[str]:
    body = entry.body
    if entry.kind == "evidence":
        return [
            f"evidence: {body.get('claim', '?')}",
            _measured(body),
            f"method {body.get('method') or '?'}, source {body.get('source') or '?'},"
            f" by {body.get('producer') or '?'}",
        ]
    if entry.kind == "contract":
        since = f"in place of {body['before']}" if body.get("before") else "is the first"
        return [
            f"contract: {body.get('version', '?')} {since}",
            f"by {body.get('by') or 'the owner of the folder'}; SHA-256 {body.get('sha256', '?')}",
        ]
    if entry.kind == "verdict":
        return _verdict_words(body)
    if entry.kind == "erasure":
        removed = body.get("removed")
        counts = (
            ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in removed.items())
            if isinstance(removed, dict)
            else ""
        )
        return [f"erasure: by {body.get('by', '?')}", f"removed: {counts or 'nothing was held'}"]
    told = {name: value for name, value in body.items() if isinstance(value, (str, int, float, bool))}
    return [entry.kind, *(f"{name}: {_plain(value)[:200]}" for name, value in list(told.items())[:12])]


def _verdict_words(body: Mapping[str, Any]) -> list[str]:
    contract, statuses = body.get("contract"), body.get("statuses")
    version = contract.get("version") if isinstance(contract, dict) else None
    lines = [
        f"verdict: {body.get('conclusion', '?')}",
        f"release {body.get('release') or '?'}, contract {version or '?'}, judged at {body.get('at', '?')}",
        f"saw {body.get('pieces', '?')} pieces of evidence, SHA-256 {body.get('evidence', '?')}",
    ]
    found: dict[str, list[str]] = {}
    for address, status in statuses.items() if isinstance(statuses, dict) else ():
        found.setdefault(str(status), []).append(str(address).partition("/")[2])
    counts = [f"{status} {len(addresses):,}" for status, addresses in sorted(found.items())]
    if counts:
        lines.append(f"of all claims: {', '.join(counts)}")
    if found.get("unmet"):
        lines.append(f"unmet: {', '.join(sorted(found['unmet']))}")
    return lines


def _measured(body: Mapping[str, Any]) -> str:
    try:
        piece = Evidence.from_json(body)
    except InputError:
        return "cannot be read"
    return measured_text(piece) if piece.value is not None else "not measured"
