"""What happened: one schema for each kind of record, and the release that made it happen.

Stands on the ground: imports the standard library only, so that an application that is merely
instrumented loads nothing else.
"""

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
    "FEEDBACK",
    "OUTCOMES",
    "SCORES",
    "SPANS",
    "TABLES",
    "Column",
    "ColumnType",
    "Release",
    "Rows",
    "Run",
    "RunItem",
    "RunStore",
    "Score",
    "Table",
]
