"""Rate and spend budgets: pure counting, so that calls at the same time cannot overspend together.

Standard library only. A window slides: a budget of ``2000 USD/d`` looks back one day from now. What is
reserved counts like what is spent until it is released, also when the process that reserved it is gone:
it may have acted. A clock that goes back refills nothing: the ledger's own time never goes back.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Charge", "MemorySpending", "Overrun", "Reservation", "Spending"]

_SWEPT = 10_000  # calls
_BILLION = 1_000_000_000
_NEARLY = 1 + 1e-9  # 0.1 + 0.2 is not above a budget of 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one call takes from one budget.

    Attributes:
        tool: Name of the tool.
        user: Whose budget; None for the one that all share.
        unit: A currency, or empty for a number of calls.
        amount: How much; never negative.
        most: How much fits into a window.
        window_ms: How far back the window reaches.
        rule: Address of the line in the contract.
    """

    tool: str
    user: str | None
    unit: str
    amount: float
    most: float
    window_ms: int
    rule: str

    def fits(self, spent: float) -> bool:
        """Whether this still fits, so much having been spent in the window."""
        return spent + self.amount <= self.most * _NEARLY


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Room that was taken for one call in every budget that it touches."""

    id: str
    charges: tuple[Charge, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrun:
    """The first budget into which a call does not fit, and what is spent of it. Nothing was reserved.

    Attributes:
        charge: Of that budget.
        spent: Infinite where the ledger did not answer: nothing fits, for nobody knows what is left.
    """

    charge: Charge
    spent: float

    @property
    def unknown(self) -> bool:
        """Whether nobody knows what is spent."""
        return math.isinf(self.spent)


class Spending(Protocol):
    """A ledger of what tools have spent. One row a charge: id, tool, user, unit, amount, at_ms.

    Its time is the latest it has seen: a row is entered no earlier than any before it, and windows end
    there, so that no clock going back empties one.
    """

    def spent(self, charge: Charge, *, at_ms: int | None = None) -> float:
        """Sum of the rows of the charge's tool, user and unit within its window: settled and reserved."""
        ...

    def reserve(self, charges: Sequence[Charge], *, at_ms: int | None = None) -> Reservation | Overrun:
        """Enter all charges if every one fits, else none: one transaction, whoever else is at it."""
        ...

    def settle(self, reservation: Reservation, *, amount: float | None = None) -> None:
        """The call ran. ``amount`` is what it really took in its currency, where that is known."""
        ...

    def release(self, reservation: Reservation) -> None:
        """The call did not run, for certain: its rows go. Twice, or after settling, does nothing."""
        ...


_Key = tuple[str, str | None, str, int]


@dataclass(slots=True)
class _Row:
    at_ms: int
    billionths: int
    gone: bool = False


class _Window:
    """The rows of one budget, oldest first, with their sum in billionths, so that it stays exact."""

    __slots__ = ("rows", "total")

    def __init__(self) -> None:
        self.rows: deque[_Row] = deque()
        self.total = 0

    def enter(self, at_ms: int, amount: float) -> _Row:
        row = _Row(at_ms, _whole(amount))
        self.rows.append(row)
        self.total += row.billionths
        return row

    def change(self, row: _Row, amount: float) -> None:
        if not row.gone:
            self.total -= row.billionths
            row.billionths = _whole(amount)
            self.total += row.billionths

    def forget(self, until_ms: int) -> None:
        while self.rows and self.rows[0].at_ms <= until_ms:
            row = self.rows.popleft()
            row.gone = True
            self.total -= row.billionths

    def sum_after(self, start_ms: int) -> float:
        total = self.total
        for row in self.rows:
            if row.at_ms > start_ms:
                break
            total -= row.billionths
        return total / _BILLION


class MemorySpending:
    """The ledger of one process; a restart forgets it."""

    def __init__(self, *, clock_ms: Callable[[], int] | None = None) -> None:
        self._clock_ms = clock_ms or _now_ms
        self._latest = 0
        self._windows: dict[_Key, _Window] = {}
        self._open: dict[str, tuple[tuple[Charge, _Row], ...]] = {}
        self._calls = 0
        self._lock = threading.Lock()

    def spent(self, charge: Charge, *, at_ms: int | None = None) -> float:
        """Sum within the charge's window; reading empties nothing."""
        with self._lock:
            window = self._windows.get(_key(charge))
            now = max(self._latest, self._clock_ms() if at_ms is None else at_ms)
            return 0.0 if window is None else window.sum_after(now - charge.window_ms)

    def reserve(self, charges: Sequence[Charge], *, at_ms: int | None = None) -> Reservation | Overrun:
        """Enter all charges, or none."""
        with self._lock:
            now = self._latest = max(self._latest, self._clock_ms() if at_ms is None else at_ms)
            self._calls += 1
            if self._calls % _SWEPT == 0:
                self._sweep()
            taken: dict[_Key, float] = {}
            for charge in charges:
                key = _key(charge)
                window = self._windows.setdefault(key, _Window())
                window.forget(now - charge.window_ms)
                spent = window.total / _BILLION + taken.get(key, 0.0)
                if not charge.fits(spent):
                    return Overrun(charge=charge, spent=spent)
                taken[key] = taken.get(key, 0.0) + charge.amount
            rows = tuple(
                (charge, self._windows[_key(charge)].enter(now, charge.amount)) for charge in charges
            )
            reservation = Reservation(id=str(self._calls), charges=tuple(charges))
            self._open[reservation.id] = rows
            return reservation

    def settle(self, reservation: Reservation, *, amount: float | None = None) -> None:
        """Keep the rows, at what the call really took."""
        with self._lock:
            for charge, row in self._open.pop(reservation.id, ()):
                if charge.unit and amount is not None and math.isfinite(amount) and amount >= 0:
                    self._change(charge, row, amount)

    def release(self, reservation: Reservation) -> None:
        """Take the rows out."""
        with self._lock:
            for charge, row in self._open.pop(reservation.id, ()):
                self._change(charge, row, 0.0)

    def _change(self, charge: Charge, row: _Row, amount: float) -> None:
        window = self._windows.get(_key(charge))
        if window is not None:
            window.change(row, amount)

    def _sweep(self) -> None:
        """Let go of what no window reaches any more, so that users who came once leave nothing behind."""
        for key, window in list(self._windows.items()):
            window.forget(self._latest - key[3])
            if not window.rows:
                del self._windows[key]
        self._open = {name: rows for name, rows in self._open.items() if not all(row.gone for _, row in rows)}


def _whole(amount: float) -> int:
    """Billionths, rounded up, so that no number of small amounts comes to nothing."""
    return math.ceil(round(amount * _BILLION, 3))


def _key(charge: Charge) -> _Key:
    return charge.tool, charge.user, charge.unit, charge.window_ms


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
