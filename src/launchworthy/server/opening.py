"""Which door to a data folder is open: the running server's, or the files themselves.

May import every room below ``server``; loads the store only where it must open files.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from launchworthy.errors import NotFoundError
from launchworthy.server.remote import RemoteWorkspace
from launchworthy.server.workspace import Workspace

__all__ = ["DEFAULT_DATA", "ServerNote", "data_folder", "open_workspace", "read_note", "write_note"]

DEFAULT_DATA = Path(".launchworthy")
_NOTE = "server.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerNote:
    """What a running server leaves in its folder: where it answers, and a token for this user."""

    url: str
    token: str
    pid: int


def write_note(data: Path, note: ServerNote) -> None:
    """Leave the note, readable by this user only."""
    path = data / _NOTE
    temporary = path.with_suffix(".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"url": note.url, "token": note.token, "pid": note.pid}, file)
    temporary.replace(path)


def remove_note(data: Path) -> None:
    """Take the note away."""
    (data / _NOTE).unlink(missing_ok=True)


def read_note(data: Path) -> ServerNote | None:
    """The note of a server that answers now; None where none does."""
    try:
        plain = json.loads((data / _NOTE).read_text())
        note = ServerNote(url=str(plain["url"]), token=str(plain["token"]), pid=int(plain["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return note if _answers(note) else None


def _answers(note: ServerNote) -> bool:
    parts = urlsplit(note.url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=2)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False


def data_folder(data: Path | None = None) -> Path:
    """The data folder that is meant: the one given, ``LAUNCHWORTHY_DATA``, or ``.launchworthy`` here."""
    return data or Path(os.environ.get("LAUNCHWORTHY_DATA") or DEFAULT_DATA)


def open_workspace(data: Path | None = None, *, make: bool = True) -> Workspace:
    """The workspace of a data folder: over HTTP while a server owns it, else on its files.

    Args:
        data: The folder; see :func:`data_folder`.
        make: Make the folder if it is not there; what only reads has nothing to find in a new one.

    Raises:
        NotFoundError: There is no data folder, and none may be made.
        ConflictError: Another process has the files open and does not answer over HTTP.
        StorageError: The files cannot be read.
    """
    folder = data_folder(data)
    note = read_note(folder)
    if note is not None:
        return cast(Workspace, RemoteWorkspace(note.url, key=note.token))
    if not make and not (folder / "metadata.sqlite").is_file():
        raise NotFoundError(
            "no data folder is here", where=str(folder), hint="start where it is, or name it: --data DIR"
        )
    from launchworthy.server.local import LocalWorkspace

    return LocalWorkspace.open(folder)
