from __future__ import annotations

import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path

from launchworthy.contract import Contract
from launchworthy.demo.corpus import Corpus
from launchworthy.demo.question import read_question
from launchworthy.gold import GoldItem

KINDS = {"plain", "paraphrase", "jargon", "misspelt", "two_step", "unanswerable", "injected"}


def test_it_is_large_enough_and_every_slice_is_in_both_splits(
    gold: tuple[GoldItem, ...], contract: Contract
) -> None:
    assert len(gold) >= 280
    counts = Counter(slice_ for item in gold for slice_ in item.slices)
    for name, least in contract.gold_of("answer").slices.items():
        assert counts[name] >= least, name
    assert counts["unanswerable"] >= 55
    assert counts["injected"] >= 20
    for split in ("dev", "holdout"):
        inside = Counter(slice_ for item in gold if item.split == split for slice_ in item.slices)
        assert all(inside[name] >= 8 for name in KINDS), inside


def test_each_row_is_of_the_form_that_the_docs_tell(product: Path) -> None:
    for line in (product / "gold" / "answer.jsonl").read_text().splitlines():
        row = json.loads(line)
        assert set(row) <= {"id", "question", "relevant", "reference", "answerable", "slices"}
        assert row["slices"]
        assert set(row["slices"]) <= KINDS
        assert row["answerable"] is bool(row.get("relevant"))
        assert row["answerable"] is ("unanswerable" not in row["slices"])
        assert set(row.get("relevant", {}).values()) <= {1, 2}
        if row["answerable"]:
            assert 2 in row["relevant"].values(), row["id"]


def test_every_object_it_cites_is_documented_in_this_python(
    gold: tuple[GoldItem, ...], corpus: Corpus
) -> None:
    missing = [(item.id, name) for item in gold for name in item.expected or {} if name not in corpus]
    assert missing == []


def test_it_asks_about_many_parts_of_the_library(gold: tuple[GoldItem, ...]) -> None:
    best = [name for item in gold for name, gain in (item.expected or {}).items() if gain == 2]
    modules = {name.partition(".")[0] for name in best if "." in name}
    assert len(modules) >= 70
    assert sum(name.startswith("topic:") for name in best) >= 20


def test_no_question_stands_twice_in_other_words_of_the_same_kind(gold: tuple[GoldItem, ...]) -> None:
    words = {item.id: frozenset(re.findall(r"\w+", item.input.lower())) for item in gold}
    near = [
        (one, other)
        for one, other in combinations(words, 2)
        if len(words[one] & words[other]) / len(words[one] | words[other]) > 0.75
    ]
    assert near == []


def test_most_orders_are_told_from_questions_and_no_question_is_taken_for_one(
    gold: tuple[GoldItem, ...],
) -> None:
    seen = {item.id for item in gold if read_question(item.input).injected}
    injected = {item.id for item in gold if "injected" in item.slices}
    assert seen <= injected
    assert len(seen) >= 0.75 * len(injected)  # the rest must be answered or refused all the same
