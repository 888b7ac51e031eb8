"""Values for slots: names, streets, places, organisations of many cultures, also made-up ones.

Standard library only. Half of what a model must recognise it has never seen, so a third of the names and
half of the organisations are put together from syllables that the lists suggest.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

__all__ = ["Culture", "Values"]

_HERE = Path(__file__).parent
_PARTICLES = frozenset("De Di D' de der den van von du dela del la le Al El Bin Ben Abu Van Du Bar".split())
_FAMILY_FIRST = frozenset({"hungarian", "eastasian"})
_LISTS = ("city", "region", "street", "line", "town", "country")
_TWO_FAMILIES = frozenset({"spanish", "portuguese"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Culture:
    """Word lists of one culture."""

    name: str
    given: tuple[str, ...]
    family: tuple[str, ...]
    city: tuple[str, ...]
    region: tuple[str, ...]
    street: tuple[str, ...]
    line: tuple[str, ...]
    town: tuple[str, ...]
    country: tuple[str, ...]
    suffix: tuple[str, ...]


class Values:
    """Draws values from the lists."""

    def __init__(
        self,
        cultures: tuple[Culture, ...],
        organisations: dict[str, tuple[str, ...]],
        addresses: dict[str, tuple[str, ...]],
        fillers: dict[str, tuple[str, ...]],
    ) -> None:
        self._cultures = cultures
        self._organisations = organisations
        self._addresses = addresses
        self._fillers = fillers
        spoken = " ".join(value for kind in sorted(fillers) for value in fillers[kind]).split()
        self._words = [word for word in spoken if word.isalpha() and word.islower()]
        self._chains: dict[tuple[str, str], dict[str, list[str]]] = {}

    @staticmethod
    def shipped() -> Values:
        """Those of the files beside this one."""
        return _shipped()

    @property
    def cultures(self) -> int:
        """How many there are."""
        return len(self._cultures)

    def culture(self, rng: random.Random) -> Culture:
        """Any culture; the first two more often, for most texts are English."""
        return rng.choice((*self._cultures, *self._cultures[:2] * 2))

    def filler(self, kind: str, rng: random.Random) -> str:
        """A value that is not tagged."""
        return rng.choice(self._fillers[kind])

    # Names

    def first(self, culture: Culture, rng: random.Random) -> str:
        """A given name."""
        if rng.random() < 0.3:
            return self._made(culture, "given", rng)
        return rng.choice(culture.given)

    def last(self, culture: Culture, rng: random.Random) -> str:
        """A family name."""
        draw = rng.random()
        if draw < 0.35:
            return self._made(culture, "family", rng)
        if draw < 0.4:
            return f"{rng.choice(culture.family)}-{rng.choice(culture.family)}"
        return rng.choice(culture.family)

    def name(self, culture: Culture, rng: random.Random) -> str:
        """A whole name in one of the ways people write it."""
        first, last = self.first(culture, rng), self.last(culture, rng)
        draw = rng.random()
        if draw < 0.08:
            return first
        if draw < 0.12:
            return last
        if draw < 0.20:
            return f"{first} {rng.choice('ABCDEFGHJKLMNPRSTW')}{rng.choice(('.', '.', ''))} {last}"
        if draw < 0.25:
            return f"{first[0]}. {last}"
        if draw < 0.31:
            return f"{first} {self.first(culture, rng)} {last}"
        if draw < 0.34:
            return f"{first}-{self.first(culture, rng)} {last}"
        if draw < 0.37:
            return f"{first} {last.upper()}"
        if draw < 0.39:
            return f"{first} {last} {rng.choice(('Jr.', 'Jr', 'Sr.', 'III', 'II'))}"
        if culture.name in _TWO_FAMILIES and draw < 0.65:
            return f"{first} {last} {self.last(culture, rng)}"
        if culture.name in _FAMILY_FIRST and draw < 0.6:
            return f"{last} {first}"
        return f"{first} {last}"

    def _made(self, culture: Culture, what: str, rng: random.Random) -> str:
        """A word that could stand in a list: a chain of characters, each after the two before it."""
        chain = self._chains.get((culture.name, what))
        if chain is None:
            chain = defaultdict(list)
            for word in " ".join(getattr(culture, what)).split(" "):
                if len(word) < 4:
                    continue
                for place, character in enumerate(f"{word}$"):
                    chain[("^^" + word)[place : place + 2]].append(character)
            self._chains[culture.name, what] = chain
        for _ in range(20):
            made, state = "", "^^"
            while len(made) < 14 and (character := rng.choice(chain[state])) != "$":
                made += character
                state = state[1] + character
            if 3 <= len(made) <= 13:
                return made
        return str(rng.choice(getattr(culture, what)))

    # Places

    def city(self, culture: Culture, rng: random.Random) -> str:
        """A town."""
        draw = rng.random()
        if draw < 0.6:
            return rng.choice(culture.city)
        stem = self.last(culture, rng).split(" ")[-1].split("-")[0]
        if draw < 0.7:
            end = rng.choice(self._addresses["town_end"]) if rng.random() < 0.9 else ""
            return f"{rng.choice(self._addresses['town_start'])} {self.first(culture, rng)}{end}"
        if draw < 0.85:
            return stem + rng.choice(self._addresses["town_end"])
        return self._made(culture, "city", rng)

    def region(self, culture: Culture, rng: random.Random) -> str:
        """A state or province."""
        return rng.choice(culture.region)

    def country(self, culture: Culture, rng: random.Random) -> str:
        """A country."""
        return rng.choice(culture.country)

    # Addresses

    def street(self, culture: Culture, rng: random.Random) -> str:
        """A street without a number."""
        draw = rng.random()
        if draw < 0.5:
            return rng.choice(culture.street)
        if draw < 0.8 or culture.name in ("american", "british", "australian"):
            stem = self.last(culture, rng) if rng.random() < 0.6 else self.first(culture, rng)
            return f"{stem} {rng.choice(self._addresses['type'])}{'s' if rng.random() < 0.1 else ''}"
        if culture.suffix and rng.random() < 0.7:
            stem = self._made(culture, rng.choice(("family", "given", "city")), rng)
            return stem.removesuffix(".") + rng.choice(culture.suffix)
        known = rng.choice(culture.street).split(" ")
        made = self._made(culture, "street", rng)
        if len(known) == 1:
            return made
        return " ".join((*known[:-1], made)) if rng.random() < 0.5 else f"{made} {known[-1]}"

    def street_line(self, culture: Culture, rng: random.Random) -> str:
        """A street with its number, sometimes a flat; or a box."""
        if rng.random() < 0.06:
            box = rng.choice(self._addresses["box"])
            return box.format(rng.randint(10, 9999), rng.randint(100, 9999))
        line = rng.choice(culture.line)
        number = _number(rng)
        written = line.format(no=number, street=self.street(culture, rng), unit=rng.randint(1, 99))
        if rng.random() < 0.08:
            written = f"{_number(rng)} {written}"
        if rng.random() < 0.2:
            unit = rng.choice(self._addresses["unit"]).format(rng.randint(1, 999))
            written += rng.choice((" ", ", ", ", ")) + unit
        return written

    def _town(self, culture: Culture, rng: random.Random) -> str:
        if rng.random() < 0.04:
            return rng.choice(self._addresses["military"]).format(_digits(5, rng))
        draw = rng.random()
        if draw < 0.55:
            form = rng.choice(culture.town)
        elif draw < 0.7:
            return self.city(culture, rng)
        elif draw < 0.85:
            form = rng.choice(
                ("{city}, {region}", "{city}, {region} {zip5}", "{city} {zip4}", "{zip5} {city}")
            )
        else:
            form = rng.choice(("{city}\n, {region}", "{city} {region}", "{city}, {zip5}", "{city} {zip5}"))
        return form.format(
            city=self.city(culture, rng),
            region=self.region(culture, rng),
            ukzip=_british(rng),
            AA=rng.choice("ABCDEFGH") + rng.choice("ABCDEFGH"),
            zip2=_digits(2, rng),
            zip3=_digits(3, rng),
            zip4=_digits(4, rng),
            zip5=_digits(5, rng),
            zip5sp=f"{_digits(3, rng)} {_digits(2, rng)}",
            zip6=_digits(6, rng),
            zip7=_digits(7, rng),
        )

    def address(self, culture: Culture, rng: random.Random) -> str:
        """A whole address on one line, most of the time."""
        draw = rng.random()
        if draw < 0.12:
            return self.street_line(culture, rng)
        if draw < 0.2:
            return self.block(culture, rng)
        between = rng.choice((", ", ", ", ", ", " ", " - ", ","))
        written = self.street_line(culture, rng) + between + self._town(culture, rng)
        if rng.random() < 0.3:
            written += rng.choice((", ", ", ", " ")) + self.country(culture, rng)
        return written

    def corner(self, culture: Culture, rng: random.Random) -> str:
        """Where two streets meet."""
        left, right = self.street_line(culture, rng), self.street(culture, rng)
        return f"{rng.choice(('the corner of ', 'corner of ', ''))}{left} and {right}"

    def block(self, culture: Culture, rng: random.Random) -> str:
        """A whole address on several lines."""
        indent = rng.choice(("", "", "", " "))
        lines = [self.street_line(culture, rng)]
        if rng.random() < 0.25:
            lines.append(rng.choice(self._addresses["unit"]).format(rng.randint(1, 999)))
        lines.append(self._town(culture, rng))
        if rng.random() < 0.4:
            country = self.country(culture, rng)
            lines.append(f"{country} {_digits(5, rng)}" if rng.random() < 0.4 else country)
        return f"\n{indent}".join(lines)

    # Organisations

    def organisation(self, culture: Culture, rng: random.Random) -> str:
        """An organisation, known or made up."""
        lists = self._organisations
        draw = rng.random()
        if draw < 0.2:
            return rng.choice(lists["known"])
        if draw < 0.32:
            return rng.choice(lists["public"]).format(
                PLACE=self.city(culture, rng), FAMILY=self.last(culture, rng)
            )
        if draw < 0.56:
            families = [self.last(culture, rng) for _ in range(3)]
            return rng.choice(lists["family"]).format(*families)
        stem = self._stem(culture, rng)
        draw = rng.random()
        if draw < 0.3:
            written = stem
        elif draw < 0.8:
            written = f"{stem} {rng.choice(lists['field'])}"
        else:
            written = f"{stem} {rng.choice(lists['stem'])}"
        if rng.random() < 0.35:
            written += rng.choice((" ", " ", ", ")) + rng.choice(lists["suffix"])
        return f"The {written}" if rng.random() < 0.05 else written

    def _stem(self, culture: Culture, rng: random.Random) -> str:
        draw = rng.random()
        if draw < 0.4:
            return rng.choice(self._organisations["stem"])
        if draw < 0.55:
            return "".join(rng.choice("ABCDEFGHIJKLMNOPRSTVWZ") for _ in range(rng.randint(2, 4)))
        if draw < 0.7:
            left, right = rng.choice(self._organisations["stem"]), rng.choice(self._organisations["field"])
            right = right.split(" ")[0]
            return left + (right if rng.random() < 0.5 else right.lower())
        if draw < 0.78:
            word = self.filler(rng.choice(("noun", "adj")), rng).split(" ")[-1].title()
            return word + rng.choice(self._organisations["ending"])
        if draw < 0.84:
            return f"{self.filler('adj', rng)} {self.filler('noun', rng)}".title()
        if draw < 0.92:
            return self.last(culture, rng)
        return self._made(culture, rng.choice(("family", "city")), rng)

    # Values that are not tagged

    def email(self, culture: Culture, rng: random.Random) -> str:
        """A mail address."""
        first, last = rng.choice(culture.given), rng.choice(culture.family).split(" ")[-1]
        number = rng.randint(1, 99)
        user = rng.choice((f"{first}.{last}", f"{first}{last}", f"{first[0]}{last}", f"{last}{number}"))
        host = rng.choice(("example", "mail", "post", "webmail", "corp"))
        return f"{user.lower()}@{host}.{rng.choice(('com', 'org', 'net', 'de'))}"

    def plain(self, slot: str, rng: random.Random) -> str:
        """A number, date, amount or word of a list."""
        if slot.lower() in self._fillers:
            return self.filler(slot.lower(), rng)
        if slot == "WORD":
            return rng.choice(self._words)
        if slot == "SALAD":
            written = " ".join(rng.choice(self._words) for _ in range(rng.randint(1, 5)))
            return written.capitalize() if rng.random() < 0.3 else written
        if slot == "CAPS":
            return self.filler(rng.choice(("noun", "adj")), rng).title()
        return _filled(rng.choice(_FORMS[slot]), self.filler("month", rng), rng)


# 0 is any digit; the other signs are drawn whole.
_FORMS = {
    "DATE": ("Y-M-D", "D/M/Y", "d.m.Y", "B d, Y", "d B Y", "Y-M-D H:T:T"),
    "YEAR": ("Y",),
    "TIME": ("h:T",),
    "AGE": ("A",),
    "COUNT": ("A,000",),
    "AMOUNT": ("$A", "€A00", "£A.50", "€A,000"),
    "NUMBER": ("0000", "00000000", "C-000000", "INV-00000", "NL0000000000", "000000000000"),
    "CARD": ("0000 0000 0000 0000", "0000000000000000"),
    "POSTCODE": ("00000", "00000-0000", "SW0 0PQ", "K0C 0L0", "0000", "000 00"),
    "PHONE": ("+A 000 000000", "(000) 000-0000", "0000 000000", "000-000-0000", "+A 00 000 00 00"),
}


def _filled(form: str, month: str, rng: random.Random) -> str:
    made = []
    for sign in form:
        match sign:
            case "0":
                made.append(rng.choice("0123456789"))
            case "Y":
                made.append(str(rng.randint(1935, 2026)))
            case "M":
                made.append(f"{rng.randint(1, 12):02}")
            case "m":
                made.append(str(rng.randint(1, 12)))
            case "D":
                made.append(f"{rng.randint(1, 28):02}")
            case "d":
                made.append(str(rng.randint(1, 28)))
            case "B":
                made.append(month)
            case "H":
                made.append(f"{rng.randint(0, 23):02}")
            case "h":
                made.append(str(rng.randint(0, 23)))
            case "T":
                made.append(f"{rng.randint(0, 59):02}")
            case "A":
                made.append(str(rng.randint(11, 99)))
            case _:
                made.append(sign)
    return "".join(made)


def _number(rng: random.Random) -> str:
    draw = rng.random()
    if draw < 0.6:
        return str(rng.randint(1, 299))
    if draw < 0.85:
        return str(rng.randint(300, 99999))
    if draw < 0.95:
        return f"{rng.randint(1, 250)}{rng.choice('abcABCD')}"
    return f"{rng.randint(1, 90)}-{rng.randint(91, 99)}"


def _digits(count: int, rng: random.Random) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def _british(rng: random.Random) -> str:
    area = rng.choice(("SW", "N", "M", "EH", "BS", "LS", "CF", "B", "NE", "OX"))
    return f"{area}{rng.randint(1, 19)} {rng.randint(1, 9)}{rng.choice('ABDEFGH')}{rng.choice('JLNPQRST')}"


@lru_cache(maxsize=1)
def _shipped() -> Values:
    cultures = [
        Culture(
            name=name,
            given=_split(lists["given"], " "),
            family=_split(lists["family"], "|" if "|" in lists["family"] else " "),
            suffix=tuple(lists["suffix"].split("|")) if "suffix" in lists else (),
            **{key: _split(lists[key], "|") for key in _LISTS},
        )
        for name, lists in _sections("cultures.txt").items()
    ]
    return Values(tuple(cultures), _pairs("organisations.txt"), _pairs("addresses.txt"), _fillers())


def _split(line: str, by: str) -> tuple[str, ...]:
    if by == "|":
        return tuple(part.strip() for part in line.split("|"))
    words: list[str] = []
    held: list[str] = []
    for word in line.split():
        held.append(word)
        if word not in _PARTICLES:
            words.append(" ".join(held))
            held = []
    return tuple(words)


def _lines(name: str) -> list[str]:
    lines = (_HERE / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and line[0] != "#"]


def _pairs(name: str) -> dict[str, tuple[str, ...]]:
    pairs = (line.split(": ", 1) for line in _lines(name))
    return {key: _split(values, "|") for key, values in pairs}


def _sections(name: str) -> dict[str, dict[str, str]]:
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in _lines(name):
        if line[0] == "[":
            section = sections.setdefault(line[1:-1], {})
        else:
            key, _, value = line.partition(": ")
            section[key] = value
    return sections


def _fillers() -> dict[str, tuple[str, ...]]:
    fillers: dict[str, tuple[str, ...]] = {}
    kind = ""
    for line in _lines("clean.txt"):
        if line[0] == "[":
            kind = line[1:-1]
        elif kind == "clean":
            fillers[kind] = (*fillers.get(kind, ()), line)
        else:
            fillers[kind] = _split(line, "|")
    return fillers
