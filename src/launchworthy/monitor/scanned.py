"""What a scan of records found, as values. May import ``contract``, ``stats`` and this room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from launchworthy.contract import Amendment
from launchworthy.monitor.personal import Texts
from launchworthy.stats import Interval

__all__ = ["Decided", "Drift", "Field", "InForce", "Job", "Kept", "Reads", "Scan", "Uses", "as_json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Personal data in one field of one table; ``share`` is None where no text was looked through."""

    table: str
    name: str
    texts: Texts
    share: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """Documents of one source that were read; ``may`` is None where the contract does not name it."""

    source: str | None
    documents: int
    with_text: int
    workflows: Sequence[str]
    may: Sequence[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """Calls of one tool, or of one provider in one region."""

    name: str | None
    place: str | None
    calls: int
    declared: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Rows of one table, and the age of the oldest against what is declared."""

    table: str
    rows: int
    oldest: datetime
    keep_ms: float | None
    overdue: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Calls of one workflow in which a tool did something to the world, and who decided that it may.

    Attributes:
        workflow: Workflow.
        declared: Who decides, as the contract has it; None where it does not say.
        acts: Calls in which a tool that does more than read ran.
        attended: Those of them in which a person decided.
        roles: Calls by the role in which people decided; None: in no role that is recorded.
    """

    workflow: str
    declared: str | None
    acts: int
    attended: int
    roles: Mapping[str | None, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Calls of one workflow, and how many were outside its job: all, where the contract does not name it."""

    workflow: str | None
    declared: bool
    calls: int
    outside: int
    share: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A guard as records show it; ``shadow`` is how it was when it last hit, None where it never did."""

    name: str
    declared: bool
    calls: int
    hits: int
    shadow: bool | None
    unchecked: int
    unchecked_share: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One way in which what is observed differs from what is declared.

    Attributes:
        address: Line of the contract.
        observed: What records show.
        accept: What to write into the contract where that is right; None where nothing can make it so.
        mend: What to do where it is not.
        amendment: The same as ``accept``, for a program to write; None where a person has to choose.
    """

    address: str
    observed: str
    accept: str | None
    mend: str
    amendment: Amendment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What was found.

    Attributes:
        product: Of the contract.
        sampled: Records of each table that were drawn; None: all.
        fields: Personal data by field.
        reads: Sources.
        tools: Tools that ran.
        models: Providers and regions that were asked.
        kept: Ages.
        decided: Who decided, where tools did something.
        jobs: Calls by workflow, and those outside its job.
        guards: Guards that are declared, or that records show.
        unused: Sources and tools that the contract names and no record shows.
        drift: What differs.
    """

    product: str
    sampled: int | None
    fields: tuple[Field, ...]
    reads: tuple[Reads, ...]
    tools: tuple[Uses, ...]
    models: tuple[Uses, ...]
    kept: tuple[Kept, ...]
    decided: tuple[Decided, ...]
    jobs: tuple[Job, ...]
    guards: tuple[InForce, ...]
    unused: tuple[str, ...]
    drift: tuple[Drift, ...]


def as_json(found: Scan) -> dict[str, Any]:
    """The scan as the command prints it."""
    return {
        "product": found.product,
        "sampled": found.sampled,
        "fields": [
            {
                "table": each.table,
                "field": each.name,
                "texts": each.texts.looked,
                "holding": each.texts.holding,
                "share": None if each.share is None else each.share.value,
                "low": None if each.share is None else each.share.low,
                "high": None if each.share is None else each.share.high,
                "kinds": dict(sorted(each.texts.kinds.items())),
                "pseudonyms": each.texts.replaced,
                "not_looked_through": each.texts.missed,
                "left_out": each.texts.left_out,
            }
            for each in found.fields
        ],
        "sources": [
            {
                "source": each.source,
                "documents": each.documents,
                "with_text": each.with_text,
                "workflows": list(each.workflows),
                "may": None if each.may is None else list(each.may),
            }
            for each in found.reads
        ],
        "tools": [{"tool": one.name, "calls": one.calls, "declared": one.declared} for one in found.tools],
        "models": [
            {"provider": each.name, "region": each.place, "calls": each.calls, "within": each.declared}
            for each in found.models
        ],
        "kept": [
            {
                "table": each.table,
                "rows": each.rows,
                "oldest": each.oldest.isoformat(),
                "keep_ms": each.keep_ms,
                "overdue": each.overdue,
            }
            for each in found.kept
        ],
        "decided": [
            {
                "workflow": each.workflow,
                "declared": each.declared,
                "acts": each.acts,
                "by_a_person": each.attended,
                "roles": {role or "(not said)": count for role, count in each.roles.items()},
            }
            for each in found.decided
        ],
        "jobs": [
            {
                "workflow": each.workflow,
                "declared": each.declared,
                "calls": each.calls,
                "outside": each.outside,
                "share": each.share.value,
                "low": each.share.low,
                "high": each.share.high,
            }
            for each in found.jobs
        ],
        "guards": [
            {
                "guard": each.name,
                "declared": each.declared,
                "calls": each.calls,
                "hits": each.hits,
                "shadow": each.shadow,
                "could_not_check": each.unchecked,
            }
            for each in found.guards
        ],
        "unused": list(found.unused),
        "drift": [
            {"address": each.address, "observed": each.observed, "accept": each.accept, "mend": each.mend}
            for each in found.drift
        ],
    }
