"""``launchworthy rollout simulate``: error rates as they should be, and what peeking costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from launchworthy.cli.main import main
from launchworthy.errors import InputError
from launchworthy.rollout.experiment import (
    Conclusion,
    Role,
    SimulatedMetric,
    SimulatedPlan,
    analyse,
    gather_document,
    read_simulated,
    simulate,
)
from launchworthy.stats import share_evidence, share_sequence

RAMP = """\
stages:
  - {name: canary, share: 1 %, for: 2d}
  - {share: 5 %, for: 3d}
  - {share: 25 %, for: 4d}
  - {share: 50 %, for: 5d}
per_day: 4000/d
steps_per_day: 6
metrics:
  resolved: {rate: 62 %, change: 2 %}
  unsafe: {role: harm, rate: 0.4 %, margin: 0.4 %, higher_is_better: false}
  cost: {role: harm, mean: 0.04 USD, sd: 0.06 USD, margin: 0.004 USD, higher_is_better: false}
"""


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["rollout", "simulate", *arguments])
    printed = capsys.readouterr()
    code = stopped.value.code
    return int(code or 0), printed.out, printed.err


def _plan(folder: Path, text: str = RAMP) -> str:
    path = folder / "ramp.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_looking_199_times_and_at_20_planned_looks_errs_as_often_as_it_may() -> None:
    """Naive z 0.40, always valid at most 0.05, group sequential 0.05 ± 0.012, as strong as one look."""
    arms = SimulatedPlan(
        stages=((0.5, 9.95),) * 20,
        per_day=100.5,
        metrics=(SimulatedMetric(name="clicked", rate=0.05, change=0.01),),
    )
    naive, always, planned, last = simulate(arms, repetitions=4_000, seed=5).peeking
    assert [one.looks for one in (naive, always, planned, last)] == [200, 200, 20, 1]
    assert 0.37 < naive.false_finds < 0.45
    assert always.false_finds <= 0.05
    assert abs(planned.false_finds - 0.05) <= 0.012
    assert abs(planned.finds - last.finds) <= 0.02
    assert always.finds < planned.finds


def test_scores_are_read_as_shares_are() -> None:
    arms = SimulatedPlan(
        stages=((0.5, 10.0),) * 5,
        per_day=200.0,
        metrics=(SimulatedMetric(name="score", mean=3.0, sd=1.0, change=0.1),),
    )
    found = simulate(arms, repetitions=2_000, seed=2)
    naive, always, planned, last = found.peeking
    assert always.false_finds <= 0.05 < naive.false_finds
    assert abs(planned.false_finds - 0.05) <= 0.015
    assert last.finds > 0.99
    nothing, hoped = found.outcomes
    assert nothing.ships == pytest.approx(0.025, abs=0.012)  # only one of the two sides ships
    assert hoped.ships > 0.98
    assert hoped.days is not None
    assert hoped.days < 50.0, "a clear improvement ships before the last day"


def test_a_ramp_seldom_errs_ships_what_is_good_and_takes_harm_back_before_most_have_met_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = _run(capsys, "--plan", _plan(tmp_path), "--json", "--repetitions", "400")
    assert (code, err) == (0, "")
    found = json.loads(out)
    worlds = {one["world"]: one for one in found["worlds"]}
    assert found["looks"][-1] == 1.0
    assert found["bounds"][0] is None, "at 1 % nothing can be shown yet"
    assert worlds["nothing differs"]["rolls_back"] <= 0.05
    assert worlds["nothing differs"]["ships"] <= 0.06
    assert worlds["as hoped"]["ships"] > 0.95
    costly = worlds["cost is harmed"]
    assert costly["rolls_back"] > 0.98
    assert costly["rolled_back_by"]["cost"] == costly["rolls_back"]
    assert costly["exposed_users"] < 0.3 * worlds["nothing differs"]["exposed_users"]
    assert worlds["unsafe is harmed"]["ships"] == 0.0
    again = json.loads(_run(capsys, "--plan", _plan(tmp_path), "--json", "--repetitions", "400")[1])
    assert again == found


def test_few_users_in_a_small_arm_fool_only_the_naive_reading() -> None:
    """At 1 % an arm has hardly anybody for days: bounds for the near normal must wait."""
    plan = SimulatedPlan(
        stages=((0.01, 5.0), (0.5, 5.0)),
        per_day=1_000.0,
        metrics=(SimulatedMetric(name="resolved", rate=0.6),),
        steps_per_day=24,
    )
    naive, always, *_ = simulate(plan, repetitions=500, seed=3).peeking
    assert naive.false_finds > 0.7
    assert always.false_finds <= 0.05


def test_a_rare_harm_is_found_by_the_exact_sequence_before_it_is_near_normal() -> None:
    harm = SimulatedMetric(
        name="leaks", role=Role.HARM, rate=0.0, harm=0.05, margin=0.001, higher_is_better=False
    )
    plan = SimulatedPlan(stages=((0.5, 4.0),), per_day=200.0, metrics=(harm,), steps_per_day=4)
    nothing, harmed = simulate(plan, repetitions=200, seed=4).outcomes
    assert nothing.rolls_back == 0.0
    assert harmed.rolls_back > 0.8


def test_evidence_of_many_counts_is_that_of_one_sequence() -> None:
    rng = np.random.default_rng(6)
    n = rng.integers(1, 400, size=(2, 50))
    seen = np.array([rng.integers(0, users + 1) for users in n])
    for gap in (-0.1, 0.0, 0.05):
        logs = share_evidence((seen[0], seen[1]), n=(n[0], n[1]), gap=gap)
        for at, log in enumerate(logs.tolist()):
            found = share_sequence(
                (int(seen[0, at]), int(seen[1, at])), n=(int(n[0, at]), int(n[1, at])), level=0.95
            )
            assert (log >= -np.log(0.05)) == (not found.low <= gap <= found.high)


def test_the_report_says_what_the_plan_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "ramp.html"
    code, out, _ = _run(capsys, "--plan", _plan(tmp_path), "--html", str(page), "--repetitions", "100")
    assert code == 0
    assert "one look at the end" in out
    text = page.read_text(encoding="utf-8")
    assert "<h1>This plan ships" in text
    assert "What looking costs" in text
    assert "nothing can be shown" in text


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ("stages: [{share: 5 %, for: 1d}]\nper_day: 10", "metrics is missing"),
        ("stages: []\nper_day: 10\nmetrics: {a: {rate: 0.5}}", "stages are a list"),
        ("stages: [{share: 5 %}]\nper_day: 10\nmetrics: {a: {rate: 0.5}}", "lasts"),
        ("stages: [{share: 5 %, for: 3}]\nper_day: 10\nmetrics: {a: {rate: 0.5}}", "no duration"),
        ("stages: [{share: 150 %, for: 1d}]\nper_day: 10\nmetrics: {a: {rate: 0.5}}", "above 1"),
        ("stages: [{share: 5 %, for: 1d}]\nper_day: 10/moon\nmetrics: {a: {rate: 0.5}}", "users a day"),
        ("stages: [{share: 5 %, for: 1d}]\nper_day: 10\nmetrics: {a: {}}", "a rate, or a mean"),
        ("stages: [{share: 5 %, for: 1d}]\nper_day: 10\nmetrics: {a: {rate: 2}}", "no share"),
        ("stages: [{share: 5 %, for: 1d}]\nper_day: 10\nmetrics: {a: {mean: 1, sd: 0}}", "above 0"),
        ("stages: [{share: 5 %, for: 1d}]\nper_day: 10\nmetrics: {a: {role: harm, rate: 0.5}}", "what harm"),
        ("stages: [{share: 5 %, for: 1d}]\nper_day: 10\nmetrics: {a: {rat: 0.5}}", "did you mean rate"),
        ("stages: [{share: 5 %, for: 1d}]\nper_day: 10\nsteps_per_day: 0\nmetrics: {a: {rate: 0.5}}", "looks a day"),  # noqa: E501
        ("stages: [{share: 100 %, for: 1d}]\nper_day: 10\nmetrics: {a: {rate: 0.5}}", "nobody to compare"),
        ("stages: [{share: 50 %, for: 9000d}]\nper_day: 10\nmetrics: {a: {rate: 0.5}}", "steps are more"),
        ("stages: [{share: 50 %, for: 9d}]\nper_day: 10\nmetrics: {a: {rate: 0.9, change: 0.3}}", "rate of 1.2"),  # noqa: E501
        ("stages: [{share: 50 %, for: 9d}]\nper_day: 10\nmetrics: {a: {role: harm, rate: 0.01, margin: 0.05}}", "higher_is_better: false"),  # noqa: E501
    ],
)  # fmt: skip
def test_plans_that_cannot_be_are_refused(
    plan: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = _run(capsys, "--plan", _plan(tmp_path, plan))
    assert code == 64
    assert says in err, err


def test_a_plan_from_json_is_the_same(tmp_path: Path) -> None:
    value: dict[str, Any] = {
        "stages": [{"share": 0.5, "for": "2d"}],
        "per_day": 100,
        "metrics": {"a": {"rate": 0.5}},
    }
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    plan = read_simulated(path)
    assert plan.stages == ((0.5, 2.0),)
    with pytest.raises(InputError, match="repetitions"):
        simulate(plan, repetitions=1)


CONTRACT = """\
launchworthy: 1
product: support
owners: {product: ana@example.com}
workflows:
  answer:
    user: customer
    job: get an answer
    no_answer: refuse
    outcomes: {escalation: {at_most: 20 %}}
    reliability: {latency_p95: {at_most: 4s}}
