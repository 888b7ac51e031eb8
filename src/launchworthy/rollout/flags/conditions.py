"""Conditions made into one function, once, so that an evaluation only calls it. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from launchworthy.rollout.flags.model import Condition, Operator, Rule, Segment
from launchworthy.rollout.flags.patterns import pattern_test

__all__ = ["Test", "tests_of"]

Test = Callable[[str, Mapping[str, Any]], bool]
Holds = Callable[[Any], bool]

_TEXT_CHARS = 1_000  # of a text that a pattern is tried on
_UNIT = "unit"


def tests_of(rule: Rule, segments: Mapping[str, Segment]) -> Test | None:
    """Whether a unit with its attributes meets a rule; None: every unit does."""
    tests = [_test(each) for each in rule.when]
    if rule.segments:
        tests.append(_any([_segment(segments[name]) for name in rule.segments]))
    return _all(tests)


def _all(tests: list[Test]) -> Test | None:
    if not tests:
        return None
    if len(tests) == 1:
        return tests[0]
    return lambda unit, attributes: all(test(unit, attributes) for test in tests)


def _any(tests: list[Test]) -> Test:
    return lambda unit, attributes: any(test(unit, attributes) for test in tests)


def _segment(segment: Segment) -> Test:
    met = _all([_test(each) for each in segment.when])

    def belongs(unit: str, attributes: Mapping[str, Any]) -> bool:
        if unit in segment.exclude:
            return False
        return unit in segment.include or (met is not None and met(unit, attributes))

    return belongs


def _test(condition: Condition) -> Test:
    holds, missing = _holds(condition), condition.operator in (Operator.IS_NOT, Operator.NOT_IN)
    if condition.operator is Operator.EXISTS:
        missing = not condition.value
    name = condition.attribute
    if name == _UNIT:
        return lambda unit, _: holds(unit) if unit else missing
    path = name.split(".")

    def test(_: str, attributes: Mapping[str, Any]) -> bool:
        value = attributes.get(name)
        if value is None and len(path) > 1:
            value = _inside(attributes, path)
        return missing if value is None else holds(value)

    return test


def _inside(value: Any, path: Iterable[str]) -> Any:
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _holds(condition: Condition) -> Holds:
    wanted = condition.value
    match condition.operator:
        case Operator.EXISTS:
            return lambda _: bool(wanted)
        case Operator.IS:
            return _among([wanted])
        case Operator.IS_NOT:
            found = _among([wanted])
            return lambda value: not found(value)
        case Operator.IN:
            return _among(wanted)
        case Operator.NOT_IN:
            found = _among(wanted)
            return lambda value: not found(value)
        case Operator.AT_LEAST:
            return _number(lambda value: value >= wanted)
        case Operator.AT_MOST:
            return _number(lambda value: value <= wanted)
        case Operator.ABOVE:
            return _number(lambda value: value > wanted)
        case Operator.BELOW:
            return _number(lambda value: value < wanted)
        case Operator.STARTS_WITH:
            return lambda value: isinstance(value, str) and value.startswith(wanted)
        case Operator.ENDS_WITH:
            return lambda value: isinstance(value, str) and value.endswith(wanted)
        case Operator.CONTAINS:
            return lambda value: isinstance(value, (str, list, tuple)) and wanted in value
        case Operator.MATCHES:
            found_in = pattern_test(wanted)
            return lambda value: isinstance(value, str) and found_in(value[:_TEXT_CHARS])
        case Operator.VERSION_AT_LEAST:
            least = _version(wanted)
            return lambda value: isinstance(value, str) and _version(value) >= least
        case Operator.VERSION_BELOW:
            below = _version(wanted)
            return lambda value: isinstance(value, str) and _version(value) < below


def _among(wanted: Iterable[Any]) -> Holds:
    """True and 1 are different, 1 and 1.0 are the same; of a list, any of its entries."""
    known = {_told_apart(each) for each in wanted}

    def found(value: Any) -> bool:
        if isinstance(value, (list, tuple)):
            return any(_told_apart(each) in known for each in value)
        return _told_apart(value) in known

    return found


def _told_apart(value: Any) -> Any:
    if isinstance(value, (bool, str)):
        return type(value), value
    return value if isinstance(value, (int, float)) else (object, repr(value))


def _number(holds: Callable[[float], bool]) -> Holds:
    def test(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return not (isinstance(value, float) and math.isnan(value)) and holds(value)

    return test


def _version(text: str) -> tuple[tuple[int, int, str], ...]:
    """Of ``1.10.0-beta.2``: numbers as numbers, and a release above its previews."""
    main, _, preview = text.strip().lstrip("vV").partition("+")[0].partition("-")
    parts = [_part(each) for each in main.split(".")]
    while parts and parts[-1] == (1, 0, ""):
        parts.pop()
    previews = [_part(each) for each in preview.split(".")] if preview else []
    return (*parts, (0, -1, ""), *previews) if preview else (*parts, (0, 0, ""))


def _part(text: str) -> tuple[int, int, str]:
    return (1, int(text), "") if text.isascii() and text.isdigit() and len(text) < 10 else (2, 0, text)
