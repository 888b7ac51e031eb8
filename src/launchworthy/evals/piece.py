"""From what was found in a run to evidence: the one place where a run becomes a line of the ledger.

May import ``contract``, ``evidence`` and ``records``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from launchworthy import __version__
from launchworthy.contract import Claim
from launchworthy.evidence import Evidence
from launchworthy.records import Run

__all__ = ["PRODUCER", "piece"]

PRODUCER = f"launchworthy.evals {__version__}"


def piece(claim: Claim, run: Run, *, now: datetime, detail: Mapping[str, Any], **fields: Any) -> Evidence:
    """Evidence for the claim from the run, with these fields; ``detail`` names the run besides."""
    return Evidence(
        claim=claim.address,
        kind=claim.kind,
        confidence=claim.confidence,
        release=run.release,
        gold=run.gold,
        source=f"run:{run.id}",
        producer=PRODUCER,
        observed_at=now,
        **{"simulated": run.simulated, **fields},
        detail={"run": run.id, **detail},
    )
