"""Characters that nobody sees, or sees as others: which they are, what they carry, what stands for them.

Standard library only. The letters that look alike are a small part of Unicode's confusables (UTS #39):
those that are drawn as Latin letters in usual fonts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

__all__ = [
    "BIDI",
    "INVISIBLE",
    "SELECTORS",
    "TAGS",
    "ZERO_WIDTH",
    "carried_text",
    "fold",
    "has_right_to_left",
    "masquerading_words",
    "visible",
]

ZERO_WIDTH = "\u200b\u200c\u200d\u2060-\u2064\ufeff\u180e\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
TAGS = "\U000e0000-\U000e007f"
SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_OTHERS = "\u00ad\u180b-\u180f\ufff9-\ufffb\U0001d173-\U0001d17a"
INVISIBLE = re.compile(f"[{ZERO_WIDTH}{BIDI}{TAGS}{SELECTORS}{_OTHERS}]+")

_LOOKALIKES = (
    # Cyrillic
    ("АВЕЅІЈКМНОРСТУХЬԌԚԜҮӀ", "ABESIJKMHOPCTYXbGQWYI"),
    ("аеѕіјорсухһԁԛԝьүӏкмнтвѵ", "aesijopcyxhdqwbylkmhtbv"),
    # Greek
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
    ("αγικνορτυχε", "ayiknoptuxe"),
    # Armenian, Cherokee, Lisu
    ("օսոցհաՏԼ", "ounghwSL"),
    ("ᎪᏴᏟᎠᎬᎢᎫᏦᏞᎷᎻᏢᏚᎡ", "ABCDEIJKLMHPSR"),
    ("ꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑꓣꓢꓔꓴꓦꓪꓫꓬꓜ", "BCDEFGHIJKLMNOPRSTUVWXYZ"),
)
_LATIN = {
    ord(strange): usual
    for strangers, usuals in _LOOKALIKES
    for strange, usual in zip(strangers, usuals, strict=True)
}
# Latin letters in dress that NFKC leaves on: small capitals, letters in squares, circles and flags.
_UNDRESSED = dict(
    zip(map(ord, "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢɑɡɩ"), "abcdefghijklmnoprstuvwyzagi", strict=True)
) | {
    start + index: letter
    for start in (0x1F150, 0x1F170, 0x1F1E6)
    for index, letter in enumerate("abcdefghijklmnopqrstuvwxyz")
}
_WORD = re.compile(r"[^\W\d_]+")
_STRANGE = re.compile("[\u0370-\u058f\u13a0-\u13ff\ua4d0-\ua4ff]")
_GREEK = re.compile("[\u0370-\u03ff]")
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_LATIN_LETTER = re.compile("[A-Za-z\u00c0-\u024f]")
_MARKS = re.compile("[\u0300-\u036f\u0489\u1ab0-\u1aff\u20d0-\u20ff]{2,}|[\u0334-\u0338\u20d2\u20d3\u20e5]")


def visible(text: str) -> tuple[str, list[int] | None]:
    """The text without its invisible characters, and where each of the others, and the end, stood.

    The positions are None where nothing is invisible.

    >>> visible("a\\u200bb")
    ('ab', [0, 2, 3])
    """
    if text.isascii() or INVISIBLE.search(text) is None:
        return text, None
    parts: list[str] = []
    stood: list[int] = []
    last = 0
    for match in INVISIBLE.finditer(text):
        parts.append(text[last : match.start()])
        stood.extend(range(last, match.start()))
        last = match.end()
    parts.append(text[last:])
    stood.extend(range(last, len(text) + 1))
    return "".join(parts), stood


def has_right_to_left(text: str) -> bool:
    """Whether the text has letters of a script that runs from right to left."""
    return _RIGHT_TO_LEFT.search(text) is not None


def carried_text(run: str) -> str:
    """What invisible characters spell: tags as ASCII, variation selectors as bytes; else nothing."""
    tags = "".join(chr(ord(mark) - 0xE0000) for mark in run if 0xE0020 <= ord(mark) <= 0xE007E)
    if tags:
        return tags
    octets = bytes(
        code - 0xFE00 if code < 0xFE10 else code - 0xE0100 + 16
        for code in map(ord, run)
        if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF
    )
    text = octets.decode("utf-8", "ignore")
    return text if len(text) > 1 and text.isprintable() else ""


def masquerading_words(text: str) -> Iterator[re.Match[str]]:
    """Words in which letters of another script stand for the Latin letters that they look like."""
    if _STRANGE.search(text) is not None:
        yield from (match for match in _WORD.finditer(text) if _masquerades(match[0]))


def _masquerades(word: str) -> bool:
    if word.isascii() or _LATIN_LETTER.search(word) is None:
        return False
    strange = _STRANGE.findall(word)
    if not strange or any(ord(letter) not in _LATIN for letter in strange):
        return False
    # TNFα and χMax are terms, not disguises.
    edge = len(strange) == 1 and (word.startswith(strange[0]) or word.endswith(strange[0]))
    return not (edge and _GREEK.match(strange[0]))


def _unmasked(match: re.Match[str]) -> str:
    return match[0].translate(_LATIN) if _masquerades(match[0]) else match[0]


def fold(text: str) -> str:
    """What a reader sees, in plain letters: compatibility forms, no invisible characters, no lookalikes."""
    if text.isascii():
        return text
    text = _MARKS.sub("", unicodedata.normalize("NFKD", INVISIBLE.sub("", text)))
    text = unicodedata.normalize("NFKC", text).translate(_UNDRESSED)
    return _WORD.sub(_unmasked, text) if _STRANGE.search(text) else text
