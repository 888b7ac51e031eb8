"""Do cost, price and margin add up. May import this room only.

All sums are made of what the contract itself allows: what a call may cost, how often it must succeed,
what is charged. Amounts in different currencies are not compared.
"""

from __future__ import annotations

from collections.abc import Iterator

from launchworthy.contract.arithmetic.figures import apart, count, money, no_less, no_more, percent
from launchworthy.contract.arithmetic.finding import Finding
from launchworthy.contract.arithmetic.terms import Term, currency, screening, target
from launchworthy.contract.claim import Direction
from launchworthy.contract.document import KeyPath
from launchworthy.contract.model import Contract
from launchworthy.contract.model.running import Pricing
from launchworthy.contract.model.workflow import Workflow
from launchworthy.contract.problem import Severity
from launchworthy.contract.units import PERIOD_DAYS, per_day
from launchworthy.quantity import Quantity

__all__ = ["cost_per_success", "margins"]

_SUCCESS = (("outcomes", "resolved"), ("outcomes", "task_completion"), ("quality", "task_success"))
_NEARLY = 1e-9


def cost_per_success(contract: Contract) -> Iterator[Finding]:
    """Ceilings of the cost of a success below what its calls may cost."""
    for workflow, block in contract.workflows.items():
        own = target(workflow, block, "economics", "cost_per_success", direction=Direction.AT_MOST)
        if own is None:
            continue
        yield from _by_success_rate(workflow, block, own)
        yield from _by_screening(workflow, block, own)


def _by_success_rate(workflow: str, block: Workflow, own: Term) -> Iterator[Finding]:
    rate = next(
        (
            found
            for family, metric in _SUCCESS
            if (found := target(workflow, block, family, metric, direction=Direction.AT_LEAST)) is not None
        ),
        None,
    )
    call = _cost_of_call(workflow, block)
    if rate is None or call is None or rate.value <= 0 or currency(call.unit) != currency(own.unit):
        return
    implied = call.value / rate.value
    if own.value < implied * (1 - _NEARLY):
        unit = currency(own.unit)
        yield Finding(
            path=(*own.path, "at_most"),
            code="LW244",
            message=f"{own.name} is at most {own.shown}, but {call.name} allows {call.shown} a call and "
            f"{rate.name} asks that {rate.shown} succeed: {call.shown} ÷ {rate.shown} = "
            f"{apart(implied, own.value, unit)}",
            hint=f"raise it to {no_less(implied, unit)}, or lower {call.name} to "
            f"{no_more(own.value * rate.value, unit)}",
            uses=(call.path, rate.path),
        )


def _cost_of_call(workflow: str, block: Workflow) -> Term | None:
    for metric in ("cost_per_action", "cost"):
        found = target(workflow, block, "economics", metric, direction=Direction.AT_MOST)
        if found is not None:
            return found
    most = block.limits.cost_per_action
    if most is None:
        return None
    return Term(path=("workflows", workflow, "limits", "cost_per_action"), value=most.value, unit=most.unit)


def _by_screening(workflow: str, block: Workflow, own: Term) -> Iterator[Finding]:
    """Where people look at what is picked out, each true case costs the reviews of the false ones too."""
    screen, costs = screening(workflow, block), block.decide.costs if block.decide is not None else {}
    review = costs.get("review")
    if screen is None or not isinstance(review, Quantity) or currency(review.unit) != currency(own.unit):
        return
    unit = currency(own.unit)
    implied = review.value / screen.precision.value
    told = f"{review} a review ÷ precision {screen.precision.shown}"
    call = _cost_of_call(workflow, block)
    if call is not None and currency(call.unit) == unit:
        share = screen.recall.value * screen.base_rate.value
        implied += call.value / share if share else 0.0
        told += (
            f" + {call.shown} a call ÷ (recall {screen.recall.shown} × base rate {screen.base_rate.shown})"
        )
    if own.value < implied * (1 - _NEARLY):
        yield Finding(
            path=(*own.path, "at_most"),
            code="LW244",
            message=f"{own.name} is at most {own.shown}, but {told} = {apart(implied, own.value, unit)}",
            hint=f"raise it to {no_less(implied, unit)}, or raise the precision",
            uses=(("workflows", workflow, "decide"), *screen.uses),
        )


def margins(contract: Contract) -> Iterator[Finding]:
    """Margins that price and cost do not leave."""
    pricing, workflow = contract.pricing, contract.sold
    if pricing is None or workflow is None:
        return
    block = contract.workflows[workflow]
    cost = target(workflow, block, "economics", "cost_per_success", direction=Direction.AT_MOST)
    wanted = _wanted(pricing, workflow, block)
    for margin in wanted:
        if cost is not None:
            yield from _per_use(pricing, cost, margin)
        yield from _per_user(workflow, block, pricing, margin)
    if cost is not None:
        yield from _worst_account(pricing, cost, wanted)


