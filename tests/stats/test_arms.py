"""Differences of arms from sums: gbstats' numbers to 1e-9, and honesty where there is little to read.

``gbstats.json`` was written by gbstats 0.8.0 at commit 8f1db44569 of growthbook/growthbook: two- and
one-sided tests, fixed and sequential, the Bayesian reading with a flat and a proper prior,
post-stratification, SRM.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.errors import InputError
from launchworthy.stats import (
    VARIABLES,
    ArmSums,
    arm_difference,
    asymptotic_sequence,
    posterior_difference,
    sample_ratio,
    stratified_difference,
)

THEIRS = json.loads((Path(__file__).parent / "gbstats.json").read_text())
CASES = {
    "mean": VARIABLES[:1],
    "proportion": VARIABLES[:1],
    "ratio": VARIABLES[:2],
    "mean_covariate": ("value", "covariate"),
    "proportion_covariate": ("value", "covariate"),
    "ratio_covariate": VARIABLES,
}


def _arms(case: str) -> list[ArmSums]:
    found = THEIRS[case]
    return [
        ArmSums(
            n=arm["n"],
            sums=tuple(arm["sums"]),
            products=tuple(tuple(row) for row in arm["products"]),
            variables=CASES[case],
            yes_or_no=found.get("yes_or_no", False),
        )
        for arm in (found["arms"]["baseline"], found["arms"]["candidate"])
    ]


def _near(ours: float | None, theirs: float) -> bool:
    return ours is not None and abs(ours - theirs) <= 1e-9 * max(1.0, abs(theirs))


def _sums(values: np.ndarray, **more: Any) -> ArmSums:
    return ArmSums(
        n=values.size, sums=(float(values.sum()),), products=((float((values**2).sum()),),), **more
    )


@pytest.mark.parametrize("relative", [False, True], ids=["absolute", "relative"])
@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_metric_agrees_with_gbstats(case: str, relative: bool) -> None:
    baseline, candidate = _arms(case)
    theirs = THEIRS[case]["relative" if relative else "absolute"]
    ours = arm_difference(baseline, candidate=candidate, relative=relative)
    se = ours.sample["standard_error"]
    assert _near(ours.value, theirs["value"])
    assert _near(ours.low, theirs["low"])
    assert _near(ours.high, theirs["high"])
    assert _near(ours.sample["p_value"], theirs["p"])
    assert _near(se, theirs["se"])
    always = asymptotic_sequence(ours.value, standard_error=se, n=ours.n)
    assert _near(always.low, theirs["seq_low"])
    assert _near(always.high, theirs["seq_high"])
    assert _near(always.sample["p_value"], theirs["seq_p"])
    one_sided = asymptotic_sequence(ours.value, standard_error=se, n=ours.n, sides=1, tuned_for=2_000)
    assert _near(one_sided.low, theirs["seq1_low"])
    for name, prior in (("flat", {}), ("prior", {"prior_mean": 0.01, "prior_sd": 0.3})):
        believed = posterior_difference(ours, **prior)
        assert believed is not None
        assert _near(believed.chance, theirs[f"{name}_chance"])
        assert _near(believed.mean, theirs[f"{name}_mean"])
        assert _near(believed.low, theirs[f"{name}_low"])
        assert _near(believed.high, theirs[f"{name}_high"])
        assert _near(believed.loss, theirs[f"{name}_risk"])


def test_post_stratification_agrees_with_gbstats() -> None:
    theirs = THEIRS["strata"]
    strata = [
        tuple(ArmSums(n=n, sums=(total,), products=((squares,),)) for n, total, squares in pair)
        for pair in theirs["strata"]
    ]
    ours = stratified_difference(strata)  # type: ignore[arg-type]
    for name in ("value", "low", "high"):
        assert _near(getattr(ours, name), theirs[name])
    assert _near(ours.sample["p_value"], theirs["p"])


def test_the_sample_ratio_agrees_with_gbstats_and_the_published_one_of_cookie_cats() -> None:
    for case in THEIRS["srm"]:
        assert _near(sample_ratio(case["users"], shares=case["shares"]).p_value, case["p"])
    cookie_cats = sample_ratio([44_700, 45_489], shares=[1, 1])
    assert round(cookie_cats.p_value, 4) == 0.0086
    assert cookie_cats.mismatch
    assert not cookie_cats.watched_mismatch  # one look's worth of evidence is not enough for who looks daily


def test_the_e_value_of_the_sample_ratio_is_seldom_beyond_100_however_often_one_looks() -> None:
    rng = np.random.default_rng(5)
    alarms = 0
    for _ in range(200):
        users = np.cumsum(rng.multinomial(50, [0.5, 0.3, 0.2], size=60), axis=0)
        alarms += any(sample_ratio(row.tolist(), shares=[0.5, 0.3, 0.2]).watched_mismatch for row in users)
    assert alarms <= 6
    off = sample_ratio([5_600, 5_000], shares=[0.5, 0.5])
    assert off.mismatch
    assert off.watched_mismatch


def test_a_covariate_narrows_the_interval_by_what_it_explains() -> None:
    baseline, candidate = _arms("mean_covariate")
    adjusted = arm_difference(baseline, candidate=candidate)
    plain = arm_difference(baseline.plain(), candidate=candidate.plain())
    left = adjusted.sample["variance_left"]
    assert 0.5 < left < 0.95
    assert (adjusted.high - adjusted.low) ** 2 == pytest.approx(
        left * (plain.high - plain.low) ** 2, rel=1e-3
    )


def test_a_covariate_that_does_not_vary_changes_nothing() -> None:
    values = np.random.default_rng(2).normal(size=50)
    n, total, squares = values.size, float(values.sum()), float((values**2).sum())
    flat = ArmSums(
        n=n,
        sums=(total, 2.0 * n),
        products=((squares, 2.0 * total), (2.0 * total, 4.0 * n)),
        variables=("value", "covariate"),
    )
    shifted = replace(
        flat,
        sums=(total + n, 2.0 * n),
        products=((squares + 2 * total + n, 2.0 * (total + n)), (2.0 * (total + n), 4.0 * n)),
    )
    found = arm_difference(flat, candidate=shifted)
    assert found.value == pytest.approx(1.0)
    assert "covariate" not in found.method


def test_few_events_get_bounds_that_do_not_lean_on_the_normal() -> None:
    def arm(events: int, n: int) -> ArmSums:
        return ArmSums(n=n, sums=(events,), products=((events,),), yes_or_no=True)

    found = arm_difference(arm(0, 1_000), candidate=arm(0, 1_000))
    assert found.method == "Newcombe"
    assert found.low < 0.0 < found.high
    # Newcombe (1998), table II, example (h): 0 of 10 against 0 of 20, and (a): 56/70 against 48/80.
    assert arm_difference(arm(48, 80), candidate=arm(56, 70)).method == "Welch's t"
    small = arm_difference(arm(0, 20), candidate=arm(0, 10))
    assert round(small.low, 4) == -0.1611
    assert round(small.high, 4) == 0.2775


def test_arms_that_do_not_vary_have_no_bounds() -> None:
    found = arm_difference(_sums(np.full(40, 3.0)), candidate=_sums(np.full(40, 4.0)))
    assert found.value == 1.0
    assert found.low == -np.inf
    assert found.high == np.inf
    assert found.sample["p_value"] is None
    assert posterior_difference(found) is None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"n": 10, "sums": (10.0,), "products": ((1.0,),)}, "add up to 1"),
        ({"n": 10, "sums": (float("nan"),), "products": ((1.0,),)}, "NaN"),
        ({"n": -1, "sums": (0.0,), "products": ((0.0,),)}, "impossible"),
        ({"n": 5, "sums": (6.0,), "products": ((7.2,),), "yes_or_no": True}, "6 of 5"),
        ({"n": 5, "sums": (1.0, 2.0), "products": ((1.0,),)}, "no metric"),
        ({"n": 5, "sums": (1.0,), "products": ((1.0,),), "variables": ("denominator",)}, "no metric"),
    ],
)
def test_sums_that_cannot_be_are_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        ArmSums(**wrong)


def test_arms_that_cannot_be_compared_are_refused() -> None:
    ratio, _ = _arms("ratio")
    mean, _ = _arms("mean")
    with pytest.raises(InputError, match="different variables"):
        arm_difference(ratio, candidate=mean)
    with pytest.raises(InputError, match="no users"):
        arm_difference(mean, candidate=ArmSums(n=0, sums=(0.0,), products=((0.0,),)))
    none = ArmSums(n=3, sums=(1.0, 0.0), products=((1.0, 0.0), (0.0, 0.0)), variables=VARIABLES[:2])
    with pytest.raises(InputError, match="no ratio"):
        arm_difference(ratio, candidate=none)
    with pytest.raises(InputError, match="relative"):
        arm_difference(_sums(np.zeros(5)), candidate=_sums(np.ones(5)), relative=True)


@settings(max_examples=25)
@given(
    st.lists(st.floats(-1e3, 1e3), min_size=4, max_size=30),
    st.lists(st.floats(-1e3, 1e3), min_size=4, max_size=30),
)
def test_turning_the_arms_around_turns_the_difference_around(left: list[float], right: list[float]) -> None:
    one, two = _sums(np.array(left)), _sums(np.array(right))
    there, back = arm_difference(one, candidate=two), arm_difference(two, candidate=one)
    assert there.value == pytest.approx(-back.value, abs=1e-9)
    assert there.low == pytest.approx(-back.high, abs=1e-6)
