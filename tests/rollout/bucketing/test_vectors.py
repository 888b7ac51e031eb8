"""Published vectors of the vendors, each with its source and version, to the last digit."""

from __future__ import annotations

import pytest

from launchworthy.errors import InputError
from launchworthy.rollout.bucketing import ALGORITHMS, algorithm, moved, spread

# growthbook/growthbook, packages/sdk-js/test/cases.json, specVersion 0.5.4, "hash": seed, value, bucket.
GROWTHBOOK_1 = [
    ("", "a", 0.22),
    ("", "b", 0.077),
    ("b", "a", 0.946),
    ("ef", "d", 0.652),
    ("asdf", "8952klfjas09ujk", 0.549),
    ("", "123", 0.011),
    ("", '___)((*":&', 0.563),
]
GROWTHBOOK_2 = [
    ("seed", "a", 0.0505),
    ("seed", "b", 0.2696),
    ("foo", "ab", 0.2575),
    ("foo", "def", 0.2019),
    ("89123klj", "8952klfjas09ujkasdf", 0.124),
    ("90850943850283058242805", "123", 0.7516),
    ("()**(%$##$%#$#", '___)((*":&', 0.0128),
]
# The same file, "getBucketRange": weights, coverage, ranges.
RANGES = [
    ((0.5, 0.5), 1.0, [(0, 0.5), (0.5, 1)]),
    ((0.5, 0.5), 0.5, [(0, 0.25), (0.5, 0.75)]),
    ((0.25, 0.25, 0.25, 0.25), 1.0, [(0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1)]),
    ((0.4, 0.6), 1.0, [(0, 0.4), (0.4, 1)]),
    ((0.2, 0.3, 0.5), 1.0, [(0, 0.2), (0.2, 0.5), (0.5, 1)]),
    ((0.2, 0.3, 0.5), 0.2, [(0, 0.04), (0.2, 0.26), (0.5, 0.6)]),
]
# flagd testbed, fractional examples tagged @fractional-v2: what stands before the unit, the unit, answer.
SUITS = (("clubs", 25), ("diamonds", 25), ("hearts", 25), ("spades", 25))
FLAGD_2 = [
    ("fractional-flag", "jack", SUITS, "hearts"),
    ("fractional-flag", "queen", SUITS, "spades"),
    ("fractional-flag", "ten", SUITS, "clubs"),
    ("fractional-flag", "nine", SUITS, "diamonds"),
    ("fractional-flag", "3", SUITS, "clubs"),
    ("shared-seed", "seven", SUITS, "hearts"),
    ("shared-seed", "eight", SUITS, "diamonds"),
    ("shared-seed", "nine", SUITS, "clubs"),
    ("shared-seed", "two", SUITS, "spades"),
    ("fractional-flag-shorthand", "jon@company.com", (("heads", 1), ("tails", 1)), "heads"),
    ("fractional-flag-shorthand", "jane@company.com", (("heads", 1), ("tails", 1)), "tails"),
    ("", "ejOoVL", (("lower", 50), ("upper", 50)), "lower"),  # hash 0x00000000
    ("", "bY9fO-", (("lower", 50), ("upper", 50)), "lower"),  # 0x00000001
    ("", "SI7p-", (("lower", 50), ("upper", 50)), "lower"),  # 0x7fffffff
    ("", "6LvT0", (("lower", 50), ("upper", 50)), "upper"),  # 0x80000000
    ("", "ceQdGm", (("lower", 50), ("upper", 50)), "upper"),  # 0xffffffff
]
# Unleash/client-specification, specifications/10-flexible-rollout-strategy.json: group, id, percent, enabled.
UNLEASH = [
    ("Feature.flexibleRollout.10", "174", 10, True),
    ("Feature.flexibleRollout.10", "499", 10, False),
    ("Feature.flexibleRollout.userId.55", "25", 55, True),
    ("Feature.flexibleRollout.sessionId.42", "147", 42, True),
]
# RFC 8949, appendix A: value, encoding. No client that hashes CBOR is installed, so its parts are shown.
CBOR = [
    (0, "00"),
    (23, "17"),
    (24, "1818"),
    (1000000, "1a000f4240"),
    (18446744073709551615, "1bffffffffffffffff"),
    (-1, "20"),
    (-1000, "3903e7"),
    (0.0, "f90000"),
    (1.5, "f93e00"),
    (100000.0, "fa47c35000"),
    (1.1, "fb3ff199999999999a"),
    (float("inf"), "f97c00"),
    (float("nan"), "f97e00"),
    (False, "f4"),
    (True, "f5"),
    (None, "f6"),
    ("", "60"),
    ("IETF", "6449455446"),
    ("\u00fc", "62c3bc"),
    ("\U00010151", "64f0908591"),
]


