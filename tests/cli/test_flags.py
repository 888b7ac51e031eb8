"""``launchworthy flags``: from a file to what a unit gets, the kill switch, and the audit chain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from launchworthy.cli.main import main
from launchworthy.server import open_workspace

FILE = """\
product: shop
segments:
  staff: {when: {email: {ends_with: "@shop.example"}}}
flags:
  tone:
    variants: {plain: p, warm: w}
    rules:
      - {name: staff, segments: staff, serve: warm}
      - {name: half, split: {plain: 1, warm: 1}, share: SHARE}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "flags.yaml").write_text(FILE.replace("SHARE", "20 %"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["flags", *arguments])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out + told.err


def test_from_a_file_to_what_a_unit_gets_to_off_for_everybody(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(capsys, "check", "flags.yaml") == (0, "1 flag of shop\n")
    code, out = _run(capsys, "set", "flags.yaml", "--because", "the new tone", "--by", "ana")
    assert (code, out.startswith("version 1 of the flags of shop is in force")) == (0, True)
    code, out = _run(capsys)
    assert "staff: warm; half: plain 50 %, warm 50 % of 20 %; else plain" in out
    staff = ("--attribute", "email=bob@shop.example")
    assert _run(capsys, "decide", "tone", "--unit", "bob", *staff) == (
        0,
        'warm = "w" (targeting_match, rule staff)\n',
    )
    code, out = _run(capsys, "decide", "tone", "--unit", "ana", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["cache_key"] == f"tone={told['variant']}@{told['version']}"
    same = _run(capsys, "decide", "tone", "--unit", "ana", "--json", "--file", "flags.yaml")
    assert json.loads(same[1]) == told
    assert _run(capsys, "decide", "tone") == (1, "nothing: tone assigns by user, which nobody named\n")
    code, out = _run(capsys, "switch", "tone", "--off", "--because", "it is rude", "--by", "kim")
    assert (code, out) == (0, "tone is off as of version 2\n")
    assert _run(capsys, "decide", "tone", "--unit", "bob", *staff) == (0, 'plain = "p" (disabled)\n')
    code, out = _run(capsys, "history")
    assert [line.split()[0] for line in out.splitlines()] == ["version", "2", "1"]
    assert "it is rude" in out
    assert json.loads(_run(capsys, "history", "--json")[1])["versions"][1]["by"] == "ana"
    workspace = open_workspace(here / ".launchworthy")
    try:
        assert [each.kind for each in workspace.ledger_entries(product="shop")] == ["flags", "flags"]
        assert workspace.audit(product="shop") == []
    finally:
        workspace.close()


def test_whom_a_change_would_move_is_said_before_and_refused(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(capsys, "set", "flags.yaml", "--because", "the new tone")
    more, less = here / "more.yaml", here / "less.yaml"
    more.write_text(FILE.replace("SHARE", "50 %"))
    less.write_text(FILE.replace("SHARE", "10 %"))
    assert _run(capsys, "check", "more.yaml", "--against", "flags.yaml") == (
        0,
        "1 flag of shop; nobody is moved\n",
    )
    code, out = _run(capsys, "check", "less.yaml", "--against", "flags.yaml")
    assert (code, "10 % of all units are moved; raise its generation" in out) == (1, True)
    code, out = _run(capsys, "check", "less.yaml", "--against", "flags.yaml", "--json")
    assert (code, json.loads(out)["moves"][0]["allowed"]) == (1, False)
    code, out = _run(capsys, "set", "less.yaml", "--because", "less of it")
    assert (code, "LW409" in out) == (64, True)
    assert _run(capsys, "set", "more.yaml", "--because", "more of it")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["decide", "nowhere", "--file", "flags.yaml"], "no flag 'nowhere'"),
        (["decide", "tone", "--file", "flags.yaml", "--attribute", "x"], "is no KEY=VALUE"),
        (["check", "nowhere.yaml"], "nowhere.yaml"),
        (["set", "flags.yaml"], "--because"),
        (["set", "flags.yaml", "--because", " "], "say why"),
        (["switch", "tone", "--because", "x"], "--on"),
        (["list", "--product", "shop"], ""),
    ],
)
def test_what_cannot_be_done_says_why(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    code, out = _run(capsys, *arguments)
    assert code == 64
    assert said in out


def test_a_folder_that_knows_no_product_says_so(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_workspace(here / ".launchworthy").close()
    code, out = _run(capsys, "list")
    assert code == 64
    assert "no product is known here yet" in out
    assert "--product NAME" in out
