"""Whether users come to it and stay: adoption, from their calls and successes. May import ``evidence`` and
this room.

A user is new where none of their calls stands in the stretch before the first one, which is as long as the
claim's evidence counts. What a release answered does not matter: a user comes to the product.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from launchworthy.evidence import Evidence
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Sample, share
from launchworthy.monitor.scene import Ask, Bind
from launchworthy.monitor.uses import success_of, uses
from launchworthy.quantity import format_value

__all__ = ["MEASURES"]

_DAY_S = 86_400.0
_WEEK_S = 7 * _DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """Seconds: how old a first call must be, over how long first calls count, and before them none may be."""

    matures_s: float
    window_s: float
    before_s: float


def _stretch(ask: Ask, matures_s: float) -> _Stretch | str:
    """As long as the claim's evidence counts, or the records reach back; where that is too little, why."""
    kept_ms = ask.scene.option(None, "data/retention/traces").get("kept_ms")
    whole = ask.window_s
    if kept_ms is None:
        return _Stretch(matures_s=matures_s, window_s=whole, before_s=whole)
    room = float(kept_ms) / 1e3 - matures_s
    if room < 2 * _DAY_S:
        kept, needed = (format_value(ms, unit="ms") for ms in (kept_ms, (matures_s + 2 * _DAY_S) * 1e3))
        return f"records are kept {kept} (data/retention/traces), and to see it they must be kept {needed}"
    before_s = min(whole, room / 2)
    return _Stretch(matures_s=matures_s, window_s=min(whole, room - before_s), before_s=before_s)


def _firsts(ask: Ask, bind: Bind, stretch: _Stretch) -> str:
    """SELECT of the new users: ``unit``, ``trace`` and ``first`` of their first call, ``sim``."""
    calls = _calls(ask, bind, stretch)
    until_ns = ask.matured(stretch.matures_s).until_ns
    since_ns = until_ns - int(stretch.window_s * 1e9)
    return (
        "SELECT unit, arg_min(trace_id, start_time) AS trace, min(start_time) AS first, bool_or(sim) AS sim"
        f" FROM ({calls}) WHERE user_id IS NOT NULL GROUP BY unit"
        f" HAVING min(start_time) >= {bind(since_ns)} AND min(start_time) < {bind(until_ns)}"
    )


def _calls(ask: Ask, bind: Bind, stretch: _Stretch) -> str:
    whole = stretch.matures_s + stretch.window_s + stretch.before_s
    return ask.within(whole).seen_by_people().calls(bind, any_release=True)


def _told(ask: Ask, sample: Sample, stretch: _Stretch, *, too_young: str) -> Evidence | None:
    found = share(ask.scene.query, sample, level=ask.claim.confidence, bad=0)
    asked = replace(ask, window_s=stretch.window_s, matures_s=stretch.matures_s)
    if piece := evidence_of(asked, found, release=False):
        return piece
    bind = Bind()
    named = ask.scene.query(f"SELECT count(user_id) AS n FROM ({_calls(ask, bind, stretch)})", bind.values)[
        0
    ]["n"]
    return nothing(ask, too_young if named else "no call names its user", noun="user", release=False)


def _activation(ask: Ask) -> Evidence | None:
    """Of new users, those who came to a success soon enough."""
    within_s = float(ask.claim.options.get("within_ms") or _WEEK_S * 1e3) / 1e3
    named = {
        name: success
        for name in sorted(each for each in ask.scene.calls if each is not None)
        if (success := success_of(replace(ask, workflow=name))) is not None
    }
    if not named:
        return nothing(ask, "no workflow names its success event", noun="user", release=False)
    # What may still be taken back is not yet a success.
    settles_s = max((each.horizon_s for each in named.values() if each.unless), default=0.0)
    stretch = _stretch(ask, within_s + settles_s)
    if isinstance(stretch, str):
        return nothing(ask, stretch, noun="user", release=False)
    bind = Bind()
    firsts = _firsts(ask, bind, stretch)
    won = " UNION ALL ".join(
        f"SELECT unit, won FROM ({uses(of, bind, success, calls=calls)}) WHERE won IS NOT NULL AND NOT undone"
        for name, success in named.items()
        for of in [replace(ask, workflow=name).within(stretch.matures_s + stretch.window_s)]
        for calls in [
            f"SELECT *, NULL::DOUBLE AS cost FROM ({of.seen_by_people().calls(bind, any_release=True)})"
        ]
    )
    sample = Sample(
        sql=f"WITH firsts AS ({firsts}), won AS (SELECT unit, won FROM ({won}))"
        " SELECT f.unit, any_value(f.trace) AS trace, any_value(f.first) AS began, any_value(f.sim) AS sim,"
        f" coalesce(bool_or(w.won <= f.first + {int(within_s * 1e9)}), false)::DOUBLE AS x"
        " FROM firsts AS f LEFT JOIN won AS w ON w.unit = f.unit GROUP BY f.unit",
        parameters=bind.values,
        noun="new user",
    )
    told = format_value(stretch.matures_s * 1e3, unit="ms")
    return _told(ask, sample, stretch, too_young=f"no new user's first call is {told} old yet")


def _retention(ask: Ask) -> Evidence | None:
    """Of new users, those who call again in the week (the day, where less than a week is asked) after that
    time."""
    after_s = float(ask.claim.options.get("after_ms") or 4 * _WEEK_S * 1e3) / 1e3
    period_s = _WEEK_S if after_s >= _WEEK_S else _DAY_S
    stretch = _stretch(ask, after_s + period_s)
    if isinstance(stretch, str):
        return nothing(ask, stretch, noun="user", release=False)
    bind = Bind()
    firsts, calls = _firsts(ask, bind, stretch), _calls(ask, bind, stretch)
    start, end = int(after_s * 1e9), int((after_s + period_s) * 1e9)
    sample = Sample(
        sql=f"WITH firsts AS ({firsts}), calls AS ({calls})"
        " SELECT f.unit, any_value(f.trace) AS trace, any_value(f.first) AS began, any_value(f.sim) AS sim,"
        f" coalesce(bool_or(c.start_time >= f.first + {start} AND c.start_time < f.first + {end}), false)"
        "::DOUBLE AS x FROM firsts AS f LEFT JOIN calls AS c ON c.unit = f.unit GROUP BY f.unit",
        parameters=bind.values,
        noun="new user",
    )
    told = format_value(stretch.matures_s * 1e3, unit="ms")
    return _told(ask, sample, stretch, too_young=f"no new user's first call is {told} old yet")


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {
    "bound:adoption/activation": _activation,
    "bound:adoption/retention": _retention,
}
