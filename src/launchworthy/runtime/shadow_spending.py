"""What shadows spend, apart from what users do. May import ``capture.sdk`` and ``permission``.

A shadow takes nothing from the budgets of the people whose calls it runs beside. It has the same budgets once
more: those that all calls share hold for it by its share of the calls, those of one user as they stand.
"""

from __future__ import annotations

import contextvars
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from launchworthy.capture.sdk.scope import shadowing
from launchworthy.runtime.permission import Charge, MemorySpending, Overrun, Reservation, Spending

__all__ = ["Apart", "sharing"]

_SHARE: contextvars.ContextVar[float] = contextvars.ContextVar("launchworthy_shadow_share", default=1.0)


@contextmanager
def sharing(share: float) -> Iterator[None]:
    """Inside, shadows may spend this share of what all calls together may."""
    before = _SHARE.set(share)
    try:
        yield
    finally:
        _SHARE.reset(before)


class Apart:
    """A ledger of two: one of users, and one of this process's shadows.

    Args:
        users: The first.
    """

    def __init__(self, users: Spending) -> None:
        self._users, self._shadows = users, MemorySpending()

    def spent(self, charge: Charge, *, at_ms: int | None = None) -> float:
        """What was spent, by those who ask."""
        return self._own.spent(charge, at_ms=at_ms)

    def reserve(self, charges: Sequence[Charge], *, at_ms: int | None = None) -> Reservation | Overrun:
        """Room in their budgets."""
        if not shadowing():
            return self._users.reserve(charges, at_ms=at_ms)
        share = _SHARE.get()
        held = [replace(each, most=each.most * share) if each.user is None else each for each in charges]
        return self._shadows.reserve(held, at_ms=at_ms)

    def settle(self, reservation: Reservation, *, amount: float | None = None) -> None:
        """The call ran."""
        self._own.settle(reservation, amount=amount)

    def release(self, reservation: Reservation) -> None:
        """The call did not run."""
        self._own.release(reservation)

    @property
    def _own(self) -> Spending:
        return self._shadows if shadowing() else self._users
