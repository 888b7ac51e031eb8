"""What a drift check costs, what it finds and how often it cries wolf.

    python bench/drift.py [--rows 1000000] [--nulls 200] [--large 10000000] [--data FOLDER]

The first table is CPU time and memory of the whole command, ``launchworthy drift``, on two Parquet files of
12 numbers and 8 categories with five planted drifts. The second counts false alarms over files of which both
come from one distribution, beside what a fixed threshold says of them; the third asks of 1,000,000 rows with
a shift that nobody would act on. ``--data`` adds public series whose breaks are known.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import numpy as np

from launchworthy.monitor.drifting import (
    Categories,
    Column,
    DriftState,
    Numbers,
    Profile,
    Tolerances,
    categories_of,
    compare,
    numbers_of,
)
from launchworthy.stats import TOLERATED, Divergence, divergences

_PLANTED = {"n0", "n1", "n2", "c0", "c1"}


def _write(path: Path, rows: int, *, moved: bool, seed: float) -> None:
    """Twelve numbers, heavy tails among them, and eight categories; five of them move, one by 10 % of mass."""
    numbers = [
        f"{1.25 if moved else 1.0} * exp(0.5 * z0) AS n0",
        f"z1 {'+ 0.2' if moved else ''} AS n1",
        f"{'1.4 *' if moved else ''} z2 AS n2",
        *(f"exp(0.4 * z{at}) AS n{at}" for at in range(3, 6)),
        *(f"z{at} AS n{at}" for at in range(6, 12)),
    ]
    first = "CASE WHEN u0 < 0.5 THEN 'a' WHEN u0 < 0.8 THEN 'b' ELSE 'c' END"
    new = f"CASE WHEN u8 < 0.04 THEN 'new' ELSE {first} END" if moved else first
    second = f"'v' || (CASE WHEN u1 < {0.35 if moved else 0.25} THEN 0 ELSE 1 + (u9 * 7)::INTEGER END)"
    names = [
        f"{new} AS c0",
        f"{second} AS c1",
        *(f"'w' || (u{at} * {5 + 6 * at})::INTEGER AS c{at}" for at in range(2, 8)),
    ]
    normal = ", ".join(f"sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) AS z{at}" for at in range(12))
    even = ", ".join(f"random() AS u{at}" for at in range(10))
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        connection.execute("SELECT setseed($1)", [seed])
        connection.execute(
            f"COPY (SELECT {', '.join([*numbers, *names])} FROM (SELECT {normal}, {even} FROM range({rows})))"
            f" TO '{path}' (FORMAT parquet)"
        )


def _command(old: Path, new: Path) -> tuple[float, float, dict[str, object]]:
    """CPU seconds and MiB of the whole command, and its answer."""
    script = "from launchworthy.cli.main import main; main()"
    arguments = [
        sys.executable,
        "-c",
        script,
        "drift",
        "--reference",
        str(old),
        "--current",
        str(new),
        "--json",
    ]
    started = subprocess.Popen(arguments, stdout=subprocess.PIPE)
    told = started.stdout.read() if started.stdout is not None else b""
    _, _, usage = os.wait4(started.pid, 0)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1_024, json.loads(told)


def cost(folder: Path, rows: int) -> None:
    """One line: what the command takes, and whether it finds what was planted and nothing else."""
    old, new = folder / "old.parquet", folder / "new.parquet"
    _write(old, rows, moved=False, seed=0.1)
    _write(new, rows, moved=True, seed=0.2)
    seconds, memory, answer = _command(old, new)
    columns = answer["columns"]
    assert isinstance(columns, list)
    found = {column["name"] for column in columns if column["state"] == "drifted"}
    print(
        f"| {rows:,} x 20, both files | {seconds:.2f} | {memory:,.0f} | {len(found & _PLANTED)} of"
        f" {len(_PLANTED)} | {len(found - _PLANTED)} |"
    )


def _null(rng: np.random.Generator, rows: int, reference: Profile | None) -> Profile:
    held = {} if reference is None else reference.columns
    columns: list[Column | None] = []
    for at in range(12):
        values, old = rng.lognormal(sigma=0.5 + 0.1 * at, size=rows), held.get(f"n{at}")
        columns.append(old.count(values)[0] if isinstance(old, Numbers) else numbers_of(f"n{at}", values))
    for at in range(8):
        many = 5 + 6 * at
        drawn = rng.multinomial(rows, np.full(many, 1.0 / many))
        counts: dict[str | None, int] = {f"v{value}": int(each) for value, each in enumerate(drawn) if each}
        old = held.get(f"c{at}")
        columns.append(old.count(counts) if isinstance(old, Categories) else categories_of(f"c{at}", counts))
    return Profile(rows=rows, columns={each.name: each for each in columns if each is not None})


def nulls(many: int, rows: int) -> None:
    """How many of the null comparisons raise any alarm, at what is tolerated and at nothing at all."""
    rng = np.random.default_rng(rows)
    ours = strict = fixed = 0
    for seed in range(many):
        reference = _null(rng, rows, None)
        current = _null(rng, rows, reference)
        found = compare(reference, current=current, draws=150, seed=seed)
        ours += found.state is DriftState.DRIFTED
        none = Tolerances(distance=0.0, share=0.0)
        strict += compare(reference, current=current, tolerances=none, draws=150, seed=seed).state is (
            DriftState.DRIFTED
        )
        plain = [column.distances[Divergence.JENSEN_SHANNON].sample["plain"] for column in found.columns]
        fixed += any(each * math.sqrt(math.log(2.0)) > 0.1 for each in plain)
    print(f"| {rows:,} | {ours} of {many} | {strict} of {many} | {fixed} of {many} |")


def noise(tries: int) -> None:
    """One column of even categories, twice from one distribution."""
    for categories, rows in ((20, 300), (50, 1_100), (200, 5_000)):
        rng, even = np.random.default_rng(categories), np.full(categories, 1.0 / categories)
        fixed = ours = 0
        for seed in range(tries):
            found = divergences(
                rng.multinomial(rows, even),
                current=rng.multinomial(rows, even),
                sides=1,
                draws=100,
                seed=seed,
            )[Divergence.JENSEN_SHANNON]
            fixed += found.sample["plain"] * math.sqrt(math.log(2.0)) > 0.1
            ours += found.low > TOLERATED[Divergence.JENSEN_SHANNON]
        print(f"| {categories} | {rows:,} | {fixed / tries:.0%} | {ours / tries:.1%} |")


def negligible(tries: int) -> None:
    """A million rows of which 1 % stand elsewhere: every p-value is tiny, and nobody should be woken."""
    shares = np.full(10, 0.1)
    moved = shares + np.array([0.002, -0.002] * 5)
    rng = np.random.default_rng(1)
    surprised = ours = 0
    for seed in range(tries):
        old, new = rng.multinomial(1_000_000, shares), rng.multinomial(1_000_000, moved)
        chi_square = float(((old - new) ** 2 / (old + new)).sum())
        surprised += chi_square > 27.88  # the 99.9 % quantile at 9 degrees of freedom
        found = divergences(old, current=new, sides=1, draws=100, seed=seed)[Divergence.JENSEN_SHANNON]
        ours += found.low > TOLERATED[Divergence.JENSEN_SHANNON]
    print(f"p < 0.001 in {surprised} of {tries}; ours alarms in {ours} of {tries}")


def series(folder: Path) -> None:
    """Public series: what is said of a known break, of a season, and of two whole years."""
    cuts = (
        ("a second market joins", "drift_elec2/elec2.parquet", (0, 17_424), (17_424, 34_848)),
        ("spring against winter", "drift_weather_noaa/weather.parquet", (0, 90), (90, 180)),
        ("two years against two", "drift_weather_noaa/weather.parquet", (0, 730), (730, 1_460)),
    )
    print("\n| series | said |\n|---|---|")
    with tempfile.TemporaryDirectory() as made:
        for title, name, before, after in cuts:
            files = [Path(made) / f"{side}.parquet" for side in ("old", "new")]
            with duckdb.connect() as connection:
                for path, (first, last) in zip(files, (before, after), strict=True):
                    connection.execute(
                        f"COPY (SELECT * FROM '{folder / name}' LIMIT {last - first} OFFSET {first})"
                        f" TO '{path}' (FORMAT parquet)"
                    )
            print(f"| {title} | {_command(*files)[2]['conclusion']} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=0, help="also this many rows, such as 10000000")
    parser.add_argument("--nulls", type=int, default=200)
    parser.add_argument("--data", type=Path, help="folder of public series")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        print("| command | CPU s | peak MiB | found | false |\n|---|---|---|---|---|")
        for rows in (given.rows, given.large):
            if rows:
                cost(Path(made), rows)
    print(
        "\n| rows | false alarms | where nothing is tolerated | JS above 0.1 in any column |\n|---|---|---|---|"
    )
    for rows in (1_000, 20_000):
        nulls(given.nulls, rows)
    print("\n| categories | rows | fixed JS above 0.1 | ours |\n|---|---|---|---|")
    noise(400)
    print()
    negligible(100)
    if given.data is not None:
        series(given.data)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
