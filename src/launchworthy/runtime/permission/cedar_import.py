"""Cedar policies as a block ``tools`` of a contract: which roles may call what, and which are denied.

May import ``errors``; needs the extra ``cedar``, which parses. A contract has no conditions but its own, so a
policy with any other condition is refused rather than read as one without it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from launchworthy.errors import InputError, MissingExtraError

__all__ = ["cedar_import"]

_EFFECTS = ("read", "write", "send", "pay", "delete")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.@-]{0,79}")
_MOST = 1_000_000


@dataclass(slots=True)
class _Tool:
    effect: str = "write"
    roles: list[str] = field(default_factory=list)
    deny: list[str] = field(default_factory=list)


def cedar_import(text: str, *, where: str = "policies") -> dict[str, dict[str, Any]]:
    """Read Cedar policies as tools of a contract: name → ``effect``, ``roles`` and ``deny``.

    The effect is what the annotation ``@effect`` says, else ``write``: the contract will ask who approves it.

    Raises:
        InputError: It is no Cedar, or says what a contract cannot; every such policy is named.
        MissingExtraError: The extra ``cedar`` is not installed.
    """
    try:
        import cedarpy
    except ImportError as error:
        raise MissingExtraError("cedarpy", extra="cedar") from error
    if len(text) > _MOST:
        raise InputError(f"more than {_MOST:,} characters", where=where)
    try:
        read = json.loads(cedarpy.policies_to_json_str(text))
    except (ValueError, RecursionError) as error:
        raise InputError(f"not Cedar: {str(error)[:300]}", where=where) from error
    tools: dict[str, _Tool] = {}
    problems = []
    if read.get("templates"):
        problems.append("a template: write one policy for each role")
    for policy_id, policy in read["staticPolicies"].items():
        name = policy.get("annotations", {}).get("id") or policy_id
        try:
            _add(tools, policy)
        except _Unfit as unfit:
            problems.append(f"{name[:80]}: {unfit}")
    for name, tool in tools.items():
        if not tool.roles:
            problems.append(f"{name[:80]}: no policy permits it: leave it out of the contract")
    if problems:
        more = f"; and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise InputError(
            f"a contract cannot say {'; '.join(problems[:10])}{more}",
            where=where,
            hint="keep to permit and forbid by role and action, and write the rest in the contract",
        )
    return {
        name: {"effect": tool.effect, "roles": tool.roles} | ({"deny": tool.deny} if tool.deny else {})
        for name, tool in tools.items()
    }


class _Unfit(Exception):
    """A part of a policy that no line of a contract says."""


def _add(tools: dict[str, _Tool], policy: dict[str, Any]) -> None:
    roles = _roles(policy)
    actions = _actions(policy["action"])
    resource = policy["resource"]
    if resource["op"] != "All" and not (resource["op"] == "==" and _entity(resource)[0] == "Product"):
        raise _Unfit("it is about single resources")
    effect = policy.get("annotations", {}).get("effect")
    if effect is not None and effect not in _EFFECTS:
        raise _Unfit(f"its @effect is {effect[:40]!r}, not one of {', '.join(_EFFECTS)}")
    for name in (*roles, *actions):
        if _NAME.fullmatch(name) is None:
            raise _Unfit(f"{name[:40]!r} is no name in a contract")
    for action in actions:
        tool = tools.setdefault(action, _Tool())
        own = tool.roles if policy["effect"] == "permit" else tool.deny
        own += [role for role in roles if role not in own]
        if effect is not None and policy["effect"] == "permit":
            tool.effect = effect


def _roles(policy: dict[str, Any]) -> list[str]:
    """Roles of the head and of one condition ``principal in …``; there is no other condition."""
    principal, conditions = policy["principal"], policy["conditions"]
    found: list[list[str]] = []
    if principal["op"] == "in":
        found.append([_role(_entity(principal))])
    elif principal["op"] == "is" and "in" in principal:
        found.append([_role(_entity(principal["in"]))])
    elif principal["op"] == "==":
        raise _Unfit("it is about one person; a contract knows roles")
    for condition in conditions:
        body = condition["body"].get("in", {})
        if condition["kind"] != "when" or body.get("left") != {"Var": "principal"}:
            raise _Unfit("it has a condition other than principal in […]")
        right = body["right"]
        found.append([_role(_literal(each)) for each in right.get("Set", [right])])
    if not found:
        raise _Unfit(f"it {policy['effect']}s everybody, whatever role they have")
    if len(found) > 1:
        raise _Unfit("it needs two roles at once")
    return found[0]


def _actions(action: dict[str, Any]) -> list[str]:
    if action["op"] == "==":
        return [_entity(action)[1]]
    if action["op"] == "in" and "entities" in action:
        return [str(each["id"]) for each in action["entities"]]
    raise _Unfit("it is not about named actions")


def _entity(part: dict[str, Any]) -> tuple[str, str]:
    entity = part.get("entity")
    if entity is None:
        raise _Unfit("it has a slot to fill in")
    return str(entity["type"]), str(entity["id"])


def _literal(value: dict[str, Any]) -> tuple[str, str]:
    entity = value.get("Value")
    if not isinstance(entity, dict) or "__entity" not in entity:
        raise _Unfit("it has a condition other than principal in […]")
    return _entity({"entity": entity["__entity"]})


def _role(entity: tuple[str, str]) -> str:
    kind, name = entity
    if kind.rpartition("::")[2] != "Role":
        raise _Unfit(f"it is about a {kind[:40]}; a contract knows entities of the type Role")
    return name
