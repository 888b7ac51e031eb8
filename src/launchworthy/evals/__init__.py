"""Offline proof: targets, scorers, the engine that joins them, resume, and comparison with a baseline.

May import every room up to ``runtime``; a prover, so it never imports another prover.
"""

from typing import TYPE_CHECKING, Any

from launchworthy.evals.answer import Answer, read_answer
from launchworthy.evals.cache import ReplyCache
from launchworthy.evals.comparison import Comparison, compare_runs, slice_differences
from launchworthy.evals.coverage import PROVES, in_folder, metric_of, metrics_of, scorer_of, scorer_text
from launchworthy.evals.engine import Limits, Progress, evaluate
from launchworthy.evals.gold_evidence import gold_evidence
from launchworthy.evals.promise import Promise, promised
from launchworthy.evals.proxies import call_scores
from launchworthy.evals.reach import Reach, reach_of
from launchworthy.evals.repeats import Repeated, repeats_of
from launchworthy.evals.report import (
    Measured,
    could_not_score,
    measure_run,
    metrics_of_run,
    reasons_of,
    table_of,
)
from launchworthy.evals.rows import row_of
from launchworthy.evals.run_evidence import Holdout, run_evidence
from launchworthy.evals.scoring import Scorer, own_scorer
from launchworthy.evals.session import Outcome, find_baseline, run_suite, try_out
from launchworthy.evals.source import source_of
from launchworthy.evals.stated import Stated, stated_confidences
from launchworthy.evals.stores import EvalStore
from launchworthy.evals.suite import new_run, read_release, release_of, same_suite, target_of, target_release
from launchworthy.evals.target import CallableTarget, Target, load_function
from launchworthy.evals.traffic import RecordedCalls, sample_calls

if TYPE_CHECKING:
    from launchworthy.evals.http import HttpTarget

__all__ = [
    "PROVES",
    "Answer",
    "CallableTarget",
    "Comparison",
    "EvalStore",
    "Holdout",
    "HttpTarget",
    "Limits",
    "Measured",
    "Outcome",
    "Progress",
    "Promise",
    "Reach",
    "RecordedCalls",
    "Repeated",
    "ReplyCache",
    "Scorer",
    "Stated",
    "Target",
    "call_scores",
    "compare_runs",
    "could_not_score",
    "evaluate",
    "find_baseline",
    "gold_evidence",
    "in_folder",
    "load_function",
    "measure_run",
    "metric_of",
    "metrics_of",
    "metrics_of_run",
    "new_run",
    "own_scorer",
    "promised",
    "reach_of",
    "read_answer",
    "read_release",
    "reasons_of",
    "release_of",
    "repeats_of",
    "row_of",
    "run_evidence",
    "run_suite",
    "same_suite",
    "sample_calls",
    "scorer_of",
    "scorer_text",
    "slice_differences",
    "source_of",
    "stated_confidences",
    "table_of",
    "target_of",
    "target_release",
    "try_out",
]


def __getattr__(name: str) -> Any:
    # The HTTP client is loaded by runs against an address, not by whoever asks what this room proves.
    if name == "HttpTarget":
        from launchworthy.evals.http import HttpTarget

        return HttpTarget
    raise AttributeError(name)
