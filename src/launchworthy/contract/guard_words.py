"""The guards that a contract can name without saying what checks: what each looks for, and what it takes.

May import ``problem``. ``runtime`` builds them; a test holds its catalogue to these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from launchworthy.contract.problem import closest

__all__ = ["GUARD_WORDS", "OTHER_NAMES", "GuardWord", "built_in_name", "guard_suggestion"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardWord:
    """One built-in guard.

    Attributes:
        doc: What it looks for.
        takes: Keys of the contract that it reads besides ``checks``, ``action``, ``fail`` and ``mode``.
        needs: Of those, the ones without which it checks nothing.
        options: Its options, each with ``count``, ``flag`` or ``text``.
        estimates: Whether it scores by a model, and so needs a calibration before it may act.
        answers: Whether it reads answers only, against the passages that they rest on.
    """

    doc: str
    takes: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    options: Mapping[str, str] = field(default_factory=dict)
    estimates: bool = False
    answers: bool = False


_SCORED = frozenset({"threshold", "calibration", "false_positives"})

GUARD_WORDS: Mapping[str, GuardWord] = {
    "prompt_injection": GuardWord(
        doc="text that speaks to the model in the place of its owner",
        takes=_SCORED | {"except"},
        estimates=True,
    ),
    "pii": GuardWord(
        doc="personal data: by its form, and names, places and organisations by a model",
        takes=_SCORED | {"find", "thresholds", "except"},
    ),
    "pii_names": GuardWord(
        doc="names, addresses, organisations and places, by a model",
        takes=_SCORED | {"find", "thresholds", "except"},
        estimates=True,
    ),
    "secrets": GuardWord(doc="keys, tokens and passwords", takes=frozenset({"find", "except"})),
    "hidden_text": GuardWord(
        doc="what a model reads and a person does not see, and links that carry data away",
        takes=frozenset({"find"}),
        options={"hosts": "text"},
    ),
    "harm": GuardWord(doc="requests for what does harm", takes=_SCORED, estimates=True),
    "topic": GuardWord(
        doc="subjects that the product is not for: `terms`, and `not_for` of the expectations",
        takes=_SCORED | {"terms"},
        options={"examples": "text"},
    ),
    "terms": GuardWord(
        doc="words and phrases", takes=frozenset({"terms", "except"}), needs=frozenset({"terms"})
    ),
    "length": GuardWord(
        doc="texts that are too long", options={"max_characters": "count", "max_words": "count"}
    ),
    "language": GuardWord(
        doc="texts that are not in one of the languages of `find`",
        takes=frozenset({"find"}),
        needs=frozenset({"find"}),
    ),
    "json_schema": GuardWord(
        doc="texts that are no JSON of the schema",
        takes=frozenset({"schema"}),
        needs=frozenset({"schema"}),
    ),
    "citations": GuardWord(
        doc="answers without a citation", options={"every_sentence": "flag"}, answers=True
    ),
    "grounding": GuardWord(
        doc="answers that say what their passages do not", takes=_SCORED, estimates=True, answers=True
    ),
    "presidio": GuardWord(
        doc="personal data, by Presidio (`pip install 'launchworthy[presidio]'`)",
        takes=_SCORED | {"find", "thresholds", "except"},
        options={"language": "text", "model": "text"},
        estimates=True,
    ),
}
OTHER_NAMES: Mapping[str, str] = {
    "injection": "prompt_injection",
    "jailbreak": "prompt_injection",
    "moderation": "harm",
    "off_topic": "topic",
    "competitors": "terms",
    "forbidden_terms": "terms",
    "citation_required": "citations",
    "answered_outside_context": "grounding",
}


def built_in_name(name: str) -> str | None:
    """The built-in guard that a name stands for; None for a name of one's own."""
    return name if name in GUARD_WORDS else OTHER_NAMES.get(name)


def guard_suggestion(name: str, *, cutoff: float = 0.6) -> str:
    """``did you mean "x"?`` for the built-in guard most like this name; empty if none is like it."""
    return closest(name, (*GUARD_WORDS, *OTHER_NAMES), cutoff=cutoff)
