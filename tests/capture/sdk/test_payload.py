from __future__ import annotations

import json
from collections import OrderedDict, UserDict, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from launchworthy.capture.sdk.payload import attribute, json_text

LIMIT = 10_000
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


class Colour(Enum):
    RED = "red"


class Order(BaseModel):
    number: int
    note: str | None = None


@dataclass
class Point:
    x: int
    y: Any


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("not today")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("nor ever")

    __hash__ = None  # type: ignore[assignment]


class Liar(dict[str, int]):
    def __len__(self) -> int:
        raise RuntimeError("how long is a string")


class Endless(list[int]):
    def __iter__(self) -> Any:
        while True:
            yield 1


@given(json_values)
def test_a_json_value_is_kept_as_it_is(value: Any) -> None:
    assert json.loads(json_text(value, limit=LIMIT)) == value


@given(st.text() | st.lists(st.text()) | st.dictionaries(st.text(), st.text()))
def test_any_text_gives_valid_unicode_json(value: Any) -> None:
    text = json_text(value, limit=LIMIT)
    text.encode("utf-8")
    json.loads(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Point(1, (2, 3)), {"x": 1, "y": [2, 3]}),
        (Order(number=7), {"number": 7}),
        (OrderedDict(a=1), {"a": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (UserDict(a=1), {"a": 1}),
        ({1: "a", None: "b"}, {"1": "a", "None": "b"}),
        ({"only"}, ["only"]),
        (Colour.RED, "red"),
        (b"abc", "<3 bytes>"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02 00:00:00+00:00"),
        (Decimal("1.50"), "1.50"),
        (Path("a/b"), "a/b"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (2**70, str(2**70)),
        (float("nan"), None),
        ("\ud800", "?"),
        (Hostile(), "<Hostile>"),
        (Liar(a=1), "<Liar: RuntimeError while it was read>"),
        (deque([1]), "deque([1])"),
        (len, "<built-in function len>"),
    ],
)
def test_other_values_are_told_in_their_usual_form(value: Any, expected: Any) -> None:
    assert json.loads(json_text(value, limit=LIMIT)) == expected


def test_a_cycle_is_cut_where_it_closes() -> None:
    value: dict[str, Any] = {"name": "a"}
    value["self"] = value
    value["list"] = [value, "end"]
    assert json.loads(json_text(value, limit=LIMIT)) == {
        "name": "a",
        "self": "<the same object again>",
        "list": ["<the same object again>", "end"],
    }
    shared = [1]
    assert json.loads(json_text([shared, shared], limit=LIMIT)) == [[1], [1]]


def test_deep_and_endless_values_end() -> None:
    deep: Any = "core"
    for _ in range(5_000):
        deep = [deep]
    assert "<list>" in json_text(deep, limit=LIMIT)
    assert len(json_text(Endless(), limit=LIMIT)) < 3 * LIMIT
    wide: Any = "x"
    for _ in range(10):
        wide = [wide] * 50
    assert len(json_text(wide, limit=LIMIT)) < 10 * LIMIT  # whole, it would be 50**10 entries


@given(st.text(min_size=200, max_size=400), st.integers(10, 100))
def test_a_long_text_is_cut_and_says_by_how_much(text: str, limit: int) -> None:
    found = json.loads(json_text(text, limit=limit))
    assert found.endswith(f"… ({len(text) - limit:d} more characters)")


def test_a_long_list_says_how_many_more() -> None:
    found = json.loads(json_text(list(range(5_000)), limit=LIMIT))
    assert found[:3] == [0, 1, 2]
    assert found[-1] == f"… {5_000 - len(found) + 1} more"


def test_a_list_that_changes_later_does_not_change_the_record() -> None:
    messages = ["a"]
    text = json_text(messages, limit=LIMIT)
    messages.append("b")
    assert text == '["a"]'


@pytest.mark.parametrize("value", [True, 3, 2.5, "text", (1, 2)])
def test_simple_attributes_stay_as_they_are(value: Any) -> None:
    assert attribute(value, limit=LIMIT) == value


def test_other_attributes_become_json_text() -> None:
    assert attribute({"a": [1]}, limit=LIMIT) == '{"a":[1]}'
    assert attribute([1, None], limit=LIMIT) == "[1,null]"
    assert attribute([], limit=LIMIT) == ()
