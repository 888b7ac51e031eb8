"""A judged metric: a judge and a quality claim of the contract made one. May import up to ``metrics``.

Its name holds the judge's, so that the same metric scored otherwise stands beside it; its signature holds the
judge's version, so that scores of two versions are never taken for the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from launchworthy.contract import Claim, ClaimKind, Direction
from launchworthy.contract.vocabulary import find_word
from launchworthy.errors import InputError
from launchworthy.evals.judging.grading import scale_of
from launchworthy.evals.judging.judge import Judge, calibration_claim, judge_for
from launchworthy.metrics import CannotScore, Metric
from launchworthy.metrics.estimators import MeanEstimator
from launchworthy.records import RunItem, Score

__all__ = ["Judged", "judged_again", "judged_metric", "judged_name", "judged_once", "judgings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One metric as one judge scores it.

    Attributes:
        metric: The metric as runs hold it.
        asked: Its name in the contract.
        judge: Who scores it.
        agreement: The claim that this judge agrees with people.
    """

    metric: Metric
    asked: str
    judge: Judge
    agreement: Claim

    def is_own(self, item: RunItem) -> bool:
        """Whether the score that an item has was given by this version of the judge."""
        return item.scores[self.metric.name].detail.get("judge") == self.judge.version.id

    def label(self, grade: float | None) -> float:
        """What people said, in the unit of the metric; NaN where nobody said anything."""
        if grade is None:
            return float("nan")
        return float(grade) if self.metric.unit == "" else self.judge.scale.share(float(grade))


def judged_name(metric: str, judge: str) -> str:
    """``groundedness:grounding-v2``."""
    return f"{metric.replace('_', '-')}:{judge}"


def judgings(claims: Iterable[Claim], *, workflow: str) -> tuple[dict[str, Judged], list[str]]:
    """What a workflow's claims want judged, by address; and sentences about judges that cannot judge.

    A judge that names no model is no error: its claims stay unproven, and the sentence says why.
    """
    claims = list(claims)
    found: dict[str, Judged] = {}
    by_name: dict[str, Judged | str] = {}
    for claim in claims:
        name = claim.options.get("judge")
        if claim.family != "quality" or name is None or claim.workflow not in (None, workflow):
            continue
        if claim.kind not in (ClaimKind.BOUND, ClaimKind.DELTA) or claim.options.get("weight") is not None:
            continue
        if claim.options.get("against") == "before":
            continue  # the old workflow was never run on this gold set
        agreement = calibration_claim(claims, name)
        if agreement is None:
            continue
        key = judged_name(claim.metric, name)
        if key not in by_name:
            by_name[key] = _judged(claim, agreement)
        judged = by_name[key]
        if isinstance(judged, Judged):
            found[claim.address] = judged
    return found, [told for told in by_name.values() if isinstance(told, str)]


def _judged(claim: Claim, agreement: Claim) -> Judged | str:
    if not agreement.options.get("models"):
        name = claim.options["judge"]
        return f"the judge {name} names no model in the contract, so {claim.metric} is not judged"
    judge = judge_for(agreement, metric=claim.metric)
    metric = judged_metric(claim.metric, judge, unit="ratio" if claim.target is None else claim.target.unit)
    return Judged(metric=metric, asked=claim.metric, judge=judge, agreement=agreement)


def judged_metric(asked: str, judge: Judge, *, unit: str) -> Metric:
    """The metric that a judge's scores make up.

    Args:
        asked: Its name in the contract.
        judge: Who scores it.
        unit: ``ratio`` for a share of the scale from worst to best; empty for the grades themselves.

    Raises:
        InputError: The unit is another.
    """
    if unit not in ("ratio", ""):
        raise InputError(f"a judge's scores are a share or plain grades, not {unit}", where=asked)
    grades = judge.scale.grades
    return _without_judge(
        judged_name(asked, judge.name),
        options={"judge": judge.version.id, **({} if unit else {"grades": judge.scale.name})},
        bounds=(0.0, 1.0) if unit else (grades[0], grades[-1]),
        unit=unit,
    )


def _without_judge(
    name: str,
    *,
    options: Mapping[str, str],
    bounds: tuple[float, float] = (0.0, 1.0),
    unit: str = "ratio",
) -> Metric:
    """A judged metric for scores that are there already: it scores no row by itself."""
    asked, _, judge = name.partition(":")
    word = find_word("quality", asked)
    return Metric(
        name=name,
        doc=f"{asked} as the judge {judge} sees it, not corrected with people's labels.",
        fields=(),
        read=_by_the_judge,
        estimator=MeanEstimator(bounds=bounds, unit=unit),
        unit=unit,
        higher_is_better=word is None or word.direction is Direction.AT_LEAST,
        options=options,
    )


def _by_the_judge(_: object) -> Score:
    raise CannotScore("a judge scores this in a pass of its own")


def judged_once(judgings: Mapping[str, Judged]) -> Sequence[Judged]:
    """Each judged metric once, in order."""
    return list({judged.metric.name: judged for judged in judgings.values()}.values())


def judged_again(name: str, options: str) -> Metric:
    """The judged metric of a signature's name and options: for scores that a run holds already."""
    given = dict(part.split(":", 1) for part in options.split("|") if ":" in part)
    grades = scale_of(given["grades"]).grades if "grades" in given else (0.0, 1.0)
    return _without_judge(
        name, options=given, bounds=(grades[0], grades[-1]), unit="" if "grades" in given else "ratio"
    )
