"""What a judge's grades prove of groups and of two runs, once people's labels have corrected them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ppi_py import ppi_mean_ci  # type: ignore[import-untyped]
from tests.evals.judging.conftest import agreement_claim

from launchworthy.contract import Claim, ClaimKind, Direction, Target
from launchworthy.evals.judging import declared_judges, judged_evidence, judged_gaps, judgings
from launchworthy.evidence import Evidence, State
from launchworthy.evidence.claim_status import status
from launchworthy.records import Run, RunItem, Score

NOW = datetime(2026, 11, 24, tzinfo=UTC)
NAME = "groundedness:grounding-v2"
QUALITY = Claim(
    address="docs/answer/quality/groundedness",
    kind=ClaimKind.BOUND,
    family="quality",
    workflow="answer",
    metric="groundedness",
    sentence="groundedness is at least 70 %",
    target=Target(direction=Direction.AT_LEAST, threshold=0.7, unit="ratio"),
    options={"judge": "grounding-v2"},
)
DELTA = replace(QUALITY, kind=ClaimKind.DELTA, address=f"{QUALITY.address}/baseline", margin=0.05)
GAP = Claim(
    address="docs/fairness/gap/quality/groundedness",
    kind=ClaimKind.BOUND,
    family="fairness",
    metric="gap",
    sentence="the largest difference is at most 15 %",
    target=Target(direction=Direction.AT_MOST, threshold=0.15, unit="ratio"),
    options={"of": "quality/groundedness", "groups": ("language",), "min_group": 100},
)
Labels = Mapping[str, float]


class Judging:
    """A judge that was calibrated, and runs that it graded."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.agreement = agreement_claim(folder, "http://127.0.0.1:1/v1")
        self.found, _ = judgings([QUALITY, DELTA, self.agreement], workflow="answer")
        self.judged = self.found[QUALITY.address]
        self.run = replace(run, scorers=(self.judged.metric.signature,))
        self.before = replace(self.run, id="run-0", release="r-0")

    def calibration(self, labels: Mapping[str, Labels], *, age_days: float = 0.0) -> Evidence:
        judge = {"version": self.judged.judge.version.id, "parts": dict(self.judged.judge.version.parts)}
        return Evidence(
            claim=self.agreement.address,
            kind=ClaimKind.AGREE,
            value=0.8,
            low=0.7,
            high=0.9,
            n=400,
            observed_at=NOW - timedelta(days=age_days),
            detail={"judge": judge, "pairs": [], "drawn": {run: dict(own) for run, own in labels.items()}},
        )

    def items(
        self, truths: Sequence[bool], judge: Sequence[bool], prefix: str, *slices: str
    ) -> list[RunItem]:
        detail = {"judge": self.judged.judge.version.id}
        assert len(truths) == len(judge)
        return [
            RunItem(
                item_id=f"{prefix}{n:04}",
                output="x",
                slices=slices,
                scores={NAME: Score(value=float(said), detail=detail)},
            )
            for n, said in enumerate(judge)
        ]

    def gap(self, items: Sequence[RunItem], labels: Labels, claim: Claim = GAP) -> Evidence:
        (piece,) = judged_gaps(
            [QUALITY, claim],
            self.run,
            items,
            self.found,
            calibrations=[self.calibration({self.run.id: labels})],
            now=NOW,
        )
        return piece

    def difference(self, new: Sequence[RunItem], old: Sequence[RunItem], *calibrations: Evidence) -> Evidence:
        (piece,) = judged_evidence(
            [DELTA],
            self.run,
            new,
            self.found,
            calibrations=calibrations,
            now=NOW,
            baseline=(self.before, old),
        )
        return piece


@pytest.fixture
def judging(tmp_path: Path, new_run: Callable[..., Run]) -> Judging:
    return Judging(tmp_path, new_run(status="complete", finished_at=NOW))


