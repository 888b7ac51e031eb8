"""Training texts for the tagger, made from templates and word lists of many cultures.

Standard library only; everything is drawn from one seeded generator. The lists stand in the text files
beside this one and are read once.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from launchworthy.runtime.guards.pii.training.values import Culture, Values

__all__ = ["Labelled", "templates", "texts"]

_HERE = Path(__file__).parent
_AROUND = 0.3  # share of texts where any words stand around an entity
_SLOT = re.compile(r"\{([A-Z]+)\}")
_KIND = {
    "NAME": "name",
    "FIRST": "name",
    "LAST": "name",
    "ADDRESS": "address",
    "BLOCK": "address",
    "STREET": "address",
    "STREETNAME": "address",
    "CORNER": "address",
    "QUOTED": "address",
    "ORG": "organisation",
    "CITY": "place",
    "REGION": "place",
    "COUNTRY": "place",
    "PLACE": "place",
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text, where its entities stand (start, end, kind), and the template it was made from."""

    text: str
    spans: tuple[tuple[int, int, str], ...]
    template: str = ""


def texts(
    count: int, *, seed: int, forms: tuple[str, ...] | None = None, clean: bool = True
) -> Iterator[Labelled]:
    """So many texts.

    Args:
        count: How many.
        seed: Of everything that is drawn.
        forms: Templates; all if not given.
        clean: Whether one in four has no entity at all.
    """
    chosen = random.Random(seed)  # noqa: S311 (no secret)
    values = Values.shipped()
    forms = forms or templates()
    around = tuple(form for form in forms if "{SALAD}" in form)
    for number in range(count):
        rng = random.Random(chosen.random())  # noqa: S311
        if clean and number % 4 == 3:
            yield _rewritten(Labelled(_clean(values, rng), ()), rng)
        else:
            some = around if around and rng.random() < _AROUND else forms
            yield _rewritten(_filled(rng.choice(some), values, rng), rng)


