"""Claims as pages show them: state, numbers, plot, plan, and the way to the evidence.

May import ``contract``, ``evidence``, ``quantity`` and this room.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from launchworthy.console.charts import IntervalMark, interval_plot
from launchworthy.console.words import MARKS, Link, joined, page_url, sentence
from launchworthy.contract import ClaimKind
from launchworthy.evidence import (
    ClaimStatus,
    Evidence,
    State,
    goal,
    measured_text,
    plan_text,
    unmeasured,
)
from launchworthy.quantity import difference_unit

__all__ = [
    "RECORD_FIELDS",
    "ClaimRow",
    "claim_row",
    "claim_url",
    "has_records",
    "source_link",
    "tally",
    "worst_state",
]

RECORD_FIELDS = ("worst", "worse", "breaches", "traces", "worst_traces", "trace_ids", "items")
_WORST_FIRST = (State.UNMET, State.UNPROVEN, State.WAIVED, State.ATTESTED, State.MET)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRow:
    """One claim in a list: its sentence, where it stands and why, and what would settle it.

    ``plot`` is empty where no interval was measured; ``plan`` where nothing needs settling. ``worst`` leads
    to the records that made it unmet; ``unmeasured`` is a claim that nothing here can measure.
    """

    address: str
    sentence: str
    url: str
    state: str
    mark: str
    reason: str
    measured: str
    plot: Markup
    plan: str
    due: str
    source: Link
    simulated: bool
    worst: Link
    unmeasured: bool


def claim_url(product: str, address: str) -> str:
    """Page of a claim."""
    return page_url("products", product, "claims", address)


def claim_row(status: ClaimStatus, *, product: str) -> ClaimRow:
    """What a list shows of a claim."""
    claim, piece = status.claim, status.evidence
    url = claim_url(product, claim.address)
    return ClaimRow(
        address=claim.address,
        sentence=sentence(claim.sentence),
        url=url,
        state=status.state.value,
        mark=MARKS[status.state],
        reason=status.reason,
        measured=measured_text(piece) if piece is not None else "",
        plot=_plot(status),
        plan=plan_text(status.plan) if status.plan is not None else "",
        due=claim.due or "",
        source=source_link(piece, product=product) if piece is not None else Link(text=""),
        simulated=piece is not None and piece.simulated,
        worst=Link(text="the records behind it, worst first", url=f"{url}#records")
        if status.state is State.UNMET and has_records(piece)
        else Link(text=""),
        unmeasured=unmeasured(status),
    )


def has_records(piece: Evidence | None) -> bool:
    """Whether a piece names items or traces that stand behind its number."""
    return piece is not None and any(piece.detail.get(name) for name in RECORD_FIELDS)


def _plot(status: ClaimStatus) -> Markup:
    piece, target = status.evidence, goal(status.claim)
    if piece is None or piece.value is None or piece.low is None or piece.high is None:
        return Markup("")
    if target is None or target.unit != piece.unit:
        return Markup("")
    return interval_plot(
        IntervalMark(
            value=piece.value,
            low=piece.low,
            high=piece.high,
            n=piece.n,
            unit=difference_unit(piece.unit) if status.claim.kind is ClaimKind.DELTA else piece.unit,
            threshold=target.threshold,
            direction=target.direction.value,
            state=status.state.value,
        ),
        title=status.claim.sentence,
    )


_DAY = re.compile(r"(\d{4}-\d\d-\d\d)T[\d:.]+Z?")
_SOURCE = re.compile(r"(run|gold|records|file):(.+)", re.DOTALL)


def source_link(piece: Evidence, *, product: str = "") -> Link:
    """Where a piece came from, as a link where there is a page for it."""
    match = _SOURCE.match(piece.source)
    if match is None:
        return Link(text=piece.source or piece.producer or "not named")
    kind, rest = match.groups()
    if kind == "run":
        return Link(text=f"run {rest}", url=page_url("runs", rest))
    if kind == "gold" and product:
        name, _, version = rest.partition("@")
        return Link(
            text=f"gold set {rest}", url=page_url("gold", product, name) + (f"#{version}" if version else "")
        )
    if kind == "records":
        return Link(text=f"records {_period(rest)}", url=page_url("traces", product=product))
    return Link(text=f"{kind} {rest}")


def _period(text: str) -> str:
    """``2026-10-25/2026-11-24`` in words; whole days are enough to know which records are meant."""
    first, _, last = (_DAY.sub(r"\1", text)).partition("/")
    return f"of {first}" if first == last or not last else f"{first} to {last}"


def worst_state(states: Iterable[State]) -> State | None:
    """A board line is its worst claim; None where it has none."""
    found = set(states)
    return next((state for state in _WORST_FIRST if state in found), None)


def tally(states: Iterable[State]) -> str:
    """``1 unmet, 2 unproven and 5 met``; worst first."""
    found = Counter(states)
    return joined([f"{found[state]:,} {state.value}" for state in _WORST_FIRST if found[state]])
