"""How long records live, as the contracts say. May import every room below ``server``."""

from __future__ import annotations

from datetime import timedelta

from launchworthy.quantity import Quantity
from launchworthy.server.contracts import Contracts
from launchworthy.store import RetentionRule

__all__ = ["retention_rules"]

# What each line of the contract's ``data/retention`` is about.
_TABLES = {
    "traces": ("spans",),
    "feedback": ("feedback", "outcomes", "scores", "exposures"),
    "gold": ("gold_versions",),
    "audit": ("decisions",),
}
_LONGEST = timedelta(days=365_000)


def retention_rules(contracts: Contracts) -> list[RetentionRule]:
    """A rule for each table of each product whose contract limits it; the rest is kept."""
    rules = []
    for product in contracts.products():
        known = contracts.in_force(product)
        if known is None:
            continue
        retention = known.contract.data.retention
        for line, tables in _TABLES.items():
            keep: Quantity | None = getattr(retention, line)
            if keep is None:
                continue
            kept = min(timedelta(milliseconds=min(keep.value, 1e14)), _LONGEST)
            rules += [RetentionRule(table=table, keep=kept, product=product) for table in tables]
    return rules
