"""``/products/{product}/permissions``: which role may call which tool, and why."""

from __future__ import annotations

import json
from dataclasses import dataclass

from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, count, page_url, sentence, short
from launchworthy.contract.model.safeguards import Tool
from launchworthy.errors import InputError, NotFoundError
from launchworthy.runtime.permission import Ruling, changes, request_of

__all__ = ["PAGE", "Cell", "PermissionsView", "ToolRow", "Tried"]

_SAID = {
    Ruling.ALLOW: ("good", "●", "allowed"),
    Ruling.NEEDS_APPROVAL: ("unsure", "◌", "needs approval"),
    Ruling.DENY: ("bad", "✕", "denied"),
}
_CHECKED = {"kept": ("good", "●"), "broken": ("bad", "✕"), "due": ("unsure", "◌")}
_MOST_TEXT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What a role may do with a tool, before any argument is looked at."""

    kind: str
    mark: str
    said: str
    note: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRow:
    """One tool against every role."""

    name: str
    effect: str
    url: str
    limits: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One call that was tried: the decision, each rule that was looked at, and what would change it."""

    kind: str
    mark: str
    said: str
    reason: str
    rule: Link
    changes: tuple[str, ...]
    checks: tuple[tuple[str, str, str, Link, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionsView:
    """What the page receives; ``problem`` says why what was tried is no call."""

    head: Head
    roles: tuple[str, ...]
    tools: tuple[ToolRow, ...]
    tool: str
    role: str
    user: str
    arguments: str
    tried: Tried | None
    problem: str
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> PermissionsView:
    """The matrix of the contract in force, and the call that was tried, if one was."""
    product = ask.path["product"]
    contract = reading.contract(product)
    if contract is None:
        raise NotFoundError(
            f"no contract of {product!r:.80} is registered",
            hint="launchworthy up --contract launchworthy.yaml",
        )
    own = {role for tool in contract.tools.values() for role in (*tool.roles, *tool.deny)}
    roles = tuple(dict.fromkeys((*contract.roles, *sorted(own))))
    asked = {name: ask.query.get(name, "")[:_MOST_TEXT] for name in ("tool", "role", "user", "arguments")}
    tried, problem = _tried(reading, product, asked) if asked["tool"] else (None, "")
    acting = [name for name, tool in contract.tools.items() if tool.effect != "read"]
    return PermissionsView(
        head=Head(
            title=_title(contract.tools, acting, tried),
            reason="What the contract does not name is denied, and a deny wins over every allow.",
            section="products",
            trail=(
                Link(text="Products", url="/"),
                Link(text=short(product, most=60), url=page_url("products", product)),
                Link(text="Permissions"),
            ),
        ),
        roles=roles,
        tools=tuple(
            ToolRow(
                name=name,
                effect=tool.effect,
                url=page_url("products", product, "claims", f"{product}/tools/{name}"),
                limits=_limits(tool),
                cells=tuple(_cell(product, name, tool, role) for role in roles),
            )
            for name, tool in contract.tools.items()
        ),
        tool=asked["tool"],
        role=asked["role"],
        user=asked["user"],
        arguments=asked["arguments"],
        tried=tried,
        problem=problem,
        empty=None
        if contract.tools
        else Empty(what="The contract names no tool, so none may run. Name one under tools."),
    )


def _title(tools: dict[str, Tool], acting: list[str], tried: Tried | None) -> str:
    if tried is not None:
        return f"{sentence(tried.said)}: {tried.reason}"
    unattended = [name for name in acting if tools[name].approval == "unattended"]
    confirmed = [name for name in acting if isinstance(tools[name].approval, tuple) and tools[name].approval]
    if not tools:
        return "No tool may run"
    parts = [f"{count(len(tools), 'tool')} may run"]
    parts.append(f"{len(confirmed)} of {len(acting)} that act wait for a person" if acting else "none acts")
    if unattended:
        parts.append(f"{len(unattended)} unattended")
    return ", ".join(parts)


def _cell(product: str, name: str, tool: Tool, role: str) -> Cell:
    steps = tool.approval if isinstance(tool.approval, tuple) else ()
    note = ""
    if role in tool.deny:
        ruling, note = Ruling.DENY, "whatever other role there is"
    elif role not in tool.roles:
        ruling = Ruling.DENY
    elif steps:
        always = [step for step in steps if step.above is None]
        ruling = Ruling.NEEDS_APPROVAL
        note = ", ".join(f"{step.by}{f' above {step.above}' if step.above else ''}" for step in steps)
        note = f"of {note}" if always else f"of {note}; allowed below"
    elif tool.effect != "read" and tool.approval != "unattended":
        ruling, note = Ruling.DENY, "nobody is named to approve it"
    else:
        ruling, note = Ruling.ALLOW, "unattended" if tool.approval == "unattended" else ""
    kind, mark, said = _SAID[ruling]
    url = page_url("products", product, "permissions", tool=name, role=role) + "#try"
    return Cell(kind=kind, mark=mark, said=said, note=note, url=url)


def _limits(tool: Tool) -> str:
    found = [f"within {tool.scope}"] if tool.scope else []
    for name, told in (("per_call", "a call"), ("per_user", "a user"), ("total", "in all")):
        limit = None if tool.limits is None else getattr(tool.limits, name)
        if limit is not None:
            found.append(f"{limit} {told}")
    return ", ".join(found)


def _tried(reading: Reading, product: str, asked: dict[str, str]) -> tuple[Tried | None, str]:
    try:
        arguments = json.loads(asked["arguments"] or "{}")
        row = {
            "tool": asked["tool"],
            "roles": [role.strip() for role in asked["role"].split(",") if role.strip()],
            "arguments": arguments,
            "user": asked["user"] or None,
            "provenance": dict.fromkeys(arguments, "user") if isinstance(arguments, dict) else {},
        }
        request = request_of(row, where="the call")
    except InputError as error:
        return None, error.message
    except (ValueError, RecursionError):
        return None, 'the arguments are not JSON: write {"order": "o-7", "amount": 40}'
    decision = reading.desk.policy(product).decide(request, spending=reading.desk.spending(product))
    verdict = reading.verdict(product)
    known = frozenset(status.claim.address for status in verdict.statuses) if verdict else frozenset()
    kind, mark, said = _SAID[decision.ruling]
    checks = []
    for check in decision.checks:
        check_kind, check_mark = _CHECKED[check.outcome.value]
        checks.append(
            (check_kind, check_mark, check.outcome.value, _rule(product, check.rule, known), check.reason)
        )
    return (
        Tried(
            kind=kind,
            mark=mark,
            said=said,
            reason=decision.reason,
            rule=_rule(product, decision.rule, known),
            changes=tuple(changes(decision)),
            checks=tuple(checks),
        ),
        "",
    )


def _rule(product: str, rule: str, known: frozenset[str]) -> Link:
    """The rule, leading to its claim where the contract makes one of it."""
    url = page_url("products", product, "claims", rule) if rule in known else ""
    return Link(text=rule, url=url)


PAGE = Page(
    name="permissions", path="/products/{product}/permissions", template="permissions.html", view=view
)
