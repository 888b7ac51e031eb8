"""Requests to a server from applications: on connections that are kept, and opened anew where lost."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from launchworthy.errors import InputError, StorageError
from launchworthy.runtime.kept_connections import KeptConnections
from launchworthy.runtime.server_link import ServerLink


class Listening(ThreadingHTTPServer):
    """A server that counts who connects, and can hang up on everybody."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int = 0) -> None:
        self.connections: list[Any] = []
        self.cut_off = False
        super().__init__(("127.0.0.1", port), Answering)

    def get_request(self) -> tuple[Any, Any]:
        found = super().get_request()
        self.connections.append(found[0])
        return found

    def hang_up(self) -> None:
        for each in self.connections:
            self.shutdown_request(each)

    def __enter__(self) -> "Listening":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.hang_up()
        self.server_close()


class Answering(BaseHTTPRequestHandler):
    """Answers what it was asked."""

    protocol_version = "HTTP/1.1"
    server: Listening

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(said) + (5 if self.server.cut_off else 0)))
        self.end_headers()
        self.wfile.write(said)
        self.close_connection = self.server.cut_off

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Listening]:
    with Listening() as listening:
        yield listening


def link_to(server: Listening, *, patience_s: float = 5.0) -> ServerLink:
    return ServerLink(f"http://127.0.0.1:{server.server_port}", patience_s=patience_s)


def test_one_connection_serves_many_requests(server: Listening) -> None:
    link = link_to(server)
    assert [link.ask("POST", "/x", {"n": n}) for n in range(5)] == [{"n": n} for n in range(5)]
    assert len(server.connections) == 1


def test_a_connection_that_the_server_closed_meanwhile_is_opened_anew_at_once(server: Listening) -> None:
    link = link_to(server, patience_s=0.0)  # no patience: the loss is met without waiting
    for n in range(3):
        assert link.ask("POST", "/x", {"n": n}) == {"n": n}
        server.hang_up()
    assert len(server.connections) == 3


def test_a_server_that_was_started_anew_is_found_again() -> None:
    with Listening() as before:
        link = link_to(before)
        assert link.ask("POST", "/x", {"n": 1}) == {"n": 1}
    with Listening(before.server_port):
        assert link.ask("POST", "/x", {"n": 2}) == {"n": 2}


def test_threads_get_their_own_answers(server: Listening) -> None:
    link, found = link_to(server), {}

    def ask(n: int) -> None:
        for round_ in range(10):
            found[n, round_] = link.ask("POST", "/x", {"n": n, "round": round_})

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == {(n, r): {"n": n, "round": r} for n in range(12) for r in range(10)}
    assert len(server.connections) < 120


def test_a_forked_process_leaves_the_connections_of_its_parent_alone(
    server: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = link_to(server)
    link.ask("POST", "/x", {})
    monkeypatch.setattr("launchworthy.runtime.kept_connections.os.getpid", lambda: -1)
    link.ask("POST", "/x", {})
    assert len(server.connections) == 2


def test_an_answer_that_is_cut_off_is_none_and_its_connection_is_not_used_again(server: Listening) -> None:
    server.cut_off = True
    link = link_to(server, patience_s=0.0)
    with pytest.raises(StorageError, match="does not answer"):
        link.ask("POST", "/x", {"n": 1})
    server.cut_off = False
    assert link.ask("POST", "/x", {"n": 2}) == {"n": 2}


def test_of_an_answer_that_is_too_long_no_more_is_read(server: Listening) -> None:
    connections = KeptConnections("127.0.0.1", server.server_port, is_https=False, timeout_s=5.0)
    body = json.dumps("x" * 100).encode()
    for most, length in ((50, 51), (1_000, len(body)), (50, 51)):
        status, answer = connections.exchange("POST", "/", body=body, headers={}, most=most)
        assert (status, len(answer)) == (200, length)
    assert len(server.connections) == 2  # what was left unread is in nobody's next answer


@pytest.mark.parametrize("url", ["ftp://a", "http://", "http://host:99999999/", "nothing"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InputError):
        ServerLink(url)
