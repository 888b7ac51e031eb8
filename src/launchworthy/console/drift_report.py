"""What changed in the data, as a report and as the parts of a page.

May import ``monitor.drifting`` and this room.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from launchworthy.console.charts import ShareBar, ShiftRow, shares_plot, shift_plot
from launchworthy.console.report import ReportPart, ReportTable, report_page
from launchworthy.console.visible import visible
from launchworthy.console.words import count, sentence
from launchworthy.monitor.drifting import (
    ColumnDrift,
    Comparison,
    DriftState,
    Separation,
    Study,
    carried_by,
)
from launchworthy.quantity import format_interval, format_number, format_value

__all__ = ["STATES", "comparison_parts", "drift_report", "shares_picture", "state_words"]

# State → the console's class for it, the mark and the words.
STATES: Mapping[DriftState, tuple[str, str, str]] = {
    DriftState.DRIFTED: ("unmet", "✕", "drifted"),
    DriftState.WITHIN: ("met", "●", "within"),
    DriftState.CANNOT_SAY: ("unproven", "◌", "cannot say"),
}
_PICTURES = 6
_DRAWN = 60
_EDGE = 20.0
_MOST_SHOWN = 1_000_000  # of evidence: more is no surer


def state_words(state: DriftState) -> str:
    """A state with its mark."""
    _, mark, words = STATES[state]
    return f"{mark} {words}"


def drift_report(study: Study, *, reference: str, current: str) -> str:
    """The whole study as one file."""
    found = study.comparison
    parts = comparison_parts(found)
    parts += [
        _separated(title, separation, study.examples.get(title, ()))
        for title, separation in study.separations.items()
    ]
    if study.causes:
        parts.append(_causes(study))
    if study.by:
        parts.append(_parts(study))
    if study.rightness is not None:
        right = study.rightness
        parts.append(
            ReportPart(
                title="How often the score is right",
                lead=(f"{sentence(right.told)}.",),
                notes=(
                    f"{count(right.labels, 'label')} of {count(right.matured, 'row')} that are old enough, "
                    f"of {right.rows:,}",
                    *([sentence(right.reason)] if right.reason and right.measured is not None else []),
                ),
            )
        )
    reason = (
        f"{current}, {count(found.rows, 'row')}, against {reference}, {count(found.reference_rows, 'row')}"
    )
    return report_page(sentence(found.conclusion), reason=reason, parts=parts)


def comparison_parts(found: Comparison) -> list[ReportPart]:
    """All columns against what is tolerated, then those that moved most, value by value."""
    rows = tuple(_row(column) for column in found.columns)
    level = format_number(100.0 * found.tolerances.confidence)
    parts = [
        ReportPart(
            title="How far each column moved",
            lead=(
                "In times what is tolerated: 1 is the dashed line. What chance puts between two samples "
                "so large is taken off.",
            ),
            picture=shift_plot(
                [_shift(column) for column in found.columns[:_DRAWN]], title="How far columns moved"
            ),
            table=ReportTable(
                heads=("Column", "State", "What moved", "Evidence", "Rows that would tell"), rows=rows
            ),
            notes=(
                *([f"Drawn are the first {_DRAWN}."] if len(found.columns) > _DRAWN else []),
                f"Each bound holds at {level} %; of what is called drifted, at most "
                f"{format_number(100.0 - 100.0 * found.tolerances.confidence)} % is expected to be chance.",
                *(f"{name} is left out: {why}" for name, why in found.left_out.items()),
            ),
        )
    ]
    parts += [
        ReportPart(
            title=column.name,
            lead=tuple(f"{sentence(change.told)}: {state_words(change.state)}." for change in column.changes),
            picture=shares_picture(column),
            notes=(f"New: {', '.join(visible(name)[:40] for name in column.newest)}",)
            if column.newest
            else (),
        )
        for column in found.of(DriftState.DRIFTED)[:_PICTURES]
    ]
    return parts


def shares_picture(column: ColumnDrift) -> Any:
    """The column's values, then and now."""
    bars = [ShareBar(name=bar.name, reference=bar.reference, current=bar.current) for bar in column.bars]
    return shares_plot(bars, title=f"{column.name}: share of each value in the reference, and now")


