"""``launchworthy drill``: what it forces, keeps as evidence, and says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from launchworthy.cli.main import main
from launchworthy.testing import recording

CONTRACT = """
launchworthy: 1
product: {product}
kind: generative
owners: {{product: ana@shop.example}}
workflows:
  answer:
    user: customer
    job: get an answer
    no_answer: {{model_or_tool_down: defer}}
    limits: {{timeout: 300ms}}
    fallbacks: [backup, manual_form]
guards:
  terms: {{checks: [input], action: refuse, fail: closed, terms: [forbidden]}}
monitors:
  outage: {{inject: [model_timeout, index_down], every: 30d, page: product}}
"""
APP = """
import launchworthy as lw
enforcer = lw.Enforcer.load(
    models={"main": lambda messages, **options: "yes", "backup": lambda messages, **options: "backup"},
    fallbacks={"manual_form": "Use the form."},
)
def make():
    return enforcer
number = 7
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "launchworthy.yaml").write_text(CONTRACT.format(product="shop"))
    (tmp_path / "drill_app.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    sys.modules.pop("drill_app", None)
    return tmp_path


def _run(*arguments: str) -> int:
    with recording(), pytest.raises(SystemExit) as ended:
        main(["drill", *arguments])
    return int(ended.value.code or 0)


@pytest.mark.parametrize("target", ["drill_app:enforcer", "drill_app:make"])
def test_everything_is_drilled_and_kept_for_the_verdict(
    here: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("--target", target, "--json") == 0
    pieces = {piece["claim"]: piece for piece in json.loads(capsys.readouterr().out)["evidence"]}
    assert {claim: (piece["value"], piece["kind"]) for claim, piece in pieces.items()} == {
        "shop/guards/terms": (1.0, "drill"),
        "shop/answer/fallbacks/backup": (1.0, "drill"),
        "shop/answer/fallbacks/manual_form": (1.0, "drill"),
        "shop/monitors/outage": (1.0, "drill"),
    }
    with pytest.raises(SystemExit):
        main(["evidence", "list", "--json"])
    kept = json.loads(capsys.readouterr().out)
    assert {piece["claim"] for piece in kept} == set(pieces)


def test_one_may_be_named_and_a_failed_one_ends_in_1(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "drill_app.py").write_text(
        APP.replace('"backup"},', '""},').replace('options: "backup"', 'options: ""')
    )
    assert _run("fallbacks", "--target", "drill_app:enforcer") == 1
    out = capsys.readouterr().out
    assert "1 of 2 lines of shop were kept" in out
    assert "NOT as declared answer/fallbacks/backup" in out


def test_without_an_application_the_guards_are_drilled(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run() == 0
    told = capsys.readouterr()
    assert "guards/terms" in told.out
    assert "--target my_app:enforcer" in told.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["guard"], "did you mean guards?"),
        (["fallbacks"], "--target"),
        (["--target", "drill_app:number"], "no enforcer"),
        (["--target", "drill_app:enforcr"], "has no 'enforcr'"),
        (["--target", "no_such_app:enforcer"], "no module"),
        (["--target", "nonsense"], "module:function"),
        (["--contract", "missing.yaml"], "no such contract"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert _run(*arguments) == 64
    assert said in capsys.readouterr().err


def test_the_enforcer_of_another_product_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "other.yaml").write_text(CONTRACT.format(product="other"))
    assert _run("--target", "drill_app:enforcer", "--contract", "other.yaml") == 64
    assert "enforces shop" in capsys.readouterr().err
