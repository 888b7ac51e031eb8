"""The guards for personal data: ``pii`` by patterns; ``pii_names`` by the tagger, which estimates.

May import what ``runtime`` may; NumPy is loaded by the first name that is looked for. There are two guards
because the contract treats them differently: what has a form and a check digit may act from the first day,
what a model estimates is recorded and acts only once it was calibrated on the product's own cases.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from launchworthy.runtime.guards.pii.kinds import GROUPS, NAMED_KINDS, PATTERN_KINDS, chosen_kinds
from launchworthy.runtime.guards.pii.patterns import Candidates, without_overlap
from launchworthy.runtime.guards.pii.reading import Reading, read
from launchworthy.runtime.guards.verdict import Finding, GuardContext, GuardVerdict, Outcome, Stage

if TYPE_CHECKING:
    from launchworthy.runtime.guards.pii.tagger import Tagger

__all__ = ["PATTERNS_VERSION", "PiiGuard", "PiiNamesGuard", "pii_guards"]

PATTERNS_VERSION = "pii-patterns-2"

WINDOW = 320
"""Characters to hold back for patterns: the longest value that is found only once it is complete, a mail
address (64, @ and 255). All others are shorter even with the word after them that says what they are, which
leaves room for invisible characters between; a URL is found from its scheme on, however long it grows."""

_DEFAULT_THRESHOLD = 0.5
_DEFAULT_THRESHOLDS = {"place": 0.8}  # a town or country alone tells of nobody


class _Settings:
    """Kinds, thresholds and exceptions of one guard."""

    def __init__(
        self,
        of: tuple[str, ...],
        find: Iterable[str],
        threshold: float | None,
        thresholds: Mapping[str, float],
        exceptions: Iterable[str],
    ) -> None:
        self.kinds = chosen_kinds(find, of=of)
        self._thresholds = {
            kind: _DEFAULT_THRESHOLDS.get(kind, _DEFAULT_THRESHOLD) if threshold is None else threshold
            for kind in self.kinds
        }
        for name, value in sorted(thresholds.items(), key=lambda item: item[0] not in GROUPS):
            for kind in chosen_kinds((name,), of=of, where=f"thresholds/{name}"):
                if kind in self._thresholds:
                    self._thresholds[kind] = value
        self._exceptions = frozenset(map(_one_form, exceptions))

    def wanted(self, reading: Reading, finding: Finding) -> bool:
        """Whether a finding counts, in a text where positions are those of the reading."""
        least = self._thresholds.get(finding.type)
        if least is None or finding.score < least:
            return False
        return (
            not self._exceptions
            or _one_form(reading.text[finding.start : finding.end]) not in self._exceptions
        )


_MOST_TAGGED = 200_000  # words and signs of one text that are tagged: some three seconds of CPU
_MOST_KEPT = 50_000  # characters of a text whose reading the next guard finds ready
_last = threading.local()


def _candidates(payload: str) -> Candidates:
    """What a text may hold; the two guards, which look one after the other, share one look."""
    known: tuple[str, Candidates] | None = getattr(_last, "seen", None)
    if known is not None and known[0] is payload:
        return known[1]
    candidates = Candidates.of(read(payload))
    _last.seen = (payload, candidates) if len(payload) <= _MOST_KEPT else None
    return candidates


def _one_form(text: str) -> str:
    return "".join(c for c in read(text).text.casefold() if c.isalnum())


class PiiGuard:
    """Personal data that has a form: mail, phone, cards, accounts, identity numbers, hosts, dates, addresses.

    Args:
        find: Kinds or groups of kinds; all where none is named.
        threshold: Score from which a finding counts; 0.5 if not given.
        thresholds: The same for single kinds.
        exceptions: Values that are never flagged, such as the product's own support address.
    """

    name = "pii"
    version = PATTERNS_VERSION
    estimates = False
    waits = False
    window: int | None = WINDOW

    def __init__(
        self,
        *,
        find: Iterable[str] = (),
        threshold: float | None = None,
        thresholds: Mapping[str, float] | None = None,
        exceptions: Iterable[str] = (),
    ) -> None:
        self._settings = _Settings(PATTERN_KINDS, find, threshold, thresholds or {}, exceptions)

    @property
    def kinds(self) -> frozenset[str]:
        """What it looks for."""
        return self._settings.kinds

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Find personal data in one text."""
        candidates = _candidates(payload)
        reading = candidates.reading
        found = candidates.kept(lambda finding: self._settings.wanted(reading, finding))
        return _verdict(self.name, self.version, reading, found)


