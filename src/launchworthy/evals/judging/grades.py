"""What judges said of recorded calls since they were calibrated, for those who hold it against new labels.

May import ``contract``, ``evidence``, ``records`` and this room. The grades are those of runs over a sample
of traffic (``launchworthy score-traffic --judges``), by the trace of each call; what people say of the same
calls comes later, as records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from launchworthy.contract import Claim
from launchworthy.contract.standing import JUDGES
from launchworthy.evals.judging.grading import PAIRS, Scale, scale_of
from launchworthy.evals.judging.judge import calibration_claim
from launchworthy.evals.judging.judged import judged_name
from launchworthy.evidence import Evidence
from launchworthy.records import JudgeGrades, Run, RunStore, Score

__all__ = ["judge_grades"]


def judge_grades(
    claims: Iterable[Claim],
    store: RunStore,
    evidence: Callable[[], Iterable[Evidence]],
    *,
    product: str,
    now: datetime,
) -> Mapping[str, JudgeGrades]:
    """By name of each judge that a monitor watches; empty where none does, or none was calibrated.

    Only grades of the version that was calibrated last are told: another version is another instrument. A
    call that was graded twice counts by its newest grade.

    Args:
        claims: Claims of one contract.
        store: Where runs rest.
        evidence: Answers the product's evidence, which tells of calibrations; asked where a judge is watched.
        product: Whose runs.
        now: The moment (aware); a run counts within the window of the monitor, or as long as evidence does.
    """
    known = list(claims)
    reach: dict[str, float] = {}
    for claim in known:
        signal = str(claim.options.get("signal", "")).removeprefix(f"{product}/")
        if claim.family == "monitors" and signal.startswith(JUDGES):
            name = signal.removeprefix(JUDGES)
            window_s = float(claim.options.get("window_ms") or 0.0) / 1e3
            reach[name] = max(reach.get(name, 0.0), window_s, claim.valid_for_s)
    pieces = list(evidence()) if reach else []
    found = {}
    for name, reach_s in reach.items():
        agreement = calibration_claim(known, name)
        calibrations = [
            (piece.observed_at, read)
            for piece in pieces
            if agreement is not None
            and piece.claim == agreement.address
            and piece.observed_at <= now
            and (read := _read(piece)) is not None
        ]
        if calibrations:
            at, last = max(calibrations, key=lambda each: each[0])
            runs = [
                run
                for run in store.runs(product=product)
                if run.split == "traffic" and (now - run.started_at).total_seconds() <= reach_s
            ]
            found[name] = _since(at, last, name, store, runs)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Calibrated:
    """What a calibration says that is needed here."""

    metric: str
    version: str
    scale: Scale
    pairs: tuple[tuple[float, float, int], ...]


def _read(calibration: Evidence) -> _Calibrated | None:
    """None where evidence from elsewhere does not say which version was calibrated, or on what."""
    told = calibration.detail
    try:
        scale = str(told["judge"]["scale"])
        return _Calibrated(
            metric=str(told["metric"]),
            version=str(told["judge"]["version"]),
            scale=PAIRS if scale == PAIRS.name else scale_of(scale),
            pairs=tuple((float(own), float(human), int(count)) for own, human, count in told["pairs"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _since(at: datetime, last: _Calibrated, judge: str, store: RunStore, runs: Iterable[Run]) -> JudgeGrades:
    name, version = judged_name(last.metric, judge), last.version
    grades: dict[str, float] = {}
    others: set[str] = set()
    runs = [run for run in runs if any(each.partition("|")[0] == name for each in run.scorers)]
    for run in runs:
        plain = _is_plain(run, name)
        for item in store.iter_run_items(run.id):
            score = item.scores.get(name)
            if item.trace_id is None or item.error is not None or score is None or score.value is None:
                continue
            if score.detail.get("judge") != version:
                others.add(item.trace_id.lower())
            else:
                grades.setdefault(item.trace_id.lower(), _grade(score, last.scale, plain=plain))
    return JudgeGrades(
        judge=judge,
        version=version,
        calibrated_at=at,
        pairs=last.pairs,
        scale=last.scale.grades,
        grades=grades,
        others=len(others - grades.keys()),
        runs=tuple(run.id for run in reversed(runs)),
    )


def _is_plain(run: Run, name: str) -> bool:
    """Whether scores are grades, and not shares of the scale."""
    own = next(each for each in run.scorers if each.partition("|")[0] == name)
    return any(part.startswith("grades:") for part in own.split("|"))


def _grade(score: Score, scale: Scale, *, plain: bool) -> float:
    value = score.value or 0.0
    return min(scale.grades, key=lambda grade: abs((grade if plain else scale.share(grade)) - value))
