"""``/runs/history?product=…&workflow=…&gold=…``: one suite over its releases, metric by metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from launchworthy.console.charts import HistoryPoint, history_plot
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, count, day, joined, page_url, short
from launchworthy.evals import Comparison, Measured, compare_runs, measure_run, metrics_of_run
from launchworthy.quantity import difference_unit, format_interval
from launchworthy.records import Run

__all__ = ["PAGE", "HistoryView", "MetricHistory"]

_MOST = 12  # runs that are drawn: each is measured anew


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricHistory:
    """One metric over the runs: a plot, and how the newest release compares with the one before."""

    metric: str
    newest: str
    plot: Markup
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryView:
    """What the page receives; ``suites`` are all there are, to choose from."""

    head: Head
    suites: tuple[Link, ...]
    metrics: tuple[MetricHistory, ...]
    runs: tuple[tuple[Link, str, str, str], ...]
    compare: Link
    older: int
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> HistoryView:
    """Measure every complete run of the suite; the newest suite where none is named."""
    whole = [run for run in reading.runs() if run.status == "complete" and run.split != "traffic"]
    suites = list(dict.fromkeys(_suite(run) for run in whole))
    wanted = tuple(ask.query.get(name, "") for name in ("product", "workflow", "gold"))
    chosen = next((suite for suite in suites if suite == wanted), suites[0] if suites else None)
    trail = (Link(text="Runs", url="/runs"), Link(text="History"))
    if chosen is None or (any(wanted) and chosen != wanted):
        return HistoryView(
            head=Head(title="No complete run of such a suite", section="runs", trail=trail),
            suites=tuple(_link(suite) for suite in suites),
            metrics=(),
            runs=(),
            compare=Link(text=""),
            older=0,
            empty=Empty(
                what="A suite's history begins with its first complete run.",
                command="launchworthy eval --target module:function --gold gold.jsonl --scorer exact-match",
            ),
        )
    runs = [run for run in whole if _suite(run) == chosen]
    drawn = list(reversed(runs[:_MOST]))
    previous = next((run for run in runs if run.release != runs[0].release), None)
    found = {} if previous is None else {each.metric: each for each in _compared(reading, runs[0], previous)}
    product, workflow, gold = chosen
    return HistoryView(
        head=Head(
            title=_title(workflow, runs, list(found.values())),
            reason=f"{count(len(runs), 'complete run')} of {product} on {gold}, {day(runs[-1].started_at)}"
            f" to {day(runs[0].started_at)}; bounds at 95 %.",
            section="runs",
            trail=trail,
        ),
        suites=tuple(_link(suite) for suite in suites) if len(suites) > 1 else (),
        metrics=tuple(_histories(reading, drawn, found)),
        runs=tuple(
            (
                Link(text=run.id, url=page_url("runs", run.id)),
                str(run.config.get("release_label") or run.release),
                run.gold,
                run.split,
            )
            for run in runs[:_MOST]
        ),
        compare=Link(text="")
        if previous is None
        else Link(
            text="Compare the newest release with the one before",
            url=page_url("runs", "compare", baseline=previous.id, candidate=runs[0].id),
        ),
        older=max(0, len(runs) - _MOST),
        empty=None,
    )


def _suite(run: Run) -> tuple[str, str, str]:
    return run.product, run.workflow, run.gold.partition("@")[0]


def _link(suite: tuple[str, str, str]) -> Link:
    product, workflow, gold = suite
    return Link(
        text=f"{product}, {workflow} on {gold}",
        url=page_url("runs", "history", product=product, workflow=workflow, gold=gold),
    )


def _measured(reading: Reading, run: Run) -> list[Measured]:
    """A run as a whole, no slices."""
    items = [replace(item, slices=()) for item in reading.run_items(run.id)]
    return measure_run(items, metrics_of_run(run))


def _compared(reading: Reading, newest: Run, previous: Run) -> list[Comparison]:
    known = {metric.signature for metric in metrics_of_run(previous)}
    after, before = reading.run_items(newest.id), reading.run_items(previous.id)
    return [
        compare_runs(after, before, metric) for metric in metrics_of_run(newest) if metric.signature in known
    ]


def _title(workflow: str, runs: Sequence[Run], found: Sequence[Comparison]) -> str:
    releases = count(len({run.release for run in runs}), "release")
    better = [each.metric for each in found if _moved(each) > 0]
    worse = [each.metric for each in found if _moved(each) < 0]
    said = [f"better on {_some(better)}"] if better else []
    said += [f"worse on {_some(worse)}"] if worse else []
    if not found:
        return f"{workflow}: {releases}, nothing to compare with yet"
    if not said:
        return f"{workflow}: {releases}; no difference is proven between the newest two"
    return f"{workflow}: {releases}; the newest is {' and '.join(said)} than the one before"


def _some(names: list[str]) -> str:
    return joined(names if len(names) < 4 else [*names[:2], f"{len(names) - 2} more"])


def _moved(each: Comparison) -> int:
    """1 where the candidate is proven better, −1 where proven worse, else 0."""
    if each.difference is None or not (each.difference.low > 0 or each.difference.high < 0):
        return 0
    return 1 if each.status == "met" else -1


def _histories(reading: Reading, runs: Sequence[Run], found: dict[str, Comparison]) -> list[MetricHistory]:
    points: dict[str, list[HistoryPoint]] = {}
    units: dict[str, str] = {}
    for run in runs:
        for each in _measured(reading, run):
            if each.interval is None or not math.isfinite(each.interval.low + each.interval.high):
                continue
            units[each.metric] = each.unit
            points.setdefault(each.metric, []).append(
                HistoryPoint(
                    at=run.started_at,
                    value=each.interval.value,
                    low=each.interval.low,
                    high=each.interval.high,
                    n=each.interval.n,
                    release=run.release,
                )
            )
    return [
        MetricHistory(
            metric=name,
            newest=format_interval(
                measured[-1].value, measured[-1].low, measured[-1].high, n=measured[-1].n, unit=units[name]
            ),
            plot=history_plot(measured, threshold=None, unit=units[name], title=f"{name} over the runs"),
            said=_said(found.get(name), units[name]),
        )
        for name, measured in points.items()
    ]


def _said(found: Comparison | None, unit: str) -> str:
    if found is None or found.difference is None:
        return ""
    own = found.difference
    moved = {1: "proven better", -1: "proven worse", 0: "no difference proven"}[_moved(found)]
    change = format_interval(own.value, own.low, own.high, n=own.n, unit=difference_unit(own.unit or unit))
    return short(f"Newest release minus the one before: {change}; {moved}.", most=200)


PAGE = Page(name="history", path="/runs/history", template="history.html", view=view)
