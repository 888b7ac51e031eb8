"""``/products/{product}/guards``: which guards act, which only watch, and what they hit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from markupsafe import Markup

from launchworthy.console.charts import HistoryPoint, history_plot
from launchworthy.console.checked import checked_texts
from launchworthy.console.page import Again, Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.reviewing import acts_for
from launchworthy.console.users import Users, users_of
from launchworthy.console.words import Link, count, day, from_ns, joined, moment, page_url, sentence, short
from launchworthy.errors import NotFoundError
from launchworthy.monitor.guards import (
    FALSE_POSITIVE,
    GuardDay,
    GuardHit,
    GuardReading,
    guard_hits,
    guard_readings,
)
from launchworthy.quantity import format_interval, format_number, format_value
from launchworthy.runtime.compiling import CompiledGuard
from launchworthy.stats import wilson

__all__ = ["PAGE", "DayRow", "GuardRow", "GuardsView", "HitRow"]

_DAYS = 30
_HITS = 25
_NAMED = 60
_MODES = {"live": ("met", "●", "acts"), "shadow": ("unproven", "◌", "watches")}


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRow:
    """One guard: whether it acts, why, and what it did in the calls of the window."""

    name: str
    url: str
    state: str
    mark: str
    mode: str
    why: str
    action: str
    live: str
    shadow: str
    unchecked: str
    reviewed: str
    calibration: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """One day of the guard that is looked at."""

    day: str
    calls: str
    live: str
    shadow: str
    unchecked: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HitRow:
    """One hit, the text that was checked where records hold it, and what may be said of it."""

    id: str
    guard: str
    at: str
    found: str
    score: str
    mode: str
    text: str
    reason: str
    trace: Link
    review: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardsView:
    """What the page receives; ``act`` and ``token`` are of the forms that review a hit."""

    head: Head
    users: Users
    rows: tuple[GuardRow, ...]
    chosen: str
    plots: tuple[tuple[str, Markup], ...]
    days: tuple[DayRow, ...]
    hits: tuple[HitRow, ...]
    act: str
    token: str
    back: str
    again: Again
    may_review: bool
    remark: str
    command: str
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> GuardsView:
    """The guards of the contract in force, and what they did in the last 30 days."""
    product = ask.path["product"]
    if reading.contract(product) is None:
        raise NotFoundError(f"{product!r:.80} has no contract", hint="write one with: launchworthy init")
    since, until = ask.now - timedelta(days=_DAYS), ask.now + timedelta(seconds=1)
    users = users_of(reading, ask.query, product=product, page="guards", since=since, until=until)
    whose: dict[str, Any] = {"product": product, "since": since, "until": until, "simulated": users.simulated}
    calls, found = guard_readings(reading.query, **whose)
    compiled = reading.guards(product)
    known: Mapping[str, CompiledGuard] = (
        {} if isinstance(compiled, str) else {each.rule.name: each for each in compiled}
    )
    names = list(dict.fromkeys((*known, *sorted(found))))
    wanted = ask.query.get("guard", "")
    chosen = wanted if wanted in names else _busiest(found)
    hits = guard_hits(reading.query, **whose, most=_HITS)
    if chosen and wanted == chosen:
        hits = [hit for hit in hits if hit.guard == chosen]
    texts = checked_texts(reading, product, hits)
    rows = tuple(
        _row(
            name,
            known.get(name),
            found.get(name),
            calls=calls,
            product=product,
            users=ask.query.get("users", ""),
        )
        for name in names
    )
    return GuardsView(
        head=Head(
            title=_title(rows, isinstance(compiled, str)),
            reason=_reason(found, calls, users),
            section="products",
            trail=(
                Link(text="Products", url="/"),
                Link(text=short(product, most=_NAMED), url=page_url("products", product)),
                Link(text="Guards"),
            ),
        ),
        users=users,
        rows=rows,
        chosen=chosen,
        plots=_plots(chosen, found.get(chosen)),
        days=tuple(_day(each) for each in reversed(found[chosen].days)) if chosen in found else (),
        hits=tuple(_hit(hit, texts.get(hit.id, "")) for hit in hits),
        act=page_url("products", product, "guards", "review"),
        token=ask.token,
        back=ask.address,
        again=ask.again,
        may_review=ask.may_look or acts_for(reading, product, ask.key),
        remark=compiled if isinstance(compiled, str) else "",
        command=f"launchworthy guard reviewed {chosen or 'NAME'} --out cases.jsonl",
        empty=None
        if names
        else Empty(
            what="This product has no guard: a generative one that declares none has them against injection "
            "and for personal data.",
            command="launchworthy lint --explain",
        ),
    )


def _title(rows: Sequence[GuardRow], unknown: bool) -> str:
    watching = [row.name for row in rows if row.mode == "watches"]
    acting = sum(row.mode == "acts" for row in rows)
    if not rows:
        return "No guard checks this product"
    if unknown or not acting + len(watching):
        return f"{count(len(rows), 'guard')} told of what they found"
    known = acting + len(watching)
    if not watching:
        return f"All {known} guards act" if known > 1 else f"{rows[0].name} acts"
    if not acting:
        return f"No guard acts yet: {joined(watching[:4])} only watch{'es' if len(watching) == 1 else ''}"
    named = joined(watching[:3]) if len(watching) <= 3 else f"{len(watching)} others"
    verb = "acts" if acting == 1 else "act"
    return f"{acting} of {known} guards {verb}; {named} only watch{'es' if len(watching) == 1 else ''}"


def _reason(found: Mapping[str, GuardReading], calls: int, users: Users) -> str:
    if not calls and not found:
        return f"No call of the last {_DAYS} days was recorded."
    whose = " of simulated users" if users.simulated else ""
    wrong, reviewed = (sum(getattr(each, name) for each in found.values()) for name in ("wrong", "reviewed"))
    told = (
        f" People looked at {count(reviewed, 'hit')} and found {wrong or 'none'} wrong." if reviewed else ""
    )
    return f"{sentence(count(calls, 'call'))}{whose} in the last {_DAYS} days.{told}"


def _row(
    name: str,
    guard: CompiledGuard | None,
    found: GuardReading | None,
    *,
    calls: int,
    product: str,
    users: str,
) -> GuardRow:
    state, mark, mode = _MODES.get(guard.mode if guard else "", ("unproven", "◌", "unknown"))
    return GuardRow(
        name=name,
        url=page_url("products", product, "guards", guard=name, users=users),
        state=state,
        mark=mark,
        mode=mode,
        why=guard.why if guard else "not in the contract in force, or only the application knows it",
        action=guard.rule.action.value if guard else "",
        live=_share(0 if found is None else found.live, calls),
        shadow=_share(0 if found is None else found.shadow, calls),
        unchecked=_share(0 if found is None else found.unchecked, calls),
        reviewed="" if found is None else _reviewed(found),
        calibration=_calibration(guard),
    )


def _share(number: int, calls: int) -> str:
    if not calls or not number:
        return f"{number:,} calls" if number else "none"
    found = wilson(min(number, calls), n=calls)
    return format_interval(found.value, found.low, found.high, unit="ratio")


def _reviewed(found: GuardReading) -> str:
    return f"{found.wrong:,} of {found.reviewed:,}" if found.reviewed else ""


def _calibration(guard: CompiledGuard | None) -> str:
    made = None if guard is None else guard.calibration
    if made is None:
        return ""
    high, recall = made.false_positives.get("high"), made.recall.get("value")
    parts = []
    if isinstance(high, (int, float)):
        parts.append(f"flags at most {format_value(high, unit='ratio')} of good cases")
    if isinstance(recall, (int, float)):
        parts.append(f"finds {format_value(recall, unit='ratio')} of the bad")
    if made.threshold is not None:
        parts.append(f"from {format_number(made.threshold, digits=6)}")
    return ", ".join(parts)


def _busiest(found: Mapping[str, GuardReading]) -> str:
    return max(found, key=lambda name: (found[name].live + found[name].shadow, name), default="")


def _plots(name: str, found: GuardReading | None) -> tuple[tuple[str, Markup], ...]:
    if found is None or len(found.days) < 2:  # one day is no course
        return ()
    return tuple(
        (
            f"Calls that it hit, {word}",
            history_plot(
                _points(found, column),
                threshold=None,
                unit="ratio",
                title=f"Share of calls that {name} hit each day, {word}",
            ),
        )
        for column, word in (("live", "acting"), ("shadow", "in shadow"))
        if getattr(found, column) and any(each.calls for each in found.days)
    )


def _points(found: GuardReading, column: str) -> list[HistoryPoint]:
    points = []
    for each in found.days:
        if each.calls:
            share = wilson(min(getattr(each, column), each.calls), n=each.calls)
            points.append(
                HistoryPoint(at=each.day, value=share.value, low=share.low, high=share.high, n=each.calls)
            )
    return points


def _day(each: GuardDay) -> DayRow:
    return DayRow(
        day=day(each.day),
        calls=f"{each.calls:,}",
        live=f"{each.live:,}",
        shadow=f"{each.shadow:,}",
        unchecked=f"{each.unchecked:,}",
    )


def _hit(hit: GuardHit, text: str) -> HitRow:
    return HitRow(
        id=hit.id,
        guard=hit.guard,
        at=moment(from_ns(hit.at_ns)),
        found=" in ".join(
            part for part in (hit.category.replace("_", " "), hit.stage.replace("_", " ")) if part
        ),
        score="" if hit.score is None else format_number(hit.score),
        mode="watched" if hit.shadow else "acted",
        text=text,
        reason=hit.reason,
        trace=Link(text=hit.trace_id[:12], url=page_url("traces", hit.trace_id) if hit.trace_id else ""),
        review={"": "", FALSE_POSITIVE: "false positive"}.get(hit.review, "right"),
    )


PAGE = Page(name="guards", path="/products/{product}/guards", template="guards.html", view=view)
