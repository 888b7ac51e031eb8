"""Events of a file, counted by time. No command of its own."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from launchworthy.cli.tables import rows_of
from launchworthy.errors import InputError

__all__ = ["event_counts"]


def event_counts(
    path: Path, *, time: str, bad: str, events: str, bucket_s: float
) -> tuple[tuple[float, int, int], ...]:
    """End of each bucket in seconds, its events and the bad ones, oldest first.

    Args:
        path: JSON Lines, Parquet or Arrow.
        time: Field with the time: ISO 8601 (UTC if it names no zone), or seconds since the epoch.
        bad: Field that says whether it was bad, or how many of the row's events were.
        events: Field that says how many events a row stands for; empty: one each.
        bucket_s: Length of a bucket.

    Raises:
        InputError: A row lacks a field or has a wrong one; names it.
    """
    counts: dict[int, list[int]] = {}
    for number, row in rows_of(path):
        where = f"{path}:{number}"
        at = _seconds(row.get(time), field=time, where=where)
        total = 1 if not events else _count(row.get(events), field=events, where=where)
        wrong = _count(row.get(bad), field=bad, where=where)
        if wrong > total:
            hint = "name the field that says of how many" + ("" if events else ": --events FIELD")
            raise InputError(f"{wrong:,} of {total:,} events are bad", where=where, hint=hint)
        held = counts.setdefault(math.floor(at / bucket_s), [0, 0])
        held[0] += total
        held[1] += wrong
    return tuple(((bucket + 1) * bucket_s, n, k) for bucket, (n, k) in sorted(counts.items()))


def _seconds(value: Any, *, field: str, where: str) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        if abs(value) > 1e11:
            raise InputError(
                f"{field} is {value!r:.40}, which is no number of seconds", where=where, hint="divide by 1000"
            )
        return float(value)
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            found = None
        if found is not None:
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    raise InputError(
        f"{field} is {value!r:.80}, and should be a time",
        where=where,
        hint="ISO 8601 such as 2026-11-25T09:00:00Z, or seconds; --time names another field",
    )


def _count(value: Any, *, field: str, where: str) -> int:
    if isinstance(value, (bool, int)) or (isinstance(value, float) and value.is_integer()):
        found = int(value)
        if 0 <= found < 2**53:
            return found
    raise InputError(
        f"{field} is {value!r:.80}, and should be 0, 1 or a count", where=where, hint="name another field"
    )
