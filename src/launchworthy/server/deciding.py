"""A decision that was made on this side, as the row that the store chains. May import every room below."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from launchworthy.errors import InputError
from launchworthy.records import DECISION_KINDS, DECISIONS, OF_THE_QUEUE, Rows, facts_of, reason_of

__all__ = ["own_decision"]

_MOST_CHARS = 200


def own_decision(
    *,
    product: str,
    kind: str,
    subject: str,
    outcome: str,
    rule: str | None,
    reason: str,
    by: str | None,
    facts: Mapping[str, Any] | None,
    user: str | None,
    trace_id: str | None,
    decision_id: str | None,
    at: datetime,
) -> Rows:
    """One row of ``records.DECISIONS``; the user is a pseudonym already.

    Raises:
        InputError: A kind that is none, an empty name, or a trace id that is none.
    """
    if kind not in DECISION_KINDS:
        raise InputError(
            f"{kind!r:.60} is no kind of decision", where="kind", hint=f"one of {', '.join(DECISION_KINDS)}"
        )
    for name, value in (("product", product), ("subject", subject), ("outcome", outcome)):
        if not value.strip():
            raise InputError(f"{name} is empty", where=name)
    if decision_id is not None and decision_id.startswith(OF_THE_QUEUE):
        raise InputError("what the queue of approvals decided, it tells itself", where="decision_id")
    try:
        trace = bytes.fromhex(trace_id) if trace_id else None
    except ValueError:
        trace = b""
    if trace is not None and len(trace) != 16:
        raise InputError(f"{trace_id!r:.60} is no trace id", where="trace_id", hint="32 hexadecimal digits")
    seen = facts_of(facts)
    now = int(at.timestamp() * 1e6) * 1000
    values: dict[str, Any] = {
        "event_id": (decision_id or uuid.uuid4().hex)[:_MOST_CHARS],
        "trace_id": trace,
        "product": product,
        "user_id": user,
        "kind": kind,
        "subject": subject[:_MOST_CHARS],
        "outcome": outcome[:_MOST_CHARS],
        "rule": rule and rule[:_MOST_CHARS],
        "reason": reason_of(reason) if reason else None,
        "decided_by": by and by[:_MOST_CHARS],
        "facts": json.dumps(seen, sort_keys=True) if seen else None,
        "time": now,
        "received_at": now,
    }
    return Rows(DECISIONS.name, {name: [values.get(name)] for name in DECISIONS.names})
