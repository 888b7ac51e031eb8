from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from launchworthy.errors import InputError
from launchworthy.evals import CallableTarget, source_of
from launchworthy.evals.cache import CACHE_FILE, ReplyCache
from launchworthy.evals.remembering import RememberingTarget
from launchworthy.evals.suite import known_of

Call = Callable[..., Result]

ONE = ("--target", "own_bot:good", "--gold", "gold.jsonl", "--scorer", "exact-match", "--json")


def edit(folder: Path, name: str = "own_bot.py", *, old: str = "answer {number}", new: str = "wrong") -> None:
    path = folder / name
    path.write_text(path.read_text().replace(old, new))
    sys.modules.pop("own_bot", None)


@pytest.fixture(autouse=True)
def _no_byte_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # an edit within one second is read, too


def test_an_edited_app_is_another_release_and_is_asked_anew(
    run_eval: Call, folder: Path, run_runs: Call
) -> None:
    first = json.loads(run_eval(*ONE, "--cache").stdout)
    again = json.loads(run_eval(*ONE, "--cache").stdout)
    assert (again["release"], again["remembered"]) == (first["release"], 40)
    assert "40 answers were remembered" in run_runs(again["run"]).output
    edit(folder)
    edited = json.loads(run_eval(*ONE, "--cache").stdout)
    assert edited["release"] != first["release"]
    assert edited["remembered"] == 0
    values = [row["value"] for row in edited["measured"] if row["metric"] == "exact-match"]
    assert set(values) == {0.0}
    assert "code " in run_runs(edited["run"]).output


def test_remembered_answers_are_told_with_the_evidence(run_eval: Call, contract: Path) -> None:
    run_eval("--target", "own_bot:good", "--cache", "--json")
    pieces = json.loads(run_eval("--target", "own_bot:good", "--cache", "--json").stdout)["evidence"]
    told = "40 answers are those of an earlier run of this release"
    assert pieces
    assert all(told in piece["detail"]["remark"] for piece in pieces)


def test_under_a_declared_release_an_edited_app_is_asked_anew(run_eval: Call, contract: Path) -> None:
    first = json.loads(run_eval("--target", "own_bot:good", "--cache", "--json").stdout)
    edit(contract)
    edited = json.loads(run_eval("--target", "own_bot:good", "--cache", "--json").stdout)
    assert (edited["release"], edited["remembered"]) == (first["release"], 0)


def test_a_run_does_not_go_on_with_other_code(run_eval: Call, folder: Path) -> None:
    stopped = json.loads(run_eval(*ONE, "--max-cost", "0.5").stdout)
    edit(folder)
    with pytest.raises(InputError, match="code has changed since the run began"):
        run_eval("--resume", stopped["run"])


def test_a_run_does_not_go_on_with_another_target_or_scorer(run_eval: Call, folder: Path) -> None:
    stopped = json.loads(run_eval(*ONE, "--max-cost", "0.5").stdout)
    with pytest.raises(InputError, match="began with --target own_bot:good"):
        run_eval("--resume", stopped["run"], "--target", "own_bot:worse")
    with pytest.raises(InputError, match="began with --scorer exact-match"):
        run_eval("--resume", stopped["run"], "--scorer", "hit@1")
    plain = json.loads(run_eval("--resume", stopped["run"], *ONE[:2], "--json").stdout)
    assert (plain["status"], plain["done"]) == ("complete", 40)


def test_modules_beside_it_that_it_imports_count_and_others_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "shop_of_mine"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "deep" / "__init__.py").write_text("")
    (package / "app.py").write_text("import json\ndef ask(x):\n    from .deep import words\n    return x\n")
    (package / "deep" / "words.py").write_text("from ..prices import PRICE\n")
    (package / "prices.py").write_text("PRICE = 1\n")
    (package / "other.py").write_text("OTHER = 1\n")
    (tmp_path / "aside.py").write_text("ASIDE = 1\n")
    found = source_of("shop_of_mine.app:ask")
    assert found is not None
    assert source_of("shop_of_mine.app:other") == found
    for name, counts in (("other.py", False), ("prices.py", True), ("deep/__init__.py", True)):
        before = source_of("shop_of_mine.app:ask")
        (package / name).write_text("EDITED = 2\n")
        assert (source_of("shop_of_mine.app:ask") != before) is counts, name
    (package / "prices.py").write_text("import aside\nimport shop_of_mine.app\nPRICE = (\n")
    assert source_of("shop_of_mine.app:ask") is not None, "a file that cannot be read as code still counts"


@pytest.mark.parametrize("address", ["no_such_module_at_all:ask", "sys:exit", "..:ask", ":", ""])
def test_what_has_no_source_has_no_digest(address: str) -> None:
    assert source_of(address) is None


def test_of_an_installed_package_only_its_own_modules_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    whole: Any = Path.read_bytes

    def seen(path: Path) -> bytes:
        read.append(str(path))
        return bytes(whole(path))

    monkeypatch.setattr(Path, "read_bytes", seen)
    assert source_of("click.testing:CliRunner") is not None
    assert read
    assert all("/click/" in path for path in read)


def test_replies_of_a_killed_run_that_are_not_stored_yet_are_counted(
    run_eval: Call, folder: Path, run_runs: Call, workspace: Any
) -> None:
    run = json.loads(run_eval(*ONE).stdout)["run"]
    header = workspace.run(run)
    assert "more answered" not in run_runs().output
    unstored = replace(header, id=f"{header.id}x", status="running", done=0)
    workspace.add_run(unstored)  # as kill -9 leaves it, before its first batch
    assert "0 of 40" in run_runs().output
    assert "more answered" not in run_runs().output
    cache = ReplyCache(folder / ".launchworthy" / CACHE_FILE)
    target = RememberingTarget(CallableTarget(str), cache, known=known_of(unstored), shared=False)
    name, version = header.gold.split("@")
    gold = workspace.gold_items(product="docs", name=name, version=version, split=None)

    async def ask() -> None:
        for item in gold[:13]:
            await target.ask(item)
        await target.close()

    asyncio.run(ask())
    cache.close()
    assert "0 of 40, 13 more answered" in run_runs().output
    assert "0 of 40, 13 more answered" in run_runs(unstored.id).output
