"""Whether a release that goes out step by step does harm: it against what the others get, in the same days.

May import ``contract``, ``evidence``, ``stats`` and this room. A harm is a metric of the contract that may
get worse by a margin and no more. Both releases are read from the moment on when the first user got the
candidate; whoever had both is left out, and counted. The numbers are looked at all the time, so the bounds
are those of confidence sequences, and since any one harm takes the release back, the harms share the error.
They leave at least half of it to the planned looks of a ramp, which read the standard error beside them: of
two shares with the candidate's at the margin (Blackwelder, Controlled Clinical Trials 3, 1982), since one
that happens to see few events would look more certain than it is.

A quantile is compared by the two quantiles' own sequences, put together as Donner and Zou do (MOVER,
Statistical Methods in Medical Research 21, 2012).
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters, numbers are written by repr)
from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from launchworthy.contract import Claim, Direction
from launchworthy.evidence import Evidence
from launchworthy.monitor.group_harms import gap_between_releases
from launchworthy.monitor.piece import nothing, piece
from launchworthy.monitor.sample import WORST, Sample, Taken, Taking
from launchworthy.monitor.scene import Ask, Query, Scene, look
from launchworthy.stats import (
    FEWEST_EVENTS,
    FEWEST_WATCHED,
    Interval,
    asymptotic_sequence,
    equal_arm_users,
    error_at_margin,
    harm_level,
    share_sequence,
    watched_shares,
)

__all__ = ["harm"]

_Measure = Callable[[Ask], Evidence | None]


@dataclass(frozen=True, slots=True)
class _Arm:
    """Sums over the users of a release: k is what was measured in each, m what it is divided by."""

    units: int
    k: float
    m: float
    kk: float
    km: float
    mm: float
    telling: int
    single: bool

    @property
    def value(self) -> float:
        return self.k / self.m

    @property
    def worth(self) -> float:
        """Users with one call each that weigh as much as these (Kish, Survey Sampling, 1965)."""
        return self.m * self.m / self.mm

    @property
    def standard_error(self) -> float:
        """Of k / m, by the delta method over users."""
        n, value = self.units, self.value
        moved = max(0.0, self.kk - 2.0 * value * self.km + value * value * self.mm)
        return math.sqrt(n / (n - 1) * moved) / self.m if n > 1 else math.inf


def harm(ask: Ask, measure_of: Callable[[str], _Measure | None]) -> Evidence | None:
    """The difference that the candidate makes to a harm; None where no ramp is under way.

    Args:
        ask: A claim of ``rollout/harms``.
        measure_of: Finds the measure of ``bound:family/metric``.
    """
    scene, baseline = ask.scene, ask.scene.baseline
    if baseline is None or scene.not_before is None:
        return None
    of = scene.claims.get(f"{scene.product}/{ask.claim.options['of']}")
    found = None if of is None else measure_of(f"{of.kind.value}:{of.family}/{of.metric}")
    if of is None or (found is None and of.family != "fairness"):
        return nothing(ask, f"{ask.claim.options['of']} is not compared between two releases")
    claims = list(scene.claims.values())
    others = look(claims, product=scene.product, query=scene.query, release=baseline, now=scene.now)
    if of.family == "fairness":
        return _between_groups(ask, of, others=others)
    assert found is not None  # noqa: S101 (for the type checker; told above)
    own = _taken(_of(ask, of, scene.query), found)
    other = _taken(
        replace(
            _of(ask, of, scene.query),
            scene=replace(others, query=Taking(scene.query), not_before=scene.not_before),
        ),
        found,
    )
    for side, name in ((own, scene.release), (other, baseline)):
        if isinstance(side, str):
            return nothing(ask, f"of {name}: {side}")
    assert isinstance(own, Taken)  # noqa: S101 (for the type checker; told above)
    assert isinstance(other, Taken)  # noqa: S101
    return _difference(ask, own, other)


def _of(ask: Ask, of: Claim, query: Query) -> Ask:
    """The claim that the harm is about, asked for its rows since the ramp began."""
    return replace(
        ask,
        claim=of,
        family=of.family,
        metric=of.metric,
        workflow=of.workflow,
        window_s=1e12,
        scene=replace(ask.scene, query=Taking(query)),
    )


def _between_groups(ask: Ask, of: Claim, *, others: Scene) -> Evidence | None:
    """A promise about groups: how much further apart the candidate has them."""
    mine = _of(ask, of, ask.scene.query)
    level = harm_level(ask.claim.confidence, harms=_harms(ask))
    found = gap_between_releases(
        replace(mine, scene=ask.scene),
        replace(mine, scene=replace(others, not_before=ask.scene.not_before)),
        level=level,
    )
    if isinstance(found, str):
        return nothing(ask, found, noun="use")
    interval, told = found
    return _told(ask, interval, told, level=level, worst=told.pop("worst"))


def _more_is_better(claim: Claim) -> bool:
    return claim.target is not None and claim.target.direction is Direction.AT_LEAST


def _harms(ask: Ask) -> int:
    return sum(claim.metric == "harms" for claim in ask.scene.claims.values())


def _taken(ask: Ask, found: _Measure) -> Taken | str:
    """The rows of one release; why there are none, where there are none."""
    try:
        made = found(ask)
    except Taken as taken:
        return taken
    reason = None if made is None else made.detail.get("reason")
    return str(reason or "no record tells it")


def _difference(ask: Ask, own: Taken, other: Taken) -> Evidence | None:
    level = harm_level(ask.claim.confidence, harms=_harms(ask))
    if own.statistic == "quantile":
        found = _quantiles(ask, own, other, level=level)
    else:
        found = _ratios(ask, own, other, level=level)
    if isinstance(found, str):
        return nothing(ask, found)
    return _told(ask, *found, level=level, worst=_worst(ask.scene.query, own))


def _told(
    ask: Ask, interval: Interval, told: dict[str, Any], *, level: float, worst: list[dict[str, Any]]
) -> Evidence:
    since = ask.scene.not_before
    told |= {
        "baseline_release": ask.scene.baseline,
        "since": None if since is None else since.isoformat(),
        "harms": _harms(ask),
        "worst": worst,
    }
    return replace(
        piece(
            ask,
            value=interval.value,
            low=interval.low,
            high=interval.high,
            n=interval.n,
            unit=interval.unit,
            method=interval.method,
            unit_of_analysis="user",
            simulated=bool(told.pop("simulated")),
            detail=told,
        ),
        confidence=level,
    )


def _ratios(ask: Ask, own: Taken, other: Taken, *, level: float) -> tuple[Interval, dict[str, Any]] | str:
    under = "y" if own.statistic == "ratio" else "1.0"
    arms, told = _arms(ask.scene.query, own.sample, other.sample, over="x", under=under)
    if isinstance(arms, str):
        return arms
    candidate, baseline = arms
    unit = ask.claim.target.unit if ask.claim.target is not None else ""
    n = candidate.units + baseline.units
    told |= {"candidate": candidate.value, "baseline": baseline.value}
    if own.statistic == "share":
        # The planned looks know it by this where events are rare, however sure those that came look.
        told["standard_error"] = _error_at_margin(ask, candidate, baseline)
        if candidate.single and baseline.single:
            counts = (round(baseline.k), round(candidate.k))
            watched = watched_shares(counts, n=(baseline.units, candidate.units), level=level, sides=1)
            return replace(watched, unit=unit), told
    gap = candidate.value - baseline.value
    error = math.hypot(candidate.standard_error, baseline.standard_error)
    few = min(candidate.units, baseline.units) < FEWEST_WATCHED
    if own.statistic == "share":
        few = few or candidate.telling + baseline.telling < FEWEST_EVENTS
        level = 0.5 + 0.5 * level  # two kinds of bounds, of which the better one is taken
        found = _exact_shares(candidate, baseline, level=level)
    else:
        found = _open(gap, n=n, level=level, unit=unit)
        if few:
            told["remark"] = (
                f"bounds are given from {FEWEST_WATCHED} users of each release on:"
                f" {ask.scene.release} has {candidate.units:,}, {ask.scene.baseline} {baseline.units:,}"
            )
        elif not 0.0 < error < math.inf:
            told["remark"] = "no two users differ in it yet, so that no bounds can be told"
    if not few and 0.0 < error < math.inf:
        told["standard_error"] = error
        time = equal_arm_users(candidate.units, baseline.units)
        near = asymptotic_sequence(gap, standard_error=error, n=time, level=level, sides=1)
        found = replace(near, low=max(found.low, near.low), high=min(found.high, near.high))
    return replace(found, value=gap, n=n, unit=unit), told


def _error_at_margin(ask: Ask, candidate: _Arm, baseline: _Arm) -> float | None:
    """Of two shares with the candidate's at the margin; None where too few users are known."""
    error = float(
        error_at_margin(
            baseline.value,
            margin=ask.claim.margin or 0.0,
            n=(baseline.worth, candidate.worth),
            higher_is_better=_more_is_better(ask.claim),
        )
    )
    return None if math.isnan(error) else error


