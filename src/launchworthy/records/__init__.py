"""What happened: one schema for each kind of record, and the release that made it happen.

Stands on the ground: imports the standard library only, so that an application that is merely
instrumented loads nothing else.
"""

from launchworthy.records.attributes import (
    DECISION_EVENT,
    EVALUATION_EVENT,
    EXPOSURE_EVENT,
    FEEDBACK_EVENT,
    KINDS,
    OPERATION_KINDS,
    OUTCOME_EVENT,
    GenAI,
    Own,
)
from launchworthy.records.calls import (
    EVALUATION,
    EVALUATION_ROOT,
    MARKED_CALL,
    ROOT,
    SEEN,
    SHADOW,
    is_evaluation,
    no_evaluation,
)
from launchworthy.records.conversation import last_text, part_text, plain_value, turns_of
from launchworthy.records.decision import DECISION_KINDS, OF_THE_QUEUE, facts_of, reason_of
from launchworthy.records.documents import documents_read
from launchworthy.records.pseudonym import is_pseudonym, pseudonym
from launchworthy.records.release import Release
from launchworthy.records.runs import CallScores, JudgeGrades, Run, RunItem, RunPage, RunStore, Score
from launchworthy.records.tables import (
    DECISIONS,
    EXPOSURES,
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
    "DECISIONS",
    "DECISION_EVENT",
    "DECISION_KINDS",
    "EVALUATION",
    "EVALUATION_EVENT",
    "EVALUATION_ROOT",
    "EXPOSURES",
    "EXPOSURE_EVENT",
    "FEEDBACK",
    "FEEDBACK_EVENT",
    "KINDS",
    "MARKED_CALL",
    "OF_THE_QUEUE",
    "OPERATION_KINDS",
    "OUTCOMES",
    "OUTCOME_EVENT",
    "ROOT",
    "SCORES",
    "SEEN",
    "SHADOW",
    "SPANS",
    "TABLES",
    "CallScores",
    "Column",
    "ColumnType",
    "GenAI",
    "JudgeGrades",
    "Own",
    "Release",
    "Rows",
    "Run",
    "RunItem",
    "RunPage",
    "RunStore",
    "Score",
    "Table",
    "documents_read",
    "facts_of",
    "is_evaluation",
    "is_pseudonym",
    "last_text",
    "no_evaluation",
    "part_text",
    "plain_value",
    "pseudonym",
    "reason_of",
    "turns_of",
]
