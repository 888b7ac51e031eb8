"""Claims weighed by a number of each item, from the contract to the evidence of a run."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from sklearn.metrics import recall_score

from launchworthy.contract import claims, parse_contract
from launchworthy.evals import CallableTarget, metrics_of, metrics_of_run, new_run, run_suite, scorer_of
from launchworthy.evals.coverage import scorer_text
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
    quality: {recall: {at_least: 70 %, weight: amount, every_slice: 10 %}}
gold: {answer: {slices: {online: 10}}}
"""


def test_a_run_proves_a_claim_weighed_by_the_amount_of_each_item(workspace: Any) -> None:
    known = claims(parse_contract(CONTRACT), provers=PROVERS)
    asked = metrics_of(known, workflow="answer")
    recall = next(claim for claim in known if claim.address == "docs/answer/quality/recall")
    assert recall.prover == "evals"
    assert scorer_of(scorer_text(recall)).signature == asked[recall.address].signature
    scorers = list({metric.signature: metric for metric in asked.values()}.values())
    rng = random.Random(5)
    # Some say their amount as a field of the item, some as a feature that the model reads.
    items: list[GoldItem] = []
    said: dict[int, int] = {}
    rows: list[tuple[int, float, tuple[str, ...]]] = []
    for n in range(120):
        amount, truth = round(rng.lognormvariate(3, 1), 2), int(rng.random() < 0.5)
        said[n] = truth if rng.random() < 0.8 else 1 - truth
        own: dict[str, Any] = {"meta": {"amount": amount}} if n % 2 else {}
        features = {"number": n} if n % 2 else {"number": n, "amount": amount}
        slices = ("online",) if n % 3 else ("shop",)
        items.append(
            GoldItem(id=f"q{n:03}", input=features, expected=truth, slices=slices, split="holdout", **own)
        )
        rows.append((truth, amount, slices))
    version, frozen = freeze(items, product="docs", name="answer", created_at=NOW)
    workspace.add_gold(version, frozen)
    run = new_run(
        unique="a",
        workflow="answer",
        release="r-1",
        target="t",
        version=version,
        split="holdout",
        scorers=scorers,
        config={},
        now=NOW,
    )
    done = run_suite(
        workspace,
        run,
        version=version,
        target=CallableTarget(lambda row: {"output": None, "prediction": said[row["number"]]}),
        scorers=scorers,
        by="ana",
        claims=known,
        now=lambda: NOW,
    )
    pieces = {(piece.claim, piece.slice): piece for piece in done.evidence}

    def expected(*names: str) -> float:
        kept = [n for n, row in enumerate(rows) if not names or row[2] == names]
        return float(
            recall_score(
                [rows[n][0] for n in kept], [said[n] for n in kept], sample_weight=[rows[n][1] for n in kept]
            )
        )

    assert pieces[recall.address, None].value == pytest.approx(expected())
    assert pieces[f"{recall.address}/every_slice", "online"].value == pytest.approx(expected("online"))
    assert [metric.name for metric in metrics_of_run(done.run)] == ["recall-by-weight"]
    assert done.measured[0].interval is not None
    assert done.measured[0].interval.value == pytest.approx(expected())
