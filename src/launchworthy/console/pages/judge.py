"""``/products/{product}/judges/{name}``: how far a judge agrees with people, and what its grades come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from launchworthy.console.charts import interval_plot
from launchworthy.console.claims import ClaimRow, claim_row
from launchworthy.console.judged import (
    CorrectionRow,
    DisagreementRow,
    VersionRow,
    corrections,
    disagreements,
    grade_text,
    interval_mark,
    is_number,
    versions,
)
from launchworthy.console.kept_back import KeptBack
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.pages.judges import judges_among
from launchworthy.console.reading import Reading
from launchworthy.console.words import MARKS, Link, count, joined, moment, page_url, sentence, short
from launchworthy.errors import NotFoundError
from launchworthy.evals.judging import CalibrationView, JudgeVersion, JudgeView, judge_view
from launchworthy.evidence import ClaimStatus, Evidence, State
from launchworthy.quantity import difference_unit, format_interval, format_number, format_value

__all__ = ["PAGE", "GradeRow", "JudgePageView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeRow:
    """What people said of the items that the judge gave one grade; each count with whether both say the
    same."""

    grade: str
    counts: tuple[tuple[str, bool], ...]
    total: str


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
    kept_back: KeptBack
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
    apart, back = ((), KeptBack(shown={})) if newest is None else disagreements(reading, ask, newest, name)
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
        figures=(*_figures(newest), *_since(shown.since)),
        heads=() if newest is None else tuple(grade_text(newest, grade) for grade in newest.table.grades),
        grades=() if newest is None else tuple(_grades(newest)),
        bias=() if newest is None else tuple(_bias(newest.position_bias)),
        bias_plot=Markup("") if newest is None else _bias_plot(newest.position_bias),
        corrections=tuple(corrections(shown.corrections, verdict.statuses, name, product)),
        versions=tuple(versions(shown.calibrations, present)),
        version=present.id if isinstance(present, JudgeVersion) else "",
        disagreements=apart,
        kept_back=back,
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
    read = []
    for piece in evidence:
        try:
            found = judge_view([piece], name)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
        if all(map(_is_whole, found.calibrations)):
            read.append(piece)
    return judge_view(read, name)


def _is_whole(told: CalibrationView) -> bool:
    shapes: tuple[tuple[Any, type | tuple[type, ...]], ...] = (
        (told.version, str),
        (told.parts, Mapping),
        (told.position_bias, (Mapping, type(None))),
        *((model, str) for model in told.models),
        *((number, int) for number in told.table.counts.values()),
    )
    return all(isinstance(value, shape) for value, shape in shapes)


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


def _since(piece: Evidence | None) -> Iterable[tuple[str, str]]:
    """What people's labels of real calls say since the calibration, where a monitor watches it."""
    agreement = None if piece is None else piece.detail.get("agreement")
    if piece is None or not isinstance(agreement, Mapping):
        return
    numbers = [agreement.get(name) for name in ("value", "low", "high")]
    if all(map(is_number, numbers)):
        yield f"By labels since, {moment(piece.observed_at)}", format_interval(*numbers, n=piece.n)


def _figures(told: CalibrationView | None) -> Iterable[tuple[str, str]]:
    if told is None:
        return
    piece = told.evidence
    yield "Kappa", format_interval(piece.value, piece.low, piece.high, n=piece.n)
    for name, share in (
        ("Both say the same", told.same_grade_share),
        ("People among themselves", told.raters_agreed_share),
    ):
        if is_number(share):
            yield name, format_value(share, unit="ratio")
    for name, number in (
        ("Could not be graded", piece.unscored),
        ("People are divided", piece.detail.get("divided")),
        ("The models disagreed", piece.detail.get("panel_disagreed")),
    ):
        if isinstance(number, int) and number:
            yield name, count(number, "item")
    yield "Models", joined([short(model, most=60) for model in told.models]) or "none named"


def _grades(told: CalibrationView) -> Iterable[GradeRow]:
    for grade, row in zip(told.table.grades, told.table.rows(), strict=True):
        yield GradeRow(
            grade=grade_text(told, grade),
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
        mark = interval_mark(None if told is None else told.get(key), unit=unit)
        if mark is not None:
            yield name, format_interval(mark.value, mark.low, mark.high, unit=unit)
    for name, key in (("Pairs in both orders", "pairs"), ("Without a grade in both", "missing")):
        number = None if told is None else told.get(key)
        if isinstance(number, int) and number:
            yield name, f"{number:,}"


def _bias_plot(told: Mapping[str, Any] | None) -> Markup:
    pairs = None if told is None else told.get("pairs")
    mark = interval_mark(
        None if told is None else told.get("first"),
        unit=difference_unit("ratio"),
        n=pairs if isinstance(pairs, int) else 0,
    )
    if mark is None:
        return Markup("")
    return interval_plot(mark, title="How much more often the first place wins", around=0.0)


PAGE = Page(name="judge", path="/products/{product}/judges/{name:path}", template="judge.html", view=view)
