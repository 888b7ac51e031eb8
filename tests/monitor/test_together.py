"""Signals of many workflows read in one query, against the same claims measured one by one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest
from tests.monitor.conftest import NOW

from launchworthy import monitor
from launchworthy.contract import Claim
from launchworthy.errors import InputError
from launchworthy.evidence import Evidence
from launchworthy.monitor import together
from launchworthy.records import Own

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

    from launchworthy.monitor.scene import Query

_SIGNALS = (
    "reliability/error",
    "reliability/availability",
    "reliability/timeout",
    "reliability/tool_call_error",
    "reliability/empty_retrieval",
    "reliability/fallback",
    "reliability/latency_p95",
    "no_answer",
)
_WORKFLOWS = ("answer", "triage", "draft", "bare", "quiet")


def _fill(world: World) -> None:
    """Workflows that differ in every count; ``bare`` marks no calls, and ``quiet`` has only old ones."""
    rng = random.Random(11)
    for at, workflow in enumerate(_WORKFLOWS):
        for number in range(40 + 10 * at):
            failed = rng.random() < 0.1 * (at + 1)
            columns: dict[str, Any] = {
                "ago": 40 * 86_400.0 if workflow == "quiet" else 60.0 + number,
                "workflow": workflow,
                "user_id": None if number % 7 == 0 else f"u{rng.randrange(12)}",
                "status": "error" if failed else "ok",
                "error_type": "timeout" if failed and number % 2 else None,
                "no_answer": "refuse" if not failed and rng.random() < 0.2 else None,
                "duration_ms": rng.lognormvariate(5, 1),
                "simulated": number % 5 == 0,
                "attributes": {Own.FALLBACK: "spare" if number % 3 else ""} if number % 4 else None,
            }
            trace = world.span(kind="model", **columns) if workflow == "bare" else world.call(**columns)
            inner = {**columns, "trace": trace, "parent_span_id": b"12345678", "attributes": None}
            world.span(**{**inner, "kind": "tool"})
            world.span(**{**inner, "kind": "retrieval", "context": "[]" if number % 3 else '["a"]'})


def _monitors(world: World, claim: ClaimOf) -> list[Claim]:
    found = []
    for workflow in _WORKFLOWS:
        for signal in _SIGNALS:
            unit, most = ("ms", 200.0) if signal.endswith("p95") else ("ratio", 0.1)
            for window in (3_600_000.0, 86_400_000.0):
                found.append(
                    claim(
                        f"monitors/{workflow}_{signal.rpartition('/')[2]}_{window:.0f}",
                        at_most=most,
                        unit=unit,
                        workflow=None,
                        signal=f"{workflow}/{signal}",
                        window_ms=window,
                    )
                )
    return found


def test_monitors_measured_together_say_what_each_says_by_itself_in_fewer_queries(
    world: World, claim: ClaimOf
) -> None:
    _fill(world)
    claims = _monitors(world, claim)
    world.settle()
    asked: list[str] = []

    def query(sql: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
        asked.append(sql)
        return world.store.query(sql, parameters)

    def measure(*of: Claim) -> dict[str, Evidence]:
        pieces = monitor.measure(of, product=world.product, query=query, release="r-1", now=NOW)
        return {piece.claim: piece for piece in pieces}

    together = measure(*claims)
    at_once = len(asked)
    # Within one workflow no two are alike.
    apart = [
        [each for each in claims if each.address.startswith(f"{world.product}/monitors/{name}_")]
        for name in _WORKFLOWS
    ]
    alone = {address: piece for of in apart for address, piece in measure(*of).items()}
    assert together == alone
    assert sum(piece.value is not None for piece in together.values()) == 4 * 2 * len(_SIGNALS)
    # One look, then each signal and window once; a percentile has its bounds to look up besides. What counts
    # as a call of ``bare`` is another question, which six of the signals ask.
    assert at_once == 1 + 2 * (len(_SIGNALS) + 1) + 2 * (6 + 1) < 0.5 * (len(asked) - at_once)


def test_what_is_too_much_to_count_at_once_is_counted_one_by_one(world: World, claim: ClaimOf) -> None:
    _fill(world)
    claims = [each for each in _monitors(world, claim) if "_error_" in each.address]
    world.settle()

    def query(sql: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
        if "workflow IN (" in sql:
            raise InputError("the query took too long")
        return world.store.query(sql, parameters)

    def told(one: Query) -> list[Evidence]:
        return monitor.measure(claims, product=world.product, query=one, release="r-1", now=NOW)

    assert told(query) == told(world.store.query)


def test_many_calls_are_read_in_parts_by_what_each_workflow_has_in_the_window(
    world: World, claim: ClaimOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(world)
    claims = [each for each in _monitors(world, claim) if "error_86400000" in each.address]
    world.settle()
    parts: list[list[str]] = []

    def query(sql: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
        if "workflow IN (" in sql:
            parts.append([each for each in parameters if each in _WORKFLOWS])
        return world.store.query(sql, parameters)

    def told() -> list[Evidence]:
        return monitor.measure(claims, product=world.product, query=query, release="r-1", now=NOW)

    whole = told()
    # Errors of calls, which ``bare`` does not mark, and of tools.
    assert parts == [["answer", "draft", "quiet", "triage"], sorted(_WORKFLOWS)]
    parts.clear()
    # answer 40, draft 60, triage 50, quiet none within the window; of bare, any of 210 may be a call.
    monkeypatch.setattr(together, "_AT_ONCE", 120)
    assert told() == whole
    assert parts == [["answer", "draft", "quiet"], ["draft", "quiet", "triage"]]
