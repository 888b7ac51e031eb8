"""Whether a judge still agrees with people as it did when it was admitted, by labels that came since.

May import ``contract``, ``evidence``, ``records``, ``stats`` and this room. A judge was calibrated on labels
of some day; the answers that it grades today are others, and so may be what people make of them. Here its
grades of recorded calls are held against what people said of the same calls after that day: an outcome event
named as a source of labels, on the trace of the call. The judge is the instrument, so calls of every release
count; of each user one, since calls of one user are alike.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from launchworthy.contract import Direction
from launchworthy.evidence import Evidence
from launchworthy.monitor.piece import nothing, piece
from launchworthy.monitor.sample import WORST
from launchworthy.monitor.scene import UNIT, Ask, Bind
from launchworthy.quantity import format_interval
from launchworthy.records import JudgeGrades
from launchworthy.stats import Interval, cohen_kappa, joined_difference

__all__ = ["judge_drift"]

_LEAST = 20  # calls of different users below which the interval of a kappa covers too little


@dataclass(frozen=True, slots=True, kw_only=True)
class _Both:
    """A call on which the judge and people both spoke."""

    trace: str
    judge: float
    human: float
    simulated: bool


def judge_drift(ask: Ask, judge: str) -> Evidence | None:
    """The agreement since the calibration (``at_least``), or how far it fell from that one's (``at_most``).

    Args:
        ask: The monitor and its window.
        judge: Name of the judge.
    """
    target = ask.claim.target
    if target is None or target.unit:
        return _nothing(ask, "agreement is a coefficient from 0 to 1: give the monitor at_least, such as 0.6")
    sources = ask.claim.options.get("label_sources") or ()
    if not sources:
        return _nothing(
            ask, "name under labels which source of labels says what people make of the same answers"
        )
    said = ask.scene.judges.get(judge)
    if said is None:
        return _nothing(
            ask,
            f"it was never calibrated: launchworthy judge calibrate {judge} --labels FILE",
        )
    if not said.grades:
        others = (
            f"; {said.others:,} have grades of another version than was calibrated" if said.others else ""
        )
        return _nothing(ask, f"it graded no recorded call: launchworthy score-traffic --judges{others}")
    both, unreadable = _both(ask, said, [str(each["event"]) for each in sources])
    events = ", ".join(str(each["event"]) for each in sources)
    if len(both) < _LEAST:
        return _nothing(
            ask,
            f"people labelled {len(both):,} of the {len(said.grades):,} calls that it graded ({events}) "
            f"since it was calibrated on {said.calibrated_at:%Y-%m-%d}: needs {_LEAST - len(both):,} more",
        )
    level = ask.claim.confidence
    now = _kappa([(each.judge, each.human) for each in both], said, level)
    if now is None:
        return _nothing(
            ask,
            f"all {len(both):,} calls have one grade, so agreement beyond chance is not defined",
        )
    then = _kappa([(own, human) for own, human, count in said.pairs for _ in range(count)], said, level)
    fall = None if then is None else joined_difference(now, candidate=then)
    found = now if target.direction is Direction.AT_LEAST else fall
    if found is None or not math.isfinite(found.high - found.low):
        return _nothing(
            ask, "of its calibration agreement beyond chance is not defined, so no fall can be told"
        )
    return piece(
        ask,
        release=False,
        value=found.value,
        low=found.low,
        high=found.high,
        n=len(both),
        unit="",
        unit_of_analysis="user's call",
        unscored=unreadable,
        method=found.method,
        sample=dict(found.sample),
        simulated=any(each.simulated for each in both),
        detail=_told(ask, said, both, now, then, fall) | {"events": events},
    )


def _nothing(ask: Ask, reason: str) -> Evidence | None:
    return nothing(ask, reason, release=False)


def _kappa(pairs: Sequence[tuple[float, float]], said: JudgeGrades, level: float) -> Interval | None:
    if not pairs:
        return None
    return cohen_kappa(
        [own for own, _ in pairs],
        second=[human for _, human in pairs],
        weights="quadratic" if len(said.scale) > 2 else None,
        level=level,
        sides=1,
    )


def _both(ask: Ask, said: JudgeGrades, events: Sequence[str]) -> tuple[list[_Both], int]:
    """One call of each user that both graded, and how many labels are no grade of the judge's scale."""
    bind = Bind()
    rank = " ".join(f"WHEN {bind(event)} THEN {place}" for place, event in enumerate(events))
    named = ", ".join(map(bind, events))
    since_ns = max(ask.since_ns, int(said.calibrated_at.timestamp() * 1e6) * 1_000)
    product = bind(ask.scene.product)
    rows = ask.scene.query(
        "WITH of_source AS (SELECT trace_id, event, arg_max(coalesce(value, 1.0), time) AS human"
        f" FROM outcomes WHERE product = {product} AND trace_id IS NOT NULL AND event IN ({named})"
        f" AND time >= {bind(since_ns)} AND time < {bind(ask.until_ns)} GROUP BY trace_id, event),"
        f" said AS (SELECT trace_id, arg_min(human, CASE event {rank} END) AS human FROM of_source"
        " GROUP BY trace_id)"
        " SELECT lower(hex(trace_id)) AS trace, any_value(human) AS human,"
        f" arg_min({UNIT}, start_time) AS unit, bool_or(coalesce(simulated, false)) AS sim"
        f" FROM spans JOIN said USING (trace_id) WHERE product = {product}"
        f" AND lower(hex(trace_id)) IN (SELECT unnest({bind(list(said.grades))}::VARCHAR[]))"
        " GROUP BY trace_id ORDER BY trace",
        bind.values,
    )
    found: dict[str, _Both] = {}
    unreadable = 0
    for row in rows:
        human = _grade(row["human"], said)
        if human is None:
            unreadable += 1
        elif row["unit"] not in found:
            trace = row["trace"]
            found[row["unit"]] = _Both(
                trace=trace, judge=said.grades[trace], human=human, simulated=bool(row["sim"])
            )
    return list(found.values()), unreadable


