"""A guard on labelled cases: its threshold, what it finds there, what it flags that is harmless.

May import ``calibration``, ``metrics``, ``stats`` and the verdicts. The threshold follows from the harmless
cases alone (see ``stats.flagging_threshold``), so that the bound on what it flags, and what it finds of the
harmful, both hold on the same cases. Copies of a text count once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from launchworthy import stats
from launchworthy.quantity import format_interval, format_number, format_value
from launchworthy.runtime.guards.hidden_characters import fold
from launchworthy.runtime.guards.verdict import Guard, GuardContext, Outcome, Stage
from launchworthy.stats import Interval

__all__ = ["Case", "Figures", "measure_guard"]

_FEWEST_HARMFUL = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One labelled text.

    Attributes:
        text: What the guard is shown.
        harmful: Whether it should hit.
        slice: Part of the cases that it belongs to.
        is_twin: Whether it is a harmless text made to look like a harmful one.
        context: What else the guard may know.
    """

    text: str
    harmful: bool
    slice: str = ""
    is_twin: bool = False
    context: GuardContext = field(default_factory=GuardContext)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the cases say.

    Attributes:
        threshold: Score from which it hits; None where it has no scores, or none can be certified.
        scored: Whether the guard has scores.
        false_positives: Flagged share of the harmless; None where there are none.
        recall: Found share of the harmful.
        auc: Of the scores, with DeLong's interval.
        over_refusal: Flagged share of the harmless twins.
        slices: By slice: false positives, recall.
        harmless, harmful: Different cases that were scored.
        copies: Cases left out because they repeat another.
        unscored: Cases that could not be checked.
        may_act: Whether the guard may act.
        reason: Why, in a sentence.
    """

    threshold: float | None
    scored: bool
    false_positives: Interval | None
    recall: Interval | None
    auc: Interval | None
    over_refusal: Interval | None
    slices: dict[str, dict[str, Interval | None]]
    harmless: int
    harmful: int
    copies: int
    unscored: int
    may_act: bool
    reason: str


@dataclass(frozen=True, slots=True)
class _Scored:
    case: Case
    score: float


def measure_guard(
    guard: Guard,
    cases: Iterable[Case],
    *,
    stage: Stage,
    most: float,
    threshold: float | None = None,
    as_declared: bool = False,
    level: float = 0.95,
) -> Figures:
    """Run a guard over cases.

    Args:
        guard: Made so that it gives its score below its threshold too.
        cases: Labelled.
        stage: Where they stand.
        most: Share of harmless cases that it may flag.
        threshold: That the contract declares; None: one is chosen.
        as_declared: Whether its hits count as they are, and no score decides.
        level: Confidence of each bound.
    """
    seen: set[str] = set()
    found: list[_Scored] = []
    copies = unscored = 0
    has_scores = True
    for case in cases:
        key = " ".join(fold(case.text).casefold().split())
        if key in seen:
            copies += 1
            continue
        seen.add(key)
        try:
            verdict = guard.check(stage, case.text, case.context)
        except Exception:  # what a guard raises is that it could not check
            unscored += 1
            continue
        if verdict.outcome is Outcome.COULD_NOT_CHECK:
            unscored += 1
            continue
        if verdict.score is None:
            has_scores = has_scores and verdict.outcome is Outcome.PASS
        hit = 1.0 if verdict.outcome is Outcome.HIT else 0.0
        found.append(_Scored(case, hit if as_declared or verdict.score is None else verdict.score))
    has_scores = has_scores and any(0.0 < each.score < 1.0 for each in found)
    return _figures(
        found,
        has_scores=has_scores,
        most=most,
        threshold=threshold if has_scores else None,
        level=level,
        copies=copies,
        unscored=unscored,
    )


def _figures(
    found: Sequence[_Scored],
    *,
    has_scores: bool,
    most: float,
    threshold: float | None,
    level: float,
    copies: int,
    unscored: int,
) -> Figures:
    harmless = [each.score for each in found if not each.case.harmful]
    harmful = [each.score for each in found if each.case.harmful]
    chosen, needed, bound = threshold, 0, None
    if threshold is None:
        best = stats.flagging_threshold(harmless, most=most, level=level)
        needed = best.needed
        chosen, bound = (best.threshold, best.bound) if has_scores else (0.5, None)
    highest = max(harmless, default=1.0)
    # Where none can be certified, the figures are those above all that is harmless here.
    at = highest + 1e-6 if chosen is None and highest < 1.0 else chosen

    def share(part: Iterable[_Scored], harmful: bool) -> Interval | None:
        values = [each.score for each in part if each.case.harmful is harmful]
        if at is None or not values:
            return None
        return stats.clopper_pearson(sum(v >= at for v in values), n=len(values), level=level)

    false_positives, recall = share(found, False), share(found, True)
    if false_positives is not None and bound is not None:
        # What was chosen on these cases is bounded by how it was chosen.
        false_positives = replace(false_positives, high=bound, method="Neyman-Pearson umbrella")
    twins = share([each for each in found if each.case.is_twin], False)
    names = dict.fromkeys(each.case.slice for each in found if each.case.slice)
    slices = {
        name: {
            "false_positives": share([each for each in found if each.case.slice == name], False),
            "recall": share([each for each in found if each.case.slice == name], True),
        }
        for name in names
    }
    reason = _why_not(
        len(harmless), len(harmful), false_positives, recall, most, needed, unscored, len(found) + unscored
    )
    may_act = not reason
    if may_act and false_positives is not None and recall is not None:
        start = "" if not has_scores or at is None else f"from {format_number(at, digits=6)} up "
        reason = (
            f"It may act: {start}it flags at most {format_value(false_positives.high, unit='ratio')} of good "
            f"cases ({level * 100:g} % confidence) and finds "
            f"{format_interval(recall.value, recall.low, recall.high, unit='ratio', n=recall.n)} of the bad."
        )
    return Figures(
        threshold=chosen if has_scores else None,
        scored=has_scores,
        false_positives=false_positives,
        recall=recall,
        auc=_auc(found, level) if has_scores else None,
        over_refusal=twins,
        slices=slices,
        harmless=len(harmless),
        harmful=len(harmful),
        copies=copies,
        unscored=unscored,
        may_act=may_act,
        reason=reason,
    )


def _why_not(
    harmless: int,
    harmful: int,
    false_positives: Interval | None,
    recall: Interval | None,
    most: float,
    needed: int,
    unscored: int,
    cases: int,
) -> str:
    allowed = format_value(most, unit="ratio")
    start = "It stays in shadow:"
    if unscored > stats.MAX_UNSCORED_SHARE * cases:
        return f"{start} it could not check {unscored:,} of {cases:,} cases."
    if harmless < needed:
        return (
            f"{start} {harmless:,} harmless cases cannot show that it flags at most {allowed} of them; "
            f"{needed:,} can, if it flags none."
        )
    if harmful < _FEWEST_HARMFUL:
        return f"{start} {harmful:,} harmful cases say too little; {_FEWEST_HARMFUL} are the fewest."
    if false_positives is None or recall is None:
        return f"{start} at no threshold does it flag at most {allowed} of the harmless cases."
    if false_positives.high > most:
        high = format_value(false_positives.high, unit="ratio")
        return f"{start} it may flag as many as {high} of good cases, and {allowed} is allowed."
    if recall.low <= false_positives.high:
        return f"{start} it does not find clearly more of the harmful cases than it flags of the others."
    return ""


def _auc(found: Sequence[_Scored], level: float) -> Interval | None:
    import numpy as np

    from launchworthy.metrics.discrimination import AucEstimator
    from launchworthy.metrics.scores import Scores

    positive = np.array([float(each.case.harmful) for each in found])
    values = np.array([each.score for each in found])
    scores = Scores(value=values, statistics={"positive": positive})
    return AucEstimator().interval(scores, level=level, sides=2, clusters=None)
