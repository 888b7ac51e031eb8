"""The schema of every record, in one place: what may be stored, its type and where it comes from.

Stands on the ground: standard library only. Records are append-only and wide. A late fact (an outcome,
a score, feedback) is a row of its own table joined by ``trace_id``; a span is never updated.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = [
    "DECISIONS",
    "EXPOSURES",
    "FEEDBACK",
    "OUTCOMES",
    "SCORES",
    "SPANS",
    "TABLES",
    "Column",
    "ColumnType",
    "Rows",
    "Table",
]


class ColumnType(StrEnum):
    """Logical types; the store maps each to Arrow and SQL once."""

    ID = "id"  # bytes: 16 for a trace, 8 for a span
    TEXT = "text"
    JSON = "json"  # text that is valid JSON
    TIME = "time"  # int, nanoseconds since the Unix epoch, UTC
    INTEGER = "integer"
    FLOAT = "float"
    FLAG = "flag"  # bool


@dataclass(frozen=True, slots=True)
class Column:
    """One column: name, type, and its meaning in one sentence. Optional unless ``required``."""

    name: str
    type: ColumnType
    doc: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """An append-only table of records; ``time`` names the column that orders it."""

    name: str
    time: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table by column: every list has the same length, every column of the table is there."""

    table: str
    columns: dict[str, list[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0


_T = ColumnType

_WHO = (
    Column("product", _T.TEXT, "Product the record belongs to.", required=True),
    Column("workflow", _T.TEXT, "Workflow of the contract."),
    Column("release", _T.TEXT, "Release id that served."),
    Column("cohort", _T.TEXT, "Rollout stage or experiment arm."),
    Column("user_id", _T.TEXT, "Pseudonym of the user; keyed hash unless configured otherwise."),
    Column("session_id", _T.TEXT, "Conversation or session; pseudonymised likewise."),
)

SPANS = Table(
    "spans",
    "start_time",
    (
        Column("trace_id", _T.ID, "Trace, 16 bytes.", required=True),
        Column("span_id", _T.ID, "Span, 8 bytes.", required=True),
        Column("parent_span_id", _T.ID, "Parent span, 8 bytes; null for a root."),
        *_WHO,
        Column("name", _T.TEXT, "Span name as sent."),
        Column(
            "kind",
            _T.TEXT,
            "workflow, step, agent, model, embedding, retrieval, tool, guard, evaluation or other.",
        ),
        Column("start_time", _T.TIME, "Start.", required=True),
        Column("duration_ms", _T.FLOAT, "End minus start, milliseconds."),
        Column("first_token_ms", _T.FLOAT, "Start to first token or chunk, milliseconds."),
        Column("status", _T.TEXT, "ok or error."),
        Column("error_type", _T.TEXT, "Class of error: timeout, rate_limit, or the exception's name."),
        Column("status_message", _T.TEXT, "Message of the error."),
        Column("provider", _T.TEXT, "gen_ai.provider.name."),
        Column("model", _T.TEXT, "Model that answered, else the one requested."),
        Column("prompt_name", _T.TEXT, "gen_ai.prompt.name."),
        Column("prompt_version", _T.TEXT, "gen_ai.prompt.version."),
        Column("input_tokens", _T.INTEGER, "Tokens read, cached ones included."),
        Column("output_tokens", _T.INTEGER, "Tokens written, reasoning included."),
        Column("cache_read_tokens", _T.INTEGER, "Of the input, read from a cache."),
        Column("cache_write_tokens", _T.INTEGER, "Of the input, written to a cache."),
        Column("reasoning_tokens", _T.INTEGER, "Of the output, reasoning."),
        Column("cost_usd", _T.FLOAT, "Cost in US dollars; null where no price is known."),
        Column(
            "price_version", _T.TEXT, "Version of the price table, or 'reported' if the sender gave the cost."
        ),
        Column("tool_name", _T.TEXT, "gen_ai.tool.name."),
        Column("safety_flags", _T.JSON, "List of flags raised by guards or the model."),
        Column("no_answer", _T.TEXT, "refuse, defer, ask or route, when no answer was given."),
        Column("input", _T.JSON, "Prompt: messages, or any JSON value."),
        Column("context", _T.JSON, "Retrieved documents: list of {id, score, content}."),
        Column("output", _T.JSON, "Response: messages, or any JSON value."),
        Column("attributes", _T.JSON, "Every other attribute."),
        Column("events", _T.JSON, "Span events."),
        Column("links", _T.JSON, "Span links."),
        Column("service", _T.TEXT, "service.name of the sender."),
        Column("dialect", _T.TEXT, "genai, openinference, openllmetry, launchworthy or otel."),
        Column("simulated", _T.FLAG, "True when a simulated user made the call."),
        Column("received_at", _T.TIME, "When the receiver took it."),
    ),
)

OUTCOMES = Table(
    "outcomes",
    "time",
    (
        Column("trace_id", _T.ID, "Trace it belongs to; null if known by session or user only."),
        *_WHO,
        Column("event", _T.TEXT, "Outcome event, as named in the contract's success.", required=True),
        Column("value", _T.FLOAT, "Amount, where the event has one."),
        Column("time", _T.TIME, "When it happened.", required=True),
        Column("attributes", _T.JSON, "Anything else."),
        Column("simulated", _T.FLAG, "True when a simulated user caused it."),
        Column("received_at", _T.TIME, "When the receiver took it."),
    ),
)

FEEDBACK = Table(
    "feedback",
    "time",
    (
        Column("trace_id", _T.ID, "Trace it is about."),
        Column("span_id", _T.ID, "Span it is about."),
        *_WHO,
        Column("rating", _T.FLOAT, "-1 to 1: thumbs down is -1, thumbs up 1."),
        Column("reason", _T.TEXT, "Failure mode, by its contract name."),
        Column("comment", _T.TEXT, "The user's own words."),
        Column("correction", _T.TEXT, "What the answer should have been."),
        Column("confidence", _T.FLOAT, "Confidence the user reports, as asked (for instance 1 to 5)."),
        Column("time", _T.TIME, "When it was given.", required=True),
        Column("attributes", _T.JSON, "Anything else."),
        Column("simulated", _T.FLAG, "True when a simulated user gave it."),
        Column("received_at", _T.TIME, "When the receiver took it."),
    ),
)

SCORES = Table(
    "scores",
    "time",
    (
        Column("trace_id", _T.ID, "Trace that was scored."),
        Column("span_id", _T.ID, "Span that was scored."),
        *_WHO,
        Column("response_id", _T.TEXT, "gen_ai.response.id, where no span id is known."),
        Column("name", _T.TEXT, "gen_ai.evaluation.name.", required=True),
        Column("value", _T.FLOAT, "gen_ai.evaluation.score.value."),
        Column("label", _T.TEXT, "gen_ai.evaluation.score.label."),
        Column("explanation", _T.TEXT, "gen_ai.evaluation.explanation."),
        Column("error_type", _T.TEXT, "error.type: set when it could not be scored."),
        Column("time", _T.TIME, "When it was scored.", required=True),
        Column("attributes", _T.JSON, "Anything else."),
        Column("simulated", _T.FLAG, "True when it scores a simulated user's call."),
        Column("received_at", _T.TIME, "When the receiver took it."),
    ),
)

DECISIONS = Table(
    "decisions",
    "time",
    (
        Column("event_id", _T.TEXT, "Id of the decision; the same where it was sent again.", required=True),
        Column("trace_id", _T.ID, "Trace in which it was made."),
        Column("span_id", _T.ID, "Span in which it was made."),
        *_WHO,
        Column("kind", _T.TEXT, "guard, permission, approval, tool_run, fallback, budget …", required=True),
        Column("subject", _T.TEXT, "What was decided on: a guard, a tool, a case.", required=True),
        Column("outcome", _T.TEXT, "Such as allowed, denied, hit, could_not_check.", required=True),
        Column("rule", _T.TEXT, "Address in the contract of the line that decided."),
        Column("reason", _T.TEXT, "Why, in a sentence."),
        Column("decided_by", _T.TEXT, "Who decided, where a person did."),
        Column("facts", _T.JSON, "What was seen: hashes, ids, numbers."),
        Column("time", _T.TIME, "When it was made.", required=True),
        Column("attributes", _T.JSON, "Anything else."),
        Column("simulated", _T.FLAG, "True when no real user caused it."),
        Column("received_at", _T.TIME, "When the receiver took it."),
    ),
)

EXPOSURES = Table(
    "exposures",
    "time",
    (
        Column("trace_id", _T.ID, "Trace in which it was seen."),
        Column("span_id", _T.ID, "Span in which it was seen."),
        *_WHO,
        Column("flag", _T.TEXT, "Flag or experiment, by its key.", required=True),
        Column("variant", _T.TEXT, "What the unit got.", required=True),
        Column("unit", _T.TEXT, "Who was assigned, as a pseudonym; the user where units are users."),
        Column("unit_kind", _T.TEXT, "user, session, account …"),
        Column("algorithm", _T.TEXT, "How units were put into buckets, such as growthbook@2."),
        Column("version", _T.TEXT, "Version of the flag that decided."),
        Column("rule", _T.TEXT, "Rule of the flag that decided."),
        Column("reason", _T.TEXT, "split, targeting_match, sticky, override, holdout …"),
        Column("source", _T.TEXT, "Whose flag it is: launchworthy, launchdarkly, unleash …"),
        Column("time", _T.TIME, "When it was seen.", required=True),
        Column("attributes", _T.JSON, "Anything else."),
        Column("simulated", _T.FLAG, "True when a simulated user saw it."),
        Column("received_at", _T.TIME, "When the receiver took it."),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table for table in (SPANS, OUTCOMES, FEEDBACK, SCORES, DECISIONS, EXPOSURES)
}
