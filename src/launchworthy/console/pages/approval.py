"""``/products/{product}/approvals/{id}`` and ``/approve/{link}``: one call, and the buttons to decide it."""

from __future__ import annotations

from dataclasses import dataclass

from launchworthy.console.page import Ask, Head, Page
from launchworthy.console.pages.approvals import signed_in
from launchworthy.console.reading import Reading
from launchworthy.console.waiting import CallCard, call_card
from launchworthy.console.words import Link, page_url, short
from launchworthy.errors import ConflictError

__all__ = ["DECIDED_PAGE", "LINK_PAGE", "PAGE", "ApprovalView", "DecidedView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalView:
    """What the page receives."""

    head: Head
    who: str
    sign_in: bool
    token: str
    call: CallCard


def view(reading: Reading, ask: Ask) -> ApprovalView:
    """One call as one person sees it."""
    product, desk = ask.path["product"], reading.desk
    person = desk.person_of(ask.key)
    approval = desk.shown(product, ask.path["approval"])
    card = call_card(approval, desk=desk, person=person, now=ask.now, again=ask.again)
    return ApprovalView(
        head=Head(
            title=_title(card),
            reason=card.asked,
            section="products",
            trail=(
                Link(text="Products", url="/"),
                Link(text=short(product, most=60), url=page_url("products", product)),
                Link(text="Approvals", url=page_url("products", product, "approvals")),
                Link(text=short(card.id, most=60)),
            ),
        ),
        who=signed_in(person),
        sign_in=person is None,
        token=ask.token,
        call=card,
    )


def link_view(reading: Reading, ask: Ask) -> ApprovalView:
    """The call behind a link, for the person that the link is for. Opening it decides nothing."""
    desk, token = reading.desk, ask.path["link"]
    link = desk.link(token)
    approval = desk.shown(link.product, link.approval)
    if approval.hash != link.arguments:
        raise ConflictError(
            "the arguments were corrected since this link was sent",
            hint="use the newer link, or open the queue of approvals",
        )
    person = desk.named(link.person)
    own = page_url("approve", token)
    card = call_card(approval, desk=desk, person=person, now=ask.now, action=own, again=ask.again)
    return ApprovalView(
        head=Head(title=_title(card), reason=card.asked, section="products"),
        who=f"{signed_in(person)} This link is for you alone and decides once." if person else "",
        sign_in=person is None,
        token=ask.token,
        call=card,
    )


def _title(card: CallCard) -> str:
    if card.wrong:
        return f"{card.tool} was a test: it is wrong, and {'was stopped' if card.stopped else 'was approved'}"
    if card.state != "pending":
        return f"{card.tool} is {card.state}"
    return f"{card.tool} waits: {'you may decide it' if not card.why_not else 'not for you to decide'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedView:
    """What the page after a link receives."""

    head: Head


def decided_view(_: Reading, __: Ask) -> DecidedView:
    """Thank whoever decided by a link; reads nothing, for the link is used up."""
    return DecidedView(head=Head(title="Your decision is recorded", section="products"))


PAGE = Page(
    name="approval", path="/products/{product}/approvals/{approval}", template="approval.html", view=view
)
LINK_PAGE = Page(name="approve", path="/approve/{link}", template="approval.html", view=link_view)
DECIDED_PAGE = Page(name="decided", path="/approve/{link}/done", template="decided.html", view=decided_view)
