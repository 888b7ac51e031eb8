"""``/products/{product}/incidents/{incident}``: one incident, what was done, and whether that helped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from launchworthy.console.charts import ForestRow, IntervalMark, before_after_plot, forest_plot
from launchworthy.console.page import Again, Ask, Head, Page
from launchworthy.console.pages.incidents import Shown, shown_incident
from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, count, moment, page_url, sentence, short
from launchworthy.contract import Contract
from launchworthy.quantity import difference_unit, format_interval, format_value
from launchworthy.records.incident import (
    Incident,
    IncidentEvent,
    IncidentState,
    Mechanism,
    Notice,
    Proof,
    Rate,
)

__all__ = ["PAGE", "Happened", "IncidentView", "ProofRow"]

_NAMED = 60
_LONG = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One line of the timeline."""

    when: str
    what: str
    by: str
    text: str
    altered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRow:
    """Whether the fix helped, in one place where that shows."""

    where: str
    state: str
    mark: str
    word: str
    said: str
    what: str
    since: str
    rates: Markup | None
    change: Markup | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentView:
    """What the page receives."""

    head: Head
    one: Shown
    is_open: bool
    is_closed: bool
    facts: tuple[tuple[str, str], ...]
    suspects: tuple[tuple[str, str, str], ...]
    playbook: str
    traces: tuple[Link, ...]
    proofs: tuple[ProofRow, ...]
    waiting: str
    items: tuple[Link, ...]
    events: tuple[Happened, ...]
    notices: tuple[tuple[str, str, str], ...]
    mechanisms: tuple[str, ...]
    likely: str
    owners: tuple[str, ...]
    action: str
    token: str
    again: Again
    may_act: bool


def view(reading: Reading, ask: Ask) -> IncidentView:
    """One incident as it stands."""
    product = ask.path["product"]
    detail = reading.incident(product, ask.path["incident"])
    one, contract = detail.incident, reading.contract(product)
    shown = shown_incident(one, product)
    return IncidentView(
        head=Head(
            title=_title(one),
            reason=sentence(short(one.title, most=_LONG)),
            section="products",
            trail=(
                Link(text="Products", url="/"),
                Link(text=short(product, most=_NAMED), url=page_url("products", product)),
                Link(text="Incidents", url=page_url("products", product, "incidents")),
                Link(text=one.id),
            ),
        ),
        one=shown,
        is_open=one.state is IncidentState.OPEN,
        is_closed=one.state is IncidentState.CLOSED,
        facts=(*_facts(one), *_numbers(one.facts)),
        suspects=tuple((moment(each.at), each.kind, short(each.what, most=_LONG)) for each in one.suspected),
        playbook=short(detail.playbook, most=_LONG),
        traces=tuple(Link(text=each, url=page_url("traces", each)) for each in one.traces),
        proofs=tuple(_proof(each) for each in one.verification.proofs) if one.verification else (),
        waiting=_waiting(one),
        items=_items(one, product),
        events=tuple(_event(each) for each in detail.events),
        notices=tuple(
            (
                short(each.target, most=_NAMED),
                each.kind,
                _heard(each),
            )
            for each in detail.notices
        ),
        mechanisms=tuple(Mechanism),
        likely=ask.again.typed("mechanism") or _likely(contract, one),
        owners=() if contract is None else tuple(contract.owners),
        action=page_url("products", product, "incidents", one.id),
        token=ask.token,
        again=ask.again,
        may_act=ask.may_look,
    )


def _title(one: Incident) -> str:
    what = (one.failure_mode or one.address.rpartition("/")[2] or "an incident").replace("_", " ")
    what = sentence(short(what, most=_NAMED))
    if one.state is IncidentState.OPEN:
        times = f" for the {_times(one.reopened)} time" if one.reopened > 1 else ""
        return f"{what}: open{f' again{times}' if one.reopened else ''}"
    if one.state is IncidentState.WATCHED:
        return f"{what}: fixed, not yet shown to be cured"
    if one.verified:
        return f"{what}: shown to be cured"
    was = {None: "closed", "noise": "closed as noise", "unknown": "closed, cause unknown"}
    return f"{what}: {was.get(one.was, 'closed')}"


