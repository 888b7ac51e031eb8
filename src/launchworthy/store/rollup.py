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

TABLES = """
CREATE TABLE IF NOT EXISTS raw.rollup (
    product VARCHAR, workflow VARCHAR, model VARCHAR, release VARCHAR, cohort VARCHAR, hour BIGINT,
    kind VARCHAR, error_type VARCHAR, latency_bucket SMALLINT, simulated BOOLEAN, n BIGINT,
    cost_usd DOUBLE, input_tokens BIGINT, output_tokens BIGINT, duration_ms DOUBLE
);
CREATE TABLE IF NOT EXISTS raw.traces (trace_id BLOB, min_time BIGINT, max_time BIGINT);
"""

VIEWS = f"""
CREATE OR REPLACE VIEW main.rollup_hour AS
WITH level AS (
    SELECT {_KEYS}, simulated, error_type, latency_bucket,
        grouping(error_type) AS no_error, grouping(latency_bucket) AS no_bucket,
        {", ".join(f"sum({name}) AS {name}" for name in _SUMS)}
    FROM hot.raw.rollup
    GROUP BY GROUPING SETS (
        ({_KEYS}, simulated), ({_KEYS}, simulated, error_type), ({_KEYS}, simulated, latency_bucket)
    )
)
SELECT {_KEYS}, simulated,
    {", ".join(f"sum({name}) FILTER (no_error = 1 AND no_bucket = 1) AS {name}" for name in _SUMS)},
    coalesce(sum(n) FILTER (no_error = 0 AND error_type IS NOT NULL), 0) AS errors,
    map_from_entries(list({{'key': error_type, 'value': n::BIGINT}} ORDER BY n DESC, error_type)
        FILTER (no_error = 0 AND error_type IS NOT NULL)) AS errors_by_type,
    map_from_entries(list({{'key': latency_bucket, 'value': n::BIGINT}} ORDER BY latency_bucket)
        FILTER (no_bucket = 0 AND latency_bucket IS NOT NULL)) AS latency_histogram
FROM level GROUP BY ALL;
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
