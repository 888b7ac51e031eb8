"""Experiments of a folder: plans from the audit chain, and what records say of each.

May import every room below ``server``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from launchworthy.evidence import AuditEntry
from launchworthy.rollout.experiment import (
    PLAN_KIND,
    DeclaredPlan,
    StoredExperiment,
    StoredSummary,
    declared_plans,
    plain_reading,
)

__all__ = ["MOST_PLANS", "plain_experiment", "plain_summary", "plans_in"]

MOST_PLANS = 500  # entries of the chain that are looked through for plans


def plans_in(trail: Sequence[AuditEntry]) -> dict[str, list[DeclaredPlan]]:
    """Plans by experiment, newest first, from entries of the audit chain."""
    return declared_plans([(entry.at, entry.body) for entry in trail if entry.kind == PLAN_KIND])


def plain_summary(found: StoredSummary) -> dict[str, Any]:
    """A line of the list, as JSON."""
    return {
        "key": found.key,
        "variants": dict(found.variants),
        "first": found.first.isoformat(),
        "last": found.last.isoformat(),
        "declared": None if found.declared is None else found.declared.isoformat(),
    }


def plain_experiment(found: StoredExperiment) -> dict[str, Any]:
    """A reading with what records add to it, as JSON."""
    history: list[Mapping[str, Any]] = [
        {
            "arm": arm,
            "metric": metric,
            "points": [
                {
                    "at": point.at.isoformat(),
                    "fraction": point.fraction,
                    "value": point.value,
                    "standard_error": point.standard_error,
                }
                for point in points
            ],
        }
        for (arm, metric), points in found.history.items()
    ]
    return {
        **plain_reading(found.reading),
        "declared": None if found.declared is None else found.declared.isoformat(),
        "plans_after_start": found.changed,
        "first": found.first.isoformat(),
        "last": found.last.isoformat(),
        "left_out": dict(found.left_out),
        "history": history,
    }
