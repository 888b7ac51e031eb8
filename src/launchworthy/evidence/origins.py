"""Where a piece of evidence came from, in words that people read. Pure; imports only this room's evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable

from launchworthy.evidence.evidence import Evidence

__all__ = ["source_text", "sources_text"]

_MOST = 3
_SOURCE = re.compile(r"(run|gold|records|file|drill):(.+)", re.DOTALL)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)[\d:.]*(?:Z|\+00:00)?")
_KINDS = {"gold": "gold set", "drill": "drill of"}


def source_text(piece: Evidence) -> str:
    """``run 7f3a``, ``records of 2026-11-24 09:00 to 12:00 UTC``; else as the producer named it."""
    match = _SOURCE.fullmatch(piece.source)
    if match is None:
        return piece.source or piece.producer or piece.id
    kind, rest = match.groups()
    if kind == "records":
        return f"records of {_period(rest)}"
    return f"{_KINDS.get(kind, kind)} {rest}"


def sources_text(pieces: Iterable[Evidence]) -> str:
    """The sources of several pieces, each once, and how many more there are."""
    found = list(dict.fromkeys(source_text(piece) for piece in pieces))
    more = f" and {len(found) - _MOST:,} more" if len(found) > _MOST else ""
    return ", ".join(found[:_MOST]) + more


def _period(text: str) -> str:
    """``2026-11-24T09:00:00Z/2026-11-24T12:00:00Z`` in words; of what was written otherwise, that."""
    told = [_MOMENT.fullmatch(each) for each in text.split("/")]
    if len(told) != 2 or told[0] is None or told[1] is None:
        return text.replace("/", " to ")
    (first_day, first), (last_day, last) = told[0].groups(), told[1].groups()
    if first_day != last_day:
        return f"{first_day} {first} to {last_day} {last} UTC"
    return f"{first_day} {first} UTC" if first == last else f"{first_day} {first} to {last} UTC"
