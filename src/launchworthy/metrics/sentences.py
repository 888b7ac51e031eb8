"""Texts of any script as sentences, and what a sentence says: its words, numbers and names.

Pure; standard library only. No dictionary and no model: sentences end at the marks of their script, words are
told apart by their first letters, so that inflected forms meet, and scripts without spaces by pairs of
characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["CHUNK", "Said", "numbers_of", "sentences", "what_is_said"]

_STEM = 5  # letters of a word that count; words up to three letters say too little
_SHORT = 3
# Han, kana, Hangul, Thai, Lao, Myanmar, Khmer: pairs of characters stand for words.
_DENSE = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\u0e00-\u0eff\u1000-\u109f"
    "\u1780-\u17ff\U00020000-\U0003ffff]+"
)
_THAI_LAO = "\u0e00-\u0eff"
# Marks that end a sentence only before a space, and marks that end it wherever they stand. A run of marks is
# looked at once, from its beginning, so that a text of nothing else takes no longer than any.
_ENDS = re.compile(
    r"(?<![.!?\u2026\u061f\u06d4\u0589\u037e])[.!?\u2026\u061f\u06d4\u0589\u037e]++[\"'»”’)\]]*+(?=\s|$)"
    r"|[\u3002\uff01\uff1f\uff61\u0964\u0965\u1362\u1367\u17d4\u104b\u0f0d]+[」』”’）\])]*"
    r"|\n[ \t]*(?=\n|[-*•#>]\s|\d{1,2}[.)]\s)"
    rf"|(?<=[{_THAI_LAO}])[ \n]+(?=[{_THAI_LAO}])"
)
_ABBREVIATIONS = frozenset(
    "e.g i.e etc vs cf mr mrs ms dr prof st no nos fig eq sec ch vol pp p approx dept inc ltd co corp jr sr "
    "al est z.b d.h bzw usw ca nr u.a o.ä ggf inkl evtl abs art bspw str tel ev sra dña srta pág núm ej "
    "ee.uu av m mme mlle p.ex env éd n.b dott sig ing pag tr dz t.j np tzn ul sp o.o т.е т.д т.п им г гг руб "
    "стр".split()
)
_LAST_WORD = re.compile(r"[\w.&'\u2019]+$")
_ORDINAL = re.compile(r"\s*\d{1,2}$")
_LIST_MARK = re.compile(r"\s*(?:[-*•#>]+|\d{1,2}[.)])\s+")
_MONTHS = tuple("Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split())
_CURRENCIES = frozenset("eur usd gbp chf jpy cny inr brl sek dkk nok pln czk huf ron try rub uah krw".split())
# Letters with the marks that combine with them, which \w alone leaves out (Devanagari, Thai, Arabic …).
_LETTER = (
    "\\w\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0900-\u0963\u0966-\u0d7f\u0e00-\u0eff\u1000-\u104a\u1050-\u109f"
    "\u1780-\u17d3"
)
# A word as it is written, with what stands inside it: don't, e-mail, 3.5, json.dumps.
CHUNK = re.compile(rf"[{_LETTER}]+(?:[.,:/@_'\u2019-]+[{_LETTER}]+)*")
_WORD = re.compile(rf"(?:(?![\d_])[{_LETTER}])+")
_NUMBER = re.compile(r"\d+(?:[.,'\u2019\u00a0\u202f]\d+)*")
_PLAIN_NUMBER = re.compile(r"\d+(?:[.,'\u2019]\d+)*")
_GERMAN = frozenset(
    "der die das und ist nicht ein eine den dem mit von für auf werden sie im zu sich auch wird können kann "
    "bei zum zur nach oder wir ihre ihr wie dass haben hat aus wurde sind als um bis innerhalb".split()
)
_NUMBER_WORDS = {
    word: value
    for value, words in {
        0: "zero null cero zéro",
        1: "one",
        2: "two zwei dos deux due dois twee два",
        3: "three drei tres trois tre três drie три",
        4: "four vier cuatro quatre quattro quatro четыре",
        5: "five fünf cinco cinq cinque vijf пять",
        6: "six sechs seis sei zes шесть",
        7: "seven sieben siete sept sette sete zeven семь",
        8: "eight acht ocho huit otto oito восемь",
        9: "nine neun nueve neuf nove negen девять",
        10: "ten zehn diez dix dieci dez tien десять",
        12: "twelve zwölf doce douze dodici doze twaalf двенадцать",
        14: "fourteen vierzehn catorce quatorze quattordici veertien",
        15: "fifteen fünfzehn quince quinze quindici vijftien",
        20: "twenty zwanzig veinte vingt venti vinte twintig двадцать",
        24: "twenty-four vierundzwanzig veinticuatro",
        30: "thirty dreißig treinta trente trenta trinta dertig тридцать",
        60: "sixty sechzig sesenta soixante sessanta sessenta zestig",
        90: "ninety neunzig noventa novanta negentig",
        100: "hundred hundert cien cent cento honderd сто",
        1000: "thousand tausend mil mille duizend тысяча",
    }.items()
    for word in words.split()
}


@dataclass(frozen=True, slots=True)
class Said:
    """What a text says, as far as words show it.

    Attributes:
        words: First letters of its longer words; pairs of characters of scripts without spaces.
        short: Its words of up to three letters, which only support.
        numbers: Each number in digits as the values it may have: ``1,000`` is 1000 or 1.
        spelt: Values of numbers in words; ``one`` and ``due`` may mean none, so they support and never claim.
        names: Names and codes within it: capitalised inside a sentence, or with digits, dots, underscores.
    """

    words: frozenset[str]
    short: frozenset[str]
    numbers: tuple[frozenset[float], ...]
    spelt: frozenset[float]
    names: frozenset[str]

    @property
    def claims(self) -> bool:
        """Whether there is enough to check: two words, a number or a name."""
        return len(self.words) > 1 or bool(self.numbers) or bool(self.names)


def sentences(text: str) -> list[str]:
    """The sentences of a text, those without a letter or digit left out.

    A dot ends one only before a space, and not after an abbreviation, an initial or an ordinal; the full
    stops of Chinese, Japanese, Devanagari, Khmer, Myanmar, Tibetan and Ethiopic end one anywhere; blank lines
    and list items do, and in Thai and Lao a space.
    """
    found: list[str] = []
    start = 0
    for end in _ENDS.finditer(text):
        if end[0].startswith(".") and not end[0].startswith("..") and _goes_on(text, start, end):
            continue
        found.append(text[start : end.end()].strip())
        start = end.end()
    found.append(text[start:].strip())
    plain = (_without_mark(sentence) for sentence in found)
    return [sentence for sentence in plain if any(character.isalnum() for character in sentence)]


def _without_mark(sentence: str) -> str:
    mark = _LIST_MARK.match(sentence)
    return sentence[mark.end() :] if mark else sentence


def _goes_on(text: str, start: int, end: re.Match[str]) -> bool:
    """Whether a dot belongs to an abbreviation, an initial or an ordinal."""
    before = text[max(start, end.start() - 40) : end.start()]
    following = text[end.end() : end.end() + 40].lstrip()
    if following and following[0].islower():
        return True
    if _ORDINAL.fullmatch(before) and len(before) < 40:
        return True  # "1. First step"
    if before[-1:].isdigit() and following.startswith(_MONTHS):
        return True
    word = _LAST_WORD.search(before)
    if word is None or not following:
        return False
    last = word[0].lstrip(".").casefold()
    return last in _ABBREVIATIONS or (len(last) == 1 and last.isalpha() and word[0].isupper())


def what_is_said(text: str) -> Said:
    """Words, numbers and names of a sentence or a passage."""
    folded = unicodedata.normalize("NFKC", text)
    chunks = list(CHUNK.finditer(folded))
    german = sum(chunk[0].casefold() in _GERMAN for chunk in chunks) > 1
    words: set[str] = set()
    short: set[str] = set()
    names: set[str] = set()
    spelt: set[float] = set()
    numbers: list[frozenset[float]] = []
    for chunk in chunks:
        piece = chunk[0]
        if _PLAIN_NUMBER.fullmatch(piece):
            numbers.append(_values(piece))
            continue
        if (value := _NUMBER_WORDS.get(piece.casefold())) is not None:
            spelt.add(float(value))
        if _is_code(piece):
            names.add(piece.casefold())
        elif not german and _is_name(folded, chunk):
            names.add(_stem(piece))
        numbers += [_values(number) for number in _NUMBER.findall(piece) if not _is_code(piece)]
        for run in _DENSE.findall(piece):
            words.update(run[at : at + 2] for at in range(max(1, len(run) - 1)))
        for word in _WORD.findall(_DENSE.sub(" ", piece)):
            (short if len(word) <= _SHORT else words).add(_stem(word))
    return Said(
        words=frozenset(words or short),
        short=frozenset(short),
        numbers=tuple(numbers),
        spelt=frozenset(spelt),
        names=frozenset(names),
    )


def numbers_of(many: Iterable[Said]) -> frozenset[float]:
    """Every value that a number of these texts may have."""
    return frozenset(value for said in many for values in (*said.numbers, said.spelt) for value in values)


def _stem(word: str) -> str:
    return word.casefold()[:_STEM]


def _is_code(piece: str) -> bool:
    letters, digits = any(map(str.isalpha, piece)), any(map(str.isdigit, piece))
    if not letters or _DENSE.search(piece):
        return False
    if piece.casefold() in _ABBREVIATIONS or piece.casefold() in _CURRENCIES:
        return False
    return digits or any(mark in piece for mark in "._@") or piece[1:] != piece[1:].lower()


def _is_name(text: str, chunk: re.Match[str]) -> bool:
    """Capitalised, and neither at the beginning of a sentence nor after a mark that begins one."""
    if not chunk[0][0].isupper() or len(chunk[0]) < 2 or chunk[0].casefold() in _CURRENCIES:
        return False
    before = text[max(0, chunk.start() - 20) : chunk.start()].rstrip(" \"'«“‘([*_`")[-1:]
    return bool(before) and (before.isalnum() or before in ",;)]}’'\"”»-–—&/%")


def _values(number: str) -> frozenset[float]:
    """What a number may mean where comma and dot have two uses."""
    plain = re.sub(r"['\u2019\u00a0\u202f]", "", number)
    marks = [mark for mark in plain if mark in ".,"]
    if not marks:
        return frozenset((float(plain),))
    if len(set(marks)) == 2 and marks[-1] != marks[0]:
        return frozenset((_decimal(plain, marks[-1]),))
    groups = re.split("[.,]", plain)
    as_thousands = float("".join(groups))
    if len(marks) > 1:
        # 1.000.000 is a number; 3.11.2 is a version, and stays one value of its own
        whole = all(len(group) == 3 for group in groups[1:])
        return frozenset((as_thousands,)) if whole else frozenset((float(_of_version(groups)),))
    decimal = _decimal(plain, marks[0])
    return frozenset((decimal, as_thousands)) if len(groups[1]) == 3 else frozenset((decimal,))


def _decimal(plain: str, mark: str) -> float:
    other = "," if mark == "." else "."
    return float(plain.replace(other, "").replace(mark, "."))


def _of_version(groups: list[str]) -> float:
    """A value for a version such as 3.11.2 that no other short version shares."""
    value = 0.0
    for group in groups:
        value = value * 1e4 + float(group)
    return value + 0.5
