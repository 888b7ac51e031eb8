"""The same units through the vendors' own clients, non-ASCII ones among them."""

from __future__ import annotations

import json
import random
from typing import Any

import mmh3
import pytest

from launchworthy.rollout.bucketing import algorithm

_DRAWN = random.Random(20_261_125)
UNITS = [
    *(f"user-{n}" for n in range(60)),
    *(f"{_DRAWN.getrandbits(128):032x}" for _ in range(60)),
    *("".join(chr(_DRAWN.randrange(0x20, 0xD000)) for _ in range(12)) for _ in range(60)),
    "Grüße",
    "你好",
    "😊🌍",
    "\u0000",
    "a" * 2_000,
]
SEEDS = ("checkout", "Größe.x", "")


def test_growthbook() -> None:
    from growthbook.core import gbhash

    for seed in SEEDS:
        for unit in UNITS:
            assert algorithm("growthbook@2").bucket(seed, unit) == gbhash(seed, unit, 2)
            assert algorithm("growthbook@1").bucket(seed, unit) == gbhash(seed, unit, 1)


def test_launchdarkly() -> None:
    from ldclient import Context
    from ldclient.impl.evaluator_common import _bucket_context

    for unit in UNITS:
        context = Context.create(unit)
        for seed, named in ((None, "flag.salt"), (61, "61")):
            theirs = _bucket_context(seed, context, None, "flag", "salt", None)
            assert algorithm("launchdarkly").bucket(named, unit) == theirs


def test_optimizely() -> None:
    from optimizely.bucketer import Bucketer

    for seed in SEEDS:
        for unit in UNITS:
            theirs = Bucketer()._generate_bucket_value(unit + seed)
            assert algorithm("optimizely").bucket(seed, unit) == theirs


def test_statsig() -> None:
    from statsig.utils import sha256_hash

    for unit in UNITS:
        theirs = sha256_hash(f"config.rule.{unit}") % 10_000
        assert algorithm("statsig").bucket("config.rule", unit) == theirs


def test_murmur() -> None:
    """flagd's Go client and its Python one call this hash."""
    for seed in SEEDS:
        for unit in UNITS:
            theirs = (mmh3.hash((seed + unit).encode(), signed=False) * 1000) >> 32
            assert algorithm("flagd@2").bucket(seed, unit, total=1000) == theirs


@pytest.mark.filterwarnings("ignore")
def test_unleash() -> None:
    from yggdrasil_engine.engine import UnleashEngine  # type: ignore[import-untyped]

    names = ("on", "plain", "warm")
    engine = UnleashEngine()
    variants = [
        {"name": name, "weight": weight, "stickiness": "userId"}
        for name, weight in zip(names, (250, 250, 500), strict=True)
    ]

    def strategy(percent: int) -> dict[str, Any]:
        return {
            "name": "flexibleRollout",
            "parameters": {"rollout": str(percent), "stickiness": "userId", "groupId": "größe"},
        }

    engine.take_state(
        json.dumps(
            {
                "version": 2,
                "features": [
                    {"name": f"at{percent}", "enabled": True, "strategies": [strategy(percent)]}
                    for percent in (10, 33, 66)
                ]
                + [
                    {
                        "name": "größe",
                        "enabled": True,
                        "strategies": [{"name": "default", "parameters": {}}],
                        "variants": variants,
                    }
                ],
            }
        )
    )
    for unit in UNITS:
        if "\0" in unit:
            continue  # the engine takes texts as C strings
        bucket = algorithm("unleash").bucket("größe", unit)
        for percent in (10, 33, 66):
            assert engine.check_enabled(f"at{percent}", {"userId": unit}).is_enabled == (bucket <= percent)
        drawn = algorithm("unleash-variant").bucket("größe", unit, total=1000)
        expected = names[0] if drawn <= 250 else names[1] if drawn <= 500 else names[2]
        assert engine.check_variant("größe", {"userId": unit}).variant.name == expected
