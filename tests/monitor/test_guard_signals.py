"""Guards as signals: the calls that they hit or could not check, and the hits that people found wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest


def told(world: Any, trace: bytes, name: str, outcome: str = "hit", **more: Any) -> None:
    world._add(
        "decisions",
        1800.0,
        event_id=f"{trace.hex()}-{name}-{outcome}",
        trace_id=trace,
        kind="guard",
        subject=name,
        outcome=outcome,
        rule=f"{world.product}/guards/{name}",
        **more,
    )


def said(world: Any, hit: str, outcome: str, ago: float) -> None:
    world._add(
        "decisions",
        ago,
        event_id=f"{hit}-{ago}",
        kind="override",
        subject="moderation",
        outcome=outcome,
        facts=json.dumps({"hit": hit}),
    )


MONITOR: dict[str, Any] = {"at_most": 0.5, "unit": "ratio", "workflow": None}


@pytest.mark.parametrize(
    ("signal", "value"),
    [
        ("guard_hits", 3 / 8),
        ("guards/moderation", 2 / 8),
        ("guards/secrets", 1 / 8),
        ("guard_unchecked", 1 / 8),
        ("guard_overrides", 1 / 2),
    ],
)
def test_what_guards_did_is_a_share_of_the_calls(world: Any, claim: Any, signal: str, value: float) -> None:
    traces = [world.call() for _ in range(8)]
    told(world, traces[0], "moderation")
    told(world, traces[0], "moderation", outcome="could_not_check")
    told(world, traces[1], "moderation")
    told(world, traces[2], "secrets")
    said(world, "a", "right", 900.0)
    said(world, "a", "false_positive", 600.0)  # the last word counts
    said(world, "b", "right", 600.0)
    piece = world.one(claim("monitors/watched", signal=signal, window_ms=8.64e7, **MONITOR))
    assert piece.value == value


def test_where_nobody_has_looked_nothing_is_said(world: Any, claim: Any) -> None:
    world.call()
    piece = world.one(claim("monitors/watched", signal="guard_overrides", window_ms=8.64e7, **MONITOR))
    assert piece.value is None
    assert "nobody has looked" in piece.detail["reason"]
