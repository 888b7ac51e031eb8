"""The permissions of a contract as Cedar policies and schema, for companies whose services ask Cedar.

May import ``contract`` for its types, ``errors`` and this folder; needs no library. Cedar knows roles,
denials, limits of arguments, classes of data and lowered rights. What it does not know (budgets, approvals,
who chose an argument, patterns) stands as an annotation on each policy, and in ``not_expressed``: Cedar
alone allows more than the contract does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.runtime.permission.amounts import ABSENT, is_money, reach, read_amount
from launchworthy.runtime.permission.choosing import shown
from launchworthy.runtime.permission.data_rules import DataRules
from launchworthy.runtime.permission.request import Request
from launchworthy.runtime.permission.tool_rules import scope_rules

if TYPE_CHECKING:
    from launchworthy.contract import Contract
    from launchworthy.contract.model.safeguards import Argument, Tool

__all__ = ["CedarExport", "cedar_export", "cedar_request"]

_PLACES = 4  # digits after the point of a Cedar decimal
_MOST = Decimal("922337203685477")
_DECIMAL, _TEXT, _TRUTH = "decimal", "String", "Bool"


@dataclass(frozen=True, slots=True, kw_only=True)
class CedarExport:
    """What Cedar can say of a contract, and what it cannot.

    Attributes:
        policies: Text of the policies.
        schema: Text of the schema that they were written for.
        not_expressed: Address of each line that Cedar does not enforce, and why.
    """

    policies: str
    schema: str
    not_expressed: tuple[tuple[str, str], ...]


def cedar_export(contract: Contract) -> CedarExport:
    """Write the permissions of a contract as Cedar policies."""
    policies, actions, missing = [], [], list[tuple[str, str]]()
    for name, tool in contract.tools.items():
        rule = f"{contract.product}/tools/{name}"
        lost = list(_not_expressed(rule, tool))
        missing += lost
        policies.append(_permit(contract.product, name, rule, tool, lost))
        if tool.deny:
            policies.append(_forbid(name, rule, tool))
        actions.append(_action(name, tool))
    missing += [
        (f"{contract.product}/data/sources/{name}/only_for", f"{name} serves only {source.only_for}")
        for name, source in contract.data.sources.items()
        if source.only_for is not None
    ]
    head = [
        f"// The tools of {contract.product}, from its contract {contract.version}. What stands in",
        "// @not_expressed is not enforced. Ask for the caller, and for each one on whose behalf it acts.",
    ]
    return CedarExport(
        policies="\n".join(head) + "\n\n" + "\n\n".join(policies) + ("\n" if policies else ""),
        schema="\n".join(["entity Role;", "entity Caller in [Role];", "entity Product;", *actions]) + "\n",
        not_expressed=tuple(missing),
    )


def _permit(product: str, name: str, rule: str, tool: Tool, lost: list[tuple[str, str]]) -> str:
    notes = [f"@rule({_quoted(rule)})", f"@effect({_quoted(tool.effect)})"]
    if lost:
        notes.append(f"@not_expressed({_quoted('; '.join(f'{where}: {why}' for where, why in lost))})")
    conditions = [f"principal in [{', '.join(f'Role::{_quoted(role)}' for role in tool.roles)}]"]
    conditions += _conditions(rule, tool)
    return "\n".join(
        [
            *notes,
            f"permit (principal, action == Action::{_quoted(name)}, resource == Product::{_quoted(product)})",
            "when {",
            " &&\n".join(f"  {each}" for each in conditions),
            "};",
        ]
    )


def _forbid(name: str, rule: str, tool: Tool) -> str:
    roles = ", ".join(f"Role::{_quoted(role)}" for role in tool.deny)
    return (
        f"@rule({_quoted(f'{rule}/deny')})\n"
        f"forbid (principal, action == Action::{_quoted(name)}, resource)\nwhen {{ principal in [{roles}] }};"
    )


def _conditions(rule: str, tool: Tool) -> Iterator[str]:
    if tool.effect != "read" and not isinstance(tool.approval, tuple):
        yield "!context.lowered"
    if tool.data == ():
        yield "context.data.isEmpty()"
    elif tool.data is not None:
        yield f"[{', '.join(map(_quoted, tool.data))}].containsAll(context.data)"
    for scope in scope_rules(rule, tool):
        own = f"context.scopes has {_quoted(scope.scope)}"
        value = f"context.scopes[{_quoted(scope.scope)}]"
        if scope.needed:
            yield own
            yield f"({' || '.join(f'context.arguments has {_quoted(key)}' for key in scope.arguments)})"
        for key in scope.arguments:
            yield _where_given(key, f"{own} && {_argument_of(key)} == {value}")
    for key, argument in tool.arguments.items():
        kind = _kind(tool, key)
        for limit, operator in ((argument.at_least, "greaterThan"), (argument.at_most, "lessThan")):
            if limit is not None and kind == _DECIMAL and _exact(limit.value) is not None:
                yield _where_given(key, f"{_argument_of(key)}.{operator}OrEqual({_decimal(limit.value)})")
        if argument.one_of and kind is not None:
            values = ", ".join(_literal(each) for each in argument.one_of)
            yield _where_given(key, f"[{values}].contains({_argument_of(key)})")
    per_call = None if tool.limits is None else tool.limits.per_call
    if per_call is not None and _kind(tool, tool.amount) == _DECIMAL and _exact(per_call.value) is not None:
        yield f"context.arguments has {_quoted(tool.amount)}"
        yield f"{_argument_of(tool.amount)}.lessThanOrEqual({_decimal(per_call.value)})"


def _not_expressed(rule: str, tool: Tool) -> Iterator[tuple[str, str]]:
    for step in tool.approval if isinstance(tool.approval, tuple) else ():
        above = f" above {step.above}" if step.above is not None else ""
        yield f"{rule}/approval", f"{step.by} approves{above}"
    limits = tool.limits
    if limits is not None:
        per_call = limits.per_call
        if per_call is not None and (_kind(tool, tool.amount) != _DECIMAL or _exact(per_call.value) is None):
            yield f"{rule}/limits/per_call", f"at most {per_call} a call"
        for key, told in (("per_user", "for one user"), ("total", "in all")):
            if getattr(limits, key) is not None:
                yield f"{rule}/limits/{key}", f"at most {getattr(limits, key)} {told}"
    if tool.schema_ is not None:
        yield f"{rule}/schema", f"arguments follow {tool.schema_}"
    for key, argument in tool.arguments.items():
        own = f"{rule}/arguments/{key}"
        if argument.from_ is not None and argument.from_ != "any":
            yield f"{own}/from", f"{key} was chosen by the {argument.from_}"
        if argument.pattern is not None:
            yield f"{own}/pattern", f"{key} matches {argument.pattern}"
        if argument.most_characters is not None:
            yield f"{own}/most_characters", f"{key} has at most {argument.most_characters} characters"
        for name, limit in (("at_least", argument.at_least), ("at_most", argument.at_most)):
            if limit is not None and (_kind(tool, key) != _DECIMAL or _exact(limit.value) is None):
                yield f"{own}/{name}", f"{key} is {name.replace('_', ' ')} {limit}"
        if argument.one_of and _kind(tool, key) is None:
            yield f"{own}/one_of", f"{key} is one of values of several kinds"
    if tool.effect != "read":
        yield f"{rule}/arguments", "whom the tool acts on was chosen by the user or the application"


def _kind(tool: Tool, key: str) -> str | None:
    """The Cedar type of an argument; None where its limits are of several."""
    argument: Argument | None = tool.arguments.get(key)
    kinds = set()
    limits = tool.limits
    if key == tool.amount and limits is not None and limits.per_call is not None:
        kinds.add(_DECIMAL if is_money(limits.per_call.unit) or not limits.per_call.unit else "other")
    if argument is not None:
        for limit in (argument.at_least, argument.at_most):
            if limit is not None:
                kinds.add(_DECIMAL if is_money(limit.unit) or not limit.unit else "other")
        for each in argument.one_of:
            text = isinstance(each, str)
            kinds.add(_TEXT if text else _TRUTH if isinstance(each, bool) else _number_kind(each))
    if any(key in scope.arguments for scope in scope_rules("", tool)):
        kinds.add(_TEXT)
    found = kinds.pop() if len(kinds) == 1 else None
    return None if found == "other" else found


def _number_kind(value: Any) -> str:
    return _DECIMAL if _exact(value) is not None else "other"


def _action(name: str, tool: Tool) -> str:
    keys = dict.fromkeys(
        [*tool.arguments, tool.amount, *(key for scope in scope_rules("", tool) for key in scope.arguments)]
    )
    kinds = {key: _kind(tool, key) for key in keys}
    arguments = ", ".join(f"{_quoted(key)}?: {kind}" for key, kind in kinds.items() if kind is not None)
    scopes = ", ".join(f"{_quoted(scope.scope)}?: String" for scope in scope_rules("", tool))
    return (
        f"action {_quoted(name)} appliesTo {{ principal: [Caller], resource: [Product], context: {{ "
        f"arguments: {{ {arguments} }}, scopes: {{ {scopes} }}, data: Set<String>, lowered: Bool }} }};"
    )


def cedar_request(contract: Contract, request: Request) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A request as Cedar is asked it: the request, and the entities of its caller.

    Arguments that no policy looks at are left out. For a chain ask with each one's roles, as the caller's.

    Raises:
        InputError: An argument that a policy looks at has a value that Cedar has no type for; deny it.
    """
    tool = contract.tools.get(request.tool)
    arguments: dict[str, Any] = {}
    if tool is not None:
        scoped = [key for scope in scope_rules("", tool) for key in scope.arguments]
        for key in dict.fromkeys([*tool.arguments, tool.amount, *scoped]):
            kind, value = _kind(tool, key), reach(request.arguments, key)
            if kind is not None and value is not ABSENT:
                arguments[key] = _value(tool, key, kind, value, request)
    data = DataRules.of(contract)
    unnamed = [name for name in request.data if name not in data.classes]
    if unnamed:
        raise InputError(
            f"{shown(unnamed[0])} is no source of the contract", where=request.tool, hint="deny the call"
        )
    scopes = {} if tool is None else {each.scope for each in scope_rules("", tool)}
    roles = [{"type": "Role", "id": role} for role in request.roles]
    asked: dict[str, Any] = {
        "principal": {"type": "Caller", "id": request.user or "somebody"},
        "action": {"type": "Action", "id": request.tool},
        "resource": {"type": "Product", "id": contract.product},
        "context": {
            "arguments": arguments,
            "scopes": {key: value for key, value in request.scopes.items() if key in scopes},
            "data": [data.classes[name] for name in request.data],
            "lowered": request.lowered,
        },
    }
    entities: list[dict[str, Any]] = [
        *({"uid": role, "attrs": {}, "parents": []} for role in roles),
        {"uid": asked["principal"], "attrs": {}, "parents": roles},
    ]
    return asked, entities


