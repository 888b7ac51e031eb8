"""Texts that are too long. May import the verdicts."""

from __future__ import annotations

import re

from launchworthy.runtime.guards.answers import hit, passed
from launchworthy.runtime.guards.verdict import GuardContext, GuardVerdict, Stage

__all__ = ["LengthGuard"]

_WORD = re.compile(r"\S+")


class LengthGuard:
    """Hits where a text has more characters or words than are allowed.

    Args:
        most_characters: Code points; None for any number.
        most_words: Runs between spaces; None for any number.
        name: As the contract names it.
    """

    estimates = False
    waits = False
    window: int | None = None  # it counts the whole text

    def __init__(
        self, *, most_characters: int | None = None, most_words: int | None = None, name: str = "length"
    ) -> None:
        self.name = name
        self.version = f"length-1-{most_characters}-{most_words}"
        self._most_characters, self._most_words = most_characters, most_words

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Count, at any stage."""
        most = self._most_characters
        if most is not None and len(payload) > most:
            return hit(self, "too_long", reason=f"{len(payload):,} characters, of at most {most:,}")
        if self._most_words is not None:
            words = sum(1 for _ in _WORD.finditer(payload))
            if words > self._most_words:
                return hit(self, "too_long", reason=f"{words:,} words, of at most {self._most_words:,}")
        return passed(self)
