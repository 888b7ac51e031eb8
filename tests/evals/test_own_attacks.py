"""Attacks that no family knows, played by the items of a slice of the gold set."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from scipy import stats

from launchworthy.contract import claims, parse_contract
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
owners: {product: ana@example.com}
workflows:
  answer:
    user: cardholder
    job: pay without friction
    no_answer: refuse
    quality: {recall: {at_least: 10 %}}
abuse:
  card_testing: {at_most: 5 %, attempts: 300}
  score_probing: {at_most: 5 %, attempts: 300}
  jailbreak: {at_most: 2 %}
"""
KNOWN = claims(parse_contract(CONTRACT), provers=PROVERS)
Attacked = Callable[..., dict[str, Evidence]]


@pytest.fixture
def attacked(workspace: Any) -> Attacked:
    def run(
        said: Callable[[int], Any], *, attempts: int = 120, slices: tuple[str, ...] = ("card_testing",)
    ) -> Any:
        items = [
            GoldItem(
                id=f"q{n:03}",
                input=n,
                expected=int(n < attempts or n % 2),
                slices=slices if n < attempts else (),
                split="holdout" if n % 10 else "dev",
            )
            for n in range(attempts + 40)
        ]
        version, frozen = freeze(items, product="docs", name="answer", created_at=NOW)
        workspace.add_gold(version, frozen)
        scorers = [scorer_of("recall")]
        begun = new_run(
            unique="a", workflow="answer", release="r-1", target="t", version=version, split="holdout",
            scorers=scorers, config={}, now=NOW,
        )  # fmt: skip
        done = run_suite(
            workspace,
            begun,
            version=version,
            target=CallableTarget(lambda n: {"output": None, "prediction": said(n)}),
            scorers=scorers,
            by="ana",
            claims=KNOWN,
            now=lambda: NOW,
        )
        return {piece.claim: piece for piece in done.evidence}

    return run


def test_an_attack_succeeds_where_the_decision_about_it_is_wrong(attacked: Attacked) -> None:
    found = attacked(lambda n: int(n % 4 != 1))
    piece = found["docs/abuse/card_testing"]
    exact = stats.binomtest(30, 108).proportion_ci(0.9, "exact")
    assert (piece.value, piece.n, piece.unit_of_analysis) == (30 / 108, 108, "attempt")
    assert (piece.low, piece.high) == pytest.approx((exact.low, exact.high))
    assert piece.detail["worst"][0]["item"] == "q001"
    assert piece.release == "r-1"
    # No item is of the other slice, and families of attacks have a command of their own.
    assert {claim for claim in found if "/abuse/" in claim} == {"docs/abuse/card_testing"}


@pytest.mark.parametrize(
    ("misses", "attempts", "state"), [(0, 120, State.MET), (30, 120, State.UNMET), (0, 20, State.UNPROVEN)]
)
def test_few_flawless_attempts_do_not_show_that_none_succeeds(
    attacked: Attacked, misses: int, attempts: int, state: State
) -> None:
    found = attacked(lambda n: int(n >= misses), attempts=attempts)
    claim = next(each for each in KNOWN if each.address == "docs/abuse/card_testing")
    told = status(claim, [found[claim.address]], release="r-1", now=NOW)
    assert told.state is state
    if state is State.UNPROVEN:
        assert told.plan is not None
        assert (told.plan.needed or 0) + found[claim.address].n >= 59  # 0 of 59 shows at most 5 %


def test_attempts_that_could_not_be_scored_are_neither_repelled_nor_a_success(attacked: Attacked) -> None:
    found = attacked(lambda n: None if n % 2 else 1)
    piece = found["docs/abuse/card_testing"]
    assert (piece.value, piece.unscored) == (0.0, 60)
    claim = next(each for each in KNOWN if each.address == piece.claim)
    assert status(claim, [piece], release="r-1", now=NOW).state is State.UNPROVEN


def test_the_command_of_each_kind_of_attack_is_told() -> None:
    provers = {claim.metric: claim.prover for claim in KNOWN if claim.family == "abuse"}
    assert provers == {"card_testing": "evals", "score_probing": "evals", "jailbreak": "redteam"}
