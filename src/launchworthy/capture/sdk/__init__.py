"""The SDK: what an application says of its own calls, sent to a server without holding it up.

``import launchworthy as lw`` gives these names; each is loaded when it is first used. May import ``records``.
"""

from launchworthy.capture.sdk.block import Block
from launchworthy.capture.sdk.blocks import model_call, retrieval, step, tool, workflow
from launchworthy.capture.sdk.current import Identify, current_span, current_trace_id, identify, stream
from launchworthy.capture.sdk.ended import Counters
from launchworthy.capture.sdk.events import decision, evaluation, exposure, feedback, outcome
from launchworthy.capture.sdk.process import counters, flush, init
from launchworthy.capture.sdk.span import Span
from launchworthy.capture.sdk.streams import Stream

__all__ = [
    "Block",
    "Counters",
    "Identify",
    "Span",
    "Stream",
    "counters",
    "current_span",
    "current_trace_id",
    "decision",
    "evaluation",
    "exposure",
    "feedback",
    "flush",
    "identify",
    "init",
    "model_call",
    "outcome",
    "retrieval",
    "step",
    "stream",
    "tool",
    "workflow",
]
