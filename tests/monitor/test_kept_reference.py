"""What a release is measured against outlives the retention of its records, as counts of many."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from launchworthy.evidence.judgement import judge
from launchworthy.evidence.status import State
from launchworthy.store import RetentionRule

_DAY = 86_400.0


class Shelf:
    """Keeps references as text, as a store does."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}

    def kept_reference(self, name: str) -> Mapping[str, Any] | None:
        kept = self.held.get(name)
        return None if kept is None else json.loads(kept)

    def keep_reference(self, name: str, counts: Mapping[str, Any]) -> None:
        self.held[name] = json.dumps(counts)


@pytest.fixture
def shelf(world: Any) -> Shelf:
    world.references = shelf = Shelf()
    return shelf


def _calls(
    world: Any, *, ago: float, scale: float, seed: int, many: int = 400, names: tuple[str, ...] = ()
) -> None:
    rng = random.Random(seed)
    for number in range(many):
        city = names[number] if number < len(names) else ("Bonn", "Lyon", "Oslo")[number % 3]
        text = f"{rng.choice(('where is my parcel', 'how do i pay the bill', 'my login is lost'))} now please"
        world.call(
            ago=ago + number / 100.0,
            user_id=f"u-{ago}-{number}",
            input=json.dumps({"amount": scale * rng.lognormvariate(3.0, 0.5), "city": city, "text": text}),
        )


def _forget(world: Any, *, older_than_days: float) -> None:
    world.settle()
    rule = RetentionRule(table="spans", keep=timedelta(days=older_than_days), product=world.product)
    world.store.apply_retention(world.now, [rule])


def _monitor(claim: Any, method: str = "jensen_shannon", signal: str = "input", **options: Any) -> Any:
    return claim(
        "monitors/watched", workflow=None, window_ms=_DAY * 1e3, signal=signal, method=method, **options
    )


def _slow_drift(world: Any, *, names: tuple[str, ...] = ()) -> None:
    for week, scale in enumerate((1.0, 1.15, 1.3, 1.5)):
        ago = (24.5 - 8 * week) * _DAY
        _calls(world, ago=ago, scale=scale, seed=week, many=700, names=names if week == 0 else ())


def test_a_slow_drift_is_seen_though_its_beginning_is_past_its_retention(
    world: Any, claim: Any, shelf: Shelf
) -> None:
    _slow_drift(world)
    asked = _monitor(claim, signal="input/amount", method="ks", at_most=0.12)
    before = world.one(asked)
    assert judge(asked, before, now=world.now).state is State.UNMET
    _forget(world, older_than_days=10)
    after = world.one(asked)
    assert judge(asked, after, now=world.now).state is State.UNMET
    assert after.value == pytest.approx(before.value, abs=0.01)
    assert after.detail["reference"].startswith("the kept counts of its own first calls, 2026-10-30 23:59")
    assert after.detail["reference_records"] == before.detail["reference_records"] == 700
    world.references = None
    followed = world.one(asked)
    assert judge(asked, followed, now=world.now).state is not State.UNMET, "as if it had always been so"


def test_texts_and_names_of_what_was_kept_are_compared_and_nothing_moves_by_keeping(
    world: Any, claim: Any, shelf: Shelf
) -> None:
    for ago, seed in ((24.5, 1), (8.5, 2), (0.5, 3)):
        _calls(world, ago=ago * _DAY, scale=1.0, seed=seed, many=1_500)
    asked = _monitor(claim, at_most=0.1)
    before = world.one(asked)
    assert judge(asked, before, now=world.now).state is State.MET
    _forget(world, older_than_days=10)
    after = world.one(asked)
    assert judge(asked, after, now=world.now).state is State.MET
    columns = {each["name"]: each["state"] for each in after.detail["drift"]["columns"]}
    assert {"amount", "city", "text: length", "text: language"} <= columns.keys()
    assert "drifted" not in columns.values()


def test_no_value_that_fewer_than_five_users_had_is_kept(world: Any, claim: Any, shelf: Shelf) -> None:
    _slow_drift(world, names=("Ana Lind", "Ana Lind", "Tom Reyes"))
    asked = _monitor(claim, at_most=0.9)
    world.one(asked)
    (kept,) = shelf.held.values()
    assert "Bonn" in kept
    assert "Ana" not in kept
    assert "Tom" not in kept
    assert world.product in next(iter(shelf.held))
    _forget(world, older_than_days=10)
    columns = {each["name"]: each for each in world.one(asked).detail["drift"]["columns"]}
    assert columns["city"]["state"] != "drifted", "rare values must be expected of later ones too"


def test_records_that_are_still_there_are_read_and_the_first_reference_stays(
    world: Any, claim: Any, shelf: Shelf
) -> None:
    _slow_drift(world)
    asked = _monitor(claim, signal="input/amount", method="ks", at_most=0.12)
    world.one(asked)
    first = dict(shelf.held)
    _calls(world, ago=40.5 * _DAY, scale=3.0, seed=9)  # came late
    piece = world.one(asked)
    assert piece.detail["reference"].startswith("its own first calls, 2026-10-30 23:59")
    assert shelf.held == first


def test_a_classifier_says_what_it_learnt_from_when_the_first_calls_are_gone(
    world: Any, claim: Any, shelf: Shelf
) -> None:
    _slow_drift(world)
    asked = _monitor(claim, method="classifier", at_most=0.55, unit="ratio")
    world.one(asked)
    _forget(world, older_than_days=10)
    piece = world.one(asked)
    assert piece.value is not None
    assert piece.detail["classified_against"].startswith(
        "its earliest calls that are still there, 2026-11-15"
    )
    _forget(world, older_than_days=5)
    nothing = world.one(asked)
    assert nothing.value is None
    assert "past their retention" in nothing.detail["reason"]


def test_a_window_that_is_not_yet_full_is_not_kept(world: Any, claim: Any, shelf: Shelf) -> None:
    _calls(world, ago=1.4 * _DAY, scale=1.0, seed=1)
    _calls(world, ago=0.5 * _DAY, scale=1.0, seed=2)
    assert world.one(_monitor(claim, at_most=0.9)).detail["reference_records"] == 400
    assert shelf.held == {}


@pytest.mark.parametrize("held", ['{"since": "then"}', '{"since": "2026-10-31T00:00:00+00:00"}', "[]"])
def test_a_damaged_reference_is_said_and_proves_nothing(
    world: Any, claim: Any, shelf: Shelf, held: str
) -> None:
    _slow_drift(world)
    asked = _monitor(claim, at_most=0.9)
    world.one(asked)
    shelf.held = dict.fromkeys(shelf.held, held)
    piece = world.one(asked)
    assert piece.value is None
    assert "the reference is damaged" in piece.detail["reason"]
