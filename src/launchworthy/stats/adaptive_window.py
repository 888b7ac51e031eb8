"""Whether the mean of a stream is still what it was a while ago, with nothing promised (ADWIN). Pure.

The window grows as long as no two parts of it differ, and loses its older part where they do. It is kept as
exponentially growing buckets, so a stream of any length takes a few hundred numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from launchworthy.errors import InputError

__all__ = ["AdaptiveWindow", "Shift"]

_EACH = 5  # buckets of one size
_CLOCK = 32  # events between two looks
_LEAST = 5  # events of each part
_GRACE = 10  # events before the first look


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """The mean changed.

    Attributes:
        at: Place of the event at which that was seen, from 0, over all that were added.
        since: Place of the oldest event that is still like the newest ones.
        before: Mean of what was dropped, the whole window without the part that stays.
        after: Mean of what stays.
    """

    at: int
    since: int
    before: float
    after: float


@dataclass(slots=True)
class _Row:
    """Buckets of one size, the oldest first: the sum of each, and its squared deviations."""

    sums: list[float] = field(default_factory=list)
    spreads: list[float] = field(default_factory=list)


class AdaptiveWindow:
    """ADWIN: is there a point in the window at which the mean changed?

    Args:
        delta: Confidence of a cut; the smaller, the rarer an alarm without a change.

    It begins anew with the event after an alarm, as River's does.

    Raises:
        InputError: ``delta`` is not between 0 and 1.

    Source: Bifet and Gavaldà, Learning from time-changing data with adaptive windowing, SDM (2007), with the
    look at every 32nd event and the cut of River 0.26; agrees with River to the event.
    """

    def __init__(self, delta: float = 0.002) -> None:
        if not 0.0 < delta < 1.0:
            raise InputError(f"a delta of {delta!r} is not between 0 and 1", hint="write 0.002")
        self.delta = delta
        self._seen = 0
        self._begin()

    @property
    def seen(self) -> int:
        """Events that were added."""
        return self._seen

    @property
    def width(self) -> int:
        """Events in the window."""
        return self._width

    @property
    def mean(self) -> float | None:
        """Mean of the window; None before the first event."""
        return self._sum / self._width if self._width else None

    def add(self, values: Iterable[float]) -> list[Shift]:
        """Look at further events, in order; answers the changes among them.

        Raises:
            InputError: A value that is not finite; then none was added.
        """
        taken = [float(value) for value in values]
        if not all(map(math.isfinite, taken)):
            raise InputError("a stream holds a value that is no finite number")
        return [shift for value in taken if (shift := self._take(value)) is not None]

    def _begin(self) -> None:
        self._rows = [_Row()]
        self._width = self._ticks = 0
        self._sum = self._spread = 0.0
        self._alarmed = False

    def _take(self, value: float) -> Shift | None:
        if self._alarmed:
            self._begin()
        if self._width:
            gap = value - self._sum / self._width
            self._spread += self._width * gap * gap / (self._width + 1)
        self._width += 1
        self._sum += value
        first = self._rows[0]
        first.sums.append(value)
        first.spreads.append(0.0)
        if len(first.sums) > _EACH:
            self._merge()
        self._seen += 1
        self._ticks += 1
        if self._ticks % _CLOCK or self._width <= _GRACE:
            return None
        events, total = self._width, self._sum
        while self._cut():
            self._alarmed = True
        if not self._alarmed:
            return None
        dropped = events - self._width
        return Shift(
            at=self._seen - 1,
            since=self._seen - self._width,
            before=(total - self._sum) / dropped,
            after=self._sum / self._width,
        )

    def _merge(self) -> None:
        """Make one bucket of the two oldest of a row that has too many, row by row."""
        for place, row in enumerate(self._rows):
            if len(row.sums) <= _EACH:
                return
            if place + 1 == len(self._rows):
                self._rows.append(_Row())
            size = 1 << place
            (one, two), (spread_one, spread_two) = row.sums[:2], row.spreads[:2]
            gap = one / size - two / size
            larger = self._rows[place + 1]
            larger.sums.append(one + two)
            larger.spreads.append(spread_one + spread_two + size * size * gap * gap / (size + size))
            del row.sums[:2], row.spreads[:2]

    def _cut(self) -> bool:
        """Drop the oldest bucket where any point of the window parts two means; whether one does."""
        older, newer = 0, self._width
        sum_older, sum_newer = 0.0, self._sum
        doubt = math.log(2.0 * math.log(self._width) / self.delta)
        variance = max(0.0, self._spread / self._width)  # sums of deviations round
        for place in range(len(self._rows) - 1, -1, -1):
            size = 1 << place
            for held in self._rows[place].sums[: -1 if place == 0 else None]:
                older, newer = older + size, newer - size
                sum_older, sum_newer = sum_older + held, sum_newer - held
                if older < _LEAST or newer < _LEAST:
                    continue
                each = 1.0 / (older - _LEAST + 1) + 1.0 / (newer - _LEAST + 1)
                least = math.sqrt(2.0 * each * variance * doubt) + 2.0 / 3.0 * doubt * each
                if abs(sum_older / older - sum_newer / newer) > least:
                    self._drop()
                    return True
        return False

    def _drop(self) -> None:
        row = self._rows[-1]
        size = 1 << (len(self._rows) - 1)
        held, spread = row.sums.pop(0), row.spreads.pop(0)
        self._width -= size
        self._sum -= held
        gap = held / size - self._sum / self._width
        self._spread -= spread + size * self._width * gap * gap / (size + self._width)
        if not row.sums:
            self._rows.pop()
