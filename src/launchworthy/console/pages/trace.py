"""``/traces/{trace_id}``: one trace from the click to the answer, and what came of it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from launchworthy.console.charts import ruler, span_bar
from launchworthy.console.kept_back import KeptBack, trace_kept_back
from launchworthy.console.page import Ask, Head, Page
from launchworthy.console.payload import Document, Message, documents, gist, messages
from launchworthy.console.reading import Reading
from launchworthy.console.spans import MAX_SPANS, read_trace
from launchworthy.console.words import NO_ANSWERS, Link, count, from_ns, page_url, short
from launchworthy.errors import NotFoundError
from launchworthy.gold import asked_in, question_in
from launchworthy.quantity import format_number, format_value
from launchworthy.records import is_evaluation

__all__ = ["PAGE", "LateRow", "SpanRow", "TraceView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRow:
    """One span: its place in the tree and on the clock, and everything that was recorded of it."""

    id: str
    name: str
    kind: str
    depth: int
    ok: bool
    status: str
    tokens: str
    cost: str
    latency: str
    bar: Markup
    facts: tuple[tuple[str, str], ...]
    input: tuple[Message, ...]
    context: tuple[Document, ...]
    output: tuple[Message, ...]
    attributes: str
    open: bool

    @property
    def empty(self) -> bool:
        return not (self.input or self.context or self.output or self.attributes or self.facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class LateRow:
    """A fact that was learnt afterwards: an outcome, feedback, a score."""

    at: str
    kind: str
    what: str
    text: str
    simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceView:
    """What the trace page receives; ``figures`` are name and value. ``tokens`` and ``costs`` say whether any
    span has them. ``promote`` is the command that makes a gold item of it, empty where there can be none.
    Of a trace that asked what is kept back nothing is shown but numbers."""

    head: Head
    figures: tuple[tuple[str, str], ...]
    ruler: Markup
    spans: tuple[SpanRow, ...]
    tokens: bool
    costs: bool
    late: tuple[LateRow, ...]
    decided: tuple[LateRow, ...]
    audit: Link
    promote: str
    simulated: bool
    cut: bool
    kept_back: KeptBack


def view(reading: Reading, ask: Ask) -> TraceView:
    """Read the trace and lay its spans out as a tree."""
    trace_id = ask.path["trace_id"].lower()
    found = read_trace(reading, trace_id)
    if found is None:
        raise NotFoundError(
            f"no trace {trace_id!r:.80}",
            hint="it may not have been stored yet, or it is older than the retention allows",
        )
    back = trace_kept_back(reading, trace_id, found["spans"], ask)
    if back.said:
        found = _without_words(found)
    spans = found["spans"]
    ordered = _tree(spans)
    began = min(span["start_time"] for span in spans)
    total_ms = max((span["start_time"] - began) / 1e6 + (span["duration_ms"] or 0.0) for span in spans)
    root = ordered[0][0]
    rows = tuple(_span(span, depth, began=began, total_ms=total_ms) for span, depth in ordered)
    late = tuple(sorted(_late(found), key=lambda row: row.at))
    product = root["product"]
    return TraceView(
        head=Head(
            title=_title(root, spans, found["feedback"], total_ms=total_ms),
            reason=gist(root["input"], most=200),
            section="traces",
            trail=(
                Link(text="Traces", url="/traces"),
                Link(text=short(product, most=60), url=page_url("traces", product=product)),
                Link(text=trace_id),
            ),
        ),
        figures=tuple(_figures(root, spans, began)),
        ruler=ruler(total_ms),
        spans=rows,
        tokens=any(row.tokens for row in rows),
        costs=any(row.cost for row in rows),
        late=late,
        decided=tuple(_decided(reading, trace_id, words=not back.said)),
        audit=Link(
            text="In the audit chain", url=page_url("products", root["product"], "audit", case=trace_id)
        ),
        promote=_promote(trace_id, spans, root),
        simulated=any(span["simulated"] for span in spans),
        cut=len(spans) >= MAX_SPANS,
        kept_back=back,
    )


_WORDS = (
    "input",
    "context",
    "output",
    "attributes",
    "status_message",
    "comment",
    "correction",
    "explanation",
)


def _without_words(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The same records with none of their texts."""
    return {
        table: [{name: None if name in _WORDS else value for name, value in row.items()} for row in rows]
        for table, rows in found.items()
    }


def _promote(trace_id: str, spans: Sequence[Mapping[str, Any]], root: Mapping[str, Any]) -> str:
    workflow = root["workflow"]
    if not workflow or any(map(is_evaluation, spans)):
        return ""
    asked = asked_in(spans, workflow=workflow)
    if asked is None or question_in(asked["input"]) is None:
        return ""
    return shlex.join(
        ["launchworthy", "gold", "promote", trace_id, "--name", workflow, "--product", root["product"]]
    )


