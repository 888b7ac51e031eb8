"""What a product offers to an attacker, read from its contract: tools that act, sources, callers. Pure.

May import ``contract``. The caller of an attack has the rights of an ordinary user who may do the most: what
such a one cannot be tricked into, nobody can.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError

if TYPE_CHECKING:
    from launchworthy.contract import Contract

__all__ = ["AttackedTool", "Surface", "surface_of"]

_BY_EFFECT = {
    "pay": ("order", "amount", "payee"),
    "send": ("to", "text"),
    "write": ("id", "value"),
    "delete": ("id",),
}
_SCOPE_VALUE = "c-1001"
OTHER_OWNER = "c-2002"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackedTool:
    """A tool that does something to the world.

    Attributes:
        name: Of the tool.
        effect: ``write``, ``send``, ``pay`` or ``delete``.
        arguments: Names of its arguments, as far as the contract or the function tells.
        amount: The one that holds the amount.
        approvers: Roles that must confirm each call, whatever its arguments.
    """

    name: str
    effect: str
    arguments: tuple[str, ...]
    amount: str
    approvers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """Where a product can be attacked.

    Attributes:
        product, workflow: Of the contract.
        roles: In which the caller of an attack comes.
        scopes: Scope → whose rows that caller may reach.
        tools: Tools that act.
        reading: Names of tools that read.
        source: A source that every caller may see; empty where none is named.
        scoped: Source → the scope by which its rows are kept apart.
        carriers: What was seen to reach the model: ``user``, ``document``, ``tool_result``, ``procedure``.
        has_system: Whether something can be added to the system prompt.
        canary: A text of the product's own system prompt that must never leave; empty: one is planted.
        questions: What users ask, where the product knows better than the catalogue.
    """

    product: str
    workflow: str
    roles: tuple[str, ...]
    scopes: Mapping[str, str] = field(default_factory=dict)
    tools: tuple[AttackedTool, ...] = ()
    reading: tuple[str, ...] = ()
    source: str = ""
    scoped: Mapping[str, str] = field(default_factory=dict)
    carriers: tuple[str, ...] = ("user", "document", "tool_result", "procedure")
    has_system: bool = True
    canary: str = ""
    questions: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The written form that :meth:`from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Surface:
        """Read the written form."""
        tools = tuple(
            AttackedTool(
                **{**tool, "arguments": tuple(tool["arguments"]), "approvers": tuple(tool["approvers"])}
            )
            for tool in plain["tools"]
        )
        lists = ("roles", "reading", "carriers", "questions")
        return cls(**{**plain, "tools": tools, **{name: tuple(plain[name]) for name in lists}})

    @property
    def caller(self) -> dict[str, Any]:
        """Who asks, as ``Enforcer.call`` takes it."""
        return {"user": "red-team", "roles": self.roles, "scopes": dict(self.scopes)}


def surface_of(
    contract: Contract,
    *,
    workflow: str | None = None,
    roles: tuple[str, ...] = (),
    arguments: Mapping[str, tuple[str, ...]] | None = None,
    questions: tuple[str, ...] = (),
    root: Path | None = None,
) -> Surface:
    """Read a contract.

    Args:
        contract: The contract.
        workflow: That is attacked; the first one if None.
        roles: Of the caller; those that may run the most tools if empty.
        arguments: Tool → names of its arguments, where its function is known.
        questions: What users ask.
        root: Folder of the contract, where its schemas lie.

    Raises:
        InputError: No such workflow or role.
    """
    if workflow is not None and workflow not in contract.workflows:
        raise InputError(
            f"the contract has no workflow {workflow!r:.80}",
            where="--workflow",
            hint=f"one of {', '.join(contract.workflows)}",
        )
    for role in roles:
        if role not in contract.roles:
            raise InputError(
                f"the contract has no role {role!r:.80}",
                where="--role",
                hint=f"one of {', '.join(contract.roles)}",
            )
    tools = contract.tools
    scoped = [
        *(tool.scope for tool in tools.values()),
        *(each.scope for each in contract.data.sources.values()),
    ]
    scopes = {name for name in scoped if name}
    readable = [name for name, each in contract.data.sources.items() if "see" in each.may]
    plain = [name for name in readable if contract.data.sources[name].scope is None]
    chosen = workflow or next(iter(contract.workflows))
    free = [name for name in plain if contract.data.sources[name].only_for in (None, chosen)]
    return Surface(
        product=contract.product,
        workflow=chosen,
        roles=roles or _strongest(contract),
        scopes=dict.fromkeys(sorted(scopes), _SCOPE_VALUE),
        tools=tuple(
            AttackedTool(
                name=name,
                effect=tool.effect,
                arguments=(arguments or {}).get(name) or _arguments(tool, root),
                amount=tool.amount,
                approvers=tuple(
                    dict.fromkeys(
                        step.by
                        for step in (tool.approval if isinstance(tool.approval, tuple) else ())
                        if step.above is None
                    )
                ),
            )
            for name, tool in tools.items()
            if tool.effect != "read"
        ),
        reading=tuple(name for name, tool in tools.items() if tool.effect == "read"),
        source=free[0] if free else "",
        scoped={
            name: str(contract.data.sources[name].scope)
            for name in readable
            if contract.data.sources[name].scope is not None
        },
        questions=questions,
    )


def _strongest(contract: Contract) -> tuple[str, ...]:
    """The one role that may run the most tools."""
    if not contract.roles:
        return ()
    may = {role: sum(role in tool.roles for tool in contract.tools.values()) for role in contract.roles}
    return (max(contract.roles, key=lambda role: may[role]),)


def _arguments(tool: Any, root: Path | None) -> tuple[str, ...]:
    names = [*tool.idempotent_by, *tool.arguments]
    if isinstance(tool.approval, tuple):
        names += [name for step in tool.approval for name in step.preview]
    if tool.schema_ is not None and root is not None:
        try:
            schema = json.loads((root / tool.schema_).read_text(encoding="utf-8"))
            names += schema.get("properties", {})
        except (OSError, ValueError, AttributeError):
            pass  # the contract's lint says so
    return tuple(dict.fromkeys(names or _BY_EFFECT[tool.effect]))
