from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from tests.evals.judging.conftest import agreement_claim, shown, verdict

from launchworthy.contract import Claim, ClaimKind, Direction, Target
from launchworthy.errors import InputError
from launchworthy.evals import Holdout
from launchworthy.evals.engine import Limits
from launchworthy.evals.judging import (
    Calibration,
    Judged,
    calibrate,
    calibration_evidence,
    judge_for,
    judge_view,
    judged_evidence,
    judgings,
    read_labels,
)
from launchworthy.evidence import Evidence, State
from launchworthy.evidence.claim_status import status
from launchworthy.records import Run, RunItem, Score
from launchworthy.stats import corrected_mean

NOW = datetime(2026, 11, 24, tzinfo=UTC)
LIMITS = Limits(concurrency=8, timeout_s=5.0, retries=0)
NAME = "groundedness:grounding-v2"
CLAIM = Claim(
    address="docs/answer/quality/groundedness",
    kind=ClaimKind.BOUND,
    family="quality",
    workflow="answer",
    metric="groundedness",
    sentence="groundedness is at least 70 %",
    target=Target(direction=Direction.AT_LEAST, threshold=0.7, unit="ratio"),
    options={"judge": "grounding-v2"},
)
Rows = Sequence[dict[str, Any]]


def _rows(count: int, *, seed: int = 5, wrong: float = 0.08, **fields: Any) -> list[dict[str, Any]]:
    """Labelled answers; the judge of these tests says what the output says, and errs where people differ."""
    draws = random.Random(seed)
    rows = []
    for n in range(count):
        said = draws.random() < 0.8
        human = said if draws.random() >= wrong else not said
        rows.append(
            {"id": f"l{n:03}", "input": f"{n}?", "context": "c", "output": f"{said} {n}", "human": human}
            | fields
        )
    return rows


def _honest(body: dict[str, Any]) -> str:
    return verdict(shown(body)["output"].startswith("True"))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def one(rows: Rows) -> Path:
        path = tmp_path / "labels.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return one


@pytest.fixture
def calibrated(
    chat_server: Any, tmp_path: Path, write: Callable[..., Path]
) -> Callable[..., tuple[Calibration, Claim]]:
    def one(
        rows: Rows, answer: Any = _honest, metric: str = "groundedness", **options: Any
    ) -> tuple[Calibration, Claim]:
        claim = agreement_claim(tmp_path, chat_server(answer).url, **options)
        judge = judge_for(claim, metric=metric)
        found = calibrate(judge, read_labels(write(rows), judge), metric=metric, sides=1, limits=LIMITS)
        return found, claim

    return one


def test_agreement_is_cohens_kappa_as_scikit_learn_has_it(calibrated: Any) -> None:
    rows = _rows(80)
    found, claim = calibrated(rows)
    own, people = [row["output"].startswith("True") for row in rows], [row["human"] for row in rows]
    assert found.kappa.value == pytest.approx(cohen_kappa_score(own, people), abs=1e-9)
    assert found.agreed.value == pytest.approx(np.mean(np.array(own) == people))
    assert sum(map(sum, found.table.rows())) == found.n == 80
    assert found.table.rows()[1][0] == sum(a and not b for a, b in zip(own, people, strict=True))
    apart = {each["id"] for each in found.disagreements}
    assert "Because." not in json.dumps(calibration_evidence(claim, found, now=NOW).as_json())
    assert apart <= {row["id"] for row, a, b in zip(rows, own, people, strict=True) if a != b}


def test_grades_on_a_scale_agree_by_the_square_of_their_distance(calibrated: Any) -> None:
    draws = random.Random(2)
    rows: list[dict[str, Any]] = [
        {"input": f"{n}?", "output": str(draws.randint(1, 5)), "human": draws.randint(1, 5)}
        for n in range(40)
    ]
    found, _ = calibrated(
        rows, lambda body: verdict(int(shown(body)["output"])), "completeness", scale="1-5", rubric="All?"
    )
    expected = cohen_kappa_score(
        [int(row["output"]) for row in rows], [row["human"] for row in rows], weights="quadratic"
    )
    assert found.kappa.value == pytest.approx(expected, abs=1e-9)


