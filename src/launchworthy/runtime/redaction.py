"""Personal data in texts that will be stored, replaced as the contract says: what capture is handed.

May import ``contract`` (for types) and the guards for personal data. A hundred words cost 0.7 ms for
patterns and 1.2 more for names, and the same passage or system prompt stands in many records: what was
found in a text is remembered by its digest, never the text itself.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from launchworthy.runtime.guards.pii import Placeholders, pii_guards, pseudonymise
from launchworthy.runtime.guards.pii.guard import PiiGuard, PiiNamesGuard
from launchworthy.runtime.guards.pii.kinds import KINDS
from launchworthy.runtime.guards.pii.masking import PLACEHOLDER
from launchworthy.runtime.guards.verdict import Finding, GuardContext, Outcome, Stage

if TYPE_CHECKING:
    from launchworthy.contract.model.safeguards import Pii

__all__ = ["PersonalKinds", "TextRedaction", "find_personal", "redaction_of", "replaced_kinds"]

LONGEST = 1_000_000
"""Characters of one text that are looked through; a longer one is left out."""

_REMEMBERED_CHARS = 8_000_000
# What stands for personal data, and is none: a pseudonym or a placeholder.
_REPLACED = re.compile(rf"\b(?:{'|'.join(sorted(KINDS, key=len, reverse=True))}|u|s)_[0-9a-f]{{24}}\b")
_CONTEXT = GuardContext()
_CLEAN = object()

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


class _Memory:
    """What was found in the texts that were looked at last, by their digests."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, Any] = OrderedDict()
        self._characters = 0
        self._lock = threading.Lock()

    def __call__(self, text: str, look: Callable[[str], Any]) -> Any:
        """What ``look`` answered to this text before, or answers now."""
        place = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        with self._lock:
            if place in self._known:
                self._known.move_to_end(place)
                return self._known[place]
        found = look(text)
        with self._lock:
            if place not in self._known:
                self._known[place] = found
                self._characters += _weight(found)
                while self._characters > _REMEMBERED_CHARS:
                    self._characters -= _weight(self._known.popitem(last=False)[1])
        return found


def _weight(found: Any) -> int:
    return 100 + (len(found) if isinstance(found, str) else 0)


class TextRedaction:
    """Replaces personal data in one text after another; may be used by several threads.

    Args:
        find: Kinds to look for.
        how: ``pseudonymise``: keyed hashes, on which records still join; ``redact``: placeholders.
        key: Of the hashes, or what answers it once it is needed.

    Raises:
        InputError: A kind is unknown.

    Example:
        >>> TextRedaction(find=["email"], how="redact")("Write to ana@example.com")
        'Write to [EMAIL_1]'
    """

    def __init__(
        self,
        *,
        find: Iterable[str],
        how: Literal["pseudonymise", "redact"],
        key: bytes | Callable[[], bytes] = b"",
    ) -> None:
        self.guards: Guards = pii_guards(find=find)
        self._how, self._key = how, key
        self._memory = _Memory()

    def __call__(self, text: str) -> str | None:
        """The text without personal data; None where it is too long to be looked through."""
        if len(text) > LONGEST:
            return None
        found = self._memory(text, self._look)
        return text if found is _CLEAN else found

    def _look(self, text: str) -> Any:
        found = find_personal(text, self.guards)
        if not found:
            return None if found is None else _CLEAN
        if self._how == "redact":
            return Placeholders()(text, found)
        key = self._key() if callable(self._key) else self._key
        return pseudonymise(text, found, key=key)


class PersonalKinds:
    """Says which kinds of personal data stand in one text after another.

    Args:
        find: Kinds to look for.

    Raises:
        InputError: A kind is unknown.

    Example:
        >>> sorted(PersonalKinds(["email", "phone"])("Write to ana@example.com"))
        ['email']
    """

    def __init__(self, find: Iterable[str]) -> None:
        self._guards = pii_guards(find=find)
        self._memory = _Memory()

    def __call__(self, text: str) -> frozenset[str] | None:
        """The kinds; None where the text is too long to be looked through."""
        if len(text) > LONGEST:
            return None
        found: frozenset[str] | None = self._memory(text, self._look)
        return found

    def _look(self, text: str) -> frozenset[str] | None:
        found = find_personal(text, self._guards)
        return None if found is None else frozenset(each.type for each in found)


def replaced_kinds(text: str) -> frozenset[str]:
    """Kinds of personal data that stood in a text until pseudonyms took their place.

    >>> sorted(replaced_kinds("Write to email_0123456789abcdef01234567"))
    ['email']
    """
    return frozenset(match[0].rpartition("_")[0] for match in _REPLACED.finditer(text)) & set(KINDS)


def redaction_of(pii: Pii | None, *, key: bytes | Callable[[], bytes]) -> TextRedaction | None:
    """How the block ``data/pii`` wants what is stored to be looked through; None: not at all.

    Where texts are dropped, short attributes of the application's own are still kept, and looked through.

    Raises:
        InputError: It names a kind that nothing here finds.
    """
    if pii is None or pii.record == "keep":
        return None
    how: Literal["pseudonymise", "redact"] = "pseudonymise" if pii.record == "pseudonymise" else "redact"
    return TextRedaction(find=pii.find, how=how, key=key)
