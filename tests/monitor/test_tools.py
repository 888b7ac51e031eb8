"""Tools that ran as the contract lets them, and those that did not: counted from what was recorded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from launchworthy.contract import ClaimKind

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

    from launchworthy.contract import Claim

NEVER = ClaimKind.NEVER
ALWAYS = ({"by": "agent", "above": None},)
ABOVE = ({"by": "lead", "above": "100 USD"},)
_EVENTS = iter(range(10_000))


def _decide(
    world: World,
    kind: str,
    outcome: str,
    trace: bytes | None,
    *,
    ago: float = 3600.0,
    sent: bool = False,
    by: str | None = None,
    **facts: str | bool,
) -> None:
    world._add(
        "decisions",
        ago,
        trace_id=trace,
        event_id=f"{'approval:' if kind == 'approval' and not sent else 'e-'}{next(_EVENTS)}",
        kind=kind,
        subject="refund",
        outcome=outcome,
        rule="tools/refund",
        decided_by=by,
        facts=json.dumps(facts),
        received_at=0,
    )


def _run(world: World, *, hash_: str = "h1", key: str = "k1", told: bool = True, times: int = 1) -> bytes:
    trace = world.call()
    for _ in range(times):
        world.span(trace=trace, kind="tool", tool_name="refund", parent_span_id=b"12345678")
        if told:
            _decide(world, "tool_run", "done", trace, arguments_sha256=hash_, idempotency_key=key)
    return trace


def _claim(claim: ClaimOf, path: str, **options: Any) -> Claim:
    return claim(f"tools/{path}", kind=NEVER, workflow=None, **options)


def test_a_run_without_an_approval_of_its_very_arguments_is_a_breach(world: World, claim: ClaimOf) -> None:
    _run(world)
    _decide(world, "approval", "claimed", None, ago=4000.0, arguments_sha256="h1", idempotency_key="k1")
    changed = _run(world, hash_="h2", key="k2")
    _decide(world, "approval", "claimed", None, arguments_sha256="h1", idempotency_key="k2")
    merely_approved = _run(world, hash_="h3", key="k3")
    _decide(world, "approval", "approved", None, arguments_sha256="h3", idempotency_key="k3")
    around = _run(world, told=False)
    piece = world.one(_claim(claim, "refund/approval", approval=ALWAYS))
    assert (piece.value, piece.n) == (3.0, 4)
    assert set(world.traces(piece)) == {each.hex() for each in (changed, merely_approved, around)}


def test_an_approval_that_an_application_says_there_was_is_none(world: World, claim: ClaimOf) -> None:
    _run(world)
    _decide(world, "approval", "claimed", None, sent=True, arguments_sha256="h1", idempotency_key="k1")
    assert world.one(_claim(claim, "refund/approval", approval=ALWAYS)).value == 1.0


def test_one_approval_does_not_cover_a_second_run_outside_the_enforcement(
    world: World, claim: ClaimOf
) -> None:
    trace = _run(world)
    world.span(trace=trace, kind="tool", tool_name="refund", parent_span_id=b"12345678")
    _decide(world, "approval", "claimed", None, arguments_sha256="h1", idempotency_key="k1")
    assert world.one(_claim(claim, "refund/approval", approval=ALWAYS)).value == 1.0


def test_what_is_below_the_amount_needs_no_approval_where_no_step_is_always_due(
    world: World, claim: ClaimOf
) -> None:
    trace = _run(world)
    _decide(world, "permission", "allowed", trace, arguments_sha256="h1")
    assert world.one(_claim(claim, "refund/approval", approval=ABOVE)).value == 0.0
    assert world.one(_claim(claim, "refund/approval", approval=ALWAYS)).value == 1.0


def test_a_tool_that_ran_although_it_was_denied_is_a_breach_and_an_undecided_run_is_not_known(
    world: World, claim: ClaimOf
) -> None:
    for outcome in ("allowed", "needs_approval"):
        _decide(world, "permission", outcome, _run(world), arguments_sha256="h1")
    denied = _run(world)
    _decide(world, "permission", "denied", denied, arguments_sha256="h1")
    _run(world)
    for path in ("refund", "refund/limits/per_call", "refund/deny"):
        piece = world.one(_claim(claim, path))
        assert (piece.value, piece.n, piece.unscored) == (1.0, 3, 1)
        assert world.traces(piece) == [denied.hex()]


def test_the_same_call_done_twice_is_a_breach_and_one_that_failed_first_is_not(
    world: World, claim: ClaimOf
) -> None:
    _run(world, key="k1", times=2)
    failed = _run(world, key="k2")
    _decide(world, "tool_run", "failed", failed, arguments_sha256="h1", idempotency_key="k2")
    piece = world.one(_claim(claim, "refund/idempotent_by"))
    assert (piece.value, piece.n) == (1.0, 2)


def test_a_tool_that_the_contract_does_not_name_is_a_breach(world: World, claim: ClaimOf) -> None:
    _run(world)
    foreign = world.span(kind="tool", tool_name="wire", parent_span_id=b"12345678")
    others = [_claim(claim, "refund"), _claim(claim, "refund/approval", approval=ALWAYS)]
    piece = world.one(_claim(claim, "unnamed"), *others)
    assert (piece.value, piece.n, world.traces(piece)) == (1.0, 2, [foreign.hex()])


def test_the_share_of_wrong_calls_that_people_stop_is_counted_by_person(world: World, claim: ClaimOf) -> None:
    world.call()
    for person, outcome in (("mia", "rejected"), ("mia", "edited"), ("leo", "approved"), ("noa", "rejected")):
        _decide(world, "approval", outcome, None, seeded=True, by=person)
    _decide(world, "approval", "approved", None, by="mia")  # no test
    _decide(world, "approval", "approved", None, sent=True, seeded=True, by="mia")  # not of the queue
    piece = world.one(claim("tools/refund/caught", at_least=0.9, unit="ratio", workflow=None))
    assert (piece.value, piece.detail["records"]) == (0.75, 4)


def test_where_no_tool_ran_nothing_is_claimed(world: World, claim: ClaimOf) -> None:
    world.call()
    assert not world.measure(
        _claim(claim, "refund"), _claim(claim, "refund/approval", approval=ALWAYS), _claim(claim, "unnamed")
    )
