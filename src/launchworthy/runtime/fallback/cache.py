"""Answers that were given before, by what they were given to: for when no model answers.

Standard library only. Content-addressed: the key is a hash of workflow, release, question and what the
caller may see, so that one user's answer never reaches another whose rights differ, and a new release begins
anew. An answer that rests on what only one person may see is kept under that person. Forgetting a person
takes their entries, and those in which they stand, out.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["AnswerCache", "CachedAnswer", "MemoryAnswerCache", "answer_key"]

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedAnswer:
    """One answer as it went out.

    Attributes:
        text: The answer, after its guards.
        cites: Ids of the passages it rests on.
        at_s: When it was given, in seconds of the cache's clock.
    """

    text: str
    cites: tuple[str, ...] = ()
    at_s: float = 0.0


class AnswerCache(Protocol):
    """Where answers are kept."""

    def get(self, key: str) -> CachedAnswer | None:
        """The answer under a key; None where there is none, or it is too old."""
        ...

    def put(self, key: str, answer: CachedAnswer, *, people: Sequence[str]) -> None:
        """Keep an answer; ``people`` are those whose erasure takes it out."""
        ...

    def forget(self, person: str) -> int:
        """Take out every answer of a person; answers how many."""
        ...


def answer_key(
    *,
    product: str,
    workflow: str,
    release: str | None,
    question: str,
    roles: Sequence[str],
    scopes: Mapping[str, str],
    user: str | None,
    cohort: str | None = None,
) -> str:
    """The address of an answer: the same only for the same question, asked with the same rights.

    Args:
        product: Of the contract.
        workflow: Likewise.
        release: That answered.
        question: As it went to the model; case and spaces do not count.
        roles: Of the caller.
        scopes: Whose rows the caller may reach.
        user: The caller, where the answer rests on anything that is not for everybody; else None.
        cohort: Arm of an experiment that the caller is in: no arm is served what another was answered.
    """
    what = [
        product,
        workflow,
        release,
        " ".join(question.split()).casefold(),
        sorted(set(roles)),
        dict(sorted(scopes.items())),
        user,
        *([] if cohort is None else [cohort]),
    ]
    plain = json.dumps(what, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


class MemoryAnswerCache:
    """The answers of one process, the least used forgotten first.

    Args:
        most: Answers kept.
        keep_s: How long one may be given again.
        clock: Seconds that do not go back.
    """

    def __init__(self, *, clock: Callable[[], float], most: int = 5_000, keep_s: float = _DAY_S) -> None:
        self._clock, self._most, self._keep_s = clock, most, keep_s
        self._answers: OrderedDict[str, tuple[CachedAnswer, float, frozenset[str]]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> CachedAnswer | None:
        """The answer under a key."""
        with self._lock:
            found = self._answers.get(key)
            if found is None:
                return None
            answer, kept_s, _ = found
            if self._clock() - kept_s > self._keep_s:
                del self._answers[key]
                return None
            self._answers.move_to_end(key)
            return answer

    def put(self, key: str, answer: CachedAnswer, *, people: Sequence[str]) -> None:
        """Keep an answer."""
        with self._lock:
            self._answers[key] = (answer, self._clock(), frozenset(each for each in people if each))
            self._answers.move_to_end(key)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)

    def forget(self, person: str) -> int:
        """Take out every answer of a person."""
        with self._lock:
            gone = [key for key, (_, _, people) in self._answers.items() if person in people]
            for key in gone:
                del self._answers[key]
            return len(gone)
