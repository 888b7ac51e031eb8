"""What comes of a call: an answer, no answer on purpose, or a tool that waits for a person. All are values.

May import ``contract`` and ``approval``. Which way there is no answer the contract says, by condition; a
condition that it does not name goes the way of ``otherwise``, else of the ways that it does name the one
that is the most careful.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from launchworthy.runtime.guards.verdict import Passage

if TYPE_CHECKING:
    from launchworthy.contract.model.workflow import NoAnswer as Declared
    from launchworthy.runtime.approval import Approval

__all__ = ["Answer", "Condition", "Handover", "NoAnswer", "NoAnswerRules", "Pending", "Policy"]


class Policy(StrEnum):
    """The four ways to give no answer."""

    REFUSE = "refuse"
    DEFER = "defer"
    ASK = "ask"
    ROUTE = "route"


class Condition(StrEnum):
    """Conditions that the runtime itself finds; a contract may name more, which the application finds."""

    NOT_IN_SOURCES = "not_in_sources"
    LOW_CONFIDENCE = "low_confidence"
    AMBIGUOUS = "ambiguous"
    DOWN = "model_or_tool_down"
    UNSAFE = "legal_or_safety"
    OVER_BUDGET = "over_budget"


_CAREFUL: Mapping[str, Policy] = {
    Condition.NOT_IN_SOURCES: Policy.REFUSE,
    Condition.LOW_CONFIDENCE: Policy.ROUTE,
    Condition.AMBIGUOUS: Policy.ASK,
    Condition.DOWN: Policy.DEFER,
    Condition.UNSAFE: Policy.REFUSE,
    Condition.OVER_BUDGET: Policy.DEFER,
}
# Where a contract never gives no answer in the careful way: the nearest of those that it does.
_NEXT_BEST = (Policy.ROUTE, Policy.DEFER, Policy.REFUSE, Policy.ASK)
# Where a contract does not name the condition, but one that it is a case of.
_CASE_OF: Mapping[str, str] = {Condition.OVER_BUDGET: Condition.DOWN}
_MESSAGES: Mapping[Policy, str] = {
    Policy.REFUSE: "I cannot answer that.",
    Policy.DEFER: "I cannot answer that right now. Please try again later.",
    Policy.ASK: "I need to know a little more before I can answer that.",
    Policy.ROUTE: "I am passing your question on to a person.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What the person who takes over needs, so that the user need not say it again. It holds texts.

    Attributes:
        question: What the user asked, as it went to the model.
        conversation: Role and words of what was said in the messages to the model, oldest first.
        passages: What had been found.
        tools: Tools that ran, or were to run, and how that ended: ``refund: denied``.
        draft: An answer that was not given.
    """

    question: str = ""
    conversation: tuple[tuple[str, str], ...] = ()
    passages: tuple[Passage, ...] = ()
    tools: tuple[str, ...] = ()
    draft: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What may be shown to the user.

    Attributes:
        text: After its guards.
        cites: Ids of the passages that a fallback made it from.
        model: Name of the model that answered; empty where none did.
        fallback: Name of the fallback that answered; None for the model itself.
        cost_usd: What the call cost; None where a price is not known.
        latency_ms: How long the call took.
        trace_id: Of its records.
        flags: Guards that hit, those in shadow included.
    """

    text: str
    cites: tuple[str, ...] = ()
    model: str = ""
    fallback: str | None = None
    cost_usd: float | None = None
    latency_ms: float = 0.0
    trace_id: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """No answer, on purpose. False in a condition.

    Attributes:
        policy: Refuse, defer, ask or route.
        condition: Why, as the contract names it.
        reason: Why, in a sentence for records; it holds nothing of the texts.
        next_step: What is done now, in a sentence.
        message: What may be shown to the user.
        route_to: Owner or role who takes over; None where nobody does.
        rule: Address of the line that decided.
        handover: What a person needs who takes over.
        partial: What of a streamed answer had gone out already.
        latency_ms, trace_id: As of an answer.
    """

    policy: Policy
    condition: str
    reason: str
    next_step: str
    message: str
    route_to: str | None = None
    rule: str = ""
    handover: Handover = field(default_factory=Handover, repr=False)
    partial: str = ""
    latency_ms: float = 0.0
    trace_id: str = ""

    def __bool__(self) -> bool:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A tool waits for a person: the call pauses here. False in a condition.

    Attributes:
        approval_id: What ``Enforcer.resume`` takes, in this process or another.
        tool: Name of the tool.
        preview: Argument → value, in the contract's order, as the approver sees it.
        approvers: Roles that must confirm, in order.
        reason: Why it is due.
        message: What may be shown to the user.
        trace_id: Of the records of the call.
    """

    approval_id: str
    tool: str
    preview: Mapping[str, Any] = field(default_factory=dict)
    approvers: tuple[str, ...] = ()
    reason: str = ""
    message: str = ""
    trace_id: str = ""

    def __bool__(self) -> bool:
        return False


