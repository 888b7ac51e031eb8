"""``/products/{product}/failure-modes``: how often each failure happens, where that goes, what is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from launchworthy.console.charts import weeks_plot
from launchworthy.console.claims import claim_url
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, count, joined, page_url, short
from launchworthy.errors import NotFoundError
from launchworthy.quantity import difference_unit, format_interval, format_value
from launchworthy.records.incident import FailureRow, Proof, Rate

__all__ = ["PAGE", "FailureModesView", "ModeRow"]

_NAMED = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeRow:
    """One failure mode."""

    name: str
    workflow: str
    severity: str
    kind: str
    watched_by: Link
    measured: str
    rate: str
    weeks: Markup
    state: str
    mark: str
    trend: str
    change: str
    work: str
    cured: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureModesView:
    """What the page receives."""

    head: Head
    rows: tuple[ModeRow, ...]
    incidents: str
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> FailureModesView:
    """Every failure mode of the contract in force."""
    product = ask.path["product"]
    if reading.contract(product) is None:
        raise NotFoundError(f"{product!r:.80} has no contract", hint="write one with: launchworthy init")
    found = list(reading.failure_board(product))
    return FailureModesView(
        head=Head(
            title=_title(found),
            reason="How often users say so, in the last four weeks against the four before." if found else "",
            section="products",
            trail=(
                Link(text="Products", url="/"),
                Link(text=short(product, most=_NAMED), url=page_url("products", product)),
                Link(text="Failure modes"),
            ),
        ),
        rows=tuple(_row(each, product) for each in found),
        incidents=page_url("products", product, "incidents"),
        empty=None
        if found
        else Empty(
            what="The contract names no way to fail, so no click, label or incident has a name to go by.",
            command="launchworthy lint --explain",
        ),
    )


def _title(found: Sequence[FailureRow]) -> str:
    if not found:
        return "No failure mode is named"
    worse = [each.name.replace("_", " ") for each in found if each.trend and each.trend.fallen is False]
    open_ = sum(each.open for each in found)
    told = f"{count(open_, 'incident')} open" if open_ else "no incident open"
    if worse:
        return (
            f"{joined([short(each, most=30) for each in worse[:3]]).capitalize()} happens more often; {told}"
        )
    return f"No failure is shown to happen more often; {told}"


def _row(each: FailureRow, product: str) -> ModeRow:
    state, mark, trend = _trend(each.trend)
    rate = "no calls"
    if each.rate is not None:
        rate = _told(each.rate)
    work = [
        text
        for number, text in (
            (each.open, f"{each.open:,} open"),
            (each.watched, count(each.watched, "fix under watch", plural="fixes under watch")),
        )
        if number
    ]
    cured = f"{each.cured:,} cured" if each.cured else ""
    if each.days_to_cure is not None:
        cured += f", {format_value(each.days_to_cure * 86_400_000.0, unit='ms')} to the proven fix"
    name = short(each.name.replace("_", " "), most=_NAMED)
    return ModeRow(
        name=name,
        workflow=short(each.workflow, most=_NAMED),
        severity=each.severity,
        kind=each.kind,
        watched_by=Link(
            text=short(each.watched_by.removeprefix(f"{product}/"), most=_NAMED),
            url=claim_url(product, each.watched_by),
        ),
        measured="not measured yet" if each.measured is None else _told(each.measured),
        rate=rate,
        weeks=weeks_plot(each.clicks, of=each.calls, title=f"{name}, share of calls"),
        state=state,
        mark=mark,
        trend=trend,
        change=_change(each.trend),
        work=", ".join(work) or "nothing open",
        cured=cured,
    )


def _told(rate: Rate) -> str:
    return format_interval(rate.value, rate.low, rate.high, n=rate.n, unit=rate.unit)


def _trend(trend: Proof | None) -> tuple[str, str, str]:
    if trend is None:
        return "unproven", "◌", "nothing to compare with"
    return {
        True: ("met", "●", "less often"),
        False: ("unmet", "✕", "more often"),
        None: ("unproven", "◌", "no change shown"),
    }[trend.fallen]


def _change(trend: Proof | None) -> str:
    if trend is None or trend.low is None or trend.high is None or not trend.before or not trend.after:
        return ""
    apart = trend.after.value - trend.before.value
    return format_interval(apart, trend.low, trend.high, unit=difference_unit("ratio"))


PAGE = Page(
    name="failure-modes",
    path="/products/{product}/failure-modes",
    template="failure_modes.html",
    view=view,
)
