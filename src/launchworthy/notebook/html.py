"""An evaluation as HTML that stands alone in a notebook's cell: its style is inlined, it needs no script.

May import ``console.charts``, ``evals``, ``quantity``. What a target said is text, never markup.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from launchworthy.console.charts import ForestRow, IntervalMark, forest_plot, interval_plot
from launchworthy.console.visible import visible
from launchworthy.evals import Measured, reasons_of
from launchworthy.quantity import difference_unit, format_interval
from launchworthy.records import RunItem

if TYPE_CHECKING:
    from launchworthy.notebook.result import Evaluation

__all__ = ["forest_html", "page_html"]

_FAILURES = 10
_SLICES = 40
_LONGEST = 300
_LIGHT = (
    "--ink:#16202a;--muted:#56636f;--card:#ffffff;--met:#1a7f4b;--unmet:#c0362c;--unproven:#8f5600;"
    "--control:#7f8994;--rule:#d9dee3"
)
_DARK = (
    "--ink:#e6eaee;--muted:#9aa7b3;--card:#191f26;--met:#5fca92;--unmet:#ff8177;--unproven:#e6b25a;"
    "--control:#66727e;--rule:#2c353e"
)
# By the system's wish, and by what Jupyter and VS Code say of their own theme.
_STYLE = f"""
.lw-eval{{{_LIGHT};font:15px/22px system-ui,sans-serif;color:var(--ink);background:var(--card);
border:1px solid var(--rule);padding:16px;max-width:960px;box-sizing:border-box}}
@media (prefers-color-scheme:dark){{.lw-eval{{{_DARK}}}}}
[data-jp-theme-light=true] .lw-eval,.vscode-light .lw-eval{{{_LIGHT}}}
[data-jp-theme-light=false] .lw-eval,.vscode-dark .lw-eval{{{_DARK}}}
.lw-eval .title{{font-size:20px;line-height:28px;font-weight:600;margin:0 0 8px}}
.lw-eval .sub{{font-weight:600;margin:16px 0 4px}}
.lw-eval .note{{color:var(--muted);font-size:13px}}
.lw-eval .scroll{{overflow-x:auto}}
.lw-eval table{{border-collapse:collapse;width:100%;margin:0;font-size:inherit;color:inherit}}
.lw-eval tr,.lw-eval tr:hover{{background:transparent!important}}
.lw-eval th,.lw-eval td{{text-align:left;vertical-align:top;padding:4px 12px 4px 0;border:0;
border-bottom:1px solid var(--rule);white-space:normal;color:inherit;background:transparent}}
.lw-eval th{{font-weight:600;color:var(--muted);font-size:13px}}
.lw-eval td.plot{{width:280px;min-width:200px}}
.lw-eval td.num{{font-variant-numeric:tabular-nums}}
.lw-eval td.slice{{padding-left:16px;color:var(--muted)}}
.lw-eval .said{{overflow-wrap:anywhere}}
.lw-eval svg.chart{{display:block;width:100%;overflow:visible;font:13px/1 system-ui,sans-serif}}
.lw-eval svg.chart text{{fill:var(--muted);font-variant-numeric:tabular-nums}}
.lw-eval svg.chart text.strong{{fill:var(--ink)}}
.lw-eval svg.chart .axis,.lw-eval svg.chart .zero{{stroke:var(--control)}}
.lw-eval svg.chart .grid{{stroke:var(--rule)}}
.lw-eval svg.chart .threshold{{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:4 3}}
.lw-eval svg.chart .margin{{fill:var(--met);opacity:.13}}
.lw-eval svg.chart .whisker{{stroke:var(--ink);stroke-width:2}}
.lw-eval svg.chart .point{{fill:var(--ink)}}
.lw-eval svg.chart .met .whisker{{stroke:var(--met)}}.lw-eval svg.chart .met .point{{fill:var(--met)}}
.lw-eval svg.chart .unmet .whisker{{stroke:var(--unmet)}}.lw-eval svg.chart .unmet .point{{fill:var(--unmet)}}
.lw-eval svg.chart .unproven .whisker{{stroke:var(--unproven)}}
.lw-eval svg.chart .unproven .point{{fill:var(--card);stroke:var(--unproven);stroke-width:2}}
"""


def page_html(found: Evaluation) -> str:
    """Conclusion, figures with their intervals, differences from the baseline, and what failed."""
    parts = [Markup('<div class="title">{}</div>').format(visible(found.conclusion)), _figures(found)]
    if found.outcome.comparisons:
        parts += [
            Markup('<div class="sub">Against {}</div>').format(visible(found.baseline or "")),
            _forest(found),
        ]
    parts.append(_failures(found))
    return _boxed(parts)


def forest_html(found: Evaluation) -> str:
    """The paired differences alone."""
    return _boxed([_forest(found)])


def _boxed(parts: Iterable[Markup]) -> str:
    style = Markup("<style>{}</style>").format(Markup(_STYLE))  # noqa: S704 (our own text)
    return str(style + Markup('<div class="lw-eval">{}</div>').format(Markup("").join(parts)))


def _figures(found: Evaluation) -> Markup:
    rows = found.outcome.measured
    shown = [row for row in rows if row.slice is None or len(rows) <= _SLICES]
    head = Markup("<tr><th>Metric</th><th>Value (95 % interval, n)</th><th></th><th>Not scored</th></tr>")
    body = head + Markup("").join(_figure(row) for row in shown)
    table = Markup('<div class="scroll"><table>{}</table></div>').format(body)
    if len(shown) < len(rows):
        table += Markup('<div class="note">{} slices are not shown; see to_frame()</div>').format(
            len(rows) - len(shown)
        )
    return table


def _figure(row: Measured) -> Markup:
    value, plot = "not measured", Markup("")
    if row.interval is not None:
        own = row.interval
        value = format_interval(own.value, own.low, own.high, n=own.n, unit=row.unit)
        mark = IntervalMark(value=own.value, low=own.low, high=own.high, n=own.n, unit=row.unit)
        plot = interval_plot(mark, title=row.metric if row.slice is None else f"{row.metric}, {row.slice}")
    if row.slice is None:
        name = Markup("<td>{}</td>").format(visible(row.metric))
    else:
        name = Markup('<td class="slice">{}</td>').format(visible(row.slice))
    lost = f"{row.unscored:,}" if row.unscored else ""
    return Markup('<tr>{}<td class="num">{}</td><td class="plot">{}</td><td class="num">{}</td></tr>').format(
        name, value, plot, lost
    )


def _forest(found: Evaluation) -> Markup:
    directions = {metric.name: metric.higher_is_better for metric in found.metrics}
    units = {row.metric: row.unit for row in found.outcome.measured if row.slice is None}
    rows, words = [], []
    for pair in found.outcome.comparisons:
        own = pair.difference
        if own is None:
            words.append(f"{pair.metric}: no item was scored on both sides")
            continue
        unit = difference_unit(own.unit or units.get(pair.metric, ""))
        rows.append(
            ForestRow(
                name=pair.metric,
                value=own.value,
                low=own.low,
                high=own.high,
                n=own.n,
                unit=unit,
                margin=pair.margin,
                higher_is_better=directions.get(pair.metric, True),
                state=pair.status,
            )
        )
        told = format_interval(own.value, own.low, own.high, n=own.n, unit=unit)
        words.append(f"{pair.metric}: {told}; {len(pair.better):,} better, {len(pair.worse):,} worse")
        if pair.too_much_missing:
            words.append(f"{pair.metric}: not settled, as {pair.too_much_missing}")
    if not found.outcome.comparisons:
        words.append("nothing to compare with: give evaluate(…, baseline=…)")
    plot = forest_plot(rows, title=f"Difference from {found.baseline}") if rows else Markup("")
    notes = Markup("").join(Markup('<div class="note">{}</div>').format(visible(text)) for text in words)
    return plot + notes


def _failures(found: Evaluation) -> Markup:
    failed = found.failures
    if not failed:
        return Markup('<div class="sub">No item failed</div>')
    title = f"{len(failed):,} of {len(found.items):,} items fell short"
    head = Markup("<tr><th>Item</th><th>Asked</th><th>Said</th><th>Expected</th><th>Scores</th></tr>")
    rows = Markup("").join(_failure(found, item) for item in failed[:_FAILURES])
    table = Markup('<div class="sub">{}</div><div class="scroll"><table>{}</table></div>').format(
        title, head + rows
    )
    reasons = reasons_of(found.items)[:3]
    told = Markup("").join(
        Markup('<div class="note">{}: {} × {}</div>').format(visible(who), count, _short(why))
        for who, why, count in reasons
    )
    return table + told


def _failure(found: Evaluation, item: RunItem) -> Markup:
    said = item.output if item.error is None else f"no answer: {item.error}"
    scores = ", ".join(
        f"{name} {'could not be scored' if score.value is None else f'{score.value:.3g}'}"
        for name, score in item.scores.items()
    )
    cells = (item.item_id, found.inputs.get(item.item_id), said, found.expected.get(item.item_id), scores)
    return Markup("<tr>{}</tr>").format(
        Markup("").join(Markup('<td class="said">{}</td>').format(_short(cell)) for cell in cells)
    )


def _short(value: Any) -> Markup:
    if value is None:
        return Markup("")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    cut = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return escape(visible(cut))
