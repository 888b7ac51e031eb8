"""Bank accounts as IBANs: country, its length, and the check digits.

Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from launchworthy.runtime.guards.pii.checksums import mod97
from launchworthy.runtime.guards.pii.reading import Reading
from launchworthy.runtime.guards.pii.topics import Topics
from launchworthy.runtime.guards.verdict import Finding

__all__ = ["LENGTHS", "find_accounts"]

LENGTHS = {
    country: int(length)
    for country, length in (
        pair.split(":")
        for pair in (
            "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BI:27 BR:29 BY:28 CH:21 CR:22 CY:28 "
            "CZ:24 DE:22 DJ:27 DK:18 DO:28 EE:20 EG:29 ES:24 FI:18 FK:18 FO:18 FR:27 GB:22 GE:22 GI:23 "
            "GL:18 GR:27 GT:28 HN:28 HR:21 HU:28 IE:22 IL:23 IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 "
            "LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 MN:20 MR:27 MT:31 MU:30 NI:28 "
            "NL:18 NO:15 OM:23 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 RU:33 SA:24 SC:31 SD:18 SE:24 "
            "SI:19 SK:24 SM:27 SO:23 ST:25 SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20 YE:30"
        ).split()
    )
}
"""Characters of an IBAN by country (SWIFT's registry)."""

_HEAD = re.compile(r"(?<![^\W_])([A-Za-z]{2}) ?[0-9]{2}(?=[ -]?[0-9A-Za-z])")


def find_accounts(reading: Reading, topics: Topics) -> Iterator[Finding]:
    """Every IBAN; one whose check digits are wrong only where a word says that it is one."""
    text = reading.text
    for head in _HEAD.finditer(text):
        length = LENGTHS.get(head[1].upper())
        if length is None:
            continue
        end = _end(text, head.start(), length)
        if end is None:
            continue
        code = re.sub("[ -]", "", text[head.start() : end]).upper()
        if mod97(code):
            yield Finding(head.start(), end, "iban", 0.98)
        elif "iban" in topics.near(head.start(), end):
            yield Finding(head.start(), end, "iban", 0.55)


def _end(text: str, start: int, length: int) -> int | None:
    """Where so many letters and digits end, single spaces and dashes between; None where a word goes on."""
    place, left = start, length
    while left:
        character = text[place : place + 1]
        if character.isascii() and character.isalnum():
            left -= 1
        elif character not in (" ", "-") or not character or text[place + 1 : place + 2] in (" ", "-"):
            return None
        place += 1
    after = text[place : place + 1]
    return None if after.isalnum() or after == "_" else place
