"""A target that is not asked again what it has answered. May import ``errors`` and this room.

Every reply is written to a journal before the next call, and put into the cache soon after: a run that was
killed goes on without repeating what had come back, however far scoring was behind. Whether other runs may
use it too is decided by the key: that of this run alone, or that of the release.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

import orjson

from launchworthy.errors import InputError
from launchworthy.evals.answer import read_answer
from launchworthy.evals.backlog import Backlog
from launchworthy.evals.cache import cache_key
from launchworthy.evals.journal import ReplyJournal
from launchworthy.evals.target import Reply, Target
from launchworthy.gold import GoldItem

__all__ = ["Cache", "RememberingTarget", "held_of"]

_JOURNAL_S = 0.05  # the longest that a reply is in the journal alone


class Cache(Protocol):
    """Where replies are put down; ``launchworthy.evals.ReplyCache`` is one."""

    def journal(self) -> ReplyJournal | None:
        """Where replies are kept until they are put; None: nowhere."""

    def get(self, key: str) -> bytes | None:
        """What was put under this key."""

    def holding(self, keys: Collection[str]) -> set[str]:
        """Those of the keys under which there is something; never fails."""

    def put(self, key: str, value: bytes) -> None:
        """Keep it; never fails."""

    def put_many(self, replies: Sequence[tuple[str, bytes]], *, asked: Sequence[bytes] | None = None) -> None:
        """Keep them, with JSON of what each was asked with; never fails."""


class RememberingTarget:
    """Asks ``target`` what the cache does not hold.

    Args:
        target: Who is asked.
        cache: Where replies rest.
        known: What decides a reply beside the item: address, release, parameters; or the run.
        shared: Whether what is found may be another run's, which paid for it; else this run did.
    """

    def __init__(
        self, target: Target, cache: Cache, *, known: Mapping[str, Any], shared: bool = True
    ) -> None:
        self._target = target
        self._cache = cache
        self._known = dict(known)
        self._shared = shared
        self._came = Backlog(self._put_down, oldest_s=_JOURNAL_S)
        self._journal: ReplyJournal | None = None
        self._foreseen: dict[str, tuple[str, bool]] = {}  # by id: the key, and whether the cache holds it

    @property
    def name(self) -> str:
        return self._target.name

    async def open(self, *, concurrency: int) -> None:
        self._foreseen.clear()
        self._journal = self._journal or self._cache.journal()
        await self._target.open(concurrency=concurrency)

    async def close(self) -> None:
        self._came.clear()
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        await self._target.close()

    def foresee(self, items: Collection[GoldItem]) -> None:
        """Look in the cache for all of them at once, before any is asked."""
        keys = {item.id: _key(self._known, item) for item in items if item.id not in self._foreseen}
        held = self._cache.holding(keys.values()) if keys else set()
        self._foreseen |= {item_id: (key, key in held) for item_id, key in keys.items()}

    async def ask(self, item: GoldItem) -> Reply:
        foreseen = item.id in self._foreseen
        key, may_be_held = self._foreseen.pop(item.id) if foreseen else (_key(self._known, item), True)
        if may_be_held:
            self._came.clear()  # it may be among them, where an item is asked again
        held = self._cache.get(key) if may_be_held else None
        reply = None if held is None else _reply(held, remembered=self._shared)
        if reply is not None:
            return reply
        reply = await self._target.ask(item)
        plain = _packed(reply)
        # What no item can be scored by is an error, and errors are asked again.
        if plain is not None and _can_be_read(plain):
            self._write(key, plain)
            self._came.add((key, plain, item))
        return reply

    def _write(self, key: str, plain: bytes) -> None:
        if self._journal is not None:
            try:
                self._journal.write(key, plain)
            except OSError:  # the cache will say that the disk is full
                self._journal.close()
                self._journal = None

    def _put_down(self, came: list[tuple[str, bytes, GoldItem]]) -> None:
        self._cache.put_many(
            [(key, plain) for key, plain, _ in came],
            asked=[_told(item) for _, _, item in came],
        )
        if self._journal is not None:
            self._journal.clear()


def held_of(cache: Cache, items: Iterable[GoldItem], *, known: Mapping[str, Any]) -> set[str]:
    """Ids of the items of which the cache holds a reply."""
    keys = {_key(known, item): item.id for item in items}
    return {keys[key] for key in cache.holding(keys)}


def _key(known: Mapping[str, Any], item: GoldItem) -> str:
    return cache_key(known=dict(known), id=item.id, input=item.input, context=item.context)


def _told(item: GoldItem) -> bytes:
    """All that is known of an item, for whoever asks later whom its reply is about."""
    known = [item.id, item.input, item.expected, item.context, item.cluster, item.slices, dict(item.meta)]
    return json.dumps(known, default=str).encode()


def _packed(reply: Reply) -> bytes | None:
    """None for what JSON cannot hold, which is an error."""
    try:
        return orjson.dumps([reply.raw, reply.latency_ms, reply.trace_id], option=orjson.OPT_SERIALIZE_NUMPY)
    except (TypeError, ValueError):
        return None


def _can_be_read(plain: bytes) -> bool:
    try:
        read_answer(orjson.loads(plain)[0])
    except (InputError, ValueError):
        return False
    return True


def _reply(held: bytes, *, remembered: bool) -> Reply | None:
    try:
        raw, latency_ms, trace_id = orjson.loads(held)
    except ValueError:
        return None
    return Reply(raw=raw, latency_ms=latency_ms, trace_id=trace_id, remembered=remembered)
