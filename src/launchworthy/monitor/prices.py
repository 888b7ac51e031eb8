"""Whether model calls cost what the table of prices says: by model, with the versions of prices and models.

May import ``capture``, ``contract``, ``evidence``, ``stats`` and this room. The table is the one in force
now: the package's, under the file that ``LAUNCHWORTHY_PRICES`` names. What a call cost was told by its
sender, or was computed from the table of the day it came; both may no longer be what is paid.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from launchworthy.contract import Direction
from launchworthy.errors import InputError
from launchworthy.evidence import Evidence
from launchworthy.monitor.piece import nothing, piece
from launchworthy.monitor.sample import WORST
from launchworthy.monitor.scene import FAILED, Ask, Bind
from launchworthy.monitor.served import changed_versions
from launchworthy.quantity import format_value
from launchworthy.stats import clopper_pearson

if TYPE_CHECKING:
    from launchworthy.capture.pricing import PriceTable

__all__ = ["priced"]

_MOST = 20_000  # calls that are looked at, drawn by their ids
_SHOWN = 20
_ROUNDING = 0.01  # of a cost: senders round
_SMALLEST_USD = 1e-6
_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")


@dataclass(slots=True, kw_only=True)
class _Model:
    """What calls of one model cost, and what the table says of the same calls."""

    provider: str
    model: str
    calls: int = 0
    tokens: int = 0
    paid: float = 0.0
    listed: float = 0.0
    unpriced: int = 0
    late: int = 0
    off: int = 0
    unlisted: int = 0
    versions: dict[str, int] = field(default_factory=dict)


def priced(ask: Ask) -> Evidence | None:
    """The share of model calls that have no price, or that cost something else than the table says.

    Args:
        ask: The monitor and its window; calls of every release.
    """
    from launchworthy.capture.pricing import default_prices

    target = ask.claim.target
    if target is None or target.unit != "ratio" or target.direction is not Direction.AT_MOST:
        return _nothing(
            ask, "prices are bounded by a share of model calls: give the monitor at_most, such as 1 %"
        )
    rows = _rows(ask)
    whole, rows = len(rows) <= _MOST, rows[:_MOST]
    try:
        table = default_prices()
    except InputError as error:
        return _nothing(ask, f"the table of prices cannot be read: {error}")
    models: dict[tuple[str, str], _Model] = {}
    wrong: list[Mapping[str, Any]] = []
    counted = 0
    for row in rows:
        key = str(row["provider"] or ""), str(row["model"] or "")
        told = _told(row, table, models.setdefault(key, _Model(provider=key[0], model=key[1])))
        counted += told is not None
        if told:
            wrong.append(row)
    if not counted:
        return _nothing(ask, "no model call of the window tells its tokens or what it cost")
    interval = clopper_pearson(len(wrong), n=counted, level=ask.claim.confidence)
    share = interval.value
    wrong.sort(key=lambda row: -row["start_time"])
    detail: dict[str, Any] = {
        "records": counted,
        "of": "model call",
        "window_days": round((ask.until - ask.since).total_seconds() / 86_400.0, 4),
        "table": table.version,
        "models": [_plain(each) for each in _ordered(models.values())[:_SHOWN]],
        "changed": changed_versions(
            ask.scene.query, product=ask.scene.product, since_ns=ask.since_ns, until_ns=ask.until_ns
        )[:_SHOWN],
        "worst": [{"trace": row["trace"], "value": row["cost_usd"]} for row in wrong[:WORST]],
    }
    remark = _remark(_ordered(models.values()), detail["changed"])
    if remark:
        detail["remark"] = remark
    simulated = sum(bool(row["sim"]) for row in rows)
    if simulated:
        detail["simulated_share"] = simulated / len(rows)
    return piece(
        ask,
        release=False,
        value=share,
        low=share if whole else interval.low,
        high=share if whole else interval.high,
        n=counted,
        unit="ratio",
        unit_of_analysis="model call",
        unscored=len(rows) - counted,
        method="full count" if whole else interval.method,
        sample=dict(interval.sample),
        simulated=simulated > 0,
        detail=detail,
    )


def _rows(ask: Ask) -> list[dict[str, Any]]:
    """Model calls, one more than are looked at where there are more; a call may tell its cost as a whole."""
    bind = Bind()
    condition = ask.condition(bind, any_release=True)
    product = bind(ask.scene.product)
    return ask.scene.query(
        f"SELECT lower(hex(trace_id)) AS trace, start_time, provider, model, {', '.join(_TOKENS)}, cost_usd,"
        f" price_version, coalesce(simulated, false) AS sim FROM spans WHERE {condition}"
        f" AND kind IN ('model', 'embedding') AND NOT ({FAILED} AND coalesce(input_tokens, 0) = 0)"
        " AND (cost_usd IS NOT NULL OR trace_id NOT IN (SELECT trace_id FROM spans"
        f" WHERE product = {product} AND kind = 'workflow' AND cost_usd IS NOT NULL"
        f" AND start_time >= {bind(ask.since_ns)}))"
        f" ORDER BY hash(trace_id, span_id) LIMIT {_MOST + 1}",
        bind.values,
    )


def _told(row: Mapping[str, Any], table: PriceTable, model: _Model) -> bool | None:
    """Whether a call has no price or another than the table's; None where that cannot be told."""
    paid, tokens = row["cost_usd"], [row[name] for name in _TOKENS]
    if paid is None and tokens[0] is None:
        return None
    model.calls += 1
    version = str(row["price_version"] or "")
    listed = table.cost(row["model"], row["provider"], row["start_time"], *tokens)
    if paid is None:
        model.unpriced += 1
        model.late += listed is not None
        return True
    model.versions[version] = min(row["start_time"], model.versions.get(version, row["start_time"]))
    if listed is None:
        model.unlisted += not table.has(row["model"], row["provider"], row["start_time"])
        return False
    model.tokens += (tokens[0] or 0) + (tokens[1] or 0)
    model.paid += paid
    model.listed += listed.usd
    off: bool = abs(paid - listed.usd) > max(_ROUNDING * listed.usd, _SMALLEST_USD)
    model.off += off
    return off


