"""What a call tells of itself: flags on its span, and every decision as an event of its own.

May import ``capture.sdk``. Decisions hold names, numbers and hashes, never the texts. Nothing here raises.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from launchworthy.capture.sdk.events import decision
from launchworthy.capture.sdk.scope import shadowing
from launchworthy.capture.sdk.span import Span
from launchworthy.records.attributes import Own
from launchworthy.runtime.approval import Approval
from launchworthy.runtime.compiling import rule_address
from launchworthy.runtime.fallback import Asked, Reply
from launchworthy.runtime.guards.verdict import Outcome, Stage
from launchworthy.runtime.no_answer import NoAnswer
from launchworthy.runtime.permission import Decision, Request
from launchworthy.runtime.pipeline import Checked
from launchworthy.runtime.retrieving import LeftOut

__all__ = ["UNNAMED", "Telling"]

UNNAMED = "unnamed"
"""What decisions call a tool that the contract does not name."""


class Telling:
    """Tells of one call.

    Args:
        product: Of the contract.
        contract: Its version: every decision says under which one it was made.
        workflow: Of the contract.
        span: Of the whole call.
        simulated: Whether no real user made it.
        failure_of: Limit → the failure mode of the contract that passing it is a case of.
    """

    def __init__(
        self,
        *,
        product: str,
        contract: str,
        workflow: str,
        span: Span,
        simulated: bool | None,
        failure_of: Callable[[str], str | None],
    ) -> None:
        self._product, self._workflow, self._span, self._simulated = product, workflow, span, simulated
        self._contract, self._failure_of = contract, failure_of
        self.flags: list[str] = []

    @property
    def trace_id(self) -> str:
        """Of the call; empty where nothing is recorded."""
        found = self._span.trace_id
        return found if found.strip("0") else ""

    def checked(self, checked: Checked, *, subject: str = "", passage: str = "") -> None:
        """What guards said of a text: hits, and what could not be checked; passes are not told.

        A passage stands in no record once it is kept out: its hash shows later which one it was.
        """
        for verdict in checked.verdicts:
            if verdict.outcome is Outcome.PASS:
                continue
            shadow = verdict.guard in checked.shadowed
            if verdict.outcome is Outcome.HIT:
                self.flag(verdict.guard)
            found = Counter(span.type for span in verdict.spans)
            self._decide(
                "guard",
                verdict.guard,
                verdict.outcome.value,
                rule=f"{self._product}/{rule_address(verdict.guard)}",
                reason=verdict.reason,
                facts={
                    "stage": checked.stage.value,
                    "action": "shadow" if shadow else checked.action.value,
                    "effect": None if verdict.guard not in checked.contained else _contained(checked.stage),
                    "version": verdict.version,
                    "category": verdict.category,
                    "score": verdict.score,
                    "found": dict(found) or None,
                    "of": subject or None,
                    "characters": len(checked.text) or None,
                    "passage_sha256": _sha256(passage) if passage else None,
                },
            )

    def left_out(self, document: LeftOut) -> None:
        """A document that was kept out of the prompt."""
        name = document.document.source or "a source without a name"
        self._decide(
            "permission",
            name,
            "denied",
            rule=document.rule,
            reason=document.reason,
            facts={"document": document.document.id or None},
        )

    def permission(
        self, found: Decision, *, arguments_hash: str, request: Request | None = None, approval: str = ""
    ) -> None:
        """Whether a tool may run: for whom, with arguments chosen by whom, and on which approval."""
        outcome = {"allow": "allowed", "deny": "denied"}.get(found.ruling.value, found.ruling.value)
        self._decide(
            "permission",
            # A name that a model made up may be anybody's words, and a subject stays in the chain for good.
            UNNAMED if found.rule.endswith(f"/tools/{UNNAMED}") else found.tool,
            outcome,
            rule=found.rule,
            reason=found.reason,
            facts={
                "arguments_sha256": arguments_hash,
                "approval": approval or None,
                "roles": list(request.roles) or None if request is not None else None,
                "chosen_by": sorted({each.value for each in request.provenance.values()}) or None
                if request is not None
                else None,
                "lowered": True if request is not None and request.lowered else None,
            },
        )

    def denied(self, tool: str, *, rule: str, reason: str) -> None:
        """A tool that was stopped by something else than the policy."""
        self._decide("permission", tool, "denied", rule=rule, reason=reason)

    def tool_run(
        self,
        tool: str,
        outcome: str,
        *,
        arguments_hash: str,
        reason: str,
        key: str,
        approval: Approval | None = None,
    ) -> None:
        """A tool ran, or was to run; on which approval, and who confirmed it, where one was needed."""
        steps = () if approval is None else approval.steps
        self._decide(
            "tool_run",
            tool,
            outcome,
            rule=f"{self._product}/tools/{tool}",
            reason=reason,
            facts={
                "arguments_sha256": arguments_hash,
                "idempotency_key": key or None,
                "approval": None if approval is None else approval.id,
                "confirmed_by": [step.decided.person for step in steps if step.decided is not None] or None,
            },
        )

    def failed(self, what: str, name: str, error: str) -> None:
        """Something that the call needs did not work; the call goes on without it."""
        self._decide("tool_run", name, "failed", reason=f"the {what} failed with {error}")

    def asked(self, asked: Asked) -> None:
        """How a question to a model went, where a fallback was needed."""
        used = asked.reply.fallback if asked.reply is not None else asked.policy
        failed = [{"name": each.name, "reason": each.reason} for each in asked.failures]
        names = ", ".join(
            dict.fromkeys(each.name for each in asked.failures)
        )  # one that was asked again: once
        if asked.reply is not None:
            self.used(asked.reply)
        if used is not None or failed:
            self._decide(
                "fallback",
                used or "none",
                "answered" if asked.reply is not None else "no answer",
                rule=asked.rule if "/" in asked.rule else None,
                reason=f"{names} did not answer" if names else "",
                facts={"failed": failed},
            )

    def used(self, reply: Reply) -> None:
        """Which fallback answered, on the span of the call; ``false`` where none was needed."""
        self._span.set_attributes({Own.FALLBACK: reply.fallback if reply.fallback is not None else False})

    def over(self, rule: str, *, stopped: bool, reason: str, facts: Mapping[str, Any]) -> None:
        """A limit was passed, or is about to be and the call is stopped; each once in a call.

        The server opens an incident of it.
        """
        name = rule.rpartition("/")[2]
        if f"limit:{name}" in self.flags:
            return
        self.flag(f"limit:{name}")
        if shadowing():
            return  # no user waited or paid for it, so that there is no incident
        self._decide(
            "budget",
            name,
            "stopped" if stopped else "overrun",
            rule=rule,
            reason=reason,
            facts={**facts, "failure_mode": self._failure_of(rule)},
        )

    def no_answer(self, given: NoAnswer) -> None:
        """There is no answer, on purpose."""
        self._span.no_answer(given.policy.value)
        self._decide(
            "no_answer",
            self._workflow,
            given.policy.value,
            rule=given.rule,
            reason=given.reason,
            facts={
                "condition": given.condition,
                "route_to": given.route_to,
                "cut_off": bool(given.partial) or None,
            },
        )

    def refused(self, reason: str, *, facts: Mapping[str, Any]) -> None:
        """The request was turned away before anything read it, as an error and not as an answer."""
        self._decide("no_answer", self._workflow, "refused", reason=reason, facts=facts)

    def flag(self, name: str) -> None:
        """A guard hit, or a limit was reached."""
        if name not in self.flags:
            self.flags.append(name)
            self._span.set_safety_flags(name)

    def _decide(
        self,
        kind: str,
        subject: str,
        outcome: str,
        *,
        rule: str | None = None,
        reason: str = "",
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        decision(
            kind=kind,
            subject=subject,
            outcome=outcome,
            rule=rule,
            reason=reason,
            facts={
                **{name: value for name, value in (facts or {}).items() if value is not None},
                "contract": self._contract,
            },
            trace_id=self.trace_id or None,
            workflow=self._workflow,
            simulated=self._simulated,
        )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _contained(stage: Stage) -> str:
    """What a guard against injection does even while it only watches."""
    return "passage withheld" if stage is Stage.RETRIEVED else "fewer rights to tools"
