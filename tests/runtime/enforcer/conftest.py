"""A product with tools that read and pay, its models, and a queue of approvals that rests in memory."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from launchworthy.capture.pricing import Price, PriceTable, Rates
from launchworthy.contract import parse_contract
from launchworthy.errors import ConflictError, NotFoundError
from launchworthy.runtime.approval import (
    Approval,
    ApprovalState,
    Person,
    ProposedCall,
    Refused,
    Ticket,
    approve,
    claim,
    open_approval,
    reject,
    settle,
    withdraw,
)
from launchworthy.runtime.enforcer import Enforcer
from launchworthy.runtime.permission import Policy
from launchworthy.testing import Recording, recording

CONTRACT = """
launchworthy: 1
product: shop
kind: generative
owners: {product: ana@shop.example, support: tom@shop.example}
roles: [customer, agent, team_lead]
workflows:
  answer:
    user: customer
    job: get an answer
    no_answer:
      {not_in_sources: refuse, ambiguous: ask, low_confidence: route, model_or_tool_down: defer,
       legal_or_safety: route, route_to: support}
    failures:
      long_wait: {kind: slow, fix: model, watched_by: reliability/latency_p95}
      long_talk: {kind: expensive, fix: policy, watched_by: economics/cost_per_success}
    reliability: {latency_p95: {at_most: 1s}}
    economics: {cost_per_success: {at_most: 0.12 USD}}
    limits: {timeout: 3s, cost_per_action: 0.05 USD, turns: 3, steps: 4, actions_per_user: 5/d}
    fallbacks: [retry_once, vendor/backup, cached_answer, extractive_answer, route]
  refund:
    user: agent
    job: issue the refund that the policy allows
    no_answer: {payment_system_down: defer, otherwise: route, route_to: support}
data:
  sources:
    help_centre: {class: public, may: [see, store, learn]}
    orders: {class: confidential, may: [see], scope: own_customer}
    payments: {class: restricted, may: []}
tools:
  search: {effect: read, roles: [customer, agent]}
  get_order: {effect: read, roles: [agent]}
  refund:
    effect: pay
    roles: [agent]
    approval:
      - {by: agent, preview: [order, amount], expires: 10m}
    limits: {per_call: 500 USD, per_user: 900 USD/d}
    idempotent_by: [order]
  send_mail:
    effect: send
    roles: [agent]
    approval: unattended
    limits: {total: 100/d}
    undo: {by: search, within: 1h}
guards:
  banned: {checks: [input, output], action: refuse, fail: closed, uses: terms, terms: [forbidden]}
  planted:
    {checks: [retrieval, tool_output], action: block, fail: closed, uses: terms, terms: [ignore previous]}
  codes: {checks: [input], action: redact, fail: closed, uses: terms, terms: [sesame]}
"""

PRICES = PriceTable(
    version="test",
    prices=(
        Price(
            providers=frozenset({"vendor"}),
            models=("main", "backup"),
            rates=Rates(input=1.0, output=4.0),
            source="test",
            seen="2026-01-01",
            version="test",
        ),
    ),
)


class Queue:
    """Approvals in memory, under the same pure rules as the server's."""

    def __init__(self, contract: str = CONTRACT) -> None:
        self.contract = parse_contract(contract)
        self.policy = Policy.of(self.contract)
        self.found: dict[str, Approval] = {}
        self.now_ms = 1_000_000

    def request(self, call: ProposedCall) -> Approval:
        if call.id in self.found:
            return self.found[call.id]
        opened = open_approval(
            call,
            product="shop",
            decision=self.policy.decide(call.request),
            now_ms=self.now_ms,
            idempotent_by=self.contract.tools[call.request.tool].idempotent_by,
        )
        return self._keep(opened)

    def get(self, approval_id: str) -> Approval:
        if approval_id not in self.found:
            raise NotFoundError(f"no approval {approval_id}")
        return self.found[approval_id]

    def wait(self, approval_id: str, *, timeout_s: float) -> Approval:
        return self.get(approval_id)

    def claim(self, approval_id: str, *, arguments_hash: str, lease_s: float = 60.0) -> Ticket:
        found = self._keep(
            claim(
                self.get(approval_id),
                claimant=secrets.token_hex(4),
                bound_to=arguments_hash,
                ticket="t",
                now_ms=self.now_ms,
            )
        )
        assert found.running is not None
        return Ticket(
            approval_id=approval_id,
            secret="t",
            tool=found.tool,
            arguments=found.call.request.arguments,
            idempotency_key=found.key,
            attempt=found.running.attempt,
            until_ms=self.now_ms + 60_000,
        )

    def settle(self, ticket: Ticket, outcome: ApprovalState, *, reason: str = "") -> Approval:
        found = self.get(ticket.approval_id)
        return self._keep(
            settle(found, ticket=ticket.secret, outcome=outcome, reason=reason, now_ms=self.now_ms)
        )

    def withdraw(self, approval_id: str, *, reason: str = "") -> Approval:
        return self._keep(withdraw(self.get(approval_id), by="app", reason=reason, now_ms=self.now_ms))

    def say(self, approval_id: str, *, yes: bool = True) -> None:
        person = Person(name="wei", roles=("agent",))
        decide: Any = approve if yes else reject
        found = self.get(approval_id)
        more = {} if yes else {"reason": "no"}
        self._keep(decide(found, person=person, bound_to=found.hash, now_ms=self.now_ms, **more))

    def _keep(self, found: Approval | Refused) -> Approval:
        if isinstance(found, Refused):
            raise ConflictError(found.reason)
        self.found[found.id] = found
        return found


@dataclass
class Shop:
    """The product: what it was asked, what ran, and what it told."""

    enforcer: Enforcer
    queue: Queue
    told: Recording
    ran: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)

    def decisions(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Decisions so far, by the last word of their attributes."""
        found = [
            {name.rpartition(".")[2]: value for name, value in event.attributes.items()}
            for event in self.told.events
            if event.name == "launchworthy.decision"
        ]
        return [each for each in found if kind in (None, each["kind"])]


@pytest.fixture
def contract() -> str:
    """The text of the contract, for tests that change it."""
    return CONTRACT


@pytest.fixture
def shop() -> Iterator[Callable[..., Shop]]:
    """Makes a shop; models and whatever else ``Enforcer.load`` takes may be given."""
    with recording() as told:

        def make(contract: str = CONTRACT, **options: Any) -> Shop:
            queue = Queue(contract)
            made: list[Shop] = []

            def tool(name: str, answer: Any) -> Callable[..., Any]:
                def run(**arguments: Any) -> Any:
                    made[0].ran.append((name, arguments))
                    if isinstance(answer, Exception):
                        raise answer
                    return answer

                return run

            def main(messages: Any, **_: Any) -> str:
                made[0].asked.append(messages)
                return "Shoes may be returned within 30 days."

            tools = {
                "search": tool("search", ["found"]),
                "get_order": tool("get_order", {"order": 7, "total": 80}),
                "refund": tool("refund", "paid"),
                "send_mail": tool("send_mail", "sent"),
                **options.pop("tools", {}),
            }
            models = options.pop(
                "models", {"vendor/main": main, "vendor/backup": lambda messages, **_: "From backup."}
            )
            enforcer = Enforcer.load(
                parse_contract(contract),
                tools=tools,
                models=models,
                prices=options.pop("prices", PRICES),
                approvals=options.pop("approvals", queue),
                seed=0,
                **options,
            )
            made.append(Shop(enforcer=enforcer, queue=queue, told=told))
            return made[0]

        yield make
