"""``/products/{product}/judges``: the contract's judges, and whether their grades may be believed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from launchworthy.console.claims import claim_row, tally
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, count, page_url, short
from launchworthy.contract import Claim, ClaimKind
from launchworthy.errors import NotFoundError
from launchworthy.evidence import ClaimStatus

__all__ = ["PAGE", "JudgeRow", "JudgesView", "judge_link", "judges_among"]

_UNDER = "/proof/judges/"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeRow:
    """One judge: where its agreement with people stands, and what it judges."""

    name: str
    url: str
    state: str
    mark: str
    agreement: str
    reason: str
    plot: Markup
    models: str
    judges: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgesView:
    """What the list of judges receives."""

    head: Head
    rows: tuple[JudgeRow, ...]
    empty: Empty | None


def judges_among(statuses: Iterable[ClaimStatus]) -> dict[str, ClaimStatus]:
    """Each judge's name with the claim that it agrees with people."""
    found = {}
    for status in statuses:
        _, under, name = status.claim.address.rpartition(_UNDER)
        if under and status.claim.kind is ClaimKind.AGREE:
            found[name] = status
    return found


def judge_link(claim: Claim, *, product: str) -> Link:
    """The judge that a claim is about, or that scores it; no words where there is none."""
    _, under, name = claim.address.rpartition(_UNDER)
    name = name if under and claim.kind is ClaimKind.AGREE else claim.options.get("judge") or ""
    return Link(text=name, url=page_url("products", product, "judges", name) if name else "")


def view(reading: Reading, ask: Ask) -> JudgesView:
    """Every judge of the contract in force."""
    product = ask.path["product"]
    verdict = reading.verdict(product)
    if verdict is None:
        raise NotFoundError(f"{product!r:.80} has no contract", hint="write one with: launchworthy init")
    known = judges_among(verdict.statuses)
    rows = tuple(
        _row(name, status, verdict.statuses, product=product) for name, status in sorted(known.items())
    )
    return JudgesView(
        head=Head(
            title=f"{count(len(rows), 'judge')}: {tally(status.state for status in known.values())}"
            if rows
            else f"No judge scores {short(product, most=60)}",
            reason="A judge's grades prove nothing until people's labels have said how far to trust them."
            if rows
            else "",
            section="products",
            trail=(
                Link(text="Products", url="/"),
                Link(text=short(product, most=60), url=page_url("products", product)),
                Link(text="Judges"),
            ),
        ),
        rows=rows,
        empty=None
        if rows
        else Empty(
            what="A judge is a model that grades answers. Declare it under proof/judges in the contract, "
            "and name it on a line of quality.",
            command="launchworthy lint",
        ),
    )


def _row(name: str, status: ClaimStatus, statuses: Iterable[ClaimStatus], *, product: str) -> JudgeRow:
    row = claim_row(status, product=product)
    judged = sum(each.claim.options.get("judge") == name for each in statuses)
    models = status.claim.options.get("models") or ()
    return JudgeRow(
        name=name,
        url=page_url("products", product, "judges", name),
        state=row.state,
        mark=row.mark,
        agreement=row.measured or "never calibrated",
        reason=row.reason,
        plot=row.plot,
        models=", ".join(map(str, models)) or "names no model",
        judges=count(judged, "claim"),
    )


PAGE = Page(name="judges", path="/products/{product}/judges", template="judges.html", view=view)
