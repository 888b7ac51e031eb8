"""Requests to a Launchworthy server, from applications: asked again while nobody answers.

May import ``errors``; uses the standard library's client. Only what may be asked twice is asked through it.
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
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(
                f"{url!r:.80} is not the address of a server", hint="write http://127.0.0.1:8321"
            )
        self._parts, self._url, self._key = parts, url, key
        self._timeout_s, self._patience_s, self._sleep = timeout_s, patience_s, sleep
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
        make = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        connection = make(self._parts.hostname or "", self._parts.port, timeout=self._timeout_s)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        try:
            plain = None if body is None else json.dumps(body, allow_nan=False).encode()
            connection.request(verb, self._base + path, body=plain, headers=headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        try:
            told: Any = json.loads(text) if text else None
            if answer.status < 400:
                return told
            error = told["error"]
            code, message, place, hint = (str(error[name]) for name in ("code", "message", "where", "hint"))
        except (ValueError, KeyError, TypeError) as problem:
            raise StorageError(
                f"the server answered {answer.status} and nothing that could be read", where=self._url
            ) from problem
        if answer.status == 503:
            raise OverloadedError(message, retry_after_s=1.0, where=place, hint=hint)
        raise _ERRORS.get(code, LaunchworthyError)(message, code=code, where=place, hint=hint)
