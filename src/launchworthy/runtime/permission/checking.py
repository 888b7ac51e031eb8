"""What a call is given: whose rows it reaches, within which limits each argument is, and who chose it.

May import this folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from launchworthy.runtime.permission.amounts import ABSENT, reach
from launchworthy.runtime.permission.choosing import chooses, fold_name, opened, points_somewhere, shown
from launchworthy.runtime.permission.decision import Check, Checked
from launchworthy.runtime.permission.request import Origin, Request
from launchworthy.runtime.permission.tool_rules import ScopeRule, ToolRules, listed

__all__ = ["check_arguments"]

_DEEPEST = 64
_LONGEST_NUMBER = 80
_PLAIN = frozenset({str, int, float, bool, type(None)})
_CHOSE = {
    Origin.APPLICATION: "the application",
    Origin.USER: "the user",
    Origin.TOOL_RESULT: "the result of a tool",
    Origin.RETRIEVED: "retrieved text",
    Origin.MODEL: "the model",
}
_WHO = {"user": "the user or the application", "application": "the application"}
_CURRENCY = "currency"


def check_arguments(rules: ToolRules, request: Request) -> Iterator[Check]:
    """Whose rows, which values, chosen by whom."""
    arguments = request.arguments
    if not _is_json(arguments):
        yield Check(
            rule=f"{rules.rule}/arguments",
            outcome=Checked.BROKEN,
            reason=f"the arguments are not what JSON can say, or are deeper than {_DEEPEST} levels",
            remedy="give the arguments as they would be written in JSON",
        )
        return
    for name in _paths(arguments) if rules.nested else arguments:
        meant = rules.folded.get(fold_name(name))
        if meant is not None and meant != name and not _is_scoped(rules, name):
            yield Check(
                rule=f"{rules.rule}/arguments",
                outcome=Checked.BROKEN,
                reason=f"the argument {shown(name)} could be taken for {meant}",
                remedy=f"call it {meant}, and give it once",
            )
    for scope in rules.scopes:
        yield _scope(scope, request)
    if rules.schema is not None:
        problem = rules.schema(arguments)
        yield (
            rules.schema_kept
            if not problem
            else Check(
                rule=f"{rules.rule}/schema",
                outcome=Checked.BROKEN,
                reason=f"the arguments do not follow their JSON Schema: {problem}",
                remedy="give the arguments that the schema asks for",
            )
        )
    for each in rules.values:
        value = reach(arguments, each.argument)
        if value is ABSENT:
            continue
        beside = arguments.get(_CURRENCY, ABSENT)
        held = (
            all(each.holds(entry, beside) for entry in value)
            if isinstance(value, list)
            else each.holds(value, beside)
        )
        yield each.kept if held else each.broken
    yield from _origins(rules, request)


def _is_json(value: Any) -> bool:
    """Whether a value is what JSON has, so that all of it can be looked at: no object of a program's own."""
    if isinstance(value, dict) and all(type(each) in _PLAIN for pair in value.items() for each in pair):
        return all(type(key) is str for key in value)
    stack = [(value, 0)]
    while stack:
        inner, depth = stack.pop()
        if inner is None or isinstance(inner, (str, int, float, Decimal)):
            continue
        if depth > _DEEPEST or not isinstance(inner, (Mapping, list)):
            return False
        if isinstance(inner, Mapping) and not all(isinstance(key, str) for key in inner):
            return False
        stack += [(each, depth + 1) for each in (inner.values() if isinstance(inner, Mapping) else inner)]
    return True


def _paths(arguments: Mapping[str, Any]) -> Iterator[str]:
    """Every argument, and every field within one: ``message.to``."""
    stack: list[tuple[str, Any]] = [("", arguments)]
    while stack:
        path, inner = stack.pop()
        inner = opened(inner)
        if isinstance(inner, Mapping):
            for key, each in inner.items():
                field = f"{path}.{key}" if path else key
                yield field
                stack.append((field, each))
        elif isinstance(inner, list):
            stack += [(path, each) for each in inner]


def _is_scoped(rules: ToolRules, name: str) -> bool:
    return any(name in scope.arguments for scope in rules.scopes)


