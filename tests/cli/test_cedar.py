"""cedar: a contract's permissions for services that ask Cedar, and Cedar policies for a contract."""

from __future__ import annotations

from pathlib import Path

import cedarpy
import pytest

from launchworthy.cli.main import main
from launchworthy.contract import parse_contract

CONTRACT = """
launchworthy: 1
product: shop
owners: {product: ana@example.com}
roles: [agent, lead, trainee]
workflows: {help: {user: agent, job: pay back what is due, no_answer: refuse}}
"""
TOOLS = """
tools:
  look: {effect: read, roles: [agent, lead], deny: [trainee]}
  refund: {effect: pay, roles: [agent], approval: [{by: lead}]}
"""


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    printed = capsys.readouterr()
    return int(stopped.value.code or 0), printed.out, printed.err


def test_what_is_exported_validates_and_comes_back_as_a_block_of_a_contract(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = tmp_path / "launchworthy.yaml"
    contract.write_text(CONTRACT + TOOLS)
    code, policies, told = _run(capsys, "cedar", "export", "--contract", str(contract))
    assert code == 0
    assert "shop/tools/refund/approval: lead approves" in told
    _, schema, told = _run(capsys, "cedar", "export", "--contract", str(contract), "--schema")
    assert told == ""
    assert cedarpy.validate_policies(policies, schema).validation_passed
    file = tmp_path / "tools.cedar"
    file.write_text(policies)
    code, block, _ = _run(capsys, "cedar", "import", str(file))
    assert code == 0
    with_approval = block.replace("effect: pay,", "effect: pay, approval: [{by: lead}],")
    read, written = (parse_contract(CONTRACT + tools) for tools in (with_approval, TOOLS))
    assert read.tools == written.tools


def test_files_that_no_contract_can_follow_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.cedar"
    for content in (b"permit (principal, action, resource);", b"\xff\xfe", b"permit", b"\x00"):
        file.write_bytes(content)
        code, out, err = _run(capsys, "cedar", "import", str(file))
        assert (code, out) == (64, "")
        assert "p.cedar" in err
    assert _run(capsys, "cedar", "import", str(tmp_path / "nowhere.cedar"))[0] == 64
    assert _run(capsys, "cedar", "import", str(tmp_path))[0] == 64
    file.write_bytes(b"")
    assert _run(capsys, "cedar", "import", str(file))[1] == "tools: {}\n"
