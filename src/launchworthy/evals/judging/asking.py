"""Putting questions to a judge: each model of its panel, pairs in both orders, no reply paid for twice.

May import ``errors``, ``gold`` and this room. A judge is asked by the engine that asks targets: as a target
whose items are the questions, with the same retries, waits and batches.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import orjson

from launchworthy.capture.pricing import PriceTable
from launchworthy.errors import InputError
from launchworthy.evals.cache import cache_key
from launchworthy.evals.chat import ChatClient, ChatReply
from launchworthy.evals.judging.grading import NoGrade, read_grade
from launchworthy.evals.judging.judge import Judge
from launchworthy.evals.remembering import Cache
from launchworthy.evals.target import Reply, TargetFailure
from launchworthy.gold import GoldItem

__all__ = ["JudgeTarget", "Spent", "combined"]

_REASONS = 1_000  # characters of a judge's reasons that are kept


@dataclass(slots=True, kw_only=True)
class Spent:
    """What judging took so far; replies from the cache take nothing."""

    cost_usd: float = 0.0
    tokens: int = 0
    calls: int = 0


class _Remembered:
    """A cache for one sitting: an attempt that is repeated asks only who had not answered."""

    def __init__(self) -> None:
        self._replies: dict[str, bytes] = {}

    def journal(self) -> None:
        return None

    def get(self, key: str) -> bytes | None:
        return self._replies.get(key)

    def holding(self, keys: Collection[str]) -> set[str]:
        return self._replies.keys() & set(keys)

    def put(self, key: str, value: bytes) -> None:
        self._replies[key] = value

    def put_many(self, replies: Sequence[tuple[str, bytes]], *, asked: Sequence[bytes] | None = None) -> None:
        self._replies.update(replies)


class JudgeTarget:
    """A judge as a target of the engine: an item's input is the material, its answer the votes."""

    def __init__(
        self,
        judge: Judge,
        *,
        cache: Cache | None = None,
        prices: PriceTable | None = None,
        spent: Spent | None = None,
    ) -> None:
        self.judge = judge
        self.spent = spent or Spent()
        self._cache: Cache = _Remembered() if cache is None else cache
        self._clients = [ChatClient(model, prices=prices) for model in judge.models]
        self._under_way = 0

    @property
    def name(self) -> str:
        return f"judge:{self.judge.name}"

    async def open(self, *, concurrency: int) -> None:
        for client in self._clients:
            if self.judge.max_cost_usd is not None and not client.has_price:
                raise InputError(
                    f"nothing says what {client.model.model} costs, so the ceiling of "
                    f"{self.judge.max_cost_usd:g} USD for the judge {self.judge.name} cannot be kept",
                    hint="write tokens instead of cost, or name its price in the file of LAUNCHWORTHY_PRICES",
                )
            await client.open(concurrency=concurrency)

    async def close(self) -> None:
        for client in self._clients:
            await client.close()

    async def ask(self, item: GoldItem) -> Reply:
        orders = ("as given", "turned round") if self.judge.is_pairwise else ("as given",)
        told = await asyncio.gather(
            *(self._vote(client, item.input, order) for order in orders for client in self._clients),
            return_exceptions=True,
        )
        failed = [each for each in told if isinstance(each, BaseException)]
        if failed:
            raise next((each for each in failed if getattr(each, "transient", False)), failed[0])
        votes = [each for each in told if not isinstance(each, BaseException)]
        raw = {"output": None, "votes": votes, **combined(self.judge, votes)}
        costs = [vote["cost_usd"] for vote in votes]
        raw["cost_usd"] = None if None in costs else sum(costs)
        return Reply(raw=raw, latency_ms=max((vote["latency_ms"] for vote in votes), default=0.0))

    async def _vote(self, client: ChatClient, material: Mapping[str, Any], order: str) -> dict[str, Any]:
        if order == "turned round":
            material = {**material, "first": material["second"], "second": material["first"]}
        messages, schema = self.judge.ask(material), self.judge.scale.schema()
        key = cache_key(kind="judge", model=client.model.parameters(), messages=messages, schema=dict(schema))
        kept = self._cache.get(key)
        reply = None if kept is None else _unpacked(kept)
        paid = reply is None
        if reply is None:
            self._refuse_beyond_ceiling()
            self._under_way += 1
            try:
                reply = await client.complete(messages, schema=schema)
            finally:
                self._under_way -= 1
            self.spent.calls += 1
            self.spent.tokens += (reply.input_tokens or 0) + (reply.output_tokens or 0)
            self.spent.cost_usd += reply.cost_usd or 0.0
            self._cache.put(key, _packed(reply))
        return self._read(client, reply, order) | {
            "cost_usd": reply.cost_usd if paid else 0.0,
            "tokens": (reply.input_tokens or 0) + (reply.output_tokens or 0) if paid else 0,
            "latency_ms": reply.latency_ms,
        }

    def _read(self, client: ChatClient, reply: ChatReply, order: str) -> dict[str, Any]:
        vote: dict[str, Any] = {"model": client.model.model, "order": order, "grade": None}
        if reply.dropped:
            vote["without"] = list(reply.dropped)
        if reply.text is None and reply.refusal is not None:
            return vote | {"error": "the judge declined", "said": reply.refusal[:_REASONS]}
        try:
            grade, reasons = read_grade(reply.text, self.judge.scale, cut_off=reply.finish_reason == "length")
        except NoGrade as reason:
            # The error counts alike replies together; what was said stands with the item alone.
            return vote | {"error": str(reason), "said": (reply.text or "")[:_REASONS]}
        # What is kept is about the pair as it was given, whichever order the judge saw.
        grade = 1.0 - grade if order == "turned round" else grade
        return vote | {"grade": grade, "reasoning": reasons[:_REASONS]}

    def _refuse_beyond_ceiling(self) -> None:
        """Raise where what is spent reaches the ceiling, calls under way at the mean of those before."""
        with_these = 1.0 + self._under_way / self.spent.calls if self.spent.calls else 1.0
        if (
            self.judge.max_cost_usd is not None
            and self.spent.cost_usd * with_these >= self.judge.max_cost_usd
        ):
            raise TargetFailure(
                f"the judge's ceiling of {self.judge.max_cost_usd:g} USD was reached", transient=False
            )
        if self.judge.max_tokens is not None and self.spent.tokens * with_these >= self.judge.max_tokens:
            raise TargetFailure(
                f"the judge's ceiling of {self.judge.max_tokens:,} tokens was reached", transient=False
            )