def test_a_calibration_proves_agreement_for_one_version(calibrated: Any) -> None:
    found, claim = calibrated(_rows(250))
    piece = calibration_evidence(claim, found, now=NOW)
    assert Evidence.from_json(json.loads(json.dumps(piece.as_json()))) == piece
    assert (piece.claim, piece.kind, piece.n, piece.release) == (claim.address, "agree", 250, None)
    assert piece.detail["judge"]["version"] == found.judge.version.id
    assert status(claim, [piece], release=None, now=NOW).state is State.MET


def test_fewer_labels_than_asked_for_and_one_grade_for_everything_prove_no_agreement(
    calibrated: Any,
) -> None:
    few, claim = calibrated(_rows(30), labels=200)
    told = status(claim, [calibration_evidence(claim, few, now=NOW)], release=None, now=NOW)
    assert told.state is State.UNPROVEN
    assert "calibrated on 30 labelled items, and 200 are asked for" in told.reason
    alike, claim = calibrated([row | {"human": True} for row in _rows(30)], lambda body: verdict(True))
    assert alike.kappa is None
    told = status(claim, [calibration_evidence(claim, alike, now=NOW)], release=None, now=NOW)
    assert told.state is State.UNPROVEN
    assert "everything one grade" in told.reason


def test_a_judge_that_cannot_grade_what_people_labelled_is_unproven(calibrated: Any) -> None:
    def sometimes(body: dict[str, Any]) -> str:
        return "Well …" if shown(body)["input"].startswith("1") else _honest(body)

    found, claim = calibrated(_rows(100), sometimes)
    assert sum(found.unscored.values()) == 11
    told = status(claim, [calibration_evidence(claim, found, now=NOW)], release=None, now=NOW)
    assert (told.state, "11 of 100" in told.reason) == (State.UNPROVEN, True)
    none, claim = calibrated(_rows(20), lambda body: "prose")
    assert none.kappa is None
    assert calibration_evidence(claim, none, now=NOW).value is None


def test_several_raters_are_one_label_and_a_divided_item_is_left_out(calibrated: Any) -> None:
    row = {"context": "c", "input": "Q?"}
    rows = [
        *({**row, "id": "a", "output": "True a", "human": label} for label in (True, "yes", 0)),
        *({**row, "id": "b", "output": "True b", "human": label} for label in ("no", True)),
        {**row, "id": "c", "output": "False c", "human": "false"},
        {**row, "id": "d", "output": "True d", "human": None},
    ]
    found, _ = calibrated(rows)
    assert (found.n, found.divided, found.labels.unlabelled) == (2, 1, 1)
    assert found.raters_agreed.value == 0.0
    assert found.table.rows() == [[1, 0], [0, 1]]


def test_what_people_agree_on_caps_a_target_and_what_the_judge_gets_wrong_does_not(calibrated: Any) -> None:
    single, claim = calibrated(_rows(100, wrong=0.1))
    detail = calibration_evidence(claim, single, now=NOW).detail
    assert "agreed_share" not in detail
    assert detail["same_grade_share"] == single.agreed.value
    thrice = [
        row | {"human": row["human"] != (n % 4 == 0 and rater == 2)}
        for n, row in enumerate(_rows(40))
        for rater in range(3)
    ]
    double, claim = calibrated(thrice)
    assert calibration_evidence(claim, double, now=NOW).detail["agreed_share"] == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"human": "perhaps"}, "none of"),
        ({"human": 2}, "none of"),
        ({"human": [True]}, "none of"),
        ({"context": None}, "no context"),
        ({"output": ""}, "no output"),
        ({"id": "l000", "output": "True other"}, "two different items"),
    ],
)
def test_a_broken_row_of_labels_is_named_by_its_line(
    tmp_path: Path, write: Any, change: dict[str, Any], why: str
) -> None:
    judge = judge_for(agreement_claim(tmp_path, "http://127.0.0.1:1/v1"), metric="groundedness")
    rows = _rows(3)
    rows[2] |= change
    with pytest.raises(InputError, match=why) as caught:
        read_labels(write(rows), judge)
    assert caught.value.where.endswith("labels.jsonl:3")


def test_a_file_without_a_label_is_refused_and_a_csv_is_read(tmp_path: Path, write: Any) -> None:
    judge = judge_for(agreement_claim(tmp_path, "http://127.0.0.1:1/v1"), metric="groundedness")
    with pytest.raises(InputError, match="nothing in it is labelled"):
        read_labels(write(_rows(3, human=None)), judge)
    path = tmp_path / "labels.csv"
    path.write_text("input,context,output,human\nQ?,c,So.,yes\nW?,c,No.,no\n")
    assert sorted(item.human for item in read_labels(path, judge).items) == [0.0, 1.0]


