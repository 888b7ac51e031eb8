"""The thresholds in force against the best ones of the holdout, tried out one by one."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from launchworthy.contract import Claim, claims, parse_contract
from launchworthy.evals import CallableTarget, new_run, run_suite, scorer_of
from launchworthy.evidence import Evidence, State
from launchworthy.evidence.claim_status import status
from launchworthy.gold import GoldItem, freeze
from launchworthy.provers import PROVERS

NOW = datetime(2026, 11, 24, tzinfo=UTC)
CONTRACT = """
launchworthy: 1
product: docs
kind: predictive
owners: {{product: ana@example.com}}
proof: {{margin: 2 %}}
workflows:
  answer:
    user: cardholder
    job: pay
    no_answer: refuse
    decide: {{costs: {costs}, bands: {bands}}}
    quality: {{recall: {{at_least: 10 %}}}}
"""
COSTS = "{missed_fraud: {amount: 100 %, fixed: 15 EUR}, false_hold: 6 EUR, confirm: 1 EUR, review: 3 EUR}"
THREE = "[pass, confirm, hold]"
RNG = random.Random(11)
# Truth, score (rounded, so that many are equal) and amount of each payment.
CASES = [
    (
        truth,
        round(min(1.0, max(0.0, RNG.gauss(0.6 if truth else 0.35, 0.2))), 2),
        round(RNG.lognormvariate(2, 1), 2),
    )
    for truth in [int(RNG.random() < 0.3) for _ in range(120)]
]
Decided = Callable[..., tuple[Claim, Evidence]]


def _cost(case: tuple[int, float, float], action: str) -> float:
    truth, _, amount = case
    if action == "pass":
        return amount + 15 if truth else 0.0
    if action == "confirm":
        return 1.0
    return 3.0 + (0.0 if truth else 6.0)


def _action(score: float, low: float, high: float) -> str:
    return "hold" if score >= high else "confirm" if score >= low else "pass"


def _total(low: float, high: float) -> float:
    return sum(_cost(case, _action(case[1], low, high)) for case in CASES)


def _best() -> float:
    """Every pair of thresholds that differs on these payments."""
    ends = [*sorted({case[1] for case in CASES}), 2.0]
    return min(_total(low, high) for low, high in itertools.combinations_with_replacement(ends, 2))


@pytest.fixture
def decided(workspace: Any) -> Decided:
    numbers = itertools.count()

    def run(
        said: Callable[[int], Any], *, n: int = len(CASES), costs: str = COSTS, bands: str = THREE
    ) -> tuple[Claim, Evidence]:
        known = claims(parse_contract(CONTRACT.format(costs=costs, bands=bands)), provers=PROVERS)
        items = [
            GoldItem(
                id=f"q{k:03}",
                input={"place": k, "amount": CASES[k][2]},
                expected=CASES[k][0],
                split="holdout",
            )
            for k in range(n)
        ]
        version, frozen = freeze(items, product="docs", name="answer", created_at=NOW)
        workspace.add_gold(version, frozen)
        scorers = [scorer_of("recall")]
        begun = new_run(
            unique=f"a{next(numbers)}", workflow="answer", release="r-1", target="t", version=version,
            split="holdout", scorers=scorers, config={}, now=NOW,
        )  # fmt: skip
        done = run_suite(
            workspace,
            begun,
            version=version,
            target=CallableTarget(lambda row: said(row["place"])),
            scorers=scorers,
            by="ana",
            claims=known,
            now=lambda: NOW,
        )
        claim = next(each for each in known if each.metric == "decide")
        assert claim.prover == "evals"
        [piece] = [each for each in done.evidence if each.claim == claim.address]
        return claim, piece

    return run


def _by(low: float, high: float) -> Callable[[int], dict[str, Any]]:
    def said(place: int) -> dict[str, Any]:
        score = CASES[place][1]
        action = _action(score, low, high)
        return {"output": None, "score": score, "action": action, "prediction": int(action != "pass")}

    return said


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.9), (0.5, 0.5), (0.9, 0.95)])
def test_what_the_thresholds_cost_more_than_the_best_is_what_trying_all_finds(
    decided: Decided, low: float, high: float
) -> None:
    claim, piece = decided(_by(low, high))
    assert piece.value == pytest.approx(_total(low, high) / _best() - 1.0)
    assert piece.detail["cost_each"] == pytest.approx(_total(low, high) / 120)
    assert piece.n == 120
    assert status(claim, [piece], release="r-1", now=NOW).state is State.UNMET


def test_the_best_thresholds_are_told_and_cost_no_more(decided: Decided) -> None:
    _, worse = decided(_by(0.9, 0.95))
    told = worse.detail["best_thresholds"]
    low, high = (2.0 if told[name] is None else told[name] for name in ("confirm", "hold"))
    assert _total(low, high) == pytest.approx(_best())
    claim, piece = decided(_by(low, high))
    assert piece.value == pytest.approx(0.0)
    assert status(claim, [piece], release="r-1", now=NOW).state is State.MET


def test_two_actions_are_told_by_the_prediction(decided: Decided) -> None:
    def said(place: int) -> dict[str, Any]:
        return {"output": None, "score": CASES[place][1], "prediction": int(CASES[place][1] >= 0.5)}

    _, piece = decided(said, costs="{missed_fraud: 10 EUR, false_hold: 6 EUR}", bands="[pass, hold]")

    def total(threshold: float) -> float:
        return sum((0 if held else 10) if truth else (6 if held else 0)
                   for truth, score, _ in CASES for held in [score >= threshold])  # fmt: skip

    assert piece.value == pytest.approx(total(0.5) / min(total(score) for _, score, _ in CASES) - 1.0)


@pytest.mark.parametrize(
    ("costs", "reason"),
    [
        ("{missed_fraud: 10 EUR, false_hold: 6 EUR, review: 3 EUR}", "add confirm or false_confirm"),
        ("{missed_fraud: 10 EUR, false_hold: 6 EUR, confirm: 1 EUR, anger: 2 EUR}", "anger is neither"),
        ("{false_hold: 6 EUR, confirm: 1 EUR}", "no cost of pass"),
    ],
)
def test_costs_that_name_no_best_threshold_say_what_to_add(decided: Decided, costs: str, reason: str) -> None:
    claim, piece = decided(_by(0.3, 0.6), costs=costs)
    assert piece.value is None
    found = status(claim, [piece], release="r-1", now=NOW)
    assert found.state is State.UNPROVEN
    assert reason in found.reason


@pytest.mark.parametrize(
    ("said", "n", "reason"),
    [
        (lambda _: {"output": None, "prediction": 1}, 120, "the answer has no score"),
        (
            lambda _: {"output": None, "prediction": 1, "score": 0.4, "action": "burn"},
            120,
            "no action of bands",
        ),
        (_by(0.3, 0.6), 12, "10 of each are needed"),
    ],
)
def test_what_cannot_be_decided_says_why(decided: Decided, said: Any, n: int, reason: str) -> None:
    _, piece = decided(said, n=n)
    assert piece.value is None
    assert reason in piece.detail["reason"]
