"""Whether records say what they must. May import ``evidence`` and this room."""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from launchworthy.contract.units import per_day
from launchworthy.evidence import Evidence
from launchworthy.monitor.economics import NO_PRICE, priced_calls
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Sample, mean, share
from launchworthy.monitor.scene import FAILED, Ask, Bind
from launchworthy.quantity import Quantity
from launchworthy.records import KINDS

__all__ = ["MEASURES", "REQUIRED", "frequency", "spending"]

_DAY_NS = 86_400_000_000_000
_MOST_SPANS = 50_000
# What a span must tell, by kind, as field → SQL that is true where it does; ``every`` is for each kind.
REQUIRED: Mapping[str, Mapping[str, str]] = {
    "every": {
        "release": "release IS NOT NULL",
        "workflow": "workflow IS NOT NULL",
        "user or session": "(user_id IS NOT NULL OR session_id IS NOT NULL)",
        "latency": "duration_ms IS NOT NULL",
        "status": "status IS NOT NULL",
    },
    "workflow": {"prompt": "input IS NOT NULL", "response": "(output IS NOT NULL OR failed OR declined)"},
    "model": {
        "prompt": "input IS NOT NULL",
        "response": "(output IS NOT NULL OR failed)",
        "model": "model IS NOT NULL",
        "prompt version": "prompt_version IS NOT NULL",
        "tokens": "((input_tokens IS NOT NULL AND output_tokens IS NOT NULL) OR failed)",
        "cost": "(cost_usd IS NOT NULL OR failed)",
        "safety flags": "(safety_flags IS NOT NULL OR trace_id IN (SELECT trace_id FROM guarded))",
    },
    "embedding": {
        "model": "model IS NOT NULL",
        "tokens": "(input_tokens IS NOT NULL OR failed)",
        "cost": "(cost_usd IS NOT NULL OR failed)",
    },
    "retrieval": {"context": "(context IS NOT NULL OR failed)"},
    "tool": {"tool": "tool_name IS NOT NULL"},
    "guard": {"safety flags": "(safety_flags IS NOT NULL OR failed)"},
}
_TEXTS = frozenset({"prompt", "response", "context"})


def _required_fields(ask: Ask) -> Evidence | None:
    # Where a contract forbids to store texts, a record without them is whole.
    action = ask.scene.option(None, "data/pii/record").get("action", "keep")
    left_out = frozenset() if action != "drop" else _TEXTS
    ask = _newest(ask)
    bind = Bind()
    condition = _owing(ask, bind)
    checks: dict[str, str] = {}
    for kind, fields in REQUIRED.items():
        for name, holds in fields.items():
            if name in left_out:
                continue
            when = holds if kind == "every" else f"(kind IS DISTINCT FROM '{kind}' OR {holds})"
            checks[f"{kind} {name}" if kind != "every" else name] = when
    columns = ", ".join(
        f"coalesce({holds}, false) AS f{place}" for place, holds in enumerate(checks.values())
    )
    whole = " AND ".join(f"f{place}" for place in range(len(checks)))
    spans = (
        f"WITH guarded AS (SELECT DISTINCT trace_id FROM spans WHERE {condition}"
        " AND (kind = 'guard' OR safety_flags IS NOT NULL)),"
        f" these AS (SELECT *, {FAILED} AS failed, no_answer IS NOT NULL AS declined FROM spans"
        f" WHERE {condition})"
        # What a span tells is up to the code that made it, not to the user: its trace is what is independent.
        " SELECT 't' || hex(trace_id) AS unit, trace_id AS trace, start_time AS began,"
        " coalesce(simulated, false) AS sim,"
        f" {columns} FROM these"
    )
    sample = Sample(
        sql=f"SELECT unit, trace, began, sim, ({whole})::DOUBLE AS x FROM ({spans})",
        parameters=bind.values,
        noun="span",
    )
    found = share(ask.scene.query, sample, level=ask.claim.confidence, bad=0)
    if not found.rows:
        return None
    counts = ask.scene.query(
        "SELECT "
        + ", ".join(f"count(*) FILTER (NOT f{place}) AS m{place}" for place in range(len(checks)))
        + f" FROM ({spans})",
        bind.values,
    )[0]
    missing = {name: counts[f"m{place}"] for place, name in enumerate(checks) if counts[f"m{place}"]}
    most = sorted(missing, key=lambda name: (-missing[name], name))
    told: dict[str, Any] = {"missing": {name: missing[name] for name in most}}
    if most:
        told["remark"] = "missing most often: " + ", ".join(
            f"{name} ({missing[name]:,})" for name in most[:3]
        )
    return evidence_of(ask, found, detail=told)


