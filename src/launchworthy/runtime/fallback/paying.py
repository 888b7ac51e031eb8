"""What pays for a request to a model, as who asks sees it. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["Hold", "Purse", "TooDear"]


class Hold(Protocol):
    """Money set aside for one request."""

    def price(self, *, input_tokens: int, output_tokens: int, cached: int) -> float | None:
        """What an answer costs, in US dollars; nothing is entered."""
        ...

    def paid(self, *, input_tokens: int, output_tokens: int, cached: int) -> float | None:
        """It was answered; what it cost, in US dollars."""
        ...

    def lost(self) -> None:
        """It may have been answered: what was set aside counts as spent."""
        ...

    def back(self) -> None:
        """It was not answered and is not billed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TooDear:
    """Why no money is set aside for a request.

    Attributes:
        rule: The line of the contract.
        reason: In words.
        unknown: Whether nobody knows what is left, so that no limit was passed either.
    """

    rule: str
    reason: str
    unknown: bool = False


class Purse(Protocol):
    """Pays for requests."""

    def take(self, model: str, messages: Any, options: Mapping[str, Any]) -> Hold | TooDear:
        """Set aside what a request may cost at worst."""
        ...
