"""``/runs/{run_id}``: what a run measured, whole and by slice, and its items, failures first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from launchworthy.console.kept_back import KeptBack, kept_back
from launchworthy.console.measures import MeasureRow, goodness, measure_row, score_text
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.pages.runs import run_state
from launchworthy.console.payload import Answer, answer, gist, readable, truth
from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, count, joined, moment, page_url, short
from launchworthy.evals import Measured, measure_run, metrics_of_run
from launchworthy.gold import SEALED
from launchworthy.metrics import Metric
from launchworthy.quantity import format_value
from launchworthy.records import Run, RunItem

__all__ = ["PAGE", "ItemRow", "RunView"]

PAGE_ITEMS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """One item: what was asked, what was right, what was answered, and what the scorers said.

    ``perfect`` names the metrics on which nothing is left to better; ``scores`` are the others.
    """

    id: str
    url: str
    question: str
    expected: str
    output: Answer
    error: str
    scores: tuple[tuple[str, str], ...]
    perfect: str
    slices: tuple[str, ...]
    latency: str
    cost: str
    trace: Link
    good: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """What the run page receives; ``others`` are runs of the same gold set that it can be compared with.

    ``items`` are those that this reader may see, and ``kept_back`` says what of the others may be done.
    """

    head: Head
    facts: tuple[tuple[str, str], ...]
    measures: tuple[MeasureRow, ...]
    slices: tuple[MeasureRow, ...]
    items: tuple[ItemRow, ...]
    kept_back: KeptBack
    shown: str
    address: str
    slice: str
    slice_names: tuple[str, ...]
    newer: str
    older: str
    others: tuple[Link, ...]
    history: Link
    threshold: Link
    simulated: bool
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> RunView:
    """Measure the run and page through its items."""
    run = reading.run(ask.path["run_id"])
    items = reading.run_items(run.id)
    metrics = metrics_of_run(run)
    measured = measure_run(items, metrics)
    wanted = ask.query.get("slice", "")
    back = kept_back(reading, [run], ask)
    seen = [item for item in items if not back.hides(run.id, item.item_id)]
    ordered = sorted(
        (item for item in seen if not wanted or wanted in item.slices),
        key=lambda item: (_goodness(item, metrics), item.item_id),
    )
    page = _page_number(ask.query.get("page", ""), pages=-(-len(ordered) // PAGE_ITEMS))
    first = (page - 1) * PAGE_ITEMS
    part = ordered[first : first + PAGE_ITEMS]
    here = {"slice": wanted}
    return RunView(
        head=Head(
            title=_title(run, measured),
            reason=f"Release {run.release} on {run.gold} ({run.split}), {count(run.done, 'item')}, "
            f"{moment(run.started_at)}.",
            section="runs",
            trail=(Link(text="Runs", url="/runs"), Link(text=run.id)),
        ),
        facts=tuple(_facts(run)),
        measures=tuple(_measure(each, metrics, items) for each in measured if each.slice is None),
        slices=tuple(measure_row(each) for each in measured if each.slice is not None),
        items=tuple(_item(run.id, item, metrics) for item in part),
        kept_back=back.of([len(seen) < len(items)]),
        shown=_shown(first, len(part), len(ordered), hidden=len(items) - len(seen)),
        address=page_url("runs", run.id),
        slice=wanted,
        slice_names=tuple(sorted({name for item in seen for name in item.slices})),
        newer=page_url("runs", run.id, page=str(page - 1), **here) if page > 1 else "",
        older=page_url("runs", run.id, page=str(page + 1), **here)
        if page * PAGE_ITEMS < len(ordered)
        else "",
        others=tuple(_others(reading, run)),
        history=Link(
            text="All releases of this suite",
            url=page_url(
                "runs",
                "history",
                product=run.product,
                workflow=run.workflow,
                gold=run.gold.partition("@")[0],
            ),
        ),
        threshold=Link(text="Choose how sure an answer must be", url=page_url("runs", run.id, "threshold"))
        if any(isinstance(item.output, Mapping) and "confidence" in item.output for item in items)
        else Link(text=""),
        simulated=run.simulated,
        empty=None if items else _empty(run),
    )


def _shown(first: int, number: int, of: int, *, hidden: int) -> str:
    parts = [f"{first + 1:,} to {first + number:,} of {of:,}"] if number else []
    if hidden:
        parts.append(f"{count(hidden, 'item')} {'is' if hidden == 1 else 'are'} kept back")
    return "; ".join(parts) or "No item has this slice"


def _empty(run: Run) -> Empty:
    if run.split == SEALED and run.status == "complete":
        return Empty(
            what=f"The launch gate asked {count(run.done, 'sealed item')}, and nobody kept what each "
            "answered: the claims show what they prove.",
            links=(Link(text="The product's claims", url=page_url("products", run.product)),),
        )
    return Empty(
        what="No item has been answered yet.",
        command=f"launchworthy eval --resume {run.id}" + (" --gate" if run.split == SEALED else ""),
    )


def _measure(measured: Measured, metrics: Sequence[Metric], items: Sequence[RunItem]) -> MeasureRow:
    """A whole run's row, with how its items are spread."""
    if measured.metric == "latency-p50":
        known = [item.latency_ms for item in items if item.latency_ms is not None]
        return measure_row(measured, values=known, higher_is_better=False)
    if measured.metric == "cost":
        paid = [item.cost_usd for item in items if item.cost_usd is not None]
        return measure_row(measured, values=paid, higher_is_better=False)
    metric = next((metric for metric in metrics if metric.name == measured.metric), None)
    if metric is None:
        return measure_row(measured)
    scores = [item.scores[metric.name] for item in items if item.error is None and metric.name in item.scores]
    return measure_row(
        measured, values=metric.each(scores).tolist(), higher_is_better=metric.higher_is_better
    )


