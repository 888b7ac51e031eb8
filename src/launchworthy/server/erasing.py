"""Whether erasing works: what is left of texts in any file, and a drill with a person who was made up.

May import every room below ``server``.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from launchworthy import __version__
from launchworthy.contract import ClaimKind
from launchworthy.errors import LaunchworthyError
from launchworthy.evals.cache import CACHE_FILE, cached_texts
from launchworthy.evidence import Evidence
from launchworthy.records import TABLES, Rows
from launchworthy.store import Clock, Store

__all__ = ["drill", "what_is_left"]

_DAY_NS = 86_400 * 10**9
_LATE_DAYS = 5  # old enough to be sealed


def what_is_left(store: Store, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Where any of these texts stands, as ``{place, text}``: a file, and which of the texts it is.

    Raises:
        InputError: A text is too short to be told from chance.
    """
    found = [{"place": each.place, "text": each.text} for each in store.find_texts(texts)]
    written = [json.dumps(text)[1:-1] for text in texts]
    for held in cached_texts(store.folder):
        found += [
            {"place": f"{CACHE_FILE}: replies", "text": place}
            for place, text in enumerate(written)
            if text in held
        ]
    return [dict(each) for each in dict.fromkeys(tuple(sorted(one.items())) for one in found)]


def drill(
    store: Store,
    *,
    product: str,
    within_ms: float,
    erase: Callable[[str], Mapping[str, Any]],
    pseudonym: Callable[[str], str],
    clock: Clock,
) -> Evidence:
    """Plant what a made-up person says in every table, of today and sealed, erase them, and look for it.

    Args:
        store: Where records rest.
        product: Whose records.
        within_ms: How soon the person's data must be gone.
        erase: Erases a user.
        pseudonym: Of a user, as records name one.
        clock: When it happens.
    """
    mark = secrets.token_hex(12)
    user, said = f"drill-{mark}", f"erasure-canary-{mark}"
    store.ingest(
        _planted(product, pseudonym(user), said, int(clock().timestamp() * 1e9)),
        batch_id=f"drill-{secrets.token_hex(8)}",
    )
    store.flush()
    store.seal()
    texts = [said, user, pseudonym(user)]
    planted = sorted({each["place"] for each in what_is_left(store, texts)})
    reason = ""
    begun = clock()
    try:
        removed = dict(erase(user)["removed"])
    except LaunchworthyError as error:
        removed, reason = {}, f"the erasure failed: {error.message}"
    took_ms = (clock() - begun).total_seconds() * 1e3
    left = sorted({each["place"] for each in what_is_left(store, texts)})
    if left:
        reason = reason or f"what they said still stands in {', '.join(left[:3])}"
    elif took_ms > within_ms:
        reason = reason or "it took too long"
    detail: dict[str, Any] = {
        "took_ms": round(took_ms, 3),
        "within_ms": within_ms,
        "planted": planted,
        "left": left,
        "removed": removed,
    }
    if reason:
        detail["remark"] = reason
    return Evidence(
        claim=f"{product}/data/erasure_within",
        kind=ClaimKind.DRILL,
        value=0.0 if reason else 1.0,
        n=1,
        source="drill",
        producer=f"launchworthy.server {__version__}",
        observed_at=clock(),
        detail=detail,
        simulated=True,
    )


def _planted(product: str, user: str, said: str, now_ns: int) -> list[Rows]:
    """A few rows of every table in which anything is said, of now and of days ago."""
    telling = {
        "spans": {"input": json.dumps(said), "output": json.dumps([said]), "kind": "workflow"},
        "feedback": {"comment": said, "correction": said},
        "outcomes": {"event": "erasure_drill", "attributes": json.dumps({"note": said})},
        "scores": {"name": "erasure_drill", "explanation": said},
    }
    found = []
    for name, values in telling.items():
        table = TABLES[name]
        rows = [
            {
                **dict.fromkeys(table.names),
                "product": product,
                "user_id": user,
                "simulated": True,
                "trace_id": secrets.token_bytes(16),
                "span_id": secrets.token_bytes(8),
                table.time: at_ns,
                "received_at": now_ns,
                **values,
            }
            for at_ns in (now_ns, now_ns - _LATE_DAYS * _DAY_NS)
        ]
        found.append(Rows(name, {column: [row[column] for row in rows] for column in table.names}))
    return found
