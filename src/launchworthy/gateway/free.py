"""The purse of a call whose cost nobody limits: it counts nothing, so that nothing is estimated for it.

May import ``runtime``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from launchworthy.runtime.fallback import Purse

__all__ = ["FREE"]


class _Hold:
    def price(self, *, input_tokens: int, output_tokens: int, cached: int) -> float | None:
        return None

    def paid(self, *, input_tokens: int, output_tokens: int, cached: int) -> float | None:
        return None

    def lost(self) -> None:
        """Nothing was set aside."""

    def back(self) -> None:
        """Likewise."""


class _Free:
    def take(self, model: str, messages: Any, options: Mapping[str, Any]) -> _Hold:
        return _HOLD


_HOLD: Final = _Hold()
FREE: Final[Purse] = _Free()
