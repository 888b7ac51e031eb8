"""How soon it answers: the import, ``--help``, the server; and how much room a base install takes.

    python bench/startup.py [--times 10] [--install]

Each time is the median, less that of the bare interpreter where it says so. ``--install`` makes a clean
environment with the hash-pinned base dependencies and this checkout, and measures it on disk.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ingest import Server

from store import line

ROOT = Path(__file__).parents[1]


def median_ms(command: list[str], *, times: int) -> float:
    """Wall time of a command that must succeed."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        spent.append((time.perf_counter() - began) * 1e3)
    return statistics.median(spent)


def size_mb(folder: Path) -> float:
    """Bytes of every file, in megabytes."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def installed_mb() -> float:
    """A clean environment with the base dependencies, without pip."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = Path(folder) / "bin/python"
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", str(ROOT / "requirements.lock")], check=True)
        subprocess.run([*pip, "--no-deps", str(ROOT)], check=True)
        subprocess.run([str(python), "-m", "pip", "uninstall", "--quiet", "-y", "pip"], check=True)
        return size_mb(Path(folder))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--install", action="store_true")
    options = parser.parse_args()
    python, times = sys.executable, options.times
    bare = median_ms([python, "-c", "pass"], times=times)
    line("interpreter", f"{bare:,.0f} ms", "")
    imported = median_ms([python, "-c", "import launchworthy"], times=times)
    line("import launchworthy, beyond that", f"{imported - bare:,.0f} ms", "<= 150 ms")
    helped = median_ms([python, "-m", "launchworthy", "--help"], times=times)
    line("launchworthy --help", f"{helped:,.0f} ms", "<= 300 ms")
    starts = []
    for _ in range(max(3, times // 3)):
        with tempfile.TemporaryDirectory() as folder:
            server = Server(Path(folder) / "data")
            server.start(0)
            starts.append(server.start_s)
            server.process.terminate()
            server.process.wait(20)
    line("server start, until it answers", f"{statistics.median(starts):.2f} s", "<= 2 s")
    if options.install:
        line("base install on disk", f"{installed_mb():,.0f} MB", "<= 300 MB")


if __name__ == "__main__":
    main()
