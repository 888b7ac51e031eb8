"""Incidents: overruns of one limit as one thing, open until somebody closes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from launchworthy.monitor.incidents import Closing, closing_of, incidents

if TYPE_CHECKING:
    from tests.monitor.conftest import World


def _overrun(world: World, name: str, *, ago: float, **more: Any) -> bytes:
    trace = world.call(ago=ago)
    world._add(
        "decisions",
        ago,
        **{
            "trace_id": trace, "event_id": f"e-{trace.hex()[:10]}", "kind": "budget", "subject": name,
            "outcome": "overrun", "reason": "too slow", "rule": world.at(f"limits/{name}"),
            "facts": '{"failure_mode": "long_wait"}', **more,
        },
    )  # fmt: skip
    return trace


def _found(world: World, *closings: Closing) -> Any:
    world.settle()
    return incidents(world.store.query, product=world.product, closings=closings)


def test_overruns_of_one_limit_are_one_incident_with_its_failure_mode_and_newest_calls(
    world: World,
) -> None:
    traces = [_overrun(world, "timeout", ago=ago) for ago in (500.0, 400.0, 300.0)]
    _overrun(world, "cost_per_action", ago=100.0, outcome="stopped", facts=None)
    _overrun(world, "timeout", ago=50.0, simulated=True)
    _overrun(world, "timeout", ago=50.0, kind="fallback")
    cost, slow = _found(world)
    assert (slow.rule, slow.calls, slow.stopped) == (world.at("limits/timeout"), 3, 0)
    assert (slow.failure_mode, slow.state, slow.workflow) == ("long_wait", "open", "answer")
    assert slow.traces == tuple(trace.hex() for trace in reversed(traces))
    assert (slow.last_at - slow.opened_at).total_seconds() == pytest.approx(200)
    assert (cost.calls, cost.stopped, cost.failure_mode) == (1, 1, None)


def test_a_closed_one_stays_closed_and_a_later_overrun_opens_another(world: World) -> None:
    _overrun(world, "timeout", ago=500.0)
    until = int((world.now.timestamp() - 400) * 1e9)
    closing = Closing(rule=world.at("limits/timeout"), until_ns=until, by="ana", because="scaled up")
    [closed] = _found(world, closing)
    assert (closed.state, closed.closed) == ("closed", closing)
    _overrun(world, "timeout", ago=300.0)
    later, earlier = _found(world, closing)
    assert (later.state, later.calls, earlier.id) == ("open", 1, closed.id)
    assert later.id != earlier.id
    assert later.as_json()["closed_by"] is None


@pytest.mark.parametrize(
    "body", [{}, {"rule": 7, "until_ns": 1}, {"rule": "x", "until_ns": "1"}, {"rule": "x"}, "[]", "7"]
)
def test_an_entry_that_is_no_closing_closes_nothing(body: Any) -> None:
    assert closing_of(body) is None


def test_without_overruns_there_is_none(world: World) -> None:
    world.call()
    assert _found(world) == []
