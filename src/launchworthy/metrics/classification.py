"""Decisions against labels: accuracy, precision, recall, F1, what errors cost.

May import this room, ``errors``, ``quantity`` and ``records``. Two-class metrics need to know the positive
class: an option ``positive``, else 1 or true.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from launchworthy.errors import InputError
from launchworthy.metrics.columns import Columns
from launchworthy.metrics.decisions import (
    DECIDED,
    LABEL,
    PREDICTION,
    PROBABILITY,
    class_of,
    decided_columns,
    decision_of,
    is_positive,
    named,
    true_or_false,
    truth_and_decision,
)
from launchworthy.metrics.estimators import MeanEstimator, ShareEstimator
from launchworthy.metrics.metric import CannotScore, Estimator, Field, Metric
from launchworthy.metrics.scores import Scores
from launchworthy.metrics.table import TableEstimator, cell_of
from launchworthy.quantity import parse_quantity
from launchworthy.records import Score

__all__ = [
    "FAMILY",
    "accuracy",
    "averaged",
    "classified",
    "expected_cost",
    "of_classes",
    "selection_rate",
    "table_score",
]

_FIELDS = (LABEL, PREDICTION, Field(PROBABILITY.name, PROBABILITY.doc, required=False))


def accuracy(*, positive: str | None = None) -> Metric:
    """Share of predictions that are the label."""

    def read(row: Mapping[str, Any]) -> Score:
        label = class_of(row.get("label"), "label")
        if row.get("prediction") is None and not isinstance(row.get("score"), Mapping):
            said = is_positive(decision_of(row, positive), positive)
            value = float(said == is_positive(label, positive))
        else:
            value = float(true_or_false(decision_of(row, positive)) == true_or_false(label))
        return Score(value=value, statistics={"total": value, "items": 1.0})

    return Metric(
        name="accuracy",
        doc="Share of predictions that are the label; any number of classes.",
        fields=_FIELDS,
        read=read,
        estimator=MeanEstimator(),
        convention=DECIDED,
        source="sklearn.metrics.accuracy_score",
        options=named(positive),
        columns=partial(decided_columns, read),
    )


_TABLE: Mapping[str, tuple[str, ShareEstimator, str, str]] = {
    "precision": (
        "Share of those predicted positive that are.",
        ShareEstimator(hits=("tp",), misses=("fp",)),
        "Nothing predicted positive: not measured (sklearn: 0 with a warning).",
        "sklearn.metrics.precision_score",
    ),
    "recall": (
        "Share of the positives that was predicted so.",
        ShareEstimator(hits=("tp",), misses=("fn",)),
        "No positives: not measured (sklearn: 0 with a warning).",
        "sklearn.metrics.recall_score",
    ),
    "f1": (
        "Harmonic mean of precision and recall of the positive class.",
        ShareEstimator(hits=("tp",), misses=("fp", "fn"), harmonic=True),
        "Neither positives nor positive predictions: not measured. Bounds are those of tp/(tp+fp+fn), exact, "
        "carried through F1 = 2s/(1+s).",
        "sklearn.metrics.f1_score",
    ),
    "false-positive-rate": (
        "Share of the negatives that was predicted positive.",
        ShareEstimator(hits=("fp",), misses=("tn",)),
        "No negatives: not measured.",
        "1 − recall of the negative class, sklearn.metrics.recall_score(pos_label=0)",
    ),
}


def classified(name: str, *, positive: str | None = None) -> Metric:
    """A rate of the positive class."""
    doc, estimator, convention, source = _TABLE[name]

    def read(row: Mapping[str, Any]) -> Score:
        truth = is_positive(class_of(row.get("label"), "label"), positive)
        said = _said_positive(row, positive)
        cell = {(True, True): "tp", (True, False): "fn", (False, True): "fp", (False, False): "tn"}
        return Score(value=float(truth == said), statistics={cell[truth, said]: 1.0})

    return Metric(
        name=name,
        doc=doc,
        fields=_FIELDS,
        read=read,
        estimator=estimator,
        higher_is_better=name != "false-positive-rate",
        convention=f"{convention} {DECIDED}",
        source=source,
        options=named(positive),
        columns=partial(decided_columns, read),
    )


def _said_positive(row: Mapping[str, Any], positive: str | None) -> bool:
    decision = decision_of(row, positive)
    return decision == positive if positive is not None else is_positive(decision, None)


def selection_rate(*, positive: str | None = None) -> Metric:
    """Share predicted positive."""

    def read(row: Mapping[str, Any]) -> Score:
        value = float(_said_positive(row, positive))
        return Score(value=value, statistics={"total": value, "items": 1.0})

    return Metric(
        name="selection-rate",
        doc="Share predicted positive, whatever is true; what demographic parity compares.",
        fields=_FIELDS[1:],
        read=read,
        estimator=MeanEstimator(),
        convention=f"More is called better only so that a comparison has a direction. {DECIDED}",
        source="fairlearn.metrics.selection_rate",
        options=named(positive),
        columns=partial(decided_columns, read, fields=()),
    )


def table_score(row: Mapping[str, Any]) -> Score:
    """A row's cell in the table of truth by decision."""
    truth, said = truth_and_decision(row)
    return Score(value=float(truth == said), statistics={cell_of(truth, said): 1.0})


