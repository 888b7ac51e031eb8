from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.errors import InputError, NotFoundError
from launchworthy.gold import (
    GoldItem,
    GoldVersion,
    diff,
    find_version,
    freeze,
    gold_jsonl,
    load_gold,
    looks_spent,
    read_items,
    split_of,
)

NOW = datetime(2026, 11, 24, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=4,
)
ITEMS = st.builds(
    GoldItem,
    id=NAMES,
    input=TEXT.filter(lambda text: bool(text.strip())),
    expected=JSON,
    slices=st.lists(NAMES, max_size=3).map(lambda names: tuple(sorted(set(names)))),
    split=st.sampled_from(["dev", "holdout"]),
    cluster=st.none() | NAMES,
    answerable=st.none(),
    context=JSON,
    meta=st.dictionaries(st.sampled_from(["question", "answer", "tags", "author", "x"]), JSON, max_size=2),
)
SETS = st.lists(
    ITEMS, min_size=1, max_size=6, unique_by=(lambda i: i.id, lambda i: " ".join(i.input.split()))
)


def _freeze(items: Any, name: str = "answer") -> tuple[GoldVersion, tuple[GoldItem, ...]]:
    return freeze(items, product="docs", name=name, created_at=NOW)


@settings(max_examples=60, deadline=None)
@given(SETS, st.randoms())
def test_a_version_is_its_content_in_any_order_and_survives_a_file(
    items: list[GoldItem], random: Any
) -> None:
    version, ordered = _freeze(items)
    shuffled = list(items)
    random.shuffle(shuffled)
    assert _freeze(shuffled)[0] == version
    with TemporaryDirectory() as folder:
        path = Path(folder) / "gold.jsonl"
        path.write_text(gold_jsonl(items), encoding="utf-8")
        assert _freeze(load_gold(path)) == (version, ordered)


@settings(max_examples=60, deadline=None)
@given(SETS, SETS)
def test_a_difference_is_complete(old: list[GoldItem], new: list[GoldItem]) -> None:
    found = diff(old, new)
    before, after = {i.id for i in old}, {i.id for i in new}
    assert set(found.added) == after - before
    assert set(found.removed) == before - after
    assert found.same + len(found.changed) == len(before & after)
    nothing = not (found.added or found.removed or found.changed)
    assert nothing == (_freeze(old)[0].version == _freeze(new)[0].version)
    back = diff(new, old)
    assert (back.added, back.removed) == (found.removed, found.added)
    assert [c.id for c in back.changed] == [c.id for c in found.changed]


def test_a_difference_names_fields_and_slices() -> None:
    old = GoldItem(id="q", input="a", expected=1, slices=("plain",), meta={"by": "ana"})
    new = GoldItem(id="q", input="a", expected=True, slices=("odd",), meta={})
    (change,) = diff([old], [new]).changed
    assert change.fields == ("by", "expected", "slices")
    assert (change.left, change.joined) == (("plain",), ("odd",))


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_holdout_only_takes(item_id: str, one: float, other: float) -> None:
    small, large = sorted((one, other))
    item_id = item_id.encode("utf-8", "replace").decode()
    if split_of(item_id, holdout=small) == "holdout":
        assert split_of(item_id, holdout=large) == "holdout"
    assert split_of(item_id, holdout=0) == "dev"
    assert split_of(item_id, holdout=1) == "holdout"


def test_the_split_has_about_its_share_and_never_moves() -> None:
    held = sum(split_of(f"q{n}") == "holdout" for n in range(5_000))
    assert 1_900 < held < 2_100
    assert [split_of(f"q{n}") for n in range(6)] == ["holdout", "dev", "dev", "dev", "dev", "holdout"]


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_0_to_1_is_refused(share: float) -> None:
    with pytest.raises(InputError):
        split_of("q", holdout=share)


@pytest.mark.parametrize("name", ["", "a@b", "../x", "a b", "x" * 101, "<b>"])
def test_a_name_that_cannot_be_referred_to_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot name a gold set"):
        _freeze([GoldItem(id="q", input="a")], name=name)


def test_items_that_json_cannot_hold_are_refused() -> None:
    for wrong in (float("nan"), {1, 2}, "\ud800"):
        with pytest.raises(InputError):
            _freeze([GoldItem(id="q", input="a", expected=wrong)])
    with pytest.raises(InputError, match="twice"):
        _freeze([GoldItem(id="q", input="a"), GoldItem(id="q", input="b")])
    with pytest.raises(InputError, match="at least one"):
        _freeze([])
    with pytest.raises(InputError, match="meta may not hold"):
        _freeze([GoldItem(id="q", input="a", meta={"split": "dev"})])


def test_versions_are_found_by_name_and_first_characters(store: Any) -> None:
    with pytest.raises(NotFoundError, match="no gold set"):
        find_version(store, "answer", product="docs")
    for text in ("a", "b"):
        store.add_gold(*_freeze([GoldItem(id="q", input=text)]))
    newest, oldest = store.gold_versions(product="docs", name="answer")
    assert find_version(store, "answer", product="docs") == newest
    assert find_version(store, f"answer@{oldest.version[:6]}", product="docs") == oldest
    with pytest.raises(InputError, match="fits 2 versions"):
        find_version(store, "answer@g-", product="docs")
    with pytest.raises(NotFoundError, match="no version"):
        find_version(store, "answer@zzz", product="docs")


def _set(ids: range, *, text: str = "") -> tuple[GoldVersion, tuple[GoldItem, ...]]:
    return _freeze(
        [GoldItem(id=f"q{n}", input=f"{n}{text}", split="holdout" if n % 2 else "dev") for n in ids]
    )


def test_a_holdout_reading_is_recorded_before_it_happens_and_once_per_purpose(store: Any) -> None:
    version, items = _set(range(10))
    store.add_gold(version, items)
    store.log.clear()
    assert len(read_items(store, version, split="dev", by="ana", purpose="look", now=NOW)) == 5
    assert store.log == ["read dev"]
    store.log.clear()
    assert len(read_items(store, version, split="holdout", by="ana", purpose="run r1", now=NOW)) == 5
    assert store.log == ["look", "read holdout"]
    read_items(store, version, split="all", by="ana", purpose="run r1", now=NOW)
    read_items(store, version, split="all", by="ana", purpose="run r2", now=NOW)
    assert [look.purpose for look in looks_spent(store, version)] == ["run r1", "run r2"]
    with pytest.raises(InputError):
        read_items(store, version, split="test", by="ana", purpose="x", now=NOW)


def test_a_corrected_typo_does_not_refill_the_budget_and_new_items_do(store: Any) -> None:
    first, corrected, refreshed = _set(range(10)), _set(range(10), text="!"), _set(range(8, 30))
    for version, items in (first, corrected, refreshed):
        store.add_gold(version, items)
    for n in range(3):
        read_items(store, first[0], split="holdout", by="ana", purpose=f"r{n}", now=NOW)
    assert len(looks_spent(store, corrected[0])) == 3
    assert looks_spent(store, refreshed[0]) == []


def test_a_set_without_a_holdout_costs_no_look(store: Any) -> None:
    version, items = _freeze([GoldItem(id="q", input="a", split="dev")])
    store.add_gold(version, items)
    read_items(store, version, split="all", by="ana", purpose="x", now=NOW)
    assert looks_spent(store, version) == []


def test_an_exported_line_is_flat_json() -> None:
    line = gold_jsonl([GoldItem(id="q", input="ä", meta={"by": "ana"})])
    assert json.loads(line)["by"] == "ana"
    assert "ä" in line
