"""Traces read from the records: the list with its filters, and one trace whole.

May import ``records`` names and this room. Identifiers are lower-case hex outside SQL; times are nanoseconds
since the Unix epoch, UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from launchworthy.console.reading import Reading
from launchworthy.records import ROOT, no_evaluation

__all__ = [
    "PAGE_ROWS",
    "USAGE_KINDS",
    "TraceFilter",
    "choices",
    "list_traces",
    "read_filter",
    "read_trace",
    "totals_of",
]

PAGE_ROWS = 50
MAX_SPANS = 2_000
_HOUR_NS = 3_600 * 10**9
_DAY_NS = 24 * _HOUR_NS
_CHOSEN = ("product", "workflow", "release", "model")
_HEX = re.compile(r"[0-9a-f]{32}\Z")
_CURSOR = re.compile(r"(\d{1,19})-([0-9a-f]{16})\Z")
USAGE_KINDS = "('model', 'embedding', 'retrieval', 'tool')"  # what callers sum up is not counted again


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFilter:
    """What the list is narrowed to; every field is the text in the URL, empty where not given."""

    product: str = ""
    workflow: str = ""
    release: str = ""
    status: str = ""
    model: str = ""
    text: str = ""
    min_ms: str = ""
    show: str = ""  # "spans" lists every span, else only those that begin a trace
    traffic: str = ""  # "all" lists evaluation traffic too, else only what users made
    before: str = ""  # keyset: start in ns and span id of the last row shown

    @property
    def narrowed(self) -> bool:
        whole = ("before", "show", "traffic")
        return any(getattr(self, each.name) for each in fields(self) if each.name not in whole)

    def query(self, **changed: str) -> dict[str, str]:
        """The filter as URL parameters, without what is empty."""
        own = {each.name: getattr(self, each.name) for each in fields(self)} | changed
        return {name: value for name, value in own.items() if value}


def read_filter(query: Mapping[str, str]) -> TraceFilter:
    """The filter in a URL; what cannot be meant is dropped."""
    known = {each.name: query.get(each.name, "").strip()[:500] for each in fields(TraceFilter)}
    if not _CURSOR.match(known["before"]):
        known["before"] = ""
    if known["status"] not in ("ok", "error"):
        known["status"] = ""
    if known["show"] != "spans":
        known["show"] = ""
    if known["traffic"] != "all":
        known["traffic"] = ""
    try:
        if not 0 <= float(known["min_ms"]) < 1e12:
            known["min_ms"] = ""
    except ValueError:
        known["min_ms"] = ""
    return TraceFilter(**known)


_COLUMNS = """lower(hex(trace_id)) AS trace_id, lower(hex(span_id)) AS span_id, product, workflow, release,
    name, kind, cohort, start_time, duration_ms, status, error_type, model, no_answer, input, simulated"""


def list_traces(reading: Reading, wanted: TraceFilter) -> list[dict[str, Any]]:
    """The newest spans that begin a trace (or every span), one more than a page where there are more.

    First which, then what they say: sorting whole texts would need room for all of them.
    """
    found: list[dict[str, Any]] = []
    for since in _windows(reading, wanted):
        where, parameters = _conditions(wanted, since=since)
        found = reading.query(
            f"""SELECT start_time, lower(hex(span_id)) AS span_id FROM spans {where}
            ORDER BY start_time DESC, spans.span_id DESC LIMIT {PAGE_ROWS + 1}""",  # noqa: S608
            parameters,
        )
        if len(found) > PAGE_ROWS:
            break
    if not found:
        return []
    marks = ", ".join("unhex(?)" for _ in found)
    rows = reading.query(
        f"SELECT {_COLUMNS} FROM spans WHERE start_time BETWEEN ? AND ? AND span_id IN ({marks})",  # noqa: S608
        [found[-1]["start_time"], found[0]["start_time"], *(row["span_id"] for row in found)],
    )
    by_place = {(row["start_time"], row["span_id"]): row for row in rows}
    return [by_place[key] for row in found if (key := (row["start_time"], row["span_id"])) in by_place]


def _windows(reading: Reading, wanted: TraceFilter) -> Iterable[int | None]:
    """From when on to look, in turn, until a page is full. Texts are most of the bytes: where many records
    hold the words, the newest hour has them, and the rest is not read."""
    if wanted.text:
        match = _CURSOR.match(wanted.before)
        newest = int(match[1]) if match else reading.query("SELECT max(start_time) AS at FROM spans")[0]["at"]
        if newest is not None:
            yield newest - _HOUR_NS
            yield newest - _DAY_NS
    yield None


def _conditions(wanted: TraceFilter, *, since: int | None) -> tuple[str, list[Any]]:
    parts: list[str] = []
    parameters: list[Any] = []
    if since is not None:
        parts.append("start_time >= ?")
        parameters.append(since)
    if wanted.show != "spans":
        parts.append(ROOT)
    if wanted.traffic != "all":
        parts.append(no_evaluation(traces=wanted.show == "spans"))
    for name in ("product", "workflow", "release", "status"):
        if value := getattr(wanted, name):
            parts.append(f"{name} = ?")
            parameters.append(value)
    if wanted.min_ms:
        parts.append("duration_ms >= ?")
        parameters.append(float(wanted.min_ms))
    inner = ["start_time >= ?"] if since is not None and (wanted.model or wanted.text) else []
    parameters += [since] if inner else []
    if wanted.model:
        inner.append("model = ?")
        parameters.append(wanted.model)
    if wanted.text:
        # One pattern for all columns; the characters that LIKE reads are taken as themselves.
        columns = ("input", "output", "context", "name", "status_message")
        inner.append("(" + " OR ".join(f"{column} ILIKE ? ESCAPE '\\'" for column in columns) + ")")
        parameters += [_pattern(wanted.text)] * len(columns)
    if inner:
        own = " AND ".join(inner)
        parts.append(
            own if wanted.show == "spans" else f"trace_id IN (SELECT trace_id FROM spans WHERE {own})"  # noqa: S608
        )
    if match := _CURSOR.match(wanted.before):
        parts.append("(start_time < ? OR (start_time = ? AND span_id < unhex(?)))")
        parameters += [int(match[1]), int(match[1]), match[2]]
    return ("WHERE " + " AND ".join(parts) if parts else ""), parameters


def _pattern(text: str) -> str:
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"


def totals_of(reading: Reading, rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Tokens, cost, models and spans of the trace of each row of :func:`list_traces`."""
    if not rows:
        return {}
    trace_ids = sorted({row["trace_id"] for row in rows})
    marks = ", ".join("unhex(?)" for _ in trace_ids)
    usage = f"FILTER (kind IN {USAGE_KINDS})"
    # The times let the engine pass over whatever lies outside of these traces.
    ends = reading.query(
        f"SELECT min(min_time) AS low, max(max_time) AS high FROM trace_index WHERE trace_id IN ({marks})",  # noqa: S608
        trace_ids,
    )[0]
    found = reading.query(
        f"""SELECT lower(hex(trace_id)) AS trace_id, count(*) AS spans,
            sum(cost_usd) {usage} AS cost_usd, sum(input_tokens) {usage} AS input_tokens,
            sum(output_tokens) {usage} AS output_tokens, min(model) AS model
        FROM spans WHERE start_time BETWEEN ? AND ? AND trace_id IN ({marks}) GROUP BY trace_id""",  # noqa: S608
        [ends["low"], ends["high"], *trace_ids],
    )
    return {row["trace_id"]: row for row in found}


