"""A target that holds conversations with another target. May import ``errors``, ``gold`` and this room.

The target under test is given the messages so far as its input: a callable a list of them, an HTTP endpoint
``messages``. What is stored as the item's output is the whole conversation, with what its last reply said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from launchworthy.errors import InputError
from launchworthy.evals.answer import Answer, read_answer
from launchworthy.evals.scenarios.scenario import Scenario, read_scenario
from launchworthy.evals.scenarios.user import Speaker, User, all_hold
from launchworthy.evals.target import MAX_BYTES, Reply, Target, TargetFailure
from launchworthy.gold import GoldItem

__all__ = ["ScenarioTarget", "conversing"]

_LAST = ("no_answer", "state", "context", "confidence")  # of these, what was said last holds


def conversing(target: Target, items: Iterable[GoldItem], *, user: Speaker | None = None) -> Target:
    """The target as it is, or able to hold the conversations that are among the items.

    ``user`` plays users whose words are not scripted.

    Raises:
        InputError: One of them is broken, or has a user to be played by a model where none was named.
    """
    found = False
    for item in items:
        scenario = read_scenario(item)
        found = found or scenario is not None
        if scenario is not None and scenario.user is not None and user is None:
            raise InputError(
                "its user is to be played by a model, and none was named",
                where=f"item {item.id[:80]}",
                hint="name one: --user MODEL, or script what the user says",
            )
    return ScenarioTarget(target, user=user) if found else target


class ScenarioTarget:
    """Asks ``target`` each item; one that is a scenario, turn by turn.

    Args:
        target: Who is asked.
        user: The model that plays users whose words are not scripted.
    """

    def __init__(self, target: Target, *, user: Speaker | None = None) -> None:
        self.target = target
        self.user = user

    @property
    def name(self) -> str:
        return self.target.name

    async def open(self, *, concurrency: int) -> None:
        await self.target.open(concurrency=concurrency)
        if self.user is not None:
            await self.user.open(concurrency=concurrency)

    async def close(self) -> None:
        try:
            await self.target.close()
        finally:
            if self.user is not None:
                await self.user.close()

    async def ask(self, item: GoldItem) -> Reply:
        try:
            scenario = read_scenario(item)
        except InputError as error:
            raise TargetFailure(error.message, transient=False) from error
        if scenario is None:
            return await self.target.ask(item)
        return await self._converse(item, scenario)

    async def _converse(self, item: GoldItem, scenario: Scenario) -> Reply:
        user, talk = User(scenario, self.user), _Talk()
        ended = ""
        while not ended:
            said = await user.next(talk.row())
            if said is None:
                ended = user.ended
                break
            talk.hear(said)
            try:
                reply = await self.target.ask(replace(item, input=talk.history()))
                talk.take(reply)
            except TargetFailure as failure:
                failure.message = f"turn {talk.turns + 1}: {failure.message}"
                raise
            except InputError as error:
                raise TargetFailure(f"turn {talk.turns + 1}: {error.message}", transient=False) from error
            if scenario.stop_when and all_hold(scenario.stop_when, talk.row()):
                ended = "its stop rule held"
            elif talk.turns >= scenario.max_turns:
                ended = "the limit of turns was reached"
        if not talk.turns:
            raise TargetFailure("the user ended the conversation before it began", transient=False)
        raw = talk.row() | {"turns": talk.turns, "ended_because": ended}
        if talk.cost_usd is not None:
            raw["cost_usd"] = talk.cost_usd
        if user.spoke_by_model and user.cost_usd is not None:
            raw["user_cost_usd"] = user.cost_usd
        return Reply(raw=raw, latency_ms=talk.latency_ms, trace_id=talk.trace_id, remembered=talk.remembered)


@dataclass(slots=True)
class _Talk:
    """A conversation as it grows.

    ``cost_usd`` is None once a reply did not say what it cost: a sum that leaves one out would be too low.
    Where no reply tells its tool calls, nothing says that there were none.
    """

    messages: list[dict[str, Any]] = field(default_factory=list)
    tool_calls: list[Any] = field(default_factory=list)
    told_calls: bool = False
    last: dict[str, Any] = field(default_factory=dict)
    turns: int = 0
    size: int = 0
    latency_ms: float = 0.0
    cost_usd: float | None = 0.0
    trace_id: str | None = None
    remembered: bool = True

    def hear(self, text: str) -> None:
        """The user's next words."""
        self.messages.append({"role": "user", "content": text})

    def history(self) -> list[dict[str, Any]]:
        """The messages for the target, a copy of its own."""
        return [dict(message) for message in self.messages]

    def take(self, reply: Reply) -> None:
        """The target's reply.

        Raises:
            InputError: It cannot be read.
            TargetFailure: The conversation grew too long.
        """
        answer = read_answer(reply.raw)
        added = self._added(answer)
        try:
            self.size += len(orjson.dumps(added, option=orjson.OPT_SERIALIZE_NUMPY))
        except (TypeError, ValueError) as error:
            raise InputError(f"the reply holds what JSON cannot: {error}") from error
        if self.size > MAX_BYTES:
            raise TargetFailure(f"the conversation is larger than {MAX_BYTES:,} bytes", transient=False)
        self.messages += added
        calls = answer.fields.get("tool_calls")
        if calls is None:
            calls = [call for message in added for call in _calls(message)]
        else:
            self.told_calls = True
        if not isinstance(calls, (list, tuple)):
            raise InputError("the reply's tool_calls are not a list")
        self.tool_calls += calls
        self.told_calls = self.told_calls or bool(calls)
        self.turns += 1
        self.latency_ms += reply.latency_ms
        self.remembered = self.remembered and reply.remembered
        self.trace_id = answer.trace_id or reply.trace_id or self.trace_id
        if self.cost_usd is not None:
            self.cost_usd = None if answer.cost_usd is None else self.cost_usd + answer.cost_usd
        self.last |= {name: answer.fields[name] for name in _LAST if answer.fields.get(name) is not None}
        self.last |= {"output": answer.output, "answered": answer.answered}
        for name, found in (("ranked", answer.ranked), ("citations", answer.citations)):
            if found is not None:
                self.last[name] = found
        if answer.answered is not False:
            self.last.pop("no_answer", None)

    def _added(self, answer: Answer) -> list[dict[str, Any]]:
        """The messages of one reply: those that the target tells itself, else its output as one."""
        told = answer.fields.get("messages")
        if told is None:
            text = "" if answer.output is None else answer.output
            if not isinstance(text, str):
                text = orjson.dumps(text, option=orjson.OPT_SERIALIZE_NUMPY).decode()
            return [{"role": "assistant", "content": text}]
        if not isinstance(told, (list, tuple)) or not all(isinstance(one, Mapping) for one in told):
            raise InputError("the reply's messages are not a list of messages")
        plain = [dict(one) for one in told]
        known = len(self.messages)
        return plain[known:] if plain[:known] == self.messages else plain

    def row(self) -> dict[str, Any]:
        """What conditions and metrics read: the fields of an answer."""
        row = {"output": None, **self.last, "messages": self.history()}
        if self.told_calls:
            row["tool_calls"] = list(self.tool_calls)
        return {name: value for name, value in row.items() if value is not None or name == "output"}


def _calls(message: Mapping[str, Any]) -> list[Any]:
    calls = message.get("tool_calls")
    return list(calls) if isinstance(calls, (list, tuple)) and message.get("role") == "assistant" else []