def _times(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")


def _facts(one: Incident) -> tuple[tuple[str, str], ...]:
    rows = [
        ("Severity", one.severity),
        ("Owner", one.owner or "nobody"),
        ("Opened by", one.opened_by or f"the {one.source.value} of this product"),
        ("From", moment(one.opened_at)),
        ("Last seen", moment(one.last_at)),
        ("Seen", count(one.count, "time")),
        ("Release", one.release or ""),
        ("Cohort", one.cohort or ""),
    ]
    return tuple((name, short(value, most=_LONG)) for name, value in rows if value)


def _numbers(facts: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What the opening told, as far as it is numbers and words."""
    value, low, high, n = (facts.get(name) for name in ("value", "low", "high", "n"))
    rows = []
    if all(type(each) in (int, float) for each in (value, low, high)) and type(n) is int:
        unit = str(facts.get("unit") or "")
        rows.append(("Measured", format_interval(value, low, high, n=n, unit=unit)))
    hidden = {"value", "low", "high", "n", "unit", "evidence"}
    for name, each in facts.items():
        if name in hidden or isinstance(each, (dict, list)) or each is None:
            continue
        told = f"{each:,}" if type(each) is int else format_value(each) if type(each) is float else str(each)
        rows.append((sentence(short(name.replace("_", " "), most=_NAMED)), short(told, most=_LONG)))
    return tuple(rows)


def _proof(proof: Proof) -> ProofRow:
    state, mark, word = {
        True: ("met", "●", "shown to be better"),
        False: ("unmet", "✕", "shown to be worse"),
        None: ("unproven", "◌", "not shown yet"),
    }[proof.fallen]
    change = None
    if proof.low is not None and proof.high is not None and proof.before and proof.after:
        change = forest_plot(
            [
                ForestRow(
                    name="Since, minus before",
                    value=proof.after.value - proof.before.value,
                    low=proof.low,
                    high=proof.high,
                    n=proof.after.n,
                    unit=difference_unit(proof.after.unit),
                    higher_is_better=not proof.less_is_better,
                    state=state,
                )
            ],
            title=f"Change in {proof.where}",
        )
    return ProofRow(
        where="In runs that ask its gold items" if proof.where == "evals" else "In production",
        state=state,
        mark=mark,
        word=word,
        said=sentence(short(proof.reason, most=_LONG)),
        what=short(proof.what, most=_NAMED * 2),
        since="" if proof.before or proof.after is None else f"Since: {_told(proof.after)}",
        rates=before_after_plot(
            _mark(proof.before, ""), _mark(proof.after, state), title=f"Rate in {proof.where}"
        )
        if proof.before and proof.after
        else None,
        change=change,
    )


def _mark(rate: Rate, state: str) -> IntervalMark:
    return IntervalMark(value=rate.value, low=rate.low, high=rate.high, n=rate.n, unit=rate.unit, state=state)


def _told(rate: Rate) -> str:
    return format_interval(rate.value, rate.low, rate.high, n=rate.n, unit=rate.unit)


def _waiting(one: Incident) -> str:
    """What a watched fix waits for."""
    if one.state is not IncidentState.WATCHED:
        return ""
    if one.verification is None:
        return "Nothing is said of a fix before 50 calls came after it; then it is looked at."
    due = 50 * 2**one.verification.looks
    return f"It is looked at again after {due:,} calls since the fix, and at twice as many each time."


def _items(one: Incident, product: str) -> tuple[Link, ...]:
    if one.fix is None:
        return ()
    return tuple(
        Link(text=short(each, most=_NAMED), url=page_url("gold", product, each.partition("/")[0]))
        for each in one.fix.gold_items
    )


def _heard(each: Notice) -> str:
    failure = short(each.failure, most=120)
    if each.told_at is not None:
        return f"told {moment(each.told_at)}"
    if each.due_at is None:
        return f"not told: {failure}"
    return f"is told after {moment(each.due_at)}{f'; {failure}' if failure else ''}"


def _event(each: IncidentEvent) -> Happened:
    text = each.text
    if each.kind == "fixed":
        release = f", in {each.facts['release']}" if each.facts.get("release") else ""
        text = f"{each.facts.get('mechanism', '')} changed{release}: {text}"
    return Happened(
        when=moment(each.at),
        what=each.kind,
        by=short(each.by, most=_NAMED) or "the server",
        text=short(text, most=_LONG),
        altered=each.altered,
    )


def _likely(contract: Contract | None, one: Incident) -> str:
    """The part that the contract says cures this failure, where that is one of the mechanisms."""
    if contract is None or not one.failure_mode:
        return ""
    for workflow in contract.workflows.values():
        failure = workflow.failures.get(one.failure_mode)
        if failure is not None and failure.fix in tuple(Mechanism):
            return failure.fix
    return ""


PAGE = Page(
    name="incident", path="/products/{product}/incidents/{incident}", template="incident.html", view=view
)
