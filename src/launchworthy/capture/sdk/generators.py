"""Generators and async generators under a span: current while their own code runs, and at no other time.

Imports this folder. The whole protocol is kept: what is sent and thrown in reaches the generator, and
closing it early ends the span without an error.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Generator
from typing import TYPE_CHECKING, Any

from launchworthy.capture.sdk.scope import enter, leave
from launchworthy.capture.sdk.streams import Gathering

if TYPE_CHECKING:
    from launchworthy.capture.sdk.block import Block
    from launchworthy.capture.sdk.span import Span

__all__ = ["wrap_async_generator", "wrap_generator"]

_Given = Callable[["Span", tuple[Any, ...], dict[str, Any]], None]


def wrap_generator(block: Block, function: Callable[..., Any], given: _Given) -> Any:
    """The generator function, each of whose generators has a span from its first step to its last."""

    @functools.wraps(function)
    def generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        span, context = block.begin()
        given(span, args, kwargs)
        gathering = Gathering(span)
        try:
            inner = function(*args, **kwargs)
            resume: Callable[[], Any] = functools.partial(next, inner)
            while True:
                before = enter(context)
                try:
                    part = resume()
                except StopIteration as stop:
                    gathering.finish(capture=block.capture)
                    return stop.value
                finally:
                    leave(context, before)
                gathering.add(part)
                try:
                    sent = yield part
                except GeneratorExit:
                    gathering.finish(capture=block.capture, early=True)
                    before = enter(context)
                    try:
                        inner.close()
                    finally:
                        leave(context, before)
                    raise
                except BaseException as error:
                    resume = functools.partial(inner.throw, error)
                else:
                    resume = functools.partial(inner.send, sent)
        except GeneratorExit:
            raise
        except BaseException as error:
            gathering.finish(capture=block.capture)
            span.fail(error)
            raise
        finally:
            span.end()

    return generator


def wrap_async_generator(block: Block, function: Callable[..., Any], given: _Given) -> Any:
    """The async generator function, likewise."""

    @functools.wraps(function)
    async def generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        span, context = block.begin()
        given(span, args, kwargs)
        gathering = Gathering(span)
        try:
            inner = function(*args, **kwargs)
            resume: Callable[[], Any] = inner.__anext__
            while True:
                before = enter(context)
                try:
                    part = await resume()
                except StopAsyncIteration:
                    gathering.finish(capture=block.capture)
                    return
                finally:
                    leave(context, before)
                gathering.add(part)
                try:
                    sent = yield part
                except GeneratorExit:
                    gathering.finish(capture=block.capture, early=True)
                    before = enter(context)
                    try:
                        await inner.aclose()
                    finally:
                        leave(context, before)
                    raise
                except BaseException as error:
                    resume = functools.partial(inner.athrow, error)
                else:
                    resume = functools.partial(inner.asend, sent)
        except GeneratorExit:
            raise
        except BaseException as error:
            gathering.finish(capture=block.capture)
            span.fail(error)
            raise
        finally:
            span.end()

    return generator
