"""From records to samples: classification, ranking, text, citation, refusal, reliability. Pure.

May import ``stats``, ``records``, ``quantity`` and ``errors``.
"""

from launchworthy.metrics.answers import answer_was_right
from launchworthy.metrics.columns import Column, columns_of
from launchworthy.metrics.comparison import (
    Comparison,
    SliceDifference,
    compare_rows,
    compare_scored,
    compare_slices,
    slices_in_words,
    too_much_missing,
)
from launchworthy.metrics.fairness import (
    PARITY,
    GroupReport,
    between_groups,
    group_report,
    report_groups,
    widest,
)
from launchworthy.metrics.group_comparison import GroupComparison, compare_groups
from launchworthy.metrics.metric import CannotScore, Field, Metric
from launchworthy.metrics.registry import FAMILIES, METRICS, find_metric, options_of
from launchworthy.metrics.report import ScoreReport, SliceReport, report_scored, score_rows
from launchworthy.metrics.scored import Scored
from launchworthy.metrics.scores import Scores
from launchworthy.metrics.table import ConfusionTable, confusion_table

__all__ = [
    "FAMILIES",
    "METRICS",
    "PARITY",
    "CannotScore",
    "Column",
    "Comparison",
    "ConfusionTable",
    "Field",
    "GroupComparison",
    "GroupReport",
    "Metric",
    "ScoreReport",
    "Scored",
    "Scores",
    "SliceDifference",
    "SliceReport",
    "answer_was_right",
    "between_groups",
    "columns_of",
    "compare_groups",
    "compare_rows",
    "compare_scored",
    "compare_slices",
    "confusion_table",
    "find_metric",
    "group_report",
    "options_of",
    "report_groups",
    "report_scored",
    "score_rows",
    "slices_in_words",
    "too_much_missing",
    "widest",
]
