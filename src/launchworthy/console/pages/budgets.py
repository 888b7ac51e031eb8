"""``/products/{product}/budgets``: what calls took of their limits, fallbacks that answered, incidents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from launchworthy.console.allowances import AllowanceRow, allowance_rows
from launchworthy.console.burn import WINDOW_HEADS, BurnRow, burn_rows
from launchworthy.console.claims import claim_url
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.users import Users, users_of
from launchworthy.console.words import Link, count, from_ns, joined, moment, page_url, sentence, short, span
from launchworthy.contract import Contract, claims
from launchworthy.contract.model.workflow import Workflow
from launchworthy.errors import NotFoundError
from launchworthy.monitor.budgets import (
    FallbackUse,
    ModelRest,
    Taken,
    fallback_uses,
    model_rests,
    peaks,
    taken,
)
from launchworthy.monitor.burning import burning, most_called
from launchworthy.monitor.pacing import pacing
from launchworthy.provers import PROVERS
from launchworthy.quantity import Quantity, format_interval, format_value
from launchworthy.records.incident import Incident, IncidentSource, IncidentState
from launchworthy.stats import wilson

__all__ = ["PAGE", "BudgetsView", "FallbackRow", "IncidentRow", "LimitRow", "ModelRow"]

_DAYS = 30
_NAMED = 60
_MOST_INCIDENTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRow:
    """One limit and how near calls came to it; ``percent`` is of the limit, for the bar."""

    workflow: str
    limit: Link
    allowed: str
    seen: str
    percent: int | None
    state: str
    mark: str
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackRow:
    """One fallback of the contract, or one that only records tell of."""

    workflow: str
    name: Link
    calls: str
    share: str
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """A model that failed, and whether it is left alone."""

    model: str
    failed: str
    rested: str
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRow:
    """One incident."""

    id: Link
    state: str
    mark: str
    word: str
    limit: Link
    mode: str
    calls: str
    when: str
    reason: str
    traces: tuple[Link, ...]
    closed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetsView:
    """What the page receives."""

    head: Head
    users: Users
    burns: tuple[BurnRow, ...]
    heads: tuple[str, ...]
    limits: tuple[LimitRow, ...]
    allowances: tuple[AllowanceRow, ...]
    fallbacks: tuple[FallbackRow, ...]
    models: tuple[ModelRow, ...]
    incidents: tuple[IncidentRow, ...]
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> BudgetsView:
    """The limits of the contract in force, and what the last 30 days took of them."""
    product = ask.path["product"]
    contract = reading.contract(product)
    if contract is None:
        raise NotFoundError(f"{product!r:.80} has no contract", hint="write one with: launchworthy init")
    since, until = ask.now - timedelta(days=_DAYS), ask.now + timedelta(seconds=1)
    users = users_of(reading, ask.query, product=product, page="budgets", since=since, until=until)
    whose: dict[str, Any] = {"since": since, "until": until, "simulated": users.simulated}
    spent = taken(reading.query, product=product, **whose)
    most = peaks(reading.query, contract, **whose)
    uses = fallback_uses(reading.query, product=product, **whose)
    rests = model_rests(reading.query, product=product, **whose)
    found = [each for each in reading.incidents(product) if each.source is IncidentSource.BUDGET]
    open_rules = {each.address for each in found if each.state is IncidentState.OPEN}
    limits = tuple(
        row
        for name, workflow in contract.workflows.items()
        for row in _limits(name, workflow, spent.get(name), most, product=product, open_rules=open_rules)
    )
    burns = burn_rows(
        burning(
            claims(contract, provers=PROVERS),
            product=product,
            query=reading.query,
            release=most_called(reading.query, product=product),
            now=ask.now,
        ),
        product=product,
    )
    allowances = allowance_rows(pacing(contract, query=reading.query, now=ask.now), product=product)
    calls = sum(each.calls for each in spent.values())
    cost = [each.cost_usd for each in spent.values() if each.cost_usd is not None]
    return BudgetsView(
        head=Head(
            title=_title(limits, found, burns, allowances, product),
            reason=_reason(calls, sum(cost) if cost else None, users),
            section="products",
            trail=(
                Link(text="Products", url="/"),
                Link(text=short(product, most=_NAMED), url=page_url("products", product)),
                Link(text="Budgets"),
            ),
        ),
        users=users,
        burns=burns,
        heads=WINDOW_HEADS,
        limits=limits,
        allowances=allowances,
        fallbacks=_fallbacks(contract, uses, spent),
        models=tuple(_model(each) for each in rests),
        incidents=tuple(_incident(each, product) for each in found[:_MOST_INCIDENTS]),
        empty=None
        if limits or uses or found or burns
        else Empty(
            what="No workflow of this product has a limit, so a call may take any time and cost anything. "
            "Name them under limits: {timeout: 8s, cost_per_action: 0.03 USD}.",
            command="launchworthy lint --explain",
        ),
    )


def _title(
    limits: Sequence[LimitRow],
    found: Sequence[Incident],
    burns: Sequence[BurnRow],
    allowances: Sequence[AllowanceRow],
    product: str,
) -> str:
    open_ = [each for each in found if each.state is IncidentState.OPEN]
    if open_:
        named = [
            f"{each.address.rpartition('/')[2].replace('_', ' ')} of"
            f" {short(each.address.removeprefix(f'{product}/').partition('/')[0], most=30)}"
            for each in open_[:3]
        ]
        more = [f"{len(open_) - 3} more"] if len(open_) > 3 else []
        return f"{count(len(open_), 'incident')} open: {joined([*named, *more])}"
    fast = [row.name.text for row in burns if row.state == "unmet"]
    if fast:
        verb = "is" if len(fast) == 1 else "are"
        return f"{sentence(count(len(fast), 'budget'))} {verb} burning too fast: {joined(fast[:3])}"
    passing = [
        f"{row.name.text} of {short(row.workflow, most=30)}" for row in allowances if row.state == "unmet"
    ]
    if passing:
        return f"{sentence(count(len(passing), 'allowance'))} will not last: {joined(passing[:3])}"
    if not limits:
        return f"Nothing limits {short(product, most=_NAMED)}"
    if all(row.percent is None for row in limits):
        return f"{sentence(count(len(limits), 'limit'))}, and no call to hold against them yet"
    near = [row for row in limits if row.percent is not None and row.percent >= 80]
    if near:
        return f"No limit is passed; {count(len(near), 'limit')} {'is' if len(near) == 1 else 'are'} near"
    return f"All {len(limits)} limits hold" if len(limits) > 1 else "The one limit holds"


def _reason(calls: int, cost: float | None, users: Users) -> str:
    if not calls:
        return f"No call of the last {_DAYS} days was recorded."
    whose = " of simulated users" if users.simulated else ""
    spent = "" if cost is None else f", which cost {format_value(cost, unit='USD')}"
    return f"{sentence(count(calls, 'call'))}{whose} in the last {_DAYS} days{spent}."


def _limits(
    name: str,
    workflow: Workflow,
    spent: Taken | None,
    most: Mapping[str, float | None],
    *,
    product: str,
    open_rules: set[str],
) -> list[LimitRow]:
    limits = workflow.limits
    asked: list[tuple[str, Quantity, float | None, str]] = []
    target = workflow.reliability.get("latency_p95")
    if target is not None and target.threshold.unit == "ms":
        asked.append(
            ("reliability/latency_p95", target.threshold, None if spent is None else spent.p95_ms, "P95")
        )
    if limits.timeout is not None:
        asked.append(
            ("limits/timeout", limits.timeout, None if spent is None else spent.longest_ms, "longest")
        )
    if limits.cost_per_action is not None and limits.cost_per_action.unit == "USD":
        dearest = None if spent is None else spent.dearest_usd
        asked.append(("limits/cost_per_action", limits.cost_per_action, dearest, "dearest"))
    for limit, value in (limits.model_extra or {}).items():
        asked.append((f"limits/{limit}", value, most.get(f"{product}/{name}/limits/{limit}"), "most"))
    return [_limit(product, name, *each, open_rules=open_rules) for each in asked]


def _limit(
    product: str,
    workflow: str,
    path: str,
    allowed: Quantity,
    seen: float | None,
    what: str,
    *,
    open_rules: set[str],
) -> LimitRow:
    address = f"{product}/{workflow}/{path}"
    percent = None if seen is None or not allowed.value else round(100 * seen / allowed.value)
    if address in open_rules:
        state, mark, word = "unmet", "✕", "incident"
    elif percent is None:
        state, mark, word = "unproven", "◌", "not seen"
    elif percent > 100:
        state, mark, word = "unmet", "✕", "passed"
    else:
        state, mark, word = "met", "●", "holds"
    return LimitRow(
        workflow=workflow,
        limit=Link(text=path.rpartition("/")[2].replace("_", " "), url=claim_url(product, address)),
        allowed=str(allowed),
        seen="" if seen is None else f"{what} {format_value(seen, unit=allowed.unit)}",
        percent=percent,
        state=state,
        mark=mark,
        word=word,
    )


def _fallbacks(
    contract: Contract, uses: Sequence[FallbackUse], spent: Mapping[str, Taken]
) -> tuple[FallbackRow, ...]:
    """Every fallback of the contract in its order, then those that only records tell of."""
    known = {(each.workflow, each.name): each for each in uses}
    declared = [(name, each) for name, workflow in contract.workflows.items() for each in workflow.fallbacks]
    rows = []
    for key in dict.fromkeys([*declared, *known]):
        workflow, name = key
        use = known.get(key)
        calls = spent[workflow].calls if workflow in spent else 0
        share = ""
        if use is not None and calls:
            found = wilson(min(use.calls, calls), n=calls)
            share = format_interval(found.value, found.low, found.high, unit="ratio")
        address = f"{contract.product}/{workflow}/fallbacks/{_slug(name)}"
        rows.append(
            FallbackRow(
                workflow=workflow,
                name=Link(
                    text=short(name, most=_NAMED),
                    url=claim_url(contract.product, address) if key in declared else "",
                ),
                calls="never used" if use is None else f"{use.calls:,}",
                share=share,
                last="" if use is None else moment(from_ns(use.last_ns)),
            )
        )
    return tuple(rows)


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() or c in "_.@-" else "-" for c in text)


def _model(each: ModelRest) -> ModelRow:
    return ModelRow(
        model=short(each.model, most=_NAMED),
        failed=f"{each.failed:,}",
        rested=f"{each.rested:,}" if each.rested else "never",
        last=moment(from_ns(each.last_ns)),
    )


def _incident(each: Incident, product: str) -> IncidentRow:
    state, mark, word = {
        IncidentState.OPEN: ("unmet", "✕", "open"),
        IncidentState.WATCHED: ("unproven", "◌", "fix under watch"),
        IncidentState.CLOSED: ("met", "●", "closed"),
    }[each.state]
    stopped = each.facts.get("stopped")
    return IncidentRow(
        id=Link(text=each.id, url=page_url("products", product, "incidents", each.id)),
        state=state,
        mark=mark,
        word=word,
        limit=Link(
            text=short(each.address.removeprefix(f"{product}/"), most=_NAMED),
            url=claim_url(product, each.address),
        ),
        mode=short(each.failure_mode or "", most=_NAMED).replace("_", " "),
        # What burns counts how often it was told; only overruns of a limit are calls.
        calls=f"{count(each.count, 'call')}{f', {stopped:,} stopped' if stopped else ''}"
        if "/limits/" in each.address
        else "",
        when=span(each.opened_at, each.last_at),
        reason=sentence(short(each.title, most=200)),
        traces=tuple(Link(text=name[:12], url=page_url("traces", name)) for name in each.traces),
        closed=short(f"{each.closed_by}: {each.because}", most=200) if each.because else "",
    )


PAGE = Page(name="budgets", path="/products/{product}/budgets", template="budgets.html", view=view)
