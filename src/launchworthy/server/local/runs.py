"""Evaluation runs and their items.

May import every room below ``server``, and ``server``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from launchworthy.records import Run, RunItem, RunPage
from launchworthy.server.local.opened import Opened

__all__ = ["Runs"]


class Runs(Opened):
    """Evaluation runs and their items."""

    def add_run(self, run: Run) -> None:
        """Store a new run, or replace the header of one with the same id (its items stay)."""
        self._store.runs.add_run(run)

    def add_run_items(self, run_id: str, items: Sequence[RunItem]) -> None:
        """Append items durably; an item id that the run already has is replaced, never doubled."""
        self._store.runs.add_run_items(run_id, items)

    def run(self, run_id: str) -> Run:
        """The header."""
        return self._store.runs.run(run_id)

    def runs(self, *, product: str | None = None, workflow: str | None = None) -> list[Run]:
        """Newest first."""
        return self._store.runs.runs(product=product, workflow=workflow)

    def run_items(self, run_id: str) -> list[RunItem]:
        """In order of item id."""
        return self._store.runs.run_items(run_id)

    def run_page(self, run_id: str, *, before: int | None = None) -> RunPage:
        """Some items of a run, those stored last first; ``before`` is that of the page before."""
        return self._store.runs.run_page(run_id, before=before)

    def iter_run_items(self, run_id: str) -> Iterator[RunItem]:
        """Each item once, in no order."""
        return self._store.runs.iter_run_items(run_id)