def _wanted(pricing: Pricing, workflow: str, block: Workflow) -> list[Term]:
    found = [target(workflow, block, "economics", "margin", direction=Direction.AT_LEAST)]
    if pricing.margin is not None and pricing.margin.direction is Direction.AT_LEAST:
        value = pricing.margin.threshold
        found.append(Term(path=("pricing", "margin"), value=value.value, unit="ratio"))
    return [term for term in found if term is not None]


def _per_use(pricing: Pricing, cost: Term, margin: Term) -> Iterator[Finding]:
    price = pricing.usage
    if price is None or currency(price.unit) != currency(cost.unit) or price.value <= 0:
        return
    left = 1 - cost.value / price.value
    if left < margin.value - _NEARLY:
        unit = currency(cost.unit)
        yield _short(
            margin,
            f"a {pricing.value} sells for {price} and may cost {cost.shown} ({cost.name}), which leaves "
            f"{apart(left, margin.value, 'ratio')}",
            f"lower the cost to {no_more(price.value * (1 - margin.value), unit)}"
            + (f", or charge {no_less(cost.value / (1 - margin.value), unit)}" if margin.value < 1 else ""),
            (cost.path, ("pricing", "usage")),
        )


def _per_user(workflow: str, block: Workflow, pricing: Pricing, margin: Term) -> Iterator[Finding]:
    cost = target(workflow, block, "economics", "cost_per_active_user", direction=Direction.AT_MOST)
    if cost is None or pricing.seat is None or currency(cost.unit) != currency(pricing.seat.unit):
        return
    daily, paid = per_day(Quantity(cost.value, cost.unit)), per_day(pricing.seat)
    if daily is None or not paid or pricing.packaging == "usage":
        return
    left = 1 - daily / paid
    if left < margin.value - _NEARLY:
        yield _short(
            margin,
            f"a seat sells for {pricing.seat} and its user may cost {cost.shown} ({cost.name}), which leaves "
            f"{apart(left, margin.value, 'ratio')}",
            "lower the cost, or charge more for a seat",
            (cost.path, ("pricing", "seat")),
        )


def _worst_account(pricing: Pricing, cost: Term, wanted: list[Term]) -> Iterator[Finding]:
    """The account that uses all it includes, or all that it may, and pays no more for it."""
    heavy = pricing.heavy_users
    floor = None if heavy is None or heavy.margin is None else heavy.margin.threshold.value
    cap = None if heavy is None else heavy.cap
    seat, included = pricing.seat, pricing.included
    if floor is not None and seat is None and pricing.usage is not None:
        left = 1 - cost.value / pricing.usage.value if pricing.usage.value else 0.0
        if currency(pricing.usage.unit) == currency(cost.unit) and left < floor - _NEARLY:
            yield _heavy(
                f"each {pricing.value} leaves {apart(left, floor, 'ratio')}",
                floor,
                cost,
                ("pricing", "usage"),
            )
        return
    paid = None if seat is None else per_day(seat)
    if seat is None or not paid or currency(seat.unit) != currency(cost.unit):
        return
    size, period = PERIOD_DAYS[seat.unit.partition("/")[2]], seat.unit.partition("/")[2]
    for rate, told in ((included, "uses all that is included"), (cap, "uses all it may")):
        used = None if rate is None else per_day(rate)
        if used is None:
            continue
        free = per_day(included) if included is not None else None
        free = used if pricing.packaging == "seat" or pricing.usage is None else free or 0.0
        revenue = paid + (0.0 if pricing.usage is None else max(0.0, used - free) * pricing.usage.value)
        left = 1 - used * cost.value / revenue
        unit = currency(cost.unit)
        sum_ = (
            f"a seat that {told}, {count(used * size)} {pricing.value} a {period}, pays "
            f"{money(revenue * size, unit)} and may cost {money(used * size * cost.value, unit)}: "
            f"{apart(left, floor if floor is not None else 1.0, 'ratio')} is left"
        )
        if floor is not None and left < floor - _NEARLY:
            yield _heavy(sum_, floor, cost, ("pricing", "seat"))
        elif floor is None and wanted and left < wanted[-1].value - _NEARLY:
            yield Finding(
                path=wanted[-1].path,
                code="LW245",
                message=f"{wanted[-1].name} is at least {wanted[-1].shown}, but {sum_}",
                hint="include less, charge more, or declare heavy_users with the margin they may leave",
                severity=Severity.WARNING,
                uses=(cost.path, ("pricing",)),
            )


def _heavy(told: str, floor: float, cost: Term, other: KeyPath) -> Finding:
    return Finding(
        path=("pricing", "heavy_users", "margin"),
        code="LW245",
        message=f"pricing/heavy_users/margin is at least {percent(floor)}, but {told}",
        hint="include less, cap usage lower, charge more, or lower the cost",
        uses=(cost.path, other),
    )


def _short(margin: Term, told: str, hint: str, uses: tuple[KeyPath, ...]) -> Finding:
    return Finding(
        path=margin.path,
        code="LW245",
        message=f"{margin.name} is at least {margin.shown}, but {told}",
        hint=hint,
        uses=uses,
    )
