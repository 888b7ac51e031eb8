"""Where signed heads rest, apart from the ledger that they vouch for. Files; imports ``errors`` only.

A folder holds ``heads.jsonl`` (one head a line, append and fsync) and ``heads.pub`` (32 bytes, hex).
The signing key is one file of mode 0600, made once. Copy the folder to another machine and nobody who
can write the data folder can hide a cut.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from launchworthy.errors import InputError, StorageError
from launchworthy.evidence.chain import SignedHead, canonical_json, key_id
from launchworthy.evidence.status import LedgerEntry

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = [
    "append_head",
    "has_heads",
    "head_line",
    "load_signing_key",
    "read_heads",
    "read_public_key",
    "sign_head",
]

_HEADS, _PUBLIC = "heads.jsonl", "heads.pub"


def load_signing_key(path: Path) -> Ed25519PrivateKey:
    """Read the Ed25519 key in ``path``, or make it (mode 0600) if there is none.

    Raises:
        StorageError: The file is not a key, or others may read it.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            raise StorageError(
                "others may read the signing key", where=str(path), hint=f"chmod 600 {path}"
            ) from None
        raw = path.read_bytes()
        if len(raw) != 32:
            raise StorageError(
                "the signing key is not 32 bytes long",
                where=str(path),
                hint="restore it from a copy; without it earlier heads can still be verified, not extended",
            ) from None
        return Ed25519PrivateKey.from_private_bytes(raw)
    key = Ed25519PrivateKey.generate()
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes_raw())
        file.flush()
        os.fsync(file.fileno())
    return key


def sign_head(last: LedgerEntry, *, at: datetime, key: Ed25519PrivateKey, root: bytes = b"") -> SignedHead:
    """The signed head of a chain that ends in ``last``, and whose tree has this root."""
    signer = key_id(key.public_key().public_bytes_raw())
    bare = SignedHead(size=last.seq, hash=last.hash, at=at, key_id=signer, signature="", root=root.hex())
    return replace(bare, signature=key.sign(bare.signed_bytes()).hex())


def append_head(head: SignedHead, *, folder: Path, key: Ed25519PrivateKey) -> None:
    """Add a head to the folder, on disk when this returns; the public key is put beside it once."""
    folder.mkdir(parents=True, exist_ok=True)
    public = folder / _PUBLIC
    if not public.exists():
        public.write_text(key.public_key().public_bytes_raw().hex() + "\n")
    line = head_line(head)
    path = folder / _HEADS
    # A line that a crash left half written must not swallow the head that follows it.
    with path.open("a+b") as file:
        if file.seek(0, os.SEEK_END) > 0:
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else "\n" + line
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def head_line(head: SignedHead) -> str:
    """A head as one line of JSON."""
    return canonical_json(
        {
            "size": head.size,
            "hash": head.hash,
            "at": head.at.isoformat(),
            "key_id": head.key_id,
            "signature": head.signature,
            **({"root": head.root} if head.root else {}),
        }
    )


def has_heads(folder: Path) -> bool:
    """Whether any head was ever kept in the folder, and is still there."""
    return (folder / _HEADS).is_file()


def read_heads(folder: Path) -> list[SignedHead]:
    """Every head, oldest first; empty if the folder or its file is not there.

    A line that a crash left half written vouches for nothing and is passed over when a later head
    follows it or it is the last.

    Raises:
        InputError: A whole line is not a head.
    """
    path = folder / _HEADS
    if not path.exists():
        return []
    heads = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            plain = json.loads(line)
        except ValueError:
            continue
        try:
            heads.append(
                SignedHead(
                    size=int(plain["size"]),
                    hash=str(plain["hash"]),
                    at=datetime.fromisoformat(plain["at"]),
                    key_id=str(plain["key_id"]),
                    signature=str(plain["signature"]),
                    root=str(plain.get("root", "")),
                )
            )
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(
                "this line is not a signed head",
                where=f"{path}:{number}",
                hint="restore the file from a copy",
            ) from error
    return heads


def read_public_key(folder: Path) -> bytes | None:
    """The 32 raw bytes of the key that signs the heads in ``folder``, or None if it is not there.

    Raises:
        InputError: The file is not 64 hex digits.
    """
    path = folder / _PUBLIC
    if not path.exists():
        return None
    try:
        raw = bytes.fromhex(path.read_text().strip())
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise InputError("the public key is not 64 hex digits", where=str(path))
    return raw