def _value(tool: Tool, key: str, kind: str, value: Any, request: Request) -> Any:
    if kind == _DECIMAL:
        beside = request.arguments.get("currency", ABSENT) if key == tool.amount else ABSENT
        read = read_amount(value, beside=beside)
        exact = None if read.value is None else _exact(read.value)
        if exact is not None and read.unit in (None, _currency(tool, key)):
            return {"__extn": {"fn": "decimal", "arg": exact}}
    elif kind == _TEXT and type(value) in (str, int):
        return str(value)
    elif kind == _TRUTH and isinstance(value, bool):
        return value
    raise InputError(f"the value of {key} is no Cedar {kind}", where=request.tool, hint="deny the call")


def _currency(tool: Tool, key: str) -> str | None:
    limits, argument = tool.limits, tool.arguments.get(key)
    ends = [] if argument is None else [argument.at_least, argument.at_most]
    if key == tool.amount and limits is not None:
        ends.append(limits.per_call)
    return next((each.unit for each in ends if each is not None and each.unit), None)


def _where_given(key: str, condition: str) -> str:
    return f"(if context.arguments has {_quoted(key)} then {condition} else true)"


def _argument_of(key: str) -> str:
    return f"context.arguments[{_quoted(key)}]"


def _literal(value: str | float | bool) -> str:
    if isinstance(value, str):
        return _quoted(value)
    return str(value).lower() if isinstance(value, bool) else _decimal(value)


def _decimal(value: float) -> str:
    return f'decimal("{_exact(value)}")'


def _exact(value: float) -> str | None:
    """The number as a Cedar decimal; None where it has too many digits."""
    number = Decimal(repr(float(value)))
    exact = number.quantize(Decimal(1).scaleb(-_PLACES)) if abs(number) < _MOST else None
    return None if exact is None or exact != number else str(exact)


def _quoted(text: str) -> str:
    plain = (
        f"\\{each}" if each in '"\\' else each if " " <= each <= "~" else f"\\u{{{ord(each):x}}}"
        for each in text
    )
    return f'"{"".join(plain)}"'
