"""prove, score and compare: each useful alone, on files."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
import pytest

from launchworthy.cli.main import main


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    printed = capsys.readouterr()
    code = stopped.value.code
    return int(code or 0), printed.out, printed.err


def _file(folder: Path, name: str, rows: list[dict[str, Any]]) -> str:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_prove_says_how_many_more_flawless_examples_are_needed(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("prove", "--successes", "200", "--n", "200", "--confidence", "0.95", "--at-least")
    code, out, _ = _run(capsys, *arguments, "0.999")
    assert code == 2
    assert "unproven" in out
    assert "2,795 further flawless examples" in out
    code, out, _ = _run(capsys, *arguments, "99.9 %", "--json")
    answer = json.loads(out)
    assert (code, answer["status"], answer["needed"]) == (2, "unproven", 2795)
    assert {"metric", "value", "low", "high", "confidence", "n", "method", "reason"} <= set(answer)
    assert answer["low"] == pytest.approx(0.05 ** (1 / 200))


@pytest.mark.parametrize(
    ("successes", "n", "target", "code", "status"),
    [
        ("300", "300", ("--at-least", "99 %"), 0, "met"),
        ("200", "300", ("--at-least", "0.99"), 1, "unmet"),
        ("0", "300", ("--at-most", "1 %"), 0, "met"),
        ("3", "300", ("--at-most", "1 %"), 2, "unproven"),
        ("30", "300", ("--at-most", "1 %"), 1, "unmet"),
    ],
)
def test_prove_exits_as_a_verdict_does(
    capsys: pytest.CaptureFixture[str],
    successes: str,
    n: str,
    target: tuple[str, str],
    code: int,
    status: str,
) -> None:
    found, out, _ = _run(capsys, "prove", "--successes", successes, "--n", n, *target)
    assert found == code
    assert out.startswith(f"{status}:")
    _, out, _ = _run(capsys, "prove", "--successes", successes, "--n", n, *target, "--json")
    needed = json.loads(out)["needed"]
    assert {"met": needed == 0, "unmet": needed is None, "unproven": (needed or 0) > 0}[status]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--successes", "3", "--n", "2", "--at-least", "0.5"),
        ("--successes", "0", "--n", "0", "--at-least", "0.5"),
        ("--successes", "1", "--n", "2"),
        ("--successes", "1", "--n", "2", "--at-least", "0.5", "--at-most", "0.6"),
        ("--successes", "1", "--n", "2", "--at-least", "99"),
        ("--successes", "1", "--n", "2", "--at-least", "100 %"),
        ("--successes", "1", "--n", "2", "--at-most", "0"),
        ("--successes", "1", "--n", "2", "--at-least", "2s"),
        ("--successes", "1", "--n", "2", "--at-least", "half"),
        ("--successes", "1", "--n", "2", "--at-least", "0.5", "--confidence", "95"),
    ],
)
def test_prove_refuses_what_makes_no_sense(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    code, out, error = _run(capsys, "prove", *arguments)
    assert code == 64
    assert not out
    assert "rror" in error


def test_a_share_may_begin_with_its_point_and_a_percentage_without_its_sign_is_guessed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    counts = ("prove", "--successes", "99", "--n", "100", "--at-least")
    assert _run(capsys, *counts, ".9") == _run(capsys, *counts, "0.9")
    code, _, error = _run(capsys, *counts, "99")
    assert code == 64
    assert "did you mean 99 %?" in error


def test_score_prints_the_value_its_interval_and_n(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"query": i, "ranked": ["a", "b"], "relevant": {"a" if i % 4 else "z": 1}, "topic": f"t{i % 2}"}
        for i in range(40)
    ]
    file = _file(tmp_path, "rows.jsonl", rows)
    code, out, _ = _run(capsys, "score", "hit@5", "--input", file, "--by", "topic", "--json")
    answer = json.loads(out)
    assert code == 0
    assert (answer["metric"], answer["value"], answer["n"]) == ("hit@5", 0.75, 40)
    assert answer["low"] < 0.75 < answer["high"]
    assert answer["slices"]["t1"]["value"] == 1.0
    code, out, _ = _run(capsys, "score", "hit@5", "--input", file, "--by", "topic")
    assert "75 % (" in out
    assert "n = 40" in out
    assert "t0" in out


def test_score_says_what_could_not_be_scored_and_prints_no_terminal_escapes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _file(tmp_path, "rows.jsonl", [{"output": "a", "s": "\x1b[2Jx"}, {"reference": "a", "s": "y"}])
    code, out, _ = _run(capsys, "score", "exact-match", "--input", file, "--by", "s")
    assert code == 1
    assert "not measured" in out
    assert "\x1b" not in out
    _, out, _ = _run(capsys, "score", "exact-match", "--input", file, "--json")
    answer = json.loads(out)
    assert answer["value"] is None
    assert (answer["n"], answer["unscored"]) == (0, 2)


def test_score_takes_options_and_clusters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"label": "spam", "prediction": "spam" if i % 3 else "ham", "user": i // 5} for i in range(50)]
    file = _file(tmp_path, "rows.jsonl", rows)
    _, out, _ = _run(
        capsys, "score", "recall", "--input", file, "--option", "positive=spam", "--cluster", "user", "--json"
    )
    answer = json.loads(out)
    assert (answer["n"], answer["unit_of_analysis"]) == (10, "user")
    assert "clustered" in answer["method"]
    assert answer["signature"] == "recall|positive:spam|v1"


def test_score_lists_every_metric_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    from launchworthy.metrics import METRICS

    code, out, _ = _run(capsys, "score", "--list")
    assert code == 0
    for name in METRICS:
        assert name in out
    _, out, _ = _run(capsys, "score", "--list", "--json")
    assert [metric["name"] for metric in json.loads(out)["metrics"]] == list(METRICS)


def test_score_refuses_a_broken_file_by_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.jsonl"
    for content, words in (
        (b'{"output": "a"}\n{"output": NaN}\n', ":2"),
        (b"", "no rows"),
        (b"\x1f\x8b\x00", "gzip"),
        (b'{"output": "a', "Unterminated string starting at character 12"),
    ):
        path.write_bytes(content)
        code, _, error = _run(capsys, "score", "exact-match", "--input", str(path))
        assert code == 64
        assert words in error
    code, _, error = _run(capsys, "score", "exakt-match", "--input", str(path))
    assert code == 64
    assert "exact-match" in error
    assert _run(capsys, "score", "exact-match")[0] == 64
    assert _run(capsys, "score", "regex", "--input", str(path), "--option", "pattern")[0] == 64


def _answers(good: set[int], n: int = 200) -> list[dict[str, Any]]:
    return [{"id": i, "output": "a" if i in good else "b", "reference": "a"} for i in range(n)]


def test_compare_pairs_by_id_and_exits_as_a_verdict_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = _file(tmp_path, "old.jsonl", _answers(set(range(140))))
    new = _file(tmp_path, "new.jsonl", _answers(set(range(170))))
    base = ("compare", "--metric", "exact-match")
    code, out, _ = _run(capsys, *base, "--baseline", old, "--candidate", new)
    assert code == 0
    assert out.startswith("met: The candidate is better")
    code, out, _ = _run(capsys, *base, "--baseline", new, "--candidate", old, "--json")
    answer = json.loads(out)
    assert (code, answer["status"]) == (1, "unmet")
    assert answer["value"] == pytest.approx(-0.15)
    assert answer["low"] < -0.15 < answer["high"] < 0
    assert {"metric", "confidence", "n", "margin", "baseline", "candidate"} <= set(answer)
    code, out, _ = _run(capsys, *base, "--baseline", old, "--candidate", old)
    assert code == 2
    code, out, _ = _run(capsys, *base, "--baseline", old, "--candidate", old, "--margin", "2 %")
    assert code == 0
    assert "not worse by more than 2 points" in out


def test_compare_tells_of_items_whose_truth_changed_in_jsonl_and_parquet(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    old: list[dict[str, Any]] = [{"id": str(at), "label": at % 2, "score": at / 50} for at in range(50)]
    new = [{**row, "label": 1 - row["label"]} if at < 5 else row for at, row in enumerate(old)]
    for kind in ("jsonl", "parquet"):
        files = []
        for side, rows in (("old", old), ("new", new)):
            frame, path = pd.DataFrame(rows), tmp_path / f"{side}.{kind}"
            if kind == "jsonl":
                frame.to_json(path, orient="records", lines=True)
            else:
                frame.to_parquet(path)
            files.append(str(path))
        sides = ("--baseline", files[0], "--candidate", files[1])
        code, out, _ = _run(capsys, "compare", "--metric", "roc-auc", *sides)
        assert code == 2
        assert "5 with another right answer on each side, and left out: 0, 1, 2, 3, 4" in out


def test_compare_says_how_many_more_pairs_would_settle_it_and_they_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def compared(times: int, better: int) -> dict[str, Any]:
        rows = [_answers(set(range(120)), 200), _answers({*range(10, 120 + better)}, 200)]
        files = [
            _file(
                tmp_path,
                f"{side}.jsonl",
                [{**row, "id": f"{row['id']}/{copy}"} for copy in range(times) for row in side_rows],
            )
            for side, side_rows in zip(("old", "new"), rows, strict=True)
        ]
        _, out, _ = _run(
            capsys, "compare", "--metric", "exact-match", "--margin", "1 %", "--json",
            "--baseline", files[0], "--candidate", files[1],
        )  # fmt: skip
        return dict(json.loads(out))

    open_ = compared(1, better=12)
    assert open_["status"] == "unproven"
    assert 200 < open_["needed"] < 2_000
    settled = compared(1 + -(-open_["needed"] // 200), better=12)
    assert (settled["status"], settled["needed"]) == ("met", 0)
    worse = compared(1, better=7)
    assert (worse["status"], worse["needed"]) == ("unproven", None), "more of the same would not help"


def test_compare_says_how_many_more_pairs_without_a_difference_would_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def needed(n: int) -> tuple[str, int]:
        rows = _file(tmp_path, "rows.jsonl", _answers(set(range(n)), n))
        base = ("compare", "--metric", "exact-match", "--margin", "1 %", "--json")
        answer = json.loads(_run(capsys, *base, "--baseline", rows, "--candidate", rows)[1])
        return answer["status"], answer["needed"]

    status, more = needed(100)
    assert status == "unproven"
    assert needed(100 + more)[0] == "met"
    assert needed(90 + more)[0] == "unproven", "not many more than it takes are asked for"


def test_compare_tells_items_on_one_side_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = _file(tmp_path, "old.jsonl", _answers(set(range(10)), 10))
    new = _file(tmp_path, "new.jsonl", [*_answers(set(range(8)), 8), {"id": "\x1b[31mred"}])
    _, out, _ = _run(capsys, "compare", "--metric", "exact-match", "--baseline", old, "--candidate", new)
    assert "2 only in the baseline: 8, 9" in out
    assert "1 only in the candidate" in out
    assert "\x1b" not in out


def test_compare_refuses_margins_and_files_that_do_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = _file(tmp_path, "old.jsonl", _answers({1}, 5))
    twice = _file(tmp_path, "twice.jsonl", _answers({1}, 5) * 2)
    base = ("compare", "--metric", "exact-match", "--baseline", old, "--candidate")
    for arguments in ((old, "--margin", "5ms"), (old, "--margin", "-1 %"), (old, "--margin", "x"), (twice,)):
        code, _, error = _run(capsys, *base, *arguments)
        assert code == 64
        assert error
    assert (
        "'5ms' is not a share, such as 1 %, as exact-match is"
        in _run(capsys, *base, old, "--margin", "5ms")[2]
    )


@pytest.mark.parametrize("json_flag", [(), ("--json",)])
def test_a_score_of_nothing_is_no_success(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, json_flag: tuple[str, ...]
) -> None:
    nothing = _file(tmp_path, "a.jsonl", [{"output": "x"}, {"output": "y"}])
    code, out, err = _run(capsys, "score", "exact-match", "--input", nothing, *json_flag)
    assert (code, "nothing was measured: no row could be scored" in err) == (1, True)
    assert "'reference' is missing" in out
    some = _file(tmp_path, "b.jsonl", [{"output": "x"}, {"output": "y", "reference": "z"}])
    assert _run(capsys, "score", "exact-match", "--input", some, *json_flag)[0] == 0


def test_two_equal_files_of_an_open_scale_print_no_infinity(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rows = [{"id": n, "latency_ms": 100 + n} for n in range(40)]
    file = _file(tmp_path, "a.jsonl", rows)
    code, out, _ = _run(capsys, "compare", "--baseline", file, "--candidate", file, "--metric", "latency")
    assert code == 2
    assert "difference  0 ms (no bounds, n = 40)" in out
    assert "∞" not in out


def test_a_pattern_that_never_ends_could_not_score(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from launchworthy.metrics import matching

    monkeypatch.setattr(matching, "LIMIT_S", 0.3)
    matching._WORKER.close()
    rows = [{"output": "a" * 40 + "b", "pattern": "(a+)+$"}, {"output": "aa", "pattern": "(a+)+$"}]
    file = _file(tmp_path, "a.jsonl", rows)
    code, out, _ = _run(capsys, "score", "regex", "--input", file, "--json")
    answer = json.loads(out)
    assert (code, answer["value"], answer["n"], answer["unscored"]) == (0, 1.0, 1, 1)
    assert "takes longer than" in next(iter(answer["unscored_reasons"]))


def _decided(n: int = 300) -> list[dict[str, Any]]:
    rng = random.Random(1)
    rows = []
    for i in range(n):
        label = rng.choice(["spam", "ham", "news"])
        said = label if rng.random() < 0.8 else "ham"
        rows.append(
            {"id": i, "label": label, "prediction": said, "group": f"g{i % 3}", "score": rng.random()}
        )
    return rows


def _tables(folder: Path, rows: list[dict[str, Any]]) -> list[str]:
    """The same rows as JSON Lines, Parquet and Arrow."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist(rows)
    pq.write_table(table, folder / "rows.parquet")
    with pa.ipc.new_file(folder / "rows.arrow", table.schema) as file:
        file.write_table(table)
    return [_file(folder, "rows.jsonl", rows), str(folder / "rows.parquet"), str(folder / "rows.arrow")]


