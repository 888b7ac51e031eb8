"""What the contract declares, beside what was decided under it: system, data, permissions, guards.

May import this room and ``quantity``.
"""

from __future__ import annotations

from typing import Any

from launchworthy.pack.document import Figure, Section, Table
from launchworthy.pack.material import CLAIM_COLUMNS, COUNT_COLUMNS, Material, words
from launchworthy.quantity import format_value

__all__ = ["data", "guards", "permissions", "system"]


def system(known: Material) -> Section:
    """What it is for, and what it is made of."""
    contract = known.contract
    parts = getattr(known.inputs.release, "parts", {})
    return Section(
        id="system",
        title="The system: what it is for, and what it is made of",
        nist=("MAP",),
        annex_iv=("1", "2"),
        lead=(f"A {contract.kind} product. Its contract is version {contract.version}.",),
        tables=(
            Table(
                title="Jobs",
                columns=("Workflow", "For", "Job", "Where there is no good answer"),
                rows=tuple(
                    (name, words(flow.user), words(flow.job), _no_answer(flow.no_answer))
                    for name, flow in contract.workflows.items()
                ),
            ),
            Table(
                title="What the judged release is made of",
                columns=("Part", "Content"),
                rows=tuple((name, words(value)) for name, value in sorted(parts.items())),
                empty="The parts of the release are not on record.",
            ),
            Table(
                title="Who answers for it",
                columns=("Role", "Owner"),
                rows=tuple(contract.owners.items()),
            ),
        ),
    )


def data(known: Material) -> Section:
    """What it may see, keep and learn from."""
    data = known.contract.data
    retention = tuple(
        (name, Figure(text=_quantity(value), rule=f"data/retention/{name}"))
        for name in ("traces", "feedback", "gold", "audit")
        if (value := getattr(data.retention, name)) is not None
    )
    return Section(
        id="data",
        title="Data: what it may see, keep and learn from",
        nist=("MAP", "GOVERN"),
        annex_iv=("2",),
        lead=(
            f"Region: {data.region or 'not declared'}.",
            "Vendor: not declared."
            if data.vendor is None
            else f"Vendor trains on our data: {'yes' if data.vendor.trains_on_our_data else 'no'}.",
        ),
        tables=(
            Table(
                title="Sources",
                columns=("Source", "Class", "May", "Personal data", "Scope"),
                rows=tuple(
                    (
                        name,
                        source.class_,
                        ", ".join(source.may) or "nothing",
                        "yes" if source.pii else "no",
                        source.scope or "",
                    )
                    for name, source in data.sources.items()
                ),
                empty="No source is declared, so none may be used.",
            ),
            Table(title="Kept for", columns=("What", "How long"), rows=retention, empty="Not limited."),
            Table(
                title="Claims on data",
                columns=CLAIM_COLUMNS,
                rows=tuple(map(known.status_row, known.of_family("data", "gold"))),
            ),
            Table(
                title="Erasures",
                columns=("What", "How often"),
                rows=(
                    (
                        "erasures on record",
                        known.count(entry for entry in known.trail if entry.kind == "erasure"),
                    ),
                ),
            ),
        ),
    )


def permissions(known: Material) -> Section:
    """What it may do, for whom, and who confirms."""
    return Section(
        id="permissions",
        title="Permissions: what it may do, for whom, and who confirms",
        nist=("GOVERN", "MANAGE"),
        annex_iv=("2", "3"),
        lead=("What is not named here is denied.",),
        tables=(
            Table(
                title="Tools",
                columns=("Tool", "Effect", "Roles", "Never for", "Confirmed by", "Taken back by"),
                rows=tuple(
                    (
                        name,
                        tool.effect,
                        ", ".join(tool.roles),
                        ", ".join(tool.deny),
                        _approval(tool.approval, tool.effect),
                        tool.undo.by if tool.undo is not None else "",
                    )
                    for name, tool in known.contract.tools.items()
                ),
                empty="No tool is named.",
            ),
            Table(
                title="Decisions on calls of tools",
                columns=COUNT_COLUMNS,
                rows=known.counts(known.decisions("permission", "tool_run")),
            ),
            Table(
                title="Claims on tools",
                columns=CLAIM_COLUMNS,
                rows=tuple(map(known.status_row, known.of_family("tools"))),
            ),
        ),
    )


def guards(known: Material) -> Section:
    """What is checked around each call."""
    guards = known.contract.guards or {}
    return Section(
        id="guards",
        title="Guards: what is checked around each call",
        nist=("MANAGE",),
        annex_iv=("2", "3", "5"),
        tables=(
            Table(
                title="Declared",
                columns=("Guard", "Looks at", "On a hit", "Where it could not check"),
                rows=tuple(
                    (name, ", ".join(guard.checks), guard.action, f"fails {guard.fail}")
                    for name, guard in guards.items()
                ),
                empty="The contract declares none; the defaults are in force.",
            ),
            Table(
                title="Claims",
                columns=CLAIM_COLUMNS,
                rows=tuple(map(known.status_row, known.of_family("guards"))),
            ),
            Table(title="What they said", columns=COUNT_COLUMNS, rows=known.counts(known.decisions("guard"))),
        ),
    )


def _approval(approval: Any, effect: str) -> str:
    if approval == "unattended":
        return "nobody: unattended"
    if approval:
        return "; ".join(
            each.by if each.above is None else f"{each.by} above {_quantity(each.above)}" for each in approval
        )
    return "" if effect == "read" else "whoever may approve"


def _quantity(value: Any) -> str:
    return format_value(value.value, unit=value.unit)


def _no_answer(policy: Any) -> str:
    conditions: dict[str, str] = policy.conditions
    if set(conditions) == {"otherwise"}:
        return conditions["otherwise"]
    return "; ".join(f"{name.replace('_', ' ')}: {what}" for name, what in conditions.items())