def _tree(spans: Sequence[dict[str, Any]]) -> list[tuple[dict[str, Any], int]]:
    """Depth first, children in order of time; a span whose parent is not here, or is itself, is a root."""
    known = {span["span_id"] for span in spans}
    children: dict[str, list[dict[str, Any]]] = {}
    roots = []
    for span in spans:
        parent = span["parent_span_id"]
        if parent in known and parent != span["span_id"]:
            children.setdefault(parent, []).append(span)
        else:
            roots.append(span)
    ordered: list[tuple[dict[str, Any], int]] = []
    seen: set[str] = set()

    def walk(starts: Iterable[dict[str, Any]]) -> None:
        stack = [(span, 0) for span in reversed(list(starts))]
        while stack:
            span, depth = stack.pop()
            if span["span_id"] in seen:
                continue
            seen.add(span["span_id"])
            ordered.append((span, depth))
            stack += [(child, depth + 1) for child in reversed(children.get(span["span_id"], []))]

    walk(roots)
    # Spans that name each other as parents hang from no root; they are shown all the same.
    walk(span for span in spans if span["span_id"] not in seen)
    return ordered


def _title(
    root: Mapping[str, Any],
    spans: Sequence[Mapping[str, Any]],
    feedback: Sequence[Mapping[str, Any]],
    *,
    total_ms: float,
) -> str:
    name = short(root["workflow"] or root["name"] or root["kind"] or "trace", most=60)
    took = format_value(root["duration_ms"] if root["duration_ms"] is not None else total_ms, unit="ms")
    failed = [span for span in spans if span["status"] == "error"]
    if root["status"] == "error":
        said = f"{name}: failed after {took}: {root['error_type'] or root['status_message'] or 'error'}"
    elif root["no_answer"]:
        said = f"{name}: {NO_ANSWERS.get(root['no_answer'], 'gave no answer')} after {took}"
    else:
        said = f"{name}: done in {took}"
    said = short(said, most=160)
    if failed and root["status"] != "error":
        said += f", {count(len(failed), 'span')} failed on the way"
    for row in feedback:
        if row["reason"] or (row["rating"] is not None and row["rating"] < 0):
            why = f": {row['reason']}" if row["reason"] else ""
            return f"{said}; the user was not content{why}"
    if any(row["rating"] is not None and row["rating"] > 0 for row in feedback):
        return f"{said}; the user was content"
    return said


def _figures(
    root: Mapping[str, Any], spans: Sequence[Mapping[str, Any]], began: int
) -> Iterable[tuple[str, str]]:
    yield "Began", f"{from_ns(began):%Y-%m-%d %H:%M:%S} UTC"
    yield "Latency", format_value(root["duration_ms"], unit="ms")
    calls = [span for span in spans if span["kind"] in ("model", "embedding", "retrieval", "tool")]
    first = next((span["first_token_ms"] for span in spans if span["first_token_ms"] is not None), None)
    if first is not None:
        yield "First token", format_value(first, unit="ms")
    if any(span["kind"] in ("model", "embedding") for span in calls):
        for name, column in (("Tokens read", "input_tokens"), ("Tokens written", "output_tokens")):
            known = [span[column] for span in calls if span[column] is not None]
            yield name, f"{sum(known):,}" if known else "not measured"
    else:
        yield "Tokens", "no model was called"
    cached = [span["cache_read_tokens"] for span in calls if span["cache_read_tokens"] is not None]
    if cached:
        yield "Of them cached", f"{sum(cached):,}"
    # What the calls cost says more than what the whole claims to have cost.
    costs = [span["cost_usd"] for span in calls if span["cost_usd"] is not None]
    whole = sum(costs) if costs else root["cost_usd"]
    yield "Cost", format_value(whole, unit="USD")
    yield "Release", root["release"] or "none named"
    if root["cohort"]:
        yield "Cohort", root["cohort"]
    for name, column in (("User", "user_id"), ("Session", "session_id")):
        if root[column]:
            yield name, short(root[column], most=24)
    yield "Spans", f"{len(spans):,}"


_FACTS = (
    ("Model", "model", ""),
    ("Provider", "provider", ""),
    ("Prompt", "prompt_name", ""),
    ("Prompt version", "prompt_version", ""),
    ("Tool", "tool_name", ""),
    ("Tokens read", "input_tokens", "n"),
    ("Of them cached", "cache_read_tokens", "n"),
    ("Tokens written", "output_tokens", "n"),
    ("Of them reasoning", "reasoning_tokens", "n"),
    ("Cost", "cost_usd", "USD"),
    ("Price table", "price_version", ""),
    ("First token", "first_token_ms", "ms"),
    ("Error", "error_type", ""),
    ("Message", "status_message", ""),
    ("Safety flags", "safety_flags", ""),
    ("No answer", "no_answer", ""),
    ("Sent by", "service", ""),
    ("Read as", "dialect", ""),
)