@pytest.mark.parametrize(
    "arguments",
    [
        ("accuracy",),
        ("macro-f1", "--by", "group", "--cluster", "group"),
        ("roc-auc", "--option", "class=spam"),
        ("exact-match",),
        ("confusion-matrix", "--by", "group"),
        ("recall", "--option", "positive=spam", "--group", "group"),
        ("token-f1", "--by", "tags"),
    ],
)
def test_a_table_file_scores_as_its_json_lines_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    rows = [
        row
        | {"output": row["prediction"], "reference": row["label"], "tags": ["x", row["group"]]}
        | ({"prediction": None} if row["id"] == 7 else {})
        for row in _decided(60)
    ]
    told = [_run(capsys, "score", *arguments, "--json", "--input", file) for file in _tables(tmp_path, rows)]
    assert told[0][0] == 0
    assert told[0] == told[1] == told[2]


def test_two_tables_compare_as_their_json_lines_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = _decided()
    worse = [row | {"prediction": "ham"} if row["group"] == "g1" else row for row in rows]
    sides = []
    for name, side in (("old", rows), ("new", worse[::-1])):
        (tmp_path / name).mkdir()
        sides.append(_tables(tmp_path / name, side))
    arguments = ("compare", "--metric", "accuracy", "--by", "group", "--margin", "1 %", "--plan")
    told = [
        _run(capsys, *arguments, "--baseline", old, "--candidate", new, *flags)
        for flags in ((), ("--json",))
        for old, new in zip(*sides, strict=True)
    ]
    assert told[0] == told[1] == told[2]
    assert told[3] == told[4] == told[5]
    code, out, _ = told[0]
    assert code == 1
    assert "1 of 3 slices differ beyond chance (Holm, 95 %): g1 worse by" in out
    assert "e-value" in out
    assert "pairs show that it is not worse by more than 1 point" in out
    answer = json.loads(told[3][1])
    assert answer["slices"]["g1"]["change"] == "worse"
    assert answer["slices"]["g0"]["change"] is None
    assert answer["e_value"] > 20
    assert answer["planned"] > 100
    assert answer["signature"] == "accuracy|v1"


