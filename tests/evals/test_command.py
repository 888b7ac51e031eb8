from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import Result

from launchworthy.errors import InputError, NotFoundError

Call = Callable[..., Result]

FIRST = ("--target", "own_bot:good", "--gold", "gold.jsonl", "--scorer", "exact-match", "--scorer", "hit@1")


def test_a_file_and_a_function_are_enough(run_eval: Call) -> None:
    result = run_eval(*FIRST)
    assert result.return_value == 0
    assert "40 of 40 items" in result.output
    assert "exact-match  100 % (" in result.output
    assert "  odd" in result.output
    assert "latency-p95" in result.output
    assert "cost         0.0625 USD" in result.output


def test_json_carries_every_figure(run_eval: Call) -> None:
    plain = json.loads(run_eval(*FIRST, "--json").stdout)
    whole = next(row for row in plain["measured"] if row["metric"] == "hit@1" and row["slice"] is None)
    assert {"metric", "value", "low", "high", "confidence", "n"} <= set(whole)
    assert (whole["value"], whole["n"], plain["done"], plain["status"]) == (1.0, 40, 40, "complete")
    assert plain["cost_usd"] == 2.5


def test_a_candidate_is_compared_with_a_run(run_eval: Call) -> None:
    old = json.loads(run_eval(*FIRST, "--json").stdout)["run"]
    arguments = ["--target", "own_bot:worse", *FIRST[2:], "--baseline", old]
    plain = json.loads(run_eval(*arguments, "--json").stdout)
    found = plain["comparisons"][0]
    assert (found["value"], found["status"], len(found["worse"])) == (-0.25, "unmet", 10)
    assert "10 worse" in run_eval(*arguments).output


def test_a_contract_says_what_to_ask_and_what_to_measure(
    run_eval: Call, contract: Path, workspace: Any
) -> None:
    first = json.loads(run_eval("--target", "own_bot:good", "--json").stdout)
    by_claim = {(piece["claim"], piece["slice"]): piece for piece in first["evidence"]}
    assert set(by_claim) == {
        ("docs/answer/quality/hit@1", None),
        ("docs/answer/quality/hit@1/every_slice", "odd"),
        ("docs/answer/quality/over_refusal", None),
        ("docs/answer/quality/format_adherence", None),
        ("docs/proof/run", None),
    }
    hit = by_claim["docs/answer/quality/hit@1", None]
    version = workspace.gold_versions(product="docs", name="answer")[0]
    assert (hit["value"], hit["n"]) == (1.0, version.splits["holdout"])
    assert hit["gold"] == f"answer@{version.version}"
    worse = json.loads(run_eval("--target", "own_bot:worse", "--baseline", first["run"], "--json").stdout)
    deltas = [piece for piece in worse["evidence"] if piece["kind"] == "delta"]
    assert {piece["detail"]["baseline_run"] for piece in deltas} == {first["run"]}
    assert any("its budget is 1" in remark for remark in worse["remarks"])
    assert worse["release"] == first["release"]
    assert len(workspace.evidence("docs")) == len(first["evidence"]) + len(worse["evidence"])


def test_what_people_reviewed_and_the_file_lacks_is_told(run_eval: Call, folder: Path) -> None:
    lines = (folder / "gold.jsonl").read_text().splitlines()
    of_users = [
        {"id": f"t-{number}", "input": number, "expected": "x", "review": {"status": status, "by": "ana"}}
        for number, status in ((100, "reviewed"), (101, "reviewed"), (102, "proposed"))
    ]
    (folder / "stored.jsonl").write_text("\n".join([*lines, *map(json.dumps, of_users)]))
    name = ("--target", "own_bot:good", "--scorer", "exact-match", "--workflow", "answer", "--limit", "2")
    assert "lacks" not in run_eval(*name, "--gold", "stored.jsonl").stderr
    told = run_eval(*name, "--gold", "gold.jsonl").stderr
    assert "gold.jsonl lacks 2 reviewed items of answer@g-" in told
    assert "such as t-100, which no run asks; to write them: launchworthy gold export answer@g-" in told


def test_an_edited_prompt_is_another_release(run_eval: Call, contract: Path) -> None:
    releases = []
    (contract / "prompts").mkdir()
    for prompt in ("Be brief.", "Be long.", "Be brief."):
        (contract / "prompts" / "answer.md").write_text(prompt)
        plain = json.loads(run_eval("--target", "own_bot:good", "--split", "dev", "--json").stdout)
        releases.append(plain["release"])
    assert releases[0] == releases[2] != releases[1]


def test_a_workflow_that_the_contract_does_not_have_is_told(run_eval: Call, contract: Path) -> None:
    with pytest.raises(InputError, match="no workflow 'refund'"):
        run_eval("--target", "own_bot:good", "--workflow", "refund")


@pytest.mark.parametrize("broken", [("own_bot:broken", "own_bot:same"), ("own_bot:good", "own_bot:never")])
def test_a_run_that_measured_nothing_does_not_end_as_if_it_had(
    run_eval: Call, broken: tuple[str, str]
) -> None:
    target, scorer = broken
    result = run_eval("--target", target, "--gold", "gold.jsonl", "--scorer", scorer)
    assert result.return_value == 1
    assert "nothing was measured" in result.stderr
    reason = "the target failed: 40 × " if target == "own_bot:broken" else "never could not score: 40 × "
    assert reason in result.stdout


