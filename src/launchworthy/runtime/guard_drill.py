"""What happens when a guard cannot check: each is made to fail, and what follows is held to the contract.

May import what ``runtime`` may. A guard in shadow holds nothing back, so its line of the contract is not
kept until it is calibrated; a drill says so rather than pass over it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from launchworthy import __version__
from launchworthy.contract.defaults import guards_in_force
from launchworthy.evidence import Evidence
from launchworthy.runtime.action import Action
from launchworthy.runtime.compiling import rule_address, stage_of
from launchworthy.runtime.faults import Faults, injected
from launchworthy.runtime.guards.verdict import GuardContext, Outcome, Stage
from launchworthy.runtime.pipeline import Checked, GuardPipeline

if TYPE_CHECKING:
    from launchworthy.contract import Contract

__all__ = ["GuardDrill", "drill_evidence", "drill_guards"]

_TEXTS = {Stage.TOOL: '{"note": "hello"}'}
_HARMLESS = "hello"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardDrill:
    """One guard made to fail at one stage.

    Attributes:
        guard: Its name in the contract.
        stage: Where.
        action: What was done.
        held: Whether that is what the contract declares.
        reason: What was seen, in a clause.
    """

    guard: str
    stage: Stage
    action: Action
    held: bool
    reason: str


def drill_guards(contract: Contract, pipeline: GuardPipeline) -> tuple[GuardDrill, ...]:
    """Make each declared guard fail at each of its stages, on a harmless text, and see what is done.

    The other guards of the pipeline are left out, so that none of them decides in its place.
    """
    return tuple(_drills(contract, pipeline))


def _drills(contract: Contract, pipeline: GuardPipeline) -> Iterator[GuardDrill]:
    for name, declared in guards_in_force(contract).items():
        rules = [rule for rule in pipeline.rules if rule_address(rule.name) == f"guards/{name}"]
        alone = GuardPipeline(rules, masker=pipeline.masker)
        failing = Faults(guards=frozenset(rule.name for rule in rules))
        for word in declared.checks:
            stage = stage_of(word)
            with injected(failing):
                checked = alone.check(
                    stage, _TEXTS.get(stage, _HARMLESS), GuardContext(product=contract.product)
                )
            held, reason = _judged(
                checked, closed=declared.fail == "closed", goes_on=_goes_on(declared.action)
            )
            if not rules:
                held, reason = False, "the pipeline does not run it"
            yield GuardDrill(guard=name, stage=stage, action=checked.action, held=held, reason=reason)


def _goes_on(action: str) -> bool:
    return action in ("log", "allow")


def _judged(checked: Checked, *, closed: bool, goes_on: bool) -> tuple[bool, str]:
    told = [each for each in checked.verdicts if each.outcome is Outcome.COULD_NOT_CHECK]
    if not told:
        return False, "no guard says that it could not check"
    if not closed or goes_on:
        if checked.goes_on:
            return True, "the text goes on, and the gap is recorded"
        return False, f"the text does not go on: {checked.action.value}"
    if not checked.goes_on:
        return True, f"the text does not go on: {checked.action.value}"
    if checked.shadowed:
        rights = ", with fewer rights" if checked.lowered else ""
        return False, f"it is in shadow, so the text goes on{rights}"
    return False, "the text goes on"


def drill_evidence(
    drills: Sequence[GuardDrill], *, product: str, release: str | None, now: datetime
) -> list[Evidence]:
    """A piece for each guard's claim: how many of its drills went as declared."""
    by_guard: dict[str, list[GuardDrill]] = {}
    for drill in drills:
        by_guard.setdefault(drill.guard, []).append(drill)
    blank = Evidence(claim="", kind="drill", observed_at=now)
    return [
        replace(
            blank,
            claim=f"{product}/guards/{name}",
            value=sum(each.held for each in found) / len(found),
            n=len(found),
            unit_of_analysis="drill",
            method="fault injected",
            sample={"successes": sum(each.held for each in found), "n": len(found)},
            release=release,
            source="drill:guards",
            producer=f"launchworthy.runtime {__version__}",
            detail={
                "drills": [
                    {
                        "stage": each.stage.value,
                        "action": each.action.value,
                        "held": each.held,
                        "seen": each.reason,
                    }
                    for each in found
                ]
            },
        )
        for name, found in by_guard.items()
    ]
