"""Personal data in texts that will be stored, replaced as the contract says: what capture is handed.

May import ``contract`` (for types) and the guards for personal data. A hundred words cost a millisecond for
patterns and two more for names, and the same passage or system prompt stands in many records: what was
found in a text is remembered by its digest, never the text itself.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from launchworthy.runtime.guards.pii import Placeholders, pii_guards, pseudonymise
from launchworthy.runtime.guards.pii.guard import PiiGuard, PiiNamesGuard
from launchworthy.runtime.guards.pii.kinds import KINDS
from launchworthy.runtime.guards.pii.masking import PLACEHOLDER
from launchworthy.runtime.guards.verdict import Finding, GuardContext, Outcome, Stage

if TYPE_CHECKING:
    from launchworthy.contract.model.safeguards import Pii

__all__ = ["TextRedaction", "find_personal", "redaction_of"]

LONGEST = 1_000_000
"""Characters of one text that are looked through; a longer one is left out."""

_REMEMBERED_CHARS = 8_000_000
# What stands for personal data, and is none: a pseudonym or a placeholder.
_REPLACED = re.compile(rf"\b(?:{'|'.join(sorted(KINDS, key=len, reverse=True))}|u|s)_[0-9a-f]{{24}}\b")
_CONTEXT = GuardContext()

Guards = Sequence[PiiGuard | PiiNamesGuard]


def find_personal(text: str, guards: Guards) -> list[Finding] | None:
    """What guards find in a text, without what stands in place of personal data; None: could not check."""
    found: list[Finding] = []
    for guard in guards:
        verdict = guard.check(Stage.OUTPUT, text, _CONTEXT)
        if verdict.outcome is Outcome.COULD_NOT_CHECK:
            return None
        found += verdict.spans
    if not found:
        return found
    stands = [match.span() for form in (PLACEHOLDER, _REPLACED) for match in form.finditer(text)]
    return [each for each in found if not any(a < each.end and each.start < b for a, b in stands)]


class TextRedaction:
    """Replaces personal data in one text after another; may be used by several threads.

    Args:
        find: Kinds to look for.
        how: ``pseudonymise``: keyed hashes, on which records still join; ``redact``: placeholders.
        key: Of the hashes.

    Raises:
        InputError: A kind is unknown.

    Example:
        >>> TextRedaction(find=["email"], how="redact")("Write to ana@example.com")
        'Write to [EMAIL_1]'
    """

    def __init__(
        self, *, find: Iterable[str], how: Literal["pseudonymise", "redact"], key: bytes = b""
    ) -> None:
        self.guards: Guards = pii_guards(find=find)
        self._how, self._key = how, key
        self._known: OrderedDict[bytes, str | None] = OrderedDict()  # None: nothing was found
        self._characters = 0
        self._lock = threading.Lock()

    def __call__(self, text: str) -> str | None:
        """The text without personal data; None where it is too long to be looked through."""
        if len(text) > LONGEST:
            return None
        if len(text) < 3:
            return text
        place = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        with self._lock:
            if place in self._known:
                self._known.move_to_end(place)
                known = self._known[place]
                return text if known is None else known
        found = find_personal(text, self.guards)
        if found is None:
            return None
        kept = self._replaced(text, found) if found else None
        with self._lock:
            if place not in self._known:
                self._known[place] = kept
                self._characters += _weight(kept)
                while self._characters > _REMEMBERED_CHARS:
                    self._characters -= _weight(self._known.popitem(last=False)[1])
        return text if kept is None else kept

    def _replaced(self, text: str, found: Sequence[Finding]) -> str:
        if self._how == "redact":
            return Placeholders()(text, found)
        return pseudonymise(text, found, key=self._key)


def redaction_of(pii: Pii | None, *, key: bytes) -> TextRedaction | None:
    """How the block ``data/pii`` wants what is stored to be looked through; None: not at all.

    Where texts are dropped, short attributes of the application's own are still kept, and looked through.

    Raises:
        InputError: It names a kind that nothing here finds.
    """
    if pii is None or pii.record == "keep":
        return None
    how: Literal["pseudonymise", "redact"] = "pseudonymise" if pii.record == "pseudonymise" else "redact"
    return TextRedaction(find=pii.find, how=how, key=key)


def _weight(kept: str | None) -> int:
    return 100 + len(kept or "")
