"""What a judge's grades come to: corrected values, versions, and the items that people grade otherwise.

May import ``contract``, ``evals``, ``evidence``, ``quantity``, ``records`` and this room. Evidence may come
from others: what has another shape is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from launchworthy.console.charts import IntervalMark, correction_plot
from launchworthy.console.claims import claim_url, source_link
from launchworthy.console.kept_back import KeptBack, items_of
from launchworthy.console.page import Ask
from launchworthy.console.payload import gist, readable
from launchworthy.console.reading import Reading
from launchworthy.console.words import MARKS, Link, joined, moment, page_url, sentence, short
from launchworthy.contract import ClaimKind
from launchworthy.evals.judging import CalibrationView, CorrectionView, JudgeVersion
from launchworthy.evals.judging.judged import judged_name
from launchworthy.evidence import ClaimStatus, goal
from launchworthy.quantity import difference_unit, format_interval, format_number
from launchworthy.records import Score

__all__ = [
    "CorrectionRow",
    "DisagreementRow",
    "VersionRow",
    "corrections",
    "disagreements",
    "grade_text",
    "interval_mark",
    "is_number",
    "versions",
]

_MOST_REASON = 600
_WORDS = {
    "yes_no": {0.0: "no", 1.0: "yes"},
    "pairs": {0.0: "second", 0.5: "tie", 1.0: "first"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRow:
    """One judged claim: the judge's own mean, and what people's labels make of it; ``reason`` says why there
    is no corrected value."""

    claim: Link
    slice: str
    state: str
    mark: str
    observed: str
    source: Link
    raw: str
    corrected: str
    how: str
    reason: str
    plot: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """One calibration; ``changed`` names what differs from the one before it."""

    version: str
    observed: str
    kappa: str
    labels: str
    models: str
    changed: str
    present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DisagreementRow:
    """An item that the judge and people grade apart; ``why`` is the judge's reason where the run still has
    it."""

    item: Link
    asked: str
    judge: str
    people: str
    why: str


def grade_text(told: CalibrationView, grade: float) -> str:
    """A grade as people say it: yes and no, first and second, else the number."""
    scale = told.evidence.detail["judge"]["scale"]
    return _WORDS.get(scale, {}).get(grade) or format_number(grade)


def is_number(value: Any) -> bool:
    """Whether a value of a piece's detail is a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def interval_mark(told: Any, *, unit: str, n: int = 0) -> IntervalMark | None:
    """Numbers of a piece's detail; None where they are not there."""
    if not isinstance(told, Mapping):
        return None
    value, low, high = (told.get(name) for name in ("value", "low", "high"))
    if not (is_number(value) and is_number(low) and is_number(high)):
        return None
    own = told.get("n")
    return IntervalMark(
        value=float(value or 0.0),
        low=float(low or 0.0),
        high=float(high or 0.0),
        n=own if isinstance(own, int) else n,
        unit=unit,
    )


def corrections(
    told: Sequence[CorrectionView], statuses: Sequence[ClaimStatus], name: str, product: str
) -> Iterable[CorrectionRow]:
    """The newest of each claim and slice, in the contract's order; a claim that was never judged says so."""
    newest: dict[str, dict[str, CorrectionView]] = {}
    for each in told:
        newest.setdefault(each.evidence.claim, {}).setdefault(each.evidence.slice or "", each)
    for status in statuses:
        found = newest.get(status.claim.address, {})
        for slice_, each in sorted(found.items()):
            yield _correction(each, status, slice_, product)
        if not found and status.claim.options.get("judge") == name:
            yield CorrectionRow(
                claim=Link(
                    text=sentence(status.claim.sentence), url=claim_url(product, status.claim.address)
                ),
                slice="",
                state=status.state.value,
                mark=MARKS[status.state],
                observed="",
                source=Link(text=""),
                raw="not judged yet",
                corrected="none",
                how="",
                reason=short(status.reason, most=300),
                plot=Markup(""),
            )


