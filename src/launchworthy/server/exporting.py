"""What may be learnt from records, as the contract says. May import every room below ``server``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from launchworthy.contract import Contract
from launchworthy.store import RetentionRule
from launchworthy.store.export import Learnable

__all__ = ["learnable"]


def learnable(contract: Contract, *, retention: Iterable[RetentionRule], now: datetime) -> Learnable:
    """What of a product's records may be learnt from: sources that may, and rows that are not overdue.

    Args:
        contract: In force.
        retention: How long tables of any product are kept.
        now: From when rows are overdue (aware).
    """
    sources = contract.data.sources
    kept = {rule.table: rule.keep for rule in retention if rule.product == contract.product}
    return Learnable(
        product=contract.product,
        sources=[name for name, each in sources.items() if "learn" in each.may] if sources else None,
        since_ns={table: max(0, int((now - keep).timestamp() * 1e9)) for table, keep in kept.items()},
    )
