"""Messages and documents in the form of the GenAI conventions, from the forms applications have.

Imports the standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["as_documents", "as_messages", "field_of"]

_MOST_DOCUMENTS = 200
_ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}  # LangChain's types


def as_messages(values: Sequence[Any]) -> list[dict[str, Any]] | None:
    """``[{"role", "parts": [{"type", …}]}]``; None if a value is no message."""
    messages = [_message(value) for value in values]
    if not messages or any(message is None for message in messages):
        return None
    return [message for message in messages if message is not None]


def as_documents(values: Any, *, content: bool) -> list[dict[str, Any]] | None:
    """``[{"id", "score", "content", "source"}]`` with what is known; None if it is no list of documents.

    The enforcer adds ``scope_checked``: the scope by which it saw that a document is the caller's own.

    Args:
        content: False leaves the text of the documents out.
    """
    if not isinstance(values, (list, tuple)):  # an iterator is the application's, to be read once
        return None
    documents = []
    for value in values[:_MOST_DOCUMENTS]:
        document = _document(value)
        if document is None:
            return None
        if not content:
            document.pop("content", None)
        documents.append(document)
    return documents


def _message(value: Any) -> dict[str, Any] | None:
    if isinstance(value, str):
        return {"role": "user", "parts": [{"type": "text", "content": value}]}
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(part, str) for part in value):
        return {"role": _ROLES.get(value[0], value[0]), "parts": [{"type": "text", "content": value[1]}]}
    role = field_of(value, "role")
    if not isinstance(role, str):
        role = field_of(value, "type")
        if not isinstance(role, str) or role not in _ROLES:
            return None
    parts = field_of(value, "parts")
    if not isinstance(parts, list):
        parts = _parts(field_of(value, "content"))
    calls = field_of(value, "tool_calls")
    for call in calls if isinstance(calls, (list, tuple)) else ():
        function = field_of(call, "function") or call
        arguments = field_of(function, "arguments") or field_of(function, "args")
        parts.append(
            {
                "type": "tool_call",
                "id": field_of(call, "id"),
                "name": field_of(function, "name"),
                "arguments": arguments,
            }
        )
    tool_call = field_of(value, "tool_call_id")
    if role == "tool" and tool_call is not None:
        parts = [{"type": "tool_call_response", "id": tool_call, "response": field_of(value, "content")}]
    return {"role": _ROLES.get(role, role), "parts": parts}


def _parts(content: Any) -> list[Any]:
    """Of a message's content: text, or a list of text and typed parts."""
    if content is None:
        return []
    if not isinstance(content, (list, tuple)):
        return [{"type": "text", "content": content}]
    return [
        {"type": "text", "content": text} if (text := _plain_text(part)) is not None else part
        for part in content
    ]


def _plain_text(part: Any) -> str | None:
    if isinstance(part, str):
        return part
    text = field_of(part, "text")
    return text if isinstance(text, str) else None


def _document(value: Any) -> dict[str, Any] | None:
    if isinstance(value, str):
        return {"content": value}
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], (int, float)):
        document = _document(value[0]) if not isinstance(value[0], str) else {"id": value[0]}
        return None if document is None else {**document, "score": value[1]}
    metadata = field_of(value, "metadata") or {}
    found = {
        "id": _first(value, metadata, "id", "doc_id", "document_id"),
        "score": _first(value, metadata, "score"),
        "content": _first(value, {}, "content", "text", "page_content"),
        "source": _first(value, metadata, "source", "url"),
        "scope_checked": field_of(value, "scope_checked"),
    }
    document = {name: entry for name, entry in found.items() if entry is not None}
    return document if "id" in document or "content" in document else None


def _first(value: Any, metadata: Any, *names: str) -> Any:
    for holder in (value, metadata):
        for name in names:
            if (found := field_of(holder, name)) is not None:
                return found
    return None


def field_of(value: Any, name: str) -> Any:
    """A field of a mapping or object; None if it has none."""
    if isinstance(value, Mapping):
        return value.get(name)
    if value is None or isinstance(value, (str, bytes, int, float, list, tuple)):
        return None
    return getattr(value, name, None)