class NoAnswerRules:
    """How one workflow gives no answer.

    Args:
        declared: Block ``no_answer`` of the workflow.
        address: ``product/workflow``.
        messages: What is shown to the user, by policy or condition, in place of plain sentences.

    Attributes:
        conditions: Condition of the contract → its way.
    """

    def __init__(
        self, declared: Declared, *, address: str, messages: Mapping[str, str] | None = None
    ) -> None:
        self.conditions = declared.conditions
        self._route_to = declared.route_to
        self._address = address
        self._messages = dict(messages or {})

    def policy(self, condition: str) -> tuple[Policy, str]:
        """The way that a condition goes, and the address of the line that says so."""
        for name in (condition, _CASE_OF.get(condition), "otherwise"):
            if name is not None and name in self.conditions:
                return Policy(self.conditions[name]), f"{self._address}/no_answer/{name}"
        ways = set(self.conditions.values()) or {Policy.REFUSE.value}
        careful = _CAREFUL.get(condition, Policy.REFUSE)
        chosen = next(each for each in (careful, *_NEXT_BEST) if each.value in ways)
        return chosen, f"{self._address}/no_answer"

    def give(
        self,
        condition: str,
        *,
        reason: str,
        policy: str | None = None,
        rule: str | None = None,
        ask: str = "",
        handover: Handover | None = None,
        partial: str = "",
        latency_ms: float = 0.0,
        trace_id: str = "",
    ) -> NoAnswer:
        """No answer for a condition.

        Args:
            condition: As the contract names it.
            reason: Why, without the texts.
            policy: Where a guard or a fallback names the way itself.
            rule: Its address.
            ask: The question to ask back, where the way is to ask.
            handover: What a person needs who takes over.
            partial: What had gone out already.
            latency_ms, trace_id: Of the call.
        """
        chosen, line = self.policy(condition)
        if policy is not None:
            chosen, line = Policy(policy), rule or line
        to = self._route_to if chosen is Policy.ROUTE else None
        return NoAnswer(
            policy=chosen,
            condition=str(condition),
            reason=reason,
            next_step=self._next_step(chosen, to),
            message=ask or self._message(chosen, str(condition)),
            route_to=to,
            rule=line,
            handover=handover or Handover(),
            partial=partial,
            latency_ms=latency_ms,
            trace_id=trace_id,
        )

    def waiting(self, approval: Approval, *, trace_id: str) -> Pending:
        """What is said while a tool waits for a person."""
        arguments = approval.call.request.arguments
        first = [name for name in approval.previewed if name in arguments]
        return Pending(
            approval_id=approval.id,
            tool=approval.tool,
            preview={name: arguments[name] for name in dict.fromkeys((*first, *arguments))},
            approvers=tuple(step.by for step in approval.steps),
            reason=approval.reason,
            message=self._messages.get("pending") or "This waits for a person to confirm it.",
            trace_id=trace_id,
        )

    def _message(self, policy: Policy, condition: str) -> str:
        own = self._messages.get(condition) or self._messages.get(policy.value)
        return own or _MESSAGES[policy]

    @staticmethod
    def _next_step(policy: Policy, to: str | None) -> str:
        if policy is Policy.ROUTE:
            return f"{to or 'a person'} takes the question over, with what was found"
        return {
            Policy.REFUSE: "nothing further is done",
            Policy.DEFER: "the question may be asked again later",
            Policy.ASK: "the user is asked to say more",
        }[policy]
