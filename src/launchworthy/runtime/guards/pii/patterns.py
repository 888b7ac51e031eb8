"""All recognisers over one text: every kind of personal data that has a form, one kind per stretch.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from launchworthy.runtime.guards.pii.accounts import find_accounts
from launchworthy.runtime.guards.pii.dates import find_dates
from launchworthy.runtime.guards.pii.identity import LETTERED
from launchworthy.runtime.guards.pii.network import find_addresses_of_hosts, find_mail, find_urls
from launchworthy.runtime.guards.pii.numbers import find_numbers
from launchworthy.runtime.guards.pii.reading import Reading
from launchworthy.runtime.guards.pii.streets import find_postcodes, find_streets
from launchworthy.runtime.guards.pii.topics import Topics
from launchworthy.runtime.guards.verdict import Finding

__all__ = ["find_patterns", "without_overlap"]

_LEAST = 0.1  # what scores less is not a reading at all
_SURE = 0.8  # a sure reading stands against a longer doubtful one


def find_patterns(reading: Reading) -> list[Finding]:
    """What was read, in order and without overlap; positions are those of ``reading.text``."""
    return without_overlap(_all(reading))


def _all(reading: Reading) -> Iterator[Finding]:
    topics = Topics(reading.lower)
    yield from find_mail(reading)
    yield from find_urls(reading)
    if not any(digit in reading.text for digit in "0123456789"):
        return
    yield from find_numbers(reading, topics)
    yield from find_accounts(reading, topics)
    yield from find_addresses_of_hosts(reading, topics)
    yield from find_dates(reading, topics)
    yield from find_postcodes(reading)
    yield from find_streets(reading)
    for identity in LETTERED:
        for match in identity.pattern.finditer(reading.text):
            written = match[0].replace(" ", "")
            if identity.kind != "fi_hetu":
                written = written.replace("-", "")
            if identity.check(written.upper()):
                told = identity.kind in topics.near(match.start(), match.end())
                yield Finding(
                    match.start(), match.end(), identity.kind, identity.told if told else identity.alone
                )


def without_overlap(findings: Iterable[Finding]) -> list[Finding]:
    """One kind per stretch: sure readings first, then the longest, then the likeliest."""
    kept: list[Finding] = []
    taken: dict[int, list[Finding]] = {}
    order = sorted(
        (f for f in findings if f.score >= _LEAST),
        key=lambda f: (f.score < _SURE, f.start - f.end, -f.score, f.start, f.type),
    )
    for finding in order:
        blocks = range(finding.start // _BLOCK, (finding.end - 1) // _BLOCK + 1)
        near = (other for block in blocks for other in taken.get(block, ()))
        if any(finding.start < other.end and other.start < finding.end for other in near):
            continue
        kept.append(finding)
        for block in blocks:
            taken.setdefault(block, []).append(finding)
    kept.sort(key=lambda f: f.start)
    return kept


_BLOCK = 64  # characters that share one list of what is taken, so that overlap is found in constant time
