"""Gold versions in the metadata: each is stored whole or not at all. Meets ``gold.GoldStore``.

May import ``gold`` and ``errors``.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping, Sequence, Set
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from launchworthy.errors import NotFoundError
from launchworthy.gold import (
    Canary,
    GoldItem,
    GoldVersion,
    Look,
    Review,
    ReviewStatus,
    canary_in,
    new_canary,
    review_row,
)
from launchworthy.store.database import Database
from launchworthy.store.moments import from_ns, to_ns
from launchworthy.store.plain import to_json
from launchworthy.store.schema import gold_canaries, gold_items, gold_looks, gold_versions

__all__ = ["GoldRepository"]

_PAGE = 500  # items that are read at once
_ITEM = ("input", "expected", "slices", "cluster", "answerable", "context", "meta")


class GoldRepository:
    """Versions, their items, and the readings of their holdouts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_gold(self, version: GoldVersion, items: Sequence[GoldItem]) -> None:
        """Store one version whole, or nothing. Adding the same version again changes nothing."""
        key = {"product": version.product, "name": version.name, "version": version.version}
        rows = [
            {
                **key,
                "id": item.id,
                "split": item.split,
                "body": to_json(_body(item)),
            }
            for item in items
        ]
        carried = {text for item in items if (text := canary_in(item.meta)) is not None}
        with self._database.write() as connection:
            self._keep_canaries(connection, version, carried)
            if connection.execute(select(gold_versions.c.version).filter_by(**key)).first():
                return
            connection.execute(
                insert(gold_versions).values(
                    **key,
                    created_at=to_ns(version.created_at),
                    items=version.items,
                    slices=to_json(version.slices),
                    splits=to_json(version.splits),
                    note=version.note,
                    waiting=version.waiting,
                )
            )
            if rows:
                connection.execute(insert(gold_items), rows)

    @staticmethod
    def _keep_canaries(connection: Connection, version: GoldVersion, carried: Set[str]) -> None:
        """Those that came with a file, and one of its own for a set that has none."""
        key = {"product": version.product, "name": version.name}
        known = set(connection.execute(select(gold_canaries.c.text).filter_by(**key)).scalars())
        new = sorted(carried - known)
        if not known and not new:
            new = [new_canary(product=version.product, name=version.name, now=version.created_at).text]
        if new:
            at = to_ns(version.created_at)
            connection.execute(
                insert(gold_canaries), [{**key, "text": text, "created_at": at} for text in new]
            )

    def gold_canaries(self, *, product: str, name: str) -> list[Canary]:
        """Oldest first; a set of before there were canaries is given one now.

        Raises:
            NotFoundError: No such set.
        """
        versions = self.gold_versions(product=product, name=name)
        if not versions:
            raise NotFoundError(f"{product} has no gold set {name!r:.80}", where=name)
        key = {"product": product, "name": name}
        query = (
            select(gold_canaries).filter_by(**key).order_by(gold_canaries.c.created_at, gold_canaries.c.text)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        if not rows:
            with self._database.write() as connection:
                self._keep_canaries(connection, versions[-1], set())
                rows = connection.execute(query).mappings().all()
        return [Canary(**key, text=row["text"], created_at=from_ns(row["created_at"])) for row in rows]

    def gold_versions(self, *, product: str, name: str | None = None) -> list[GoldVersion]:
        """Newest first."""
        query = select(gold_versions).where(gold_versions.c.product == product)
        if name is not None:
            query = query.where(gold_versions.c.name == name)
        with self._database.read() as connection:
            rows = connection.execute(
                query.order_by(gold_versions.c.created_at.desc(), gold_versions.c.version)
            ).mappings()
            return [_version(row) for row in rows]

    def forget(self, product: str, *, before: datetime) -> int:
        """Remove versions that were made before a time, with their items; answers how many those were."""
        with self._database.write() as connection:
            old = connection.execute(
                select(gold_versions.c.name, gold_versions.c.version)
                .filter_by(product=product)
                .where(gold_versions.c.created_at < to_ns(before))
            ).all()
            for row in old:
                for table in (gold_items, gold_versions):
                    connection.execute(
                        delete(table).filter_by(product=product, name=row.name, version=row.version)
                    )
        return len(old)

    def gold_products(self) -> list[str]:
        """Products that have a gold set, sorted."""
        with self._database.read() as connection:
            return sorted(connection.execute(select(gold_versions.c.product).distinct()).scalars())

    def gold_items(self, *, product: str, name: str, version: str, split: str | None) -> list[GoldItem]:
        """Items in order of id; reading the holdout does not count by itself.

        Raises:
            NotFoundError: No such version.
        """
        return list(self.iter_gold_items(product=product, name=name, version=version, split=split))

    def iter_gold_items(
        self, *, product: str, name: str, version: str, split: str | None, without: Container[str] = ()
    ) -> Iterator[GoldItem]:
        """The same but for these ids, a page held at a time.

        Raises:
            NotFoundError: No such version.
        """
        key = {"product": product, "name": name, "version": version}
        after: str | None = None
        while rows := self._rows(key, split=split, after=after):
            yield from _items([row for row in rows if row[0] not in without])
            after = rows[-1][0]

    def gold_page(
        self, *, product: str, name: str, version: str, split: str | None, after: str | None = None
    ) -> list[GoldItem]:
        """The next items in order of id, after the one of this id; none where there are no more.

        Raises:
            NotFoundError: No such version.
        """
        key = {"product": product, "name": name, "version": version}
        return _items(self._rows(key, split=split, after=after))

    def _rows(
        self, key: Mapping[str, str], *, split: str | None, after: str | None
    ) -> Sequence[tuple[str, str, str]]:
        """Id, split and body of the next items."""
        column = gold_items.c
        query = select(column.id, column.split, column.body).filter_by(**key).order_by(column.id)
        if split is not None:
            query = query.where(column.split == split)
        if after is not None:
            query = query.where(column.id > after)
        with self._database.read() as connection:
            if not connection.execute(select(gold_versions.c.version).filter_by(**key)).first():
                meant = f"{key['name']}@{key['version']}"
                raise NotFoundError(f"{key['product']} has no gold set {meant}", where=meant)
            return [(row[0], row[1], row[2]) for row in connection.execute(query.limit(_PAGE)).all()]

    def add_look(self, look: Look) -> None:
        """Record one reading of a holdout or a sealed split, before it is read."""
        with self._database.write() as connection:
            last = connection.execute(select(func.max(gold_looks.c.id))).scalar() or 0
            connection.execute(
                insert(gold_looks).values(
                    id=last + 1,
                    product=look.product,
                    name=look.name,
                    version=look.version,
                    at=to_ns(look.at),
                    by=look.by,
                    purpose=look.purpose,
                    split=look.split,
                    release=look.release,
                )
            )

    def looks(self, *, product: str, name: str, version: str | None = None) -> list[Look]:
        """Oldest first."""
        query = select(gold_looks).filter_by(product=product, name=name).order_by(gold_looks.c.id)
        if version is not None:
            query = query.where(gold_looks.c.version == version)
        with self._database.read() as connection:
            return [
                Look(
                    product=row["product"],
                    name=row["name"],
                    version=row["version"],
                    at=from_ns(row["at"]),
                    by=row["by"],
                    purpose=row["purpose"],
                    split=row["split"],
                    release=row["release"],
                )
                for row in connection.execute(query).mappings()
            ]


def _version(row: Any) -> GoldVersion:
    return GoldVersion(
        product=row["product"],
        name=row["name"],
        version=row["version"],
        created_at=from_ns(row["created_at"]),
        items=row["items"],
        slices=json.loads(row["slices"]),
        splits=json.loads(row["splits"]),
        note=row["note"],
        waiting=row["waiting"],
    )


def _body(item: GoldItem) -> dict[str, Any]:
    body = {name: getattr(item, name) for name in _ITEM}
    return body if item.review is None else body | {"review": review_row(item.review)}


def _items(rows: Sequence[tuple[str, str, str]]) -> list[GoldItem]:
    # One document of all bodies: to begin and end a parse takes longer than such a parse.
    bodies = json.loads(f"[{','.join(body for _, _, body in rows)}]")
    return [_item(item_id, split, body) for (item_id, split, _), body in zip(rows, bodies, strict=True)]


def _item(item_id: str, split: str, body: dict[str, Any]) -> GoldItem:
    body["slices"] = tuple(body["slices"])
    told = body.pop("review", None)
    if told is not None:
        at = datetime.fromisoformat(told["at"]) if "at" in told else None
        told = Review(**{**told, "status": ReviewStatus(told["status"]), "at": at})
    return GoldItem(id=item_id, split=split, review=told, **body)
