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


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Commands of an environment that holds the wheel and what it depends on, and nothing else."""
    venv = tmp_path_factory.mktemp("bare") / "venv"
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, venv], check=True)
    commands = venv / ("Scripts" if sys.platform == "win32" else "bin")
    subprocess.run([uv, "pip", "install", "--quiet", "--python", commands / "python", wheel], check=True)
    return commands


@pytest.mark.parametrize("name", ["launchworthy", "lw"])
def test_the_installed_wheel_gives_a_command_under_both_names(bare: Path, name: str) -> None:
    done = subprocess.run([bare / name, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("launchworthy, version 0.")


def test_the_base_install_alone_goes_from_contract_to_verdict_and_out_as_parquet(
    bare: Path, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(
        "def ask(question):\n    return {'output': '30 days', 'answered': True}\n"
    )
    for words, code in (
        ("init --yes --product help-bot --owner ana@example.com", 0),
        ("lint", 0),
        ("canvas --out canvas.html", 0),
        ("eval --target app:ask", 0),
        ("gold export answer --out items.jsonl", 0),
        ("verdict", 2),
        ("export spans --out spans.parquet", 0),
        ("audit verify", 0),
    ):
        done = subprocess.run(
            [bare / "launchworthy", *words.split()], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, (words, done.stdout, done.stderr)
    assert (tmp_path / "spans.parquet").read_bytes()[:4] == b"PAR1"
