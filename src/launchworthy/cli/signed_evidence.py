"""Evidence that comes in a signed envelope. No command of its own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launchworthy.cli.in_force import contract_of
from launchworthy.errors import InputError

if TYPE_CHECKING:
    from launchworthy.evidence import Evidence
    from launchworthy.server import Workspace

__all__ = ["SignedEvidence", "read_signed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedEvidence:
    """Pieces of one envelope, and the name of the key that signed them."""

    file: Path
    sha256: str
    by: str
    pieces: tuple[Evidence, ...]

    def record(self) -> dict[str, Any]:
        """What the audit chain keeps of it."""
        return {"by": self.by, "envelope_sha256": self.sha256, "pieces": [piece.id for piece in self.pieces]}


def read_signed(workspace: Workspace, product: str, file: Path) -> SignedEvidence | None:
    """The evidence of a file that is an envelope; None for any other file.

    Raises:
        InputError: The envelope is damaged, holds no evidence, or no key that the contract trusts signed it.
    """
    from launchworthy.evidence import Evidence, Trusted, open_envelope
    from launchworthy.evidence.envelope import EVIDENCE

    try:
        text = file.read_bytes()
    except OSError:
        return None  # who reads it as lines says what is wrong
    if b'"payloadType"' not in text[:10_000]:
        return None
    trust = contract_of(workspace, product).trust
    keys = {} if trust is None else {name: bytes.fromhex(key) for name, key in trust.keys.items()}
    opened = open_envelope(text, keys=keys, where=str(file))
    if opened.trusted is not Trusted.YES or opened.by is None:
        raise InputError(
            "no key that the contract trusts has signed this evidence",
            where=str(file),
            hint="name the signer's public key under `trust/keys`, or add the evidence unsigned",
        )
    pieces = opened.statement["predicate"].get("pieces")
    if opened.statement.get("predicateType") != EVIDENCE or not isinstance(pieces, list):
        raise InputError("the envelope holds no evidence", where=str(file))
    return SignedEvidence(
        file=file,
        sha256=hashlib.sha256(text).hexdigest(),
        by=opened.by,
        pieces=tuple(
            Evidence.from_json(_object(each, file), where=f"{file}: piece {number}")
            for number, each in enumerate(pieces, start=1)
        ),
    )


def _object(plain: Any, file: Path) -> dict[str, Any]:
    if not isinstance(plain, dict):
        raise InputError("a piece of evidence is a JSON object", where=str(file))
    return plain
