"""A candidate run beside the live release, without showing it. May import ``capture.sdk`` and ``records``.

The live call never waits for it and never sees its errors: it is put into a queue of few places, run by few
threads, and left out where there is no room, which is counted. Whatever it records has the cohort ``shadow``,
the candidate's release and a trace of its own that names the live one.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import contextvars
import functools
import inspect
import logging
import os
import queue
import random
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast

from opentelemetry.context import get_current
from opentelemetry.trace import INVALID_SPAN, set_span_in_context

from launchworthy.capture.sdk.blocks import workflow as workflow_span
from launchworthy.capture.sdk.current import current_trace_id
from launchworthy.capture.sdk.process import client
from launchworthy.capture.sdk.scope import Scope, current_scope, enter, leave, shadowing, with_scope
from launchworthy.capture.sdk.span import Span
from launchworthy.errors import InputError
from launchworthy.records.attributes import Own
from launchworthy.records.calls import SHADOW
from launchworthy.records.release import Release
from launchworthy.runtime.shadow_spending import sharing

__all__ = ["Shadow", "ShadowCounters", "shadow", "unseen"]

_log = logging.getLogger("launchworthy")

_P = ParamSpec("_P")
_R = TypeVar("_R")
_THREADS, _PLACES = 4, 100
_EXIT_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowCounters:
    """What became of the live calls that a shadow was to run beside; all but ``waiting`` add up to them.

    Attributes:
        ran: It answered.
        failed: It raised an error.
        dropped: There was no room, or the process ended.
        left_out: Not among the share.
        waiting: Not yet run, or running.
    """

    ran: int = 0
    failed: int = 0
    dropped: int = 0
    left_out: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class _Work:
    context: contextvars.Context
    trace_id: str | None
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    live: Any


_NOT_GIVEN: Any = object()


class Shadow:
    """A candidate that runs beside live calls. Made by :func:`shadow`."""

    def __init__(
        self,
        candidate: Callable[..., Any],
        *,
        release: str,
        workflow: str | None,
        share: float,
        agree: Callable[[Any, Any], bool] | None,
        segment: Callable[..., str] | None,
    ) -> None:
        self._candidate, self._release, self._workflow = candidate, release, workflow
        self._share, self._agree, self._segment = share, agree, segment
        self._begin()
        _open_shadows.add(self)

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._queue: queue.Queue[_Work] = queue.Queue(_PLACES)
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._counted = dict.fromkeys(("ran", "failed", "dropped", "left_out", "waiting"), 0)
        self._closed = False

    @property
    def counters(self) -> ShadowCounters:
        """What became of the calls so far, in this process."""
        with self._changed:
            return ShadowCounters(**self._counted)

    def __call__(self, *args: Any, live: Any = _NOT_GIVEN, **kwargs: Any) -> None:
        """Run the candidate with these arguments, at some time soon; answers at once and raises nothing.

        Args:
            *args: Of the candidate.
            live: What the live release decided, to be compared.
            **kwargs: Of the candidate.
        """
        try:
            self._put(args, kwargs, live)
        except Exception as error:
            _log.warning("a shadow could not be begun: %r", error)

    def beside(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        """Decorate the live function: each of its calls has a shadow, once it is done.

        The same arguments are handed on: a candidate must not change them.
        """
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: _P.args, **kwargs: _P.kwargs) -> Any:
                found = await function(*args, **kwargs)
                self._after(args, kwargs, found)
                return found

            return cast(Callable[_P, _R], awaited)

        @functools.wraps(function)
        def called(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            found = function(*args, **kwargs)
            self._after(args, kwargs, found)
            return found

        return called

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until nothing waits or runs any more; False if something still does."""
        with self._changed:
            return self._changed.wait_for(lambda: self._counted["waiting"] == 0, timeout_s)

    def close(self, timeout_s: float = _EXIT_S) -> None:
        """Take nothing more, and let what waits run for so long; the rest is dropped, counted and said."""
        self._closed = True
        if os.getpid() != self._pid or self.flush(timeout_s):
            return
        left = 0
        while True:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                break
            left += 1
            self._count("dropped", ended=True)
        _log.warning("%d calls in shadow of %s were left, since the process ends", left, self._release)

    def _after(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], live: Any) -> None:
        try:
            self._put(args, kwargs, live)
        except Exception as error:
            _log.warning("a shadow could not be begun: %r", error)

    def _put(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], live: Any) -> None:
        if shadowing():
            return  # no shadow has a shadow
        if os.getpid() != self._pid:  # a fork has none of the threads
            self._begin()
        if self._share < 1.0 and random.random() >= self._share:  # noqa: S311 (a sample, and no secret)
            self._count("left_out")
            return
        if self._closed:
            self._count("dropped")
            return
        self._count("waiting")
        try:
            self._queue.put_nowait(_Work(contextvars.copy_context(), _trace_of(live), args, kwargs, live))
        except queue.Full:
            self._count("dropped", ended=True)
            if self._counted["dropped"] == 1:
                _log.warning("calls in shadow of %s are dropped: it is slower than they come", self._release)
            return
        with self._changed:
            if len(self._threads) < min(_THREADS, self._counted["waiting"]):
                thread = threading.Thread(target=self._work, name="launchworthy-shadow", daemon=True)
                self._threads.append(thread)
                thread.start()

    def _work(self) -> None:
        while True:
            work = self._queue.get()
            try:
                work.context.run(self._run, work)
            except BaseException as error:
                _log.debug("the shadow of %s failed: %r", self._release, error)
                self._count("failed", ended=True)
            else:
                self._count("ran", ended=True)
            del work

    def _run(self, work: _Work) -> None:
        with unseen(self._release, beside=work.trace_id), sharing(self._share):
            if self._workflow is None:
                _whole(self._candidate(*work.args, **work.kwargs))
                return
            with workflow_span(self._workflow) as span:
                self._recorded(span, work)

    def _recorded(self, span: Span, work: _Work) -> None:
        given = {**{str(place): each for place, each in enumerate(work.args)}, **work.kwargs}
        span.set_input(next(iter(given.values())) if len(given) == 1 else given)
        if self._segment is not None:
            span.set_attributes({Own.SLICE: str(self._segment(*work.args, **work.kwargs))})
        answer = _whole(self._candidate(*work.args, **work.kwargs))
        span.set_output(answer)
        if self._agree is not None and work.live is not _NOT_GIVEN:
            span.set_attributes({Own.SHADOW_AGREES: bool(self._agree(work.live, answer))})

    def _count(self, name: str, *, ended: bool = False) -> None:
        with self._changed:
            self._counted[name] += 1
            if ended:
                self._counted["waiting"] -= 1
                self._changed.notify_all()


