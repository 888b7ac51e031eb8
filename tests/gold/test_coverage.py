from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner
from statsmodels.stats.proportion import proportion_confint

import launchworthy.demo
from launchworthy.cli.gold import command
from launchworthy.errors import InputError
from launchworthy.gold import (
    GoldItem,
    Review,
    ReviewStatus,
    coverage_of,
    freeze,
    load_gold,
    questions_in_file,
)
from launchworthy.gold.nearness import Space, nearest
from launchworthy.records import TABLES, Rows
from launchworthy.server.local import LocalWorkspace
from launchworthy.store import StoreOptions

DEMO = Path(launchworthy.demo.__file__).parent / "product" / "gold" / "answer.jsonl"
GOLD = [
    GoldItem(id="sort", input="How do I sort a list of numbers?"),
    GoldItem(id="file", input="How do I read a text file line by line?", split="holdout"),
    GoldItem(id="date", input="How many days lie between two dates?"),
]


def _without_a_letter(text: str, dice: random.Random) -> str:
    words = text.split()
    longest = max(range(len(words)), key=lambda place: len(words[place]))
    word = words[longest]
    at = dice.randrange(1, max(2, len(word) - 1))
    words[longest] = word[:at] + word[at + 1 :]
    return " ".join(words)


def test_the_threshold_is_what_the_demo_product_was_measured_at() -> None:
    items = load_gold(DEMO)
    texts = [item.input for item in items]
    dice = random.Random(3)
    changed = [_without_a_letter(text, dice) for text in texts]
    greeted = [f"hi, could you tell me {text.lower()} thanks" for text in texts]
    assert coverage_of(items, greeted).uncovered.value == 0.0  # type: ignore[union-attr]
    space = Space([*texts, *changed])
    own = np.einsum("ij,ij->i", space.vectors(changed), space.vectors(texts))
    assert (own >= 0.45).mean() >= 0.97
    vectors = Space(texts).vectors(texts)
    near = vectors @ vectors.T

    def best(item: GoldItem) -> set[str]:
        return {page for page, gain in (item.expected or {}).items() if gain == 2}

    others = [
        max(near[a, b] for b, other in enumerate(items) if a != b and not best(item) & best(other))
        for a, item in enumerate(items)
    ]
    assert (np.array(others) >= 0.45).mean() <= 0.07


def test_what_is_not_covered_comes_in_clusters_the_largest_first_with_wilsons_interval() -> None:
    questions = (
        ["How do I sort a list of numbers?", "how to sort list of numbers", "read text file line by line"]
        * 10
        + ["What does the weather in Vienna look like?"] * 5
        + ["weather in Vienna tomorrow?", "Will the weather in Vienna be fine?"]
        + ["Please refund my last order"]
    )
    found = coverage_of(GOLD, questions)
    assert found.uncovered is not None
    assert found.uncovered.value == pytest.approx(8 / 38)
    low, high = proportion_confint(8, 38, method="wilson")
    assert (found.uncovered.low, found.uncovered.high) == pytest.approx((low, high), abs=1e-9)
    assert [cluster.questions for cluster in found.clusters] == [7, 1]
    assert found.clusters[0].examples[0] == "What does the weather in Vienna look like?"
    assert found.clusters[1].nearest in {"sort", "file", "date"}
    assert all(cluster.score < 0.45 for cluster in found.clusters)


def test_every_question_is_counted_once() -> None:
    dice = random.Random(5)
    words = [f"word{n}" for n in range(60)]
    questions = [" ".join(dice.choices(words, k=dice.randrange(1, 7))) for _ in range(600)] + ["?!", ""]
    found = coverage_of(GOLD, questions)
    assert (found.questions, found.without_text) == (600, 2)
    assert sum(cluster.questions for cluster in found.clusters) + found.unclustered == 600


def test_a_rejected_item_does_not_cover_and_one_that_waits_does() -> None:
    asked = [GOLD[0].input]
    for status, share in ((ReviewStatus.REJECTED, 1.0), (ReviewStatus.PROPOSED, 0.0)):
        item = GoldItem(id="sort", input=asked[0], review=Review(status=status))
        found = coverage_of([item], asked).uncovered
        assert found is not None
        assert found.value == share


def test_nothing_to_compare_is_not_measured_and_no_item_covers_nothing() -> None:
    assert coverage_of(GOLD, []).uncovered is None
    found = coverage_of([], ["How do I sort?"])
    assert found.uncovered is not None
    assert (found.uncovered.value, found.clusters[0].nearest) == (1.0, None)
    with pytest.raises(InputError):
        coverage_of(GOLD, ["x"], threshold=0.0)


