"""The package as a stranger installs it: a light base, and a wheel that holds all it needs."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {
    "torch",
    "tensorflow",
    "pandas",
    "scikit-learn",
    "scipy",
    "pyarrow",
    "ray",
    "transformers",
    "matplotlib",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "build", "--quiet", "--wheel", "--out-dir", out, ROOT], check=True)
    return next(out.glob("*.whl"))


def test_the_base_install_pulls_in_nothing_heavy() -> None:
    names = set(
        re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(), flags=re.MULTILINE)
    )
    assert len(names) > 15
    assert not names & HEAVY


def test_every_requirement_is_pinned_by_hash_and_names_no_address() -> None:
    for lock in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / lock).read_text()
        pins = re.split(r"\n(?=[a-z0-9])", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).strip())
        assert all("--hash=sha256:" in pin for pin in pins), lock
        assert "://" not in text, lock


def test_the_wheel_holds_assets_templates_and_data_but_no_source_of_them(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "launchworthy/console/static/built/console.css",
        "launchworthy/console/static/built/console.js",
        "launchworthy/console/templates/board.html",
        "launchworthy/py.typed",
    ):
        assert name in names
    assert not [name for name in names if "node_modules" in name or name.startswith(("tests/", "web/"))]


def test_the_installed_wheel_gives_a_working_command_with_its_alias(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, venv], check=True)
    bin_ = venv / ("Scripts" if sys.platform == "win32" else "bin")
    subprocess.run([uv, "pip", "install", "--quiet", "--python", bin_ / "python", wheel], check=True)
    (tmp_path / "launchworthy.yaml").write_text(
        "launchworthy: 1\nproduct: docs-bot\nowners: {product: ana@example.com}\nworkflows:\n  answer:\n"
        "    user: developer\n    job: find a function\n    no_answer: refuse\n"
    )
    for name in ("launchworthy", "lw"):
        done = subprocess.run([bin_ / name, "--version"], capture_output=True, text=True, check=True)
        assert done.stdout.startswith("launchworthy, version 0.")
    drawn = subprocess.run(
        [bin_ / "lw", "canvas", "--out", "canvas.html"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert drawn.returncode == 0, drawn.stderr
    assert "Find a function" in (tmp_path / "canvas.html").read_text()
