"""How often decisions are right, by labels that come late and not for all: monitors with ``labels``.

May import ``contract``, ``evidence`` and this room. Only calls are read that are old enough for the label to
have settled. Where a part of them has a label, each says with which ``chance`` it was to come, and counts for
the calls that it stands for (inverse-probability weights); what scores say of all calls makes that sharper.
What scores say of calls without a label is told beside it, as an estimate that proves nothing.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from launchworthy.contract import Direction
from launchworthy.evidence import Evidence
from launchworthy.monitor.estimating import (
    RIGHTNESS,
    Curve,
    Decided,
    Share,
    calibrated,
    disagreement,
    estimated,
    measured,
)
from launchworthy.monitor.label_rows import Labels, decided, earlier, labels_of, lately, rows_of
from launchworthy.monitor.piece import evidence_of, nothing, piece
from launchworthy.monitor.sample import WORST, Measured, Sample, ratio, share
from launchworthy.monitor.scene import Ask
from launchworthy.monitor.uses import any_event
from launchworthy.quantity import format_interval, format_value
from launchworthy.stats import Interval

__all__ = ["MISSING", "Counts", "counted", "labelled", "scores_against_labels"]

MISSING = 0.02  # share of calls without a label that a verdict bears
_NOUN = "labelled call"
_COLUMNS = "unit, trace, began, sim"
_WHICH = {True: "that it decided on", False: "that it let through", None: "without a decision"}
_SURE = 0.99  # that labels contradict the estimate, where it is only told


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The calls of one decision: all, with a label, with one without a chance, with a score, overdue."""

    said: bool | None
    calls: int
    labels: int
    unsaid: int
    scores: int
    late: int
    least: float | None
    most: float | None

    @property
    def partly(self) -> bool:
        return self.said is not None and self.calls - self.labels > MISSING * self.calls


def labelled(ask: Ask, signal: str, sources: Sequence[Mapping[str, Any]]) -> Evidence | None:
    """The share that a signal such as ``quality/recall`` names.

    Args:
        ask: The monitor, its window and workflow.
        signal: A metric of :data:`RIGHTNESS`, under ``quality``.
        sources: Sources of labels: ``event``, ``matures_ms``, ``truth``; of several the first counts.
    """
    found = _known(ask, signal, sources)
    if isinstance(found, str):
        return nothing(ask, found)
    wanted, labels = found
    ask = labels.ask
    counts, why = counted(labels)
    if why is not None:
        # What scores say is told where labels are missing, not where what they say is not to be used.
        missing = not counts or any(each.partly and not each.labels for each in counts)
        return _only_estimated(wanted, labels, why) if missing else nothing(ask, why)
    partly = any(each.partly for each in counts)
    told: dict[str, Any] = {
        "horizon_s": labels.matures_s,
        "labels": sum(each.labels for each in counts),
        "calls": sum(each.calls for each in counts),
        "sources": list(labels.events),
    }
    if partly:
        told["weighted"] = "each label counts for the calls that it stands for"
    numbers = _by_labels(wanted, labels, counts, partly=partly)
    if any(each.scores for each in counts):
        # Only now: who asks for the rows alone has them.
        curve = _curve(labels)
        now = decided(labels)
        if partly and now is not None:
            numbers = _sharper(wanted, numbers, now, curve, level=ask.claim.confidence)
        told |= _told_by_scores(wanted, labels, now, curve)
    return evidence_of(ask, numbers, detail=told) or nothing(
        ask, "no call of that kind has a label", noun=_NOUN
    )


