"""Moments as the store keeps them: nanoseconds since the Unix epoch, UTC. Standard library only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from launchworthy.errors import InputError

__all__ = ["DAY_NS", "HOUR_NS", "day_start", "from_ns", "to_ns"]

HOUR_NS = 3_600 * 10**9
DAY_NS = 24 * HOUR_NS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ns(moment: datetime) -> int:
    """Exact to the microsecond that a datetime holds.

    Raises:
        InputError: The moment has no time zone.
    """
    if moment.tzinfo is None:
        raise InputError("a time without a zone", hint="use an aware datetime, in UTC")
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def from_ns(ns: int) -> datetime:
    """Aware, UTC, cut to microseconds."""
    return _EPOCH + timedelta(microseconds=ns // 1000)


def day_start(ns: int) -> int:
    """Midnight UTC of the day."""
    return ns - ns % DAY_NS
