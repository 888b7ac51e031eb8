"""Limits that get in each other's way, or in the way of what is promised. May import this room only."""

from __future__ import annotations

from collections.abc import Iterator

from launchworthy.contract.arithmetic.figures import count, money, no_less
from launchworthy.contract.arithmetic.finding import Finding
from launchworthy.contract.arithmetic.terms import currency, screening
from launchworthy.contract.model import Contract
from launchworthy.contract.units import UnitKind, kind_of, per_day

__all__ = ["limits"]

_NEARLY = 1e-9


def limits(contract: Contract) -> Iterator[Finding]:
    """Usage that a limit cuts off, and limits that never come into play."""
    yield from _volumes(contract)
    yield from _amounts(contract)
    pricing = contract.pricing
    cap = None if pricing is None or pricing.heavy_users is None else pricing.heavy_users.cap
    if pricing is not None and pricing.included is not None and cap is not None:
        free, most = per_day(pricing.included), per_day(cap)
        if free is not None and most is not None and free > most * (1 + _NEARLY):
            yield Finding(
                path=("pricing", "heavy_users", "cap"),
                code="LW252",
                message=f"pricing/heavy_users/cap is {cap}, but {pricing.included} are included and paid for",
                hint=f"raise the cap above {pricing.included}, or include less",
                uses=(("pricing", "included"),),
            )


def _volumes(contract: Contract) -> Iterator[Finding]:
    """Tools that may run less often than their workflow needs them: the tool of its name, or of its band."""
    for workflow, block in contract.workflows.items():
        cases = None if block.frequency is None else per_day(block.frequency)
        needs = {} if cases is None else {workflow: (cases, f"{workflow}/frequency is {block.frequency}")}
        screen = screening(workflow, block)
        if screen is not None and screen.frequency is not None and block.decide is not None:
            picked = screen.picked * screen.frequency.value
            for band in block.decide.bands[-1:]:
                needs[band] = (
                    picked,
                    f"recall {screen.recall.shown} × base rate {screen.base_rate.shown} × "
                    f"{count(screen.frequency.value)} a day ÷ precision {screen.precision.shown} = "
                    f"{count(picked)} a day",
                )
        for name, (needed, told) in needs.items():
            tool = contract.tools.get(name)
            total = None if tool is None or tool.limits is None else tool.limits.total
            most = None if total is None or kind_of(total.unit) is not UnitKind.RATE else per_day(total)
            if total is not None and most is not None and needed > most * (1 + _NEARLY):
                yield Finding(
                    path=("tools", name, "limits", "total"),
                    code="LW252",
                    message=f"tools/{name}/limits/total is {total}, but {told}",
                    hint=f"it takes {no_less(needed, '1/d')}",
                    uses=(("workflows", workflow, "frequency"), *(screen.uses if screen else ())),
                )


def _amounts(contract: Contract) -> Iterator[Finding]:
    for name, tool in contract.tools.items():
        own = tool.limits
        if own is not None and own.per_call is not None and own.per_user is not None:
            same = currency(own.per_call.unit) == currency(own.per_user.unit)
            if same and own.per_call.value > own.per_user.value * (1 + _NEARLY):
                yield Finding(
                    path=("tools", name, "limits", "per_call"),
                    code="LW252",
                    message=f"tools/{name}: one call may reach {own.per_call}, but a user no more than "
                    f"{own.per_user}",
                    hint=f"write at most {money(own.per_user.value, own.per_call.unit)} for per_call",
                    uses=(("tools", name, "limits", "per_user"),),
                )
        if own is None or own.per_call is None or not isinstance(tool.approval, tuple):
            continue
        for number, approval in enumerate(tool.approval):
            above = approval.above
            if above is not None and above.unit == own.per_call.unit and above.value >= own.per_call.value:
                yield Finding(
                    path=("tools", name, "approval", number, "above"),
                    code="LW252",
                    message=f"tools/{name}: {approval.by} is asked above {above}, but one call may not "
                    "exceed "
                    f"{own.per_call}: nobody would ever be asked",
                    hint="lower `above`, or raise per_call",
                    uses=(("tools", name, "limits", "per_call"),),
                )
