"""Do the ceilings of time and cost leave room for one another. May import this room only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from launchworthy.contract.arithmetic.finding import Finding
from launchworthy.contract.arithmetic.terms import Term, targets
from launchworthy.contract.claim import Direction
from launchworthy.contract.document import KeyPath
from launchworthy.contract.model import Contract
from launchworthy.contract.model.workflow import Workflow

__all__ = ["limits_below_targets", "percentiles"]

_PERCENTILE = re.compile(r"(?P<stem>[a-z_]+)_p(?P<percent>\d+(?:\.\d+)?)")
_PARTS = ("first_token", "retrieval_latency", "tool_latency")  # of the time to the whole answer


def limits_below_targets(contract: Contract) -> Iterator[Finding]:
    """Limits that cut off what a target allows."""
    for workflow, block in contract.workflows.items():
        timeout, most = block.limits.timeout, block.limits.cost_per_action
        for metric, line, term in targets(workflow, block, "reliability"):
            if timeout is None or line.direction is not Direction.AT_MOST or term.unit != "ms":
                continue
            if _stem(metric)[0] in (*_PARTS, "latency") and timeout.value < term.value:
                yield _cut(workflow, "timeout", str(timeout), term, "calls end at")
        for metric, line, term in targets(workflow, block, "economics"):
            if most is None or line.direction is not Direction.AT_MOST or term.unit != most.unit:
                continue
            if metric.replace("-", "_") in ("cost_per_action", "cost") and most.value < term.value:
                yield _cut(workflow, "cost_per_action", str(most), term, "calls are stopped at")


def _cut(workflow: str, limit: str, shown: str, term: Term, told: str) -> Finding:
    return Finding(
        path=("workflows", workflow, "limits", limit),
        code="LW242",
        message=f"{workflow}/limits/{limit}: {told} {shown}, below the {term.shown} that {term.name} allows",
        hint=f"raise the limit to {term.shown} or more, or lower the target to {shown}",
        uses=(term.path,),
    )


def _stem(metric: str) -> tuple[str, float | None]:
    match = _PERCENTILE.fullmatch(metric.replace("-", "_"))
    return (match["stem"], float(match["percent"])) if match else (metric.replace("-", "_"), None)


def percentiles(contract: Contract) -> Iterator[Finding]:
    """Ceilings in the wrong order: of a higher percentile below a lower one, of the whole below a part."""
    for workflow, block in contract.workflows.items():
        found = _ceilings(workflow, block)
        by_stem: dict[str, list[float]] = {}
        for stem, level in found:
            by_stem.setdefault(stem, []).append(level)
        for stem, levels in by_stem.items():
            ordered = sorted(levels)
            for lower, higher in pairwise(ordered):
                low, high = found[stem, lower], found[stem, higher]
                if high.value < low.value:
                    yield _order(
                        high,
                        f"{high.name} is at most {high.shown}, below the {low.shown} of {low.path[-1]}: a "
                        "higher "
                        "percentile is never the faster one",
                        f"write at least {low.shown} for {high.path[-1]}, or lower {low.path[-1]}",
                        low.path,
                    )
        for part in _PARTS:
            for level in by_stem.get(part, ()):
                whole = found.get(("latency", level))
                own = found[part, level]
                if whole is not None and own.value > whole.value:
                    yield _order(
                        own,
                        f"{own.name} is at most {own.shown}, above the {whole.shown} of {whole.path[-1]}: "
                        "a part "
                        "never takes longer than the whole",
                        f"write at most {whole.shown}, or raise {whole.path[-1]}",
                        whole.path,
                    )


def _ceilings(workflow: str, block: Workflow) -> dict[tuple[str, float], Term]:
    found = {}
    for metric, line, term in targets(workflow, block, "reliability"):
        stem, level = _stem(metric)
        if level is not None and line.direction is Direction.AT_MOST and getattr(line, "slice", None) is None:
            found[stem, level] = term
    return found


def _order(term: Term, message: str, hint: str, other: KeyPath) -> Finding:
    return Finding(path=(*term.path, "at_most"), code="LW243", message=message, hint=hint, uses=(other,))
