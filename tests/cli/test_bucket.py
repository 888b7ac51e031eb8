"""bucket: units of a file through the algorithms of flag vendors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from launchworthy.cli.bucket import command
from launchworthy.cli.main import main


def _run(tmp_path: Path, lines: str, *options: str) -> str:
    file = tmp_path / "units.jsonl"
    file.write_text(lines, encoding="utf-8")
    found = CliRunner().invoke(command, ["--input", str(file), *options], standalone_mode=False)
    if found.exception is not None:
        raise found.exception
    return found.output


def test_each_unit_gets_the_bucket_that_the_vendors_client_gives_it(tmp_path: Path) -> None:
    lines = '{"seed": "seed", "value": "a"}\n{"seed": "seed", "value": "b"}\n'
    told = _run(tmp_path, lines, "--algorithm", "growthbook@2", "--json")
    assert [json.loads(line)["bucket"] for line in told.splitlines()] == [0.0505, 0.2696]
    plain = _run(tmp_path, '{"seed": "Feature", "value": "174"}', "--algorithm", "unleash")
    assert plain.split()[1:] == ["Feature", "174"]
    halves = '{"seed": "", "value": "SI7p-", "total": 2}\n{"seed": "", "value": "6LvT0", "total": 2}'
    told = _run(tmp_path, halves, "--algorithm", "flagd@2", "--json")
    assert [json.loads(line)["bucket"] for line in told.splitlines()] == [0, 1]


def test_every_algorithm_is_listed_with_where_it_is_written(tmp_path: Path) -> None:
    told = CliRunner().invoke(command, ["--list", "--json"]).output
    assert {"growthbook@2", "growthbook@1", "flagd@2", "flagd@cbor", "unleash", "unleash-variant"} <= {
        json.loads(line)["name"] for line in told.splitlines()
    }
    assert "groupId" in CliRunner().invoke(command, ["--list"]).output


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('{"seed": "x"}', "units.jsonl:1 value: LW100 no value"),
        ('{"seed": "x", "value": "a"}\n{"value": "a"}', "units.jsonl:2 seed: LW100 no seed"),
        ('{"seed": {}, "value": "a"}', "a seed is a text or a whole number"),
        ('{"seed": "x", "value": ["a"]}', "a value is one text or number"),
        ('{"seed": "x", "value": 1.5}', "puts texts and whole numbers into buckets"),
        ('{"seed": "x", "value": "a", "total": "2"}', "a total is a whole number"),
        ("not json", "units.jsonl:1"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: str, said: str
) -> None:
    file = tmp_path / "units.jsonl"
    file.write_text(lines)
    with pytest.raises(SystemExit) as ended:
        main(["bucket", "--algorithm", "growthbook@2", "--input", str(file)])
    assert ended.value.code == 64
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bucket"], "give --algorithm NAME and --input FILE"),
        (["bucket", "--algorithm", "md5", "--input", "nowhere.jsonl"], "no bucketing algorithm 'md5'"),
        (["bucket", "--algorithm", "statsig", "--input", "nowhere.jsonl"], "nowhere.jsonl"),
        (["bucket", "--algorithm", "statsig", "--input", "x", "--total", "3"], "do not depend on the sum"),
    ],
)
def test_what_cannot_be_asked_says_what_can(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 64
    assert said in capsys.readouterr().err
