"""``workflow``, ``step``, ``retrieval``, ``model_call``, ``tool``: decorators and blocks, a span each.

May import ``records`` and this folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar, overload

from launchworthy.capture.sdk.block import Block
from launchworthy.records.attributes import OPERATION_KINDS, GenAI
from launchworthy.records.release import Release

__all__ = ["model_call", "retrieval", "step", "tool", "workflow"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


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