def scores_against_labels(ask: Ask, signal: str, sources: Sequence[Mapping[str, Any]]) -> Evidence | None:
    """How far what scores say of a share is from what labels say: monitors with ``method: estimate``."""
    target = ask.claim.target
    found = _known(ask, signal, sources)
    if isinstance(found, str):
        return nothing(ask, found)
    if target is None or target.direction is not Direction.AT_MOST or target.unit != "ratio":
        return nothing(ask, "how far scores and labels differ is a distance between shares: at_most: 5 %")
    wanted, labels = found
    ask = labels.ask
    counts = _counted(labels)
    refused = _refused(labels, counts)
    if refused is not None:
        return nothing(ask, refused)
    curve, now = _curve(labels), decided(labels, labelled_only=True)
    if isinstance(curve, str):
        return nothing(ask, curve)
    unsaid = sum(each.unsaid for each in counts if each.partly)
    if unsaid:
        return nothing(ask, f"{unsaid:,} labels do not say with which chance they were chosen")
    gap = None if now is None else disagreement(wanted, now, curve, level=ask.claim.confidence)
    if gap is None or now is None:
        return nothing(ask, "too few labels of that kind have settled to hold against the scores", noun=_NOUN)
    low, high = max(0.0, gap.low, -gap.high), max(gap.high, -gap.low)
    said = (
        f"scores say {format_value(gap.sample['estimated'], unit='ratio')} of {signal},"
        f" labels say {format_value(gap.sample['labelled'], unit='ratio')}"
    )
    detail = {
        "records": int(now.score.size),
        "of": _NOUN,
        "window_days": round(ask.window_s / 86_400.0, 4),
        "horizon_s": labels.matures_s,
        "reference": f"{curve.labels:,} labels of its own first calls",
        "reference_records": curve.labels,
        "sources": list(labels.events),
        "remark": said,
        "worst": _decided_wrongly(labels),
    }
    if low > target.threshold:
        detail["cause"] = f"what a score means: {said}"
    return piece(
        ask,
        value=abs(gap.value),
        low=min(low, abs(gap.value)),
        high=min(1.0, high),
        n=gap.n,
        unit=target.unit,
        unit_of_analysis="user" if gap.n < now.score.size else _NOUN,
        method=gap.method,
        sample=dict(gap.sample),
        simulated=now.simulated > 0,
        detail=detail,
    )


def _decided_wrongly(labels: Labels) -> list[dict[str, Any]]:
    """The newest calls whose label says that the decision was wrong."""
    rows, values = rows_of(labels)
    found = labels.ask.scene.query(
        f"SELECT lower(hex(trace)) AS trace FROM ({rows}) WHERE truth IS NOT NULL AND"
        f" said IS NOT NULL AND said <> truth ORDER BY began DESC, trace LIMIT {WORST}",
        values,
    )
    return [{"trace": row["trace"], "value": None} for row in found]


def _known(ask: Ask, signal: str, sources: Sequence[Mapping[str, Any]]) -> tuple[Share, Labels] | str:
    metric = signal.rpartition("/")[2]
    if metric not in RIGHTNESS:
        return f"labels of records tell {', '.join(RIGHTNESS)}, not {metric}"
    return RIGHTNESS[metric], labels_of(ask, sources)


def counted(labels: Labels) -> tuple[list[Counts], str | None]:
    """The calls by decision, and why their labels prove nothing, where they do not."""
    if not any_event(labels.ask, labels.events):
        return [], f"no label was recorded: no outcome {' or '.join(labels.events)}"
    counts = _counted(labels)
    refused = _refused(labels, counts)
    if refused is not None:
        return counts, refused
    for each in counts:
        if each.partly and not each.labels:
            return counts, (
                f"none of the {each.calls:,} calls {_WHICH[each.said]} has a label: label some at random"
                " (launchworthy labels draw)"
            )
        if each.partly and each.unsaid:
            return counts, (
                f"{each.labels:,} of the {each.calls:,} calls {_WHICH[each.said]} have a label,"
                f" and {each.unsaid:,} of these do not say with which chance they were chosen"
            )
    return counts, None


def _counted(labels: Labels) -> list[Counts]:
    rows, values = rows_of(labels)
    return [
        Counts(**row)
        for row in labels.ask.scene.query(
            "SELECT said, count(*) AS calls, count(truth) AS labels, count(*) FILTER (truth IS NOT NULL AND"
            " chance IS NULL) AS unsaid, count(score) AS scores, count(*) FILTER (late) AS late,"
            " min(coalesce(chance, 1.0)) FILTER (truth IS NOT NULL) AS least,"
            f" max(coalesce(chance, 1.0)) FILTER (truth IS NOT NULL) AS most FROM ({rows}) GROUP BY said",
            values,
        )
    ]


def _refused(labels: Labels, counts: Sequence[Counts]) -> str | None:
    """Why nothing can be said of these calls, whatever their labels."""
    if not counts:
        return "no call is old enough for its label to have settled"
    every = sum(each.calls for each in counts)
    open_ = sum(each.scores for each in counts if each.said is None)
    if labels.threshold is None and open_ > MISSING * every:
        return (
            f"{open_:,} of {every:,} calls answer with a score and no action of the contract, which names no"
            " threshold: write release: {threshold: {value: …}}, the score from which on it is yes"
        )
    late, told = sum(each.late for each in counts), sum(each.labels for each in counts)
    if late > MISSING * (late + told):
        return (
            f"{late:,} calls were drawn to be labelled, longer ago than a label takes, and have none: those"
            " that are hard to label may be the wrong ones"
        )
    return None


