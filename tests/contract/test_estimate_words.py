"""How a contract says that what scores say is held against labels, and from which score on it is a yes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from launchworthy.contract import Claim, Direction, claims, defaults_in_force, lint_contract, load_contract
from launchworthy.errors import LaunchworthyError

CONTRACT = """\
launchworthy: 1
product: shop
kind: predictive
owners: {product: ana@shop.example}
release: {threshold: {value: 0.42}}
workflows:
  pay:
    user: customer
    job: pay
    no_answer: defer
    predicts: {label: fraud, base_rate: 1 %}
    quality: {false_positive_rate: {at_most: 2 %}}
labels: {sources: {analyst: {within: 2d}}, sample: {random: 2 %}}
monitors:
  meaning: {signal: pay/quality/false_positive_rate, MORE, window: 7d, page: product}
"""


def _written(folder: Path, more: str, contract: str = CONTRACT) -> Path:
    path = folder / "launchworthy.yaml"
    path.write_text(contract.replace("MORE", more))
    return path


def _monitor(path: Path) -> Claim:
    return next(each for each in claims(load_contract(path)) if each.address == "shop/monitors/meaning")


def _found(path: Path) -> set[str]:
    return {each.code for each in lint_contract(load_contract(path), today=date(2026, 11, 25))}


def test_scores_are_held_against_labels_within_what_is_tolerated(tmp_path: Path) -> None:
    path = _written(tmp_path, "method: estimate, labels: [analyst]")
    claim = _monitor(path)
    assert claim.target is not None
    assert (claim.target.direction, claim.target.threshold) == (Direction.AT_MOST, 0.05)
    assert (claim.options["threshold"], claim.options["random"]) == (0.42, 0.02)
    [source] = claim.options["label_sources"]
    assert (source["matures_ms"], source["within_ms"]) == (None, 2 * 86_400_000.0)
    assert claim.sentence.startswith("How far scores and labels differ on pay/quality/false_positive_rate")
    explained = {each.address: each for each in defaults_in_force(load_contract(path))}
    assert explained["monitors/meaning/at_most"].value == "5 %"
    assert "labels say" in explained["monitors/meaning/at_most"].meaning


def test_a_distance_is_not_taken_for_a_looser_target(tmp_path: Path) -> None:
    path = _written(tmp_path, "method: estimate, labels: [analyst], at_most: 8 %")
    assert "LW254" not in _found(path)
    assert "LW254" in _found(_written(tmp_path, "labels: [analyst], at_most: 8 %"))


def test_without_labels_there_is_nothing_to_hold_it_against(tmp_path: Path) -> None:
    with pytest.raises(LaunchworthyError, match="method: estimate needs `labels`"):
        load_contract(_written(tmp_path, "method: estimate"))


def test_a_threshold_that_is_not_named_or_chosen_by_a_rule_reads_no_record(tmp_path: Path) -> None:
    for threshold in ("threshold: {from: expected_cost}", "policy: rules.md"):
        contract = CONTRACT.replace("threshold: {value: 0.42}", threshold)
        assert "threshold" not in _monitor(_written(tmp_path, "labels: [analyst]", contract)).options