def choices(reading: Reading, *, until: int) -> dict[str, tuple[str, ...]]:
    """Products, workflows, releases and models of the day of traffic up to ``until`` (ns) and since, the most
    frequent first.

    For the filters: a name from before can still be written in the URL.
    """
    rows = reading.query(
        f"""SELECT {", ".join(_CHOSEN)}, count(*) AS n FROM spans WHERE start_time >= ?
        GROUP BY ALL ORDER BY n DESC LIMIT 1000""",  # noqa: S608
        [until - _DAY_NS],
    )
    return {name: _distinct(row[name] for row in rows) for name in _CHOSEN}


def _distinct(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))[:50]


def read_trace(reading: Reading, trace_id: str) -> dict[str, list[dict[str, Any]]] | None:
    """Spans, outcomes, feedback and scores of a trace in order of time; None if it is not known."""
    if not _HEX.match(trace_id):
        return None
    spans = reading.query(
        f"""SELECT * EXCLUDE (trace_id, span_id, parent_span_id), lower(hex(span_id)) AS span_id,
            lower(hex(parent_span_id)) AS parent_span_id
        FROM spans WHERE trace_id = unhex(?) ORDER BY start_time, span_id LIMIT {MAX_SPANS}""",  # noqa: S608
        [trace_id],
    )
    if not spans:
        return None
    late = {
        table: reading.query(
            f"SELECT * EXCLUDE (trace_id) FROM {table} WHERE trace_id = unhex(?) ORDER BY time LIMIT 200",  # noqa: S608
            [trace_id],
        )
        for table in ("outcomes", "feedback", "scores")
    }
    return {"spans": spans, **late}