def combined(judge: Judge, votes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One grade from all votes, or why there is none; and whether those who voted agreed.

    Of a pair, a model that prefers another answer when they change places has no preference: a tie. Of
    several models the majority of all counts, of ordered grades the median; without one there is no grade.
    """
    by_model: dict[str, list[Mapping[str, Any]]] = {}
    for vote in votes:
        by_model.setdefault(vote["model"], []).append(vote)
    grades = [_own(model_votes) for model_votes in by_model.values()]
    given = [grade for grade in grades if grade is not None]
    agreed = len(set(given)) == 1 and len(given) == len(grades)
    if 2 * len(given) <= len(grades):
        reason = next((vote["error"] for vote in votes if vote.get("error")), "no judge gave a grade")
        return {"grade": None, "error": reason, "agreed": False}
    if judge.scale.ordered and not judge.is_pairwise:
        middle = median(given)
        if middle not in judge.scale.grades:
            middle = float(int(middle))  # between two grades: the lower
        return {"grade": middle, "agreed": agreed}
    grade, count = Counter(given).most_common(1)[0]
    if 2 * count > len(grades):
        return {"grade": grade, "agreed": agreed}
    if judge.is_pairwise:
        return {"grade": 0.5, "agreed": agreed}
    return {"grade": None, "error": "the judges are divided", "agreed": False}


def _own(votes: Sequence[Mapping[str, Any]]) -> float | None:
    """What one model says of one question: of a pair, what it says in both orders."""
    grades = {vote["grade"] for vote in votes}
    if None in grades:
        return None
    return float(grades.pop()) if len(grades) == 1 else 0.5


def _packed(reply: ChatReply) -> bytes:
    return orjson.dumps(
        {
            "text": reply.text,
            "refusal": reply.refusal,
            "finish_reason": reply.finish_reason,
            "dropped": reply.dropped,
        }
    )


def _unpacked(data: bytes) -> ChatReply | None:
    try:
        plain = orjson.loads(data)
        return ChatReply(
            text=plain["text"],
            refusal=plain["refusal"],
            finish_reason=plain["finish_reason"],
            dropped=tuple(plain["dropped"]),
        )
    except (ValueError, KeyError, TypeError):
        return None  # not ours: ask again
