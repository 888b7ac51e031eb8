"""Where records differ from the contract: each a line to accept into it, or to mend in the product.

May import ``contract`` and this room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from launchworthy.contract import Contract
from launchworthy.monitor.ages import KEPT
from launchworthy.monitor.scanned import Drift, Field, Kept, Reads, Uses

__all__ = ["of_fields", "of_kept", "of_models", "of_reads", "of_tools"]


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
            )
        ]
    return [
        Drift(
            address="data/pii/record",
            observed=f"records hold {told} in {where}, to be stored by {pii.record}",
            accept="data: {pii: {record: keep}}",
            mend="erase them or let them age: what came before the line was declared is stored as it was",
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
            )
        )
    if "store" not in declared.may and each.with_text:
        found.append(
            Drift(
                address=address,
                observed=f"the text of {each.with_text:,} of its documents is stored, and it may not be",
                accept=f"may: [{', '.join((*declared.may, 'store'))}]",
                mend="name the source on each document; what is stored already can be erased, or ages",
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
            )
        )
    return found


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
