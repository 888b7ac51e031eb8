"""The page on incidents: its contract, its settings and its signature are what the program takes."""

from __future__ import annotations

import re
from pathlib import Path

from ruamel.yaml import YAML

from launchworthy.contract import parse_contract
from launchworthy.contract.failure_modes import mode_of, owner_of
from launchworthy.monitor.notifying import read_settings
from launchworthy.server.posting import signature

PAGE = (Path(__file__).parents[2] / "docs" / "incidents.md").read_text(encoding="utf-8")
CONTRACT, SETTINGS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_the_contract_gives_name_severity_and_owner_as_told() -> None:
    contract = parse_contract(CONTRACT, file="launchworthy.yaml")
    for address in ("shop/answer/reliability/timeout", "shop/answer/limits/timeout"):
        mode = mode_of(contract, address)
        assert mode is not None
        assert (mode.name, mode.failure.severity) == ("long_wait", "high")
    assert owner_of(contract, "shop/monitors/retrieval_misses", severity="critical") == "engineering"
    assert owner_of(contract, "shop/answer/reliability/timeout", severity="high") == "on_call"
    assert owner_of(contract, "shop/answer/reliability/timeout", severity="low") == "engineering"


def test_the_settings_are_read() -> None:
    found = read_settings(YAML(typ="safe", pure=True).load(SETTINGS))
    assert [each.to for each in found.targets] == ["pagerduty", "slack", "email", "webhook"]
    assert found.quiet is not None
    assert found.escalate_to == "on_call"


def test_the_signature_is_checked_by_what_the_page_shows() -> None:
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    is_ours = names["is_ours"]
    assert callable(is_ours)
    header = signature(b'{"event": "x"}', secret="s", at_s=1_795_000_000)
    assert is_ours(header, b'{"event": "x"}', "s")
    assert not is_ours(header, b'{"event": "y"}', "s")
    assert not is_ours(header, b'{"event": "x"}', "t")
