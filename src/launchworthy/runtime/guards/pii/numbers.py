"""Numbers of digits: payment cards, phone numbers and national identity numbers.

Standard library only. Digits are read in groups; runs of groups that only separators part are tried in
windows of bounded length, so the work grows with the text and no faster.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from launchworthy.runtime.guards.pii.checksums import luhn
from launchworthy.runtime.guards.pii.identity import BARE, Identity
from launchworthy.runtime.guards.pii.reading import Reading
from launchworthy.runtime.guards.pii.topics import Topics
from launchworthy.runtime.guards.verdict import Finding

__all__ = ["find_numbers"]

_DIGITS = re.compile(r"[0-9]+")
_GAP = re.compile(r" ?[-./] ?|  ?|\) ?-?|-? ?\(|\)? ?\(0?\) ?")
_EXTENSION = re.compile(r" ?(?:x|ext\.? ?|extension )[0-9]{1,6}(?![\w])", re.IGNORECASE)
_MONEY_BEFORE = re.compile(r"[$€£¥₹#] ?$|[0-9][.,]$|(?:usd|eur|gbp|chf) ?$", re.IGNORECASE)
_MONEY_AFTER = re.compile(r" ?[%€£¥]|,[0-9]{3}(?![0-9])| ?(?:usd|eur|gbp|dollars|euros)\b", re.IGNORECASE)

_MOST_GROUPS = 8
_MOST_DIGITS = 19
_CARD_GROUPS = {
    (4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4), (4, 5, 4), (6, 13), (8, 8), (4, 4, 5),
}  # fmt: skip
_LONG_RUN = 16  # groups; in a longer run, a table perhaps, only well-known forms are read
_SHAPES = _CARD_GROUPS | {each.groups for each in BARE} | {(3, 3, 4), (1, 3, 3, 4), (2, 2, 2, 2, 2)}
# Country calling codes (ITU-T E.164): those of one and two digits; all others have three.
_SHORT_CODES = frozenset(
    "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 "
    "81 82 84 86 90 91 92 93 94 95 98".split()
)
_LONG_STARTS = frozenset("21 22 23 24 25 26 29 35 37 38 42 50 59 67 68 69 80 85 87 88 96 97 99".split())

_YEARS = {"19", "20"}  # groups of four that begin so are years
_BY_LENGTH: dict[int, list[Identity]] = defaultdict(list)
for _identity in BARE:
    _BY_LENGTH[_identity.digits].append(_identity)


@dataclass(frozen=True, slots=True)
class _Window:
    """Successive groups of digits.

    Attributes:
        start: First character, a plus or bracket before it included.
        end: One past the last.
        digits: The digits alone.
        groups: Length of each group.
        gaps: What parts the groups.
        opening: What stands before the first digit: ``+``, ``(``, or nothing.
        whole: False where more groups go on before or after.
    """

    start: int
    end: int
    digits: str
    groups: tuple[int, ...]
    gaps: tuple[str, ...]
    opening: str
    whole: bool


def find_numbers(reading: Reading, topics: Topics) -> Iterator[Finding]:
    """Every card, phone and identity number with its score; overlapping readings are all given."""
    text = reading.text
    for run in _runs(text):
        for window in _windows(text, run):
            yield from _readings_of(window, text, topics)


def _runs(text: str) -> Iterator[list[tuple[int, int]]]:
    """Groups of digits that only separators part."""
    run: list[tuple[int, int]] = []
    for match in _DIGITS.finditer(text):
        start, end = match.span()
        if run:
            last = run[-1][1]
            if start - last > 5 or _GAP.fullmatch(text, last, start) is None:
                yield run
                run = []
        run.append((start, end))
    if run:
        yield run


def _windows(text: str, run: list[tuple[int, int]]) -> Iterator[_Window]:
    if len(run) > _MOST_GROUPS and all(end - start == 1 for start, end in run):
        if len(run) <= _MOST_DIGITS:  # one digit at a time
            yield _window(text, run, 0, len(run))
        return
    for first in range(len(run)):
        if _word_before(text, run[first][0]):
            continue
        count = 0
        for last in range(first, min(first + _MOST_GROUPS, len(run))):
            count += run[last][1] - run[last][0]
            if count > _MOST_DIGITS:
                break
            if count < 7 or _word_after(text, run[last][1]):
                continue
            if len(run) <= _LONG_RUN or tuple(b - a for a, b in run[first : last + 1]) in _SHAPES:
                yield _window(text, run, first, last + 1)


def _window(text: str, run: list[tuple[int, int]], first: int, last: int) -> _Window:
    groups = run[first:last]
    start, end = groups[0][0], groups[-1][1]
    opening = ""
    if start and text[start - 1] == "(":
        opening, start = "(", start - 1
    if start and text[start - 1] == "+" and not _word_before(text, start - 1):
        opening, start = "+", start - 1
    return _Window(
        start,
        end,
        "".join(text[a:b] for a, b in groups),
        tuple(b - a for a, b in groups),
        tuple(text[a[1] : b[0]] for a, b in pairwise(groups)),
        opening,
        first == 0 and last == len(run),
    )


def _word_before(text: str, start: int) -> bool:
    before = text[start - 1 : start]
    return before.isalnum() or before == "_"


def _word_after(text: str, end: int) -> bool:
    after = text[end : end + 1]
    if after == "_":
        return True
    return after.isalpha() and _EXTENSION.match(text, end) is None


def _readings_of(window: _Window, text: str, topics: Topics) -> Iterator[Finding]:
    near = topics.near(window.start, window.end)
    money = (
        _MONEY_BEFORE.search(text[max(0, window.start - 4) : window.start]) is not None
        or _MONEY_AFTER.match(text, window.end) is not None
    )
    for found in (_card(window, near), _phone(window, near, text), *_identities(window, near)):
        if found is not None and not (money and found.score < 0.9):
            yield found


def _closer(near: dict[str, int], topic: str, others: tuple[str, ...]) -> bool:
    """Whether a topic's word is near, and no word of the others nearer."""
    away = near.get(topic)
    return away is not None and all(near.get(other, 999) >= away for other in others)


def _card(window: _Window, near: dict[str, int]) -> Finding | None:
    digits = window.digits
    if not 12 <= len(digits) <= 19 or window.opening == "+" or len(set(digits)) == 1 or not luhn(digits):
        return None
    single = len(window.groups) == 1 or all(size == 1 for size in window.groups)
    if not single and not (window.groups in _CARD_GROUPS and len(set(window.gaps)) == 1):
        if not window.whole:
            return None
        score = 0.4
    else:
        score = 0.85 if _issued(digits) else 0.4
    if "card" in near:
        score = max(score + 0.1, 0.8)
    elif _closer(near, "reference", ()) and near["reference"] <= 24 and len(digits) != 16:
        score -= 0.45
    start = window.start + len(window.opening)
    return Finding(start, window.end, "card", min(score, 0.98))


def _issued(digits: str) -> bool:
    """Whether an issuer has numbers that begin and are as long as this (ISO/IEC 7812 ranges in use)."""
    head = int(digits[:4])
    size = len(digits)
    return (
        (digits[0] == "4" and size in (13, 16, 19))
        or (2200 <= head <= 2204 and size >= 16)
        or (2221 <= head <= 2720 and size == 16)
        or (51 <= head // 100 <= 55 and size == 16)
        or (head // 100 in (34, 37) and size == 15)
        or (head // 100 in (30, 36, 38, 39) and size >= 14)
        or (head in (1800, 2131, 2014, 2149) and size == 15)
        or (head // 100 == 35 and size >= 16)
        or (head // 100 in (50, 56, 57, 58) and size >= 12)
        or ((head // 1000 == 6 or digits[:4] == "0604") and size >= 12)
        or (head // 100 == 81 and size >= 16)
        or (head == 9792 and size == 16)
    )


def _phone(window: _Window, near: dict[str, int], text: str) -> Finding | None:
    digits, groups = window.digits, window.groups
    extension = _EXTENSION.match(text, window.end)
    end = extension.end() if extension else window.end
    score = _form(window)
    if score is None or (
        set(groups) == {4} and {digits[at : at + 2] for at in range(0, len(digits), 4)} <= _YEARS
    ):
        return None
    if extension:
        score += 0.2
    if _closer(near, "phone", ("reference", "version", "birth")):
        score += 0.4
    elif _closer(near, "reachable", ("reference", "version", "birth")):
        score += 0.25
    elif near.get("reference", 99) < 24 or near.get("version", 99) < 24:
        score -= 0.3
    elif near.get("card", 99) < 24 or near.get("iban", 99) < 16:
        score -= 0.2
    if not window.whole and score < 0.8:
        score -= 0.15
    return Finding(window.start, end, "phone", min(score, 0.95)) if score > 0 else None


def _form(window: _Window) -> float | None:
    """How much the form alone speaks for a phone number."""
    digits, groups = window.digits, window.groups
    size = len(digits)
    if window.opening == "+" or (digits[:2] == "00" and size > 9 and groups[0] <= 5):
        number = digits if window.opening == "+" else digits[2:]
        known = number[0] in "17" or number[:2] in _SHORT_CODES or number[:2] in _LONG_STARTS
        return (0.9 if known else 0.5) if 8 <= len(number) <= 16 else None
    if size > 13 or len(set(digits)) == 1:
        return None
    if any(gap.strip() == "/" for gap in window.gaps[1:]):
        return None
    if len(groups) == 1:
        if size > 11:
            return None
        return 0.5 if digits[0] == "0" != digits[1] and size >= 10 else 0.2
    if min(groups) < 2 and not (groups[0] == 1 and digits[0] in "0178") and ")" not in "".join(window.gaps):
        return None
    if ("(" in window.opening or "(" in "".join(window.gaps)) and ")" in "".join(window.gaps):
        return 0.75
    tail = groups[-3:]
    if tail == (3, 3, 4) and size in (10, 11) and (size == 10 or digits[0] == "1"):
        area, exchange = digits[-10], digits[-7]
        if area in "23456789" and exchange in "23456789":
            return 0.6 if window.gaps[-1] == " " else 0.75
    if digits[0] == "0":
        if groups == (2,) * 5:
            return 0.8
        parted = window.gaps[0] in ("-", "/") and size == 8
        return 0.65 if (9 <= size <= 11 or parted) and max(groups) <= 8 else 0.35
    if window.gaps and all(gap == "." for gap in window.gaps) and size < 9:
        return 0.1
    return 0.35 if size <= 12 and max(groups) <= 8 else None


def _identities(window: _Window, near: dict[str, int]) -> Iterator[Finding]:
    bare = len(window.groups) == 1
    if window.opening == "+":
        return
    for identity in _BY_LENGTH.get(len(window.digits), ()):
        formed = window.groups == identity.groups
        if not (bare or formed) or not identity.check(window.digits):
            continue
        score = identity.formed if formed else identity.alone
        if identity.kind in near:
            score = identity.told
        elif not window.whole or near.get("reference", 99) < 24:
            score -= 0.3
        if identity.kind == "us_ssn" and formed and not bare and set(window.gaps) != {"-"}:
            score -= 0.3 if identity.kind not in near else 0
        yield Finding(window.start + len(window.opening), window.end, identity.kind, score)
