"""A verdict where code is reviewed: SARIF for code scanning, annotations, several forms at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from launchworthy.cli.main import main

AT = "2026-11-24T09:00:00Z"
CONTRACT = """\
launchworthy: 1
product: docs-bot
owners: {product: ana@example.com, security: noor@example.com}
workflows:
  answer:
    user: developer
    job: find the function that does what I need
    no_answer: refuse
    quality:
      hit@5: {at_least: 80 %}
      mrr: {at_least: 0.5}
      map: {at_least: 0.4}
      ndcg@10: {at_least: 0.3}
rollout:
  stages:
    - {name: pilot, share: 5 %, needs: [quality/hit@5, quality/mrr, quality/map]}
    - {name: launch, share: 100 %, needs: [quality, attest]}
launch:
  waivers:
    - {claim: answer/quality/map, by: product, until: 2026-12-24, because: "the index, 100% new: see #12"}
attest:
  dpia: {by: security, every: 365d}
"""
# What GitHub's code scanning reads of SARIF 2.1.0, as its documentation lists it.
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
SARIF = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "rules"],
                                "properties": {
                                    "semanticVersion": {"pattern": r"^\d+\.\d+\.\d+"},
                                    "rules": {
                                        "type": "array",
                                        "items": {
                                            "type": "object",
                                            "required": ["id", "shortDescription", "fullDescription", "help"],
                                            "properties": {
                                                "id": {"type": "string", "maxLength": 255},
                                                "shortDescription": TEXT,
                                                "fullDescription": TEXT,
                                                "help": TEXT,
                                                "defaultConfiguration": {
                                                    "properties": {
                                                        "level": {"enum": ["note", "warning", "error"]}
                                                    }
                                                },
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["ruleId", "message", "locations", "partialFingerprints"],
                            "properties": {
                                "level": {"enum": ["note", "warning", "error"]},
                                "message": TEXT,
                                "locations": {
                                    "type": "array",
                                    "minItems": 1,
                                    "items": {
                                        "properties": {
                                            "physicalLocation": {
                                                "required": ["artifactLocation", "region"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "required": ["uri"],
                                                        "properties": {"uri": {"pattern": "^[^/ ][^ ]*$"}},
                                                    },
                                                    "region": {
                                                        "required": ["startLine"],
                                                        "properties": {
                                                            "startLine": {"type": "integer", "minimum": 1}
                                                        },
                                                    },
                                                },
                                            }
                                        },
                                        "required": ["physicalLocation"],
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}

Run = Callable[..., tuple[int, str, str]]


def _piece(metric: str, value: float, successes: int | None, n: int) -> dict[str, Any]:
    exact = (
        {"method": "Clopper-Pearson", "sample": {"successes": successes, "n": n}}
        if successes is not None
        else {"method": "bootstrap"}
    )
    return {
        "claim": f"docs-bot/answer/quality/{metric}",
        "kind": "bound",
        "value": value,
        "low": value - 0.02,
        "high": value + 0.02,
        "n": n,
        "unit": "ratio",
        "observed_at": "2026-11-23T21:00:00Z",
        "source": "run:a",
        "producer": "nightly",
        **exact,
    }


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The real command line in a repository whose contract lies in a folder with a space in its name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my product").mkdir()
    (tmp_path / "my product" / "launchworthy.yaml").write_text(CONTRACT, encoding="utf-8")
    rows = [_piece("hit@5", 0.5, 100, 200), _piece("mrr", 0.51, None, 200)]
    (tmp_path / "evidence.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    def call(*arguments: str, contract: str = "my product/launchworthy.yaml") -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(["verdict", "--contract", contract, "--evidence", "evidence.jsonl", "--at", AT, *arguments])
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return call


def test_sarif_is_what_code_scanning_reads_and_points_at_the_claims_line(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("--format", "sarif")
    assert code == 1
    log = json.loads(out)
    jsonschema.validate(log, SARIF)
    (told,) = log["runs"]
    lines = CONTRACT.splitlines()
    results = {result["ruleId"].rpartition("/")[2]: result for result in told["results"]}
    region = results["hit@5"]["locations"][0]["physicalLocation"]
    assert region["artifactLocation"]["uri"] == "my%20product/launchworthy.yaml"
    assert "hit@5" in lines[region["region"]["startLine"] - 1]
    assert results["hit@5"]["level"] == "error"
    assert results["mrr"]["level"] == "warning"
    assert results["ndcg@10"]["level"] == "note", "only a later stage needs it"
    assert results["map"]["suppressions"][0]["status"] == "accepted"
    rules = told["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in told["results"])


def test_a_claim_keeps_its_alert_when_the_contract_grows_above_it_and_loses_it_when_met(
    run: Run, tmp_path: Path
) -> None:
    def alerts() -> dict[str, str]:
        results = json.loads(run("--format", "sarif")[1])["runs"][0]["results"]
        return {one["ruleId"]: one["partialFingerprints"]["primaryLocationLineHash"] for one in results}

    before = alerts()
    contract = tmp_path / "my product" / "launchworthy.yaml"
    contract.write_text("# a line more\n\n" + CONTRACT, encoding="utf-8")
    assert alerts() == before
    assert len(set(before.values())) == len(before)
    (tmp_path / "evidence.jsonl").write_text(json.dumps(_piece("hit@5", 0.95, 190, 200)), encoding="utf-8")
    assert set(before) - set(alerts()) == {"docs-bot/answer/quality/hit@5"}


def test_a_contract_named_by_its_absolute_path_is_told_from_the_repository(run: Run, tmp_path: Path) -> None:
    _, out, _ = run("--format", "sarif", contract=str(tmp_path / "my product" / "launchworthy.yaml"))
    places = {
        one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for one in json.loads(out)["runs"][0]["results"]
    }
    assert places == {"my%20product/launchworthy.yaml"}
    _, out, _ = run("--format", "github", contract=str(tmp_path / "my product" / "launchworthy.yaml"))
    assert "file=my product/launchworthy.yaml," in out


def test_annotations_stand_at_the_lines_that_block(run: Run) -> None:
    code, out, _ = run("--format", "github")
    assert code == 1
    lines = out.splitlines()
    assert all(re.match(r"::(error|warning|notice) ([a-z]+=[^,:]*,?)+::", line) for line in lines), out
    assert lines[0].startswith("::error file=my product/launchworthy.yaml,line=10,")
    assert "title=unmet%3A docs-bot/answer/quality/hit@5" in lines[0]
    assert [line.split(" ")[0] for line in lines[1:]] == ["::warning", "::notice"]
    assert "%0Anext: measure" in lines[1]
    assert "title=Not ready for pilot%3A 1 claim unmet%2C 1 unproven" in lines[-1]


def test_what_is_typed_into_a_contract_cannot_become_a_command_of_the_workflow(
    run: Run, tmp_path: Path
) -> None:
    contract = tmp_path / "my product" / "launchworthy.yaml"
    typed = '"::set-output name=x::y %0A::stop-commands::t"'
    contract.write_text(CONTRACT.replace('"the index, 100% new: see #12"', typed), encoding="utf-8")
    hostile = _piece("hit@5", 0.5, 100, 200) | {
        "source": "x\n::error file=a::b",
        "detail": {"remark": "\r::add-mask::1"},
    }
    (tmp_path / "evidence.jsonl").write_text(json.dumps(hostile), encoding="utf-8")
    for form in ("github", "sarif"):
        _, out, err = run("--format", form)
        assert out, err
        assert "\r" not in out
        assert not re.search(r"^::(set-output|add-mask|stop-commands|error file=a)", out, flags=re.MULTILINE)
        assert form == "github" or json.loads(out)["version"] == "2.1.0"


def test_one_judgement_is_printed_once_and_written_in_as_many_forms_as_asked(
    run: Run, tmp_path: Path
) -> None:
    code, out, _ = run(
        "--format",
        "github",
        "--format",
        "sarif=v.sarif",
        "--format",
        "markdown=v.md",
        "--format",
        "junit=v.xml",
    )
    assert code == 1
    assert out.startswith("::error")
    jsonschema.validate(json.loads((tmp_path / "v.sarif").read_text()), SARIF)
    assert (tmp_path / "v.md").read_text().startswith("## ✕ Not ready for pilot")
    assert ET.parse(tmp_path / "v.xml").getroot().tag == "testsuites"
    _, out, _ = run("--format", "json=v.json")
    assert out.startswith("Not ready for pilot"), "text is printed where nothing else is"
    assert json.loads((tmp_path / "v.json").read_text())["exit_code"] == 1


def test_a_form_that_is_not_there_or_two_on_one_screen_or_a_file_that_cannot_be_written_is_said(
    run: Run,
) -> None:
    code, _, err = run("--format", "sariff")
    assert code == 64
    assert "did you mean sarif?" in err
    code, _, err = run("--format", "sarif", "--json")
    assert code == 64
    assert "not --format sarif and --json" in err
    code, _, err = run("--format", "sarif=")
    assert code == 64
    code, _, err = run("--format", "sarif=no/such/folder/v.sarif")
    assert code == 64
    assert "cannot be written" in err
