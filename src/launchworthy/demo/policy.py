"""When the assistant does not answer: a confidence from the strength of the evidence, and a threshold.

Pure; may import ``errors`` and this room. The numbers stand in a file of the product, which is part of its
release; ``python -m launchworthy.demo.calibration`` finds them on the dev split of the gold set.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError

__all__ = ["Policy", "read_policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A logistic model of "the documents can answer this", and where to stop answering.

    Attributes:
        intercept: Log-odds without any signal.
        weights: Signal of a retriever → log-odds for each unit of it.
        threshold: Least confidence, 0 to 1, at which an answer is given.
        evidence: What its file says of the threshold, as ``launchworthy threshold --out`` writes it.
    """

    intercept: float
    weights: Mapping[str, float]
    threshold: float
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def confidence(self, signals: Mapping[str, float]) -> float:
        """Probability that the documents can answer; 0 where nothing was found."""
        if not signals:
            return 0.0
        odds = self.intercept + sum(w * signals.get(name, 0.0) for name, w in self.weights.items())
        return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, odds))))

    def as_json(self) -> str:
        """The text of its file."""
        model = {"intercept": self.intercept, "weights": dict(self.weights), "threshold": self.threshold}
        return json.dumps(model | dict(self.evidence), indent=2, ensure_ascii=False) + "\n"


def read_policy(path: Path) -> Policy:
    """Read a policy's file.

    Raises:
        InputError: Not readable, or not such a policy.
    """
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        policy = Policy(
            intercept=_number(read["intercept"]),
            weights={str(name): _number(weight) for name, weight in dict(read["weights"]).items()},
            threshold=_number(read["threshold"]),
            evidence={name: read[name] for name in read if name not in ("intercept", "weights", "threshold")},
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"the policy cannot be read: {type(error).__name__}: {error}",
            where=str(path),
            hint="it has intercept, weights and threshold; see `python -m launchworthy.demo.calibration`",
        ) from error
    if not 0.0 <= policy.threshold <= 1.0:
        raise InputError(f"a threshold of {policy.threshold} is not between 0 and 1", where=str(path))
    return policy


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(float(value)):
        raise ValueError(f"{value!r} is not a number")
    return float(value)
