"""The ways a text may be read besides as it stands: unfolded, spelt out, decoded.

Standard library only. Each reading keeps the place of the stretch that it came from, so that what is found
in decoded text is shown where the code stands. All patterns run in linear time.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass

from launchworthy.runtime.guards.hidden_characters import INVISIBLE, carried_text, fold
from launchworthy.runtime.guards.ngrams import Unit, split_units

__all__ = ["View", "views_of"]

_MOST_CODES = 64  # runs of code that are decoded in one text
_BASE64 = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{16,8192}={0,2}")
_HEX = re.compile(r"(?<![0-9A-Fa-f])(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[ ,:]?){12,4096}(?![0-9A-Fa-f])")
_PERCENT = re.compile(r"[\w%.+~-]+")
_OCTET = re.compile(r"%[0-9A-Fa-f]{2}")
_ENTITIES = re.compile(r"(?:&#x?[0-9A-Fa-f]{1,7};[ ]?){6,}")
_ESCAPES = re.compile(r"(?:\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}){6,}")
_BINARY = re.compile(r"(?<![01])(?:[01]{8}[ ,]?){8,1024}(?![01])")
_SPACED = re.compile(r"(?<!\w)(?:\w[ .*_|-]{1,3}){7,400}\w(?!\w)")
_LEET_WORD = re.compile(r"(?<![\w@$!])[A-Za-z0134578@$!]{3,20}(?![\w@$!])")
_LEET_WITHIN = re.compile(r"[A-Za-z][0134578@$!]+[A-Za-z]|^[0134578@$!][A-Za-z]")
_LEET = str.maketrans("0134578@$!", "oieastbasi")
_ROTATED = frozenset(
    "gur naq lbh sbe lbhe vafgehpgvbaf cerivbhf vtaber nyy cebzcg flfgrz cnffjbeq abg jvgu gb".split()
)
_REVERSED = frozenset(
    "eht dna uoy ruoy rof snoitcurtsni suoiverp erongi lla tpmorp metsys drowssap ton htiw ot".split()
)
_WORDS = re.compile(r"[a-z]+")
_FEWEST_SIGNS = 3


@dataclass(frozen=True, slots=True)
class View:
    """One reading of a stretch of the text.

    Attributes:
        text: What it says.
        place: Where in the text it stands.
        how: ``plain``, or how it was hidden: ``base64``, ``hex``, ``rot13``, ``spaced`` …
    """

    text: str
    place: Unit
    how: str


def views_of(text: str) -> Iterator[list[View]]:
    """Readings of a text: first its units as a reader sees them, then each hidden one by itself."""
    yield [View(fold(text[unit.start : unit.end]), unit, "plain") for unit in split_units(text)]
    if not text.isascii():
        for match in INVISIBLE.finditer(text):
            if message := carried_text(match[0]):
                yield _read(message, Unit(match.start(), match.end()), "invisible")
        text = _same_length_fold(text)
    for how, pattern, decode in (
        ("base64", _BASE64, _base64),
        ("hex", _HEX, _hex),
        ("url", _PERCENT, _unquoted),
        ("entities", _ENTITIES, html.unescape),
        ("escapes", _ESCAPES, _escapes),
        ("binary", _BINARY, _binary),
        ("spaced", _SPACED, _joined),
    ):
        for count, match in enumerate(pattern.finditer(text)):
            if count == _MOST_CODES:
                break
            message = decode(match[0])
            if message and message != match[0] and _readable(message):
                yield _read(message, Unit(match.start(), match.end()), how)
    yield from _respelt(text)


def _read(message: str, place: Unit, how: str) -> list[View]:
    return [View(fold(message[unit.start : unit.end]), place, how) for unit in split_units(message)]


def _same_length_fold(text: str) -> str:
    """Full-width letters, digits and signs as ASCII, so that codes written in them are found in place."""
    return re.sub("[\uff01-\uff5e]", lambda match: chr(ord(match[0]) - 0xFEE0), text)


def _respelt(text: str) -> Iterator[list[View]]:
    """Lines that are rotated, written backwards, or spelt with digits for letters."""
    for unit in split_units(text):
        line = text[unit.start : unit.end]
        words = set(_WORDS.findall(line.lower()))
        if len(words & _ROTATED) >= _FEWEST_SIGNS:
            yield [View(codecs.decode(line, "rot13"), unit, "rot13")]
        if len(words & _REVERSED) >= _FEWEST_SIGNS:
            yield [View(line[::-1], unit, "reversed")]
        leet = [match for match in _LEET_WORD.finditer(line) if _LEET_WITHIN.search(match[0])]
        if len(leet) >= _FEWEST_SIGNS - 1:
            yield [View(_LEET_WORD.sub(_unleet, line), unit, "leet")]


def _unleet(match: re.Match[str]) -> str:
    return match[0].translate(_LEET) if _LEET_WITHIN.search(match[0]) else match[0]


def _readable(message: str) -> bool:
    letters = sum(letter.isalpha() or letter == " " for letter in message)
    return len(message) >= 6 and message.replace("\n", " ").isprintable() and letters >= 0.7 * len(message)


def _base64(run: str) -> str:
    body = run.rstrip("=").replace("-", "+").replace("_", "/")
    if len(body) % 4 == 1:
        body = body[:-1]
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _unquoted(run: str) -> str:
    return urllib.parse.unquote_plus(run) if len(_OCTET.findall(run)) >= _FEWEST_SIGNS else ""


def _hex(run: str) -> str:
    digits = re.sub(r"0x|\\x|[ ,:]", "", run)
    try:
        return bytes.fromhex(digits[: len(digits) // 2 * 2]).decode()
    except ValueError:
        return ""


def _escapes(run: str) -> str:
    return re.sub(r"\\[ux]([0-9A-Fa-f]{2,4})", lambda match: chr(int(match[1], 16)), run)


def _binary(run: str) -> str:
    bits = re.sub(r"[ ,]", "", run)
    try:
        return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8)).decode()
    except ValueError:
        return ""


def _joined(run: str) -> str:
    """Letters without what stands between them; wider gaps part words."""
    return re.sub(r"(?<=\w)[ .*_|-](?=\w)", "", re.sub(r"[ .*_|-]{2,}", "  ", run)).replace("  ", " ")
