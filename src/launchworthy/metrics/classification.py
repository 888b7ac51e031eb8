"""Decisions and probabilities against labels. May import this room, ``errors`` and ``records``.

Labels and predictions are compared as text, so that 1, true and "1" are one class. Two-class metrics need to
know the positive class: an option ``positive``, else 1 or true.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from launchworthy.metrics.discrimination import AucEstimator, AveragePrecisionEstimator
from launchworthy.metrics.estimators import MeanEstimator, ShareEstimator
from launchworthy.metrics.metric import CannotScore, Estimator, Field, Metric
from launchworthy.records import Score

__all__ = ["FAMILY", "accuracy", "brier", "classified", "log_loss", "ranked_by_score"]

_LABEL = Field("label", "the true class: text, number or true/false")
_PREDICTION = Field("prediction", "the class decided; else from `score`", required=False)
_SCORE = Field("score", "probability of the positive class, or a mapping class → probability")
_DECIDED = "Without `prediction`, the class is the likeliest of a mapping, or positive from `score` 0.5 on."


def _class(value: Any, field: str) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (str, int, float)):
        return str(value)
    raise CannotScore(f"field {field!r} is missing or not a class")


def _probability(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value <= 1.0:
        raise CannotScore("field 'score' is missing or not a probability from 0 to 1")
    return float(value)


def _mapping(score: Mapping[Any, Any]) -> dict[str, float]:
    chances = {_class(name, "score"): _probability(chance) for name, chance in score.items()}
    if not chances or abs(math.fsum(chances.values()) - 1.0) > 1e-3:
        raise CannotScore("the probabilities in 'score' do not add up to 1")
    return chances


def _is_positive(label: str, positive: str | None) -> bool:
    if positive is not None:
        return label == positive
    if label.lower() in ("1", "true"):
        return True
    if label.lower() in ("0", "false"):
        return False
    raise CannotScore(f"the label {label[:80]!r} is neither 0 nor 1; name the positive class")


def _decision(row: Mapping[str, Any], positive: str | None) -> str:
    if row.get("prediction") is not None:
        return _class(row["prediction"], "prediction")
    score = row.get("score")
    if isinstance(score, Mapping):
        chances = _mapping(score)
        return min(chances, key=lambda name: (-chances[name], name))
    if score is None:
        raise CannotScore("neither 'prediction' nor 'score' is there")
    return (
        (positive or "1") if _probability(score) >= 0.5 else ("0" if positive is None else f"not {positive}")
    )


def _true_or_false(text: str) -> str:
    return {"true": "1", "false": "0"}.get(text.lower(), text)


def _options(positive: str | None) -> dict[str, str]:
    return {} if positive is None else {"positive": positive}


def accuracy(*, positive: str | None = None) -> Metric:
    """Share of predictions that are the label."""

    def read(row: Mapping[str, Any]) -> Score:
        label = _class(row.get("label"), "label")
        if row.get("prediction") is None and not isinstance(row.get("score"), Mapping):
            said = _is_positive(_decision(row, positive), positive)
            value = float(said == _is_positive(label, positive))
        else:
            value = float(_true_or_false(_decision(row, positive)) == _true_or_false(label))
        return Score(value=value, statistics={"total": value, "items": 1.0})

    return Metric(
        name="accuracy",
        doc="Share of predictions that are the label; any number of classes.",
        fields=(_LABEL, _PREDICTION, Field(_SCORE.name, _SCORE.doc, required=False)),
        read=read,
        estimator=MeanEstimator(),
        convention=_DECIDED,
        source="sklearn.metrics.accuracy_score",
        options=_options(positive),
    )


_TABLE: Mapping[str, tuple[str, ShareEstimator, str]] = {
    "precision": (
        "Share of those predicted positive that are.",
        ShareEstimator(hits=("tp",), misses=("fp",)),
        "Nothing predicted positive: not measured (sklearn: 0 with a warning).",
    ),
    "recall": (
        "Share of the positives that was predicted so.",
        ShareEstimator(hits=("tp",), misses=("fn",)),
        "No positives: not measured (sklearn: 0 with a warning).",
    ),
    "f1": (
        "Harmonic mean of precision and recall of the positive class.",
        ShareEstimator(hits=("tp",), misses=("fp", "fn"), harmonic=True),
        "Neither positives nor positive predictions: not measured. Bounds are those of tp/(tp+fp+fn), exact, "
        "carried through F1 = 2s/(1+s).",
    ),
}


def classified(name: str, *, positive: str | None = None) -> Metric:
    """Precision, recall or F1 of the positive class."""
    doc, estimator, convention = _TABLE[name]

    def read(row: Mapping[str, Any]) -> Score:
        truth = _is_positive(_class(row.get("label"), "label"), positive)
        decision = _decision(row, positive)
        said = decision == positive if positive is not None else _is_positive(decision, None)
        cell = {(True, True): "tp", (True, False): "fn", (False, True): "fp", (False, False): "tn"}
        return Score(value=float(truth == said), statistics={cell[truth, said]: 1.0})

    return Metric(
        name=name,
        doc=doc,
        fields=(_LABEL, _PREDICTION, Field(_SCORE.name, _SCORE.doc, required=False)),
        read=read,
        estimator=estimator,
        convention=f"{convention} {_DECIDED}",
        source=f"sklearn.metrics.{name}_score" if name != "f1" else "sklearn.metrics.f1_score",
        options=_options(positive),
    )


def _with_score(row: Mapping[str, Any], positive: str | None) -> tuple[bool, float]:
    truth = _is_positive(_class(row.get("label"), "label"), positive)
    score = row.get("score")
    if isinstance(score, Mapping):
        chances = _mapping(score)
        named = positive if positive is not None else next((n for n in ("1", "true") if n in chances), None)
        if named is None or named not in chances:
            raise CannotScore("the mapping in 'score' does not hold the positive class")
        return truth, chances[named]
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not math.isfinite(score):
        raise CannotScore("field 'score' is missing or not a number")
    return truth, float(score)


_BY_SCORE: Mapping[str, tuple[str, Callable[[], Estimator], str, str]] = {
    "roc-auc": (
        "Chance that a positive scores above a negative.",
        AucEstimator,
        "Ties count half (Mann-Whitney). One class only: not measured. Bounds by DeLong on the logit scale; "
        "perfect separation by Hoeffding's bound for the rarer class.",
        "DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988)",
    ),
    "average-precision": (
        "Area under precision against recall, as the order of the scores gives it.",
        AveragePrecisionEstimator,
        "Step-wise sum, equal scores taken together, no interpolation. No positives: not measured. Not for "
        "retrieval (see map), since what was not retrieved has no score.",
        "sklearn.metrics.average_precision_score",
    ),
}


def ranked_by_score(name: str, *, positive: str | None = None) -> Metric:
    """ROC AUC or average precision."""
    doc, estimator, convention, source = _BY_SCORE[name]

    def read(row: Mapping[str, Any]) -> Score:
        truth, score = _with_score(row, positive)
        return Score(value=score, statistics={"score": score, "positive": float(truth)})

    return Metric(
        name=name,
        doc=doc,
        fields=(_LABEL, Field("score", "any number, higher for the positive class, or a mapping")),
        read=read,
        estimator=estimator(),
        convention=convention,
        source=source,
        options=_options(positive),
    )


def _chances(row: Mapping[str, Any], positive: str | None) -> tuple[dict[str, float], str]:
    """Probability by class, and the true class; two classes are named "1" and "0"."""
    label, score = _class(row.get("label"), "label"), row.get("score")
    if isinstance(score, Mapping):
        chances = {_true_or_false(name): chance for name, chance in _mapping(score).items()}
        return chances, _true_or_false(label)
    chance = _probability(score)
    return {"1": chance, "0": 1.0 - chance}, "1" if _is_positive(label, positive) else "0"


def brier(*, positive: str | None = None) -> Metric:
    """Mean squared error of the probabilities."""

    def read(row: Mapping[str, Any]) -> Score:
        chances, truth = _chances(row, positive)
        missed = 1.0 if truth not in chances else 0.0
        squares = [(chance - (name == truth)) ** 2 for name, chance in chances.items()]
        value = min(1.0, 0.5 * (math.fsum(squares) + missed))
        return Score(value=value, statistics={"total": value, "items": 1.0})

    return Metric(
        name="brier",
        doc="Mean squared error of the probabilities; 0 is best, 0.25 is a coin.",
        fields=(_LABEL, _SCORE),
        read=read,
        estimator=MeanEstimator(unit=""),
        unit="",
        higher_is_better=False,
        convention="Half the sum over classes, so that two classes give the usual (p − y)², and 1 is worst.",
        source="sklearn.metrics.brier_score_loss(scale_by_half=True)",
        options=_options(positive),
    )


def log_loss(*, positive: str | None = None) -> Metric:
    """Mean negative logarithm of the probability of the truth."""
    least = sys.float_info.epsilon

    def read(row: Mapping[str, Any]) -> Score:
        chances, truth = _chances(row, positive)
        value = -math.log(min(1.0 - least, max(least, chances.get(truth, 0.0))))
        return Score(value=value, statistics={"total": value, "items": 1.0})

    return Metric(
        name="log-loss",
        doc="Mean negative natural logarithm of the probability given to the true class.",
        fields=(_LABEL, _SCORE),
        read=read,
        estimator=MeanEstimator(bounds=(0.0, -math.log(least)), unit=""),
        unit="",
        higher_is_better=False,
        convention="Probabilities are clipped to 2.2e-16 from 0 and 1, as sklearn does.",
        source="sklearn.metrics.log_loss",
        options=_options(positive),
    )


_POSITIVE = ("positive",)
FAMILY: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...]]] = {
    "accuracy": (accuracy, _POSITIVE),
    "precision": (partial(classified, "precision"), _POSITIVE),
    "recall": (partial(classified, "recall"), _POSITIVE),
    "f1": (partial(classified, "f1"), _POSITIVE),
    "roc-auc": (partial(ranked_by_score, "roc-auc"), _POSITIVE),
    "average-precision": (partial(ranked_by_score, "average-precision"), _POSITIVE),
    "brier": (brier, _POSITIVE),
    "log-loss": (log_loss, _POSITIVE),
}
