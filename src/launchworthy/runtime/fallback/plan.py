"""What is tried when the model does not answer: the contract's ``fallbacks``, read once and in order.

May import ``contract`` and ``errors``. A word is a retry, a model, a built-in way to answer, a way to give
no answer, or something of the product's own: a text, or a function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from launchworthy.errors import InputError

__all__ = ["Fallback", "Way", "plan_of"]


class Way(StrEnum):
    """What kind of fallback it is."""

    RETRY = "retry"  # the same model again
    MODEL = "model"  # another one
    CACHED = "cached_answer"  # what was answered to the same question before
    EXTRACT = "extractive_answer"  # the sentences of the passages that fit best
    RESULTS = "search_results"  # the passages themselves, as a list
    OWN = "own"  # a text or function of the product
    NO_ANSWER = "no_answer"  # refuse, defer, ask or route

    @property
    def asks(self) -> bool:
        """Whether it takes time: it may begin beside a model that is slow."""
        return self in (Way.RETRY, Way.MODEL, Way.OWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """One entry.

    Attributes:
        name: As the contract writes it.
        way: What kind it is.
        rule: Its address: ``support/answer/fallbacks/retry_once``.
        times: Retries.
        own: The product's own text or function.
    """

    name: str
    way: Way
    rule: str
    times: int = 0
    own: str | Callable[..., Any] | None = None


_RETRIES = {"retry": 1, "retry_once": 1, "retry_twice": 2}
_BUILT_IN = {each.value: each for each in (Way.CACHED, Way.EXTRACT, Way.RESULTS)}
_GIVING_UP = ("refuse", "defer", "ask", "route")


def plan_of(
    names: tuple[str, ...],
    *,
    address: str,
    models: Mapping[str, Any],
    own: Mapping[str, str | Callable[..., Any]],
) -> tuple[Fallback, ...]:
    """Read the fallbacks of a workflow.

    Args:
        names: As the contract lists them.
        address: ``product/workflow``.
        models: Models by name.
        own: What the product brings itself, by name; it stands before what is built in.

    Raises:
        InputError: A fallback that nothing answers: it would be missed on the day it is needed.
    """
    found = []
    for name in names:
        rule = f"{address}/fallbacks/{_slug(name)}"
        if name in own:
            found.append(Fallback(name=name, way=Way.OWN, rule=rule, own=own[name]))
        elif name in models:
            found.append(Fallback(name=name, way=Way.MODEL, rule=rule))
        elif name in _RETRIES:
            found.append(Fallback(name=name, way=Way.RETRY, rule=rule, times=_RETRIES[name]))
        elif name in _BUILT_IN:
            found.append(Fallback(name=name, way=_BUILT_IN[name], rule=rule))
        elif name in _GIVING_UP:
            found.append(Fallback(name=name, way=Way.NO_ANSWER, rule=rule))
        else:
            built_in = ", ".join((*_RETRIES, *_BUILT_IN, *_GIVING_UP))
            raise InputError(
                f"nothing answers for the fallback {name!r:.80}",
                where=rule,
                hint=f"name it in models={{…}} or fallbacks={{…}} of the enforcer; built in are {built_in}",
            )
    return tuple(found)


def _slug(text: str) -> str:
    """As the claim about it is named."""
    return "".join(c if c.isalnum() or c in "_.@-" else "-" for c in text)
