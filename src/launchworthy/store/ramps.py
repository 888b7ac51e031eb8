"""Releases on their way, as JSON by version: a step is kept, and chained, exactly once.

What a ramp says is read by ``rollout.ramp``; here it is text. May import ``errors`` and this room.
"""

from __future__ import annotations

from sqlalchemy import insert, select, update

from launchworthy.errors import ConflictError, NotFoundError
from launchworthy.store.database import Database
from launchworthy.store.ledger import LedgerRepository
from launchworthy.store.moments import to_ns
from launchworthy.store.options import Clock
from launchworthy.store.schema import ramps

__all__ = ["RampRepository"]

_CHAINED = "rollout"


class RampRepository:
    """Any number of processes may take a step; one of them does, the others are told."""

    def __init__(self, database: Database, *, ledger: LedgerRepository, clock: Clock) -> None:
        self._database, self._ledger, self._clock = database, ledger, clock

    def add(self, product: str, *, ramp: str, body: str, chained: str) -> None:
        """Keep a new ramp and chain its first step.

        Raises:
            ConflictError: Another ramp of the product is under way.
        """
        with self._database.write() as connection:
            other = connection.execute(
                select(ramps.c.id).filter_by(product=product, is_open=True)
            ).scalar_one_or_none()
            if other is not None:
                raise ConflictError(
                    f"{other} is under way: one release at a time is brought to the users of {product}",
                    where=ramp,
                    hint="roll it back or stop it first: launchworthy rollout status",
                )
            connection.execute(
                insert(ramps).values(
                    product=product,
                    id=ramp,
                    version=1,
                    is_open=True,
                    started_at=to_ns(self._clock()),
                    body=body,
                )
            )
            self._ledger.append_on(connection, product, kind=_CHAINED, bodies=[chained])

    def change(self, product: str, *, ramp: str, version: int, body: str, is_open: bool, chained: str) -> int:
        """Keep a ramp after one more step, chain the step, and answer the new version.

        Args:
            product: Product.
            ramp: Its id.
            version: The version that the step was taken on.
            body: The ramp with the step.
            is_open: Whether anything may still follow by itself.
            chained: The step as canonical JSON.

        Raises:
            ConflictError: Somebody took a step in between.
            NotFoundError: No such ramp.
        """
        with self._database.write() as connection:
            changed = connection.execute(
                update(ramps)
                .filter_by(product=product, id=ramp, version=version)
                .values(version=version + 1, is_open=is_open, body=body)
            ).rowcount
            if not changed:
                known = connection.execute(select(ramps.c.id).filter_by(product=product, id=ramp)).first()
                if known is None:
                    raise NotFoundError(f"there is no ramp {ramp!r:.60} of {product}", where=product)
                raise ConflictError(
                    "somebody decided about it in between", where=ramp, hint="look at it again"
                )
            self._ledger.append_on(connection, product, kind=_CHAINED, bodies=[chained])
        return version + 1

    def finish(self, product: str, *, ramp: str) -> None:
        """Nothing follows of it by itself any more."""
        with self._database.write() as connection:
            connection.execute(update(ramps).filter_by(product=product, id=ramp).values(is_open=False))

    def ramps(self, product: str, *, only_open: bool = False) -> list[tuple[int, str]]:
        """Version and body of each, newest first."""
        query = select(ramps.c.version, ramps.c.body).filter_by(product=product)
        if only_open:
            query = query.filter_by(is_open=True)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(ramps.c.started_at.desc(), ramps.c.id.desc())).all()
        return [(row.version, row.body) for row in rows]

    def open_products(self) -> list[str]:
        """Products with a ramp under way, sorted."""
        with self._database.read() as connection:
            found = connection.execute(select(ramps.c.product).filter_by(is_open=True).distinct()).scalars()
            return sorted(found)
