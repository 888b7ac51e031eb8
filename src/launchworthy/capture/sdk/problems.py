"""What went wrong inside the SDK: logged once by kind on the logger ``launchworthy``, never raised.

Imports the standard library only.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

__all__ = ["once", "quiet", "renew"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_logger = logging.getLogger("launchworthy")
_told: set[str] = set()


def once(kind: str, message: str, *arguments: object) -> None:
    """Log a warning the first time that a kind of problem is met."""
    if kind not in _told:
        _told.add(kind)
        _logger.warning(message, *arguments)


def renew() -> None:
    """Tell each kind of problem again, for instance after ``init``."""
    _told.clear()


def quiet(method: Callable[_P, _R]) -> Callable[_P, _R | None]:
    """A method that answers None and logs where it would raise: telemetry never breaks the application."""

    @functools.wraps(method)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _R | None:
        try:
            return method(*args, **kwargs)
        except Exception as error:
            once(f"bug:{method.__qualname__}", "%s failed: %r", method.__qualname__, error)
            return None

    return guarded
