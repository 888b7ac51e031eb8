"""Where a value of a call came from: which of its texts it stands in.

May import this folder. The rule: a value belongs to the most trusted place in which the *whole* of it
stands, the application before the user. Where neither has it, it belongs to the tool result or retrieved
text in which it, or a part of it, stands; and what stands nowhere the model made up. Case, width, invisible
characters and spacing do not count, nor ``https://`` before a host, nor the spaces and hyphens within a
number or an IBAN. A value stands in a text only by itself: ``evil.example`` not within
``evil.example.org``, ``/home/u`` not within ``/home/u/notes``, 12 not within 12.50.

What that cannot see: who meant a value. A short one, such as ``5`` or ``all``, may stand in the user's text
by chance; a user who pastes a letter has said all that it says. A value that was cut up, translated or
encoded on its way stands nowhere and counts as the model's, so that it chooses nothing: what cannot be
traced is denied.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Any

from launchworthy.runtime.permission.choosing import INVISIBLE, opened
from launchworthy.runtime.permission.request import Origin

__all__ = ["Provenance"]

_STAGES = {
    "input": Origin.USER,
    "retrieved": Origin.RETRIEVED,
    "tool_result": Origin.TOOL_RESULT,
    "tool": Origin.MODEL,
    "output": Origin.MODEL,
}
_TRUST = list(Origin)
_CANDIDATES = 1_000  # places of one text that are looked at; a text of nothing but near misses proves nothing
_DEEPEST = 64
_BITS = 4_096
_LONGEST = 100_000  # characters of a value; what is longer is no choice of anybody's
_SCHEME = re.compile(r"(?<!\w)(?:https?://|mailto:)")
_NUMBER = re.compile(r"(?<![\w.,'])[0-9]{1,30}(?:[.,'][0-9]{1,30}){0,10}(?![0-9]|[.,'][0-9])")
_PLAIN_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,29})(?:\.[0-9]{1,30})?")
_SEPARATORS = re.compile(r"[ ()/\-]")
_PARTS = re.compile(r"\w{3,}")
_UNSPACED = "\u2e80"  # from here on, scripts set no space between words
_BEFORE, _AFTER = "./\\~%+-", "@./\\:%+-=&?#~"


class _Text:
    """One text of the call, made alike."""

    def __init__(self, text: str) -> None:
        self.plain = _alike(text)

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Every number in it, in each way that it may be meant; found only once a number is looked for."""
        written = set(_NUMBER.findall(self.plain))
        return frozenset(reading for text in written for reading in _readings(text))


class Provenance:
    """The texts of one call, by who brought them.

    Example:
        >>> from launchworthy.runtime.permission import Origin, Provenance
        >>> seen = Provenance()
        >>> seen.note(Origin.USER, "Refund 50 EUR to me, please")
        >>> seen.note(Origin.RETRIEVED, "Refunds go to DE89 3704 0044 0532 0130 00.")
        >>> origins = seen.origins({"amount": 50, "iban": "DE89370400440532013000"})
        >>> origins["amount"].value, origins["iban"].value
        ('user', 'retrieved')
    """

    def __init__(self) -> None:
        self._texts: dict[Origin, list[_Text]] = {}

    def note(self, origin: Origin | str, text: Any) -> None:
        """Remember a text, or every text and number in a JSON value.

        Args:
            origin: Who brought it, or the stage at which a guard sees it (``input``, ``retrieved`` …). A
                look-up that you answer for yourself, such as the caller's own account, may be noted as the
                application's.
            text: What was brought.
        """
        found = _STAGES.get(str(origin)) or Origin(origin)
        texts = self._texts.setdefault(found, [])
        texts += [_Text(_written(leaf)) for _, leaf in _leaves("", text, keys=True) if not _is_empty(leaf)]

    def of(self, value: Any) -> Origin:
        """Who chose a value: of a list or an object, the least trusted of all in it."""
        return max(
            (self._one(leaf) for _, leaf in _leaves("", value, keys=False) if not _is_empty(leaf)),
            key=_TRUST.index,
            default=Origin.MODEL,
        )

    def origins(self, arguments: Mapping[str, Any]) -> dict[str, Origin]:
        """Who chose each argument, and each field within one (``message.to``), for a :class:`Request`."""
        found: dict[str, Origin] = {}
        for name, value in arguments.items():
            found[name] = max(found.get(name, Origin.APPLICATION), self.of(value), key=_TRUST.index)
            for path, leaf in _leaves(name, value, keys=False):
                if path != name and not _is_empty(leaf):
                    before = found.get(path, Origin.APPLICATION)
                    found[path] = max(before, self._one(leaf), key=_TRUST.index)
        return found

    def _one(self, leaf: Any) -> Origin:
        if isinstance(leaf, bool) or not 0 < len(_written(leaf)) <= _LONGEST:
            return Origin.MODEL
        value = _Value(leaf)
        for origin in (Origin.APPLICATION, Origin.USER):
            if any(value.stands_in(text) for text in self._texts.get(origin, ())):
                return origin
        for origin in (Origin.TOOL_RESULT, Origin.RETRIEVED):
            if any(value.touches(text) for text in self._texts.get(origin, ())):
                return origin
        return Origin.MODEL


