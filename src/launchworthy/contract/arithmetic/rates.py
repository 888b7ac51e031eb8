"""Rates that the base rate rules out, that contradict each other, or that nothing would notice.

May import this room only.
"""

from __future__ import annotations

from collections.abc import Iterator

from launchworthy.contract.arithmetic.figures import apart, count, no_less, no_more, percent
from launchworthy.contract.arithmetic.finding import Finding
from launchworthy.contract.arithmetic.terms import Term, screening, target, targets
from launchworthy.contract.claim import Direction
from launchworthy.contract.draft import canonical_unit
from launchworthy.contract.model import Contract
from launchworthy.contract.model.workflow import FAMILIES, Workflow
from launchworthy.contract.problem import Severity
from launchworthy.contract.units import kind_of, per_day
from launchworthy.quantity import Quantity, format_value

__all__ = ["against_base_rate", "against_before", "floors", "monitors"]

_NEARLY = 1e-9
_WRONGLY = ("honest_blocked", "false_positive_rate")  # share of the negatives that are picked out


def against_base_rate(contract: Contract) -> Iterator[Finding]:
    """Targets of a binary prediction that guessing meets, or that the others make impossible."""
    for workflow, block in contract.workflows.items():
        predicts = block.predicts
        if predicts is None or predicts.base_rate is None or predicts.type != "binary":
            continue
        base = Term(
            path=("workflows", workflow, "predicts", "base_rate"),
            value=predicts.base_rate.value,
            unit="ratio",
        )
        yield from _guessed(workflow, block, base)
        yield from _wrongly_picked(workflow, block)


def _guessed(workflow: str, block: Workflow, base: Term) -> Iterator[Finding]:
    flat = max(base.value, 1.0 - base.value)
    for metric, floor, told in (
        ("precision", base.value, "picking out every case"),
        ("average_precision", base.value, "a random order"),
        ("accuracy", flat, "always giving the same answer"),
    ):
        own = target(workflow, block, "quality", metric, direction=Direction.AT_LEAST)
        if own is not None and own.value <= floor:
            yield Finding(
                path=(*own.path, "at_least"),
                code="LW248",
                message=f"{own.name} is at least {own.shown}, but with a base rate of {base.shown} {told} "
                "already "
                f"reaches {percent(floor)}",
                hint=f"ask for more than {percent(floor)}",
                uses=(base.path,),
            )


def _wrongly_picked(workflow: str, block: Workflow) -> Iterator[Finding]:
    screen = screening(workflow, block)
    if screen is None:
        return
    told = (
        f"recall {screen.recall.shown} and precision {screen.precision.shown} at a base rate of "
        f"{screen.base_rate.shown} pick out"
    )
    for metric in _WRONGLY:
        own = target(workflow, block, "outcomes", metric, direction=Direction.AT_MOST)
        if own is not None and own.unit == "ratio" and own.value < screen.wrongly * (1 - _NEARLY):
            yield Finding(
                path=(*own.path, "at_most"),
                code="LW248",
                message=f"{own.name} is at most {own.shown}, but {told} "
                f"{apart(screen.wrongly, own.value, 'ratio')} of the others",
                hint=f"write {no_less(screen.wrongly, 'ratio')}, or raise the precision",
                uses=screen.uses,
            )
    own = target(workflow, block, "quality", "specificity", direction=Direction.AT_LEAST)
    if own is not None and own.value > (1 - screen.wrongly) * (1 + _NEARLY):
        yield Finding(
            path=(*own.path, "at_least"),
            code="LW248",
            message=f"{own.name} is at least {own.shown}, but {told} "
            f"{apart(screen.wrongly, 1 - own.value, 'ratio')} of the others",
            hint=f"write {no_more(1 - screen.wrongly, 'ratio')}, or raise the precision",
            uses=screen.uses,
        )


