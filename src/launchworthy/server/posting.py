"""One message to one address, and the signature by which a receiver knows it. Standard library only."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
from collections.abc import Mapping
from urllib.parse import urlsplit

__all__ = ["SIGNATURE", "post", "signature"]

SIGNATURE = "Launchworthy-Signature"
_TIMEOUT_S = 5.0


def signature(body: bytes, *, secret: str, at_s: int) -> str:
    """The header of a message: ``t=SECONDS,v1=HEX``, an HMAC-SHA256 of ``SECONDS.BODY``."""
    signed = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256)
    return f"t={at_s},v1={signed.hexdigest()}"


def post(url: str, body: bytes, *, headers: Mapping[str, str] | None = None) -> str:
    """Send JSON; answers why it was not heard, empty where it was. Redirects are not followed."""
    parts = urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = make(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
        with contextlib.closing(connection):
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, body, {"Content-Type": "application/json", **(headers or {})})
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    return "" if 200 <= status < 300 else f"it answered {status}"