class _Value:
    """One value, in the forms in which it is looked for."""

    def __init__(self, leaf: Any) -> None:
        self.plain = _alike(_written(leaf)).removesuffix("/") or "/"
        self.number = _number(leaf, self.plain)

    @cached_property
    def spaced(self) -> re.Pattern[str] | None:
        """A number, an IBAN, a card as people write it, with spaces and hyphens; None for other values."""
        bare = _SEPARATORS.sub("", self.plain.removeprefix("+"))
        digits = sum(each.isdigit() for each in bare)
        if not (6 <= len(bare) <= 64 and bare.isascii() and bare.isalnum() and 2 * digits >= len(bare)):
            return None
        return re.compile(r"\+?" + r"[ .()/\-]{0,2}".join(bare))

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Words of it that would be missed in a text by chance only."""
        return tuple(
            part for part in _PARTS.findall(self.plain) if len(part) > 3 or any(map(str.isdigit, part))
        )

    def stands_in(self, text: _Text) -> bool:
        if self.number is not None and self.number in text.numbers:
            return True
        if not any(map(str.isalnum, self.plain)):
            return f" {self.plain} " in f" {text.plain} "  # a path such as .. is not meant by an ellipsis
        if _stands_alone(self.plain, text.plain):
            return True
        if self.spaced is None:
            return False
        for count, match in enumerate(self.spaced.finditer(text.plain)):
            if count >= _CANDIDATES:
                return False
            if _is_apart(text.plain, match.start(), match.end()):
                return True
        return False

    def touches(self, text: _Text) -> bool:
        return (
            self.stands_in(text)
            or (len(self.plain) > 3 and self.plain in text.plain)
            or any(_stands_alone(part, text.plain, of_word=True) for part in self.parts)
        )


def _stands_alone(value: str, text: str, *, of_word: bool = False) -> bool:
    start = -1
    for _ in range(_CANDIDATES):
        start = text.find(value, start + 1)
        if start < 0:
            return False
        end = start + len(value)
        if (_is_apart, _is_word)[of_word](text, start, end):
            return True
    return False


def _is_apart(text: str, start: int, end: int) -> bool:
    """Whether what stands there is no part of a longer name, number, path or address."""
    if text[start] < _UNSPACED and _joins(text, start - 1):
        return False
    if text[end - 1] < _UNSPACED and _joins(text, end):
        return False
    if _parts_digits(text, start - 1) or _parts_digits(text, end):
        return False
    before = text[start - 1 : start]
    if before in _BEFORE and before:
        return False
    if before in ("@", "&", "?") and _joins(text, start - 2):
        return False
    after = text[end : end + 1]
    return not (after and after in _AFTER and _joins(text, end + 1))


def _parts_digits(text: str, at: int) -> bool:
    """Whether a comma stands there between two digits, as in 12,5."""
    return 0 < at < len(text) - 1 and text[at] == "," and text[at - 1].isdigit() and text[at + 1].isdigit()


def _is_word(text: str, start: int, end: int) -> bool:
    return not (_joins(text, start - 1) or _joins(text, end))


def _joins(text: str, at: int) -> bool:
    return 0 <= at < len(text) and (text[at].isalnum() or text[at] == "_") and text[at] < _UNSPACED


def _alike(text: str) -> str:
    plain = INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold()
    return _SCHEME.sub("", " ".join(plain.split()))


def _number(leaf: Any, plain: str) -> str | None:
    if isinstance(leaf, (int, float)):
        plain = format(Decimal(repr(leaf)), "f")
    return _canonical(plain) if _PLAIN_NUMBER.fullmatch(plain) else None


def _canonical(digits: str) -> str:
    """A number without the zeros that say nothing."""
    whole, point, rest = digits.partition(".")
    rest = rest.rstrip("0") if point else ""
    return f"{whole.lstrip('0') or '0'}{'.' if rest else ''}{rest}"


def _readings(text: str) -> Iterator[str]:
    """A number as it may be meant: in 1,000 and 1.000 the sign may group digits, or begin the fraction."""
    groups = re.split(r"[.,']", text)
    signs = re.findall(r"[.,']", text)
    if not signs:
        yield _canonical(text)
        return
    if len(set(signs)) == 1 and len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:]):
        yield _canonical("".join(groups))
    whole = groups[:-1]
    grouped = len(set(signs[:-1])) <= 1 and all(len(group) == 3 for group in whole[1:])
    if grouped and signs[-1] != "'" and signs[-1] not in signs[:-1]:
        yield _canonical(f"{''.join(whole)}.{groups[-1]}")


def _written(leaf: Any) -> str:
    """The text of a leaf; of a number with thousands of digits, none."""
    return "" if isinstance(leaf, int) and leaf.bit_length() > _BITS else str(leaf)


def _is_empty(leaf: Any) -> bool:
    return leaf is None or leaf == ""


def _leaves(path: str, value: Any, *, keys: bool) -> Iterator[tuple[str, Any]]:
    """Every text and number in a value, with the fields that lead to it; and what is too deep."""
    stack: list[tuple[str, Any, int]] = [(path, value, 0)]
    while stack:
        here, inner, depth = stack.pop()
        inner = inner if keys else opened(inner)
        if depth > _DEEPEST:
            yield here, repr(type(inner))
        elif isinstance(inner, Mapping):
            for key, each in inner.items():
                if keys or not str(key).isidentifier():
                    yield here, str(key)
                stack.append((f"{here}.{key}" if here else str(key), each, depth + 1))
        elif isinstance(inner, (list, tuple)):
            stack += [(here, each, depth + 1) for each in inner]
        else:
            yield here, inner
