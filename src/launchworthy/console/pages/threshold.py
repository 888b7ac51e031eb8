"""``/runs/{run_id}/threshold``: how sure an answer must be, what that costs in answers, and what it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from launchworthy.console.charts import CurvePoint, risk_plot
from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.reading import Reading
from launchworthy.console.words import Link, count, page_url, sentence
from launchworthy.evals import Stated, metrics_of_run, stated_confidences
from launchworthy.quantity import format_interval, format_number, format_value
from launchworthy.records import Run
from launchworthy.stats import RiskCoverage, Threshold, certified_threshold, risk_coverage

__all__ = ["PAGE", "StepRow", "ThresholdView"]

_DRAWN = 200
_RISK = "selective-risk"  # of all metrics the one that a threshold is meant for
_STEPS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One threshold of the table."""

    threshold: str
    answered: str
    wrong: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdView:
    """What the page receives; ``target`` and ``confidence`` are the percentages in the URL."""

    head: Head
    metric: str
    metrics: tuple[str, ...]
    target: str
    confidence: str
    figures: tuple[tuple[str, str], ...]
    plot: Markup
    steps: tuple[StepRow, ...]
    said: str
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> ThresholdView:
    """Choose the threshold for the asked metric and target."""
    run = reading.run(ask.path["run_id"])
    items = reading.run_items(run.id)
    metrics = {metric.name: metric for metric in metrics_of_run(run) if metric.unit == "ratio"}
    found = {name: stated_confidences(items, metric) for name, metric in metrics.items()}
    usable = [name for name, stated in found.items() if any(stated.correct)]
    wanted = ask.query.get("metric", "")
    name = next((each for each in (wanted, _RISK, *usable) if each in usable), "")
    target = _share(ask.query.get("target", ""), default=_promised(reading, run))
    level = _share(ask.query.get("confidence", ""), default=0.95)
    shown = {"target": f"{100 * target:g}", "confidence": f"{100 * level:g}"}
    if not name:
        return ThresholdView(
            head=_head(run, "No answer of this run says how sure it is", ""),
            metric="",
            metrics=(),
            **shown,
            figures=(),
            plot=Markup(""),
            steps=(),
            said="",
            empty=Empty(
                what="A threshold needs answers with a number in `confidence`, and a metric that says which "
                "of them were right.",
                links=(Link(text="The run", url=page_url("runs", run.id)),),
            ),
        )
    stated = found[name]
    curve = risk_coverage(stated.confidence, correct=stated.correct)
    chosen = certified_threshold(stated.confidence, correct=stated.correct, target=target, level=level)
    points = _points(curve)
    return ThresholdView(
        head=_head(run, _title(chosen), _reason(run, name, stated)),
        metric=name,
        metrics=tuple(usable),
        **shown,
        figures=tuple(_figures(curve, chosen, stated)),
        plot=risk_plot(
            points,
            target=target,
            chosen=_point(chosen),
            title=f"Wrong answers by {name} against answers given",
        ),
        steps=tuple(_steps(curve, chosen)),
        said=f"{sentence(chosen.guarantee)} ({chosen.method}). It speaks of questions like these: take a "
        "run on the dev split, so that the holdout can prove what the threshold keeps.",
        empty=None,
    )


def _head(run: Run, title: str, reason: str) -> Head:
    trail = (
        Link(text="Runs", url="/runs"),
        Link(text=run.id, url=page_url("runs", run.id)),
        Link(text="Threshold"),
    )
    return Head(title=title, reason=reason, section="runs", trail=trail)


def _promised(reading: Reading, run: Run) -> float:
    """The share of wrong answers that the contract allows; 5 % where it names none."""
    contract = reading.contract(run.product)
    workflow = None if contract is None else contract.workflows.get(run.workflow)
    line = None if workflow is None else workflow.quality.get(_RISK.replace("-", "_"))
    value = 0.05 if line is None else line.threshold.value
    return value if 0.0 < value < 1.0 else 0.05


def _share(text: str, *, default: float) -> float:
    """A percentage in the URL as a share strictly between 0 and 1."""
    try:
        value = float(text) / 100.0
    except ValueError:
        return default
    return value if 0.0 < value < 1.0 else default


def _title(chosen: Threshold) -> str:
    target = format_value(chosen.target, unit="ratio")
    if chosen.threshold is None or chosen.coverage is None:
        more = (
            f"about {chosen.needed - chosen.n:,} more labelled answers would certify one"
            if chosen.needed is not None
            else "no number of answers like these would"
        )
        return f"No threshold keeps wrong answers at {target}: {more}"
    share = format_value(chosen.coverage.value, unit="ratio")
    asked = format_number(chosen.threshold)
    return f"Answer from confidence {asked} on: {share} answered, at most {target} wrong"


def _reason(run: Run, name: str, stated: Stated) -> str:
    left = f", {stated.left_out:,} left out" if stated.left_out else ""
    return f"Right by {name}, {count(len(stated.correct), 'answer')} of release {run.release}{left}."


def _figures(curve: RiskCoverage, chosen: Threshold, stated: Stated) -> list[tuple[str, str]]:
    figures = []
    if chosen.threshold is not None:
        figures.append(("Threshold", format_number(chosen.threshold)))
    for name, interval in (("Answered", chosen.coverage), ("Of these wrong", chosen.wrong)):
        if interval is not None:
            figures.append(
                (
                    name,
                    format_interval(interval.value, interval.low, interval.high, n=interval.n, unit="ratio"),
                )
            )
    everything = format_value(1.0 - sum(stated.correct) / len(stated.correct), unit="ratio")
    return [
        *figures,
        ("Wrong if all is answered", everything),
        ("Area under the curve", format_number(curve.aurc)),
    ]


def _points(curve: RiskCoverage) -> list[CurvePoint]:
    step = max(1, len(curve.answered) // _DRAWN)
    chosen = sorted({*range(0, len(curve.answered), step), len(curve.answered) - 1})
    return [
        CurvePoint(answered=curve.answered[at] / curve.n, wrong=curve.wrong[at] / curve.answered[at])
        for at in chosen
    ]


def _point(chosen: Threshold) -> CurvePoint | None:
    if chosen.coverage is None or chosen.wrong is None:
        return None
    return CurvePoint(answered=chosen.coverage.value, wrong=chosen.wrong.value)


def _steps(curve: RiskCoverage, chosen: Threshold) -> list[StepRow]:
    """About ten thresholds evenly spaced in what is answered, and the chosen one among them."""
    places = {
        min(range(len(curve.answered)), key=lambda at: abs(curve.answered[at] - share * curve.n / _STEPS))
        for share in range(1, _STEPS + 1)
    }
    mine = None
    if chosen.threshold is not None:
        mine = max(at for at, value in enumerate(curve.thresholds) if value >= chosen.threshold)
        places.add(mine)
    ordered: Sequence[int] = sorted(places)
    rows = [
        StepRow(
            threshold=format_number(chosen.threshold)
            if at == mine and chosen.threshold is not None
            else format_number(curve.thresholds[at]),
            answered=f"{format_value(curve.answered[at] / curve.n, unit='ratio')} ({curve.answered[at]:,})",
            wrong=f"{format_value(curve.wrong[at] / curve.answered[at], unit='ratio')} ({curve.wrong[at]:,})",
            chosen=at == mine,
        )
        for at in ordered
    ]
    return [row for row, after in pairwise([*rows, None]) if row is not None and row != after]


PAGE = Page(name="threshold", path="/runs/{run_id}/threshold", template="threshold.html", view=view)
