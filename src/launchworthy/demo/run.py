"""The demo from start to end: a folder of its own, a server, traffic, proof of what is promised, the verdict.

Stands on top. What a person could type runs as that very command, printed before it runs.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from launchworthy.demo.endpoint import adopt_model
from launchworthy.errors import StorageError

__all__ = ["DemoOptions", "run_demo"]

_PRODUCT = "python-docs"
_DRILLED = "How do I sort a list in place?"
_MAINTAINER = "simulated maintainer"
_START_S = 60.0  # a machine may be busy; a server that ends is told of at once
_STOP_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """How the demo runs.

    Attributes:
        folder: Where the contract, the gold set and the data go; kept from one run to the next.
        port: Port of the console; another is taken where it is not free.
        questions: Questions that simulated users ask.
        once: Leave nothing running.
        seed: Seeds the simulated users.
    """

    folder: Path
    port: int = 8321
    questions: int = 300
    once: bool = False
    seed: int = 2026


def run_demo(options: DemoOptions, *, say: Callable[[str], None]) -> int:
    """Run it; answers the exit code of the verdict.

    Raises:
        LaunchworthyError: A step failed; its message says which and why.
    """
    begun = time.monotonic()
    folder = options.folder.absolute()
    try:
        say(_prepared(folder))
    except OSError as error:
        raise StorageError(
            f"the demo's files cannot be written: {error.strerror or error}",
            where=str(folder),
            hint="name another folder: --folder DIR",
        ) from error
    model = adopt_model(folder, os.environ)  # before the server reads the contract
    if model:
        say(f"The release answers by {model}, as LAUNCHWORTHY_DEMO_MODEL says.")
    _ramp(folder, seed=options.seed, say=say)
    with _server(folder, port=options.port, say=say) as server:
        cases = "--input guards/prompt_injection.jsonl"
        _command(f"guard calibrate prompt_injection {cases}".split(), folder=folder, say=say, may_fail=True)
        enforcer = ["--target", "launchworthy.demo.targets:enforcer", "--question", _DRILLED]
        # What needs nothing of each other runs at once; the drill mostly waits, for a model that times out.
        with (
            _beside(["drill", *enforcer], folder=folder, say=say, may_fail=True),
            _beside(_eval("baseline", "--release baseline.yaml"), folder=folder, say=say),
        ):
            _users(folder, url=server.url, options=options, say=say)
            _maintainer(folder, say=say)
        attack = ["redteam", *enforcer, "--twins", "10"]
        with _beside(attack, folder=folder, say=say, may_fail=True):
            _command(_eval("candidate", "--baseline baseline"), folder=folder, say=say)
        _command(["scan"], folder=folder, say=say, may_fail=True)
        _command(["measure"], folder=folder, say=say)
        code = _command(["verdict"], folder=folder, say=say, may_fail=True)
        say(f"\nThat took {time.monotonic() - begun:.0f} s.")
        if not options.once:
            board = f"{server.url}/products/{_PRODUCT}"
            say(_next_steps(folder, board))
            _show(board)
            server.wait()
    return code


def _prepared(folder: Path) -> str:
    """Put the product's files into the folder; files that are there were perhaps edited, and stay."""
    kept = []
    with as_file(files("launchworthy.demo") / "product") as product:
        for source in sorted(product.rglob("*")):
            if source.is_dir():
                continue
            place = folder / source.relative_to(product)
            if place.exists():
                kept.append(place)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, place)
    contract = folder / "launchworthy.yaml"
    if kept:
        return f"The product Ask the Python docs is in {folder}, as you left it."
    return (
        "Ask the Python docs: an assistant over the documentation that your Python carries.\n"
        f"Its contract is {contract}, its gold set {folder / 'gold' / 'answer.jsonl'}."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    url: str
    process: subprocess.Popen[bytes] | None

    def wait(self) -> None:
        """Until it ends, or the user stops the demo."""
        try:
            while self.process is None or self.process.poll() is None:
                time.sleep(0.5)
        except KeyboardInterrupt:
            return


@contextmanager
def _server(folder: Path, *, port: int, say: Callable[[str], None]) -> Iterator[_Server]:
    """The server of the folder: one that already runs, or a new one that ends with the demo."""
    from launchworthy.server import read_note

    data = folder / ".launchworthy"
    running = read_note(data)
    if running is not None:
        say(f"A server already has this folder, at {running.url}.")
        yield _Server(url=running.url, process=None)
        return
    words = ["up", "--contract", "launchworthy.yaml", "--port", str(port if _free(port) else 0)]
    log = folder / "server.log"
    say(f"\n$ cd {shlex.quote(str(folder))}")
    say(f"$ launchworthy {shlex.join(words)} &")
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "launchworthy", *words, "--data", str(data)],
            cwd=folder,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the demo, which then ends the server in order
        )
    try:
        with _terminable():
            yield _Server(url=_answering(data, process, log), process=process)
    finally:
        process.terminate()
        try:
            process.wait(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answering(data: Path, process: subprocess.Popen[bytes], log: Path) -> str:
    from launchworthy.server import read_note

    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        note = read_note(data)
        if note is not None:
            return note.url
        time.sleep(0.05)
    told = log.read_text("utf-8", "replace").strip()[-2_000:]
    raise StorageError(f"the server did not start: {told or 'it said nothing'}", where=str(log))


@contextmanager
def _terminable() -> Iterator[None]:
    """A request to terminate ends the demo as Ctrl-C does, so that the server ends with it."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _ramp(folder: Path, *, seed: int, say: Callable[[str], None]) -> None:
    """The weeks before: they go into the folder while no server has it."""
    from launchworthy.server import read_note

    if read_note(folder / ".launchworthy") is None:
        words = ["launchworthy.demo.ramp", "--seed", str(seed)]
        say(f"\n$ python -m {shlex.join(words)}")
        _run([sys.executable, "-m", *words], folder=folder, may_fail=True)


def _users(folder: Path, *, url: str, options: DemoOptions, say: Callable[[str], None]) -> None:
    words = ["launchworthy.demo.users", "--questions", str(options.questions), "--seed", str(options.seed)]
    say(f"\n$ python -m {shlex.join(words)}")
    _run([sys.executable, "-m", *words], folder=folder, environment={"LAUNCHWORTHY_ENDPOINT": url})


def _maintainer(folder: Path, *, say: Callable[[str], None]) -> None:
    """A person decides on the tickets, with a key of their own that ends with it."""
    name = f"maintainer-{time.time_ns() // 1_000_000}"
    words = ["keys", "create", name, "--person", _MAINTAINER, "--role", "read", "--acts-as", "maintainer"]
    say(f"\n$ launchworthy {shlex.join(words)}")
    made = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "launchworthy", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise StorageError(made.stderr.strip(), where=shlex.join(words))
    module = "launchworthy.demo.maintainer"
    say(f"$ LAUNCHWORTHY_KEY=… python -m {module}")
    try:
        key = {"LAUNCHWORTHY_KEY": made.stdout.strip()}
        _run([sys.executable, "-m", module], folder=folder, environment=key)
    finally:
        _command(["keys", "revoke", name], folder=folder, say=say)


def _eval(release: str, compared: str) -> list[str]:
    target = f"--target launchworthy.demo.targets:{release}"
    return f"eval {target} {compared} --concurrency 2 --no-slices".split()


def _command(
    words: Sequence[str], *, folder: Path, say: Callable[[str], None], may_fail: bool = False
) -> int:
    say(f"\n$ launchworthy {shlex.join(words)}")
    return _run([sys.executable, "-m", "launchworthy", *words], folder=folder, may_fail=may_fail)


@contextmanager
def _beside(
    words: Sequence[str], *, folder: Path, say: Callable[[str], None], may_fail: bool = False
) -> Iterator[None]:
    """A command that runs while others do; what it says is shown when it ended."""
    line = f"launchworthy {shlex.join(words)}"
    say(f"\n$ {line} &")
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "launchworthy", *words],
        cwd=folder,
        env=_environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield
        told, _ = process.communicate()
        say(f"\n$ wait  # for: {line}")
        say(told.rstrip())
        if process.returncode and not may_fail:
            raise StorageError(f"this step ended with code {process.returncode}", where=line)
    finally:
        process.kill()
        process.wait()


def _run(
    words: Sequence[str], *, folder: Path, environment: dict[str, str] | None = None, may_fail: bool = False
) -> int:
    sys.stdout.flush()
    done = subprocess.run(  # noqa: S603
        words, cwd=folder, env={**_environment(folder), **(environment or {})}, check=False
    )
    if done.returncode and not may_fail:
        raise StorageError(f"this step ended with code {done.returncode}", where=shlex.join(words))
    return done.returncode


def _environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        # The demo's pseudonym key and unsent records are its own, not those of the user's applications.
        "LAUNCHWORTHY_STATE": str(folder / ".sdk"),
        # The server works beside each step: threads of BLAS would spin while they wait for a core.
        "OPENBLAS_NUM_THREADS": "1",
    }


def _show(url: str) -> None:
    """Open a browser where there is a screen for one."""
    if sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(url)


def _next_steps(folder: Path, board: str) -> str:
    return f"""
The launch board is at {board}

What to try next:
  click an unmet claim, then one of its worst items, then the trace that caused it
  lower a threshold in {folder / "launchworthy.yaml"}, and load the board again
  cd {folder}
  launchworthy lint --explain             every default in force
  launchworthy claims                     what the contract promises, and what measures it
  launchworthy verdict --stage pilot      one stage, with what blocks it
  launchworthy runs                       what was evaluated; …/runs/RUN/threshold chooses when to refuse
  launchworthy experiment show nearest --simulated
                                          do six documents help more than three?
  launchworthy attest --help              sign what only a person can vouch for
  launchworthy keys create ME --role read --acts-as maintainer
                                          sign in with it, and decide on the tickets that wait

Ctrl-C ends the demo; `launchworthy demo` goes on where it stopped."""
