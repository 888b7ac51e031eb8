"""``/``: every product with its verdict in words."""

from __future__ import annotations

from dataclasses import dataclass

from launchworthy.console.claims import tally
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import MARKS, count, joined, moment, page_url
from launchworthy.evidence import State

__all__ = ["PAGE", "OverviewView", "ProductRow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRow:
    """One product: verdict in words, state of the stage it is about, and how its claims stand."""

    name: str
    url: str
    conclusion: str
    state: str
    mark: str
    claims: str
    release: str
    judged: str


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
    )


def _title(rows: tuple[ProductRow, ...]) -> str:
    if not rows:
        return "No product yet"
    if len(rows) == 1:
        return f"{rows[0].name}: {rows[0].conclusion}"
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


def _reason(rows: tuple[ProductRow, ...]) -> str:
    judged = [row.judged for row in rows if row.judged]
    return f"Each judged by its contract and its evidence, as of {judged[0]}." if judged else ""


PAGE = Page(name="overview", path="/", template="overview.html", view=view)
