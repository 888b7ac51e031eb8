"""Limits and intervals of a store, and what it answers. Sizes in bytes, times in seconds.

May import the standard library only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = ["Clock", "Receipt", "Rejection", "StoreOptions", "system_clock"]

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


def _no_step(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOptions:
    """How much a store takes before it pushes back, and how often it works.

    Attributes:
        flush_interval_s: Acknowledged records are visible to queries after about this long.
        flush_rows, flush_bytes: At most this much moves in one transaction.
        max_in_flight_bytes: Compressed batches that wait for their commit.
        max_log_bytes: Acknowledged batches that wait to be flushed.
        min_free_bytes: Below this much free disk nothing more is accepted.
        remember_batches_s: For how long a repeated batch id is recognised.
        hot_days: Today and this many days before it rest in the hot file; older days are sealed.
        memory_bytes: What DuckDB may hold in memory before it spills to the folder's ``tmp``.
        maintenance_memory_bytes: The same while days are sealed or rewritten.
        query_timeout_s: A query that takes longer is stopped.
        query_rows: A query that answers more rows is refused.
        step: Told the name of each durable step as it begins: ``flush.commit``, ``seal.rename`` …
    """

    flush_interval_s: float = 0.5
    flush_rows: int = 2048
    flush_bytes: int = 8 * 2**20
    max_in_flight_bytes: int = 64 * 2**20
    max_log_bytes: int = 512 * 2**20
    min_free_bytes: int = 256 * 2**20
    remember_batches_s: float = 2 * 86_400.0
    hot_days: int = 2
    memory_bytes: int = 56 * 2**20
    maintenance_memory_bytes: int = 384 * 2**20
    query_timeout_s: float = 30.0
    query_rows: int = 1_000_000
    step: Callable[[str], None] = _no_step


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was acknowledged: it is on disk and will be stored.

    ``accepted`` counts rows. ``duplicate`` is true when a batch of this id was acknowledged before; then
    nothing is stored again. ``seq`` is the batch's place in the log, for :meth:`Store.wait_until_stored`.
    """

    accepted: int
    duplicate: bool
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Rows that were refused for one reason; ``sample`` shows one of them, cut to 1,000 characters."""

    at: datetime
    product: str
    reason: str
    count: int
    sample: str = ""
