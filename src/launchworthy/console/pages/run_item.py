"""``/runs/{run_id}/items/{item_id}``: one item: what was right, what was answered, how it came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from launchworthy.console.kept_back import KeptBack, kept_back
from launchworthy.console.measures import goodness, score_text
from launchworthy.console.page import Ask, Head, Page
from launchworthy.console.pages import trace
from launchworthy.console.pages.trace import TraceView
from launchworthy.console.payload import Answer, Conversation, answer, conversation, gist, readable
from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, joined, page_url, short
from launchworthy.errors import NotFoundError
from launchworthy.evals import metrics_of_run
from launchworthy.metrics import Metric
from launchworthy.quantity import format_value
from launchworthy.records import Run, RunItem, Score

__all__ = ["PAGE", "RunItemView", "ScoreRow"]

_WHOLE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """What one scorer said, and what it gave as its reason."""

    metric: str
    value: str
    why: str
    state: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunItemView:
    """What the item's page receives; ``trace`` is None where the call left none, ``no_trace`` says why.

    ``talk`` is None where the answer is no conversation. Of an item that is kept back all fields but the
    head, ``kept_back`` and ``facts`` are empty.
    """

    head: Head
    kept_back: KeptBack
    question: str
    expected: str
    output: Answer
    talk: Conversation | None
    error: str
    slices: tuple[str, ...]
    scores: tuple[ScoreRow, ...]
    facts: tuple[tuple[str, str], ...]
    trace: TraceView | None
    no_trace: str


def view(reading: Reading, ask: Ask) -> RunItemView:
    """Find the item in its run, and its trace in the records."""
    run = reading.run(ask.path["run_id"])
    wanted = ask.path["item_id"]
    item = next((item for item in reading.run_items(run.id) if item.item_id == wanted), None)
    if item is None:
        raise NotFoundError(f"no item {wanted!r:.80}", where=run.id, hint="the run's page lists every item")
    trail = (
        Link(text="Runs", url="/runs"),
        Link(text=run.id, url=page_url("runs", run.id)),
        Link(text=short(item.item_id, most=60)),
    )
    back = kept_back(reading, [run], ask)
    if back.hides(run.id, item.item_id):
        return _closed(run, item, back, trail)
    scores = [_score(metric, item.scores.get(metric.name)) for metric in metrics_of_run(run)]
    shown = tuple(row for row in scores if row is not None)
    found, missing = _trace(reading, ask, item)
    return RunItemView(
        head=Head(
            title=_title(item, shown),
            reason=gist(readable(item.input), most=200),
            section="runs",
            trail=trail,
        ),
        kept_back=back.of([]),
        question=readable(item.input),
        expected="" if item.expected is None else readable(item.expected),
        output=Answer(text="") if item.output is None else answer(item.output, most=_WHOLE),
        talk=conversation(item.output),
        error=item.error or "",
        slices=item.slices,
        scores=shown,
        facts=tuple(_facts(run.release, item)),
        trace=found,
        no_trace=missing,
    )


def _closed(run: Run, item: RunItem, back: KeptBack, trail: tuple[Link, ...]) -> RunItemView:
    return RunItemView(
        head=Head(
            title=f"{short(item.item_id, most=60)} is kept back",
            reason=f"Release {run.release} on {run.gold} ({run.split}).",
            section="runs",
            trail=trail,
        ),
        kept_back=back,
        question="",
        expected="",
        output=Answer(text=""),
        talk=None,
        error="",
        slices=(),
        scores=(),
        facts=tuple(_facts(run.release, item)),
        trace=None,
        no_trace="",
    )


def _title(item: RunItem, scores: tuple[ScoreRow, ...]) -> str:
    name = short(item.item_id, most=60)
    if item.error is not None:
        return f"{name}: no answer"
    bad = [f"{row.metric} {row.value}" for row in scores if row.state == "bad"]
    unsure = [row.metric for row in scores if row.state == "unsure"]
    if bad:
        return f"{name}: {joined(bad if len(bad) < 4 else [*bad[:3], f'{len(bad) - 3} more'])}"
    if unsure:
        return f"{name}: {joined(unsure[:3])} could not be scored"
    return f"{name}: nothing to better" if scores else f"{name}: not scored"


def _score(metric: Metric, score: Score | None) -> ScoreRow | None:
    said = score_text(metric, score)
    if score is None or not said:
        return None
    own = goodness(metric, score)
    state, mark = "bad", "✕"
    if score.value is None:
        state, mark = "unsure", "◌"
    elif own is None or metric.unit != "ratio":
        state, mark = "", "·"
    elif own == 1.0:
        state, mark = "good", "●"
    why = "\n".join(f"{name.replace('_', ' ')}: {readable(value)}" for name, value in score.detail.items())
    return ScoreRow(metric=metric.name, value=said, why=why[:_WHOLE], state=state, mark=mark)


def _facts(release: str, item: RunItem) -> list[tuple[str, str]]:
    facts = [("Release", release or "none named"), ("Latency", format_value(item.latency_ms, unit="ms"))]
    if item.cost_usd is not None:
        facts.append(("Cost", format_value(item.cost_usd, unit="USD")))
    if item.attempts > 1:
        facts.append(("Attempts", f"{item.attempts:,}"))
    return [*facts, ("Cluster", item.cluster)] if item.cluster is not None else facts


def _trace(reading: Reading, ask: Ask, item: RunItem) -> tuple[TraceView | None, str]:
    if not item.trace_id:
        return None, "The call left no trace: instrument the product, and its spans stand here."
    path: Mapping[str, str] = {"trace_id": item.trace_id}
    try:
        return trace.view(reading, replace(ask, path=path)), ""
    except NotFoundError:
        return None, f"Trace {item.trace_id} is not stored: it was never sent, or retention removed it."


PAGE = Page(name="run-item", path="/runs/{run_id}/items/{item_id:path}", template="run_item.html", view=view)
