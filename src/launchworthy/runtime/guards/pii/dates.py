"""Full dates, and which of them are dates of birth.

Standard library only. A date is a date of birth where a word near it says so, else of kind ``date``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from launchworthy.runtime.guards.pii.checksums import real_day
from launchworthy.runtime.guards.pii.reading import Reading
from launchworthy.runtime.guards.pii.topics import Topics
from launchworthy.runtime.guards.verdict import Finding

__all__ = ["find_dates"]

_MONTHS: dict[str, int] = {}
for _number, _names in enumerate(
    (
        "january jan januar janvier enero gennaio januari janeiro stycznia",
        "february feb februar février febrero febbraio februari fevereiro lutego",
        "march mar märz mars marzo maart março marca",
        "april apr avril abril aprile kwietnia",
        "may mai mayo maggio mei maio maja",
        "june jun juni juin junio giugno junho czerwca",
        "july jul juli juillet julio luglio julho lipca",
        "august aug août agosto augustus augusti sierpnia",
        "september sep sept septembre septiembre settembre setembro września",
        "october oct okt oktober octobre octubre ottobre outubro października",
        "november nov novembre noviembre novembro listopada",
        "december dec dez dezember décembre diciembre dicembre dezembro grudnia",
    ),
    start=1,
):
    for _name in _names.split():
        _MONTHS[_name] = _number

_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_CLOCK = (
    r"(?:(?:[ ,t]|, )[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
    r"(?: ?[ap]m|z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_YEAR_FIRST = re.compile(rf"(?<![\w.-])([0-9]{{4}})([-/.])([0-9]{{1,2}})\2([0-9]{{1,2}}){_CLOCK}(?![\w-])")
_YEAR_LAST = re.compile(
    rf"(?<![\w.-])([0-9]{{1,2}})( ?[-/.] ?)([0-9]{{1,2}})\2((?:[0-9]{{2}}){{1,2}}){_CLOCK}(?![\w-])",
)
_DAY_MONTH = re.compile(
    rf"(?<![\w.-])([0-9]{{1,2}})(?:st|nd|rd|th|er|\.|º)?[ -]?(?:of |de |d')?({_MONTH})\b\.?,?[ -]?"
    rf"(?:de |of )?([12][0-9]{{3}}|'?[0-9]{{2}}(?![0-9:])){_CLOCK}(?!\w)",
)
_MONTH_DAY = re.compile(
    rf"(?<![\w-])({_MONTH})\b\.? ([0-9]{{1,2}})(?:st|nd|rd|th)?,? ([12][0-9]{{3}}){_CLOCK}(?!\w)",
)


def find_dates(reading: Reading, topics: Topics) -> Iterator[Finding]:
    """Every day that the calendar has, with its time of day where one follows."""
    text = reading.lower
    for match in _YEAR_FIRST.finditer(text):
        if _day(match[1], match[3], match[4]):
            yield _dated(match, topics, 0.9)
    for match in _YEAR_LAST.finditer(text):
        if _day(match[4], match[3], match[1]) or _day(match[4], match[1], match[3]):
            yield _dated(match, topics, 0.9 if len(match[4]) == 4 else 0.6)
    for match in _DAY_MONTH.finditer(text):
        if _day(match[3].lstrip("'"), str(_MONTHS[match[2]]), match[1]):
            yield _dated(match, topics, 0.9)
    for match in _MONTH_DAY.finditer(text):
        if _day(match[3], str(_MONTHS[match[1]]), match[2]):
            yield _dated(match, topics, 0.9)


def _day(year: str, month: str, day: str) -> bool:
    whole = int(year) if len(year) == 4 else 1900 + int(year)
    return 1000 <= whole <= 2999 and (
        real_day(whole, int(month), int(day)) or real_day(2000, int(month), int(day))
    )


def _dated(match: re.Match[str], topics: Topics, score: float) -> Finding:
    start, end = match.span()
    return Finding(start, end, "birth_date" if "birth" in topics.near(start, end) else "date", score)
