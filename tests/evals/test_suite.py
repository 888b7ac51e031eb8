from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from launchworthy.errors import InputError
from launchworthy.evals import CallableTarget, HttpTarget, new_run, read_release, same_suite, target_of
from launchworthy.gold import GoldVersion
from launchworthy.records import Run

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("own_"):
            del sys.modules[name]


def test_a_function_of_the_current_folder_is_found(folder: Path) -> None:
    (folder / "own_app.py").write_text("class Bot:\n    def ask(self, q): return q\nbot = Bot()\n")
    target = target_of("own_app:bot.ask")
    assert isinstance(target, CallableTarget)
    assert target.function("x") == "x"
    assert target.name == "own_app:bot.ask"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("own_app", "neither module:function nor an address"),
        ("own_absent:ask", "there is no module 'own_absent'"),
        ("own_app:asc", "has no 'asc'"),
        ("own_app:NUMBER", "which cannot be called"),
        ("own_needs:ask", "cannot be imported: No module named 'own_other'"),
        ("own_exits:ask", "cannot be imported: SystemExit"),
        ("own_typo:ask", "cannot be imported: SyntaxError"),
        ("ftp://host/x", "there is no module"),
        ("http://", "not the address of an endpoint"),
    ],
)
def test_a_target_that_cannot_be_is_told_apart(folder: Path, address: str, reason: str) -> None:
    (folder / "own_app.py").write_text("def ask(q): return q\nNUMBER = 3\n")
    (folder / "own_needs.py").write_text("import own_other\n")
    (folder / "own_exits.py").write_text("raise SystemExit(1)\n")
    (folder / "own_typo.py").write_text("def (:\n")
    with pytest.raises(InputError, match=reason):
        target_of(address)


def test_a_near_miss_is_named(folder: Path) -> None:
    (folder / "own_near.py").write_text("def answer(q): return q\n")
    with pytest.raises(InputError) as caught:
        target_of("own_near:anwser")
    assert caught.value.hint == "did you mean own_near:answer?"


def test_options_of_http_are_refused_for_functions() -> None:
    with pytest.raises(InputError, match="are for HTTP targets"):
        target_of("json:dumps", bearer_env="TOKEN")
    assert isinstance(target_of("https://example.com/ask", request={"q": "{input}"}), HttpTarget)


def test_an_edited_prompt_is_another_release(tmp_path: Path) -> None:
    (tmp_path / "prompt.md").write_text("Be brief.")
    (tmp_path / "r.yaml").write_text("model: {name: small, temperature: 0}\nprompt: prompt.md\n")
    first = read_release(tmp_path / "r.yaml")
    (tmp_path / "prompt.md").write_text("Be long.")
    second = read_release(tmp_path / "r.yaml")
    assert first.id != second.id
    assert first.differing_parts(second) == ("prompt",)
    assert first.label == "r"


@pytest.mark.parametrize("text", ["", "[1]", "{a: b", "1: x", "a: !!set {1}", "a: 2026-01-01", "a: .nan"])
def test_a_release_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(InputError):
        read_release(tmp_path / "r.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        read_release(tmp_path / "absent.yaml")


def test_a_new_run_names_everything_it_depends_on() -> None:
    version = GoldVersion(
        product="docs", name="answer", version="g-1", created_at=NOW, items=1, slices={}, splits={"dev": 1}
    )
    run = new_run(
        unique="ab12",
        version=version,
        workflow="answer",
        release="r-1",
        target="app:ask",
        split="dev",
        scorers=[],
        config={"limit": 3},
        now=NOW,
    )
    assert (run.id, run.gold, run.status) == ("20261124-093000-ab12", "answer@g-1", "running")


def test_a_run_of_another_release_is_another_suite(new_run: Callable[..., Run]) -> None:
    run = new_run()
    assert same_suite(run, replace(run, id="other", status="interrupted"))
    assert not same_suite(run, replace(run, release="r-2"))
    assert not same_suite(run, replace(run, config={"limit": 3}))
