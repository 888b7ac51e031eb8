"""A target that is not asked again what it has answered. May import ``errors`` and this room.

Every reply is put down the moment it comes, before it is scored or stored: a run that was killed goes on
without repeating one call that had come back, however far scoring was behind. Whether other runs may use it
too is decided by the key: that of this run alone, or that of the release.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import orjson

from launchworthy.errors import InputError
from launchworthy.evals.answer import read_answer
from launchworthy.evals.cache import cache_key
from launchworthy.evals.target import Reply, Target
from launchworthy.gold import GoldItem

__all__ = ["Cache", "RememberingTarget", "held_of"]


class Cache(Protocol):
    """Where replies are put down; ``launchworthy.evals.ReplyCache`` is one."""

    def get(self, key: str) -> bytes | None:
        """What was put under this key."""

    def put(self, key: str, value: bytes) -> None:
        """Keep it; never fails."""

    def put_many(self, replies: Sequence[tuple[str, bytes]]) -> None:
        """Keep them; never fails."""


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
        self._came: list[tuple[str, bytes]] = []

    @property
    def name(self) -> str:
        return self._target.name

    async def open(self, *, concurrency: int) -> None:
        await self._target.open(concurrency=concurrency)

    async def close(self) -> None:
        await self._target.close()

    async def ask(self, item: GoldItem) -> Reply:
        key = _key(self._known, item)
        held = self._cache.get(key)
        reply = None if held is None else _reply(held, remembered=self._shared)
        if reply is not None:
            return reply
        reply = await self._target.ask(item)
        plain = _packed(reply)
        if plain is not None:
            if not self._came:
                # Replies that came together are put down together, before the loop waits for others.
                asyncio.get_running_loop().call_soon(self._put_down)
            self._came.append((key, plain))
        return reply

    def _put_down(self) -> None:
        came, self._came = self._came, []
        self._cache.put_many(came)


def held_of(cache: Cache, items: Iterable[GoldItem], *, known: Mapping[str, Any]) -> set[str]:
    """Ids of the items of which the cache holds a reply."""
    return {item.id for item in items if cache.get(_key(known, item)) is not None}


def _key(known: Mapping[str, Any], item: GoldItem) -> str:
    return cache_key(known=dict(known), id=item.id, input=item.input, context=item.context)


def _packed(reply: Reply) -> bytes | None:
    """None for what no item could be scored by: it is an error, and errors are asked again."""
    try:
        read_answer(reply.raw)
        return orjson.dumps([reply.raw, reply.latency_ms, reply.trace_id], option=orjson.OPT_SERIALIZE_NUMPY)
    except (InputError, TypeError, ValueError):
        return None


def _reply(held: bytes, *, remembered: bool) -> Reply | None:
    try:
        raw, latency_ms, trace_id = orjson.loads(held)
    except ValueError:
        return None
    return Reply(raw=raw, latency_ms=latency_ms, trace_id=trace_id, remembered=remembered)
