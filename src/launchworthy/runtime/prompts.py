"""What was said in the messages of a prompt, and last by the user. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Said", "conversation_of", "last_said"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the user said last.

    Attributes:
        text: The words; of a message in parts, the parts as JSON.
        place: Which message it is; None where the whole prompt is one text.
        replaceable: Whether another text can stand in its place.
    """

    text: str
    place: int | None = None
    replaceable: bool = True

    def with_text(self, messages: Any, text: str) -> Any:
        """The messages with another text in its place, where one can stand there."""
        if self.place is None:
            return text
        if not self.replaceable:
            return messages
        changed = {**messages[self.place], "content": text}
        return [*messages[: self.place], changed, *messages[self.place + 1 :]]


def last_said(messages: Any) -> Said | None:
    """What the user said last; None where no message is the user's."""
    if isinstance(messages, str):
        return Said(text=messages)
    if not isinstance(messages, (list, tuple)):
        return None
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if not isinstance(message, Mapping) or message.get("role") != "user":
            continue
        content = message.get("content")
        if isinstance(content, str):
            return Said(text=content, place=place)
        text = json.dumps(content, ensure_ascii=False, default=str)
        return Said(text=text, place=place, replaceable=False)
    return None


def conversation_of(messages: Any) -> tuple[tuple[str, str], ...]:
    """Role and words of what user and model said, oldest first; a part that is no text is left out."""
    if not isinstance(messages, (list, tuple)):
        return ()
    said = [
        (str(message["role"]), _words(message.get("content")))
        for message in messages
        if isinstance(message, Mapping) and message.get("role") in ("user", "assistant")
    ]
    return tuple((role, words) for role, words in said if words)


def _words(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, (list, tuple)) else ()
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str))