_MOST_DECISIONS = 100
_SAME_FOR_ALL = ("service", "dialect")


def _span(span: Mapping[str, Any], depth: int, *, began: int, total_ms: float) -> SpanRow:
    name = span["name"] or span["kind"] or "span"
    facts = []
    for word, column, unit in _FACTS:
        value = span[column]
        if value is None or value in ("", "[]", "null") or (depth and column in _SAME_FOR_ALL):
            continue
        shown = (
            format_value(value, unit=unit) if unit in ("USD", "ms") else f"{value:,}" if unit else str(value)
        )
        facts.append((word, shown))
    failed = span["status"] == "error"
    return SpanRow(
        id=span["span_id"],
        name=name,
        kind=span["kind"] or "other",
        depth=min(depth, 8),
        ok=not failed,
        status=(span["error_type"] or "error") if failed else "ok",
        tokens=_tokens(span),
        cost="" if span["cost_usd"] is None else format_value(span["cost_usd"], unit="USD"),
        latency=format_value(span["duration_ms"], unit="ms"),
        bar=span_bar(
            name=short(name, most=80),
            start_ms=(span["start_time"] - began) / 1e6,
            duration_ms=span["duration_ms"],
            first_token_ms=span["first_token_ms"],
            total_ms=total_ms,
            error=failed,
        ),
        facts=tuple(facts),
        input=messages(span["input"]),
        context=documents(span["context"]),
        output=messages(span["output"]),
        attributes=_attributes(span["attributes"]),
        open=span["kind"] in ("model", "retrieval", "tool") or depth == 0 or failed,
    )


def _tokens(span: Mapping[str, Any]) -> str:
    """Read and written: ``1,204 → 88``; a side that is not known is a question mark."""
    read, written = span["input_tokens"], span["output_tokens"]
    if read is None and written is None:
        return ""
    return " → ".join("?" if number is None else f"{number:,}" for number in (read, written))


def _attributes(stored: str | None) -> str:
    if not stored or stored in ("{}", "null"):
        return ""
    try:
        return json.dumps(json.loads(stored), ensure_ascii=False, indent=2)[:20_000]
    except (ValueError, RecursionError):
        return stored[:20_000]


def _decided(reading: Reading, trace_id: str, *, words: bool) -> Iterable[LateRow]:
    """What was enforced, chosen or signed in this trace, in order."""
    rows = reading.query(
        "SELECT time, kind, subject, outcome, rule, reason, simulated FROM decisions"
        " WHERE trace_id = unhex(?) ORDER BY time, event_id LIMIT ?",
        [trace_id, _MOST_DECISIONS],
    )
    for row in rows:
        outcome = row["outcome"].replace("_", " ")
        why = " · ".join(each for each in (row["rule"], row["reason"] if words else None) if each)
        kind = row["kind"].replace("_", " ").capitalize()
        yield _late_row(row, kind=kind, what=f"{row['subject']}: {outcome}", text=why)


def _late(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterable[LateRow]:
    for row in found["outcomes"]:
        value = "" if row["value"] is None else f" {format_number(row['value'])}"
        yield _late_row(row, kind="Outcome", what=f"{row['event']}{value}", text="")
    for row in found["feedback"]:
        rating = row["rating"]
        said = (
            "thumbs up" if rating and rating > 0 else "thumbs down" if rating and rating < 0 else "feedback"
        )
        what = f"{said}: {row['reason']}" if row["reason"] else said
        parts = [row["comment"] or "", f"Should have been: {row['correction']}" if row["correction"] else ""]
        yield _late_row(row, kind="Feedback", what=what, text="\n".join(part for part in parts if part))
    for row in found["scores"]:
        value = row["label"] or (format_number(row["value"]) if row["value"] is not None else "")
        value = value or f"could not score: {row['error_type'] or 'no value'}"
        yield _late_row(row, kind="Score", what=f"{row['name']}: {value}", text=row["explanation"] or "")


def _late_row(row: Mapping[str, Any], *, kind: str, what: str, text: str) -> LateRow:
    return LateRow(
        at=f"{from_ns(row['time']):%Y-%m-%d %H:%M:%S}",
        kind=kind,
        what=what,
        text=text,
        simulated=bool(row["simulated"]),
    )


PAGE = Page(name="trace", path="/traces/{trace_id}", template="trace.html", view=view)
