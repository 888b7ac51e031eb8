"""Rows that hang together: what differs by chance from day to day is no drift, and a real one still is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from click.testing import CliRunner

from launchworthy.cli.main import cli
from launchworthy.errors import InputError
from launchworthy.monitor.drifting import Change, ColumnDrift, DriftState, Study, study
from launchworthy.monitor.drifting.blocks import Blocks
from launchworthy.stats import Divergence, divergences, rows_to_tell, surprise_beyond

SHARES = np.array([0.4, 0.3, 0.2, 0.1])
DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def _days(
    seed: int, *, days: int = 14, rows: int = 200, moved: float = 0.0, broken: float = 0.0
) -> dict[str, Any]:
    """Rows of days that differ by chance, each in what is bought, in how much, and in how much is missing."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[Any]] = {"at": [], "bought": [], "amount": [], "user": []}
    shares = SHARES + np.array([moved, -moved, 0.0, 0.0])
    for day in range(days):
        own, level = rng.dirichlet(shares * 25.0), rng.normal(50.0 + 60.0 * moved, 4.0)
        amounts = rng.normal(level, 10.0, size=rows)
        amounts[rng.random(rows) < (broken if day % 7 == 0 else 0.0)] = np.nan
        found["at"] += [DAY + timedelta(days=day, minutes=minute) for minute in range(rows)]
        found["bought"] += rng.choice(["bread", "milk", "fruit", "soap"], p=own, size=rows).tolist()
        found["amount"] += amounts.tolist()
        found["user"] += [f"u{seed}-{day}-{number // 4}" for number in range(rows)]
    return found


def _write(path: Path, columns: dict[str, Any], *, without: tuple[str, ...] = ("user",)) -> Path:
    kept = {name: values for name, values in columns.items() if name not in without}
    pyarrow.parquet.write_table(pyarrow.table(kept), path)
    return path


def _column(found: Study, name: str) -> ColumnDrift:
    return next(column for column in found.comparison.columns if column.name == name)


def _change(column: ColumnDrift, what: str) -> Change:
    return next(change for change in column.changes if change.what == what)


def test_days_that_differ_by_chance_alarm_no_more_often_than_declared_and_rows_alone_do() -> None:
    wrong = {"blocks": 0, "rows": 0}
    for seed in range(120):
        rng = np.random.default_rng(seed)
        then, now = ([rng.multinomial(200, rng.dirichlet(SHARES * 25.0)) for _ in range(14)] for _ in "ab")
        sides = np.array(then), np.array(now)
        for name, blocks in (("blocks", sides), ("rows", None)):
            found = divergences(
                sides[0].sum(axis=0),
                current=sides[1].sum(axis=0),
                blocks=blocks,
                sides=1,
                draws=100,
                seed=seed,
            )[Divergence.JENSEN_SHANNON]
            wrong[name] += surprise_beyond(found, tolerance=0.0) < 0.05
    assert wrong["blocks"] <= 11, "of 120 at 5 %, 12 or more come with a chance of 2 in 100"
    assert wrong["rows"] > 40, "rows taken as independent are wrong in nearly every second try"


def test_a_week_that_differs_by_chance_is_no_drift_by_days_and_would_be_one_by_rows(tmp_path: Path) -> None:
    old, new = (_write(tmp_path / f"{seed}.parquet", _days(seed, days=7)) for seed in (10, 14))
    plain = study(old, current=new)
    assert plain.state is DriftState.DRIFTED
    by_day = study(old, current=new, blocks="at")
    assert by_day.state is not DriftState.DRIFTED
    for name in ("bought", "amount"):
        narrow, wide = (_change(_column(found, name), "values").interval for found in (plain, by_day))
        assert wide.high - wide.low > narrow.high - narrow.low
        assert wide.sample["blocks"] == wide.sample["reference_blocks"] == 7
        assert wide.method.endswith("block bootstrap")


def test_what_moved_beyond_what_days_do_is_found(tmp_path: Path) -> None:
    old = _write(tmp_path / "a.parquet", _days(1, days=28))
    new = _write(tmp_path / "b.parquet", _days(2, days=28, moved=0.28))
    for measure in Divergence:
        from launchworthy.monitor.drifting import Tolerances

        found = study(old, current=new, blocks="at", tolerances=Tolerances(measure=measure))
        assert (
            _column(found, "bought" if measure is not Divergence.KS else "amount").state is DriftState.DRIFTED
        )


def test_a_share_that_comes_in_bad_days_is_worth_as_many_rows_as_there_are_days(tmp_path: Path) -> None:
    old = _write(tmp_path / "a.parquet", _days(1))
    new = _write(tmp_path / "b.parquet", _days(2, broken=0.5))
    plain, by_day = (
        _change(_column(study(old, current=new, blocks=blocks), "amount"), "missing") for blocks in ("", "at")
    )
    assert plain.state is DriftState.DRIFTED
    assert by_day.state is DriftState.CANNOT_SAY
    assert by_day.interval.value == plain.interval.value
    assert by_day.interval.sample["effect"] > 20.0
    assert "missing 7." in by_day.told or "missing 6." in by_day.told


def test_many_values_such_as_users_share_blocks(tmp_path: Path) -> None:
    kept = ("at",)
    old, new = (_write(tmp_path / f"{seed}.parquet", _days(seed), without=kept) for seed in (1, 2))
    found = study(old, current=new, blocks="user")
    assert "user" not in {column.name for column in found.comparison.columns}
    interval = _change(_column(found, "bought"), "values").interval
    assert 180 < interval.sample["blocks"] <= 200
    assert interval.n == 14 * 200, "all rows count, not one of each user"


