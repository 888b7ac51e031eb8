from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

from tests.evals.redteam import agent

from launchworthy.contract import parse_contract
from launchworthy.evals.redteam import FAMILIES, attempts_of, function_target, plan_of, surface_of
from launchworthy.evals.redteam import surface_of_function as narrowed
from launchworthy.evals.redteam.families import CLAIMS
from launchworthy.gold import GoldItem

PAGE = (Path(__file__).parents[3] / "docs" / "redteam.md").read_text(encoding="utf-8")


def test_the_page_names_every_family_and_every_line_of_the_contract() -> None:
    names = {name.rstrip("*") for name in re.findall(r"`([a-z_]+\*?)`", PAGE)}
    for name in (*FAMILIES, *CLAIMS):
        assert name in names, name


def test_the_lines_of_the_contract_on_the_page_can_be_read() -> None:
    lines = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert lines is not None
    contract = parse_contract(agent.CONTRACT.partition("abuse:")[0] + lines[1])
    assert contract.abuse["unapproved_payment"].attempts == 3_000


def test_the_function_on_the_page_can_be_attacked() -> None:
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert code is not None
    found: dict[str, Any] = {}
    exec(code[1], found)
    surface = narrowed(found["ask"], surface_of(agent.CONTRACT_VALUE))
    target = function_target(found["ask"], agent.CONTRACT_VALUE, surface, name="ask")
    attempt = attempts_of(plan_of((), surface, families=["indirect_mail"], attempts=1, twins=0), surface)[0]
    answer = asyncio.run(target.ask(GoldItem(id=attempt.id, input=attempt.as_json()))).raw
    assert answer["attack"] == "repelled"
