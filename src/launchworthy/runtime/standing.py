"""Where a call stands: what was found, why it was stopped, what it came to, and how that is told.

May import what ``runtime`` may. ``calling`` takes the steps; whatever ends a call ends it here, once, as a
value with its reason, on the records and with all that a person who takes over needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from launchworthy.capture.sdk.span import Span
from launchworthy.runtime.action import Action
from launchworthy.runtime.budget import Deadline
from launchworthy.runtime.caller import Caller
from launchworthy.runtime.compiling import rule_address
from launchworthy.runtime.fallback import Reply, Way
from launchworthy.runtime.guards.verdict import GuardContext, Stage
from launchworthy.runtime.instant import Instant
from launchworthy.runtime.no_answer import Answer, Condition, Handover, NoAnswer, Pending
from launchworthy.runtime.pipeline import Checked
from launchworthy.runtime.prompts import conversation_of
from launchworthy.runtime.purse import CallPurse
from launchworthy.runtime.telling import Telling
from launchworthy.runtime.tool_result import ToolResult

if TYPE_CHECKING:
    from launchworthy.runtime.rules import Rules, WorkflowRules

__all__ = ["Standing"]

_GUARD_POLICIES = {Action.REFUSE: "refuse", Action.DEFER: "defer", Action.ASK: "ask", Action.ROUTE: "route"}


class Standing:
    """The state of one call.

    Attributes:
        stopped: Why the call goes no further; None while it does.
        result: What ``answer`` or ``stream`` came to; None before.
        lowered: An injection was found in what the user or a tool said: only tools that read run.
    """

    def __init__(
        self,
        rules: Rules,
        workflow: WorkflowRules,
        *,
        span: Span,
        telling: Telling,
        deadline: Deadline,
        caller: Caller,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._rules, self._workflow, self._caller = rules, workflow, caller
        self._span, self._telling, self._deadline, self._loop = span, telling, deadline, loop
        self._question = ""
        self._messages: Any = ()
        self._heard = False
        self._looked_up = self._index_down = False
        self._ran: list[str] = []
        self._steps = 0
        self._reply: Reply | None = None
        self._instant = Instant(
            product=rules.product,
            workflow=workflow.name,
            cache=rules.cache,
            caller=caller,
            question=lambda: self._question,
        )
        self.stopped: NoAnswer | Pending | None = None
        self.result: Answer | NoAnswer | Pending | None = None
        self.lowered = False
        self._purse = CallPurse(
            prices=rules.prices,
            most_usd=workflow.most_usd,
            rule=f"{workflow.address}/limits/cost_per_action",
            ceilings=workflow.ceilings,
            spending=rules.spending,
            user=caller.user,
            session=caller.session,
            beyond=self._beyond_cost,
        )

    @property
    def flags(self) -> tuple[str, ...]:
        """Guards that hit so far, those in shadow included, and limits that were reached."""
        return tuple(self._telling.flags)

    def flag(self, name: str) -> None:
        """Note on the records of the call what the application itself noticed."""
        self._telling.flag(name[:80])

    def stop_over(self, rule: str, *, spent: float, most: float) -> None:
        """A ceiling over many calls is reached before this one begins."""
        reason = f"the limit {rule.rpartition('/')[2]} is reached"
        self._telling.over(rule, stopped=True, reason=reason, facts={"spent": spent, "limit": most})
        self.stopped = self._give(Condition.OVER_BUDGET, reason=reason)

    def stop_unknown(self, rule: str) -> None:
        """What is left of a ceiling is not known, since its ledger did not answer: nothing passed a limit."""
        name = rule.rpartition("/")[2]
        reason = f"what is left of {name} is not known, since the ledger did not answer"
        self.stopped = self._give(Condition.DOWN, reason=reason)

    def _goes_on(self) -> bool:
        return self.stopped is None

    def _answer_of(self, text: str) -> Answer:
        reply = self._reply or Reply()
        if reply.fallback is None and Way.CACHED in self._workflow.ways:
            self._instant.keep(text, reply)
        return Answer(
            text=text,
            cites=reply.cites,
            model=reply.model,
            fallback=reply.fallback,
            cost_usd=self._purse.spent_usd,
            latency_ms=self._deadline.elapsed_s * 1e3,
            trace_id=self._telling.trace_id,
            flags=tuple(self._telling.flags),
        )

    def _finish(self, result: Answer | NoAnswer | Pending) -> Answer | NoAnswer | Pending:
        if self.result is not None:
            return self.result
        self.result = result
        if isinstance(result, NoAnswer):
            self.stopped = result
            self._telling.no_answer(result)
            self._span.set_output(result.message)
        else:
            self._span.set_output(result.text if isinstance(result, Answer) else result.message)
        if self._deadline.is_over:
            self._too_late("the call took longer than it may")
        return result

    def _check(self, stage: Stage, text: str, *, subject: str = "") -> Checked:
        checked = self._rules.guards.check(stage, text, self._context())
        passage = text if stage is Stage.RETRIEVED else ""
        self._telling.checked(checked, subject=subject, passage=passage)
        self.lowered = self.lowered or checked.lowered
        return checked

    def _context(self, *, tool: str = "") -> GuardContext:
        return GuardContext(
            product=self._rules.product,
            workflow=self._workflow.name,
            question=self._question,
            passages=tuple(each.passage for each in self._caller.documents),
            tool=tool,
            user=self._caller.user,
        )

    def _stop_by_guard(self, checked: Checked, *, draft: str = "", partial: str = "") -> NoAnswer:
        policy = _GUARD_POLICIES.get(checked.action)
        given = self.stopped = self._give(
            Condition.UNSAFE,
            reason=checked.reason,
            policy=policy,
            rule=f"{self._rules.product}/{rule_address(checked.decided_by or '')}"
            if policy is not None
            else None,
            draft=draft,
            partial=partial,
        )
        return given

    def _give(
        self,
        condition: str,
        *,
        reason: str,
        policy: str | None = None,
        rule: str | None = None,
        ask: str = "",
        draft: str = "",
        partial: str = "",
    ) -> NoAnswer:
        return self._workflow.no_answer.give(
            condition,
            reason=reason,
            policy=policy,
            rule=rule,
            ask=ask,
            handover=Handover(
                question=self._question,
                conversation=conversation_of(self._messages),
                passages=tuple(each.passage for each in self._caller.documents),
                tools=tuple(self._ran),
                draft=draft,
            ),
            partial=partial,
            latency_ms=self._deadline.elapsed_s * 1e3,
            trace_id=self._telling.trace_id,
        )

    def _noted(self, result: ToolResult) -> ToolResult:
        self._ran.append(f"{result.tool[:80]}: {result.state.value}")
        return result

    def _beyond_cost(self, spent_usd: float) -> None:
        self._over(
            "limits/cost_per_action",
            reason="the call cost more than it may",
            facts={"spent_usd": spent_usd, "limit_usd": self._workflow.most_usd},
        )

    def _too_late(self, reason: str) -> None:
        self._over("limits/timeout", reason=reason, facts={"limit_ms": round(self._deadline.hard_s * 1e3)})

    def _over(self, limit: str, *, reason: str, facts: Mapping[str, Any]) -> None:
        self._telling.over(
            f"{self._workflow.address}/{limit}",
            stopped=False,
            reason=reason,
            facts={"elapsed_ms": round(self._deadline.elapsed_s * 1e3), **facts},
        )
