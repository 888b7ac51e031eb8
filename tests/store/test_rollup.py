"""Hourly rollups say what the spans say, and latency quantiles to within 1 %, however they were added."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from launchworthy.records import Rows
from launchworthy.store import Store
from launchworthy.store import flusher as flusher_module

MakeRows = Callable[..., Rows]
OpenStore = Callable[..., Store]
_MOMENT = datetime(2026, 6, 21, tzinfo=UTC)
_HOUR_NS = 3_600 * 10**9
_NOW_HOUR = int(_MOMENT.timestamp()) // 3_600 - 1
_SHARES = (0.0001, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0)


def _quantiles(store: Store, where: str = "true") -> list[float]:
    asked = ", ".join(f"min(latency_ms) FILTER (below >= {q} * total)" for q in _SHARES)
    [found] = store.query(
        f"SELECT [{asked}] AS found FROM (SELECT latency_ms, sum(sum(n)) OVER (ORDER BY latency_ms) AS below,"
        f" sum(sum(n)) OVER () AS total FROM latency_hour WHERE {where} GROUP BY latency_ms)"
    )
    return list(found["found"])


def _exact(durations: Any) -> Any:
    return np.quantile(durations, _SHARES, method="inverted_cdf")


def test_quantiles_of_summed_sketches_are_within_one_percent(
    open_store: OpenStore, rows: MakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flusher_module, "_COMPACT_EVERY", 4)
    rng = np.random.default_rng(5)
    store = open_store(clock=lambda: _MOMENT)
    durations = []
    rolled = []
    for at in range(4):
        # From microseconds to weeks, in four hours, one flush each; the last adds up what the others added.
        hour = rng.lognormal(mean=3 * at + 2, sigma=2.5, size=700)
        durations.append(hour)
        start = (_NOW_HOUR - at % 2) * _HOUR_NS
        batch = rows(700, seed=at, start_time=start, duration_ms=hour.tolist(), cost_usd=0.25, model="a")
        store.ingest([batch], batch_id=str(at))
        store.flush()
        rolled.append(store.query("SELECT sum(n)::BIGINT AS n, sum(cost_usd) AS cost FROM rollup_hour"))
    assert rolled == [[{"n": 700 * flushes, "cost": 175.0 * flushes}] for flushes in range(1, 5)]
    assert store.query("SELECT hour, root, n FROM rollup_hour ORDER BY hour") == [
        {"hour": (_NOW_HOUR - 1) * _HOUR_NS, "root": True, "n": 1400},
        {"hour": _NOW_HOUR * _HOUR_NS, "root": True, "n": 1400},
    ]
    np.testing.assert_allclose(_quantiles(store), _exact(np.concatenate(durations)), rtol=0.01)
    newest = f"hour = {_NOW_HOUR * _HOUR_NS} AND model = 'a'"
    np.testing.assert_allclose(_quantiles(store, newest), _exact(np.concatenate(durations[::2])), rtol=0.01)
    store.close()
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{store.folder / 'hot.duckdb'}' AS hot (READ_ONLY)")
        # Compacted: one row for each hour, whatever came in how many flushes.
        assert connection.execute("SELECT count(*) FROM hot.raw.rollup").fetchall() == [(2,)]


def test_durations_that_no_clock_can_have_measured_do_not_stop_a_flush(store: Store, rows: MakeRows) -> None:
    odd = [0.0, -5.0, 1e300, float("inf"), float("nan"), None, 20.0]
    store.ingest([rows(7, duration_ms=odd, parent_span_id=b"12345678")], batch_id="x")
    store.flush()
    found = store.query("SELECT latency_ms, root, n FROM latency_hour ORDER BY latency_ms")
    assert [(row["root"], row["n"]) for row in found] == [(False, 2), (False, 1), (False, 3)]
    assert [row["latency_ms"] for row in found] == pytest.approx([0.001, 20.0, 1e12], rel=0.01)


def test_latency_of_a_file_of_eight_bins_to_an_octave_is_kept(
    open_store: OpenStore, rows: MakeRows, folder: Path
) -> None:
    store = open_store()
    store.ingest([rows(3, kind="workflow", duration_ms=[92.0, 95.0, 3000.0], cost_usd=1.0)], batch_id="x")
    store.close()
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{folder / 'hot.duckdb'}' AS hot; USE hot")
        connection.execute(
            "DROP TABLE raw.latency; DROP TABLE raw.rollup; CREATE TABLE raw.rollup AS"
            " SELECT product, workflow, model, release, cohort, 0 AS hour,"
            " kind, CASE WHEN status = 'error' THEN error_type END AS error_type,"
            " floor(8 * log2(duration_ms))::SMALLINT AS latency_bucket, false AS simulated, count(*) AS n,"
            " sum(cost_usd) AS cost_usd, sum(input_tokens)::BIGINT AS input_tokens,"
            " sum(output_tokens)::BIGINT AS output_tokens, sum(duration_ms) AS duration_ms"
            " FROM raw.spans GROUP BY ALL"
        )
    for _ in range(2):
        store = open_store()
        assert store.query("SELECT n, root, cost_usd, duration_ms FROM rollup_hour") == [
            {"n": 3, "root": True, "cost_usd": 3.0, "duration_ms": 3187.0}
        ]
        found = store.query("SELECT latency_ms, n FROM latency_hour ORDER BY latency_ms")
        assert [row["n"] for row in found] == [2, 1]
        # As exact as that file was.
        assert [row["latency_ms"] for row in found] == pytest.approx([93.5, 3000.0], rel=0.06)
        store.close()
