from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from launchworthy.contract import Claim, ClaimKind, Direction, Target
from launchworthy.evals import Holdout, metrics_of, run_evidence, scorer_of
from launchworthy.evals.coverage import PROVES, metric_of, scorer_text
from launchworthy.evidence import Evidence
from launchworthy.evidence.judgement import judge
from launchworthy.records import Run, RunItem, Score
from launchworthy.stats import clopper_pearson

NOW = datetime(2026, 11, 24, tzinfo=UTC)
NewRun = Callable[..., Run]


def claim(metric: str, **changes: Any) -> Claim:
    fields: dict[str, Any] = {
        "address": f"docs/answer/quality/{metric}",
        "kind": ClaimKind.BOUND,
        "family": "quality",
        "workflow": "answer",
        "metric": metric,
        "sentence": metric,
        "target": Target(direction=Direction.AT_LEAST, threshold=0.8, unit="ratio"),
    }
    return Claim(**(fields | changes))


def _hit(value: float | None) -> dict[str, Score]:
    if value is None:
        return {"hit@5": Score(value=None, error="no ranking")}
    return {"hit@5": Score(value=value, statistics={"total": value, "items": 1.0})}


def _items(good: int, bad: int, *, slices: tuple[str, ...] = (), start: int = 0) -> list[RunItem]:
    return [
        RunItem(
            item_id=f"q{start + n:04}",
            scores=_hit(float(n < good)),
            slices=slices,
            trace_id=f"{start + n:032x}",
        )
        for n in range(good + bad)
    ]


@pytest.fixture
def run(new_run: NewRun) -> Run:
    return new_run(scorers=("hit@5|v1",))


def _one(claims: list[Claim], run: Run, items: list[RunItem], **options: Any) -> Evidence:
    (piece,) = run_evidence(claims, run, items, now=NOW, **options)
    return piece


def test_a_share_gets_exact_one_sided_bounds_at_the_claims_confidence(run: Run) -> None:
    piece = _one([claim("hit@5", confidence=0.9)], run, _items(90, 10))
    wanted = clopper_pearson(90, n=100, level=0.9, sides=1)
    assert (piece.value, piece.low, piece.high, piece.n) == (0.9, wanted.low, wanted.high, 100)
    assert piece.sample == {"successes": 90, "n": 100}
    assert (piece.confidence, piece.method, piece.unit) == (0.9, "Clopper-Pearson", "ratio")
    assert (piece.release, piece.gold, piece.source) == (run.release, run.gold, "run:run-1")
    assert len(piece.detail["worst"]) == 10
    assert piece.detail["worst"][0] == {"item": "q0090", "value": 0.0, "trace": f"{90:032x}"}


def test_what_could_not_be_scored_counts_neither_way(run: Run) -> None:
    items = [
        *_items(50, 0),
        RunItem(item_id="x1", scores=_hit(None)),
        RunItem(item_id="x2", error="timeout"),
        RunItem(item_id="x3", scores={}),
    ]
    piece = _one([claim("hit@5")], run, items)
    assert (piece.value, piece.n, piece.unscored) == (1.0, 50, 2)
    assert piece.detail["outside"] == 1
    assert piece.detail["unscored_because"] == {"no ranking": 1, "no answer: timeout": 1}


def test_nothing_measured_is_said_with_its_reason(run: Run) -> None:
    piece = _one([claim("hit@5")], run, [RunItem(item_id="x", scores=_hit(None))])
    assert (piece.value, piece.low, piece.n, piece.unscored) == (None, None, 0, 1)
    assert piece.detail["reason"] == "none of 1 items of the run could be scored: no ranking"
    empty = _one([claim("hit@5", slice="odd")], run, _items(5, 0))
    assert empty.detail["reason"] == "slice odd has no items"


def test_every_slice_is_measured_on_its_own(run: Run) -> None:
    items = [
        *_items(9, 1, slices=("plain",)),
        *_items(2, 2, slices=("odd",), start=20),
        RunItem(item_id="z", slices=("unanswerable",)),
    ]
    found = run_evidence([claim("hit@5", slice="*")], run, items, now=NOW)
    assert [(piece.slice, piece.value) for piece in found] == [("odd", 0.5), ("plain", 0.9)]


