"""What a judge's scores of a run prove, once people's labels have corrected them. Pure; times are aware.

May import ``contract``, ``evidence``, ``metrics``, ``records``, ``stats`` and this room. A judge's own mean
never proves anything: without a calibration of this very version, with the agreement that the contract asks
for, a claim stays unproven, and the piece says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from launchworthy.contract import Claim, ClaimKind
from launchworthy.errors import InputError
from launchworthy.evals.comparison import clusters_of
from launchworthy.evals.judging.differences import judged_difference
from launchworthy.evals.judging.grading import YES_NO
from launchworthy.evals.judging.judged import Judged
from launchworthy.evals.judging.people import People
from launchworthy.evals.run_evidence import Holdout, RunContext, is_asked_for, slices_of, worst_items
from launchworthy.evidence import Evidence, State
from launchworthy.evidence.claim_status import status
from launchworthy.evidence.judgement import MAX_UNSCORED_SHARE
from launchworthy.quantity import format_value
from launchworthy.records import Run, RunItem, Score
from launchworthy.stats import Interval, corrected_mean

__all__ = ["Graded", "bounds_of", "calibration_of", "judged_evidence", "told_of"]

_NAN = float("nan")


def calibration_of(
    judged: Judged, evidence: Iterable[Evidence], *, now: datetime
) -> tuple[Evidence | None, str]:
    """The calibration that holds for this judge, and else why none does."""
    name, version = judged.judge.name, judged.judge.version
    known = [
        piece
        for piece in evidence
        if piece.claim == judged.agreement.address and isinstance(piece.detail.get("judge"), Mapping)
    ]
    if not known:
        return None, f"the judge {name} was never calibrated with people's labels"
    known.sort(key=lambda piece: piece.observed_at)
    own = [piece for piece in known if piece.detail["judge"].get("version") == version.id]
    if not own:
        parts = known[-1].detail["judge"].get("parts")
        changed = version.changed(parts if isinstance(parts, Mapping) else {})
        return None, f"the judge {name} was calibrated as another version: changed since, {_listed(changed)}"
    found = status(judged.agreement, own, release=None, now=now)
    if found.state is not State.MET:
        return None, f"the agreement of {name} with people is {found.state.value}: {found.reason}"
    return own[-1], ""


def judged_evidence(
    claims: Iterable[Claim],
    run: Run,
    items: Sequence[RunItem],
    judgings: Mapping[str, Judged],
    *,
    calibrations: Sequence[Evidence],
    now: datetime,
    holdout: Holdout | None = None,
    baseline: tuple[Run, Sequence[RunItem]] | None = None,
) -> list[Evidence]:
    """One piece for every judged claim of a run that was judged; for "every slice", one for each slice.

    Args:
        claims: Claims of the contract.
        run: Header of the run; its scorers name what was judged, each by its version.
        items: Its items.
        judgings: What is judged and by whom, by address of the claim.
        calibrations: Evidence of the product; what speaks of the judges is looked for in it.
        now: When the measurement is made.
        holdout: Which items may prove something.
        baseline: Run and items to compare with, for claims of kind delta.
    """
    holdout = holdout or Holdout()
    proving = [item for item in items if holdout.ids is None or item.item_id in holdout.ids]
    found = []
    for claim in claims:
        judged = judgings.get(claim.address)
        if judged is None or judged.metric.signature not in run.scorers:
            continue
        context = RunContext(claim=claim, run=run, metric=judged.metric, now=now, holdout=holdout)
        calibration, objection = calibration_of(judged, calibrations, now=now)
        people = People.of(judged, calibrations)
        for slice_ in slices_of(claim, proving, judged.metric):
            part = [item for item in proving if slice_ is None or slice_ in item.slices]
            if claim.kind is not ClaimKind.DELTA:
                found.append(_measured(context, judged, slice_, part, people, calibration, objection))
            elif baseline is not None and is_asked_for(claim, baseline[0]):
                found.append(
                    _compared(context, judged, slice_, part, *baseline, people, calibration, objection)
                )
    return found


class Graded:
    """Items of one part by what the judge's version made of them."""

    def __init__(self, items: Sequence[RunItem], judged: Judged) -> None:
        self.scored: list[tuple[RunItem, Score]] = []
        self.reasons: Counter[str] = Counter()
        self.outside = 0
        version = judged.judge.version.id
        for item in items:
            score = item.scores.get(judged.metric.name)
            if item.error is not None:
                self.reasons[f"no answer: {item.error[:120]}"] += 1
            elif score is None:
                self.outside += 1
            elif score.value is None:
                self.reasons[(score.error or "no grade")[:120]] += 1
            elif score.detail.get("judge") != version:
                self.reasons["judged by another version of the judge"] += 1
            else:
                self.scored.append((item, score))

    @property
    def too_many(self) -> str:
        """Why the rest cannot speak for all; empty where it can."""
        lost, tried = self.reasons.total(), self.reasons.total() + len(self.scored)
        if not lost or lost / tried <= MAX_UNSCORED_SHARE:
            return ""
        share, most = (format_value(each, unit="ratio") for each in (lost / tried, MAX_UNSCORED_SHARE))
        return (
            f"{lost:,} of {tried:,} items have no grade ({share}; at most {most} may be missing): "
            f"{self.reasons.most_common(1)[0][0]}"
        )