class PiiNamesGuard:
    """Names, addresses, organisations and places, by a small tagger that ships with the package.

    Args:
        find: Kinds; all of the tagger's where none is named.
        threshold: Score from which a finding counts; 0.5 if not given, 0.8 for places.
        thresholds: The same for single kinds.
        exceptions: Texts that are never flagged, such as the product's own name.
        model: File of another tagger; the one that ships with the package if not given.
    """

    name = "pii_names"
    estimates = True
    waits = False

    def __init__(
        self,
        *,
        find: Iterable[str] = (),
        threshold: float | None = None,
        thresholds: Mapping[str, float] | None = None,
        exceptions: Iterable[str] = (),
        model: Path | None = None,
    ) -> None:
        self._model = model
        self._settings = _Settings(NAMED_KINDS, find, threshold, thresholds or {}, exceptions)

    @property
    def kinds(self) -> frozenset[str]:
        """What it looks for."""
        return self._settings.kinds

    @property
    def version(self) -> str:
        """Of its model."""
        return self._tagger.version

    @cached_property
    def _tagger(self) -> Tagger:
        from launchworthy.runtime.guards.pii.tagger import Tagger

        return Tagger.shipped() if self._model is None else Tagger.load(self._model)

    @property
    def window(self) -> int | None:
        """A name can begin anywhere in the last sentence, which is decided as a whole."""
        from launchworthy.runtime.guards.pii.words import LONGEST_SENTENCE

        return LONGEST_SENTENCE

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Find names in one text; what the patterns are sure of is not a name.

        A text of more than 200,000 words and signs could not be checked: it would hold a call for seconds.
        """
        from launchworthy.runtime.guards.pii.tagger import cut_for_tagging

        candidates = _candidates(payload)
        reading = candidates.reading
        formed = [f for f in candidates.kept() if f.score >= _DEFAULT_THRESHOLD]
        cut = cut_for_tagging(reading.text, formed)
        if sum(map(len, cut)) > _MOST_TAGGED:
            return GuardVerdict(
                guard=self.name,
                version=self.version,
                outcome=Outcome.COULD_NOT_CHECK,
                reason=f"the text has more than {_MOST_TAGGED:,} words and signs",
            )
        tagged = self._tagger.find_in(reading.text, cut)
        found = [f for f in tagged if self._settings.wanted(reading, f)]
        return _verdict(self.name, self.version, reading, found)


def pii_guards(
    *,
    find: Iterable[str] = (),
    threshold: float | None = None,
    thresholds: Mapping[str, float] | None = None,
    exceptions: Iterable[str] = (),
) -> tuple[PiiGuard | PiiNamesGuard, ...]:
    """The guards that together find these kinds: patterns, and the tagger where a kind needs it.

    >>> [guard.name for guard in pii_guards(find=["email", "card"])]
    ['pii']
    >>> [guard.name for guard in pii_guards(find=["email", "name"])]
    ['pii', 'pii_names']
    """
    named = tuple(find)
    guards: list[PiiGuard | PiiNamesGuard] = []
    for guard, of in ((PiiGuard, PATTERN_KINDS), (PiiNamesGuard, NAMED_KINDS)):
        if chosen_kinds(named, of=of):
            guards.append(
                guard(find=named, threshold=threshold, thresholds=thresholds, exceptions=exceptions)
            )
    return tuple(guards)


def _verdict(name: str, version: str, reading: Reading, found: list[Finding]) -> GuardVerdict:
    spans = tuple(
        Finding(*reading.span(f.start, f.end), f.type, round(f.score, 4)) for f in without_overlap(found)
    )
    if not spans:
        return GuardVerdict(guard=name, version=version, outcome=Outcome.PASS)
    strongest = max(spans, key=lambda f: f.score)
    kinds = sorted({f.type for f in spans})
    return GuardVerdict(
        guard=name,
        version=version,
        outcome=Outcome.HIT,
        category=strongest.type,
        score=strongest.score,
        spans=spans,
        reason=f"{len(spans)} found: {', '.join(kinds)}",
    )
