"""What the stored records of a product hold, against what its contract declares.

May import ``contract``, ``stats`` and this room.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from datetime import UTC, datetime

from launchworthy.contract import Claim, ClaimKind, Contract
from launchworthy.contract.model.safeguards import Pii
from launchworthy.monitor.ages import GRACE_NS, KEPT
from launchworthy.monitor.contract_drift import (
    of_decided,
    of_fields,
    of_guards,
    of_jobs,
    of_kept,
    of_models,
    of_reads,
    of_served,
    of_tools,
)
from launchworthy.monitor.observed import decided, guards, jobs
from launchworthy.monitor.personal import FIELDS, Texts, look_through
from launchworthy.monitor.regions import PLACE, belongs
from launchworthy.monitor.scanned import Field, Kept, Reads, Scan, Uses
from launchworthy.monitor.scene import Ask, Bind, Query, look
from launchworthy.monitor.served import changed_versions
from launchworthy.monitor.sources import documents
from launchworthy.records import TABLES
from launchworthy.stats import clopper_pearson

__all__ = ["scan"]

_LATELY_NS = 30 * 86_400_000_000_000  # how long it is told that another version of a model answers
_LATEST_NS = (1 << 63) - 1


def scan(contract: Contract, *, query: Query, now: datetime, sample: int | None) -> Scan:
    """Look through the records of a contract's product.

    Args:
        contract: What is declared.
        query: Answers one SELECT over the records.
        now: Later records do not count (aware).
        sample: Records of each table that are drawn for personal data; None: all.

    Raises:
        InputError: The contract names kinds of personal data that nothing here finds.
    """
    until_ns = min(int(now.timestamp() * 1e9), _LATEST_NS)
    fields = _fields(contract, query, until_ns, sample)
    reads = _reads(contract, query, now)
    tools = _tools(contract, query, until_ns)
    models = _models(contract, query, until_ns)
    changed = changed_versions(
        query, product=contract.product, since_ns=until_ns - _LATELY_NS, until_ns=until_ns
    )
    kept = _kept(contract, query, until_ns)
    who = decided(contract, query, until_ns)
    served = jobs(contract, query, until_ns)
    checked = guards(contract, query, until_ns)
    read = {each.source for each in reads}
    ran = {each.name for each in tools}
    unused = [f"data/sources/{name}" for name in contract.data.sources if name not in read]
    unused += [f"tools/{name}" for name in contract.tools if name not in ran]
    return Scan(
        product=contract.product,
        sampled=sample,
        fields=fields,
        reads=reads,
        tools=tools,
        models=models,
        kept=kept,
        decided=who,
        jobs=served,
        guards=checked,
        unused=tuple(unused),
        drift=(
            *of_fields(contract, fields),
            *of_reads(contract, reads),
            *of_tools(tools),
            *of_models(contract, models),
            *of_served(changed),
            *of_kept(kept),
            *of_decided(who),
            *of_jobs(served),
            *of_guards(contract, checked),
        ),
    )


def _fields(contract: Contract, query: Query, until_ns: int, sample: int | None) -> tuple[Field, ...]:
    find = (contract.data.pii or Pii()).find
    found: dict[tuple[str, str], Texts] = {}
    for table in FIELDS:
        for place in look_through(
            query,
            table=table,
            find=find,
            product=contract.product,
            since_ns=0,
            until_ns=until_ns,
            most=sample,
        ):
            texts = found.setdefault((table, place.field), Texts())
            texts.left_out += place.left_out
            texts.replaced += bool(place.replaced)
            if place.kinds is None:
                texts.missed += 1
                continue
            texts.looked += 1
            texts.holding += bool(place.kinds)
            texts.kinds.update(place.kinds)
    return tuple(
        Field(
            table=table,
            name=name,
            texts=texts,
            share=clopper_pearson(texts.holding, n=texts.looked, sides=2) if texts.looked else None,
        )
        for (table, name), texts in sorted(found.items())
    )


def _reads(contract: Contract, query: Query, now: datetime) -> tuple[Reads, ...]:
    claim = Claim(
        address=f"{contract.product}/data", kind=ClaimKind.NEVER, family="data", metric="data", sentence=""
    )
    scene = look([claim], product=contract.product, query=query, release=None, now=now)
    ask = Ask(claim=claim, family="data", metric="data", workflow=None, window_s=1e12, scene=scene)
    bind = Bind()
    rows = query(
        "SELECT source, count(*) AS documents, count(*) FILTER (has_text) AS with_text,"
        " list(DISTINCT workflow) FILTER (workflow IS NOT NULL) AS workflows"
        f" FROM ({documents(ask, bind)}) GROUP BY source ORDER BY documents DESC, source",
        bind.values,
    )
    declared = contract.data.sources
    return tuple(
        Reads(
            source=row["source"],
            documents=row["documents"],
            with_text=row["with_text"],
            workflows=tuple(sorted(row["workflows"] or ())),
            may=declared[row["source"]].may if row["source"] in declared else None,
        )
        for row in rows
    )


def _tools(contract: Contract, query: Query, until_ns: int) -> tuple[Uses, ...]:
    rows = query(
        "SELECT tool_name AS name, count(*) AS calls FROM spans WHERE product = $1 AND start_time < $2"
        " AND kind = 'tool' GROUP BY tool_name ORDER BY calls DESC, name",
        [contract.product, until_ns],
    )
    return tuple(
        Uses(name=row["name"], place=None, calls=row["calls"], declared=row["name"] in contract.tools)
        for row in rows
    )


def _models(contract: Contract, query: Query, until_ns: int) -> tuple[Uses, ...]:
    rows = query(
        f"SELECT provider AS name, {PLACE} AS place, count(*) AS calls FROM spans WHERE product = $1"
        " AND start_time < $2 AND kind IN ('model', 'embedding') GROUP BY ALL"
        " ORDER BY calls DESC, name, place",
        [contract.product, until_ns],
    )
    declared = contract.data.region
    return tuple(
        Uses(
            name=row["name"],
            place=row["place"],
            calls=row["calls"],
            declared=None if declared is None or row["place"] is None else belongs(row["place"], declared),
        )
        for row in rows
    )


def _kept(contract: Contract, query: Query, until_ns: int) -> tuple[Kept, ...]:
    found = []
    for line, tables in KEPT.items():
        declared = getattr(contract.data.retention, line)
        keep_ms = None if declared is None else declared.value
        due = 0 if keep_ms is None else max(0, until_ns - int(min(keep_ms, 1e13) * 1e6) - GRACE_NS)
        for table in tables:
            time = TABLES[table].time
            (row,) = query(
                f"SELECT count(*) AS n, min({time}) AS first, count(*) FILTER ({time} < $2) AS overdue"
                f" FROM {table} WHERE product = $1",
                [contract.product, due],
            )
            if row["n"]:
                found.append(
                    Kept(
                        table=table,
                        rows=row["n"],
                        oldest=datetime.fromtimestamp(row["first"] / 1e9, tz=UTC),
                        keep_ms=keep_ms,
                        overdue=row["overdue"],
                    )
                )
    return tuple(found)
