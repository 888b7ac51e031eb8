"""What a page is: an address, a template, and a function from what is asked to what is shown.

Imports this room only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from launchworthy.console.reading import Reading
from launchworthy.console.words import Link

__all__ = ["Again", "Ask", "Empty", "Head", "Page", "View"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A form that was refused: its page is shown again, says why, and keeps what was typed.

    Attributes:
        why: What was wrong; empty where nothing was refused.
        hint: What to do about it.
        place: The argument that was wrong.
        fields: What was typed, by field.
    """

    why: str = ""
    hint: str = ""
    place: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    def typed(self, name: str) -> str:
        """What stood in a field; empty for none."""
        return self.fields.get(name, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request reduced to what pages look at.

    Attributes:
        path: Parameters in the address.
        query: What stands after the question mark; of a name given twice, the last.
        now: The moment to show.
        server: This server's address as the reader reached it, for commands that name it.
        address: Path and query, to come back to after an action.
        reader: Who reads: the name of an API key, or of the user whose server it is.
        may_look: Whether the reader may record a look at what is kept back.
        token: What a form of this reader must carry, so that no other site's form acts.
        key: Name of the API key that the reader signed in with; empty for none.
        again: The form of this page that was just refused.
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    now: datetime
    server: str = "http://127.0.0.1:8321"
    address: str = "/"
    reader: str = "unknown"
    may_look: bool = True
    token: str = ""
    key: str = ""
    again: Again = field(default_factory=Again)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The top of every page.

    Attributes:
        title: The page's conclusion in words.
        reason: One line on why: release, baseline, period, n.
        section: Which part of the navigation it belongs to.
        trail: Where it stands, outermost first, itself not included.
    """

    title: str
    reason: str = ""
    section: str = ""
    trail: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty:
    """What is missing, and the command that supplies it."""

    what: str
    command: str = ""
    links: tuple[Link, ...] = field(default=())


class View(Protocol):
    """What a template receives as ``page``: a frozen dataclass with a head."""

    @property
    def head(self) -> Head: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: ``path`` as Starlette writes it, ``template`` in ``templates/``, ``view`` computes it.

    ``view`` raises :class:`launchworthy.errors.NotFoundError` for what is not there.
    """

    name: str
    path: str
    template: str
    view: Callable[[Reading, Ask], View]
