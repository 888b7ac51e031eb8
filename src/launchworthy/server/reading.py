"""What the console reads, answered by the workspace. May import every room below ``server``."""

from __future__ import annotations

from collections.abc import Sequence

from launchworthy.contract import Contract
from launchworthy.server.local import LocalWorkspace

__all__ = ["WorkspaceReading"]


class WorkspaceReading:
    """Meets ``console.reading.Reading`` over an open workspace."""

    def __init__(self, workspace: LocalWorkspace) -> None:
        self._workspace = workspace
        self.products = workspace.products
        self.gold_versions = workspace.gold_versions
        self.looks = workspace.looks
        self.runs = workspace.runs
        self.run = workspace.run
        self.run_items = workspace.run_items
        self.query = workspace.query
        self.counters = workspace.counters
        self.rejections = workspace.rejections
        self.verdict = workspace.judge.verdict

    def contract(self, product: str) -> Contract | None:
        """The contract in force; None where none is registered."""
        known = self._workspace.contracts.in_force(product)
        return None if known is None else known.contract

    def problems(self, product: str) -> Sequence[str]:
        """Why the contract file cannot be read as it stands now; empty where it can."""
        version = self._workspace.contracts.version(product)
        return () if version is None else version.problems
