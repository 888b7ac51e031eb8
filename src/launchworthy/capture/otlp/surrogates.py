"""JSON text that was cut in the middle of a character. Imports the standard library only."""

from __future__ import annotations

import re

__all__ = ["repaired"]

_MOST_ESCAPES = 100_000  # each is looked at in Python
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)",
    re.DOTALL,
)


def repaired(text: bytes) -> bytes:
    """JSON text with each lone half of a surrogate pair replaced, as clients that cut text in two send."""
    if _HALF.search(text) is None or text.count(b"\\") > _MOST_ESCAPES:
        return text
    return _ESCAPE.sub(_whole, text)


def _whole(match: re.Match[bytes]) -> bytes:
    found = match[0]
    lone = len(found) == 6 and found[2:3] in b"dD" and found[3:4] in b"89abcdefABCDEF"
    return rb"\ufffd" if lone else found