def _measured(
    context: RunContext,
    judged: Judged,
    slice_: str | None,
    items: Sequence[RunItem],
    people: People,
    calibration: Evidence | None,
    objection: str,
) -> Evidence:
    graded = Graded(items, judged)
    scores = [score for _, score in graded.scored]
    raw = context.metric.estimate(
        scores, level=context.claim.confidence, clusters=clusters_of([item for item, _ in graded.scored])
    )
    detail = told_of(judged, calibration, graded, raw, items=len(items))
    detail["worst"] = worst_items(context.metric, graded.scored)
    interval, reason = None, graded.too_many or objection
    if not reason and not scores:
        reason = "the judge graded none of its items"
    if not reason and calibration is not None:
        try:
            interval = _corrected(context, judged, graded, people, calibration)
        except InputError as error:
            reason = error.message
    if reason:
        detail["reason"] = reason
    # Bounds rest on the labels, not on the items: what had no grade was held against the items above.
    return context.evidence(slice_, interval, unit_of_analysis="item", detail=detail)


def told_of(
    judged: Judged, calibration: Evidence | None, graded: Graded, raw: Interval | None, *, items: int
) -> dict[str, Any]:
    """What every piece says of the judge, its version, and how many items it graded."""
    detail: dict[str, Any] = {
        "judge": judged.judge.name,
        "judge_version": judged.judge.version.id,
        "judge_parts": dict(judged.judge.version.parts),
        "calibration": None if calibration is None else calibration.id,
        "items": items,
        "graded": len(graded.scored),
        "ungraded": graded.reasons.total(),
        "outside": graded.outside,
    }
    if calibration is None:
        # What a verdict tells people to do next.
        detail["next"] = f"launchworthy judge calibrate {judged.judge.name} --labels FILE"
    if graded.reasons:
        detail["unscored_because"] = dict(graded.reasons.most_common(5))
    if raw is not None:
        detail["raw"] = {"value": raw.value, "low": raw.low, "high": raw.high, "n": raw.n}
    return detail


def _corrected(
    context: RunContext, judged: Judged, graded: Graded, people: People, calibration: Evidence
) -> Interval:
    """The mean that people would have given, by labels of this run's items, else by the judge's errors."""
    own = people.of_run(context.run)
    values = [_value(score) for _, score in graded.scored]
    known = [judged.label(own.get(item.item_id)) for item, _ in graded.scored]
    items = [item for item, _ in graded.scored]
    if sum(label == label for label in known) >= 2:
        return corrected_mean(
            values,
            human=known,
            level=context.claim.confidence,
            sides=1,
            clusters=clusters_of(items),
            bounds=bounds_of(judged),
            unit=context.metric.unit,
        )
    if judged.judge.scale is not YES_NO:
        raise InputError(
            "no item of this run is labelled by people, and errors on a scale cannot be carried over",
            hint="draw some with: launchworthy judge sample",
        )
    pairs = [
        (float(judge), float(human))
        for judge, human, count in calibration.detail["pairs"]
        for _ in range(count)
    ]
    clusters = own_clusters = clusters_of(items)
    if own_clusters is not None:
        clusters = [*(f"\0label {number}" for number in range(len(pairs))), *own_clusters]
    found = corrected_mean(
        [*(judge for judge, _ in pairs), *values],
        human=[*(human for _, human in pairs), *([_NAN] * len(values))],
        level=context.claim.confidence,
        sides=1,
        clusters=clusters,
        at_random=False,
        unit=context.metric.unit,
    )
    # The mean is that of these items; how many labels told the judge's errors stands in the sample.
    return replace(found, n=len(values if own_clusters is None else set(own_clusters)))


def _compared(
    context: RunContext,
    judged: Judged,
    slice_: str | None,
    items: Sequence[RunItem],
    baseline: Run,
    baseline_items: Sequence[RunItem],
    people: People,
    calibration: Evidence | None,
    objection: str,
) -> Evidence:
    before = {item.item_id: item for item in baseline_items}
    graded = Graded(items, judged)
    other = Graded([before[item.item_id] for item in items if item.item_id in before], judged)
    old = {item.item_id: _value(score) for item, score in other.scored}
    pairs = [(item, old[item.item_id], _value(score)) for item, score in graded.scored if item.item_id in old]
    detail = told_of(judged, calibration, graded, None, items=len(items))
    detail |= {"baseline_run": baseline.id, "baseline_release": baseline.release, "pairs": len(pairs)}
    interval, reason = None, graded.too_many or other.too_many or objection
    if not reason and not pairs:
        reason = "the judge graded no item of both runs"
    if not reason:
        try:
            interval = judged_difference(
                judged,
                pairs,
                baseline=(baseline, people.of_run(baseline)),
                candidate=(context.run, people.of_run(context.run)),
                level=context.claim.confidence,
                bounds=bounds_of(judged),
            )
        except InputError as error:
            reason = error.message
    if reason:
        detail["reason"] = reason
    return context.evidence(slice_, interval, unit_of_analysis="item", detail=detail)


def bounds_of(judged: Judged) -> tuple[float, float]:
    """Of the metric's scale."""
    grades = judged.judge.scale.grades
    return (0.0, 1.0) if judged.metric.unit else (grades[0], grades[-1])


def _value(score: Score) -> float:
    return _NAN if score.value is None else score.value


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names) or "nothing that is known"
