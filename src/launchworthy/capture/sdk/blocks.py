"""``workflow``, ``step``, ``retrieval``, ``model_call``, ``tool``: decorators and blocks, a span each.

May import ``records`` and this folder. A decorated function keeps its kind: function, coroutine, generator or
async generator. The span of a generator is current only while the generator's own code runs.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Literal, ParamSpec, Self, TypeVar, cast, overload

from opentelemetry.context import Context, get_current
from opentelemetry.trace import INVALID_SPAN

from launchworthy.capture.sdk.client import client
from launchworthy.capture.sdk.generators import wrap_async_generator, wrap_generator
from launchworthy.capture.sdk.payload import attribute
from launchworthy.capture.sdk.problems import once, quiet
from launchworthy.capture.sdk.scope import Scope, current_scope, enter, leave, with_scope
from launchworthy.capture.sdk.span import Span
from launchworthy.capture.sdk.streams import Stream
from launchworthy.records.attributes import OPERATION_KINDS, GenAI
from launchworthy.records.release import Release

__all__ = ["Block", "model_call", "retrieval", "step", "tool", "workflow"]

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


@overload
def workflow(name: Callable[_P, _R], /) -> Callable[_P, _R]: ...
@overload
def workflow(
    name: str | None = None,
    /,
    *,
    user: str | None = None,
    session: str | None = None,
    cohort: str | None = None,
    release: str | Release | None = None,
    product: str | None = None,
    simulated: bool | None = None,
    capture: bool = True,
    attributes: Mapping[str, Any] | None = None,
) -> Block: ...
def workflow(
    name: Any = None,
    /,
    *,
    user: str | None = None,
    session: str | None = None,
    cohort: str | None = None,
    release: str | Release | None = None,
    product: str | None = None,
    simulated: bool | None = None,
    capture: bool = True,
    attributes: Mapping[str, Any] | None = None,
) -> Any:
    """One use of the product, by the name of the contract's workflow; all inside belongs to it.

    Args:
        name: Of the workflow; the function's own if not given.
        user: Who asks; a pseudonym is recorded.
        session: Of which conversation; likewise.
        cohort: Rollout stage or experiment arm.
        release: Release that serves, where it differs from the process's.
        product: Product, where it differs from the process's.
        simulated: True if no real user asks.
        capture: False records neither the function's arguments nor its answer.
        attributes: Anything else.
    """
    block = Block(
        "workflow",
        None if callable(name) else name,
        prefix="invoke_workflow",
        named=GenAI.WORKFLOW_NAME,
        attributes={GenAI.OPERATION: "invoke_workflow", **(attributes or {})},
        identity={
            "user": user,
            "session": session,
            "cohort": cohort,
            "release": release.id if isinstance(release, Release) else release,
            "product": product,
            "simulated": simulated,
        },
        capture=capture,
    )
    return block(name) if callable(name) else block


@overload
def step(name: Callable[_P, _R], /) -> Callable[_P, _R]: ...
@overload
def step(
    name: str | None = None, /, *, capture: bool = True, attributes: Mapping[str, Any] | None = None
) -> Block: ...
def step(name: Any = None, /, *, capture: bool = True, attributes: Mapping[str, Any] | None = None) -> Any:
    """A part of a workflow that is neither retrieval, model nor tool."""
    block = Block(
        "step",
        None if callable(name) else name,
        attributes=attributes or {},
        capture=capture,
    )
    return block(name) if callable(name) else block


@overload
def retrieval(name: Callable[_P, _R], /) -> Callable[_P, _R]: ...
@overload
def retrieval(
    name: str | None = None, /, *, capture: bool = True, attributes: Mapping[str, Any] | None = None
) -> Block: ...
def retrieval(
    name: Any = None, /, *, capture: bool = True, attributes: Mapping[str, Any] | None = None
) -> Any:
    """A search for context, by the name of its data source; its answer is the list of documents."""
    block = Block(
        "retrieval",
        None if callable(name) else name,
        prefix="retrieval",
        named=GenAI.DATA_SOURCE,
        attributes={GenAI.OPERATION: "retrieval", **(attributes or {})},
        capture=capture,
    )
    return block(name) if callable(name) else block


@overload
def model_call(model: Callable[_P, _R], /) -> Callable[_P, _R]: ...
@overload
def model_call(
    model: str | None = None,
    /,
    *,
    provider: str | None = None,
    prompt: str | None = None,
    prompt_version: str | None = None,
    operation: str = "chat",
    capture: bool = True,
    attributes: Mapping[str, Any] | None = None,
) -> Block: ...
def model_call(
    model: Any = None,
    /,
    *,
    provider: str | None = None,
    prompt: str | None = None,
    prompt_version: str | None = None,
    operation: str = "chat",
    capture: bool = True,
    attributes: Mapping[str, Any] | None = None,
) -> Any:
    """One request to a model; a client's response that the function answers is read with its usage.

    Args:
        model: Name of the model.
        provider: Who serves it, such as ``openai``.
        prompt: Name of the prompt template.
        prompt_version: Its version.
        operation: ``chat``, ``text_completion``, ``generate_content`` or ``embeddings``.
        capture: False records neither the function's arguments nor its answer.
        attributes: Anything else.
    """
    name = None if callable(model) else model
    block = Block(
        OPERATION_KINDS.get(operation, "model"),
        name,
        prefix=operation,
        attributes={
            GenAI.OPERATION: operation,
            GenAI.REQUEST_MODEL: name,
            GenAI.PROVIDER: provider,
            GenAI.PROMPT_NAME: prompt,
            GenAI.PROMPT_VERSION: prompt_version,
            **(attributes or {}),
        },
        capture=capture,
        takes_name=False,
    )
    return block(model) if callable(model) else block


@overload
def tool(name: Callable[_P, _R], /) -> Callable[_P, _R]: ...
@overload
def tool(
    name: str | None = None,
    /,
    *,
    call_id: str | None = None,
    capture: bool = True,
    attributes: Mapping[str, Any] | None = None,
) -> Block: ...
def tool(
    name: Any = None,
    /,
    *,
    call_id: str | None = None,
    capture: bool = True,
    attributes: Mapping[str, Any] | None = None,
) -> Any:
    """One use of a tool, by its name in the contract.

    Args:
        name: Of the tool; the function's own if not given.
        call_id: Id that the model gave the call.
        capture: False records neither the arguments nor the result.
        attributes: Anything else.
    """
    block = Block(
        "tool",
        None if callable(name) else name,
        prefix="execute_tool",
        named=GenAI.TOOL_NAME,
        attributes={GenAI.OPERATION: "execute_tool", GenAI.TOOL_CALL_ID: call_id, **(attributes or {})},
        capture=capture,
    )
    return block(name) if callable(name) else block
