"""Which items are kept back. Pure; imports the standard library only."""

from __future__ import annotations

import hashlib

from launchworthy.errors import InputError

__all__ = ["DEFAULT_HOLDOUT", "split_of"]

DEFAULT_HOLDOUT = 0.4


def split_of(item_id: str, *, holdout: float = DEFAULT_HOLDOUT) -> str:
    """``dev`` or ``holdout``, by the id alone: an item stays on its side in every later version.

    A larger share only moves items from dev to holdout, never back.

    Args:
        item_id: Id of the item.
        holdout: Share to keep back, 0 to 1.

    Raises:
        InputError: The share is not between 0 and 1.
    """
    if not 0.0 <= holdout <= 1.0:
        raise InputError(
            f"a holdout share of {holdout!r} is not between 0 and 1", hint="write 0.4 to keep back 40 %"
        )
    position = int.from_bytes(hashlib.sha256(f"split:{item_id}".encode()).digest()[:8]) / 2**64
    return "holdout" if position < holdout else "dev"
