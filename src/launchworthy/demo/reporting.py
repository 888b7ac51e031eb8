"""Whether a user asks for a ticket about the documentation, and about what. Pure; standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Report", "read_report"]

_ASKED = re.compile(
    r"\s*(?:please\s+|could you\s+|can you\s+)?(?:file|open|create)\s+a\s+(?:ticket|bug|report)\s+"
    r"(?:about|on|for|against)\s+`?(?P<document>(?:topic:)?[A-Za-z_][\w.-]{0,119})`?\s*[:,;-]+\s*"
    r"(?P<problem>\S.{0,3999})",  # how long it may be, the contract says
    flags=re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a ticket would say: which document, and what is wrong with it."""

    document: str
    problem: str


def read_report(text: str) -> Report | None:
    """The ticket that is asked for; None where none is. Any text will do.

    >>> read_report("Please file a ticket about list.sort: it does not say that sorting is stable")
    Report(document='list.sort', problem='it does not say that sorting is stable')
    """
    found = _ASKED.fullmatch(text.rstrip())
    if found is None:
        return None
    return Report(document=found["document"].rstrip("."), problem=" ".join(found["problem"].split()))
