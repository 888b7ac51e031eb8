"""``/products/{product}/contract``: the contract in force line by line, each with its claims."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from launchworthy.console.claims import ClaimRow, claim_row
from launchworthy.console.page import Ask, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, count, page_url, short
from launchworthy.errors import NotFoundError

__all__ = ["PAGE", "ContractView", "Line", "contract_url"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the file as it is written, and the claims that stand on it."""

    number: int
    text: str
    claims: tuple[ClaimRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractView:
    """What the contract page receives."""

    head: Head
    lines: tuple[Line, ...]


def contract_url(product: str, *, line: int) -> str:
    """Address of a line of the contract in force."""
    return f"{page_url('products', product, 'contract')}#line-{line}"


def view(reading: Reading, ask: Ask) -> ContractView:
    """Put each claim beside the line that makes it."""
    product = ask.path["product"]
    contract, verdict = reading.contract(product), reading.verdict(product)
    if contract is None or verdict is None:
        raise NotFoundError(f"{product!r:.80} has no contract", hint="write one with: launchworthy init")
    on: dict[int, list[ClaimRow]] = {}
    defaults = 0
    for status in verdict.statuses:
        if status.claim.place is None:
            defaults += 1
        else:
            on.setdefault(status.claim.place.line, []).append(claim_row(status, product=product))
    by_default = f"; {count(defaults, 'claim')} by default" if defaults else ""
    made = sum(map(len, on.values()))
    return ContractView(
        head=Head(
            title=f"{count(made, 'claim')} of {product} on {count(len(on), 'line')}{by_default}",
            reason=f"{PurePath(contract.file).name}, version {contract.version}. {verdict.conclusion}.",
            section="products",
            trail=(
                Link(text="Products", url="/"),
                Link(text=short(product, most=60), url=page_url("products", product)),
                Link(text="Contract"),
            ),
        ),
        lines=tuple(
            Line(number=number, text=text, claims=tuple(on.get(number, ())))
            for number, text in enumerate(contract.text.splitlines(), start=1)
        ),
    )


PAGE = Page(name="contract", path="/products/{product}/contract", template="contract.html", view=view)
