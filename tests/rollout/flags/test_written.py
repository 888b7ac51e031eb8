"""Flags read from files: what is said there, and every mistake with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.errors import InputError
from launchworthy.rollout.flags import (
    compiled,
    flag_version,
    flags_document,
    flags_version,
    read_flags,
    read_flags_file,
)

FILE = """\
product: shop
segments:
  staff: [ana, bob]
holdouts:
  q4: {share: 5 %}
flags:
  refund-tone:
    variants: {plain: false, warm: true}
    unit: account
    algorithm: flagd@2
    holdout: q4
    sticky: true
    overrides: {acme: true}
    namespace: {name: page, from: 0, to: 50 %}
    rules:
      - {name: staff, segments: staff, serve: true}
      - {name: half, when: {country: [DE, AT], age: {at_least: 18}}, split: {plain: 1, warm: 3}, share: 20 %}
"""


def test_a_file_says_what_it_says_and_is_the_same_when_written_back(tmp_path: Path) -> None:
    path = tmp_path / "flags.yaml"
    path.write_text(FILE)
    found = read_flags_file(path)
    flag = found.flags["refund-tone"]
    assert (flag.otherwise, flag.off, flag.overrides) == ("plain", "plain", {"acme": "warm"})
    assert flag.rules[1].share == 0.2
    assert [(each.low, round(each.high, 3), each.variant) for each in flag.rules[1].ranges] == [
        (0.0, 0.05, "plain"),
        (0.25, 0.4, "warm"),
    ]
    document = json.loads(json.dumps(flags_document(found)))
    assert read_flags(document) == found
    assert flags_version(read_flags(document)) == flags_version(found)
    (tmp_path / "flags.json").write_text(json.dumps(document))
    assert read_flags_file(tmp_path / "flags.json") == found


def test_the_order_of_a_split_decides_who_has_what_and_is_part_of_the_version() -> None:
    one = read_flags(_with(variants=["old", "new"], rules=[{"split": {"old": 1, "new": 1}}]))
    other = read_flags(_with(variants=["old", "new"], rules=[{"split": {"new": 1, "old": 1}}]))
    assert compiled(one.flags["tone"], one)("ana", {}).variant == "new"
    assert compiled(other.flags["tone"], other)("ana", {}).variant == "old"
    assert flag_version(one.flags["tone"], one) != flag_version(other.flags["tone"], other)
    assert flags_version(one) != flags_version(other)


def test_a_switch_that_is_off_is_off_wherever_its_variants_stand() -> None:
    flag = read_flags(_with(variants={"on": True, "off": False}, rules=[])).flags["tone"]
    assert (flag.off, flag.otherwise) == ("off", "off")
    flag = read_flags(_with(variants={"on": True, "off": False}, off="on", rules=[])).flags["tone"]
    assert (flag.off, flag.otherwise) == ("on", "on")


def test_places_are_written_back_as_they_were_read() -> None:
    places = {"a": [[0.0, 0.25], [0.75, 1.0]], "b": [[0.25, 0.5]]}
    found = read_flags(_with(rules=[{"split": places}]))
    assert flags_document(found)["flags"]["tone"]["rules"][0]["split"] == places
    assert read_flags(flags_document(found)) == found


def _with(**flag: Any) -> dict[str, Any]:
    return {"product": "shop", "flags": {"tone": {"variants": ["a", "b"], **flag}}}


@pytest.mark.parametrize(
    ("document", "place", "said"),
    [
        ([], "", "it is a mapping"),
        ({}, "product", "a text"),
        ({"product": "shop", "flag": {}}, "", "no field 'flag'; did you mean 'flags'?"),
        ({"product": "shop", "flags": {"a b": {"variants": ["a"]}}}, "flags.a b", "cannot be the key"),
        ({"product": "shop", "flags": {"tone": {}}}, "flags.tone.variants", "at least one variant"),
        (_with(variants={"a": 1, "b": "x"}), "flags.tone.variants", "of one type, not integer and string"),
        (_with(variants={"a": None}), "flags.tone.variants.a", "cannot be the value"),
        (_with(variants={"a": float("nan")}), "flags.tone.variants.a", "cannot be the value"),
        (_with(variants={"a": {"x": {1, 2}}}), "flags.tone.variants.a", "an object of JSON values"),
        (_with(variants={"a": 2**63}), "flags.tone.variants.a", "cannot be the value"),
        (_with(variants={"a": {"x": [2**64]}}), "flags.tone.variants.a", "an object of JSON values"),
        (_with(otherwise="c"), "flags.tone.otherwise", "no variant 'c'"),
        (_with(algorithm="md5"), "flags.tone.algorithm", "no bucketing algorithm 'md5'"),
        (_with(holdout="q4"), "flags.tone.holdout", "no holdout 'q4'"),
        (_with(generation=0), "flags.tone.generation", "a whole number from 1 on"),
        (_with(enabled="yes"), "flags.tone.enabled", "true or false"),
        (_with(overrides={"ana": "c"}), "flags.tone.overrides.ana", "no variant 'c'"),
        (_with(namespace={"name": "p", "from": 0.5, "to": 0.5}), "flags.tone.namespace", "no part of it"),
        (_with(rules={}), "flags.tone.rules", "it is a list"),
        (_with(rules=[{}]), "flags.tone.rules[0]", "one of serve and split"),
        (_with(rules=[{"serve": "a", "split": {"a": 1}}]), "flags.tone.rules[0]", "one of serve and split"),
        (_with(rules=[{"serve": "a", "share": 0.1}]), "flags.tone.rules[0].share", "only a split"),
        (_with(rules=[{"split": {"a": 0}}]), "flags.tone.rules[0].split", "more than nothing"),
        (_with(rules=[{"split": {"a": -1}}]), "flags.tone.rules[0].split.a", "a weight"),
        (_with(rules=[{"split": {"a": "1e999"}}]), "flags.tone.rules[0].split", "more than nothing"),
        (_with(rules=[{"split": {"a": [0, 0.4], "b": 1}}]), "flags.tone.rules[0].split.b", "it is a list"),
        (_with(rules=[{"split": {"a": [0, 0.4, 1]}}]), "flags.tone.rules[0].split.a", "pairs such as"),
        (_with(rules=[{"split": {"a": []}}]), "flags.tone.rules[0].split.a", "pairs such as"),
        (_with(rules=[{"split": {"a": [[0, 0.4], 1]}}]), "flags.tone.rules[0].split.a", "pairs such as"),
        (_with(rules=[{"split": {"a": [0.4, 0.4]}}]), "flags.tone.rules[0].split.a", "is no place"),
        (_with(rules=[{"split": {"a": [0, 2]}}]), "flags.tone.rules[0].split.a", "a share"),
        (
            _with(rules=[{"split": {"a": [0, 0.4], "b": [0.3, 1]}}]),
            "flags.tone.rules[0].split",
            "share places",
        ),
        (
            _with(rules=[{"split": {"a": [0, 0.4]}, "share": 0.5}]),
            "flags.tone.rules[0].share",
            "by places has no share",
        ),
        (_with(rules=[{"split": {"a": 1}, "share": 1.5}]), "flags.tone.rules[0].share", "a share"),
        (_with(rules=[{"split": {"a": 1}, "share": "nan"}]), "flags.tone.rules[0].share", "a share"),
        (_with(rules=[{"serve": "a", "name": "x"}] * 2), "flags.tone.rules[1].name", "two rules"),
        (_with(rules=[{"serve": "a", "segments": "x"}]), "flags.tone.rules[0].segments", "no segment 'x'"),
        (
            _with(rules=[{"serve": "a", "when": {"x": {"equals": 1}}}]),
            "flags.tone.rules[0].when.x",
            "no operator 'equals'",
        ),
        (
            _with(rules=[{"serve": "a", "when": {"x": {"above": "1"}}}]),
            "flags.tone.rules[0].when.x",
            "number",
        ),
        (
            _with(rules=[{"serve": "a", "when": {"x": {"matches": "("}}}]),
            "flags.tone.rules[0].when.x",
            "is no pattern: unclosed group",
        ),
        (
            _with(rules=[{"serve": "a", "when": {"x": {"matches": r"(a)\1"}}}]),
            "flags.tone.rules[0].when.x",
            "backreferences are not supported",
        ),
        (
            _with(rules=[{"serve": "a", "when": {"x": {"matches": "((a{1000}){1000}){1000}"}}}]),
            "flags.tone.rules[0].when.x",
            "exceeds size limit",
        ),
        (
            _with(rules=[{"serve": "a", "when": {"x": {"in": [{}]}}}]),
            "flags.tone.rules[0].when.x",
            "one text",
        ),
    ],
)
def test_a_mistake_is_named_at_its_place(document: Any, place: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_flags(document)
    assert caught.value.where == place
    assert said in caught.value.message


def test_flags_in_the_same_part_of_a_namespace_are_refused() -> None:
    def two(**second: Any) -> dict[str, Any]:
        flag = {"variants": ["a"], "namespace": {"name": "page", "from": 0, "to": 0.5}}
        return {"product": "shop", "flags": {"one": flag, "two": flag | second}}

    with pytest.raises(InputError, match="two and one are in the same part of page"):
        read_flags(two())
    apart = {"namespace": {"name": "page", "from": 0.5, "to": 1}}
    assert len(read_flags(two(**apart)).flags) == 2
    with pytest.raises(InputError, match="do not exclude each other"):
        read_flags(two(**apart, unit="account"))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("flags.yaml", "product: shop\nflags: {tone: [", "not YAML"),
        ("flags.yaml", "product: shop\nproduct: shop\n", "not YAML"),
        ("flags.json", "{", "cannot be parsed"),
        ("flags.json", '{"product": NaN}', "NaN is no JSON"),
        ("flags.json", "[" * 100_000, "cannot be parsed"),
        ("flags.yaml", "", "it is a mapping"),
    ],
)
def test_a_file_that_is_none_says_which_and_why(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_flags_file(path)
    assert str(path) in caught.value.where
    assert said in caught.value.message


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_flags_file(tmp_path / "flags.yaml")
    (tmp_path / "flags.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read_flags_file(tmp_path / "flags.yaml")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_PARTS = ("variants", "rules", "overrides", "namespace", "otherwise", "share", "unit", "split", "when")


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(_PARTS), _JSON, max_size=4), _JSON)
def test_whatever_is_written_is_read_or_refused_and_never_breaks(flag: dict[str, Any], other: Any) -> None:
    for document in (other, {"product": "shop", "flags": {"tone": flag}, "segments": other}):
        try:
            read_flags(document)
        except InputError:
            continue
