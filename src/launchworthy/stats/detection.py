"""Whether a stream became worse than promised, watched all the time. Pure.

A promise says how large a loss may be on average: a share of errors, a mean of a bounded score. As long as it
is kept, whatever came before, the detector raises a false alarm once in ``run_length`` events or more rarely,
by proof and for any distribution; nothing has to be fitted, and how much worse it becomes need not be known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.stats.units import clean_values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Alarm", "PromiseDetector"]

# How much worse it may have become, as a part of what there is between the promise and the worst: a bet on
# each. Small changes take small bets, and an outage is seen at once by the largest.
_REACH = (0.005, 0.015, 0.04, 0.1, 0.22, 0.45, 0.7)
_MOST = 1e300
_BLOCK = 512  # events at a time: so many factors of 0.3 are still a double


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """The stream is worse than promised.

    Attributes:
        at: Place of the event at which that was shown, from 0, over all that were added.
        since: Place of the event from which on it is most likely worse.
        evidence: What the detector had gathered; ``run_length`` or more.
    """

    at: int
    since: int
    evidence: float


class PromiseDetector:
    """Mixture e-Shiryaev-Roberts over bounded losses.

    Args:
        promise: The largest mean that is promised, above 0 and below 1.
        run_length: Events until a false alarm, on average at least.
        bounds: Ends of the scale of the losses; the higher end is the worse one.

    After an alarm it begins anew. What it holds is a few numbers, however long the stream.

    Raises:
        InputError: A promise that is none, or a run length below 1.

    Source: Shin, Ramdas and Rinaldo, E-detectors, New England Journal of Statistics in Data Science 2 (2024),
    definition 2.6 and theorem 2.4.
    """

    def __init__(
        self, promise: float, *, run_length: float, bounds: tuple[float, float] = (0.0, 1.0)
    ) -> None:
        import numpy as np

        floor, ceiling = bounds
        share = (promise - floor) / (ceiling - floor) if ceiling > floor else math.nan
        if not 0.0 < share < 1.0:
            raise InputError(
                f"a mean of {promise!r} on a scale from {floor:g} to {ceiling:g} cannot be watched",
                hint="a promise lies between the ends of its scale",
            )
        if not 1.0 <= run_length < math.inf:
            raise InputError(f"a false alarm in {run_length!r} events is no rate", hint="write 100000")
        self._floor, self._width, self._share = floor, ceiling - floor, share
        self.run_length = run_length
        # The bet that is best against a mean of m pays 1 + bet (x - share): Kelly, for a loss of 0 or 1.
        means = share + (1.0 - share) * np.array(_REACH)
        self._bets: NDArray[np.float64] = (means - share) / (share * (1.0 - share))
        self._weights = np.full(len(_REACH), 1.0 / len(_REACH))
        self._seen = 0
        self._begin()

    @property
    def seen(self) -> int:
        """Events that were added."""
        return self._seen

    @property
    def evidence(self) -> float:
        """What is gathered since the last alarm; an alarm is raised at ``run_length``."""
        return float(self._weights @ self._gathered)

    def add(self, losses: ArrayLike) -> list[Alarm]:
        """Look at further events, in order; answers the alarms among them.

        Raises:
            InputError: NaN, or a loss outside the bounds; then none was added.
        """
        import numpy as np

        x = np.asarray(losses, dtype=np.float64)
        if x.size == 0:
            return []
        x = (clean_values(x) - self._floor) / self._width
        if float(x.min()) < 0.0 or float(x.max()) > 1.0:
            raise InputError(
                f"losses leave the scale {self._floor:g} to {self._floor + self._width:g}",
                hint="give the detector the ends of the scale",
            )
        return list(self._alarms(x))

    def _begin(self) -> None:
        import numpy as np

        self._gathered = np.zeros(len(_REACH))
        self._log = np.zeros(len(_REACH))  # of the product of all factors since the last alarm
        self._least = np.zeros(len(_REACH))
        self._least_at = np.full(len(_REACH), self._seen)

    def _alarms(self, x: NDArray[np.float64]) -> Iterator[Alarm]:
        start = 0
        while start < x.size:
            block = x[start : start + _BLOCK]
            crossed, taken = self._take(block)
            start += taken
            if crossed is not None:
                yield crossed

    def _take(self, block: NDArray[np.float64]) -> tuple[Alarm | None, int]:
        """Take a block up to its first alarm; answers that, and how many events were taken."""
        import numpy as np

        factors = self._bets[:, None] * (block - self._share) + 1.0
        with np.errstate(over="ignore", invalid="ignore"):
            product = np.cumprod(factors, axis=1)
            gathered = np.empty_like(product)
            gathered[:, 0] = 1.0
            np.divide(1.0, product[:, :-1], out=gathered[:, 1:])
            np.cumsum(gathered, axis=1, out=gathered)
            gathered += self._gathered[:, None]
            gathered *= product
            total = self._weights @ gathered
        hits = np.flatnonzero(~(total < self.run_length))
        taken = int(hits[0]) + 1 if hits.size else block.size
        places = np.argmin(product[:, :taken], axis=1)
        lowest = self._log + np.log(product[np.arange(len(product)), places])
        logs = self._log + np.log(np.minimum(product[:, taken - 1], _MOST))
        lower = lowest < self._least
        self._least = np.where(lower, lowest, self._least)
        self._least_at = np.where(lower, self._seen + places + 1, self._least_at)
        self._seen += taken
        if not hits.size:
            self._gathered, self._log = gathered[:, -1], logs
            return None, taken
        best = int(np.argmax(logs - self._least))
        alarm = Alarm(
            at=self._seen - 1,
            since=int(min(self._least_at[best], self._seen - 1)),
            evidence=float(total[taken - 1]),
        )
        self._begin()
        return alarm, taken
