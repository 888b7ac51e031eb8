"""What is simulated of a contract is what its ramp does."""

from __future__ import annotations

import importlib.util
import math
import sys
from dataclasses import replace
from pathlib import Path
from statistics import median
from types import ModuleType

import pytest

from launchworthy.contract import claims, parse_contract, stages
from launchworthy.rollout.experiment import Simulation, ramp_of, simulate, simulate_ramp
from launchworthy.stats import share_evidence, watched_shares

CONTRACT = parse_contract(
    """
launchworthy: 1
product: support
owners: {product: ana@example.com}
workflows:
  answer:
    user: customer
    job: get an answer
    no_answer: refuse
    outcomes: {escalation: {at_most: 20 %}}
    reliability: {timeout: {at_most: 1 %}}
rollout:
  stages:
    - {name: pilot, share: 20 %, for: 3d}
    - {name: half, share: 50 %, for: 4d}
    - {name: launch, share: 100 %}
  harms: [outcomes/escalation, reliability/timeout]
  roll_back: {when: any_harm, within: 5m}
proof: {margin: 4 %}
"""
)
ESCALATION = "answer/outcomes/escalation"
PER_DAY = 800


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    path = Path(__file__).parents[3] / "bench" / "ramp.py"
    spec = importlib.util.spec_from_file_location("bench_ramp", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def found() -> Simulation:
    plan, left_out = ramp_of(stages(CONTRACT), claims=claims(CONTRACT), per_day=PER_DAY)
    assert set(left_out) == {"launch"}
    return simulate_ramp(plan, repetitions=300, seed=2)


@pytest.mark.parametrize(("world", "escalation"), [("nothing differs", 0.2), ("is harmed", 0.28)])
def test_its_rates_are_those_of_the_decisions_that_a_ramp_takes(
    world: str,
    escalation: float,
    found: Simulation,
    bench: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = next(one for one in found.outcomes if one.world.removeprefix(f"{ESCALATION} ") == world)
    monkeypatch.setattr(bench, "DAYS", round(found.followed))
    before = {ESCALATION: 0.2, "answer/reliability/timeout": 0.01}
    lived = bench.World(world, before, {**before, ESCALATION: escalation})
    ended = bench.many(CONTRACT, lived, repetitions=40, seed=5, users_a_day=PER_DAY)
    for how, share in (
        ("with everybody", told.ships),
        ("taken back", told.rolls_back),
        ("waiting", told.neither),
    ):
        seen = sum(each.how == how for each in ended) / len(ended)
        assert abs(seen - share) < 3.0 * math.sqrt(max(share * (1.0 - share), 0.01) / len(ended)), how
    days = [each.days for each in ended if each.how != "waiting"]
    assert told.days == pytest.approx(median(days), abs=2.0)


def test_a_stage_that_cannot_be_passed_where_it_ends_is_looked_at_again(found: Simulation) -> None:
    once = simulate(found.plan, repetitions=100, seed=1)
    assert (found.days, found.followed, once.followed) == (7.0, 14.0, 7.0)
    fine = found.outcomes[0]
    assert fine.days_late is not None
    assert fine.days_late > 7.0


def test_what_is_worse_by_its_margin_reaches_everybody_as_seldom_as_the_error_says(found: Simulation) -> None:
    at_margin = [one for one in found.outcomes if one.world.endswith("worse by its margin")]
    assert len(at_margin) == 2
    for one in at_margin:
        assert one.ships <= 0.05 + 3.0 * math.sqrt(0.05 * 0.95 / found.repetitions)


def test_a_harm_that_is_not_simulated_takes_its_share_of_the_error(found: Simulation) -> None:
    shared = simulate_ramp(replace(found.plan, harms=60), repetitions=100, seed=2)
    own, others = (
        next(one for one in each.outcomes if one.world == f"{ESCALATION} is harmed")
        for each in (found, shared)
    )
    assert others.rolls_back < own.rolls_back - 0.05


def test_evidence_of_many_counts_agrees_with_the_sequence_of_each() -> None:
    counts = [((9, 40), (150, 260)), ((0, 3), (1, 7)), ((55, 61), (1_000, 900)), ((4, 4), (4, 4))]
    for gap in (-0.05, 0.0, 0.04):
        for seen, n in counts:
            [told] = share_evidence(([seen[0]], [seen[1]]), n=([n[0]], [n[1]]), gap=gap)
            for level in (0.9, 0.975):
                one = watched_shares(seen, n=n, level=level, tuned_for=1e-9)
                outside = not one.low <= gap <= one.high
                assert outside == (told >= -math.log(0.5 * (1.0 - level))), (gap, seen, n, level)
