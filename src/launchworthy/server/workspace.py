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

from launchworthy.evidence import Evidence, Ledger
from launchworthy.gold import GoldStore
from launchworthy.records import Release, RunStore

__all__ = ["ApiKey", "ContractVersion", "Workspace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractVersion:
    """One version of a contract as it was registered; ``version`` is the content address of its text."""

    product: str
    version: str
    path: str
    text: str
    registered_at: datetime


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
        """Names of the products known from contracts or records, sorted."""

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

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Read records with one SELECT over ``spans``, ``outcomes``, ``feedback``, ``scores``,
        ``rollup_hour``."""

    def export(self, table: str, *, out: Path, where: Mapping[str, Any] | None = None) -> int:
        """Write a table of records to a Parquet file; answers the number of rows."""

    def erase_subject(self, *, product: str, user_id: str, by: str) -> Mapping[str, Any]:
        """Leave none of a subject's bytes in any file; answers the audit row."""

    def apply_retention(self) -> Mapping[str, int]:
        """Unlink what is older than the contracts allow; answers rows removed per table."""

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
