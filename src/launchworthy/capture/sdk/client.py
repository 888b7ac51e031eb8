"""What every call of the SDK needs: settings, tracer, pseudonyms, and where spans go when they end.

May import ``records``, OpenTelemetry's API and this folder.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry import context as otel_context
from opentelemetry import trace as otel_trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Tracer

from launchworthy.capture.sdk.pseudonyms import Pseudonyms
from launchworthy.capture.sdk.scope import Scope, scope_in, with_scope
from launchworthy.capture.sdk.settings import Settings
from launchworthy.capture.sdk.span import Span
from launchworthy.records.attributes import GenAI, Own
from launchworthy.records.calls import SHADOW

if TYPE_CHECKING:
    from launchworthy.capture.sdk.ended import EndedSpan, Event

__all__ = ["Client", "Sink"]

_CLIENT_KINDS = frozenset({"model", "embedding"})
_NOBODY = (None, "")  # one pseudonym for all who are not known would make them one person


class Sink(Protocol):
    """Takes what has ended. The exporter, or a list in tests."""

    def add_span(self, ended: EndedSpan) -> None:
        """Never waits, never raises."""

    def add_event(self, event: Event) -> None:
        """Likewise."""

    def flush(self, timeout_s: float) -> bool:
        """True once everything has arrived."""

    def close(self, timeout_s: float) -> None:
        """Take nothing more, and be done within the time."""

    def after_fork(self) -> None:
        """Begin anew in a child process."""


class Client:
    """What every call of the SDK needs.

    Args:
        settings: Of this process.
        tracer: Makes the spans.
        sink: Takes what has ended.
        pseudonyms: Of users and sessions.
        clock: Nanoseconds since the Unix epoch.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        tracer: Tracer,
        sink: Sink,
        pseudonyms: Pseudonyms,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.settings, self.tracer, self.sink = settings, tracer, sink
        self.pseudonyms, self.clock = pseudonyms, clock
        self.base: dict[str, Any] = {Own.PRODUCT: settings.product}
        if settings.release:
            self.base[Own.RELEASE] = settings.release
        self._outermost = Scope(self.base, None)

    def begin(
        self, kind: str, name: str, attributes: Mapping[str, Any], changes: Mapping[str, Any]
    ) -> tuple[Span, Context]:
        """A span that has begun, and the context in which the code inside it runs.

        Args:
            kind: One of ``records.KINDS``.
            name: Of the span.
            attributes: Of this span alone.
            changes: What else stands on it and on every span inside it.
        """
        context = otel_context.get_current()
        around = scope_in(context) or self._outermost
        carried = {**around.carried, **changes}
        if around.carried.get(Own.COHORT) == SHADOW:
            carried[Own.COHORT] = SHADOW  # nobody sees it, whatever a call inside says of itself
        begun_ns = self.clock()
        otel = self.tracer.start_span(
            name,
            context,
            kind=SpanKind.CLIENT if kind in _CLIENT_KINDS else SpanKind.INTERNAL,
            attributes={**carried, Own.KIND: kind, **attributes},
            start_time=begun_ns,
        )
        scope = Scope(carried, None)
        span = scope.span = Span(self, otel, kind=kind, name=name, scope=scope, begun_ns=begun_ns)
        return span, with_scope(scope, otel_trace.set_span_in_context(otel, context))

    def identity(
        self,
        *,
        user: str | None = None,
        session: str | None = None,
        cohort: str | None = None,
        product: str | None = None,
        workflow: str | None = None,
        release: str | None = None,
        simulated: bool | None = None,
    ) -> dict[str, Any]:
        """Attributes of who is served, by whom; user and session as pseudonyms."""
        found: dict[str, Any] = {}
        if product is not None:
            found[Own.PRODUCT] = str(product)
        if workflow is not None:
            found[Own.WORKFLOW] = str(workflow)
        if release is not None:
            found[Own.RELEASE] = str(release)
        if user not in _NOBODY:
            found[GenAI.USER_ID] = self.pseudonyms.user(user)
        if session not in _NOBODY:
            found[GenAI.SESSION_ID] = self.pseudonyms.session(session)
        if cohort is not None:
            found[Own.COHORT] = str(cohort)
        if simulated is not None:
            found[Own.SIMULATED] = bool(simulated)
        return found

    def unit(self, value: str, *, kind: str) -> str:
        """Who was assigned, as a pseudonym: a user's and a session's are those on every span."""
        return self.pseudonyms.session(value) if kind == "session" else self.pseudonyms.user(value)
