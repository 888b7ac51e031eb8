"""What the chain says of a decision: names in the clear, and a commitment to everything else.

Pure; may import ``errors`` and the standard library. A commitment is an HMAC under a salt that belongs to one
subject. Who has the salt and the detail can show that the chain speaks of them; once the salt is erased,
nobody can tell what was committed to, and the chain verifies as before.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from launchworthy.evidence.chain import canonical_json

__all__ = ["OPENED", "commitment", "decision_body", "detail_of", "is_opened_by", "subject_key"]

# Columns of a decision that are committed to and not written.
OPENED = ("reason", "decided_by", "facts", "user_id", "session_id")
_CLEAR = ("kind", "subject", "outcome", "rule", "workflow", "release", "cohort")
# Facts that name no person: the chain is filtered by them, or says by which version of a rule it was decided.
_LIFTED = ("tool", "approval", "contract")
_CONTRACT = re.compile(r"c-[0-9a-f]{12}")
_MOST_CHARS = 200


def subject_key(*, user_id: str | None, trace_id: str | None, session_id: str | None) -> str:
    """Whose salt a decision is committed under: that of the user, else of the trace, else of the session."""
    if user_id:
        return f"user:{user_id}"
    if trace_id:
        return f"trace:{trace_id}"
    return f"session:{session_id}" if session_id else ""


def commitment(text: str, *, salt: bytes, purpose: str) -> str:
    """64 hex digits that say nothing without the salt."""
    return hmac.digest(salt, f"{purpose}\0{text}".encode("utf-8", "surrogatepass"), "sha256").hex()


def detail_of(row: Mapping[str, Any]) -> str:
    """Canonical JSON of what is committed to; ``facts`` as the text that was stored."""
    return canonical_json({name: row.get(name) for name in OPENED})


def decision_body(row: Mapping[str, Any], *, salt: bytes) -> dict[str, Any]:
    """The body of a decision's entry; ``row`` has the columns of ``records.DECISIONS``, ids as hex."""
    user = row.get("user_id")
    clear = {name: row[name] for name in _CLEAR if row.get(name) is not None}
    body = {
        "event": row["event_id"],
        "time_ns": row["time"],
        **clear,
        "detail": commitment(detail_of(row), salt=salt, purpose="detail"),
    }
    if user:
        body["who"] = commitment(str(user), salt=salt, purpose="who")
    for name in ("trace_id", "span_id"):
        if row.get(name):
            body[name] = row[name]
    if row.get("simulated"):
        body["simulated"] = True
    return _lifted(row.get("facts")) | body


def _lifted(facts: str | None) -> dict[str, str]:
    if not facts or not any(f'"{name}"' in facts for name in _LIFTED):
        return {}
    plain = json.loads(facts)
    return {
        name: plain[name]
        for name in _LIFTED
        if isinstance(plain.get(name), str)
        and 0 < len(plain[name]) <= _MOST_CHARS
        and (name != "contract" or _CONTRACT.fullmatch(plain[name]))
    }


def is_opened_by(body: Mapping[str, Any], *, detail: str, salt: bytes) -> bool:
    """Whether the entry was made of this detail."""
    return hmac.compare_digest(str(body.get("detail", "")), commitment(detail, salt=salt, purpose="detail"))
