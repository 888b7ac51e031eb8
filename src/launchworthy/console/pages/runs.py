"""``/runs``: every evaluation run, newest first, two of them ready to be compared."""

from __future__ import annotations

from dataclasses import dataclass

from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import count, moment, page_url
from launchworthy.quantity import format_value
from launchworthy.records import Run

__all__ = ["PAGE", "RunRow", "RunsView", "run_state"]

_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run in the list."""

    id: str
    url: str
    at: str
    product: str
    workflow: str
    release: str
    gold: str
    split: str
    status: str
    good: bool
    progress: str
    cost: str
    simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsView:
    """What the list receives; it may be narrowed to a ``product``; ``left`` older runs are not in it."""

    head: Head
    product: str
    products: tuple[str, ...]
    rows: tuple[RunRow, ...]
    left: int
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> RunsView:
    """List the runs."""
    product = ask.query.get("product", "")
    runs = reading.runs(product=product or None)
    rows = tuple(_row(run) for run in runs[:_MOST])
    return RunsView(
        head=Head(title=_title(runs), reason=_reason(runs), section="runs"),
        product=product,
        products=tuple(sorted({run.product for run in runs})),
        rows=rows,
        left=max(0, len(runs) - _MOST),
        empty=None
        if rows
        else Empty(
            what="A run asks a release every question of a gold set and scores its answers.",
            command="launchworthy eval --target module:function --gold FILE",
        ),
    )


def run_state(run: Run) -> str:
    """The status of a run in words."""
    if run.status == "complete":
        return "complete" if not run.errors else f"complete, {count(run.errors, 'error')}"
    return run.status


def _row(run: Run) -> RunRow:
    return RunRow(
        id=run.id,
        url=page_url("runs", run.id),
        at=moment(run.started_at),
        product=run.product,
        workflow=run.workflow,
        release=run.release,
        gold=run.gold,
        split=run.split,
        status=run_state(run),
        good=run.status in ("complete", "running") and not run.errors,
        progress=f"{run.done:,} of {run.items:,}",
        cost="" if run.cost_usd is None else format_value(run.cost_usd, unit="USD"),
        simulated=run.simulated,
    )


def _title(runs: list[Run]) -> str:
    if not runs:
        return "No run yet"
    newest = runs[0]
    said = {
        "complete": f"is complete on {count(newest.done, 'item')}",
        "running": f"has {newest.done:,} of {count(newest.items, 'item')} done",
        "interrupted": f"stopped after {newest.done:,} of {count(newest.items, 'item')}",
    }.get(newest.status, f"is {newest.status}")
    return f"{count(len(runs), 'run')}; the newest, of {newest.workflow}, {said}"


def _reason(runs: list[Run]) -> str:
    if not runs:
        return ""
    newest = runs[0]
    return f"Newest: release {newest.release} on {newest.gold} ({newest.split}), {moment(newest.started_at)}."


PAGE = Page(name="runs", path="/runs", template="runs.html", view=view)
