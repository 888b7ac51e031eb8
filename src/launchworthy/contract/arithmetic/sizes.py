"""Is there enough to prove a target with: gold items, sealed ones, attacks, readings of the holdout.

May import this room and ``stats``. "Enough" is the least with which the exact test of the verdict could
say met if not one item were bad: below that the target cannot be proven, however good the product is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from launchworthy.contract.arithmetic.figures import percent
from launchworthy.contract.arithmetic.finding import Finding
from launchworthy.contract.arithmetic.terms import Counted, Held, Term, held_back, targets
from launchworthy.contract.document import KeyPath
from launchworthy.contract.model import Contract
from launchworthy.contract.problem import Severity
from launchworthy.contract.vocabulary import Measure, find_word
from launchworthy.stats import clopper_pearson, items_to_prove

__all__ = ["attempts", "gold_sizes", "gold_splits", "looks", "sealed_sizes"]

# Shares of something of which one answer has several: their number is not the number of items.
_SEVERAL = ("citation_correctness", "argument_correctness", "tool_choice")

# Shares of some of the items only: they cannot be proven on fewer than that many items in all.
_OF_SOME = ("precision", "recall", "specificity")

_LITTLE, _FEW = 0.05, 2  # share of the items, and items, by which a file may be off its declared shares


@dataclass(frozen=True, slots=True, kw_only=True)
class _Promise:
    """A share that gold items must prove: of all of them, of a slice, or (not ``alone``) of every slice."""

    workflow: str
    metric: str
    term: Term
    direction: str
    slice: str | None
    alone: bool


def _promises(contract: Contract, counted: Mapping[str, Counted]) -> Iterator[_Promise]:
    for workflow, block in contract.workflows.items():
        for metric, line, term in targets(workflow, block, "quality"):
            word, name = find_word("quality", metric), metric.replace("-", "_")
            if word is None or term.unit != "ratio" or name in _SEVERAL:
                continue
            if word.measure is not Measure.PROPORTION and name not in _OF_SOME:
                continue
            one = _Promise(
                workflow=workflow,
                metric=name,
                term=term,
                direction=line.direction.value,
                slice=getattr(line, "slice", None),
                alone=True,
            )
            yield one
            every = getattr(line, "every_slice", None)
            if every is None:
                continue
            declared = contract.gold_of(workflow).slices
            floor = Term(path=(*term.path, "every_slice"), value=every.value, unit="ratio")
            for part in declared or (counted[workflow].slices if workflow in counted else ()):
                yield replace(one, term=floor, slice=part, alone=False)


def gold_sizes(contract: Contract, counted: Mapping[str, Counted]) -> Iterator[Finding]:
    """Quality targets that the holdout of their gold set is too small to prove."""
    for each in _promises(contract, counted):
        held = _held_for(each.metric, contract, each.workflow, each.slice, counted)
        yield from _provable(contract, each.term, each.direction, held, each.workflow, alone=each.alone)


def sealed_sizes(contract: Contract, counted: Mapping[str, Counted]) -> Iterator[Finding]:
    """Quality targets that the sealed items are too few to prove: the launch gate could never say met."""
    level = contract.proof.confidence.value
    worst: dict[KeyPath, tuple[_Promise, Held]] = {}
    for each in _promises(contract, counted):
        held = _held_for(each.metric, contract, each.workflow, each.slice, counted, sealed=True)
        if held is not None and held.share and held.items <= worst.get(each.term.path, (each, held))[1].items:
            worst[each.term.path] = each, held
    for path, (each, held) in worst.items():
        if not 0.0 < each.term.value < 1.0:
            continue
        needed = items_to_prove(threshold=each.term.value, direction=each.direction, level=level).flawless
        if needed is None:
            continue  # nor can the holdout prove it, which is told there
        second = _with_one_error(needed, each.term.value, each.direction, level)
        if held.items >= second:
            continue
        side = f"{each.direction.replace('_', ' ')} {each.term.shown}"
        enough = (
            f"{needed:,} without an error, and {second:,} with one"
            if held.items < needed
            else f"{second:,} as soon as one is wrong"
        )
        yield Finding(
            path=(*path, each.direction) if each.alone else path,
            code="LW257",
            message=f"{each.term.name}: the launch gate needs {enough} to show {side} at {percent(level)} "
            f"confidence, and {held.told}",
            hint=f"{math.ceil(second / held.share):,} items in all seal {second:,}, or seal a larger share",
            severity=Severity.WARNING,
            uses=(("gold", each.workflow), ("proof", "confidence")),
        )


def gold_splits(contract: Contract, counted: Mapping[str, Counted]) -> Iterator[Finding]:
    """Shares of a gold set that its file does not keep, since its rows say themselves where they belong."""
    for workflow, own in counted.items():
        holdout, sealed = contract.gold_of(workflow).shares
        for key, share, number in (("holdout", holdout, own.held), ("sealed", sealed, own.sealed)):
            off = abs(number - share * own.items)
            declared = contract.declares("gold", workflow, key)
            if key in own.by_hand and declared and off > max(_FEW, _LITTLE * own.items):
                yield Finding(
                    path=("gold", workflow, key),
                    code="LW256",
                    message=f"gold/{workflow}: {key} is {percent(share)}, and of the {own.items:,} items of "
                    f"{own.file} it is {number:,}: a row that names its split stays there, whatever is "
                    "written here",
                    hint="take `split` out of the rows, so that the shares decide, or write "
                    f"{key}: {percent(round(number / own.items, 3))}",
                    severity=Severity.WARNING,
                )


def _held_for(
    metric: str,
    contract: Contract,
    workflow: str,
    slice_: str | None,
    counted: Mapping[str, Counted],
    *,
    sealed: bool = False,
) -> Held | None:
    """The most items that a metric can be counted on: for recall the positives, where a slice is named so."""
    held = held_back(contract, workflow, slice_, counted, sealed=sealed)
    predicts = contract.workflows[workflow].predicts
    if metric != "recall" or predicts is None:
        return held
    positives = held_back(contract, workflow, predicts.label, counted, sealed=sealed)
    if positives is None or not positives.of:  # what a file has no such slice for is not known
        return held
    return positives if held is None or positives.items < held.items else held


def _provable(
    contract: Contract, term: Term, direction: str, held: Held | None, workflow: str, *, alone: bool
) -> Iterator[Finding]:
    level, uses = contract.proof.confidence.value, (("gold", workflow), ("proof", "confidence"))
    least = direction == "at_least"
    path = (*term.path, direction) if alone else term.path
    side = f"{direction.replace('_', ' ')} {term.shown}"
    if term.value == (1.0 if least else 0.0):
        yield Finding(
            path=path,
            code="LW240",
            message=f"{term.name}: no number of items proves {side}: the next one may always be "
            + ("bad" if least else "the first"),
            hint=f"{percent(0.999 if least else 0.001)} takes 2,995 items without an error at 95 %",
        )
        return
    if held is None or not 0.0 < term.value < 1.0:
        return
    needed = items_to_prove(threshold=term.value, direction=direction, level=level).flawless
    if needed is None or held.items < needed:
        wanted = "more than a billion" if needed is None else f"{needed:,}"
        yield Finding(
            path=path,
            code="LW240",
            message=f"{term.name}: {side} at {percent(level)} confidence takes {wanted} items without an "
            f"error, and {held.told}",
            hint=_enough(needed, held, direction, level),
            uses=uses,
        )
    elif alone:
        second = _with_one_error(needed, term.value, direction, level)
        if held.items < second:
            yield Finding(
                path=path,
                code="LW253",
                message=f"{term.name}: {side} is proven only if not one item is wrong: {held.told}, and one "
                f"error already takes {second:,}",
                hint=f"{math.ceil(second / held.share):,} items leave room for one error",
                severity=Severity.WARNING,
                uses=uses,
            )


def _enough(needed: int | None, held: Held, direction: str, level: float) -> str:
    ways = []
    if needed is not None and held.share > 0:
        ways.append(f"{math.ceil(needed / held.share - 1e-9):,} items are needed")
    if held.items:
        ways.append(
            f"write {percent(_reachable(held.items, direction, level))}, which {held.items:,} can show"
        )
    return ", or ".join(ways) or "keep back a share of the items"


def _reachable(n: int, direction: str, level: float) -> float:
    """The strictest round target that n items without an error prove."""
    if direction == "at_least":
        return math.floor(clopper_pearson(n, n=n, level=level).low * 1_000) / 1_000
    return math.ceil(clopper_pearson(0, n=n, level=level).high * 1_000) / 1_000


def _with_one_error(flawless: int, threshold: float, direction: str, level: float) -> int:
    """Fewest items that prove it although one is wrong."""
    low, high = flawless, 4 * flawless + 8
    while low < high:
        middle = (low + high) // 2
        good = middle - 1 if direction == "at_least" else 1
        bounds = clopper_pearson(good, n=middle, level=level)
        proven = bounds.low >= threshold if direction == "at_least" else bounds.high <= threshold
        low, high = (low, middle) if proven else (middle + 1, high)
    return low


def attempts(contract: Contract) -> Iterator[Finding]:
    """Attacks that are too few to show their target, even if every one is repelled."""
    level = contract.proof.confidence.value
    for name, line in contract.abuse.items():
        if line.direction.value != "at_most" or line.threshold.unit != "ratio" or line.threshold.value >= 1:
            continue
        declared = contract.declares("abuse", name, "attempts")
        path: KeyPath = ("abuse", name, "attempts") if declared else ("abuse", name)
        if line.threshold.value == 0:
            yield Finding(
                path=("abuse", name, "at_most"),
                code="LW241",
                message=f"abuse/{name}: no number of attempts proves at most 0 %",
                hint="0.1 % takes 2,995 attempts at 95 %",
            )
            continue
        needed = items_to_prove(threshold=line.threshold.value, direction="at_most", level=level).flawless
        if needed is None or line.attempts < needed:
            wanted = "more than a billion" if needed is None else f"{needed:,}"
            shown = percent(_reachable(line.attempts, "at_most", level))
            plan = f"{line.attempts:,} are planned" + ("" if declared else " by default")
            yield Finding(
                path=path,
                code="LW241",
                message=f"abuse/{name}: at most {line.threshold} at {percent(level)} confidence takes "
                f"{wanted} attempts of which none succeeds, and {plan}",
                hint=(f"write attempts: {needed}, or " if needed is not None else "write ")
                + f"at_most: {shown}, which {line.attempts:,} can show",
                uses=(("proof", "confidence"),),
            )


def looks(contract: Contract) -> Iterator[Finding]:
    """Holdouts that are worn out before the gold set is renewed."""
    valid = contract.proof.valid_for
    for name, gold in contract.gold.items():
        if gold.refresh is None or not valid.value:
            continue
        readings = math.ceil(gold.refresh.value / valid.value - 1e-9)
        if readings > gold.looks:
            yield Finding(
                path=("gold", name, "looks") if contract.declares("gold", name, "looks") else ("gold", name),
                code="LW250",
                message=f"gold/{name}: evidence is valid for {valid} and the set is renewed after "
                f"{gold.refresh}, "
                f"so its holdout is read {readings:,} times or more; {gold.looks:,} are allowed",
                hint=f"write looks: {readings}, or refresh within {_days(valid.value * gold.looks)}",
                uses=(("proof", "valid_for"),),
            )


def _days(milliseconds: float) -> str:
    return f"{milliseconds / 86_400_000:.0f}d"
