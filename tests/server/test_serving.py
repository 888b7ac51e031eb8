"""The address that is bound, and what is said where it cannot be."""

from __future__ import annotations

import socket

import pytest

from launchworthy.errors import ConflictError, InputError
from launchworthy.server.serving import bind


def test_the_socket_says_that_it_is_tcp_so_that_answers_are_sent_at_once() -> None:
    with bind("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP
        assert listener.getsockname()[1] > 0


def test_a_port_that_is_taken_is_named() -> None:
    with bind("127.0.0.1", 0) as first:
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(ConflictError, match=f"127.0.0.1:{port}"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("no.such.host.invalid", 0)])
def test_an_address_that_is_none_is_refused(host: str, port: int) -> None:
    with pytest.raises((InputError, ConflictError)) as refused:
        bind(host, port)
    assert refused.value.hint
