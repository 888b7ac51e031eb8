"""Replies that were paid for once, by a digest of everything that decides them.

Standard library and this room.

One SQLite file beside the data, write-ahead: what was put survives ``kill -9`` of the process, each put costs
the same however many there are, and two processes may use it at once. It is a convenience: a file that is
damaged, locked or full never fails whoever uses it, who is told once and goes on without.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from launchworthy.evals.journal import ReplyJournal, journal_values, take_up

__all__ = ["CACHE_FILE", "ReplyCache", "cache_key", "cached_texts", "forget_replies"]

CACHE_FILE = "replies.sqlite"  # in the data folder
DEFAULT_MAX_BYTES = 1024**3
DEFAULT_MAX_AGE_S = 7 * 86_400.0
_WAIT_S = 1.0  # for another process that writes
_KEPT = 0.9  # of the most, where something has to go
_PIECE = 256  # the oldest replies leave so many at a time
_LOOK = 32  # puts between two looks at the size

_SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
    place INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, at REAL NOT NULL, value BLOB NOT NULL, asked BLOB
)
"""
_BEFORE_ASKED = "ALTER TABLE replies ADD COLUMN asked BLOB"  # of a file that an earlier version made


def cache_key(**parts: Any) -> str:
    """The SHA-256 of what decides a reply, in hex digits; the order of the parts says nothing.

    Args:
        parts: JSON values, such as address, release, parameters, input and the number of the repeat.

    Raises:
        TypeError, ValueError: A part is none.
    """
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def forget_replies(folder: Path, *, about: Callable[[str], bool]) -> int:
    """Leave no byte of the replies that are about somebody; answers how many those were.

    A reply is kept where it says what it was asked with, and neither that nor what came back is about them.
    Where the file is damaged, or another process holds it, all are forgotten. What a killed process was about
    to keep does not say what it was asked with.

    Args:
        folder: The data folder.
        about: Whether a JSON text, ASCII only, is about them.
    """
    path = folder / CACHE_FILE
    take_up(path, lambda _: None)
    if not path.is_file():
        return 0
    file = None
    try:
        file = _open(path)
        file.execute("PRAGMA secure_delete = ON")
        found = [
            (place,)
            for place, value, asked in file.execute("SELECT place, value, asked FROM replies")
            if asked is None or about(_ascii(asked)) or about(_ascii(value))
        ]
        if found:
            with file:
                file.executemany("DELETE FROM replies WHERE place = ?", found)
            file.execute("VACUUM")
            if file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise sqlite3.OperationalError("another process reads the file")
        return len(found)
    except (sqlite3.Error, zlib.error, ValueError):
        _forget_all(folder)
        return 0
    finally:
        if file is not None:
            file.close()


def cached_texts(folder: Path) -> Iterator[str]:
    """Everything that remembered replies say, as JSON text, ASCII only; nothing of a file that is damaged."""
    path = folder / CACHE_FILE
    for plain in journal_values(path):
        with contextlib.suppress(ValueError):
            yield json.dumps(json.loads(plain))
    if not path.is_file():
        return
    file = None
    try:
        file = _open(path)
        for value, asked in file.execute("SELECT value, asked FROM replies"):
            yield _ascii(value)
            if asked is not None:
                yield _ascii(asked)
    except (sqlite3.Error, zlib.error, ValueError):
        return
    finally:
        if file is not None:
            file.close()


def _ascii(packed: bytes) -> str:
    return json.dumps(json.loads(zlib.decompress(packed)))


