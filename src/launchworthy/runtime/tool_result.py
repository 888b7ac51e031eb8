"""What comes of a call of a tool. May import ``approval``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from launchworthy.runtime.approval import Approval

__all__ = ["ToolResult", "ToolState", "denied"]


class ToolState(StrEnum):
    """How a call of a tool ended."""

    DONE = "done"
    DENIED = "denied"  # it did not run
    PENDING = "pending"  # it waits for a person
    FAILED = "failed"  # it ran and raised
    UNKNOWN = "unknown"  # it was begun and did not end in time: it may have acted


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What came of a call of a tool. False in a condition unless it is done.

    Attributes:
        tool: Name of the tool.
        state: How it ended.
        content: Text for the model: the result after its guards, or why there is none.
        value: What the function answered; None unless it is done and its guards left it as it was.
        reason: Why, in a sentence.
        rule: Address of the line that decided.
        call_id: Id that the model gave the call.
        approval: The approval that is waited for, or was.
        acted: The tool ran, or may have.
    """

    tool: str
    state: ToolState
    content: str
    value: Any = field(default=None, repr=False)
    reason: str = ""
    rule: str = ""
    call_id: str = ""
    approval: Approval | None = field(default=None, repr=False)
    acted: bool = False

    def __bool__(self) -> bool:
        return self.state is ToolState.DONE

    @property
    def message(self) -> dict[str, str]:
        """As a message of a chat, which answers the model's call."""
        return {"role": "tool", "tool_call_id": self.call_id, "content": self.content}


def denied(tool: str, reason: str, rule: str, call_id: str) -> ToolResult:
    """A tool that did not run."""
    return ToolResult(
        tool=tool,
        state=ToolState.DENIED,
        content=f"{tool[:80]} was not run: {reason}",
        reason=reason,
        rule=rule,
        call_id=call_id,
    )
