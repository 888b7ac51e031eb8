"""How much a call would do: in itself, for one user, in all; and whom that needs to confirm.

May import ``quantity`` and this folder.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from launchworthy.quantity import Quantity
from launchworthy.runtime.permission.amounts import ABSENT, Reading, reach, read_amount
from launchworthy.runtime.permission.decision import Check, Checked, Step
from launchworthy.runtime.permission.request import Request
from launchworthy.runtime.permission.spending import Charge, Spending
from launchworthy.runtime.permission.tool_rules import Budget, ToolRules

__all__ = ["amount_of", "charges_of", "check_approval", "check_budgets", "check_lowered", "check_per_call"]

_NO_AMOUNT = Reading(None, None, "is not given")


def amount_of(rules: ToolRules, request: Request) -> Reading:
    """The amount that the tool's limits count."""
    if not rules.weighs:
        return _NO_AMOUNT
    beside = request.arguments.get("currency", ABSENT) if rules.money else ABSENT
    return read_amount(reach(request.arguments, rules.amount), beside=beside)


def check_lowered(rules: ToolRules) -> Check:
    """What is left of the rights of a call where an injection was found in what the user sent."""
    own = f"{rules.rule}/effect"
    if not rules.acts:
        return Check(rule=own, outcome=Checked.KEPT, reason=f"{rules.name} only reads: lowered rights do")
    reason = f"rights are lowered since an injection was found, and {rules.name} may {rules.effect}"
    if rules.steps:
        return Check(rule=own, outcome=Checked.DUE, reason=f"{reason}: every approval is due")
    return Check(
        rule=own,
        outcome=Checked.BROKEN,
        reason=f"{reason} with nobody to approve it",
        remedy="start anew without the text in which the injection was found",
    )


def check_per_call(rules: ToolRules, amount: Reading) -> Iterator[Check]:
    """The limit of one call."""
    if rules.per_call is None or rules.per_call_kept is None:
        return
    if amount.within(rules.per_call):
        yield rules.per_call_kept
        return
    yield Check(
        rule=rules.per_call_kept.rule,
        outcome=Checked.BROKEN,
        reason=f"{rules.amount} {amount.told(rules.per_call)}; one call may reach {rules.per_call}",
        remedy=f"give {rules.amount} as a number of at most {rules.per_call}",
    )


def charges_of(rules: ToolRules, request: Request, amount: Reading) -> tuple[Charge, ...]:
    """What the call takes from each budget that can be charged."""
    return tuple(
        Charge(
            tool=rules.name,
            user=request.payer if budget.by_user else None,
            unit=budget.unit,
            amount=(amount.value or 0.0) if budget.unit else 1.0,
            most=budget.limit.value,
            window_ms=budget.window_ms,
            rule=budget.rule,
        )
        for budget in rules.budgets
        if not _uncountable(rules, budget, amount)
    )


def check_budgets(
    rules: ToolRules,
    request: Request,
    amount: Reading,
    charges: tuple[Charge, ...],
    spending: Spending | None,
) -> Iterator[Check]:
    """What one user and all together may take over time, by what the ledger says is taken already."""
    by_rule = {charge.rule: charge for charge in charges}
    for budget in rules.budgets:
        charge = by_rule.get(budget.rule)
        if charge is None:
            yield _broken(
                budget,
                _uncountable(rules, budget, amount),
                f"give {rules.amount} as a number",
            )
        elif spending is None:
            yield budget.counted
        else:
            yield _against(budget, charge, spending.spent(charge, at_ms=request.at_ms))


def _against(budget: Budget, charge: Charge, spent: float) -> Check:
    if charge.fits(spent):
        return budget.kept
    whose = "of one user" if budget.by_user else "of all"
    if math.isinf(spent):
        why = "is not known, since the ledger did not answer"
        return _broken(
            budget, f"what is used of the budget {whose}, {budget.limit}, {why}", "ask again later"
        )
    unit = charge.unit
    used, left = Quantity(spent, unit), Quantity(max(0.0, charge.most - spent), unit)
    what = f"this call takes {Quantity(charge.amount, unit)}" if unit else "this would be one more"
    return _broken(
        budget,
        f"{used} of the budget {whose}, {budget.limit}, are used, and {what}",
        f"take at most {left}, or wait until earlier calls are older"
        if unit
        else "wait until earlier calls are older",
    )


def _uncountable(rules: ToolRules, budget: Budget, amount: Reading) -> str:
    """Why the call cannot be counted in a budget; empty where it can."""
    if budget.window_ms == 0:
        return f"{budget.limit} is over no time that could be counted"
    if not budget.unit or (amount.value is not None and amount.unit in (None, budget.unit)):
        return ""
    limit = Quantity(budget.limit.value, budget.unit)
    return f"{rules.amount} {amount.told(limit)}; it is counted in {budget.limit}"


def _broken(budget: Budget, reason: str, remedy: str) -> Check:
    return Check(rule=budget.rule, outcome=Checked.BROKEN, reason=reason, remedy=remedy)


def check_approval(
    rules: ToolRules, amount: Reading, *, lowered: bool
) -> tuple[tuple[Step, ...], Check | None]:
    """The approvals due; what cannot be shown to be small is not taken for small."""
    due = tuple(
        step for step in rules.steps if lowered or step.above is None or not amount.within(step.above)
    )
    own = f"{rules.rule}/approval"
    if due:
        who = " and ".join(f"{step.by}{f' (above {step.above})' if step.above else ''}" for step in due)
        return due, Check(rule=own, outcome=Checked.DUE, reason=f"{rules.name} needs the approval of {who}")
    if rules.steps:
        return (), Check(rule=own, outcome=Checked.KEPT, reason="no approval is due for this amount")
    if rules.acts and not rules.unattended:
        return (), Check(
            rule=own,
            outcome=Checked.BROKEN,
            reason=f"{rules.name} may {rules.effect}, and nobody is named to approve it",
            remedy="name who approves it, or write approval: unattended with an undo or a volume limit",
        )
    return (), None
