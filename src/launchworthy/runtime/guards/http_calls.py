"""One JSON question to a service, from a thread that may wait. May import ``runtime.kept_connections``.

Connections are kept for the next question. No redirect is followed, no more than a megabyte is read, and
neither the key nor what the service said goes into an error: both may end in records.
"""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from launchworthy.errors import InputError
from launchworthy.runtime.kept_connections import KeptConnections

__all__ = ["HttpJson", "NotAnswered"]

_LARGEST = 1_048_576


class NotAnswered(Exception):
    """A service did not answer; the message is fit for records."""


class HttpJson:
    """A service that is asked by POST.

    Args:
        url: Its address.
        key_env: Environment variable that holds its key, sent as a bearer token.
        timeout_s: Of each step: to connect, to send, to wait.

    Raises:
        InputError: The address is none, or holds a password.
    """

    def __init__(self, url: str, *, key_env: str | None = None, timeout_s: float = 2.0) -> None:
        parts = urlsplit(url)
        if parts.username or parts.password:
            raise InputError(
                "the address of a guard holds a password",
                where="uses",
                hint="name an environment variable instead: options: {key_env: MODERATION_KEY}",
            )
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise InputError(
                f"{url!r:.80} is not the address of a guard", where="uses", hint="write https://…"
            )
        self._connections = KeptConnections(
            parts.hostname, port, is_https=parts.scheme == "https", timeout_s=timeout_s
        )
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._key_env = key_env

    def ask(self, body: Mapping[str, Any]) -> Any:
        """The answer to one question.

        Raises:
            NotAnswered: There is none: the network, the status, the size or the form.
        """
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key_env is not None:
            key = os.environ.get(self._key_env, "").strip()
            if not key:
                raise NotAnswered(f"the environment variable {self._key_env} is not set")
            headers["Authorization"] = f"Bearer {key}"
        # A lone surrogate is no character that a service could read.
        data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        try:
            status, answer = self._connections.exchange(
                "POST", self._path, body=data, headers=headers, most=_LARGEST
            )
        except http.client.IncompleteRead:
            raise NotAnswered("its answer is cut off") from None
        except (http.client.HTTPException, OSError, ValueError) as error:
            raise NotAnswered(f"it did not answer ({type(error).__name__})") from None
        if status != 200:
            raise NotAnswered(f"it answered HTTP {status}")
        if len(answer) > _LARGEST:
            raise NotAnswered("its answer is too large")
        try:
            return json.loads(answer)
        except (ValueError, RecursionError):
            raise NotAnswered("its answer is not JSON") from None
