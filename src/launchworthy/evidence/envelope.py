"""Signed statements: in-toto statements in DSSE envelopes, signed with Ed25519.

Pure but for the signature; may import ``errors``. What is signed is the DSSE pre-authentication encoding of
the payload's type and bytes, so that nothing signed here passes for something else. An envelope may carry
several signatures; it counts when one of them is by a key that is trusted. Sources: DSSE v1.0.2, in-toto
Attestation Framework, Statement v1.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from launchworthy.errors import InputError
from launchworthy.evidence.chain import canonical_json, key_id

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = [
    "EVIDENCE",
    "MOST_BYTES",
    "STATEMENT",
    "VERDICT",
    "Opened",
    "Trusted",
    "open_envelope",
    "pre_authentication",
    "seal",
    "statement",
]

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
VERDICT = "https://launchworthy.dev/verdict/v1"
EVIDENCE = "https://launchworthy.dev/evidence/v1"
MOST_BYTES = 64 * 1024 * 1024
_MOST_SIGNATURES = 32


class Trusted(StrEnum):
    """Whether a signature counts."""

    YES = "signed"
    NO = "not_signed_by_a_trusted_key"
    FORGED = "forged"  # names a trusted key, and is not its signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A statement and whose word it is.

    Attributes:
        statement: The in-toto statement.
        trusted: Whether a trusted key signed it.
        by: Name of that key.
    """

    statement: Mapping[str, Any]
    trusted: Trusted
    by: str | None


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """What is signed (DSSE, PAE)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def statement(
    *, subject: Sequence[Mapping[str, Any]], predicate_type: str, predicate: Mapping[str, Any]
) -> dict[str, Any]:
    """An in-toto statement; each subject has a ``name`` and a ``digest``."""
    return {
        "_type": STATEMENT,
        "subject": [dict(each) for each in subject],
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }


def seal(told: Mapping[str, Any], *, key: Ed25519PrivateKey) -> dict[str, Any]:
    """The envelope of a statement."""
    payload = canonical_json(told).encode("utf-8", "surrogatepass")
    signature = key.sign(pre_authentication(PAYLOAD_TYPE, payload))
    return {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [
            {
                "keyid": key_id(key.public_key().public_bytes_raw()),
                "sig": base64.b64encode(signature).decode(),
            }
        ],
    }


def open_envelope(text: str | bytes, *, keys: Mapping[str, bytes], where: str) -> Opened:
    """Read an envelope and judge its signatures.

    Args:
        text: The envelope as JSON.
        keys: Trusted public keys, 32 raw bytes each, by name.
        where: Named in errors.

    Raises:
        InputError: It is no envelope, or holds no in-toto statement.
    """
    try:
        payload_type, payload, signatures = _parts(text)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _no_envelope(where, str(error)[:100]) from error
    signed = pre_authentication(payload_type, payload)
    trusted, by = Trusted.NO, None
    for named, signature in signatures:
        for name, key in keys.items():
            if _holds(signature, signed, key):
                trusted, by = Trusted.YES, name
            elif named == key_id(key) and trusted is not Trusted.YES:
                trusted, by = Trusted.FORGED, name
    if payload_type != PAYLOAD_TYPE:
        raise _no_envelope(where, f"its payload is {payload_type!r:.60} and no in-toto statement")
    try:
        told = json.loads(payload, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _no_envelope(where, f"its payload cannot be read: {str(error)[:100]}") from error
    if not isinstance(told, dict) or told.get("_type") != STATEMENT:
        raise _no_envelope(where, "its payload is no in-toto statement of version 1")
    if not isinstance(told.get("predicate"), dict) or not isinstance(told.get("subject"), list):
        raise _no_envelope(where, "its statement has no subject or no predicate")
    return Opened(statement=told, trusted=trusted, by=by)


def _parts(text: str | bytes) -> tuple[str, bytes, list[tuple[str, bytes]]]:
    if len(text) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
    plain = json.loads(text, object_pairs_hook=_once)
    payload_type, signatures = plain["payloadType"], plain["signatures"]
    if not isinstance(payload_type, str) or not isinstance(signatures, list):
        raise TypeError("payloadType is a text and signatures is a list")
    if not 0 < len(signatures) <= _MOST_SIGNATURES:
        raise ValueError(f"it has {len(signatures)} signatures; 1 to {_MOST_SIGNATURES} are read")
    return (
        payload_type,
        _decoded(plain["payload"]),
        [(str(each.get("keyid", "")), _decoded(each["sig"])) for each in signatures],
    )


def _decoded(text: Any) -> bytes:
    """Standard or URL-safe base64, as DSSE allows both."""
    if not isinstance(text, str):
        raise TypeError("base64 is a text")
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error as error:
        raise ValueError("it is not base64") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers must never see two values under one name."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


def _holds(signature: bytes, signed: bytes, key: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _no_envelope(where: str, why: str) -> InputError:
    return InputError(
        f"this is no signed statement: {why}", where=where, hint="`launchworthy sign verdict` writes one"
    )
