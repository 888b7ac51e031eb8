"""``/products/{product}/approvals``: the calls that wait for a person, and what became of others."""

from __future__ import annotations

from dataclasses import dataclass

from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.waiting import CallCard, call_card, state_of
from launchworthy.console.words import Link, count, from_ns, moment, page_url, short
from launchworthy.runtime.approval import Approval, Person

__all__ = ["PAGE", "ApprovalsView", "EndedRow", "signed_in"]

_MOST_WAITING, _MOST_ENDED = 200, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRow:
    """A call that waits no longer."""

    link: Link
    tool: str
    state: str
    kind: str
    mark: str
    by: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalsView:
    """What the page receives."""

    head: Head
    who: str
    sign_in: bool
    done: str
    token: str
    waiting: tuple[CallCard, ...]
    unknown: tuple[CallCard, ...]
    ended: tuple[EndedRow, ...]
    permissions: Link
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> ApprovalsView:
    """Read the queue as one person sees it."""
    product, desk = ask.path["product"], reading.desk
    person = desk.person_of(ask.key)
    waiting = desk.listed(product, state="pending", limit=_MOST_WAITING)
    cards = [call_card(each, desk=desk, person=person, now=ask.now) for each in waiting]
    cards.sort(key=lambda card: (bool(card.why_not), card.until_ms))
    unknown = desk.listed(product, state="unknown", limit=_MOST_WAITING)
    every = desk.listed(product, state=None, limit=_MOST_WAITING + _MOST_ENDED)
    ended = [each for each in every if each.state.value not in ("pending", "unknown")][:_MOST_ENDED]
    return ApprovalsView(
        head=Head(
            title=_title(cards, len(unknown)),
            reason=_reason(cards),
            section="products",
            trail=(
                Link(text="Products", url="/"),
                Link(text=short(product, most=60), url=page_url("products", product)),
                Link(text="Approvals"),
            ),
        ),
        who=signed_in(person),
        sign_in=person is None,
        done=short(ask.query.get("done", ""), most=120),
        token=ask.token,
        waiting=tuple(cards),
        unknown=tuple(call_card(each, desk=desk, person=person, now=ask.now) for each in unknown),
        ended=tuple(_row(each) for each in ended),
        permissions=Link(text="Who may call which tool", url=page_url("products", product, "permissions")),
        empty=None
        if every
        else Empty(
            what="No call has waited yet: one does when a tool of the contract names who approves it and an "
            "application asks.",
            command="launchworthy approvals list",
        ),
    )


def signed_in(person: Person | None) -> str:
    """Who reads, in words."""
    if person is None:
        return ""
    return f"You are {person.name} and act as {', '.join(person.roles) or 'no role'}."


def _title(cards: list[CallCard], unknown: int) -> str:
    mine = sum(not card.why_not for card in cards)
    if not cards and not unknown:
        return "No call waits"
    waits = f"{count(len(cards), 'call')} {'waits' if len(cards) == 1 else 'wait'}"
    parts = [waits if cards else ""]
    if cards:
        parts.append(
            f"you may decide {mine if mine < len(cards) else 'all' if len(cards) > 1 else 'it'}"
            if mine
            else "none is for you to decide"
        )
    if unknown:
        parts.append(f"of {count(unknown, 'call')} nobody knows how it ended")
    found = "; ".join(part for part in parts if part)
    return found[:1].upper() + found[1:]


def _reason(cards: list[CallCard]) -> str:
    if not cards:
        return ""
    first = min(cards, key=lambda card: card.until_ms)
    return f"The first to expire is {first.tool}: {first.left}. What nobody confirms does not run."


def _row(approval: Approval) -> EndedRow:
    kind, mark = state_of(approval.state)
    people = [event.by for event in approval.history if event.role]
    return EndedRow(
        link=Link(
            text=short(", ".join(map(str, approval.call.request.arguments.values())) or approval.id, most=60),
            url=page_url("products", approval.product, "approvals", approval.id),
        ),
        tool=approval.tool,
        state=approval.state.value,
        kind=kind,
        mark=mark,
        by=", ".join(dict.fromkeys(people)),
        at=moment(from_ns(approval.seen_ms * 1_000_000)),
    )


PAGE = Page(name="approvals", path="/products/{product}/approvals", template="approvals.html", view=view)