rollout:
  stages:
    - {name: shadow, share: 0 %, for: 1d}
    - {name: pilot, share: 5 %, for: 4d}
    - {name: expand, share: 50 %, for: 4d}
    - {name: launch, share: 100 %}
  harms: [outcomes/escalation, reliability/latency_p95]
proof: {margin: 3 %}
"""


def test_the_ramp_of_a_contract_is_simulated_with_its_harms(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = tmp_path / "launchworthy.yaml"
    contract.write_text(CONTRACT, encoding="utf-8")
    command = ("--contract", str(contract), "--per-day", "4000", "--repetitions", "100")
    code, out, err = _run(capsys, *command, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["days"] == 8.0
    assert set(found["left_out"]) == {"shadow", "launch", "answer/reliability/latency_p95"}
    worlds = {one["world"]: one for one in found["worlds"]}
    assert found["followed_days"] == 16.0
    assert worlds["nothing differs"]["ships"] > 0.8, "without a goal it ships once no harm is shown"
    assert worlds["answer/outcomes/escalation is harmed"]["rolls_back"] > 0.7
    said = _run(capsys, *command)[1]
    assert "followed for 16 days" in said
    assert "left out: shadow" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "one of --plan and --contract"),
        (("--contract", "launchworthy.yaml"), "--per-day"),
        (("--contract", "launchworthy.yaml", "--per-day", "0"), "--per-day"),
        (("--contract", "absent.yaml", "--per-day", "10"), "absent.yaml"),
        (("--plan", "ramp.yaml", "--per-day", "10"), "a plan says itself"),
    ],
)
def test_a_simulation_takes_a_plan_or_a_contract(
    arguments: tuple[str, ...],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "launchworthy.yaml").write_text(CONTRACT, encoding="utf-8")
    (tmp_path / "ramp.yaml").write_text(RAMP, encoding="utf-8")
    code, _, err = _run(capsys, *arguments)
    assert code == 64
    assert says in err


def test_a_contract_without_harms_or_stages_that_compare_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "launchworthy.yaml"
    for gone, says in (
        ("  harms: [outcomes/escalation, reliability/latency_p95]\n", "no harm"),
        ("for: 4d", "no stage"),
    ):
        path.write_text(
            CONTRACT.replace(f", {gone}" if gone.startswith("for") else gone, ""), encoding="utf-8"
        )
        code, _, err = _run(capsys, "--contract", str(path), "--per-day", "100")
        assert code == 64
        assert says in err


def test_what_is_simulated_is_what_is_read() -> None:
    """The share of candidates that the simulation ships is that which `analyze` ships of drawn sums."""
    goal = SimulatedMetric(name="resolved", rate=0.4, change=0.05)
    harm = SimulatedMetric(name="unsafe", role=Role.HARM, rate=0.1, margin=0.06, higher_is_better=False)
    plan = SimulatedPlan(stages=((0.5, 1.0), (0.5, 1.0)), per_day=1_000.0, metrics=(goal, harm))
    promised = simulate(plan, repetitions=2_000, seed=3).outcomes[1].ships
    rng, shipped = np.random.default_rng(4), 0
    for _ in range(120):
        drawn = [(rng.binomial(500, 0.4 + 0.05 * arm, 2), rng.binomial(500, 0.1, 2)) for arm in (0, 1)]
        for look in (1, 2):
            arms = [
                {
                    "n": 500 * look,
                    "sums": {"resolved": int(yes[:look].sum()), "unsafe": int(bad[:look].sum())},
                }
                for yes, bad in drawn
            ]
            metrics = {
                name: {
                    **extra,
                    "arms": {
                        side: {"n": arm["n"], "sum": arm["sums"][name]}  # type: ignore[index]
                        for side, arm in zip(("control", "candidate"), arms, strict=True)
                    },
                }
                for name, extra in (
                    ("resolved", {}),
                    ("unsafe", {"role": "harm", "margin": 0.06, "higher_is_better": False}),
                )
            }
            document = {"users": 2_000, "looks": [0.5, 1], "metrics": metrics}
            conclusion = analyse(*gather_document(document, where="drawn")).conclusion
            if conclusion in (Conclusion.SHIP, Conclusion.HARM):
                shipped += conclusion is Conclusion.SHIP
                break
    assert shipped / 120 == pytest.approx(promised, abs=0.13)
