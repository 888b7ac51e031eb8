"""Other receivers under the same load, where they are installed in a Python of their own.

    python -m venv PEER && PEER/bin/pip install mlflow        # or: arize-phoenix
    python bench/ingest.py --peer PEER/bin/python

Each runs with its default store and options on this machine. CPU and memory are summed over its processes.
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_S = 120.0


@dataclass(frozen=True)
class Peer:
    """How one peer is started and addressed; ``{port}`` and ``{folder}`` are filled in."""

    name: str
    package: str
    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]


PEERS = (
    Peer(
        "MLflow",
        "mlflow",
        ("-m", "mlflow", "server", "--port", "{port}", "--backend-store-uri", "sqlite:///{folder}/mlflow.db"),
        (),
        (("x-mlflow-experiment-id", "0"),),
    ),
    Peer(
        "Phoenix",
        "phoenix",
        ("-m", "phoenix.server.main", "serve"),
        (("PHOENIX_PORT", "{port}"), ("PHOENIX_WORKING_DIR", "{folder}")),
        (),
    ),
)


def installed(python: str) -> Iterator[tuple[Peer, str]]:
    """Peers that this Python has, each with its version."""
    for peer in PEERS:
        found = subprocess.run(
            [python, "-c", f"import {peer.package} as p; print(p.__version__)"],
            capture_output=True,
            text=True,
            check=False,
        )
        if found.returncode == 0:
            yield peer, found.stdout.strip().splitlines()[-1]


def measure(
    peer: Peer, *, python: str, bodies: Sequence[bytes], senders: int, port: int, folder: Path
) -> str:
    """Send every body until it is acknowledged; answers one line of figures."""
    batch_spans = 512
    with _running(peer, python=python, port=port, folder=folder) as pid:
        before, began = _cpu_s(pid), time.perf_counter()
        threads = [
            threading.Thread(target=_send, args=(port, peer, bodies[number::senders]))
            for number in range(senders)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - began
        spans = len(bodies) * batch_spans
        cpu_ms = (_cpu_s(pid) - before) / spans * 1e3
        return (
            f"{spans / took:8,.0f} spans/s accepted, {cpu_ms:.2f} ms CPU a span, {_peak_mb(pid):,.0f} MB peak "
            f"({spans:,} spans)"
        )


@contextmanager
def _running(peer: Peer, *, python: str, port: int, folder: Path) -> Iterator[int]:
    def fill(text: str) -> str:
        return text.format(port=port, folder=folder)

    process = subprocess.Popen(
        [python, *map(fill, peer.arguments)],
        env={**os.environ, **{name: fill(value) for name, value in peer.environment}},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + START_S
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{peer.name} did not start")
            time.sleep(0.2)
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _send(port: int, peer: Peer, bodies: Sequence[bytes]) -> None:
    headers = {"Content-Type": "application/x-protobuf", **dict(peer.headers)}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    for body in bodies:
        while True:
            try:
                connection.request("POST", "/v1/traces", body, headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    break
                if answer.status not in (429, 502, 503, 504):
                    raise SystemExit(f"{peer.name} answered {answer.status}")
                time.sleep(0.5)
            except (OSError, http.client.HTTPException):
                connection.close()
                time.sleep(0.2)
    connection.close()


def _family(pid: int) -> list[int]:
    """A process and all that it started."""
    found, waiting = [], [pid]
    while waiting:
        current = waiting.pop()
        found.append(current)
        for task in Path(f"/proc/{current}/task").glob("*/children"):
            try:
                waiting += map(int, task.read_text().split())
            except OSError:
                continue
    return found


def _cpu_s(pid: int) -> float:
    total = 0.0
    for member in _family(pid):
        try:
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def _peak_mb(pid: int) -> float:
    total = 0.0
    for member in _family(pid):
        try:
            lines = Path(f"/proc/{member}/status").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
    return total