def _ordered(models: Iterable[_Model]) -> list[_Model]:
    """Those with most calls that are not as listed first."""
    return sorted(models, key=lambda each: (-(each.unpriced + each.off), -each.calls, each.model))


def _plain(each: _Model) -> dict[str, Any]:
    return {
        "provider": each.provider or None,
        "model": each.model or None,
        "calls": each.calls,
        "without_price": each.unpriced,
        "not_listed": each.unlisted,
        "otherwise": each.off,
        "paid_per_million_usd": each.paid / each.tokens * 1e6 if each.tokens else None,
        "listed_per_million_usd": each.listed / each.tokens * 1e6 if each.tokens else None,
        "price_versions": {
            version or "(not said)": datetime.fromtimestamp(first / 1e9, UTC).isoformat()
            for version, first in sorted(each.versions.items(), key=lambda one: one[1])
        },
    }


def _remark(models: Sequence[_Model], changed: Sequence[Mapping[str, Any]]) -> str:
    found = []
    for each in models:
        name = each.model or "a model without a name"
        if each.unpriced > each.late:
            many = each.unpriced - each.late
            found.append(f"{name} has no price ({many:,} calls): name it in LAUNCHWORTHY_PRICES")
        if each.late:
            found.append(
                f"{each.late:,} calls of {name} came without a cost, though it has a price: before it had"
                " one, or in a service tier that is charged otherwise"
            )
        if each.off and each.tokens:
            paid, listed = (
                format_value(usd / each.tokens * 1e6, unit="USD") for usd in (each.paid, each.listed)
            )
            found.append(f"{name} costs {paid} a million tokens, and the table says {listed}")
    found += [
        f"{each['requested']} is answered by {each['to']} since {each['since'][:10]}" for each in changed
    ]
    return "; ".join(found[:4])


def _nothing(ask: Ask, reason: str) -> Evidence | None:
    return nothing(ask, reason, release=False)
