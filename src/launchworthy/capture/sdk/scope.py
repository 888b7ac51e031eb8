"""What stands on every record of a call: product, workflow, release, cohort, user, session.

It travels in OpenTelemetry's context, so that it reaches threads and tasks wherever the parent span does, and
the spans of other instrumentations too. May import ``records`` and OpenTelemetry's API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from launchworthy.records.attributes import GenAI, Own
from launchworthy.records.calls import SHADOW

if TYPE_CHECKING:
    from launchworthy.capture.sdk.span import Span

__all__ = ["CARRIED", "Scope", "current_scope", "enter", "leave", "scope_in", "shadowing", "with_scope"]

# Attributes that every span inside a call repeats.
CARRIED: Final = (
    Own.PRODUCT,
    Own.WORKFLOW,
    Own.RELEASE,
    Own.COHORT,
    Own.SHADOW_OF,
    GenAI.USER_ID,
    GenAI.SESSION_ID,
    Own.SIMULATED,
)
_KEY: Final = otel_context.create_key("launchworthy-scope")


class Scope:
    """The attributes to repeat, and the span they were set on (None outside any)."""

    __slots__ = ("carried", "outside", "span")

    def __init__(self, carried: dict[str, Any], span: Span | None) -> None:
        self.carried, self.span = carried, span
        self.outside: Context | None = None  # around its block, where that was left before one inside it

    def change(self, changes: Mapping[str, Any]) -> None:
        """From now on; spans that have begun keep what they have."""
        self.carried = {**self.carried, **changes}


def scope_in(context: Context | None) -> Scope | None:
    """The scope of a context, the current one if None is given."""
    found = (otel_context.get_current() if context is None else context).get(_KEY)
    return found if isinstance(found, Scope) else None


def current_scope() -> Scope | None:
    """The scope of the code that runs now."""
    return scope_in(None)


def shadowing() -> bool:
    """Whether nobody sees what this code comes to: it runs beside the live release."""
    scope = scope_in(None)
    return scope is not None and scope.carried.get(Own.COHORT) == SHADOW


def with_scope(scope: Scope, context: Context) -> Context:
    """A context that has this scope."""
    return otel_context.set_value(_KEY, scope, context)


def enter(context: Context) -> Context:
    """Make a context current; answers the one before, for :func:`leave`."""
    before = otel_context.get_current()
    otel_context.attach(context)
    return before


def leave(context: Context, before: Context) -> None:
    """Make the one before current again, unless this thread or task has gone elsewhere meanwhile.

    By value and not by token: a generator that is closed early may be closed in another task, where a token
    would be refused. Blocks left in another order than the reverse of their entering leave nothing behind.
    """
    if otel_context.get_current() is not context:
        if (scope := scope_in(context)) is not None:
            scope.outside = before
        return
    while (scope := scope_in(before)) is not None and scope.outside is not None:
        before = scope.outside
    otel_context.attach(before)
