"""Where batches wait while no server answers: a bounded folder of segments that the next process can send.

A segment is a header (magic, and how far it has been sent) and length-framed batches, each with its id, so
that a batch sent twice is stored once. Whoever writes or sends a segment holds a lock on it; the kernel gives
the lock back when the process ends, so two processes never send the same one. Imports the standard library.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from launchworthy.capture.sdk.problems import once

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # Windows: without a lock by the kernel nothing is kept
    flock = None  # type: ignore[assignment]

__all__ = ["Frame", "Signal", "Spill", "frames_in", "packed", "spill_folder"]

Signal = Literal["traces", "logs"]

MAGIC = b"LWSPILL1"
_HEADER = struct.Struct(">8sQ")  # magic, offset of the first frame that is not sent yet
_FRAME = struct.Struct(">4sIIB16sI")  # mark, checksum, records, signal, batch id, bytes of the body
_MARK = b"LWFR"
_SIGNALS: tuple[Signal, ...] = ("traces", "logs")
_SEGMENTS = 8  # segments that the bound is divided into


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One batch as it is sent: ``body`` is a gzipped OTLP request that holds ``records`` records."""

    signal: Signal
    batch_id: str  # 32 hex digits
    records: int
    body: bytes


def spill_folder(state: Path, endpoint: str) -> Path:
    """One folder for each server, so that records never reach another one than they were meant for."""
    return state / "spill" / hashlib.sha256(endpoint.encode()).hexdigest()[:16]


def packed(frame: Frame) -> bytes:
    """The bytes of one frame in a segment."""
    rest = struct.pack(
        ">IB16sI",
        frame.records,
        _SIGNALS.index(frame.signal),
        bytes.fromhex(frame.batch_id),
        len(frame.body),
    )
    return _MARK + zlib.crc32(frame.body, zlib.crc32(rest)).to_bytes(4, "big") + rest + frame.body


def frames_in(data: bytes, *, start: int = _HEADER.size) -> Iterator[tuple[Frame, int]]:
    """The whole frames from an offset on, each with the offset after it; ends at a damaged one."""
    at = start
    while at + _FRAME.size <= len(data):
        mark, checksum, records, signal, batch_id, size = _FRAME.unpack_from(data, at)
        body = data[at + _FRAME.size : at + _FRAME.size + size]
        rest = data[at + 8 : at + _FRAME.size]
        if (
            mark != _MARK
            or signal >= len(_SIGNALS)
            or len(body) != size
            or zlib.crc32(body, zlib.crc32(rest)) != checksum
        ):
            return
        at += _FRAME.size + size
        yield Frame(signal=_SIGNALS[signal], batch_id=batch_id.hex(), records=records, body=body), at


