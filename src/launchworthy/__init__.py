"""Launchworthy: prove that an AI feature is ready to launch, and keep proving it while it runs.

``import launchworthy as lw`` loads nothing else; the names of the SDK are loaded when they are first used.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers read it; the module typing is not loaded for that
if TYPE_CHECKING:
    from typing import Any

    from launchworthy.capture.sdk import (
        Counters,
        Span,
        Stream,
        counters,
        current_span,
        current_trace_id,
        evaluation,
        exposure,
        feedback,
        flush,
        identify,
        init,
        model_call,
        outcome,
        retrieval,
        step,
        stream,
        tool,
        workflow,
    )
    from launchworthy.notebook import evaluate
    from launchworthy.records import Release
    from launchworthy.rollout.flags import flags
    from launchworthy.runtime.enforcer import Enforcer
    from launchworthy.runtime.no_answer import Answer, NoAnswer, Pending
    from launchworthy.runtime.shadow import shadow
    from launchworthy.runtime.undo_drill import Sandbox

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Counters",
    "Enforcer",
    "NoAnswer",
    "Pending",
    "Release",
    "Sandbox",
    "Span",
    "Stream",
    "__version__",
    "counters",
    "current_span",
    "current_trace_id",
    "evaluate",
    "evaluation",
    "exposure",
    "feedback",
    "flags",
    "flush",
    "identify",
    "init",
    "model_call",
    "outcome",
    "retrieval",
    "shadow",
    "step",
    "stream",
    "tool",
    "workflow",
]

_ROOMS = {
    "Answer": "runtime.no_answer",
    "Enforcer": "runtime.enforcer",
    "NoAnswer": "runtime.no_answer",
    "Pending": "runtime.no_answer",
    "Release": "records.release",
    "Sandbox": "runtime.undo_drill",
    "evaluate": "notebook",
    "flags": "rollout.flags",
    "shadow": "runtime.shadow",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    room = _ROOMS.get(name, "capture.sdk")
    found = globals()[name] = getattr(import_module(f"{__name__}.{room}"), name)
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
