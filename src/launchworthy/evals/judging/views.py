"""What is shown of a judge: its calibrations, and what its grades become once corrected. Pure.

May import ``evidence`` and this room. Read from evidence alone, so that a page needs no model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from launchworthy.evals.judging.calibration import Table
from launchworthy.evals.judging.grading import PAIRS, scale_of
from launchworthy.evidence import Evidence

__all__ = ["CalibrationView", "CorrectionView", "JudgeView", "judge_view"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationView:
    """One calibration as it was kept.

    Attributes:
        evidence: Its piece: kappa with bounds, when, on how many labels.
        version: Version of the judge that was calibrated.
        parts: Digests of that version's parts.
        metric: What it was calibrated for.
        models: Who judged.
        table: Items by the judge's and people's grade.
        same_grade_share: Items on which both say the same; None if nothing was graded.
        raters_agreed_share: Items with several labels on which people agree; None if there are none.
        position_bias: As it was measured, of a judge of pairs.
        disagreements: Items that were graded apart, with both grades.
    """

    evidence: Evidence
    version: str
    parts: Mapping[str, str]
    metric: str
    models: tuple[str, ...]
    table: Table
    same_grade_share: float | None
    raters_agreed_share: float | None
    position_bias: Mapping[str, Any] | None
    disagreements: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionView:
    """What a judge said of a run, and what that becomes with people's labels.

    Attributes:
        evidence: The piece: the corrected value with its bounds; None and a reason where there is none.
        version: Version of the judge.
        raw: The judge's own mean, with display bounds; None if it graded nothing.
        reason: Why there is no corrected value; empty where there is one.
    """

    evidence: Evidence
    version: str
    raw: Mapping[str, float] | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeView:
    """All that is kept of one judge, the newest first; ``since`` is what a monitor last measured of it."""

    name: str
    calibrations: tuple[CalibrationView, ...]
    corrections: tuple[CorrectionView, ...]
    since: Evidence | None = None


def judge_view(evidence: Iterable[Evidence], name: str) -> JudgeView:
    """What the evidence of a product says of one judge."""
    newest = sorted(evidence, key=_moment, reverse=True)
    return JudgeView(
        name=name,
        calibrations=tuple(
            _calibration(piece, piece.detail["judge"])
            for piece in newest
            if piece.claim.endswith(f"/proof/judges/{name}")
            and isinstance(piece.detail.get("judge"), Mapping)
        ),
        corrections=tuple(
            CorrectionView(
                evidence=piece,
                version=str(piece.detail.get("judge_version", "")),
                raw=piece.detail.get("raw"),
                reason=str(piece.detail.get("reason", "")),
            )
            for piece in newest
            if piece.detail.get("judge") == name
        ),
        since=next((piece for piece in newest if piece.detail.get("watched") == name), None),
    )


def _moment(piece: Evidence) -> datetime:
    return piece.observed_at


def _calibration(piece: Evidence, judge: Mapping[str, Any]) -> CalibrationView:
    told = piece.detail
    scale = PAIRS if judge["scale"] == PAIRS.name else scale_of(judge["scale"])
    return CalibrationView(
        evidence=piece,
        version=judge["version"],
        parts=judge["parts"],
        metric=str(told.get("metric", "")),
        models=tuple(judge["models"]),
        table=Table(
            grades=scale.grades, counts={(own, other): count for own, other, count in told.get("pairs", ())}
        ),
        same_grade_share=told.get("same_grade_share"),
        raters_agreed_share=told.get("raters_agreed_share"),
        position_bias=told.get("position_bias"),
        disagreements=tuple(told.get("disagreements", ())),
    )
