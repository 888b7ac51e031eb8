"""Which sources records show a model to have read, against what the contract lets it see and keep.

May import ``evidence``, ``records`` and this room.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from launchworthy.evidence import Evidence
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Sample, breaches
from launchworthy.monitor.scene import UNIT, Ask, Bind
from launchworthy.records import documents_read

__all__ = ["documents", "source", "unnamed"]


def documents(ask: Ask, bind: Bind) -> str:
    """SELECT of the documents that were read: trace, workflow, source (null where not said), has_text."""
    return documents_read(
        f"trace_id, workflow, start_time, coalesce(simulated, false) AS sim, {UNIT} AS unit",
        where=f"product = {bind(ask.scene.product)} AND start_time >= {bind(ask.since_ns)}"
        f" AND start_time < {bind(ask.until_ns)}",
    )


def unnamed(ask: Ask) -> Evidence | None:
    """Documents of sources that the contract does not name."""
    named = ask.claim.options.get("sources") or ()
    if not named:
        return nothing(ask, "the contract names no source of data", noun="document", release=False)
    bind = Bind()
    found = documents(ask, bind)
    known = ", ".join(bind(name) for name in named)
    return _counted(ask, bind, found, f"source IS NULL OR source NOT IN ({known})")


def source(ask: Ask) -> Evidence | None:
    """Documents of one source where they may not be: seen, stored with their text, of another workflow or of
    another owner. The enforcer lets no row of others in and says of each that it has looked; of a document of
    which nobody says so, it is not known whose row it was."""
    options = ask.claim.options
    may = options.get("may", ())
    bind = Bind()
    found = documents(ask, bind)
    name = bind(ask.claim.address.rpartition("/")[2])
    wrong = []
    if "see" not in may:
        wrong.append("true")
    if "store" not in may:
        wrong.append("has_text")
    if options.get("only_for"):
        wrong.append(f"workflow IS DISTINCT FROM {bind(options['only_for'])}")
    broken, unknown = " OR ".join(wrong) or "false", "false"
    if scope := options.get("scope"):
        unknown = f"source = {name} AND scope_checked IS DISTINCT FROM {bind(scope)}"
    return _counted(ask, bind, found, f"source = {name} AND ({broken})", unknown=unknown)


def _counted(ask: Ask, bind: Bind, found: str, breach: str, *, unknown: str = "false") -> Evidence | None:
    sample = Sample(
        sql="SELECT unit, trace_id AS trace, start_time AS began, sim,"
        f" CASE WHEN coalesce({breach}, false) THEN 1.0 WHEN coalesce({unknown}, false) THEN NULL"
        f" ELSE 0.0 END AS x, 0.0 AS y FROM ({found})",
        parameters=bind.values,
        noun="document",
        missing="records do not say whose row it was; the enforcer does",
    )
    return evidence_of(ask, breaches(ask.scene.query, sample), release=False)
