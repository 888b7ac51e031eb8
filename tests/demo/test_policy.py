from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from launchworthy.cli.main import main
from launchworthy.contract import Contract, claims
from launchworthy.demo.assistant import Answer
from launchworthy.demo.calibration import calibrate
from launchworthy.demo.policy import Policy, read_policy
from launchworthy.demo.retrieval import Found
from launchworthy.errors import InputError
from launchworthy.gold import GoldItem

SIGNALS = ("best_coverage", "strength", "unknown", "words")


def oracle(question: str) -> dict[str, float]:
    """Signals whose strength says how many digits the question has."""
    digits = sum(character.isdigit() for character in question)
    return dict.fromkeys(SIGNALS, 1.0) | {"strength": float(digits)}


def _items(split: str = "dev") -> list[GoldItem]:
    return [
        GoldItem(id=f"{n}-{n % 7}", input="a" + "1" * (n % 7), answerable=n % 7 >= 4, split=split)
        for n in range(126)
    ]


def test_calibration_puts_the_threshold_between_the_two_kinds() -> None:
    policy = calibrate(_items(), oracle)
    assert policy.weights["strength"] > 0
    no, yes = (policy.confidence(oracle("1" * n)) for n in (3, 4))
    assert no < policy.threshold < yes


def test_calibration_reads_the_dev_split_only() -> None:
    opposite = [
        GoldItem(id=f"h{item.id}", input=item.input, answerable=not item.answerable, split="holdout")
        for item in _items()
    ]
    assert calibrate([*_items(), *opposite], oracle) == calibrate(_items(), oracle)
    with pytest.raises(InputError, match="dev split needs questions"):
        calibrate(opposite, oracle)


def test_the_shipped_policy_is_what_calibration_finds(
    product: Path, gold: tuple[GoldItem, ...], asked_on_dev: dict[str, Answer]
) -> None:
    # Documents differ a little from Python to Python, so the decisions are compared, not the digits.
    signals_of = {item.input: dict(asked_on_dev[item.id].signals) for item in gold if item.id in asked_on_dev}
    shipped, fitted = read_policy(product / "policy.json"), calibrate(gold, lambda text: signals_of[text])
    assert fitted.threshold == pytest.approx(shipped.threshold, abs=0.05)
    same = [
        (shipped.confidence(each) >= shipped.threshold) is (fitted.confidence(each) >= fitted.threshold)
        for each in signals_of.values()
    ]
    assert sum(same) >= 0.9 * len(same)


def test_a_threshold_is_certified_or_there_is_no_policy() -> None:
    policy = calibrate(_items(), oracle)
    assert (policy.evidence["target"], policy.evidence["confidence"], policy.evidence["n"]) == (
        0.15,
        0.95,
        84,
    )
    assert policy.evidence["coverage"]["value"] == pytest.approx(36 / 84)
    assert policy.evidence["wrong"]["value"] == 0.0
    with pytest.raises(
        InputError, match=r"No threshold can be certified with 28 labelled answers: about \d+"
    ):
        calibrate(_items()[:42], oracle)


def test_what_fitted_the_confidence_does_not_certify_the_threshold() -> None:
    policy = calibrate(_items(), oracle)
    fitted = set(policy.evidence["fitted_on"])
    assert fitted == {item.id for item in _items()[::3]}
    # Truth turned about where it only certifies: the model is the same, and no threshold can be certified.
    turned = [
        item if item.id in fitted else replace(item, answerable=not item.answerable) for item in _items()
    ]
    with pytest.raises(InputError, match="No threshold can be certified"):
        calibrate(turned, oracle)