def _shift(column: ColumnDrift) -> ShiftRow:
    change = column.main
    limit = change.tolerance or math.inf
    ends = sorted(abs(end) / limit for end in (change.interval.low, change.interval.high))
    crosses = change.interval.low < 0.0 < change.interval.high
    return ShiftRow(
        name=column.name,
        value=min(_EDGE, change.times),
        low=0.0 if crosses else ends[0],
        high=ends[1],
        state=STATES[column.state][0],
    )


def _row(column: ColumnDrift) -> tuple[str, ...]:
    needed = column.needed
    waits = column.state is DriftState.CANNOT_SAY
    return (
        column.name,
        state_words(column.state),
        column.told,
        ""
        if column.main.e < 1.0
        else f"over {_MOST_SHOWN:,}"
        if column.main.e > _MOST_SHOWN
        else format_number(column.main.e),
        ("more than anybody has" if needed is None else f"about {needed:,}") if waits else "",
    )


def _separated(title: str, found: Separation, rows: Sequence[Mapping[str, Any]]) -> ReportPart:
    auc = found.auc
    shown = (
        "too few rows"
        if auc is None
        else format_interval(auc.value, auc.low, auc.high, n=auc.n, unit="ratio")
    )
    lead = [
        f"A classifier that has not seen a row tells its period right {shown} of the time, counted in pairs; "
        f"50 % is chance: {state_words(found.state)}.",
    ]
    if found.features:
        lead.append(f"What gives the new rows away: {', '.join(found.features)}.")
    return ReportPart(
        title=f"A classifier on {title}",
        lead=tuple(lead),
        table=_examples(rows),
        notes=(f"About {found.needed:,} rows a side would tell",) if found.needed else (),
    )


def _examples(rows: Sequence[Mapping[str, Any]]) -> ReportTable | None:
    if not rows:
        return None
    names = list(rows[0])[:8]
    return ReportTable(
        heads=("Looks newest", *names),
        rows=tuple(
            (f"{number}", *(_cell(row.get(name)) for name in names))
            for number, row in enumerate(rows, start=1)
        ),
    )


def _cell(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return format_number(value)
    return "" if value is None else str(value)[:80]


def _causes(study: Study) -> ReportPart:
    rows = tuple(
        (
            each.column,
            each.cause,
            each.world.told if each.world is not None else "",
            each.release.told if each.release is not None else "",
        )
        for each in study.causes
    )
    first = study.causes[0]
    lead = (
        f"Release {first.kept} ran in both periods: what changed within it is the world; what differs now "
        f"between it and {first.newer or 'no other'} is the release."
        if first.kept
        else f"{sentence(first.reason)}."
    )
    return ReportPart(
        title="The release or the world",
        lead=(lead,),
        table=ReportTable(heads=("Column", "Moved by", "Within the release", "Between releases"), rows=rows),
    )


def _parts(study: Study) -> ReportPart:
    carried = carried_by(study.parts)
    rows = []
    for column, found in carried.items():
        moved = ", ".join(f"{each.value} ({format_value(each.share, unit='ratio')})" for each in found.moved)
        rows.append((column, moved, ", ".join(found.still), found.moved[0].column.main.told))
    return ReportPart(
        title=f"Which {study.by} carries it",
        lead=() if rows else (f"No {study.by} by itself is shown to have moved.",),
        table=ReportTable(
            heads=(
                "Column",
                f"{study.by} in which it moved, share of the rows",
                "In which it did not",
                "Most",
            ),
            rows=tuple(rows),
        )
        if rows
        else None,
    )
