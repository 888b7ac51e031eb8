"""The kinds of personal data: their names, and which recogniser finds each.

Standard library only.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from launchworthy.errors import InputError
from launchworthy.runtime.guards.pii.identity import BARE, LETTERED

__all__ = ["GROUPS", "IDENTITY_KINDS", "KINDS", "NAMED_KINDS", "PATTERN_KINDS", "chosen_kinds"]

IDENTITY_KINDS: tuple[str, ...] = tuple(
    dict.fromkeys([*(each.kind for each in BARE), *(each.kind for each in LETTERED)])
)
"""National identity numbers, by country."""

PATTERN_KINDS: tuple[str, ...] = (
    "email",
    "phone",
    "card",
    "iban",
    *IDENTITY_KINDS,
    "ip",
    "url",
    "birth_date",
    "date",
    "postcode",
    "address",
)
"""What has a form that can be checked."""

NAMED_KINDS: tuple[str, ...] = ("name", "address", "organisation", "place")
"""What only the words around it give away: the tagger estimates these."""

KINDS: tuple[str, ...] = tuple(dict.fromkeys((*PATTERN_KINDS, *NAMED_KINDS)))

GROUPS: dict[str, tuple[str, ...]] = {"national_id": IDENTITY_KINDS}
"""Words that stand for several kinds."""


def chosen_kinds(names: Iterable[str], *, of: tuple[str, ...], where: str = "find") -> frozenset[str]:
    """The kinds that are named, groups opened, that a guard of these kinds can find; all where none is named.

    Raises:
        InputError: A name is no kind at all.
    """
    named = tuple(names)
    if not named:
        return frozenset(of)
    kinds: set[str] = set()
    for name in named:
        if name in GROUPS:
            kinds.update(GROUPS[name])
        elif name in KINDS:
            kinds.add(name)
        else:
            known = (*KINDS, *GROUPS)
            close = difflib.get_close_matches(name, known, n=1)
            meant = f"did you mean {close[0]}?" if close else f"kinds are {', '.join(known)}"
            raise InputError(f'"{name}" is no kind of personal data', where=where, hint=meant)
    return frozenset(kinds & set(of))
