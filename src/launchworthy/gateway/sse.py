"""Server-sent events, read as they arrive in pieces of any size, and written.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["DONE", "EventReader", "TooLongError", "event"]

DONE = b"data: [DONE]\n\n"
_LONGEST = 8 * 1024 * 1024


class TooLongError(ValueError):
    """One event is longer than any model sends."""


class EventReader:
    """Finds the events in a stream of bytes: their ``data``, without their names and comments."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take some bytes; give the data of each event that is complete.

        Raises:
            TooLongError: An event does not end.
        """
        # Lines may end in LF, CRLF or CR; a CR at the end of a chunk may be half of a CRLF.
        text = self._rest + chunk
        if b"\r" in text:
            held = text.endswith(b"\r")
            text = (text[:-1] if held else text).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            text += b"\r" if held else b""
        *blocks, self._rest = text.split(b"\n\n")
        if len(self._rest) > _LONGEST:
            raise TooLongError
        for block in blocks:
            data = _data(block)
            if data is not None:
                yield data


def _data(block: bytes) -> bytes | None:
    if block.startswith(b"data: ") and b"\n" not in block:
        return block[6:]
    lines = [line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(lines) if lines else None


def event(data: bytes, *, name: str = "") -> bytes:
    """One event."""
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + data + b"\n\n"
