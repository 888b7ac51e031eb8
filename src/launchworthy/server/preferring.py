"""Preferences that leave for training: only where the contract lets them, checked again, and on record.

May import every room below ``server``.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from launchworthy import __version__
from launchworthy.contract import ClaimKind, Contract
from launchworthy.errors import InputError
from launchworthy.evidence import Evidence
from launchworthy.gold import sources_in
from launchworthy.runtime.boundary import unlearnable
from launchworthy.store.plain import to_json
from launchworthy.store.preferences import Preferences

__all__ = ["checked", "entry_of", "evidence_of", "refuse_unless_declared"]


def refuse_unless_declared(contract: Contract) -> None:
    """A contract says itself what its labels feed.

    Raises:
        InputError: This one does not let preferences leave.
    """
    exported = contract.labels.export
    if "preferences" not in exported:
        said = f"says [{', '.join(exported)}]" if exported else "says nothing"
        raise InputError(
            f"the contract of {contract.product} does not let preferences be exported: labels/export {said}",
            where=f"{contract.product}/labels/export",
            hint="labels: {export: [preferences]}, where what people correct may be learned from",
        )


def checked(
    found: Preferences, contract: Contract, *, read: Callable[[list[str]], dict[str, list[dict[str, Any]]]]
) -> Preferences:
    """Look once more, trace by trace, at what each pair rests on; what may not be learnt from goes.

    Args:
        found: What a query over the records has found.
        contract: In force.
        read: Trace ids → what their spans say of the documents that they read.
    """
    traces = read([trace for pair in found.pairs for trace in (pair.trace_id, pair.other) if trace])
    why = {trace: unlearnable(contract.data, sources_in(spans)) for trace, spans in traces.items()}
    refused = Counter(
        reason for pair in found.pairs if (reason := why[pair.trace_id] or why.get(pair.other or ""))
    )
    kept = [pair for pair in found.pairs if not (why[pair.trace_id] or why.get(pair.other or ""))]
    return replace(found, pairs=kept, left_out={**found.left_out, **refused})


def entry_of(found: Preferences, *, by: str, workflow: str | None) -> dict[str, Any]:
    """What the audit chain keeps of an export: nothing of the texts but their hash."""
    pairs = [asdict(pair) for pair in found.pairs]
    return {
        "what": "preferences",
        "by": by,
        "workflow": workflow,
        "pairs": len(pairs),
        "sha256": hashlib.sha256(to_json(pairs).encode()).hexdigest(),
        "left_out": found.left_out,
    }


def evidence_of(found: Preferences, contract: Contract, *, now: datetime) -> Evidence:
    """For the claim that nothing leaves which may not be learnt from: each pair that left was an occasion."""
    return Evidence(
        claim=f"{contract.product}/labels/export",
        kind=ClaimKind.NEVER,
        value=0.0,
        n=len(found.pairs),
        unit_of_analysis="pair",
        method="each trace read again",
        source="export:preferences",
        producer=f"launchworthy.server {__version__}",
        observed_at=now,
        detail={"left_out": found.left_out},
        simulated=False,
    )
