"""Pseudonyms of people and sessions: a keyed hash, so that records join without naming anybody.

Stands on the ground: standard library only.
"""

from __future__ import annotations

import hmac
import re

__all__ = ["is_pseudonym", "pseudonym"]

_FORM = re.compile(r"[us]_[0-9a-f]{24}")


def pseudonym(value: str, *, key: bytes, prefix: str = "u") -> str:
    """``u_`` (user) or ``s_`` (session) and 96 bits of the HMAC-SHA256 of a value.

    A value that has this form already is answered as it is, so that a record may pass through twice.
    """
    if is_pseudonym(value):
        return value
    digest = hmac.digest(key, f"{prefix}\0{value}".encode("utf-8", "surrogatepass"), "sha256")
    return f"{prefix}_{digest[:12].hex()}"


def is_pseudonym(value: str) -> bool:
    """Whether a value has the form of a pseudonym."""
    return _FORM.fullmatch(value) is not None
