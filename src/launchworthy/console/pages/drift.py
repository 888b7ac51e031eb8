"""``/products/{product}/drift``: what moved in what users ask and a model is fed, how far, since when.

Beside it stand the other monitors: of what the proof rests on, and of levels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from launchworthy.console.charts import HistoryPoint, ShareBar, history_plot, shares_plot
from launchworthy.console.claims import claim_url
from launchworthy.console.drift_report import STATES
from launchworthy.console.measured import MeasuredRow, measured_rows
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import MARKS, Link, count, joined, moment, page_url, sentence, short
from launchworthy.contract.standing import GOLD_AGE, JUDGES, PRICES, gold_signal
from launchworthy.errors import NotFoundError
from launchworthy.evidence import ClaimStatus, Evidence, State
from launchworthy.monitor.drifting import DriftState
from launchworthy.quantity import format_value

__all__ = ["PAGE", "ColumnRow", "DriftView", "MonitorCard", "WatchedRow"]

_NAMED = 60
_HISTORY = 60
_BARS = 17
_EXAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRow:
    """One column of a monitor: its state and what moved."""

    name: str
    state: str
    mark: str
    word: str
    told: str
    needed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorCard:
    """One monitor of drift.

    ``picture`` shows the column that moved most, ``history`` every look at it, ``measured`` the same in
    numbers; they are empty where there is nothing to draw. ``facts`` are what it was compared with, what
    moved it and since when.
    """

    name: Link
    state: str
    mark: str
    word: str
    reason: str
    facts: tuple[tuple[str, str], ...]
    columns: tuple[ColumnRow, ...]
    moved: str
    picture: Markup
    history: Markup
    measured: tuple[MeasuredRow, ...]
    examples: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedRow:
    """A monitor of something else; ``shown`` leads to the page that shows it, where one does."""

    name: Link
    state: str
    mark: str
    word: str
    what: str
    shown: Link
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftView:
    """What the page receives; ``besides`` are the monitors of something else than data."""

    head: Head
    monitors: tuple[MonitorCard, ...]
    besides: tuple[WatchedRow, ...]
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> DriftView:
    """The monitors of drift in the contract in force, by their newest evidence."""
    product = ask.path["product"]
    verdict = reading.verdict(product)
    if verdict is None:
        raise NotFoundError(f"{product!r:.80} has no contract", hint="write one with: launchworthy init")
    order = (State.UNMET, State.UNPROVEN)
    every = sorted(
        (status for status in verdict.statuses if _is_monitor(status)),
        key=lambda status: order.index(status.state) if status.state in order else len(order),
    )
    watched = [status for status in every if _is_drift(status)]
    besides = [status for status in every if not _is_drift(status)]
    return DriftView(
        head=Head(
            title=_title(watched, besides),
            reason=_reason(every),
            section="products",
            trail=(
                Link(text="Products", url="/"),
                Link(text=short(product, most=_NAMED), url=page_url("products", product)),
                Link(text="Drift"),
            ),
        ),
        monitors=tuple(_card(status, verdict.evidence, product) for status in watched),
        besides=tuple(_watched(status, product) for status in besides),
        empty=None
        if every
        else Empty(
            what="No monitor of this product watches for drift. Name one under monitors: "
            "{inputs: {signal: input, method: classifier, window: 7d, page: OWNER}}.",
            command="launchworthy lint --explain",
        ),
    )


def _is_monitor(status: ClaimStatus) -> bool:
    return status.claim.family == "monitors" and "inject" not in status.claim.options


def _is_drift(status: ClaimStatus) -> bool:
    signal = _signal(status)
    kind = signal.rpartition("/")[0] or signal
    return bool(status.claim.options.get("method")) or kind in ("input", "features", "output", "score")


def _signal(status: ClaimStatus) -> str:
    return str(status.claim.options.get("signal") or "")


def _name(status: ClaimStatus) -> str:
    return status.claim.metric.replace("_", " ")


def _title(watched: Sequence[ClaimStatus], besides: Sequence[ClaimStatus]) -> str:
    every = [*watched, *besides]
    if not every:
        return "Nothing is watched for drift"
    moved, broken = (_names(part, State.UNMET) for part in (watched, besides))
    unsure = _names(every, State.UNPROVEN)
    said = [f"{joined(moved[:4])} moved beyond what is tolerated"] if moved else []
    if broken:
        said.append(f"not as promised: {joined(broken[:4])}")
    if not said and watched and not _names(watched, State.UNPROVEN):
        said.append("nothing moved beyond what is tolerated")
    if unsure:
        few = joined(unsure[:4]) if not moved and not broken else ""
        said.append(f"nothing can be said of {few}" if few else f"of {len(unsure)} nothing can be said")
    if not said:
        return f"What is watched is as promised: {count(len(every), 'monitor')}, none of them for drift"
    told = sentence("; ".join(said))
    return told if moved or broken or unsure else f"{told}: {count(len(every), 'monitor')}"


def _names(statuses: Sequence[ClaimStatus], state: State) -> list[str]:
    return [_name(status) for status in statuses if status.state is state]


def _reason(every: Sequence[ClaimStatus]) -> str:
    looked = [status.evidence.observed_at for status in every if status.evidence is not None]
    return f"Looked at last {moment(max(looked))}." if looked else ""


def _watched(status: ClaimStatus, product: str) -> WatchedRow:
    what, shown = _what(_signal(status).removeprefix(f"{product}/"), product)
    return WatchedRow(
        name=Link(text=_name(status), url=claim_url(product, status.claim.address)),
        state=status.state.value,
        mark=MARKS[status.state],
        word=status.state.value,
        what=what,
        shown=shown,
        reason=sentence(status.reason),
    )


def _what(signal: str, product: str) -> tuple[str, Link]:
    """What a signal is about, in words, and the page that shows more of it."""
    if signal.startswith(JUDGES):
        judge = signal.removeprefix(JUDGES)
        page = Link(text="its page", url=page_url("products", product, "judges", judge))
        return f"whether the judge {short(judge, most=_NAMED)} still agrees with people", page
    if (found := gold_signal(signal)) is not None:
        name, asked = found
        gold = short(name, most=_NAMED)
        if asked == GOLD_AGE:
            page = Link(text="its items", url=page_url("gold", product, name))
            return f"how long ago the newest items of the gold set {gold} came", page
        page = Link(text="what it covers", url=page_url("gold", product, name, "coverage"))
        return f"whether the gold set {gold} still asks what users ask", page
    if signal == PRICES:
        return "whether model calls cost what the table of prices says", Link(text="")
    return f"the level of {short(signal, most=_NAMED).replace('_', ' ')}", Link(text="")


def _card(status: ClaimStatus, evidence: Sequence[Evidence], product: str) -> MonitorCard:
    piece = status.evidence
    detail: Mapping[str, Any] = {} if piece is None else piece.detail
    drift = detail.get("drift")
    columns = [each for each in _list(_mapping(drift).get("columns")) if isinstance(each, Mapping)]
    column = next((each for each in columns if each.get("name") == detail.get("column")), None)
    column = column or next((each for each in columns if each.get("state") == "drifted"), None)
    bars = [] if column is None else _bars(column)
    looks, target = _looks(status, evidence), status.claim.target
    name = "" if column is None else str(column.get("name"))[:_NAMED]
    return MonitorCard(
        name=Link(text=_name(status), url=claim_url(product, status.claim.address)),
        state=status.state.value,
        mark=MARKS[status.state],
        word=status.state.value,
        reason=sentence(status.reason),
        facts=tuple(_facts(status, piece, evidence, detail)),
        columns=tuple(_column(each) for each in columns),
        moved=name,
        picture=shares_plot(bars, title=f"{name}: share of each value in the reference, and now")
        if bars
        else Markup(""),
        history=_history(status, looks),
        measured=measured_rows(looks, unit=target.unit) if target is not None else (),
        examples=tuple(
            Link(text=trace[:12], url=page_url("traces", trace)) for trace in _traces(detail)[:_EXAMPLES]
        ),
    )


def _facts(
    status: ClaimStatus, piece: Evidence | None, evidence: Sequence[Evidence], detail: Mapping[str, Any]
) -> list[tuple[str, str]]:
    if piece is None:
        return []
    found = [("Watched", _signal(status))]
    for key, words in (("reference", "Compared with"), ("cause", "Moved by"), ("carried", "Moved among")):
        if isinstance(detail.get(key), str):
            found.append((words, sentence(detail[key])))
    features = [each for each in _list(detail.get("features")) if isinstance(each, str)]
    if features:
        found.append(("What gives the new ones away", ", ".join(features[:8])))
    since = _since(status, evidence)
    if since:
        found.append(("Since", since))
    if isinstance(detail.get("needed"), int):
        found.append(("Users a side that would tell", f"about {detail['needed']:,}"))
    for key, words in (("reference_records", "Users then"), ("records", "Users now")):
        if isinstance(detail.get(key), int):
            found.append((words, f"{detail[key]:,}"))
    return found


def _since(status: ClaimStatus, evidence: Sequence[Evidence]) -> str:
    """When the unbroken row of looks that were beyond the tolerance began."""
    target = status.claim.target
    if status.state is not State.UNMET or target is None:
        return ""
    began = None
    for piece in reversed([each for each in evidence if each.claim == status.claim.address]):
        if piece.low is None or piece.low <= target.threshold:
            break
        began = piece.observed_at
    return "" if began is None else moment(began)


def _looks(status: ClaimStatus, evidence: Sequence[Evidence]) -> list[HistoryPoint]:
    return [
        HistoryPoint(
            at=piece.observed_at,
            value=piece.value,
            low=-math.inf if piece.low is None else piece.low,
            high=math.inf if piece.high is None else piece.high,
            n=piece.n,
            release=piece.release or "",
            state=status.state.value if piece is status.evidence else "",
        )
        for piece in evidence
        if piece.claim == status.claim.address and piece.value is not None
    ][-_HISTORY:]


def _history(status: ClaimStatus, points: Sequence[HistoryPoint]) -> Markup:
    target = status.claim.target
    if not points or target is None:
        return Markup("")
    return history_plot(
        points,
        threshold=target.threshold,
        direction=target.direction.value,
        unit=target.unit,
        title=f"{_name(status)}, at most {format_value(target.threshold, unit=target.unit)}",
    )


def _column(plain: Mapping[str, Any]) -> ColumnRow:
    known = {state.value: state for state in DriftState}
    state, mark, word = STATES[known.get(str(plain.get("state")), DriftState.CANNOT_SAY)]
    needed = plain.get("needed")
    return ColumnRow(
        name=str(plain.get("name"))[:_NAMED],
        state=state,
        mark=mark,
        word=word,
        told=str(plain.get("told"))[:200],
        needed=f"about {needed:,}" if isinstance(needed, int) else "",
    )


def _bars(plain: Mapping[str, Any]) -> list[ShareBar]:
    bars = []
    for each in _list(plain.get("bars"))[:_BARS]:
        if (
            isinstance(each, (list, tuple))
            and len(each) == 3
            and all(isinstance(share, (int, float)) and 0.0 <= share <= 1.0 for share in each[1:])
        ):
            bars.append(
                ShareBar(name=str(each[0])[:_NAMED], reference=float(each[1]), current=float(each[2]))
            )
    return bars


def _traces(detail: Mapping[str, Any]) -> list[str]:
    found = [each.get("trace") for each in _list(detail.get("worst")) if isinstance(each, Mapping)]
    return [each for each in found if isinstance(each, str) and each]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()


PAGE = Page(name="drift", path="/products/{product}/drift", template="drift.html", view=view)
