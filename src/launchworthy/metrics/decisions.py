"""The true class, the class decided and its probability, of a row or of whole columns.

May import this room and ``records``. Classes are compared as text, so that 1, true and "1" are one class.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from launchworthy.metrics.columns import Column, Columns, by_distinct
from launchworthy.metrics.metric import CannotScore, Field, scored
from launchworthy.metrics.scores import Scores
from launchworthy.records import Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "DECIDED",
    "LABEL",
    "PREDICTION",
    "PROBABILITY",
    "chances_of",
    "class_of",
    "decided_columns",
    "decision_of",
    "is_positive",
    "named",
    "probability_of",
    "read_chance",
    "scored_columns",
    "true_or_false",
    "truth_and_decision",
]

LABEL = Field("label", "the true class: text, number or true/false")
PREDICTION = Field("prediction", "the class decided; else from `score`", required=False)
PROBABILITY = Field("score", "probability of the positive class, or a mapping class → probability")
DECIDED = "Without `prediction`, the class is the likeliest of a mapping, or positive from `score` 0.5 on."
_NO_CHANCE = "field 'score' is missing or not a probability from 0 to 1"


def class_of(value: Any, field: str) -> str:
    """The name of a class."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    raise CannotScore(f"field {field!r} is missing or not a class")


def probability_of(value: Any) -> float:
    """A probability."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value <= 1.0:
        raise CannotScore(_NO_CHANCE)
    return float(value)


def chances_of(score: Mapping[Any, Any]) -> dict[str, float]:
    """A mapping class → probability."""
    chances = {class_of(name, "score"): probability_of(chance) for name, chance in score.items()}
    if not chances or abs(math.fsum(chances.values()) - 1.0) > 1e-3:
        raise CannotScore("the probabilities in 'score' do not add up to 1")
    return chances


def is_positive(label: str, positive: str | None) -> bool:
    """Whether a class is the positive one: the one named, else 1 or true."""
    if positive is not None:
        return label == positive
    if label.lower() in ("1", "true"):
        return True
    if label.lower() in ("0", "false"):
        return False
    raise CannotScore(f"the label {label[:80]!r} is neither 0 nor 1; name the positive class")


def decision_of(row: Mapping[str, Any], positive: str | None) -> str:
    """The class decided."""
    if row.get("prediction") is not None:
        return class_of(row["prediction"], "prediction")
    score = row.get("score")
    if isinstance(score, Mapping):
        chances = chances_of(score)
        return min(chances, key=lambda name: (-chances[name], name))
    if score is None:
        raise CannotScore("neither 'prediction' nor 'score' is there")
    if probability_of(score) >= 0.5:
        return positive or "1"
    return "0" if positive is None else f"not {positive}"


def true_or_false(text: str) -> str:
    """The class, with true and false as 1 and 0."""
    return {"true": "1", "false": "0"}.get(text.lower(), text)


def truth_and_decision(row: Mapping[str, Any]) -> tuple[str, str]:
    """The true class and the one decided, of any number of classes."""
    label, said = class_of(row.get("label"), "label"), decision_of(row, None)
    if row.get("prediction") is None and not isinstance(row.get("score"), Mapping):
        is_positive(label, None)  # a probability alone decides between 1 and 0
    return true_or_false(label), true_or_false(said)


def named(positive: str | None) -> dict[str, str]:
    """The option that names the positive class."""
    return {} if positive is None else {"positive": positive}


def decided_columns(
    read: Callable[[Mapping[str, Any]], Score], columns: Columns, *, fields: Sequence[str] = ("label",)
) -> Scores | None:
    """What ``read``, which looks at the decision and at ``fields``, says of every row.

    A probability decides by its half, so one on each side and one that is none stand for all.
    """
    import numpy as np

    fields = (*fields, "prediction")
    decided = columns.get("prediction")
    if decided is None or decided.missing is not None:
        fields = (*fields, "score")
        score = columns.get("score")
        if score is not None and score.is_number:
            chance = score.numbers()
            sides = np.where((chance >= 0.0) & (chance <= 1.0), np.floor(2.0 * chance.clip(0.0, 0.75)), 2.0)
            columns = {**columns, "score": Column(values=sides.astype(np.int64), missing=score.missing)}
    return by_distinct(partial(scored, read), columns, fields)


def read_chance(row: Mapping[str, Any], positive: str | None) -> tuple[bool, float]:
    """Whether the row is positive, and the probability that it was given."""
    truth = is_positive(class_of(row.get("label"), "label"), positive)
    return truth, probability_of(row.get("score"))


def scored_columns(
    columns: Columns,
    *,
    positive: str | None,
    allowed: Callable[[NDArray[np.float64]], NDArray[np.bool_]],
    reason: str = _NO_CHANCE,
) -> tuple[Scores, NDArray[np.float64]] | None:
    """Whether each row is positive (as ``value``), and its ``score``; None where rows must be read."""
    import numpy as np

    score = columns.get("score")
    if score is None or not score.is_number:
        return None

    def truth(row: Mapping[str, Any]) -> Score:
        return Score(value=float(is_positive(class_of(row.get("label"), "label"), positive)))

    truths = by_distinct(partial(scored, truth), columns, ("label",))
    if truths is None:
        return None
    numbers = score.numbers()
    good = allowed(numbers)
    if good.all():
        return truths, numbers
    errors = {
        at: truths.errors.get(at, reason) for at in np.flatnonzero(~good | ~(truths.value >= 0)).tolist()
    }
    return replace(truths, value=np.where(good, truths.value, np.nan), errors=errors), numbers
