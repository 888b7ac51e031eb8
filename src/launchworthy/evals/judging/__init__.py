"""Judges: models that grade answers, calibrated with people's labels, and what their grades then prove.

A judge is an instrument with an error rate. What it cannot grade is counted apart; its mean is corrected with
people's labels or proves nothing; and a calibration holds for one version of rubric, model and label policy.
May import what ``evals`` may.
"""

from launchworthy.evals.judging.again import corrected_again, draw
from launchworthy.evals.judging.calibration import Calibration, Table, calibrate, calibration_evidence
from launchworthy.evals.judging.declared import declared_judges
from launchworthy.evals.judging.evidence import calibration_of, judged_evidence
from launchworthy.evals.judging.gaps import judged_gaps
from launchworthy.evals.judging.grades import judge_grades
from launchworthy.evals.judging.grading import NoGrade, Scale, read_grade, scale_of
from launchworthy.evals.judging.judge import (
    Judge,
    JudgeVersion,
    calibration_claim,
    judge_for,
    judged_metrics,
)
from launchworthy.evals.judging.judged import Judged, judged_again, judged_metric, judged_once, judgings
from launchworthy.evals.judging.labels import Labelled, Labels, read_labels
from launchworthy.evals.judging.position import Bias, position_bias
from launchworthy.evals.judging.second_pass import Judging, judge_items
from launchworthy.evals.judging.sitting import check_keys, judge_run
from launchworthy.evals.judging.views import CalibrationView, CorrectionView, JudgeView, judge_view
from launchworthy.evals.judging.voting import Vote, ask_all

__all__ = [
    "Bias",
    "Calibration",
    "CalibrationView",
    "CorrectionView",
    "Judge",
    "JudgeVersion",
    "JudgeView",
    "Judged",
    "Judging",
    "Labelled",
    "Labels",
    "NoGrade",
    "Scale",
    "Table",
    "Vote",
    "ask_all",
    "calibrate",
    "calibration_claim",
    "calibration_evidence",
    "calibration_of",
    "check_keys",
    "corrected_again",
    "declared_judges",
    "draw",
    "judge_for",
    "judge_grades",
    "judge_items",
    "judge_run",
    "judge_view",
    "judged_again",
    "judged_evidence",
    "judged_gaps",
    "judged_metric",
    "judged_metrics",
    "judged_once",
    "judgings",
    "position_bias",
    "read_grade",
    "read_labels",
    "scale_of",
]
