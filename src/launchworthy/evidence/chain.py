"""The audit chain: every entry is hashed together with the one before it, and the head is signed apart.

Pure but for the signature; may import ``errors`` and the standard library. A chain alone shows edit,
deletion and reordering; that its tail was cut off shows only against a head that was kept elsewhere
(Haber and Stornetta 1991). A head names the last hash and the root of the tree over all entries (RFC 6962),
by which a single entry can be shown to belong to the chain without the others; heads that were signed before
there was a tree name no root, and count as before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from json.encoder import encode_basestring as _quoted
from typing import Any

from launchworthy.evidence.status import LedgerEntry
from launchworthy.evidence.tree import Frontier

__all__ = [
    "GENESIS",
    "ChainFault",
    "Fault",
    "SignedHead",
    "canonical_json",
    "entry_fault",
    "entry_leaf",
    "key_id",
    "link",
    "signature_holds",
    "verify",
]

_sha256, _raw = hashlib.sha256, bytes.fromhex
_AT_ONCE = 4096  # leaves that are summed together
GENESIS = "0" * 64  # what the first entry names as the one before it


class Fault(StrEnum):
    """What can be wrong with a chain. The last three mean that it cannot be told, not that it is broken."""

    ALTERED = "altered"
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

    ``key_id`` is 16 hex digits of the SHA-256 of the public key; ``signature`` is hex. ``root`` is that of
    the tree over the entries' hashes; empty in heads that are older than the tree.
    """

    size: int
    hash: str
    at: datetime
    key_id: str
    signature: str
    root: str = ""

    def signed_bytes(self) -> bytes:
        """What the signature covers."""
        told = {"at": _utc(self.at), "hash": self.hash, "key_id": self.key_id, "size": self.size}
        return canonical_json(told | ({"root": self.root} if self.root else {})).encode()


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, UTF-8 left as it is, no NaN.

    Raises:
        ValueError: The value holds NaN or an infinity, which JSON cannot say.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


@lru_cache(maxsize=16)  # what is appended together has one time
def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _digest(seq: int, when: str, kind: str, body: str, previous: str) -> str:
    return _hashed(seq, when, kind, body, _quoted(previous)).hex()


def _hashed(seq: int, when: str, kind: str, body: str, previous: str) -> bytes:
    # The canonical JSON of the five, written out: a third of the time of building it from a mapping.
    text = f'{{"at":"{when}","body":{_quoted(body)},"kind":{_kind(kind)},"previous":{previous},"seq":{seq}}}'
    # A lone surrogate cannot be encoded; it must neither break the chain nor be lost from its hash.
    return _sha256(text.encode("utf-8", "surrogatepass")).digest()


_kind = lru_cache(maxsize=64)(_quoted)  # there are few kinds, and a chain has many entries of each


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
    digest = _digest(seq, _utc(at), kind, text, previous)
    return LedgerEntry(seq=seq, at=at, kind=kind, body=text, previous=previous, hash=digest)


def verify(
    entries: Iterable[LedgerEntry],
    *,
    head: SignedHead | None,
    public_key: bytes | None = None,
    earlier: Sequence[SignedHead] = (),
) -> tuple[ChainFault, ...]:
    """Everything that is wrong with a chain, in order; empty when it is whole.

    Args:
        entries: In the order in which they are stored; read once.
        head: The newest head that was kept apart, or None if there is none: then a cut tail cannot show.
        public_key: 32 raw bytes of the Ed25519 key that heads are signed with.
        earlier: Heads that were kept before; each that is truly signed binds the entries up to its size.
    """
    faults: list[ChainFault] = []
    previous, expected, count = GENESIS, 1, 0
    kept = (*earlier, *([head] if head is not None else []))
    sizes = {each.size for each in kept}
    sealed: dict[int, tuple[str, str]] = {}
    tree = Frontier()
    leaves: list[bytes] = []
    rooted = any(each.root for each in kept)
    at, when, digest = None, "", GENESIS
    for entry in entries:
        count += 1
        seq, held = entry.seq, entry.hash
        if entry.at != at:  # what was appended together has one time, and writing it is a fifth of the work
            at, when = entry.at, _utc(entry.at)
        before = entry.previous
        # A hash that was just made here is hex, and needs no escapes.
        quoted = f'"{before}"' if before == digest else _quoted(before)
        raw = _hashed(seq, when, entry.kind, entry.body, quoted)
        digest = raw.hex()
        if seq != expected or before != previous or digest != held:
            faults += _entry_faults(entry, expected=expected, previous=previous, digest=digest)
        if rooted:
            leaves.append(_sha256(b"\0" + raw).digest() if digest == held else entry_leaf(held))
            if seq in sizes or len(leaves) >= _AT_ONCE:
                tree.extend(leaves)
                leaves.clear()
        if seq in sizes:
            sealed.setdefault(seq, (held, tree.root().hex() if rooted else ""))
        previous, expected = held, seq + 1
    faults += _earlier_faults(earlier, sealed=sealed, public_key=public_key)
    return (*faults, *_head_faults(head, count=count, sealed=sealed, public_key=public_key))


