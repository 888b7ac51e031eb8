"""Answers that need no model: one given before, sentences of what was found, or the list of it.

May import ``fallback`` and ``caller``.
"""

from __future__ import annotations

from collections.abc import Callable

from launchworthy.runtime.caller import Caller
from launchworthy.runtime.fallback import (
    AnswerCache,
    CachedAnswer,
    Fallback,
    Reply,
    Way,
    answer_key,
    best_sentences,
    listed_results,
)

__all__ = ["Instant"]


class Instant:
    """What one call can be answered with at once.

    Args:
        product: Of the contract.
        workflow: Likewise.
        cache: Answers given before.
        caller: Who asks.
        question: Answers what was asked.

    Attributes:
        private: Whether the answer rests on what is not for everybody who has the same rights.
    """

    def __init__(
        self, *, product: str, workflow: str, cache: AnswerCache, caller: Caller, question: Callable[[], str]
    ) -> None:
        self._product, self._workflow, self._cache = product, workflow, cache
        self._caller, self._question = caller, question
        self.private = bool(caller.scopes or caller.session)

    def answer(self, fallback: Fallback) -> Reply | None:
        """The answer of a fallback; None where it has none."""
        if fallback.way is Way.CACHED:
            known = None if self._is_nobodys else self._cache.get(self._key())
            return None if known is None else Reply(text=known.text, cites=known.cites)
        passages = [each.passage for each in self._caller.documents]
        find = best_sentences(self._question(), passages) if fallback.way is Way.EXTRACT else None
        found = find if fallback.way is Way.EXTRACT else listed_results(passages)
        return None if found is None else Reply(text=found.text, cites=found.cites)

    def keep(self, text: str, reply: Reply) -> None:
        """Remember an answer as it went out, under those whose erasure takes it out."""
        if self._question() and not self._is_nobodys:
            answer = CachedAnswer(text=text, cites=reply.cites)
            self._cache.put(self._key(), answer, people=self._caller.people)

    @property
    def _is_nobodys(self) -> bool:
        """Whether it is for one person only, and nobody can tell later who that was."""
        return self.private and not (self._caller.user or self._caller.session)

    def _key(self) -> str:
        return answer_key(
            product=self._product,
            workflow=self._workflow,
            release=self._caller.release,
            question=self._question(),
            roles=self._caller.roles,
            scopes=self._caller.scopes,
            user=self._person() if self.private else None,
            cohort=self._caller.cohort,
        )

    def _person(self) -> str:
        return f"user {self._caller.user}" if self._caller.user else f"session {self._caller.session}"