def _by_labels(wanted: Share, labels: Labels, counts: Sequence[Counts], *, partly: bool) -> Measured:
    """The share by labels alone: exact where each stands for as many calls, else by their weights."""
    ask = labels.ask
    rows, values = rows_of(labels)
    among, hits = wanted.sql
    missing = "the output tells no action of the contract, no yes or no, and no score with a threshold"
    of_these = f"FROM ({rows}) WHERE truth IS NOT NULL AND coalesce({among}, true)"
    chances = {chance for each in counts if each.labels for chance in (each.least, each.most)}
    if not partly or len(chances) == 1:
        sample = Sample(
            sql=f"SELECT {_COLUMNS}, ({hits})::DOUBLE AS x {of_these}",
            parameters=values,
            noun=_NOUN,
            missing=missing,
        )
        return share(ask.scene.query, sample, level=ask.claim.confidence, bad=wanted.bad)
    sample = Sample(
        sql=f"SELECT {_COLUMNS}, weight * ({hits})::DOUBLE AS x, weight AS y FROM"
        f" (SELECT *, 1.0 / coalesce(chance, 1.0) AS weight {of_these})",
        parameters=values,
        noun=_NOUN,
        missing=missing,
    )
    return ratio(
        ask.scene.query,
        sample,
        level=ask.claim.confidence,
        unit="ratio",
        bounds=(0.0, 1.0),
        high_is_bad=wanted.bad == 1,
        without="labels",
    )


def _curve(labels: Labels) -> Curve | str:
    """What scores meant before the window, by the labels of then."""
    before = earlier(labels)
    if before is None:
        return "nothing came before the window to calibrate the score with"
    return calibrated(decided(labels, calls_of=before, labelled_only=True))


def _sharper(wanted: Share, alone: Measured, now: Decided, curve: Curve | str, *, level: float) -> Measured:
    """With what scores say of all calls, where that makes the bounds of the labels narrower."""
    if alone.interval is None:
        return alone
    if not isinstance(curve, str):
        chance = curve.chances(now)
    elif float(now.score.min()) >= 0.0 and float(now.score.max()) <= 1.0:
        chance = now.score
    else:
        return alone
    found = measured(wanted, now, chance, level=level)
    return alone if found is None else replace(alone, interval=found)


def _told_by_scores(wanted: Share, labels: Labels, now: Decided | None, curve: Curve | str) -> dict[str, Any]:
    """The estimate of the calls up to now, and whether labels contradict it where there are any."""
    if isinstance(curve, str):
        return {"remark": f"no estimate of younger calls: {curve}"}
    found, since = _estimate(wanted, labels, curve)
    gap = None if now is None else disagreement(wanted, now, curve, level=_SURE)
    told: dict[str, Any] = {}
    words = []
    if found is not None:
        told["estimate"] = {"value": found.value, "low": found.low, "high": found.high, "n": found.n}
        words.append(f"{_in_words(found)} of the calls since {since}")
    if gap is not None:
        told["disagreement"] = {"value": gap.value, "low": gap.low, "high": gap.high, "n": gap.n}
        if gap.low > 0.0 or gap.high < 0.0:
            by = format_value(abs(gap.value), unit="ratio")
            words.append(f"labels contradict what scores say, by {by}: a score no longer means what it did")
    return told | ({"remark": "; ".join(words)} if words else {})


def _only_estimated(wanted: Share, labels: Labels, why: str) -> Evidence | None:
    """Without labels nothing is proven; what scores say is told."""
    curve = _curve(labels)
    found, since = (None, "") if isinstance(curve, str) else _estimate(wanted, labels, curve)
    if found is None:
        return nothing(labels.ask, why)
    return nothing(labels.ask, f"{why}; {_in_words(found)} of the calls since {since}")


def _estimate(wanted: Share, labels: Labels, curve: Curve) -> tuple[Interval | None, str]:
    young = lately(labels)
    now = decided(labels, calls_of=young)
    found = None if now is None else estimated(wanted, now, curve, level=young.claim.confidence)
    return found, f"{young.since:%Y-%m-%d}"


def _in_words(found: Interval) -> str:
    shown = format_interval(found.value, found.low, found.high, n=found.n, unit="ratio")
    return f"unproven, estimated by scores: {shown}"
