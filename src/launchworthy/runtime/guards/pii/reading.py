"""A text as the recognisers read it: one form of each digit, dash and space, no invisible characters.

May import ``hidden_characters``. Positions are code points. ``Reading.origin`` leads from a position in what
was read back to the text itself, so that findings always point into the text that was given.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

from launchworthy.runtime.guards.hidden_characters import visible

__all__ = ["Reading", "read"]

_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_KEPT = frozenset("\n\r\t\v\f\u0085\u2028\u2029")


class _Plain(dict[int, int | None]):
    """What each character is read as, found out when it is first met."""

    def __missing__(self, code: int) -> int:
        self[code] = plain = _plain(chr(code))
        return plain


def _plain(character: str) -> int:
    if character in _KEPT or character < "\x80":
        return ord(character)
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return 48 + int(digit)
    category = unicodedata.category(character)
    if category == "Zs":
        return 32
    if category == "Pd" or character == "\u2212":
        return 45
    if category == "Co" or category == "Cs":
        return ord(character)
    whole = unicodedata.normalize("NFKC", character)
    return ord(whole) if len(whole) == 1 and whole < "\x80" else ord(character)


_PLAIN = _Plain()


@dataclass(frozen=True)
class Reading:
    """A text as it is read.

    Attributes:
        text: What is read.
        origin: Position in the given text of each character that is read, and its length at the end; None
            where both are the same.
    """

    text: str
    origin: list[int] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of what was read lies in the given text, invisible characters inside included."""
        if self.origin is None:
            return start, end
        return self.origin[start], self.origin[end - 1] + 1

    @cached_property
    def lower(self) -> str:
        """The same in lower case, character by character, so that positions stay."""
        lower = self.text.lower()
        if len(lower) == len(self.text):
            return lower
        return "".join(c if len(low := c.lower()) != 1 else low for c in self.text)


def read(text: str) -> Reading:
    """Read a text: full-width and other scripts' digits as 0 to 9, any dash as ``-``, any space as one.

    In JSON an escape such as ``\\n`` reads as space, so that nothing found begins or ends within one.
    """
    if "\\" in text and text.lstrip()[:1] in ("{", "["):
        text = _ESCAPE.sub(lambda match: " " * len(match[0]), text)
    if text.isascii():
        return Reading(text)
    plain = text.translate(_PLAIN)
    return Reading(*visible(plain))