_open_shadows: weakref.WeakSet[Shadow] = weakref.WeakSet()


def shadow(
    candidate: Callable[..., Any],
    *,
    release: str | Release,
    workflow: str | None = None,
    share: float = 1.0,
    agree: Callable[[Any, Any], bool] | None = None,
    segment: Callable[..., str] | None = None,
) -> Shadow:
    """Run a candidate beside the live release without showing what it answers.

    Tools that act are denied to it where an enforcer holds them; what it spends is counted apart.

    Args:
        candidate: Function, coroutine function or generator of the candidate.
        release: The candidate's.
        workflow: Of the contract; None where the candidate records its own, as an enforcer's function does.
        share: Of live calls that it runs beside, and of the budgets of all calls that it may spend.
        agree: Whether a live decision and the candidate's are the same, such as ``operator.eq``.
        segment: Of the arguments: the slice that a call belongs to.

    Raises:
        InputError: The share is none.

    Example:
        >>> import operator
        >>> import launchworthy as lw
        >>> trial = lw.shadow(new_score, release="r-2", workflow="score", agree=operator.eq)  # doctest: +SKIP
        >>> @trial.beside  # doctest: +SKIP
        ... def score(order): ...
    """
    if not 0.0 < share <= 1.0:
        raise InputError(
            f"{share!r} is no share of the calls", where="share", hint="give one above 0, up to 1"
        )
    client()  # whose end comes after that of shadows
    _at_exit()
    name = release.id if isinstance(release, Release) else release
    return Shadow(candidate, release=name, workflow=workflow, share=share, agree=agree, segment=segment)


def _trace_of(live: Any) -> str | None:
    """Of the live call: what an enforcer answered says it, else it is the one around."""
    told = getattr(live, "trace_id", None)
    return told if isinstance(told, str) and told else current_trace_id()


def _whole(value: Any) -> Any:
    """What a call comes to: awaited, and every part of what comes in parts."""
    if inspect.isawaitable(value):
        return asyncio.run(_awaited(value))
    if inspect.isasyncgen(value):
        return asyncio.run(_gathered(value))
    if inspect.isgenerator(value):
        return list(value)
    return value


async def _awaited(value: Any) -> Any:
    return await value


async def _gathered(parts: Any) -> list[Any]:
    return [part async for part in parts]


@contextlib.contextmanager
def unseen(release: str, *, beside: str | None) -> Iterator[None]:
    """What runs inside is a shadow: a release's, in a trace of its own that names the live one."""
    found, around = client(), current_scope()
    carried = dict(found.base if around is None else around.carried)
    carried |= {Own.COHORT: SHADOW, Own.RELEASE: release}
    if beside:
        carried[Own.SHADOW_OF] = beside
    context = with_scope(Scope(carried, None), set_span_in_context(INVALID_SPAN, get_current()))
    before = enter(context)
    try:
        yield
    finally:
        leave(context, before)


@functools.cache
def _at_exit() -> None:
    atexit.register(_close)


def _close() -> None:
    """Every shadow together has one deadline."""
    until = time.monotonic() + _EXIT_S
    for each in list(_open_shadows):
        each.close(max(0.0, until - time.monotonic()))
