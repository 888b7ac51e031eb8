"""What is done with a text after its guards: the strongest action of those that apply.

Standard library only.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Action"]


class Action(StrEnum):
    """What is done on a hit, weakest first: where several guards hit, the strongest is taken."""

    ALLOW = "allow"
    LOG = "log"
    REDACT = "redact"
    REWRITE = "rewrite"
    ASK = "ask"
    DEFER = "defer"
    ROUTE = "route"
    REFUSE = "refuse"
    BLOCK = "block"

    @property
    def strength(self) -> int:
        """Position in the order of strength, 0 for ``allow``."""
        return _STRENGTH[self]

    @property
    def goes_on(self) -> bool:
        """Whether the text, changed or not, goes on to the next step."""
        return self.strength <= Action.REWRITE.strength


_STRENGTH = {action: position for position, action in enumerate(Action)}
