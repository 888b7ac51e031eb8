"""Limits of single arguments: at least, at most, one of, pattern, most characters.

May import ``contract`` for its types, ``quantity`` and this folder. A list is within a limit if each of its
entries is. What is not given breaks no limit: whether it must be there is for the tool's JSON Schema to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from launchworthy.runtime.permission.amounts import amount_beside
from launchworthy.runtime.permission.decision import Check, Checked

if TYPE_CHECKING:
    from launchworthy.contract.model.safeguards import Argument

__all__ = ["ValueRule", "value_rules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRule:
    """One limit of one argument, with both of its answers."""

    argument: str
    holds: Callable[[Any, Any], bool]  # the value, and the currency that stands beside it
    kept: Check
    broken: Check


def value_rules(rule: str, arguments: Mapping[str, Argument]) -> Iterator[ValueRule]:
    """The limits that the contract sets for a tool's arguments; ``rule`` is the tool's address."""
    for name, argument in arguments.items():
        for key, told, holds in _limits(argument):
            own = f"{rule}/arguments/{name}/{key}"
            yield ValueRule(
                argument=name,
                holds=holds,
                kept=Check(rule=own, outcome=Checked.KEPT, reason=f"{name} is {told}"),
                broken=Check(
                    rule=own,
                    outcome=Checked.BROKEN,
                    reason=f"{name} is not {told}",
                    remedy=f"give a {name} that is {told}",
                ),
            )


def _limits(argument: Argument) -> Iterator[tuple[str, str, Callable[[Any, Any], bool]]]:
    least, most, longest = argument.at_least, argument.at_most, argument.most_characters
    if least is not None:
        yield (
            "at_least",
            f"at least {least}",
            lambda value, beside: amount_beside(value, beside, least).reaches(least),
        )
    if most is not None:
        yield (
            "at_most",
            f"at most {most}",
            lambda value, beside: amount_beside(value, beside, most).within(most),
        )
    if argument.one_of:
        allowed = frozenset(map(_plain, argument.one_of))
        names = ", ".join(str(each)[:40] for each in argument.one_of[:8])
        more = " …" if len(argument.one_of) > 8 else ""
        yield "one_of", f"one of {names}{more}", lambda value, _: _plain(value) in allowed
    if argument.pattern is not None:
        from launchworthy.contract.patterns import MOST_MATCHED

        whole = re.compile(argument.pattern)
        yield (
            "pattern",
            f"text that matches {argument.pattern[:80]}",
            lambda value, _: (
                type(value) is str and len(value) <= MOST_MATCHED and whole.fullmatch(value) is not None
            ),
        )
    if longest is not None:
        yield (
            "most_characters",
            f"text of at most {longest:,} characters",
            lambda value, _: type(value) is str and len(value) <= longest,
        )


def _plain(value: Any) -> tuple[str, Any]:
    """A value that equals only what is written the same: true is not 1, and 1 is 1.0."""
    if isinstance(value, bool):
        return "truth", value
    if isinstance(value, (int, float)):
        return "number", value
    return ("text", value) if isinstance(value, str) else ("other", None)
