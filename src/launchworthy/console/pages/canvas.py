"""``/products/{product}/canvas``: the contract as an AI Product Canvas, each metric with its state."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from launchworthy.console.canvas import CanvasItem, CanvasPart, canvas_parts, canvas_title, is_measure
from launchworthy.console.claims import claim_url
from launchworthy.console.page import Ask, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import MARKS, Link, page_url, sentence, short
from launchworthy.errors import NotFoundError

__all__ = ["PAGE", "CanvasView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CanvasView:
    """What the canvas receives."""

    head: Head
    parts: tuple[CanvasPart, ...]


def view(reading: Reading, ask: Ask) -> CanvasView:
    """Lay out the contract in force."""
    product = ask.path["product"]
    contract, verdict = reading.contract(product), reading.verdict(product)
    if contract is None or verdict is None:
        raise NotFoundError(
            f"{product!r:.80} has no contract to draw", hint="write one with: launchworthy init"
        )
    metrics = [
        CanvasItem(
            text=sentence(each.claim.sentence),
            url=claim_url(product, each.claim.address),
            state=each.state.value,
            mark=MARKS[each.state],
        )
        for each in verdict.statuses
        if is_measure(each.claim)
    ]
    parts = canvas_parts(contract, metrics)
    return CanvasView(
        head=Head(
            title=canvas_title(product, parts),
            reason=f"{PurePath(contract.file).name}, version {contract.version}. {verdict.conclusion}.",
            section="products",
            trail=(
                Link(text="Products", url="/"),
                Link(text=short(product, most=60), url=page_url("products", product)),
                Link(text="Canvas"),
            ),
        ),
        parts=parts,
    )


PAGE = Page(name="canvas", path="/products/{product}/canvas", template="canvas.html", view=view)
