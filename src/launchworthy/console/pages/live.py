"""``/products/{product}/live``: what users call now, what fails of it, and what is silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from launchworthy.console.charts import calls_plot, latency_plot
from launchworthy.console.day import Hour, last_day
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.payload import gist
from launchworthy.console.reading import Reading
from launchworthy.console.traffic import SHOWN_FOR, Calls, Traffic, last_heard, traffic
from launchworthy.console.users import Users, users_of
from launchworthy.console.words import NO_ANSWERS, Link, count, from_ns, moment, page_url, short
from launchworthy.quantity import format_value

__all__ = ["PAGE", "CallRow", "CallsRow", "DayView", "HourRow", "LiveView"]

_NAMED = 60
_RECENT = 5  # minutes that the title speaks of
_MARKS = {"met": "●", "unmet": "✕", "waived": "○"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsRow:
    """Calls of one workflow, or of one release and cohort; those of a silent workflow have words only."""

    name: Link
    cohort: str
    n: str
    failed: str
    unanswered: str
    p50: str
    p95: str
    cost: str
    newest: str
    state: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One call."""

    at: str
    asked: Link
    workflow: str
    release: str
    state: str
    mark: str
    word: str
    latency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HourRow:
    """One hour of the last day."""

    began: str
    n: str
    failed: str
    p50: str
    p95: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayView:
    """The last day as two drawings over the same hours, and as a table, the newest hour first."""

    calls: Markup
    latency: Markup
    hours: tuple[HourRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveView:
    """What the page receives; ``here`` is asked again every few seconds, unless the reader stopped it."""

    head: Head
    users: Users
    figures: tuple[tuple[str, str], ...]
    plot: Markup
    day: DayView | None
    workflows: tuple[CallsRow, ...]
    releases: tuple[CallsRow, ...]
    newest: tuple[CallRow, ...]
    as_of: str
    here: str
    toggle: Link
    still: bool
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> LiveView:
    """The last hour."""
    product = ask.path["product"]
    users = _users(reading, ask, product, ask.query)
    if not users.simulated and "users" not in ask.query and _never_real(reading, ask, product):
        users = _users(reading, ask, product, {"users": "simulated"})
    found = traffic(reading, product, now=ask.now, simulated=users.simulated)
    heard = last_heard(reading, product, simulated=users.simulated)
    still = ask.query.get("still") == "1"
    kept = {"users": ask.query["users"]} if ask.query.get("users") in ("real", "simulated") else {}
    here = page_url("products", product, "live", **kept, still="1" if still else "")
    return LiveView(
        head=Head(
            title=_title(found, heard, now=ask.now),
            reason=_reason(found.whole),
            section="products",
            trail=(
                Link(text="Products", url="/"),
                Link(text=short(product, most=_NAMED), url=page_url("products", product)),
                Link(text="Live traffic"),
            ),
        ),
        users=users,
        figures=() if found.whole is None else _figures(found.whole),
        plot=calls_plot(
            [n for n, _ in found.minutes],
            failed=[bad for _, bad in found.minutes],
            since=found.since,
            title="Calls by minute (UTC)",
        ),
        day=_day(last_day(reading, product, now=ask.now, simulated=users.simulated)),
        workflows=_workflows(reading, product, found, heard),
        releases=tuple(
            _row(Link(text=each.name[0] or "no release"), each, cohort=each.name[1])
            for each in found.releases
        ),
        newest=tuple(_call(row) for row in found.newest),
        as_of=f"{ask.now:%H:%M:%S} UTC",
        here=here,
        toggle=Link(
            text="Go on" if still else "Stand still",
            url=page_url("products", product, "live", **kept, still="" if still else "1"),
        ),
        still=still,
        empty=None
        if found.whole is not None or heard
        else Empty(
            what="Nobody has called yet. Instrument the application, or point its exporter here.",
            command=f"OTEL_EXPORTER_OTLP_ENDPOINT={ask.server} python app.py",
        ),
    )


def _users(reading: Reading, ask: Ask, product: str, query: Mapping[str, str]) -> Users:
    return users_of(reading, query, product=product, page="live", since=ask.now - SHOWN_FOR, until=ask.now)


def _never_real(reading: Reading, ask: Ask, product: str) -> bool:
    """Whether only simulated users ever called, be it before this hour: then it is they who are silent."""
    if traffic(reading, product, now=ask.now, simulated=False).whole is not None:
        return False
    heard = (last_heard(reading, product, simulated=each) for each in (False, True))
    return [bool(each) for each in heard] == [False, True]


def _title(found: Traffic, heard: Mapping[str, datetime], *, now: datetime) -> str:
    if found.whole is None:
        return f"Silent since {moment(max(heard.values()))}, to the hour" if heard else "No call yet"
    recent = found.minutes[-_RECENT - 1 :]  # whole ones, and the one under way
    n, failed = sum(each for each, _ in recent), sum(bad for _, bad in recent)
    if not n:
        return f"Silent for {int(now.timestamp() - found.whole.newest_ns / 1e9) // 60} minutes"
    told = "none failed" if not failed else "all failed" if failed == n else f"{failed:,} failed"
    return f"{count(n, 'call')} in the last {_RECENT} minutes, {told}"


def _reason(whole: Calls | None) -> str:
    if whole is None:
        return "No call in the last hour."
    return (
        f"{count(whole.n, 'call')} in the last hour; half took at most {_ms(whole.p50_ms)}, "
        f"95 % at most {_ms(whole.p95_ms)}."
    )


def _figures(whole: Calls) -> tuple[tuple[str, str], ...]:
    minutes = SHOWN_FOR.total_seconds() / 60
    return (
        ("Calls a minute", format_value(whole.n / minutes, unit="")),
        ("Failed", _share(whole.failed, whole.n)),
        ("Without an answer", _share(whole.unanswered, whole.n)),
        ("P50", _ms(whole.p50_ms)),
        ("P95", _ms(whole.p95_ms)),
        ("Cost an hour", _usd(whole.cost_usd)),
    )


def _day(hours: tuple[Hour, ...]) -> DayView | None:
    """None where nobody called."""
    if not any(hour.n for hour in hours):
        return None
    since = hours[0].began
    took = [None if h.p50_ms is None or h.p95_ms is None else (h.p50_ms, h.p95_ms) for h in hours]
    return DayView(
        calls=calls_plot(
            [hour.n for hour in hours],
            failed=[hour.failed for hour in hours],
            since=since,
            title="Calls by hour (UTC)",
            each="hour",
        ),
        latency=latency_plot(
            took, since=since, title="Latency by hour (UTC), a dot at P50 and a line to P95"
        ),
        hours=tuple(
            HourRow(
                began=f"{hour.began:%Y-%m-%d %H}:00",
                n=f"{hour.n:,}",
                failed=_share(hour.failed, hour.n) if hour.n else "",
                p50=_ms(hour.p50_ms),
                p95=_ms(hour.p95_ms),
            )
            for hour in reversed(hours)
        ),
    )


def _workflows(
    reading: Reading, product: str, found: Traffic, heard: Mapping[str, datetime]
) -> tuple[CallsRow, ...]:
    contract = reading.contract(product)
    declared = () if contract is None else tuple(contract.workflows)
    seen = {each.name[0] for each in found.workflows}
    silent = [name for name in dict.fromkeys((*declared, *sorted(heard))) if name not in seen]
    return (
        *(_row(_workflow(product, each.name[0]), each) for each in found.workflows),
        *(_silent(_workflow(product, name), heard.get(name)) for name in silent),
    )


def _workflow(product: str, name: str) -> Link:
    if not name:
        return Link(text="no workflow")
    return Link(text=name, url=page_url("traces", product=product, workflow=name))


def _row(name: Link, calls: Calls, *, cohort: str = "") -> CallsRow:
    return CallsRow(
        name=name,
        cohort=cohort,
        n=f"{calls.n:,}",
        failed=_share(calls.failed, calls.n),
        unanswered=_share(calls.unanswered, calls.n),
        p50=_ms(calls.p50_ms),
        p95=_ms(calls.p95_ms),
        cost=_usd(calls.cost_usd),
        newest=f"{from_ns(calls.newest_ns):%H:%M:%S}",
        state="",
        mark="",
    )


def _silent(name: Link, since: datetime | None) -> CallsRow:
    return CallsRow(
        name=name,
        cohort="",
        n="0",
        failed="",
        unanswered="",
        p50="",
        p95="",
        cost="",
        newest="never called" if since is None else f"silent since {since:%Y-%m-%d %H}:00",
        state="waived",
        mark=_MARKS["waived"],
    )


def _call(row: Mapping[str, Any]) -> CallRow:
    state, word = "met", "ok"
    if row["status"] == "error":
        state, word = "unmet", row["error_type"] or "error"
    elif row["no_answer"]:
        state, word = "waived", NO_ANSWERS.get(row["no_answer"], "no answer")
    return CallRow(
        at=f"{from_ns(row['start_time']):%H:%M:%S}",
        asked=Link(
            text=gist(row["input"]) or row["name"] or "no input recorded",
            url=page_url("traces", row["trace"]),
        ),
        workflow=row["workflow"] or "",
        release=row["release"] or "",
        state=state,
        mark=_MARKS[state],
        word=word,
        latency=_ms(row["duration_ms"]),
    )


def _share(part: int, n: int) -> str:
    return format_value(part / n, unit="ratio")


def _ms(value: float | None) -> str:
    return "" if value is None else format_value(value, unit="ms")


def _usd(value: float | None) -> str:
    return "not known" if value is None else format_value(value, unit="USD")


PAGE = Page(name="live", path="/products/{product}/live", template="live.html", view=view)
