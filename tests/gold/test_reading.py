from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from launchworthy.errors import InputError
from launchworthy.gold import load_gold, read_gold

ROWS: list[dict[str, Any]] = [
    {"id": "q1", "question": "How do I sort?", "relevant": {"sorted": 2, "list.sort": 1}, "tags": ["plain"]},
    {"id": "q2", "question": "What is love?", "answerable": False, "slices": ["no", "odd"], "author": "ana"},
    {"question": "no id here", "answer": "text", "split": "dev", "cluster": "c", "context": ["a"]},
]


def _jsonl(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _reasons(path: Path) -> list[tuple[str, str]]:
    return [(p.where.removeprefix(f"{path}:"), p.message) for p in read_gold(path).problems]


def test_json_lines_map_their_usual_names_and_keep_the_rest(tmp_path: Path) -> None:
    first, second, third = load_gold(_jsonl(tmp_path / "gold.jsonl", ROWS))
    assert (first.id, first.input) == ("q1", "How do I sort?")
    assert first.expected == {"sorted": 2, "list.sort": 1}
    assert first.slices == ("plain",)
    assert second.answerable is False
    assert second.slices == ("no", "odd", "unanswerable")
    assert second.meta == {"author": "ana"}
    assert third.id.startswith("i-")
    assert (third.split, third.cluster, third.context) == ("dev", "c", ["a"])


def test_the_first_name_is_the_one_meant_and_the_second_stays_a_field(tmp_path: Path) -> None:
    row = {"input": "a", "question": "b", "answer": "c", "relevant": ["d"]}
    (item,) = load_gold(_jsonl(tmp_path / "gold.jsonl", [row]))
    assert (item.input, item.expected) == ("a", "c")
    assert item.meta == {"question": "b", "relevant": ["d"]}


def test_yaml_csv_and_parquet_read_to_the_same_items_as_json_lines(tmp_path: Path) -> None:
    wanted = load_gold(_jsonl(tmp_path / "gold.jsonl", ROWS))
    (tmp_path / "gold.yaml").write_text(json.dumps(ROWS, indent=1))
    assert load_gold(tmp_path / "gold.yaml") == wanted
    names = sorted({name for row in ROWS for name in row})
    table = pa.Table.from_pylist([{name: row.get(name) for name in names} for row in ROWS])
    pq.write_table(table, tmp_path / "gold.parquet")
    assert load_gold(tmp_path / "gold.parquet")[1] == wanted[1]
    (tmp_path / "gold.csv").write_text(
        "id,question,relevant,tags,answerable,slices,author\n"
        'q1,How do I sort?,"{""sorted"": 2, ""list.sort"": 1}",plain,,,\n'
        "q2,What is love?,,,no,no; odd,ana\n"
    )
    assert load_gold(tmp_path / "gold.csv")[:1] == wanted[:1]
    assert load_gold(tmp_path / "gold.csv")[1].slices == ("no", "odd", "unanswerable")


def test_every_broken_line_is_reported_and_nothing_is_read(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_bytes(
        b'{"id": "a", "input": "one"}\n'
        b'{"id": "a", "input": "two"}\n'
        b"{broken\n"
        b'{"id": "b"}\n'
        b'{"id": "c", "input": "   "}\n'
        b'{"id": "d", "input": "x", "split": "train"}\n'
        b'{"id": "e", "input": "y", "answerable": "maybe"}\n'
        b'{"id": "f", "input": "one"}\n'
        b'{"id": "\x1b[31mred", "input": "z"}\n'
        b'{"id": "g", "input": "\xff"}\n'
        b'{"id": "h", "input": "w", "slices": {"a": 1}}\n'
        b'{"id": "i", "input": "v", "x": NaN}\n'
        b'{"id": "j\\u001b[2J", "input": "u"}\n'
        b'{"id": "k", "input": "\\ud800"}\n'
        b"[1]\n"
    )
    reasons = dict(_reasons(path))
    assert list(reasons) == [str(line) for line in range(2, 16)]
    assert "stands at line 1 already" in reasons["2"]
    assert reasons["4"] == "the input is missing"
    assert reasons["5"] == "the input is empty"
    assert "none of 'dev', 'holdout' and 'sealed'" in reasons["6"]
    assert reasons["8"] == "the same input stands at line 1 already"
    assert "\x1b" not in "".join(reasons.values())
    with pytest.raises(InputError, match=r"14 rows are broken, so nothing was read"):
        load_gold(path)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", "1", "names no columns"),
        ("id,id\n1,2\n", "1", "stands twice"),
        ("id,\n1,2\n", "1", "has no name"),
        ("id,input\n1,a\n2,b,c\n3\n", "3", "the row has 3 cells, the header 2"),
        ('id,input\n1,"a\nb"\n2,"open\n', "4", "not CSV"),
        ('id,input\n1,"a"x\n', "2", "not CSV"),
        ("id,input\n1,\0\n", "2", "NUL"),
        ("id,input,slices\n1,a,[oops\n", "2", "starts like JSON and is not"),
        ("id,input\n1,\n", "2", "the input is missing"),
        ("id,input,answerable\n1,a,perhaps\n", "2", "neither true nor false"),
    ],
)
def test_broken_csv_is_reported_by_line(tmp_path: Path, text: str, line: str, reason: str) -> None:
    path = tmp_path / "gold.csv"
    path.write_text(text)
    try:
        problems = read_gold(path).problems
    except InputError as error:
        problems = (error,)
    assert problems[0].where == f"{path}:{line}"
    assert reason in problems[0].message


