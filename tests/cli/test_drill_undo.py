"""``launchworthy drill undo``: actions done and undone in a sandbox of the application."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from launchworthy.cli.main import main
from launchworthy.contract import claims, parse_contract
from launchworthy.errors import InputError
from launchworthy.provers import PROVERS
from launchworthy.runtime.undo_drill import Sandbox, drill_undos
from launchworthy.testing import recording

CONTRACT = """
launchworthy: 1
product: fraud
owners: {product: ana@shop.example}
roles: [system, analyst]
workflows:
  answer: {user: system, job: hold payments, no_answer: refuse}
guards: {}
tools:
  hold: {effect: write, roles: [system], approval: unattended, undo: {by: release, within: 30m}}
  release: {effect: write, roles: [analyst], approval: unattended, undo: {by: hold, within: 30m}}
"""
APP = """
import launchworthy as lw

def sandbox():
    held, now = {"p-2"}, [0.0]
    async def release(payment):
        if now[0] < WINDOW:
            held.discard(payment)
    return lw.Sandbox(
        tools={"hold": lambda payment, because: held.add(payment), "release": release},
        arguments={
            "hold": {"payment": "p-1", "because": "odd"},
            "release": {"payment": "p-2"},
            "release/undo": {"payment": "p-2", "because": "undone"},
        },
        state=lambda: {"held": sorted(held)},
        wait=lambda seconds: now.__setitem__(0, now[0] + seconds),
    )

def number():
    return 7
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "launchworthy.yaml").write_text(CONTRACT)
    (tmp_path / "undo_app.py").write_text(APP.replace("WINDOW", "3600"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    sys.modules.pop("undo_app", None)
    return tmp_path


def _run(*arguments: str) -> int:
    with recording(), pytest.raises(SystemExit) as ended:
        main(["drill", *arguments])
    return int(ended.value.code or 0)


def test_each_undo_is_tried_at_once_and_late_and_is_kept_for_its_claim(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("undo", "--sandbox", "undo_app:sandbox", "--json") == 0
    pieces = {piece["claim"]: piece for piece in json.loads(capsys.readouterr().out)["evidence"]}
    assert set(pieces) == {"fraud/tools/hold/undo", "fraud/tools/release/undo"}
    assert {(piece["value"], piece["n"], piece["method"]) for piece in pieces.values()} == {
        (1.0, 2, "done and undone")
    }
    drills = pieces["fraud/tools/hold/undo"]["detail"]["drills"]
    assert [each["fault"] for each in drills] == [
        "hold undone by release at once",
        "hold undone by release after 1,782 s",
    ]
    declared = claims(parse_contract(CONTRACT), provers=PROVERS)
    assert {claim.address: claim.prover for claim in declared if claim.address in pieces} == dict.fromkeys(
        pieces, "drill"
    )


def test_an_undo_that_works_for_less_time_than_declared_is_found(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "undo_app.py").write_text(APP.replace("WINDOW", "600"))
    assert _run("undo", "--sandbox", "undo_app:sandbox", "--json") == 1
    (hold, _) = json.loads(capsys.readouterr().out)["evidence"]
    assert (hold["value"], hold["sample"]) == (0.5, {"n": 2, "successes": 1})
    assert hold["detail"]["drills"][1]["seen"] == "release ran, and held is not as before"


def test_what_goes_wrong_in_the_sandbox_is_seen_and_no_undo_is_proven() -> None:
    contract = parse_contract(
        CONTRACT.replace("approval: unattended, undo: {by: hold, within: 30m}", "approval: [{by: analyst}]")
    )
    held: set[str] = set()

    def failing(payment: str) -> None:
        raise RuntimeError("the ledger says p-1 of ana@shop.example")

    def seen(**tools: object) -> str:
        held.clear()
        functions = {"hold": held.add, "release": held.discard, **tools}
        wrapped = {name: (lambda payment, run=run: run(payment)) for name, run in functions.items()}
        box = Sandbox(tools=wrapped, arguments={"hold": {"payment": "p-1"}}, state=lambda: sorted(held))
        with recording():
            (drilled,) = drill_undos(contract, lambda: box, patience_s=0.05)
        return f"{drilled.held}: {drilled.seen}"

    assert seen() == "True: release put back what hold had changed"
    assert seen(hold=failing) == "False: hold failed with RuntimeError"
    assert seen(release=failing) == "False: release failed with RuntimeError"
    assert seen(release=lambda _: None) == "False: release ran, and the sandbox is not as it was before"
    assert seen(hold=lambda _: None) == "False: hold changed nothing that the sandbox shows"
    import threading

    assert seen(release=lambda _: threading.Event().wait(1)) == "False: release did not end within 0.05 s"


def test_a_sandbox_that_lacks_something_is_said_to() -> None:
    contract = parse_contract(CONTRACT)

    def drilled(tools: dict[str, object], arguments: dict[str, dict[str, object]]) -> str:
        box = Sandbox(tools=tools, arguments=arguments, state=dict)  # type: ignore[arg-type]
        with pytest.raises(InputError) as refused, recording():
            list(drill_undos(contract, lambda: box))
        return str(refused.value)

    assert "has no tool release" in drilled({"hold": print}, {"hold": {}})
    assert "says no arguments for hold" in drilled({"hold": print, "release": print}, {})


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["undo"], 64, "--sandbox my_app:sandbox"),
        (["undo", "--sandbox", "undo_app:number"], 64, "makes int and no sandbox"),
        (["undo", "--sandbox", "undo_app:nothing"], 64, "has no 'nothing'"),
        ([], 0, "note: fallbacks, undo not drilled; name the rest by --target"),
    ],
)
def test_what_is_missing_is_said_with_what_to_do(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    _run(*arguments)
    assert said in capsys.readouterr().err


def test_the_example_of_the_page_can_be_undone(tmp_path: Path) -> None:
    import launchworthy

    page = (Path(__file__).parents[2] / "docs" / "runtime.md").read_text()
    (block,) = [text for text in re.findall(r"```python\n(.*?)```", page, re.S) if "def sandbox" in text]
    names: dict[str, object] = {"lw": launchworthy}
    exec(compile(block, "page", "exec"), names)
    contract = parse_contract(
        CONTRACT.split("tools:")[0]
        + "tools:\n"
        + "  close_order: {effect: write, roles: [system], approval: unattended,"
        + " undo: {by: reopen_order, within: 30m}}\n"
        + "  reopen_order: {effect: write, roles: [analyst], approval: [{by: analyst}]}\n"
    )
    with recording():
        drills = list(drill_undos(contract, names["sandbox"]))  # type: ignore[arg-type]
    assert [each.held for each in drills] == [True, True]
