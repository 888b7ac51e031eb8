"""Columns as counts: edges are fixed, counts add up, and what is written is read again."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.errors import InputError
from launchworthy.monitor.drifting import Categories, Numbers, Profile, categories_of, numbers_of

_VALUES = st.lists(
    st.one_of(
        st.floats(allow_nan=True, allow_infinity=True, width=64),
        st.integers(-5, 5).map(float),
        st.sampled_from([0.0, -0.0, 1e-300, 1e300, -1e300]),
    ),
    min_size=1,
    max_size=120,
)


@settings(max_examples=120)
@given(_VALUES, _VALUES)
def test_every_value_is_in_the_bin_that_a_sorted_search_finds(
    reference: list[float], values: list[float]
) -> None:
    column = numbers_of("x", np.array(reference))
    finite = [value for value in reference if abs(value) < 1e100]
    if not finite:
        assert column is None
        return
    assert column is not None
    x = np.array(values)
    counted = column.count(x)[0]
    known = x[np.abs(x) < 1e100]
    expected = np.bincount(
        np.searchsorted(column.edges, known, side="right"), minlength=column.edges.size + 1
    )
    assert counted.counts.tolist() == expected.tolist()
    assert counted.missing == int(np.isnan(x).sum())
    assert counted.rows == x.size
    assert counted.beyond == int(((x < min(finite)) | (x > max(finite))).sum())


@settings(max_examples=60)
@given(_VALUES, _VALUES, _VALUES)
def test_hours_add_up_to_the_day(reference: list[float], morning: list[float], evening: list[float]) -> None:
    column = numbers_of("x", np.array([*reference, 1.0, 2.0]))
    assert column is not None
    parts = [column.count(np.array(each))[0] for each in (morning, evening)]
    whole = column.count(np.array([*morning, *evening]))[0]
    added = parts[0] + parts[1]
    assert added.counts.tolist() == whole.counts.tolist()
    assert (added.rows, added.missing, added.beyond) == (whole.rows, whole.missing, whole.beyond)


def test_parts_are_counted_in_one_pass_as_they_are_one_by_one() -> None:
    rng = np.random.default_rng(1)
    values, codes = rng.normal(size=200_000), rng.integers(0, 3, size=200_000)
    values[::97] = np.nan
    column = numbers_of("x", values[:1_000])
    assert column is not None
    for code, part in enumerate(column.count(values, codes=codes, parts=3)):
        alone = column.count(values[codes == code])[0]
        assert part.counts.tolist() == alone.counts.tolist()
        assert part.sums == pytest.approx(alone.sums)
        assert (part.rows, part.missing, part.beyond) == (alone.rows, alone.missing, alone.beyond)


def test_new_names_rare_names_and_missing_ones_are_three_things() -> None:
    reference: dict[str | None, int] = {None: 7, "once": 1}
    reference.update({f"v{number}": 100 - number for number in range(60)})
    column = categories_of("c", reference)
    assert column is not None
    assert column.singles == 1
    assert column.new == 0
    now = column.count({"v0": 5, "v59": 2, "brand new": 4, None: 1})
    assert (now.rows, now.missing, now.new) == (12, 1, 4)
    assert now.newest == ("brand new",)
    assert now.counts[-1] == 2 + 4, "rare and new ones are the others"
    more = now + column.count({"other": 1})
    assert more.new == 5
    assert more.newest == ("brand new", "other")


def test_columns_over_other_edges_are_not_added() -> None:
    one, other = numbers_of("x", np.arange(100.0)), numbers_of("x", np.arange(50.0))
    assert one is not None
    assert other is not None
    with pytest.raises(InputError, match="other edges"):
        one + other
    first, second = categories_of("x", {"a": 1}), categories_of("x", {"b": 1})
    assert first is not None
    assert second is not None
    with pytest.raises(InputError, match="other edges"):
        first + second


def _profile() -> Profile:
    numbers = numbers_of("amount", np.random.default_rng(1).lognormal(size=2_000))
    names = categories_of("country", {"de": 50, "fr": 30, None: 3})
    assert numbers is not None
    assert names is not None
    return Profile(rows=2_000, columns={"amount": numbers, "country": names}, left_out={"when": "a time"})


def test_what_is_kept_is_read_again_with_every_digit() -> None:
    profile = _profile()
    read = Profile.from_json(json.loads(json.dumps(profile.as_json(), allow_nan=False)), where="kept.json")
    assert read.rows == profile.rows
    assert read.left_out == profile.left_out
    old, new = (each.columns["amount"] for each in (profile, read))
    assert isinstance(old, Numbers)
    assert isinstance(new, Numbers)
    assert new.edges.tolist() == old.edges.tolist()
    assert new.counts.tolist() == old.counts.tolist()
    assert isinstance(read.columns["country"], Categories)
    assert json.dumps(read.as_json()) == json.dumps(profile.as_json())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda plain: plain.pop("format"),
        lambda plain: plain.pop("rows"),
        lambda plain: plain["columns"][0].pop("edges"),
        lambda plain: plain["columns"][0]["edges"].reverse(),
        lambda plain: plain["columns"][0]["counts"].append(1),
        lambda plain: plain["columns"][0]["counts"].__setitem__(0, -1),
        lambda plain: plain["columns"][0]["counts"].__setitem__(0, 10**30),
        lambda plain: plain["columns"][0]["sums"].__setitem__(0, float("nan")),
        lambda plain: plain["columns"][0].__setitem__("low", float("inf")),
        lambda plain: plain["columns"][1].__setitem__("rows", True),
        lambda plain: plain["columns"][1].__setitem__("names", 3),
        lambda plain: plain.__setitem__("columns", {"a": 1}),
        lambda plain: plain.__setitem__("left_out", []),
    ],
)
def test_a_damaged_reference_is_refused_by_name(spoil: Any) -> None:
    plain = _profile().as_json()
    spoil(plain)
    with pytest.raises(InputError) as caught:
        Profile.from_json(plain, where="kept.json")
    assert "kept.json" in str(caught.value)
