"""How hard a target is asked, and when asking stops. Pure; may import ``errors``."""

from __future__ import annotations

from dataclasses import dataclass

from launchworthy.errors import InputError

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How hard to ask, and when to stop.

    Attributes:
        concurrency: The most calls at once; fewer while the target says that it is overloaded.
        timeout_s: For one attempt.
        retries: Further attempts after one that may pass; five times as many after an overload.
        max_cost_usd: No call is begun once the target's own reports add up to this, those under way at the
            mean cost so far; where calls cost alike it is overrun by no more than one.
        scorer_timeout_s: For one scorer on one item.
        seed: Of the waits between attempts.
    """

    concurrency: int = 16
    timeout_s: float = 60.0
    retries: int = 2
    max_cost_usd: float | None = None
    scorer_timeout_s: float = 10.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.concurrency <= 10_000:
            raise InputError(f"a concurrency of {self.concurrency} is not from 1 to 10,000")
        if not self.timeout_s > 0 or not self.scorer_timeout_s > 0:
            raise InputError("a timeout must be above 0 s")
        if not 0 <= self.retries <= 100:
            raise InputError(f"{self.retries} retries are not from 0 to 100")
        if self.max_cost_usd is not None and not self.max_cost_usd > 0:
            raise InputError("the cost ceiling must be above 0 USD")
