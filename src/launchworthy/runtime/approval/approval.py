"""What is known of one call that waits, waited or ran: its state, its steps and what happened to it.

May import ``call``. Times are milliseconds since 1970, by the clock of the queue, which never goes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from launchworthy.runtime.approval.call import ProposedCall, arguments_hash, call_of

__all__ = ["Approval", "ApprovalState", "Decided", "Event", "Happened", "Running", "StepDue", "noted"]


class ApprovalState(StrEnum):
    """Where a call stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    EXECUTING = "executing"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"  # it was begun, and nobody knows how it ended: a person finds out

    @property
    def ended(self) -> bool:
        """Nothing more can happen to it."""
        return self in (
            ApprovalState.REJECTED,
            ApprovalState.EXPIRED,
            ApprovalState.WITHDRAWN,
            ApprovalState.DONE,
            ApprovalState.FAILED,
        )


class Happened(StrEnum):
    """What can happen to it."""

    REQUESTED = "requested"
    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    CLAIMED = "claimed"
    LOST = "lost"  # begun, and nothing was heard of it in time
    SETTLED = "settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened: when, by whom (in which role), and why where somebody said so.

    ``contract`` is the version of the contract that was asked, where one was.
    """

    at_ms: int
    what: Happened
    by: str = ""
    role: str = ""
    reason: str = ""
    hash: str = ""
    contract: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Who took a step, in which role, and when."""

    person: str
    role: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDue:
    """One approval that is due, and who gave it.

    Attributes:
        by: Role that confirms.
        expires_ms: How long it may take, and how long it then stands.
        opened_ms: Since when it is due.
        preview: What the approver is shown, in this order.
        above: The amount from which on it is due; empty: always.
        four_eyes: Neither may the person confirm on whose behalf the call is made.
        decided: None while nobody confirmed it.
    """

    by: str
    expires_ms: int
    opened_ms: int
    preview: tuple[str, ...] = ()
    above: str = ""
    four_eyes: bool = False
    decided: Decided | None = None

    @property
    def until_ms(self) -> int:
        """When it lapses: so long after it became due, or after it was given."""
        return (self.opened_ms if self.decided is None else self.decided.at_ms) + self.expires_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Who runs the call.

    Attributes:
        claimant: Chosen by whoever claimed it; the same claimant is given the same ticket again.
        ticket: Shown when it is settled.
        until_ms: By when it must be settled, or it is lost.
        attempt: 1 for the first.
    """

    claimant: str
    ticket: str
    until_ms: int
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One call and its approval.

    Attributes:
        product: Product.
        call: What would run, with the arguments as they are now.
        state: Where it stands.
        hash: What approvals are bound to: of the arguments as they are now.
        asked_hash: The same, of the arguments that were asked for first.
        steps: The approvals due.
        rule: Address of the line in the contract that asks for them.
        reason: Why it is due, in a sentence.
        key: The idempotency key: what the tool is given, and the same for calls that are the same.
        idempotent: A repeated call with this key acts once, as the contract says of the tool.
        editable: Arguments that an approver may correct.
        editors: Who corrected some.
        asked_by: Name of the API key by which it came; empty for none.
        opened_ms: When it was asked for.
        seen_ms: The latest moment at which anything happened to it.
        wrong: Why it is wrong, where it was put here to see whether people catch it; it never runs.
        running: Who runs it; None unless it was claimed.
        history: Everything that happened, oldest first.
    """

    product: str
    call: ProposedCall
    state: ApprovalState
    hash: str
    asked_hash: str
    steps: tuple[StepDue, ...]
    rule: str
    reason: str
    key: str
    idempotent: bool
    opened_ms: int
    seen_ms: int
    editable: tuple[str, ...] = ()
    editors: tuple[str, ...] = ()
    asked_by: str = ""
    wrong: str = ""
    running: Running | None = None
    history: tuple[Event, ...] = ()

    @property
    def id(self) -> str:
        """Id of the call."""
        return self.call.id

    @property
    def tool(self) -> str:
        """Name of the tool."""
        return self.call.request.tool

    @property
    def until_ms(self) -> int | None:
        """When it expires, is lost, or None where nothing is waited for."""
        if self.state in (ApprovalState.PENDING, ApprovalState.APPROVED):
            return self.stands_until_ms
        if self.state is ApprovalState.EXECUTING and self.running is not None:
            return self.running.until_ms
        return None

    @property
    def stands_until_ms(self) -> int:
        """When the first of its steps lapses."""
        return min((step.until_ms for step in self.steps), default=self.opened_ms)

    @property
    def previewed(self) -> tuple[str, ...]:
        """Arguments to show first, in the contract's order."""
        return tuple(dict.fromkeys(name for step in self.steps for name in step.preview))

    def hash_of(self, arguments: Mapping[str, Any]) -> str:
        """What approvals of these arguments would be bound to."""
        return arguments_hash(
            product=self.product, tool=self.tool, arguments=arguments, on_behalf_of=self.call.people
        )

    def as_json(self) -> dict[str, Any]:
        """The written form that :meth:`from_json` reads; the ticket is not in it, and of a call that was put
        here as a test not that it is one, until it was decided."""
        plain = {
            name: getattr(self, name)
            for name in (
                "product state hash asked_hash rule reason key idempotent opened_ms seen_ms asked_by"
            ).split()
        }
        return {
            **plain,
            "id": self.id,
            "tool": self.tool,
            "call": self.call.as_json(),
            "editable": list(self.editable),
            "editors": list(self.editors),
            "steps": [asdict(step) | {"preview": list(step.preview)} for step in self.steps],
            "until_ms": self.until_ms,
            "wrong": "" if self.state is ApprovalState.PENDING else self.wrong,
            "running": None
            if self.running is None
            else {
                "claimant": self.running.claimant,
                "until_ms": self.running.until_ms,
                "attempt": self.running.attempt,
            },
            "history": [asdict(event) for event in self.history],
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any], *, ticket: str = "", wrong: str = "") -> Approval:
        """Read the written form of a server or a store of ours."""
        running = plain["running"]
        return cls(
            **{
                name: plain[name]
                for name in (
                    "product hash asked_hash rule reason key idempotent opened_ms seen_ms asked_by"
                ).split()
            },
            call=call_of(plain["call"]),
            state=ApprovalState(plain["state"]),
            wrong=wrong or plain.get("wrong", ""),
            editable=tuple(plain["editable"]),
            editors=tuple(plain["editors"]),
            steps=tuple(
                StepDue(
                    **{
                        **step,
                        "preview": tuple(step["preview"]),
                        "decided": None if step["decided"] is None else Decided(**step["decided"]),
                    }
                )
                for step in plain["steps"]
            ),
            running=None if running is None else Running(ticket=ticket, **running),
            history=tuple(Event(**{**each, "what": Happened(each["what"])}) for each in plain["history"]),
        )


def noted(approval: Approval, event: Event) -> Approval:
    """The approval with one more thing that happened."""
    return replace(approval, history=(*approval.history, event), seen_ms=max(approval.seen_ms, event.at_ms))