def test_groups_are_compared_and_the_widest_gap_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"label": i % 2, "prediction": int(i % 4 < (1 if i % 3 else 3)), "group": f"g{min(1, i % 3)}"}
        for i in range(600)
    ]
    file = _file(tmp_path, "rows.jsonl", [*rows, {"label": 1}])
    for name in ("demographic-parity", "equalised-odds", "Equalized_Odds"):
        code, out, _ = _run(capsys, "score", name, "--input", file, "--group", "group")
        assert code == 0
        assert "widest gap between groups" in out
        assert "smallest group n = " in out
        assert "1 rows name no group" in out
        assert "|v1" in out
        code, out, _ = _run(capsys, "score", name, "--input", file, "--group", "group", "--json")
        answer = json.loads(out)
        assert 0 < answer["low"] < answer["value"] < answer["high"]
        assert set(next(iter(answer["of"].values()))["groups"]) == {"g0", "g1"}
        assert answer["ratio"]["high"] < 1
    assert _run(capsys, "score", "demographic-parity", "--input", file)[0] == 64
    assert _run(capsys, "score", "f1", "--input", file, "--group", "group", "--by", "group")[0] == 64
    assert "no row names a group" in _run(capsys, "score", "f1", "--input", file, "--group", "no")[2]
    code, _, error = _run(
        capsys, "score", "recall", "--input", file, "--group", "group", "--option", "class=none"
    )
    assert code == 1
    assert "fewer than two groups could be measured" in error