def _answers(
    count: int, *, good: float, hit: float, false: float, seed: int
) -> tuple[list[bool], list[bool]]:
    """What people would say of each answer, and what a judge does who errs as told."""
    draws = random.Random(seed)
    truths = [draws.random() < good for _ in range(count)]
    return truths, [draws.random() < (hit if truth else false) for truth in truths]


def _labels(truths: Sequence[bool], prefix: str, chosen: range) -> dict[str, float]:
    return {f"{prefix}{n:04}": float(truths[n]) for n in chosen}


def test_each_group_is_corrected_by_its_own_labels_so_that_a_judge_who_errs_on_one_shows_no_gap(
    judging: Judging,
) -> None:
    # The judge fails a third of the good German answers; people find both languages equally good.
    de, said_de = _answers(3_000, good=0.8, hit=0.67, false=0.1, seed=1)
    en, said_en = _answers(3_000, good=0.8, hit=0.97, false=0.1, seed=2)
    items = [
        *judging.items(de, said_de, "de", "language:de"),
        *judging.items(en, said_en, "en", "language:en"),
    ]
    labels = _labels(de, "de", range(600)) | _labels(en, "en", range(600))
    piece = judging.gap(items, labels)
    raw = abs(sum(said_de) - sum(said_en)) / 3_000
    assert raw > 0.2
    assert piece.value is not None
    assert piece.high is not None
    assert piece.low == 0.0
    assert piece.value < 0.06
    assert piece.high < raw
    assert status(GAP, [piece], release=judging.run.release, now=NOW).state is State.MET
    assert piece.detail["judge_version"] == judging.judged.judge.version.id
    for truths, said, name in ((de, said_de, "language:de"), (en, said_en, "language:en")):
        low, high = ppi_mean_ci(
            *(np.array(part, dtype=float) for part in (truths[:600], said[:600], said[600:])),
            alpha=0.05,
        )
        assert low < piece.detail["groups"][name]["value"] < high


def test_a_real_gap_is_shown_as_unmet_and_a_ratio_is_measured_alike(judging: Judging) -> None:
    de, said_de = _answers(2_000, good=0.5, hit=0.9, false=0.1, seed=3)
    en, said_en = _answers(2_000, good=0.9, hit=0.9, false=0.1, seed=4)
    items = [
        *judging.items(de, said_de, "de", "language:de"),
        *judging.items(en, said_en, "en", "language:en"),
    ]
    labels = _labels(de, "de", range(400)) | _labels(en, "en", range(400))
    piece = judging.gap(items, labels)
    assert status(GAP, [piece], release=judging.run.release, now=NOW).state is State.UNMET
    ratio = replace(
        GAP,
        address="docs/fairness/ratio/quality/groundedness",
        metric="ratio",
        target=Target(direction=Direction.AT_LEAST, threshold=0.8),
    )
    found = judging.gap(items, labels, ratio)
    assert found.value == pytest.approx(0.5 / 0.9, abs=0.06)
    assert found.detail["group"] == "language:de"
    assert status(ratio, [found], release=judging.run.release, now=NOW).state is State.UNMET


def test_a_group_without_labels_leaves_the_gap_unproven_and_is_named(judging: Judging) -> None:
    de, said_de = _answers(300, good=0.8, hit=0.9, false=0.1, seed=5)
    items = [
        *judging.items(de, said_de, "de", "language:de"),
        *judging.items(de, said_de, "en", "language:en"),
    ]
    piece = judging.gap(items, _labels(de, "de", range(100)))
    assert piece.value is None
    assert "language:en has 0 (2 at least; from 200 on" in piece.detail["reason"]
    few = judging.gap(items, _labels(de, "de", range(100)) | _labels(de, "en", range(100)))
    assert few.value is not None  # labels alone
    assert few.n == 100
    small = judging.gap(items[:350], _labels(de, "de", range(100)))
    assert small.detail["too_small"] == {"language:en": 50}
    stale = [
        replace(item, scores={NAME: replace(item.scores[NAME], detail={"judge": "j-old"})}) for item in items
    ]
    assert judging.gap(stale, {}).value is None


