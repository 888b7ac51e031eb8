"""What sums do not tell of stored records: quantiles of what units met, and times until something happened.

May import ``errors``, ``records``, ``stats`` and this room. Values come as one list an arm, in the order of
units; what is counted begins with a unit's first exposure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from launchworthy.errors import InputError
from launchworthy.records.calls import SEEN
from launchworthy.rollout.experiment.gathered import QuantileArms, TimeArms, quantile_of_users
from launchworthy.rollout.experiment.plan import Kind, Metric

__all__ = ["answered", "owned", "owners", "stored_quantile", "stored_time"]

Query = Callable[[str, Sequence[Any]], list[dict[str, Any]]]
_SPANS = {"latency_ms": ("duration_ms", "ms"), "cost_usd": ("cost_usd", "USD")}
_PERIODS_NS = {"seconds": 10**9, "minutes": 60 * 10**9, "hours": 3_600 * 10**9, "days": 86_400 * 10**9}
_DURATION_NS = {"ms": 10**6}  # of a horizon that is written with its unit


def owners(who: str) -> tuple[str, int]:
    """SQL that names ``traced`` and ``sat``: whose a trace and a session are, and how often it asks for the
    product. Who tells an outcome or a score often knows no more than the trace.

    Args:
        who: Column of records that holds the unit.
    """
    parts = []
    for name, key in (("traced", "trace_id"), ("sat", "session_id")):
        parts.append(
            f"{name} AS (SELECT {key}, min({who}) AS owner FROM spans WHERE product = ? AND {key} IN ("  # noqa: S608
            f"SELECT {key} FROM outcomes WHERE product = ? AND {who} IS NULL UNION ALL "
            f"SELECT {key} FROM scores WHERE product = ? AND {who} IS NULL) "
            f"GROUP BY {key} HAVING min({who}) = max({who}))"
        )
    return ", ".join(parts), 6


def owned(table: str, who: str) -> str:
    """SQL of a table's rows with their unit as ``owner``, to be read under the name r; none of a shadow's."""
    if table == "spans":
        return f"(SELECT *, {who} AS owner FROM spans WHERE {SEEN}) r"  # noqa: S608
    return (
        f"(SELECT o.*, coalesce(o.{who}, traced.owner, sat.owner) AS owner FROM {table} o "  # noqa: S608
        "LEFT JOIN traced ON traced.trace_id = o.trace_id LEFT JOIN sat ON sat.session_id = o.session_id) r"
    )


def answered(metric: Metric) -> str:
    """Why records do not answer a metric; empty where they do."""
    if metric.winsorise < 1.0:
        return "records are not winsorised"
    if metric.covariate is not None or metric.kind is Kind.JUDGED:
        return "records answer means, ratios, quantiles and times, without a covariate or a judge"
    if metric.kind is Kind.QUANTILE and _source(metric) is None:
        return "a quantile of records is of latency_ms, cost_usd, value:EVENT or score:NAME"
    if metric.kind is Kind.TIME and _period_ns(metric) is None:
        return f"a time in records is one of {', '.join(_PERIODS_NS)}, or has a horizon such as 24h"
    return ""


def stored_quantile(
    query: Query, metric: Metric, *, units: tuple[str, list[Any]], who: str, product: str, level: float
) -> tuple[Metric, QuantileArms]:
    """A quantile of all that the units of each arm met, at what rows of the same unit are worth.

    Args:
        query: Runs a SELECT over the views of the store.
        metric: Of the plan.
        units: SQL that names ``kept`` (``who``, ``arm``, ``since``) and whose traces and sessions are, and
            its parameters.
        who: Column of records that holds the unit.
        product: Whose records.
        level: Of each arm's interval.

    Returns:
        The metric with the unit of its values, and what was seen.
    """
    table, time, value, and_, more, unit = _source(metric) or ("", "", "", "", [], "")
    with_, parameters = units
    rows = query(
        f"WITH {with_}, one AS (SELECT kept.arm AS arm, kept.who AS who, list({value}) AS seen FROM kept "  # noqa: S608
        f"JOIN {owned(table, who)} ON r.owner = kept.who AND r.{time} >= kept.since "
        f"WHERE r.product = ? {and_} AND {value} IS NOT NULL GROUP BY ALL) "
        "SELECT arm, flatten(list(seen ORDER BY who)) AS seen, list(len(seen) ORDER BY who) AS each FROM one "
        "GROUP BY arm",
        [*parameters, product, *more],
    )
    import numpy as np

    named = metric.unit or unit
    arms = {}
    for row in rows:
        each = np.asarray(row["each"], dtype=np.int64)
        arms[str(row["arm"])] = quantile_of_users(
            np.asarray(row["seen"], dtype=float),
            who=np.repeat(np.arange(each.size), each),
            q=metric.quantile or 0.5,
            level=level,
            unit=named,
        )
    return replace(metric, unit=named), QuantileArms(arms=arms)


def stored_time(
    query: Query, metric: Metric, *, units: tuple[str, list[Any]], who: str, product: str, now_ns: int
) -> TimeArms:
    """How long it took each unit from its first exposure until an outcome event; those still without it are
    known until now.
    """
    period = _period_ns(metric)
    if period is None:
        raise InputError(answered(metric), where=metric.name)
    with_, parameters = units
    rows = query(
        f"WITH {with_}, first AS (SELECT kept.who AS who, min(r.time) AS at FROM kept "  # noqa: S608
        f"JOIN {owned('outcomes', who)} ON r.owner = kept.who AND r.time >= kept.since "
        "WHERE r.product = ? AND r.event = ? AND r.time <= ? GROUP BY kept.who) SELECT kept.arm AS arm, "
        "list((coalesce(first.at, ?) - kept.since)::DOUBLE ORDER BY kept.who) AS took, "
        "list(first.at IS NOT NULL ORDER BY kept.who) AS happened "
        "FROM kept LEFT JOIN first ON first.who = kept.who WHERE kept.since < ? GROUP BY kept.arm",
        [*parameters, product, metric.happened, now_ns, now_ns, now_ns],
    )
    import numpy as np

    return TimeArms(
        arms={
            str(row["arm"]): (np.asarray(row["took"], dtype=float) / period, np.asarray(row["happened"]))
            for row in rows
        }
    )


def _source(metric: Metric) -> tuple[str, str, str, str, list[Any], str] | None:
    """Table, its time, the value of a row, what else must hold, its parameters, and the unit."""
    column = metric.column or metric.name
    if column in _SPANS:
        value, unit = _SPANS[column]
        return "spans", "start_time", f"r.{value}", "AND r.parent_span_id IS NULL", [], unit
    how, _, name = column.partition(":")
    if how == "value" and name:
        return "outcomes", "time", "r.value", "AND r.event = ?", [name], ""
    if how == "score" and name:
        return "scores", "time", "r.value", "AND r.name = ?", [name], ""
    return None


def _period_ns(metric: Metric) -> int | None:
    return _DURATION_NS.get(metric.unit) or _PERIODS_NS.get(metric.column or metric.name)
