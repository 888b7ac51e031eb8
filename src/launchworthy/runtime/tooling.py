"""One call of a tool: permission, guards on its arguments, approval, one run, guards on its result.

May import ``permission``, ``approval``, ``pipeline`` and this folder's modules below it. In this order, for
a check after the tool has run protects nobody. What cannot be read, decided or asked is denied, with a
sentence that the model may be shown.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from launchworthy.capture.sdk.blocks import tool as tool_span
from launchworthy.errors import ConflictError, LaunchworthyError
from launchworthy.runtime.approval import Approval, Approvals, ApprovalState, ProposedCall, Ticket
from launchworthy.runtime.approval.call import arguments_hash
from launchworthy.runtime.compiling import rule_address
from launchworthy.runtime.faults import InjectedFault, faults
from launchworthy.runtime.guards.verdict import GuardContext, Stage
from launchworthy.runtime.permission import (
    Charge,
    Decision,
    Overrun,
    Policy,
    Request,
    Reservation,
    Ruling,
    Spending,
)
from launchworthy.runtime.pipeline import Checked, GuardPipeline
from launchworthy.runtime.running import Job, Runner, settle
from launchworthy.runtime.telling import Telling
from launchworthy.runtime.tool_arguments import (
    MOST_CHARACTERS,
    canonical,
    mismatch,
    nothing,
    read_arguments,
    takes_key,
)
from launchworthy.runtime.tool_result import ToolResult, ToolState, denied

__all__ = ["ToolResult", "ToolState", "Tools", "read_arguments"]

_FOR_EVER_MS = 10 * 365 * 86_400_000  # what is done once is done once


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The tools of a product, under its contract.

    Attributes:
        product: Of the contract.
        functions: Tool → what runs.
        policy: Decides.
        spending: Ledger of what tools spend.
        approvals: Queue of those that wait; None: whatever needs an approval is denied.
        idempotent_by: Tool → arguments that make a repeated call the same call.
        acting: Tools that do not only read.
        guards: Check arguments and results.
        runner: Runs functions.
    """

    product: str
    functions: Mapping[str, Callable[..., Any]]
    policy: Policy
    spending: Spending
    approvals: Approvals | None
    idempotent_by: Mapping[str, Sequence[str]]
    acting: frozenset[str]
    guards: GuardPipeline
    runner: Runner

    def call(
        self,
        request: Request,
        *,
        call_id: str,
        request_id: str | None,
        context: GuardContext,
        telling: Telling,
        seconds: float,
        loop: asyncio.AbstractEventLoop | None,
        proposed: Callable[[str, Request], ProposedCall],
        again: Callable[[Request], Request],
    ) -> tuple[ToolResult, Checked | None]:
        """Decide one call, and run it where it may run.

        Args:
            request: What is asked, with where its arguments came from.
            call_id: As the model named it.
            request_id: Chosen by the application where it may ask again; else one of its own.
            context: For guards.
            telling: Records it.
            seconds: How long the tool may take.
            loop: Where coroutines run.
            proposed: Makes of an id and a request what an approver is shown.
            again: Traces changed arguments anew.

        Returns:
            What came of it, and what its guards said of the result, if it ran.
        """
        name = request.tool

        def deny(reason: str, rule: str) -> tuple[ToolResult, None]:
            return denied(name, reason, rule, call_id), None

        decision = self._decide(request, telling)
        if decision.ruling is Ruling.DENY:
            return deny(decision.reason, decision.rule)
        rule = f"{self.product}/tools/{name}"
        function = self.functions.get(name)
        if function is None:
            telling.denied(name, rule=rule, reason=f"nothing here runs {name}")
            return deny(f"nothing here runs {name}", rule)
        wrong = mismatch(function, request.arguments)
        if wrong:
            telling.denied(name, rule=rule, reason=wrong)
            return deny(wrong, rule)
        checked = self.guards.check(Stage.TOOL, canonical(request.arguments), context)
        telling.checked(checked, subject=name)
        if not checked.goes_on:
            guard = f"{self.product}/{rule_address(checked.decided_by or '')}"
            telling.denied(name, rule=guard, reason=checked.reason)
            return deny(f"a guard stopped it: {checked.reason}", guard)
        if checked.lowered and not request.lowered:
            request = replace(request, lowered=True)
            decision = self._decide(request, telling)
        if checked.text != canonical(request.arguments):
            request = again(replace(request, arguments=json.loads(checked.text)))
            decision = self._decide(request, telling)
        if decision.ruling is Ruling.DENY:
            return deny(decision.reason, decision.rule)
        if decision.ruling is Ruling.NEEDS_APPROVAL:
            return self._ask(
                request, decision, proposed(request_id or uuid.uuid4().hex, request), call_id
            ), None
        key = self._key(request, request_id or uuid.uuid4().hex)  # models call many a call ``call_0``
        reserved = self._reserve(decision, request, telling)
        if isinstance(reserved, ToolResult):
            return replace(reserved, call_id=call_id), None
        return self._run(
            request,
            reserved,
            key,
            call_id=call_id,
            context=context,
            telling=telling,
            seconds=seconds,
            loop=loop,
        )

    def resume(
        self, approval: Approval, *, telling: Telling, seconds: float, loop: asyncio.AbstractEventLoop | None
    ) -> ToolResult:
        """Run an approved call, once, whoever else resumes it; or say where it stands."""
        request = replace(approval.call.request, at_ms=None)
        name, state = approval.tool, approval.state
        if state is ApprovalState.PENDING or (state is ApprovalState.EXECUTING and not approval.idempotent):
            what = "it waits for a person" if state is ApprovalState.PENDING else "another process runs it"
            return ToolResult(
                tool=name,
                state=ToolState.PENDING,
                content=what,
                reason=what,
                rule=approval.rule,
                approval=approval,
            )
        if state not in (ApprovalState.APPROVED, ApprovalState.EXECUTING):
            ended = ToolState.DONE if state is ApprovalState.DONE else ToolState.DENIED
            said = f"the call is {state.value}"
            if ended is ToolState.DONE:
                said = "it has run already"
            elif state is ApprovalState.UNKNOWN:
                ended, said = ToolState.UNKNOWN, "nobody knows yet whether it ran"
            return ToolResult(
                tool=name, state=ended, content=said, reason=said, rule=approval.rule, approval=approval
            )
        if self.approvals is None or name not in self.functions:
            return denied(name, f"nothing here runs {name}", approval.rule, "")
        decision = self._decide(request, telling, approval=approval.id)
        if decision.ruling is Ruling.DENY:
            with contextlib.suppress(ConflictError):
                self.approvals.withdraw(approval.id, reason=f"the policy denies it now: {decision.reason}")
            return replace(denied(name, decision.reason, decision.rule, ""), approval=approval)
        context = GuardContext(product=self.product, workflow=approval.call.workflow, tool=name)
        if approval.editors and (stopped := self._corrected(request, context, telling)) is not None:
            with contextlib.suppress(ConflictError):
                self.approvals.withdraw(approval.id, reason=stopped.reason)
            return replace(stopped, approval=approval)
        try:
            ticket = self.approvals.claim(
                approval.id, arguments_hash=approval.hash_of(request.arguments), lease_s=seconds + 30.0
            )
        except ConflictError as error:
            return replace(denied(name, error.message, approval.rule, ""), approval=approval)
        # A later attempt at the same call stands in the place of the one that was lost with its process.
        reserved = [] if ticket.attempt > 1 else self._reserve(decision, request, telling)
        if isinstance(reserved, ToolResult):
            return self._settled(ticket, reserved, approval)
        result, _ = self._run(
            replace(request, arguments=ticket.arguments),
            reserved,
            ticket.idempotency_key,
            call_id="",
            context=context,
            telling=telling,
            seconds=seconds,
            loop=loop,
            approval=approval,
        )
        return self._settled(ticket, result, approval)

    def _corrected(self, request: Request, context: GuardContext, telling: Telling) -> ToolResult | None:
        """Why arguments that a person corrected do not run: no guard has seen them, and what a guard would
        change is not what was approved."""
        written = canonical(request.arguments)
        checked = self.guards.check(Stage.TOOL, written, context)
        telling.checked(checked, subject=request.tool)
        if checked.goes_on and checked.text == written:
            return None
        guard = f"{self.product}/{rule_address(checked.decided_by or '')}"
        telling.denied(request.tool, rule=guard, reason=checked.reason)
        return denied(request.tool, f"a guard stopped the correction: {checked.reason}", guard, "")

    def _settled(self, ticket: Ticket, result: ToolResult, approval: Approval) -> ToolResult:
        """Tell the queue how it ended; what has run has run, also where the queue cannot be told."""
        ended = ApprovalState.DONE if result else ApprovalState.FAILED
        if not result and result.acted:
            ended = ApprovalState.UNKNOWN
        try:
            approval = (
                self.approvals.settle(ticket, ended, reason=result.reason) if self.approvals else approval
            )
        except LaunchworthyError as error:
            untold = f"the queue of approvals could not be told: {error.message}"
            return replace(
                result, approval=approval, reason=f"{result.reason}; {untold}" if result.reason else untold
            )
        return replace(result, approval=approval)

    def drill(self, name: str, *, telling: Telling, context: GuardContext, seconds: float) -> ToolResult:
        """Run a tool that a drill has taken away: it fails before it acts, whatever it would do."""
        if not faults().stops(name):
            return denied(name, "a drill runs no tool that it has not taken away", "", "")
        result, _ = self._run(
            Request(tool=name, roles=()),
            (),
            "",
            call_id="",
            context=context,
            telling=telling,
            seconds=seconds,
            loop=None,
        )
        return result

    def _decide(self, request: Request, telling: Telling, *, approval: str = "") -> Decision:
        decision = self.policy.decide(request, spending=self.spending)
        telling.permission(decision, arguments_hash=self._hash(request), request=request, approval=approval)
        return decision

    def _hash(self, request: Request) -> str:
        people = (request.user, *(each.user for each in request.on_behalf_of))
        return arguments_hash(
            product=self.product,
            tool=request.tool,
            arguments=request.arguments,
            on_behalf_of=tuple(dict.fromkeys(name for name in people if name)),
        )

    def _ask(self, request: Request, decision: Decision, proposed: ProposedCall, call_id: str) -> ToolResult:
        if self.approvals is None:
            return denied(
                request.tool,
                "it needs an approval, and there is nobody to ask here",
                decision.rule,
                call_id,
            )
        try:
            approval = self.approvals.request(proposed)
        except LaunchworthyError as error:
            return denied(
                request.tool, f"an approval could not be asked for: {error.message}", decision.rule, call_id
            )
        said = f"it waits for the approval of {' and '.join(step.by for step in approval.steps)}"
        return ToolResult(
            tool=request.tool,
            state=ToolState.PENDING,
            content=said,
            reason=said,
            rule=decision.rule,
            call_id=call_id,
            approval=approval,
        )

    def _key(self, request: Request, own: str) -> str:
        """The same for calls that are the same, by the contract; else for those of one id of our own."""
        names = self.idempotent_by.get(request.tool, ())
        if not names or any(request.arguments.get(name) is None for name in names):
            return hashlib.sha256(f"{self.product}/{request.tool}/{own}".encode()).hexdigest()[:40]
        same = {name: request.arguments[name] for name in sorted(names)}
        text = json.dumps([self.product, request.tool, same], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]

    def _reserve(
        self, decision: Decision, request: Request, telling: Telling
    ) -> list[Reservation] | ToolResult:
        """Room in every budget, and the one place that calls which are the same have."""
        name, reserved = request.tool, list[Reservation]()
        names = self.idempotent_by.get(name, ())
        if names and all(request.arguments.get(each) is not None for each in names):
            rule = f"{self.product}/tools/{name}/idempotent_by"
            once = Charge(
                tool=f"{name}#{self._key(request, '')}",
                user=None,
                unit="",
                amount=1.0,
                most=1.0,
                window_ms=_FOR_EVER_MS,
                rule=rule,
            )
            taken = self.spending.reserve([once])
            if isinstance(taken, Overrun):
                reason = f"{name} has run already for the same {', '.join(names)}"
                if taken.unknown:
                    reason = f"whether {reason} is not known, since the ledger did not answer"
                telling.denied(name, rule=rule, reason=reason)
                return denied(name, reason, rule, "")
            reserved.append(taken)
        if decision.charges:
            taken = self.spending.reserve(decision.charges)
            if isinstance(taken, Overrun):
                self._release(reserved)
                budget = f"the budget {taken.charge.rule.rpartition('/')[2]} of {name}"
                reason = f"{budget} is spent"
                if taken.unknown:
                    reason = f"what is left of {budget} is not known, since the ledger did not answer"
                telling.denied(name, rule=taken.charge.rule, reason=reason)
                return denied(name, reason, taken.charge.rule, "")
            reserved.append(taken)
        return reserved

    def _release(self, reserved: Sequence[Reservation]) -> None:
        for each in reserved:
            self.spending.release(each)

    def _run(
        self,
        request: Request,
        reserved: Sequence[Reservation],
        key: str,
        *,
        call_id: str,
        context: GuardContext,
        telling: Telling,
        seconds: float,
        loop: asyncio.AbstractEventLoop | None,
        approval: Approval | None = None,
    ) -> tuple[ToolResult, Checked | None]:
        name, hashed, rule = request.tool, self._hash(request), f"{self.product}/tools/{request.tool}"
        function: Callable[..., Any] = self.functions.get(name, nothing)
        begun = False

        def work(job: Job) -> Any:
            nonlocal begun
            if faults().stops(name):
                raise InjectedFault("a drill has taken this tool away")
            begun = True
            extra = {"idempotency_key": key} if takes_key(function) else {}
            return settle(function(**request.arguments, **extra), job=job, loop=loop)

        def ended(state: ToolState, reason: str) -> tuple[ToolResult, None]:
            # What takes the key may be run again with it: then it acts once all the same.
            nothing = state is ToolState.FAILED and (name not in self.acting or not begun)
            for each in reserved:
                if nothing or (takes_key(function) and each.charges[0].rule.endswith("/idempotent_by")):
                    self.spending.release(each)
                else:
                    self.spending.settle(each)
            telling.tool_run(
                name, state.value, arguments_hash=hashed, reason=reason, key=key, approval=approval
            )
            result = ToolResult(
                tool=name,
                state=state,
                content=reason,
                reason=reason,
                rule=rule,
                call_id=call_id,
                acted=begun and name in self.acting,
            )
            return result, None

        with tool_span(name, call_id=call_id or None) as span:
            span.set_input(dict(request.arguments))
            try:
                value = self.runner.within(seconds, work)
            except TimeoutError as error:
                span.fail(error)
                late = "did not answer in time"
                if name in self.acting and begun:
                    return ended(ToolState.UNKNOWN, f"{name} {late}, and may have acted")
                return ended(ToolState.FAILED, f"{name} {late}")
            except Exception as error:
                span.fail(error)
                return ended(ToolState.FAILED, f"{name} failed with {type(error).__name__}")
            span.set_output(value)
        for each in reserved:
            self.spending.settle(each)
        telling.tool_run(name, "done", arguments_hash=hashed, reason="", key=key, approval=approval)
        text = value if isinstance(value, str) else canonical(value)
        checked = self.guards.check(Stage.TOOL_RESULT, text[:MOST_CHARACTERS], context)
        telling.checked(checked, subject=name)
        if not checked.goes_on:
            kept = f"the result of {name} was kept back: {checked.reason}"
            held = ToolResult(
                tool=name,
                state=ToolState.DONE,
                content=kept,
                reason=kept,
                rule=f"{self.product}/{rule_address(checked.decided_by or '')}",
                call_id=call_id,
                acted=True,
            )
            return held, checked
        same = checked.text == text
        return (
            ToolResult(
                tool=name,
                state=ToolState.DONE,
                content=checked.text,
                value=value if same else None,
                rule=rule,
                call_id=call_id,
                acted=True,
            ),
            checked,
        )