def test_a_slice_claim_sees_its_slice_only(run: Run) -> None:
    items = [*_items(9, 1, slices=("plain",)), *_items(0, 5, start=20)]
    assert _one([claim("hit@5", slice="plain")], run, items).value == 0.9


def test_only_the_holdout_proves_and_a_worn_one_says_so(run: Run) -> None:
    items = _items(90, 10)
    ids = {item.item_id for item in items[85:]}
    piece = _one([claim("hit@5")], run, items, holdout=Holdout(ids=ids, looks=21, budget=20))
    assert piece.n == 15
    assert piece.value == pytest.approx(1 / 3)
    assert (piece.detail["holdout_looks"], piece.detail["holdout_budget"]) == (21, 20)
    assert "it may have been learnt" in piece.detail["remark"]
    fresh = _one([claim("hit@5")], run, items, holdout=Holdout(ids=ids, looks=20, budget=20))
    assert "remark" not in fresh.detail
    without = _one([claim("hit@5")], run, items)
    assert "keeps no holdout" in without.detail["remark"]


def test_samples_without_an_answer_are_counted_among_the_samples(run: Run) -> None:
    samples = [
        replace(item, item_id=f"{item.item_id}#{again}", cluster=item.item_id)
        for item in _items(60, 0)
        for again in range(20)
    ]
    samples[:12] = [replace(item, error="flaky", scores={}) for item in samples[:12]]
    found = _one([claim("hit@5")], run, samples)
    assert (found.n, found.unscored, found.unit_of_analysis) == (60, 12, "cluster")
    assert found.tried == 1_200, "1 % is missing, not 12 of 72"


def test_clusters_widen_the_bounds(run: Run) -> None:
    alone = _items(60, 20)
    together = [
        RunItem(item_id=item.item_id, scores=item.scores, cluster=f"c{n // 20}")
        for n, item in enumerate(alone)
    ]
    first, second = (_one([claim("hit@5")], run, items) for items in (alone, together))
    assert second.n == 4
    assert second.unit_of_analysis == "cluster"
    assert first.low is not None
    assert second.low is not None
    assert second.low < first.low


def test_a_delta_is_paired_with_the_baseline(run: Run, new_run: NewRun) -> None:
    delta = claim("hit@5", kind=ClaimKind.DELTA, margin=0.02)
    assert run_evidence([delta], run, _items(90, 10), now=NOW) == []
    old = new_run("run-0", release="r-old")
    piece = _one([delta], run, _items(90, 10), baseline=(old, _items(80, 20)))
    assert piece.kind == "delta"
    assert piece.value == pytest.approx(0.1)
    assert (piece.detail["baseline_run"], piece.detail["better"], piece.detail["worse"]) == ("run-0", 10, [])


def test_a_delta_counts_what_either_run_left_out_as_missing(run: Run, new_run: NewRun) -> None:
    delta = claim("hit@5", kind=ClaimKind.DELTA, margin=0.1, slice="plain")
    old = (new_run("run-0", release="r-old"), _items(100, 0, slices=("plain",)))
    new = _items(90, 0, slices=("plain",))
    kept = {item.item_id for item in new}
    for holdout, unscored, state in ((None, 10, "unproven"), (Holdout(ids=kept), 0, "met")):
        piece = _one([delta], run, new, baseline=old, holdout=holdout)
        assert (piece.n, piece.unscored) == (90, unscored)
        assert judge(delta, piece, now=NOW).state == state
    moved = [replace(item, slices=("odd",)) for item in new[:5]]
    piece = _one([delta], run, [*moved, *new[5:], *old[1][90:]], baseline=old)
    assert (piece.n, piece.unscored) == (95, 0), "an item of another slice by now is in neither side"