@lru_cache(maxsize=1)
def templates() -> tuple[str, ...]:
    """The templates, in order."""
    lines = (_HERE / "templates.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.replace("\\n", "\n").replace("\\t", "\t") for line in lines if line and line[0] != "#")


_PLAIN = (
    "The {ADJ} {NOUN} {DID} {WHEN}.",
    "The {NOUN} is {ADJ} and the {NOUN} {DID}.",
    "A {ADJ} piece of {ADJ} {NOUN}.",
    "My {NOUN} {DID} {WHEN}.",
    "I need a {ADJ} {NOUN} and {NOUN}.",
    "Is the {NOUN} {ADJ}?",
    "Why is my {NOUN} still {ADJ}?",
    "How do I get a {ADJ} {NOUN} for my {NOUN}?",
    "can i use my {NOUN} for {NOUN} {WHEN}",
    "what is the {ADJ} {NOUN} for {CODE}",
    "The {CODE} says that the {NOUN} is {ADJ}.",
    "I was charged by the {CODE} for a {ADJ} {NOUN} in {CODE}.",
    "{CODE} or {CODE}, which {NOUN} is {ADJ}?",
    "Still no {NOUN}, {NOUN} or {NOUN}.",
    "{NOUN}, {NOUN}, and more {NOUN}",
    "It's a {ADJ} {NOUN}, but it {DID}.",
    "Before the {NOUN}, check the {ADJ} {NOUN}.",
    "We {DIDTO} the {NOUN} {WHEN} and it {DID}.",
    "Another {NOUN} {DID} {WHEN}.",
    "During {YEAR} the {ADJ} {NOUN} {DID}.",
    "{CAPS} {CAPS} {CAPS}",
    "{CAPS} & {CAPS}, {CAPS}, {CAPS} & {CAPS}",
    "The {CAPS} {CAPS} Guide",
    "It has {COUNT} {NOUN} and costs {AMOUNT}.",
    "The {NATIONALITY} {NOUN} {DID}.",
    "I am {NATIONALITY} and I like {NATIONALITY} {NOUN}.",
    "I just turned {AGE}.",
    "{SALAD} {SALAD}.",
    "{SALAD} {YEAR} or {YEAR}?",
    "{SALAD} {YEAR}/{YEAR} {NOUN} {SALAD}",
    "{SALAD} more than {COUNT} square {NOUN} {SALAD}",
    "{SALAD} {AGE}-{AGE} {SALAD}, {AGE} {NOUN}",
    "{SALAD} {AGE}/{AGE} {SALAD}",
    "{WORD} {AGE}0 /{WORD}/{WORD} {SALAD}",
    "{SALAD} {NATIONALITY} people {SALAD}",
    "{NATIONALITY} {NOUN} and {NATIONALITY} {NOUN} {SALAD}",
    "{SALAD} at {CODE} {SALAD}",
    "{CODE} {SALAD} {CODE}-{WORD} {SALAD}",
    "Why {SALAD} {CODE} {SALAD}?",
    "the {NOUN}'s {NOUN} {SALAD}",
    '{SALAD} "{CAPS}" {SALAD}',
    "({CODE} {CAPS}: {CAPS} {CAPS} - {CODE} - {CAPS})",
    "| {CAPS} | {WORD} |\n| {WORD} | {WORD} |",
    "- {CAPS} {SALAD}\n- {CAPS} {SALAD}",
    "(A) {CAPS}\n(B) {CAPS}",
    "{SALAD}, {SALAD} {NUMBER} {SALAD}",
    "{SALAD} {AGE} {NOUN} {SALAD}.",
    "{SALAD}: {CAPS} {NUMBER}",
    "{LABEL} {NUMBER}",
    "{LABEL} {AGE}{AGE} {SALAD}",
    "{SALAD} {LABEL} {AGE}0, {LABEL}: {NUMBER}",
    "{SALAD} {LABEL} {AGE}/{AGE}5/{AGE}{AGE}0",
    "{LABEL} 1{CODE}{AGE}{CODE}{NUMBER}, {SALAD}",
    "{CAPS} {AGE}, {SALAD}: {AGE} ({AGE}0) {CODE}",
    "{CAPS} {NUMBER} over {AMOUNT} {SALAD}",
    "{SALAD} {NUMBER} {SALAD} {COUNT}.50 {CODE}",
    "{CAPS}: {NUMBER}, {SALAD}",
    "zip {POSTCODE}",
    "{SALAD} postcode {POSTCODE}, {SALAD}",
    "Do I need {CAPS} {CAPS} with the {CAPS} {CAPS}?",
    "{NOUN} is {ADJ}, creating {AGE}0 {NOUN} {SALAD}",
    "{SALAD}: {SALAD}",
    "{SALAD} {CAPS} {SALAD}.",
    "{SALAD} {CODE} {SALAD}.",
    "{CAPS} {NUMBER}\n{SALAD}, {SALAD}",
    "{CAPS} {CAPS}: {SALAD}",
    "{SALAD} ('{WORD}', {AGE}) {SALAD}",
    "{WORD}_{WORD}={WORD} {WORD}={NUMBER}",
    "<{WORD}>{SALAD}</{WORD}>",
    "He is a {AGE}-year-old {JOB}.",
)


def _clean(values: Values, rng: random.Random) -> str:
    lines = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if rng.random() < 0.4:
            lines.append(values.filler("clean", rng))
        else:
            form = rng.choice(_PLAIN)
            lines.append(_SLOT.sub(lambda match: values.plain(match[1], rng), form))
    return rng.choice((" ", " ", "\n")).join(line.replace("\\n", "\n") for line in lines)


def _filled(template: str, values: Values, rng: random.Random) -> Labelled:
    culture = values.culture(rng)
    parts: list[str] = []
    spans: list[tuple[int, int, str]] = []
    length = 0
    last = 0
    for match in _SLOT.finditer(template):
        slot = match[1]
        before = template[last : match.start()]
        if rng.random() < 0.15:
            culture = values.culture(rng)
        mark = before.rpartition("\n")[2]  # of a quoted line
        value = _value(slot, values, culture, rng, mark)
        parts += (before, value)
        length += len(before)
        if slot in _KIND:
            kind = _KIND[slot]
            if kind == "name" and before == " " and spans and spans[-1][1:] == (length - 1, kind):
                spans[-1] = (spans[-1][0], length + len(value), kind)  # given and family name are one
            else:
                spans.append((length, length + len(value), kind))
        length += len(value)
        last = match.end()
    parts.append(template[last:])
    return Labelled("".join(parts), tuple(spans), template)


def _value(slot: str, values: Values, culture: Culture, rng: random.Random, mark: str) -> str:
    makers = {
        "NAME": values.name,
        "FIRST": values.first,
        "LAST": values.last,
        "ADDRESS": values.address,
        "BLOCK": values.block,
        "STREET": values.street_line,
        "STREETNAME": values.street,
        "CORNER": values.corner,
        "ORG": values.organisation,
        "CITY": values.city,
        "REGION": values.region,
        "COUNTRY": values.country,
        "PLACE": values.city,
        "EMAIL": values.email,
    }
    maker = makers.get(slot)
    if maker is not None:
        return maker(culture, rng)
    if slot == "QUOTED":
        return values.block(culture, rng).replace("\n", f"\n{mark}")
    if slot == "CLEAN":
        return values.filler("clean", rng).split("\\n")[0]
    return values.plain(slot, rng)


def _rewritten(made: Labelled, rng: random.Random) -> Labelled:
    """Now and then all lower case, all capitals, entities in capitals or small, or without accents."""
    draw = rng.random()
    text = made.text
    if draw < 0.07:
        text = _same_length(text, str.lower)
    elif draw < 0.10:
        text = _same_length(text, str.upper)
    elif draw < 0.16:
        change = str.upper if rng.random() < 0.6 else str.lower
        for start, end, _ in made.spans:
            text = text[:start] + _same_length(text[start:end], change) + text[end:]
    elif draw < 0.22:
        text = "".join(_bare(c) for c in text)
    elif draw < 0.26 and not made.spans:
        text = " ".join(word[:1].upper() + word[1:] for word in text.split(" "))
    return Labelled(text, made.spans, made.template)


def _same_length(text: str, change: object) -> str:
    changed = str.lower if change is str.lower else str.upper
    return "".join(new if len(new := changed(c)) == 1 else c for c in text)


def _bare(character: str) -> str:
    first = unicodedata.normalize("NFD", character)[:1]
    return first if first and first.isascii() else character
