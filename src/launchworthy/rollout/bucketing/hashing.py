"""FNV-1a and MurmurHash3 as flag vendors use them, and canonical CBOR of scalars. Standard library only."""

from __future__ import annotations

import struct

__all__ = ["FNV_OFFSET", "FNV_PRIME", "canonical_cbor", "code_units", "fnv1a32", "murmur3_32", "utf8"]

FNV_OFFSET = 0x811C9DC5
FNV_PRIME = 0x01000193
_MASK = 0xFFFFFFFF


def utf8(text: str) -> bytes:
    """UTF-8 of a text; half a surrogate pair becomes U+FFFD, as in the encoder of a browser."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def code_units(text: str) -> bytes | memoryview:
    """What JavaScript's ``charCodeAt`` gives one after another: bytes for ASCII, else UTF-16 units."""
    if text.isascii():
        return text.encode()
    raw = text.encode("utf-16-le", "surrogatepass")
    return memoryview(struct.pack(f"={len(raw) // 2}H", *struct.unpack(f"<{len(raw) // 2}H", raw))).cast("H")


def fnv1a32(text: str, *, state: int = FNV_OFFSET) -> int:
    """FNV-1a, 32 bits, over UTF-16 code units; ``state`` goes on from an earlier text.

    Source: Fowler, Noll, Vo, as written in GrowthBook's SDKs (sdk-js ``src/util.ts``).
    """
    for unit in code_units(text):
        state = ((state ^ unit) * FNV_PRIME) & _MASK
    return state


def murmur3_32(data: bytes, *, seed: int = 0) -> int:
    """MurmurHash3, x86, 32 bits, unsigned. Source: Appleby, smhasher, ``MurmurHash3.cpp``."""
    size = len(data)
    whole = size & ~3
    state = seed
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        word = (word * 0xCC9E2D51) & _MASK
        word = ((word << 15 | word >> 17) * 0x1B873593) & _MASK
        state ^= word
        state = ((state << 13 | state >> 19) * 5 + 0xE6546B64) & _MASK
    if size > whole:
        word = (int.from_bytes(data[whole:], "little") * 0xCC9E2D51) & _MASK
        state ^= ((word << 15 | word >> 17) * 0x1B873593) & _MASK
    state ^= size
    state = ((state ^ state >> 16) * 0x85EBCA6B) & _MASK
    state = ((state ^ state >> 13) * 0xC2B2AE35) & _MASK
    return state ^ state >> 16


def canonical_cbor(value: str | int | float | bool | None) -> bytes:
    """Deterministic CBOR of a scalar: shortest lengths, integers and floats (RFC 8949, 4.2.1).

    Raises:
        OverflowError: An integer beyond 64 bits.
    """
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, float):
        return _float(value)
    text = utf8(value)
    return _head(3, len(text)) + text


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([major << 5 | extra]) + number.to_bytes(size, "big")
    raise OverflowError(f"{number:,} does not fit 64 bits")


def _float(value: float) -> bytes:
    if value != value:
        return b"\xf9\x7e\x00"
    for code, form in ((b"\xf9", ">e"), (b"\xfa", ">f")):
        try:
            packed = struct.pack(form, value)
        except OverflowError:
            continue
        if struct.unpack(form, packed)[0] == value:
            return code + packed
    return b"\xfb" + struct.pack(">d", value)
