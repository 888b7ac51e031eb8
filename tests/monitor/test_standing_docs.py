"""The page on what the proof stands on: its monitors are ones that a contract may name."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from launchworthy.contract import claims, lint_text, parse_contract
from launchworthy.provers import PROVERS

PAGE = Path(__file__).parents[2] / "docs" / "standing.md"
CONTRACT = """\
launchworthy: 1
product: shop
owners: {product: ana@example.com, quality: bo@example.com, engineering: cy@example.com}
workflows:
  answer:
    user: customer
    job: learn what to do
    no_answer: refuse
    quality: {groundedness: {at_least: 90 %, judge: grounding-v2}}
gold: {answer: {slices: {plain: 200}}}
labels: {sources: {reviewer: {truth: true}}}
proof: {judges: {grounding-v2: {models: tiny, agreement: {at_least: 0.6}}}}
"""


def test_every_monitor_of_the_page_is_a_claim_that_records_can_prove() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = [
        line for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) for line in block.splitlines()
    ]
    whole = CONTRACT + "\n".join(dict.fromkeys(named)) + "\n"
    assert not lint_text(whole, today=date(2026, 11, 24)).problems
    found = [each for each in claims(parse_contract(whole), provers=PROVERS) if each.family == "monitors"]
    assert len(found) == len(named) - text.count("monitors:\n")
    for each in found:
        assert (each.prover, each.target is not None) == ("monitor", True)


@pytest.mark.parametrize("signal", ["gold/nothing/coverage", "gold/answer/coverag", "proof/judges/nobody"])
def test_a_signal_of_what_is_not_there_is_found_before_it_watches_nothing(signal: str) -> None:
    text = f"{CONTRACT}monitors: {{it: {{signal: {signal}, page: product}}}}\n"
    (found,) = lint_text(text, today=date(2026, 11, 24)).problems
    assert (found.code, signal in found.message) == ("LW221", True)
