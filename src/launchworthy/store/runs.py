"""Evaluation runs in the metadata: a header each, items in compressed chunks. Meets ``records.RunStore``.

A chunk is what one call appended, so that appending is one insert however long the run; where two chunks
hold the same item, the later one counts. May import ``records`` and ``errors``.
"""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from launchworthy.errors import NotFoundError
from launchworthy.records import Run, RunItem, RunPage, Score
from launchworthy.store.database import Database
from launchworthy.store.moments import to_ns
from launchworthy.store.plain import to_json
from launchworthy.store.schema import run_chunks, runs

__all__ = ["RunRepository", "pack_items", "unpack_items"]

_PAGE = 500  # items at least, of a page that is not the last
_ITEM = tuple(field.name for field in dataclasses.fields(RunItem))
_SCORE = tuple(field.name for field in dataclasses.fields(Score))


class RunRepository:
    """Runs and their items."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_run(self, run: Run) -> None:
        """Store a new run, or replace the header of one with the same id (its items stay)."""
        values = {
            "product": run.product,
            "workflow": run.workflow,
            "started_at": to_ns(run.started_at),
            "body": to_json(dataclasses.asdict(run)),
        }
        with self._database.write() as connection:
            done = connection.execute(update(runs).where(runs.c.id == run.id).values(**values))
            if done.rowcount == 0:
                connection.execute(insert(runs).values(id=run.id, **values))

    def add_run_items(self, run_id: str, items: Sequence[RunItem]) -> None:
        """Append items durably; an item id that the run already has is replaced, never doubled.

        Raises:
            NotFoundError: No such run.
        """
        if not items:
            return
        body = pack_items([_plain_item(item) for item in items])
        with self._database.write() as connection:
            if not connection.execute(select(runs.c.id).where(runs.c.id == run_id)).first():
                raise NotFoundError(f"no run {run_id!r:.100}", where=run_id)
            last = connection.execute(
                select(func.max(run_chunks.c.chunk)).where(run_chunks.c.run_id == run_id)
            ).scalar()
            connection.execute(
                insert(run_chunks).values(
                    run_id=run_id, chunk=0 if last is None else last + 1, items=len(items), body=body
                )
            )

    def run(self, run_id: str) -> Run:
        """The header.

        Raises:
            NotFoundError: No such run.
        """
        with self._database.read() as connection:
            body = connection.execute(select(runs.c.body).where(runs.c.id == run_id)).scalar()
        if body is None:
            raise NotFoundError(f"no run {run_id!r:.100}", where=run_id)
        return _run(body)

    def runs(self, *, product: str | None = None, workflow: str | None = None) -> list[Run]:
        """Newest first."""
        query = select(runs.c.body).order_by(runs.c.started_at.desc(), runs.c.id)
        if product is not None:
            query = query.where(runs.c.product == product)
        if workflow is not None:
            query = query.where(runs.c.workflow == workflow)
        with self._database.read() as connection:
            return [_run(body) for (body,) in connection.execute(query)]

    def run_products(self) -> list[str]:
        """Products that have a run, sorted."""
        with self._database.read() as connection:
            return sorted(connection.execute(select(runs.c.product).distinct()).scalars())

    def run_items(self, run_id: str) -> list[RunItem]:
        """In order of item id.

        Raises:
            NotFoundError: No such run.
        """
        return sorted(self.iter_run_items(run_id), key=lambda item: item.item_id)

    def iter_run_items(self, run_id: str) -> Iterator[RunItem]:
        """Each item once, as it was stored last, in no order; holds one chunk at a time.

        Raises:
            NotFoundError: No such run.
        """
        self.run(run_id)
        given: set[str] = set()
        for _, body in self._chunks(run_id, before=None):
            for plain in reversed(unpack_items(body)):
                if plain["item_id"] not in given:
                    given.add(plain["item_id"])
                    yield _run_item(plain)

    def run_page(self, run_id: str, *, before: int | None = None) -> RunPage:
        """Items of the newest chunks before this one, until they are many.

        Raises:
            NotFoundError: No such run.
        """
        self.run(run_id)
        found: list[RunItem] = []
        for chunk, body in self._chunks(run_id, before=before):
            found += [_run_item(plain) for plain in reversed(unpack_items(body))]
            if len(found) >= _PAGE:
                return RunPage(items=tuple(found), before=chunk or None)
        return RunPage(items=tuple(found), before=None)

    def _chunks(self, run_id: str, *, before: int | None) -> Iterator[tuple[int, bytes]]:
        """Newest first, so that an item that was stored again is met before what it replaced."""
        column = run_chunks.c
        with self._database.read() as connection:
            last = connection.execute(select(func.max(column.chunk)).filter_by(run_id=run_id)).scalar()
        end = 0 if last is None else last + 1
        for chunk in range((end if before is None else min(before, end)) - 1, -1, -1):
            with self._database.read() as connection:
                body = connection.execute(select(column.body).filter_by(run_id=run_id, chunk=chunk)).scalar()
            if body is not None:
                yield chunk, body


def pack_items(items: Sequence[dict[str, Any]]) -> bytes:
    """Items as compressed JSON."""
    return zlib.compress(to_json(items).encode(), 3)


def unpack_items(body: bytes) -> list[dict[str, Any]]:
    """What :func:`pack_items` packed."""
    items: list[dict[str, Any]] = json.loads(zlib.decompress(body))
    return items


def _plain_item(item: RunItem) -> dict[str, Any]:
    """As ``dataclasses.asdict``, without copying what is only written."""
    plain = {name: getattr(item, name) for name in _ITEM}
    plain["scores"] = {
        name: {part: getattr(score, part) for part in _SCORE} for name, score in item.scores.items()
    }
    return plain


def _run(body: str) -> Run:
    plain = json.loads(body)
    for name in ("started_at", "finished_at"):
        if plain[name] is not None:
            plain[name] = datetime.fromisoformat(plain[name])
    plain["scorers"] = tuple(plain["scorers"])
    return Run(**plain)


def _run_item(plain: dict[str, Any]) -> RunItem:
    scores = {name: Score(**score) for name, score in plain.pop("scores").items()}
    slices = tuple(plain.pop("slices"))
    return RunItem(**plain, slices=slices, scores=scores)
