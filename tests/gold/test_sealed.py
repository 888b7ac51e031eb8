from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchworthy.contract import parse_contract
from launchworthy.contract.model.proof import Gold
from launchworthy.errors import ContractError, InputError
from launchworthy.gold import (
    GoldItem,
    GoldVersion,
    Review,
    ReviewStatus,
    SealedReadings,
    freeze,
    looks_spent,
    read_items,
    sealed_readings,
    sealed_remark,
    split_of,
)
from launchworthy.stats import clopper_pearson

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PROPOSED = Review(status=ReviewStatus.PROPOSED, by="ana", at=NOW)


def _add(store: Any, *, text: str = "", review: Review | None = None) -> GoldVersion:
    splits = ("dev", "holdout", "sealed")
    items = [
        GoldItem(id=f"q{n}", input=f"{n}{text}", split=splits[n % 3], review=review if n < 3 else None)
        for n in range(12)
    ]
    version, ordered = freeze(items, product="docs", name="answer", created_at=NOW)
    store.add_gold(version, ordered)
    return version


def _read(store: Any, version: GoldVersion, split: str, purpose: str, **more: Any) -> list[str]:
    items = read_items(store, version, split=split, by="ana", purpose=purpose, now=NOW, **more)
    return [item.id for item in items]


def test_nothing_but_the_gate_sees_a_sealed_item(store: Any) -> None:
    version = _add(store)
    sealed = {"q2", "q5", "q8", "q11"}
    for split in ("dev", "holdout", "all"):
        assert not sealed & set(_read(store, version, split, split))
    assert set(_read(store, version, "sealed", "gate r1", release="r1")) == sealed
    assert version.splits == {"dev": 4, "holdout": 4, "sealed": 4}


def test_a_second_reading_for_the_same_release_is_counted_and_told(store: Any) -> None:
    version = _add(store)
    for purpose in ("gate run-1", "gate run-1"):  # a run that is resumed pays once
        _read(store, version, "sealed", purpose, release="r1")
    assert sealed_remark(store, version, release="r1") is None
    _read(store, version, "sealed", "gate run-2", release="r2")
    assert sealed_remark(store, version, release="r2") is None
    _read(store, version, "sealed", "gate run-3", release="r1")
    assert "read 2 times for release r1" in (sealed_remark(store, version, release="r1") or "")
    assert [look.release for look in looks_spent(store, version, split="sealed")] == ["r1", "r2", "r1"]


def test_an_item_that_was_open_before_is_told_when_it_is_sealed(store: Any) -> None:
    splits = {"before": ("dev", "holdout", "sealed"), "after": ("sealed", "sealed", "sealed", "dev")}
    versions = []
    for days, each in enumerate(splits.values()):
        items = [GoldItem(id=f"q{n}", input=n, split=split) for n, split in enumerate(each)]
        at = NOW + timedelta(days=days)
        version, ordered = freeze(items, product="docs", name="answer", created_at=at)
        store.add_gold(version, ordered)
        versions.append(version)
    assert sealed_remark(store, versions[0], release="r1") is None
    told = sealed_remark(store, versions[1], release="r1") or ""
    assert told.startswith("2 of 3 sealed items stood in an open split of an earlier version")


def test_who_prints_the_sealed_items_spends_them_for_every_release(store: Any) -> None:
    version = _add(store)
    _read(store, version, "sealed", "gold show")
    _read(store, _add(store, text="!"), "sealed", "gate run-1", release="r9")  # a corrected set is not new
    assert "read 2 times" in (sealed_remark(store, version, release="r9") or "")


def test_a_sealed_reading_does_not_wear_the_holdout(store: Any) -> None:
    version = _add(store)
    _read(store, version, "sealed", "gate run-1", release="r1")
    assert looks_spent(store, version) == []
    _read(store, version, "all", "run 2")
    assert [look.purpose for look in looks_spent(store, version)] == ["run 2"]
    assert len(looks_spent(store, version, split="sealed")) == 1


def _edited(store: Any, *, fresh: int, prefix: str, rename: bool = False, day: int = 1) -> GoldVersion:
    """A set of ten sealed items, of which the first ``fresh`` are new and the others those of before."""
    items = [
        GoldItem(
            id=f"{prefix}-{n}" if rename or n < fresh else f"s{n}",
            input=f"{prefix} asks {n}" if n < fresh else f"question {n}",
            split="sealed",
        )
        for n in range(10)
    ]
    at = NOW + timedelta(days=day)
    version, ordered = freeze(
        [*items, GoldItem(id=f"note-{prefix}", input=prefix)], product="docs", name="answer", created_at=at
    )
    store.add_gold(version, ordered)
    return version


def test_each_release_that_is_tried_on_the_same_sealed_items_counts_for_all(store: Any) -> None:
    first = _edited(store, fresh=0, prefix="a")
    assert sealed_readings(store, first) == SealedReadings(times=0, releases=0, lineage=first.version)
    for number, release in enumerate(("r1", "r2", "r3", "r3")):
        _read(store, first, "sealed", f"gate {number}", release=release)
    assert sealed_readings(store, first) == SealedReadings(times=4, releases=3, lineage=first.version)
    _read(store, first, "sealed", "gold show")
    assert sealed_readings(store, first).times == 5
    assert sealed_readings(store, first).releases == 3


