"""What a gold set itself proves: enough items, fresh enough, its holdout not worn out. Pure; times are aware.

May import ``contract``, ``evidence``, ``gold``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from launchworthy.contract import Claim, ClaimKind
from launchworthy.evals.piece import PRODUCER
from launchworthy.evidence import Evidence
from launchworthy.gold import SEALED, GoldVersion, Look

__all__ = ["gold_evidence"]


def gold_evidence(
    claims: Iterable[Claim], versions: Sequence[GoldVersion], looks: Sequence[Look], now: datetime
) -> list[Evidence]:
    """Evidence for the claims of family ``gold``, from the newest version of the set each speaks of.

    A claim of cover counts the items of its slice (``scenarios`` is the slice of that name); one of freshness
    is the age of the version; one about ``looks`` counts readings of the holdout, one about
    ``sealed_looks`` those of the sealed items. A set that is not there gives none.

    Args:
        claims: Claims of a contract; those of other families are passed over. The set is the part after
            ``gold`` of a claim's address.
        versions: Known versions of the product's sets, in any order.
        looks: Readings that count (see ``launchworthy.gold.looks_spent``).
        now: When it is measured.
    """
    newest: dict[str, GoldVersion] = {}
    for version in sorted(versions, key=lambda version: version.created_at):
        newest[version.name] = version
    found = []
    for claim in claims:
        parts = claim.address.split("/")
        known = newest.get(parts[2]) if claim.family == "gold" and len(parts) > 2 else None
        piece = None if known is None else _measured(claim, known, looks, now)
        if piece is not None:
            found.append(piece)
    return found


def _measured(claim: Claim, version: GoldVersion, looks: Sequence[Look], now: datetime) -> Evidence | None:
    if claim.metric in ("looks", "sealed_looks"):
        sealed = claim.metric == "sealed_looks"
        own = (version.product, version.name, sealed)
        spent = [look for look in looks if (look.product, look.name, look.split == SEALED) == own]
        detail: dict[str, Any] = {
            "version": version.version,
            "looks": [
                {"at": look.at.isoformat(), "by": look.by, "for": look.purpose} for look in spent[-20:]
            ],
        }
        return _counted(claim, version, float(len(spent)), now, unit="", of="look", detail=detail)
    if claim.kind is ClaimKind.COVER:
        count = version.slices.get(claim.slice or claim.metric, 0)
        detail = {"version": version.version, "splits": dict(version.splits)}
        return _counted(claim, version, float(count), now, unit="", of="item", detail=detail)
    if claim.kind is ClaimKind.FRESH:
        age_ms = max(0.0, (now - version.created_at).total_seconds() * 1_000)
        detail = {"version": version.version, "frozen_at": version.created_at.isoformat()}
        return _counted(claim, version, age_ms, now, unit="ms", of="version", detail=detail)
    return None


def _counted(
    claim: Claim,
    version: GoldVersion,
    value: float,
    now: datetime,
    *,
    unit: str,
    of: str,
    detail: Mapping[str, Any],
) -> Evidence:
    """A full count: its bounds are itself."""
    return Evidence(
        claim=claim.address,
        kind=claim.kind,
        value=value,
        low=value,
        high=value,
        confidence=claim.confidence,
        n=version.items,
        unit=claim.target.unit if claim.target is not None and unit == "" else unit,
        unit_of_analysis=of,
        method="full count",
        gold=f"{version.name}@{version.version}",
        slice=claim.slice,
        source=f"gold:{version.name}@{version.version}",
        producer=PRODUCER,
        observed_at=now,
        detail=detail,
    )
