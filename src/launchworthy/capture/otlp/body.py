"""Request bodies as they were before compression, within a bound. May import ``errors``."""

from __future__ import annotations

import zlib

from launchworthy.capture.otlp.limits import MAX_BODY_BYTES, MAX_MEMBERS
from launchworthy.errors import InputError

__all__ = ["decompressed"]

_GZIP, _ZLIB, _RAW = 31, 15, -15  # window sizes, as zlib tells the formats apart


def decompressed(body: bytes, *, encoding: str | None) -> bytes:
    """The body without its content encoding.

    Raises:
        InputError: An encoding that is not read here (LW415), more than 64 MiB (LW413), or a body that is
            not what its encoding says or is cut short (LW400).
    """
    name = (encoding or "identity").strip().lower()
    if name in ("", "identity"):
        plain = body
    elif name in ("gzip", "x-gzip"):
        plain = _inflated(body, window=_GZIP, name="gzip")
    elif name == "deflate":
        # RFC 9110 means zlib's wrapper; some senders leave it out.
        wrapped = len(body) >= 2 and body[0] & 15 == 8 and int.from_bytes(body[:2], "big") % 31 == 0
        plain = _inflated(body, window=_ZLIB if wrapped else _RAW, name="deflate")
    else:
        raise InputError(
            f"the content encoding {name!r:.80} is not read here",
            code="LW415",
            where="content-encoding",
            hint="send gzip, deflate or no encoding",
        )
    if len(plain) > MAX_BODY_BYTES:
        raise _too_large()
    return plain


def _inflated(body: bytes, *, window: int, name: str) -> bytes:
    pieces, size, rest = [], 0, body
    for _ in range(MAX_MEMBERS):
        stream = zlib.decompressobj(window)
        try:
            piece = stream.decompress(rest, MAX_BODY_BYTES + 1 - size)
        except zlib.error as error:
            raise InputError(
                f"the body is not {name}: {error}",
                code="LW400",
                hint="check the Content-Encoding header of the sender",
            ) from error
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BODY_BYTES:
            raise _too_large()
        if not stream.eof:
            raise InputError(f"the {name} body is cut short", code="LW400", hint="send it again, whole")
        rest = stream.unused_data
        if not rest or window != _GZIP:
            return b"".join(pieces)
    raise InputError(f"the body has more than {MAX_MEMBERS} gzip streams", code="LW400")


def _too_large() -> InputError:
    return InputError(
        f"the body is longer than {MAX_BODY_BYTES // 2**20} MiB when decompressed",
        code="LW413",
        hint="send smaller batches",
    )
