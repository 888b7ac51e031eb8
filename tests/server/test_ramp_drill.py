"""The rollback is drilled with harm that is planted, on the contracts that people write."""

from __future__ import annotations

from pathlib import Path

import pytest

from launchworthy.contract import parse_contract
from launchworthy.errors import InputError
from launchworthy.server.ramp_drill import drill_roll_back

CONTRACT = """
launchworthy: 1
product: shop
owners: {product: ana@shop.example, safety: kim@shop.example}
workflows:
  answer:
    user: customer
    job: get an answer
    no_answer: refuse
    outcomes: {OUTCOMES}
    reliability: {latency_p95: {at_most: 4s}}
    failures:
      slow: {kind: slow, fix: model, watched_by: reliability/latency_p95}
rollout:
  stages:
    - {name: shadow, share: 0 %, approve: safety}
    - {name: pilot, share: 5 %}
    - {name: launch, share: 100 %}
  harms: [HARM]
  roll_back: {when: any_harm, within: 2m}
"""


def _contract(harm: str, outcomes: str = "{escalation: {at_most: 20 %}}") -> str:
    return CONTRACT.replace("HARM", harm).replace("{OUTCOMES}", outcomes)


@pytest.mark.parametrize(
    ("harm", "outcomes"),
    [
        ("outcomes/escalation", "{escalation: {at_most: 20 %}}"),
        ("outcomes/resolved", "{resolved: {at_least: 60 %}}"),
        ("outcomes/honest_blocked", "{honest_blocked: {at_most: 2 %}}"),
        ("reliability/latency_p95", "{escalation: {at_most: 20 %}}"),
    ],
)
def test_planted_harm_is_taken_back_with_an_incident(harm: str, outcomes: str) -> None:
    text = _contract(harm, outcomes)
    piece = drill_roll_back(parse_contract(text), text=text, every_s=15.0)
    assert piece.value == 1.0, piece.detail
    assert (piece.claim, piece.detail["stage"]) == ("shop/rollout/roll_back", "pilot")
    assert 15_000.0 < piece.detail["took_ms"] < piece.detail["within_ms"] == 120_000.0
    assert piece.detail["failure_mode"] == ("slow" if harm.startswith("reliability") else None)
    assert piece.simulated


def test_a_server_that_looks_too_seldom_fails_the_drill() -> None:
    text = _contract("outcomes/escalation")
    piece = drill_roll_back(parse_contract(text), text=text, every_s=600.0)
    assert (piece.value, piece.detail["remark"]) == (0.0, "it took too long")


def test_what_cannot_be_drilled_is_told(tmp_path: Path) -> None:
    text = _contract("outcomes/escalation").replace("any_harm", "manual")
    with pytest.raises(InputError, match="does not say that harm takes a release back"):
        drill_roll_back(parse_contract(text), text=text, every_s=15.0)
    text = _contract("outcomes/escalation").replace("harms: [outcomes/escalation]", "harms: []")
    with pytest.raises(InputError, match="none of its harms can be planted"):
        drill_roll_back(parse_contract(text), text=text, every_s=15.0)


def test_the_contract_of_the_page_drills_as_it_says() -> None:
    page = (Path(__file__).parents[2] / "docs" / "rollout.md").read_text(encoding="utf-8")
    text = page.split("```yaml\n")[1].split("```")[0]
    piece = drill_roll_back(parse_contract(text), text=text, every_s=15.0)
    assert "met: support/rollout/harms/answer/outcomes/escalation planted at pilot" in page
    assert (piece.value, piece.detail["harm"]) == (1.0, "support/rollout/harms/answer/outcomes/escalation")
    assert (piece.detail["stage"], piece.detail["failure_mode"]) == ("pilot", "handed_over")
