"""Whether a gold set is still fresh, and still asks what users ask."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.monitor.conftest import NOW

from launchworthy import monitor
from launchworthy.evidence import State
from launchworthy.evidence.claim_status import status
from launchworthy.gold import GoldItem, Review, ReviewStatus, freeze

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

    from launchworthy.contract import Claim
    from launchworthy.evidence import Evidence

DAY = 86_400.0
TOPICS = (
    "How do I return shoes that are too small?",
    "Where is the parcel that I ordered last week?",
    "Can I pay by invoice instead of a card?",
    "What does express delivery to an island cost?",
)


def _items(count: int, *, slices: tuple[str, ...] = ("plain",)) -> list[GoldItem]:
    return [GoldItem(id=f"i-{n}", input=TOPICS[n], expected="…", slices=slices) for n in range(count)]


def _frozen(world: World, items: Sequence[GoldItem], *, days: float) -> None:
    at = NOW - timedelta(days=days)
    version, ordered = freeze(items, product=world.product, name="answer", created_at=at)
    world.store.gold.add_gold(version, ordered)


def _ask(world: World, text: str, **columns: Any) -> str:
    return world.call(ago=DAY / 2, input=json.dumps(text), **columns).hex()


def _watching(claim: ClaimOf, asked: str, **options: Any) -> Claim:
    signal = f"gold/answer/{asked}"
    return claim(f"monitors/{asked}", workflow=None, signal=signal, window_ms=7 * DAY * 1e3, **options)


def _one(world: World, watching: Claim, *, now: datetime = NOW) -> Evidence:
    world.settle()
    (piece,) = monitor.measure(
        [watching],
        product=world.product,
        query=world.store.query,
        release="r-1",
        now=now,
        sets=world.store.gold,
    )
    assert piece.release is None
    return piece


def _state(watching: Claim, piece: Evidence) -> State:
    return status(watching, [piece], release="r-1", now=piece.observed_at).state


def test_a_set_is_as_old_as_its_newest_items_not_as_its_newest_version(world: World, claim: ClaimOf) -> None:
    world.call(ago=DAY)
    items = _items(3)
    _frozen(world, items[:2], days=200)
    _frozen(world, items, days=100)
    _frozen(world, [replace(items[0], expected="corrected"), *items[1:]], days=5)
    watching = _watching(claim, "age", at_most=90 * DAY * 1e3, unit="ms")
    piece = _one(world, watching)
    assert piece.value == pytest.approx(100 * DAY * 1e3)
    assert (_state(watching, piece), piece.detail["newest_items"]) == (State.UNMET, 1)
    _frozen(world, [*items, GoldItem(id="renamed", input=TOPICS[0])], days=3)
    assert _one(world, watching).value == pytest.approx(100 * DAY * 1e3), "the same question is no new item"
    proposed = GoldItem(id="new", input=TOPICS[3], review=Review(status=ReviewStatus.PROPOSED))
    _frozen(world, [*items, proposed], days=2)
    assert _state(watching, _one(world, watching)) is State.UNMET, "nobody stands behind it yet"
    _frozen(world, [*items, replace(proposed, review=Review(status=ReviewStatus.REVIEWED))], days=1)
    fresh = _one(world, watching)
    assert fresh.value == pytest.approx(DAY * 1e3)
    assert _state(watching, fresh) is State.MET


def test_calls_like_no_item_are_not_covered_and_the_largest_kind_comes_first(
    world: World, claim: ClaimOf
) -> None:
    _frozen(world, _items(3), days=30)
    near = [_ask(world, TOPICS[n % 3].lower(), user_id=f"u_{n}") for n in range(60)]
    alone = _ask(world, "Do you sell gift vouchers for a hairdresser?", user_id="g")
    far = {_ask(world, "my password reset mail never arrives", user_id=f"p_{n}") for n in range(39)}
    watching = _watching(claim, "coverage", at_least=0.8, unit="ratio")
    piece = _one(world, watching)
    assert [piece.value, piece.n] == [pytest.approx(0.6), 100]
    assert _state(watching, piece) is State.UNMET
    assert piece.detail["without_item"] == 40
    assert piece.detail["kinds_without_item"] == [39, 1]
    assert set(world.traces(piece)) <= far | {alone}
    assert world.traces(piece)[0] in far
    assert not set(near) & set(world.traces(piece))
    assert "password" not in json.dumps(piece.detail), "what users say stays out of the ledger"
    assert "2 kinds have no item" in piece.detail["remark"]


def test_a_slice_of_traffic_without_an_item_is_not_covered(world: World, claim: ClaimOf) -> None:
    _frozen(
        world,
        [
            *_items(3),
            GoldItem(id="x", input="?", slices=("fr",), review=Review(status=ReviewStatus.PROPOSED)),
        ],
        days=30,
    )
    for n in range(50):
        _ask(world, TOPICS[n % 3], user_id=f"u_{n}", attributes={"launchworthy.slice": ["plain"]})
        _ask(world, TOPICS[n % 3], user_id=f"f_{n}", attributes={"launchworthy.slice": "fr"})
    piece = _one(world, _watching(claim, "coverage", at_least=0.8, unit="ratio"))
    assert piece.value == pytest.approx(0.5)
    assert piece.detail["slices_without_item"] == {"fr": 50}
    assert piece.detail["remark"] == "no item of fr"


def test_of_each_user_one_call_counts_and_evaluations_do_not(world: World, claim: ClaimOf) -> None:
    _frozen(world, _items(1), days=30)
    for n in range(40):
        _ask(world, TOPICS[0], user_id="loud")
        _ask(world, TOPICS[0] if n % 2 else TOPICS[1], user_id=f"u_{n}")
        _ask(world, TOPICS[1], user_id=f"e_{n}", cohort="evaluation")
    watching = _watching(claim, "coverage", at_least=0.8, unit="ratio")
    piece = _one(world, watching)
    assert [piece.n, piece.value] == [41, pytest.approx(21 / 41)]
    assert _state(watching, piece) is State.UNMET


def test_a_workflow_without_a_set_is_named(world: World, claim: ClaimOf) -> None:
    _frozen(world, _items(1), days=30)
    _ask(world, TOPICS[0], user_id="u")
    _ask(world, TOPICS[1], user_id="v", workflow="refund")
    piece = _one(world, _watching(claim, "coverage", at_least=0.8, unit="ratio"))
    assert piece.n == 1, "a set that is called as a workflow stands for it"
    assert piece.detail["workflows_without_a_set"] == ["refund"]


@pytest.mark.parametrize(
    ("asked", "options", "reason"),
    [
        ("age", {"at_most": 0.8, "unit": "ratio"}, "is a duration"),
        ("age", {"at_least": DAY, "unit": "ms"}, "is a duration"),
        ("age", {"at_most": DAY, "unit": "ms"}, "there is no gold set answer"),
        ("coverage", {"at_most": DAY, "unit": "ms"}, "is a share"),
        ("coverage", {"at_least": 0.8, "unit": "ratio"}, "there is no gold set answer"),
    ],
)
def test_what_cannot_be_told_says_why(
    world: World, claim: ClaimOf, asked: str, options: dict[str, Any], reason: str
) -> None:
    world.call(ago=DAY)
    piece = _one(world, _watching(claim, asked, **options))
    assert piece.value is None
    assert reason in piece.detail["reason"]


@pytest.mark.parametrize("stored", [None, "", "{", "[1, 2]", '{"a": {"b": 3}}', '"\\ud800"'])
def test_inputs_without_words_are_not_compared(world: World, claim: ClaimOf, stored: str | None) -> None:
    _frozen(world, _items(1), days=30)
    for n in range(3):
        world.call(ago=DAY, input=stored, user_id=f"u_{n}", attributes="{")
    piece = _one(world, _watching(claim, "coverage", at_least=0.8, unit="ratio"))
    if piece.value is None:
        assert "none can be compared" in piece.detail["reason"]
    else:
        assert (piece.value, piece.n) == (0.0, 3)
