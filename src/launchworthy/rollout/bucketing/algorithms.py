"""Bucketing algorithms by name and version; the name is stored with a flag and never changed under it.

A unit's position is a number in 0 to 1 (1 itself only where a vendor's own rounding gives it); its bucket is
the number that the vendor's client works with. May import this room and ``errors``.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from launchworthy.errors import InputError
from launchworthy.rollout.bucketing.hashing import (
    FNV_OFFSET,
    FNV_PRIME,
    canonical_cbor,
    code_units,
    fnv1a32,
    murmur3_32,
    utf8,
)

__all__ = ["ALGORITHMS", "DEFAULT", "Algorithm", "Position", "algorithm"]

Position = Callable[[str], float]
Scalar = str | int | float | bool | None

DEFAULT = "growthbook@2"
_MASK = 0xFFFFFFFF
_SCALE_60 = float(0xFFFFFFFFFFFFFFF)
_SHORT = 16
_MOST_WEIGHT = 2**31 - 1
_UNLEASH_VARIANTS = 86_028_157  # seed of the hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """How one vendor, in one version, puts units into buckets.

    Attributes:
        name: ``growthbook@2`` …
        source: Where it is written down.
        seeded: What the seed is, in the vendor's words.
        prepared: Seed → function from a unit to its position. Preparing hashes the seed once.
        buckets: How many the vendor counts, from ``first`` on; 0: it works with the position itself.
        first: Number of the first bucket.
        weighed: Hash of 32 bits and total weight → bucket, for vendors whose buckets depend on the weights.
        hashed: Seed and unit → that hash.
        total: Total weight where none is named.
        any_scalar: Units may be numbers and truth values as themselves, not as their text.
    """

    name: str
    source: str
    seeded: str
    prepared: Callable[[str], Position]
    buckets: int = 0
    first: int = 0
    weighed: Callable[[int, int], int] | None = None
    hashed: Callable[[str, Scalar], int] | None = None
    total: int = 0
    any_scalar: bool = False

    def position(self, seed: str, value: Scalar) -> float:
        """Where a unit falls under a seed.

        Raises:
            InputError: The unit is of a type that the vendor does not put into buckets.
        """
        unit = self._unit(value)
        if not isinstance(unit, str):
            return _cbor_hash(seed, unit) / 2**32
        return self.prepared(seed)(unit)

    def bucket(self, seed: str, value: Scalar, *, total: int | None = None) -> float:
        """The bucket as the vendor's own client counts it; ``total`` is the sum of the weights.

        Raises:
            InputError: The unit cannot be put into buckets, or the total is none.
        """
        if self.weighed is not None and self.hashed is not None:
            weights = self.total if total is None else total
            if not 0 < weights <= _MOST_WEIGHT:
                raise InputError(
                    f"a total weight is from 1 to {_MOST_WEIGHT:,}, not {weights!r:.40}", where="total"
                )
            return self.weighed(self.hashed(seed, self._unit(value)), weights)
        position = self.position(seed, value)
        return round(position * self.buckets) + self.first if self.buckets else position

    def _unit(self, value: Scalar) -> Scalar:
        if isinstance(value, str) or self.any_scalar:
            return value
        if isinstance(value, bool) or not isinstance(value, int):
            raise InputError(
                f"{self.name} puts texts and whole numbers into buckets, not {value!r:.40}", where="value"
            )
        return str(value)


def algorithm(name: str) -> Algorithm:
    """The algorithm of a name.

    Raises:
        InputError: There is none; lists those there are.
    """
    found = ALGORITHMS.get(name)
    if found is None:
        near = difflib.get_close_matches(name, ALGORITHMS, n=1)
        raise InputError(
            f"no bucketing algorithm {name!r:.60}" + (f"; did you mean {near[0]!r}?" if near else ""),
            where="algorithm",
            hint=f"one of {', '.join(ALGORITHMS)}",
        )
    return found


def _growthbook_2(seed: str) -> Position:
    start = fnv1a32(seed)

    def position(value: str) -> float:
        units = value.encode() if value.isascii() else code_units(value)
        state, again = start, FNV_OFFSET
        # Modulo 2³² commutes with both operations: of a short text it is taken once, which is faster.
        if len(units) > _SHORT:
            for unit in units:
                state = ((state ^ unit) * FNV_PRIME) & _MASK
        else:
            for unit in units:
                state = (state ^ unit) * FNV_PRIME
        for unit in b"%d" % (state & _MASK):
            again = (again ^ unit) * FNV_PRIME
        return ((again & _MASK) % 10_000) / 10_000

    return position


def _growthbook_1(seed: str) -> Position:
    return lambda value: (fnv1a32(seed, state=fnv1a32(value)) % 1000) / 1000


def _flagd_2(seed: str) -> Position:
    prefix = utf8(seed)
    return lambda value: murmur3_32(prefix + utf8(value)) / 2**32


def _flagd_hash(seed: str, value: Scalar) -> int:
    return murmur3_32(utf8(f"{seed}{value}"))


def _flagd_cbor(seed: str) -> Position:
    return lambda value: murmur3_32(canonical_cbor(seed + value)) / 2**32


def _cbor_hash(seed: str, value: Scalar) -> int:
    if isinstance(value, str):
        return murmur3_32(canonical_cbor(seed + value))
    try:
        data = canonical_cbor(value)
    except OverflowError as error:
        raise InputError(str(error), where="value") from error
    if seed:  # a salted unit that is no text is the pair of both
        data = b"\x82" + canonical_cbor(seed) + data
    return murmur3_32(data)


def _scaled(number: int, total: int) -> int:
    return number * total >> 32


def _unleash(seed: str) -> Position:
    prefix = utf8(seed + ":")
    return lambda value: murmur3_32(prefix + utf8(value)) % 100 / 100


def _unleash_hash(seed: str, value: Scalar) -> int:
    return murmur3_32(utf8(f"{seed}:{value}"), seed=_UNLEASH_VARIANTS)


def _unleash_variant(seed: str) -> Position:
    """Of weights that sum up to 1000, as those of Unleash do."""
    return lambda value: _unleash_hash(seed, value) % 1000 / 1000


def _remainder(number: int, total: int) -> int:
    return number % total + 1


def _sha1_60(seed: str, *, after: bytes = b"") -> Position:
    begun = hashlib.sha1(utf8(seed + "."), usedforsecurity=False)

    def position(value: str) -> float:
        state = begun.copy()
        state.update(utf8(value) + after)
        return (int.from_bytes(state.digest()[:8], "big") >> 4) / _SCALE_60

    return position


def _launchdarkly(seed: str) -> Position:
    return _sha1_60(seed)


def _posthog_variant(seed: str) -> Position:
    return _sha1_60(seed, after=b"variant")


def _optimizely(seed: str) -> Position:
    suffix = utf8(seed)
    return lambda value: int(murmur3_32(utf8(value) + suffix, seed=1) / 2**32 * 10_000) / 10_000


def _statsig(seed: str) -> Position:
    begun = hashlib.sha256(utf8(seed + "."))

    def position(value: str) -> float:
        state = begun.copy()
        state.update(utf8(value))
        return int.from_bytes(state.digest()[:8], "big") % 10_000 / 10_000

    return position


ALGORITHMS: Mapping[str, Algorithm] = {
    each.name: each
    for each in (
        Algorithm(
            name="growthbook@2",
            source="growthbook sdk-js src/util.ts, hash() with hashVersion 2; 10,000 buckets",
            seeded="seed of the experiment",
            prepared=_growthbook_2,
        ),
        Algorithm(
            name="growthbook@1",
            source="growthbook sdk-js src/util.ts, hash() with hashVersion 1; biased",
            seeded="seed of the experiment",
            prepared=_growthbook_1,
        ),
        Algorithm(
            name="flagd@2",
            source="flagd core/pkg/evaluator/fractional.go; MurmurHash3 of UTF-8, times total weight, >> 32",
            seeded="what stands before the unit, such as the flag's key",
            prepared=_flagd_2,
            weighed=_scaled,
            hashed=_flagd_hash,
            total=100,
        ),
        Algorithm(
            name="flagd@cbor",
            source="flagd architecture decision fractional-non-string-rand-units.md, as canonical CBOR",
            seeded="what stands before the unit, such as the flag's key",
            prepared=_flagd_cbor,
            weighed=_scaled,
            hashed=_cbor_hash,
            total=100,
            any_scalar=True,
        ),
        Algorithm(
            name="unleash",
            source="Unleash normalized hash: MurmurHash3 of groupId:id, % 100 + 1",
            seeded="groupId",
            prepared=_unleash,
            buckets=100,
            first=1,
        ),
        Algorithm(
            name="unleash-variant",
            source="Unleash variants: MurmurHash3 of groupId:id, seed 86028157, % total weight + 1",
            seeded="groupId",
            prepared=_unleash_variant,
            weighed=_remainder,
            hashed=_unleash_hash,
            total=1000,
        ),
        Algorithm(
            name="launchdarkly",
            source="ldclient/impl/evaluator_common.py, _bucket_context: 60 bits of SHA-1",
            seeded="key.salt of the flag, or the seed of the experiment",
            prepared=_launchdarkly,
        ),
        Algorithm(
            name="optimizely",
            source="optimizely/bucketer.py: MurmurHash3 with seed 1 of bucketing id and parent id",
            seeded="id of the experiment or group",
            prepared=_optimizely,
            buckets=10_000,
        ),
        Algorithm(
            name="statsig",
            source="statsig/evaluator.py: 64 bits of SHA-256, % 10,000",
            seeded="salt of the config.salt of the rule",
            prepared=_statsig,
            buckets=10_000,
        ),
        Algorithm(
            name="posthog",
            source="posthog/feature_flags.py, _hash: 60 bits of SHA-1 of key.id",
            seeded="key of the flag",
            prepared=_launchdarkly,
        ),
        Algorithm(
            name="posthog-variant",
            source="posthog/feature_flags.py, _hash with the salt 'variant'",
            seeded="key of the flag",
            prepared=_posthog_variant,
        ),
    )
}