def floors(contract: Contract) -> Iterator[Finding]:
    """Floors for every slice that are stricter than the target for all of them together."""
    for workflow, block in contract.workflows.items():
        for _, line, term in targets(workflow, block, "quality"):
            every = getattr(line, "every_slice", None)
            if every is None:
                continue
            least = line.direction is Direction.AT_LEAST
            if (every.value > term.value) if least else (every.value < term.value):
                shown = format_value(every.value, unit=term.unit)
                side = line.direction.value.replace("_", " ")
                yield Finding(
                    path=(*term.path, "every_slice"),
                    code="LW248",
                    message=f"{term.name} is {side} {term.shown} over all items, but {side} {shown} in "
                    "every slice: "
                    "all cannot be worse than the worst",
                    hint=f"write {'at most' if least else 'at least'} {term.shown} for every_slice",
                )


def against_before(contract: Contract) -> Iterator[Finding]:
    """Targets that the old workflow already reached."""
    for workflow, block in contract.workflows.items():
        for _, line, term in targets(workflow, block, "outcomes"):
            before = getattr(line, "before", None)
            if before is None or kind_of(before.unit) is not kind_of(line.threshold.unit):
                continue
            least = line.direction is Direction.AT_LEAST
            if (term.value <= before.value) if least else (term.value >= before.value):
                was = format_value(before.value, unit=term.unit)
                yield Finding(
                    path=(*term.path, line.direction.value),
                    code="LW255",
                    message=f"{term.name} is {line.direction.value.replace('_', ' ')} {term.shown}, but "
                    "before it "
                    f"was {was}: the target asks for no change",
                    hint=f"ask for {'more' if least else 'less'} than {was}",
                    severity=Severity.WARNING,
                )


def monitors(contract: Contract) -> Iterator[Finding]:
    """Monitors that would stay silent while a target or a capacity is broken."""
    for name, monitor in contract.monitors.items():
        limit = monitor.at_most if monitor.at_least is None else monitor.at_least
        if limit is None or monitor.signal is None or monitor.method == "estimate":
            continue
        side = Direction.AT_MOST if monitor.at_least is None else Direction.AT_LEAST
        for term, told in _watched(contract, monitor.signal, limit):
            looser = limit.value > term.value * (1 + _NEARLY)
            if side is not Direction.AT_MOST:
                looser = limit.value < term.value * (1 - _NEARLY)
            if term.direction is side and looser:
                yield Finding(
                    path=("monitors", name, side.value),
                    code="LW254",
                    message=f"monitors/{name} is silent {'up' if side is Direction.AT_MOST else 'down'} to "
                    f"{limit}, "
                    f"but {told}",
                    hint=f"write {term.shown}",
                    severity=Severity.WARNING,
                    uses=(term.path,),
                )


def _watched(contract: Contract, signal: str, limit: Quantity) -> Iterator[tuple[Term, str]]:
    own = signal.removeprefix(f"{contract.product}/")
    for workflow, block in contract.workflows.items():
        family, _, metric = own.removeprefix(f"{workflow}/").partition("/")
        line = getattr(block, family).get(metric) if family in FAMILIES else None
        if line is not None and line.threshold.unit == limit.unit:
            term = Term(
                path=("workflows", workflow, family, metric),
                value=line.threshold.value,
                unit=canonical_unit(family, metric, line.threshold),
                direction=line.direction,
            )
            side = line.direction.value.replace("_", " ")
            yield term, f"{term.name} is {side} {term.shown}"
        capacity = {} if block.decide is None else block.decide.capacity
        cases = None if block.frequency is None else per_day(block.frequency)
        room = None if own not in capacity else per_day(capacity[own])
        if room is not None and cases and limit.unit == "ratio":
            path = ("workflows", workflow, "decide", "capacity", own)
            term = Term(path=path, value=room / cases, unit="ratio", direction=Direction.AT_MOST)
            yield (
                term,
                f"{term.name} is {count(room)} a day, which is {term.shown} of {count(cases)}",
            )
