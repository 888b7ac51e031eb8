"""Ceilings over many calls, as the contract's limits name them, and what one call takes from each.

May import ``contract`` and ``runtime.permission.spending``, whose ledger counts them. A limit is named by
what it counts and for whom: ``actions_per_user: 50/d``, ``cost_per_user: 1 USD/d``,
``cost_per_workflow: 900 USD/month``, ``tokens_per_user: 200000/d``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from launchworthy.errors import InputError
from launchworthy.quantity import Quantity
from launchworthy.runtime.permission.spending import Charge

if TYPE_CHECKING:
    from launchworthy.contract.model.workflow import Workflow

__all__ = ["Ceiling", "ceilings_of"]

_COUNTED = ("actions", "cost", "tokens")
_WHOSE = ("user", "session", "workflow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """One ceiling of a workflow.

    Attributes:
        name: As the contract names it.
        rule: Its address.
        counts: ``actions``, ``cost`` or ``tokens``.
        whose: ``user``, ``session`` or ``workflow``.
        most: How much fits into a window.
        unit: A currency; empty for counts.
        window_ms: How far back it looks.
    """

    name: str
    rule: str
    counts: str
    whose: str
    most: float
    unit: str
    window_ms: int

    def charge(self, amount: float, *, user: str, session: str) -> Charge:
        """What a call takes from it; calls that name nobody share one budget."""
        return Charge(
            tool=self.rule,
            user={"user": user, "session": session}.get(self.whose),
            unit=self.unit or ("tokens" if self.counts == "tokens" else ""),
            amount=amount,
            most=self.most,
            window_ms=self.window_ms,
            rule=self.rule,
        )


def ceilings_of(workflow: Workflow, *, address: str) -> tuple[Ceiling, ...]:
    """The ceilings of a workflow.

    Args:
        workflow: Of the contract.
        address: ``product/workflow``.

    Raises:
        InputError: A limit that nothing here can enforce: it would be a promise that is not kept.
    """
    found = []
    for name, value in (workflow.limits.model_extra or {}).items():
        rule = f"{address}/limits/{name}"
        counts, _, whose = name.partition("_per_")
        if counts not in _COUNTED or whose not in _WHOSE:
            raise InputError(
                f"nothing enforces the limit {name!r:.80}",
                where=rule,
                hint=f"name it {' or '.join(f'{each}_per_user' for each in _COUNTED)}, or …_per_workflow",
            )
        found.append(_ceiling(name, rule, counts, whose, value))
    return tuple(found)


def _ceiling(name: str, rule: str, counts: str, whose: str, value: Quantity) -> Ceiling:
    from launchworthy.contract.units import PERIOD_DAYS

    base, _, period = value.unit.partition("/")
    days: Mapping[str, float] = PERIOD_DAYS
    if period not in days:
        raise InputError(
            f"the limit {value} is over no time that is known", where=rule, hint="write 50/d or 2 USD/month"
        )
    if counts == "cost" and base != "USD":
        raise InputError(
            f"what models cost is known in US dollars, and the limit is {value}",
            where=rule,
            hint="write it in USD",
        )
    if counts != "cost" and base not in ("", "1"):
        raise InputError(f"the limit {value} counts no {counts}", where=rule, hint="write 50/d")
    return Ceiling(
        name=name,
        rule=rule,
        counts=counts,
        whose=whose,
        most=value.value,
        unit="USD" if counts == "cost" else "",
        window_ms=round(days[period] * 86_400_000),
    )
