"""Whether a regular expression can be tried on text of strangers: some take for ever on a short one.

Standard library only. Python's matcher goes back and tries again wherever a text can be split among the parts
of a pattern in more than one way. Within a repetition the ways multiply, so a pattern may repeat without end
only what can be split in one way: `([a-z]+[.])*` has a dot that nothing else takes, `([a-z]+)*` has not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

__all__ = ["MOST_MATCHED", "pattern_problem"]

# Without types: what Python's own matcher makes of a pattern is private to it.
op: Any = import_module("re._constants")
parser: Any = import_module("re._parser")

MOST_MATCHED = 1_000  # characters of a text that a pattern of a contract is tried on
_MOST_REPEATS = 3  # one after the other, over the same characters: the work grows with that power
_MANY = 8
# Stand for all: what no class of the sample tells apart, none of a contract's patterns does.
_SAMPLE = [*map(chr, range(128)), "\xa0", "é", "ß", "Ω", "я", "٣", "中", "\u200b", "😀"]
_CATEGORIES = {
    op.CATEGORY_DIGIT: r"\d",
    op.CATEGORY_NOT_DIGIT: r"\D",
    op.CATEGORY_SPACE: r"\s",
    op.CATEGORY_NOT_SPACE: r"\S",
    op.CATEGORY_WORD: r"\w",
    op.CATEGORY_NOT_WORD: r"\W",
}
_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT)
_Items = Sequence[tuple[Any, Any]]


def pattern_problem(pattern: str) -> str:
    """What is wrong with a pattern, to follow "the pattern"; empty where it can be used."""
    try:
        re.compile(pattern)
        tree = parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return f"is no regular expression: {error}"
    fold = re.search(r"\(\?[a-z]*i", pattern) is not None
    if any(kind is op.GROUPREF for kind, _ in _all(tree)):
        return "refers back to a group, which can take for ever on a short text"
    if not all(
        _splits_once(value[2], fold) for kind, value in _all(tree) if kind in _REPEATS and value[1] > 1
    ):
        return "repeats what can be split in several ways, which can take for ever on a short text"
    if _overlapping(tree, fold) > _MOST_REPEATS:
        return f"has more than {_MOST_REPEATS} open repetitions over the same characters"
    return ""


def _all(items: _Items) -> Iterator[tuple[Any, Any]]:
    for kind, value in items:
        yield kind, value
        for inner in _inner(kind, value):
            yield from _all(inner)


def _inner(kind: Any, value: Any) -> list[_Items]:
    if kind in (*_REPEATS, op.POSSESSIVE_REPEAT):
        return [value[2]]
    if kind is op.SUBPATTERN:
        return [value[3]]
    if kind is op.BRANCH:
        return list(value[1])
    if kind in (op.ASSERT, op.ASSERT_NOT):
        return [value[1]]
    if kind is op.ATOMIC_GROUP:
        return [value]
    return [each for each in value[1:] if each is not None] if kind is op.GROUPREF_EXISTS else []


def _flat(items: _Items) -> list[tuple[Any, Any]]:
    """The items of a sequence, those of plain groups in their place."""
    found: list[tuple[Any, Any]] = []
    for kind, value in items:
        found += _flat(value[3]) if kind is op.SUBPATTERN else [(kind, value)]
    return found


def _splits_once(body: _Items, fold: bool) -> bool:
    """Whether a text can be split into repetitions of the body, and each of these, in one way only.

    So it is where the body always takes the same length, where it is a choice of which the first character
    decides, and where a character that nothing else takes stands in each repetition and every part of
    changing length takes characters of its own.
    """
    items = _flat(body)
    for kind, value in _all(items):
        firsts = [_first(each, fold) for each in value[1]] if kind is op.BRANCH else []
        if any(not each or each & other for at, each in enumerate(firsts) for other in firsts[:at]):
            return False
    changing = [_changes(*each) for each in items]
    if not any(changing):
        return bool(items)
    if len(items) == 1 and items[0][0] is op.BRANCH and all(_first(each, fold) for each in items[0][1][1]):
        return not any(_changes(*each) for inner in items[0][1][1] for each in _flat(inner))
    sets = [_characters([each], fold) for each in items]
    own = [not any(each & other for at, other in enumerate(sets) if at != me) for me, each in enumerate(sets)]
    return all(alone for alone, changes in zip(own, changing, strict=True) if changes) and any(
        alone and sets[at] and not changing[at] for at, alone in enumerate(own)
    )


def _changes(kind: Any, value: Any) -> bool:
    """Whether what an item takes may differ in length."""
    if kind is op.BRANCH or (kind in (*_REPEATS, op.POSSESSIVE_REPEAT) and value[0] != value[1]):
        return True
    return any(_changes(*each) for inner in _inner(kind, value) for each in inner)


def _first(items: _Items, fold: bool) -> frozenset[str]:
    """Characters with which a sequence may begin; empty where it may be empty."""
    found: frozenset[str] = frozenset()
    for kind, value in _flat(items):
        if kind is op.AT:
            continue
        optional = kind in (*_REPEATS, op.POSSESSIVE_REPEAT) and value[0] == 0
        found |= _characters([(kind, value)], fold)
        if not optional:
            return found
    return frozenset()


def _characters(items: _Items, fold: bool) -> frozenset[str]:
    """Characters that may stand anywhere in what the items match."""
    found: frozenset[str] = frozenset()
    for kind, value in items:
        if kind in (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN):
            found |= frozenset(each for each in _SAMPLE if _takes(kind, value, each))
            if kind is op.LITERAL:
                found |= {chr(value)}
        for inner in _inner(kind, value):
            found |= _characters(inner, fold)
    return found | {each.swapcase() for each in found} if fold else found


def _takes(kind: Any, value: Any, character: str) -> bool:
    code = ord(character)
    if kind is op.LITERAL:
        return bool(code == value)
    if kind is op.NOT_LITERAL:
        return bool(code != value)
    if kind is op.ANY:
        return character != "\n"
    taken = False
    for inner, of in value:
        if inner is op.LITERAL:
            taken |= code == of
        elif inner is op.RANGE:
            taken |= of[0] <= code <= of[1]
        elif inner is op.CATEGORY:
            taken |= re.match(_CATEGORIES[of], character) is not None
    return taken != (value[0][0] is op.NEGATE)


def _overlapping(tree: _Items, fold: bool) -> int:
    """How many open repetitions share their characters with one another."""
    sets = [
        _characters(value[2], fold) for kind, value in _all(tree) if kind in _REPEATS and value[1] > _MANY
    ]
    return max((sum(bool(each & other) for other in sets) for each in sets), default=0)