_AVERAGES: Mapping[str, str] = {
    "micro": "over all items, which is the accuracy",
    "macro": "every class that was true or predicted alike",
    "weighted": "every class by how often it is true",
}


def averaged(by_class: str, average: str) -> Metric:
    """Precision, recall or F1 averaged over any number of classes."""
    estimator: Estimator = MeanEstimator() if average == "micro" else TableEstimator(by_class, average)
    undefined = {
        "precision": "a class never predicted counts 0",
        "recall": "a class predicted and never true counts 0",
        "f1": "a class without hits counts 0",
    }
    return Metric(
        name=f"{average}-{by_class}",
        doc=f"{by_class.capitalize()} by class, averaged: {_AVERAGES[average]}.",
        fields=_FIELDS,
        read=table_score,
        estimator=estimator,
        convention=f"As sklearn, {undefined[by_class]}. {DECIDED}",
        source=f'sklearn.metrics.{by_class}_score(average="{average}")',
        columns=partial(decided_columns, table_score),
    )


def balanced_accuracy() -> Metric:
    """Mean recall of the classes."""
    return Metric(
        name="balanced-accuracy",
        doc="Mean of the recalls of all classes, each alike: a frequent class cannot hide a rare one.",
        fields=_FIELDS,
        read=table_score,
        estimator=TableEstimator("recall", "balanced"),
        convention=f"Classes that are never true are left out, and it is not adjusted for chance. {DECIDED}",
        source="sklearn.metrics.balanced_accuracy_score",
        columns=partial(decided_columns, table_score),
    )


def of_classes(by_class: str, *, average: str = "binary", positive: str | None = None) -> Metric:
    """Precision, recall or F1: of the positive class, or an average over all classes.

    Raises:
        InputError: No such average, or a positive class for one over all classes.
    """
    if average == "binary":
        return classified(by_class, positive=positive)
    if average not in _AVERAGES:
        raise InputError(
            f"average {average[:40]!r} is unknown", where="metric", hint=f"binary, {', '.join(_AVERAGES)}"
        )
    if positive is not None:
        raise InputError(f"a {average} average is over all classes and takes no positive one", where="metric")
    return averaged(by_class, average)


Costs = Mapping[str, Mapping[str, float]]


