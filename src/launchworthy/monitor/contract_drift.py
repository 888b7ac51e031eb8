"""Where records differ from the contract: each a line to accept into it, or to mend in the product.

May import ``contract`` and this room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from launchworthy.contract import Amendment, Contract
from launchworthy.monitor.ages import KEPT
from launchworthy.monitor.scanned import Decided, Drift, Field, InForce, Job, Kept, Reads, Uses
from launchworthy.quantity import format_value

__all__ = [
    "of_decided",
    "of_fields",
    "of_guards",
    "of_jobs",
    "of_kept",
    "of_models",
    "of_reads",
    "of_served",
    "of_tools",
]

_SYSTEM = "system"  # who decides where no person does
_NOTABLE = 0.05  # share of calls that is shown to be passed before it is told as a difference
_KEEP_PII = Amendment(path=("data", "pii", "record"), value="keep")


def of_fields(contract: Contract, fields: Sequence[Field]) -> list[Drift]:
    pii = contract.data.pii
    kinds: dict[str, int] = {}
    for each in fields:
        for kind, count in each.texts.kinds.items():
            kinds[kind] = kinds.get(kind, 0) + count
    if not kinds or (pii is not None and pii.record == "keep"):
        return []
    where = ", ".join(f"{each.table}.{each.name}" for each in fields if each.texts.holding)
    told = ", ".join(f"{kind} ({count:,})" for kind, count in sorted(kinds.items(), key=lambda one: -one[1]))
    if pii is None:
        return [
            Drift(
                address="data/pii",
                observed=f"records hold {told} in {where}, and nothing is declared for it",
                accept="data: {pii: {record: keep}}",
                mend="declare data: {pii: {record: pseudonymise}}; what is stored already can be erased",
                amendment=_KEEP_PII,
            )
        ]
    return [
        Drift(
            address="data/pii/record",
            observed=f"records hold {told} in {where}, to be stored by {pii.record}",
            accept="data: {pii: {record: keep}}",
            mend="erase them or let them age: what came before the line was declared is stored as it was",
            amendment=_KEEP_PII,
        )
    ]


def of_reads(contract: Contract, reads: Sequence[Reads]) -> list[Drift]:
    found = []
    for each in reads:
        at = ", ".join(each.workflows) or "no workflow"
        if each.source is None:
            if contract.data.sources:
                found.append(
                    Drift(
                        address="data/unnamed",
                        observed=f"{each.documents:,} documents read in {at} do not say their source",
                        accept=None,
                        mend="give each document its source: {source: NAME}",
                    )
                )
        elif each.may is None:
            found.append(
                Drift(
                    address="data/unnamed",
                    observed=f"{each.source} was read ({each.documents:,} in {at}), and is not named",
                    accept=f"data: {{sources: {{{each.source}: {{class: internal, may: [see, store]}}}}}}",
                    mend="leave its documents out: Boundary.admit, or the enforcer's retrieved()",
                )
            )
        else:
            found += _of_named(contract, each, at)
    return found


def _of_named(contract: Contract, each: Reads, at: str) -> list[Drift]:
    found = []
    declared = contract.data.sources[str(each.source)]
    address = f"data/sources/{each.source}"
    if "see" not in declared.may:
        found.append(
            Drift(
                address=address,
                observed=f"{each.documents:,} of its documents were read in {at}, and it may not be seen",
                accept=f"may: [{', '.join(('see', *declared.may))}]",
                mend="leave its documents out: Boundary.admit, or the enforcer's retrieved()",
                amendment=_may(each, ("see",)),
            )
        )
    if "store" not in declared.may and each.with_text:
        found.append(
            Drift(
                address=address,
                observed=f"the text of {each.with_text:,} of its documents is stored, and it may not be",
                accept=f"may: [{', '.join((*declared.may, 'store'))}]",
                mend="name the source on each document; what is stored already can be erased, or ages",
                amendment=_may(each, ("store",)),
            )
        )
    others = [name for name in each.workflows if declared.only_for not in (None, name)]
    if others:
        found.append(
            Drift(
                address=f"{address}/only_for",
                observed=f"it was read in {', '.join(others)}, and serves only {declared.only_for}",
                accept="leave only_for away",
                mend="leave its documents out there",
                amendment=Amendment(path=("data", "sources", str(each.source), "only_for"), value=None),
            )
        )
    return found


def _may(each: Reads, more: Sequence[str]) -> Amendment:
    """What its documents may be used for, with what they are used for besides."""
    used = {*(each.may or ()), *more, *(("store",) if each.with_text else ())}
    return Amendment(
        path=("data", "sources", str(each.source), "may"),
        value=[name for name in ("see", "store", "learn") if name in used],
    )


def of_tools(tools: Sequence[Uses]) -> list[Drift]:
    return [
        Drift(
            address="tools/unnamed",
            observed=f"{each.name or 'a tool without a name'} ran {each.calls:,} times, and is not named",
            accept=f"tools: {{{each.name}: {{effect: read, roles: [ROLE]}}}}" if each.name else None,
            mend="let tools run through the enforcer, which denies what is not named",
        )
        for each in tools
        if not each.declared
    ]


def of_models(contract: Contract, models: Sequence[Uses]) -> list[Drift]:
    return [
        Drift(
            address="data/region",
            observed=f"{each.calls:,} calls went to {each.name or 'a provider'} in {each.place},"
            f" and data stays in {contract.data.region}",
            accept=None,
            mend=f"ask a model in {contract.data.region}",
        )
        for each in models
        if each.declared is False
    ]


def of_served(changed: Sequence[Mapping[str, Any]]) -> list[Drift]:
    """Versions of a model that a provider put in place of others (``served.changed_versions``)."""
    return [
        Drift(
            address="release/model",
            observed=f"{each['requested']} is answered by {each['to']} since {each['since'][:10]},"
            f" by {each['from']} before, and no release says so",
            accept=None,
            mend="ask for a version by its full name; evaluate the release again with the new one",
        )
        for each in changed
    ]


def of_kept(kept: Sequence[Kept]) -> list[Drift]:
    lines: Mapping[str, str] = {table: line for line, tables in KEPT.items() for table in tables}
    return [
        Drift(
            address=f"data/retention/{lines[each.table]}",
            observed=f"{each.overdue:,} rows of {each.table} are older than may be, the oldest"
            f" of {each.oldest:%Y-%m-%d}",
            accept=None,
            mend="run `launchworthy retention`, or let the server run, which does so every hour",
        )
        for each in kept
        if each.overdue
    ]


def of_decided(decided: Sequence[Decided]) -> list[Drift]:
    found = []
    for each in decided:
        address, alone = f"workflows/{each.workflow}/decides", each.acts - each.attended
        path = ("workflows", each.workflow, "decides")
        if each.declared is None:
            continue
        if each.declared == _SYSTEM:
            if each.attended:
                found.append(
                    Drift(
                        address=address,
                        observed=f"people decided in {each.attended:,} of {each.acts:,} calls in which a tool"
                        " acted, and the system decides",
                        accept=f"decides: {_most(each)}" if _most(each) else None,
                        mend="leave the approval of the tools that it uses away",
                        amendment=Amendment(path=path, value=_most(each)) if _most(each) else None,
                    )
                )
            continue
        if alone:
            found.append(
                Drift(
                    address=address,
                    observed=f"tools acted in {alone:,} of {each.acts:,} calls without anybody's decision,"
                    f" and {each.declared} decides",
                    accept=f"decides: {_SYSTEM}, and a step of it in `after`",
                    mend="give the tools an approval, and let them run through the enforcer",
                )
            )
        if each.attended and (who := _most(each)) and each.declared not in each.roles:
            told = ", ".join(f"{role} ({count:,})" for role, count in each.roles.items() if role)
            found.append(
                Drift(
                    address=address,
                    observed=f"it was decided by {told}, never by {each.declared}, who decides",
                    accept=f"decides: {who}",
                    mend=f"let {each.declared} confirm: `by: {each.declared}` in the approval of the tools",
                    amendment=Amendment(path=path, value=who),
                )
            )
    return found


def _most(each: Decided) -> str | None:
    """The role in which most was decided."""
    named = {role: count for role, count in each.roles.items() if role}
    return max(named, key=lambda role: (named[role], role)) if named else None


def of_jobs(jobs: Sequence[Job]) -> list[Drift]:
    found = []
    for each in jobs:
        if not each.declared:
            found.append(
                Drift(
                    address="workflows",
                    observed=f"{each.calls:,} calls "
                    + (f"serve {each.workflow}, which is not named" if each.workflow else "name no workflow"),
                    accept=None,
                    mend="say on each call which workflow it serves; a job of its own takes one of its own",
                )
            )
        elif each.share.low > _NOTABLE:
            found.append(
                Drift(
                    address=f"workflows/{each.workflow}/job",
                    observed=f"{each.outside:,} of {each.calls:,} calls were off the topic of the job, "
                    f"more than {format_value(_NOTABLE, unit='ratio')} of them",
                    accept=None,
                    mend="say to users what it is for, or widen the job, its gold set and examples",
                )
            )
    return found


def of_guards(contract: Contract, guards: Sequence[InForce]) -> list[Drift]:
    found = []
    for each in guards:
        address = f"guards/{each.name}"
        if not each.declared:
            found.append(
                Drift(
                    address=address,
                    observed=f"it hit in {each.hits:,} calls, failed in {each.unchecked:,}, and is not named",
                    accept=None,
                    mend="an application runs by an older contract: start it with the one in force",
                )
            )
            continue
        declared = (contract.guards or {})[each.name]
        mode, path = declared.mode, ("guards", each.name, "mode")
        if each.shadow and mode != "shadow":
            found.append(
                Drift(
                    address=address,
                    observed=f"it only watched when it last hit, and is to {declared.action}",
                    accept="mode: shadow",
                    mend="calibrate it (`launchworthy guard calibrate`), and start by the contract in force",
                    amendment=Amendment(path=path, value="shadow"),
                )
            )
        elif each.shadow is False and mode == "shadow":
            found.append(
                Drift(
                    address=address,
                    observed="it acted when it last hit, and is to watch only",
                    accept="mode: live",
                    mend="start the application with the contract in force",
                    amendment=Amendment(path=path, value="live"),
                )
            )
        if each.unchecked_share is not None and each.unchecked_share.low > _NOTABLE:
            found.append(
                Drift(
                    address=address,
                    observed=f"it could not check {each.unchecked:,} of {each.calls:,} calls, more than"
                    f" {format_value(_NOTABLE, unit='ratio')} of them",
                    accept=None,
                    mend="see why: `launchworthy drill`; a guard that asks others may need a longer timeout",
                )
            )
    return found
