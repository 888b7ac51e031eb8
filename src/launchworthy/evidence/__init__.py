"""What it proves: the ledger of evidence, its audit chain, the state of each claim and the verdict.

May import ``contract``, ``metrics``, ``stats``, ``records``, ``quantity`` and ``errors``. Knows no prover.
"""

from launchworthy.evidence.chain import GENESIS, ChainFault, Fault, SignedHead, canonical_json, link, verify
from launchworthy.evidence.evidence import Evidence
from launchworthy.evidence.heads import (
    append_head,
    load_signing_key,
    read_heads,
    read_public_key,
    sign_head,
)
from launchworthy.evidence.status import ClaimStatus, Ledger, LedgerEntry, Plan, State

__all__ = [
    "GENESIS",
    "ChainFault",
    "ClaimStatus",
    "Evidence",
    "Fault",
    "Ledger",
    "LedgerEntry",
    "Plan",
    "SignedHead",
    "State",
    "append_head",
    "canonical_json",
    "link",
    "load_signing_key",
    "read_heads",
    "read_public_key",
    "sign_head",
    "verify",
]