def _correction(each: CorrectionView, status: ClaimStatus, slice_: str, product: str) -> CorrectionRow:
    piece, target = each.evidence, goal(status.claim)
    unit = difference_unit(piece.unit) if status.claim.kind is ClaimKind.DELTA else piece.unit
    raw = interval_mark(each.raw, unit=unit)
    decides = status.evidence is not None and status.evidence.id == piece.id
    plot = Markup("")
    if piece.value is not None and piece.low is not None and piece.high is not None:
        asked = target is not None and target.unit == piece.unit
        mark = IntervalMark(
            value=piece.value,
            low=piece.low,
            high=piece.high,
            n=piece.n,
            unit=unit,
            threshold=target.threshold if asked and target is not None else None,
            direction=target.direction.value if target is not None else "at_least",
            state=status.state.value if decides else "",
        )
        plot = correction_plot(mark, raw=raw, title=status.claim.sentence)
    return CorrectionRow(
        claim=Link(text=sentence(status.claim.sentence), url=claim_url(product, piece.claim)),
        slice=slice_,
        state=status.state.value,
        mark=MARKS[status.state],
        observed=moment(piece.observed_at),
        source=source_link(piece, product=product),
        raw="nothing graded"
        if raw is None
        else format_interval(raw.value, raw.low, raw.high, n=raw.n, unit=unit),
        corrected="none"
        if piece.value is None
        else format_interval(piece.value, piece.low, piece.high, n=piece.n, unit=unit),
        how=piece.method,
        reason=short(each.reason, most=300),
        plot=plot,
    )


def versions(told: Sequence[CalibrationView], present: JudgeVersion | str) -> Iterable[VersionRow]:
    """Calibrations, newest first, each with what it changed."""
    for at, each in enumerate(told):
        piece, before = each.evidence, told[at + 1] if at + 1 < len(told) else None
        if before is None:
            changed = "the first"
        elif each.version == before.version:
            changed = "nothing: other labels, or asked again"
        else:
            own = JudgeVersion(id=each.version, parts={**before.parts, **each.parts})
            changed = joined(own.changed(before.parts)) or "not known"
        yield VersionRow(
            version=each.version,
            observed=moment(piece.observed_at),
            kappa=format_interval(piece.value, piece.low, piece.high)
            if piece.value is not None
            else f"none: {short(str(piece.detail.get('reason', '')), most=120)}",
            labels=f"{piece.n:,}",
            models=joined([short(model, most=60) for model in each.models]),
            changed=changed,
            present=isinstance(present, JudgeVersion) and present.id == each.version,
        )


def disagreements(
    reading: Reading, ask: Ask, told: CalibrationView, name: str
) -> tuple[tuple[DisagreementRow, ...], KeptBack]:
    """Items of a calibration that were graded apart, the furthest first, and what keeps their words back."""
    drawn = told.evidence.detail.get("drawn")
    runs = (
        {run: known for run, known in drawn.items() if isinstance(known, Mapping)}
        if isinstance(drawn, Mapping)
        else {}
    )
    rows = []
    apart = [each for each in map(_apart, told.disagreements) if each is not None]
    of_run = {
        item_id: next((run for run, known in runs.items() if item_id in known), "") for item_id, *_ in apart
    }
    items, back = items_of(reading, filter(None, of_run.values()), ask)
    answered = {run: {item.item_id: item for item in found} for run, found in items.items()}
    for item_id, graded, people in apart:
        run = of_run[item_id]
        item = answered.get(run, {}).get(item_id)
        link = Link(text=item_id, url=page_url("runs", run, "items", item_id) if item is not None else "")
        seen = None if item is None or back.hides(run, item_id) else item
        score = None if seen is None else seen.scores.get(judged_name(told.metric, name))
        rows.append(
            DisagreementRow(
                item=link,
                asked="" if seen is None else gist(readable(seen.input), most=160),
                judge=grade_text(told, graded),
                people=grade_text(told, people),
                why=_why(score, version=told.version, grade=graded),
            )
        )
    return tuple(rows), back.of(back.hides(of_run[row.item.text], row.item.text) for row in rows)


def _apart(each: Any) -> tuple[str, float, float] | None:
    """Id, the judge's grade and people's; None of what has another shape."""
    if not isinstance(each, Mapping) or not all(is_number(each.get(who)) for who in ("judge", "human")):
        return None
    return str(each.get("id")), float(each["judge"]), float(each["human"])


def _why(score: Score | None, *, version: str, grade: float) -> str:
    """The reason that the judge gave for this very grade; a ledger keeps none, the run does."""
    detail = {} if score is None else score.detail
    if detail.get("judge") != version or detail.get("grade") != grade:
        return ""
    votes = detail.get("votes")
    for vote in votes if isinstance(votes, (list, tuple)) else ():
        if isinstance(vote, Mapping) and isinstance(vote.get("reasoning"), str) and vote["reasoning"]:
            return short(vote["reasoning"], most=_MOST_REASON)
    return ""