def test_a_delta_against_another_release_than_the_one_named_is_not_this_claims(
    run: Run, new_run: NewRun
) -> None:
    old = (new_run("run-0", release="r-old", config={"release_label": "v1"}), _items(80, 20))
    for against, pieces in (("launched", 1), ("v1", 1), ("r-old", 1), ("v2", 0), ("before", 0)):
        delta = claim("hit@5", kind=ClaimKind.DELTA, margin=0.02, options={"against": against})
        assert len(run_evidence([delta], run, _items(90, 10), now=NOW, baseline=old)) == pieces


def test_declared_slices_are_each_spoken_of(run: Run) -> None:
    asked = claim("hit@5", slice="*", options={"slices": ("plain", "absent")})
    plain, absent = run_evidence([asked], run, _items(9, 1, slices=("plain", "odd")), now=NOW)
    assert (plain.slice, absent.slice, absent.value) == ("plain", "absent", None)


def test_claims_that_a_run_cannot_speak_for_get_nothing(run: Run) -> None:
    claims = [
        claim("groundedness"),
        claim("hit@5", workflow="refund"),
        claim("hit@5", family="outcomes"),
        claim("latency_p95", family="reliability"),
        claim("hit@5", options={"judge": "j-v1"}),
        claim("hit@5", options={"weight": "amount"}),
        claim("hit@5", kind=ClaimKind.AGREE),
        claim("mrr"),  # measurable, and not scored in this run
        claim("hit@5", target=Target(direction=Direction.AT_LEAST, threshold=3, unit="ms")),
    ]
    assert run_evidence(claims, run, _items(9, 1), now=NOW) == []


def test_evidence_of_simulated_runs_says_so(new_run: NewRun) -> None:
    simulated = new_run(scorers=("hit@5|v1",), simulated=True)
    assert _one([claim("hit@5")], simulated, _items(3, 0)).simulated


def test_the_same_run_gives_the_same_evidence(run: Run) -> None:
    items = [
        RunItem(
            item_id=f"q{n}",
            scores={"token-f1": Score(value=n / 50, statistics={"total": n / 50, "items": 1})},
        )
        for n in range(50)
    ]
    scored = Run(**{name: getattr(run, name) for name in run.__slots__} | {"scorers": ("token-f1|v1",)})
    first, second = (_one([claim("token_f1")], scored, order) for order in (items, list(items)))
    assert first.id == second.id
    assert Evidence.from_json(first.as_json()).id == first.id


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pattern": "[0-9]+"},
        {"pattern": "a;b=c:d=e"},
        {"schema": '{"type": "object"}'},
        {"schema": '{"type": "object"}', "pattern": "[0-9]+;"},
    ],
)
def test_format_adherence_is_all_that_the_claim_asks_of_the_form(options: dict[str, str]) -> None:
    asked = claim("format_adherence", options=options)
    metric = metric_of(asked)
    assert metric is not None
    assert metric.name == "format-adherence"
    assert set(metric.options) == set(options)
    assert scorer_of(scorer_text(asked)).signature == metric.signature


def test_everything_listed_as_provable_is() -> None:
    for pattern in (found for found in PROVES if ":" not in found):
        family, _, name = pattern.partition("/")
        name, _, mark = name.partition("+")
        options = {mark: "amount"} if mark else {}
        asked = claim(name.replace("*", "5"), family=family, options=options)
        asked = asked if metric_of(asked) else claim(asked.metric, target=None, options=options)
        assert metric_of(asked) is not None, pattern
    assert set(metrics_of([claim("hit@5"), claim("completeness")], workflow="answer")) == {
        "docs/answer/quality/hit@5"
    }


def test_a_run_is_as_old_as_its_end_whatever_it_found(run: Run) -> None:
    asked = claim(
        "run",
        address="docs/proof/run",
        kind=ClaimKind.FRESH,
        family="proof",
        workflow=None,
        target=Target(direction=Direction.AT_MOST, threshold=30 * 86_400_000.0, unit="ms"),
    )
    done = replace(run, finished_at=NOW - timedelta(hours=2))
    piece = _one([asked], done, _items(0, 10))
    assert (piece.value, piece.unit, piece.n, piece.release) == (7_200_000.0, "ms", 10, run.release)
    assert run_evidence([asked], done, _items(0, 10), now=NOW, holdout=Holdout(ids=())) == []