def test_a_gap_counts_for_the_judge_of_the_contract_only(judging: Judging, tmp_path: Path) -> None:
    claims = [QUALITY, GAP, judging.agreement]
    (declared,) = declared_judges(claims, folder=tmp_path)[GAP.address]
    assert declared.version == judging.judged.judge.version.id


def test_two_runs_whose_labels_are_of_different_items_are_each_corrected_by_their_own(
    judging: Judging,
) -> None:
    new, said_new = _answers(2_000, good=0.85, hit=0.95, false=0.3, seed=6)
    old, said_old = _answers(2_000, good=0.70, hit=0.75, false=0.1, seed=7)
    after, before = judging.items(new, said_new, "q"), judging.items(old, said_old, "q")
    labels = {judging.run.id: _labels(new, "q", range(400)), "run-0": _labels(old, "q", range(400, 800))}
    piece = judging.difference(after, before, judging.calibration(labels))
    assert piece.value == pytest.approx(0.15, abs=0.05)
    assert piece.low is not None
    assert piece.high is not None
    assert piece.low < 0.15 < piece.high
    raw = (sum(said_new) - sum(said_old)) / 2_000
    assert raw > piece.high  # the judge is kinder to the new release than people are
    assert piece.method.startswith("sides labelled apart: prediction-powered")
    assert status(DELTA, [piece], release=judging.run.release, now=NOW).state is State.MET
    apart = [judging.calibration({run: own}, age_days=age) for age, (run, own) in enumerate(labels.items())]
    in_two_files = judging.difference(after, before, *apart)
    assert (in_two_files.low, in_two_files.high) == (piece.low, piece.high)


def test_labels_of_the_same_items_make_the_difference_sharper(judging: Judging) -> None:
    new, said_new = _answers(1_500, good=0.8, hit=0.9, false=0.2, seed=8)
    old = [truth if n % 20 else not truth for n, truth in enumerate(new)]
    after, before = judging.items(new, said_new, "q"), judging.items(old, said_new, "q")
    both = {run: _labels(truths, "q", range(300)) for run, truths in ((judging.run.id, new), ("run-0", old))}
    paired = judging.difference(after, before, judging.calibration(both))
    apart = both | {"run-0": _labels(old, "q", range(300, 600))}
    separate = judging.difference(after, before, judging.calibration(apart))
    assert paired.high is not None
    assert paired.low is not None
    assert separate.high is not None
    assert separate.low is not None
    assert paired.high - paired.low < separate.high - separate.low


def test_a_difference_with_labels_of_one_run_says_how_many_of_which_are_missing(judging: Judging) -> None:
    new, said = _answers(400, good=0.8, hit=0.9, false=0.2, seed=9)
    items = judging.items(new, said, "q")
    labels = {judging.run.id: _labels(new, "q", range(250))}
    piece = judging.difference(items, items, judging.calibration(labels))
    assert piece.value is None
    assert (
        "there are 0 of the baseline run-0 and 250 of run-1; label items of run-0, 2 at least"
        in (piece.detail["reason"])
    )
    found = status(DELTA, [piece], release=judging.run.release, now=NOW)
    assert found.state is State.UNPROVEN
    assert "run-0" in found.reason


def test_labels_given_under_another_version_of_the_judge_do_not_count(judging: Judging) -> None:
    new, said = _answers(400, good=0.8, hit=0.9, false=0.2, seed=10)
    items = judging.items(new, said, "q")
    own = judging.calibration({judging.run.id: _labels(new, "q", range(250))})
    other: dict[str, Any] = {"version": "j-other", "parts": {}}
    of_other = judging.calibration({"run-0": _labels(new, "q", range(250))}, age_days=1)
    of_other = replace(of_other, detail=dict(of_other.detail) | {"judge": other})
    assert judging.difference(items, items, of_other, own).value is None
