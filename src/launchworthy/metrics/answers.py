"""Whether an answer is given when it should be, how one declines, and what is cited.

May import this room, ``records`` and ``stats``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from launchworthy.metrics.estimators import MeanEstimator, ShareEstimator
from launchworthy.metrics.metric import CannotScore, Field, Metric
from launchworthy.metrics.passages import cited_ids
from launchworthy.metrics.scores import Scores
from launchworthy.records import Score
from launchworthy.stats import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "FAMILY",
    "answer_rate",
    "answer_was_right",
    "citation_correctness",
    "no_answer_action",
    "over_refusal",
    "refusal_correctness",
    "selective_risk",
    "under_refusal",
]

_REFUSAL_FIELDS = (
    Field("should_answer", "true where an answer should be given"),
    Field("answered", "true where one was given"),
)
_REFUSAL_CONVENTION = (
    "A 2×2 of should answer × did answer. The sample of refusal-correctness holds the four counts and both "
    "shares with their bounds. Over- and under-refusal are shares of one row each, so that a set with few "
    "unanswerable questions does not hide the second."
)
_CELLS = {
    (True, True): "answered_rightly",
    (True, False): "refused_wrongly",
    (False, True): "answered_wrongly",
    (False, False): "refused_rightly",
}


_WAYS = ("refuse", "defer", "ask", "route")
_OVER = ShareEstimator(hits=("refused_wrongly",), misses=("answered_rightly",))
_UNDER = ShareEstimator(hits=("answered_wrongly",), misses=("refused_rightly",))
_RISK = ShareEstimator(hits=("answered_wrongly",), misses=("answered_rightly",))


@dataclass(frozen=True, slots=True)
class _Tabled:
    """Mean of yes or no, with the table it sums up in the sample: the count of each of its cells, and the
    shares that ``shares`` names with their bounds."""

    cells: tuple[str, ...] = ()
    shares: tuple[tuple[str, ShareEstimator], ...] = ()

    def interval(
        self, scores: Scores, *, level: float, sides: int, clusters: Sequence[Hashable] | None
    ) -> Interval | None:
        found = MeanEstimator().interval(scores, level=level, sides=sides, clusters=clusters)
        if found is None:
            return None
        cells = self.cells or tuple(sorted(scores.names))
        table: dict[str, float | int | None] = {cell: round(scores.total(cell)) for cell in cells}
        for name, estimator in self.shares:
            share = estimator.interval(scores, level=level, sides=sides, clusters=clusters)
            table[name] = None if share is None else share.value
            table[f"{name}_low"] = None if share is None else share.low
            table[f"{name}_high"] = None if share is None else share.high
        return replace(found, sample={**found.sample, **table})

    def difference(
        self,
        baseline: Scores,
        candidate: Scores,
        *,
        level: float,
        sides: int,
        clusters: Sequence[Hashable] | None,
    ) -> Interval | None:
        return MeanEstimator().difference(baseline, candidate, level=level, sides=sides, clusters=clusters)

    def each(self, scores: Scores) -> NDArray[np.float64]:
        return scores.value


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
        estimator=_OVER,
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
        estimator=_UNDER,
        higher_is_better=False,
        convention=_REFUSAL_CONVENTION,
        source="SQuAD 2.0, unanswerable questions (Rajpurkar et al., 2018)",
    )


def selective_risk() -> Metric:
    """Wrong answers among those given."""

    def read(row: Mapping[str, Any]) -> Score:
        did = _flag(row, "answered")
        right = _flag(row, "should_answer" if row.get("correct") is None else "correct")
        return Score(value=float(did and not right), statistics={_CELLS[right, did]: 1.0})

    return Metric(
        name="selective-risk",
        doc="Share of the answers given that are wrong.",
        fields=(
            Field("answered", "true where an answer was given"),
            Field("correct", "true where the answer is right, or would have been", required=False),
            Field("should_answer", "where `correct` is not known: true where one is due", required=False),
        ),
        read=read,
        estimator=_RISK,
        higher_is_better=False,
        convention=(
            "A refusal does not enter, so that refusing more lowers it: read it beside answer-rate. Where "
            "only `should_answer` is known, an answer is wrong where none was due, and else taken as right."
        ),
        source="Selective risk (El-Yaniv and Wiener, JMLR 2010)",
        any_of=("correct", "should_answer"),
    )


def answer_rate() -> Metric:
    """Questions that get an answer."""

    def read(row: Mapping[str, Any]) -> Score:
        return Score(value=float(_flag(row, "answered")))

    return Metric(
        name="answer-rate",
        doc="Share of the questions that were answered.",
        fields=(Field("answered", "true where an answer was given"),),
        read=read,
        estimator=MeanEstimator(),
        convention="Of all questions, whether one was due or not.",
        source="Coverage of a selective classifier (El-Yaniv and Wiener, JMLR 2010)",
    )


def answer_was_right(score: Score) -> bool | None:
    """Whether an answer is right, or would have been, by a metric of answers and refusals; else None."""
    for (right, _), cell in _CELLS.items():
        if score.statistics.get(cell):
            return right
    return None


def refusal_correctness() -> Metric:
    """Agreement of should answer and did answer."""
    return Metric(
        name="refusal-correctness",
        doc="Share of questions that were answered when they should be, and not when they should not.",
        fields=_REFUSAL_FIELDS,
        read=_refusal,
        estimator=_Tabled(tuple(_CELLS.values()), (("over_refusal", _OVER), ("under_refusal", _UNDER))),
        convention=_REFUSAL_CONVENTION,
        source="Accuracy of the 2×2 table",
    )


def no_answer_action() -> Metric:
    """Declining in the way that was due."""

    def read(row: Mapping[str, Any]) -> Score:
        expected = _ways(row.get("expected_no_answer"))
        did = _did(row)
        right = did in expected
        return Score(value=float(right), statistics={f"{did if right else expected[0]} → {did}": 1.0})

    return Metric(
        name="no-answer-action",
        doc="Share of the questions to be declined that were declined in the way that was due.",
        fields=(
            Field("expected_no_answer", "the way that is due, or a list of ways: refuse, defer, ask, route"),
            Field("no_answer", "how it declined: refuse, defer, ask or route", required=False),
            Field(
                "answered", "true where an answer was given after all, which counts as wrong", required=False
            ),
        ),
        read=read,
        estimator=_Tabled(),
        convention=(
            "The sample counts each way due → way taken; an answer given is the way `answered`. A row that "
            "declines without saying how cannot be scored."
        ),
        source="Accuracy over the rows that have a way due",
        any_of=("expected_no_answer",),
    )


def _ways(expected: Any) -> list[str]:
    ways = expected if isinstance(expected, (list, tuple)) else [expected]
    if (
        not ways
        or any(way not in _WAYS for way in ways if isinstance(way, str))
        or not all(isinstance(way, str) for way in ways)
    ):
        raise CannotScore("field 'expected_no_answer' is missing or none of refuse, defer, ask, route")
    return [*ways]


def _did(row: Mapping[str, Any]) -> str:
    way, answered = row.get("no_answer"), row.get("answered")
    if isinstance(way, str):
        if way not in _WAYS:
            raise CannotScore(f"field 'no_answer' is {way[:40]!r}, none of refuse, defer, ask, route")
        return way
    if answered is True or (answered is None and way is False):
        return "answered"
    raise CannotScore("nothing says how it declined: field 'no_answer' is missing")


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
        right = set(cited_ids(supported, "supported"))
        cited = set(cited_ids(row.get("citations"), "citations"))
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


FAMILY: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...]]] = {
    "citation-correctness": (citation_correctness, ()),
    "over-refusal": (over_refusal, ()),
    "under-refusal": (under_refusal, ()),
    "refusal-correctness": (refusal_correctness, ()),
    "selective-risk": (selective_risk, ()),
    "answer-rate": (answer_rate, ()),
    "no-answer-action": (no_answer_action, ()),
}
