"""Runs of more than one kind: repeated, remembered, several at once, planned, gated, stopped early."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from launchworthy.errors import InputError
from launchworthy.stats import clopper_pearson

Call = Callable[..., Result]
GOLD = ("--gold", "gold.jsonl", "--scorer", "exact-match")
COUNTED = """
calls = []
def ask(n):
    calls.append(n)
    return {"output": f"answer {n}", "cost_usd": 0.5}
def sometimes(n):
    calls.append(n)
    return f"answer {n}" if calls.count(n) % 4 else "no"
"""
WRONG = 'def wrong(n):\n    return {"output": "no", "ranked": ["x"]}\n'


@pytest.fixture
def calls(folder: Path) -> Callable[[], list[int]]:
    (folder / "own_bot.py").write_text((folder / "own_bot.py").read_text() + COUNTED)
    return lambda: list(sys.modules["own_bot"].calls)


def _plain(result: Result) -> Any:
    return json.loads(result.stdout)


def test_nothing_is_remembered_unless_it_is_asked_for(run_eval: Call, calls: Any) -> None:
    for _ in range(2):
        assert _plain(run_eval("--target", "own_bot:ask", *GOLD, "--json"))["remembered"] == 0
    assert len(calls()) == 80


def test_with_cache_the_same_release_is_asked_once_and_says_so(
    run_eval: Call, calls: Any, folder: Path
) -> None:
    arguments = ("--target", "own_bot:ask", *GOLD, "--cache")
    first = _plain(run_eval(*arguments, "--json"))
    second = _plain(run_eval(*arguments, "--json"))
    assert (first["remembered"], second["remembered"], len(calls())) == (0, 40, 40)
    assert (first["cost_usd"], second["cost_usd"]) == (20.0, None)
    assert "40 of 40 items, 40 of them remembered" in run_eval(*arguments).output
    (folder / "other.yaml").write_text("model: {name: large}")
    other = _plain(run_eval(*arguments, "--release", "other.yaml", "--json"))
    assert (other["remembered"], len(calls())) == (0, 80)


def test_samples_of_an_item_are_one_cluster_and_say_no_more_than_it(
    run_eval: Call, calls: Any, workspace: Any
) -> None:
    result = _plain(run_eval("--target", "own_bot:sometimes", *GOLD, "--samples", "4", "--json"))
    assert (result["items"], len(calls())) == (160, 160)
    whole = next(row for row in result["measured"] if row["metric"] == "exact-match" and row["slice"] is None)
    assert (whole["value"], whole["n"]) == (0.75, 40)
    (repeats,) = result["repeats"]
    assert (repeats["samples"], repeats["variance_between"]) == (4, 0.0)
    assert repeats["variance_within"] == pytest.approx(0.25)  # 3 right, 1 wrong: (3/16 · 4) / 3
    assert (repeats["any_right"]["value"], repeats["all_right"]["value"]) == (1.0, 0.0)
    shown = run_eval("--target", "own_bot:ask", *GOLD, "--samples", "2").output
    assert "exact-match over 2 samples of each of 40 items; variance 0 within items, 0 between" in shown
    items = workspace.run_items(result["run"])
    assert [item.item_id for item in items[:4]] == ["q00", "q00#2", "q00#3", "q00#4"]
    assert {item.cluster for item in items[:4]} == {"q00"}


def test_a_run_of_samples_is_gone_on_with_as_it_began(run_eval: Call, calls: Any, workspace: Any) -> None:
    arguments = ("--target", "own_bot:ask", *GOLD, "--samples", "2", "--concurrency", "1")
    run_eval(*arguments, "--max-cost", "5")
    (run,) = workspace.runs()
    resumed = _plain(run_eval("--resume", run.id, "--json"))
    assert (resumed["done"], resumed["status"], len(calls())) == (80, "complete", 80)


def test_every_target_meets_every_set_and_the_others_are_compared_with_the_first(
    run_eval: Call, folder: Path, workspace: Any
) -> None:
    (folder / "few.jsonl").write_text("".join((folder / "gold.jsonl").read_text().splitlines(True)[:12]))
    targets = ("--target", "own_bot:good", "--target", "own_bot:worse")
    arguments = (*targets, "--gold", "gold.jsonl", "--gold", "few.jsonl", "--scorer", "exact-match")
    result = run_eval(*arguments)
    assert result.return_value == 0
    assert "gold@" in result.output
    assert "few@" in result.output
    assert result.output.count("own_bot:worse r-") == 2 * 4  # the scorer, two quantiles of latency, cost
    assert "against the baseline: −25 points (" in result.output
    plain = _plain(run_eval(*arguments, "--json"))
    assert [(run["target"], run["done"]) for run in plain["runs"]] == [
        ("own_bot:good", 40),
        ("own_bot:worse", 40),
        ("own_bot:good", 12),
        ("own_bot:worse", 12),
    ]
    assert [run["comparisons"][0]["value"] for run in plain["runs"] if run["comparisons"]] == [-0.25, -0.25]


def test_one_target_of_several_that_measures_nothing_is_told_by_the_exit_code(run_eval: Call) -> None:
    result = run_eval("--target", "own_bot:good", "--target", "own_bot:broken", *GOLD)
    assert result.return_value == 1
    assert "nothing was measured by " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            ("--target", "own_bot:good", "--target", "own_bot:worse", "--release", "a.yaml"),
            "1 releases for 2",
        ),
        (("--target", "own_bot:good", "--gold", "a", "--gold", "b", "--gate"), "one run at a time"),
        (("--target", "own_bot:good", "--gate", "--limit", "3", "--gold", "gold.jsonl"), "asks all sealed"),
        (("--target", "own_bot:good", "--stop-when-settled", *GOLD), "no baseline to be settled"),
        (("--target", "own_bot:good", "--gate", *GOLD), "keeps no sealed items"),
    ],
)
def test_options_that_contradict_each_other_are_told(
    run_eval: Call, arguments: tuple[str, ...], reason: str, workspace: Any
) -> None:
    with pytest.raises(InputError, match=reason):
        run_eval(*arguments)
    assert workspace.runs() == []


def test_a_plan_says_what_the_suite_cannot_prove_and_asks_nothing(
    run_eval: Call, contract: Path, calls: Any, workspace: Any
) -> None:
    text = (contract / "launchworthy.yaml").read_text()
    (contract / "launchworthy.yaml").write_text(text.replace("at_least: 80 %", "at_least: 99.9 %"))
    result = run_eval("--plan")
    assert result.return_value == 2
    holdout = workspace.gold_versions(product="docs", name="answer")[0].splits["holdout"]
    assert (
        f"docs/answer/quality/hit@1: this suite cannot prove at least 99.9 %: {holdout} items of 2,995"
        in result.output
    )
    assert workspace.runs() == []
    assert workspace.looks(product="docs", name="answer") == []
    run = run_eval("--target", "own_bot:good")
    assert "cannot prove at least 99.9 %" in run.stderr


def test_a_plan_counts_how_many_may_be_bad_as_the_exact_bound_does(run_eval: Call, contract: Path) -> None:
    rows = [
        {"id": f"q{n:03}", "input": n, "expected": f"answer {n}", "relevant": [f"d{n}"], "split": "holdout"}
        for n in range(200)
    ]
    (contract / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = {claim["claim"]: claim for claim in _plain(run_eval("--plan", "--json"))["claims"]}
    found = told["docs/answer/quality/hit@1"]
    assert (found["items"], found["needed"], found["possible"]) == (200, 14, True)
    allowed = found["allowed"]
    for bad, proves in ((allowed, True), (allowed + 1, False)):
        low = clopper_pearson(200 - bad, n=200, level=0.95, sides=1).low
        assert (low >= 0.8) is proves


@pytest.fixture
def sealed(contract: Path) -> Path:
    rows = [
        {
            "id": f"secret-{n:03}" if n % 2 else f"q{n:03}",
            "input": n,
            "expected": f"answer {n}",
            "relevant": [f"d{n}"],
            "slices": ["odd"],
            "split": "sealed" if n % 2 else "holdout",
        }
        for n in range(200)
    ]
    (contract / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return contract


def test_the_gate_prints_which_claims_are_met_and_nothing_of_any_item(
    run_eval: Call, run_runs: Call, sealed: Path, workspace: Any
) -> None:
    result = run_eval("--target", "own_bot:good", "--gate")
    assert "met       docs/answer/quality/hit@1\n" in result.output
    assert "100 of 100 items" in result.output
    assert "%" not in result.output
    (run,) = workspace.runs()
    assert run.split == "sealed"
    assert workspace.run_items(run.id) == []
    pieces = workspace.evidence("docs")
    assert {piece.detail["split"] for piece in pieces if "split" in piece.detail} == {"sealed"}
    told = result.output + run_runs(run.id, "--json").output + json.dumps([p.as_json() for p in pieces])
    assert "secret" not in told
    (look,) = workspace.looks(product="docs", name="answer")
    assert (look.split, look.release, look.purpose) == ("sealed", run.release, f"gate {run.id}")


def test_the_gate_exits_as_a_verdict_does(run_eval: Call, sealed: Path) -> None:
    text = (sealed / "launchworthy.yaml").read_text()
    only = text.replace("      over_refusal: {at_most: 5 %}\n", "").replace(
        "      format_adherence: {at_least: 90 %, schema: answer.json}\n", ""
    )
    (sealed / "launchworthy.yaml").write_text(only)
    assert run_eval("--target", "own_bot:good", "--gate").return_value == 0
    (sealed / "launchworthy.yaml").write_text(only.replace("at_least: 80 %", "at_least: 99.9 %"))
    unproven = run_eval("--target", "own_bot:good", "--gate", "--json")
    assert unproven.return_value == 2
    states = {claim["claim"]: claim["status"] for claim in _plain(unproven)["claims"]}
    assert states["docs/answer/quality/hit@1"] == "unproven"
    assert run_eval("--target", "own_bot:broken", "--gate").return_value == 2
    (sealed / "wrong_bot.py").write_text(WRONG)
    (sealed / "other.yaml").write_text("model: {name: other}")
    other = ("--release", "other.yaml", "--gate")
    assert run_eval("--target", "wrong_bot:wrong", *other).return_value == 1


def test_a_second_gate_of_the_same_release_is_told(run_eval: Call, sealed: Path) -> None:
    assert "was read" not in run_eval("--target", "own_bot:good", "--gate").output
    assert "the sealed split was read 2 times" in run_eval("--target", "own_bot:good", "--gate").output


def test_a_gate_that_is_passed_at_the_second_try_is_not_passed(
    run_eval: Call, sealed: Path, workspace: Any
) -> None:
    """One release that answers as it likes: what it is asked again until it suits says nothing."""
    text = (sealed / "launchworthy.yaml").read_text()
    only = text.replace("      over_refusal: {at_most: 5 %}\n", "").replace(
        "      format_adherence: {at_least: 90 %, schema: answer.json}\n", ""
    )
    (sealed / "launchworthy.yaml").write_text(only)
    (sealed / "release.yaml").write_text("model: {name: small}")
    gate = ("--gate", "--release", "release.yaml")
    (sealed / "moody_bot.py").write_text("from own_bot import good\n" + WRONG)
    assert run_eval("--target", "moody_bot:wrong", *gate).return_value == 1
    again = run_eval("--target", "moody_bot:good", *gate)
    assert again.return_value == 1
    assert "the first complete reading decides" in again.output
    found = [piece for piece in workspace.evidence("docs") if piece.claim.endswith("/quality/hit@1")]
    assert [piece.value for piece in found] == [0.0, 1.0]


def test_one_release_after_another_does_not_pass_the_gate_by_luck(
    run_eval: Call, sealed: Path, workspace: Any
) -> None:
    text = (sealed / "launchworthy.yaml").read_text()
    only = text.replace("      over_refusal: {at_most: 5 %}\n", "").replace(
        "      format_adherence: {at_least: 90 %, schema: answer.json}\n", ""
    )
    (sealed / "launchworthy.yaml").write_text(only.replace("looks: 1}", "looks: 1, sealed_looks: 2}"))

    def gate(number: int) -> Any:
        (sealed / "release.yaml").write_text(f"model: {{name: small-{number}}}")
        return run_eval("--target", "own_bot:good", "--gate", "--release", "release.yaml")

    assert [gate(number).return_value for number in (1, 2)] == [0, 0]
    rows = (sealed / "gold.jsonl").read_text().replace('"answer 7"', '"Answer 7"')
    (sealed / "gold.jsonl").write_text(rows)  # an edited set is a new version, and its sealed items are not
    third = gate(3)
    assert third.return_value == 2
    (piece,) = [
        piece
        for piece in workspace.evidence("docs")
        if piece.claim.endswith("/quality/hit@1") and piece.detail.get("sealed_looks") == 3
    ]
    assert (piece.detail["sealed_releases"], piece.detail["sealed_budget"]) == (3, 2)
    assert "refresh the sealed part" in piece.detail["next"]
    renewed = re.sub(r'"id": "secret-(\d+)", "input": (\d+)', r'"id": "new-\1", "input": "\2 anew"', rows)
    (sealed / "gold.jsonl").write_text(renewed)
    (sealed / "anew_bot.py").write_text(
        "from own_bot import good\ndef ask(question):\n    return good(int(str(question).split()[0]))\n"
    )
    (sealed / "release.yaml").write_text("model: {name: small-4}")
    assert run_eval("--target", "anew_bot:ask", "--gate", "--release", "release.yaml").return_value == 0


def test_an_interrupted_gate_goes_on_without_asking_again(
    run_eval: Call, sealed: Path, calls: Any, workspace: Any
) -> None:
    run_eval("--target", "own_bot:ask", "--gate", "--max-cost", "10", "--concurrency", "1")
    (run,) = workspace.runs()
    assert (run.status, run.done, len(calls())) == ("interrupted", 20, 20)
    resumed = _plain(run_eval("--resume", run.id, "--json"))
    assert (resumed["status"], resumed["done"], len(calls())) == ("complete", 100, 100)
    assert len(workspace.looks(product="docs", name="answer")) == 1


def test_sealed_evidence_decides_although_a_later_run_on_the_holdout_says_otherwise(
    run_eval: Call, sealed: Path, workspace: Any
) -> None:
    from datetime import UTC, datetime

    from launchworthy.contract import claims, load_contract
    from launchworthy.evidence.claim_status import status

    run_eval("--target", "own_bot:good", "--gate")
    (sealed / "release.yaml").write_text("{}")
    run_eval("--target", "own_bot:worse", "--split", "holdout")  # the contract's release, as above
    found = {claim.address: claim for claim in claims(load_contract(sealed / "launchworthy.yaml"))}
    claim = found["docs/answer/quality/hit@1"]
    pieces = workspace.evidence("docs")
    release = next(piece.release for piece in pieces if piece.claim == claim.address)
    told = status(claim, pieces, release=release, now=datetime.now(UTC))
    assert told.evidence is not None
    assert told.evidence.detail["split"] == "sealed"
    assert told.state == "met"
    assert len(told.contradicting) == 1


def test_a_run_that_is_settled_stops_and_its_evidence_says_by_which_test(
    run_eval: Call, contract: Path, workspace: Any
) -> None:
    rows = [
        {"id": f"q{n:04}", "input": n, "expected": f"answer {n}", "relevant": [f"d{n}"], "split": "holdout"}
        for n in range(2_000)
    ]
    (contract / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    scorer = ("--scorer", "hit@1")
    first = _plain(run_eval("--target", "own_bot:good", *scorer, "--json"))
    (contract / "own_bot.py").write_text((contract / "own_bot.py").read_text() + SLOW)
    sys.modules.pop("own_bot")
    arguments = ("--target", "own_bot:slow", *scorer, "--baseline", first["run"], "--stop-when-settled")
    second = _plain(run_eval(*arguments, "--concurrency", "2", "--json"))
    assert second["status"] == "interrupted"
    assert second["done"] < 2_000
    assert "settled worse than the baseline on hit@1" in second["stopped_because"]
    assert "valid at every look" in second["stopped_because"]
    (piece,) = second["evidence"]
    assert piece["kind"] == "delta"
    assert "confidence sequence" in piece["method"]
    assert piece["high"] < 0
    assert "settled worse" in piece["detail"]["stopped_early"]
    assert any("stopped early" in remark for remark in second["remarks"])


SLOW = """
import asyncio
async def slow(n):
    await asyncio.sleep(0.01)
    return worse(n * 2)
"""
