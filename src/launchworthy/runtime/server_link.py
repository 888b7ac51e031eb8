"""Requests to a Launchworthy server, from applications: asked again while nobody answers.

May import ``errors`` and ``kept_connections``. Only what may be asked twice is asked through it.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from launchworthy.errors import (
    ConflictError,
    InputError,
    LaunchworthyError,
    NotFoundError,
    OverloadedError,
    StorageError,
)
from launchworthy.runtime.kept_connections import KeptConnections

__all__ = ["ServerLink"]

_ERRORS: Mapping[str, type[LaunchworthyError]] = {
    "LW100": InputError,
    "LW404": NotFoundError,
    "LW409": ConflictError,
    "LW500": StorageError,
}


class ServerLink:
    """One server.

    Args:
        url: Its address, such as ``http://127.0.0.1:8321``.
        key: API key; one with the role ``ingest`` does.
        timeout_s: For one request.
        patience_s: How long a server that does not answer is tried again.
        sleep: Waits between two tries.

    Raises:
        InputError: That is no address.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout_s: float = 5.0,
        patience_s: float = 2.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise InputError(
                f"{url!r:.80} is not the address of a server", hint="write http://127.0.0.1:8321"
            )
        self._connections = KeptConnections(
            parts.hostname, port, is_https=parts.scheme == "https", timeout_s=timeout_s
        )
        self._url, self._key = url, key
        self._patience_s, self._sleep = patience_s, sleep
        self._base = f"{parts.path.rstrip('/')}/api/v1"

    def ask(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What the server answers.

        Raises:
            StorageError: It does not answer, or with nothing that can be read.
            LaunchworthyError: What it says is wrong.
        """
        deadline = time.monotonic() + self._patience_s
        pause_s = 0.1
        while True:
            try:
                return self._once(verb, path, body)
            except (OSError, http.client.HTTPException, OverloadedError) as error:
                if time.monotonic() + pause_s >= deadline:
                    if isinstance(error, OverloadedError):
                        raise
                    raise StorageError(
                        f"the server does not answer: {error}",
                        where=self._url,
                        hint="is `launchworthy up` still running? what was asked may be asked again",
                    ) from error
            self._sleep(pause_s)
            pause_s = min(2.0, pause_s * 2)

    def _once(self, verb: str, path: str, body: Mapping[str, Any] | None) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        plain = None if body is None else json.dumps(body, allow_nan=False).encode()
        status, text = self._connections.exchange(verb, self._base + path, body=plain, headers=headers)
        try:
            told: Any = json.loads(text) if text else None
            if status < 400:
                return told
            error = told["error"]
            code, message, place, hint = (str(error[name]) for name in ("code", "message", "where", "hint"))
        except (ValueError, KeyError, TypeError) as problem:
            raise StorageError(
                f"the server answered {status} and nothing that could be read", where=self._url
            ) from problem
        if status == 503:
            raise OverloadedError(message, retry_after_s=1.0, where=place, hint=hint)
        raise _ERRORS.get(code, LaunchworthyError)(message, code=code, where=place, hint=hint)
