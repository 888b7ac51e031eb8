"""Retrieved documents as they may be stored. Imports orjson."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from launchworthy.capture.columns import json_text
from launchworthy.capture.dialects.messages import loaded

__all__ = ["storable"]


def storable(found: Any, *, source: Any, unstorable: frozenset[str]) -> tuple[str, bool]:
    """JSON text of documents, and whether any was reduced to its id, score and source.

    Args:
        found: A list of ``{id, score, content, source}``, or its JSON text.
        source: Where all of them come from, if the span says so.
        unstorable: Sources whose text may not be stored.
    """
    if not unstorable:
        return json_text(found), False
    documents = loaded(found)
    if not isinstance(documents, list):
        documents = [documents]
    reduced = False
    kept: list[Any] = []
    for document in documents:
        if not _bound(document, source, unstorable):
            kept.append(document)
            continue
        reduced = True
        kept.append(_reduced(document, source) if isinstance(document, Mapping) else {})
    return orjson.dumps(kept).decode(), reduced


def _reduced(document: Mapping[str, Any], source: Any) -> dict[str, Any]:
    """That it was read stays on record, and not what it says."""
    kept = {name: document[name] for name in ("id", "score", "scope_checked") if name in document}
    named = _source(document) or source
    return {**kept, "source": named} if isinstance(named, str) else kept


def _source(document: Mapping[str, Any]) -> Any:
    metadata = document.get("metadata")
    inner = metadata.get("source") if isinstance(metadata, Mapping) else None
    return document.get("source") or inner


def _bound(document: Any, source: Any, unstorable: frozenset[str]) -> bool:
    if isinstance(source, str) and source in unstorable:
        return True
    if not isinstance(document, Mapping):
        return False
    metadata = document.get("metadata")
    inner = metadata.get("source") if isinstance(metadata, Mapping) else None
    return any(isinstance(name, str) and name in unstorable for name in (document.get("source"), inner))
