from __future__ import annotations

import math
from pathlib import Path

import pytest

from launchworthy.demo.calibration import calibrate
from launchworthy.demo.policy import Policy, read_policy
from launchworthy.demo.retrieval import Found, Hit, Retriever
from launchworthy.errors import InputError
from launchworthy.gold import GoldItem

SIGNALS = ("best_coverage", "strength", "unknown", "words")


class Oracle:
    """A retriever whose strength says how many digits the question has."""

    def search(self, question: str, *, k: int) -> Found:
        digits = sum(character.isdigit() for character in question)
        signals = dict.fromkeys(SIGNALS, 1.0) | {"strength": float(digits)}
        return Found(hits=(Hit(id="x", score=1.0),), signals=signals)


def _items(split: str = "dev") -> list[GoldItem]:
    return [
        GoldItem(id=f"{n}-{n % 7}", input="a" + "1" * (n % 7), answerable=n % 7 >= 4, split=split)
        for n in range(70)
    ]


def test_calibration_puts_the_threshold_between_the_two_kinds() -> None:
    policy = calibrate(_items(), Oracle())
    assert policy.weights["strength"] > 0
    no, yes = (policy.confidence(Oracle().search("1" * n, k=1).signals) for n in (3, 4))
    assert no < policy.threshold < yes


def test_calibration_reads_the_dev_split_only() -> None:
    opposite = [
        GoldItem(id=f"h{item.id}", input=item.input, answerable=not item.answerable, split="holdout")
        for item in _items()
    ]
    assert calibrate([*_items(), *opposite], Oracle()) == calibrate(_items(), Oracle())
    with pytest.raises(InputError, match="dev split needs questions"):
        calibrate(opposite, Oracle())


def test_the_shipped_policy_is_what_calibration_finds(
    product: Path, gold: tuple[GoldItem, ...], replay: Retriever, found_on_dev: dict[str, Found]
) -> None:
    # Documents differ a little from Python to Python, so the decisions are compared, not the digits.
    shipped, fitted = read_policy(product / "policy.json"), calibrate(gold, replay)
    signals = [found.signals for found in found_on_dev.values()]
    same = [
        (shipped.confidence(each) >= shipped.threshold) is (fitted.confidence(each) >= fitted.threshold)
        for each in signals
    ]
    assert sum(same) >= 0.95 * len(same)


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
    policy = Policy(intercept=-1.5, weights={"strength": 2.0}, threshold=0.7)
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
