"""One process owns a data folder: an exclusive ``flock`` on its lock file.

The kernel gives the lock back when the process ends, however it ends. May import ``errors``.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from launchworthy.errors import ConflictError, StorageError

__all__ = ["FolderLock"]


class FolderLock:
    """Held from construction to :meth:`release`.

    Raises:
        ConflictError: Another process, or another store of this one, owns the folder; names its pid.
        StorageError: The folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "lock"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(
                f"the data folder cannot be used: {error.strerror}",
                where=str(folder),
                hint="give a folder that you may write with --data",
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(self._file, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise ConflictError(
                f"process {owner} owns this data folder",
                where=str(folder),
                hint="talk to that server, stop it first, or give another --data",
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the folder back; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
