"""One call that waits, as a card: its exact arguments and where each came from, who may confirm it, and why.

May import ``quantity``, ``runtime`` and this room.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from launchworthy.console.desk import Desk
from launchworthy.console.page import Again
from launchworthy.console.visible import visible
from launchworthy.console.words import Link, from_ns, moment, page_url, sentence
from launchworthy.quantity import format_value
from launchworthy.runtime.approval import Approval, ApprovalState, Happened, Passage, Person, Refused
from launchworthy.runtime.permission import Origin

__all__ = ["ARGUMENT", "ArgumentRow", "CallCard", "StepRow", "call_card", "state_of"]

ARGUMENT = "argument:"  # a field that corrects one: this, and its name

_MARKS = {
    ApprovalState.PENDING: ("unsure", "◌"),
    ApprovalState.APPROVED: ("good", "●"),
    ApprovalState.EXECUTING: ("unsure", "◌"),
    ApprovalState.DONE: ("good", "●"),
    ApprovalState.UNKNOWN: ("bad", "✕"),
}
_ORIGINS = {
    Origin.APPLICATION: "the application",
    Origin.USER: "a person",
    Origin.TOOL_RESULT: "the result of a tool",
    Origin.RETRIEVED: "retrieved text",
    Origin.MODEL: "the model",
}
_TOLD = {
    Happened.REQUESTED: "asked for",
    Happened.CLAIMED: "begun",
    Happened.LOST: "lost sight of",
    Happened.SETTLED: "settled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentRow:
    """One argument: exactly its value, who chose it, and whether an approver may correct it."""

    name: str
    value: str
    long: bool
    origin: str
    trusted: bool
    source: str
    editable: bool
    given: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One approval that is due: by whom, and who gave it."""

    by: str
    above: str
    state: str
    mark: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCard:
    """A call with all that an approver needs.

    ``why_not`` is empty where the reader may decide; ``wrong`` says of a decided test what was wrong.
    ``hash`` is of the arguments that are shown, also where ``again``, a form that was refused, was not.
    """

    id: str
    link: Link
    tool: str
    state: str
    kind: str
    mark: str
    rule: Link
    reason: str
    asked: str
    question: str
    arguments: tuple[ArgumentRow, ...]
    evidence: tuple[Passage, ...]
    steps: tuple[StepRow, ...]
    history: tuple[tuple[str, str], ...]
    told: tuple[str, ...]
    left: str
    until: str
    until_ms: int
    as_role: str
    why_not: str
    hint: str
    resolvable: bool
    editable: bool
    hash: str
    action: str
    wrong: str
    stopped: bool
    again: Again = field(default_factory=Again)


def state_of(state: ApprovalState) -> tuple[str, str]:
    """Kind and mark of a state: colour never says it alone."""
    return _MARKS.get(state, ("muted", "○"))


def call_card(
    approval: Approval,
    *,
    desk: Desk,
    person: Person | None,
    now: datetime,
    action: str = "",
    again: Again | None = None,
) -> CallCard:
    """A card for one reader.

    Args:
        approval: The call.
        desk: Says who may decide.
        person: Who reads; None for nobody that is known.
        now: The moment to show.
        action: Where its forms are sent; the call's own address if empty.
        again: A form of it that was refused; what was typed stands in its fields again.
    """
    again = again or Again()
    step = desk.may_decide(approval, person)
    kind, mark = state_of(approval.state)
    pending = approval.state is ApprovalState.PENDING
    refused = step if isinstance(step, Refused) else None
    until_ms = approval.until_ms or 0
    own = page_url("products", approval.product, "approvals", approval.id)
    roles = {each.by for each in approval.steps}
    return CallCard(
        id=approval.id,
        link=Link(text=approval.tool, url=own),
        tool=approval.tool,
        state=approval.state.value,
        kind=kind,
        mark=mark,
        rule=Link(text=approval.rule, url=page_url("products", approval.product, "claims", approval.rule)),
        reason=approval.reason
        if approval.reason.startswith(approval.tool)  # a name stays as it is written
        else sentence(approval.reason),
        asked=_asked(approval),
        question=approval.call.question,
        arguments=_arguments(approval, again),
        evidence=approval.call.evidence,
        steps=tuple(_steps(approval)),
        history=tuple(_history(approval)),
        told=tuple(_deliveries(desk, approval)),
        left=_left(until_ms, now) if pending else "",
        until=from_ns(until_ms * 1_000_000).isoformat() if pending else "",
        until_ms=until_ms,
        as_role="" if isinstance(step, Refused) else step.by,
        why_not=sentence(refused.reason) if refused is not None and pending else "",
        hint=refused.hint if refused is not None and pending else "",
        resolvable=approval.state is ApprovalState.UNKNOWN
        and person is not None
        and bool(roles & set(person.roles)),
        editable=bool(approval.editable),
        hash=approval.hash,
        action=action or own,
        wrong="" if pending else approval.wrong,
        again=again,
        stopped=any(event.what in (Happened.REJECTED, Happened.EDITED) for event in approval.history),
    )


