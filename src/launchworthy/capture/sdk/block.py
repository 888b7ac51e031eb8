"""A span to be: what decorates a function, or encloses code with ``with``.

May import ``records`` and this folder. A decorated function keeps its kind: function, coroutine, generator or
async generator. The span of a generator is current only while the generator's own code runs.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Literal, ParamSpec, Self, TypeVar, cast

from opentelemetry.context import Context, get_current
from opentelemetry.trace import INVALID_SPAN

from launchworthy.capture.sdk.generators import wrap_async_generator, wrap_generator
from launchworthy.capture.sdk.payload import attribute
from launchworthy.capture.sdk.problems import once, quiet
from launchworthy.capture.sdk.process import client
from launchworthy.capture.sdk.scope import Scope, current_scope, enter, leave, with_scope
from launchworthy.capture.sdk.span import Span
from launchworthy.capture.sdk.streams import Stream

__all__ = ["Block", "nothing"]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_STATIC_CHARACTERS = 4_096  # of an attribute that all spans of a block have


class Block:
    """A span to be: decorates functions, or encloses code with ``with``.

    Args:
        kind: One of ``records.KINDS``.
        name: What it is called; a decorated function's own name if None.
        prefix: Of the span's name, by the GenAI conventions.
        named: Attribute that holds the name, if any.
        attributes: Of each of its spans.
        identity: Arguments of ``Client.identity``.
        capture: Whether a decorated function's arguments and answer are recorded.
        takes_name: Whether a decorated function gives its name where none was given.
    """

    def __init__(
        self,
        kind: str,
        name: str | None,
        *,
        prefix: str = "",
        named: str | None = None,
        attributes: Mapping[str, Any],
        identity: Mapping[str, Any] | None = None,
        capture: bool = True,
        takes_name: bool = True,
    ) -> None:
        self.kind, self.name, self.capture = kind, name, capture
        self._prefix, self._named, self._identity = prefix, named, identity
        self._given, self._takes_name = attributes, takes_name
        self._entered: list[tuple[Span, Context, Context]] = []
        self._prepare(name)

    def _prepare(self, name: str | None) -> None:
        """Once, what is the same for each span."""
        self.attributes = {
            key: attribute(value, limit=_STATIC_CHARACTERS)
            for key, value in self._given.items()
            if value is not None
        }
        if self._named is not None and name:
            self.attributes[self._named] = name
        self.span_name = f"{self._prefix} {name or ''}".strip() or self.kind
        self.changes = {key: value for key, value in (self._identity or {}).items() if value is not None}
        if self.kind == "workflow" and name:
            self.changes["workflow"] = name

    def begin(self) -> tuple[Span, Context]:
        """A span, and the context for the code inside. Never raises."""
        found = client()
        try:
            changes = found.identity(**self.changes) if self.changes else {}
            return found.begin(self.kind, self.span_name, self.attributes, changes)
        except Exception as error:
            once("bug:begin", "a span could not begin: %r", error)
            return nothing()

    def __enter__(self) -> Span:
        span, context = self.begin()
        self._entered.append((span, context, enter(context)))
        return span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        # Several threads or tasks may be inside one block: each leaves what it entered.
        current, entered = get_current(), self._entered
        mine = next((entry for entry in reversed(entered) if entry[1] is current), entered[-1])
        entered.remove(mine)
        span, context, before = mine
        leave(context, before)
        if error is not None and not isinstance(error, GeneratorExit):
            span.fail(error)
        span.end()
        return False

    def __call__(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        """The function, with a span for each of its calls."""
        named = self._renamed(function) if self.name is None and self._takes_name else self
        return _decorate(named, function)

    def _renamed(self, function: Callable[..., Any]) -> Self:
        return type(self)(
            self.kind,
            getattr(function, "__name__", type(function).__name__),
            prefix=self._prefix,
            named=self._named,
            attributes=self._given,
            identity=self._identity,
            capture=self.capture,
        )


def nothing() -> tuple[Span, Context]:
    """A span that records nothing, and the context that runs now with it."""
    found = client()
    around = current_scope()
    scope = Scope(around.carried if around is not None else found.base, None)
    span = scope.span = Span(found, INVALID_SPAN, kind="other", name="", scope=scope, begun_ns=0)
    return span, with_scope(scope, get_current())


def _decorate(block: Block, function: Callable[_P, _R]) -> Callable[_P, _R]:
    names = _parameters(function)

    @quiet
    def given(span: Span, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if block.capture and span.recording:
            _set_arguments(span, _arguments(names, args, kwargs))

    def answered(span: Span, value: Any) -> None:
        if block.capture and value is not None:
            span.set_output(value)
        span.end()

    if inspect.isasyncgenfunction(function):
        return cast(Callable[_P, _R], wrap_async_generator(block, function, given))
    if inspect.isgeneratorfunction(function):
        return cast(Callable[_P, _R], wrap_generator(block, function, given))

    async def finish(span: Span, context: Context, awaitable: Any) -> Any:
        before = enter(context)
        try:
            value = await awaitable
        except BaseException as error:
            span.fail(error)
            span.end()
            raise
        finally:
            leave(context, before)
        if isinstance(value, Stream) and value.hand_over(span, capture=block.capture):
            return value
        answered(span, value)
        return value

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def coroutine(*args: _P.args, **kwargs: _P.kwargs) -> Any:
            span, context = block.begin()
            given(span, args, kwargs)
            return await finish(span, context, function(*args, **kwargs))

        return coroutine  # type: ignore[return-value]

    @functools.wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> Any:
        span, context = block.begin()
        given(span, args, kwargs)
        before = enter(context)
        try:
            value = function(*args, **kwargs)
        except BaseException as error:
            span.fail(error)
            span.end()
            raise
        finally:
            leave(context, before)
        if inspect.iscoroutine(value):  # a coroutine function in a wrapper that hides it
            return finish(span, context, value)
        if isinstance(value, Stream) and value.hand_over(span, capture=block.capture):
            return value
        answered(span, value)
        return value

    return call


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the positional parameters."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    return tuple(
        parameter.name
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    )


def _arguments(names: tuple[str, ...], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(zip(names, args, strict=False))
    if len(args) > len(names):
        found["args"] = args[len(names) :]
    found.update(kwargs)
    if names and names[0] in ("self", "cls"):
        found.pop(names[0], None)
    return found


def _set_arguments(span: Span, arguments: dict[str, Any]) -> None:
    if not arguments:
        return
    if span.kind == "tool":
        span.set_input(arguments)
    elif span.kind == "model" and isinstance(arguments.get("messages"), (list, tuple)):
        span.set_messages(arguments["messages"])
    elif span.kind == "retrieval" and isinstance(query := next(iter(arguments.values())), str):
        span.set_input(query)
    else:
        # One argument is the input itself; several are told apart by their names.
        span.set_input(next(iter(arguments.values())) if len(arguments) == 1 else arguments)