def _grade(value: float, said: JudgeGrades) -> float | None:
    """A label as a grade: of a judge that says yes or no, anything above 0 is a yes."""
    if len(said.scale) == 2:
        return said.scale[value > 0.0]
    return value if value in said.scale else None


def _told(
    ask: Ask,
    said: JudgeGrades,
    both: Sequence[_Both],
    now: Interval,
    then: Interval | None,
    fall: Interval | None,
) -> dict[str, Any]:
    apart = sorted(
        (each for each in both if each.judge != each.human),
        key=lambda each: (-abs(each.judge - each.human), each.trace),
    )
    told: dict[str, Any] = {
        "watched": said.judge,
        "judge_version": said.version,
        "calibrated_at": said.calibrated_at.isoformat(),
        "records": len(both),
        "of": "labelled call",
        "graded": len(said.grades),
        "runs": list(said.runs[-20:]),
        "window_days": round((ask.until - ask.since).total_seconds() / 86_400.0, 4),
        "apart": len(apart),
        "worst": [{"trace": each.trace, "value": each.judge - each.human} for each in apart[:WORST]],
        "agreement": _plain(now),
    }
    simulated = sum(each.simulated for each in both)
    if simulated:
        told["simulated_share"] = simulated / len(both)
    if then is None or fall is None or not math.isfinite(fall.high - fall.low):
        return told
    verdict = "it agrees less than it did" if fall.low > 0.0 else "no fall is shown"
    if fall.high < 0.0:
        verdict = "it agrees better than it did"
    told |= {
        "admitted": _plain(then),
        "fall": _plain(fall),
        "remark": f"kappa {format_interval(then.value, then.low, then.high, n=then.n)} when calibrated on"
        f" {said.calibrated_at:%Y-%m-%d}, {format_interval(now.value, now.low, now.high, n=now.n)} by labels"
        f" since: {verdict}",
    }
    return told


def _plain(found: Interval) -> dict[str, float]:
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n}
