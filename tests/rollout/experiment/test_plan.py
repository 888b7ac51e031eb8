"""``launchworthy experiment plan``: sizes that statsmodels gives too, and what they promise when simulated."""  # noqa: E501

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.power import TTestIndPower

from launchworthy.cli.main import main
from launchworthy.errors import InputError
from launchworthy.rollout.experiment import SimulatedMetric, SimulatedPlan, simulate, size_of


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["experiment", "plan", *arguments])
    printed = capsys.readouterr()
    code = stopped.value.code
    return int(code or 0), printed.out, printed.err


@pytest.mark.parametrize(("effect", "odds"), [(0.5, 0.8), (0.2, 0.9), (0.8, 0.8)])
def test_scores_need_as_many_users_as_statsmodels_says(effect: float, odds: float) -> None:
    theirs = 2 * float(TTestIndPower().solve_power(effect_size=effect, alpha=0.05, power=odds))
    ours = size_of(gap=effect, sd=1.0, odds=odds).users
    assert ours is not None
    assert abs(ours - theirs) <= 2.5


def test_shares_need_what_the_normal_formula_says() -> None:
    ours = size_of(gap=0.01, rate=0.12).users
    assert ours == pytest.approx((1.959964 + 0.841621) ** 2 * 2 * (0.12 * 0.88 + 0.13 * 0.87) / 1e-4, abs=2)


def test_a_planned_size_has_the_odds_it_was_planned_for() -> None:
    looks = (0.25, 0.5, 0.75, 1.0)
    size = size_of(gap=0.03, rate=0.4, looks=looks)
    assert size.users is not None
    assert 1.0 < size.inflation < 1.05
    plan = SimulatedPlan(
        stages=((0.5, 1.0),) * 4,
        per_day=size.users / 4,
        metrics=(SimulatedMetric(name="x", rate=0.4, change=0.03),),
    )
    hoped = simulate(plan, repetitions=3_000, seed=8).outcomes[1]
    assert hoped.ships == pytest.approx(0.8, abs=0.025)


def test_an_uneven_split_and_many_goals_take_more() -> None:
    even = size_of(gap=0.02, rate=0.3).users or 0
    assert (size_of(gap=0.02, rate=0.3, share=0.1).users or 0) == pytest.approx(
        even / (4 * 0.1 * 0.9), rel=0.02
    )
    assert (size_of(gap=0.02, rate=0.3, goals=5).users or 0) > 1.3 * even
    assert size_of(gap=1e-9, rate=0.3).users is None


def test_the_plan_says_users_days_and_what_each_day_shows(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "--rate", "12 %", "--detect", "1 %", "--look", "50 %", "--per-day", "4000")
    assert code == 0
    assert out.startswith("34,4")
    assert "8.61 days" in out
    assert "after 7 days   shows 1.11 points" in out
    assert "whenever one looks, after about 62" in out
    margin = json.loads(_run(capsys, "--rate", "12 %", "--margin", "1 %", "--json")[1])
    assert margin["users"] == pytest.approx((1.959964 + 0.841621) ** 2 * 4 * 0.12 * 0.88 / 1e-4, abs=2)
    assert margin["days"] is None
    assert _run(capsys, "--rate", "12 %", "--detect", "0.000000001")[0] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("--rate", "0.1"),
        ("--detect", "0.1"),
        ("--rate", "0.1", "--sd", "1", "--detect", "0.1"),
        ("--rate", "0.1", "--detect", "0.1", "--margin", "0.1"),
        ("--rate", "0.1", "--detect", "0"),
        ("--rate", "0.1", "--detect", "95 %"),
        ("--rate", "0.1", "--detect", "much"),
        ("--sd", "0", "--detect", "1"),
        ("--sd", "1", "--detect", "1", "--share", "1"),
        ("--sd", "1", "--detect", "1", "--goals", "0"),
        ("--sd", "1", "--detect", "1", "--per-day", "-4"),
        ("--sd", "1", "--detect", "1", "--look", "0"),
        ("--sd", "1", "--detect", "1", "--look", "150 %"),
        ("--sd", "nan", "--detect", "1"),
    ],
)
def test_plans_that_cannot_be_are_refused(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = _run(capsys, *arguments)
    assert code == 64
    assert "rror" in err


def test_a_size_takes_one_of_rate_and_deviation() -> None:
    with pytest.raises(InputError, match="a rate, or a standard deviation"):
        size_of(gap=0.1)


def test_sizes_of_a_fixed_look_agree_with_a_simulated_t_test(tmp_path: Path) -> None:
    size = size_of(gap=0.4, sd=1.0).users or 0
    rng, found = np.random.default_rng(9), 0
    from scipy import stats as sps

    for _ in range(800):
        old, new = rng.normal(size=size // 2), rng.normal(0.4, size=size // 2)
        found += sps.ttest_ind(old, new).pvalue < 0.05
    assert found / 800 == pytest.approx(0.8, abs=0.045)
