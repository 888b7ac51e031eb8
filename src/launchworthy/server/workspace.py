"""The one door to a data folder: the same operations on open files and over HTTP.

``open_workspace`` answers with a local workspace when no server owns the folder, and with a remote one
when a server does. May import every room below ``server``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from launchworthy.evidence import Evidence, Ledger
from launchworthy.gold import GoldStore
from launchworthy.records import Release, RunStore

__all__ = ["Workspace"]


class Workspace(GoldStore, Ledger, RunStore, Protocol):
    """Everything a command may ask of a data folder."""

    def register_contract(self, *, product: str, text: str, path: str) -> str:
        """Store this version of a contract; answers its content address. The same text changes nothing."""

    def products(self) -> list[str]:
        """Names of the products known from contracts or records, sorted."""

    def register_release(self, release: Release, *, product: str) -> None:
        """Remember the parts of a release id."""

    def releases(self, *, product: str) -> dict[str, Release]:
        """Known releases by id."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Read records with one SELECT over ``spans``, ``outcomes``, ``feedback``, ``scores``,
        ``rollup_hour``."""

    def export(self, table: str, *, out: Path, where: Mapping[str, Any] | None = None) -> int:
        """Write a table of records to a Parquet file; answers the number of rows."""

    def erase_subject(self, *, product: str, user_id: str, by: str) -> Mapping[str, Any]:
        """Leave none of a subject's bytes in any file; answers the audit row."""

    def apply_retention(self, *, now: datetime) -> Mapping[str, int]:
        """Unlink what is older than the contract allows; answers rows and files removed per table."""

    def attest(self, *, product: str, attestation: Evidence) -> None:
        """Append an attestation, signed with a name, dated and expiring."""

    def close(self) -> None:
        """Release every file."""
