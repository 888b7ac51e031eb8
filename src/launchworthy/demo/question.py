"""What was really asked: hostile characters removed, instructions to the assistant set aside.

Pure; standard library and this room's edit distance only. A question is data: what it orders is never done.
Setting the order aside only keeps its words from drowning those of the question beside it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from launchworthy.demo.words import edit_distance

__all__ = ["LONGEST_QUESTION", "Question", "read_question"]

LONGEST_QUESTION = 4_000  # characters; nobody asks more of a reference
_FENCED = re.compile(
    r"<!--.*?(-->|$)|<\s*(system|instructions?|admin)\b[^>]*>.*?(<\s*/\s*\2\s*>|$)|\[INST\].*?(\[/INST\]|$)",
    flags=re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"<\s*/?\s*[A-Za-z_|][^<>]{0,40}>|\[/?[A-Z]{2,10}\]")
_CLAUSE = re.compile(
    r"(?<=[.?!;])\s+|\n+|(?<=:)\s+(?=(?:how|what|which|who|why|when|where)\b)", flags=re.IGNORECASE
)
_TAIL = re.compile(
    r"[,.:;]?\s*\b(?:and then|and also|and|then|also|but)\b[,:]?\s+"
    r"(?=(?:please\s+)?(?:how|what|which|why|when|where|explain|(?:tell|show) me (?:how|what)|i want)\b)",
    flags=re.IGNORECASE,
)
_TRIGGERS = tuple("ignore disregard override instructions previous prompt guidelines".split())
_ORDERS = tuple(
    re.compile(pattern, flags=re.IGNORECASE)
    for pattern in (
        r"\b(ignore|disregard|forget|bypass|override|skip)\b.{0,60}"
        r"\b(instructions?|rules?|guidelines?|polic(y|ies)|prompt|documentation|documents|above|everything)\b",
        r"\b(you are now|from now on|pretend|role-?play|act as|developer mode|jailbreak)\b",
        r"\b(you must|do not|don't|never)\b.{0,40}\b(answer|refus\w*|cite|rules?)\b",
        r"\brefus\w+ is forbidden\b|\brules? (are )?(disabled|off)\b|\bno rules\b",
        r"\b(new|following) (instructions?|rules?|orders?)\b",
        r"^\W*(system|admin(istrator)?|developer|assistant|user)\b[^:]{0,20}:",
        r"\b(print|reveal|show|repeat|output|reply|say|translate|answer|cite)\b.{0,60}"
        r"\b(prompt|instructions?|system message|word for word|above this|only|every (question|sentence))\b",
        r"\b(run|execute)\b.{0,60}\bfor me\b",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question as it is worked with.

    Attributes:
        text: What is asked; empty where nothing is.
        ordered: Parts that tell the assistant what to do; they were set aside.
        cut: Whether the question was longer than :data:`LONGEST_QUESTION`.
    """

    text: str
    ordered: tuple[str, ...] = ()
    cut: bool = False

    @property
    def injected(self) -> bool:
        """Whether somebody tried to give orders."""
        return bool(self.ordered)


def read_question(raw: str) -> Question:
    """Tell the question from the orders around it. Any text will do; none raises."""
    cut = len(raw) > LONGEST_QUESTION
    text = _printable(raw[:LONGEST_QUESTION])
    ordered = [found.group(0).strip() for found in _FENCED.finditer(text)]
    text = _TAG.sub(" ", _FENCED.sub(" ", text))
    kept: list[str] = []
    for clause in _CLAUSE.split(text):
        rest = _asked(clause, ordered)
        if rest:
            kept.append(rest)
    return Question(text=" ".join(kept), ordered=tuple(ordered), cut=cut)


def _asked(clause: str, ordered: list[str]) -> str:
    """What of the clause is no order; orders are added to the list."""
    clause = clause.strip()
    if not clause or not _is_order(clause):
        return clause if re.search(r"\w", clause) else ""
    parts = _TAIL.split(clause, maxsplit=1)
    ordered.append(parts[0].strip())
    return parts[1].strip() if len(parts) > 1 else ""


def _is_order(clause: str) -> bool:
    if re.match(r"\W*(how|what|which|why|when|where|who|whose)\b", clause, flags=re.IGNORECASE):
        return False  # it asks, whatever words it uses
    mended = re.sub(r"[A-Za-z]{4,}", lambda found: _mended(found.group(0)), clause)
    return any(order.search(mended) for order in _ORDERS)


def _mended(word: str) -> str:
    """A trigger word that was written almost right, as it is spelt."""
    lowered = word.lower()
    for trigger in _TRIGGERS:
        most = 1 if len(trigger) <= 6 else 2
        if abs(len(trigger) - len(lowered)) <= most and edit_distance(lowered, trigger, most=most) <= most:
            return trigger
    return word


def _printable(text: str) -> str:
    """Without control characters, half surrogates and marks that reorder text; NFKC."""
    whole = text.encode("utf-8", "replace").decode()
    plain = unicodedata.normalize("NFKC", whole)
    return "".join(
        character if character in "\n\t" or unicodedata.category(character)[0] != "C" else " "
        for character in plain
    )
