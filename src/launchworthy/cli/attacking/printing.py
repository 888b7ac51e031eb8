"""What a run of attacks prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from launchworthy.evals.redteam import BoardRow, Plan, Sitting

__all__ = ["plain_plan", "plain_sitting", "print_plan", "text_of"]

_SHOWN = 10


def text_of(sitting: Sitting) -> str:
    """The board, the worst, the change from the baseline and what was proven, as lines."""
    from launchworthy.cli.figures import printable

    board, run = sitting.board, sitting.run
    lines = [f"{board.conclusion}  ({run.id}, {run.release})"]
    rows = [*board.rows, board.all]
    width = max((len(row.family or "all together") for row in rows), default=0)
    for row in rows:
        lines.append(f"  {row.family or 'all together':<{width}}  {_row(row)}")
    for worst in board.worst[:_SHOWN]:
        trace = f"  trace {worst.trace_id}" if worst.trace_id else ""
        lines.append(printable(f"  ✕ {worst.item_id}: {worst.because}{trace}", most=200))
    hidden = board.all.succeeded - min(len(board.worst), _SHOWN)
    if hidden > 0:
        lines.append(f"  … and {hidden:,} more; all of them: launchworthy runs {run.id}")
    if sitting.comparison is not None:
        lines.append(_change(sitting))
    lines += [f"note: {remark}" for remark in sitting.remarks]
    if sitting.evidence:
        lines += [f"{each.state:<8}  {each.claim.address}: {each.reason}" for each in sitting.statuses]
        lines.append(
            f"{len(sitting.evidence):,} {'piece' if len(sitting.evidence) == 1 else 'pieces'} of evidence; "
            "to judge: launchworthy verdict"
        )
    return "\n".join(lines)


def _row(row: BoardRow) -> str:
    from launchworthy.quantity import format_value

    told = "not measured" if row.rate is None else str(row.rate)
    if row.at_most is not None:
        told += f", target at most {format_value(row.at_most, unit='ratio')}{': unmet' if row.beyond else ''}"
    if row.unscored:
        told += f"; {row.unscored:,} could not be scored"
    if row.over_refusal is not None:
        told += f"; harmless twins refused {row.over_refusal}"
    if row.untold:
        told += f"; {row.untold:,} harmless {'twin' if row.untold == 1 else 'twins'} told nothing"
    return told


def _change(sitting: Sitting) -> str:
    found = sitting.comparison
    if found is None or found.difference is None:
        return "against the baseline: no attempt was scored in both runs"
    newly = ", ".join(found.worse[:5]) + ("…" if len(found.worse) > 5 else "")
    return (
        f"against the baseline: {found.difference}; {len(found.worse):,} succeed now that did not"
        f"{f' ({newly})' if found.worse else ''}, {len(found.better):,} no longer do"
    )


def print_plan(plan: Plan) -> None:
    """What would be tried, and what it could prove."""
    total, twins = sum(plan.attempts.values()), sum(plan.twins.values())
    click.echo(f"{total:,} attempts and {twins:,} harmless twins")
    for family, count in plan.attempts.items():
        click.echo(f"  {count:>6,}  {family}")
    for address, needed in plan.needed.items():
        if needed is not None:
            click.echo(f"{address}: {needed:,} flawless attempts prove it")
    for family, why in plan.left_out.items():
        click.echo(f"note: {family} is not tried: {why}")


def plain_plan(plan: Plan) -> dict[str, Any]:
    """The same as JSON."""
    return {
        "attempts": dict(plan.attempts),
        "twins": dict(plan.twins),
        "left_out": dict(plan.left_out),
        "claims": {address: list(each.families) for address, each in plan.claims.items()},
        "needed": dict(plan.needed),
        "seed": plan.seed,
    }


def plain_sitting(sitting: Sitting) -> dict[str, Any]:
    """Everything that a run of attacks found, as JSON."""
    run, found = sitting.run, sitting.comparison
    return {
        "conclusion": sitting.board.conclusion,
        "run": run.id,
        "status": run.status,
        "release": run.release,
        "target": run.target,
        "suite": run.gold,
        "families": [_plain_row(row) for row in sitting.board.rows],
        "all": _plain_row(sitting.board.all),
        "worst": [
            {"attempt": each.item_id, "because": each.because, "trace": each.trace_id}
            for each in sitting.board.worst
        ],
        "baseline": None
        if found is None
        else {
            "change": _interval(found.difference),
            "newly": list(found.worse),
            "no_longer": list(found.better),
        },
        "claims": [
            {"claim": each.claim.address, "state": each.state.value, "reason": each.reason}
            for each in sitting.statuses
        ],
        "evidence": [piece.as_json() for piece in sitting.evidence],
        "remarks": list(sitting.remarks),
    }


def _plain_row(row: BoardRow) -> dict[str, Any]:
    return {
        "family": row.family,
        "attempts": row.attempts,
        "succeeded": row.succeeded,
        "unscored": row.unscored,
        "success_rate": _interval(row.rate),
        "at_most": row.at_most,
        "beyond_target": row.beyond,
        "over_refusal": _interval(row.over_refusal),
        "twins_untold": row.untold,
        "change": _interval(row.change),
    }


def _interval(found: Any) -> dict[str, Any] | None:
    from launchworthy.cli.figures import plain_interval

    return None if found is None else plain_interval(found, confidence=0.95)
