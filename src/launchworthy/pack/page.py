"""The pack as one page that needs nothing else: prints, works without a network, links each number to its
entries. Standard library only.
"""

from __future__ import annotations

from html import escape

from launchworthy.pack.document import Cell, Figure, Pack, Section, Table

__all__ = ["pack_page"]

_SHOWN = 3  # entries linked behind one number
_STYLE = """
:root { color-scheme: light dark; --ink: #16202a; --muted: #56636f; --page: #f6f7f9; --card: #fff;
  --line: #d5dae0; --accent: #2457c5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaee; --muted: #9aa7b3; --page: #11151a;
  --card: #191f26; --line: #333c46; --accent: #7aa5ff; } }
body { font: 15px/22px system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 0; }
main, header { max-width: 1180px; margin: 0 auto; padding: 16px; }
h1 { font-size: 20px; } h2 { font-size: 17px; margin-top: 0; } h3 { font-size: 15px; margin-bottom: 4px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 16px;
  margin-bottom: 16px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 4px 8px; border-top: 1px solid var(--line);
  overflow-wrap: anywhere; }
small, .muted { color: var(--muted); font-size: 13px; }
a { color: var(--accent); }
@media print { section { break-inside: avoid; border: 0; padding: 0; } }
"""


def pack_page(pack: Pack) -> str:
    """``index.html``."""
    about = "".join(f"<li>{escape(name)}: {escape(value)}</li>" for name, value in pack.about.items())
    links = "".join(
        f'<li><a href="#{section.id}">{escape(section.title)}</a></li>' for section in pack.sections
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(pack.title)}</title><style>{_STYLE}</style></head>\n<body><header>"
        f"<h1>{escape(pack.title)}</h1><ul class=muted>{about}</ul>"
        "<p>Each number names the entries of the audit chain that it comes from, or the line of the contract."
        " <code>launchworthy pack verify FILE</code> makes this page again from the chain and compares.</p>"
        f"<nav aria-label=Sections><ol>{links}</ol></nav></header>\n<main>\n"
        + "\n".join(map(_section, pack.sections))
        + "\n</main></body></html>\n"
    )


def _section(section: Section) -> str:
    mapped = [f"NIST AI RMF: {', '.join(section.nist)}"] if section.nist else []
    if section.annex_iv:
        mapped.append(f"EU AI Act, Annex IV: {', '.join(section.annex_iv)}")
    return (
        f'<section id="{section.id}"><h2>{escape(section.title)}</h2>'
        + (f"<p class=muted>{escape(' · '.join(mapped))}</p>" if mapped else "")
        + "".join(f"<p>{escape(line)}</p>" for line in section.lead)
        + "".join(map(_table, section.tables))
        + "</section>"
    )


def _table(table: Table) -> str:
    if not table.rows:
        return f"<h3>{escape(table.title)}</h3><p class=muted>{escape(table.empty)}</p>"
    head = "".join(f"<th scope=col>{escape(column)}</th>" for column in table.columns)
    rows = "".join(f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    return (
        f"<h3>{escape(table.title)}</h3><div class=scroll><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _cell(cell: Cell) -> str:
    if not isinstance(cell, Figure):
        return escape(cell)
    if not cell.entries:
        return f"{escape(cell.text)} <small>({escape(cell.rule)})</small>"
    if cell.rule == "entry":
        return escape(cell.text)
    shown = ", ".join(map(str, cell.entries[:_SHOWN]))
    more = " …" if len(cell.entries) > _SHOWN else ""
    word = "entry" if len(cell.entries) == 1 else "entries"
    return f"{escape(cell.text)} <small>({word} {shown}{more})</small>"
