from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from launchworthy.contract import Claim, ClaimKind, Direction, Target
from launchworthy.errors import NotFoundError
from launchworthy.evals import CallableTarget, Outcome, new_run, run_suite, scorer_of, try_out
from launchworthy.gold import GoldItem, GoldVersion, freeze
from launchworthy.records import Run

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SCORERS = [scorer_of("exact-match"), scorer_of("hit@2")]
CLAIM = Claim(
    address="docs/answer/quality/exact_match",
    kind=ClaimKind.BOUND,
    family="quality",
    workflow="answer",
    metric="exact_match",
    sentence="exact match is at least 80 %",
    target=Target(direction=Direction.AT_LEAST, threshold=0.8, unit="ratio"),
)
Sitting = Callable[..., Outcome]


def _version(store: Any, *, holdout: bool = True) -> GoldVersion:
    items = [
        GoldItem(
            id=f"q{n:03}",
            input=n,
            expected=f"answer {n}",
            slices=("even",) if n % 2 == 0 else ("odd",),
            split="holdout" if holdout and n % 5 < 2 else "dev",
            meta={"relevant": [f"d{n}"]},
        )
        for n in range(100)
    ]
    version, frozen = freeze(items, product="docs", name="answer", created_at=NOW)
    store.add_gold(version, frozen)
    return version


def good(number: int) -> dict[str, Any]:
    return {"output": f"answer {number}", "ranked": ["d0", f"d{number}"]}


def worse(number: int) -> dict[str, Any]:
    return good(number if number % 10 else -1)


@pytest.fixture
def sit(workspace: Any) -> Sitting:
    def one(function: Any = good, *, run_id: str = "a", split: str = "all", **options: Any) -> Outcome:
        version = options.pop("version", None) or _version(workspace)
        run = new_run(
            unique=run_id,
            version=version,
            workflow="answer",
            release=f"r-{function.__name__}",
            target=function.__name__,
            split=split,
            scorers=SCORERS,
            config={"limit": options.get("limit"), "release_label": f"the {function.__name__}"},
            now=NOW,
        )
        return run_suite(
            workspace,
            options.pop("run", run),
            version=version,
            target=CallableTarget(function),
            scorers=SCORERS,
            by="ana",
            claims=[CLAIM],
            now=lambda: NOW,
            **options,
        )

    return one


def test_a_run_leaves_items_numbers_and_evidence_of_its_holdout(sit: Sitting, workspace: Any) -> None:
    outcome = sit(worse)
    assert (outcome.run.status, outcome.run.done) == ("complete", 100)
    (piece,) = outcome.evidence
    assert (piece.n, piece.value, piece.gold) == (40, 0.75, outcome.run.gold)
    assert workspace.evidence("docs") == [piece]
    assert [look.purpose for look in workspace.looks(product="docs", name="answer")] == [
        f"run {outcome.run.id}"
    ]
    text = str(outcome)
    assert "exact-match  90 % (" in text
    assert "evidence is of the holdout's part alone" in text


def test_a_run_on_dev_reads_no_holdout_and_proves_nothing(sit: Sitting, workspace: Any) -> None:
    outcome = sit(split="dev")
    assert (outcome.run.items, outcome.evidence) == (60, ())
    assert "the holdout proves" in outcome.remarks[0]
    assert workspace.looks(product="docs", name="answer") == []


def test_a_try_out_of_a_few_items_proves_nothing(sit: Sitting) -> None:
    outcome = sit(limit=5)
    assert (outcome.run.items, outcome.evidence) == (5, ())
    assert outcome.remarks == ("limited to 5 items: a try-out proves nothing",)


def test_a_set_without_a_holdout_proves_with_everything_and_says_so(sit: Sitting, workspace: Any) -> None:
    outcome = sit(version=_version(workspace, holdout=False))
    (piece,) = outcome.evidence
    assert piece.n == 100
    assert "keeps no holdout" in piece.detail["remark"]


def test_going_on_with_a_run_costs_no_second_look(sit: Sitting, workspace: Any) -> None:
    outcome = sit(split="holdout")
    again = sit(split="holdout", run=outcome.run)
    assert again.run.done == 40
    assert len(workspace.looks(product="docs", name="answer")) == 1
    assert outcome.evidence[0].detail["holdout_looks"] == 1


def test_a_candidate_is_compared_by_run_by_release_and_by_label(sit: Sitting) -> None:
    old = sit(worse, run_id="old")
    for baseline in (old.run.id, "r-worse", "the worse"):
        new = sit(good, run_id=f"new-{len(baseline)}", baseline=baseline)
        exact, hit = new.comparisons
        assert (exact.baseline, exact.candidate, exact.status) == (0.9, 1.0, "met")
        assert exact.better == tuple(f"q{n:03}" for n in range(0, 100, 10))
        assert hit.metric == "hit@2"
        assert "against the baseline: 10 points (" in str(new)


def test_an_unknown_baseline_is_told_before_anything_is_asked(sit: Sitting, workspace: Any) -> None:
    with pytest.raises(NotFoundError, match="no complete run of such a release"):
        sit(baseline="r-nothing")
    assert workspace.runs() == []
    assert workspace.looks(product="docs", name="answer") == []


def test_a_run_that_failed_throughout_has_evidence_of_nothing(sit: Sitting) -> None:
    def broken(number: int) -> str:
        raise ValueError("down")

    outcome = sit(broken)
    (piece,) = outcome.evidence
    assert (piece.value, piece.n, piece.unscored) == (None, 0, 40)
    assert "not measured" in str(outcome)


def test_a_notebook_tries_things_out_without_a_data_folder() -> None:
    items = [GoldItem(id=str(n), input=n, expected=f"answer {n}") for n in range(10)]
    outcome = try_out(items, target=good, scorers=["exact_match", SCORERS[1]])
    assert outcome.run.status == "complete"
    assert str(outcome).startswith("exact-match  100 % (")
    assert outcome.evidence == ()


def test_stored_runs_read_back_as_they_were(sit: Sitting, workspace: Any) -> None:
    outcome = sit()
    stored: Run = workspace.run(outcome.run.id)
    assert stored == outcome.run
    items = workspace.run_items(stored.id)
    assert (items[0].input, items[0].output["output"]) == (0, "answer 0")
    held = [replace(item, input=None, expected=None, output=None) for item in items]
    assert held == list(outcome.items)
