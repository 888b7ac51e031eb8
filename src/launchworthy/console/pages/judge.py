"""``/products/{product}/judges/{name}``: how far a judge agrees with people, and what its grades come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from launchworthy.console.charts import IntervalMark, correction_plot, interval_plot
from launchworthy.console.claims import ClaimRow, claim_row, claim_url, source_link
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.pages.judges import judges_among
from launchworthy.console.payload import gist, readable
from launchworthy.console.reading import Reading
from launchworthy.console.words import MARKS, Link, count, joined, moment, page_url, sentence, short
from launchworthy.contract import ClaimKind
from launchworthy.errors import NotFoundError
from launchworthy.evals.judging import CalibrationView, CorrectionView, JudgeVersion, JudgeView, judge_view
from launchworthy.evals.judging.judged import judged_name
from launchworthy.evidence import ClaimStatus, Evidence, State, goal
from launchworthy.quantity import difference_unit, format_interval, format_number, format_value
from launchworthy.records import RunItem, Score

__all__ = ["PAGE", "CorrectionRow", "DisagreementRow", "GradeRow", "JudgePageView", "VersionRow"]

_MOST_REASON = 600
_WORDS = {
    "yes_no": {0.0: "no", 1.0: "yes"},
    "pairs": {0.0: "second", 0.5: "tie", 1.0: "first"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeRow:
    """What people said of the items that the judge gave one grade; each count with whether both say the
    same."""

    grade: str
    counts: tuple[tuple[str, bool], ...]
    total: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgePageView:
    """What the judge's page receives; ``bias`` is empty for a judge of single answers."""

    head: Head
    state: str
    mark: str
    claim: ClaimRow
    figures: tuple[tuple[str, str], ...]
    heads: tuple[str, ...]
    grades: tuple[GradeRow, ...]
    bias: tuple[tuple[str, str], ...]
    bias_plot: Markup
    corrections: tuple[CorrectionRow, ...]
    versions: tuple[VersionRow, ...]
    version: str
    disagreements: tuple[DisagreementRow, ...]
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> JudgePageView:
    """Read all that the evidence says of a judge."""
    product, name = ask.path["product"], ask.path["name"]
    verdict = reading.verdict(product)
    status = judges_among(verdict.statuses).get(name) if verdict is not None else None
    if verdict is None or status is None:
        raise NotFoundError(
            f"the contract of {product!r:.80} has no judge {name!r:.80}",
            hint="declare it under proof/judges",
        )
    shown = _view(verdict.evidence, name)
    newest = next(iter(shown.calibrations), None)
    present = reading.judge_version(product, name, metric=newest.metric if newest is not None else None)
    changed = _changed(present, newest)
    state = State.UNPROVEN if changed else status.state
    return JudgePageView(
        head=Head(
            title=_title(name, status, newest, changed),
            reason=_reason(status, newest, present),
            section="products",
            trail=(
                Link(text="Products", url="/"),
                Link(text=short(product, most=60), url=page_url("products", product)),
                Link(text="Judges", url=page_url("products", product, "judges")),
                Link(text=short(name, most=60)),
            ),
        ),
        state=state.value,
        mark=MARKS[state],
        claim=claim_row(status, product=product),
        figures=tuple(_figures(newest)),
        heads=() if newest is None else tuple(_grade(newest, grade) for grade in newest.table.grades),
        grades=() if newest is None else tuple(_grades(newest)),
        bias=() if newest is None else tuple(_bias(newest.position_bias)),
        bias_plot=Markup("") if newest is None else _bias_plot(newest.position_bias),
        corrections=tuple(_corrections(shown.corrections, verdict.statuses, name, product)),
        versions=tuple(_versions(shown.calibrations, present)),
        version=present.id if isinstance(present, JudgeVersion) else "",
        disagreements=() if newest is None else tuple(_disagreements(reading, newest, name)),
        empty=None
        if newest is not None
        else Empty(
            what="People have not labelled what this judge grades: draw items of a run that it has graded, "
            "let people fill in their grade, and calibrate.",
            command=f"launchworthy judge sample {name} RUN --count 250 --out labels.jsonl\n"
            f"launchworthy judge calibrate {name} --labels labels.jsonl",
        ),
    )


def _view(evidence: Iterable[Evidence], name: str) -> JudgeView:
    """What can be read of a judge; pieces that others wrote in another shape are passed over."""
    readable_pieces = []
    for piece in evidence:
        try:
            judge_view([piece], name)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
        readable_pieces.append(piece)
    return judge_view(readable_pieces, name)


def _changed(present: JudgeVersion | str, newest: CalibrationView | None) -> list[str]:
    """The parts in which the contract's judge differs from the one that was calibrated."""
    if newest is None or isinstance(present, str) or present.id == newest.version:
        return []
    return present.changed(newest.parts) or ["version"]


def _title(name: str, status: ClaimStatus, newest: CalibrationView | None, changed: list[str]) -> str:
    judge = short(name, most=60)
    if newest is None:
        return f"{judge} was never calibrated: its grades prove nothing yet"
    if changed:
        parts = joined([f"the {part}" for part in changed])
        return f"{judge} is not calibrated as it is now: {parts} changed"
    piece = newest.evidence
    if piece.value is None or piece.low is None or piece.high is None:
        return (
            f"{judge} is not calibrated: {short(str(piece.detail.get('reason', 'no agreement')), most=160)}"
        )
    kappa = f"kappa {format_number(piece.value)}"
    if status.state is State.MET:
        return f"{judge} agrees with people: {kappa}, at least {format_number(piece.low)} proven"
    if status.state is State.UNMET:
        return f"{judge} does not agree with people as asked: {kappa}, at most {format_number(piece.high)}"
    return f"Whether {judge} agrees with people is {status.state.value}: {kappa}"