def test_a_confusion_matrix_shows_counts_shares_and_classes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [*_decided(), {"label": "\x1b[2J", "prediction": "ham"}, {"prediction": "ham"}]
    file = _file(tmp_path, "rows.jsonl", rows)
    code, out, _ = _run(capsys, "score", "confusion-matrix", "--input", file)
    assert code == 0
    assert "\x1b" not in out
    assert "true \\ predicted" in out
    assert "confusion-matrix|v1" in out
    assert "1 of 302 rows could not be scored" in out
    answer = json.loads(_run(capsys, "score", "confusion-matrix", "--input", file, "--json")[1])
    spam = answer["rows"]["spam"]
    assert spam["spam"]["count"] == sum(row["label"] == row["prediction"] == "spam" for row in _decided())
    assert spam["spam"]["share"]["value"] == answer["by_class"]["spam"]["recall"]["value"]
    assert (answer["n"], answer["unscored"]) == (301, 1)
    for more in (("--cluster", "group"), ("--option", "positive=spam")):
        assert _run(capsys, "score", "confusion-matrix", "--input", file, *more)[0] == 64


def test_the_signature_stands_beside_every_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = _file(tmp_path, "rows.jsonl", [row | {"label": "x"} for row in _decided(5)])
    nothing = _run(capsys, "score", "f1", "--input", file)
    assert nothing[0] == 1
    assert "f1|v1" in nothing[1], "also beside what was not measured"
    base = ("compare", "--metric", "f1", "--baseline", file, "--candidate", file)
    assert "f1|v1" in _run(capsys, *base)[1]


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_damaged_table_file_is_refused_and_never_ends_the_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    _tables(tmp_path, _decided(40))
    whole = (tmp_path / f"rows.{kind}").read_bytes()
    broken = tmp_path / f"broken.{kind}"
    for content in (whole[:30], whole[: len(whole) // 2], whole[:-80] + b"\xff" * 80):
        broken.write_bytes(content)
        code, out, error = _run(capsys, "score", "accuracy", "--input", str(broken))
        assert code == 64
        assert not out
        assert str(broken) in error
        assert "file that can be read" in error


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_file_written_twice_is_not_twice_as_many_examples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    rows = [{"id": f"q{at}", "label": at % 2, "prediction": 1} for at in range(40)]

    def written(name: str, rows: list[dict[str, Any]]) -> str:
        if kind == "jsonl":
            return _file(tmp_path, name, rows)
        pd.DataFrame(rows).to_parquet(tmp_path / name)
        return str(tmp_path / name)

    assert _run(capsys, "score", "accuracy", "--input", written("once", rows))[0] == 0
    code, out, err = _run(capsys, "score", "accuracy", "--input", written("twice", rows * 2))
    assert code not in (0, 1)
    assert out == ""
    assert "id 'q0'" in err
    without = [{name: row[name] for name in ("label", "prediction")} for row in rows]
    code, out, _ = _run(capsys, "score", "accuracy", "--input", written("plain", without * 2))
    assert code == 0
    assert "n = 80" in out


def test_a_field_for_slices_that_no_row_has_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _file(tmp_path, "a.jsonl", [{"id": at, "label": at % 2, "prediction": 1} for at in range(40)])
    for arguments in (
        ("score", "accuracy", "--input", file),
        ("score", "confusion-matrix", "--input", file),
        ("compare", "--metric", "accuracy", "--baseline", file, "--candidate", file),
    ):
        code, out, err = _run(capsys, *arguments, "--by", "nofield")
        assert code not in (0, 1, 2)
        assert (out, "no row has the field 'nofield'" in err) == ("", True)


@pytest.mark.parametrize("metric", ["roc-auc", "f1", "recall", "average-precision"])
def test_labels_of_one_class_are_named_as_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], metric: str
) -> None:
    file = _file(tmp_path, "a.jsonl", [{"label": 0, "score": at / 40} for at in range(20)])
    code, _, err = _run(capsys, "score", metric, "--input", file)
    assert (code, "all labels are one class: no row is positive" in err) == (1, True)


def test_cells_of_a_spreadsheet_are_not_read_and_the_way_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "y.csv"
    file.write_text("label,prediction\n1,1\n")
    code, _, err = _run(capsys, "score", "accuracy", "--input", str(file))
    assert code not in (0, 1)
    assert ".csv is not read" in err
    assert "JSON Lines, Parquet or Arrow" in err
