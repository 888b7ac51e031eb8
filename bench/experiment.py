"""How long does it take to read an experiment of a million users with 20 metrics, from raw rows?

    python bench/experiment.py [--users 1000000] [--repetitions 5]

Writes the rows to a Parquet file once (seven yes-or-no metrics, thirteen gamma-distributed ones, two arms), then
times, best and median: the bare aggregation of the same columns by DuckDB, ``gather_rows`` (columns checked, users
counted once, sums by arm), and ``analyse`` (every interval of every metric). Also the same rows twice, so that users
have to be grouped, and the bounds of 20 planned looks from nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from launchworthy.rollout.experiment import analyse, gather_rows
from launchworthy.stats import group_sequential, look_bounds


def _write(path: Path, users: int, *, rows_each: int = 1) -> None:
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(users), rows_each)
    arm = np.repeat(np.where(rng.random(users) < 0.5, "control", "candidate"), rows_each)
    columns: dict[str, np.ndarray] = {"user": who, "arm": arm}
    for number in range(20):
        yes = number < 7
        columns[f"m{number}"] = rng.random(who.size) < 0.1 if yes else rng.gamma(2.0, 1.0, who.size)
    pq.write_table(pa.table(columns), path)


def _timed(what: str, run: Callable[[], object], repetitions: int) -> None:
    times, work = [], []
    for _ in range(repetitions):
        started, before = time.perf_counter(), time.process_time()
        run()
        times.append(time.perf_counter() - started)
        work.append(time.process_time() - before)
    median = statistics.median(times)
    print(f"{what:40} {min(times):7.3f} s best {median:7.3f} s median {min(work):7.3f} s CPU", flush=True)


def _bare(path: Path) -> None:
    terms = ", ".join(
        f"sum(CAST(m{n} AS DOUBLE)), sum(CAST(m{n} AS DOUBLE) * CAST(m{n} AS DOUBLE))" for n in range(20)
    )
    with duckdb.connect() as connection:
        connection.execute(f"SELECT arm, count(*), {terms} FROM '{path}' GROUP BY arm").fetchall()


def _fresh_bounds() -> None:
    group_sequential._bounds.cache_clear()
    look_bounds([(look + 1) / 20 for look in range(20)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        path, twice = Path(folder) / "rows.parquet", Path(folder) / "twice.parquet"
        _write(path, options.users)
        _write(twice, options.users // 2, rows_each=2)
        print(f"{options.users:,} users x 20 metrics")
        _timed("bare aggregation in DuckDB", lambda: _bare(path), options.repetitions)
        plan, gathered = gather_rows(path)
        _timed("rows to sums (gather_rows)", lambda: gather_rows(path), options.repetitions)
        _timed("sums to all intervals (analyse)", lambda: analyse(plan, gathered), options.repetitions)
        _timed("rows to all intervals", lambda: analyse(*gather_rows(path)), options.repetitions)
        _timed("the same, two rows a user", lambda: analyse(*gather_rows(twice)), options.repetitions)
        _timed("bounds of 20 planned looks", _fresh_bounds, options.repetitions)
    return 0


if __name__ == "__main__":
    sys.exit(main())
