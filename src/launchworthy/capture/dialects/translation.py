"""Which dialect a span speaks, and its attributes under the names that are stored.

A span that speaks the current names is left as it is after one look at its keys.
"""

from __future__ import annotations

from typing import Final

from launchworthy.capture.dialects import genai, openinference, openllmetry
from launchworthy.capture.otlp.record import SentSpan
from launchworthy.capture.storage_policy import IDENTITY
from launchworthy.records.attributes import GenAI, Own

__all__ = ["translate"]

_FOREIGN: Final = frozenset(
    {
        *genai.RENAMED,
        *openinference.MARKERS,
        *openinference.RENAMED,
        *openllmetry.MARKERS,
        *openllmetry.RENAMED,
        *IDENTITY,
    }
)


def translate(span: SentSpan) -> str:
    """Rewrite the span's attributes and events in place; answers the dialect, as the column names it."""
    attributes = span.attributes
    dialect = ""
    if not _FOREIGN.isdisjoint(attributes):
        if not openinference.MARKERS.isdisjoint(attributes):
            dialect = "openinference"
            openinference.rewrite(
                attributes, span.events, root=not span.parent_id.strip(b"\0"), start_ns=span.start_ns
            )
        elif not openllmetry.MARKERS.isdisjoint(attributes):
            dialect = "openllmetry"
            openllmetry.rewrite(attributes, span.events, start_ns=span.start_ns)
        genai.rename(attributes, genai.RENAMED)
        genai.rename(attributes, IDENTITY)
    if span.events:
        genai.from_events(attributes, span.events)
    if dialect:
        return dialect
    if Own.KIND in attributes:
        return "launchworthy"
    if GenAI.OPERATION in attributes:
        return "genai"
    return "genai" if any(name.startswith("gen_ai.") for name in attributes) else "otel"