def test_the_shipped_policy_says_on_what_its_threshold_rests(
    product: Path, contract: Contract, gold: tuple[GoldItem, ...]
) -> None:
    policy = read_policy(product / "policy.json")
    dev = [item.id for item in gold if item.split == "dev"]
    assert set(policy.evidence["fitted_on"]) == set(dev[::3])
    assert policy.evidence["n"] + policy.evidence["unlabelled"] == len(dev) - len(dev[::3])
    assert policy.evidence["method"].startswith("learn then test")
    promised = {claim.metric: claim for claim in claims(contract)}["selective_risk"]
    assert promised.target is not None
    assert policy.evidence["target"] == promised.target.threshold
    assert policy.evidence["confidence"] == promised.confidence
    assert policy.evidence["wrong"]["high"] < promised.target.threshold


def test_a_threshold_chosen_by_the_command_makes_the_same_policy(
    product: Path,
    tmp_path: Path,
    gold: tuple[GoldItem, ...],
    found_on_dev: dict[str, Found],
    capsys: pytest.CaptureFixture[str],
) -> None:
    signals_of = {item.input: dict(found_on_dev[item.id].signals) for item in gold if item.split == "dev"}
    fitted = calibrate(gold, lambda text: signals_of[text])
    rows = [
        {
            "id": item.id,
            "confidence": fitted.confidence(signals_of[item.input]),
            "correct": item.answerable if signals_of[item.input] else None,
        }
        for item in gold
        if item.split == "dev"
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = tmp_path / "policy.json"
    listed = {"fitted_on": fitted.evidence["fitted_on"]}
    file.write_text(replace(fitted, threshold=1.0, evidence=listed).as_json())
    with pytest.raises(SystemExit) as stopped:
        main(["threshold", "--input", str(tmp_path / "rows.jsonl"), "--target", "15 %", "--out", str(file)])
    assert stopped.value.code in (0, None), capsys.readouterr().err
    read = read_policy(file)
    assert (read.weights, read.intercept, read.threshold) == (
        fitted.weights,
        fitted.intercept,
        fitted.threshold,
    )
    told = {name: value for name, value in read.evidence.items() if name not in ("date", "source")}
    assert told == {name: value for name, value in fitted.evidence.items() if name != "source"}


def test_the_shipped_policy_tells_the_answerable_from_the_rest(
    product: Path, gold: tuple[GoldItem, ...], found_on_dev: dict[str, Found]
) -> None:
    policy = read_policy(product / "policy.json")
    confidences: dict[bool, list[float]] = {True: [], False: []}
    for item in gold:
        if item.split == "dev":
            signals = found_on_dev[item.id].signals
            confidences[bool(item.answerable)].append(policy.confidence(signals))
    pairs = [(yes > no) + 0.5 * (yes == no) for yes in confidences[True] for no in confidences[False]]
    assert sum(pairs) / len(pairs) > 0.85  # area under the ROC curve


def test_confidence_stays_a_probability_whatever_the_signals_are() -> None:
    policy = Policy(intercept=0.0, weights={"strength": 1e9}, threshold=0.5)
    for strength in (-1e9, 0.0, 1e9, math.inf):
        assert 0.0 <= policy.confidence({"strength": strength}) <= 1.0
    assert policy.confidence({}) == 0.0


def test_a_policy_is_read_as_it_was_written(tmp_path: Path) -> None:
    policy = Policy(intercept=-1.5, weights={"strength": 2.0}, threshold=0.7, evidence={"n": 3})
    (tmp_path / "policy.json").write_text(policy.as_json())
    assert read_policy(tmp_path / "policy.json") == policy


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"intercept": 0, "weights": {}}',
        '{"intercept": "a", "weights": {}, "threshold": 0.5}',
        '{"intercept": true, "weights": {}, "threshold": 0.5}',
        '{"intercept": 0, "weights": 3, "threshold": 0.5}',
        '{"intercept": 0, "weights": {"a": NaN}, "threshold": 0.5}',
        '{"intercept": 0, "weights": {}, "threshold": 2}',
        "[" * 100_000,
    ],
)
def test_a_broken_policy_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "policy.json").write_text(text)
    with pytest.raises(InputError):
        read_policy(tmp_path / "policy.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_policy(tmp_path / "missing.json")