def _scope(scope: ScopeRule, request: Request) -> Check:
    own = request.scopes.get(scope.scope)
    given = [name for name in scope.arguments if name in request.arguments]
    if not given and not scope.needed:
        return scope.kept
    if not own:
        reason = f"the application does not say whose rows {scope.scope} are"
        remedy = f'let the application say it: scopes={{"{scope.scope}": …}}'
    elif not given:
        reason = f"no argument says whose rows, within {scope.scope}, the call reaches"
        remedy = f"let the application add the argument {scope.arguments[0]} with the value of the scope"
    elif all(_names(request.arguments[name], own) for name in given):
        return scope.kept
    else:
        reason = f"{listed(tuple(given), word='and')} names rows outside {scope.scope}"
        remedy = "ask for rows of the one whom the call is for"
    return Check(rule=scope.rule, outcome=Checked.BROKEN, reason=reason, remedy=remedy)


def _names(value: Any, own: str) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_names(each, own) for each in value)
    if type(value) is int:
        return own.lstrip("-").isdecimal() and len(own) <= _LONGEST_NUMBER and int(own) == value
    return isinstance(value, str) and value == own


def _origins(rules: ToolRules, request: Request) -> Iterator[Check]:
    provenance = request.provenance
    for name, needs in rules.origins.items():
        value = reach(request.arguments, name) if needs != "any" else None
        if value is not None and value is not ABSENT:
            yield _origin(rules.rule, name, needs, _nearest(provenance, name))
    if not rules.acts:
        return
    for name, value in request.arguments.items():
        if name in rules.origins or _is_scoped(rules, name):
            continue
        if value is None or value == "":
            continue  # it chooses nobody
        inner = opened(value)
        if isinstance(inner, (Mapping, list)):
            yield from _inside(rules, request, name, inner)
        elif chooses(name) or points_somewhere(value):
            yield _origin(rules.rule, name, "user", provenance.get(name))


def _inside(rules: ToolRules, request: Request, name: str, value: Any) -> Iterator[Check]:
    """The same for what stands within an argument: each field that chooses, by its own name or value."""
    told: set[str] = set()
    stack: list[tuple[str, Any, bool]] = [(name, value, chooses(name))]
    while stack:
        path, inner, chosen = stack.pop()
        inner = opened(inner)
        if isinstance(inner, Mapping):
            for key, each in inner.items():
                field = f"{path}.{key}"
                if rules.origins.get(field) is None:
                    stack.append((field, each, chosen or chooses(key)))
                    if points_somewhere(key) and path not in told:
                        told.add(path)
                        yield _origin(rules.rule, path, "user", _nearest(request.provenance, path))
        elif isinstance(inner, list):
            stack += [(path, each, chosen) for each in inner]
        elif path not in told and inner is not None and inner != "" and (chosen or points_somewhere(inner)):
            told.add(path)
            yield _origin(rules.rule, path, "user", _nearest(request.provenance, path))


def _nearest(provenance: Mapping[str, Origin], path: str) -> Origin | None:
    """The origin of a field; of the argument around it where the field has none of its own."""
    while path not in provenance and "." in path:
        path = path.rpartition(".")[0]
    return provenance.get(path)


@lru_cache(maxsize=4_096)
def _origin(rule: str, name: str, needs: str, origin: Origin | None) -> Check:
    own = f"{rule}/arguments/{name if name.isascii() and len(name) <= 80 else shown(name)}/from"
    if origin == Origin.APPLICATION or (needs == "user" and origin == Origin.USER):
        return Check(
            rule=own, outcome=Checked.KEPT, reason=f"{shown(name)} was chosen by {_CHOSE[Origin(origin)]}"
        )
    who = "nobody that is known" if origin is None else _CHOSE.get(origin, "nobody that is known")
    return Check(
        rule=own,
        outcome=Checked.BROKEN,
        reason=f"{shown(name)} was chosen by {who}; only {_WHO[needs]} may choose it",
        remedy=(
            f"say where {shown(name)} came from: provenance"
            if origin is None
            else f"ask the user for {shown(name)}"
            if needs == "user"
            else f"let the application give {shown(name)}"
        ),
    )
