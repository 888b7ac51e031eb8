"""``/``: every product with its verdict in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from launchworthy.console.claims import claim_url, tally
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import MARKS, Link, count, joined, moment, page_url, sentence, short
from launchworthy.evidence import ClaimStatus, State

if TYPE_CHECKING:
    from launchworthy.evidence import Verdict

__all__ = ["PAGE", "OverviewView", "ProductRow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRow:
    """One product: its verdict in words, how its claims stand, and what to do next."""

    name: str
    url: str
    conclusion: str
    state: str
    mark: str
    claims: str
    release: str
    judged: str
    problem: str
    next: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewView:
    """What the overview receives; ``empty`` is set where no product is known."""

    head: Head
    products: tuple[ProductRow, ...]
    empty: Empty | None


def view(reading: Reading, _: Ask) -> OverviewView:
    """Judge every product."""
    rows = tuple(_row(reading, name) for name in reading.products())
    return OverviewView(
        head=Head(title=_title(rows), reason=_reason(rows), section="products"),
        products=rows,
        empty=None
        if rows
        else Empty(
            what="A product is known once its contract is registered, or once its first record arrives.",
            command="launchworthy init && launchworthy verdict",
        ),
    )


def _row(reading: Reading, name: str) -> ProductRow:
    verdict = reading.verdict(name)
    if verdict is None:
        return ProductRow(
            name=name,
            url=page_url("products", name),
            conclusion="No contract: nothing is promised, so nothing can be proven",
            state="none",
            mark="",
            claims="",
            release="",
            judged="",
            problem=_problem(reading, name),
            next=Link(text="Write one: launchworthy init"),
        )
    state = verdict.subject.state
    return ProductRow(
        name=name,
        url=page_url("products", name),
        conclusion=verdict.conclusion,
        state=state.value,
        mark=MARKS[state],
        claims=tally(each.state for each in verdict.statuses),
        release=verdict.release or "no release named",
        judged=moment(verdict.at),
        problem=_problem(reading, name),
        next=_next(verdict),
    )


def _problem(reading: Reading, name: str) -> str:
    return "its contract file cannot be read as it stands now" if reading.problems(name) else ""


def _next(verdict: Verdict) -> Link:
    """What to do first: change what is unmet, else settle what is unproven and has a plan."""
    blocking = verdict.subject.blocking
    for status in blocking:
        if status.state is State.UNMET:
            return _link(status, f"Change the product: {status.claim.sentence}", verdict)
    for status in blocking:
        if status.plan is not None and (status.claim.prover is not None or status.evidence is not None):
            return _link(status, f"{sentence(status.plan.what)}: {status.claim.sentence}", verdict)
    return Link(text="Settle what nothing measures yet" if blocking else "")


def _link(status: ClaimStatus, text: str, verdict: Verdict) -> Link:
    return Link(text=text, url=claim_url(verdict.terms.product, status.claim.address))


def _title(rows: tuple[ProductRow, ...]) -> str:
    if not rows:
        return "No product yet"
    if len(rows) == 1:
        return _alone(rows[0])
    words = {
        State.MET.value: "ready",
        State.UNMET.value: "held by unmet claims",
        State.UNPROVEN.value: "held by unproven claims",
        "none": "without a contract",
    }
    parts = [
        f"{number:,} {word}"
        for state, word in words.items()
        if (number := sum(row.state == state for row in rows))
    ]
    return f"{count(len(rows), 'product')}: {joined(parts)}"


def _alone(row: ProductRow) -> str:
    """``python-docs is not ready for pilot: 1 claim unmet``."""
    said = row.conclusion[:1].lower() + row.conclusion[1:]
    verb = "is " if said.startswith(("not ready", "ready")) else "has " if said.startswith("no ") else ""
    return f"{short(row.name, most=60)} {verb}{said}"


def _reason(rows: tuple[ProductRow, ...]) -> str:
    judged = [row.judged for row in rows if row.judged]
    return f"Each judged by its contract and its evidence, as of {judged[0]}." if judged else ""


PAGE = Page(name="overview", path="/", template="overview.html", view=view)
