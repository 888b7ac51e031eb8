"""The policy of one contract: an index by tool and role, and one decision for each call.

May import ``contract`` (when a policy is made), ``quantity`` and this folder. A decision reads no clock, no
file and no network; only a JSON Schema that the contract names takes longer than a look-up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from launchworthy.runtime.permission.checking import check_arguments
from launchworthy.runtime.permission.choosing import shown
from launchworthy.runtime.permission.data_rules import DataRules
from launchworthy.runtime.permission.decision import Check, Checked, Decision, Ruling
from launchworthy.runtime.permission.request import Request
from launchworthy.runtime.permission.spending import Spending
from launchworthy.runtime.permission.tool_rules import ToolRules, compile_tool, listed
from launchworthy.runtime.permission.weighing import (
    amount_of,
    charges_of,
    check_approval,
    check_budgets,
    check_lowered,
    check_per_call,
)

if TYPE_CHECKING:
    from launchworthy.contract import Contract

__all__ = ["Policy"]

_REMEMBERED, _LONGEST = 1_000, 80
_CALLER = "the caller"
_BEHALF = "the one on whose behalf it acts"


class Policy:
    """What a contract allows.

    Example:
        >>> from launchworthy.contract import load_contract
        >>> policy = Policy.of(load_contract("launchworthy.yaml"))  # doctest: +SKIP
        >>> policy.decide(Request(tool="refund", roles=("customer",))).reason  # doctest: +SKIP
        'refund is for agent, and the caller is customer'
    """

    def __init__(
        self,
        *,
        product: str,
        tools: Mapping[str, ToolRules],
        index: Mapping[tuple[str, str], Check],
        data: DataRules,
    ) -> None:
        self._product = product
        self._tools = tools
        self._index = index
        self._data = data
        self._refused: dict[str, Decision] = {}  # of names that the contract does not have

    @classmethod
    def of(cls, contract: Contract) -> Policy:
        """Compile a contract.

        Raises:
            InputError: A tool's JSON Schema is not there, or is none.
        """
        index: dict[tuple[str, str], Check] = {}
        for name, tool in contract.tools.items():
            rule = f"{contract.product}/tools/{name}"
            for role in tool.roles:
                index[name, role] = Check(
                    rule=f"{rule}/roles", outcome=Checked.KEPT, reason=f"{role} may call {name}"
                )
            for role in tool.deny:
                index[name, role] = Check(
                    rule=f"{rule}/deny",
                    outcome=Checked.BROKEN,
                    reason=f"{name} is denied to {role}, whatever other role there is",
                    remedy=f"call it without the role {role}",
                )
        return cls(
            product=contract.product,
            tools={name: compile_tool(contract, name, tool) for name, tool in contract.tools.items()},
            index=index,
            data=DataRules.of(contract),
        )

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools that the contract names."""
        return tuple(self._tools)

    def decide(self, request: Request, *, spending: Spending | None = None) -> Decision:
        """Decide one call. With a ledger it is also held against what is spent, but nothing is reserved."""
        rules = self._tools.get(request.tool)
        if rules is None:
            found = self._refused.get(request.tool) or self._unnamed(request.tool)
            if len(self._refused) < _REMEMBERED and len(request.tool) <= _LONGEST:
                self._refused[request.tool] = found
            return found
        checks = [rules.named]
        checks += self._callers(rules, request)
        if request.lowered:
            checks.append(check_lowered(rules))
        checks += check_arguments(rules, request)
        if request.data:
            checks += self._data.check(rules, request.data)
        amount = amount_of(rules, request)
        checks += check_per_call(rules, amount)
        charges = charges_of(rules, request, amount) if rules.budgets else ()
        if rules.budgets:
            checks += check_budgets(rules, request, amount, charges, spending)
        due, approval = check_approval(rules, amount, lowered=request.lowered)
        if approval is not None:
            checks.append(approval)
        decisive = next((check for check in checks if check.outcome is Checked.BROKEN), None)
        if decisive is not None:
            return Decision(
                ruling=Ruling.DENY,
                tool=rules.name,
                rule=decisive.rule,
                reason=decisive.reason,
                checks=tuple(checks),
            )
        if approval is not None and due:
            return Decision(
                ruling=Ruling.NEEDS_APPROVAL,
                tool=rules.name,
                rule=approval.rule,
                reason=approval.reason,
                approvals=due,
                checks=tuple(checks),
                charges=charges,
            )
        return Decision(
            ruling=Ruling.ALLOW,
            tool=rules.name,
            rule=rules.rule,
            reason=rules.allowed,
            checks=tuple(checks),
            charges=charges,
        )

    def _unnamed(self, tool: str) -> Decision:
        import difflib

        close = difflib.get_close_matches(tool[:80], self._tools, n=1)
        check = Check(
            rule=f"{self._product}/tools/unnamed",
            outcome=Checked.BROKEN,
            reason=f"{shown(tool)} is no tool of the contract, and what is not named is denied",
            remedy=f"did you mean {close[0]}?" if close else "name it under tools in the contract",
        )
        return Decision(ruling=Ruling.DENY, tool=tool, rule=check.rule, reason=check.reason, checks=(check,))

    def _callers(self, rules: ToolRules, request: Request) -> Iterator[Check]:
        """The caller and everyone on whose behalf the call is made must have the right, each by itself."""
        yield from self._caller(rules, request.roles, _CALLER)
        for principal in request.on_behalf_of:
            yield from self._caller(rules, principal.roles, _BEHALF)

    def _caller(self, rules: ToolRules, roles: tuple[str, ...], who: str) -> Iterator[Check]:
        granted: Check | None = None
        denied = False
        for role in roles:
            found = self._index.get((rules.name, role))
            if found is None:
                continue
            if found.outcome is Checked.BROKEN:
                denied = True
                yield found
            else:
                granted = granted or found
        if granted is not None and not denied:
            yield granted
        elif not denied:
            yield _without_role(rules.rule, rules.name, rules.roles, roles[:8], who)


@lru_cache(maxsize=1_024)
def _without_role(rule: str, name: str, wanted: tuple[str, ...], roles: tuple[str, ...], who: str) -> Check:
    own = tuple(shown(each) for each in roles)
    has = f"is {listed(own, word='and')}" if own else "has no role"
    return Check(
        rule=f"{rule}/roles",
        outcome=Checked.BROKEN,
        reason=f"{name} is for {listed(wanted)}, and {who} {has}",
        remedy=f"call it for {listed(wanted)}, or add a role to {rule}/roles",
    )
