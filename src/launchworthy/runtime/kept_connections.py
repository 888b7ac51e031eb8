"""Connections to one service that are kept for the next request. Standard library only.

A service closes what nobody uses for a while; that is met by asking once more on a new connection, so that
only what may be asked twice is asked here. Threads share the connections, one request at a time on each. A
process that was forked leaves those of its parent alone: two who read one get each other's answers.
"""

from __future__ import annotations

import http.client
import os
import queue
import ssl
import weakref
from collections.abc import Mapping

__all__ = ["KeptConnections"]

_MOST = 8
_Idle = queue.LifoQueue[http.client.HTTPConnection]


class KeptConnections:
    """Connections to one host.

    Args:
        host: Its name or address.
        port: Its port; None for that of the scheme.
        is_https: Whether it is asked over TLS.
        timeout_s: Of each step: to connect, to send, to wait.
    """

    def __init__(self, host: str, port: int | None, *, is_https: bool, timeout_s: float) -> None:
        self._host, self._port, self._is_https, self._timeout_s = host, port, is_https, timeout_s
        self._begin()

    def exchange(
        self, verb: str, path: str, *, body: bytes | None, headers: Mapping[str, str], most: int | None = None
    ) -> tuple[int, bytes]:
        """Status and body of the answer; of a body longer than ``most``, one byte more than that.

        Raises:
            OSError: Nobody answers, or not in time.
            http.client.HTTPException: What answers speaks no HTTP, or its answer is cut off.
        """
        while True:
            connection, was_kept = self._take()
            try:
                connection.request(verb, path, body=body, headers=dict(headers))
                response = connection.getresponse()
                answer = response.read() if most is None else response.read(most + 1)
                if response.length and (most is None or len(answer) <= most):
                    raise http.client.IncompleteRead(answer, response.length)
            except (http.client.RemoteDisconnected, ConnectionError):
                connection.close()
                if not was_kept:
                    raise
                continue  # it was closed while nobody asked
            except BaseException:
                connection.close()
                raise
            if response.will_close or (most is not None and len(answer) > most):
                connection.close()
            else:
                self._keep(connection)
            return response.status, answer

    def _begin(self) -> None:
        self._process = os.getpid()
        self._idle: _Idle = queue.LifoQueue(_MOST)
        weakref.finalize(self, _close_all, self._idle)

    def _take(self) -> tuple[http.client.HTTPConnection, bool]:
        if self._process != os.getpid():
            self._begin()
        try:
            return self._idle.get_nowait(), True
        except queue.Empty:
            pass
        if self._is_https:
            secure = http.client.HTTPSConnection(
                self._host, self._port, timeout=self._timeout_s, context=ssl.create_default_context()
            )
            return secure, False
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s), False

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        try:
            self._idle.put_nowait(connection)
        except queue.Full:
            connection.close()


def _close_all(idle: _Idle) -> None:
    while not idle.empty():
        idle.get_nowait().close()
