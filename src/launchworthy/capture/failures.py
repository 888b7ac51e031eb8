"""The class of an error, by one name however the sender calls it. Imports the standard library only."""

from __future__ import annotations

from typing import Any, Final

from launchworthy.capture.columns import short
from launchworthy.capture.otlp.record import SentEvent

__all__ = ["error_class"]

_CLASSES: Final = {
    **dict.fromkeys(
        (
            "timeout",
            "timeouterror",
            "apitimeouterror",
            "connecttimeout",
            "readtimeout",
            "writetimeout",
            "pooltimeout",
            "connecttimeouterror",
            "readtimeouterror",
            "servertimeouterror",
            "deadlineexceeded",
            "deadline_exceeded",
            "408",
            "504",
        ),
        "timeout",
    ),
    **dict.fromkeys(
        (
            "rate_limit",
            "ratelimiterror",
            "rate_limit_exceeded",
            "toomanyrequests",
            "resourceexhausted",
            "429",
        ),
        "rate_limit",
    ),
}


def error_class(stated: Any, events: list[SentEvent]) -> str | None:
    """``timeout``, ``rate_limit``, or the exception's name without its modules; None where none is told."""
    name = short(stated)
    if name is None:
        for event in reversed(events):
            if event.name == "exception":
                name = short(event.attributes.get("exception.type"))
                break
    if name is None:
        return None
    last = name.rpartition(".")[2] or name
    return _CLASSES.get(last.lower(), last)