def _reason(status: ClaimStatus, newest: CalibrationView | None, present: JudgeVersion | str) -> str:
    parts = [sentence(status.reason)]
    if newest is not None:
        metric = newest.metric or "no metric named"
        parts.append(f"Calibrated for {metric} {moment(newest.evidence.observed_at)}")
    if isinstance(present, str) and present:
        parts.append(present)
    return f"{'. '.join(part.rstrip('.') for part in parts)}."


def _grade(told: CalibrationView, grade: float) -> str:
    scale = told.evidence.detail["judge"]["scale"]
    return _WORDS.get(scale, {}).get(grade) or format_number(grade)


def _figures(told: CalibrationView | None) -> Iterable[tuple[str, str]]:
    if told is None:
        return
    piece = told.evidence
    yield "Kappa", format_interval(piece.value, piece.low, piece.high, n=piece.n)
    for name, share in (
        ("Both say the same", told.same_grade_share),
        ("People among themselves", told.raters_agreed_share),
    ):
        if _is_number(share):
            yield name, format_value(share, unit="ratio")
    for name, number in (
        ("Could not be graded", piece.unscored),
        ("People are divided", piece.detail.get("divided")),
        ("The models disagreed", piece.detail.get("panel_disagreed")),
    ):
        if isinstance(number, int) and number:
            yield name, count(number, "item")
    yield "Models", joined([short(model, most=60) for model in told.models]) or "none named"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _grades(told: CalibrationView) -> Iterable[GradeRow]:
    for grade, row in zip(told.table.grades, told.table.rows(), strict=True):
        yield GradeRow(
            grade=_grade(told, grade),
            counts=tuple(
                (f"{number:,}", other == grade) for other, number in zip(told.table.grades, row, strict=True)
            ),
            total=f"{sum(row):,}",
        )


def _bias(told: Mapping[str, Any] | None) -> Iterable[tuple[str, str]]:
    for name, key, unit in (
        ("Leans to the first place", "first", difference_unit("ratio")),
        ("Same answer in both orders", "consistent", "ratio"),
    ):
        mark = _mark(None if told is None else told.get(key), unit=unit)
        if mark is not None:
            yield name, format_interval(mark.value, mark.low, mark.high, unit=unit)
    for name, key in (("Pairs in both orders", "pairs"), ("Without a grade in both", "missing")):
        number = None if told is None else told.get(key)
        if isinstance(number, int) and number:
            yield name, f"{number:,}"


def _bias_plot(told: Mapping[str, Any] | None) -> Markup:
    pairs = None if told is None else told.get("pairs")
    mark = _mark(
        None if told is None else told.get("first"),
        unit=difference_unit("ratio"),
        n=pairs if isinstance(pairs, int) else 0,
    )
    if mark is None:
        return Markup("")
    return interval_plot(mark, title="How much more often the first place wins", around=0.0)


def _mark(told: Any, *, unit: str, n: int = 0) -> IntervalMark | None:
    """Numbers of a piece's detail; None where they are not there."""
    if not isinstance(told, Mapping):
        return None
    value, low, high = (told.get(name) for name in ("value", "low", "high"))
    if not (_is_number(value) and _is_number(low) and _is_number(high)):
        return None
    own = told.get("n")
    return IntervalMark(
        value=float(value or 0.0),
        low=float(low or 0.0),
        high=float(high or 0.0),
        n=own if isinstance(own, int) else n,
        unit=unit,
    )


def _corrections(
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
    raw = _mark(each.raw, unit=unit)
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


def _versions(told: Sequence[CalibrationView], present: JudgeVersion | str) -> Iterable[VersionRow]:
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


def _disagreements(reading: Reading, told: CalibrationView, name: str) -> Iterable[DisagreementRow]:
    drawn = told.evidence.detail.get("drawn")
    runs = drawn if isinstance(drawn, Mapping) else {}
    answered: dict[str, dict[str, RunItem]] = {}
    for each in told.disagreements:
        apart = _apart(each)
        if apart is None:
            continue
        item_id, graded, people = apart
        run = next(
            (run for run, known in runs.items() if isinstance(known, Mapping) and item_id in known), ""
        )
        if run and run not in answered:
            answered[run] = _items(reading, run)
        item = answered.get(run, {}).get(item_id)
        score = None if item is None else item.scores.get(judged_name(told.metric, name))
        yield DisagreementRow(
            item=Link(text=item_id, url=page_url("runs", run, "items", item_id) if item is not None else ""),
            asked="" if item is None else gist(readable(item.input), most=160),
            judge=_grade(told, graded),
            people=_grade(told, people),
            why=_why(score, version=told.version, grade=graded),
        )


def _apart(each: Any) -> tuple[str, float, float] | None:
    """Id, the judge's grade and people's; None of what has another shape."""
    if not isinstance(each, Mapping) or not all(_is_number(each.get(who)) for who in ("judge", "human")):
        return None
    return str(each.get("id")), float(each["judge"]), float(each["human"])


def _items(reading: Reading, run: str) -> dict[str, RunItem]:
    try:
        return {item.item_id: item for item in reading.run_items(run)}
    except NotFoundError:
        return {}


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


PAGE = Page(name="judge", path="/products/{product}/judges/{name:path}", template="judge.html", view=view)
