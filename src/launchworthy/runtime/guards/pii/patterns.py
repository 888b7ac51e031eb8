"""All recognisers over one text: every kind of personal data that has a form, one kind per stretch.

Standard library only.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from launchworthy.runtime.guards.pii.accounts import find_accounts
from launchworthy.runtime.guards.pii.dates import find_dates
from launchworthy.runtime.guards.pii.identity import LETTERED
from launchworthy.runtime.guards.pii.network import find_addresses_of_hosts, find_mail, find_urls
from launchworthy.runtime.guards.pii.numbers import find_numbers
from launchworthy.runtime.guards.pii.reading import Reading
from launchworthy.runtime.guards.pii.streets import find_postcodes, find_streets
from launchworthy.runtime.guards.pii.topics import Topics
from launchworthy.runtime.guards.verdict import Finding

__all__ = ["Candidates", "find_patterns", "without_overlap"]

_WITHIN_PAGES = ("email", "ip")
_LEAST = 0.1  # what scores less is not a reading at all
_SURE = 0.8  # a sure reading stands against a longer doubtful one


@dataclass(frozen=True, slots=True)
class Candidates:
    """Everything that a text may hold, readings of one stretch as several kinds included.

    Attributes:
        reading: The text.
        found: In no order, with overlap; positions are those of ``reading.text``.
    """

    reading: Reading
    found: Sequence[Finding]

    @classmethod
    def of(cls, reading: Reading) -> Candidates:
        """Of one text."""
        return cls(reading, tuple(_all(reading)))

    def kept(self, wanted: Callable[[Finding], bool] | None = None) -> list[Finding]:
        """What was read, in order and without overlap.

        A reading that is not wanted still keeps its stretch from others, so that a card is no phone number
        where only phone numbers are looked for. The address of a page does not keep mail and host addresses.

        Args:
            wanted: Which findings count; all if not given.
        """
        whole = without_overlap(self.found)
        if wanted is None:
            return whole
        kept = [each for each in whole if wanted(each)]
        pages = [each for each in whole if each.type == "url" and not wanted(each)]
        if pages:
            hosts = [each for each in self.found if each.type in _WITHIN_PAGES and _within(each, pages)]
            kept += filter(wanted, map(self._parameter, hosts))
        return without_overlap(kept) if pages else kept

    def _parameter(self, finding: Finding) -> Finding:
        """Without the path and the names of parameters before it, which a mail address may have as well."""
        text = self.reading.text
        start = max(text.rfind(sign, finding.start, finding.end) + 1 for sign in "/?&=#")
        return replace(finding, start=max(start, finding.start)) if start < finding.end else finding


def _within(finding: Finding, others: Sequence[Finding]) -> bool:
    """Whether it lies in one of others, which are in order and without overlap."""
    place = bisect_right(others, finding.start, key=lambda other: other.start) - 1
    return place >= 0 and finding.end <= others[place].end


def find_patterns(reading: Reading) -> list[Finding]:
    """What was read, in order and without overlap; positions are those of ``reading.text``."""
    return Candidates.of(reading).kept()


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
