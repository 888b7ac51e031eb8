"""Drills: each fallback and fault is really met, and one that does not hold is said not to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from launchworthy.errors import InputError
from launchworthy.runtime.drills import drill_fallbacks, drill_monitor, drilled_evidence
from launchworthy.runtime.faults import faults

Make = Callable[..., Any]


def _by_claim(drills: Any) -> dict[str, Any]:
    return {each.claim.rpartition("/")[2]: each for each in drills}


def test_each_fallback_is_reached_by_what_fails_before_it(shop: Make) -> None:
    made = shop()
    found = _by_claim(drill_fallbacks(made.enforcer))
    assert {name: each.held for name, each in found.items()} == dict.fromkeys(
        ("retry_once", "vendor-backup", "cached_answer", "extractive_answer", "route"), True
    )
    assert {each.through for each in found.values()} == {"enforcer"}
    assert {each["outcome"] for each in made.decisions("drill")} == {"as declared"}
    told = [event for event in made.told.events if event.name == "launchworthy.decision"]
    traces: dict[str, set[int]] = {"drill": set(), "fallback": set()}
    for event in told:
        traces.setdefault(str(event.attributes["launchworthy.decision.kind"]), set()).add(event.trace_id)
    assert 0 not in traces["drill"]
    assert traces["drill"] & traces["fallback"]  # one leads to the other
    assert all(event.attributes["launchworthy.simulated"] for event in made.told.events)
    assert faults().models is False


def test_a_drill_goes_through_the_code_of_the_application_and_finds_what_that_breaks(shop: Make) -> None:
    made = shop()

    @made.enforcer.workflow("answer")  # type: ignore[untyped-decorator]
    def answer(call: Any, question: str) -> Any:
        reply = call.model([{"role": "user", "content": call.input(question)}])
        return reply.text or "Everything is fine!"  # it looked up nothing that could be quoted

    found = _by_claim(drill_fallbacks(made.enforcer))
    assert {each.through for each in found.values()} == {"application"}
    assert found["vendor-backup"].held
    assert not found["extractive_answer"].held
    assert found["extractive_answer"].seen.startswith("no answer: route")


def test_a_backup_that_does_not_work_does_not_hold(shop: Make) -> None:
    def broken(messages: Any, **options: Any) -> str:
        raise ConnectionError

    made = shop(models={"vendor/main": lambda m, **o: "Shoes may be returned.", "vendor/backup": broken})
    found = _by_claim(drill_fallbacks(made.enforcer))
    assert not found["vendor-backup"].held
    [piece] = [
        piece
        for piece in drilled_evidence(
            list(found.values()), name="fallbacks", release="r-1", now=datetime.now(UTC)
        )
        if piece.claim == "shop/answer/fallbacks/vendor-backup"
    ]
    assert (piece.value, piece.n, piece.kind, piece.release) == (0.0, 1, "drill", "r-1")
    assert piece.disagreement == ""


def test_faults_of_a_monitor_end_in_a_fallback_or_a_declared_way(shop: Make, contract: str) -> None:
    made = shop(contract.replace("timeout: 3s", "timeout: 300ms").replace("at_most: 1s", "at_most: 100ms"))
    for fault, said in (
        ("model_timeout", "extractive_answer answered"),
        ("index_down", "no answer: defer (model_or_tool_down)"),
    ):
        found = [each for each in drill_monitor(made.enforcer, "m", [fault]) if each.workflow == "answer"]
        assert [(each.held, each.seen) for each in found] == [(True, said)]
    tools = list(drill_monitor(made.enforcer, "m", ["payments_down"]))
    assert {each.seen for each in tools if each.workflow == "refund"} == {"refund failed, no answer: defer"}
    assert all(each.held for each in tools)
    assert made.ran == []


def test_a_workflow_that_declares_no_way_for_a_fault_does_not_hold(shop: Make, contract: str) -> None:
    made = shop(contract.replace("model_or_tool_down: defer,", "").replace(", route]", "]"))
    [found] = [e for e in drill_monitor(made.enforcer, "m", ["get_order_down"]) if e.workflow == "answer"]
    assert not found.held
    assert found.seen.endswith("which the contract does not declare")


@pytest.mark.parametrize("fault", ["", "meteor", "unknown_down", "model", "refund_explodes", "../x_down"])
def test_a_fault_that_nothing_can_force_is_named(shop: Make, fault: str) -> None:
    made = shop()
    with pytest.raises(InputError, match="can force"):
        list(drill_monitor(made.enforcer, "m", [fault]))