def _page_number(text: str, *, pages: int) -> int:
    return min(max(1, int(text)), max(1, pages)) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def _title(run: Run, measured: Sequence[Measured]) -> str:
    said = []
    for each in measured:
        if (
            each.slice is None
            and each.interval is not None
            and not each.metric.startswith(("latency", "cost"))
        ):
            said.append(f"{each.metric} {format_value(each.interval.value, unit=each.unit)}")
    head = f"{run.workflow} of {run.product}"
    if not said:
        return f"{head}: run {run_state(run)}, nothing measured"
    more = f" and {len(said) - 3} more" if len(said) > 3 else ""
    told = f"{', '.join(said[:3])}{more}"
    if run.status != "complete":
        return f"{head}: {told} so far; run {run_state(run)}"
    return f"{head}: {told}" + (f"; {count(run.errors, 'item')} without an answer" if run.errors else "")


def _facts(run: Run) -> list[tuple[str, str]]:
    facts = [
        ("Status", run_state(run)),
        ("Target", run.target),
        ("Scorers", joined([signature.partition("|")[0] for signature in run.scorers]) or "none"),
        ("Started", moment(run.started_at)),
        ("Finished", moment(run.finished_at)),
        ("Items", f"{run.done:,} of {run.items:,}"),
        ("Cost", format_value(run.cost_usd, unit="USD")),
    ]
    because = run.config.get("stopped_because")
    return [*facts, ("Stopped because", str(because))] if because else facts


def _goodness(item: RunItem, metrics: Sequence[Metric]) -> tuple[int, float]:
    """Errors first, then what could not be scored, then the lowest scores."""
    if item.error is not None:
        return 0, 0.0
    scored = [item.scores.get(metric.name) for metric in metrics]
    unscored = any(score is not None and score.value is None for score in scored)
    known = [
        own
        for metric, score in zip(metrics, scored, strict=True)
        if metric.unit == "ratio" and (own := goodness(metric, score)) is not None
    ]
    return (1 if unscored else 2), sum(known) / len(known) if known else 1.0


def _item(run_id: str, item: RunItem, metrics: Sequence[Metric]) -> ItemRow:
    rank, mean = _goodness(item, metrics)
    perfect, scores = [], []
    for metric in metrics if item.error is None else ():
        score = item.scores.get(metric.name)
        if metric.unit == "ratio" and goodness(metric, score) == 1.0:
            perfect.append(metric.name)
        elif said := score_text(metric, score):
            scores.append((metric.name, said))
    return ItemRow(
        id=item.item_id,
        url=page_url("runs", run_id, "items", item.item_id),
        question=gist(readable(item.input), most=300),
        expected="" if item.expected is None else truth(item.expected),
        output=Answer(text="") if item.output is None else answer(item.output),
        error=item.error or "",
        scores=tuple(scores),
        perfect=joined(perfect),
        slices=item.slices,
        latency=format_value(item.latency_ms, unit="ms"),
        cost=format_value(item.cost_usd, unit="USD") if item.cost_usd is not None else "",
        trace=Link(text=short(item.trace_id, most=12), url=page_url("traces", item.trace_id))
        if item.trace_id
        else Link(text=""),
        good=rank == 2 and mean >= 1.0,
    )


def _others(reading: Reading, run: Run) -> list[Link]:
    """Runs of the same questions, newest first: the candidates for a comparison."""
    found = []
    for other in reading.runs(product=run.product, workflow=run.workflow):
        if other.id != run.id and other.gold.partition("@")[0] == run.gold.partition("@")[0]:
            found.append(
                Link(
                    text=f"{other.id}, release {other.release}",
                    url=page_url("runs", "compare", baseline=other.id, candidate=run.id),
                )
            )
    return found[:8]


PAGE = Page(name="run", path="/runs/{run_id}", template="run.html", view=view)
