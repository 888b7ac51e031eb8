"""What people do with a call that waits: confirm it, correct it, reject it, or say how a lost one ended.

Who made a call never confirms it. The person on whose behalf an assistant made it may, where the contract
names their role and the step is not ``four_eyes``: the person confirms what the model proposed, and the
model never does. Nobody takes two steps. May import ``permission`` and this folder.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from launchworthy.runtime.approval.approval import (
    Approval,
    ApprovalState,
    Decided,
    Event,
    Happened,
    StepDue,
    noted,
)
from launchworthy.runtime.approval.opening import call_key, steps_due
from launchworthy.runtime.approval.refused import Refused
from launchworthy.runtime.permission import Decision, Origin, Request, Ruling
from launchworthy.runtime.permission.choosing import INVISIBLE

__all__ = ["Person", "Refused", "approve", "edit", "may_decide", "reject", "resolve"]

_MOST_REASON = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who was recognised by a key, a session or a link.

    Attributes:
        name: Who it is, as keys name them.
        roles: Roles of the contract that they act in.
        known_as: Under which further names calls may know them, such as their pseudonym.
        key: Name of the key that was shown; empty for a link.
        keys: Names of all their keys, ended ones too.
    """

    name: str
    roles: tuple[str, ...]
    known_as: tuple[str, ...] = ()
    key: str = ""
    keys: tuple[str, ...] = ()

    def called(self, name: str) -> bool:
        """Whether a name means this person, however it is written."""
        folded = _folded(name)
        return bool(folded) and folded in set(map(_folded, (self.name, *self.known_as)))

    def holds(self, key: str) -> bool:
        """Whether a key of this name is theirs."""
        return bool(key) and key in (self.key, *self.keys)


def may_decide(approval: Approval, person: Person | None) -> StepDue | Refused:
    """The step that this person can take now, or why there is none."""
    if approval.state is not ApprovalState.PENDING:
        return Refused(
            reason=f"this call is {approval.state.value}: there is nothing to approve", conflict=True
        )
    open_steps = [step for step in approval.steps if step.decided is None]
    wanted = " or ".join(dict.fromkeys(step.by for step in open_steps))
    if person is None or not person.name:
        return Refused(
            reason="nobody is signed in, and an approval needs a person with a name",
            hint=f"make a person's key: launchworthy keys create NAME --role read --acts-as {wanted}",
            rule=approval.rule,
        )
    if person.called(approval.call.requester) or person.holds(approval.asked_by):
        return Refused(
            reason="whoever made the call cannot approve it", hint=f"ask another {wanted}", rule=approval.rule
        )
    if any(step.decided is not None and person.called(step.decided.person) for step in approval.steps):
        return Refused(
            reason="you took a step already, and each step needs another person",
            hint=f"ask another {wanted}",
            rule=approval.rule,
        )
    own = [step for step in open_steps if step.by in person.roles]
    if not own:
        acts = ", ".join(person.roles) or "no role"
        return Refused(reason=f"it needs the approval of {wanted}, and you act as {acts}", rule=approval.rule)
    involved = any(map(person.called, (*approval.call.people, *approval.editors)))
    free = [step for step in own if not (step.four_eyes and involved)]
    if not free:
        return Refused(
            reason="this step needs four eyes: not those for whom the call is made, or who corrected it",
            hint=f"ask another {wanted}",
            rule=approval.rule,
        )
    return free[0]


def approve(approval: Approval, person: Person | None, *, bound_to: str, now_ms: int) -> Approval | Refused:
    """Take one step; the call is approved when all are taken.

    Args:
        approval: As it is now, in time.
        person: Who confirms.
        bound_to: Hash of the arguments that they were shown.
        now_ms: By the clock of the queue.
    """
    step = may_decide(approval, person)
    if isinstance(step, Refused):
        return step
    if person is None or bound_to != approval.hash:
        return _changed()
    taken = Decided(person=person.name, role=step.by, at_ms=now_ms)
    steps = tuple(replace(each, decided=taken) if each is step else each for each in approval.steps)
    done = all(each.decided is not None for each in steps)
    confirmed = noted(
        replace(approval, steps=steps, state=ApprovalState.APPROVED if done else ApprovalState.PENDING),
        Event(at_ms=now_ms, what=Happened.APPROVED, by=person.name, role=step.by, hash=approval.hash),
    )
    return _tested(confirmed, now_ms=now_ms) if done and approval.wrong else confirmed


def reject(
    approval: Approval, person: Person | None, *, reason: str, bound_to: str | None, now_ms: int
) -> Approval | Refused:
    """End it, with a reason; one of those who may approve is enough."""
    step = may_decide(approval, person)
    if isinstance(step, Refused):
        return step
    if person is None or bound_to not in (None, approval.hash):
        return _changed()
    told = reason.strip()[:_MOST_REASON]
    if not told:
        return Refused(reason="no reason is given", hint="say why, for whoever asked and for the record")
    return noted(
        replace(approval, state=ApprovalState.REJECTED),
        Event(
            at_ms=now_ms,
            what=Happened.REJECTED,
            by=person.name,
            role=step.by,
            reason=told,
            hash=approval.hash,
        ),
    )


