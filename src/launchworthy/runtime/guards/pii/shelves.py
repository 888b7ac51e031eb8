"""Where a vault's keys and sealed values lie: in memory, or as files.

May import ``errors``; standard library only.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from launchworthy.errors import StorageError

__all__ = ["FolderShelf", "MemoryShelf", "SealedValue", "Shelf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedValue:
    """One encrypted value.

    Attributes:
        placeholder: What stands in texts.
        tag: Keyed hash of kind and value, by which the same value is found again.
        sealed: Nonce and ciphertext.
    """

    placeholder: str
    tag: bytes
    sealed: bytes


class Shelf(Protocol):
    """Where a vault's keys and sealed values lie."""

    def locked(self, subject: str) -> AbstractContextManager[object]:
        """A lock on one subject, so that no number is given twice."""
        ...

    def key(self, subject: str) -> bytes | None:
        """The subject's key."""
        ...

    def put_key(self, subject: str, key: bytes) -> None:
        """Keep a new key."""
        ...

    def values(self, subject: str) -> list[SealedValue]:
        """The subject's sealed values, oldest first."""
        ...

    def put_value(self, subject: str, value: SealedValue) -> None:
        """Keep one more."""
        ...

    def forget(self, subject: str) -> bool:
        """Remove the key first, then the values; whether there was a key."""
        ...


class MemoryShelf:
    """Keys and values in memory, gone with the process."""

    def __init__(self) -> None:
        self._keys: dict[str, bytes] = {}
        self._values: dict[str, list[SealedValue]] = {}
        self._lock = threading.RLock()

    def locked(self, subject: str) -> AbstractContextManager[object]:
        """One lock for all."""
        return self._lock

    def key(self, subject: str) -> bytes | None:
        """The subject's key."""
        return self._keys.get(subject)

    def put_key(self, subject: str, key: bytes) -> None:
        """Keep a new key."""
        self._keys[subject] = key

    def values(self, subject: str) -> list[SealedValue]:
        """The subject's sealed values."""
        return list(self._values.get(subject, ()))

    def put_value(self, subject: str, value: SealedValue) -> None:
        """Keep one more."""
        self._values.setdefault(subject, []).append(value)

    def forget(self, subject: str) -> bool:
        """Remove key and values."""
        self._values.pop(subject, None)
        return self._keys.pop(subject, None) is not None


class FolderShelf:
    """Keys and values as files, a pair for each subject, readable by their owner only.

    ``keys/`` and ``values/`` are two folders so that backups can leave the keys out: a value without its key
    is noise. Files are named by a hash of the subject.
    """

    def __init__(self, folder: Path) -> None:
        self._keys, self._values = folder / "keys", folder / "values"
        for each in (self._keys, self._values):
            each.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._threads = threading.RLock()

    @contextmanager
    def locked(self, subject: str) -> Iterator[None]:
        """Other threads and other processes wait."""
        import fcntl

        with self._threads, (self._keys / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def key(self, subject: str) -> bytes | None:
        """The subject's key.

        Raises:
            StorageError: The file is not a key.
        """
        path = self._keys / _name(subject)
        try:
            key = path.read_bytes()
        except FileNotFoundError:
            return None
        if len(key) != 32:
            raise StorageError(
                f"a vault key has {len(key)} bytes and not 32",
                where=str(path),
                hint="restore it from a backup of the keys; without it the subject's values stay sealed",
            )
        return key

    def put_key(self, subject: str, key: bytes) -> None:
        """Keep a new key; it is on disk before a value is sealed with it."""
        path = self._keys / _name(subject)
        new = path.with_suffix(".new")
        _write(new, key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        new.replace(path)
        _sync_folder(self._keys)

    def values(self, subject: str) -> list[SealedValue]:
        """The subject's sealed values; a last line that was cut short by a crash is not one."""
        path = self._values / _name(subject)
        try:
            lines = path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        values = []
        for number, line in enumerate(lines, start=1):
            try:
                placeholder, tag, sealed = line.decode("ascii").split(" ")
                values.append(
                    SealedValue(placeholder=placeholder, tag=bytes.fromhex(tag), sealed=bytes.fromhex(sealed))
                )
            except ValueError:
                raise StorageError(
                    "a line of the vault is no sealed value",
                    where=f"{path}:{number}",
                    hint="restore the file from a backup, or erase the subject",
                ) from None
        return values

    def put_value(self, subject: str, value: SealedValue) -> None:
        """Keep one more; it is on disk when this returns."""
        path = self._values / _name(subject)
        if path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size:
            whole = path.read_bytes().rpartition(b"\n")
            os.truncate(path, len(whole[0]) + len(whole[1]))
        line = f"{value.placeholder} {value.tag.hex()} {value.sealed.hex()}\n"
        _write(path, line.encode("ascii"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        _sync_folder(self._values)

    def forget(self, subject: str) -> bool:
        """Remove the key first, then the values."""
        key = self._keys / _name(subject)
        was = key.exists()
        key.unlink(missing_ok=True)
        _sync_folder(self._keys)
        (self._values / _name(subject)).unlink(missing_ok=True)
        _sync_folder(self._values)
        return was


def _name(subject: str) -> str:
    return hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _write(path: Path, content: bytes, flags: int) -> None:
    handle = os.open(path, flags, 0o600)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
