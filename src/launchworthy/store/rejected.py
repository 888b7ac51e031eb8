"""What ingest refused, for the page that shows it: bounded, newest first. May import ``errors``."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, insert, select

from launchworthy.store.database import Database
from launchworthy.store.moments import from_ns, to_ns
from launchworthy.store.options import Rejection
from launchworthy.store.schema import quarantine, rejections
from launchworthy.store.tally import raise_counter

__all__ = ["add_rejections", "read_rejections"]

_KEPT = 10_000
_SAMPLE_CHARS = 1_000


def add_rejections(database: Database, rows: Sequence[Rejection], *, table: str) -> None:
    """Record refusals and count them."""
    if not rows:
        return
    with database.write() as connection:
        last = connection.execute(select(func.max(rejections.c.id))).scalar() or 0
        connection.execute(
            insert(rejections),
            [
                {
                    "id": last + place,
                    "at": to_ns(row.at),
                    "product": _clean(row.product)[:200],
                    "reason": _clean(row.reason)[:_SAMPLE_CHARS],
                    "count": row.count,
                    "sample": _clean(row.sample)[:_SAMPLE_CHARS],
                }
                for place, row in enumerate(rows, start=1)
            ],
        )
        connection.execute(delete(rejections).where(rejections.c.id <= last + len(rows) - _KEPT))
        raise_counter(connection, "rejected", table=table, by=sum(row.count for row in rows))


def read_rejections(database: Database, limit: int) -> list[Rejection]:
    """Newest first; among them the batches that were accepted and could then not be stored."""
    with database.read() as connection:
        refused = (
            connection.execute(select(rejections).order_by(rejections.c.id.desc()).limit(limit))
            .mappings()
            .all()
        )
        aside = connection.execute(
            select(quarantine.c.at, quarantine.c.reason, quarantine.c.rows, quarantine.c.batch_id)
            .order_by(quarantine.c.seq.desc())
            .limit(limit)
        ).all()
    found = [
        Rejection(
            at=from_ns(row["at"]),
            product=row["product"],
            reason=row["reason"],
            count=row["count"],
            sample=row["sample"],
        )
        for row in refused
    ]
    found += [
        Rejection(
            at=from_ns(row.at),
            product="",
            reason=f"set aside, as it could not be stored: {row.reason}",
            count=row.rows,
            sample=f"batch {row.batch_id}",
        )
        for row in aside
    ]
    return sorted(found, key=lambda each: each.at, reverse=True)[:limit]


def _clean(text: str) -> str:
    """Text that every database takes: no lone surrogates, no NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
