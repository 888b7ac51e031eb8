"""What a scan of records found, as values. May import ``stats`` and this room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from launchworthy.monitor.personal import Texts
from launchworthy.stats import Interval

__all__ = ["Drift", "Field", "Kept", "Reads", "Scan", "Uses", "as_json"]


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
class Drift:
    """One way in which what is observed differs from what is declared.

    Attributes:
        address: Line of the contract.
        observed: What records show.
        accept: What to write into the contract where that is right; None where nothing can make it so.
        mend: What to do where it is not.
    """

    address: str
    observed: str
    accept: str | None
    mend: str


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
        "unused": list(found.unused),
        "drift": [
            {"address": each.address, "observed": each.observed, "accept": each.accept, "mend": each.mend}
            for each in found.drift
        ],
    }
