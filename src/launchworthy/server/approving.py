"""Approvals as the server grants them: the contract in force decides what is due, keys say who confirms.

May import every room below ``server``. What an application says of a call is checked by the policy of the
contract, never by the application; who confirms is told by a key, a session or a link, never by a request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from launchworthy.contract import Contract
from launchworthy.errors import ConflictError, InputError, LaunchworthyError, NotFoundError
from launchworthy.records import pseudonym
from launchworthy.runtime.approval import (
    Approval,
    ApprovalState,
    Person,
    Refused,
    Ticket,
    approve,
    call_of,
    claim,
    edit,
    may_decide,
    open_approval,
    reject,
    resolve,
    settle,
    withdraw,
)
from launchworthy.runtime.approval.approval import StepDue
from launchworthy.runtime.permission import Decision, Policy, Request, Ruling, Spending, Step
from launchworthy.server.caller import Caller
from launchworthy.server.contracts import Contracts
from launchworthy.server.intake import PSEUDONYM_SECRET
from launchworthy.store import Store
from launchworthy.store.approval_news import ApprovalLink, Delivery

__all__ = ["Approving"]

LONGEST_WAIT_S = 30.0


class Approving:
    """Approvals of every product of a folder.

    Args:
        store: Keeps them.
        contracts: The contract in force of each product.
        tells: Whether somebody wants to be told of a product's pending approvals.
        redacted: A text as records of a product may hold it.
    """

    def __init__(
        self,
        store: Store,
        *,
        contracts: Contracts,
        tells: Callable[[str], bool],
        redacted: Callable[[str, str], str],
    ) -> None:
        self._store, self._contracts, self._tells, self._redacted = store, contracts, tells, redacted
        self._policies: dict[str, tuple[str, Policy]] = {}

    def policy(self, product: str) -> Policy:
        """The permission policy of the contract in force.

        Raises:
            NotFoundError: No contract is registered.
        """
        known = self._contracts.in_force(product)
        if known is None:
            raise NotFoundError(
                f"no contract of {product!r:.80} is registered",
                hint="launchworthy up --contract launchworthy.yaml",
            )
        held = self._policies.get(product)
        if held is None or held[0] != known.version.version:
            held = self._policies[product] = (known.version.version, Policy.of(known.contract))
        return held[1]

    def request(self, product: str, call: Mapping[str, Any], *, caller: Caller, wrong: str = "") -> Approval:
        """Ask for an approval; the same id again answers the same one.

        ``wrong`` says why nobody should confirm it, where it is a test of people, and never runs.
        """
        proposed = call_of(call)
        policy, contract = self.policy(product), self._contract(product)

        def opening(now_ms: int) -> Approval | Refused:
            tool = contract.tools.get(proposed.request.tool)
            workflow = contract.workflows.get(proposed.workflow)
            return open_approval(
                proposed,
                product=product,
                decision=self._decided(policy, product, proposed.request),
                now_ms=now_ms,
                contract=contract.version,
                idempotent_by=() if tool is None else tool.idempotent_by,
                editable=() if workflow is None else workflow.editable,
                asked_by=self._as_usual(product, proposed.request.tool) if wrong else caller.key,
                wrong=wrong,
            )

        known = self._known(product, proposed.id)
        if known is not None:
            self._check_own(known, caller)
            if known.asked_hash == proposed.bound_to(product):
                return known  # as it is now, whatever the contract would say of it today
        return _taken(
            self._store.approvals.add(product, proposed, opening=opening, tell=self._tells(product))
        )

    def _as_usual(self, product: str, tool: str) -> str:
        """The key by which calls of a tool come, so that a test is not told apart by it."""
        known = self._store.approvals.listed(product, limit=200)
        return next((each.asked_by for each in known if each.tool == tool and not each.wrong), "")

    def listed(self, product: str, *, state: str | None, limit: int) -> list[Approval]:
        """Newest first."""
        if state is not None and state not in tuple(ApprovalState):
            raise InputError(f"{state!r:.40} is no state", where="state", hint=", ".join(ApprovalState))
        if not 1 <= limit <= 1_000:
            raise InputError(f"limit {limit} is not from 1 to 1,000", where="limit")
        return self._store.approvals.listed(product, states=() if state is None else (state,), limit=limit)

    def get(self, product: str, approval_id: str, *, wait_s: float, caller: Caller) -> Approval:
        """As it is, or as it is once it waits for no person any more."""
        if not 0 <= wait_s <= LONGEST_WAIT_S:
            raise InputError(f"wait_s is from 0 to {LONGEST_WAIT_S:g}", where="wait_s")
        found = self._store.approvals.get(product, approval_id)
        self._check_own(found, caller)
        return self._store.approvals.wait(product, approval_id, timeout_s=wait_s) if wait_s else found

    def shown(self, product: str, approval_id: str) -> Approval:
        """One of them, for somebody who may read all."""
        return self._store.approvals.get(product, approval_id)

    def deliveries(self, product: str, approval_id: str) -> list[Delivery]:
        """Whether somebody was told of it."""
        return self._store.approvals.news.deliveries(product, approval_id)

    def spending(self, product: str) -> Spending:
        """What tools have spent."""
        return self._store.spending(product)

    def approve(
        self,
        product: str,
        approval_id: str,
        *,
        arguments_hash: str,
        who: Person | None,
        link: str | None = None,
    ) -> Approval:
        """Take one step."""
        return self._change(
            product,
            approval_id,
            lambda now, now_ms: approve(now, who, bound_to=arguments_hash, now_ms=now_ms),
            by=_name_of(who),
            link=link,
        )

    def reject(
        self,
        product: str,
        approval_id: str,
        *,
        reason: str,
        arguments_hash: str | None,
        who: Person | None,
        link: str | None = None,
    ) -> Approval:
        """End it, with a reason."""
        reason = self._redacted(product, reason)
        return self._change(
            product,
            approval_id,
            lambda now, now_ms: reject(now, who, reason=reason, bound_to=arguments_hash, now_ms=now_ms),
            by=_name_of(who),
            link=link,
        )

    def edit(
        self,
        product: str,
        approval_id: str,
        *,
        arguments: Mapping[str, Any],
        arguments_hash: str,
        who: Person | None,
    ) -> Approval:
        """Correct arguments; what was approved before is void."""
        policy, contract = self.policy(product), self._contract(product)

        def corrected(now: Approval, now_ms: int) -> Approval | Refused:
            tool = contract.tools.get(now.tool)
            return edit(
                now,
                who,
                arguments=arguments,
                decide=lambda request: self._decided(policy, product, request),
                idempotent_by=() if tool is None else tool.idempotent_by,
                bound_to=arguments_hash,
                now_ms=now_ms,
                contract=contract.version,
            )

        return self._change(product, approval_id, corrected, by=_name_of(who))

    def resolve(
        self, product: str, approval_id: str, *, ran: bool, reason: str, who: Person | None
    ) -> Approval:
        """Say how a call ended of which nothing was heard."""
        reason = self._redacted(product, reason)
        return self._change(
            product,
            approval_id,
            lambda now, now_ms: resolve(now, who, ran=ran, reason=reason, now_ms=now_ms),
            by=_name_of(who),
        )

    def claim(
        self,
        product: str,
        approval_id: str,
        *,
        claimant: str,
        arguments_hash: str,
        lease_s: float,
        caller: Caller,
    ) -> Ticket:
        """Give an approved call to one claimant."""
        import secrets

        if not 16 <= len(claimant) <= 200:
            raise InputError("claimant is a random name of 16 to 200 characters", where="claimant")
        self._check_own(self._store.approvals.get(product, approval_id), caller, exactly=True)
        ticket, policy = secrets.token_urlsafe(24), self.policy(product)
        version = self._contract(product).version

        def taken(now: Approval, now_ms: int) -> Approval | Refused:
            if now.state is ApprovalState.APPROVED and (refused := _outlawed(now, policy)) is not None:
                return refused
            return claim(
                now,
                claimant=claimant,
                bound_to=arguments_hash,
                ticket=ticket,
                now_ms=now_ms,
                lease_ms=round(
                    timedelta(seconds=min(max(lease_s, 0.001), 3_600)) / timedelta(milliseconds=1)
                ),
                contract=version,
            )

        found = self._change(product, approval_id, taken, by=caller.key)
        running = found.running
        if running is None:
            raise ConflictError("the call is not running", where=approval_id)
        return Ticket(
            approval_id=found.id,
            secret=running.ticket,
            tool=found.tool,
            arguments=found.call.request.arguments,
            idempotency_key=found.key,
            attempt=running.attempt,
            until_ms=running.until_ms,
        )

    def settle(self, product: str, approval_id: str, *, ticket: str, outcome: str, reason: str) -> Approval:
        """Say how a call ended."""
        try:
            ended = ApprovalState(outcome)
        except ValueError as error:
            raise InputError(
                f"{outcome!r:.40} is no outcome", where="outcome", hint="done, failed or unknown"
            ) from error
        reason = self._redacted(product, reason)
        return self._change(
            product,
            approval_id,
            lambda now, now_ms: settle(now, ticket=ticket, outcome=ended, reason=reason, now_ms=now_ms),
        )

    def withdraw(self, product: str, approval_id: str, *, reason: str, caller: Caller) -> Approval:
        """Want it no longer: whoever asked, or those for whom it was asked."""
        found = self._store.approvals.get(product, approval_id)
        who = self.person(caller)
        people = (found.call.requester, *found.call.people)
        if who is None or not any(map(who.called, people)):
            self._check_own(found, caller, exactly=True)
        by, reason = caller.key if who is None else who.name, self._redacted(product, reason)
        return self._change(
            product,
            approval_id,
            lambda now, now_ms: withdraw(now, by=by, reason=reason, now_ms=now_ms),
            by=by,
        )

    def person(self, caller: Caller) -> Person | None:
        """Who it is that calls; None where a key is nobody's, or none was shown."""
        return self.person_of(caller.key)

    def person_of(self, key: str) -> Person | None:
        """Whose key this is; None for one that is ended, or is nobody's."""
        found = self._store.registry.person_of_key(key) if key else None
        return None if found is None else self._known_as(found[0], found[1], key=key)

    def named(self, name: str) -> Person | None:
        """Somebody by name, in all the roles of their live keys."""
        own = [
            key for key in self._store.registry.api_keys() if key.person == name and key.revoked_at is None
        ]
        roles = tuple(dict.fromkeys(role for key in own for role in key.acts_as))
        return self._known_as(name, roles) if own else None

    def link(self, token: str, *, deciding: bool = False) -> ApprovalLink:
        """What a link stands for; ``deciding`` leaves in the audit chain that it was tried and refused.

        Raises:
            LaunchworthyError: It leads nowhere (``LW403``), or no longer (``LW409``).
        """
        found = self._store.approvals.news.link(token, deciding=deciding)
        if isinstance(found, Refused):
            raise _error(found)
        return found

    def may_decide(self, approval: Approval, person: Person | None) -> StepDue | Refused:
        """The step that somebody can take, or why there is none."""
        return may_decide(approval, person)

    def _known_as(self, name: str, roles: Sequence[str], *, key: str = "") -> Person:
        secret = self._store.registry.secret(PSEUDONYM_SECRET)
        person = Person(name=name, roles=tuple(roles), known_as=(pseudonym(name, key=secret),), key=key)
        own = [each.name for each in self._store.registry.api_keys() if person.called(each.person)]
        return replace(person, keys=tuple(own))

    def _decided(self, policy: Policy, product: str, request: Request) -> Decision:
        return policy.decide(request, spending=self._store.spending(product))

    def _contract(self, product: str) -> Contract:
        known = self._contracts.in_force(product)
        if known is None:
            raise NotFoundError(f"no contract of {product!r:.80} is registered")
        return known.contract

    def _known(self, product: str, approval_id: str) -> Approval | None:
        try:
            return self._store.approvals.get(product, approval_id)
        except NotFoundError:
            return None

    def _check_own(self, approval: Approval, caller: Caller, *, exactly: bool = False) -> None:
        """An application sees and runs only what it asked for itself, by the name of its key."""
        if caller.owner or caller.key == approval.asked_by:
            return
        if exactly or caller.role == "ingest":
            raise NotFoundError(
                f"there is no approval {approval.id!r:.100} that came by this key", where=approval.product
            )

    def _change(
        self,
        product: str,
        approval_id: str,
        step: Callable[[Approval, int], Approval | Refused],
        *,
        by: str = "",
        link: str | None = None,
    ) -> Approval:
        tell = self._tells(product)
        return _taken(self._store.approvals.change(product, approval_id, step, by=by, link=link, tell=tell))


