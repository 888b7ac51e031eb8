"""The one door to a data folder: the same operations on open files and over HTTP.

May import every room below ``server``. ``local.py`` implements it on open files, ``remote.py`` over HTTP,
``operations.py`` says how each method looks as a request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from launchworthy.evidence import ChainFault, Evidence, Ledger, LedgerEntry
from launchworthy.gold import GoldItem, GoldStore, GoldVersion, ReviewStatus
from launchworthy.records import Release, RunPage, RunStore

__all__ = ["ApiKey", "ContractVersion", "Workspace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractVersion:
    """One version of a contract as it was registered; ``version`` is the content address of its text.

    ``problems`` says why the file that is followed cannot be read as it stands now; then this version, the
    last one that could be, stays in force.
    """

    product: str
    version: str
    path: str
    text: str
    registered_at: datetime
    problems: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key without its secret; of the roles ``ingest``, ``read``, ``write`` each includes the last."""

    name: str
    role: str
    created_at: datetime
    revoked_at: datetime | None = None


class Workspace(GoldStore, Ledger, RunStore, Protocol):
    """Everything a command may ask of a data folder."""

    def products(self) -> list[str]:
        """Names of the products known from contracts, records, gold sets, runs or evidence, sorted."""

    def register_contract(self, *, product: str, text: str, path: str) -> str:
        """Store this version of a contract; answers its content address. The same text changes nothing."""

    def contract_version(self, *, product: str) -> ContractVersion | None:
        """The version in force: the registered file as it stands now, or the last one that could be read."""

    def register_release(self, release: Release, *, product: str) -> None:
        """Remember the parts of a release id."""

    def releases(self, *, product: str) -> dict[str, Release]:
        """Known releases by id."""

    def measure(self, *, product: str) -> list[Evidence]:
        """Let the provers that read records and gold sets look again; appends and answers what is new."""

    def verdict(self, *, product: str, stage: str | None = None) -> dict[str, Any] | None:
        """The verdict as of this minute, as ``launchworthy verdict --json``; None without a contract."""

    def gold_page(
        self, *, product: str, name: str, version: str, split: str | None, after: str | None
    ) -> list[GoldItem]:
        """The next few hundred items in order of id, after the one of this id; none where no more are."""

    def run_page(self, run_id: str, *, before: int | None = None) -> RunPage:
        """Some items of a run, those stored last first; ``before`` is that of the page before.

        An item that was stored again stands in an earlier page than what it replaced.
        """

    def record(self, *, product: str, kind: str, body: Mapping[str, Any]) -> LedgerEntry:
        """Append an entry of another kind than evidence, such as a verdict, to the audit chain."""

    def ledger_entries(self, *, product: str, after: int = 0) -> list[LedgerEntry]:
        """Entries of the audit chain, oldest first, from the one that follows number ``after``."""

    def audit(self, *, product: str) -> list[ChainFault]:
        """What is wrong with the audit chain, judged by the newest signed head; empty where it is whole."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Read records with one SELECT over ``spans``, ``outcomes``, ``feedback``, ``scores``,
        ``rollup_hour``."""

    def newest_spans(
        self, *, where: Mapping[str, Any] | None = None, before: int | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Newest spans without their long texts; ``where`` maps a column or ``attributes.NAME`` to its value,
        ``before`` is a start time (ns) to page from."""

    def newest_traces(
        self, *, where: Mapping[str, Any] | None = None, before: int | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Newest root spans, each with spans, errors, tokens and cost of its whole trace."""

    def trace(self, trace_id: str) -> list[dict[str, Any]]:
        """Every span of a trace, all columns, in order of start; empty if there is none."""

    def model_stats(
        self, *, since: datetime, until: datetime, product: str | None = None
    ) -> list[dict[str, Any]]:
        """Calls, errors, P50 and P95 latency, tokens and cost for each model; most calls first."""

    def export(self, table: str, *, out: Path, where: Mapping[str, Any] | None = None) -> int:
        """Write a table of records to a Parquet file; answers the number of rows."""

    def erase_subject(self, *, product: str, user_id: str, by: str) -> Mapping[str, Any]:
        """Leave none of a subject's bytes in any file; answers the audit row."""

    def apply_retention(self) -> Mapping[str, int]:
        """Unlink what is older than the contracts allow; answers rows removed per table."""

    def promote_trace(
        self,
        *,
        product: str,
        name: str,
        trace_id: str,
        by: str,
        expected: Any = None,
        slices: Sequence[str] = (),
    ) -> GoldVersion:
        """Add what a user asked in a trace to a gold set, proposed for review; answers the new version."""

    def review_item(
        self,
        *,
        product: str,
        name: str,
        item_id: str,
        status: ReviewStatus,
        by: str,
        because: str = "",
        expected: Any = None,
    ) -> GoldVersion:
        """Accept or reject a gold item of the newest version; answers the new version."""

    def waiting_items(self, *, product: str, name: str) -> list[GoldItem]:
        """Gold items of the newest version that nobody has reviewed."""

    def add_api_key(self, *, name: str, role: str) -> str:
        """Make an API key; the answer is the only time that its secret is shown."""

    def api_keys(self) -> list[ApiKey]:
        """Every key, revoked ones included, by name."""

    def revoke_api_key(self, *, name: str) -> None:
        """End a key at once."""

    def counters(self) -> Mapping[str, int]:
        """Spans accepted, stored, rejected, and repeated, since the folder was made."""

    def close(self) -> None:
        """Release every file."""
