"""Whether an answer is given when it should be, and cites what supports it. May import ``records``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from launchworthy.metrics.estimators import MeanEstimator, ShareEstimator
from launchworthy.metrics.metric import CannotScore, Field, Metric
from launchworthy.records import Score

__all__ = ["FAMILY", "citation_correctness", "over_refusal", "refusal_correctness", "under_refusal"]

_REFUSAL_FIELDS = (
    Field("should_answer", "true where an answer should be given"),
    Field("answered", "true where one was given"),
)
_REFUSAL_CONVENTION = (
    "A 2×2 of should answer × did answer; the four counts are in the sample. Over- and under-refusal are "
    "shares of one row each, so that a set with few unanswerable questions does not hide the second."
)
_CELLS = {
    (True, True): "answered_rightly",
    (True, False): "refused_wrongly",
    (False, True): "answered_wrongly",
    (False, False): "refused_rightly",
}


def _flag(row: Mapping[str, Any], name: str) -> bool:
    value = row.get(name)
    if isinstance(value, bool):
        return value
    if value in (0, 1):
        return bool(value)
    raise CannotScore(f"field {name!r} is missing or not true or false")


def _refusal(row: Mapping[str, Any]) -> Score:
    should, did = _flag(row, "should_answer"), _flag(row, "answered")
    return Score(value=float(should == did), statistics={_CELLS[should, did]: 1.0})


def over_refusal() -> Metric:
    """Refusals among what should be answered."""
    return Metric(
        name="over-refusal",
        doc="Share of the questions that should be answered that was not.",
        fields=_REFUSAL_FIELDS,
        read=_refusal,
        estimator=ShareEstimator(hits=("refused_wrongly",), misses=("answered_rightly",)),
        higher_is_better=False,
        convention=_REFUSAL_CONVENTION,
        source="XSTest (Röttger et al., 2024)",
    )


def under_refusal() -> Metric:
    """Answers among what should not be answered."""
    return Metric(
        name="under-refusal",
        doc="Share of the questions that should not be answered that was.",
        fields=_REFUSAL_FIELDS,
        read=_refusal,
        estimator=ShareEstimator(hits=("answered_wrongly",), misses=("refused_rightly",)),
        higher_is_better=False,
        convention=_REFUSAL_CONVENTION,
        source="SQuAD 2.0, unanswerable questions (Rajpurkar et al., 2018)",
    )


def refusal_correctness() -> Metric:
    """Agreement of should answer and did answer."""
    return Metric(
        name="refusal-correctness",
        doc="Share of questions that were answered when they should be, and not when they should not.",
        fields=_REFUSAL_FIELDS,
        read=_refusal,
        estimator=MeanEstimator(),
        convention=_REFUSAL_CONVENTION,
        source="Accuracy of the 2×2 table",
    )


def citation_correctness() -> Metric:
    """Share of an answer's citations that support it."""

    def read(row: Mapping[str, Any]) -> Score:
        if row.get("answered") is False:
            raise CannotScore("no answer was given, so nothing was cited")
        supported = row.get("supported")
        if supported is None:
            supported = row.get("relevant")
        if isinstance(supported, Mapping):
            supported = [name for name, gain in supported.items() if _positive(gain)]
        right = _ids(supported, "supported")
        cited = _ids(row.get("citations"), "citations")
        if not cited:
            if not right:
                raise CannotScore("nothing was cited and nothing could be")
            return Score(value=0.0, statistics={"total": 0.0, "items": 1.0, "uncited": 1.0})
        value = len(cited & right) / len(cited)
        return Score(
            value=value,
            statistics={"total": value, "items": 1.0},
            detail={"unsupported": sorted(cited - right)},
        )

    return Metric(
        name="citation-correctness",
        doc="Share of an answer's citations that support it, averaged over answers.",
        fields=(
            Field("citations", "list of the ids that the answer cites"),
            Field("supported", "list (or mapping id → gain) of the ids that support it; else `relevant`"),
            Field("answered", "false where no answer was given: such a row is not scored", required=False),
        ),
        read=read,
        estimator=MeanEstimator(),
        convention=(
            "Citation precision by answer. An answer that cites nothing where there is something to cite "
            "counts 0; the same id cited twice counts once."
        ),
        source="ALCE citation precision (Gao et al., 2023), with ids judged instead of entailment",
    )


def _positive(gain: Any) -> bool:
    if isinstance(gain, bool) or not isinstance(gain, (int, float)):
        raise CannotScore("a gain in 'supported' is not a number")
    return gain > 0


def _ids(value: Any, name: str) -> set[str]:
    if not isinstance(value, (list, tuple)) or any(
        isinstance(item, bool) or not isinstance(item, (str, int)) for item in value
    ):
        raise CannotScore(f"field {name!r} is missing or not a list of ids")
    return {str(item) for item in value}


FAMILY: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...]]] = {
    "citation-correctness": (citation_correctness, ()),
    "over-refusal": (over_refusal, ()),
    "under-refusal": (under_refusal, ()),
    "refusal-correctness": (refusal_correctness, ()),
}