def expected_cost(*, costs: str | Mapping[str, Any] | None = None) -> Metric:
    """Mean cost of the decisions, by what was true and what was decided.

    Raises:
        InputError: The costs cannot be read, or are no table of costs.
    """
    table, unit = (None, "") if costs is None else _costs(costs)

    def read(row: Mapping[str, Any]) -> Score:
        truth, said = truth_and_decision(row)
        value = _cost(row.get("costs") if table is None else table, truth, said)
        return Score(value=value, statistics={"total": value, "items": 1.0})

    def columns(found: Columns) -> Scores | None:
        return None if table is None else decided_columns(read, found)

    every = [0.0] if table is None else [0.0, *(cost for row in table.values() for cost in row.values())]
    digest = hashlib.sha256(json.dumps([table, unit], sort_keys=True).encode()).hexdigest()[:12]
    return Metric(
        name="expected-cost",
        doc="Mean cost of the decisions under a table of costs: truth → decision → cost.",
        fields=(*_FIELDS, Field("costs", "the row's own table, unless the metric has one", required=False)),
        read=read,
        estimator=MeanEstimator(bounds=None if table is None else (min(every), max(every)), unit=unit),
        unit=unit,
        higher_is_better=False,
        convention=(
            'Option `costs` is JSON or a file: {"fraud": {"fine": "9 USD"}, "fine": {"fraud": "1 USD"}}. '
            "A right decision costs 0 unless it is named; any other must be. A gain is a negative cost. "
            f"{DECIDED}"
        ),
        source="Elkan, The Foundations of Cost-Sensitive Learning (IJCAI 2001)",
        options={} if table is None else {"costs": digest},
        columns=columns,
    )


def _cost(table: Any, truth: str, said: str) -> float:
    if not isinstance(table, Mapping):
        raise CannotScore("no costs: give them to the metric, or a field 'costs'")
    by_decision = table.get(truth, {})
    cost = by_decision.get(said, 0.0 if truth == said else None) if isinstance(by_decision, Mapping) else None
    if isinstance(cost, bool) or not isinstance(cost, (int, float)) or not math.isfinite(cost):
        raise CannotScore(f"no cost is given for {truth[:60]!r} decided as {said[:60]!r}")
    return float(cost)


def _costs(given: str | Mapping[str, Any]) -> tuple[Costs, str]:
    """The table and its unit, which is one for all."""
    raw: Any = given
    if isinstance(given, str):
        try:
            text = given if given.lstrip().startswith("{") else Path(given).read_text(encoding="utf-8")
            raw = json.loads(text)
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"the costs cannot be read: {error}", where="costs", hint=_COSTS_HINT) from error
    if not isinstance(raw, Mapping) or not raw or not all(isinstance(row, Mapping) for row in raw.values()):
        raise InputError("the costs are no table", where="costs", hint=_COSTS_HINT)
    table: dict[str, dict[str, float]] = {}
    units: set[str] = set()
    for truth, row in raw.items():
        for said, cost in row.items():
            try:
                quantity = parse_quantity(cost)
            except (TypeError, ValueError) as error:
                raise InputError(str(error), where=f"costs.{truth}.{said}", hint=_COSTS_HINT) from error
            units |= {quantity.unit} if quantity.value else set()
            table.setdefault(true_or_false(str(truth)), {})[true_or_false(str(said))] = quantity.value
    if len(units) > 1:
        raise InputError(
            f"costs are in {' and in '.join(sorted(u or 'no unit' for u in units))}", where="costs"
        )
    return table, units.pop() if units else ""


_COSTS_HINT = 'write truth → decision → cost: {"fraud": {"fine": 120}, "fine": {"fraud": 6}}'
_POSITIVE = ("positive",)
FAMILY: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...]]] = {
    "accuracy": (accuracy, _POSITIVE),
    "balanced-accuracy": (balanced_accuracy, ()),
    **{name: (partial(of_classes, name), ("average", *_POSITIVE)) for name in ("precision", "recall", "f1")},
    **{
        f"{average}-{name}": (partial(averaged, name, average), ())
        for name in ("precision", "recall", "f1")
        for average in _AVERAGES
    },
    "selection-rate": (selection_rate, _POSITIVE),
    "false-positive-rate": (partial(classified, "false-positive-rate"), _POSITIVE),
    "expected-cost": (expected_cost, ("costs",)),
}
