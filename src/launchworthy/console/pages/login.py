"""``/login``: where a browser gives the API key that a server beyond loopback asks for."""

from __future__ import annotations

from dataclasses import dataclass

from launchworthy.console.page import Ask, Head, Page
from launchworthy.console.reading import Reading

__all__ = ["PAGE", "LoginView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginView:
    """What the login page receives; ``refused`` after a key that is not known."""

    head: Head
    refused: bool


def view(_: Reading, ask: Ask) -> LoginView:
    """Ask for a key; reads nothing."""
    refused = bool(ask.query.get("refused"))
    return LoginView(
        head=Head(title="That key is not known" if refused else "An API key is needed", section="login"),
        refused=refused,
    )


PAGE = Page(name="login", path="/login", template="login.html", view=view)
