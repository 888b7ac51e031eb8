"""A flag as one function from a unit and its attributes to a decision: nothing read, nothing made. Pure.

Decided in this order: switched off, a tester's override, the holdout, what a sticky unit has, the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from launchworthy.rollout.bucketing import DEFAULT, Position, algorithm
from launchworthy.rollout.flags.conditions import Test, tests_of
from launchworthy.rollout.flags.model import USER, Decision, Flag, FlagSet, Reason, Rule
from launchworthy.rollout.flags.written import flag_version

__all__ = ["Evaluate", "Sticky", "compiled"]

Evaluate = Callable[[str, Mapping[str, Any]], Decision]
_Spot = tuple[float, float, Decision]
_ASSIGNED = frozenset({Reason.SPLIT, Reason.STICKY, Reason.OVERRIDE, Reason.HOLDOUT})


class Sticky(Protocol):
    """Remembers what units got."""

    def get(self, flag: str, unit: str) -> str | None:
        """The variant that a unit has, if it has one."""

    def put(self, flag: str, unit: str, variant: str) -> str:
        """Keep a unit's variant; answers the one it has, which is an earlier one where there is one."""


class _Compiled:
    """One flag; see :func:`compiled`."""

    def __init__(self, flag: Flag, flags: FlagSet, sticky: Sticky | None) -> None:
        self._version = flag_version(flag, flags)
        self._flag, self._sticky = flag, sticky if flag.sticky else None
        self._attribute = None if flag.unit == USER else flag.unit
        self._off = self._made(flag.off, Reason.DISABLED)
        self._missing = Decision(
            flag=flag.key,
            value=None,
            variant=None,
            reason=Reason.UNIT_MISSING,
            version=self._version,
            unit_kind=flag.unit,
        )
        self._otherwise = self._made(flag.otherwise, Reason.DEFAULT if flag.rules else Reason.STATIC)
        self._overrides = {
            unit: self._made(variant, Reason.OVERRIDE) for unit, variant in flag.overrides.items()
        }
        self._kept = {variant: self._made(variant, Reason.STICKY) for variant in flag.variants}
        self._sticky_key = f"{flag.key}#{flag.generation}"
        hashing = algorithm(flag.algorithm)
        self._position = hashing.prepared(flag.salt)
        self._space: tuple[Position, float, float] | None = None
        if flag.namespace is not None:
            self._space = (
                algorithm(flag.namespace.algorithm).prepared(f"__{flag.namespace.name}"),
                flag.namespace.low,
                flag.namespace.high,
            )
        self._held: tuple[Position, float, Decision] | None = None
        if flag.holdout is not None:
            holdout = flags.holdouts[flag.holdout]
            self._held = (
                algorithm(DEFAULT).prepared(holdout.seed),
                holdout.share,
                self._made(flag.off, Reason.HOLDOUT),
            )
        self._needs_unit = bool(
            self._held is not None or self._sticky is not None or any(rule.split for rule in flag.rules)
        )
        self._rules = [self._rule(rule, flags) for rule in flag.rules]

    def __call__(self, unit: str, attributes: Mapping[str, Any]) -> Decision:
        if not self._flag.enabled:
            return self._off
        if self._attribute is not None:
            unit = _text(attributes.get(self._attribute))
        if self._overrides and unit in self._overrides:
            return self._overrides[unit]
        if self._needs_unit:
            if not unit:
                return self._missing
            if self._held is not None and self._held[0](unit) < self._held[1]:
                return self._held[2]
            if self._sticky is not None:
                known = self._kept.get(self._sticky.get(self._sticky_key, unit) or "")
                if known is not None:
                    return known
        for test, serve, spots in self._rules:
            if test is not None and not test(unit, attributes):
                continue
            if serve is not None:
                return serve
            if self._space is not None and not self._space[1] <= self._space[0](unit) < self._space[2]:
                continue
            position = self._position(unit)
            for low, high, decision in spots:
                if low <= position < high:
                    return decision if self._sticky is None else self._keep(unit, decision)
        return self._otherwise

    def _keep(self, unit: str, decision: Decision) -> Decision:
        if self._sticky is None or decision.variant is None:
            return decision
        has = self._sticky.put(self._sticky_key, unit, decision.variant)
        return decision if has == decision.variant else self._kept.get(has, decision)

    def _rule(self, rule: Rule, flags: FlagSet) -> tuple[Test | None, Decision | None, tuple[_Spot, ...]]:
        test = tests_of(rule, flags.segments)
        if rule.serve is not None:
            return test, self._made(rule.serve, Reason.TARGETING_MATCH, rule.name), ()
        # A vendor whose position may be 1 itself means its last bucket by it.
        return (
            test,
            None,
            tuple(
                (
                    each.low,
                    2.0 if each.high == 1.0 else each.high,
                    self._made(each.variant, Reason.SPLIT, rule.name),
                )
                for each in rule.ranges
            ),
        )

    def _made(self, variant: str, reason: Reason, rule: str = "") -> Decision:
        return Decision(
            flag=self._flag.key,
            value=self._flag.variants[variant],
            variant=variant,
            reason=reason,
            rule=rule,
            version=self._version,
            algorithm=self._flag.algorithm,
            unit_kind=self._flag.unit,
            assigned=reason in _ASSIGNED,
        )

    @property
    def evaluate(self) -> Evaluate:
        """The function; where nothing but rules decides, one that asks for nothing else."""
        spots = self._rules[0][2] if len(self._rules) == 1 else ()
        plain = self._attribute is None and not self._overrides and self._held is None
        if (
            not (spots and plain and self._flag.enabled)
            or self._sticky is not None
            or self._space is not None
        ):
            return self
        test, position_of = self._rules[0][0], self._position
        otherwise, missing = self._otherwise, self._missing

        def evaluate(unit: str, attributes: Mapping[str, Any]) -> Decision:
            if not unit:
                return missing
            if test is None or test(unit, attributes):
                position = position_of(unit)
                for low, high, decision in spots:
                    if low <= position < high:
                        return decision
            return otherwise

        return evaluate


def compiled(flag: Flag, flags: FlagSet, *, sticky: Sticky | None = None) -> Evaluate:
    """The function of one flag.

    Args:
        flag: Declared.
        flags: The set that it belongs to.
        sticky: Where its units' variants are remembered, if it is sticky.
    """
    return _Compiled(flag, flags, sticky).evaluate


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
