"""A flag in words: who gets what, in the order in which it is decided. May import ``rollout.flags`` and this
room.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from launchworthy.console.words import count, joined, short
from launchworthy.quantity import format_value
from launchworthy.rollout.flags import Flag, FlagSet, Rule
from launchworthy.rollout.flags.model import USER, Condition, Operator

__all__ = ["FlagStep", "steps_of", "value_text"]

_VALUE = 120
_LISTED = 6
_COMPARED = {
    Operator.IS: "is",
    Operator.IS_NOT: "is not",
    Operator.IN: "is one of",
    Operator.NOT_IN: "is none of",
    Operator.AT_LEAST: "is at least",
    Operator.AT_MOST: "is at most",
    Operator.ABOVE: "is above",
    Operator.BELOW: "is below",
    Operator.STARTS_WITH: "starts with",
    Operator.ENDS_WITH: "ends with",
    Operator.CONTAINS: "contains",
    Operator.MATCHES: "matches",
    Operator.VERSION_AT_LEAST: "is at least version",
    Operator.VERSION_BELOW: "is below version",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagStep:
    """One thing that may decide: its name, whom it takes in, and what they get."""

    name: str
    who: str
    gets: str


def steps_of(flag: Flag, of: FlagSet) -> tuple[FlagStep, ...]:
    """What decides about a unit, first to last, as ``rollout.flags.compiled`` goes through it."""
    return tuple(_steps(flag, of))


def _steps(flag: Flag, of: FlagSet) -> Iterator[FlagStep]:
    units = f"{'' if flag.unit == USER else 'each '}{flag.unit}{'s' if flag.unit == USER else ''}"
    if not flag.enabled:
        yield FlagStep(name="switched off", who="everybody", gets=flag.off)
        return
    testers: dict[str, int] = {}
    for variant in flag.overrides.values():
        testers[variant] = testers.get(variant, 0) + 1
    for variant, n in testers.items():
        yield FlagStep(name="override", who=f"{count(n, 'tester')} named in it", gets=variant)
    if flag.holdout is not None:
        share = format_value(of.holdouts[flag.holdout].share, unit="ratio")
        yield FlagStep(name=f"holdout {flag.holdout}", who=f"{share} of all {units}", gets=flag.off)
    if flag.sticky:
        yield FlagStep(name="sticky", who="whoever a split gave something before", gets="what they have")
    for rule in flag.rules:
        yield FlagStep(name=f"rule {rule.name}", who=_who(rule), gets=_gets(rule))
    yield FlagStep(name="otherwise", who="everybody else" if flag.rules else "everybody", gets=flag.otherwise)


def _who(rule: Rule) -> str:
    parts = [_condition(each) for each in rule.when]
    if rule.segments:
        noun = "segment" if len(rule.segments) == 1 else "one of the segments"
        parts.append(f"in the {noun} {', '.join(rule.segments)}")
    share = "" if rule.share == 1 or rule.places else f"{format_value(rule.share, unit='ratio')} of "
    return f"{share}{'those whose ' if rule.when else 'those ' if parts else 'everybody'}{joined(parts)}"


def _condition(condition: Condition) -> str:
    if condition.operator is Operator.EXISTS:
        return f"{condition.attribute} is {'known' if condition.value else 'not known'}"
    value = condition.value
    if condition.operator in (Operator.IN, Operator.NOT_IN):
        listed = sorted(value_text(each) for each in value)
        more = len(listed) - _LISTED
        said = ", ".join(listed[:_LISTED]) + (f" and {more} more" if more > 0 else "")
    else:
        said = value_text(value)
    return f"{condition.attribute} {_COMPARED[condition.operator]} {said}"


def _gets(rule: Rule) -> str:
    if rule.serve is not None:
        return rule.serve
    total = sum(rule.split.values()) or 1.0
    told = [
        f"{variant} {format_value(weight / total, unit='ratio')}" for variant, weight in rule.split.items()
    ]
    return joined(told)


def value_text(value: Any) -> str:
    """A value as JSON on one line, cut where it is long."""
    return short(json.dumps(value, ensure_ascii=False, default=str), most=_VALUE)
