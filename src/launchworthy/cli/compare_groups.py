"""What ``launchworthy compare --group`` prints. No command of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from launchworthy.cli.figures import columns_text, format_p, plain_interval, printable, shown

if TYPE_CHECKING:
    from launchworthy.metrics import GroupComparison, GroupReport

__all__ = ["plain_groups", "print_groups"]


def plain_groups(found: GroupComparison, group: str, *, confidence: float) -> dict[str, Any]:
    """The comparison by group, as JSON has it."""
    return {
        "group": group,
        "gap_change": plain_interval(found.gap, confidence=confidence),
        "gaps": {
            side: {
                "gap": plain_interval(report.gap, confidence=confidence),
                "ratio": plain_interval(report.ratio, confidence=confidence),
                "highest": report.highest,
                "lowest": report.lowest,
            }
            for side, report in _sides(found)
        },
        "ungrouped": found.candidate.ungrouped,
        "groups": {
            part.name: {
                "baseline": plain_interval(old.value, confidence=confidence),
                "candidate": plain_interval(new.value, confidence=confidence),
                "difference": plain_interval(part.difference, confidence=confidence),
                "p_value": part.p_value,
                "adjusted": part.adjusted,
                "change": part.change,
            }
            for part, old, new in zip(
                found.groups, found.baseline.groups, found.candidate.groups, strict=True
            )
        },
    }


def print_groups(found: GroupComparison, group: str) -> None:
    """The groups of both sides, their gaps, and how the gap grew."""
    from launchworthy.quantity import difference_unit

    unit = found.metric.unit
    apart = difference_unit(unit)
    click.echo(f"by {printable(group)}:")
    lines = [("", "baseline", "candidate", "difference, by itself", "p among all", "")]
    lines += [
        (
            printable(part.name),
            shown(old.value, unit=unit, count=False),
            shown(new.value, unit=unit, count=False),
            shown(part.difference, unit=apart),
            "" if part.adjusted is None else format_p(part.adjusted),
            part.change or "",
        )
        for part, old, new in zip(found.groups, found.baseline.groups, found.candidate.groups, strict=True)
    ]
    for line in columns_text(lines):
        click.echo(f"  {line}")
    for side, report in _sides(found):
        between = ""
        if report.highest is not None and report.lowest is not None:
            between = f", from {printable(report.lowest)} up to {printable(report.highest)}"
        click.echo(f"widest gap, {side:9}  {shown(report.gap, unit=apart, count=False)}{between}")
    click.echo(f"the gap changed by     {shown(found.gap, unit=apart)}")
    if found.candidate.ungrouped:
        click.echo(f"{found.candidate.ungrouped:,} pairs name no group")
    click.echo("gaps and their change hold for all groups at once")


def _sides(found: GroupComparison) -> tuple[tuple[str, GroupReport], ...]:
    return ("baseline", found.baseline), ("candidate", found.candidate)
