"""What the contract says of one tool, compiled: sentences are written here once, not at each call.

May import ``contract`` (when a policy is made), ``quantity`` and this folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launchworthy.quantity import Quantity
from launchworthy.runtime.permission.amounts import is_money
from launchworthy.runtime.permission.choosing import fold_name
from launchworthy.runtime.permission.decision import Check, Checked, Step
from launchworthy.runtime.permission.value_rules import ValueRule, value_rules

if TYPE_CHECKING:
    from launchworthy.contract import Contract
    from launchworthy.contract.model.safeguards import Tool

__all__ = ["DEFAULT_EXPIRY_MS", "Budget", "ScopeRule", "ToolRules", "compile_tool", "listed", "scope_rules"]

DEFAULT_EXPIRY_MS = 900_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One sliding window: so many calls, or so much money."""

    limit: Quantity
    unit: str  # a currency; empty for a number of calls
    window_ms: int  # 0: over something that is no time, so that nothing ever fits
    by_user: bool
    kept: Check
    counted: Check
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeRule:
    """Arguments that must name the rows that the caller may reach."""

    scope: str
    arguments: tuple[str, ...]
    needed: bool  # the tool is within this scope, so that one of them must be given
    kept: Check
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRules:
    """All that is looked up when a call of the tool is decided."""

    name: str
    rule: str
    acts: bool
    effect: str
    roles: tuple[str, ...]
    named: Check
    allowed: str  # why it runs, where nothing stands against it
    scopes: tuple[ScopeRule, ...]
    values: tuple[ValueRule, ...]
    origins: Mapping[str, str]  # argument → application, user or any, where the contract says so
    folded: Mapping[str, str]  # folded → as the contract writes it
    nested: bool  # the contract names a field within an argument
    schema: Callable[[Mapping[str, Any]], str] | None
    schema_kept: Check
    amount: str
    per_call: Quantity | None
    per_call_kept: Check | None
    budgets: tuple[Budget, ...]
    money: bool  # its amount is in a currency
    weighs: bool  # some limit is in money, or the size of one call
    data: frozenset[str] | None
    steps: tuple[Step, ...]
    unattended: bool


def compile_tool(contract: Contract, name: str, tool: Tool) -> ToolRules:
    """Compile one tool.

    Raises:
        InputError: Its JSON Schema is not there, or is none.
    """
    rule = f"{contract.product}/tools/{name}"
    limits = tool.limits
    per_call = None if limits is None else limits.per_call
    budgets = () if limits is None else tuple(_budgets(name, rule, limits.per_user, limits.total))
    steps = tuple(
        Step(
            by=each.by,
            above=each.above,
            preview=each.preview,
            expires_ms=DEFAULT_EXPIRY_MS if each.expires is None else round(each.expires.value),
            index=index,
            rule=f"{rule}/approval",
            four_eyes=each.four_eyes,
        )
        for index, each in enumerate(tool.approval if isinstance(tool.approval, tuple) else ())
    )
    scopes = tuple(scope_rules(rule, tool))
    weighs = (
        per_call is not None
        or any(budget.unit for budget in budgets)
        or any(step.above is not None for step in steps)
    )
    money = per_call is not None and is_money(per_call.unit)
    money = money or any(budget.unit for budget in budgets) or any(step.above is not None for step in steps)
    declared = {
        *tool.arguments,
        *tool.idempotent_by,
        *([tool.amount] if weighs else []),
        *(["currency"] if money else []),
        *(key for each in scopes for key in each.arguments[:1]),
    }
    return ToolRules(
        name=name,
        rule=rule,
        acts=tool.effect != "read",
        effect=tool.effect,
        roles=tool.roles,
        named=_kept(rule, f"{name} is a tool of the contract; its effect is {tool.effect}"),
        allowed=f"{name} is for {listed(tool.roles)}, and this call is within every rule",
        scopes=scopes,
        values=tuple(value_rules(rule, tool.arguments)),
        origins={key: each.from_ for key, each in tool.arguments.items() if each.from_ is not None},
        folded={fold_name(key): key for key in sorted(declared)},
        nested=any("." in key for key in declared),
        schema=None if tool.schema_ is None else _schema(Path(contract.file).parent / tool.schema_),
        schema_kept=_kept(f"{rule}/schema", f"the arguments follow {tool.schema_}"),
        amount=tool.amount,
        per_call=per_call,
        per_call_kept=(
            None
            if per_call is None
            else _kept(f"{rule}/limits/per_call", f"{tool.amount} is within {per_call} a call")
        ),
        budgets=budgets,
        money=money,
        weighs=weighs,
        data=None if tool.data is None else frozenset(tool.data),
        steps=steps,
        unattended=tool.approval == "unattended",
    )


