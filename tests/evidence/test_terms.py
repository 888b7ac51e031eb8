"""The terms of a contract are what its text says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import pytest

from launchworthy.contract import claims, parse_contract
from launchworthy.evidence import Evidence, Stage, State, Waiver, terms_of, verdict_on

CONTRACT = """
launchworthy: 1
product: docs-bot
owners: {product: ana@example.com, security: noor@example.com}
workflows:
  answer:
    user: developer
    job: find the function that does what I need
    no_answer: refuse
    quality: {"hit@5": {at_least: 80 %}}
labels:
  sources:
    raters: {per_item: 2, volume: 200/week}
    seniors: {volume: 10/d, second: 25 %}
    clicks: {event: solved}
rollout:
  stages:
    - {name: pilot, share: 5 %, needs: [quality]}
    - {name: launch, share: 100 %, needs: [attest]}
attest:
  dpia: {by: security, every: 365d}
launch:
  waivers:
    - {claim: answer/quality/hit@5, by: product, until: 2026-12-01, because: small pilot}
"""


def test_the_terms_are_what_the_contract_says() -> None:
    contract = parse_contract(CONTRACT)
    terms = terms_of(contract, claims(contract))
    assert terms.product == "docs-bot"
    assert terms.stages == (Stage(name="pilot", share=0.05), Stage(name="launch", share=1.0))
    assert terms.waivers == (
        Waiver(claim="answer/quality/hit@5", by="product", until=date(2026, 12, 1), because="small pilot"),
    )
    assert terms.owners["security"] == "noor@example.com"
    assert terms.contract == {"file": "launchworthy.yaml", "version": contract.version}
    assert [claim.address for claim in terms.claims if claim.due == "pilot"] == [
        "docs-bot/answer/quality/hit@5"
    ]


def test_an_item_that_two_people_label_takes_two_of_their_labels() -> None:
    contract = parse_contract(CONTRACT)
    assert terms_of(contract, ()).labels_per_day == pytest.approx(200 / 7 / 2 + 10 / 1.25)
    without = CONTRACT.replace(", volume: 200/week", "").replace("volume: 10/d, ", "")
    assert terms_of(parse_contract(without), ()).labels_per_day is None


@pytest.mark.parametrize(
    ("line", "state"), [("80 %", State.MET), ("90 %", State.UNPROVEN), ("95 %", State.UNMET)]
)
def test_one_threshold_changed_in_the_contract_changes_the_verdict(
    piece_of: Callable[..., Evidence], now: datetime, line: str, state: State
) -> None:
    contract = parse_contract(CONTRACT.replace("80 %", line).replace("2026-12-01", "2026-01-01"))
    terms = terms_of(contract, claims(contract))
    hit = piece_of(180, 200, claim="docs-bot/answer/quality/hit@5", release=None)
    found = verdict_on(terms, [hit], release=None, now=now, stage="pilot")
    assert [each.state for each in found.subject.needed] == [state]
    assert found.terms.contract["version"] == contract.version
