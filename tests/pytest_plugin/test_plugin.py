"""pytest --launchworthy, run by pytest itself in a process of its own, with and without workers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from launchworthy.gold import load_gold

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
PLUGIN = ("-p", "launchworthy.pytest_plugin")
CONTRACT = """\
launchworthy: 1
product: help-bot
owners: {product: ana@example.com}
workflows:
  answer:
    user: customer
    job: get an answer about an order within a minute
    no_answer: refuse
    quality:
      exact_match: {at_least: 60 %}
      token_f1: {at_least: 97 %}
      regex: {at_least: 85 %, pattern: "Q-[0-9]+"}
    reliability: {latency_p95: {at_most: 2s}}
gold:
  answer: {file: gold.jsonl, holdout: 0 %}
"""
APP = """
from pathlib import Path

def ask(question):
    with Path(__file__).with_name("calls.txt").open("a") as calls:
        calls.write(question + "\\n")
    if question == "q-crash":
        raise RuntimeError("the target is down")
    return "wrong" if question in ("q-1", "q-2", "q-3", "q-4", "q-5", "q-6", "q-7") else question.upper()
"""
TESTS = """
import pytest
import app

@pytest.mark.launchworthy(target=app.ask)
def test_answer(launchworthy):
    assert launchworthy.run.target == "app:ask"
    assert len(launchworthy.items) == 60
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A team's folder: contract, 60 questions of which 7 are answered wrongly, an application, a test."""
    monkeypatch.delenv("LAUNCHWORTHY_DATA", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # those of others take seconds to load
    pytester.makefile(".yaml", launchworthy=CONTRACT)
    rows = [{"id": f"i-{n:02}", "input": f"q-{n}", "expected": f"Q-{n}"} for n in range(1, 61)]
    (pytester.path / "gold.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pytester.makepyfile(app=APP, test_app=TESTS)
    pytester.makeini(
        "[pytest]\naddopts = --strict-markers -p no:randomly\nfilterwarnings = error\npythonpath = .\n"
    )
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_subprocess(*PLUGIN, "-p", "no:cacheprovider", *arguments)


def calls(project: pytest.Pytester) -> list[str]:
    file = project.path / "calls.txt"
    return file.read_text().split() if file.exists() else []


def test_claims_are_tests_of_three_states_and_the_target_is_asked_once(project: pytest.Pytester) -> None:
    done = run(project, "--launchworthy", "-v", "--junitxml=out.xml")
    done.assert_outcomes(passed=1, failed=2)
    done.stdout.fnmatch_lines(
        [
            "*test_answer?help-bot/answer/quality/exact_match? PASSED*",
            "*test_answer?help-bot/answer/quality/token_f1? FAILED*",
            "*test_answer?help-bot/answer/quality/regex? FAILED*",
            "unmet: help-bot/answer/quality/token_f1 (*launchworthy.yaml:11:7)",
            "unproven: help-bot/answer/quality/regex (*",
            "=* launchworthy: claims =*",
            "● met *help-bot/answer/quality/exact_match",
            "    88.3 % (* to *, n = 60): the lower bound reaches 60 %",
            "✕ unmet *help-bot/answer/quality/token_f1",
            "◌ unproven *help-bot/answer/quality/regex",
            "    next: measure *",
        ]
    )
    assert sorted(calls(project)) == sorted(f"q-{n}" for n in range(1, 61)), "one run for three tests"

    properties = [
        {one.get("name"): one.get("value") for one in case.iter("property")}
        for case in ET.parse(project.path / "out.xml").getroot().iter("testcase")
    ]
    assert [one["launchworthy.state"] for one in properties] == ["met", "unmet", "unproven"]
    assert "n = 60" in str(properties[0]["launchworthy.measured"])

    listed = subprocess.run(
        [sys.executable, "-m", "launchworthy", "evidence", "list", "--json"],
        cwd=project.path,
        capture_output=True,
        text=True,
        check=True,
    )
    pieces = {piece["claim"].rpartition("/")[2]: piece for piece in json.loads(listed.stdout)}
    assert pieces["exact_match"]["value"] == pytest.approx(53 / 60), "kept, as by the command"


@pytest.mark.parametrize("per", ["claim", "item"])
def test_what_is_sealed_for_the_launch_gate_is_never_asked(project: pytest.Pytester, per: str) -> None:
    contract = CONTRACT.replace("holdout: 0 %", "holdout: 30 %, sealed: 30 %")
    (project.path / "launchworthy.yaml").write_text(contract)
    test = (
        f"@pytest.mark.launchworthy(target=app.ask, per={per!r}, split='all')\ndef test_it(launchworthy): ..."
    )
    (project.path / "test_app.py").write_text(f"import pytest\nimport app\n{test}\n")
    run(project, "--launchworthy")
    asked = {f"i-{int(question.removeprefix('q-')):02}" for question in calls(project)}
    splits = {item.id: item.split for item in load_gold(project.path / "gold.jsonl", holdout=0.3, sealed=0.3)}
    assert asked == {name for name, split in splits.items() if split != "sealed"}
    assert len(asked) < 60


def test_unproven_is_never_passed_but_may_be_an_expected_failure(project: pytest.Pytester) -> None:
    contract = project.path / "launchworthy.yaml"
    contract.write_text(CONTRACT.replace("      token_f1: {at_least: 97 %}\n", ""))
    done = run(project, "--launchworthy", "--launchworthy-unproven=warn", "-rx")
    done.assert_outcomes(passed=1, xfailed=1)
    assert done.ret == pytest.ExitCode.OK
    done.stdout.fnmatch_lines(["XFAIL *regex*unproven: help-bot/answer/quality/regex*"])


def test_workers_share_one_run_and_the_summary_is_of_all_of_them(project: pytest.Pytester) -> None:
    done = run(project, "-p", "xdist.plugin", "--launchworthy", "-n2")
    done.assert_outcomes(passed=1, failed=2)
    assert len(calls(project)) == 60, "paid calls are made once, not once a worker"
    out = done.stdout.str()
    assert len(re.findall(r"^[●✕◌] (?:met|unmet|unproven) +help-bot", out, flags=re.MULTILINE)) == 3


def test_a_test_of_its_own_that_fails_stays_failed_although_the_claim_is_met(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(test_app=TESTS.replace("== 60", "== 61"))
    done = run(project, "--launchworthy", "-k", "exact_match")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*AssertionError: assert 60 == 61*"])


def test_items_are_tests_and_one_without_an_answer_is_not_passed(project: pytest.Pytester) -> None:
    rows = [{"id": "a", "input": "q-9", "expected": "Q-9"}, {"id": "b", "input": "q-crash", "expected": "x"}]
    rows.append({"id": "kept", "input": "q-8", "expected": "Q-8", "split": "holdout"})
    (project.path / "gold.jsonl").write_text("\n".join(map(json.dumps, rows)))
    project.makepyfile(
        test_app="""
        import pytest

        @pytest.mark.launchworthy(target="app:ask", per="item", scorers=["exact-match"])
        def test_each(launchworthy):
            assert launchworthy.scores == {"exact-match": 1.0}
            assert launchworthy.item.output == "Q-9"
        """
    )
    done = run(project, "--launchworthy", "-v")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(
        ["*test_each?a? PASSED*", "*test_each?b? FAILED*", "no answer: *the target is down*"]
    )
    assert "q-8" not in calls(project), "what is kept back is not spelt out"


def test_without_the_option_marked_tests_are_skipped_and_nothing_is_asked(project: pytest.Pytester) -> None:
    project.makepyfile(test_other="def test_other():\n    pass\n")
    done = run(project, "-rs")
    done.assert_outcomes(passed=1, skipped=1)
    done.stdout.fnmatch_lines(["SKIPPED*needs --launchworthy*"])
    assert calls(project) == []
    assert not (project.path / ".launchworthy").exists()
    done.stdout.no_fnmatch_line("*launchworthy: claims*")


def test_loading_the_plugin_loads_nothing_but_itself(project: pytest.Pytester) -> None:
    (project.path / "test_app.py").unlink()
    project.makepyfile(
        test_loaded="""
        import sys

        def test_loaded():
            mine = {name for name in sys.modules if name.startswith("launchworthy")}
            assert mine == {"launchworthy", "launchworthy.pytest_plugin"}, mine
        """
    )
    run(project).assert_outcomes(passed=1)


def test_the_package_declares_the_plugin() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    assert declared == {"launchworthy": "launchworthy.pytest_plugin"}


WRONG = {
    "none": ("", "no target"),
    "number": ("target=3", "no target"),
    "misspelt": ("target='app:ask', glod='x'", "'glod' is none of contract, gold, per, scorers, split"),
    "contract": ("target='app:ask', contract='none.yaml'", "none.yaml"),
    "workflow": ("target='app:ask', workflow='anwser'", "the contract has no workflow 'anwser'"),
    "per": ("target='app:ask', per='row'", "write 'claim' or 'item'"),
    "sealed": ("target='app:ask', split='sealed'", "write 'dev', 'holdout' or 'all'"),
    "bare": ("'app:ask'", "write each as NAME=VALUE"),
    "gold": ("target='app:ask', gold='none.jsonl'", "could not be measured: *none.jsonl*"),
    "function": ("target='app:gone'", "could not be measured: *gone*"),
    "scorer": ("target='app:ask', scorers=['no-such']", "could not be measured: *no-such*"),
}


def test_wrong_markers_are_told_without_a_traceback_and_nothing_passes(project: pytest.Pytester) -> None:
    """What can be known while collecting stops a module there; the rest fails each of its tests."""
    (project.path / "test_app.py").unlink()
    for name, (marker, _) in WRONG.items():
        (project.path / f"test_{name}.py").write_text(
            f"import pytest\n\n@pytest.mark.launchworthy({marker})\ndef test_it(launchworthy):\n    pass\n"
        )
    (project.path / "test_unmarked.py").write_text("def test_it(launchworthy):\n    pass\n")
    (project.path / "test_unused.py").write_text(
        "import pytest\n\n@pytest.mark.launchworthy(target='app:ask')\ndef test_it():\n    pass\n"
    )
    done = run(project, "--launchworthy", "--continue-on-collection-errors")
    out = done.stdout.str()
    assert done.parseoutcomes().get("passed", 0) == 0, out
    assert "Traceback" not in out
    assert "INTERNALERROR" not in out
    for name, (_, message) in WRONG.items():
        assert re.search(re.escape(message).replace(r"\*", ".*"), out), (name, out)
    assert "needs the marker" in out
    assert "must take the fixture launchworthy" in out
