from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from launchworthy.errors import InputError, MissingExtraError
from launchworthy.gold import GoldItem, load_gold, read_gold

datasets: Any = import_module("datasets")

ROWS = [{"qid": n, "question_text": f"What is {n} plus {n}?", "label": str(2 * n)} for n in range(1, 6)]
COLUMNS = {"qid": "id", "question_text": "input", "label": "expected"}
WANTED = tuple(
    GoldItem(id=str(n), input=f"What is {n} plus {n}?", expected=str(2 * n), split="dev") for n in range(1, 6)
)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(datasets.config, "HF_CACHE_HOME", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


def _written(folder: Path) -> dict[str, Path]:
    found = {name: folder / f"gold.{name}" for name in ("jsonl", "csv", "parquet", "yaml")}
    found["jsonl"].write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    found["csv"].write_text(
        "qid,question_text,label\n" + "".join(",".join(map(str, row.values())) + "\n" for row in ROWS)
    )
    pq.write_table(pa.Table.from_pylist(ROWS), found["parquet"])
    found["yaml"].write_text(json.dumps(ROWS))
    found["data set"] = folder / "saved"
    datasets.Dataset.from_list(ROWS).save_to_disk(str(found["data set"]))
    return found


def test_columns_of_any_name_are_read_from_every_kind_of_source(tmp_path: Path) -> None:
    for kind, path in _written(tmp_path).items():
        assert read_gold(path, holdout=0.0, columns=COLUMNS).items == WANTED, kind


def test_a_column_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    for path in _written(tmp_path).values():
        with pytest.raises(InputError, match="no row has a column 'questoin'") as error:
            read_gold(path, columns={"questoin": "input"})
        assert "question_text" in error.value.hint


def test_a_column_that_would_hide_a_field_is_told_by_row(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text('{"a": "x"}\n{"a": "x", "input": "y"}\n')
    (problem,) = read_gold(path, columns={"a": "input"}).problems
    assert (problem.where, problem.message) == (f"{path}:2", "the row has a field 'input' already")


def test_a_data_set_with_splits_needs_one_to_be_named(tmp_path: Path) -> None:
    whole = datasets.DatasetDict(
        train=datasets.Dataset.from_list(ROWS[:3]), test=datasets.Dataset.from_list(ROWS[3:])
    )
    whole.save_to_disk(str(tmp_path / "all"))
    with pytest.raises(InputError, match="several splits") as error:
        read_gold(tmp_path / "all", columns=COLUMNS)
    assert "train, test" in error.value.hint
    assert read_gold(Path(f"{tmp_path}/all:test"), holdout=0.0, columns=COLUMNS).items == WANTED[3:]
    with pytest.raises(InputError, match="cannot be loaded"):
        read_gold(Path(f"{tmp_path}/all:absent"), columns=COLUMNS)
    datasets.DatasetDict(train=whole["train"]).save_to_disk(str(tmp_path / "one"))
    assert read_gold(tmp_path / "one", holdout=0.0, columns=COLUMNS).items == WANTED[:3]
    datasets.Dataset.from_list(ROWS).save_to_disk(str(tmp_path / "flat"))
    with pytest.raises(InputError, match="has no splits"):
        read_gold(Path(f"{tmp_path}/flat:train"))


def test_what_the_library_finds_by_name_is_read_and_what_it_does_not_find_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "named"
    folder.mkdir()
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "train.parquet")
    assert read_gold(Path(f"hf:{folder}:train"), holdout=0.0, columns=COLUMNS).items == WANTED
    with pytest.raises(InputError, match="cannot be loaded"):
        read_gold(Path("hf:nobody/absent"))


def test_class_labels_are_read_as_their_names_and_bytes_are_told_by_row(tmp_path: Path) -> None:
    features = datasets.Features(
        {"input": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    found = datasets.Dataset.from_dict({"input": ["a", "b"], "label": [1, 0]}, features=features)
    found.save_to_disk(str(tmp_path / "labels"))
    assert [item.meta["label"] for item in load_gold(tmp_path / "labels")] == ["yes", "no"]
    raw = datasets.Dataset.from_dict({"input": ["a", "b"], "raw": [None, b"\x00"]})
    raw.save_to_disk(str(tmp_path / "raw"))
    (problem,) = read_gold(tmp_path / "raw").problems
    assert problem.where == f"{tmp_path / 'raw'}:row 2"
    datasets.Dataset.from_dict({"input": []}).save_to_disk(str(tmp_path / "empty"))
    assert read_gold(tmp_path / "empty").problems[0].message == "the file holds no rows"


def test_without_the_library_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtraError) as error:
        read_gold(Path("hf:anything"))
    assert error.value.hint == 'pip install "launchworthy[datasets]"'


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"input": 7}, "input is a number, and a text in 7,499 other rows"),
        ({"input": {"text": "x"}}, "input is an object, and a text in 7,499 other rows"),
        ({"expected": 7}, "expected is a number, and a text in 7,499 other rows"),
        ({"expected": True}, "expected is true or false, and a text in 7,499 other rows"),
        ({"id": 1.5}, "id is 1.5, not text or a whole number"),
        ({"slices": 3}, "slices is 3"),
        ({"input": None}, "the input is empty"),
        ({"id": "q12"}, "the id 'q12' stands at line 13 already"),
    ],
)
def test_a_wrong_type_in_row_7001_is_told_by_its_row(tmp_path: Path, change: Any, reason: str) -> None:
    path = tmp_path / "gold.jsonl"
    rows: list[dict[str, Any]] = [
        {"id": f"q{n}", "input": f"question {n}", "expected": str(n)} for n in range(7_500)
    ]
    rows[7_000] |= change
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (problem,) = read_gold(path).problems
    assert problem.where == f"{path}:7001"
    assert reason in problem.message


def test_sets_of_several_kinds_are_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    rows = [
        {"id": f"q{n}", "input": f"q {n}", "expected": ["a"] if n % 150 == 0 else "a"} for n in range(300)
    ] + [{"id": f"n{n}", "input": n, "expected": n} for n in range(40)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert len(load_gold(path)) == 340