def _name_of(who: Person | None) -> str:
    return "" if who is None else who.name


def _outlawed(approval: Approval, policy: Policy) -> Refused | None:
    """Why the contract in force does not let an approved call run, where it changed since; budgets are held
    by whoever runs it."""
    now = policy.decide(approval.call.request)
    if now.ruling is Ruling.DENY:
        return Refused(reason=f"the contract in force denies it: {now.reason}", rule=now.rule, conflict=True)
    more = _by(now.approvals) - _by(approval.steps) | _by(_four(now.approvals)) - _by(_four(approval.steps))
    if more:
        return Refused(
            reason=f"the contract in force also asks for the approval of {' and '.join(more)}",
            hint="withdraw it and ask anew",
            rule=now.rule,
            conflict=True,
        )
    return None


def _by(steps: Iterable[Step | StepDue]) -> Counter[str]:
    return Counter(step.by for step in steps)


def _four(steps: Iterable[Step | StepDue]) -> list[Step | StepDue]:
    return [step for step in steps if step.four_eyes]


def _taken(found: Approval | Refused) -> Approval:
    if isinstance(found, Refused):
        raise _error(found)
    return found


def _error(refused: Refused) -> LaunchworthyError:
    if refused.conflict:
        return ConflictError(refused.reason, where=refused.rule, hint=refused.hint)
    return LaunchworthyError(refused.reason, code="LW403", where=refused.rule, hint=refused.hint)
