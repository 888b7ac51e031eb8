"""What guards checked when they hit, as records hold it: whoever judges a hit reads it.

May import ``monitor``, ``records`` and this room. Of a hit in a passage, or in what a tool was told or
answered, records do not say which text it was; of an answer that was withheld or masked they
hold what went out.
"""

# ruff: noqa: S608 (SQL of this room; values are parameters)
from __future__ import annotations

from collections.abc import Sequence

from launchworthy.console.payload import gist
from launchworthy.console.reading import Reading
from launchworthy.monitor.guards import GuardHit, altered_texts
from launchworthy.records import MARKED_CALL, ROOT

__all__ = ["checked_texts"]

_COLUMNS = ("input", "output")  # of a span, named as the stages at which they are checked
_LONGEST_CALL_NS = 86_400 * 10**9
_MOST = 160  # characters


def checked_texts(reading: Reading, product: str, hits: Sequence[GuardHit]) -> dict[str, str]:
    """The beginning of the text by id of the hit, for those whose text is known."""
    named = [hit for hit in hits if hit.stage in _COLUMNS and hit.trace_id]
    if not named:
        return {}
    first, last = min(hit.at_ns for hit in named), max(hit.at_ns for hit in named)
    traces = sorted({hit.trace_id for hit in named})
    marks = ", ".join(f"unhex(${place})" for place in range(4, 4 + len(traces)))
    rows = reading.query(
        f"SELECT lower(hex(trace_id)) AS trace, {', '.join(_COLUMNS)} FROM spans"
        f" WHERE product = $1 AND start_time BETWEEN $2 AND $3 AND ({MARKED_CALL} OR {ROOT})"
        f" AND trace_id IN ({marks}) ORDER BY ({MARKED_CALL}), start_time DESC",
        [product, first - _LONGEST_CALL_NS, last + _LONGEST_CALL_NS, *traces],
    )
    texts = {row["trace"]: row for row in rows}  # the last of a trace: its first marked call, else its root
    altered = altered_texts(reading.query, product=product, traces=traces)
    return {
        hit.id: text
        for hit in named
        if hit.trace_id in texts
        and (hit.trace_id, hit.stage) not in altered
        and (text := gist(texts[hit.trace_id][hit.stage], most=_MOST))
    }
