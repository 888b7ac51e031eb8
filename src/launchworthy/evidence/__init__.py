"""What it proves: the ledger of evidence, its audit chain, the state of each claim and the verdict.

May import ``contract``, ``metrics``, ``stats``, ``records``, ``quantity`` and ``errors``. Knows no prover.
"""

from launchworthy.evidence.evidence import Evidence
from launchworthy.evidence.status import ClaimStatus, Ledger, LedgerEntry, Plan, State

__all__ = ["ClaimStatus", "Evidence", "Ledger", "LedgerEntry", "Plan", "State"]
