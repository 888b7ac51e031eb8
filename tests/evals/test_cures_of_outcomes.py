"""Whether a fix helped offline, where what failed is an outcome, which no run measures itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from launchworthy.contract import Claim, ClaimKind, Direction, Target
from launchworthy.evals.cures import offline_proof
from launchworthy.records import Run, RunItem, RunStore, Score
from launchworthy.records.incident import Fix, Mechanism, Proof

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OUTCOME = "shop/answer/outcomes/resolved"


class _Runs:
    """Runs, newest first, with their items."""

    def __init__(self, *runs: tuple[Run, list[RunItem]]) -> None:
        self._held = {run.id: (run, items) for run, items in runs}

    def runs(self, *, product: str) -> list[Run]:
        return sorted(
            (run for run, _ in self._held.values() if run.product == product),
            key=lambda run: run.started_at,
            reverse=True,
        )

    def iter_run_items(self, run: str) -> list[RunItem]:
        return self._held[run][1]


def _claim(path: str, *, workflow: str = "answer") -> Claim:
    family, metric = path.split("/")
    return Claim(
        address=f"shop/{workflow}/{path}",
        kind=ClaimKind.BOUND,
        family=family,
        metric=metric,
        sentence=path,
        workflow=workflow,
        target=Target(direction=Direction.AT_LEAST, threshold=0.9, unit="ratio"),
    )


CLAIMS = [
    _claim("outcomes/resolved"),
    _claim("quality/exact_match"),
    _claim("quality/accuracy", workflow="pay"),
]


def _run(release: str, ago_h: float, right: Sequence[bool | None]) -> tuple[Run, list[RunItem]]:
    """A run over as many items; None: one that could not be answered."""
    run = Run(
        id=f"run-{release}", product="shop", workflow="answer", release=release, target="t", gold="answer@1",
        split="all", scorers=(), status="complete", started_at=NOW - timedelta(hours=ago_h),
    )  # fmt: skip
    items: list[Any] = [
        RunItem(
            item_id=f"i{at}",
            error="timeout" if each is None else None,
            scores={} if each is None else {"exact-match": Score(value=float(each))},
        )
        for at, each in enumerate(right)
    ]
    return run, items


def _proof(
    *runs: tuple[Run, list[RunItem]],
    claims: list[Claim] = CLAIMS,
    items: int = 40,
    failed_in: str | None = None,
) -> Proof:
    fix = Fix(
        mechanism=Mechanism.DATA, gold_items=tuple(f"answer/i{at}" for at in range(items)), by="sam",
        because="the export is whole again", at=NOW - timedelta(hours=2), release="r-2",
    )  # fmt: skip
    store = cast(RunStore, _Runs(*runs))
    return offline_proof(
        fix, claims=claims, address=OUTCOME, product="shop", store=store, level=0.95, failed_in=failed_in
    )


def test_items_of_an_outcome_have_to_be_right_by_the_quality_of_its_workflow() -> None:
    before = _run("r-1", 5, [False] * 30 + [None] * 4 + [True] * 6)
    after = _run("r-2", 1, [True] * 38 + [False] * 2)
    proof = _proof(before, after)
    assert proof.before is not None
    assert proof.after is not None
    # What could not be answered failed too.
    assert (proof.before.value, proof.after.value) == (34 / 40, 2 / 40)
    assert (proof.before.n, proof.after.source) == (40, "run:run-r-2")
    assert proof.fallen is True


def test_a_fix_that_changed_nothing_is_not_proven() -> None:
    proof = _proof(_run("r-1", 5, [False] * 20 + [True] * 20), _run("r-2", 1, [False] * 20 + [True] * 20))
    assert proof.fallen is None


def test_only_the_items_of_the_fix_count() -> None:
    proof = _proof(_run("r-1", 5, [False] * 40), _run("r-2", 1, [True] * 10 + [False] * 30), items=10)
    assert proof.after is not None
    assert (proof.after.value, proof.after.n) == (0.0, 10)


def test_the_old_release_may_be_asked_after_the_fix_and_a_run_that_asks_other_items_is_none() -> None:
    early, late = _run("r-1", 9.0, []), _run("r-1", 0.5, [False] * 40)
    unknown = _run("r-0", 0.4, [False] * 40)  # nothing says that this release was there before
    fixed, other = _run("r-2", 1.0, [True] * 40), _run("r-2", 0.1, [])
    early, other = (replace(early[0], id="early"), []), (replace(other[0], id="other"), [])
    assert _proof(early, late, fixed, other).fallen is True
    proof = _proof(unknown, fixed, other)
    assert proof.fallen is None
    assert "run the old release on them too" in proof.reason
    assert _proof(unknown, fixed, other, failed_in="r-0").fallen is True


def test_an_outcome_whose_workflow_promises_no_quality_is_told_by_no_run() -> None:
    others = [CLAIMS[0], CLAIMS[2]]
    proof = _proof(_run("r-1", 5, [False] * 40), _run("r-2", 1, [True] * 40), claims=others)
    assert "no metric of a run tells" in proof.reason
    assert proof.fallen is None


def test_a_run_of_each_side_is_asked_for() -> None:
    assert "no run of release r-2" in _proof(_run("r-1", 5, [False] * 40)).reason
    assert "no run from before" in _proof(_run("r-2", 1, [True] * 40)).reason
