"""``/runs/compare?baseline=…&candidate=…``: two runs, paired on the same items; what flipped comes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from launchworthy.console.charts import ForestRow, forest_plot
from launchworthy.console.kept_back import KeptBack, kept_back
from launchworthy.console.measures import score_text
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.payload import Answer, answer, gist, readable, truth
from launchworthy.console.reading import Reading
from launchworthy.console.words import MARKS, Link, count, joined, page_url, short
from launchworthy.evals import Comparison, compare_runs, metrics_of_run, slice_differences
from launchworthy.evidence import State
from launchworthy.metrics import Metric, SliceDifference, slices_in_words
from launchworthy.quantity import difference_unit, format_interval, format_value
from launchworthy.records import Run, RunItem

__all__ = ["PAGE", "CompareView", "DifferenceRow", "FlipRow", "SliceRow"]

_MOST_FLIPS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceRow:
    """One metric: both values, the paired difference with its bounds, and whether it is no worse."""

    metric: str
    baseline: str
    candidate: str
    difference: str
    margin: str
    state: str
    mark: str
    moved: str
    notes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRow:
    """The difference on one slice; ``change`` is empty where it may be chance among so many."""

    name: str
    difference: str
    alone: str
    among: str
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipRow:
    """One item that moved on one metric, with both answers."""

    id: str
    question: str
    expected: str
    metric: str
    better: bool
    before: str
    after: str
    baseline: Answer
    candidate: Answer
    baseline_trace: Link
    candidate_trace: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareView:
    """What the comparison receives; ``margin`` is the percentage in the URL."""

    head: Head
    baseline: Link
    candidate: Link
    forest: Markup
    rows: tuple[DifferenceRow, ...]
    metric: str
    slices: tuple[SliceRow, ...]
    slices_said: str
    flips: tuple[FlipRow, ...]
    flips_left: int
    kept_back: KeptBack
    runs: tuple[Link, ...]
    baseline_id: str
    candidate_id: str
    margin: str
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> CompareView:
    """Compare two runs on every metric that both were scored with."""
    baseline_id, candidate_id = ask.query.get("baseline", ""), ask.query.get("candidate", "")
    margin = _margin(ask.query.get("margin", ""))
    choices = tuple(
        Link(text=f"{run.id}, {run.product}/{run.workflow}, {run.release}", url=run.id)
        for run in reading.runs()[:200]
    )
    trail = (Link(text="Runs", url="/runs"), Link(text="Compare"))
    if not baseline_id or not candidate_id:
        return CompareView(
            head=Head(title="Choose two runs to compare", section="runs", trail=trail),
            baseline=Link(text=""),
            candidate=Link(text=""),
            forest=Markup(""),
            rows=(),
            metric="",
            slices=(),
            slices_said="",
            flips=(),
            flips_left=0,
            kept_back=KeptBack(shown={}),
            runs=choices,
            baseline_id=baseline_id,
            candidate_id=candidate_id,
            margin=f"{100 * margin:g}",
            empty=Empty(what="A comparison needs a baseline and a candidate that answered the same items."),
        )
    baseline, candidate = reading.run(baseline_id), reading.run(candidate_id)
    before, after = reading.run_items(baseline.id), reading.run_items(candidate.id)
    metrics = _shared(baseline, candidate)
    found = [
        compare_runs(after, before, metric, margin=margin if metric.unit == "ratio" else 0.0)
        for metric in metrics
    ]
    chosen = next((each for each in metrics if each.name == ask.query.get("metric")), (*metrics, None)[0])
    parts = () if chosen is None else slice_differences(after, before, chosen)
    back = kept_back(reading, [baseline, candidate], ask)
    moved = list(_flips(found, metrics, before, after))
    flips = [flip for flip in moved if not any(back.hides(run.id, flip.id) for run in (baseline, candidate))]
    return CompareView(
        head=Head(
            title=_title(found),
            reason=_reason(baseline, candidate, found, margin),
            section="runs",
            trail=trail,
        ),
        baseline=Link(text=f"{baseline.id} ({baseline.release})", url=page_url("runs", baseline.id)),
        candidate=Link(text=f"{candidate.id} ({candidate.release})", url=page_url("runs", candidate.id)),
        forest=_forest(found, metrics),
        rows=tuple(_row(each, metric) for each, metric in zip(found, metrics, strict=True)),
        metric="" if chosen is None else chosen.name,
        slices=tuple(_slice(part, chosen) for part in parts) if chosen is not None else (),
        slices_said=slices_in_words(parts, unit=chosen.unit, level=0.95) if chosen is not None else "",
        flips=tuple(flips[:_MOST_FLIPS]),
        flips_left=max(0, len(flips) - _MOST_FLIPS),
        kept_back=back.of([len(flips) < len(moved)]),
        runs=choices,
        baseline_id=baseline.id,
        candidate_id=candidate.id,
        margin=f"{100 * margin:g}",
        empty=None
        if metrics
        else Empty(
            what="The two runs share no metric; run both with the same scorers.",
            command="launchworthy eval --help",
        ),
    )


def _margin(text: str) -> float:
    """Percentage points in the URL as a share; 2 where none is given, as in a contract."""
    try:
        value = float(text) / 100.0
    except ValueError:
        return 0.02
    return value if 0.0 <= value <= 1.0 else 0.02


def _shared(baseline: Run, candidate: Run) -> list[Metric]:
    known = {metric.signature for metric in metrics_of_run(baseline)}
    return [metric for metric in metrics_of_run(candidate) if metric.signature in known]


def _title(found: Sequence[Comparison]) -> str:
    if not found:
        return "Nothing to compare"
    worse = [each.metric for each in found if each.status == "unmet"]
    better = [each.metric for each in found if _improved(each)]
    same = [each.metric for each in found if each.status == "met" and each.metric not in better]
    unsure = [each.metric for each in found if each.status == "unproven"]
    parts = [
        f"worse on {joined(worse)}" if worse else "",
        f"better on {joined(better)}" if better else "",
        f"no worse on {joined(same)}" if same else "",
        f"unproven on {joined(unsure)}" if unsure else "",
    ]
    return f"The candidate is {'; '.join(part for part in parts if part)}"


def _improved(each: Comparison) -> bool:
    """Whether the bounds exclude no difference, on the side that the comparison counts as no worse."""
    if each.difference is None or each.status != "met":
        return False
    return each.difference.low > 0 or each.difference.high < 0


def _reason(baseline: Run, candidate: Run, found: Sequence[Comparison], margin: float) -> str:
    n = max((each.difference.n for each in found if each.difference is not None), default=0)
    parts = [
        f"Release {candidate.release} against {baseline.release}, {count(n, 'item')} answered by both, "
        f"margin {format_value(margin, unit=difference_unit('ratio'))}, each bound at 95 %."
    ]
    if candidate.gold != baseline.gold:
        parts.append(
            f"The gold sets differ: {candidate.gold} and {baseline.gold}; only shared items are paired."
        )
    return " ".join(parts)


def _forest(found: Sequence[Comparison], metrics: Sequence[Metric]) -> Markup:
    rows = [
        ForestRow(
            name=each.metric,
            value=each.difference.value,
            low=each.difference.low,
            high=each.difference.high,
            n=each.difference.n,
            unit=difference_unit(each.difference.unit or metric.unit),
            margin=each.margin,
            higher_is_better=metric.higher_is_better,
            state=each.status,
        )
        for each, metric in zip(found, metrics, strict=True)
        if each.difference is not None
    ]
    return forest_plot(rows, title="Candidate minus baseline") if rows else Markup("")


def _row(each: Comparison, metric: Metric) -> DifferenceRow:
    own = each.difference
    if each.too_much_missing:
        notes = [f"not settled: {each.too_much_missing}"]
    else:
        notes = [f"{each.unscored:,} could not be scored"] if each.unscored else []
        notes += [f"{each.unpaired:,} in only one run"] if each.unpaired else []
    notes += [f"{each.one_sided:,} count on one side only"] if each.one_sided else []
    return DifferenceRow(
        metric=each.metric,
        baseline=format_value(each.baseline, unit=metric.unit),
        candidate=format_value(each.candidate, unit=metric.unit),
        difference="not measured"
        if own is None
        else format_interval(
            own.value, own.low, own.high, n=own.n, unit=difference_unit(own.unit or metric.unit)
        ),
        margin=format_value(each.margin, unit=difference_unit(metric.unit)),
        state=each.status,
        mark=MARKS[State(each.status)],
        moved=f"{len(each.better):,} better, {len(each.worse):,} worse",
        notes="; ".join(notes),
    )


def _slice(part: SliceDifference, metric: Metric) -> SliceRow:
    own = part.difference
    return SliceRow(
        name=part.name,
        difference="not measured"
        if own is None
        else format_interval(
            own.value, own.low, own.high, n=own.n, unit=difference_unit(own.unit or metric.unit)
        ),
        alone="" if part.p_value is None else _chance(part.p_value),
        among="" if part.adjusted is None else _chance(part.adjusted),
        change=part.change or "",
    )


def _chance(p_value: float) -> str:
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _flips(
    found: Sequence[Comparison],
    metrics: Sequence[Metric],
    before: Sequence[RunItem],
    after: Sequence[RunItem],
) -> list[FlipRow]:
    """Items that became worse, then those that became better; one row an item, on its first such metric."""
    old = {item.item_id: item for item in before}
    new = {item.item_id: item for item in after}
    rows: dict[tuple[bool, str], FlipRow] = {}
    for better in (False, True):
        for each, metric in zip(found, metrics, strict=True):
            for item_id in each.better if better else each.worse:
                if (better, item_id) not in rows:
                    rows[better, item_id] = _flip(old[item_id], new[item_id], metric, better=better)
    return list(rows.values())


def _flip(old: RunItem, new: RunItem, metric: Metric, *, better: bool) -> FlipRow:
    return FlipRow(
        id=new.item_id,
        question=gist(readable(new.input), most=200),
        expected="" if new.expected is None else truth(new.expected),
        metric=metric.name,
        better=better,
        before=score_text(metric, old.scores.get(metric.name)),
        after=score_text(metric, new.scores.get(metric.name)),
        baseline=_answer(old),
        candidate=_answer(new),
        baseline_trace=_trace(old),
        candidate_trace=_trace(new),
    )


def _answer(item: RunItem) -> Answer:
    if item.error is not None:
        return Answer(text=f"no answer: {item.error}")
    return Answer(text="") if item.output is None else answer(item.output, most=240)


def _trace(item: RunItem) -> Link:
    if not item.trace_id:
        return Link(text="")
    return Link(text=short(item.trace_id, most=12), url=page_url("traces", item.trace_id))


PAGE = Page(name="compare", path="/runs/compare", template="compare.html", view=view)
