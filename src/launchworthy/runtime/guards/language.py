"""Texts in another language than those the product serves. May import ``metrics`` and the verdicts."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from launchworthy.errors import InputError
from launchworthy.metrics.language import LANGUAGES, language_of
from launchworthy.runtime.guards.answers import hit, passed, unchecked
from launchworthy.runtime.guards.verdict import GuardContext, GuardVerdict, Stage

__all__ = ["LanguageGuard"]

_FEWEST_LETTERS = 40  # a shorter text may be in any language: a name, "OK", a number


class LanguageGuard:
    """Hits where a text is clearly in a language that is not among the allowed ones.

    A text too short to be in one passes; a longer one of which the language cannot be said could not be
    checked.

    Args:
        allowed: ISO 639-1 codes.
        name: As the contract names it.

    Raises:
        InputError: A code is not known, or there is none.
    """

    estimates = False
    waits = False
    window: int | None = None  # a language is of the whole text

    def __init__(self, *, allowed: Iterable[str], name: str = "language") -> None:
        self.name = name
        self._allowed = tuple(dict.fromkeys(allowed))
        if not self._allowed:
            raise InputError("no language is allowed", where="find", hint="name them: find: [en, de]")
        for code in self._allowed:
            if code not in LANGUAGES:
                close = difflib.get_close_matches(code, LANGUAGES, n=1)
                hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(LANGUAGES)}"
                raise InputError(f'"{code}" is not a language that is known here', where="find", hint=hint)
        self.version = f"language-1-{'-'.join(sorted(self._allowed))}"

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Tell the language, at any stage."""
        found = language_of(payload)
        if found is None:
            letters = sum(map(str.isalpha, payload[:10_000]))
            if letters < _FEWEST_LETTERS:
                return passed(self, reason="too short to be in any language")
            return unchecked(self, "the language cannot be said")
        if found in self._allowed:
            return passed(self)
        return hit(self, f"language_{found}", reason=f"it is in {found}, and not in {self._told()}")

    def _told(self) -> str:
        return " or ".join(self._allowed)
