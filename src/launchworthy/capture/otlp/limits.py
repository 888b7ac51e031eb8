"""How much of a request is read. Imports the standard library only."""

from __future__ import annotations

from typing import Final

__all__ = [
    "MAX_ATTRIBUTES",
    "MAX_BODY_BYTES",
    "MAX_DEPTH",
    "MAX_ENTRIES",
    "MAX_MEMBERS",
    "MAX_OPENERS",
    "MAX_RECORDS",
    "MAX_RECORD_BYTES",
    "MAX_VALUE_CHARS",
    "cut",
]

MAX_BODY_BYTES: Final = 64 * 1024 * 1024  # after decompression
MAX_MEMBERS: Final = 16  # gzip streams behind one another in a body
MAX_RECORDS: Final = 100_000  # spans or log records, and the groups around them
MAX_RECORD_BYTES: Final = 8 * 1024 * 1024
MAX_OPENERS: Final = 2_000_000  # objects and lists of a JSON body: each costs far more memory than text
MAX_ATTRIBUTES: Final = 1_024  # of one span, event, link or resource
MAX_ENTRIES: Final = 10_000  # of one list or mapping inside an attribute
MAX_DEPTH: Final = 32
MAX_VALUE_CHARS: Final = 1024 * 1024


def cut(text: str, *, limit: int = MAX_VALUE_CHARS) -> str:
    """The text, or its beginning with a mark that says how much is missing."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit:,} more characters)"
