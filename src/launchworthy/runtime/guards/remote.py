"""A guard behind an address: ``uses: https://…``.

May import ``http_calls``, ``foreign`` and the verdicts. It reads three forms of answer: OpenAI's moderation,
a verdict of our own kind (``verdict``, ``category``, ``score``, ``spans``), and any other by JSON Pointers
that the options name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from launchworthy.errors import InputError
from launchworthy.runtime.guards.answers import hit, passed, unchecked
from launchworthy.runtime.guards.foreign import Limits, read_answer
from launchworthy.runtime.guards.http_calls import HttpJson, NotAnswered
from launchworthy.runtime.guards.verdict import GuardContext, GuardVerdict, Stage

__all__ = ["RemoteGuard", "Shape"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a service is asked, and where its answer stands (JSON Pointers).

    Attributes:
        request: Field of the request that holds the text.
        model: Model to ask for; none is named if None.
        score: Where the score stands, 0 to 1.
        flagged: Where the decision stands.
        category: Where the category stands.
    """

    request: str = "input"
    model: str | None = None
    score: str | None = None
    flagged: str | None = None
    category: str | None = None

    def __post_init__(self) -> None:
        for each in ("score", "flagged", "category"):
            pointer = getattr(self, each)
            if pointer is not None and not pointer.startswith("/"):
                raise InputError(
                    f"{pointer!r:.60} is not a JSON Pointer",
                    where=f"options/{each}",
                    hint="write /results/0/score",
                )
        if self.category is not None and self.score is None and self.flagged is None:
            raise InputError(
                "a category alone is no answer", where="options", hint="name score or flagged as well"
            )


class RemoteGuard:
    """Asks a service; what it does not answer in time, or not in a known form, could not be checked.

    Args:
        url: Its address.
        name: As the contract names it.
        shape: How it is asked.
        limits: From which scores it hits.
        key_env: Environment variable that holds its key.
        timeout_s: How long it may take.
    """

    estimates = True
    waits = True
    window: int | None = None

    def __init__(
        self,
        url: str,
        *,
        name: str,
        shape: Shape | None = None,
        limits: Limits | None = None,
        key_env: str | None = None,
        timeout_s: float = 2.0,
    ) -> None:
        self.name = name
        self._shape = shape or Shape()
        self._limits = limits or Limits()
        self._service = HttpJson(url, key_env=key_env, timeout_s=timeout_s)
        told = "\n".join([url, *(f"{f.name}={getattr(self._shape, f.name)}" for f in fields(Shape))])
        self.version = f"remote-{hashlib.sha256(told.encode(errors='replace')).hexdigest()[:8]}"

    def check(self, stage: Stage, payload: str, context: GuardContext) -> GuardVerdict:
        """Ask about one text."""
        body: dict[str, Any] = {self._shape.request: payload}
        if self._shape.model is not None:
            body["model"] = self._shape.model
        try:
            answer = self._service.ask(body)
        except NotAnswered as error:
            return unchecked(self, str(error))
        try:
            return self._read(answer, payload)
        except (ValueError, KeyError, TypeError, IndexError):
            return unchecked(self, "its answer has no form that is known")

    def _read(self, answer: Any, text: str) -> GuardVerdict:
        if not isinstance(answer, Mapping):
            raise ValueError("no object")
        shape = self._shape
        if shape.score is not None or shape.flagged is not None:
            given = {
                name: _at(answer, pointer)
                for name in ("score", "flagged", "category")
                if (pointer := getattr(shape, name)) is not None
            }
            return read_answer(self, given, text=text, limits=self._limits)
        results = answer.get("results")
        if isinstance(results, list):
            return self._moderation(results)
        return read_answer(self, answer, text=text, limits=self._limits)

    def _moderation(self, results: list[Any]) -> GuardVerdict:
        """OpenAI's: categories with scores, and whether it flags each."""
        if len(results) != 1 or not isinstance(results[0], Mapping):
            raise ValueError("not one result")
        flags, scores = (results[0].get(name) or {} for name in ("categories", "category_scores"))
        flagged = results[0].get("flagged")
        if not isinstance(flagged, bool) or not isinstance(scores, Mapping) or not isinstance(flags, Mapping):
            raise ValueError("no decision")
        wanted = [name for name in {*flags, *scores} if self._limits.counts(name)]
        if not scores:
            on = sorted(name for name in wanted if flags[name] is True)
            decided = bool(on) if self._limits.find else flagged
            return read_answer(
                self,
                {"hit": decided, "category": on[0] if on else None},
                text="",
                limits=Limits(),
            )
        strongest: tuple[float, str] | None = None
        highest = 0.0
        for name in wanted:
            score = read_answer(self, scores[name], text="", limits=self._limits).score or 0.0
            highest = max(highest, score)
            decides = self._limits.decides(name)
            on_here = score >= self._limits.least(name) if decides else flags.get(name) is True
            if on_here and (strongest is None or (score, name) > strongest):
                strongest = (score, name)
        if strongest is None:
            if flagged and self._limits == Limits():
                return hit(self, "flagged", score=highest, reason="it was flagged")
            return passed(self, score=highest)
        return read_answer(
            self,
            {"hit": True, "score": strongest[0], "category": strongest[1]},
            text="",
            limits=Limits(),
        )


def _at(value: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value[step]
        elif isinstance(value, list) and step.isdecimal():
            value = value[int(step)]
        else:
            raise ValueError("nothing stands there")
    return value
