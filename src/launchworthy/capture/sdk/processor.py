"""Our place in OpenTelemetry's provider: marks spans of others that run inside ours, and queues what ends.

May import OpenTelemetry's SDK, ``records`` and this folder. What has nothing to do with AI and runs outside
any call of ours (a web request, a database query) is left to the application's own exporters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import get_current_span

from launchworthy.capture.sdk.ended import EndedSpan
from launchworthy.capture.sdk.problems import quiet
from launchworthy.capture.sdk.scope import CARRIED, scope_in
from launchworthy.records.attributes import GenAI, Own

if TYPE_CHECKING:
    from launchworthy.capture.sdk.client import Client

__all__ = ["TRACER", "Processor"]

TRACER: Final = "launchworthy"
_AI_PREFIXES: Final = ("gen_ai.", "llm.", "openinference.", "traceloop.", "mlflow.", "langfuse.")
_MOST_OUTSIDE: Final = 10_000


class Processor(SpanProcessor):
    """One for each provider; hands spans to the client that is in force."""

    def __init__(self) -> None:
        self.client: Client | None = None
        self._outside: set[int] = set()  # ids of open spans that will not be sent

    @quiet
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Repeat on a span of others what stands on the call around it."""
        scope = span.instrumentation_scope
        if self.client is None or (scope is not None and scope.name == TRACER):
            return
        if (around := scope_in(parent_context)) is not None:
            span.set_attributes(around.carried)
            return
        # An instrumentation that hands on the parent span without its context.
        parent = getattr(get_current_span(parent_context), "attributes", None) or {}
        if Own.PRODUCT in parent:
            span.set_attributes({name: parent[name] for name in CARRIED if name in parent})
        elif not _speaks_ai(span.attributes or {}):
            if len(self._outside) >= _MOST_OUTSIDE:
                self._outside.clear()
            self._outside.add(span.get_span_context().span_id)

    @quiet
    def on_end(self, span: ReadableSpan) -> None:
        """Queue the span, if it is ours, inside ours, or of an AI instrumentation."""
        client, context = self.client, span.context
        if client is None or context is None:
            return
        outside = self._outside
        if outside:
            outside.discard(context.span_id)
        if not context.trace_flags.sampled:
            return
        attributes = _plain(span.attributes)
        if Own.PRODUCT not in attributes:
            if not _speaks_ai(attributes):
                return
            attributes.update(client.base)
        scope = span.instrumentation_scope
        if scope is None or scope.name != TRACER:  # of others, who may have named a person
            if (user := attributes.get(GenAI.USER_ID)) is not None:
                attributes[GenAI.USER_ID] = client.pseudonyms.user(user)
            if (session := attributes.get(GenAI.SESSION_ID)) is not None:
                attributes[GenAI.SESSION_ID] = client.pseudonyms.session(session)
        parent = span.parent
        root = bool(outside) and parent is not None and not parent.is_remote and parent.span_id in outside
        size = 0
        for value in attributes.values():
            if type(value) is str:
                size += len(value)
        client.sink.add_span(EndedSpan(span, attributes, root, size))

    def shutdown(self) -> None:
        """The application ends its provider."""
        if self.client is not None:
            self.client.sink.close(self.client.settings.exit_s)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until a server has what is queued, at most so long."""
        return self.client is None or self.client.sink.flush(timeout_millis / 1e3)


def _plain(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """A dict of our own; OpenTelemetry's mapping copies itself at a tenth of what reading it by key costs."""
    copy = getattr(attributes, "copy", None)
    copied = attributes or {} if copy is None else copy()
    return copied if isinstance(copied, dict) else dict(copied)


def _speaks_ai(attributes: Mapping[str, Any]) -> bool:
    return any(name.startswith(_AI_PREFIXES) for name in attributes)
