"""One server process on one data folder: binds, leaves its note, serves, and closes the files.

May import every room below ``server``.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import uvicorn

from launchworthy.errors import ConflictError, InputError
from launchworthy.server.auth import is_loopback
from launchworthy.server.opening import ServerNote, read_note, remove_note, write_note

__all__ = ["bind", "serve"]

_M_ARENA_MAX = -8  # as malloc.h of glibc has it


def serve(
    data: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8321,
    contracts: Sequence[Path] = (),
    announce: Callable[[str], None] = print,
) -> None:
    """Serve until told to stop (SIGINT or SIGTERM).

    Args:
        data: The data folder; made if it is not there.
        host: Address to bind; beyond loopback at least one API key must exist.
        port: 0 takes any free one.
        contracts: Contract files to register at start and to follow while they change.
        announce: Called once with the server's address, when it answers.

    Raises:
        ConflictError: Another server owns the folder, or the port is taken.
        InputError: Bound beyond loopback without a key.
        ContractError: A contract cannot be used.
    """
    running = read_note(data)
    if running is not None:
        raise ConflictError(
            f"a server (process {running.pid}) already serves this folder at {running.url}",
            where=str(data),
            hint="use that one, stop it first, or give another --data",
        )
    from launchworthy.server.app import build_app
    from launchworthy.server.local import LocalWorkspace

    _share_one_arena()
    listener = bind(host, port)
    try:
        workspace = LocalWorkspace.open(data)
    except BaseException:
        listener.close()
        raise
    try:
        workspace.take.prepare()
        for path in contracts:
            workspace.follow_contract(path)
        require_key = not is_loopback(host)
        if require_key and not any(key.revoked_at is None for key in workspace.api_keys()):
            raise InputError(
                f"bound to {host}, anyone who can reach this machine could call",
                hint="make a key first: launchworthy keys create NAME --role write",
            )
        token = secrets.token_urlsafe(32)
        bound = listener.getsockname()[1]
        shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 (compared, not bound)
        url = f"http://{f'[{shown}]' if ':' in shown else shown}:{bound}"

        def answering() -> None:
            write_note(data, ServerNote(url=url, token=token, pid=os.getpid()))
            announce(url)

        app = build_app(workspace, require_key=require_key, token=token)
        server = _Server(
            uvicorn.Config(
                app,
                log_level="warning",
                ws="none",
                access_log=False,
                server_header=False,
                lifespan="on",
                timeout_graceful_shutdown=5,
            ),
            on_start=answering,
        )
        with _signals_end_the_server_only():
            server.run(sockets=[listener])
    finally:
        remove_note(data)
        workspace.close()
        listener.close()


def _share_one_arena() -> None:
    """Let all threads allocate from one arena, where the C library has several.

    What each would keep for itself, once a batch has been decoded, is some 10 MB in all.
    """
    with contextlib.suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


@contextlib.contextmanager
def _signals_end_the_server_only() -> Iterator[None]:
    """uvicorn raises the signal that stopped it again: it must not end the process before files close."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.signal(each, lambda *_: None) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, *, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._on_start()


def bind(host: str, port: int) -> socket.socket:
    """A socket on that address, 0 for any free port, before it listens.

    Raises:
        ConflictError: The address cannot be had; says why.
        InputError: Not a port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small packets at once only on a socket that says it is TCP; others wait 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConflictError(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            hint="give another --port, or 0 for any free one",
        ) from error
    except OverflowError as error:
        listener.close()
        raise InputError(f"{port} is not a port", hint="give one from 0 to 65535") from error
    return listener
