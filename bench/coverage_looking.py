"""Scenarios of looking again and again, at many slices, and at the best of many."""

from __future__ import annotations

import numpy as np
from coverage_scenario import Scenario, covers

from launchworthy import stats


def _mcnemar(rng: np.random.Generator) -> bool:
    gained, lost, _ = rng.multinomial(120, [0.1, 0.1, 0.8])
    return stats.mcnemar(gained=int(gained), lost=int(lost)) > 0.05


def _e_value_peeked(rng: np.random.Generator) -> bool:
    """Looking after every one of 200 discordant pairs."""
    wins = np.cumsum(rng.random(200) < 0.5)
    return all(
        stats.discordant_e_value(gained=int(w), lost=i + 1 - int(w)) < 20.0 for i, w in enumerate(wins)
    )


def _sequence(rng: np.random.Generator) -> bool:
    """The interval after the last value is the narrowest of all, so it covers only if all did."""
    return covers(stats.confidence_sequence(rng.beta(8, 2, size=400)), 0.8)


def _slices(rng: np.random.Generator) -> list[float]:
    counts = rng.multinomial(60, [0.08, 0.08, 0.84], size=20)
    return [
        stats.paired_shares(gained=int(g), lost=int(lost), n=60).sample["p_value"] for g, lost, _ in counts
    ]


def _holm(rng: np.random.Generator) -> bool:
    return min(stats.holm(_slices(rng))) > 0.05


def _benjamini_hochberg(rng: np.random.Generator) -> bool:
    return min(stats.benjamini_hochberg(_slices(rng))) > 0.05


def _benjamini_yekutieli(rng: np.random.Generator) -> bool:
    return min(stats.benjamini_yekutieli(_slices(rng))) > 0.05


def _paired_p_value(rng: np.random.Generator) -> bool:
    before = rng.random(60)
    after = np.clip(before + rng.normal(0.0, 0.2, size=60) * (before - before**2), 0.0, 1.0)
    return bool(stats.paired_means(before, candidate=after, bounds=(0.0, 1.0)).sample["p_value"] > 0.05)


def _repeats(rng: np.random.Generator) -> bool:
    items = rng.normal(size=40)
    samples = [(own + rng.normal(size=rng.integers(1, 8))).tolist() for own in items]
    return covers(stats.repeated_samples(samples).mean, 0.0)


def _pass_at_k(rng: np.random.Generator) -> bool:
    correct = rng.binomial(10, rng.beta(1, 1, size=100)).tolist()
    return covers(stats.pass_at_k(correct, samples=[10] * 100, k=3), 0.75)


def _pass_every_k(rng: np.random.Generator) -> bool:
    correct = rng.binomial(10, rng.beta(1, 1, size=100)).tolist()
    return covers(stats.pass_every_k(correct, samples=[10] * 100, k=3), 0.25)


def _watch(rng: np.random.Generator) -> bool:
    watch = stats.PairedWatch()
    for before, after in rng.beta(4, 2, size=(200, 2)).tolist():
        watch.add(before, after)
    return watch.decision(0.05) == "undecided"


def _promise_kept(rng: np.random.Generator) -> bool:
    """500 events at the promised rate, with one false alarm in 10,000 allowed."""
    return not stats.PromiseDetector(0.1, run_length=10_000.0).add(rng.random(500) < 0.1)


def _mcnemar_peeked(rng: np.random.Generator) -> bool:
    """Looking after every one of 300 discordant pairs."""
    wins = np.cumsum(rng.random(300) < 0.5)
    return all(stats.mcnemar(gained=int(w), lost=i + 1 - int(w)) > 0.05 for i, w in enumerate(wins))


def _slices_unadjusted(rng: np.random.Generator) -> bool:
    return min(_slices(rng)) > 0.05


def best_of_fifty(*, repetitions: int, seed: int) -> tuple[float, float]:
    """Points by which the best of 50 equal prompts reads too high on the 200 items it was chosen on, and on a
    sealed confirmation set of 200 others; all prompts are right on 90 %."""
    rng = np.random.default_rng(seed)
    chosen, confirmed = [], []
    for _ in range(repetitions):
        items = rng.beta(1.8, 0.2, size=200)
        read = (rng.random((50, 200)) < items).mean(axis=1)
        chosen.append(100.0 * (read.max() - items.mean()))
        sealed = rng.beta(1.8, 0.2, size=200)
        confirmed.append(100.0 * (float((rng.random(200) < sealed).mean()) - sealed.mean()))
    return float(np.mean(chosen)), float(np.mean(confirmed))


SCENARIOS = (
    Scenario("exact McNemar, n = 120, no difference", _mcnemar, 0.95),
    Scenario("e-value, peeked at 200 times", _e_value_peeked, 0.95),
    Scenario("confidence sequence, all of 400 moments", _sequence, 0.95),
    Scenario("Holm, 20 slices of 60, nothing differs", _holm, 0.945),
    Scenario("Benjamini-Hochberg, 20 slices of 60, nothing differs", _benjamini_hochberg, 0.945),
    Scenario("Benjamini-Yekutieli, 20 slices of 60, nothing differs", _benjamini_yekutieli, 0.945),
    Scenario("p-value of paired means, n = 60, no difference", _paired_p_value, 0.93, 0.97),
    Scenario("repeated samples, 40 items, 1 to 7 each", _repeats, 0.93, 0.97),
    Scenario("pass@3 of 10 samples, 100 items", _pass_at_k, 0.93, 0.97),
    Scenario("pass^3 of 10 samples, 100 items", _pass_every_k, 0.93, 0.97),
    Scenario("paired watch of scores, peeked at 200 times", _watch, 0.95),
    Scenario("promise kept, 500 events, a false alarm in 10,000", _promise_kept, 0.95),
)

FAULTS = (
    Scenario("McNemar, peeked at after each of 300 discordant pairs", _mcnemar_peeked, 0.0, 0.75),
    Scenario("20 slices of 60, p-values not adjusted", _slices_unadjusted, 0.0, 0.6),
)
