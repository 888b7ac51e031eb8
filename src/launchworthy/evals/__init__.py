"""Offline proof: targets, scorers, the engine that joins them, resume, and comparison with a baseline.

May import every room up to ``runtime``; a prover, so it never imports another prover.
"""

from typing import TYPE_CHECKING, Any

from launchworthy.evals.answer import Answer, read_answer
from launchworthy.evals.comparison import Comparison, compare_runs
from launchworthy.evals.engine import Limits, Progress, evaluate
from launchworthy.evals.gold_evidence import gold_evidence
from launchworthy.evals.rows import row_of
from launchworthy.evals.scoring import FunctionScorer, Scorer
from launchworthy.evals.suite import new_run, read_release, same_suite, target_of, target_release
from launchworthy.evals.target import CallableTarget, Target, load_function

if TYPE_CHECKING:
    from launchworthy.evals.http import HttpTarget

__all__ = [
    "Answer",
    "CallableTarget",
    "Comparison",
    "FunctionScorer",
    "HttpTarget",
    "Limits",
    "Progress",
    "Scorer",
    "Target",
    "compare_runs",
    "evaluate",
    "gold_evidence",
    "load_function",
    "new_run",
    "read_answer",
    "read_release",
    "row_of",
    "same_suite",
    "target_of",
    "target_release",
]


def __getattr__(name: str) -> Any:
    # The HTTP client is loaded by runs against an address, not by whoever asks what this room proves.
    if name == "HttpTarget":
        from launchworthy.evals.http import HttpTarget

        return HttpTarget
    raise AttributeError(name)
