"""What units got, remembered in this process or in a file that outlives it. Standard library only."""

from __future__ import annotations

import threading
from pathlib import Path

from launchworthy.errors import StorageError

__all__ = ["FileSticky", "MemorySticky"]

_REMEMBERED = 100_000


class MemorySticky:
    """Until the process ends."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}

    def get(self, flag: str, unit: str) -> str | None:
        """The variant that a unit has, if it has one."""
        return self._known.get((flag, unit))

    def put(self, flag: str, unit: str, variant: str) -> str:
        """Keep a unit's variant, unless it has one."""
        return self._known.setdefault((flag, unit), variant)


class FileSticky:
    """In a SQLite file that the processes of a machine share; the first to assign a unit wins.

    Args:
        path: The file; made with mode 0600 if it is not there. It holds units as they are given.
    """

    def __init__(self, path: Path) -> None:
        import sqlite3

        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], str] = {}
        self._path, self._broken = path, sqlite3.Error
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            self._file = sqlite3.connect(path, timeout=5.0, check_same_thread=False, isolation_level=None)
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute(
                "CREATE TABLE IF NOT EXISTS sticky"
                " (flag TEXT, unit TEXT, variant TEXT, PRIMARY KEY (flag, unit)) WITHOUT ROWID"
            )
        except (OSError, sqlite3.Error) as error:
            raise StorageError(f"sticky units cannot be kept: {error}", where=str(path)) from error

    def get(self, flag: str, unit: str) -> str | None:
        """The variant that a unit has, if it has one; None too where the file cannot be read."""
        known = self._known.get((flag, unit))
        if known is None:
            try:
                with self._lock:
                    row = self._file.execute(
                        "SELECT variant FROM sticky WHERE flag = ? AND unit = ?", (flag, unit)
                    ).fetchone()
            except self._broken:
                return None
            if row is not None:
                known = self._remember(flag, unit, str(row[0]))
        return known

    def put(self, flag: str, unit: str, variant: str) -> str:
        """Keep a unit's variant, unless it has one; in memory alone where the file cannot be written."""
        try:
            with self._lock:
                self._file.execute("INSERT OR IGNORE INTO sticky VALUES (?, ?, ?)", (flag, unit, variant))
                row = self._file.execute(
                    "SELECT variant FROM sticky WHERE flag = ? AND unit = ?", (flag, unit)
                ).fetchone()
        except self._broken:
            return self._remember(flag, unit, variant)
        return self._remember(flag, unit, str(row[0]))

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._file.close()

    def _remember(self, flag: str, unit: str, variant: str) -> str:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[flag, unit] = variant
        return variant