def test_growthbook() -> None:
    for name, vectors in (("growthbook@1", GROWTHBOOK_1), ("growthbook@2", GROWTHBOOK_2)):
        assert [algorithm(name).bucket(seed, value) for seed, value, _ in vectors] == [
            bucket for _, _, bucket in vectors
        ]


def test_growthbooks_ranges() -> None:
    for weights, coverage, expected in RANGES:
        found = spread({str(place): weight for place, weight in enumerate(weights)}, share=coverage)
        edges = [edge for each in found for edge in (each.low, each.high)]
        assert edges == pytest.approx([edge for pair in expected for edge in pair], abs=1e-12)


def test_flagds_fractional() -> None:
    for before, unit, weights, expected in FLAGD_2:
        bucket, end = algorithm("flagd@2").bucket(before, unit, total=sum(w for _, w in weights)), 0
        for variant, weight in weights:
            end += weight
            if bucket < end:
                assert variant == expected, (before, unit)
                break
        by_position = algorithm("flagd@2").position(before, unit)
        ranges = spread(dict(weights))
        assert next(r.variant for r in ranges if r.low <= by_position < r.high) == expected


def test_unleashes_gradual_rollout() -> None:
    for group, unit, percent, enabled in UNLEASH:
        assert (algorithm("unleash").bucket(group, unit) <= percent) is enabled


def test_canonical_cbor() -> None:
    from launchworthy.rollout.bucketing.hashing import canonical_cbor

    for value, expected in CBOR:
        assert canonical_cbor(value).hex() == expected
    assert canonical_cbor("x" * 24).hex()[:4] == "7818"


def test_a_generation_of_flagd_differs_from_the_next_and_takes_numbers_as_themselves() -> None:
    cbor, raw = algorithm("flagd@cbor"), algorithm("flagd@2")
    units = [f"user-{n}" for n in range(200)]
    same = sum(cbor.bucket("flag", unit, total=2) == raw.bucket("flag", unit, total=2) for unit in units)
    assert 60 < same < 140  # by chance alone
    assert cbor.bucket("flag", 7) != cbor.bucket("flag", "7")
    assert cbor.bucket("", True, total=10**6) != cbor.bucket("", "True", total=10**6)
    assert raw.bucket("flag", 7) == raw.bucket("flag", "7")


def test_units_that_a_vendor_cannot_put_into_buckets_are_refused_with_the_reason() -> None:
    for name in ALGORITHMS:
        if name == "flagd@cbor":
            continue
        for unit in (True, 1.5, None):
            with pytest.raises(InputError, match="texts and whole numbers"):
                algorithm(name).bucket("flag", unit)
    with pytest.raises(InputError, match="64 bits"):
        algorithm("flagd@cbor").bucket("flag", 2**64)
    with pytest.raises(InputError, match="did you mean 'growthbook@2'"):
        algorithm("growthbok@2")
    for total in (0, -1, 2**31):
        with pytest.raises(InputError, match="total weight"):
            algorithm("flagd@2").bucket("flag", "ana", total=total)


def test_half_a_surrogate_pair_ends_nothing() -> None:
    for name in ALGORITHMS:
        assert algorithm(name).position("flag", "ana\ud83d") == algorithm(name).position("flag", "ana\ud83d")


def test_more_of_a_split_takes_a_variant_from_nobody_and_other_weights_are_seen_to() -> None:
    tenth, half = spread({"a": 1, "b": 1}, share=0.1), spread({"a": 1, "b": 1}, share=0.5)
    assert moved(tenth, half) == 0
    assert moved(half, tenth) == pytest.approx(0.4)
    assert moved(spread({"a": 1, "b": 1}), spread({"a": 3, "b": 1})) == pytest.approx(0.25)
    assert moved(spread({"a": 1, "b": 1}), spread({"b": 1, "a": 1})) == 1.0
    thirds = spread({"a": 1, "b": 1, "c": 1})
    assert moved(thirds, thirds) == 0
    assert thirds[-1].high == 1.0
