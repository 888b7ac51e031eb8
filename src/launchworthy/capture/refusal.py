"""Records that are not taken, and why; counted, never silently dropped. Imports the standard library only."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Refusal", "Refusals", "Refused", "check_ids", "check_time"]

_DAY_NS = 86_400 * 10**9
_YEAR_2000_NS = 946_684_800 * 10**9
_SAMPLE_CHARS = 200
_MOST_REASONS = 100  # told apart in one request


class Refusal(Exception):
    """One record is not taken; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Records of a product that were not taken for one reason; ``sample`` names one of them."""

    product: str
    reason: str
    count: int
    sample: str


class Refusals:
    """Adds up refusals by product and reason."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], tuple[int, str]] = {}

    def add(self, product: str, reason: str, *, sample: str) -> bool:
        """One more; of the samples the first is kept. Answers whether it is the first."""
        if len(self._found) >= _MOST_REASONS and (product, reason) not in self._found:
            product, reason = "", "one of many other reasons"
        count, first = self._found.get((product, reason), (0, sample[:_SAMPLE_CHARS]))
        self._found[product, reason] = (count + 1, first)
        return count == 0

    def all(self) -> tuple[Refused, ...]:
        """What was refused, in the order in which each reason first came."""
        return tuple(
            Refused(product=product, reason=reason, count=count, sample=sample)
            for (product, reason), (count, sample) in self._found.items()
        )


def check_ids(trace_id: bytes, span_id: bytes) -> None:
    """Raises:
    Refusal: An id has the wrong length or is all zeros.
    """
    if len(trace_id) != 16:
        raise Refusal("the trace id is not 16 bytes (32 hexadecimal digits in JSON)")
    if len(span_id) != 8:
        raise Refusal("the span id is not 8 bytes (16 hexadecimal digits in JSON)")
    if not any(trace_id) or not any(span_id):
        raise Refusal("the trace id or the span id is all zeros")


def check_time(time_ns: int, *, received_at_ns: int) -> None:
    """Raises:
    Refusal: The time cannot be meant; a clock that is off by hours can.
    """
    if time_ns < _YEAR_2000_NS:
        raise Refusal("the time is missing or before the year 2000; times are nanoseconds since 1970")
    if time_ns > received_at_ns + _DAY_NS:
        raise Refusal("the time is more than a day in the future; times are nanoseconds since 1970")
