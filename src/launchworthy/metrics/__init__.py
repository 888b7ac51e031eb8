"""From records to samples: classification, ranking, text, citation, refusal, reliability. Pure.

May import ``stats``, ``records``, ``quantity`` and ``errors``.
"""

from launchworthy.metrics.comparison import Comparison, compare_rows
from launchworthy.metrics.metric import CannotScore, Field, Metric
from launchworthy.metrics.registry import METRICS, find_metric
from launchworthy.metrics.report import ScoreReport, SliceReport, score_rows
from launchworthy.metrics.scores import Scores

__all__ = [
    "METRICS",
    "CannotScore",
    "Comparison",
    "Field",
    "Metric",
    "ScoreReport",
    "Scores",
    "SliceReport",
    "compare_rows",
    "find_metric",
    "score_rows",
]