def _owing(ask: Ask, bind: Bind) -> str:
    """Spans of the release, those that name none among them; of other instrumentation nothing is asked."""
    own = "" if ask.scene.release is None else f" OR release = {bind(ask.scene.release)}"
    kinds = ", ".join(f"'{kind}'" for kind in KINDS if kind not in ("evaluation", "other"))
    return f"{ask.condition(bind, any_release=True)} AND (release IS NULL{own}) AND kind IN ({kinds})"


def _newest(ask: Ask) -> Ask:
    """The same of the newest spans only: texts are long, and whether they are there must be read."""
    bind = Bind()
    found = ask.scene.query(
        f"SELECT start_time FROM spans WHERE {_owing(ask, bind)}"
        f" ORDER BY start_time DESC LIMIT 1 OFFSET {_MOST_SPANS - 1}",
        bind.values,
    )
    if not found:
        return ask
    return ask.within(ask.until.timestamp() - found[0]["start_time"] / 1e9)


def _feedback(ask: Ask) -> Evidence | None:
    bind = Bind()
    scene = ask.scene
    sample = Sample(
        sql=f"WITH calls AS ({ask.calls(bind)}), given AS (SELECT trace_id, session_id FROM feedback"
        f" WHERE product = {bind(scene.product)} AND time >= {bind(ask.since_ns)}"
        f" AND time < {bind(ask.until_ns)}),"
        " told AS (SELECT *, coalesce('s' || session_id, 't' || hex(trace_id)) AS use,"
        " trace_id IN (SELECT trace_id FROM given WHERE trace_id IS NOT NULL) OR (session_id IS NOT NULL AND"
        " session_id IN (SELECT session_id FROM given WHERE session_id IS NOT NULL)) AS answered FROM calls)"
        " SELECT any_value(unit) AS unit, arg_min(trace_id, start_time) AS trace, min(start_time) AS began,"
        " bool_or(sim) AS sim, bool_or(answered)::DOUBLE AS x FROM told GROUP BY use",
        parameters=bind.values,
        noun="session",
    )
    return evidence_of(ask, share(scene.query, sample, level=ask.claim.confidence, bad=0))


def frequency(ask: Ask) -> Evidence | None:
    """Calls a day of whole days (UTC) from the first day with a call, whatever release answered."""
    bind = Bind()
    calls = ask.seen_by_people().calls(bind, any_release=True)
    return _daily(ask, bind, calls, "count(*)")


def spending(ask: Ask) -> Evidence | None:
    """What calls cost a day, likewise."""
    bind = Bind()
    calls = priced_calls(ask, bind, any_release=True)
    return _daily(ask, bind, calls, "CASE WHEN count(cost) = count(*) THEN sum(cost) END")


def _daily(ask: Ask, bind: Bind, calls: str, amount: str) -> Evidence | None:
    a_day = per_day(Quantity(1.0, ask.unit))
    if a_day is None:
        return None
    today = ask.until_ns // _DAY_NS
    sample = Sample(
        sql=f"WITH calls AS ({calls}), daily AS (SELECT start_time // {_DAY_NS} AS day, {amount} AS n,"
        " arg_min(trace_id, start_time) AS trace, bool_or(sim) AS sim FROM calls GROUP BY day)"
        # The first day is whole only if calls began with it, which nobody knows: it is left out.
        " SELECT 'd' || d.day AS unit, daily.trace, d.day * " + str(_DAY_NS) + " AS began,"
        f" coalesce(daily.sim, false) AS sim, CASE WHEN daily.day IS NULL THEN 0 ELSE daily.n END"
        f" / {a_day!r} AS x"
        f" FROM (SELECT unnest(range((SELECT min(day) + 1 FROM daily), {today})) AS day) AS d"
        " LEFT JOIN daily ON daily.day = d.day",
        parameters=bind.values,
        noun="day",
        missing=NO_PRICE,
    )
    found = mean(ask.scene.query, sample, level=ask.claim.confidence, unit=ask.unit, high_is_bad=False)
    return evidence_of(ask, found, release=False) or nothing(
        ask, "there is no whole day of records yet", noun="day", release=False
    )


MEASURES: Mapping[str, Callable[[Ask], Evidence | None]] = {
    "cover:records/required_fields": _required_fields,
    "cover:feedback/coverage": _feedback,
    "bound:frequency/frequency": frequency,
}
