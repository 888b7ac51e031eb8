"""``/traces``: the newest traces, narrowed by filters that live in the URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from launchworthy.console.page import Ask, Empty, Head, Page
from launchworthy.console.payload import gist
from launchworthy.console.reading import Reading
from launchworthy.console.spans import PAGE_ROWS, TraceFilter, choices, list_traces, read_filter, totals_of
from launchworthy.console.words import NO_ANSWERS, Link, count, from_ns, page_url, short
from launchworthy.quantity import format_value
from launchworthy.records import ROOT, is_evaluation, no_evaluation

__all__ = ["PAGE", "TraceRow", "TracesView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRow:
    """One trace in the list."""

    url: str
    at: str
    product: str
    workflow: str
    asked: str
    tone: str
    status: str
    latency: str
    tokens: str
    cost: str
    model: str
    release: str
    simulated: bool
    evaluation: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TracesView:
    """What the list receives; ``older`` and ``newest`` are addresses, empty where there is no such page.

    ``several`` says whether the rows are of more than one product or workflow; ``traffic_said`` whose traffic
    is listed, and ``other`` leads to the other choice.
    """

    head: Head
    filter: TraceFilter
    choices: Mapping[str, tuple[str, ...]]
    traffic_said: str
    other: Link
    rows: tuple[TraceRow, ...]
    several: bool
    older: str
    newest: str
    empty: Empty | None


def view(reading: Reading, ask: Ask) -> TracesView:
    """Read one page of traces."""
    wanted = read_filter(ask.query)
    found = list_traces(reading, wanted)
    more, found = len(found) > PAGE_ROWS, found[:PAGE_ROWS]
    totals = totals_of(reading, found)
    rows = tuple(_row(row, totals.get(row["trace_id"], {}), wanted) for row in found)
    last = found[-1] if found else None
    cursor = f"{last['start_time']}-{last['span_id']}" if more and last is not None else ""
    return TracesView(
        head=Head(title=_title(found, wanted, more), reason=_reason(found), section="traces"),
        filter=wanted,
        choices=choices(reading, until=found[0]["start_time"] if found else int(ask.now.timestamp() * 1e9)),
        traffic_said="Production and evaluation traffic. What evaluations asked is shown with their runs."
        if wanted.traffic
        else "Production traffic only: what evaluations asked is left out.",
        other=Link(
            text="Show production traffic only" if wanted.traffic else "Show all traffic",
            url=page_url("traces", **wanted.query(before="", traffic="" if wanted.traffic else "all")),
        ),
        rows=rows,
        several=len({(row.product, row.workflow) for row in rows}) > 1,
        older=page_url("traces", **wanted.query(before=cursor)) if cursor else "",
        newest=page_url("traces", **wanted.query(before="")) if wanted.before else "",
        empty=None if rows else _empty(reading, wanted, server=ask.server),
    )


def _row(row: Mapping[str, Any], total: Mapping[str, Any], wanted: TraceFilter) -> TraceRow:
    ok = row["status"] != "error"
    said = "ok" if not row["no_answer"] else NO_ANSWERS.get(row["no_answer"], "no answer")
    if not ok:
        said = row["error_type"] or "error"
    tokens = (
        None
        if total.get("input_tokens") is None and total.get("output_tokens") is None
        else (total.get("input_tokens") or 0) + (total.get("output_tokens") or 0)
    )
    url, evaluation = page_url("traces", row["trace_id"]), is_evaluation(row)
    return TraceRow(
        url=f"{url}#span-{row['span_id']}" if wanted.show == "spans" else url,
        at=f"{from_ns(row['start_time']):%Y-%m-%d %H:%M:%S}",
        product=row["product"],
        workflow=row["workflow"] or "",
        asked=(not evaluation and gist(row["input"])) or row["name"] or row["kind"] or "no input recorded",
        tone="error" if not ok else "waived" if row["no_answer"] else "ok",
        status=said,
        latency=format_value(row["duration_ms"], unit="ms"),
        tokens="" if tokens is None else f"{tokens:,}",
        cost="" if total.get("cost_usd") is None else format_value(total["cost_usd"], unit="USD"),
        model=short(row["model"] or total.get("model") or "", most=32),
        release=row["release"] or "",
        simulated=bool(row["simulated"]),
        evaluation=evaluation,
    )


def _title(found: list[dict[str, Any]], wanted: TraceFilter, more: bool) -> str:
    noun = "span" if wanted.show == "spans" else "trace"
    if not found:
        return f"No {noun} fits these filters" if wanted.narrowed or wanted.before else "No trace yet"
    failed = sum(row["status"] == "error" for row in found)
    which = "the newest" if more and not wanted.before else "older" if wanted.before else ""
    number = f"{which} {count(len(found), noun)}".strip()
    told = "none failed" if not failed else "all failed" if failed == len(found) else f"{failed:,} failed"
    return f"{number[:1].upper()}{number[1:]}: {told}"


def _reason(found: list[dict[str, Any]]) -> str:
    if not found:
        return ""
    newest, oldest = from_ns(found[0]["start_time"]), from_ns(found[-1]["start_time"])
    simulated = sum(bool(row["simulated"]) for row in found)
    note = f" {simulated:,} of them by simulated users." if simulated else ""
    until = f"{newest:%H:%M:%S}" if oldest.date() == newest.date() else f"{newest:%Y-%m-%d %H:%M:%S}"
    return f"From {oldest:%Y-%m-%d %H:%M:%S} to {until} UTC, newest first.{note}"


def _empty(reading: Reading, wanted: TraceFilter, *, server: str) -> Empty:
    if wanted.narrowed or wanted.before:
        return Empty(
            what="Nothing recorded fits all of these filters.",
            links=(Link(text="Clear the filters", url="/traces"),),
        )
    if not wanted.traffic:
        sql = f"SELECT count(*) AS n FROM spans WHERE {ROOT} AND NOT ({no_evaluation(traces=False)})"  # noqa: S608
        if evaluated := reading.query(sql)[0]["n"]:
            return Empty(
                what=f"No user has called yet; {count(evaluated, 'trace')} came from evaluations.",
                links=(Link(text="Show all traffic", url="/traces?traffic=all"),),
            )
    orphans = reading.query("SELECT count(*) AS n FROM spans")[0]["n"]
    if orphans and wanted.show != "spans":
        return Empty(
            what=f"{count(orphans, 'span')} arrived, none of which begins a trace.",
            links=(Link(text="Show every span", url="/traces?show=spans"),),
        )
    return Empty(
        what="Nothing has been recorded. Instrument the application, or point its exporter here.",
        command=f"OTEL_EXPORTER_OTLP_ENDPOINT={server} python app.py",
    )


PAGE = Page(name="traces", path="/traces", template="traces.html", view=view)
