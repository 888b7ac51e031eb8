"""What is shown where a page cannot be: what was wrong, where, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from launchworthy.console.page import Head
from launchworthy.console.words import sentence
from launchworthy.errors import LaunchworthyError

__all__ = ["ErrorView", "error_view"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorView:
    """What the error page receives."""

    head: Head
    code: str
    detail: str
    where: str
    hint: str
    status: int


def error_view(error: LaunchworthyError, *, status: int) -> ErrorView:
    """The error in words; the first line of its message is the title."""
    first, _, rest = error.message.partition("\n")
    return ErrorView(
        head=Head(title=sentence(first[:300])),
        code=error.code,
        detail=rest[:10_000],
        where=error.where[:300],
        hint=error.hint[:300],
        status=status,
    )