def edit(
    approval: Approval,
    person: Person | None,
    *,
    arguments: Mapping[str, Any],
    decide: Callable[[Request], Decision],
    idempotent_by: Sequence[str],
    bound_to: str,
    now_ms: int,
    contract: str = "",
) -> Approval | Refused:
    """Correct arguments: the policy decides anew, and what was approved before is void.

    Args:
        approval: As it is now, in time.
        person: Who corrects; one of those who may approve.
        arguments: New values of some arguments.
        decide: The permission policy.
        idempotent_by: Arguments that make a repeated call the same call.
        bound_to: Hash of the arguments that they were shown.
        now_ms: By the clock of the queue.
        contract: Version of the contract that the policy is of.
    """
    step = may_decide(approval, person)
    if isinstance(step, Refused):
        return step
    if person is None or bound_to != approval.hash:
        return _changed()
    request = approval.call.request
    changed = {
        name: value
        for name, value in arguments.items()
        if name not in request.arguments
        or request.arguments[name] != value
        # 1 and true are equal in Python, and are not the same argument.
        or type(request.arguments[name]) is not type(value)
    }
    foreign = [name for name in changed if name not in approval.editable]
    if foreign:
        may = ", ".join(approval.editable) or "nothing"
        return Refused(
            reason=f"{', '.join(foreign)[:200]} cannot be corrected: of this call, {may} can",
            hint="reject it and say what it should be",
        )
    if not changed:
        return Refused(reason="nothing was corrected", hint="approve it as it is")
    corrected = replace(
        request,
        arguments={**request.arguments, **changed},
        provenance={**request.provenance, **dict.fromkeys(changed, Origin.USER)},
    )
    decision = decide(corrected)
    if decision.ruling is Ruling.DENY:
        return Refused(reason=f"with this correction it is denied: {decision.reason}", rule=decision.rule)
    call = approval.call.with_arguments(corrected)
    # A correction that no step would be due for still waits: it was asked for, so a person confirms it.
    due = steps_due(decision, now_ms=now_ms) or tuple(
        replace(each, decided=None, opened_ms=now_ms) for each in approval.steps[:1]
    )
    bound = approval.hash_of(corrected.arguments)
    found = noted(
        replace(
            approval,
            call=call,
            hash=bound,
            steps=due,
            reason=decision.reason,
            key=call_key(
                call, product=approval.product, idempotent_by=() if approval.wrong else idempotent_by
            ),
            editors=tuple(dict.fromkeys((*approval.editors, person.name))),
        ),
        Event(
            at_ms=now_ms,
            what=Happened.EDITED,
            by=person.name,
            role=step.by,
            reason=", ".join(sorted(changed)),
            hash=bound,
            contract=contract,
        ),
    )
    return _tested(found, now_ms=now_ms) if approval.wrong else found


def resolve(
    approval: Approval, person: Person | None, *, ran: bool, reason: str, now_ms: int
) -> Approval | Refused:
    """Say how a call ended of which nothing was heard: a person looked, and says what they found."""
    if approval.state is not ApprovalState.UNKNOWN:
        return Refused(reason=f"this call is {approval.state.value}: its end is known", conflict=True)
    roles = tuple(step.by for step in approval.steps)
    if person is None or not person.name or not set(roles) & set(person.roles):
        return Refused(reason=f"only {' or '.join(dict.fromkeys(roles))} can say how it ended")
    told = reason.strip()[:_MOST_REASON]
    if not told:
        return Refused(reason="no reason is given", hint="say where you looked and what you found")
    role = next(each for each in roles if each in person.roles)
    return noted(
        replace(approval, state=ApprovalState.DONE if ran else ApprovalState.FAILED),
        Event(
            at_ms=now_ms, what=Happened.SETTLED, by=person.name, role=role, reason=told, hash=approval.hash
        ),
    )


def _folded(name: str) -> str:
    plain = INVISIBLE.sub("", unicodedata.normalize("NFKC", name))
    return " ".join(unicodedata.normalize("NFKC", plain.casefold()).split())


def _tested(approval: Approval, *, now_ms: int) -> Approval:
    """End a call that was a test, now that people have decided it."""
    return noted(
        replace(approval, state=ApprovalState.WITHDRAWN),
        Event(at_ms=now_ms, what=Happened.WITHDRAWN, reason=f"it was a test, and wrong: {approval.wrong}"),
    )


def _changed() -> Refused:
    return Refused(
        reason="the arguments are not those that you were shown",
        hint="look at them again, then decide",
        conflict=True,
    )
