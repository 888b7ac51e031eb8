"""Where an evaluation keeps and finds things. May import ``evidence``, ``gold`` and ``records``."""

from __future__ import annotations

from typing import Protocol

from launchworthy.evidence import Ledger
from launchworthy.gold import GoldStore
from launchworthy.records import RunStore

__all__ = ["EvalStore"]


class EvalStore(GoldStore, RunStore, Ledger, Protocol):
    """Where gold sets, runs and evidence rest; a workspace is one."""
