"""Processes that begin with their imports done: each is real, and costs a fork, not a second of loading.

Run as a program, this imports what most of them need and then forks a process for each request that comes
over its socket. Some tests still start Python anew, so that a fresh start is tried as well.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

_PRELOADED = (
    "launchworthy.cli.up",
    "launchworthy.console",
    "launchworthy.server.serving",
    "sqlalchemy.dialects.sqlite",
    "uvicorn.main",
    "uvicorn.protocols.http.h11_impl",
)
_LONGEST = 1 << 20


class Forked:
    """A process: the part of ``subprocess.Popen`` that tests use."""

    def __init__(self, arguments: Sequence[str], *, told: int, stdout: IO[str] | None) -> None:
        self.args, self.stdout = list(arguments), stdout
        self.returncode: int | None = None
        self._told = os.fdopen(told, "rb", buffering=0)
        self.pid = int(self._line())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.stdout is not None:
            self.stdout.close()
        self.wait()

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, negative where a signal ended it."""
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = int(self._line())
            self._told.close()
        return self.returncode

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            part = self._told.read(1)
            if not part:
                raise ChildProcessError(f"nobody tells of {self.args}")
            line += part
        return line


class Forking:
    """Starts processes by what would follow ``python`` on a command line; end it with :meth:`close`."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            env={
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("OTEL_", "LAUNCHWORTHY_"))
            },
        )
        theirs.close()

    def start(self, *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Forked:
        """A process whose standard output, errors among it, is read from ``stdout``."""
        reads, writes = os.pipe()
        with os.fdopen(writes, "wb") as output:
            told = self._ask(arguments, output, output, cwd=cwd, env=env)
        return Forked(arguments, told=told, stdout=os.fdopen(reads, encoding="utf-8"))

    def run(
        self,
        *arguments: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """What a process wrote, and its exit code."""
        with tempfile.TemporaryFile("w+b") as output, tempfile.TemporaryFile("w+b") as errors:
            process = Forked(
                arguments, told=self._ask(arguments, output, errors, cwd=cwd, env=env), stdout=None
            )
            try:
                code = process.wait(timeout)
            finally:
                process.kill()
                process.wait()
            output.seek(0)
            errors.seek(0)
            return subprocess.CompletedProcess(
                arguments, code, output.read().decode(), errors.read().decode()
            )

    def close(self) -> None:
        self._control.close()
        self._process.wait()

    def _ask(
        self,
        arguments: Sequence[str],
        output: IO[bytes],
        errors: IO[bytes],
        *,
        cwd: Path | None,
        env: Mapping[str, str] | None,
    ) -> int:
        reads, writes = os.pipe()
        request = {
            "arguments": arguments,
            "cwd": str(cwd or Path.cwd()),
            "env": dict(os.environ if env is None else env),
        }
        with os.fdopen(writes, "wb") as told:
            fds = [output.fileno(), errors.fileno(), told.fileno()]
            socket.send_fds(self._control, [json.dumps(request).encode()], fds)
        return reads


def _serve(control: socket.socket) -> list[str] | None:
    """In the processes that are forked: what each is to run; in this one nothing, once nobody asks."""
    while True:
        message, fds, *_ = socket.recv_fds(control, _LONGEST, 3)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not message:
            return None
        if os.fork() == 0:
            control.close()
            return _begin(json.loads(message), *fds)
        for fd in fds:
            os.close(fd)


def _begin(request: dict[str, Any], output: int, errors: int, told: int) -> list[str]:
    """Fork the process itself, and stay behind to tell its id and how it ended."""
    pid = os.fork()
    if pid:
        os.close(output)
        os.close(errors)
        os.write(told, b"%d\n" % pid)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with contextlib.suppress(BrokenPipeError):
            os.write(told, b"%d\n" % code)
        os._exit(0)
    os.close(told)
    os.dup2(output, 1)
    os.dup2(errors, 2)
    os.close(output)
    if errors != output:
        os.close(errors)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    return list(request["arguments"])


def _run(first: str, *others: str) -> None:
    """As ``python FIRST OTHERS…`` would."""
    if first == "-m":
        sys.argv, sys.path[0] = list(others), str(Path.cwd())
        runpy.run_module(others[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.argv, sys.path[0] = ["-c", *others[1:]], ""
        sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(others[0], "<string>", "exec"), vars(sys.modules["__main__"]))
    else:
        sys.argv, sys.path[0] = [first, *others], str(Path(first).parent)
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        for module in _PRELOADED:
            importlib.import_module(module)
        gc.freeze()
        wanted = _serve(asked)
    if wanted is not None:
        _run(*wanted)
