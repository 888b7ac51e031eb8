"""Replies on their way into the cache, in a file that survives ``kill -9``. Standard library only.

A commit is too slow to come before each next call, and memory alone would lose what was paid for. So a
reply is first written here, in one call to the kernel, which keeps it however the process ends; once the
cache has it, the file is emptied. What a process left behind that was killed is taken up by the next one
that opens the cache.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["ReplyJournal", "journal_values", "take_up"]

_ENDING = ".journal"


class ReplyJournal:
    """Keeps replies of one asker until the cache has them; owned from construction to :meth:`close`.

    Args:
        beside: The cache's file.

    Raises:
        OSError: No file can be made there.
    """

    def __init__(self, beside: Path) -> None:
        self._path = beside.with_name(f"{beside.name}-{uuid.uuid4().hex}{_ENDING}")
        unlocked = self._path.with_suffix(".new")  # nobody takes that for what a killed process left
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(unlocked, flags, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        unlocked.rename(self._path)

    def write(self, key: str, value: bytes) -> None:
        """Keep a reply.

        Args:
            key: Hex digits.
            value: One line.

        Raises:
            OSError: The disk is full, or the file is closed.
        """
        os.write(self._file, b"%b %b\n" % (key.encode(), value))

    def clear(self) -> None:
        """Forget what was written: the cache has it.

        Raises:
            OSError: The file is closed.
        """
        os.ftruncate(self._file, 0)

    def close(self) -> None:
        """Leave nothing behind; a second call does nothing."""
        if self._file >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = -1


def take_up(beside: Path, keep: Callable[[list[tuple[str, bytes]]], object]) -> None:
    """Give ``keep`` what each process left that has ended, as keys and values, and remove it.

    The last line of a file may be torn; it is left out.
    """
    for path in _journals(beside):
        with contextlib.suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            keep(list(_lines(file)))
            path.unlink(missing_ok=True)


def journal_values(beside: Path) -> Iterator[bytes]:
    """Every value of every journal, of processes that run too."""
    for path in _journals(beside):
        with contextlib.suppress(OSError), path.open("rb") as file:
            for _, value in _lines(file):
                yield value


def _journals(beside: Path) -> list[Path]:
    return sorted(beside.parent.glob(f"{beside.name}-*{_ENDING}"))


def _lines(file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    for line in file:
        key, space, value = line.partition(b" ")
        if space and value.endswith(b"\n"):
            yield key.decode("ascii", "replace"), value[:-1]
