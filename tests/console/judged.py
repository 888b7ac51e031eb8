"""A product whose answers a judge grades, with its calibrations: made by what makes them for users."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.console.guarded import add_gold

from launchworthy.contract import Claim, claims, parse_contract
from launchworthy.evals.judging import (
    Bias,
    Calibration,
    Judge,
    Labelled,
    Labels,
    Table,
    Vote,
    calibration_claim,
    calibration_evidence,
    judge_for,
    judged_evidence,
    judgings,
)
from launchworthy.evidence import Evidence, terms_of
from launchworthy.evidence.verdict import verdict_on
from launchworthy.provers import PROVERS
from launchworthy.records import Run, RunItem, Score
from launchworthy.stats import agreed_items, cohen_kappa, mean_interval, wilson

PRODUCT = "graded-docs"
RUN = "20261124-070000-f00d"
JUDGE = "grounding-v2"
METRIC = f"groundedness:{JUDGE}"
REASON = "The second sentence <script>alert(1)</script> stands in no passage."
_CONTRACT = """
launchworthy: 1
product: graded-docs
owners: {product: ana@example.com}
workflows:
  answer:
    user: developer
    job: find the function that does what I need
    no_answer: refuse
    failures:
      wrong: {kind: wrong, fix: retrieval, reason: Not what I asked, watched_by: quality/groundedness}
    quality:
      groundedness: {at_least: 70 %, judge: grounding-v2}
      win_rate: {at_least: 50 %, judge: prefer-v1}
      correctness: {at_least: 60 %, judge: unused-v1}
proof:
  judges:
    grounding-v2: {agreement: {at_least: 0.60}, labels: 100, models: judge-1}
    prefer-v1: {agreement: {at_least: 0.60}, labels: 40, models: [judge-1, judge-2]}
    unused-v1: {agreement: {at_least: 0.60}, labels: 40, models: judge-1}
gold:
  answer: {slices: {plain: 10}, looks: 3, sealed: 10 %}
"""


def calibrated(
    claim: Claim,
    judge: Judge,
    *,
    metric: str,
    pairs: Sequence[tuple[str, float, float]],
    now: datetime,
    run: str | None = None,
    bias: Bias | None = None,
) -> Evidence:
    """A calibration on (id, the judge's grade, people's grade)."""
    grades = [(own, other) for _, own, other in pairs]
    counts: dict[tuple[float, float], int] = {}
    for pair in grades:
        counts[pair] = counts.get(pair, 0) + 1
    found = Calibration(
        judge=judge,
        metric=metric,
        table=Table(grades=judge.scale.grades, counts=counts),
        kappa=cohen_kappa([own for own, _ in grades], second=[other for _, other in grades], sides=1),
        agreed=agreed_items(grades),
        raters_agreed=None,
        unscored={},
        divided=3,
        disagreed=0,
        bias=bias,
        disagreements=tuple(
            {"id": name, "judge": own, "human": other, "reasoning": REASON}
            for name, own, other in pairs
            if own != other
        )[:20],
        votes=tuple(Vote(id=name, grade=own, agreed=True) for name, own, _ in pairs),
        labels=Labels(
            items=tuple(
                Labelled(id=name, material={}, human=other, raters=(other,), run=run, item=name)
                for name, _, other in pairs
            ),
            divided=3,
            unlabelled=0,
            digest="0" * 64,
        ),
        cost_usd=0.0,
        tokens=0,
    )
    return calibration_evidence(claim, found, now=now)


def add_judged(world: Any, *, now: datetime) -> None:
    """Put the product, its run and its verdict into a world."""
    rng = random.Random(12)
    contract = parse_contract(_CONTRACT)
    known = claims(contract, provers=PROVERS)
    claim, prefer = calibration_claim(known, JUDGE), calibration_claim(known, "prefer-v1")
    assert claim is not None
    assert prefer is not None
    judge = judge_for(claim, metric="groundedness")
    earlier = replace(judge, policy="Label by the first passage alone.")
    asked, _ = judgings(known, workflow="answer")
    items, labels = [], []
    for number in range(1, 401):
        item_id, graded = f"q-{number:03}", float(rng.random() < 0.86)
        detail: Mapping[str, Any] = {
            "judge": judge.version.id,
            "grade": graded,
            "votes": [{"model": "judge-1", "order": "as given", "grade": graded, "reasoning": REASON}],
        }
        score = Score(value=graded, statistics={"total": graded, "items": 1.0}, detail=detail)
        items.append(
            RunItem(
                item_id=item_id,
                input=f"Question {number}?",
                output={"output": f"Answer {number}."},
                scores={METRIC: score},
            )
        )
        if number <= 230:
            labels.append((item_id, graded, graded if rng.random() < 0.94 else 1.0 - graded))
    of_gold = add_gold(world, known, product=PRODUCT, now=now)
    run = Run(
        id=RUN,
        product=PRODUCT,
        workflow="answer",
        release="r-1",
        target="app:ask",
        gold=f"answer@{world.golds[-1].version}",
        split="holdout",
        scorers=tuple({each.metric.signature for each in asked.values()}),
        status="complete",
        started_at=now - timedelta(hours=2),
        items=400,
        done=400,
    )
    old = [(f"old-{number}", own, other) for number, (_, own, other) in enumerate(labels[:120])]
    calibrations = [
        calibrated(claim, earlier, metric="groundedness", pairs=old, now=now - timedelta(days=9)),
        calibrated(claim, judge, metric="groundedness", pairs=labels, now=now - timedelta(hours=1), run=RUN),
    ]
    pairwise = judge_for(prefer, metric="win_rate")
    places = [1.0] * 22 + [0.0] * 38
    calibrations.append(
        calibrated(
            prefer,
            pairwise,
            metric="win_rate",
            pairs=[(f"p-{n}", float(n % 2), float(n % 2 if n % 3 else 1 - n % 2)) for n in range(60)],
            now=now - timedelta(hours=3),
            bias=Bias(
                first=mean_interval(places, bounds=(-1.0, 1.0)),
                consistent=wilson(38, n=60),
                pairs=60,
                missing=2,
            ),
        )
    )
    evidence = [
        *of_gold,
        *calibrations,
        *judged_evidence(known, run, items, asked, calibrations=calibrations, now=now - timedelta(minutes=5)),
    ]
    world.verdicts[PRODUCT] = verdict_on(terms_of(contract, known), evidence, release="r-1", now=now)
    world.contracts[PRODUCT] = contract
    world.headers.append(run)
    world.items[RUN] = items
    world.judges[PRODUCT, JUDGE] = judge.version
    world.judges[PRODUCT, "prefer-v1"] = pairwise.version
