"""Whether what is served answers as what was proven: two runs of one release, one of them over HTTP.

May import ``contract``, ``evidence``, ``records`` and this room.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from launchworthy.contract import Claim
from launchworthy.evals.answer import read_answer
from launchworthy.evals.piece import piece
from launchworthy.evidence import Evidence
from launchworthy.records import Run, RunItem, RunStore
from launchworthy.stats import clopper_pearson

__all__ = ["is_of_serving", "served_evidence"]

_ADDRESSES = ("http://", "https://")
_OF_THE_CALL = frozenset({"trace_id", "cost_usd", "latency_ms"})  # differs though the answer is the same
_SHOWN = 20


def is_of_serving(claim: Claim) -> bool:
    """Whether a claim asks that a platform serves what was proven."""
    return (claim.family, claim.metric) == ("release", "serving")


def served_evidence(
    claims: Iterable[Claim], store: RunStore, run: Run, *, ids: Collection[str], now: datetime
) -> list[Evidence]:
    """The share of items that were answered otherwise over HTTP than by the release itself, item by item.

    Args:
        claims: Claims of the contract; those about serving are spoken for.
        store: Where runs rest: the newest other one of the same release and gold set is compared.
        run: The run that is over.
        ids: Its items.
        now: When the measurement is made.
    """
    asked = [claim for claim in claims if is_of_serving(claim)]
    other = _other_side(store, run) if asked else None
    if other is None:
        return []
    served, local = (run, other) if _over_http(run) else (other, run)
    answers = {item.item_id: item for item in store.iter_run_items(local.id) if item.item_id in ids}
    n, unscored, apart = 0, 0, []
    for item in store.iter_run_items(served.id):
        own = answers.get(item.item_id)
        if own is None:
            continue
        if item.error is not None or own.error is not None:
            unscored += 1
            continue
        n += 1
        if not _same(_said(own), _said(item)):
            apart.append(item)
    return [
        _evidence(claim, served, local, n=n, unscored=unscored, apart=apart, now=now) for claim in asked if n
    ]


def _over_http(run: Run) -> bool:
    return run.target.startswith(_ADDRESSES)


def _other_side(store: RunStore, run: Run) -> Run | None:
    fitting = (
        other
        for other in store.runs(product=run.product, workflow=run.workflow)
        if other.id != run.id
        and other.status == "complete"
        and (other.release, other.gold) == (run.release, run.gold)
        and _over_http(other) is not _over_http(run)
    )
    return next(fitting, None)


def _said(item: RunItem) -> Mapping[str, Any]:
    fields = read_answer(item.output).fields
    return {name: value for name, value in fields.items() if name not in _OF_THE_CALL}


def _same(one: Any, other: Any) -> bool:
    """Equal, numbers to six digits: two machines add up in another order."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
    return bool(one == other)


def _evidence(
    claim: Claim, served: Run, local: Run, *, n: int, unscored: int, apart: list[RunItem], now: datetime
) -> Evidence:
    share = clopper_pearson(len(apart), n=n, level=claim.confidence)
    worst = sorted(apart, key=lambda item: item.item_id)[:_SHOWN]
    return piece(
        claim,
        served,
        now=now,
        value=share.value,
        low=share.low,
        high=share.high,
        n=n,
        unit="ratio",
        unit_of_analysis="item",
        unscored=unscored,
        method=share.method,
        sample=dict(share.sample),
        simulated=served.simulated or local.simulated,
        detail={
            "baseline_run": local.id,
            "target": served.target,
            "worse": [{"item": item.item_id, "trace": item.trace_id} for item in worst],
            "remark": f"served by {served.target}, against {local.target}",
        },
    )
