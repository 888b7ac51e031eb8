"""Keys of the clients that may call, in a file of their hashes: what each may say, and in which workflows.

May import ``errors``. The file is read again when it changes, so that a key that was taken out ends at once.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from launchworthy.errors import ConflictError, InputError

__all__ = ["GatewayKey", "KeyRing", "add_key"]

PREFIX = "lwg-"
_LOOKED_EVERY_S = 1.0
_FIELDS = ("name", "sha256", "trusted", "roles", "workflows")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayKey:
    """One client.

    Attributes:
        name: Of the client, for records and messages.
        sha256: Of the key, in hexadecimal.
        trusted: Whether it may say by headers who its user is and what roles that user has, and whether its
            system messages are the product's own. Only for keys that never leave a server.
        roles: Roles of whoever calls with it, where it says no others.
        workflows: The only ones it may call; all where none are named.
    """

    name: str
    sha256: str
    trusted: bool = False
    roles: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()


# Whoever reaches a gateway without keys on loopback is this machine's own user.
_LOOPBACK = GatewayKey(name="loopback", sha256="", trusted=True)


class KeyRing:
    """The keys of a file, or nobody's where there is none.

    Args:
        path: Of the file; None: whoever can reach the gateway may call, as its owner.
        clock: Seconds that do not go back.
    """

    def __init__(self, path: Path | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock = path, clock
        self._keys: dict[str, GatewayKey] = {}
        self._seen: tuple[int, int] | None = None
        self._look_at = 0.0
        if path is not None:
            self._keys, self._seen = _read(path), _state(path)
            self._look_at = clock() + _LOOKED_EVERY_S

    @property
    def required(self) -> bool:
        """Whether a call needs a key."""
        return self._path is not None

    def of(self, authorization: str) -> GatewayKey | None:
        """The key of an ``Authorization`` header; None where it is nobody's."""
        if self._path is None:
            return _LOOPBACK
        self._look_again()
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        return self._keys.get(hashlib.sha256(secret.strip().encode("utf-8", "replace")).hexdigest())

    def _look_again(self) -> None:
        now = self._clock()
        if self._path is None or now < self._look_at:
            return
        self._look_at = now + _LOOKED_EVERY_S
        try:
            state = _state(self._path)
            if state != self._seen:
                self._keys, self._seen = _read(self._path), state
        except (InputError, OSError):
            self._keys, self._seen = {}, None  # a file that cannot be read opens nothing


def add_key(
    path: Path,
    name: str,
    *,
    trusted: bool = False,
    roles: tuple[str, ...] = (),
    workflows: tuple[str, ...] = (),
) -> str:
    """Make a key and write its hash into the file; the answer is the only time that it is shown.

    Raises:
        ConflictError: There is a key of this name.
        InputError: The file cannot be read or written.
    """
    keys = list(_read(path).values()) if path.exists() else []
    if any(key.name == name for key in keys):
        raise ConflictError(
            f"there is a key {name!r:.80} already",
            where=str(path),
            hint="take its line out, or use another name",
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    digest = hashlib.sha256(secret.encode()).hexdigest()
    keys.append(GatewayKey(name=name, sha256=digest, trusted=trusted, roles=roles, workflows=workflows))
    written = json.dumps({"keys": [asdict(key) for key in keys]}, indent=2) + "\n"
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(written)
        beside.replace(path)
    except OSError as error:
        raise InputError(f"the keys cannot be written: {error.strerror or error}", where=str(path)) from error
    return secret


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _read(path: Path) -> dict[str, GatewayKey]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"the keys cannot be read: {error.strerror or error}",
            where=str(path),
            hint="make one with: launchworthy gateway-key NAME",
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"the keys are not JSON: {error}", where=str(path)) from error
    rows = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise InputError("there is no list of keys", where=str(path), hint='write {"keys": […]}')
    found: dict[str, GatewayKey] = {}
    for index, row in enumerate(rows):
        key = _key(row, where=f"{path}, key {index + 1}")
        found[key.sha256] = key
    return found


def _key(row: Any, *, where: str) -> GatewayKey:
    if not isinstance(row, Mapping) or not set(row) <= set(_FIELDS):
        raise InputError(f"a key has the fields {', '.join(_FIELDS)}", where=where)
    name, digest, trusted = row.get("name"), row.get("sha256"), row.get("trusted", False)
    if not isinstance(name, str) or not name or not isinstance(trusted, bool):
        raise InputError("a key has a name, and trusted is true or false", where=where)
    if not isinstance(digest, str) or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise InputError("sha256 is not 64 hexadecimal digits", where=where)
    return GatewayKey(
        name=name,
        sha256=digest,
        trusted=trusted,
        roles=_names(row.get("roles", []), where=f"{where}, roles"),
        workflows=_names(row.get("workflows", []), where=f"{where}, workflows"),
    )


def _names(value: Any, *, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise InputError("this is not a list of names", where=where)
    return tuple(value)
