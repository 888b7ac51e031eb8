"""Hourly rollups and the trace index: what a flush adds, how it is read, how it is compacted.

Both are append-only sums, so that a flush never updates. Latency is counted in logarithmic buckets, eight
to an octave, which merge by adding; a quantile read from them is within 4.5 % of its bucket's true place.
Pure SQL text; imports nothing of this project but ``moments``.
"""

# ruff: noqa: S608 (names in SQL come from the schema, values from parameters or text_literal)
from __future__ import annotations

import math
from collections.abc import Mapping

from launchworthy.store.moments import HOUR_NS

__all__ = ["bucket_ms", "histogram_quantile_ms"]

_KEYS = "product, workflow, model, release, cohort, hour, kind"
_SUMS = ("n", "cost_usd", "input_tokens", "output_tokens", "duration_ms")
_CASTS = {"n": "::BIGINT", "input_tokens": "::BIGINT", "output_tokens": "::BIGINT"}

TABLES = """
CREATE TABLE IF NOT EXISTS raw.rollup (
    product VARCHAR, workflow VARCHAR, model VARCHAR, release VARCHAR, cohort VARCHAR, hour BIGINT,
    kind VARCHAR, error_type VARCHAR, latency_bucket SMALLINT, simulated BOOLEAN, n BIGINT,
    cost_usd DOUBLE, input_tokens BIGINT, output_tokens BIGINT, duration_ms DOUBLE
);
CREATE TABLE IF NOT EXISTS raw.traces (trace_id BLOB, min_time BIGINT, max_time BIGINT);
"""


def _merged(key: str) -> str:
    """A map of key → sum of n. The engine leaves it out of a query that does not ask for it."""
    entries = f"list({{'key': {key}, 'value': n}}) FILTER ({key} IS NOT NULL)"
    return f"""map_from_entries(list_transform(
        list_sort(list_distinct(list_transform({entries}, lambda e: e.key))),
        lambda k: {{'key': k, 'value': list_sum(list_transform(
            list_filter({entries}, lambda e: e.key = k), lambda e: e.value))::BIGINT}}))"""


VIEWS = f"""
CREATE OR REPLACE VIEW main.rollup_hour AS
SELECT {_KEYS}, simulated,
    {", ".join(f"sum({name}){_CASTS.get(name, '')} AS {name}" for name in _SUMS)},
    coalesce(sum(n) FILTER (error_type IS NOT NULL), 0)::BIGINT AS errors,
    {_merged("error_type")} AS errors_by_type,
    {_merged("latency_bucket")} AS latency_histogram
FROM hot.raw.rollup GROUP BY {_KEYS}, simulated;
CREATE OR REPLACE VIEW main.trace_index AS
SELECT trace_id, min(min_time) AS min_time, max(max_time) AS max_time FROM hot.raw.traces GROUP BY trace_id;
"""

ADD_ROLLUP = f"""
INSERT INTO raw.rollup
SELECT product, workflow, model, release, cohort, start_time - start_time % {HOUR_NS}, kind,
    CASE WHEN status = 'error' THEN coalesce(error_type, 'error') END,
    floor(8 * log2(greatest(duration_ms, 0.001)))::SMALLINT, coalesce(simulated, false), count(*),
    sum(cost_usd), sum(input_tokens), sum(output_tokens), sum(duration_ms)
FROM {{source}} GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""

ADD_TRACES = """
INSERT INTO raw.traces
SELECT trace_id, min(start_time), max(start_time) FROM {source} GROUP BY trace_id
"""

COMPACT_ROLLUP = f"""
CREATE OR REPLACE TEMP TABLE compacted AS
SELECT {_KEYS}, error_type, latency_bucket, simulated, {", ".join(f"sum({name}) AS {name}" for name in _SUMS)}
FROM hot.raw.rollup WHERE hour >= $since GROUP BY ALL
"""


def bucket_ms(bucket: int) -> float:
    """The geometric middle of a latency bucket, in milliseconds."""
    return float(2 ** ((bucket + 0.5) / 8))


def histogram_quantile_ms(histogram: Mapping[int, int], *, q: float) -> float | None:
    """A quantile from a merged latency histogram; None if it is empty."""
    total = sum(histogram.values())
    rank, seen = max(1, math.ceil(q * total)), 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if seen >= rank:
            return bucket_ms(bucket)
    return None