def test_more_items_than_fit_at_once_are_compared_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(9)
    texts = [" ".join(dice.choices([f"w{n}" for n in range(50)], k=5)) for _ in range(40)]
    space = Space(texts)
    whole = nearest(space, texts[:9], among=texts[9:])
    monkeypatch.setattr("launchworthy.gold.nearness._MOST_ROWS", 7)
    monkeypatch.setattr("launchworthy.gold.nearness._BLOCK", 4)
    pieces = nearest(space, texts[:9], among=texts[9:])
    assert whole[0].tolist() == pieces[0].tolist()
    assert whole[1] == pytest.approx(pieces[1])


def _store(folder: Path, spans: list[dict[str, Any]]) -> None:
    workspace = LocalWorkspace.open(folder, options=StoreOptions(min_free_bytes=0))
    try:
        made = datetime.now(UTC) - timedelta(days=1)
        version, items = freeze(GOLD, product="docs", name="answer", created_at=made)
        workspace.add_gold(version, items)
        dice = random.Random(1)
        rows = [
            {
                "product": "docs",
                "workflow": "answer",
                "kind": "workflow",
                "trace_id": dice.randbytes(16),
                "span_id": dice.randbytes(8),
                "start_time": time.time_ns() - 60_000_000_000,
                **span,
            }
            for span in spans
        ]
        columns = {name: [row.get(name) for row in rows] for name in TABLES["spans"].names}
        workspace._store.ingest([Rows("spans", columns)], batch_id="b")
        workspace._store.flush()
    finally:
        workspace.close()


def _run(*arguments: str) -> Any:
    result = CliRunner().invoke(command, arguments, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


def test_production_is_read_and_evaluations_and_simulated_users_are_not_among_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    asked, odd = json.dumps("How do I sort a list of numbers?"), json.dumps("Please refund my last order")
    evaluated = b"e" * 16
    _store(
        data,
        [
            {"input": asked},
            {"input": json.dumps([{"role": "user", "content": "Please refund my last order"}])},
            {"input": None},
            {"input": odd, "simulated": True},
            {"input": odd, "cohort": "evaluation"},
            {"input": odd, "trace_id": evaluated, "parent_span_id": b"p" * 8},
            {"input": odd, "trace_id": evaluated, "kind": "evaluation"},
            {"input": odd, "workflow": "other"},
            {"input": odd, "start_time": time.time_ns() - 40 * 86_400 * 10**9},
        ],
    )
    told = json.loads(_run("coverage", "answer", "--data", str(data), "--json").output)
    assert (told["questions"], told["uncovered"]["value"]) == (2, 0.5)
    assert (told["simulated"], told["unstored"]) == (1, 1)
    text = _run("coverage", "answer", "--data", str(data))
    assert "50 % (9.45 to 90.5, n = 2) of real questions have no gold item near them" in text.output
    assert "Please refund my last order" in text.output
    assert "1 questions of simulated users are not among them" in text.stderr
    assert "1 calls keep no text" in text.stderr
    simulated = json.loads(_run("coverage", "answer", "--data", str(data), "--simulated", "--json").output)
    assert (simulated["questions"], simulated["uncovered"]["value"]) == (1, 1.0)
    assert _run("coverage", "answer", "--data", str(data), "--since", "1s").return_value == 2
    for wrong in ("7", "-1d", "soon", "1e99 d"):
        with pytest.raises(click.BadParameter):
            _run("coverage", "answer", "--data", str(data), "--since", wrong)


def test_questions_of_a_file_are_read_whatever_its_kind(tmp_path: Path) -> None:
    data = tmp_path / "data"
    _store(data, [])
    (tmp_path / "a.txt").write_text("How do I sort a list of numbers?\n\nPlease refund my last order\n")
    (tmp_path / "a.csv").write_text("id,question\n1,Please refund my last order\n")
    (tmp_path / "a.jsonl").write_text('{"input": [{"role": "user", "content": "Please refund my order"}]}\n')
    for name, share in (("a.txt", 0.5), ("a.csv", 1.0), ("a.jsonl", 1.0)):
        told = _run("coverage", "answer", "--data", str(data), "--input", str(tmp_path / name), "--json")
        assert json.loads(told.output)["uncovered"]["value"] == share


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.jsonl", b'{"x": 1}\n', "none of the fields"),
        ("a.csv", b"id,question\n1,a,b\n", "3 cells"),
        ("a.txt", b"\xff\xfe", "not UTF-8"),
        ("a.json", b'["How do I sort a list?"]', "not read from .json"),
        ("a.parquet", b"x", "not a Parquet file"),
        ("absent.txt", None, "cannot be read"),
    ],
)
def test_a_file_of_questions_that_cannot_be_read_says_so(
    tmp_path: Path, name: str, content: bytes | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=reason):
        questions_in_file(tmp_path / name)
