"""``/gold/{product}/{name}/coverage``: what users ask that no gold item asks, in kinds, the largest first."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from markupsafe import Markup

from launchworthy.console.charts import coverage_plot
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.pages.gold_set import newest_version
from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, count, page_url, short
from launchworthy.gold import Asked, Coverage, GoldVersion, asked_of, coverage_of
from launchworthy.quantity import format_interval, format_value

__all__ = ["PAGE", "CoverageView", "KindRow"]

# What one core compares in about two seconds, where all are of different kinds.
_MOST_QUESTIONS = 1_000
_MOST_ITEMS = 10_000
_MOST_KINDS = 40
_DAYS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRow:
    """Questions near one another without a gold item near them; ``traces`` finds those who asked."""

    number: int
    questions: str
    share: str
    first: str
    examples: tuple[str, ...]
    nearest: str
    traces: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageView:
    """What the page receives; ``users`` and ``days`` are as in the URL."""

    head: Head
    users: str
    days: str
    share: str
    plot: Markup
    kinds: tuple[KindRow, ...]
    notes: tuple[str, ...]
    command: str
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> CoverageView:
    """Compare the newest questions of the workflow with the newest version of the set."""
    product, name = ask.path["product"], ask.path["name"]
    newest = newest_version(reading, product=product, name=name)
    days = _days(ask.query.get("days", ""))
    if newest.items > _MOST_ITEMS:
        return _too_large(newest, days)
    asked = asked_of(
        reading.query,
        product=product,
        workflow=name,
        since=ask.now - timedelta(days=days),
        until=ask.now,
        most=_MOST_QUESTIONS,
    )
    wanted = ask.query.get("users", "")
    users = wanted if wanted in ("real", "simulated") else "real" if asked.real else "simulated"
    questions = asked.real if users == "real" else asked.simulated
    items = reading.gold_items(product=product, name=name, version=newest.version, split=None)
    found = coverage_of(items, questions)
    shown = found.clusters[:_MOST_KINDS]
    listed = sum(cluster.questions for cluster in shown)
    covered = 0 if found.uncovered is None else round(found.questions * (1.0 - found.uncovered.value))
    return CoverageView(
        head=Head(
            title=_title(name, users, found),
            reason=f"{count(found.questions, 'question')} of {users} users in {days:g} days, against "
            f"{count(found.items, 'item')} of {name}@{newest.version}.",
            section="gold",
            trail=_trail(newest),
        ),
        users=users,
        days=f"{days:g}",
        share=""
        if found.uncovered is None
        else format_interval(
            found.uncovered.value, found.uncovered.low, found.uncovered.high, n=found.questions, unit="ratio"
        ),
        plot=coverage_plot(
            covered,
            kinds=[cluster.questions for cluster in shown],
            rest=found.questions - covered - listed,
            title=f"What {users} users ask, by whether a gold item is near",
        )
        if found.questions
        else Markup(""),
        kinds=tuple(_kinds(found, newest)),
        notes=tuple(_notes(found, asked, users=users, listed=listed, covered=covered)),
        command=f"launchworthy gold promote TRACE --name {shlex.quote(name)}",
        empty=None
        if found.questions
        else Empty(
            what=f"No question of {users} users is stored with its text in the last {days:g} days. "
            "Compare those of a file:",
            command=f"launchworthy gold coverage {shlex.quote(name)} --input questions.csv",
        ),
    )


def _trail(version: GoldVersion) -> tuple[Link, ...]:
    return (
        Link(text="Gold sets", url="/gold"),
        Link(text=version.name, url=page_url("gold", version.product, version.name)),
        Link(text="Coverage"),
    )


def _too_large(version: GoldVersion, days: float) -> CoverageView:
    return CoverageView(
        head=Head(
            title=f"{version.name} has too many items to compare while you wait",
            section="gold",
            trail=_trail(version),
        ),
        users="real",
        days=f"{days:g}",
        share="",
        plot=Markup(""),
        kinds=(),
        notes=(),
        command="",
        empty=Empty(
            what=f"A page compares at most {_MOST_ITEMS:,} items with what users ask, and this set has "
            f"{version.items:,}. The command compares them all:",
            command=f"launchworthy gold coverage {shlex.quote(version.name)} --since {days:g}d",
        ),
    )


def _days(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return _DAYS
    return value if 0.0 < value <= 3_650.0 else _DAYS


def _title(name: str, users: str, found: Coverage) -> str:
    if found.uncovered is None:
        return f"No question of {users} users to compare {short(name, most=60)} with"
    if found.uncovered.value == 0.0:
        return f"Each of {count(found.questions, f'{users} question')} has a gold item near it"
    share = format_value(found.uncovered.value, unit="ratio")
    kinds = count(len(found.clusters), "kind")
    return f"{share} of {users} questions have no gold item near them, in {kinds}"


def _kinds(found: Coverage, version: GoldVersion) -> Iterable[KindRow]:
    for number, cluster in enumerate(found.clusters[:_MOST_KINDS], start=1):
        first, *others = cluster.examples
        near = format_value(cluster.score, unit="ratio")
        yield KindRow(
            number=number,
            questions=f"{cluster.questions:,}",
            share=format_value(cluster.questions / found.questions, unit="ratio"),
            first=short(first, most=200),
            examples=tuple(short(each, most=160) for each in others),
            nearest="" if cluster.nearest is None else f"{cluster.nearest}, {near}",
            traces=Link(
                text="find its traces", url=page_url("traces", product=version.product, text=first[:80])
            ),
        )


def _notes(found: Coverage, asked: Asked, *, users: str, listed: int, covered: int) -> Iterable[str]:
    rest = found.questions - covered - listed
    if rest:
        yield f"{count(rest, 'further question')} without an item are of rarer kinds, which are not listed."
    if not asked.whole:
        yield f"Only the newest {_MOST_QUESTIONS:,} calls are read here; the command reads more."
    if asked.unstored:
        yield f"{count(asked.unstored, 'call')} kept no text."
    if found.without_text:
        yield f"{count(found.without_text, 'question')} had no word in them."
    other = asked.simulated if users == "real" else asked.real
    if other:
        others = "simulated" if users == "real" else "real"
        yield f"{count(len(other), 'question')} of {others} users are not among them."
    least = format_value(found.threshold, unit="ratio")
    yield (
        f"Near is a likeness of words of at least {least}: what is asked in entirely other words counts as "
        "not covered."
    )


PAGE = Page(
    name="gold-coverage",
    path="/gold/{product}/{name}/coverage",
    template="gold_coverage.html",
    view=view,
)
