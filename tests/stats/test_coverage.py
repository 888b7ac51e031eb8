"""Bounds hold as often as they say: a short run of ``bench/coverage.py``, which does the same at length."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _bench() -> ModuleType:
    path = Path(__file__).parents[2] / "bench" / "coverage.py"
    sys.path.insert(0, str(path.parent))  # as it is where a script is run
    spec = importlib.util.spec_from_file_location("bench_coverage", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    sys.path.remove(str(path.parent))
    return module


BENCH = _bench()
REPETITIONS = 40


@pytest.mark.parametrize("scenario", BENCH.SCENARIOS + BENCH.FAULTS, ids=lambda scenario: scenario.name)
def test_coverage_is_what_is_claimed_within_three_standard_errors(scenario: object) -> None:
    share = BENCH.rate(scenario, repetitions=REPETITIONS, seed=20)
    slack = BENCH.noise(share, repetitions=REPETITIONS)
    assert scenario.least - slack <= share <= scenario.most + slack  # type: ignore[attr-defined]


def test_the_best_of_fifty_reads_high_where_it_was_chosen_and_true_on_a_sealed_set() -> None:
    chosen, confirmed = BENCH.best_of_fifty(repetitions=300, seed=3)
    assert 3.4 < chosen < 4.4
    assert abs(confirmed) < 0.5


def test_the_page_of_the_simulations_shows_every_scenario() -> None:
    page = (Path(__file__).parents[2] / "docs" / "simulations.md").read_text(encoding="utf-8")
    for scenario in BENCH.SCENARIOS + BENCH.FAULTS:
        assert f"| {scenario.name} |" in page, (
            "run: python bench/coverage.py --markdown > docs/simulations.md"
        )
    assert "outside" not in page
