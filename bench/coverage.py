"""Do the bounds hold as often as they say? Prints each procedure's coverage and error rate by simulation.

    python bench/coverage.py [--repetitions 4000] [--seed 1] [--markdown > docs/simulations.md]

Each scenario draws samples from a known truth and counts how often the two-sided 95 % interval covers it, or
how often a one-sided decision at 5 % errs. ``claimed`` is what theory says, ``allowed`` how far a method that
is only approximate may stray at this sample size; exact ones may err only to the safe side. ``FAULTS`` are
common ways that are not right as often as they say, and must be seen not to be. The scenarios stand in
``coverage_*.py`` beside this file, by what they are of.
"""

from __future__ import annotations

import argparse
import sys
import time

import coverage_arms
import coverage_judging
import coverage_labels
import coverage_looking
import coverage_metrics
import coverage_running
import coverage_samples
import numpy as np
from coverage_looking import best_of_fifty
from coverage_scenario import Scenario

SCENARIOS = (
    *coverage_samples.SCENARIOS,
    *coverage_metrics.SCENARIOS,
    *coverage_looking.SCENARIOS,
    *coverage_judging.SCENARIOS,
    *coverage_arms.SCENARIOS,
    *coverage_running.SCENARIOS,
    *coverage_labels.SCENARIOS,
)
FAULTS = (
    *coverage_samples.FAULTS,
    *coverage_judging.FAULTS,
    *coverage_looking.FAULTS,
    *coverage_arms.FAULTS,
    *coverage_running.FAULTS,
    *coverage_labels.FAULTS,
)


def rate(scenario: Scenario, *, repetitions: int, seed: int) -> float:
    """Share of repetitions in which the procedure was right."""
    rng = np.random.default_rng(seed)
    return sum(scenario.hit(rng) for _ in range(repetitions)) / repetitions


def noise(share: float, *, repetitions: int) -> float:
    """Three standard errors of the simulated share."""
    return 3.0 * float(np.sqrt(max(share * (1.0 - share), 0.01) / repetitions))


def _table(scenarios: tuple[Scenario, ...], repetitions: int, seed: int, markdown: bool) -> int:
    """Print a line for each scenario, and count those outside what is allowed."""
    wrong = 0
    if markdown:
        allowance = " allowed |" if scenarios is SCENARIOS else ""
        print(f"| procedure and scenario | nominal | right |{allowance} noise |")
        print("|---" * (5 if allowance else 4) + "|")
    else:
        print(f"{'procedure':62} {'right':>7} {'allowed':>15} {'s':>6}")
    for scenario in scenarios:
        started = time.perf_counter()
        share = rate(scenario, repetitions=repetitions, seed=seed)
        slack = noise(share, repetitions=repetitions)
        held = scenario.least - slack <= share <= scenario.most + slack
        wrong += not held
        allowed = f"{scenario.least:.3f} to {scenario.most:.3f}"
        took = time.perf_counter() - started
        if markdown:
            allowed = f" {allowed} |" if scenarios is SCENARIOS else ""
            line = f"| {scenario.name} | 0.95 | {share:.4f} |{allowed} ± {slack:.3f} |"
        else:
            line = f"{scenario.name:62} {share:7.4f} {allowed:>15} {took:6.1f}"
        print(f"{line}{'' if held else '  outside'}", flush=True)
    return wrong


_HEAD = """# Simulations

Written by `python bench/coverage.py --markdown > docs/simulations.md`; [which procedure is used
where](statistics.md) says what they are for. Every scenario draws samples of which the truth is known, {n:,}
times, and counts how often the interval holds it, or how often a decision is right. *Right* should be 0.95;
*allowed* is what is claimed for this procedure at this size: more is only wasteful, less is unsafe. *Noise* is
three standard errors of the simulation.

## Ours
"""
_FAULTS = """
## Common ways that fall short

The same 0.95, as other tools or a quick script would have it. A mean of yes-or-no scores with Student's t, a
judge taken at its word, users counted as if each answer were its own, users resampled though few of them differ,
a correction by too few labels, a test looked at again and again, many slices without adjustment, a distance
against a fixed threshold, rows of a day counted as if they were days, a p-value of a million rows of which
hardly any moved.
"""
_HOLDOUT = """
## Choosing on the data that is reported

The best of 50 equal prompts, each right on 90 %, chosen on 200 items: it reads {chosen:.1f} points too high on
them, and {confirmed:+.1f} on a sealed confirmation set of 200 others ({n:,} repetitions).
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repetitions", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--markdown", action="store_true", help="print the page docs/simulations.md")
    options = parser.parse_args()
    how = options.repetitions, options.seed, options.markdown
    if options.markdown:
        print(_HEAD.format(n=options.repetitions))
    wrong = _table(SCENARIOS, *how)
    print(_FAULTS if options.markdown else "\nknown faults")
    wrong += _table(FAULTS, *how)
    chosen, confirmed = best_of_fifty(repetitions=options.repetitions, seed=options.seed)
    print(_HOLDOUT.format(chosen=chosen, confirmed=confirmed, n=options.repetitions), end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