def listed(names: tuple[str, ...], *, word: str = "or") -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"


def _kept(rule: str, reason: str) -> Check:
    return Check(rule=rule, outcome=Checked.KEPT, reason=reason)


def _budgets(name: str, rule: str, per_user: Quantity | None, total: Quantity | None) -> list[Budget]:
    from launchworthy.contract.units import per_day

    found = []
    for limit, key, told in ((per_user, "per_user", "for one user"), (total, "total", "in all")):
        if limit is None:
            continue
        base, _, period = limit.unit.partition("/")
        a_day = per_day(Quantity(1.0, f"1/{period}"))
        own = f"{rule}/limits/{key}"
        found.append(
            Budget(
                limit=limit,
                unit="" if base == "1" else base,
                window_ms=0 if a_day is None else max(1, round(86_400_000 / a_day)),
                by_user=key == "per_user",
                kept=_kept(own, f"it fits into {limit} {told}"),
                counted=_kept(own, f"{limit} {told} is counted when {name} runs"),
                rule=own,
            )
        )
    return found


def scope_rules(rule: str, tool: Tool) -> Iterator[ScopeRule]:
    """The scopes that a tool is within, and the arguments that must name them."""
    bound: dict[str, list[str]] = {} if tool.scope is None else {tool.scope: []}
    for key, argument in tool.arguments.items():
        if argument.scope is not None:
            bound.setdefault(argument.scope, []).append(key)
    for scope, keys in bound.items():
        own = f"{rule}/scope" if scope == tool.scope else f"{rule}/arguments/{keys[0]}/scope"
        yield ScopeRule(
            scope=scope,
            arguments=tuple(keys or _names_of_scope(scope)),
            needed=scope == tool.scope,
            kept=_kept(own, f"the call is within {scope}"),
            rule=own,
        )


def _names_of_scope(scope: str) -> list[str]:
    """By what names an argument names a scope: ``own_customer`` is also ``customer`` or ``customer_id``."""
    short = re.sub(r"^(own|my|same)[_.-]", "", scope)
    single = short[:-1] if short.endswith("s") and len(short) > 3 else short
    names = [short, single, scope]
    return list(
        dict.fromkeys(
            [*(f"{each}{end}" for each in names for end in ("", "_id", "Id")), f"{single}s", f"{single}_ids"]
        )
    )


def _schema(path: Path) -> Callable[[Mapping[str, Any]], str]:
    """A function that says where arguments do not follow a JSON Schema; empty where they do."""
    import json

    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry

    from launchworthy.errors import InputError

    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            "the JSON Schema of a tool is not there", where=str(path), hint="it is relative to the contract"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError("the JSON Schema of a tool cannot be read", where=str(path)) from error
    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise InputError(f"not a JSON Schema: {error.message[:200]}", where=str(path)) from error
    checker = kind(schema, registry=Registry())  # an empty one: what it refers to is never fetched

    def told(arguments: Mapping[str, Any]) -> str:
        try:
            problem = next(checker.iter_errors(dict(arguments)), None)
        except Exception as error:
            return f"they could not be checked ({type(error).__name__})"
        return "" if problem is None else f"{problem.json_path[:80]} breaks {problem.validator!s:.40}"

    return told