# What the grades of a run then prove


@pytest.fixture
def run(new_run: Callable[..., Run]) -> Run:
    return new_run(status="complete", finished_at=NOW)


def _graded(
    judged: Judged, grades: Sequence[float | None], *, first: int = 0, error: str = "prose"
) -> list[RunItem]:
    detail = {"judge": judged.judge.version.id}
    return [
        RunItem(
            item_id=f"q{first + n:04}",
            output="x",
            slices=("odd",) if n % 2 else ("even",),
            scores={NAME: Score(value=grade, error=error if grade is None else None, detail=detail)},
        )
        for n, grade in enumerate(grades)
    ]


class Proof:
    """A judge, its calibration, and the evidence of a run."""

    def __init__(self, of: tuple[Calibration, Claim], run: Run, *, claim: Claim = CLAIM) -> None:
        (found, agreement), self.claim = of, claim
        self.calibration = calibration_evidence(agreement, found, now=NOW)
        self.judging, _ = judgings([claim, agreement], workflow="answer")
        self.judged = self.judging[claim.address]
        self.run = replace(run, scorers=(self.judged.metric.signature,))

    def piece(self, items: Sequence[RunItem], **options: Any) -> Evidence:
        (found,) = judged_evidence(
            [self.claim],
            self.run,
            items,
            self.judging,
            calibrations=options.pop("calibrations", [self.calibration]),
            now=options.pop("now", NOW),
            **options,
        )
        return found

    def state(self, piece: Evidence) -> State:
        return status(self.claim, [piece], release=self.run.release, now=piece.observed_at).state


def test_a_judges_own_mean_proves_nothing_and_corrected_it_may(calibrated: Any, run: Run) -> None:
    proof = Proof(calibrated(_rows(250)), run)
    items = _graded(proof.judged, [1.0] * 880 + [0.0] * 120)
    bare = proof.piece(items, calibrations=[])
    assert bare.value is None
    assert proof.state(bare) is State.UNPROVEN
    assert bare.detail["raw"]["value"] == 0.88
    assert bare.detail["reason"] == "the judge grounding-v2 was never calibrated with people's labels"
    piece = proof.piece(items)
    pairs = [(a, b) for a, b, count in proof.calibration.detail["pairs"] for _ in range(count)]
    values = [1.0] * 880 + [0.0] * 120
    expected = corrected_mean(
        [*(a for a, _ in pairs), *values],
        human=[*(b for _, b in pairs), *([np.nan] * 1000)],
        sides=1,
        at_random=False,
    )
    assert (piece.value, piece.low, piece.high) == (expected.value, expected.low, expected.high)
    assert "Rogan-Gladen" in piece.method
    assert (piece.n, piece.sample["labels"]) == (1_000, 250)  # the mean is that of the items
    assert proof.state(piece) is State.MET


def test_labels_of_this_very_run_correct_it_by_prediction(calibrated: Any, run: Run) -> None:
    rows = [row | {"run": run.id, "item": f"q{n:04}"} for n, row in enumerate(_rows(300, wrong=0.06))]
    proof = Proof(calibrated(rows), run)
    grades = [float(row["output"].startswith("True")) for row in rows]
    rest = [float(random.Random(9).random() < 0.8) for _ in range(700)]
    piece = proof.piece(_graded(proof.judged, grades + rest))
    expected = corrected_mean(
        grades + rest, human=[float(row["human"]) for row in rows] + [np.nan] * 700, sides=1
    )
    assert (piece.value, piece.low, piece.high) == (expected.value, expected.low, expected.high)
    assert "prediction-powered" in piece.method


def test_a_calibration_of_another_version_does_not_count_and_says_what_changed(
    calibrated: Any, run: Run, tmp_path: Path
) -> None:
    found, agreement = calibrated(_rows(120), policy="Round numbers are right.")
    old = calibration_evidence(agreement, found, now=NOW)
    url = agreement.options["base_url"]
    for change, told in [
        ({"policy": "Round numbers are wrong."}, "changed since, label policy"),
        ({"policy": "Round numbers are right.", "models": ("judge-2",)}, "changed since, model"),
        ({"policy": "Round numbers are right.", "rubric": "Be kind."}, "changed since, rubric"),
    ]:
        new = agreement_claim(tmp_path, url, **change)  # type: ignore[arg-type]
        proof = Proof((found, new), run)
        piece = proof.piece(_graded(proof.judged, [1.0] * 500), calibrations=[old])
        assert piece.value is None
        assert told in piece.detail["reason"]
        assert proof.state(piece) is State.UNPROVEN


