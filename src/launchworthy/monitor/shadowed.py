"""What a candidate did in shadow of the live release: how much, and how often it decided otherwise.

May import ``records``, ``stats`` and this room. Units may repeat, so that shares are bounded at the effective
number of records.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from launchworthy.monitor.sample import Sample, share
from launchworthy.monitor.scene import FAILED, UNIT, Query
from launchworthy.quantity import format_value
from launchworthy.records import MARKED_CALL, SHADOW, Own

__all__ = ["shadowed"]

_SEGMENTS = 20
_AGREES = f"json_extract_string(attributes, '/{Own.SHADOW_AGREES}')"
_SEGMENT = f"json_extract_string(attributes, '/{Own.SLICE}')"


def shadowed(
    query: Query, *, product: str, release: str, since: datetime, level: float = 0.95
) -> dict[str, Any] | None:
    """Calls in shadow as JSON values; None where there was none.

    Args:
        query: Answers one SELECT over the records.
        product: Product.
        release: The candidate.
        since: When its ramp began.
        level: Of each bound.
    """
    which = f"product = $1 AND release = $2 AND start_time >= $3 AND cohort = '{SHADOW}' AND {MARKED_CALL}"
    values = [product, release, int(since.timestamp() * 1e9)]
    row = query(
        f"SELECT count(*) AS calls, count(*) FILTER ({FAILED}) AS failed,"
        f" quantile_disc(duration_ms, 0.95) AS p95_ms FROM spans WHERE {which}",
        values,
    )[0]
    if not row["calls"]:
        return None
    compared = f"FROM spans WHERE {which} AND json_valid(attributes) AND {_AGREES} IN ('true', 'false')"
    segments = query(
        f"SELECT {_SEGMENT} AS segment FROM (SELECT * {compared}) WHERE {_SEGMENT} IS NOT NULL"
        f" GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {_SEGMENTS}",
        values,
    )
    found = {
        **row,
        "otherwise": _otherwise(query, compared, values, level),
        "segments": [
            {
                "segment": each["segment"],
                # Looked at together: the segments share the error.
                "otherwise": _otherwise(
                    query,
                    f"{compared} AND {_SEGMENT} = $4",
                    [*values, each["segment"]],
                    1.0 - (1.0 - level) / len(segments),
                ),
            }
            for each in segments
        ],
    }
    return {**found, "said": list(_said(found))}


def _said(found: Mapping[str, Any]) -> Iterator[str]:
    """In words, for people."""
    failed = f", {found['failed']:,} of them failed" if found["failed"] else ""
    slow = "" if found["p95_ms"] is None else f", 95 % within {format_value(found['p95_ms'], unit='ms')}"
    yield f"{found['calls']:,} calls in shadow{failed}{slow}"
    for segment in ({"segment": None, "otherwise": found["otherwise"]}, *found["segments"]):
        told = segment["otherwise"]
        if told is None:
            continue
        value, low, high = (format_value(told[name], unit="ratio") for name in ("value", "low", "high"))
        of = "" if segment["segment"] is None else f" of {segment['segment']}"
        yield f"decides{of} otherwise in {value} ({low} to {high}, n = {told['n']:,})"


def _otherwise(query: Query, compared: str, values: list[Any], level: float) -> dict[str, Any] | None:
    """The share of decisions that differ from the live release's, with two-sided bounds."""
    sample = Sample(
        sql=f"SELECT {UNIT} AS unit, trace_id AS trace, start_time AS began,"
        f" coalesce(simulated, false) AS sim, ({_AGREES} = 'false')::DOUBLE AS x {compared}",
        parameters=values,
        noun="call",
    )
    found = share(query, sample, level=0.5 + 0.5 * level, bad=1)  # each side at half of the error
    interval = found.interval
    if interval is None:
        return None
    return {
        "value": interval.value,
        "low": interval.low,
        "high": interval.high,
        "n": found.records,
        "confidence": level,
    }
