"""``/products/{product}/claims/{address}``: one claim, its history, and the records behind it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from launchworthy.console.charts import HistoryPoint, history_plot
from launchworthy.console.claims import (
    RECORD_FIELDS,
    ClaimRow,
    claim_row,
    has_records,
    source_link,
)
from launchworthy.console.kept_back import items_of
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.pages.contract import contract_url
from launchworthy.console.pages.judges import judge_link
from launchworthy.console.payload import gist, readable
from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, count, moment, page_url, sentence, short
from launchworthy.contract import ClaimKind
from launchworthy.errors import NotFoundError
from launchworthy.evidence import ClaimStatus, Evidence, command_text, goal, measured_text
from launchworthy.quantity import difference_unit, format_value

if TYPE_CHECKING:
    from launchworthy.evidence import Verdict

__all__ = ["PAGE", "ClaimView", "Fact", "PieceRow", "RecordRow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing to know about the claim, in words; ``url`` is empty where it leads nowhere."""

    name: str
    value: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceRow:
    """One piece of evidence; ``role`` says whether it decides, contradicts or no longer counts."""

    id: str
    observed: str
    measured: str
    unscored: str
    slice: str
    release: str
    method: str
    source: Link
    producer: str
    role: str
    simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """An item or a trace that stands behind the number, worst first."""

    item: Link
    asked: str
    value: str
    trace: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimView:
    """What the claim page receives.

    ``history`` is empty where no interval was measured, ``worst_slice`` where the claim is not about every
    slice, ``line`` where the claim comes from a default.
    """

    head: Head
    claim: ClaimRow
    facts: tuple[Fact, ...]
    line: str
    history: Markup
    worst_slice: str
    pieces: tuple[PieceRow, ...]
    records: tuple[RecordRow, ...]
    remarks: tuple[Fact, ...]
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> ClaimView:
    """Find the claim in the verdict and lay out everything that speaks for it."""
    product, address = ask.path["product"], ask.path["address"]
    verdict, status = _find(reading, product=product, address=address)
    pieces = [piece for piece in verdict.evidence if piece.claim == status.claim.address]
    row = claim_row(status, product=product)
    return ClaimView(
        head=Head(
            title=f"{sentence(row.state)}: {status.claim.sentence}",
            reason=sentence(row.reason),
            section="products",
            trail=(
                Link(text="Products", url="/"),
                Link(text=short(product, most=60), url=page_url("products", product)),
                Link(text=status.claim.address),
            ),
        ),
        claim=row,
        facts=tuple(_facts(status, verdict)),
        line=_line(reading, product, status),
        history=_history(status, pieces),
        worst_slice=(status.evidence.slice or "")
        if status.claim.slice == "*" and status.evidence is not None
        else "",
        pieces=tuple(_piece(piece, status, verdict, product) for piece in reversed(pieces)),
        records=tuple(_records(reading, ask, status.evidence)),
        remarks=tuple(_remarks(status.evidence)),
        empty=None if pieces else _empty(status),
    )


def _find(reading: Reading, *, product: str, address: str) -> tuple[Verdict, ClaimStatus]:
    verdict = reading.verdict(product)
    if verdict is not None:
        for status in verdict.statuses:
            if status.claim.address in (address, f"{product}/{address}"):
                return verdict, status
    raise NotFoundError(
        f"the contract of {product!r:.80} has no claim {address!r:.200}",
        hint="the launch board lists every claim",
    )


def _facts(status: ClaimStatus, verdict: Verdict) -> Iterable[Fact]:
    claim = status.claim
    if claim.target is not None:
        word = "at least" if claim.target.direction.value == "at_least" else "at most"
        yield Fact(
            name="Asked", value=f"{word} {format_value(claim.target.threshold, unit=claim.target.unit)}"
        )
    if claim.margin is not None:
        unit = claim.target.unit if claim.target is not None else ""
        yield Fact(name="Margin", value=format_value(claim.margin, unit=difference_unit(unit)))
    if claim.target is not None or claim.kind is ClaimKind.NEVER:
        yield Fact(name="Confidence", value=f"{format_value(claim.confidence, unit='ratio')} for each bound")
    if claim.slice is not None:
        yield Fact(
            name="Slice", value="every slice, the worst decides" if claim.slice == "*" else claim.slice
        )
    yield Fact(name="Due", value=f"before {claim.due}" if claim.due else "no stage needs it")
    signer = claim.options.get("by") if claim.kind is ClaimKind.ATTEST else None
    told = claim.prover or (f"{signer} signs" if signer else "nothing measures this yet")
    command = command_text(claim)
    yield Fact(name="Proved by", value=f"{told}: {command}" if command else told)
    judge = judge_link(claim, product=verdict.terms.product)
    if judge.url:
        yield Fact(name="Judge", value=judge.text, url=judge.url)
    if claim.family == "gold" and len(parts := claim.address.split("/")) > 2:
        yield Fact(name="Gold set", value=parts[2], url=page_url("gold", verdict.terms.product, parts[2]))
    yield Fact(name="Evidence counts for", value=format_value(claim.valid_for_s * 1000, unit="ms"))
    yield Fact(name="Release judged", value=verdict.release or "none named")
    if claim.place is None:
        yield Fact(name="In the contract", value="a default")
    else:
        place = replace(claim.place, file=PurePath(claim.place.file).name)
        url = contract_url(verdict.terms.product, line=claim.place.line)
        yield Fact(name="In the contract", value=str(place), url=url)


