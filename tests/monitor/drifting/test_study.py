"""Two Parquet files: planted drifts are found and named, nulls are quiet, and broken files say why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from launchworthy.errors import InputError
from launchworthy.monitor.drifting import (
    Categories,
    Column,
    DriftState,
    Numbers,
    Profile,
    ScoreColumns,
    Tolerances,
    carried_by,
    categories_of,
    compare,
    numbers_of,
    study,
)
from launchworthy.stats import Divergence


def _write(path: Path, columns: Mapping[str, Any]) -> Path:
    table = pyarrow.table({name: list(values) for name, values in columns.items()})
    pyarrow.parquet.write_table(table, path)
    return path


def _table(seed: int, *, rows: int = 4_000, moved: bool = False) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    amount = rng.lognormal(3.0, 0.6, size=rows) * (1.3 if moved else 1.0)
    age = rng.normal(40.0, 12.0, size=rows)
    country = rng.choice(["de", "fr", "nl"], p=[0.4, 0.4, 0.2] if moved else [0.6, 0.3, 0.1], size=rows)
    plan = rng.choice(["free", "paid"], p=[0.8, 0.2], size=rows)
    device = np.where(rng.random(rows) < (0.05 if moved else 0.0), "watch", "phone")
    income: list[float | None] = [
        None if missing else value
        for missing, value in zip(
            rng.random(rows) < (0.12 if moved else 0.02),
            rng.gamma(3.0, 1_000.0, size=rows).tolist(),
            strict=True,
        )
    ]
    balance = np.where(rng.random(rows) < (0.06 if moved else 0.0), 1e6, rng.random(rows))
    return {
        "amount": amount.tolist(),
        "age": age.tolist(),
        "country": country.tolist(),
        "plan": plan.tolist(),
        "device": device.tolist(),
        "income": income,
        "balance": balance.tolist(),
    }


def test_every_planted_drift_is_found_with_its_kind_and_what_did_not_move_is_not(tmp_path: Path) -> None:
    old = _write(tmp_path / "old.parquet", _table(1))
    new = _write(tmp_path / "new.parquet", _table(2, moved=True))
    found = study(old, current=new)
    drifted = {column.name: column.main.what for column in found.comparison.of(DriftState.DRIFTED)}
    assert set(drifted) == {"amount", "country", "device", "income", "balance"}
    kinds = {
        column.name: {change.what for change in column.changes if change.state is DriftState.DRIFTED}
        for column in found.comparison.columns
    }
    assert kinds["income"] == {"missing"}
    assert "new" in kinds["device"]
    assert "range" in kinds["balance"]
    assert kinds["amount"] == {"values"}
    assert found.state is DriftState.DRIFTED
    assert found.comparison.conclusion.startswith("5 of 7 columns drifted, most ")
    times = [column.main.times for column in found.comparison.of(DriftState.DRIFTED)]
    assert times == sorted(times, reverse=True), "one incident, ranked by effect"


def test_the_same_distribution_is_within_or_cannot_say_by_its_rows(tmp_path: Path) -> None:
    few = study(
        _write(tmp_path / "a.parquet", _table(1, rows=300)),
        current=_write(tmp_path / "b.parquet", _table(2, rows=300)),
    )
    assert few.state is DriftState.CANNOT_SAY
    waiting = few.comparison.of(DriftState.CANNOT_SAY)
    assert waiting
    assert all(column.needed is None or column.needed > 300 for column in waiting)
    many = study(
        _write(tmp_path / "c.parquet", _table(3, rows=30_000)),
        current=_write(tmp_path / "d.parquet", _table(4, rows=30_000)),
    )
    assert many.state is DriftState.WITHIN
    assert many.comparison.conclusion == "none of 7 columns moved beyond what is tolerated"


def test_nulls_of_twenty_columns_raise_no_more_false_alarms_than_declared() -> None:
    rng = np.random.default_rng(11)

    def numbers(old: Column | None, name: str) -> Column | None:
        values = rng.lognormal(size=600)
        return old.count(values)[0] if isinstance(old, Numbers) else numbers_of(name, values)

    def names(old: Column | None, name: str, many: int) -> Column | None:
        drawn = rng.multinomial(600, np.full(many, 1.0 / many))
        counts: dict[str | None, int] = {f"v{value}": int(each) for value, each in enumerate(drawn) if each}
        return old.count(counts) if isinstance(old, Categories) else categories_of(name, counts)

    def profile(reference: Profile | None) -> Profile:
        held = {} if reference is None else reference.columns
        made = [
            *(numbers(held.get(f"n{at}"), f"n{at}") for at in range(12)),
            *(names(held.get(f"c{at}"), f"c{at}", 6 + 4 * at) for at in range(8)),
        ]
        return Profile(rows=600, columns={each.name: each for each in made if each is not None})

    alarms = 0
    for seed in range(15):
        reference = profile(None)
        found = compare(
            reference,
            current=profile(reference),
            tolerances=Tolerances(distance=0.0, share=0.0),
            draws=40,
            seed=seed,
        )
        alarms += found.state is DriftState.DRIFTED
    assert alarms <= 2, "5 % of 15 declared, though nothing at all is tolerated"


def test_what_was_kept_serves_as_the_reference_and_says_the_same(tmp_path: Path) -> None:
    old = _write(tmp_path / "old.parquet", _table(1))
    new = _write(tmp_path / "new.parquet", _table(2, moved=True))
    kept = tmp_path / "reference.json"
    first = study(old, current=new, keep=kept)
    again = study(kept, current=new)
    assert [column.main.told for column in again.comparison.columns] == [
        column.main.told for column in first.comparison.columns
    ]
    with pytest.raises(InputError, match="needs the reference's rows"):
        study(kept, current=new, classifier=True)


def test_files_of_single_hours_say_what_one_file_of_the_day_says(tmp_path: Path) -> None:
    old = _write(tmp_path / "old.parquet", _table(1))
    hours = [_table(seed, rows=600, moved=seed > 3) for seed in (2, 3, 4, 5)]
    day = {name: [value for hour in hours for value in hour[name]] for name in hours[0]}  # type: ignore[attr-defined]
    files = [_write(tmp_path / f"{at}.parquet", hour) for at, hour in enumerate(hours)]
    whole = study(old, current=_write(tmp_path / "day.parquet", day), by="plan")
    added = study(old, current=files, by="plan")
    assert added.comparison.rows == 2_400
    assert [column.main.told for column in added.comparison.columns] == [
        column.main.told for column in whole.comparison.columns
    ]
    assert {(each.value, each.column.name, each.column.state) for each in added.parts} == {
        (each.value, each.column.name, each.column.state) for each in whole.parts
    }
    with pytest.raises(InputError, match="rows together"):
        study(old, current=files, unit="plan")
    lacking = _write(tmp_path / "lacking.parquet", {"amount": [1.0] * 100})
    found = study(old, current=[*files, lacking]).comparison
    [age] = [column for column in found.columns if column.name == "age"]
    assert age.main.told.startswith("missing 4 %, 0 % before"), (
        "an hour without the column has no value of it"
    )


def test_the_part_that_carries_a_change_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)

    def table(moved: bool) -> dict[str, object]:
        country = rng.choice(["de", "fr", "nl"], size=24_000)
        amount = rng.lognormal(3.0, 0.5, size=24_000)
        if moved:
            amount = np.where(country == "fr", amount * 1.5, amount)
        return {"country": country.tolist(), "amount": amount.tolist()}

    found = study(
        _write(tmp_path / "a.parquet", table(False)),
        current=_write(tmp_path / "b.parquet", table(True)),
        by="country",
    )
    drifted = [
        (each.value, each.column.name) for each in found.parts if each.column.state is DriftState.DRIFTED
    ]
    assert drifted == [("fr", "amount")]
    assert found.parts[0].share == pytest.approx(1 / 3, abs=0.02)
    carried = carried_by(found.parts)
    assert list(carried) == ["amount"]
    assert set(carried["amount"].still) == {"de", "nl"}


@pytest.mark.parametrize("cause", ["the world", "the release", "both"])
def test_a_release_is_told_apart_from_the_world(tmp_path: Path, cause: str) -> None:
    rng = np.random.default_rng(5)
    world, release = (2.5 if cause in (side, "both") else 1.0 for side in ("the world", "the release"))
    old = {"amount": rng.lognormal(size=4_000).tolist(), "release": ["r-1"] * 4_000}
    new = {
        "amount": [
            *(world * rng.lognormal(size=4_000)).tolist(),
            *(world * release * rng.lognormal(size=4_000)).tolist(),
        ],
        "release": ["r-1"] * 4_000 + ["r-2"] * 4_000,
    }
    found = study(
        _write(tmp_path / "a.parquet", old), current=_write(tmp_path / "b.parquet", new), release="release"
    )
    causes = {each.column: each for each in found.causes}
    assert causes["amount"].cause == cause
    assert (causes["amount"].kept, causes["amount"].newer) == ("r-1", "r-2")


def test_without_a_release_in_both_periods_nobody_can_say(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    old = {"amount": rng.lognormal(size=2_000).tolist(), "release": ["r-1"] * 2_000}
    new = {"amount": (2 * rng.lognormal(size=2_000)).tolist(), "release": ["r-2"] * 2_000}
    found = study(
        _write(tmp_path / "a.parquet", old), current=_write(tmp_path / "b.parquet", new), release="release"
    )
    assert found.causes[0].cause == "cannot say"
    assert "in both periods" in found.causes[0].reason


def test_a_user_who_speaks_often_counts_once_where_the_unit_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    old = {"user": [f"u{n}" for n in range(3_000)], "amount": rng.normal(size=3_000).tolist()}
    new = {
        "user": [*(f"w{n}" for n in range(3_000)), *(["loud"] * 3_000)],
        "amount": [*rng.normal(size=3_000).tolist(), *([5.0] * 3_000)],
    }
    files = _write(tmp_path / "a.parquet", old), _write(tmp_path / "b.parquet", new)
    loud = study(files[0], current=files[1], ignore=["user"])
    assert loud.state is DriftState.DRIFTED
    calm = study(files[0], current=files[1], unit="user")
    assert calm.comparison.rows == 3_001
    assert calm.state is not DriftState.DRIFTED


def test_texts_become_columns_and_vectors_are_compared_by_a_classifier(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)

    def table(words: list[str], shift: float, more: int) -> dict[str, object]:
        return {
            "text": [f"{' '.join(rng.choice(words, more))} number {n}" for n in range(600)],
            "vector": (rng.normal(size=(600, 160)) + shift).tolist(),
            "at": ["2026-01-01"] * 600,
        }

    english = "the order has not come and where is my money please tell me when it will be here".split()
    german = "wo ist meine bestellung und warum kommt das paket nicht ich habe schon lange bezahlt".split()
    found = study(
        _write(tmp_path / "a.parquet", table(english, 0.0, 14)),
        current=_write(tmp_path / "b.parquet", table(german, 0.15, 24)),
    )
    drifted = {column.name for column in found.comparison.of(DriftState.DRIFTED)}
    assert {"text: length", "text: language", "text: new words"} <= drifted
    assert found.separations["vector"].state is DriftState.DRIFTED
    assert len(found.examples["vector"]) == 5


def test_texts_from_one_vocabulary_have_no_more_new_words_than_before(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    words = np.array([f"word{number}" for number in range(3_000)])

    def texts() -> dict[str, object]:
        return {"text": [" ".join(rng.choice(words, 12)) for _ in range(1_500)]}

    old, kept = _write(tmp_path / "a.parquet", texts()), tmp_path / "kept.json"
    found = study(old, current=_write(tmp_path / "b.parquet", texts()), keep=kept).comparison
    column = next(each for each in found.columns if each.name == "text: new words")
    assert column.state is not DriftState.DRIFTED
    shares = [bar.current - bar.reference for bar in column.bars]
    assert max(map(abs, shares)) < 0.06
    again = study(kept, current=tmp_path / "b.parquet").comparison
    assert "text: new words" not in {each.name for each in again.columns}, "words of others are not kept"


def test_ids_of_returning_users_are_no_new_words(tmp_path: Path) -> None:
    same = {"user": [f"u{number * 7919 % 2_000}" for number in range(2_000)], "at": ["2026-01-01"] * 2_000}
    file = _write(tmp_path / "a.parquet", same)
    found = study(file, current=file).comparison
    assert found.left_out["user"] == "most of its values are one word that no other row has, as an id is"
    assert not found.of(DriftState.DRIFTED)


def test_texts_without_spaces_are_texts_not_ids(tmp_path: Path) -> None:
    texts = {"said": [f"{chr(0x4E00 + number)}订单还没有到" for number in range(600)]}
    file = _write(tmp_path / "a.parquet", texts)
    assert "said" not in study(file, current=file).comparison.left_out


def test_a_score_that_means_something_else_is_found_by_a_few_labels(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)

    def table(turned: bool, labelled: float) -> dict[str, object]:
        score = rng.random(5_000)
        truth = rng.random(5_000) < (1.0 - score if turned else score)
        return {
            "score": score.tolist(),
            "label": [
                int(value) if known else None
                for value, known in zip(truth, rng.random(5_000) < labelled, strict=True)
            ],
        }

    old = _write(tmp_path / "a.parquet", table(False, 1.0))
    columns = ScoreColumns(score="score", label="label")
    right = study(old, current=_write(tmp_path / "b.parquet", table(False, 0.05)), scored=columns).rightness
    assert right is not None
    assert right.state is not DriftState.DRIFTED
    assert right.measured is not None
    turned = study(old, current=_write(tmp_path / "c.parquet", table(True, 0.05)), scored=columns)
    assert turned.rightness is not None
    assert turned.rightness.estimated.value == pytest.approx(0.75, abs=0.03), "the estimate does not see it"
    assert turned.rightness.state is DriftState.DRIFTED
    assert turned.comparison.of(DriftState.DRIFTED) == [], "nor does any distance: the scores are the same"
    assert turned.state is DriftState.DRIFTED
    blind = study(old, current=_write(tmp_path / "d.parquet", table(True, 0.0)), scored=columns).rightness
    assert blind is not None
    assert blind.measured is None
    assert "label 30 more" in blind.told


def test_measures_other_than_the_first_decide_where_they_are_asked_for(tmp_path: Path) -> None:
    old = _write(tmp_path / "old.parquet", _table(1))
    new = _write(tmp_path / "new.parquet", _table(2, moved=True))
    for measure in Divergence:
        found = study(old, current=new, tolerances=Tolerances(measure=measure))
        main = next(column for column in found.comparison.columns if column.name == "amount").changes[0]
        assert main.state is DriftState.DRIFTED
        assert main.interval.method.startswith(measure.value.replace("_", " "))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "not a Parquet file"),
        (b"amount,country\n1,de\n", "not a Parquet file"),
        (b"PAR1 and then nothing of it", "not a Parquet file that can be read"),
        (b"{", "neither Parquet nor"),
        (b'{"rows": 3}', "not a reference that drift has written"),
        (b"{" + b"[" * 100_000, "neither Parquet nor"),
    ],
)
def test_a_file_that_is_none_says_so_and_names_itself(tmp_path: Path, content: bytes, told: str) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(content)
    good = _write(tmp_path / "good.parquet", {"x": [1.0, 2.0]})
    with pytest.raises(InputError, match=told) as caught:
        study(broken, current=good)
    assert "broken.parquet" in str(caught.value)


def test_columns_that_are_gone_new_empty_or_of_another_kind_are_named_and_stop_nothing(
    tmp_path: Path,
) -> None:
    old = _write(
        tmp_path / "a.parquet",
        {
            "gone": [1.0] * 100,
            "id": list(range(100)),
            "kept": list(np.arange(100.0)),
            "turned": [1.0] * 100,
            "empty": [None, *[None] * 99],
            'odd "name"': ["a"] * 100,
        },
    )
    new = _write(
        tmp_path / "b.parquet",
        {
            "kept": list(np.arange(100.0)),
            "turned": ["x"] * 100,
            "fresh": [1.0] * 100,
            "id": list(range(100, 200)),
            "empty": [1.0] * 100,
            'odd "name"': ["a"] * 100,
        },
    )
    found = study(old, current=new).comparison
    state = {column.name: column.state for column in found.columns}
    assert {name for name, each in state.items() if each is DriftState.DRIFTED} == {"gone", "turned"}
    assert set(state) == {"gone", "turned", "kept", 'odd "name"'}
    told = {column.name: column.told for column in found.columns}
    assert told["gone"].startswith("missing 100 %, 0 % before")
    assert told["turned"].startswith("missing 100 %, 0 % before")
    assert found.left_out["id"] == "it rises from row to row, as an id does"
    assert found.left_out["fresh"] == "the reference does not have it"
    assert found.left_out["empty"] == "the reference has no value of it"


def test_numbers_that_come_as_text_are_read_and_what_is_none_is_missing(tmp_path: Path) -> None:
    numbers = np.random.default_rng(1).normal(size=2_000).tolist()
    old = _write(tmp_path / "a.parquet", {"x": numbers, "part": ["a", "b"] * 1_000, "t": ["u"] * 2_000})
    as_text = [*map(str, numbers[:1_600]), *["n/a"] * 400]
    new = _write(tmp_path / "b.parquet", {"x": as_text, "part": ["a", "b"] * 1_000})
    found = study(old, current=new, by="part", classifier=True)
    moved = {column.name: column for column in found.comparison.columns}
    assert moved["x"].main.told.startswith("missing 20 %, 0 % before")
    [values] = [change for change in moved["x"].changes if change.what == "values"]
    assert values.state is DriftState.WITHIN, "what is a number is where it was"
    assert moved["t"].main.told.startswith("missing 100 %, 0 % before")
    carried = {
        (each.value, each.column.name) for each in found.parts if each.column.state is DriftState.DRIFTED
    }
    assert carried == {(part, name) for part in "ab" for name in "xt"}


@pytest.mark.parametrize(
    ("before", "now", "names"), [(1, 1_000, 5), (5, 5, 50), (20, 1_000, 50), (60, 60, 100), (20, 1_000, 2)]
)
def test_few_rows_that_lack_values_by_chance_are_no_drift(before: int, now: int, names: int) -> None:
    rng = np.random.default_rng(before + names)
    shares = [0.95, 0.05] if names == 2 else None

    def drawn(rows: int) -> dict[str | None, int]:
        return {str(name): many for name, many in Counter(rng.choice(names, rows, p=shares).tolist()).items()}

    found = 0
    for _ in range(40):
        old = categories_of("x", drawn(before))
        assert old is not None
        periods = [Profile(rows=each.rows, columns={"x": each}) for each in (old, old.count(drawn(now)))]
        found += compare(periods[0], current=periods[1]).state is DriftState.DRIFTED
    assert found <= 6, "5 % of 40, and three standard errors"


def test_infinite_and_huge_numbers_are_out_of_range_and_overflow_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    old = _write(tmp_path / "a.parquet", {"x": rng.normal(size=2_000).tolist()})
    new = _write(
        tmp_path / "b.parquet",
        {"x": [*rng.normal(size=1_800).tolist(), *([float("inf")] * 100), *([1.7e308] * 100)]},
    )
    column = study(old, current=new).comparison.columns[0]
    beyond = next(change for change in column.changes if change.what == "range")
    assert beyond.state is DriftState.DRIFTED
    assert beyond.interval.sample["hits"] >= 200


@pytest.mark.parametrize("name", ["nothing", "nothing; DROP TABLE file"])
def test_a_column_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path, name: str) -> None:
    file = _write(tmp_path / "a.parquet", {"x": [1.0, 2.0]})
    for option in ("by", "release", "unit"):
        with pytest.raises(InputError, match="no column is called") as caught:
            study(file, current=file, **{option: name})  # type: ignore[arg-type]
        assert "columns are x" in str(caught.value)


def test_a_file_without_rows_says_that_nothing_can_be_said(tmp_path: Path) -> None:
    file = _write(tmp_path / "a.parquet", {"x": [1.0, 2.0]})
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT 1.0 AS x WHERE false) TO '{tmp_path / 'e.parquet'}' (FORMAT parquet)"
        )
    with pytest.raises(InputError, match="no rows") as caught:
        study(file, current=tmp_path / "e.parquet")
    assert caught.value.where == str(tmp_path / "e.parquet")
