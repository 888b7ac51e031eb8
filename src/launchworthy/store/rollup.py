"""Hourly rollups, latency sketches and the trace index: what a flush adds, how it is read and compacted.

All are append-only sums, so that a flush never updates. Latency is counted in bins that grow by 2 %: sketches
merge by adding, and any quantile of them is within 1 % (Masson, Rim and Lee, DDSketch, VLDB 2019). ``root``
is true of spans without a parent. Pure SQL text; imports nothing of this project but ``moments``.
"""

# ruff: noqa: S608 (names in SQL come from this module, values from parameters)
from __future__ import annotations

import math

from launchworthy.store.moments import HOUR_NS

__all__ = ["compact"]

_KEYS = "product, workflow, model, release, cohort, hour, kind, root, simulated"
_KEY_TYPES = """product VARCHAR, workflow VARCHAR, model VARCHAR, release VARCHAR, cohort VARCHAR,
    hour BIGINT, kind VARCHAR, root BOOLEAN, simulated BOOLEAN"""
_OF_SPAN = f"""product, workflow, model, release, cohort, start_time - start_time % {HOUR_NS} AS hour, kind,
    parent_span_id IS NULL AS root, coalesce(simulated, false) AS simulated"""
_CASTS = {
    "n": "::BIGINT",
    "cost_usd": "",
    "input_tokens": "::BIGINT",
    "output_tokens": "::BIGINT",
    "duration_ms": "",
}
_SUMS = ", ".join(f"sum({name}){cast} AS {name}" for name, cast in _CASTS.items())

_ERROR = 0.01
_GROWTH = (1 + _ERROR) / (1 - _ERROR)
_SHORTEST_MS, _LONGEST_MS = 1e-3, 1e12  # what lies beyond is counted as these
_BIN = f"ceil(ln({{ms}}) / {math.log(_GROWTH)!r})::SMALLINT"
_BIN_OF_SPAN = _BIN.format(ms=f"greatest({_SHORTEST_MS!r}, least(duration_ms, {_LONGEST_MS!r}))")
# The value that is within 1 % of everything in its bin.
_MS = f"{2 / (_GROWTH + 1)!r} * pow({_GROWTH!r}, latency_bin)"

TABLES = f"""
CREATE TABLE IF NOT EXISTS raw.rollup (
    {_KEY_TYPES}, error_type VARCHAR, n BIGINT,
    cost_usd DOUBLE, input_tokens BIGINT, output_tokens BIGINT, duration_ms DOUBLE
);
CREATE TABLE IF NOT EXISTS raw.latency ({_KEY_TYPES}, latency_bin SMALLINT, n BIGINT);
CREATE TABLE IF NOT EXISTS raw.traces (trace_id BLOB, min_time BIGINT, max_time BIGINT);
"""

_ERRORS = "list({'key': error_type, 'value': n}) FILTER (error_type IS NOT NULL)"
# A map of type → sum of n. The engine leaves it out of a query that does not ask for it.
_ERRORS_BY_TYPE = f"""map_from_entries(list_transform(
    list_sort(list_distinct(list_transform({_ERRORS}, lambda e: e.key))),
    lambda k: {{'key': k, 'value': list_sum(list_transform(
        list_filter({_ERRORS}, lambda e: e.key = k), lambda e: e.value))::BIGINT}}))"""

VIEWS = f"""
CREATE OR REPLACE VIEW main.rollup_hour AS
SELECT {_KEYS}, {_SUMS}, coalesce(sum(n) FILTER (error_type IS NOT NULL), 0)::BIGINT AS errors,
    {_ERRORS_BY_TYPE} AS errors_by_type
FROM hot.raw.rollup GROUP BY {_KEYS};
CREATE OR REPLACE VIEW main.latency_hour AS
SELECT {_KEYS}, {_MS} AS latency_ms, sum(n)::BIGINT AS n FROM hot.raw.latency GROUP BY {_KEYS}, latency_bin;
CREATE OR REPLACE VIEW main.trace_index AS
SELECT trace_id, min(min_time) AS min_time, max(max_time) AS max_time FROM hot.raw.traces GROUP BY trace_id;
"""

ADD_ROLLUP = f"""
INSERT INTO raw.rollup BY NAME
SELECT {_OF_SPAN}, CASE WHEN status = 'error' THEN coalesce(error_type, 'error') END AS error_type,
    count(*) AS n, sum(cost_usd) AS cost_usd, sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens, sum(duration_ms) AS duration_ms
FROM {{source}} GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""

ADD_LATENCY = f"""
INSERT INTO raw.latency BY NAME
SELECT {_OF_SPAN}, {_BIN_OF_SPAN} AS latency_bin, count(*) AS n
FROM {{source}} WHERE duration_ms IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""

ADD_TRACES = """
INSERT INTO raw.traces
SELECT trace_id, min(start_time), max(start_time) FROM {source} GROUP BY trace_id
"""

ADD = (ADD_ROLLUP, ADD_LATENCY, ADD_TRACES)

_COMPACTED = {"rollup": f"{_KEYS}, error_type, {_SUMS}", "latency": f"{_KEYS}, latency_bin, sum(n) AS n"}


def compact(since: int) -> str:
    """Statements that sum what flushes have added to hours from ``since`` (ns) on."""
    return "".join(
        f"CREATE OR REPLACE TEMP TABLE compacted AS SELECT {columns} FROM hot.raw.{name}"
        f" WHERE hour >= {since} GROUP BY ALL;"
        f"DELETE FROM raw.{name} WHERE hour >= {since};"
        f"INSERT INTO raw.{name} BY NAME FROM temp.compacted;"
        "DROP TABLE temp.compacted;"
        for name, columns in _COMPACTED.items()
    )


# A file of before counted latency in eight bins to an octave, beside the sums, and did not tell roots.
_OLD_MS = "pow(2, (latency_bucket + 0.5) / 8)"
FROM_OCTAVES = f"""
CREATE TEMP TABLE octaves AS SELECT *, coalesce(kind = 'workflow', false) AS root FROM hot.raw.rollup;
DROP TABLE hot.raw.rollup;
{TABLES}
INSERT INTO raw.rollup BY NAME SELECT {_KEYS}, error_type, {_SUMS} FROM temp.octaves GROUP BY ALL;
INSERT INTO raw.latency BY NAME SELECT {_KEYS}, {_BIN.format(ms=_OLD_MS)} AS latency_bin, sum(n) AS n
FROM temp.octaves WHERE latency_bucket IS NOT NULL GROUP BY ALL;
DROP TABLE temp.octaves;
"""
