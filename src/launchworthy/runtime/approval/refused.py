"""Why something was not done to an approval. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A step that was not taken.

    Attributes:
        reason: One sentence.
        hint: What to do instead; empty where there is nothing.
        rule: Address of the line in the contract that stands against it; empty where none does.
        conflict: It is too late, or somebody else was faster; else whoever asked may not.
    """

    reason: str
    hint: str = ""
    rule: str = ""
    conflict: bool = False
