"""What guards that others wrote answer, read as a verdict: functions, services, models.

May import ``answers`` and the verdicts. An answer is a truth value, a score from 0 to 1, a mapping, or a
verdict. Whatever else comes is an error, which the pipeline turns into *could not check*. Of their texts only
the category goes on, where it is a word: a reason could repeat what was checked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from launchworthy.runtime.guards.answers import hit, passed, unchecked
from launchworthy.runtime.guards.verdict import Finding, Guard, GuardVerdict, Outcome

__all__ = ["DEFAULT_THRESHOLD", "Limits", "read_answer"]

DEFAULT_THRESHOLD = 0.5
_CATEGORY = re.compile(r"[^\W\d_][\w./-]{0,59}")
_MOST_SPANS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From which score a category counts.

    Attributes:
        find: Categories that count; empty: all.
        threshold: Score from which any does; None leaves it to the answer's own decision, and to 0.5 where
            it has none.
        thresholds: The same for single categories.
    """

    find: frozenset[str] = frozenset()
    threshold: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def least(self, category: str | None) -> float:
        """Score from which this category counts."""
        if category is not None and category in self.thresholds:
            return self.thresholds[category]
        return DEFAULT_THRESHOLD if self.threshold is None else self.threshold

    def decides(self, category: str | None) -> bool:
        """Whether a threshold was declared that applies to it."""
        return self.threshold is not None or (category is not None and category in self.thresholds)

    def counts(self, category: str | None) -> bool:
        """Whether the category is one that is looked for."""
        return not self.find or category in self.find


def read_answer(guard: Guard, answer: Any, *, text: str, limits: Limits) -> GuardVerdict:
    """The verdict that an answer means.

    Raises:
        ValueError: It means none.
    """
    if isinstance(answer, GuardVerdict):
        return _verdict(guard, answer, text)
    if isinstance(answer, Mapping):
        return _mapping(guard, answer, text, limits)
    plain = _plain(answer)
    if isinstance(plain, bool):
        return _said(guard, plain, None, None, ())
    return _said(guard, None, _score(plain), None, (), limits)


def _plain(value: Any) -> Any:
    """Numbers of NumPy as Python's own."""
    if isinstance(value, (bool, int, float, str)) or value is None:
        return value
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "shape", None) == () else value


def _score(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"a score is {type(value).__name__}")
    number = float(value)
    if not (math.isfinite(number) and 0.0 <= number <= 1.0):
        raise ValueError("a score is not from 0 to 1")
    return number


def _verdict(guard: Guard, answer: GuardVerdict, text: str) -> GuardVerdict:
    if answer.outcome is Outcome.COULD_NOT_CHECK:
        return unchecked(guard, "its function could not check")
    score = None if answer.score is None else _score(_plain(answer.score))
    if answer.outcome is Outcome.PASS:
        return passed(guard, score=score)
    if answer.outcome is not Outcome.HIT:
        raise ValueError("no outcome")
    spans = [(s.start, s.end, s.type, s.score) for s in answer.spans]
    return _said(guard, True, score, _word(answer.category), _spans(spans, text))


def _mapping(guard: Guard, answer: Mapping[Any, Any], text: str, limits: Limits) -> GuardVerdict:
    said = answer.get("verdict", answer.get("outcome"))
    if said == Outcome.COULD_NOT_CHECK:
        return unchecked(guard, "it could not check")
    decided: bool | None = None
    if said is not None:
        if said not in (Outcome.PASS.value, Outcome.HIT.value):
            raise ValueError("its verdict is none of pass, hit and could_not_check")
        decided = said == Outcome.HIT.value
    for name in ("hit", "flagged"):
        if decided is None and answer.get(name) is not None:
            value = _plain(answer[name])
            if not isinstance(value, bool):
                raise ValueError(f"{name} is not true or false")
            decided = value
    score = None if answer.get("score") is None else _score(_plain(answer["score"]))
    if decided is None and score is None:
        raise ValueError("it says neither a verdict nor a score")
    given = answer.get("spans") or ()
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise ValueError("spans are no list")
    rows = [
        (each.get("start"), each.get("end"), each.get("type"), each.get("score", 1.0))
        if isinstance(each, Mapping)
        else tuple(each)
        for each in given[:_MOST_SPANS]
    ]
    return _said(guard, decided, score, _word(answer.get("category")), _spans(rows, text), limits)


def _said(
    guard: Guard,
    decided: bool | None,
    score: float | None,
    category: str | None,
    spans: Sequence[Finding],
    limits: Limits | None = None,
) -> GuardVerdict:
    limits = limits or Limits()
    if score is not None and (decided is None or limits.decides(category)):
        decided = score >= limits.least(category)
    if not decided or not limits.counts(category):
        return passed(guard, score=score)
    return hit(guard, category or "flagged", score=score, spans=spans, reason="it was flagged")


def _word(value: Any) -> str | None:
    """A category that may go into records: a short word."""
    return value if isinstance(value, str) and _CATEGORY.fullmatch(value) else None


def _spans(rows: Sequence[Sequence[Any]], text: str) -> tuple[Finding, ...]:
    found = []
    for row in rows:
        if len(row) < 2:
            raise ValueError("a span has no start and end")
        start, end = row[0], row[1]
        if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
            raise ValueError("a span is not within the text")
        kind = _word(row[2]) if len(row) > 2 else None
        found.append(Finding(start, end, kind or "flagged", _score(_plain(row[3])) if len(row) > 3 else 1.0))
    found.sort(key=lambda each: (each.start, -each.end))
    apart: list[Finding] = []
    for each in found:
        if not apart or each.start >= apart[-1].end:
            apart.append(each)
    return tuple(apart)
