"""How pages say things: counts, states, moments, links. May import ``evidence`` and ``quantity``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from launchworthy.evidence import State

__all__ = [
    "MARKS",
    "NO_ANSWERS",
    "Link",
    "count",
    "day",
    "from_ns",
    "joined",
    "moment",
    "page_url",
    "sentence",
    "short",
    "span",
]

NO_ANSWERS = {"refuse": "refused", "defer": "deferred", "ask": "asked back", "route": "routed to a person"}
MARKS = {
    State.MET: "●",
    State.UNMET: "✕",
    State.UNPROVEN: "◌",
    State.WAIVED: "△",
    State.ATTESTED: "✎",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Words that lead somewhere; ``url`` is empty where they do not."""

    text: str
    url: str = ""


def count(number: int, noun: str, *, plural: str = "") -> str:
    """``1 claim``, ``2 claims``, ``no claims``."""
    return (
        f"{number:,} {noun}"
        if number == 1
        else f"{number or 'no':{',' if number else ''}} {plural or noun + 's'}"
    )


def joined(parts: list[str]) -> str:
    """``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def sentence(text: str) -> str:
    """The same words with a capital first, and no number parted from its percent sign."""
    return (text[:1].upper() + text[1:]).replace(" %", "\u00a0%")


def short(text: str, *, most: int) -> str:
    """At most ``most`` characters on one line, the rest as an ellipsis."""
    line = " ".join(text[: most * 4].split())
    return line if len(line) <= most and len(text) <= most * 4 else line[: most - 1].rstrip() + "…"


def moment(at: datetime | None) -> str:
    """``2026-11-24 09:12 UTC``."""
    return "not yet" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def span(first: datetime, last: datetime) -> str:
    """``2026-11-24 09:12 to 10:05 UTC``, or both days; one moment where it lasted none."""
    begun, ended = moment(first), moment(last)
    if begun == ended:
        return begun
    same = begun.partition(" ")[0] == ended.partition(" ")[0]
    return f"{begun.removesuffix(' UTC')} to {ended.partition(' ')[2] if same else ended}"


def day(at: datetime) -> str:
    """``2026-11-24``."""
    return f"{at.astimezone(UTC):%Y-%m-%d}"


def from_ns(at_ns: int) -> datetime:
    """A moment from nanoseconds since the Unix epoch; the ends of time where it is beyond them."""
    try:
        return datetime.fromtimestamp(at_ns / 1e9, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC) if at_ns > 0 else datetime.min.replace(tzinfo=UTC)


def page_url(*parts: str, **query: str) -> str:
    """An address on this server; each part is one segment of it, slashes within a part kept."""
    path = "/" + "/".join(quote(part, safe="/@:+,*=") for part in parts)
    asked = {name.rstrip("_"): value for name, value in query.items() if value}
    return f"{path}?{urlencode(asked)}" if asked else path