def test_some_failures_are_counted_and_are_no_failure_of_the_command(run_eval: Call, folder: Path) -> None:
    app = (folder / "own_bot.py").read_text()
    (folder / "own_bot.py").write_text(app + "\ndef half(n):\n    assert n % 2\n    return good(n)\n")
    result = run_eval("--target", "own_bot:half", *FIRST[2:])
    assert result.return_value == 0
    assert "20 errors" in result.output
    assert "20 could not be scored" in result.output


def test_a_run_stopped_by_its_cost_is_offered_and_resumed(run_eval: Call, workspace: Any) -> None:
    first = run_eval(*FIRST, "--max-cost", "0.625", "--concurrency", "1")
    (run,) = workspace.runs()
    assert (run.status, run.done) == ("interrupted", 10)
    assert f"go on with: launchworthy eval --resume {run.id}" in first.output
    offer = run_eval(*FIRST)
    assert f"{run.id} asked the same and stopped at 10 of 40" in offer.stderr
    resumed = json.loads(run_eval("--resume", run.id, "--json").stdout)
    assert (resumed["run"], resumed["status"], resumed["done"]) == (run.id, "complete", 40)
    looks = [look.purpose for look in workspace.looks(product="docs", name="gold")]
    assert looks.count(f"run {run.id}") == 1


def test_an_endpoint_of_any_shape_is_asked(
    run_eval: Call, serve: Any, folder: Path, monkeypatch: Any
) -> None:
    async def handler(request: web.Request) -> web.Response:
        number = (await request.json())["q"]["n"]
        return web.json_response({"data": [f"answer {number}"]})

    endpoint = serve(handler)
    monkeypatch.setenv("BOT_TOKEN", "s3cret")
    arguments = (
        "--request",
        '{"q": {"n": "{input}"}}',
        "--response",
        "output=/data/0",
        "--bearer-env",
        "BOT_TOKEN",
    )
    result = run_eval("--target", endpoint.url, "--gold", "gold.jsonl", "--scorer", "exact-match", *arguments)
    assert "exact-match  100 % (" in result.output
    assert endpoint.headers[0]["Authorization"] == "Bearer s3cret"


def test_runs_are_listed_and_shown(run_eval: Call, run_runs: Call, workspace: Any) -> None:
    assert "No runs" in run_runs().output
    run_eval("--target", "own_bot:broken", "--gold", "gold.jsonl", "--scorer", "own_bot:same", "--simulated")
    run_eval(*FIRST)
    ids = {run.status: run.id for run in workspace.runs() if run.target == "own_bot:good"}
    listed = run_runs().output
    assert "simulated" in listed
    shown = run_runs(ids["complete"]).output
    assert "exact-match  100 % (" in shown
    (failed,) = [run.id for run in workspace.runs() if run.target == "own_bot:broken"]
    told = run_runs(failed).output
    assert "ValueError: <b>down</b>" in told
    assert "\x1b" not in told
    plain = json.loads(run_runs(ids["complete"], "--json").output)
    assert len(plain["items"]) == 40
    assert plain["items"][0]["scores"]["hit@1"]["value"] == 1.0
    with pytest.raises(NotFoundError):
        run_runs("absent")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--gold", "gold.jsonl", "--scorer", "hit@1"), "no target"),
        (("--target", "own_bot:good", "--gold", "gold.jsonl"), "no scorer"),
        (("--target", "own_bot:good", "--scorer", "hit@1"), "no gold set"),
        (("--target", "own_bot:good", "--scorer", "hit@1", "--gold", "nope.jsonl"), "there is no such file"),
        (("--target", "own_bot:good", "--scorer", "hit@1", "--gold", "sets/nope"), "there is no such file"),
        (("--target", "own_bot:good", "--scorer", "hit@1", "--gold", "."), "it is no file"),
        ((*FIRST, "--scorer", "hit@1"), "asked for twice"),
        ((*FIRST, "--scorer", "hitt@1"), "unknown metric"),
        ((*FIRST, "--concurrency", "0"), "concurrency"),
        ((*FIRST, "--timeout", "nan"), "timeout"),
        ((*FIRST, "--request", "{"), "not JSON"),
        ((*FIRST, "--request", "{}"), "HTTP targets"),
        ((*FIRST, "--response", "x"), "not FIELD=/json/pointer"),
        ((*FIRST, "--release", "absent.yaml"), "cannot be read: No such file"),
    ],
)
def test_what_cannot_be_run_is_told_before_anything_is_asked(
    run_eval: Call, workspace: Any, arguments: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        run_eval(*arguments)
    assert workspace.runs() == []
    assert workspace.looks(product="docs", name="gold") == []


def test_a_gold_set_that_is_not_there_is_told_as_a_set(run_eval: Call) -> None:
    with pytest.raises(NotFoundError, match="no gold set 'nope'"):
        run_eval("--target", "own_bot:good", "--scorer", "hit@1", "--gold", "nope")