def _asked(approval: Approval) -> str:
    people = approval.call.people
    behalf = f" for {', '.join(people)}" if people else ""
    at = moment(from_ns(approval.opened_ms * 1_000_000))
    where = f" in {approval.call.workflow}" if approval.call.workflow else ""
    return f"Asked by {approval.call.requester}{behalf}{where}, {at}"


def _arguments(approval: Approval, again: Again) -> tuple[ArgumentRow, ...]:
    request = approval.call.request
    # What was typed over other arguments does not stand here: it would take back what was corrected since.
    typed = again.fields if again.typed("hash") == approval.hash else {}
    titles = {each.argument: each.title or each.id for each in approval.call.evidence if each.argument}
    names = (*approval.previewed, *sorted(request.arguments))
    rows = []
    for name in dict.fromkeys(each for each in names if each in request.arguments):
        value, origin = request.arguments[name], request.provenance.get(name)
        text = value if isinstance(value, str) and _is_plain(value) else _json(value)
        rows.append(
            ArgumentRow(
                name=name,
                value=text,
                long=_is_long(text),
                origin="nobody that is known" if origin is None else _ORIGINS[origin],
                trusted=origin is not None and origin.chosen,
                source=titles.get(name, ""),
                editable=name in approval.editable,
                given=_given(value, typed.get(f"{ARGUMENT}{name}")),
            )
        )
    return tuple(rows)


def _is_long(text: str) -> bool:
    """Whether it stands in a block of its own, where every space is seen."""
    return len(text) > 120 or "\n" in text


def _is_plain(text: str) -> bool:
    """Whether a text cannot be taken for a number, another text or nothing: others stand in quotes."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return _is_long(text) or (text != "" and text == " ".join(text.split()))
    return False


def _given(value: Any, typed: str | None) -> str:
    """What stands in the field that corrects a value: what was typed there, else the value.

    What a page would write out is escaped, so that it comes back as it was.
    """
    written = _json(value) if typed is None else typed
    if visible(written) == written:
        return written
    try:
        return json.dumps(json.loads(written))
    except (ValueError, RecursionError):
        return written


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=None)


def _steps(approval: Approval) -> list[StepRow]:
    rows = []
    for step in approval.steps:
        done = step.decided
        at = "" if done is None else moment(from_ns(done.at_ms * 1_000_000))
        waits = "waits" if approval.state is ApprovalState.PENDING else "was not given"
        rows.append(
            StepRow(
                by=step.by,
                above=f"above {step.above}" if step.above else "",
                state="unsure" if done is None else "good",
                mark="◌" if done is None else "●",
                told=waits + (", of another person than it is for" if step.four_eyes else "")
                if done is None
                else f"{done.person}, {at}",
            )
        )
    return rows


def _history(approval: Approval) -> list[tuple[str, str]]:
    rows = []
    for event in approval.history:
        by = f" by {event.by}" if event.by and event.what is not Happened.CLAIMED else ""
        role = f" as {event.role}" if event.role else ""
        why = f": {event.reason}" if event.reason else ""
        told = _TOLD.get(event.what, event.what.value)
        rows.append((moment(from_ns(event.at_ms * 1_000_000)), f"{sentence(told)}{by}{role}{why}"))
    return rows


def _deliveries(desk: Desk, approval: Approval) -> list[str]:
    rows = []
    for each in desk.deliveries(approval.product, approval.id):
        if each.told_at_ms is not None:
            rows.append(f"The webhook was told {moment(from_ns(each.told_at_ms * 1_000_000))}")
        elif each.attempts:
            rows.append(f"The webhook was not reached in {each.attempts:,} attempts: {each.failure}")
    return rows


def _left(until_ms: int, now: datetime) -> str:
    left_ms = until_ms - int(now.timestamp() * 1_000)
    return f"{format_value(max(0, left_ms) // 1_000 * 1_000, unit='ms')} left"
