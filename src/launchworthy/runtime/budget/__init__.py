"""What a call may take: time, money, and its share of ceilings over many calls; and who is left alone.

May import what ``runtime`` may.
"""

from launchworthy.runtime.budget.breaker import Breaker, BreakerState
from launchworthy.runtime.budget.ceilings import Ceiling, ceilings_of
from launchworthy.runtime.budget.cost import Prices, estimated_tokens
from launchworthy.runtime.budget.deadline import Deadline
from launchworthy.runtime.budget.retrying import is_transient, wait_before

__all__ = [
    "Breaker",
    "BreakerState",
    "Ceiling",
    "Deadline",
    "Prices",
    "ceilings_of",
    "estimated_tokens",
    "is_transient",
    "wait_before",
]
