"""Permissions that contradict themselves: nobody may, nothing fits, or nothing can be counted.

May import this room only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from launchworthy.contract.arithmetic.figures import money
from launchworthy.contract.arithmetic.finding import Finding
from launchworthy.contract.arithmetic.terms import currency
from launchworthy.contract.document import KeyPath
from launchworthy.contract.model import Contract
from launchworthy.contract.model.safeguards import Argument, Tool
from launchworthy.contract.units import UnitKind, kind_of, per_day
from launchworthy.quantity import Quantity

__all__ = ["permissions"]

_CODE = "LW239"


def permissions(contract: Contract) -> Iterator[Finding]:
    """What no caller, no argument or no budget could ever meet."""
    for name, tool in contract.tools.items():
        path: KeyPath = ("tools", name)
        yield from _roles(path, name, tool)
        yield from _limits(path, name, tool)
        for key, argument in tool.arguments.items():
            yield from _argument((*path, "arguments", key), f"tools/{name}: {key}", argument, tool)


def _roles(path: KeyPath, name: str, tool: Tool) -> Iterator[Finding]:
    both = [role for role in tool.roles if role in tool.deny]
    if both:
        left = [role for role in tool.roles if role not in tool.deny]
        yield Finding(
            path=(*path, "deny"),
            code=_CODE,
            message=f"tools/{name} is for {', '.join(both)} and denied to the same"
            + ("" if left else ": nobody may ever call it"),
            hint="keep each role in one of roles and deny",
            uses=((*path, "roles"),),
        )


def _limits(path: KeyPath, name: str, tool: Tool) -> Iterator[Finding]:
    limits = tool.limits
    if limits is None:
        return
    if limits.per_call is not None and "/" in limits.per_call.unit:
        yield Finding(
            path=(*path, "limits", "per_call"),
            code=_CODE,
            message=f"tools/{name}: one call is not {limits.per_call}, which is over time",
            hint="write per_user or total, or an amount without a period",
        )
    for key in ("per_user", "total"):
        flow: Quantity | None = getattr(limits, key)
        if flow is not None and per_day(flow) is None:
            yield Finding(
                path=(*path, "limits", key),
                code=_CODE,
                message=f"tools/{name}: {flow} is over no time, so it cannot be counted",
                hint="write it over a time, such as 2000 USD/d",
            )
    units = {
        currency(quantity.unit): line
        for line, quantity in _amounts(tool)
        if kind_of(quantity.unit) in (UnitKind.MONEY, UnitKind.PRICE)
    }
    if len(units) > 1:
        (first, _), (second, line) = list(units.items())[:2]
        yield Finding(
            path=(*path, *line),
            code=_CODE,
            message=f"tools/{name}: its amount is limited in {first} and in {second}, and is in one of them",
            hint="write all its limits in one currency",
        )


def _amounts(tool: Tool) -> Iterator[tuple[KeyPath, Quantity]]:
    """Everything that the amount of one call is held against."""
    limits = tool.limits
    for key in ("per_call", "per_user", "total"):
        quantity = None if limits is None else getattr(limits, key)
        if quantity is not None:
            yield ("limits", key), quantity
    for number, approval in enumerate(tool.approval if isinstance(tool.approval, tuple) else ()):
        if approval.above is not None:
            yield ("approval", number, "above"), approval.above
    argument = tool.arguments.get(tool.amount)
    for end in ("at_least", "at_most"):
        quantity = None if argument is None else getattr(argument, end)
        if quantity is not None:
            yield ("arguments", tool.amount, end), quantity


def _argument(path: KeyPath, told: str, argument: Argument, tool: Tool) -> Iterator[Finding]:
    least, most = argument.at_least, argument.at_most
    for key, end in (("at_least", least), ("at_most", most)):
        if end is not None and "/" in end.unit:
            yield Finding(
                path=(*path, key),
                code=_CODE,
                message=f"{told} is one value, and {end} is over time",
                hint="write an amount, a number or a duration",
            )
    if least is not None and most is not None and (least.unit != most.unit or least.value > most.value):
        yield Finding(
            path=(*path, "at_most"),
            code=_CODE,
            message=f"{told} is at least {least} and at most {most}: nothing is",
            hint=f"write at most {money(least.value, least.unit)} or more",
            uses=((*path, "at_least"),),
        )
    out = [str(each) for each in argument.one_of if not _fits(each, argument)]
    if out:
        yield Finding(
            path=(*path, "one_of"),
            code=_CODE,
            message=f"{told} may be {out[0][:40]}, which its own limits rule out",
            hint="take it out, or widen the limit",
            uses=tuple((*path, key) for key in ("at_least", "at_most", "pattern", "most_characters")),
        )
    if argument.scope is not None and tool.scope is not None and argument.scope != tool.scope:
        yield Finding(
            path=(*path, "scope"),
            code=_CODE,
            message=f"{told} names {argument.scope}, but the tool is within {tool.scope}",
            hint=f"write scope: {tool.scope}",
            uses=((*path[:2], "scope"),),
        )


def _fits(value: str | int | float | bool, argument: Argument) -> bool:
    """Whether a value that is allowed by name is within the other limits; text may be an amount."""
    text = isinstance(value, str)
    if argument.pattern is not None and not (text and re.fullmatch(argument.pattern, str(value))):
        return False
    if argument.most_characters is not None and not (text and len(str(value)) <= argument.most_characters):
        return False
    if isinstance(value, (str, bool)):
        return True
    least, most = argument.at_least, argument.at_most
    return (least is None or value >= least.value) and (most is None or value <= most.value)
