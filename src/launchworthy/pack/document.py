"""What a pack says, as values: sections of tables, whose numbers carry the entries they came from.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Cell", "Figure", "Pack", "Section", "Table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number as it is printed, and where it comes from.

    Attributes:
        text: The number in words, with its interval, n and unit.
        entries: Numbers of the entries of the chain that it was taken or counted from.
        rule: How: ``evidence``, ``count``, or the address of the line of the contract that says it.
    """

    text: str
    entries: tuple[int, ...] = ()
    rule: str = "evidence"

    def as_json(self) -> dict[str, Any]:
        """As it stands in ``pack.json``."""
        return {"figure": self.text, "rule": self.rule, "entries": list(self.entries)}


Cell = str | Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; ``empty`` is said where it has no row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = "None."


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section, the functions of the NIST AI RMF and the headings of Annex IV that it speaks to."""

    id: str
    title: str
    nist: tuple[str, ...]
    annex_iv: tuple[str, ...]
    lead: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """The whole pack; ``about`` says of what it was made."""

    title: str
    about: dict[str, str]
    sections: tuple[Section, ...]

    def figures(self) -> Iterator[Figure]:
        """Every number in it."""
        for section in self.sections:
            for table in section.tables:
                for row in table.rows:
                    yield from (cell for cell in row if isinstance(cell, Figure))

    def as_json(self) -> dict[str, Any]:
        """``pack.json``."""
        return {
            "format": "launchworthy-pack/1",
            "title": self.title,
            "about": self.about,
            "sections": [
                {
                    "id": section.id,
                    "title": section.title,
                    "nist_ai_rmf": list(section.nist),
                    "eu_ai_act_annex_iv": list(section.annex_iv),
                    "lead": list(section.lead),
                    "tables": [
                        {
                            "title": table.title,
                            "columns": list(table.columns),
                            "rows": [
                                [cell.as_json() if isinstance(cell, Figure) else cell for cell in row]
                                for row in table.rows
                            ],
                        }
                        for table in section.tables
                    ],
                }
                for section in self.sections
            ],
        }
