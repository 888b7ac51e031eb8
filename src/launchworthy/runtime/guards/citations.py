"""Answers that must say what they rest on. May import ``metrics`` and the verdicts."""

from __future__ import annotations

import re

from launchworthy.metrics.sentences import sentences, what_is_said
from launchworthy.runtime.guards.answers import hit, passed
from launchworthy.runtime.guards.verdict import Finding, GuardContext, GuardVerdict, Passage, Stage

__all__ = ["CitationsGuard", "context_rows"]

_MARK = re.compile(r"\[\^?([^\[\]\n]{1,200})\]")


def context_rows(passages: tuple[Passage, ...]) -> list[dict[str, str]]:
    """The passages as the metrics read them; one without an id goes by its place, from 1."""
    return [{"id": each.id or str(place), "text": each.text} for place, each in enumerate(passages, start=1)]


class CitationsGuard:
    """Hits where an answer that claims something cites none of its passages, or one that it was not given.

    A citation is a mark such as ``[2]`` or ``[returns.md]``, by the passage's id or its place from 1, or an
    entry of ``citations`` in the context's ``extra``.

    Args:
        every_sentence: Whether each sentence that claims something must carry one.
        name: As the contract names it.
    """

    estimates = False
    waits = False
    window: int | None = None  # the citation may stand at the end

    def __init__(self, *, every_sentence: bool = False, name: str = "citations") -> None:
        self.name = name
        self.version = f"citations-1{'-every' if every_sentence else ''}"
        self._every_sentence = every_sentence

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Look for marks in an answer."""
        rows = context_rows(context.passages)
        known = {row["id"] for row in rows} | {str(place) for place in range(1, len(rows) + 1)}
        marks = [mark for mark in _MARK.finditer(payload) if payload[mark.end() : mark.end() + 1] != "("]
        made = {mark: _ids(mark[1]) for mark in marks}
        given = context.extra.get("citations")
        apart = {str(each) for each in given} if isinstance(given, (list, tuple)) else set()
        strange = [mark for mark, ids in made.items() if ids.isdisjoint(known) and _like_a_citation(ids)]
        if strange or apart - known:
            spans = [Finding(mark.start(), mark.end(), "unknown_source") for mark in strange]
            return hit(self, "unknown_source", spans=spans, reason="it cites what it was not given")
        cited = apart | {name for ids in made.values() for name in ids & known}
        if cited and not self._every_sentence:
            return passed(self)
        bare = [
            sentence
            for sentence in sentences(payload)
            if not sentence.rstrip().endswith(("?", "\uff1f"))
            and what_is_said(_MARK.sub(" ", sentence)).claims
        ]
        if cited:
            bare = [each for each in bare if not any(_ids(m[1]) & known for m in _MARK.finditer(each))]
        if not bare:
            return passed(self)
        spans = [Finding(at, at + len(each), "uncited") for each in bare if (at := payload.find(each)) >= 0]
        return hit(
            self, "uncited", spans=_apart(spans), reason=f"{len(bare)} of its sentences rest on no citation"
        )


def _ids(inside: str) -> set[str]:
    return {part.strip().lstrip("^") for part in re.split("[,;]", inside)}


def _like_a_citation(ids: set[str]) -> bool:
    """A number, or the name of a file: a remark in brackets is none."""
    return all(name.isdecimal() or re.fullmatch(r"[\w./-]{1,80}\.[a-z]{2,5}", name) for name in ids)


def _apart(spans: list[Finding]) -> list[Finding]:
    apart: list[Finding] = []
    for span in sorted(spans, key=lambda each: each.start):
        if not apart or span.start >= apart[-1].end:
            apart.append(span)
    return apart
