"""A decision in words: why it is so, and what would change it.

May import ``quantity`` and this folder.
"""

from __future__ import annotations

from collections.abc import Callable

from launchworthy.quantity import format_value
from launchworthy.runtime.permission.decision import Checked, Decision, Ruling, Step

__all__ = ["changes", "why"]

_SAID = {Ruling.ALLOW: "allowed", Ruling.NEEDS_APPROVAL: "needs approval", Ruling.DENY: "denied"}


def changes(decision: Decision) -> tuple[str, ...]:
    """What would change it, a sentence each: all of them for a call that is denied."""
    if decision.ruling is Ruling.NEEDS_APPROVAL:
        return tuple(_asked(step) for step in decision.approvals)
    found = [check.remedy for check in decision.checks if check.outcome is Checked.BROKEN and check.remedy]
    return tuple(dict.fromkeys(found))


def why(decision: Decision, *, place: Callable[[str], str] | None = None) -> tuple[str, ...]:
    """The decision in lines of text; ``place`` says in which line of which file a rule stands."""
    lines = [f"{_SAID[decision.ruling]}: {decision.reason}", f"rule    {_placed(decision.rule, place)}"]
    told = changes(decision)
    if decision.ruling is Ruling.ALLOW:
        lines.append("change  any rule below, once it is not kept, denies it")
    lines += [f"{'change' if index == 0 else '':<8}{each}" for index, each in enumerate(told)]
    if len(told) > 1:
        lines.append(f"        all of these are needed: {len(told)} things stand against it")
    width = max(len(check.rule) for check in decision.checks)
    lines += [f"{check.outcome.value:<8}{check.rule:<{width}}  {check.reason}" for check in decision.checks]
    return tuple(lines)


def _placed(rule: str, place: Callable[[str], str] | None) -> str:
    where = "" if place is None else place(rule)
    return f"{rule}  {where}" if where else rule


def _asked(step: Step) -> str:
    shown = f", who is shown {', '.join(step.preview)}" if step.preview else ""
    since = f", which is due above {step.above}" if step.above is not None else ""
    stands = format_value(step.expires_ms, unit="ms")
    return f"the approval of {step.by}{shown}{since}; it stands {stands} and for these exact arguments"
