"""Versions of a product's flags, each chained as it is put in force, and what sticky units have.

What flags say is read by ``rollout.flags``. May import ``errors``, ``records`` and this room.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from launchworthy.errors import ConflictError
from launchworthy.records import pseudonym
from launchworthy.store.database import Database
from launchworthy.store.ledger import LedgerRepository
from launchworthy.store.moments import from_ns, to_ns
from launchworthy.store.options import Clock
from launchworthy.store.schema import flag_sets, ramps, sticky_units

__all__ = ["FlagRepository", "StoredFlags"]

CHAINED = "flags"
_PSEUDONYM = "pseudonym"  # name of the secret that units are hashed with


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFlags:
    """One version of a product's flags; ``body`` is their JSON."""

    product: str
    version: int
    at: datetime
    by: str
    reason: str
    body: str


class FlagRepository:
    """Any number of processes may put flags in force; of two at once the second is told."""

    def __init__(
        self, database: Database, *, ledger: LedgerRepository, secret: Callable[[str], bytes], clock: Clock
    ) -> None:
        self._database, self._ledger, self._clock = database, ledger, clock
        self._secret = secret

    def put(
        self, product: str, *, body: str, by: str, reason: str, replaces: int, chained: str
    ) -> StoredFlags:
        """Put a version in force and chain it.

        Args:
            product: Product.
            body: The flags as JSON.
            by: Who does it.
            reason: Why, in a sentence.
            replaces: The version that it was made from; 0 for the first.
            chained: What the audit chain keeps, as canonical JSON.

        Raises:
            ConflictError: Another version is in force by now.
        """
        with self._database.write() as connection:
            newest = connection.execute(
                select(func.max(flag_sets.c.version)).filter_by(product=product)
            ).scalar_one()
            if (newest or 0) != replaces:
                raise ConflictError(
                    f"version {newest or 0} of the flags is in force by now, not {replaces}",
                    where=product,
                    hint="look at it, and change that",
                )
            made = StoredFlags(
                product=product,
                version=replaces + 1,
                at=self._clock(),
                by=by,
                reason=reason,
                body=body,
            )
            connection.execute(
                insert(flag_sets).values(
                    product=product,
                    version=made.version,
                    at=to_ns(made.at),
                    by=by,
                    reason=reason,
                    body=body,
                )
            )
            self._ledger.append_on(connection, product, kind=CHAINED, bodies=[chained])
        return made

    def newest(self, product: str) -> StoredFlags | None:
        """The version in force; None where there never was one."""
        return next(iter(self.versions(product, most=1)), None)

    def versions(self, product: str, *, most: int) -> list[StoredFlags]:
        """The newest versions, the last first."""
        with self._database.read() as connection:
            return [
                StoredFlags(
                    product=row.product,
                    version=row.version,
                    at=from_ns(row.at),
                    by=row.by,
                    reason=row.reason,
                    body=row.body,
                )
                for row in connection.execute(
                    select(flag_sets)
                    .filter_by(product=product)
                    .order_by(flag_sets.c.version.desc())
                    .limit(most)
                )
            ]

    def products(self) -> list[str]:
        """Products that have flags, or a release that is or was on its way, sorted."""
        query = select(flag_sets.c.product).union(select(ramps.c.product))
        with self._database.read() as connection:
            return sorted(connection.execute(query).scalars())

    def variant(self, product: str, *, flag: str, unit: str) -> str | None:
        """What a sticky unit has; units are pseudonyms."""
        with self._database.read() as connection:
            return connection.execute(
                select(sticky_units.c.variant).filter_by(product=product, flag=flag, unit=unit)
            ).scalar_one_or_none()

    def keep(self, product: str, *, flag: str, unit: str, variant: str) -> str:
        """Keep what a sticky unit has, unless it has something; answers what it has."""
        with self._database.write() as connection:
            known = connection.execute(
                select(sticky_units.c.variant).filter_by(product=product, flag=flag, unit=unit)
            ).scalar_one_or_none()
            if known is not None:
                return str(known)
            connection.execute(
                insert(sticky_units).values(
                    product=product, flag=flag, unit=unit, variant=variant, at=to_ns(self._clock())
                )
            )
        return variant

    def erase(self, connection: Connection, product: str, *, user_id: str) -> int:
        """Forget what a unit has, and take it out of every version that names it as a tester or in a segment.

        Args:
            connection: Of the transaction.
            product: Product.
            user_id: Pseudonym of the unit, or the unit as it is.

        Returns:
            How many rows were removed or changed.
        """
        key = self._secret(_PSEUDONYM)

        def named(unit: str) -> bool:
            return user_id in (unit, pseudonym(unit, key=key))

        changed = connection.execute(delete(sticky_units).filter_by(product=product, unit=user_id)).rowcount
        for row in connection.execute(select(flag_sets).filter_by(product=product)).all():
            body = json.loads(row.body)
            kept = _without(body, named)
            if kept != body:
                connection.execute(
                    update(flag_sets)
                    .filter_by(product=product, version=row.version)
                    .values(body=json.dumps(kept))  # a split keeps its order
                )
                changed += 1
        return changed


def _without(body: Any, named: Callable[[str], bool]) -> Any:
    """Flags without a unit; what a condition compares ``unit`` with is a list of units too."""
    kept = json.loads(json.dumps(body))
    for flag in kept["flags"].values():
        flag["overrides"] = {unit: variant for unit, variant in flag["overrides"].items() if not named(unit)}
    for segment in kept["segments"].values():
        for place in ("include", "exclude"):
            segment[place] = [unit for unit in segment[place] if not named(unit)]
    rules = (rule for flag in kept["flags"].values() for rule in flag["rules"])
    for holder in (*rules, *kept["segments"].values()):
        for operator in ("in", "not_in"):
            units = holder["when"].get("unit", {})
            if operator in units:
                units[operator] = [unit for unit in units[operator] if not named(str(unit))]
    return kept
