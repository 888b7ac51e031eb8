"""Where flags come from: a file that is followed, or a server that is asked whether anything changed.

May import ``errors`` and this folder; uses the standard library's client.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from launchworthy.errors import InputError, NotFoundError, StorageError
from launchworthy.rollout.flags.model import FlagSet
from launchworthy.rollout.flags.written import read_flags, read_flags_file

__all__ = ["FileSource", "ServerSource", "Source"]

_MOST_BYTES = 64 * 1024 * 1024


class Source(Protocol):
    """Answers flags."""

    def changed(self) -> FlagSet | None:
        """The flags, if they are not those of the last time.

        Raises:
            LaunchworthyError: They cannot be had.
        """

    def kept(self) -> FlagSet | None:
        """What an earlier process had last, if that was kept."""


class FileSource:
    """A YAML or JSON file.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None

    def changed(self) -> FlagSet | None:
        """The flags, if the file is not that of the last time."""
        try:
            stat = self._path.stat()
        except OSError as error:
            raise InputError(f"it cannot be read: {error.strerror}", where=str(self._path)) from error
        mark = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if mark == self._seen:
            return None
        found = read_flags_file(self._path)
        self._seen = mark
        return found

    def kept(self) -> FlagSet | None:
        """The file is its own copy."""
        return None


class ServerSource:
    """A server of this system, asked with the tag of what it answered last.

    Args:
        endpoint: Its address.
        product: Product.
        api_key: A key with the role ``ingest`` does; None on loopback.
        state: Folder in which the last answer is kept.
        timeout_s: For one request.
    """

    def __init__(
        self, endpoint: str, *, product: str, api_key: str | None, state: Path, timeout_s: float = 5.0
    ) -> None:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(
                f"{endpoint!r:.80} is not the address of a server", hint="write http://127.0.0.1:8321"
            )
        self._parts, self._endpoint, self._timeout_s = parts, endpoint, timeout_s
        self._product, self._api_key = product, api_key
        self._path = f"{parts.path.rstrip('/')}/api/v1/products/{quote(product, safe='')}/flags"
        named = hashlib.sha256(f"{endpoint}\0{product}".encode()).hexdigest()[:16]
        self._copy = state / "flags" / f"{named}.json"
        self._tag: str | None = None

    def changed(self) -> FlagSet | None:
        """The flags, if the server has others than the last time; they are kept on disk too."""
        status, tag, body = self._ask()
        if status == 304:
            return None
        if status == 404:
            raise NotFoundError(f"{self._endpoint} knows no flags of {self._product}", where=self._endpoint)
        if status != 200:
            said = body[:200].decode("utf-8", "replace")
            raise StorageError(f"the server answered {status}: {said}", where=self._endpoint)
        found = self._read(body)
        self._tag = tag
        self._keep(body)
        return found

    def kept(self) -> FlagSet | None:
        """What the last process had, from disk."""
        try:
            return self._read(self._copy.read_bytes())
        except (OSError, StorageError, InputError):
            return None

    def _ask(self) -> tuple[int, str | None, bytes]:
        make = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        headers = {"Accept": "application/json"}
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key}"
        if self._tag:
            headers["If-None-Match"] = self._tag
        try:
            connection = make(self._parts.hostname or "", self._parts.port, timeout=self._timeout_s)
            try:
                connection.request("GET", self._path, headers=headers)
                answer = connection.getresponse()
                return answer.status, answer.getheader("ETag"), answer.read(_MOST_BYTES)
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise StorageError(f"the server does not answer: {error}", where=self._endpoint) from error

    def _read(self, body: bytes) -> FlagSet:
        try:
            document: Any = json.loads(body)
            return read_flags(document["flags"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StorageError("what the server answered are no flags", where=self._endpoint) from error

    def _keep(self, body: bytes) -> None:
        """Whole or not at all; a disk that is full costs the copy and nothing else."""
        draft = self._copy.with_name(f".{self._copy.name}-{os.getpid()}")
        with contextlib.suppress(OSError):
            self._copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(body)
            draft.replace(self._copy)
