"""What is said of an incident: the same words for every target, on single lines, without control characters.

May import ``records`` and the standard library. The words come from contracts, records and people; each
payload escapes them for its target.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from launchworthy.records.incident import Incident

__all__ = ["Message", "message_of"]

_MOST_CHARS = 300
_HEADS = {
    "opened": "",
    "reopened": "Back: ",
    "escalated": "Nobody has taken this: ",
    "fixed": "A fix is watched: ",
    "closed": "Closed: ",
    "verified": "Shown to be cured: ",
    "noted": "Noted: ",
    "assigned": "Taken: ",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is told.

    Attributes:
        kind: Of the event.
        subject: In a line.
        lines: Name and value of what else there is to know.
        url: Where it is shown.
        incident: The incident itself.
    """

    kind: str
    subject: str
    lines: tuple[tuple[str, str], ...]
    url: str
    incident: Incident


def message_of(
    one: Incident, kind: str, *, playbook: str, console: str, owners: Mapping[str, str]
) -> Message:
    """The words of one event.

    Args:
        one: The incident.
        kind: Of the event.
        playbook: What the contract says to do meanwhile.
        console: Address of the console.
        owners: Owners of the contract, and where each is reached.
    """
    reached = owners.get(one.owner, "")
    told = [
        ("Product", one.product),
        ("Severity", one.severity),
        ("Owner", f"{one.owner} ({reached})" if reached else one.owner),
        ("Failure mode", (one.failure_mode or "").replace("_", " ")),
        ("Claim", one.address.removeprefix(f"{one.product}/")),
        ("Since", f"{one.opened_at:%Y-%m-%d %H:%M} UTC"),
        ("Seen", f"{one.count:,} time{'' if one.count == 1 else 's'}, last {one.last_at:%Y-%m-%d %H:%M} UTC"),
        ("Carried by", _text(one.facts.get("carried"))),
        ("Changed before", "; ".join(f"{each.kind} {each.what}" for each in one.suspected[:3])),
        ("Do meanwhile", playbook),
        ("Done", one.because),
        ("Calls", ", ".join(one.traces[:3])),
    ]
    return Message(
        kind=kind,
        subject=plain(f"{_HEADS.get(kind, '')}{one.title}"),
        lines=tuple((name, plain(value)) for name, value in told if value.strip()),
        url=f"{console}/products/{quote(one.product, safe='')}/incidents/{quote(one.id, safe='')}",
        incident=one,
    )


def _text(fact: object) -> str:
    return fact if isinstance(fact, str) else ""


def plain(text: str) -> str:
    """One line without anything that is not shown: controls, and marks that turn the direction of writing."""
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in text)
    line = " ".join(kept.split())
    return line if len(line) <= _MOST_CHARS else f"{line[: _MOST_CHARS - 1]}…"
