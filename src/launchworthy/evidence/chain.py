"""The audit chain: every entry is hashed together with the one before it, and the head is signed apart.

Pure but for the signature; may import ``errors`` and the standard library. A chain alone shows edit,
deletion and reordering; that its tail was cut off shows only against a head that was kept elsewhere
(Haber and Stornetta 1991; the signed tree head of RFC 6962 is the same idea for a tree).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from launchworthy.evidence.status import LedgerEntry

__all__ = ["GENESIS", "ChainFault", "Fault", "SignedHead", "canonical_json", "link", "verify"]

GENESIS = "0" * 64  # what the first entry names as the one before it


class Fault(StrEnum):
    """What can be wrong with a chain. The last three mean that it cannot be told, not that it is broken."""

    EDITED = "edited"
    MISSING = "missing"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    REWRITTEN = "rewritten"
    FORGED_HEAD = "forged_head"
    NO_HEAD = "no_head"
    NO_KEY = "no_key"
    UNSIGNED_TAIL = "unsigned_tail"

    @property
    def proves_tampering(self) -> bool:
        """False where the chain may be whole and only the means to show it are missing."""
        return self not in (Fault.NO_HEAD, Fault.NO_KEY, Fault.UNSIGNED_TAIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFault:
    """One thing that is wrong, at which entry (None: with the chain as a whole), in a sentence."""

    fault: Fault
    seq: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """The state of a chain at a moment: how many entries, the hash of the last, signed with Ed25519.

    ``key_id`` is 16 hex digits of the SHA-256 of the public key; ``signature`` is hex.
    """

    size: int
    hash: str
    at: datetime
    key_id: str
    signature: str

    def signed_bytes(self) -> bytes:
        """What the signature covers."""
        return canonical_json(
            {"at": _utc(self.at), "hash": self.hash, "key_id": self.key_id, "size": self.size}
        ).encode()


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, UTF-8 left as it is, no NaN.

    Raises:
        ValueError: The value holds NaN or an infinity, which JSON cannot say.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _digest(*, seq: int, at: datetime, kind: str, body: str, previous: str) -> str:
    text = canonical_json({"at": _utc(at), "body": body, "kind": kind, "previous": previous, "seq": seq})
    # A lone surrogate cannot be encoded; it must neither break the chain nor be lost from its hash.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def link(
    body: Mapping[str, Any] | str, *, kind: str, at: datetime, after: LedgerEntry | None = None
) -> LedgerEntry:
    """The entry that follows ``after`` (None: the first one, number 1).

    Args:
        body: A mapping, written as canonical JSON, or text that is canonical JSON already.
        kind: ``evidence``, ``attestation``, ``verdict``, ``erasure`` …
        at: When it is appended (aware).
        after: The last entry of the chain.
    """
    text = body if isinstance(body, str) else canonical_json(body)
    seq, previous = (after.seq + 1, after.hash) if after is not None else (1, GENESIS)
    digest = _digest(seq=seq, at=at, kind=kind, body=text, previous=previous)
    return LedgerEntry(seq=seq, at=at, kind=kind, body=text, previous=previous, hash=digest)


def verify(
    entries: Iterable[LedgerEntry], *, head: SignedHead | None, public_key: bytes | None = None
) -> tuple[ChainFault, ...]:
    """Everything that is wrong with a chain, in order; empty when it is whole.

    Args:
        entries: In the order in which they are stored; read once.
        head: The newest head that was kept apart, or None if there is none: then a cut tail cannot show.
        public_key: 32 raw bytes of the Ed25519 key that heads are signed with.
    """
    faults: list[ChainFault] = []
    previous, expected, count = GENESIS, 1, 0
    sealed: str | None = None
    for entry in entries:
        count += 1
        faults += _entry_faults(entry, expected=expected, previous=previous)
        if head is not None and entry.seq == head.size:
            sealed = entry.hash
        previous, expected = entry.hash, entry.seq + 1
    return (*faults, *_head_faults(head, count=count, sealed=sealed, public_key=public_key))


def _entry_faults(entry: LedgerEntry, *, expected: int, previous: str) -> list[ChainFault]:
    faults = []
    if entry.seq > expected:
        gap = f"entry {expected} is" if entry.seq == expected + 1 else f"{expected} to {entry.seq - 1} are"
        faults.append(
            ChainFault(fault=Fault.MISSING, seq=expected, message=f"{gap} missing before entry {entry.seq}")
        )
    elif entry.seq < expected:
        faults.append(
            ChainFault(
                fault=Fault.REORDERED,
                seq=entry.seq,
                message=f"entry {entry.seq} stands where entry {expected} should",
            )
        )
    elif entry.previous != previous:
        faults.append(
            ChainFault(
                fault=Fault.EDITED,
                seq=entry.seq,
                message=f"entry {entry.seq} does not follow from the entry before it",
            )
        )
    digest = _digest(seq=entry.seq, at=entry.at, kind=entry.kind, body=entry.body, previous=entry.previous)
    if digest != entry.hash:
        faults.append(
            ChainFault(
                fault=Fault.EDITED,
                seq=entry.seq,
                message=f"entry {entry.seq} does not have the content that its hash was made of",
            )
        )
    return faults


def _head_faults(
    head: SignedHead | None, *, count: int, sealed: str | None, public_key: bytes | None
) -> list[ChainFault]:
    def fault(name: Fault, message: str, seq: int | None = None) -> list[ChainFault]:
        return [ChainFault(fault=name, seq=seq, message=message)]

    if head is None:
        if count == 0:
            return []
        return fault(Fault.NO_HEAD, "no signed head was found, so a tail that was cut off would not show")
    if public_key is None:
        found = fault(Fault.NO_KEY, "the key that signs heads was not found, so the head is not trusted")
    elif not _signature_holds(head, public_key=public_key):
        return fault(Fault.FORGED_HEAD, f"the head of size {head.size} is not signed by key {head.key_id}")
    else:
        found = []
    if head.size > count:
        missing = head.size - count
        return found + fault(
            Fault.TRUNCATED,
            f"the signed head counts {head.size} entries, {missing} more than are here",
            count + 1,
        )
    if head.size and sealed != head.hash:
        return found + fault(
            Fault.REWRITTEN, f"entry {head.size} is not the one that the signed head names", head.size
        )
    if head.size < count:
        return found + fault(
            Fault.UNSIGNED_TAIL,
            f"{count - head.size} entries after entry {head.size} are not under a signed head yet",
            head.size + 1,
        )
    return found


def _signature_holds(head: SignedHead, *, public_key: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if head.key_id != hashlib.sha256(public_key).hexdigest()[:16]:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(bytes.fromhex(head.signature), head.signed_bytes())
    except (InvalidSignature, ValueError):
        return False
    return True