@pytest.mark.parametrize(
    ("fresh", "rename", "counted"),
    [(0, False, True), (5, False, True), (9, False, True), (0, True, True), (10, False, False)],
)
def test_an_unchanged_sealed_item_stays_seen_in_an_edited_set(
    store: Any, fresh: int, rename: bool, counted: bool
) -> None:
    first = _edited(store, fresh=0, prefix="a")
    _read(store, first, "sealed", "gate 1", release="r1")
    edited = _edited(store, fresh=fresh, prefix="b", rename=rename, day=2)
    found = sealed_readings(store, edited)
    assert (found.times, found.lineage) == ((1, first.version) if counted else (0, edited.version))
    _read(store, edited, "sealed", "gate 2", release="r2")
    assert sealed_readings(store, edited).times == 1 + counted
    assert sealed_readings(store, edited).lineage == found.lineage


def test_a_lineage_is_followed_through_sets_that_were_renewed_bit_by_bit(store: Any) -> None:
    first = _edited(store, fresh=0, prefix="a")
    _read(store, first, "sealed", "gate 1", release="r1")
    second = _edited(store, fresh=9, prefix="b", day=2)
    _read(store, second, "sealed", "gate 2", release="r2")
    items = [
        GoldItem(id=f"b-{n}", input=f"b asks {n}", split="sealed") if n < 9 else GoldItem(id="x", input="x")
        for n in range(10)
    ]
    third, ordered = freeze(items, product="docs", name="answer", created_at=NOW + timedelta(days=3))
    store.add_gold(third, ordered)
    assert sealed_readings(store, third) == SealedReadings(times=1, releases=1, lineage=first.version)


def test_the_default_budget_bounds_how_often_luck_passes_the_gate() -> None:
    """The exact chance that one of some releases, all just at the target, is called met on 200 items."""
    target, n = 0.9, 200
    lucky = sum(
        math.comb(n, good) * target**good * (1 - target) ** (n - good)
        for good in range(n + 1)
        if clopper_pearson(good, n=n, level=0.95, sides=1).low >= target
    )
    chance = {releases: 1 - (1 - lucky) ** releases for releases in (1, 5, 50)}
    assert Gold().sealed_looks == 5
    assert {number: round(100 * share) for number, share in chance.items()} == {1: 3, 5: 15, 50: 80}


def test_what_waits_for_review_is_neither_asked_nor_counted(store: Any) -> None:
    version = _add(store, review=PROPOSED)
    assert version.waiting == 3
    assert version.splits == {"dev": 3, "holdout": 3, "sealed": 3}
    assert "q1" not in _read(store, version, "all", "run 1")
    assert "q1" in _read(store, version, "all", "gold show", unreviewed=True)
    assert "q2" not in _read(store, version, "sealed", "gate", release="r1")


@given(st.text(), st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0, 0.5))
def test_both_shares_take_from_dev_and_never_from_each_other(
    item_id: str, holdout: float, one: float, other: float
) -> None:
    item_id = item_id.encode("utf-8", "replace").decode()
    small, large = sorted((one, other))
    before = split_of(item_id, holdout=holdout, sealed=small)
    after = split_of(item_id, holdout=holdout, sealed=large)
    assert before == after or (before, after) == ("dev", "sealed")
    assert (split_of(item_id, holdout=holdout) == "holdout") == (after == "holdout")


def test_a_sealed_share_is_about_its_share_and_both_may_not_be_more_than_all() -> None:
    found = [split_of(f"q{n}", holdout=0.4, sealed=0.2) for n in range(5_000)]
    assert 900 < found.count("sealed") < 1_100
    assert 1_900 < found.count("holdout") < 2_100
    with pytest.raises(InputError, match="more than all"):
        split_of("q", holdout=0.9, sealed=0.2)
    with pytest.raises(InputError, match="sealed share"):
        split_of("q", sealed=float("nan"))


CONTRACT = """launchworthy: 1
product: docs-bot
owners: {product: ana@example.com}
workflows:
  answer:
    user: developer
    job: find the function that does what I need
    no_answer: refuse
    quality:
      hit@5: {at_least: 80 %}
gold:
  answer: {slices: {plain: 300}, holdout: 40 %, sealed: SHARE}
"""


def test_a_contract_seals_a_share_that_the_holdout_leaves() -> None:
    assert parse_contract(CONTRACT.replace("SHARE", "20 %")).gold["answer"].sealed.value == 0.2
    assert parse_contract(CONTRACT.replace(", sealed: SHARE", "")).gold["answer"].sealed.value == 0.0
    with pytest.raises(ContractError, match="more than all items"):
        parse_contract(CONTRACT.replace("SHARE", "61 %"))
