"""The tour, run as it is printed: each command answers what the page says it answers."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from launchworthy.server import read_note

TOUR = Path(__file__).parents[1] / "docs" / "tour.md"


def _blocks() -> Iterator[tuple[str, str]]:
    yield from re.findall(r"```(console|python)\n(.*?)```", TOUR.read_text(encoding="utf-8"), flags=re.DOTALL)


def _steps(block: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a block, with the lines printed below it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *shown = part.rstrip("\n").split("\n")
        yield command, shown


def _pattern(shown: list[str]) -> str:
    """``…`` stands for anything, over lines where it stands alone."""
    text = "\n".join(shown)
    parts = [re.escape(part) for part in text.split("…")]
    return ".*?".join(parts)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_the_tour_answers_what_it_says(tmp_path: Path) -> None:
    names = iter(("app.py", "better.py", "serve.py"))
    port = _free_port()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LAUNCHWORTHY_ENDPOINT": f"http://127.0.0.1:{port}",
        "LAUNCHWORTHY_DATA": str(tmp_path / ".launchworthy"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "COLUMNS": "200",
    }
    servers: list[subprocess.Popen[bytes]] = []
    ran = 0
    try:
        for language, block in _blocks():
            if language == "python":
                (tmp_path / next(names)).write_text(block, encoding="utf-8")
                continue
            for command, shown in _steps(block):
                ran += 1
                if command.endswith("&"):
                    words = [*command.removesuffix("&").split(), "--port", str(port)]
                    servers.append(subprocess.Popen(words, cwd=tmp_path, env=environment))
                    deadline = time.monotonic() + 20
                    while read_note(tmp_path / ".launchworthy") is None and time.monotonic() < deadline:
                        time.sleep(0.05)
                    continue
                done = subprocess.run(
                    command,
                    shell=True,
                    cwd=tmp_path,
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode in (0, 1, 2), (command, done.stderr)
                assert "Traceback" not in done.stderr, (command, done.stderr)
                assert re.match(_pattern(shown), done.stdout, flags=re.DOTALL), (command, done.stdout)
    finally:
        for server in servers:
            server.terminate()
            server.wait(timeout=15)
    assert ran >= 14