class Spill:
    """The waiting batches of one endpoint.

    Args:
        folder: Where the segments stand; made when it is first needed.
        limit_bytes: Most that all segments together may take; the oldest are dropped to make room.
        dropped: Told of each batch that was dropped.
    """

    def __init__(self, folder: Path, *, limit_bytes: int, dropped: Callable[[Frame], None]) -> None:
        self._folder, self._limit, self._dropped = folder, limit_bytes, dropped
        self._lock = threading.RLock()
        self._own: int | None = None  # file that this process appends to
        self._own_path: Path | None = None
        self._own_bytes = 0

    def append(self, frame: Frame) -> bool:
        """Keep a batch for later; False if it could not be kept (it is counted as dropped)."""
        data = packed(frame)
        with self._lock:
            try:
                if not self._make_room(len(data)):
                    self._lose([frame])
                    return False
                if self._own is None or self._own_bytes + len(data) > self._limit // _SEGMENTS:
                    self._own, self._own_path = self._begin()
                    self._own_bytes = _HEADER.size
                _write(self._own, data)
                self._own_bytes += len(data)
            except OSError as error:
                self.roll()
                once("spill", "what no server took cannot be kept in %s: %s", self._folder, error)
                self._dropped(frame)
                return False
        return True

    def roll(self) -> None:
        """Close the segment this process appends to, so that it may be sent."""
        with self._lock:
            self.let_go()

    def let_go(self) -> None:
        """Close it in a forked child, whose parent still has it and may have held the lock at the fork."""
        if self._own is not None:
            os.close(self._own)
        self._own, self._own_path, self._own_bytes = None, None, 0

    def waiting(self) -> bool:
        """Whether any segment, of any process, stands there."""
        return bool(self._segments())

    def send(self, deliver: Callable[[Frame], bool]) -> bool:
        """Hand batches to ``deliver``, oldest first, until it answers False; True if none of them is left.

        Segments that another process holds are left to that process.
        """
        self.roll()
        for path in self._segments():
            try:
                handle = _lock(path)
            except OSError:
                continue
            try:
                if not self._send_segment(handle, deliver):
                    return False
                path.unlink(missing_ok=True)
            except OSError as error:
                once("spill-read", "%s cannot be sent: %s", path, error)
            finally:
                os.close(handle)
        return True

    def _send_segment(self, handle: int, deliver: Callable[[Frame], bool]) -> bool:
        data = _read(handle)
        if len(data) < _HEADER.size or data[: len(MAGIC)] != MAGIC:
            return True
        _, at = _HEADER.unpack_from(data)
        for frame, after in frames_in(data, start=max(at, _HEADER.size)):
            if not deliver(frame):
                return False
            at = after
            os.pwrite(handle, at.to_bytes(8, "big"), len(MAGIC))
        if at < len(data):
            once("spill-torn", "the end of a spilled batch is missing; a process ended while it was written")
        return True

    def _begin(self) -> tuple[int, Path]:
        self.roll()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(4)}.spill"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _hold(handle)
            _write(handle, _HEADER.pack(MAGIC, _HEADER.size))
        except OSError:
            os.close(handle)
            path.unlink(missing_ok=True)
            raise
        return handle, path

    def _make_room(self, size: int) -> bool:
        """Drop the oldest segments until so many bytes fit; False if they cannot."""
        size += _HEADER.size
        if size > self._limit:
            return False
        total, sizes = 0, {}
        for path in self._segments():
            try:
                sizes[path] = path.stat().st_size
            except OSError:
                continue  # sent by another process meanwhile
            total += sizes[path]
        for path, freed in sizes.items():
            if total + size <= self._limit:
                return True
            if path == self._own_path:
                self.roll()
            try:
                handle = _lock(path)
            except OSError:
                continue
            try:
                data = _read(handle)
                start = int.from_bytes(data[len(MAGIC) : _HEADER.size], "big")
                path.unlink(missing_ok=True)
                self._lose([frame for frame, _ in frames_in(data, start=max(start, _HEADER.size))])
                total -= freed
            finally:
                os.close(handle)
        return total + size <= self._limit

    def _lose(self, frames: list[Frame]) -> None:
        once(
            "spill-full",
            "no server takes the records and %s is full (%d bytes): the oldest are dropped",
            self._folder,
            self._limit,
        )
        for frame in frames:
            self._dropped(frame)

    def _segments(self) -> list[Path]:
        """Oldest first."""
        try:
            return sorted(path for path in self._folder.iterdir() if path.suffix == ".spill")
        except OSError:
            return []


def _lock(path: Path) -> int:
    """Open a segment for this process alone.

    Raises:
        OSError: Another process has it, or it is gone.
    """
    handle = os.open(path, os.O_RDWR)
    try:
        _hold(handle)
        if os.fstat(handle).st_nlink == 0:
            raise FileNotFoundError(path)
    except OSError:
        os.close(handle)
        raise
    return handle


def _hold(handle: int) -> None:
    if flock is None:
        raise OSError("this system has no file locks")
    flock(handle, LOCK_EX | LOCK_NB)


def _read(handle: int) -> bytes:
    with os.fdopen(os.dup(handle), "rb") as file:
        file.seek(0)
        return file.read()


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