def _forget_all(folder: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        (folder / f"{CACHE_FILE}{ending}").unlink(missing_ok=True)


class ReplyCache:
    """Keeps replies by key; any thread may use it.

    The first reply of a key stays until it is too old: who asks again gets what the others got. Where the
    replies outgrow ``max_bytes``, those put first leave.

    Args:
        path: The file; made, readable by its owner alone, if it is not there.
        max_bytes: How much the file holds.
        max_age_s: How old a reply may be. What is behind an address changes without a word.
        on_trouble: Called once, with a sentence, where the file cannot be used or takes no more.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        max_age_s: float = DEFAULT_MAX_AGE_S,
        on_trouble: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._on_trouble = on_trouble
        self._clock = clock
        self._lock = threading.Lock()
        self._told = False
        self._puts = 0
        self._file: sqlite3.Connection | None = None
        try:
            self._file = _open(path)
        except (sqlite3.Error, OSError) as error:
            self._tell(error)
        else:
            take_up(path, self._keep_what_was_left)

    def journal(self) -> ReplyJournal | None:
        """Where an asker may keep replies until it puts them; None, told once, where there can be none."""
        try:
            return ReplyJournal(self.path)
        except OSError as error:
            self._tell(error)
            return None

    def get(self, key: str) -> bytes | None:
        """What was put under this key; None where nothing was, or it is too old or damaged."""
        with self._lock:
            if self._file is None:
                return None
            try:
                found = self._file.execute("SELECT at, value FROM replies WHERE key = ?", (key,)).fetchone()
                if found is None:
                    return None
                at, packed = found
                if at >= self._clock() - self._max_age_s:
                    return zlib.decompress(packed)
            except zlib.error:
                pass  # its own check sum says that it is not what was put
            except sqlite3.Error as error:
                self._tell(error)
                return None
            self._drop(key)
            return None

    def holding(self, keys: Collection[str]) -> set[str]:
        """Those of the keys under which there is a reply that is not too old."""
        oldest = self._clock() - self._max_age_s
        with self._lock:
            if self._file is None:
                return set()
            try:
                found = self._file.execute(
                    "SELECT key FROM replies WHERE key IN (SELECT value FROM json_each(?)) AND at >= ?",
                    (json.dumps(list(keys)), oldest),
                )
                return {key for (key,) in found}
            except sqlite3.Error as error:
                self._tell(error)
                return set()

    def put(self, key: str, value: bytes) -> None:
        """Keep a reply; one that is there already stays."""
        self.put_many([(key, value)])

    def put_many(self, replies: Sequence[tuple[str, bytes]], *, asked: Sequence[bytes] | None = None) -> None:
        """Keep several in one commit, which costs hardly more than one of them.

        Args:
            replies: Keys and values.
            asked: JSON of all that each was asked with, so that it can be told whom a reply is about, where
                the values are JSON too; None: that cannot be told.
        """
        at = self._clock()
        whose = [None] * len(replies) if asked is None else [_packed(one) for one in asked]
        packed = [(key, at, _packed(value), of) for (key, value), of in zip(replies, whose, strict=True)]
        with self._lock:
            if self._file is None:
                return
            try:
                self._file.execute("BEGIN IMMEDIATE")
                self._file.executemany(
                    "INSERT OR IGNORE INTO replies (key, at, value, asked) VALUES (?, ?, ?, ?)",
                    [row for row in packed if len(row[2]) + len(row[3] or b"") <= self._max_bytes],
                )
                self._file.execute("COMMIT")
                before, self._puts = self._puts, self._puts + len(packed)
                if self._puts // _LOOK > before // _LOOK:
                    self._make_room()
            except sqlite3.Error as error:
                if self._file.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        self._file.execute("ROLLBACK")
                self._tell(error)

    def close(self) -> None:
        """Let go of the file; a second call does nothing, and a closed cache holds nothing."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _keep_what_was_left(self, left: list[tuple[str, bytes]]) -> None:
        if left:
            self.put_many(left)

    def _make_room(self) -> None:
        if self._held() <= self._max_bytes:
            return
        while self._held() > _KEPT * self._max_bytes:
            piece = max(1, min(_PIECE, self._number("SELECT count(*) FROM replies") // 10))
            self._execute(
                "DELETE FROM replies WHERE place IN (SELECT place FROM replies ORDER BY place LIMIT ?)", piece
            )

    def _drop(self, key: str) -> None:
        try:
            self._execute("DELETE FROM replies WHERE key = ?", key)
        except sqlite3.Error as error:
            self._tell(error)

    def _held(self) -> int:
        used = self._number("PRAGMA page_count") - self._number("PRAGMA freelist_count")
        return used * self._number("PRAGMA page_size")

    def _number(self, question: str) -> int:
        return int(self._execute(question).fetchone()[0])

    def _execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        if self._file is None:
            raise sqlite3.ProgrammingError("the cache is closed")
        return self._file.execute(statement, values)

    def _tell(self, error: Exception) -> None:
        """Say so once. A file that is damaged is not touched again; one that is full still answers."""
        if not isinstance(error, sqlite3.OperationalError) and self._file is not None:
            self._file.close()
            self._file = None
        if not self._told:
            self._told = True
            self._on_trouble(
                f"the reply cache {self.path} {_words(error)}; the run goes on without what it cannot keep"
            )


def _packed(value: bytes) -> bytes:
    small = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 1)  # to clear a large state costs most of it
    return small.compress(value) + small.flush()


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600, exist_ok=True)
    file = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
    try:
        # NORMAL: a power cut may lose the last replies, a killed process none, and no put waits for the disk.
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "journal_size_limit = 16777216"):
            file.execute(f"PRAGMA {pragma}")
        file.executescript(_SCHEMA)
        if all(column[1] != "asked" for column in file.execute("PRAGMA table_info(replies)")):
            file.execute(_BEFORE_ASKED)
    except BaseException:
        file.close()
        raise
    return file


def _words(error: Exception) -> str:
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return f"is damaged ({error}): delete it"
    return f"cannot be used: {error}"
