"""agreement, correct and threshold: statistics on a team's own files."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
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


def _judged(seed: int, *, labels: int, rest: int, rate: float = 0.8) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for index in range(labels + rest):
        good = bool(rng.random() < rate)
        judge = bool(rng.random() < (0.98 if good else 0.4))
        row: dict[str, Any] = {"id": f"q{index}", "judge": judge, "user": f"u{index // 2}"}
        rows.append(row | ({"human": good} if index < labels else {"human": None}))
    return rows


def test_correct_shows_how_far_the_judge_is_off_and_judges_the_corrected_mean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [*_judged(1, labels=400, rest=3_000), {"id": "odd", "judge": None}]
    file = _file(tmp_path, "judged.jsonl", rows)
    code, out, _ = _run(capsys, "correct", "--input", file)
    assert code == 0
    assert "prediction-powered" in out
    assert "judge raw" in out
    assert "1 of 3,401 rows have no score of the judge" in out
    code, out, _ = _run(capsys, "correct", "--input", file, "--at-least", "85 %", "--json")
    answer = json.loads(out)
    assert (code, answer["status"], answer["unscored"]) == (1, "unmet", 1)
    assert answer["sample"]["judge_mean"] > 0.85  # the judge alone would have passed it
    assert answer["low"] < 0.8 < answer["high"]
    assert _run(capsys, "correct", "--input", file, "--at-least", "75 %")[0] == 0
    code, out, _ = _run(capsys, "correct", "--input", file, "--at-most", "80 %")
    assert code == 2
    assert out.startswith("unproven:")
    code, out, _ = _run(capsys, "correct", "--input", file, "--cluster", "user")
    assert "clustered" in out


def test_correct_says_when_the_labels_speak_alone_or_are_a_calibration_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _file(tmp_path, "few.jsonl", _judged(2, labels=50, rest=200))
    _, out, _ = _run(capsys, "correct", "--input", file)
    assert "labels alone: fewer than 200" in out
    _, out, _ = _run(capsys, "correct", "--input", file, "--calibration", "--json")
    assert json.loads(out)["method"].startswith("Rogan-Gladen")


def test_correct_compares_two_releases_by_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = _file(tmp_path, "old.jsonl", _judged(3, labels=400, rest=3_000, rate=0.6))
    new = _file(tmp_path, "new.jsonl", _judged(4, labels=400, rest=3_000, rate=0.8)[::-1])
    code, out, _ = _run(capsys, "correct", "--input", new, "--baseline", old, "--at-least", "0", "--json")
    answer = json.loads(out)
    assert (code, answer["metric"], answer["status"]) == (0, "difference", "met")
    assert answer["low"] < 0.2 < answer["high"]
    code, _, error = _run(capsys, "correct", "--input", new, "--baseline", old, "--calibration")
    assert (code, "random" in error) == (64, True)


def test_correct_takes_scores_of_another_scale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"judge": 4, "human": 3 if i % 3 else 5} for i in range(30)] + [{"judge": 4.5}] * 9
    file = _file(tmp_path, "stars.jsonl", rows)
    code, out, _ = _run(capsys, "correct", "--input", file, "--scale", "1", "5", "--json")
    assert (code, json.loads(out)["unit"]) == (0, "")
    code, _, error = _run(capsys, "correct", "--input", file)
    assert code == 64
    assert "leave the scale 0 to 1" in error


@pytest.mark.parametrize(
    ("rows", "options", "says"),
    [
        ([], (), "no rows"),
        ([{"judge": 1}], (), "no item has a label"),
        ([{"judge": "good", "human": 1}], (), ":1: LW100 judge is 'good'"),
        ([{"judge": 1, "human": [1]}], (), "human is"),
        ([{"judge": 10**400, "human": 1}], (), "too large"),
        ([{"judge": 1, "human": 1}], ("--cluster", "user"), "no user"),
        ([{"id": "a", "judge": 1}, {"id": "a", "judge": 1}], (), "in line 1 already"),
        ([{"judge": 1, "human": 1}], ("--at-least", "0.5", "--at-most", "0.6"), "one of"),
        ([{"judge": 1, "human": 1}], ("--scale", "1", "0"), "lowest"),
        ([{"judge": 1, "human": 1}], ("--confidence", "1"), "confidence"),
        ([{"human": 1}], (), "nothing was measured"),
    ],
)
def test_correct_refuses_what_it_cannot_read(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    rows: list[dict[str, Any]],
    options: tuple[str, ...],
    says: str,
) -> None:
    code, out, error = _run(capsys, "correct", "--input", _file(tmp_path, "f.jsonl", rows), *options)
    assert code == 64
    assert not out
    assert says in error


def _labels(seed: int, *, items: int, right: float, raters: int = 2) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, size=items)
    return [
        {"item": f"q{i}", "rater": f"r{r}", "value": bool(truth[i]) == bool(rng.random() < right)}
        for i in range(items)
        for r in range(raters)
    ]


def test_agreement_prints_every_coefficient_that_the_labels_allow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _file(tmp_path, "two.jsonl", _labels(1, items=120, right=0.95))
    code, out, _ = _run(capsys, "agreement", "--input", file)
    assert code == 0
    for name in ("Krippendorff's alpha", "Cohen's kappa", "Fleiss' kappa", "human ceiling", "120 items"):
        assert name in out
    three = _labels(1, items=60, right=0.9, raters=3)
    file = _file(tmp_path, "three.jsonl", [*three[:-1], three[-1] | {"value": None}])
    code, out, _ = _run(capsys, "agreement", "--input", file, "--json")
    answer = json.loads(out)
    assert {"krippendorff_alpha"} == {answer["metric"]}
    assert "cohen_kappa" not in answer
    assert "fleiss_kappa" not in answer
    assert (answer["items"], answer["raters"], answer["unlabelled"]) == (60, 3, 1)
    assert answer["low"] < answer["value"] < answer["high"]
    assert 0 < answer["agreed_items"]["value"] < answer["pairwise_agreement"]["value"] < 1


@pytest.mark.parametrize(
    ("right", "items", "code", "status"),
    [(0.98, 200, 0, "met"), (0.7, 200, 1, "unmet"), (0.93, 20, 2, "unproven")],
)
def test_agreement_is_the_entry_ticket_of_a_judge(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    right: float,
    items: int,
    code: int,
    status: str,
) -> None:
    file = _file(tmp_path, "labels.jsonl", _labels(2, items=items, right=right))
    found, out, _ = _run(capsys, "agreement", "--input", file, "--at-least", "0.67")
    assert (found, out.partition(":")[0]) == (code, status)


def test_agreement_on_ranks_uses_their_distance(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"item": i, "rater": r, "value": min(5, 1 + i % 5 + (r == "b" and i % 3 == 0))}
        for i in range(60)
        for r in "ab"
    ]
    file = _file(tmp_path, "ranks.jsonl", rows)
    values = {}
    for level in ("nominal", "ordinal", "interval", "ratio"):
        _, out, _ = _run(capsys, "agreement", "--input", file, "--level", level, "--json")
        values[level] = json.loads(out)["value"]
    assert values["nominal"] < values["ordinal"]
    assert len(set(values.values())) == 4


def test_agreement_of_people_who_all_say_the_same_is_not_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"item": i, "rater": r, "value": "ok"} for i in range(9) for r in "ab"]
    file = _file(tmp_path, "same.jsonl", rows)
    code, out, _ = _run(capsys, "agreement", "--input", file, "--at-least", "0.67")
    assert code == 2
    assert "everybody used one value" in out
    alone = _file(tmp_path, "alone.jsonl", [{"item": i, "rater": "a", "value": "ok"} for i in range(9)])
    code, out, _ = _run(capsys, "agreement", "--input", alone)
    assert "no item has labels of two raters" in out
    assert out.splitlines()[-1] == "9 items, 1 rater, 9 labels"


@pytest.mark.parametrize(
    ("rows", "options", "says"),
    [
        ([], (), "no rows"),
        ([{"rater": "a", "value": 1}], (), ":1: LW100 the row has no item"),
        ([{"item": 1, "value": 1}], (), "no rater"),
        ([{"item": 1, "rater": "a", "value": [1]}], (), "value is no"),
        ([{"item": 1, "rater": "a", "value": 1}, {"item": 1, "rater": "a", "value": 2}], (), ":2: LW100"),
        (
            [{"item": 1, "rater": "a", "value": "x"}, {"item": 1, "rater": "b", "value": "y"}],
            ("--level", "ordinal"),
            "no order",
        ),
        ([{"item": 1, "rater": "a", "value": 1}], ("--level", "cardinal"), "cardinal"),
    ],
)
def test_agreement_refuses_what_it_cannot_read(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    rows: list[dict[str, Any]],
    options: tuple[str, ...],
    says: str,
) -> None:
    code, out, error = _run(capsys, "agreement", "--input", _file(tmp_path, "f.jsonl", rows), *options)
    assert code == 64
    assert not out
    assert says in error


def _answers(seed: int, n: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for _ in range(n):
        sure = float(rng.random())
        rows.append({"confidence": sure, "correct": bool(rng.random() < (0.999 if sure > 0.5 else 0.6))})
    return rows


def test_threshold_proposes_a_confidence_and_says_what_share_is_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _file(tmp_path, "answers.jsonl", [*_answers(1, 2_000), {"confidence": 0.3, "correct": None}])
    arguments = ("threshold", "--input", file, "--target", "0.02", "--confidence", "0.95")
    code, out, _ = _run(capsys, *arguments)
    assert code == 0
    assert out.startswith("Answer at 0.")
    assert "of questions" in out
    assert "1 of 2,001 rows have no correct" in out
    code, out, _ = _run(capsys, *arguments, "--json")
    answer = json.loads(out)
    assert 0.4 < answer["threshold"] < 0.65
    assert answer["coverage"]["low"] < answer["coverage"]["value"] < answer["coverage"]["high"]
    assert (answer["n"], answer["unlabelled"], answer["needed"]) == (2_000, 1, None)
    assert answer["curve"][-1]["coverage"] == 1.0


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_threshold_writes_a_file_for_the_no_answer_policy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    from ruamel.yaml import YAML

    file = _file(tmp_path, "answers.jsonl", _answers(1, 2_000))
    out = tmp_path / f"threshold.{suffix}"
    code, _, _ = _run(capsys, "threshold", "--input", file, "--target", "2 %", "--out", str(out))
    assert code == 0
    written = YAML(typ="safe").load(out.read_text(encoding="utf-8"))
    assert {"threshold", "target", "confidence", "n", "method", "date", "guarantee"} <= set(written)
    assert (written["target"], written["confidence"], written["n"]) == (0.02, 0.95, 2_000)


def test_threshold_says_honestly_when_none_can_be_certified_and_writes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = _file(tmp_path, "few.jsonl", _answers(2, 100))
    out = tmp_path / "threshold.json"
    code, text, _ = _run(capsys, "threshold", "--input", few, "--target", "0.02", "--out", str(out))
    assert code == 2
    assert "No threshold can be certified with 100 labelled answers: about" in text
    assert not out.exists()
    wrong = _file(tmp_path, "wrong.jsonl", [{"confidence": i, "correct": i % 2} for i in range(400)])
    code, text, _ = _run(capsys, "threshold", "--input", wrong, "--target", "0.02")
    assert code == 2
    assert "must improve" in text


def test_threshold_by_expectation_says_that_it_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _file(tmp_path, "answers.jsonl", _answers(3, 100))
    code, out, _ = _run(
        capsys, "threshold", "--input", file, "--target", "0.05", "--guarantee", "expectation", "--json"
    )
    answer = json.loads(out)
    assert (code, answer["confidence"]) == (0, None)
    assert "expected to be at most 5 % of all questions" in answer["guarantee"]


@pytest.mark.parametrize(
    ("rows", "options", "says"),
    [
        ([], (), "no rows"),
        ([{"correct": True}], (), ":1: LW100 the row has no confidence"),
        ([{"confidence": "high", "correct": True}], (), "confidence is 'high'"),
        ([{"confidence": 0.5, "correct": 0.5}], (), "neither true nor false"),
        ([{"confidence": 0.5}], (), "nothing was measured"),
        ([{"confidence": 0.5, "correct": True}], ("--out", "threshold.txt"), ".json, .yaml or .yml"),
        ([{"confidence": 0.5, "correct": True}], ("--target", "0"), "target"),
    ],
)
def test_threshold_refuses_what_it_cannot_read(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    rows: list[dict[str, Any]],
    options: tuple[str, ...],
    says: str,
) -> None:
    file = _file(tmp_path, "f.jsonl", rows)
    code, out, error = _run(capsys, "threshold", "--input", file, "--target", "0.1", *options)
    assert code == 64
    assert not out
    assert says in error


def _kept(policy: Path) -> dict[str, Any]:
    from ruamel.yaml import YAML

    return dict(YAML(typ="safe").load(policy.read_text()))


def test_rows_that_fitted_the_confidence_certify_no_threshold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model that learnt its rows by heart is sure and right on them, and wrong on others."""
    learnt = [{"id": f"a{n}", "confidence": 0.99, "correct": True} for n in range(300)]
    others = [{"id": n, "confidence": 0.99, "correct": n % 2 == 0} for n in range(300)]
    file = _file(tmp_path, "answers.jsonl", learnt + others)
    asked = ("threshold", "--input", file, "--target", "0.3")
    code, text, _ = _run(capsys, *asked)
    assert (code, "This holds if none of these rows fitted the confidence" in text) == (0, True)
    for name in ("policy.json", "policy.yaml"):
        policy = tmp_path / name
        policy.write_text(json.dumps({"threshold": 0, "fitted_on": [row["id"] for row in learnt]}))
        code, text, _ = _run(capsys, *asked, "--out", str(policy))
        assert code == 2, text
        assert "300 labelled rows" in text
        assert "300 further rows fitted the confidence (fitted_on); they certify nothing" in text
    policy = tmp_path / "other.yaml"
    policy.write_text(json.dumps({"threshold": 0, "fitted_on": list(range(300))}))
    code, text, _ = _run(capsys, *asked, "--out", str(policy), "--json")
    told = json.loads(text)
    assert (code, told["n"]) == (0, 300)
    assert told["source"] == f"{file}, without 300 rows that fitted the confidence"
    assert _kept(policy)["fitted_on"] == list(range(300))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("p.json", '{"threshold": 0, "fitted_on": "a1"}', "fitted_on is no list of ids"),
        ("p.yaml", "threshold: 0\nfitted_on: [{a: 1}]", "fitted_on is no list of ids"),
        ("p.json", '{"threshold": 0, "fitted_on": ["a1"', "no mapping"),
        ("p.yaml", "[1, 2]", "no mapping"),
        ("p.json", '{"threshold": 0, "fitted_on": ["a1", "a2"]}', "every row fitted the confidence"),
        ("q.json", '{"threshold": 0, "fitted_on": ["a1"]}', ":3: LW100 the row has no id"),
    ],
)
def test_a_policy_that_does_not_say_well_what_fitted_it_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, says: str
) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "a1", "confidence": 1, "correct": True},
        {"id": "a2", "confidence": 1, "correct": True},
    ]
    if name == "q.json":
        rows.append({"confidence": 1, "correct": True})
    policy = tmp_path / name
    policy.write_text(text)
    file = _file(tmp_path, "answers.jsonl", rows)
    code, out, error = _run(capsys, "threshold", "--input", file, "--target", "0.1", "--out", str(policy))
    assert (code, out) == (64, "")
    assert says in error
    assert policy.read_text() == text


def test_threshold_that_cannot_be_written_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = _file(tmp_path, "answers.jsonl", _answers(1, 2_000))
    out = str(tmp_path / "no" / "threshold.json")
    code, _, error = _run(capsys, "threshold", "--input", file, "--target", "0.02", "--out", out)
    assert code == 64
    assert "cannot be written" in error


def test_the_commands_of_the_page_on_statistics_run_as_they_stand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Path(__file__).parents[2] / "docs" / "statistics.md"
    block = re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    commands = [shlex.split(line.removeprefix("$ launchworthy ")) for line in block[0].splitlines()]
    assert [words[0] for words in commands] == ["agreement", "correct", "threshold"]
    _file(tmp_path, "labels.jsonl", _labels(1, items=120, right=0.97))
    _file(tmp_path, "judged.jsonl", _judged(1, labels=400, rest=3_000, rate=0.95))
    _file(tmp_path, "answers.jsonl", _answers(1, 2_000))
    monkeypatch.chdir(tmp_path)
    for words in commands:
        code, out, error = _run(capsys, *words)
        assert (code, error) == (0, ""), out
    assert (tmp_path / "threshold.yaml").exists()
