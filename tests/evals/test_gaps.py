from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fairlearn.metrics import MetricFrame, selection_rate  # type: ignore[import-untyped]

from launchworthy.contract import Claim, ClaimKind, Direction, Target
from launchworthy.evals import Holdout, scorer_of
from launchworthy.evals.gaps import gap_evidence
from launchworthy.evidence import Evidence, State
from launchworthy.evidence.claim_status import status
from launchworthy.records import Run, RunItem, Score

NOW = datetime(2026, 11, 24, tzinfo=UTC)
METRIC = scorer_of("exact-match")
QUALITY = Claim(
    address="docs/answer/quality/exact_match",
    kind=ClaimKind.BOUND,
    family="quality",
    workflow="answer",
    metric="exact_match",
    sentence="exact match is at least 80 %",
    target=Target(direction=Direction.AT_LEAST, threshold=0.8, unit="ratio"),
)
GAP = Claim(
    address="docs/fairness/gap/quality/exact_match",
    kind=ClaimKind.BOUND,
    family="fairness",
    metric="gap",
    sentence="the largest difference is at most 10 %",
    target=Target(direction=Direction.AT_MOST, threshold=0.1, unit="ratio"),
    options={"of": "quality/exact_match", "groups": ("language", "region"), "min_group": 50},
)


@pytest.fixture
def run(new_run: Callable[..., Run]) -> Run:
    return new_run(status="complete", scorers=(METRIC.signature,))


def _items(**groups: tuple[int, int]) -> list[RunItem]:
    """Right and wrong answers by group, such as language_de=(90, 10)."""
    found: list[RunItem] = []
    for group, counts in groups.items():
        for value, count in zip((1.0, 0.0), counts, strict=True):
            found += [
                RunItem(
                    item_id=f"{group}-{value}-{n}",
                    slices=(group.replace("_", ":"), "all"),
                    scores={METRIC.name: Score(value=value)},
                )
                for n in range(count)
            ]
    return found


def _piece(run: Run, items: Sequence[RunItem], gap: Claim = GAP, **options: Any) -> Evidence:
    (piece,) = gap_evidence([QUALITY, gap], run, items, now=NOW, **options)
    return piece


def test_the_gap_is_the_largest_difference_within_a_field_and_its_bounds_allow_for_all_pairs(
    run: Run,
) -> None:
    items = _items(language_de=(90, 10), language_en=(80, 20), language_fr=(85, 15), region_eu=(255, 45))
    piece = _piece(run, items)
    assert piece.value == pytest.approx(0.1)
    assert (piece.detail["highest"], piece.detail["lowest"]) == ("language:de", "language:en")
    assert piece.low is not None
    assert piece.high is not None
    assert 0.0 <= piece.low < 0.1 < piece.high
    two = _piece(run, _items(language_de=(90, 10), language_en=(80, 20)))
    assert two.high is not None
    assert two.high < piece.high
    fields = _piece(run, [*items, *_items(region_us=(255, 45))])
    assert fields.high is not None
    assert fields.high > piece.high


def test_a_gap_is_met_or_unmet_only_where_its_bound_says_so(run: Run) -> None:
    def state(**groups: tuple[int, int]) -> State:
        return status(GAP, [_piece(run, _items(**groups))], release=run.release, now=NOW).state

    assert state(language_de=(1800, 200), language_en=(1780, 220)) is State.MET
    assert state(language_de=(1800, 200), language_en=(1400, 600)) is State.UNMET
    assert state(language_de=(90, 10), language_en=(88, 12)) is State.UNPROVEN


def test_groups_too_small_are_named_and_one_alone_has_no_gap(run: Run) -> None:
    piece = _piece(run, _items(language_de=(90, 10), language_en=(80, 20), language_fr=(0, 49)))
    assert piece.value == pytest.approx(0.1)
    assert piece.detail["too_small"] == {"language:fr": 49}
    alone = _piece(run, _items(language_de=(90, 10), region_eu=(90, 10)))
    assert alone.value is None
    assert alone.detail["reason"].startswith("no two groups of language, region with 50 scored items")
    assert _piece(run, []).value is None


