from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchworthy.contract import parse_contract
from launchworthy.errors import ContractError, InputError
from launchworthy.gold import (
    GoldItem,
    GoldVersion,
    Review,
    ReviewStatus,
    freeze,
    looks_spent,
    read_items,
    sealed_remark,
    split_of,
)

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
