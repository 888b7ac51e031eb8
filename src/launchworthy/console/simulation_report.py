"""What a plan would do, as a report. May import ``rollout.experiment``, ``stats`` and this room."""

from __future__ import annotations

import math

from launchworthy.console.charts import FamilyMark, families_plot
from launchworthy.console.charts.looks import LookPoint, looks_plot
from launchworthy.console.report import ReportPart, ReportTable, report_page
from launchworthy.quantity import format_number, format_value
from launchworthy.rollout.experiment import Outcome, Peeking, Role, Simulation
from launchworthy.stats import wilson

__all__ = ["simulation_report"]


def simulation_report(found: Simulation) -> str:
    """Worlds, ways to read, and the bounds, as one file."""
    return report_page(
        _title(found),
        reason=(
            f"{found.users:,} users in {format_number(found.days)} days; each world was run "
            f"{found.repetitions:,} times with the seed {found.seed}, so shares are right to about "
            f"{format_value(found.noise, unit='points')}. What has not decided after "
            f"{format_number(found.followed)} days is neither."
        ),
        parts=[_worlds(found), *([_readings(found)] if found.peeking else []), _bounds(found)],
    )


def _title(found: Simulation) -> str:
    harmed = [one for one in found.outcomes if one.world.endswith("harmed")]
    hoped = [one for one in found.outcomes if one.world == "as hoped"]
    told = []
    if hoped:
        told.append(f"ships {format_value(hoped[0].ships, unit='ratio')} of good candidates")
    if harmed:
        worst = min(harmed, key=lambda one: one.rolls_back)
        told.append(f"takes back {format_value(worst.rolls_back, unit='ratio')} of harmful ones at least")
    same = found.outcomes[0]
    if any(metric.role is Role.GOAL for metric in found.plan.metrics):
        told.append(
            f"errs in {format_value(same.ships + same.rolls_back, unit='ratio')} where nothing differs"
        )
    else:  # what does no harm is to ship
        told.append(f"ships {format_value(same.ships, unit='ratio')} where nothing differs")
    return f"This plan {', '.join(told)}"


def _share(found: Simulation, share: float, name: str, *, at_most: float | None = None) -> FamilyMark:
    own = wilson(round(share * found.repetitions), n=found.repetitions)
    return FamilyMark(
        name=name, value=own.value, low=own.low, high=own.high, n=found.repetitions, at_most=at_most
    )


def _worlds(found: Simulation) -> ReportPart:
    marks = []
    for one in found.outcomes:
        verb, share = (
            ("rolled back", one.rolls_back) if one.world.endswith("harmed") else ("shipped", one.ships)
        )
        marks.append(_share(found, share, f"{one.world}: {verb}"))
    heads = ("World", "Ships", "Rolls back", "Neither", "Days, median", "Days, 9 of 10", "Met it by then")
    return ReportPart(
        title="What it does in each world",
        picture=families_plot(marks, title="Share of repetitions"),
        table=ReportTable(heads=heads, rows=tuple(_world(one) for one in found.outcomes)),
    )


def _world(one: Outcome) -> tuple[str, ...]:
    days = ["never" if day is None else format_number(day) for day in (one.days, one.days_late)]
    shares = (format_value(share, unit="ratio") for share in (one.ships, one.rolls_back, one.neither))
    return (one.world, *shares, *days, f"{one.exposed:,.0f} users")


def _readings(found: Simulation) -> ReportPart:
    error = 1.0 - found.plan.confidence
    marks = [_share(found, one.false_finds, one.reading, at_most=error) for one in found.peeking]
    return ReportPart(
        title="What looking costs",
        lead=("How often each way to read the first goal finds a difference where there is none.",),
        picture=families_plot(marks, title="False finds"),
        table=ReportTable(
            heads=("Reading", "Looks", "False finds", "Finds where it is as hoped"),
            rows=tuple(_reading(one) for one in found.peeking),
        ),
    )


def _reading(one: Peeking) -> tuple[str, ...]:
    finds = "" if math.isnan(one.finds) else format_value(one.finds, unit="ratio")
    return (one.reading, f"{one.looks:,}", format_value(one.false_finds, unit="ratio"), finds)


def _bounds(found: Simulation) -> ReportPart:
    bounds = [
        LookPoint(fraction=share, z=bound) for share, bound in zip(found.looks, found.bounds, strict=True)
    ]
    rows = tuple(
        (
            str(number),
            format_value(point.fraction, unit="ratio"),
            "nothing can be shown" if math.isinf(point.z) else format_number(point.z),
        )
        for number, point in enumerate(bounds, start=1)
    )
    return ReportPart(
        title="Bounds at the end of each stage",
        picture=looks_plot((), bounds=bounds, always=(), title="Bounds for shipping"),
        table=ReportTable(heads=("Look", "Share of the information", "z that is needed"), rows=rows),
    )
