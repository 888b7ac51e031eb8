"""What is put in the place of personal data: numbered placeholders, nothing, or keyed pseudonyms.

May import ``records`` and the guards' verdicts. Every function here takes a text and findings in it, which
may overlap where several guards found something: what overlaps is replaced once, under the first kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from launchworthy.records import pseudonym
from launchworthy.runtime.guards.pii.reading import read
from launchworthy.runtime.guards.verdict import Finding

__all__ = ["PLACEHOLDER", "Placeholders", "drop", "pseudonymise", "replaced"]

PLACEHOLDER = re.compile(r"\[([A-Z][A-Z0-9_]{0,39})_([1-9][0-9]{0,8})\]")
"""Form of a numbered placeholder: ``[EMAIL_1]``."""

_LETTERS_MATTER = frozenset({"name", "address", "organisation", "place", "url"})


def replaced(text: str, findings: Sequence[Finding], by: Callable[[str, str], str]) -> str:
    """The text with each finding replaced by what ``by`` answers to its kind and value."""
    parts: list[str] = []
    last = 0
    for finding, start, end in _joined(findings):
        parts += (text[last:start], by(finding.type, text[start:end]))
        last = end
    return "".join((*parts, text[last:]))


def _joined(findings: Sequence[Finding]) -> Iterator[tuple[Finding, int, int]]:
    ordered = sorted(findings, key=lambda f: (f.start, -f.end))
    place = 0
    while place < len(ordered):
        first, end = ordered[place], ordered[place].end
        place += 1
        while place < len(ordered) and ordered[place].start < end:
            end = max(end, ordered[place].end)
            place += 1
        yield first, first.start, end


class Placeholders:
    """Puts ``[EMAIL_1]`` in the place of values, the same number for the same value, and can put them back.

    One object serves one conversation: it remembers values in memory and nowhere else. It is a masker of the
    pipeline: ``placeholders(text, findings)``.

    >>> placeholders = Placeholders()
    >>> masked = placeholders("ana@b.org, cc ana@b.org", [Finding(0, 9, "email"), Finding(14, 23, "email")])
    >>> masked, placeholders.restore(masked)
    ('[EMAIL_1], cc [EMAIL_1]', 'ana@b.org, cc ana@b.org')
    """

    def __init__(self) -> None:
        self._value_of: dict[str, str] = {}
        self._placeholder_of: dict[tuple[str, str], str] = {}
        self._taken: set[str] = set()

    def __call__(self, text: str, findings: Sequence[Finding]) -> str:
        """The text with placeholders; one that its author wrote out stays, and is not given again."""
        self._taken.update(match[0] for match in PLACEHOLDER.finditer(text))
        return replaced(text, findings, self._placeholder)

    def _placeholder(self, kind: str, value: str) -> str:
        known = self._placeholder_of.get((kind, value))
        if known is not None:
            return known
        number = 1
        while (made := f"[{kind.upper()}_{number}]") in self._value_of or made in self._taken:
            number += 1
        self._value_of[made] = value
        self._placeholder_of[kind, value] = made
        return made

    @property
    def values(self) -> Mapping[str, str]:
        """What each placeholder stands for."""
        return dict(self._value_of)

    def restore(self, text: str) -> str:
        """The text with the values put back; placeholders that were not made here stay."""
        return PLACEHOLDER.sub(lambda match: self._value_of.get(match[0], match[0]), text)


def drop(text: str, findings: Sequence[Finding]) -> str:
    """The text without what was found."""
    return replaced(text, findings, lambda _kind, _value: "")


def pseudonymise(text: str, findings: Sequence[Finding], *, key: bytes) -> str:
    """The text with a keyed hash for each value, so that records join on it and nobody can try values out.

    The same mail address, phone or card gives the same pseudonym however it is written.
    """
    return replaced(
        text, findings, lambda kind, value: pseudonym(_one_form(kind, value), key=key, prefix=kind)
    )


def _one_form(kind: str, value: str) -> str:
    plain = read(value).text.casefold()
    if kind in _LETTERS_MATTER or kind == "email":
        return " ".join(plain.split())
    return "".join(c for c in plain if c.isalnum())