def test_what_could_not_be_scored_counts_against_the_gap_and_the_holdout_alone_speaks(run: Run) -> None:
    items = _items(language_de=(90, 10), language_en=(80, 20))
    lost = [
        replace(item, item_id=f"lost-{n}", scores={METRIC.name: Score(value=None, error="no value")})
        for n, item in enumerate(items[:10])
    ]
    piece = _piece(run, [*items, *lost, RunItem(item_id="down", slices=("language:de",), error="HTTP 500")])
    assert piece.unscored == 11
    held = {item.item_id for item in items if item.slices[0] == "language:de"}
    assert _piece(run, items, holdout=Holdout(ids=held)).value is None


def test_gaps_of_what_a_run_was_not_scored_with_are_passed_over(run: Run) -> None:
    judged = replace(QUALITY, options={"judge": "j"})
    scored = replace(run, scorers=("exact-match:j|judge:j-1|v1",))
    assert gap_evidence([judged, GAP], scored, _items(language_de=(90, 10)), now=NOW) == []
    for gap in (
        replace(GAP, options={**GAP.options, "of": "outcomes/resolved"}),
        replace(GAP, options={**GAP.options, "of": "refund/quality/exact_match"}),
    ):
        assert gap_evidence([QUALITY, gap], run, _items(language_de=(90, 10)), now=NOW) == []
    assert gap_evidence([QUALITY, GAP], replace(run, scorers=()), [], now=NOW) == []


RATIO = replace(
    GAP,
    address="docs/fairness/ratio/quality/exact_match",
    metric="ratio",
    target=Target(direction=Direction.AT_LEAST, threshold=0.8),
)


def test_a_ratio_is_of_one_group_to_all_others_the_lowest_where_it_must_be_high(run: Run) -> None:
    items = _items(language_de=(900, 100), language_en=(600, 400), language_fr=(880, 120))
    piece = _piece(run, items, RATIO)
    rest = MetricFrame(
        metrics=selection_rate,
        y_true=[1] * 2000,
        y_pred=[1] * 1780 + [0] * 220,
        sensitive_features=["others"] * 2000,
    ).overall
    assert piece.value == pytest.approx(0.6 / rest)
    assert (piece.detail["group"], piece.detail["against"], piece.unit) == ("language:en", "all others", "")
    most = replace(RATIO, target=Target(direction=Direction.AT_MOST, threshold=1.25))
    highest = _piece(run, items, most)
    assert highest.value == pytest.approx(0.9 / 0.74)
    assert highest.detail["group"] == "language:de"
    for found in (piece, highest):
        assert found.low is not None
        assert found.high is not None
        assert found.low < found.value < found.high  # type: ignore[operator]
    in_percent = replace(RATIO, target=Target(direction=Direction.AT_LEAST, threshold=0.8, unit="ratio"))
    assert _piece(run, items, in_percent).unit == "ratio"


def test_a_ratio_is_met_unmet_or_unproven_by_its_bound(run: Run) -> None:
    def state(**groups: tuple[int, int]) -> State:
        piece = _piece(run, _items(**groups), RATIO)
        return status(RATIO, [piece], release=run.release, now=NOW).state

    assert state(language_de=(1800, 200), language_en=(1780, 220)) is State.MET
    assert state(language_de=(1800, 200), language_en=(1200, 800)) is State.UNMET
    assert state(language_de=(50, 10), language_en=(42, 18)) is State.UNPROVEN
    nothing = _piece(run, _items(language_de=(90, 10), language_en=(0, 100)), RATIO)
    assert nothing.value is None
    assert "there is no ratio" in nothing.detail["reason"]


def test_the_bound_covers_the_true_gap_though_the_largest_of_many_is_large_by_chance(run: Run) -> None:
    draws, covered, above, times = random.Random(11), 0, 0, 60
    for _ in range(times):
        groups = {
            f"language_{name}": (hits := sum(draws.random() < share for _ in range(150)), 150 - hits)
            for name, share in (("a", 0.85), ("b", 0.85), ("c", 0.85), ("d", 0.8))
        }
        piece = _piece(run, _items(**groups))
        assert piece.value is not None
        assert piece.high is not None
        covered += piece.high >= 0.05
        above += piece.value > 0.05
    assert covered >= 0.95 * times
    assert above > 0.8 * times  # the value alone reads too high