def test_too_little_agreement_too_old_a_calibration_and_too_many_without_a_grade_prove_nothing(
    calibrated: Any, run: Run
) -> None:
    weak = Proof(calibrated(_rows(120, wrong=0.3)), run)
    assert (
        "agreement of grounding-v2 with people is un"
        in weak.piece(_graded(weak.judged, [1.0] * 500)).detail["reason"]
    )
    proof = Proof(calibrated(_rows(250)), run)
    old = proof.piece(_graded(proof.judged, [1.0] * 500), now=NOW + timedelta(days=40))
    assert "expired" in old.detail["reason"]
    gappy = proof.piece(_graded(proof.judged, [1.0] * 480 + [None] * 20))
    assert gappy.detail["reason"].startswith("20 of 500 items have no grade (4 %; at most 2 %")
    fine = proof.piece(_graded(proof.judged, [1.0] * 492 + [None] * 8))
    assert (fine.value is not None, fine.detail["ungraded"]) == (True, 8)
    nothing = proof.piece([])
    assert nothing.detail["reason"] == "the judge graded none of its items"


def test_grades_of_another_version_are_missing_grades(calibrated: Any, run: Run) -> None:
    proof = Proof(calibrated(_rows(250)), run)
    items = _graded(proof.judged, [1.0] * 100)
    stale = [
        replace(item, scores={NAME: replace(item.scores[NAME], detail={"judge": "j-old"})}) for item in items
    ]
    assert "judged by another version" in proof.piece(stale).detail["reason"]


def test_only_the_holdout_speaks_and_every_slice_for_itself(calibrated: Any, run: Run) -> None:
    every = replace(CLAIM, address=f"{CLAIM.address}/every_slice", slice="*")
    found, agreement = calibrated(_rows(250))
    proof = Proof((found, agreement), run, claim=every)
    items = _graded(proof.judged, [1.0, 0.0] * 200)
    pieces = judged_evidence(
        [every],
        proof.run,
        items,
        proof.judging,
        calibrations=[proof.calibration],
        now=NOW,
        holdout=Holdout(ids={f"q{n:04}" for n in range(200)}),
    )
    assert {piece.slice: piece.detail["items"] for piece in pieces} == {"even": 100, "odd": 100}
    by_slice = {piece.slice: piece for piece in pieces}
    assert by_slice["even"].low > by_slice["odd"].high  # type: ignore[operator]


def test_a_difference_from_the_baseline_needs_labels_of_both_runs(
    calibrated: Any, run: Run, new_run: Any
) -> None:
    rows = []
    for name in (run.id, "run-0"):
        rows += [
            row | {"id": f"{name}/{n}", "run": name, "item": f"q{n:04}"}
            for n, row in enumerate(_rows(220, seed=len(name)))
        ]
    delta = replace(CLAIM, kind=ClaimKind.DELTA, address=f"{CLAIM.address}/baseline", margin=0.05)
    for labelled, told in [(rows, None), (rows[:220], "label items of run-0, 2 at least")]:
        proof = Proof(calibrated(labelled), run, claim=delta)
        items = _graded(proof.judged, [1.0, 1.0, 1.0, 0.0] * 100)
        before = (new_run("run-0"), _graded(proof.judged, [1.0, 0.0, 1.0, 0.0] * 100))
        piece = proof.piece(items, baseline=before)
        if told is None:
            assert piece.value is not None
        else:
            assert piece.value is None
            assert told in piece.detail["reason"]


def test_a_page_can_show_calibrations_and_raw_beside_corrected(calibrated: Any, run: Run) -> None:
    proof = Proof(calibrated(_rows(250)), run)
    piece = proof.piece(_graded(proof.judged, [1.0] * 90 + [0.0] * 10))
    view = judge_view([proof.calibration, piece, replace(piece, detail={})], "grounding-v2")
    (calibration,), (corrected,) = view.calibrations, view.corrections
    assert calibration.version == proof.judged.judge.version.id
    assert sum(map(sum, calibration.table.rows())) == 250
    assert corrected.raw is not None
    assert (corrected.raw["value"], corrected.evidence.value) == (0.9, piece.value)
    assert judge_view([], "nobody").calibrations == ()
