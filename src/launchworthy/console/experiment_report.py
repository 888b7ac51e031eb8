"""An experiment as a report and as the parts of a page. May import ``rollout.experiment`` and this room."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from markupsafe import Markup

from launchworthy.console.charts import ForestRow, forest_plot
from launchworthy.console.charts.looks import LookPoint, looks_plot
from launchworthy.console.report import ReportPart, ReportTable, report_page
from launchworthy.console.words import sentence
from launchworthy.quantity import difference_unit, format_interval, format_number, format_value
from launchworthy.rollout.experiment import (
    ExperimentReading,
    MetricReading,
    PairReading,
    SeenPoint,
    ends_in_words,
    ratio_in_words,
    title_of,
)
from launchworthy.rollout.experiment import Role as MetricRole
from launchworthy.stats import asymptotic_sequence, look_bounds

__all__ = ["experiment_parts", "experiment_report"]

_CURVE = 40


def experiment_report(reading: ExperimentReading) -> str:
    """The whole reading as one file."""
    return report_page(
        sentence(title_of(reading)), reason=sentence(reading.reason), parts=experiment_parts(reading)
    )


def experiment_parts(
    reading: ExperimentReading, *, history: Mapping[tuple[str, str], Sequence[SeenPoint]] | None = None
) -> list[ReportPart]:
    """Users first, then for each arm its forest, its first metric against the bounds, and all numbers.

    ``history`` holds what each arm and metric showed earlier, oldest first.
    """
    parts = [_users(reading)]
    for pair in reading.pairs:
        if not pair.metrics:
            nothing = "Nothing of what units did from then on is recorded yet: no outcome, no call."
            parts.append(ReportPart(title=f"{pair.arm} minus {reading.plan.baseline}", lead=(nothing,)))
            continue
        parts.append(_forest(reading, pair))
        first = _leading(pair)
        if first is not None:
            seen = (history or {}).get((pair.arm, first.metric.name), ())
            parts.append(_looks(reading, pair, first, seen))
        parts.append(_belief(pair))
    return parts


def _users(reading: ExperimentReading) -> ReportPart:
    ratio = reading.ratio
    rows = tuple(
        (name, f"{users:,}", format_number(due, digits=6))
        for name, users, due in zip(reading.plan.shares, ratio.counts, ratio.expected, strict=True)
    )
    notes = list(reading.gathered.notes)
    if reading.gathered.in_two_arms:
        notes.append(f"{reading.gathered.in_two_arms:,} users were in two arms and count nowhere")
    if reading.despite:
        notes.append(f"Read although the shares are off: {reading.despite}")
    return ReportPart(
        title="The arms are not what was planned"
        if ratio.mismatch
        else "Users fell into the arms as planned",
        lead=(f"{sentence(ratio_in_words(reading))}.",),
        table=ReportTable(heads=("Arm", "Users", "Due"), rows=rows),
        notes=tuple(notes),
    )


def _unit(each: MetricReading) -> str:
    return "ratio" if each.metric.relative else difference_unit(each.difference.unit)


def _forest(reading: ExperimentReading, pair: PairReading) -> ReportPart:
    rows = [
        ForestRow(
            name=f"{each.metric.name} ({each.metric.role})",
            value=each.look.value,
            low=each.look.low,
            high=each.look.high,
            n=each.look.n,
            unit=_unit(each),
            margin=each.metric.margin,
            higher_is_better=each.metric.higher_is_better,
            state=_state(each),
        )
        for each in pair.metrics.values()
    ]
    heads = (
        "Metric",
        "Baseline",
        "Candidate",
        "Difference by itself",
        "p",
        "At this look",
        "Always valid",
        "",
    )
    table = ReportTable(heads=heads, rows=tuple(_row(each) for each in pair.metrics.values()))
    notes = tuple(f"{each.metric.name}: {note}" for each in pair.metrics.values() for note in each.notes)
    return ReportPart(
        title=f"{pair.arm} minus {reading.plan.baseline}",
        lead=(f"{sentence(pair.reason)}.",),
        picture=forest_plot(rows, title=f"{pair.arm} minus {reading.plan.baseline}, at this look"),
        table=table,
        notes=notes,
    )


def _state(each: MetricReading) -> str:
    if each.harmed:
        return "unmet"
    if each.metric.role is MetricRole.GOAL:
        return "met" if each.shown else "unmet" if each.status == "unmet" else "unproven"
    return each.status


def _row(each: MetricReading) -> tuple[str, ...]:
    own, unit, values = each.difference, _unit(each), each.metric.unit
    words = {"met": "● not worse", "unmet": "✕ worse", "unproven": "◌ not settled"}
    word = "✕ harm" if each.harmed else "● better" if each.shown else words[each.status]
    p_value = each.p_value
    return (
        f"{each.metric.name} ({each.metric.role})",
        format_value(own.sample["baseline"], unit=values),
        format_value(own.sample["candidate"], unit=values),
        format_interval(own.value, own.low, own.high, n=own.n, unit=unit),
        "" if p_value is None else "< 0.0001" if p_value < 1e-4 else f"{p_value:.4f}",
        ends_in_words(each.look, unit=unit),
        ends_in_words(each.always, unit=unit),
        word,
    )


def _leading(pair: PairReading) -> MetricReading | None:
    """The metric whose path is drawn: one that is harmed, else the first goal, else the first."""
    found = list(pair.metrics.values())
    harmed = [each for each in found if each.harmed]
    goals = [each for each in found if each.metric.role is MetricRole.GOAL]
    chosen = (harmed or goals or found)[:1]
    return chosen[0] if chosen and chosen[0].difference.sample["standard_error"] else None


def _looks(
    reading: ExperimentReading, pair: PairReading, each: MetricReading, earlier: Sequence[SeenPoint]
) -> ReportPart:
    plan, metric = reading.plan, each.metric
    harm = metric.role is MetricRole.HARM
    sign = 1.0 if metric.higher_is_better else -1.0
    line = -metric.margin if harm else metric.least
    own = each.difference
    path = [(point.fraction, point.value, point.standard_error) for point in earlier]
    path.append((reading.fraction, own.value, own.sample["standard_error"]))
    seen = [LookPoint(fraction=share, z=(sign * value - line) / se) for share, value, se in path]
    whole = look_bounds(plan.looks, error=reading.looks.error, spending=plan.spending)
    bounds = [
        LookPoint(fraction=share, z=bound) for share, bound in zip(whole.fractions, whole.bounds, strict=True)
    ]
    above = "not worse beyond its margin" if harm else "better"
    whose = "its margin" if harm else "what is asked"
    below = "; below the dotted curve, at any time, harm is shown" if harm else ""
    lead = (
        f"Each point is how far {metric.name} is from {whose}, over its standard error, better being up. "
        f"Above the dashed bounds, at planned looks, it is shown to be {above}{below}."
    )
    drawn: Markup = looks_plot(
        seen,
        bounds=bounds,
        always=_always(reading, each) if harm else (),
        title=f"{metric.name}: evidence for {pair.arm}",
    )
    return ReportPart(title=f"{metric.name} against the bounds of the plan", lead=(lead,), picture=drawn)


def _always(reading: ExperimentReading, each: MetricReading) -> list[LookPoint]:
    """The z at which bounds that always hold prove harm, along the plan."""
    now = each.difference.n
    whole = now / reading.fraction if reading.fraction > 0.0 else now
    points = []
    for step in range(1, _CURVE + 1):
        share = step / _CURVE * max(1.0, reading.fraction)
        users = max(2, round(share * whole))
        found = asymptotic_sequence(
            0.0,
            standard_error=1.0,
            n=users,
            level=each.always.confidence,
            sides=each.always.sides,
            tuned_for=0.25 * reading.plan.users if reading.plan.users else 5_000.0,
        )
        if math.isfinite(found.high):
            points.append(LookPoint(fraction=share, z=found.high))
    return points


def _belief(pair: PairReading) -> ReportPart:
    rows = []
    for each in pair.metrics.values():
        believed = each.belief
        if believed is None:
            continue
        unit = _unit(each)
        up = each.metric.higher_is_better
        rows.append(
            (
                each.metric.name,
                format_value(believed.chance if up else 1.0 - believed.chance, unit="ratio"),
                ends_in_words(replace(each.difference, low=believed.low, high=believed.high), unit=unit),
            )
        )
    return ReportPart(
        title="The same in Bayesian words",
        lead=("Beside the decision, not part of it: looking often makes these too sure.",),
        table=ReportTable(heads=("Metric", "Chance of better", "Difference lies between"), rows=tuple(rows)),
    )
