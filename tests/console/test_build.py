"""The console's assets: built from these very sources, pinned by hash, left alone where nothing changed."""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from launchworthy.console.rendering import BUILT

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``hatch_build.py``, loaded without hatchling, which only a build has."""
    name = "hatchling.builders.hooks.plugin.interface"
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        monkeypatch.setitem(sys.modules, ".".join(parts[:depth]), types.ModuleType(parts[depth - 1]))
    monkeypatch.setattr(sys.modules[name], "BuildHookInterface", object, raising=False)
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_served_was_built_from_these_sources(hook: Any) -> None:
    assert (BUILT / hook.STAMP).read_text() == hook._digest(ROOT / "web"), "run: make test"


def test_the_hook_rests_where_nothing_changed(hook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_npm(*args: Any, **more: Any) -> None:
        raise AssertionError("npm was run")

    monkeypatch.setattr(hook.subprocess, "run", no_npm)
    assert hook.build_assets(ROOT) is False


def test_a_changed_source_is_built_and_a_build_that_fails_leaves_the_last_one(
    hook: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "web" / "src").mkdir(parents=True)
    for name in ("package.json", "package-lock.json", "build.mjs", "src/console.js"):
        (tmp_path / "web" / name).write_text(name)
    ran: list[list[str]] = []

    def fake_npm(command: list[Any], **more: Any) -> None:
        ran.append([str(part) for part in command])
        if "build.mjs" in ran[-1]:
            folder = Path(command[-1])
            folder.mkdir()
            (folder / "console.js").write_text("built")

    monkeypatch.setattr(hook, "_node", lambda: (Path("/node/bin/node"), Path("/node/npm-cli.js")))
    monkeypatch.setattr(hook.subprocess, "run", fake_npm)
    assert hook.build_assets(tmp_path) is True
    assert ran[0] == ["/node/bin/node", "/node/npm-cli.js", "ci", "--ignore-scripts"]
    assert hook.build_assets(tmp_path) is False
    (tmp_path / "web" / "src" / "console.js").write_text("changed")

    def failing(*args: Any, **more: Any) -> None:
        raise RuntimeError("no network")

    monkeypatch.setattr(hook.subprocess, "run", failing)
    with pytest.raises(RuntimeError):
        hook.build_assets(tmp_path)
    assert (tmp_path / hook.BUILT / "console.js").read_text() == "built"


def test_the_lock_names_hashes_and_no_address() -> None:
    text = (ROOT / "web" / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert "resolved" not in text
    assert "http" not in text
    assert all(each["integrity"].startswith("sha512-") for name, each in packages.items() if name)


def test_every_version_is_exact() -> None:
    manifest = json.loads((ROOT / "web" / "package.json").read_text())
    versions = manifest["dependencies"] | manifest["devDependencies"]
    assert all(version[0].isdigit() for version in versions.values())
