"""What tools have spent, in the metadata: room in a budget is taken by one writer at a time.

Meets ``runtime.permission.Spending``; may import it. Amounts rest as whole millionths, rounded up, so that
they add up exactly and never to less than was spent. Users rest under their pseudonyms.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from launchworthy.errors import InputError
from launchworthy.runtime.permission import Charge, Overrun, Reservation
from launchworthy.store.database import Database
from launchworthy.store.moments import to_ns
from launchworthy.store.options import Clock
from launchworthy.store.schema import spending

__all__ = ["SpendingRepository", "forget_spending"]

_MILLION = 1_000_000
_MOST = 2**53  # millionths that are still exact as a number of JSON


class SpendingRepository:
    """The ledger of one product; any number of processes may ask for room at the same time.

    Args:
        database: The metadata.
        product: Whose tools.
        clock: The machine's.
        name: Makes the pseudonym of a user.
    """

    def __init__(self, database: Database, *, product: str, clock: Clock, name: Callable[[str], str]) -> None:
        self._database, self._product, self._clock, self._name = database, product, clock, name

    def spent(self, charge: Charge, *, at_ms: int | None = None) -> float:
        """Sum within the charge's window, settled and reserved."""
        with self._database.read() as connection:
            now_ms = self._now(connection, at_ms)
            return _sum(connection, self._product, self._of(charge), now_ms, charge.window_ms) / _MILLION

    def reserve(self, charges: Sequence[Charge], *, at_ms: int | None = None) -> Reservation | Overrun:
        """Enter all charges if every one fits, else none."""
        reservation = Reservation(id=secrets.token_hex(16), charges=tuple(charges))
        with self._database.write() as connection:
            now_ms = self._now(connection, at_ms)
            for place, charge in enumerate(charges):
                of = self._of(charge)
                _forget(connection, self._product, of, now_ms, charge.window_ms)
                used = _sum(connection, self._product, of, now_ms, charge.window_ms) / _MILLION
                if not charge.fits(used):
                    _leave(connection, self._product, reservation.id)
                    return Overrun(charge=charge, spent=used)
                connection.execute(
                    insert(spending).values(
                        product=self._product,
                        reservation=reservation.id,
                        place=place,
                        **of,
                        at_ms=now_ms,
                        millionths=_whole(charge.amount),
                        settled=False,
                    )
                )
        return reservation

    def settle(self, reservation: Reservation, *, amount: float | None = None) -> None:
        """The call ran; ``amount`` is what it really took in its currency."""
        changes: dict[str, Any] = {"settled": True}
        own = update(spending).filter_by(product=self._product, reservation=reservation.id, settled=False)
        with self._database.write() as connection:
            if amount is not None and math.isfinite(amount) and amount >= 0:
                connection.execute(own.where(spending.c.unit != "").values(millionths=_whole(amount)))
            connection.execute(own.values(**changes))

    def release(self, reservation: Reservation) -> None:
        """The call did not run, for certain; after settling this does nothing."""
        with self._database.write() as connection:
            connection.execute(
                delete(spending).filter_by(product=self._product, reservation=reservation.id, settled=False)
            )

    def _of(self, charge: Charge) -> dict[str, Any]:
        return {
            "tool": charge.tool,
            "user": self._name(charge.user) if charge.user else charge.user,
            "unit": charge.unit,
            "window_ms": charge.window_ms,
        }

    def _now(self, connection: Connection, at_ms: int | None) -> int:
        """The latest moment that this ledger has seen."""
        latest = connection.execute(
            select(func.max(spending.c.at_ms)).filter_by(product=self._product)
        ).scalar()
        return max(latest or 0, to_ns(self._clock()) // 1_000_000 if at_ms is None else at_ms)


def _sum(connection: Connection, product: str, of: dict[str, Any], now_ms: int, window_ms: int) -> int:
    query = (
        select(func.sum(spending.c.millionths))
        .filter_by(product=product, **of)
        .where(spending.c.at_ms > now_ms - window_ms)
    )
    return int(connection.execute(query).scalar() or 0)


def _forget(connection: Connection, product: str, of: dict[str, Any], now_ms: int, window_ms: int) -> None:
    connection.execute(
        delete(spending).filter_by(product=product, **of).where(spending.c.at_ms <= now_ms - window_ms)
    )


def forget_spending(connection: Connection, product: str, *, user_id: str) -> int:
    """Forget what was spent for a user, by their pseudonym; what all spent together stays."""
    return connection.execute(delete(spending).filter_by(product=product, user=user_id)).rowcount


def _leave(connection: Connection, product: str, reservation: str) -> None:
    connection.execute(delete(spending).filter_by(product=product, reservation=reservation))


def _whole(amount: float) -> int:
    """Millionths, rounded up."""
    found = math.ceil(round(amount * _MILLION, 3)) if math.isfinite(amount) else _MOST
    if not 0 <= found < _MOST:
        raise InputError(f"{amount:g} is no amount that can be counted", where="amount")
    return found
