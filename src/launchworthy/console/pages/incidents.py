"""``/products/{product}/incidents``: what is open, watched and closed, and which alerts are noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from launchworthy.console.claims import claim_url
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, count, page_url, sentence, short, span
from launchworthy.errors import NotFoundError
from launchworthy.quantity import format_interval
from launchworthy.records.incident import Incident, IncidentState, RulePrecision

__all__ = ["PAGE", "WORDS", "IncidentsView", "RuleRow", "Shown", "shown_incident"]

WORDS = {
    IncidentState.OPEN: ("unmet", "✕", "open"),
    IncidentState.WATCHED: ("unproven", "◌", "fix under watch"),
    IncidentState.CLOSED: ("met", "●", "closed"),
}
_MOST = 200
_NAMED = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One incident in a list."""

    link: Link
    state: str
    mark: str
    word: str
    title: str
    claim: Link
    mode: str
    severity: str
    owner: str
    when: str
    seen: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One rule and how often it was right."""

    rule: Link
    source: str
    alerts: str
    right: str
    judged: str
    noisy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentsView:
    """What the page receives."""

    head: Head
    groups: tuple[tuple[str, tuple[Shown, ...]], ...]
    rules: tuple[RuleRow, ...]
    modes: str
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> IncidentsView:
    """Incidents of one product by state, and the precision of every rule."""
    product = ask.path["product"]
    if product not in reading.products():
        raise NotFoundError(f"no product {product!r:.80}", hint="the overview lists every product")
    found = list(reading.incidents(product))
    rules = reading.incident_rules(product)
    names = {
        IncidentState.OPEN: "Open",
        IncidentState.WATCHED: "Fixed, and watched until that is proven",
        IncidentState.CLOSED: "Closed",
    }
    groups = [
        (name, tuple(shown_incident(each, product) for each in found if each.state is state)[:_MOST])
        for state, name in names.items()
    ]
    return IncidentsView(
        head=Head(
            title=_title(found, product),
            reason=_reason(rules),
            section="products",
            trail=(
                Link(text="Products", url="/"),
                Link(text=short(product, most=_NAMED), url=page_url("products", product)),
                Link(text="Incidents"),
            ),
        ),
        groups=tuple((name, rows) for name, rows in groups if rows),
        rules=tuple(_rule(each, product) for each in rules),
        modes=page_url("products", product, "failure-modes"),
        empty=None
        if found
        else Empty(
            what="No limit was passed, no promise was shown to be broken, and nobody opened an incident.",
            command=f'launchworthy incidents open "WHAT IS BEING LOST" --product {product} --by NAME',
        ),
    )


def shown_incident(each: Incident, product: str) -> Shown:
    """An incident as lists show it."""
    state, mark, word = WORDS[each.state]
    said = short(f"{each.closed_by}: {each.because}" if each.closed_by else each.because, most=200)
    return Shown(
        link=Link(text=each.id, url=page_url("products", product, "incidents", each.id)),
        state=state,
        mark=mark,
        word="closed, cure proven" if each.verified and word == "closed" else word,
        title=sentence(short(each.title, most=200)),
        claim=Link(
            text=short(each.address.removeprefix(f"{product}/"), most=_NAMED),
            url=claim_url(product, each.address) if each.address else "",
        ),
        mode=short(each.failure_mode or "", most=_NAMED).replace("_", " "),
        severity=each.severity,
        owner=short(each.owner, most=_NAMED),
        when=span(each.opened_at, each.last_at),
        seen=f"{each.count:,}",
        said=said,
    )


def _title(found: Sequence[Incident], product: str) -> str:
    open_ = [each for each in found if each.state is IncidentState.OPEN]
    watched = sum(each.state is IncidentState.WATCHED for each in found)
    if not open_:
        if watched:
            return f"Nothing is open; {count(watched, 'fix', plural='fixes')} under watch"
        return f"No incident of {short(product, most=_NAMED)} is open"
    worst = [each for each in open_ if each.severity == "critical"]
    told = f", {len(worst)} critical" if worst else ""
    under = f"; {count(watched, 'fix', plural='fixes')} under watch" if watched else ""
    return f"{count(len(open_), 'incident')} open{told}{under}"


def _reason(rules: Sequence[RulePrecision]) -> str:
    noisy = [each.address.rpartition("/")[2].replace("_", " ") for each in rules if each.noisy]
    if noisy:
        verb = "is" if len(noisy) == 1 else "are"
        return f"Of what raises alerts, {', '.join(noisy[:3])} {verb} shown to be noise more often than not."
    return ""


def _rule(each: RulePrecision, product: str) -> RuleRow:
    right = "not judged yet"
    if each.precision is not None and each.low is not None and each.high is not None:
        right = format_interval(each.precision, each.low, each.high, n=each.real + each.noise, unit="ratio")
    return RuleRow(
        rule=Link(
            text=short(each.address.removeprefix(f"{product}/"), most=_NAMED),
            url=claim_url(product, each.address) if "/" in each.address else "",
        ),
        source=each.source.value,
        alerts=f"{each.alerts:,}",
        right=right,
        judged=f"{each.real:,} real, {each.noise:,} noise, {each.unknown:,} unknown",
        noisy=each.noisy,
    )


PAGE = Page(name="incidents", path="/products/{product}/incidents", template="incidents.html", view=view)
