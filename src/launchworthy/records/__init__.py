"""What happened: one schema for each kind of record, and the release that made it happen.

Stands on the ground: imports the standard library only, so that an application that is merely
instrumented loads nothing else.
"""

from launchworthy.records.attributes import (
    EVALUATION_EVENT,
    FEEDBACK_EVENT,
    KINDS,
    OPERATION_KINDS,
    OUTCOME_EVENT,
    GenAI,
    Own,
)
from launchworthy.records.conversation import last_text, plain_value
from launchworthy.records.pseudonym import is_pseudonym, pseudonym
from launchworthy.records.release import Release
from launchworthy.records.runs import Run, RunItem, RunStore, Score
from launchworthy.records.tables import (
    FEEDBACK,
    OUTCOMES,
    SCORES,
    SPANS,
    TABLES,
    Column,
    ColumnType,
    Rows,
    Table,
)

__all__ = [
    "EVALUATION_EVENT",
    "FEEDBACK",
    "FEEDBACK_EVENT",
    "KINDS",
    "OPERATION_KINDS",
    "OUTCOMES",
    "OUTCOME_EVENT",
    "SCORES",
    "SPANS",
    "TABLES",
    "Column",
    "ColumnType",
    "GenAI",
    "Own",
    "Release",
    "Rows",
    "Run",
    "RunItem",
    "RunStore",
    "Score",
    "Table",
    "is_pseudonym",
    "last_text",
    "plain_value",
    "pseudonym",
]
