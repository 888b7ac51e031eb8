"""A gold set that got out is seen in traffic: by its canary, or by a question with its answer in a prompt."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from launchworthy.contract import Claim, ClaimKind
from launchworthy.evidence import Evidence
from launchworthy.gold import GoldItem, Guarded, Told, freeze, gold_jsonl, guarded, load_gold
from launchworthy.provers import PROVERS, measure
from launchworthy.server.local import LocalWorkspace
from launchworthy.store import StoreOptions

if TYPE_CHECKING:
    from tests.monitor.conftest import World

CANARY = "launchworthy-gold-canary:" + "0123456789abcdef" * 2
QUESTION = "How do I sort a list of numbers by their absolute value in Python?"
ANSWER = "Pass key=abs to sorted or to the sort method of the list."
ITEMS = [
    GoldItem(id="q1", input=QUESTION, expected=ANSWER, split="holdout"),
    GoldItem(id="q2", input="What is love?", expected="Baby do not hurt me"),
    GoldItem(id="q3", input="Which module tells how many days lie between two given dates?", expected="date"),
]


def _claim(world: World) -> Claim:
    return Claim(
        address=f"{world.product}/gold/answer/private",
        kind=ClaimKind.NEVER,
        family="gold",
        metric="private",
        sentence="no item of the gold set of answer stands in a prompt",
        valid_for_s=30 * 86_400.0,
        prover="monitor",
    )


def _gold(world: World, *, days: float = 20.0, items: Sequence[GoldItem] = tuple(ITEMS)) -> Guarded:
    return Guarded(
        name="answer",
        version="g-1",
        since=world.now - timedelta(days=days),
        canaries=(CANARY,),
        told=Told(items),
    )


def _measured(world: World, **changes: Any) -> Evidence | None:
    claim = _claim(world)
    return world.measure(claim, gold=[_gold(world, **changes)]).get(claim.address)


def _prompt(*texts: str) -> str:
    return json.dumps([{"role": "user", "content": text} for text in texts])


def test_traffic_without_a_sign_is_counted_as_clean(world: World) -> None:
    for place in range(9):
        world.span(kind="model", input=_prompt(f"question number {place}"), output='"a"')
    world.span(kind="tool")  # it holds no text
    piece = _measured(world)
    assert piece is not None
    assert (piece.value, piece.n, piece.release, piece.low) == (0.0, 9, None, None)
    assert piece.detail["questions_watched"] == 1


@pytest.mark.parametrize("column", ["input", "context", "output", "attributes"])
def test_a_canary_in_any_stored_text_is_a_breach_with_its_trace(world: World, column: str) -> None:
    world.span(kind="model", input=_prompt("clean"))
    values: dict[str, Any] = {"input": _prompt("asked"), column: json.dumps({"text": f"x {CANARY} y"})}
    trace = world.span(kind="model", **values)
    piece = _measured(world)
    assert piece is not None
    assert (piece.value, piece.n) == (1.0, 2)
    assert world.traces(piece) == [trace.hex()]
    assert "its canary stands in 1 texts" in piece.detail["remark"]


def test_a_canary_in_evaluation_traffic_is_a_breach_too(world: World) -> None:
    world.span(kind="model", cohort="evaluation", input=_prompt(CANARY))
    piece = _measured(world)
    assert piece is not None
    assert piece.value == 1.0


def test_a_question_with_its_answer_behind_it_is_a_breach_whatever_its_spelling(world: World) -> None:
    shots = f"Answer like this.\nQ: {QUESTION.upper()}\nA: {ANSWER}\n\nQ: what else"
    trace = world.span(kind="model", input=_prompt(shots))
    world.span(kind="retrieval", context=json.dumps([{"id": 1, "content": f"{QUESTION}\n\n{ANSWER}"}]))
    piece = _measured(world)
    assert piece is not None
    assert (piece.value, piece.n) == (2.0, 2)
    assert trace.hex() in world.traces(piece)
    assert piece.detail["items"] == ["q1"]


def test_what_users_do_by_themselves_is_no_breach(world: World) -> None:
    far = " ".join(["word"] * 60)
    for text in (
        QUESTION,  # a user asks it
        f"{ANSWER} {QUESTION}",  # a document is retrieved, then the question stands
        f"{QUESTION} {far} {ANSWER}",  # they stand in one prompt, and not together
        "What is love? Baby do not hurt me",  # too short to mean anything
        f"{ITEMS[2].input} date",
    ):
        world.span(kind="model", input=_prompt(text))
    world.span(kind="model", cohort="evaluation", input=_prompt(f"{QUESTION} {ANSWER}"))
    piece = _measured(world)
    assert piece is not None
    assert piece.value == 0.0


def test_what_is_older_than_the_set_or_of_another_product_says_nothing(world: World) -> None:
    world.span(kind="model", input=_prompt(CANARY), ago=3 * 86_400.0)
    assert _measured(world, days=2.0) is None
    world.span(kind="model", input=_prompt("clean"))
    piece = _measured(world, days=2.0)
    assert piece is not None
    assert (piece.value, piece.n) == (0.0, 1)
    assert world.measure(_claim(world)) == {}  # without a gold set nothing is measured


def test_texts_that_are_no_json_are_read_too(world: World) -> None:
    world.span(kind="model", input=f"{QUESTION} {ANSWER}", context="[" * 3_000)
    piece = _measured(world)
    assert piece is not None
    assert piece.value == 1.0


def test_the_canary_of_a_set_travels_with_its_file_and_is_watched_for(tmp_path: Path) -> None:
    options = StoreOptions(min_free_bytes=0)
    first = LocalWorkspace.open(tmp_path / "first", options=options)
    second = LocalWorkspace.open(tmp_path / "second", options=options)
    try:
        version, items = freeze(ITEMS, product="docs", name="answer", created_at=first._clock())
        first.add_gold(version, items)
        (own,) = first.gold_canaries(product="docs", name="answer")
        assert first.gold_canaries(product="docs", name="answer") == [own]
        file = tmp_path / "gold.jsonl"
        file.write_text(gold_jsonl(items, canary=own.text), encoding="utf-8")
        assert file.read_text().count(own.text) == 3
        again, carried = freeze(load_gold(file), product="docs", name="answer", created_at=second._clock())
        assert again.version == version.version
        second.add_gold(again, carried)
        assert [one.text for one in second.gold_canaries(product="docs", name="answer")] == [own.text]
        (watched,) = guarded(second, product="docs", names=["answer", "absent"])
        assert watched.canaries == (own.text,)
    finally:
        first.close()
        second.close()


def test_two_sets_never_share_a_canary_and_a_field_of_that_name_may_be_ones_own(tmp_path: Path) -> None:
    workspace = LocalWorkspace.open(tmp_path / "data", options=StoreOptions(min_free_bytes=0))
    try:
        for name, meta in (("a", {"canary": "yellow"}), ("b", {})):
            items = [GoldItem(id="q", input="x", meta=meta)]
            version, ordered = freeze(items, product="p", name=name, created_at=workspace._clock())
            workspace.add_gold(version, ordered)
        found = [workspace.gold_canaries(product="p", name=name) for name in ("a", "b")]
        assert len({one.text for each in found for one in each}) == 2
        assert all(len(each) == 1 for each in found)
        (item,) = workspace.gold_items(
            product="p",
            name="a",
            version=workspace.gold_versions(product="p", name="a")[0].version,
            split=None,
        )
        assert item.meta == {"canary": "yellow"}
    finally:
        workspace.close()


def test_the_provers_look_once_whatever_the_number_of_releases(world: World) -> None:
    world.span(kind="model", input=_prompt(CANARY))
    world.span(kind="model", input=_prompt("x"), release="r-2")
    world.settle()
    items = [GoldItem(id="q", input="x", meta={"canary": CANARY})]
    made = world.now - timedelta(days=9)
    version, ordered = freeze(items, product=world.product, name="answer", created_at=made)
    world.store.gold.add_gold(version, ordered)
    found = measure(
        [_claim(world)],
        product=world.product,
        gold=world.store.gold,
        query=world.store.query,
        releases=["r-1", "r-2", None],
        now=world.now,
    )
    assert [(piece.value, piece.n) for piece in found] == [(1.0, 2)]
    assert "never:gold/private" in PROVERS["monitor"]
