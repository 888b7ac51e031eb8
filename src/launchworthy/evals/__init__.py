"""Offline proof: targets, scorers, the engine that joins them, resume, and comparison with a baseline.

May import every room up to ``runtime``; a prover, so it never imports another prover.
"""

from typing import TYPE_CHECKING, Any

from launchworthy.evals.answer import Answer, read_answer
from launchworthy.evals.engine import Limits, Progress, evaluate
from launchworthy.evals.gold_evidence import gold_evidence
from launchworthy.evals.rows import row_of
from launchworthy.evals.scoring import FunctionScorer, Scorer
from launchworthy.evals.target import CallableTarget, Target, load_function

if TYPE_CHECKING:
    from launchworthy.evals.http import HttpTarget

__all__ = [
    "Answer",
    "CallableTarget",
    "FunctionScorer",
    "HttpTarget",
    "Limits",
    "Progress",
    "Scorer",
    "Target",
    "evaluate",
    "gold_evidence",
    "load_function",
    "read_answer",
    "row_of",
]


def __getattr__(name: str) -> Any:
    # The HTTP client is loaded by runs against an address, not by whoever asks what this room proves.
    if name == "HttpTarget":
        from launchworthy.evals.http import HttpTarget

        return HttpTarget
    raise AttributeError(name)