def test_csv_that_is_not_utf8_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "gold.csv"
    path.write_bytes(b"id,input\n1,good\n2,caf\xe9\n")
    assert [p.where for p in read_gold(path).problems][-1] == f"{path}:3"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("- {id: a, input: x}\n- {id: b\n", "3", "not YAML"),
        ("- {id: a, input: x}\n- text\n", "2", "not a mapping"),
        ("- {id: a, id: b, input: x}\n", "1", "twice"),
        ("- &x {id: a, input: q}\n- *x\n", "1", "an alias"),
        ("- {id: a, input: !!python/object/apply:os.system [touch]}\n", "1", "tag"),
        ("- {id: a, input: x, n: .nan}\n", "1", "not a number that JSON has"),
        ("justtext\n", "1", "not a list of items"),
    ],
)
def test_broken_yaml_is_reported_by_line(tmp_path: Path, text: str, line: str, reason: str) -> None:
    path = tmp_path / "gold.yaml"
    path.write_text(text)
    try:
        problems = read_gold(path).problems
    except InputError as error:
        problems = (error,)
    assert reason in problems[0].message
    assert problems[0].where.startswith(str(path))


def test_yaml_dates_and_norwegian_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "gold.yaml"
    path.write_text("items:\n- {id: 2026-01-01, input: no, n: 0x10, f: 1.5, t: true, z: ~}\n")
    (item,) = load_gold(path)
    assert (item.id, item.input) == ("2026-01-01", "no")
    assert item.meta == {"n": 16, "f": 1.5, "t": True, "z": None}


def test_a_billion_laughs_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "gold.yaml"
    lines = ["- &a0 {input: lol}"] + [
        f"- &a{n} {{input: [*a{n - 1}, *a{n - 1}, *a{n - 1}]}}" for n in range(1, 40)
    ]
    path.write_text("\n".join(lines))
    assert "alias" in read_gold(path).problems[0].message


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1" + random.Random(7).randbytes(64) + b"PAR1", b"id,input\n1,a\n"]
)
def test_what_is_not_parquet_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "gold.parquet"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a Parquet file") as found:
        read_gold(path)
    assert "\n" not in found.value.message


def test_parquet_rows_that_json_cannot_hold_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "gold.parquet"
    pq.write_table(pa.table({"input": ["a", "b"], "raw": [b"\x00", None], "x": [1.0, float("nan")]}), path)
    assert [p.where for p in read_gold(path).problems] == [f"{path}:row 1", f"{path}:row 2"]


@pytest.mark.parametrize("name", ["gold.txt", "gold", "absent.jsonl"])
def test_a_file_that_is_no_gold_file_is_refused(tmp_path: Path, name: str) -> None:
    if name != "absent.jsonl":
        (tmp_path / name).write_text("x")
    with pytest.raises(InputError):
        read_gold(tmp_path / name)


def test_an_empty_file_is_a_problem_not_an_empty_set(tmp_path: Path) -> None:
    (tmp_path / "gold.jsonl").write_text("\n\n")
    assert read_gold(tmp_path / "gold.jsonl").problems[0].message == "the file holds no rows"


def test_a_row_without_an_id_keeps_its_name_when_its_answer_is_corrected(tmp_path: Path) -> None:
    (old,) = load_gold(_jsonl(tmp_path / "a.jsonl", [{"input": "q", "expected": "x"}]))
    (new,) = load_gold(_jsonl(tmp_path / "b.jsonl", [{"input": "q", "expected": "y"}]))
    assert old.id == new.id


def test_equal_feature_rows_are_two_items(tmp_path: Path) -> None:
    rows = [{"id": str(n), "input": {"amount": 1}, "label": n} for n in range(2)]
    assert len(load_gold(_jsonl(tmp_path / "a.jsonl", rows))) == 2


def test_answerable_and_its_slices_say_the_same(tmp_path: Path) -> None:
    rows: list[Any] = [
        {"input": "a", "answerable": True},
        {"input": "b", "slices": ["unanswerable"]},
        {"input": "c"},
    ]
    items = load_gold(_jsonl(tmp_path / "a.jsonl", rows))
    assert [(i.answerable, i.slices) for i in items] == [
        (True, ("answerable",)),
        (False, ("unanswerable",)),
        (None, ()),
    ]
    torn = _jsonl(tmp_path / "b.jsonl", [{"input": "a", "answerable": True, "slices": ["unanswerable"]}])
    assert _reasons(torn) == [("1", "the row says both answerable and unanswerable")]