def _exact_shares(candidate: _Arm, baseline: _Arm, *, level: float) -> Interval:
    """Of users with several calls: exact bounds as if all calls of a user always ended alike, so that each
    release is worth as many users as weigh alike (Kish)."""
    hits = (baseline.value * baseline.worth, candidate.value * candidate.worth)
    return share_sequence(hits, n=(baseline.worth, candidate.worth), level=level)


def _quantiles(ask: Ask, own: Taken, other: Taken, *, level: float) -> tuple[Interval, dict[str, Any]] | str:
    query, ends = ask.scene.query, []
    told: dict[str, Any] = {}
    spread = 0.0
    for name, side in (("candidate", own), ("baseline", other)):
        value = _at(query, side.sample, [side.q])
        if not value:
            return "no record tells it"
        over = f"(x > {value[0]!r})::DOUBLE"
        arms, shared = _arms(query, own.sample, other.sample, over=over, under="1.0")
        if isinstance(arms, str):
            return arms
        arm = arms[0] if name == "candidate" else arms[1]
        told |= shared
        told[name] = value[0]
        low, high = -math.inf, math.inf
        if arm.units >= FEWEST_WATCHED and arm.telling >= FEWEST_EVENTS // 2:
            near = asymptotic_sequence(
                0.0, standard_error=arm.standard_error, n=arm.units, level=0.5 + 0.5 * level, sides=1
            )
            low, high = _ranks(query, side, near.high)
            # By the ranks one standard error away, as Woodruff has it (JASA 47, 1952).
            spread = math.hypot(
                spread, 0.5 * math.dist(*([end] for end in _ranks(query, side, arm.standard_error)))
            )
        else:
            spread = math.inf
            told["remark"] = (
                f"bounds are given from {FEWEST_WATCHED} users of each release on, of whom"
                f" {FEWEST_EVENTS // 2} have calls above it and as many below:"
                f" {ask.scene.release if name == 'candidate' else ask.scene.baseline} has {arm.units:,}, and"
                f" {arm.telling:,} on the rarer side"
            )
        ends.append((value[0], low, high, arm.units))
    told["standard_error"] = spread if 0.0 < spread < math.inf else None
    (mine, low, high, n), (theirs, their_low, their_high, m) = ends
    gap = mine - theirs
    interval = Interval(
        value=gap,
        low=gap - math.hypot(mine - low, their_high - theirs),
        high=gap + math.hypot(high - mine, theirs - their_low),
        confidence=level,
        n=n + m,
        method="confidence sequences of two quantiles, MOVER",
        sides=1,
        unit="ms",
        sample={},
    )
    return interval, told