def entry_leaf(entry_hash: str) -> bytes:
    """The leaf of an entry in the tree; a hash that is none of ours has a leaf that fits no root."""
    try:
        return _sha256(b"\0" + _raw(entry_hash)).digest()
    except ValueError:
        return _sha256(b"\0" + entry_hash.encode("utf-8", "surrogatepass")).digest()


def entry_fault(entry: LedgerEntry) -> ChainFault | None:
    """What is wrong with an entry on its own: that its content is not what its hash was made of."""
    digest = _digest(entry.seq, _utc(entry.at), entry.kind, entry.body, entry.previous)
    return None if digest == entry.hash else _edited(entry)


def _edited(entry: LedgerEntry) -> ChainFault:
    return ChainFault(
        fault=Fault.EDITED,
        seq=entry.seq,
        message=f"entry {entry.seq} does not have the content that its hash was made of",
    )


def _entry_faults(entry: LedgerEntry, *, expected: int, previous: str, digest: str) -> list[ChainFault]:
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
    return faults if digest == entry.hash else [*faults, _edited(entry)]


def _earlier_faults(
    heads: Sequence[SignedHead], *, sealed: Mapping[int, tuple[str, str]], public_key: bytes | None
) -> list[ChainFault]:
    """Where the chain departs from a head of the past; one that is not truly signed binds nothing."""
    if public_key is None:
        return []
    for each in heads:
        found = sealed.get(each.size)
        if found is None or _agrees(each, found) or not signature_holds(each, public_key=public_key):
            continue
        return [
            ChainFault(
                fault=Fault.REWRITTEN,
                seq=each.size,
                message=f"up to entry {each.size} the chain is not the one that a head of {each.at:%Y-%m-%d}"
                " was signed over",
            )
        ]
    return []


def _agrees(head: SignedHead, found: tuple[str, str]) -> bool:
    return head.hash == found[0] and head.root in ("", found[1])


def _head_faults(
    head: SignedHead | None,
    *,
    count: int,
    sealed: Mapping[int, tuple[str, str]],
    public_key: bytes | None,
) -> list[ChainFault]:
    def fault(name: Fault, message: str, seq: int | None = None) -> list[ChainFault]:
        return [ChainFault(fault=name, seq=seq, message=message)]

    if head is None:
        if count == 0:
            return []
        return fault(Fault.NO_HEAD, "no signed head was found, so a tail that was cut off would not show")
    if public_key is None:
        found = fault(Fault.NO_KEY, "the key that signs heads was not found, so the head is not trusted")
    elif not signature_holds(head, public_key=public_key):
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
    if head.size and not _agrees(head, sealed.get(head.size, ("", ""))):
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


def key_id(public_key: bytes) -> str:
    """16 hex digits of the SHA-256 of a public key: enough to tell whose signature to try."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def signature_holds(head: SignedHead, *, public_key: bytes) -> bool:
    """Whether a head was signed by this key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if head.key_id != key_id(public_key):
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(bytes.fromhex(head.signature), head.signed_bytes())
    except (InvalidSignature, ValueError):
        return False
    return True