def test_texts_parts_and_vectors_take_blocks_too(tmp_path: Path) -> None:
    sides = []
    for seed in (1, 2):
        columns, rng = _days(seed, days=6, rows=40), np.random.default_rng(seed)
        rows = len(columns["at"])
        columns["said"] = [f"the order number {n} of {rng.choice(['bread', 'milk'])}" for n in range(rows)]
        columns["vector"] = rng.normal(size=(rows, 3)).tolist()
        columns["country"] = rng.choice(["de", "fr"], size=rows).tolist()
        sides.append(_write(tmp_path / f"{seed}.parquet", columns))
    found = study(sides[0], current=sides[1], blocks="at", by="country")
    for name in ("said: length", "said: language", "said: topic"):
        assert _change(_column(found, name), "values").interval.sample["blocks"] == 6
    assert {each.value for each in found.parts} == {"de", "fr"}
    for part in found.parts:
        assert all("blocks" in each.interval.sample for each in part.column.changes if each.what == "values")
    auc = found.separations["vector"].auc
    assert auc is not None
    assert auc.n == 12, "days are what is independent"


def test_a_design_effect_is_that_of_its_definition() -> None:
    """Against the ratio estimator's variance over blocks, and one where all of a block are alike."""
    rng = np.random.default_rng(3)
    hits, of = rng.integers(0, 20, size=40), np.full(40, 20)
    blocks = Blocks(
        counts=np.column_stack([hits, of - hits]),
        rows=of,
        missing=np.zeros(40, int),
        outside=np.zeros(40, int),
    )
    shares = hits / of
    expected = shares.var(ddof=1) / 40 / (shares.mean() * (1.0 - shares.mean()) / 800)
    assert blocks.effect == pytest.approx(expected)
    alike = np.repeat([0, 20], 20)
    whole = Blocks(
        counts=np.column_stack([alike, 20 - alike]), rows=of, missing=alike, outside=np.zeros(40, int)
    )
    assert whole.effect == pytest.approx(20.0 * 40 / 39)


@pytest.mark.parametrize(
    ("columns", "blocks", "said"),
    [
        (_days(1, days=4), "at", "4 days say nothing"),
        ({"x": [1.0, 2.0] * 50, "k": ["a", "b", "c", "d"] * 25}, "k", "4 values of k say nothing"),
        ({"x": [1.0] * 100, "k": [*(str(n % 9) for n in range(99)), None]}, "k", "1 rows have no 'k'"),
        ({"x": [1.0] * 100}, "nothing", "no column is called 'nothing'"),
        ({"x": [1.0] * 100, "v": [[1.0, 2.0]] * 100}, "v", "tells no rows that hang together"),
    ],
)
def test_blocks_that_cannot_be_are_refused(
    tmp_path: Path, columns: dict[str, Any], blocks: str, said: str
) -> None:
    file = _write(tmp_path / "a.parquet", columns)
    with pytest.raises(InputError, match=said):
        study(file, current=file, blocks=blocks)


def test_a_column_whose_values_stand_in_few_blocks_is_left_out_and_says_so(tmp_path: Path) -> None:
    columns = _days(1)
    columns["late"] = [1.0 * n if n < 3 * 200 else None for n in range(len(columns["at"]))]
    file = _write(tmp_path / "a.parquet", columns)
    found = study(file, current=file, blocks="at")
    assert "fewer than 5 blocks" in found.comparison.left_out["late"]


def test_counts_alone_have_no_blocks(tmp_path: Path) -> None:
    file, kept = _write(tmp_path / "a.parquet", _days(1)), tmp_path / "kept.json"
    study(file, current=file, blocks="at", keep=kept)
    with pytest.raises(InputError, match="needs the reference's rows"):
        study(kept, current=file, blocks="at")
    with pytest.raises(InputError, match="needs their rows together"):
        study(file, current=[file, file], blocks="at")


def test_the_command_says_the_blocks(tmp_path: Path) -> None:
    old, new = (_write(tmp_path / f"{seed}.parquet", _days(seed)) for seed in (1, 2))
    command = ["drift", "--reference", str(old), "--current", str(new), "--blocks", "at", "--json"]
    told = json.loads(CliRunner().invoke(cli, command, standalone_mode=False).stdout)
    assert told["state"] == "cannot_say"
    assert {column["name"] for column in told["columns"]} == {"bought", "amount"}


@pytest.mark.parametrize(
    "blocks",
    [
        (np.ones((6, 2), int), np.ones((6, 2), int)),  # another sum than the whole
        (np.ones((10, 1), int), np.ones((10, 2), int)),
        (np.full((2, 2), 5), np.full((2, 2), 5)),
        (np.array([5, 5]), np.array([5, 5])),
    ],
)
def test_blocks_that_are_not_those_of_the_counts_are_refused(blocks: Any) -> None:
    with pytest.raises(InputError, match="blocks"):
        divergences([10, 10], current=[10, 10], blocks=blocks)


def test_how_many_rows_would_tell_counts_on_as_many_to_a_block(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    sides = [np.array([rng.multinomial(200, rng.dirichlet(SHARES * 25.0)) for _ in range(10)]) for _ in "ab"]
    found = [
        divergences(sides[0].sum(axis=0), current=sides[1].sum(axis=0), blocks=blocks, sides=1)
        for blocks in ((sides[0], sides[1]), None)
    ]
    with_blocks, without = (rows_to_tell(each[Divergence.JENSEN_SHANNON], tolerance=0.3)[0] for each in found)
    assert with_blocks is not None
    assert without is not None
    assert with_blocks >= without