def _ranks(query: Query, side: Taken, half: float) -> tuple[float, float]:
    """The quantiles by ``half`` to either side; where that leaves 0 to 1, there is no bound."""
    lower, upper = side.q - half, side.q + half
    places = [place for place in (lower, upper) if 0.0 < place < 1.0]
    found = dict(zip(places, _at(query, side.sample, places), strict=True)) if places else {}
    return found.get(lower, -math.inf), found.get(upper, math.inf)


def _at(query: Query, sample: Sample, places: Sequence[float]) -> list[float]:
    told = ", ".join(repr(place) for place in places)
    row = query(
        f"SELECT quantile_disc(x, [{told}]) AS found FROM ({sample.finite}) AS sample", sample.parameters
    )[0]
    return [float(value) for value in row["found"] or ()]


def _open(value: float, *, n: int, level: float, unit: str) -> Interval:
    return Interval(
        value=value,
        low=-math.inf,
        high=math.inf,
        confidence=level,
        n=n,
        method="too few users to bound",
        sides=1,
        unit=unit,
        sample={},
    )


def _arms(
    query: Query, own: Sample, other: Sample, *, over: str, under: str
) -> tuple[tuple[_Arm, _Arm] | str, dict[str, Any]]:
    """Sums over the users of both releases, without those who had both."""
    shift = len(own.parameters)
    theirs = re.sub(r"\$(\d+)", lambda found: f"${int(found[1]) + shift}", other.finite)
    of_unit = f"SELECT unit, sum({over}) AS k, sum({under}) AS m, count(*) AS n, count(*) FILTER (sim) AS sim"
    rows = query(
        f"WITH c AS MATERIALIZED ({of_unit} FROM ({own.finite}) WHERE x IS NOT NULL GROUP BY unit),"
        f" b AS MATERIALIZED ({of_unit} FROM ({theirs}) WHERE x IS NOT NULL GROUP BY unit),"
        " shared AS MATERIALIZED (SELECT unit FROM c INTERSECT SELECT unit FROM b),"
        " every AS (SELECT 0 AS arm, * FROM c UNION ALL SELECT 1, * FROM b)"
        " SELECT arm, count(*) AS units, sum(k) AS k, sum(m) AS m, sum(k * k) AS kk, sum(k * m) AS km,"
        " sum(m * m) AS mm, max(n) AS most, sum(sim) AS sim,"
        " least(count(*) FILTER (k > 0), count(*) FILTER (k < m)) AS telling,"
        " (SELECT count(*) FROM shared) AS switched"
        " FROM every WHERE unit NOT IN (SELECT unit FROM shared) GROUP BY arm ORDER BY arm",
        [*own.parameters, *other.parameters],
    )
    if len(rows) < 2 or not all(row["m"] for row in rows):
        return "not both releases have users of whom it is known", {}
    told = {
        "users": rows[0]["units"],
        "baseline_users": rows[1]["units"],
        "switched": rows[0]["switched"],
        "simulated": any(row["sim"] for row in rows),
    }
    return (_arm(rows[0]), _arm(rows[1])), told


def _arm(row: Mapping[str, Any]) -> _Arm:
    return _Arm(
        units=int(row["units"]),
        k=float(row["k"]),
        m=float(row["m"]),
        kk=float(row["kk"]),
        km=float(row["km"]),
        mm=float(row["mm"]),
        telling=int(row["telling"]),
        single=row["most"] == 1,
    )


def _worst(query: Query, own: Taken) -> list[dict[str, Any]]:
    """Traces of the candidate to look at, as ``{"trace"}``: the worst, or the newest that went wrong."""
    sample = own.sample
    if own.statistic == "share":
        which, order = f"x = {1 if own.high_is_bad else 0}", "began DESC"
    else:
        which, order = "x IS NOT NULL", f"x {'DESC' if own.high_is_bad else 'ASC'}"
    rows = query(
        f"SELECT lower(hex(trace)) AS trace FROM ({sample.finite}) WHERE {which}"
        f" ORDER BY {order} LIMIT {WORST}",
        sample.parameters,
    )
    return [dict(row) for row in rows]