def _line(reading: Reading, product: str, status: ClaimStatus) -> str:
    """The line of the contract as it is written."""
    contract, place = reading.contract(product), status.claim.place
    lines = contract.text.splitlines() if contract is not None else []
    return lines[place.line - 1].strip() if place is not None and 0 < place.line <= len(lines) else ""


def _history(status: ClaimStatus, pieces: list[Evidence]) -> Markup:
    target = goal(status.claim)
    unit = target.unit if target is not None else (pieces[-1].unit if pieces else "")
    points = []
    shown = status.evidence.slice if status.evidence is not None else None
    for piece in pieces:
        if status.claim.slice == "*" and piece.slice != shown:
            continue
        if piece.value is None or piece.low is None or piece.high is None or piece.unit != unit:
            continue
        decides = piece is status.evidence or (status.evidence is not None and piece.id == status.evidence.id)
        points.append(
            HistoryPoint(
                at=piece.observed_at,
                value=piece.value,
                low=piece.low,
                high=piece.high,
                n=piece.n,
                release=piece.release or "",
                state=status.state.value if decides else "",
                counts=decides or piece in status.contradicting,
            )
        )
    if not points or (target is None and all(math.isinf(point.low) for point in points)):
        return Markup("")
    return history_plot(
        points,
        threshold=None if target is None else target.threshold,
        direction="at_least" if target is None else target.direction.value,
        unit=difference_unit(unit) if status.claim.kind is ClaimKind.DELTA else unit,
        title=status.claim.sentence,
    )


def _piece(piece: Evidence, status: ClaimStatus, verdict: Verdict, product: str) -> PieceRow:
    if status.evidence is not None and piece.id == status.evidence.id:
        role = "decides"
    elif any(piece.id == other.id for other in status.contradicting):
        role = "says otherwise"
    elif piece.release is not None and piece.release != verdict.release:
        role = "another release"
    elif status.evidence is not None and piece.observed_at < status.evidence.observed_at:
        role = "older"
    else:
        role = "not decisive"
    return PieceRow(
        id=piece.id,
        observed=moment(piece.observed_at),
        measured=measured_text(piece),
        unscored=f"{piece.unscored:,} could not be measured" if piece.unscored else "",
        slice=piece.slice or "",
        release=piece.release or "any",
        method=piece.method or "not named",
        source=source_link(piece, product=product),
        producer=piece.producer or "not named",
        role=role,
        simulated=piece.simulated,
    )


def _records(reading: Reading, ask: Ask, piece: Evidence | None) -> Iterable[RecordRow]:
    """Items and traces that the evidence names, under whichever of its usual fields."""
    if piece is None or not has_records(piece):
        return
    run = piece.source.removeprefix("run:") if piece.source.startswith("run:") else ""
    items, back = items_of(reading, [run] if run else [], ask)
    asked = {
        item.item_id: gist(readable(item.input), most=100)
        for item in items.get(run, ())
        if not back.hides(run, item.item_id)
    }
    for name in RECORD_FIELDS:
        found = piece.detail.get(name)
        for each in found if isinstance(found, (list, tuple)) else ():
            if isinstance(each, Mapping):
                yield _record(each, run=run, asked=asked, unit=piece.unit)
            elif isinstance(each, str):
                yield RecordRow(item=Link(text=""), asked="", value="", trace=_trace(each))


def _record(each: Mapping[str, Any], *, run: str, asked: Mapping[str, str], unit: str) -> RecordRow:
    item = each.get("item") or each.get("id")
    value = each.get("value")
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return RecordRow(
        item=Link(text=str(item), url=page_url("runs", run, "items", str(item)) if run else "")
        if item is not None
        else Link(text=""),
        asked=asked.get(str(item), ""),
        value=format_value(float(value), unit=unit) if number and value is not None else "",
        trace=_trace(each.get("trace") or each.get("trace_id")),
    )


def _trace(trace_id: Any) -> Link:
    if not isinstance(trace_id, str) or not trace_id:
        return Link(text="")
    return Link(text=trace_id[:12], url=page_url("traces", trace_id))


_SHOWN = {
    "remark": "Remark",
    "reason": "Reason",
    "note": "Note",
    "carried": "Carried by",
    "baseline_release": "Baseline release",
    "baseline_run": "Baseline run",
    "holdout_looks": "Readings of the holdout",
    "holdout_budget": "Readings allowed",
    "outside": "Items without a truth for it",
    "split": "Split",
    "metric": "Metric",
}


def _remarks(piece: Evidence | None) -> Iterable[Fact]:
    for name, word in _SHOWN.items():
        value = None if piece is None else piece.detail.get(name)
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != "":
            yield Fact(name=word, value=f"{value:,}" if isinstance(value, (int, float)) else value)
    because = None if piece is None else piece.detail.get("unscored_because")
    for reason, number in because.items() if isinstance(because, Mapping) else ():
        yield Fact(name="Could not be scored", value=f"{count(number, 'item')}: {reason}")


def _empty(status: ClaimStatus) -> Empty:
    claim = status.claim
    if claim.kind.value == "attest":
        command = f"launchworthy attest {claim.address}"
    elif claim.family == "quality":
        command = "launchworthy eval --contract launchworthy.yaml"
    else:
        command = "launchworthy evidence add FILE.jsonl"
    return Empty(what="No evidence for this claim has been recorded.", command=command)


PAGE = Page(name="claim", path="/products/{product}/claims/{address:path}", template="claim.html", view=view)
