"""What a command found, as one page that needs nothing else: a file to send to somebody.

May import this room. The style is that of the console, set into the page; there is no script.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup

from launchworthy.console.rendering import BUILT
from launchworthy.console.visible import visible
from launchworthy.errors import InputError, StorageError

__all__ = ["ReportPart", "ReportTable", "report_page", "write_report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTable:
    """Rows of text under their heads; every cell but the first of a row may hold numbers."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPart:
    """One card: a title, sentences, a picture, the table of the same numbers, and notes."""

    title: str
    lead: tuple[str, ...] = ()
    picture: Markup = field(default_factory=Markup)
    table: ReportTable | None = None
    notes: tuple[str, ...] = ()


def report_page(title: str, *, reason: str, parts: Sequence[ReportPart]) -> str:
    """The page: its title is the conclusion, then the reason, then one card a part.

    Raises:
        StorageError: The styles are not in this installation.
    """
    try:
        style = (BUILT / "console.css").read_text(encoding="utf-8")
    except OSError as error:
        raise StorageError(
            "the console's styles are not in this installation", where=str(BUILT / "console.css")
        ) from error
    cards = Markup("").join(_card(part) for part in parts)
    page = Markup(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>{title}</title><style>{style}</style></head>\n<body><main>"
        '<h1>{title}</h1><p class="reason">{reason}</p>\n{cards}\n</main></body></html>\n'
    )
    return str(
        page.format(
            title=visible(title).replace(" %", "\N{NO-BREAK SPACE}%"),
            style=Markup(style),  # noqa: S704 - our own file
            reason=visible(reason),
            cards=cards,
        )
    )


def write_report(path: Path, page: str) -> None:
    """Write a page to a file.

    Raises:
        InputError: The file cannot be written.
    """
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"the report cannot be written: {error.strerror or error}", where=str(path)
        ) from error


def _card(part: ReportPart) -> Markup:
    body = [Markup("<h2>{}</h2>").format(visible(part.title))]
    body += [Markup("<p>{}</p>").format(visible(line)) for line in part.lead]
    if part.picture:
        body.append(Markup("<figure>{}</figure>").format(part.picture))
    if part.table is not None:
        body.append(_table(part.table))
    body += [Markup('<p class="small muted">{}</p>').format(visible(line)) for line in part.notes]
    return Markup('<section class="card">{}</section>\n').format(Markup("").join(body))


def _table(table: ReportTable) -> Markup:
    heads = Markup("").join(Markup('<th scope="col">{}</th>').format(visible(head)) for head in table.heads)
    rows = []
    for first, *rest in table.rows:
        cells = Markup("").join(Markup("<td>{}</td>").format(visible(cell)) for cell in rest)
        rows.append(Markup('<tr><th scope="row">{}</th>{}</tr>').format(visible(first), cells))
    return Markup(
        '<div class="scroll"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(heads, Markup("").join(rows))
