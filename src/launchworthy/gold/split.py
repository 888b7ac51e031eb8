"""Which items are kept back. Pure; imports the standard library only."""

from __future__ import annotations

import hashlib

from launchworthy.errors import InputError

__all__ = ["DEFAULT_HOLDOUT", "split_of"]

DEFAULT_HOLDOUT = 0.4
_ROUNDING = 1e-9


def split_of(item_id: str, *, holdout: float = DEFAULT_HOLDOUT, sealed: float = 0.0) -> str:
    """``dev``, ``holdout`` or ``sealed``, by the id alone: an item stays on its side in every later version.

    The two that are kept back grow from either end: a larger share only takes items from dev, and never
    gives one back.

    Args:
        item_id: Id of the item.
        holdout: Share to keep back, 0 to 1.
        sealed: Share that only the launch gate may read, 0 to 1.

    Raises:
        InputError: A share is not between 0 and 1, or both together are more than all.
    """
    for name, share in (("holdout", holdout), ("sealed", sealed)):
        if not 0.0 <= share <= 1.0:
            raise InputError(
                f"a {name} share of {share!r} is not between 0 and 1", hint="write 0.4 to keep back 40 %"
            )
    if holdout + sealed > 1.0 + _ROUNDING:
        raise InputError(
            f"a holdout of {holdout:.0%} and a sealed split of {sealed:.0%} are more than all items",
            hint="together they may be at most 100 %",
        )
    position = int.from_bytes(hashlib.sha256(f"split:{item_id}".encode()).digest()[:8]) / 2**64
    if position < holdout:
        return "holdout"
    return "sealed" if position >= 1.0 - sealed else "dev"
