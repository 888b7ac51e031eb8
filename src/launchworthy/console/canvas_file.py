"""The canvas as one file that needs nothing else: style inside, no script, no address of any host.

May import ``contract`` and this room.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from launchworthy.console.canvas import CanvasItem, CanvasPart, canvas_parts, canvas_title, is_measure
from launchworthy.console.page import Head
from launchworthy.console.rendering import BUILT, Renderer
from launchworthy.console.words import sentence
from launchworthy.contract import Contract, claims

__all__ = ["canvas_html"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    head: Head
    parts: tuple[CanvasPart, ...]
    style: Markup


def canvas_html(contract: Contract) -> str:
    """A page of HTML, printable on one sheet.

    Raises:
        StorageError: The console's styles were not built into the package.
    """
    metrics = [CanvasItem(text=sentence(each.sentence)) for each in claims(contract) if is_measure(each)]
    parts = canvas_parts(contract, metrics)
    render = Renderer()  # raises first where the styles are missing
    head = Head(
        title=canvas_title(contract.product, parts),
        reason=f"{contract.file}, version {contract.version}. Targets only: the verdict says what is proven.",
    )
    css = (BUILT / "console.css").read_text("utf-8")
    style = Markup(f"<style>{css}</style>")  # noqa: S704 (our own file)
    return render("canvas_file.html", _File(head=head, parts=parts, style=style))
