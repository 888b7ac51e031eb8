"""What runs can measure, contracts can name; and a claim hands its metric every option."""

from __future__ import annotations

import pytest

from launchworthy.contract import claims, parse_contract
from launchworthy.contract.vocabulary import find_word
from launchworthy.evals import PROVES, metric_of, scorer_of, scorer_text
from launchworthy.metrics import METRICS

NAMES = [
    pattern.removeprefix("quality/").replace("@*", "@5")
    for pattern in PROVES
    if pattern.startswith("quality/") and "+" not in pattern
]
CONTRACT = """
launchworthy: 1
product: docs
owners: {product: ana@example.com}
workflows:
  answer:
    user: developer
    job: find it
    no_answer: refuse
    failures: {wrong: {kind: wrong, fix: retrieval, watched_by: quality/ndcg@10}}
    quality:
      ndcg@10: {at_least: 80 %, options: {gain: exponential}}
"""


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_that_runs_prove_is_a_word_of_contracts(name: str) -> None:
    word = find_word("quality", name)
    assert word is not None
    metric = METRICS[name]
    assert word.direction.value == ("at_least" if metric.higher_is_better else "at_most")
    assert metric.unit in (word.unit, "", "USD")


# Asked for by other lines: limits of time and cost by `reliability` and `economics`, attacks by `abuse`.
ELSEWHERE = ("latency", "cost", "attack-success")


@pytest.mark.parametrize("name", [name for name in METRICS if not name.startswith(ELSEWHERE)])
def test_every_metric_can_be_asked_for_by_a_contract_and_is_proven_by_runs(name: str) -> None:
    asked, _, weighed = name.replace("-", "_").partition("_by_")  # a line of it names its weight
    assert find_word("quality", asked) is not None
    stem = asked.partition("@")[0]
    if weighed:
        asked = f"{asked}+{weighed}"
    assert f"quality/{asked}" in PROVES or f"quality/{stem}@*" in PROVES


def test_options_of_a_claim_reach_its_metric() -> None:
    (claim,) = (
        claim
        for claim in claims(parse_contract(CONTRACT, file="launchworthy.yaml"))
        if claim.address == "docs/answer/quality/ndcg@10"
    )
    metric = metric_of(claim)
    assert metric is not None
    assert "gain:exponential" in metric.signature
    assert scorer_of(scorer_text(claim)).signature == metric.signature
