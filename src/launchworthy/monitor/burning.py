"""Promises as budgets: how fast each is used up in the records, and when it ends.

May import ``contract``, ``stats`` and this room. "At most 1 % fail" allows one bad call in a hundred;
"P95 at most 4 s" allows one in twenty to be slower: both are a share of calls that may be bad, so both burn.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters, numbers are written by repr)
from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from launchworthy.contract import Claim, ClaimKind, Direction
from launchworthy.errors import InputError
from launchworthy.evidence import Evidence
from launchworthy.monitor.measuring import measure_of
from launchworthy.monitor.sample import Taken, Taking
from launchworthy.monitor.scene import Ask, Query, Scene, look
from launchworthy.stats import Burn, budget_used, burn_rates

__all__ = ["PERIOD_S", "Burning", "burning", "is_budget", "most_called"]

PERIOD_S = 30 * 86_400.0
_BUCKET_S = 60  # a fifth of the shortest window
_FAMILIES = frozenset({"reliability", "economics", "trust", "outcomes", "limits"})
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Burning:
    """A promise as a budget at one moment.

    Attributes:
        claim: The promise.
        budget: Share of events that may be bad.
        counts: Time in seconds since the epoch, events and bad ones, by minutes, oldest first.
        used: Part of the period's budget that is used up; 1 is all of it.
        burns: What each pair of windows says.
        noun: What an event is: ``call``, ``use`` …
        traces: The newest bad ones, hex.
    """

    claim: Claim
    budget: float
    counts: tuple[tuple[float, int, int], ...]
    used: float
    burns: tuple[Burn, ...]
    noun: str
    traces: tuple[str, ...]

    @property
    def worst(self) -> Burn | None:
        """The most urgent of those that fire."""
        return next((burn for burn in self.burns if burn.fires), None)

    @property
    def silent(self) -> bool:
        """Nothing came in any window: nobody can tell."""
        return all(burn.silent for burn in self.burns)


def is_budget(claim: Claim) -> bool:
    """Whether a promise allows a share of events to be bad."""
    return _allowed(claim) is not None


def burning(
    claims: Iterable[Claim],
    *,
    product: str,
    query: Query,
    release: str | None,
    now: datetime,
    period_s: float = PERIOD_S,
) -> list[Burning]:
    """Every promise that is a budget and of which records tell.

    Args:
        claims: Claims of one contract.
        product: Product whose records are read.
        query: Answers one SELECT over the records.
        release: Release id; None for records that name none.
        now: End of the windows (aware).
        period_s: What a budget is for.
    """
    known = list(claims)
    budgets = [(claim, allowed) for claim in known if (allowed := _allowed(claim)) is not None]
    if not budgets:
        return []
    scene = look(known, product=product, query=query, release=release, now=now)
    found = []
    for claim, allowed in budgets:
        one = _burning(claim, allowed, scene, period_s=period_s)
        if one is not None:
            found.append(one)
    return found


def most_called(query: Query, *, product: str) -> str | None:
    """The release with the most records; None for records that name none, or without any."""
    rows = query(
        "SELECT release, sum(n)::BIGINT AS n FROM rollup_hour WHERE product = ? GROUP BY release"
        " ORDER BY n DESC LIMIT 1",
        [product],
    )
    return rows[0]["release"] if rows else None


def _allowed(claim: Claim) -> float | None:
    """Share of events that may be bad; None where the promise is none of a share."""
    target = claim.target
    if claim.kind is not ClaimKind.BOUND or claim.family not in _FAMILIES or target is None:
        return None
    if "_p" in claim.metric and target.direction is Direction.AT_MOST and target.unit == "ms":
        try:
            budget = 1.0 - float(claim.metric.rpartition("_p")[2]) / 100.0
        except ValueError:
            return None
    elif target.unit == "ratio":
        budget = target.threshold if target.direction is Direction.AT_MOST else 1.0 - target.threshold
    else:
        return None
    return budget if 0.0 < budget < 1.0 else None


def _burning(claim: Claim, budget: float, scene: Scene, *, period_s: float) -> Burning | None:
    measure = measure_of(claim)
    ask = Ask(
        claim=claim,
        family=claim.family,
        metric=claim.metric,
        workflow=claim.workflow,
        window_s=period_s,
        scene=replace(scene, query=Taking(scene.query)),
    )
    if measure is None or not ask.seen():
        return None
    taken = _taken(measure, ask)
    bad = None if taken is None else _bad(claim, taken)
    if taken is None or bad is None:
        return None
    rows = scene.query(
        f"SELECT floor(began / {_BUCKET_S * 10**9})::BIGINT AS bucket, count(*) AS events,"
        f" count(*) FILTER ({bad}) AS bad FROM ({taken.sample.finite}) WHERE x IS NOT NULL"
        " GROUP BY bucket ORDER BY bucket",
        taken.sample.parameters,
    )
    newest = scene.query(
        f"SELECT lower(hex(trace)) AS trace FROM ({taken.sample.finite}) WHERE {bad}"
        f" ORDER BY began DESC LIMIT {_SHOWN}",
        taken.sample.parameters,
    )
    # A minute counts in a window that its end lies in.
    counts = tuple(
        (float(row["bucket"] + 1) * _BUCKET_S, int(row["events"]), int(row["bad"])) for row in rows
    )
    now_s = math.ceil(scene.now.timestamp() / _BUCKET_S) * float(_BUCKET_S)
    return Burning(
        claim=claim,
        budget=budget,
        counts=counts,
        used=budget_used(counts, budget=budget, now_s=now_s, period_s=period_s),
        burns=tuple(burn_rates(counts, budget=budget, now_s=now_s, period_s=period_s)),
        noun=taken.sample.noun,
        traces=tuple(row["trace"] for row in newest),
    )


def _taken(measure: Callable[[Ask], Evidence | None], ask: Ask) -> Taken | None:
    try:
        measure(ask)
    except Taken as taken:
        return taken
    except InputError:
        return None
    return None


def _bad(claim: Claim, taken: Taken) -> str | None:
    """SQL that is true of a bad row."""
    if taken.statistic == "share":
        return f"x = {1 if taken.high_is_bad else 0}"
    if taken.statistic == "quantile" and claim.target is not None:
        return f"x > {claim.target.threshold!r}"
    return None
