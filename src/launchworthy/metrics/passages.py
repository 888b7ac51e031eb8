"""What an answer rests on: the passages of a row, and the ids that it cites. Pure; standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from launchworthy.metrics.metric import CannotScore

__all__ = ["Passage", "cited_ids", "passages"]

MOST_TEXT = 2_000_000  # characters of all passages
_TEXTS = ("text", "content", "passage", "page_content")
_IDS = ("id", "name", "source")


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage; without an id of its own its place, from 1, is its id."""

    id: str
    text: str


def passages(context: Any) -> list[Passage]:
    """The passages of a field ``context``: a text, a list of texts or of objects with a text, or id → text.

    Raises:
        CannotScore: It is none of these, or longer than 2,000,000 characters.
    """
    found = list(_read(context))
    if sum(len(passage.text) for passage in found) > MOST_TEXT:
        raise CannotScore(f"field 'context' is longer than {MOST_TEXT:,} characters")
    return found


def _read(context: Any) -> Iterable[Passage]:
    if isinstance(context, str):
        yield Passage("1", context)
    elif isinstance(context, Mapping):
        if any(isinstance(context.get(name), str) for name in _TEXTS):
            yield _of_object(context, 1)
            return
        for name, text in context.items():
            if not isinstance(text, str):
                raise CannotScore("field 'context' maps an id to what is no text")
            yield Passage(str(name), text)
    elif isinstance(context, (list, tuple)):
        for place, entry in enumerate(context, start=1):
            if isinstance(entry, str):
                yield Passage(str(place), entry)
            elif isinstance(entry, Mapping):
                yield _of_object(entry, place)
            else:
                raise CannotScore("field 'context' holds what is neither text nor an object with one")
    else:
        raise CannotScore("field 'context' is missing or no passages")


def _of_object(entry: Mapping[str, Any], place: int) -> Passage:
    text = next((entry[name] for name in _TEXTS if isinstance(entry.get(name), str)), None)
    if text is None:
        raise CannotScore("a passage of field 'context' has no text")
    name = next((entry[name] for name in _IDS if isinstance(entry.get(name), (str, int))), place)
    return Passage(str(name), text)


def cited_ids(value: Any, name: str) -> list[str]:
    """The ids of a field, each once, in order.

    Raises:
        CannotScore: It is no list of ids.
    """
    if not isinstance(value, (list, tuple)) or any(
        isinstance(item, bool) or not isinstance(item, (str, int)) for item in value
    ):
        raise CannotScore(f"field {name!r} is missing or not a list of ids")
    return list(dict.fromkeys(str(item) for item in value))
