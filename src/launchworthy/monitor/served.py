"""Which version of a model answered where one was asked for by a name that the provider may move.

May import ``records`` and this room. A provider that serves another version under the same name changes a
product without any release: the name that was asked for stays, and the name that answered is another.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from launchworthy.monitor.scene import Bind, Query
from launchworthy.records import GenAI, no_evaluation

__all__ = ["changed_versions"]

_MOST = 2_000


def changed_versions(query: Query, *, product: str, since_ns: int, until_ns: int) -> list[dict[str, Any]]:
    """Where a version first answered in the period that another one answered for before, the newest first.

    Args:
        query: Answers one SELECT over the records.
        product: Whose records.
        since_ns: When the period begins; what answered before it is read too.
        until_ns: When it ends.
    """
    bind = Bind()
    asked = f"json_extract_string(attributes, '/{GenAI.REQUEST_MODEL}')"
    rows = query(
        # A plain text search first: it skips nearly every row before any JSON is read.
        f"SELECT coalesce(provider, '') AS provider, CASE WHEN contains(attributes, '{GenAI.REQUEST_MODEL}')"
        f" AND json_valid(attributes) THEN {asked} END AS requested, model, min(start_time) AS first,"
        f" max(start_time) AS last, count(*) AS calls FROM spans WHERE product = {bind(product)}"
        f" AND start_time < {bind(until_ns)} AND kind IN ('model', 'embedding') AND model IS NOT NULL"
        f" AND {no_evaluation(traces=False)} GROUP BY ALL ORDER BY first LIMIT {_MOST}",
        bind.values,
    )
    before: dict[tuple[str, str], dict[str, Any]] = {}
    found = []
    for row in rows:
        # A call that names one model only was asked for by the name that answered.
        key = row["provider"], row["requested"] or row["model"]
        known = before.get(key)
        if known is not None and known["model"] != row["model"] and row["first"] >= since_ns:
            found.append(
                {
                    "provider": row["provider"] or None,
                    "requested": key[1],
                    "from": known["model"],
                    "to": row["model"],
                    "since": datetime.fromtimestamp(row["first"] / 1e9, UTC).isoformat(),
                    "calls": row["calls"],
                }
            )
        before[key] = row
    return found[::-1]
