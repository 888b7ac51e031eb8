"""The tracker that the assistant may write to: tickets about the documentation, in a file of SQLite.

Pure; standard library only. The one thing in the demo that changes the world, so it is real: a ticket that
was filed is there in the next run, and filing it again under the same key files nothing.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Tickets"]

_TABLE = """CREATE TABLE IF NOT EXISTS tickets (
    number INTEGER PRIMARY KEY, document TEXT NOT NULL, problem TEXT NOT NULL,
    filed_ms INTEGER NOT NULL, key TEXT NOT NULL UNIQUE)"""


class Tickets:
    """Tickets by number.

    Args:
        file: Made at the first ticket.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def file_ticket(self, *, document: str, problem: str, idempotency_key: str) -> dict[str, Any]:
        """File one; under the same key it is the one that was filed before."""
        with self._open() as tracker:
            tracker.execute(
                "INSERT INTO tickets (document, problem, filed_ms, key) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (key) DO NOTHING",
                (document, problem, time.time_ns() // 1_000_000, idempotency_key),
            )
            [number] = tracker.execute(
                "SELECT number FROM tickets WHERE key = ?", (idempotency_key,)
            ).fetchone()
        return {"ticket": number, "document": document}

    def find_tickets(self, *, document: str) -> list[dict[str, Any]]:
        """Those about a document, the oldest first."""
        if not self.file.exists():
            return []
        with self._open() as tracker:
            rows = tracker.execute(
                "SELECT number, problem FROM tickets WHERE document = ? ORDER BY number LIMIT 50", (document,)
            ).fetchall()
        return [{"ticket": number, "problem": problem} for number, problem in rows]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.file, timeout=10.0)) as tracker, tracker:
            tracker.execute(_TABLE)
            yield tracker
