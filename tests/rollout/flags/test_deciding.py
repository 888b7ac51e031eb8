"""What a unit gets: the order of decision, targeting, splits, namespaces, holdouts, sticky units."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from launchworthy.rollout.flags import Decision, MemorySticky, Reason, compiled, read_flags

UNITS = [f"user-{n}" for n in range(4_000)]


def decided(
    flag: dict[str, Any], unit: str = "ana", attributes: dict[str, Any] | None = None, **shared: Any
) -> Decision:
    flags = read_flags({"product": "shop", "flags": {"tone": flag}, **shared})
    return compiled(flags.flags["tone"], flags)(unit, attributes or {})


def test_a_flag_without_rules_has_one_value_for_everybody() -> None:
    found = decided({"variants": {"plain": 1, "warm": 2}, "otherwise": "warm"}, unit="")
    assert (found.value, found.variant, found.reason, found.rule) == (2, "warm", Reason.STATIC, "")


def test_the_kill_switch_is_above_everything() -> None:
    found = decided(
        {
            "variants": {"off": False, "on": True},
            "enabled": False,
            "overrides": {"ana": "on"},
            "rules": [{"serve": "on"}],
        }
    )
    assert (found.value, found.reason) == (False, Reason.DISABLED)


def test_a_testers_override_is_above_holdout_and_rules() -> None:
    flag = {
        "variants": ["a", "b"],
        "overrides": {"ana": "b"},
        "holdout": "q4",
        "rules": [{"split": {"a": 1}}],
    }
    held = {"holdouts": {"q4": {"share": "100 %"}}}
    assert decided(flag, "ana", **held).reason is Reason.OVERRIDE
    assert decided(flag, "bob", **held).reason is Reason.HOLDOUT
    assert decided(flag, "bob", **held).variant == "a"


def test_the_first_rule_that_matches_decides_and_a_split_lets_the_rest_go_on() -> None:
    flag = {
        "variants": ["old", "new", "staff"],
        "rules": [
            {"name": "staff", "segments": "staff", "serve": "staff"},
            {"name": "tenth", "split": {"new": 1}, "share": "10 %"},
        ],
    }
    segments = {"staff": {"when": {"email": {"ends_with": "@shop.example"}}, "exclude": ["eve"]}}
    made = read_flags({"product": "shop", "segments": segments, "flags": {"tone": flag}})
    evaluate = compiled(made.flags["tone"], made)
    assert evaluate("ana", {"email": "a@shop.example"}).rule == "staff"
    assert evaluate("eve", {"email": "e@shop.example"}).rule != "staff"
    found = Counter(evaluate(unit, {}).variant for unit in UNITS)
    assert 330 < found["new"] < 470  # 400, standard error 19
    assert found["staff"] == 0
    reasons = {evaluate(unit, {}).reason for unit in UNITS}
    assert reasons == {Reason.SPLIT, Reason.DEFAULT}


@pytest.mark.parametrize(
    ("when", "attributes", "expected"),
    [
        ({"country": "DE"}, {"country": "DE"}, True),
        ({"country": "DE"}, {"country": ["FR", "DE"]}, True),
        ({"country": "DE"}, {}, False),
        ({"country": ["DE", "AT"]}, {"country": "AT"}, True),
        ({"country": {"is_not": "DE"}}, {}, True),
        ({"country": {"not_in": ["DE"]}}, {"country": "DE"}, False),
        ({"paid": True}, {"paid": 1}, False),
        ({"age": {"is": 1}}, {"age": 1.0}, True),
        ({"age": {"at_least": 18, "below": 65}}, {"age": 18}, True),
        ({"age": {"at_least": 18, "below": 65}}, {"age": 65}, False),
        ({"age": {"at_least": 18}}, {"age": "18"}, False),
        ({"age": {"above": 0}}, {"age": float("nan")}, False),
        ({"age": {"at_most": 1}}, {"age": True}, False),
        ({"agent": {"matches": "(Mobile|Tablet)"}}, {"agent": "Android Mobile"}, True),
        ({"agent": {"matches": "^(a+)+$"}}, {"agent": "a" * 40 + "!"}, False),  # for ever, by trial and error
        ({"agent": {"matches": "^(a+)+$"}}, {"agent": "a" * 40}, True),
        ({"agent": {"matches": "."}}, {"agent": "\ud800"}, False),
        ({"agent": {"starts_with": "An"}}, {"agent": 7}, False),
        ({"tags": {"contains": "beta"}}, {"tags": ["beta"]}, True),
        ({"beta": {"exists": False}}, {}, True),
        ({"beta": {"exists": True}}, {"beta": False}, True),
        ({"beta": {"exists": True}}, {"beta": None}, False),
        ({"device.os": "ios"}, {"device": {"os": "ios"}}, True),
        ({"device.os": "ios"}, {"device.os": "ios"}, True),
        ({"device.os": "ios"}, {"device": "ios"}, False),
        ({"unit": ["ana", "bob"]}, {}, True),
        ({"v": {"version_at_least": "1.10"}}, {"v": "1.9.9"}, False),
        ({"v": {"version_at_least": "1.10"}}, {"v": "v1.10.0"}, True),
        ({"v": {"version_at_least": "1.10.0"}}, {"v": "1.10.0-beta.2"}, False),
        ({"v": {"version_below": "2.0.0-rc.1"}}, {"v": "2.0.0-beta.11"}, True),
        ({"v": {"version_below": "1.0.0-100"}}, {"v": "1.0.0-99"}, True),
        ({"v": {"version_below": "1.0.0"}}, {"v": "1.0.0+build.7"}, False),
    ],
)
def test_conditions(when: dict[str, Any], attributes: dict[str, Any], expected: bool) -> None:
    found = decided({"variants": ["no", "yes"], "rules": [{"when": when, "serve": "yes"}]}, "ana", attributes)
    assert (found.variant == "yes") is expected


def test_versions_are_ordered_as_growthbook_orders_them() -> None:
    """growthbook packages/sdk-js/test/cases.json, specVersion 0.5.4, versionCompare."""
    ordered = [
        ("0.9.99", "1.0.0"),
        ("0.9.0", "0.10.0"),
        ("1.0.0-99", "1.0.0-100"),
        ("1.0.0-alpha", "1.0.0-alpha.1"),
        ("1.0.0-alpha.1", "1.0.0-alpha.beta"),
        ("1.0.0-beta.2", "1.0.0-beta.11"),
        ("1.0.0-rc.1", "1.0.0"),
        ("1.2.3-4", "1.2.3"),
        ("2.7.2+asdf", "3.0.0"),
        ("9999.0.0", "10000.0.0"),
    ]
    for low, high in ordered:
        for value, least, expected in ((high, low, True), (low, high, False), (low, low, True)):
            rule = {"when": {"v": {"version_at_least": least}}, "serve": "yes"}
            found = decided({"variants": ["no", "yes"], "rules": [rule]}, "ana", {"v": value})
            assert (found.variant == "yes") is expected, (value, least)


def test_a_split_needs_somebody_to_split_by() -> None:
    flag = {"variants": ["a", "b"], "rules": [{"split": {"a": 1, "b": 1}}]}
    found = decided(flag, "")
    assert (found.variant, found.value, found.reason) == (None, None, Reason.UNIT_MISSING)
    by_account = flag | {"unit": "account"}
    assert decided(by_account, "ana").reason is Reason.UNIT_MISSING
    assert decided(by_account, "ana", {"account": 7}) is not None
    same = {decided(by_account, unit, {"account": "acme"}).variant for unit in UNITS[:50]}
    assert len(same) == 1


def test_splits_namespaces_and_shares_are_those_of_growthbooks_client() -> None:
    from growthbook import GrowthBook

    flag = {
        "variants": ["a", "b", "c"],
        "seed": "salt",
        "namespace": {"name": "page", "from": 0.2, "to": 0.7},
        "rules": [{"split": {"b": 0.2, "c": 0.8}, "share": 0.5}],
    }
    made = read_flags({"product": "shop", "flags": {"tone": flag}})
    evaluate = compiled(made.flags["tone"], made)
    rule = {
        "variations": ["b", "c"],
        "weights": [0.2, 0.8],
        "coverage": 0.5,
        "seed": "salt",
        "hashVersion": 2,
        "key": "tone",
        "filters": [{"seed": "__page", "ranges": [[0.2, 0.7]], "hashVersion": 2, "attribute": "id"}],
    }
    features = {"tone": {"defaultValue": "a", "rules": [rule]}}
    for unit in [*UNITS[:500], "Grüße", "😊"]:
        theirs = GrowthBook(attributes={"id": unit}, features=features)
        assert evaluate(unit, {}).value == theirs.get_feature_value("tone", None), unit
        theirs.destroy()


# growthbook packages/sdk-js/test/cases.json, specVersion 0.5.4, inNamespace.
NAMESPACES = [
    (user, name, *part, (part == (0.4, 1)) is not low)
    for user, name, low in (
        ("1", "namespace1", False),
        ("1", "namespace2", False),
        ("2", "namespace1", False),
        ("2", "namespace2", False),
        ("3", "namespace1", False),
        ("3", "namespace2", True),
        ("4", "namespace1", False),
        ("4", "namespace2", True),
    )
    for part in ((0, 0.4), (0.4, 1))
]


def test_a_namespace_that_came_from_growthbook_keeps_its_old_hash() -> None:
    assert len(NAMESPACES) == 16
    for user, name, low, high, within in NAMESPACES:
        space = {"name": name, "from": low, "to": high, "algorithm": "growthbook@1"}
        flag = {"variants": ["out", "in"], "namespace": space, "rules": [{"split": {"in": 1}}]}
        assert (decided(flag, user).variant == "in") is within, (user, name, low)


def test_a_split_by_places_is_that_of_optimizelys_client() -> None:
    from optimizely.bucketer import Bucketer

    flag = {
        "variants": ["none", "a", "b"],
        "algorithm": "optimizely",
        "seed": "experiment-7",
        "rules": [{"split": {"a": [0, 0.3], "b": [[0.3, 0.5], [0.9, 1]]}}],
    }
    made = read_flags({"product": "shop", "flags": {"tone": flag}})
    evaluate = compiled(made.flags["tone"], made)
    for unit in [*UNITS[:500], "Grüße"]:
        bucket = Bucketer()._generate_bucket_value(f"{unit}experiment-7")
        expected = "a" if bucket < 3_000 else "b" if bucket < 5_000 or bucket >= 9_000 else "none"
        assert evaluate(unit, {}).variant == expected


def test_flags_of_disjoint_parts_of_a_namespace_share_nobody() -> None:
    parts = {"one": {"from": 0, "to": 0.5}, "two": {"from": 0.5, "to": 1}}
    made = read_flags(
        {
            "product": "shop",
            "flags": {
                key: {
                    "variants": ["out", "in"],
                    "namespace": {"name": "page", **part},
                    "rules": [{"split": {"in": 1}}],
                }
                for key, part in parts.items()
            },
        }
    )
    evaluates = [compiled(flag, made) for flag in made.flags.values()]
    met = Counter(tuple(evaluate(unit, {}).variant for evaluate in evaluates) for unit in UNITS)
    assert set(met) == {("in", "out"), ("out", "in")}
    assert 1_850 < met["in", "out"] < 2_150


def test_a_holdout_is_the_same_people_for_every_flag_that_respects_it() -> None:
    made = read_flags(
        {
            "product": "shop",
            "holdouts": {"q4": {"share": "10 %"}},
            "flags": {
                key: {"variants": ["off", "on"], "holdout": "q4", "rules": [{"split": {"on": 1}}]}
                for key in ("one", "two")
            },
        }
    )
    one, two = (compiled(flag, made) for flag in made.flags.values())
    held = {unit for unit in UNITS if one(unit, {}).reason is Reason.HOLDOUT}
    assert 330 < len(held) < 470
    assert held == {unit for unit in UNITS if two(unit, {}).reason is Reason.HOLDOUT}


def test_two_flags_assign_the_same_units_independently() -> None:
    made = read_flags(
        {
            "product": "shop",
            "flags": {
                key: {"variants": ["a", "b"], "rules": [{"split": {"a": 1, "b": 1}}]}
                for key in ("one", "two")
            },
        }
    )
    one, two = (compiled(flag, made) for flag in made.flags.values())
    both = sum(one(unit, {}).variant == two(unit, {}).variant for unit in UNITS)
    assert 1_850 < both < 2_150  # 2,000, standard error 32


def test_a_sticky_unit_keeps_what_it_got_when_it_moves_away_and_a_new_generation_begins_anew() -> None:
    sticky = MemorySticky()

    def evaluate(**changes: Any) -> Any:
        flag = {
            "variants": ["a", "b", "c"],
            "sticky": True,
            "rules": [{"when": {"country": "DE"}, "split": {"b": 1, "c": 1}}],
            **changes,
        }
        made = read_flags({"product": "shop", "flags": {"tone": flag}})
        return compiled(made.flags["tone"], made, sticky=sticky)

    first = evaluate()("ana", {"country": "DE"})
    assert first.reason is Reason.SPLIT
    moved = evaluate()("ana", {"country": "FR"})
    assert (moved.variant, moved.reason) == (first.variant, Reason.STICKY)
    other = "b" if first.variant == "c" else "c"
    weights = evaluate(rules=[{"when": {"country": "DE"}, "split": {other: 1}}])
    assert weights("ana", {"country": "DE"}).variant == first.variant
    assert weights("new-here", {"country": "DE"}).variant == other
    anew = evaluate(generation=2, rules=[{"split": {other: 1}}])
    assert anew("ana", {}).variant == other


@pytest.mark.parametrize("algorithm", ["growthbook@2", "flagd@2", "flagd@cbor", "launchdarkly", "statsig"])
def test_a_split_is_what_it_says_under_every_algorithm(algorithm: str) -> None:
    flag = {
        "variants": ["a", "b", "c"],
        "algorithm": algorithm,
        "rules": [{"split": {"a": 50, "b": 30, "c": 20}}],
    }
    made = read_flags({"product": "shop", "flags": {"tone": flag}})
    evaluate = compiled(made.flags["tone"], made)
    found = Counter(evaluate(unit, {}).variant for unit in UNITS)
    for variant, share in (("a", 0.5), ("b", 0.3), ("c", 0.2)):
        assert abs(found[variant] - 4_000 * share) < 130  # 4 standard errors


def test_the_cache_key_changes_with_the_variant_and_with_the_flag() -> None:
    flag = {"variants": ["a", "b"], "overrides": {"bob": "b"}}
    one, other = decided(flag, "ana"), decided(flag, "bob")
    edited = decided(flag | {"variants": {"a": "x", "b": "y"}}, "ana")
    assert len({one.cache_key, other.cache_key, edited.cache_key}) == 3
    assert one.cache_key == decided(flag, "eve").cache_key
