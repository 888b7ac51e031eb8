"""The contract in force: the file as it stands, or the last version that could be read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from launchworthy.contract import parse_contract
from launchworthy.errors import ContractError, InputError
from launchworthy.evidence.trail import entry_words
from launchworthy.server.caller import Caller
from launchworthy.server.local import LocalWorkspace

if TYPE_CHECKING:
    from tests.server.conftest import OpenWorkspace


def _in_force(workspace: LocalWorkspace) -> tuple[str, tuple[str, ...]]:
    found = workspace.contract_version(product="docs-bot")
    assert found is not None
    return found.version, tuple(found.problems)


def test_a_followed_file_is_read_again_when_it_changes(
    workspace: LocalWorkspace, contract_file: Path, contract_text: str
) -> None:
    assert workspace.follow_contract(contract_file) == "docs-bot"
    changed = contract_text.replace("80 %", "81 %")
    contract_file.write_text(changed)
    assert _in_force(workspace) == (parse_contract(changed).version, ())


@pytest.mark.parametrize("edit", ["", "launchworthy: 1\nproduct: [", "\x00", "a: 1\na: 2\n"])
def test_a_broken_edit_leaves_the_last_readable_version_in_force_and_says_what_is_wrong(
    workspace: LocalWorkspace, contract_file: Path, contract_text: str, edit: str
) -> None:
    workspace.follow_contract(contract_file)
    contract_file.write_text(edit)
    version, problems = _in_force(workspace)
    assert version == parse_contract(contract_text).version
    assert problems
    assert str(contract_file) in problems[0]
    contract_file.write_text(contract_text)
    assert _in_force(workspace) == (version, ())


def test_a_file_that_goes_away_or_becomes_another_product_changes_nothing(
    workspace: LocalWorkspace, contract_file: Path, contract_text: str
) -> None:
    workspace.follow_contract(contract_file)
    version, _ = _in_force(workspace)
    contract_file.unlink()
    assert _in_force(workspace)[0] == version
    assert "no such contract" in _in_force(workspace)[1][0]
    contract_file.write_text(contract_text.replace("docs-bot", "other-bot"))
    assert _in_force(workspace)[0] == version
    assert "'other-bot'" in _in_force(workspace)[1][0]
    assert workspace.products() == ["docs-bot"]


def test_a_followed_file_is_followed_after_a_restart_too(
    open_workspace_here: OpenWorkspace, contract_file: Path, contract_text: str
) -> None:
    first = open_workspace_here()
    first.follow_contract(contract_file)
    first.close()
    contract_file.write_text(contract_text.replace("80 %", "90 %"))
    again = open_workspace_here()
    assert _in_force(again)[0] == parse_contract(contract_text.replace("80 %", "90 %")).version


def test_a_text_is_followed_only_where_it_is_what_stands_at_its_path(
    workspace: LocalWorkspace, contract_file: Path, contract_text: str
) -> None:
    own = workspace.register_contract(product="docs-bot", text=contract_text, path=str(contract_file))
    contract_file.write_text(contract_text.replace("80 %", "70 %"))
    assert _in_force(workspace)[0] != own
    # Who names a file without knowing its content learns nothing of it.
    other = contract_text.replace("80 %", "60 %")
    told = workspace.register_contract(product="docs-bot", text=other, path=str(contract_file))
    assert _in_force(workspace) == (told, ())
    contract_file.write_text("secret: 1")
    assert _in_force(workspace) == (told, ())


def test_what_cannot_be_used_is_not_registered(workspace: LocalWorkspace, contract_text: str) -> None:
    with pytest.raises(ContractError):
        workspace.register_contract(product="docs-bot", text="launchworthy: 1", path="x.yaml")
    with pytest.raises(InputError, match="'docs-bot'"):
        workspace.register_contract(product="shop", text=contract_text, path="x.yaml")
    assert workspace.products() == []
    assert workspace.contract_version(product="docs-bot") is None


def test_a_stored_version_that_this_program_cannot_read_is_shown_as_such(
    open_workspace_here: OpenWorkspace, contract_text: str
) -> None:
    first = open_workspace_here()
    first._store.registry.register_contract(product="docs-bot", text="from: the future", path="x.yaml")
    first.close()
    again = open_workspace_here()
    _, problems = _in_force(again)
    assert problems
    assert again.verdict(product="docs-bot") is None
    assert again.measure(product="docs-bot") == []
    version = again.register_contract(product="docs-bot", text=contract_text, path="x.yaml")
    assert _in_force(again) == (version, ())


def test_who_changed_what_is_promised_stands_in_the_chain(
    workspace: LocalWorkspace, contract_file: Path, contract_text: str
) -> None:
    workspace.follow_contract(contract_file)
    workspace.register_contract(product="docs-bot", text=contract_text, path=str(contract_file))
    laxer = contract_text.replace("80 %", "10 %")
    workspace.register_contract(
        product="docs-bot", text=laxer, path="", caller=Caller(role="write", key="ci-key")
    )
    entries = [entry for entry in workspace.ledger_entries(product="docs-bot") if entry.kind == "contract"]
    first, second = (json.loads(entry.body) for entry in entries)
    assert (first["before"], first["by"]) == (None, None)
    assert (second["before"], second["by"]) == (first["version"], "ci-key")
    assert second["sha256"] == hashlib.sha256(laxer.encode()).hexdigest()
    with pytest.raises(InputError, match="not appended this way"):
        workspace.record(product="docs-bot", kind="contract", body={"version": "c-0"})
    told = [line for entry in workspace.audit_trail(product="docs-bot") for line in entry_words(entry)]
    assert f"contract: {second['version']} in place of {first['version']}" in told
    assert any(line.startswith("by ci-key; SHA-256 ") for line in told)
