"""The call that runs now: its span, its trace id, who is served in it, and the parts of its answer.

May import ``records``, OpenTelemetry's API and this folder.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable
from types import TracebackType
from typing import Any, Literal, TypeVar

from opentelemetry import context as otel_context
from opentelemetry import trace as otel_trace
from opentelemetry.context import Context

from launchworthy.capture.sdk.block import nothing
from launchworthy.capture.sdk.process import client
from launchworthy.capture.sdk.scope import Scope, current_scope, enter, leave, with_scope
from launchworthy.capture.sdk.span import Span
from launchworthy.capture.sdk.streams import Stream

__all__ = ["Identify", "current_span", "current_trace_id", "identify", "stream"]

_T = TypeVar("_T")


def current_span() -> Span:
    """The innermost span of ours around this code; outside any, one that records nothing."""
    scope = current_scope()
    if scope is not None and scope.span is not None:
        return scope.span
    return nothing()[0]


def current_trace_id() -> str | None:
    """32 hexadecimal digits of the trace around this code, to give feedback about it later; None outside."""
    found = otel_trace.get_current_span().get_span_context()
    return f"{found.trace_id:032x}" if found.is_valid else None


class Identify:
    """A block whose spans stand for one user, session or cohort."""

    def __init__(self, *, user: str | None, session: str | None, cohort: str | None, simulated: bool | None):
        self._who = {"user": user, "session": session, "cohort": cohort, "simulated": simulated}
        self._entered: list[tuple[Context, Context]] = []

    def __enter__(self) -> None:
        found = client()
        around = current_scope() or Scope(found.base, None)
        changed = Scope({**around.carried, **found.identity(**self._who)}, around.span)  # type: ignore[arg-type]
        context = with_scope(changed, otel_context.get_current())
        self._entered.append((context, enter(context)))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        leave(*self._entered.pop())
        return False


def identify(
    *,
    user: str | None = None,
    session: str | None = None,
    cohort: str | None = None,
    simulated: bool | None = None,
) -> Identify:
    """Who is served inside this block, for instance in a web application's middleware.

    Args:
        user: A pseudonym of it is recorded.
        session: Likewise.
        cohort: Rollout stage or experiment arm.
        simulated: True if no real user asks.
    """
    return Identify(user=user, session=session, cohort=cohort, simulated=simulated)


def stream(
    parts: Iterable[_T] | AsyncIterable[_T], *, text: Callable[[Any], str | None] | None = None
) -> Stream[_T]:
    """Pass on the parts of an answer, and note them on the current span.

    A decorated function that answers the stream has a span that ends when the stream does.

    Args:
        parts: What a model's client streams, sync or async.
        text: Takes the text out of a part, where the parts are neither text nor a known client's chunks.
    """
    return Stream(parts, current_span(), text)
