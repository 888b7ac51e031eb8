"""``launchworthy drift``: three exit codes, one JSON, one page, and messages for what is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import pytest

from launchworthy.cli.main import main

_MOVED = "CASE WHEN i % 4 = 0 THEN 'nl' ELSE 'de' END"


def _write(path: Path, *, rows: int, country: str = "'de'", factor: float = 1.0, more: str = "") -> Path:
    with duckdb.connect() as connection:
        connection.execute("SELECT setseed(0.25)")
        connection.execute(
            f"COPY (SELECT {factor} * -ln(1 - random()) AS amount, {country} AS country, i AS id,"
            f" DATE '2026-01-01' + INTERVAL (i % 60) DAY AS at, score{more}"
            f" FROM (SELECT i, random() AS score FROM range({rows}) AS t(i))) TO '{path}' (FORMAT parquet)"
        )
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    return (
        _write(tmp_path / "march.parquet", rows=20_000),
        _write(tmp_path / "april.parquet", rows=20_000, country=_MOVED, factor=1.0),
        _write(tmp_path / "few.parquet", rows=150),
    )


def _drift(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["drift", *(str(each) for each in arguments)])
    code = ended.value.code
    assert isinstance(code, int)
    return code


def test_the_exit_code_says_within_drifted_or_cannot_say(
    files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    march, april, few = files
    assert _drift("--reference", march, "--current", march) == 0
    assert "within: none of 3 columns moved beyond what is tolerated" in capsys.readouterr().out
    assert _drift("--reference", march, "--current", april) == 1
    told = capsys.readouterr().out
    assert told.startswith("drifted: 1 of 3 columns drifted, most country")
    assert re.search(r"country +drifted +new values 25 %, expected 0 % before .*: nl", told)
    assert "left out: at: a time always moves on" in told
    assert "left out: id: it rises from row to row" in told
    assert _drift("--reference", march, "--current", few) == 2
    assert re.search(r"about [\d,]+ rows would tell", capsys.readouterr().out)


def test_json_carries_every_distance_with_its_bounds(
    files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _drift("--reference", files[0], "--current", files[1], "--json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["state"] == "drifted"
    first, *rest = answer["columns"]
    assert (first["name"], first["state"], first["new"]) == ("country", "drifted", ["nl"])
    amount = next(each for each in rest if each["name"] == "amount")
    assert set(amount["distances"]) == {"jensen_shannon", "psi", "ks", "wasserstein", "cramer"}
    for interval in amount["distances"].values():
        assert interval["low"] <= interval["value"] <= interval["high"]
    assert answer["left_out"]["at"] == "a time always moves on"


def test_the_page_stands_alone_and_shows_what_the_table_says(
    files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    page = tmp_path / "drift.html"
    _drift("--reference", files[0], "--current", files[1], "--html", page)
    html = page.read_text()
    assert "<title>1 of 3 columns drifted, most country" in html
    assert html.count("<svg") >= 2
    assert "<script" not in html
    assert not re.search(r"(src|href)=", html)
    assert "in times what is tolerated" in html


def test_names_in_a_file_cannot_write_into_the_page_or_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "'<script>alert(1)</script>' || chr(27) || '[31m'"
    old = _write(tmp_path / "a.parquet", rows=3_000, more=", 'x' AS \"<img src=x>\"")
    new = _write(tmp_path / "b.parquet", rows=3_000, country=evil, more=", 'y' AS \"<img src=x>\"")
    _drift("--reference", old, "--current", new, "--html", tmp_path / "p.html")
    assert "\x1b" not in capsys.readouterr().out
    html = (tmp_path / "p.html").read_text()
    assert "<script" not in html
    assert "<img" not in html


def test_a_kept_reference_is_read_instead_of_the_rows(
    files: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept.json"
    _drift("--reference", files[0], "--current", files[0], "--keep", kept)
    first = capsys.readouterr().out
    assert _drift("--reference", kept, "--current", files[0]) == 0
    assert capsys.readouterr().out.splitlines()[0] == first.splitlines()[0]


def test_parts_releases_classifier_and_score_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ", (random() < {0})::INTEGER AS label, CASE WHEN i % 2 = 0 THEN 'r-1' ELSE '{1}' END AS release"
    old = _write(tmp_path / "a.parquet", rows=8_000, more=more.format("score", "r-1"))
    new = _write(tmp_path / "b.parquet", rows=8_000, factor=3.0, more=more.format("1 - score", "r-2"))
    arguments = ["--reference", old, "--current", new]
    options = [
        "--by",
        "country",
        "--release",
        "release",
        "--classifier",
        "--score",
        "score",
        "--label",
        "label",
    ]
    assert _drift(*arguments, *options) == 1
    told = capsys.readouterr().out
    assert told.startswith("drifted: 1 of 3 columns drifted, most amount"), "the release itself is no column"
    assert re.search(r"cause +amount: the world; within r-1 jensen shannon", told)
    assert "by country: amount moved in de (100 %)" in told
    assert re.search(r"classifier +all columns: drifted, AUC \d", told)
    assert re.search(r"score +estimated 7\S+ % right \(unproven\), measured 2", told)
    page = tmp_path / "whole.html"
    assert _drift(*arguments, *options, "--json", "--html", page) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["causes"][0]["cause"] == "the world"
    assert answer["score"]["state"] == "drifted"
    assert answer["parts"][0]["value"] == "de"
    assert answer["classifier"]["all columns"]["state"] == "drifted"
    for title in ("The release or the world", "Which country carries it", "A classifier on all columns"):
        assert title in page.read_text()


def test_young_rows_wait_for_their_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = _write(tmp_path / "a.parquet", rows=4_000, more=", (random() < 0.5)::INTEGER AS label")
    arguments = [
        "--reference",
        old,
        "--current",
        old,
        "--ignore",
        "id",
        "--score",
        "score",
        "--label",
        "label",
    ]
    _drift(*arguments, "--time", "at", "--matures", "30d", "--json")
    answer = json.loads(capsys.readouterr().out)["score"]
    assert answer["rows"] == 4_000
    assert 1_900 < answer["matured"] < 2_100
    assert "old enough" in answer["reason"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--score", "score"], "--score and --label go together"),
        (["--matures", "30d"], "go with --score"),
        (["--score", "score", "--label", "id", "--time", "at"], "--time and --matures"),
        (["--score", "score", "--label", "id", "--time", "at", "--matures", "3 apples"], "--matures"),
        (["--score", "country", "--label", "id"], "numbers are asked for"),
        (["--score", "score", "--label", "id", "--time", "amount", "--matures", "3d"], "times are asked for"),
        (["--tolerance", "-1"], "positive number"),
        (["--confidence", "0.3"], "from 0.5"),
        (["--measure", "chi2"], "chi2"),
        (["--by", "nowhere"], "no column is called 'nowhere'"),
        (["--keep", "no/such/folder.json"], "cannot be written"),
    ],
)
def test_what_is_wrong_is_said(
    files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str], options: list[str], told: str
) -> None:
    assert _drift("--reference", files[2], "--current", files[2], *options) not in (0, 1, 2)
    assert told in capsys.readouterr().err


def test_a_file_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _drift("--reference", tmp_path / "no.parquet", "--current", tmp_path / "no.parquet") not in (
        0,
        1,
        2,
    )
    assert "cannot be read" in capsys.readouterr().err
