"""Calling something that may never return. Standard library only.

In the main thread an interval timer interrupts it, a regular expression that backtracks for ever included;
elsewhere it is left behind in a daemon thread.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

__all__ = ["TimeUp", "call_within"]

T = TypeVar("T")


class TimeUp(BaseException):
    """It took too long. Not an Exception, so that a scorer's own ``except Exception`` does not swallow it."""


def call_within(seconds: float, function: Callable[..., T], *arguments: Any) -> T:
    """Call and answer what it answers.

    Raises:
        TimeUp: It did not return in time.
    """
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        return _by_timer(seconds, function, arguments)
    return _by_thread(seconds, function, arguments)


def _by_timer(seconds: float, function: Callable[..., T], arguments: tuple[Any, ...]) -> T:
    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TimeUp

    previous = signal.signal(signal.SIGALRM, ring)
    rest, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return function(*arguments)
    finally:
        signal.setitimer(signal.ITIMER_REAL, rest)
        signal.signal(signal.SIGALRM, previous)


def _by_thread(seconds: float, function: Callable[..., T], arguments: tuple[Any, ...]) -> T:
    outcome: list[T] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(function(*arguments))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=work, name="launchworthy-scorer", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeUp
    if failure:
        raise failure[0]
    return outcome[0]
