"""The contract at run time, as an application holds it: one object, made once, and a call at a time.

May import what ``runtime`` may; the contract, the guards and the prices are loaded when it is made.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launchworthy.capture.sdk.blocks import workflow as workflow_span
from launchworthy.capture.sdk.process import client
from launchworthy.capture.sdk.scope import current_scope, shadowing
from launchworthy.capture.sdk.span import Span
from launchworthy.errors import InputError
from launchworthy.records.attributes import Own
from launchworthy.records.calls import SHADOW
from launchworthy.records.release import Release
from launchworthy.runtime.approval import Approvals, ApprovalState, RemoteApprovals
from launchworthy.runtime.awaiting import AsyncCall
from launchworthy.runtime.boundary import Boundary
from launchworthy.runtime.budget import Breaker, BreakerState, Deadline, Prices
from launchworthy.runtime.caller import Caller
from launchworthy.runtime.calling import Call
from launchworthy.runtime.fallback import AnswerCache, MemoryAnswerCache
from launchworthy.runtime.guards.verdict import Stage
from launchworthy.runtime.no_answer import Answer, NoAnswer, Pending
from launchworthy.runtime.permission import Charge, MemorySpending, Overrun, Principal, Spending
from launchworthy.runtime.pipeline import GuardPipeline
from launchworthy.runtime.rules import Rules, WorkflowRules, rules_of
from launchworthy.runtime.shadow_spending import Apart
from launchworthy.runtime.telling import Telling
from launchworthy.runtime.tool_result import ToolResult

if TYPE_CHECKING:
    from launchworthy.capture.pricing import PriceTable
    from launchworthy.contract import Contract

__all__ = ["Enforcer"]

_TURNS_MS = 30 * 86_400_000  # how long a conversation's turns are counted together
_RESUMED_S = 60.0  # what a tool may take that was approved


class Enforcer:
    """What the contract forbids does not happen in the calls that it makes. Make one with :meth:`load`.

    Attributes:
        contract: The contract.
        rules: As it is enforced.

    Example:
        >>> import launchworthy as lw
        >>> enforcer = lw.Enforcer.load(models={"vendor/chat-small": ask})  # doctest: +SKIP
        >>> with enforcer.call("answer", user="u-17", roles=["customer"]) as call:  # doctest: +SKIP
        ...     question = call.input("May I return shoes?")
        ...     reply = call.model([{"role": "user", "content": question}])
        ...     result = call.answer(reply)
    """

    def __init__(
        self,
        rules: Rules,
        contract: Contract,
        *,
        breakers: Mapping[str, Breaker],
        clock: Callable[[], float],
        requester: str,
        release: str | Release | None = None,
    ) -> None:
        self.rules, self.contract, self._version = rules, contract, contract.version
        self._breakers, self._clock, self._requester = breakers, clock, requester
        self._release = release
        self._applications: dict[str, Callable[..., Any]] = {}

    @classmethod
    def load(
        cls,
        contract: str | Path | Contract = "launchworthy.yaml",
        *,
        tools: Mapping[str, Callable[..., Any]] | None = None,
        models: Mapping[str, Callable[..., Any]] | None = None,
        fallbacks: Mapping[str, str | Callable[..., Any]] | None = None,
        guards: GuardPipeline | None = None,
        callables: Mapping[str, Callable[..., Any]] | None = None,
        messages: Mapping[str, str] | None = None,
        prices: PriceTable | None = None,
        server: str | None = None,
        api_key: str | None = None,
        spending: Spending | None = None,
        approvals: Approvals | None = None,
        cache: AnswerCache | None = None,
        clock: Callable[[], float] = time.monotonic,
        seed: int | None = None,
        requester: str = "assistant",
        release: str | Release | None = None,
    ) -> Enforcer:
        """Read a contract and make ready to enforce it.

        Args:
            contract: File, or one that is loaded already.
            tools: Tool → function, called with the tool's arguments by name. One that takes
                ``idempotency_key`` is given the key under which it must act once.
            models: Model → function of ``(messages, **options)``, sync or async, which answers a text, the
                response of a client of OpenAI or Anthropic, or its stream.
            fallbacks: The product's own, by the name that the contract uses: a text, or a function of the
                messages.
            guards: In place of those of the contract.
            callables: Functions for guards that name one.
            messages: What users are shown where there is no answer, by policy or condition.
            prices: Of models, before the table that comes with the package.
            server: Address of the server that keeps approvals and spending; without it tools that need an
                approval are denied, and what is spent is counted in this process only.
            api_key: Key of that server.
            spending, approvals, cache: In place of the server's, or of this process's.
            clock: Seconds that do not go back.
            seed: Of the jitter between retries.
            requester: What makes the calls that people approve.
            release: That serves, where it differs from the process's.

        Raises:
            ContractError: The contract cannot be used.
            InputError: Something that it declares cannot be enforced with what is given.
        """
        from launchworthy.capture.pricing import default_prices
        from launchworthy.contract import load_contract

        root = Path.cwd()
        if isinstance(contract, (str, Path)):
            root = Path(contract).resolve().parent
            contract = load_contract(contract)
        if guards is None:
            from launchworthy.runtime.compiling import guard_pipeline

            guards = guard_pipeline(contract, root=root, callables=callables)
        _warm(guards)
        Boundary(contract).protect_records()
        if server is not None:
            from launchworthy.runtime.budget.remote import RemoteSpending

            approvals = approvals or RemoteApprovals(server, product=contract.product, key=api_key)
            spending = spending or RemoteSpending(server, product=contract.product, key=api_key)
        table = default_prices() if prices is None else prices.over(default_prices())
        known = dict(models or {})
        breakers = {name: Breaker() for name in known}
        rules = rules_of(
            contract,
            guards=guards,
            tools=tools or {},
            models=known,
            fallbacks=fallbacks or {},
            messages=messages or {},
            prices=Prices(table, clock_ns=time.time_ns),
            spending=Apart(spending or MemorySpending()),
            approvals=approvals,
            cache=cache or MemoryAnswerCache(clock=clock),
            breakers=breakers,
            chance=random.Random(seed),  # noqa: S311 (jitter)
        )
        return cls(rules, contract, breakers=breakers, clock=clock, requester=requester, release=release)

    @property
    def product(self) -> str:
        """Of the contract."""
        return self.rules.product

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models that it was given."""
        return tuple(self._breakers)

    @property
    def breakers(self) -> dict[str, BreakerState]:
        """Where the circuit breaker of each model stands."""
        return {name: breaker.state(self._clock()) for name, breaker in self._breakers.items()}

    @contextlib.contextmanager
    def call(
        self,
        workflow: str,
        *,
        user: str | None = None,
        session: str | None = None,
        roles: Sequence[str] = (),
        scopes: Mapping[str, str] | None = None,
        on_behalf_of: Sequence[Principal] = (),
        cohort: str | None = None,
        simulated: bool | None = None,
    ) -> Iterator[Call]:
        """One call of a workflow.

        Args:
            workflow: Of the contract.
            user: Who asks; records hold a pseudonym.
            session: Of which conversation.
            roles: Of the caller, from your identity provider, never from a model.
            scopes: Scope → whose rows the caller may reach: ``{"own_customer": "c-17"}``.
            on_behalf_of: Those for whom the caller acts; each must have the rights too.
            cohort: Rollout stage or experiment arm.
            simulated: True if no real user asks.

        Raises:
            InputError: The contract has no such workflow.
        """
        with self._begin(
            workflow, user, session, roles, scopes, on_behalf_of, cohort, simulated, loop=None
        ) as call:
            yield call

    @contextlib.asynccontextmanager
    async def acall(
        self,
        workflow: str,
        *,
        user: str | None = None,
        session: str | None = None,
        roles: Sequence[str] = (),
        scopes: Mapping[str, str] | None = None,
        on_behalf_of: Sequence[Principal] = (),
        cohort: str | None = None,
        simulated: bool | None = None,
    ) -> AsyncIterator[AsyncCall]:
        """The same on an event loop: each step is awaited, and coroutine functions run on this loop."""
        loop = asyncio.get_running_loop()
        with self._begin(
            workflow, user, session, roles, scopes, on_behalf_of, cohort, simulated, loop=loop
        ) as call:
            yield AsyncCall(call)

    def workflow(self, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorate the application's own function of a workflow; it is given the call before its arguments.

        What it answers is checked as an answer, if it has not been. What it raises is no answer: the way of
        ``model_or_tool_down``. The drills of ``launchworthy drill`` go through it.

        Args:
            name: Of the workflow.

        Example:
            >>> @enforcer.workflow("answer")  # doctest: +SKIP
            ... def answer(call, question):
            ...     return call.model([{"role": "user", "content": call.input(question)}])
            >>> answer("May I return shoes?", user="u-17", roles=["customer"])  # doctest: +SKIP
        """
        self._workflow(name)

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            if inspect.iscoroutinefunction(function):

                @functools.wraps(function)
                async def served_async(
                    *arguments: Any,
                    user: str | None = None,
                    session: str | None = None,
                    roles: Sequence[str] = (),
                    scopes: Mapping[str, str] | None = None,
                    on_behalf_of: Sequence[Principal] = (),
                    cohort: str | None = None,
                    simulated: bool | None = None,
                    **options: Any,
                ) -> Answer | NoAnswer | Pending:
                    async with self.acall(
                        name,
                        user=user,
                        session=session,
                        roles=roles,
                        scopes=scopes,
                        on_behalf_of=on_behalf_of,
                        cohort=cohort,
                        simulated=simulated,
                    ) as call:
                        try:
                            found = await function(call, *arguments, **options)
                        except Exception as error:
                            return await call.failed(error)
                        return await call.ended(found)

                self._applications[name] = served_async
                return served_async

            @functools.wraps(function)
            def served(
                *arguments: Any,
                user: str | None = None,
                session: str | None = None,
                roles: Sequence[str] = (),
                scopes: Mapping[str, str] | None = None,
                on_behalf_of: Sequence[Principal] = (),
                cohort: str | None = None,
                simulated: bool | None = None,
                **options: Any,
            ) -> Answer | NoAnswer | Pending:
                with self.call(
                    name,
                    user=user,
                    session=session,
                    roles=roles,
                    scopes=scopes,
                    on_behalf_of=on_behalf_of,
                    cohort=cohort,
                    simulated=simulated,
                ) as call:
                    try:
                        found = function(call, *arguments, **options)
                    except Exception as error:
                        return call.failed(error)
                    return call.ended(found)

            self._applications[name] = served
            return served

        return decorate

    def application(self, workflow: str) -> Callable[..., Any] | None:
        """The application's own function of a workflow, as :meth:`workflow` decorated it."""
        return self._applications.get(workflow)

    def resume(
        self,
        approval_id: str,
        *,
        wait_s: float = 0.0,
        cohort: str | None = None,
        simulated: bool | None = None,
    ) -> ToolResult:
        """Run a tool that was approved, once, whoever else asks for it; or say where it stands.

        Args:
            approval_id: Of a :class:`Pending`, from this process or an earlier one.
            wait_s: How long to wait for the people who must confirm it.
            cohort: Rollout stage or experiment arm.
            simulated: True if no real user asked for it.

        Raises:
            InputError: There is no queue of approvals.
            NotFoundError: No such approval.
        """
        approvals = self.rules.tools.approvals
        if shadowing():
            raise InputError("nothing that was approved is run in shadow", where=approval_id)
        if approvals is None:
            raise InputError("there is no queue of approvals", hint="give the enforcer server=…")
        approval = approvals.wait(approval_id, timeout_s=wait_s) if wait_s > 0 else approvals.get(approval_id)
        workflow = approval.call.workflow or next(iter(self.rules.workflows))
        with workflow_span(
            workflow,
            user=approval.call.request.user or None,
            cohort=cohort,
            release=approval.call.release or self._release,
            product=self.product,
            simulated=simulated,
        ) as span:
            span.set_input(approval.call.question)
            telling = self._telling(self._workflow(workflow), span, simulated)
            result = self.rules.tools.resume(approval, telling=telling, seconds=_RESUMED_S, loop=None)
            if result.approval is not None and result.approval.state is ApprovalState.PENDING:
                span.set_attributes({"launchworthy.approval": approval_id})
            span.set_output(result.content)
            return result

    async def aresume(
        self,
        approval_id: str,
        *,
        wait_s: float = 0.0,
        cohort: str | None = None,
        simulated: bool | None = None,
    ) -> ToolResult:
        """The same on an event loop."""
        return await asyncio.to_thread(
            self.resume, approval_id, wait_s=wait_s, cohort=cohort, simulated=simulated
        )

    def forget(self, user: str) -> int:
        """Take a person's answers out of the cache, when the person is erased; how many there were."""
        return self.rules.cache.forget(user)

    @contextlib.contextmanager
    def _begin(
        self,
        workflow: str,
        user: str | None,
        session: str | None,
        roles: Sequence[str],
        scopes: Mapping[str, str] | None,
        on_behalf_of: Sequence[Principal],
        cohort: str | None,
        simulated: bool | None,
        *,
        loop: asyncio.AbstractEventLoop | None,
    ) -> Iterator[Call]:
        rules = self._workflow(workflow)
        deadline = Deadline.begin(self._clock, timeout_s=rules.timeout_s, latency_s=rules.latency_s)
        with workflow_span(
            workflow,
            user=user,
            session=session,
            cohort=cohort,
            release=self._release,
            product=self.product,
            simulated=simulated,
        ) as span:
            own = self._release.id if isinstance(self._release, Release) else self._release
            around = current_scope()
            known = client().base if around is None else around.carried  # in shadow, the candidate's
            release = own or known.get(Own.RELEASE)
            call = Call(
                self.rules,
                rules,
                span=span,
                telling=self._telling(rules, span, simulated),
                deadline=deadline,
                caller=Caller(
                    user=user or "",
                    session=session or "",
                    roles=tuple(roles),
                    scopes=dict(scopes or {}),
                    on_behalf_of=tuple(on_behalf_of),
                    requester=self._requester,
                    release=str(release) if release is not None else None,
                    cohort=SHADOW if shadowing() else cohort,
                ),
                loop=loop,
            )
            self._enter(call, rules, user or "", session or "")
            yield call
            if call.stopped is not None:
                call.answer()  # whoever stops early leaves the reason on record all the same

    def _telling(self, rules: WorkflowRules, span: Span, simulated: bool | None) -> Telling:
        return Telling(
            product=self.product,
            contract=self._version,
            workflow=rules.name,
            span=span,
            simulated=simulated,
            failure_of=rules.failure_of,
        )

    def _enter(self, call: Call, rules: WorkflowRules, user: str, session: str) -> None:
        """Take the call's place in the ceilings that count calls."""
        charges = [
            each.charge(1.0, user=user, session=session)
            for each in rules.ceilings
            if each.counts == "actions"
        ]
        if rules.turns is not None and session:
            rule = f"{rules.address}/limits/turns"
            charges.append(
                Charge(
                    tool=rule,
                    user=session,
                    unit="",
                    amount=1.0,
                    most=float(rules.turns),
                    window_ms=_TURNS_MS,
                    rule=rule,
                )
            )
        for charge in charges:
            taken = self.rules.spending.reserve([charge])
            if isinstance(taken, Overrun) and taken.unknown:
                call.stop_unknown(taken.charge.rule)
                return
            if isinstance(taken, Overrun):
                call.stop_over(taken.charge.rule, spent=taken.spent, most=taken.charge.most)
                return
            self.rules.spending.settle(taken)

    def _workflow(self, name: str) -> WorkflowRules:
        found = self.rules.workflows.get(name)
        if found is None:
            import difflib

            close = difflib.get_close_matches(name, self.rules.workflows, n=1)
            raise InputError(
                f"the contract has no workflow {name!r:.80}",
                where=f"{self.product}/workflows",
                hint=f"did you mean {close[0]}?" if close else f"it has {', '.join(self.rules.workflows)}",
            )
        return found


def _warm(guards: GuardPipeline) -> None:
    """Let guards load their models now, so that the first call need not wait for it."""
    own = GuardPipeline([rule for rule in guards.rules if not rule.guard.waits])
    for stage in Stage:
        own.check(stage, "{}" if stage is Stage.TOOL else "ready")
