"""Hidden text: what a model reads and a person does not see.

Standard library only. Looks for invisible and turning characters, messages in tags and variation selectors,
letters that pass for others, sentences that HTML or Markdown hides (in text from outside), and links that
carry data away (in output).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from launchworthy.runtime.guards.hidden_characters import (
    BIDI,
    SELECTORS,
    TAGS,
    ZERO_WIDTH,
    carried_text,
    has_right_to_left,
    masquerading_words,
)
from launchworthy.runtime.guards.hidden_markup import LINK_WINDOW, carrying_links, hidden_sentences
from launchworthy.runtime.guards.verdict import Finding, GuardContext, GuardVerdict, Outcome, Stage

__all__ = ["HIDDEN_KINDS", "HiddenTextGuard", "find_hidden"]

# Gravest first: the first that is found names the verdict's category.
HIDDEN_KINDS = (
    "exfiltration",
    "smuggled",
    "hidden_markup",
    "comment",
    "bidi",
    "zero_width",
    "homoglyph",
)
_VERSION = "1"
_SUSPECT = re.compile(f"[{TAGS}]+|[{SELECTORS}]+|[{BIDI}]+|[{ZERO_WIDTH}]+")
_SUBDIVISION_FLAG = "\U0001f3f4"  # followed by tags, it is the flag of a country's part
_END_OF_TAGS = "\U000e007f"
_OVERRIDES = frozenset("\u202d\u202e")
_JOINERS = frozenset("\u200c\u200d")
# Scripts whose spelling needs joiners: from Arabic to N'Ko, the Indic ones, Myanmar, Khmer, Mongolian.
_JOINED = re.compile("[\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc]")
_PICTURE = re.compile("[\u203c-\u3299\ufe0f\U0001f000-\U0001faff]")
_LONGEST_FLAG = 8


def find_hidden(text: str, *, stage: Stage, hosts: tuple[str, ...] = ()) -> list[Finding]:
    """Where something is hidden, in order and without overlap.

    Example:
        >>> find_hidden("pay\u200bpal", stage=Stage.INPUT)
        [Finding(start=3, end=4, type='zero_width', score=1.0)]
    """
    found: list[Finding] = []
    if not text.isascii():
        found += _characters(text)
        found += [Finding(word.start(), word.end(), "homoglyph") for word in masquerading_words(text)]
    if not stage.trusted and ("<" in text or "[" in text):
        found += hidden_sentences(text)
    if stage is Stage.OUTPUT and "//" in text:
        found += carrying_links(text, hosts=hosts)
    found.sort(key=lambda finding: (finding.start, HIDDEN_KINDS.index(finding.type)))
    apart: list[Finding] = []
    for finding in found:
        if not apart or finding.start >= apart[-1].end:
            apart.append(finding)
    return apart


def _characters(text: str) -> Iterator[Finding]:
    right_to_left = has_right_to_left(text)
    for match in _SUSPECT.finditer(text):
        run, before = match[0], text[match.start() - 1 : match.start()]
        kind = _kind(run, before, text[match.end() : match.end() + 1], right_to_left)
        if kind is not None:
            yield Finding(match.start(), match.end(), kind)


def _kind(run: str, before: str, after: str, right_to_left: bool) -> str | None:
    """What a run of invisible characters of one sort is; None where it belongs there."""
    first = ord(run[0])
    if 0xE0000 <= first <= 0xE007F:
        flag = before == _SUBDIVISION_FLAG and run.endswith(_END_OF_TAGS) and len(run) <= _LONGEST_FLAG
        return None if flag else "smuggled"
    if 0xFE00 <= first <= 0xFE0F or 0xE0100 <= first <= 0xE01EF:
        return "smuggled" if len(run) > 2 or carried_text(run) else None
    if (
        first == 0x061C
        or first == 0x200E
        or first == 0x200F
        or 0x202A <= first <= 0x202E
        or 0x2066 <= first <= 0x2069
    ):
        return "bidi" if not right_to_left or _OVERRIDES & set(run) else None
    if run == "\ufeff" and not before:
        return None  # the byte order mark of a file
    if (
        len(run) == 1
        and run in _JOINERS
        and before
        and (
            (_JOINED.match(before) and _JOINED.match(after or before))
            or (_PICTURE.match(before) and _PICTURE.match(after))
        )
    ):
        return None
    return "zero_width"


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenTextGuard:
    """Hits where a text hides something from the person who sees it.

    Attributes:
        find: Kinds to look for; all, where empty.
        hosts: Hosts to which output may link and from which it may show images, with their subdomains.
        name: As the contract names it.
    """

    find: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    name: str = "hidden_text"

    version = _VERSION
    estimates = False
    waits = False
    window: int | None = LINK_WINDOW

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Look at characters at every stage, at markup in text from outside, at links in output."""
        found = tuple(
            finding
            for finding in find_hidden(payload, stage=stage, hosts=self.hosts)
            if not self.find or finding.type in self.find
        )
        if not found:
            return GuardVerdict(guard=self.name, version=self.version, outcome=Outcome.PASS)
        kinds = sorted({finding.type for finding in found}, key=HIDDEN_KINDS.index)
        return GuardVerdict(
            guard=self.name,
            version=self.version,
            outcome=Outcome.HIT,
            category=kinds[0],
            spans=found,
            reason=f"hides something: {', '.join(kind.replace('_', ' ') for kind in kinds)}",
        )
