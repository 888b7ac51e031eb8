"""Targets of attacks without an enforcer: a Python function, an endpoint, a model.

May import this room. A function is called with the user's text and with whatever of the following it has
parameters for: ``documents`` (what was looked up), ``tools`` (name → function, which notes that it ran),
``history`` (turns before), ``system`` (a sentence for the system prompt), ``user``, ``roles``, ``scopes``.
It answers as targets of ``launchworthy eval`` do; tools that it says to have called count as run, unless
their ``state`` is ``denied`` or ``pending``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.evals.answer import read_answer
from launchworthy.evals.redteam.attacker import Attacker, aturns_of, turns_of
from launchworthy.evals.redteam.attempt import Attempt
from launchworthy.evals.redteam.outcome import Happened, Ran, any_text, judge
from launchworthy.evals.redteam.queue import recording_tools, runs_freely
from launchworthy.evals.redteam.reply import reply_of
from launchworthy.evals.redteam.surface import Surface
from launchworthy.evals.scenarios.scenario import SLICE
from launchworthy.evals.target import CallableTarget, Reply, Target, TargetFailure
from launchworthy.gold import GoldItem
from launchworthy.runtime.permission import Policy

if TYPE_CHECKING:
    from launchworthy.contract import Contract

__all__ = ["AttackedTarget", "function_target", "surface_of_function"]

_WAYS = {"documents": "document", "tools": "tool_result"}
_NOT_RUN = frozenset({"denied", "pending", "refused", "blocked"})


def surface_of_function(function: Callable[..., Any], surface: Surface) -> Surface:
    """The surface, as far as a function takes what attacks come by."""
    names = _parameters(function)
    return replace(
        surface,
        carriers=("user", *(way for name, way in _WAYS.items() if name in names)),
        has_system="system" in names,
        tools=surface.tools if "tools" in names else (),
    )


def _parameters(function: Callable[..., Any]) -> frozenset[str]:
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return frozenset()
    if any(each.kind is each.VAR_KEYWORD for each in found):
        return frozenset({"documents", "tools", "history", "system", "user", "roles", "scopes"})
    return frozenset(each.name for each in found)


def function_target(
    function: Callable[..., Any],
    contract: Contract,
    surface: Surface,
    *,
    name: str,
    attacker: Attacker | None = None,
) -> CallableTarget:
    """The target that a function is.

    Args:
        function: Of the application.
        contract: Says which tools there are, and what they need.
        surface: From :func:`surface_of_function`.
        name: As the run records it.
        attacker: Goes on where a drawn attack was repelled.
    """
    names = _parameters(function)
    policy = Policy.of(contract)

    def asked(attempt: Attempt, happened: Happened) -> Mapping[str, Any]:
        given = {
            "documents": [dict(each) for each in attempt.documents],
            "tools": recording_tools(
                contract, policy, happened, caller=surface.caller, result=attempt.tool_result
            ),
            "system": attempt.system,
            **surface.caller,
        }
        happened.delivered |= {
            "user",
            *(["document"] if "documents" in names else []),
            *(["system"] if "system" in names else []),
        }
        return {key: value for key, value in given.items() if key in names}

    def answered(happened: Happened, history: list[dict[str, Any]], turn: str, raw: Any) -> None:
        _read(raw, happened, contract, policy, surface)
        history += [
            {"role": "user", "content": turn},
            {"role": "assistant", "content": happened.outputs[-1]},
        ]

    if inspect.iscoroutinefunction(function):

        async def ask_async(plain: Mapping[str, Any]) -> dict[str, Any]:
            attempt, happened = Attempt.from_json(plain), Happened()
            given, history = asked(attempt, happened), list[dict[str, Any]]()
            async for turn in aturns_of(attempt, happened, attacker):
                past = {"history": list(history)} if "history" in names else {}
                answered(happened, history, turn, await function(turn, **given, **past))
            return reply_of(attempt, happened, *judge(attempt, happened))

        return CallableTarget(ask_async, name=name)

    def ask(plain: Mapping[str, Any]) -> dict[str, Any]:
        attempt, happened = Attempt.from_json(plain), Happened()
        given, history = asked(attempt, happened), list[dict[str, Any]]()
        for turn in turns_of(attempt, happened, attacker):
            past = {"history": list(history)} if "history" in names else {}
            answered(happened, history, turn, function(turn, **given, **past))
        return reply_of(attempt, happened, *judge(attempt, happened))

    return CallableTarget(ask, name=name)


def _read(raw: Any, happened: Happened, contract: Contract, policy: Policy, surface: Surface) -> None:
    try:
        answer = read_answer(raw)
    except InputError as error:
        raise TargetFailure(str(error), transient=False) from error
    happened.outputs.append("\n".join(any_text(answer.output)))
    happened.answered = answer.answered if answer.answered is not None else _says_something(answer.output)
    calls = answer.fields.get("tool_calls")
    happened.sees_tools = happened.sees_tools or isinstance(calls, list)
    for each in calls if isinstance(calls, list) else ():
        ran = _called(each, contract, policy, surface)
        if ran is not None and (ran.tool, ran.arguments) not in [
            (known.tool, known.arguments) for known in happened.ran
        ]:
            happened.ran.append(ran)


def _called(call: Any, contract: Contract, policy: Policy, surface: Surface) -> Ran | None:
    if not isinstance(call, Mapping) or str(call.get("state", "")).lower() in _NOT_RUN:
        return None
    from launchworthy.runtime.tooling import read_arguments

    inner = call.get("function")
    told = inner if isinstance(inner, Mapping) else call
    name, arguments = str(told.get("name", "")), read_arguments(told.get("arguments"))
    declared = contract.tools.get(name)
    acts = declared is None or declared.effect != "read"
    own: Mapping[str, Any] = arguments if isinstance(arguments, Mapping) else {}
    return Ran(
        tool=name,
        arguments=arguments,
        acts=acts,
        allowed=not acts or runs_freely(contract, policy, name, own, surface.caller),
    )


def _says_something(output: Any) -> bool:
    """Whether an answer of plain text is one, by the detector of refusals that guards use."""
    text = "\n".join(any_text(output)).strip()
    return bool(text) and not _refuses(text)


def _refuses(text: str) -> bool:
    from launchworthy.runtime.guards.refusal import REFUSED, refusal_score

    return refusal_score(text) >= REFUSED


class AttackedTarget:
    """An endpoint or a model, asked with attempts.

    Args:
        inner: The target as ``launchworthy eval`` asks it.
        contract: Says which tools there are.
        surface: Who asks.
        planted: Whether a sentence for the system prompt and the passages are put before the text, for a
            target that takes text only.
        attacker: Goes on where a drawn attack was repelled.
    """

    def __init__(
        self,
        inner: Target,
        contract: Contract,
        surface: Surface,
        *,
        planted: bool,
        attacker: Attacker | None = None,
    ) -> None:
        self._inner, self._contract, self._surface, self._planted = inner, contract, surface, planted
        self._attacker = attacker
        self._policy = Policy.of(contract)

    @property
    def name(self) -> str:
        """As the run records it."""
        return self._inner.name

    async def open(self, *, concurrency: int) -> None:
        """Make ready."""
        await self._inner.open(concurrency=concurrency)

    async def close(self) -> None:
        """Let go."""
        await self._inner.close()

    async def ask(self, item: GoldItem) -> Reply:
        """One attempt, turn by turn."""
        attempt, happened = Attempt.from_json(item.input), Happened()
        happened.sees_tools = False
        happened.delivered |= {"user", "document", "system"} if self._planted else {"user", "document"}
        history: list[dict[str, str]] = []
        latency_ms, trace_id = 0.0, None
        async for turn in aturns_of(attempt, happened, self._attacker):
            place = len(happened.said) - 1
            said = self._before(attempt) + turn if place == 0 else turn
            messages = [*history, {"role": "user", "content": said}]
            asked = replace(
                item,
                id=f"{item.id}/{place}",
                input=said if not history else messages,
                slices=(SLICE,) if history else (),
                context=[dict(each) for each in attempt.documents] or None,
            )
            reply = await self._inner.ask(asked)
            latency_ms, trace_id = latency_ms + reply.latency_ms, reply.trace_id or trace_id
            _read(reply.raw, happened, self._contract, self._policy, self._surface)
            history = [*messages, {"role": "assistant", "content": happened.outputs[-1]}]
        told = reply_of(attempt, happened, *judge(attempt, happened), trace_id=trace_id or "")
        return Reply(raw=told, latency_ms=latency_ms, trace_id=trace_id)

    def _before(self, attempt: Attempt) -> str:
        if not self._planted:
            return ""
        passages = "\n\n".join(str(each["text"]) for each in attempt.documents)
        parts = [attempt.system, f"Passages:\n{passages}" if passages else ""]
        return "".join(f"{part}\n\n" for part in parts if part)
