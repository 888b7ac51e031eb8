"""Drills: each fallback and each fault of the contract, forced in a real call, and what came of it observed.

May import what ``runtime`` may. A drill goes through the application's own function of the workflow where the
enforcer knows it, else through a plain call: input, passage, model, answer. It is marked as simulated, its
user is nobody, and its faults hold for this one call only.
"""

from __future__ import annotations

import asyncio
import inspect
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from launchworthy import __version__
from launchworthy.capture.sdk.events import decision
from launchworthy.errors import InputError
from launchworthy.evidence import Evidence
from launchworthy.records import EVALUATION
from launchworthy.runtime.enforcer import Enforcer
from launchworthy.runtime.fallback import Fallback, Way
from launchworthy.runtime.faults import Faults, injected
from launchworthy.runtime.no_answer import Answer, Condition, NoAnswer, Pending
from launchworthy.runtime.retrieving import Document
from launchworthy.runtime.rules import WorkflowRules
from launchworthy.runtime.tool_result import ToolState

__all__ = ["Drilled", "drill_fallbacks", "drill_monitor", "drilled_evidence", "told"]

_QUESTION = "May shoes be returned within 30 days?"
_PASSAGE = "Shoes may be returned within 30 days."
_FAULTS = (
    "model_timeout, model_down, index_down, tools_down, NAME_down (a tool, or an effect such as payments)"
)
_EFFECTS = {"payments": "pay", "payment_system": "pay", "mail": "send", "messages": "send"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """One fault, and what came of it.

    Attributes:
        claim: Address of the claim that it speaks for.
        workflow: In which it was forced; empty where it concerns none.
        fault: What was made to fail, or done.
        held: Whether what came of it is what the contract declares.
        seen: What came of it, in a clause.
        through: ``application``, ``enforcer`` or ``sandbox``: whose code the call went through.
        took_ms: How long the call took.
        trace_id: Of the call; empty where there is none to look at.
    """

    claim: str
    workflow: str
    fault: str
    held: bool
    seen: str
    through: str
    took_ms: float
    trace_id: str = ""


def drill_fallbacks(enforcer: Enforcer, *, question: str = _QUESTION) -> Iterator[Drilled]:
    """Each fallback of each workflow: everything before it fails, and it must answer."""
    for workflow in enforcer.rules.workflows.values():
        for place, fallback in enumerate(workflow.asking.plan):
            if fallback.way is Way.CACHED:
                _call(enforcer, workflow, question, Faults())  # so that there is an answer to find
            before = frozenset(
                each.name for each in workflow.asking.plan[:place] if each.way is not Way.RETRY
            )
            yield _drilled(
                enforcer,
                workflow,
                question,
                _fault_before(fallback, enforcer, before),
                claim=fallback.rule,
                name=f"everything before {fallback.name}",
                judge=lambda found, wanted=fallback: _is_fallback(found, wanted),  # type: ignore[misc]
            )


def drill_monitor(
    enforcer: Enforcer, name: str, faults: Sequence[str], *, question: str = _QUESTION
) -> Iterator[Drilled]:
    """Each fault that a monitor of the contract injects: in models and index, where there are fallbacks.

    Raises:
        InputError: A fault that nothing here knows how to force.
    """
    claim = f"{enforcer.product}/monitors/{name}"
    for fault in faults:
        forced = _named_fault(enforcer, fault, where=claim)
        for workflow in enforcer.rules.workflows.values():
            if forced.tools:
                yield from _tools_down(enforcer, workflow, forced, claim=claim, fault=fault)
            elif workflow.asking.plan:
                yield _drilled(
                    enforcer, workflow, question, forced, claim=claim, name=fault, judge=_as_declared
                )


def drilled_evidence(
    drills: Sequence[Drilled],
    *,
    name: str,
    release: str | None,
    now: datetime,
    method: str = "fault injected",
) -> list[Evidence]:
    """A piece for each claim: how many of its drills went as declared."""
    by_claim: dict[str, list[Drilled]] = {}
    for each in drills:
        by_claim.setdefault(each.claim, []).append(each)
    blank = Evidence(claim="", kind="drill", observed_at=now)
    return [
        replace(
            blank,
            claim=claim,
            value=sum(each.held for each in found) / len(found),
            n=len(found),
            unit_of_analysis="drill",
            method=method,
            sample={"successes": sum(each.held for each in found), "n": len(found)},
            release=release,
            source=f"drill:{name}",
            producer=f"launchworthy.runtime {__version__}",
            simulated=False,
            detail={
                "drills": [
                    {
                        "workflow": each.workflow,
                        "fault": each.fault,
                        "held": each.held,
                        "seen": each.seen,
                        "through": each.through,
                        "took_ms": round(each.took_ms),
                    }
                    for each in found
                ]
            },
        )
        for claim, found in by_claim.items()
    ]


def _fault_before(fallback: Fallback, enforcer: Enforcer, before: frozenset[str]) -> Faults:
    """What must fail for a fallback to be reached."""
    if fallback.way is Way.RETRY:
        return Faults(models=True, first=fallback.times, skip=before)
    if fallback.way is Way.MODEL:
        others = frozenset(enforcer.models) - {fallback.name}
        return Faults(models=True, only=others, skip=before)
    return Faults(models=True, skip=before)


def _named_fault(enforcer: Enforcer, fault: str, *, where: str) -> Faults:
    subject, _, how = fault.rpartition("_")
    tools = enforcer.contract.tools
    if subject in ("model", "models"):
        return Faults(hang=True) if how in ("timeout", "hangs", "slow") else Faults(models=True)
    if subject in ("index", "retrieval", "search") and subject not in tools:
        return Faults(index=True)
    if how in ("down", "timeout") and subject in tools:
        return Faults(tools=frozenset({subject}))
    if how in ("down", "timeout") and subject in ("tools", *_EFFECTS):
        effect = _EFFECTS.get(subject)
        found = frozenset(name for name, tool in tools.items() if effect in (None, tool.effect))
        if found:
            return Faults(tools=found)
    raise InputError(
        f"nothing here can force the fault {fault!r:.80}", where=where, hint=f"faults are {_FAULTS}"
    )


def _drilled(
    enforcer: Enforcer,
    workflow: WorkflowRules,
    question: str,
    faults: Faults,
    *,
    claim: str,
    name: str,
    judge: Callable[[Answer | NoAnswer | Pending], tuple[bool, str]],
) -> Drilled:
    began = time.monotonic()
    through = "enforcer" if enforcer.application(workflow.name) is None else "application"
    trace_id = ""
    try:
        found = _call(enforcer, workflow, question, faults)
        trace_id = found.trace_id
        held, seen = judge(found)
    except Exception as error:
        held, seen = False, f"the call failed with {type(error).__name__}"
    return told(
        Drilled(
            claim=claim,
            workflow=workflow.name,
            fault=name,
            held=held,
            seen=seen,
            through=through,
            took_ms=(time.monotonic() - began) * 1e3,
            trace_id=trace_id,
        ),
        contract=enforcer.contract.version,
    )


def _call(
    enforcer: Enforcer, workflow: WorkflowRules, question: str, faults: Faults
) -> Answer | NoAnswer | Pending:
    who: dict[str, Any] = {
        "user": f"drill-{uuid.uuid4().hex[:12]}",
        "roles": tuple(enforcer.contract.roles),
        "cohort": EVALUATION,
        "simulated": True,
    }
    served = enforcer.application(workflow.name)
    with injected(faults):
        if served is not None:
            found: Any = served(question, **who)
            ended: Answer | NoAnswer | Pending = (
                asyncio.run(_awaited(found)) if inspect.isawaitable(found) else found
            )
            return ended
        with enforcer.call(workflow.name, **who) as call:
            asked = call.input(question)
            call.retrieved([Document(text=_PASSAGE, id="drill", source=enforcer.rules.sources.any_open())])
            call.model([{"role": "user", "content": asked}], max_tokens=64)
            return call.answer()


async def _awaited(found: Any) -> Any:
    return await found


def _is_fallback(found: Answer | NoAnswer | Pending, wanted: Fallback) -> tuple[bool, str]:
    if isinstance(found, Answer):
        seen = "the model itself answered" if found.fallback is None else f"{found.fallback} answered"
        return found.fallback == wanted.name, seen
    if isinstance(found, Pending):
        return False, "a tool waits for a person"
    return (
        wanted.way is Way.NO_ANSWER and found.rule == wanted.rule,
        f"no answer: {found.policy} ({found.condition})",
    )


def _as_declared(found: Answer | NoAnswer | Pending) -> tuple[bool, str]:
    """A fallback, or no answer by a line of the contract; the model itself answering is no drill."""
    if isinstance(found, Answer):
        seen = "the model itself answered" if found.fallback is None else f"{found.fallback} answered"
        return found.fallback is not None, seen
    if isinstance(found, Pending):
        return False, "a tool waits for a person"
    return (
        "/no_answer/" in found.rule or "/fallbacks/" in found.rule,
        f"no answer: {found.policy} ({found.condition})",
    )


def _tools_down(
    enforcer: Enforcer, workflow: WorkflowRules, forced: Faults, *, claim: str, fault: str
) -> Iterator[Drilled]:
    """Tools fail before they act, and the workflow says what is done then."""
    for tool in sorted(forced.tools):
        began = time.monotonic()
        who = f"drill-{uuid.uuid4().hex[:12]}"
        with (
            injected(forced),
            enforcer.call(workflow.name, user=who, cohort=EVALUATION, simulated=True) as call,
        ):
            result = call.drill_tool(tool)
            given = call.no_answer(_condition(workflow, fault), reason=f"{tool} is down")
        stopped = result.state is ToolState.FAILED
        held = stopped and "/no_answer/" in given.rule
        seen = f"{tool} {result.state}, no answer: {given.policy}"
        if stopped and not held:
            seen += ", which the contract does not declare"
        yield told(
            Drilled(
                claim=claim,
                workflow=workflow.name,
                fault=fault,
                held=held,
                seen=seen,
                through="enforcer",
                took_ms=(time.monotonic() - began) * 1e3,
                trace_id=given.trace_id,
            ),
            contract=enforcer.contract.version,
        )


def _condition(workflow: WorkflowRules, fault: str) -> str:
    """The condition of the contract that a fault is a case of: ``payment_system_down`` for payments_down."""
    stem = fault.partition("_")[0].removesuffix("s")
    own = [each for each in workflow.no_answer.conditions if each.startswith(stem) and each.endswith("_down")]
    return own[0] if own else Condition.DOWN


def told(drilled: Drilled, *, contract: str) -> Drilled:
    """Tell what came of a drill of this version of the contract, as a decision of its own."""
    decision(
        kind="drill",
        subject=drilled.fault,
        outcome="as declared" if drilled.held else "otherwise",
        rule=drilled.claim,
        reason=drilled.seen,
        workflow=drilled.workflow or None,
        trace_id=drilled.trace_id or None,
        facts={"took_ms": round(drilled.took_ms), "through": drilled.through, "contract": contract},
        simulated=True,
    )
    return drilled
