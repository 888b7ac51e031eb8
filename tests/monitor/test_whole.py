"""Records at random, measured once by SQL and once by reading them one by one."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from launchworthy.contract import ClaimKind

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

DAY = 86_400.0
HORIZON = 0.5 * DAY
WINDOW = 30 * DAY


def _random_records(world: World, rng: random.Random) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Spans and outcomes, as they were sent: releases, workflows, windows and gaps of every kind."""
    spans, outcomes = [], []
    for _ in range(300):
        session = rng.choice([None, *(f"s_{place}" for place in range(40))])
        user = (
            rng.choice([None, "u_1", "u_2", "u_3", "u_4"]) if session is None else f"u_{hash_of(session) % 4}"
        )
        base: dict[str, Any] = {
            "ago": rng.choice([rng.uniform(1, 29.4) * DAY, rng.uniform(0.1, 0.4) * DAY, 40 * DAY]),
            "workflow": rng.choice(["answer", "answer", "answer", "refund"]),
            "release": rng.choice(["r-1", "r-1", "r-1", "r-2", None]),
            "session_id": session,
            "user_id": user,
        }
        own = rng.choice([None, None, None, 0.3])
        call = {
            **base,
            "kind": "workflow",
            "cost_usd": own,
            "no_answer": rng.choice([None, None, "refuse", "route"]),
        }
        call["trace"] = world.call(**call)
        spans.append(call)
        for _ in range(rng.randrange(4)):
            inner = {
                **base,
                "trace": call["trace"],
                "kind": rng.choice(["model", "model", "tool", "retrieval", "agent"]),
                "cost_usd": rng.choice([None, rng.uniform(0, 1), rng.uniform(0, 1)]),
                "input_tokens": rng.choice([None, 50]),
                "status": rng.choice(["ok", "ok", "error"]),
                "parent_span_id": b"12345678",
            }
            world.span(**inner)
            spans.append(inner)
        for _ in range(rng.randrange(3)):
            event = {
                "event": rng.choice(["settled", "settled", "handed", "looked"]),
                "ago": base["ago"] - rng.uniform(-0.1, 0.9) * DAY,
                "trace": rng.choice([call["trace"], None]),
                "session_id": session,
                "workflow": rng.choice([None, base["workflow"]]),
            }
            world.outcome(**event)
            outcomes.append(event)
    return spans, outcomes


def hash_of(text: str) -> int:
    return sum(text.encode())


def _cost(call: dict[str, Any], spans: list[dict[str, Any]]) -> float | None:
    if call["cost_usd"] is not None:
        return float(call["cost_usd"])
    inner = [each for each in spans if each["trace"] == call["trace"] and each["kind"] != "workflow"]
    parts = [each["cost_usd"] for each in inner if each["kind"] != "agent" and each["cost_usd"] is not None]
    models = [each for each in inner if each["kind"] == "model"]
    for model in models:
        unbilled = model["status"] == "error" and not model["input_tokens"]
        if model["cost_usd"] is None and not unbilled:
            return None
    if parts or models:
        return float(sum(parts))
    return 0.0 if call["no_answer"] else None


def _calls(spans: list[dict[str, Any]], *, youngest: float = 0.0) -> list[dict[str, Any]]:
    return [
        each
        for each in spans
        if each["kind"] == "workflow"
        and (each["workflow"], each["release"]) == ("answer", "r-1")
        and youngest < each["ago"] <= WINDOW + youngest
    ]


def _uses(calls: list[dict[str, Any]], outcomes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    grouped: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    use_of_trace = {}
    for call in calls:
        use = call["session_id"] or call["trace"]
        grouped[use].append(call)
        use_of_trace[call["trace"]] = use
    found = []
    for use, its in grouped.items():
        begun = max(call["ago"] for call in its)
        events = [
            each
            for each in outcomes
            if use_of_trace.get(each["trace"], each["session_id"]) == use
            and each["workflow"] in (None, "answer")
            and 0 < each["ago"] <= WINDOW + HORIZON
        ]
        in_time = [each for each in events if 0 <= begun - each["ago"] <= HORIZON]
        won = [each for each in in_time if each["event"] == "settled"]
        found.append(
            {
                "calls": its,
                "user": its[0]["user_id"],
                "won": min((begun - each["ago"] for each in won), default=None),
                "undone": any(each["event"] == "handed" for each in in_time),
                "known": bool(events),
                "routed": any(call["no_answer"] == "route" for call in its),
            }
        )
    return found


@pytest.mark.parametrize("seed", range(4))
def test_sql_and_a_reading_one_by_one_agree(world: World, claim: ClaimOf, seed: int) -> None:
    spans, outcomes = _random_records(world, random.Random(seed))
    success = claim(
        "success",
        kind=ClaimKind.COVER,
        at_least=0.9,
        unit="ratio",
        event="settled",
        unless=("handed",),
        within_ms=HORIZON * 1e3,
    )
    found = world.measure(
        success,
        claim("outcomes/resolved", at_least=0.5, unit="ratio"),
        claim("outcomes/escalation", at_most=0.5, unit="ratio"),
        claim("outcomes/time_to_resolution", at_most=1.0, unit="ms", statistic="mean"),
        claim("economics/cost", at_most=1.0, unit="USD"),
        claim("economics/cost_per_session", at_most=1.0, unit="USD"),
        claim("economics/cost_per_success", at_most=1.0, unit="USD"),
    )
    values = {address.rpartition("/")[2]: piece for address, piece in found.items()}

    calls = _calls(spans)
    costs = [cost for call in calls if (cost := _cost(call, spans)) is not None]
    assert values["cost"].value == pytest.approx(sum(costs) / len(costs))
    assert values["cost"].detail["records"] == len(costs)
    assert values["cost"].detail["unscored_records"] == len(calls) - len(costs)

    sessions: dict[str, list[float | None]] = defaultdict(list)
    for call in calls:
        if call["session_id"] is not None:
            sessions[call["session_id"]].append(_cost(call, spans))
    whole = [sum(cost for cost in each if cost is not None) for each in sessions.values() if None not in each]
    assert values["cost_per_session"].value == pytest.approx(sum(whole) / len(whole))

    uses = _uses(_calls(spans, youngest=HORIZON), outcomes)
    stood = [use for use in uses if use["won"] is not None and not use["undone"]]
    assert values["resolved"].value == pytest.approx(len(stood) / len(uses))
    assert values["success"].value == pytest.approx(sum(use["known"] for use in uses) / len(uses))
    assert values["escalation"].value == pytest.approx(sum(use["routed"] for use in uses) / len(uses))
    waited = [use["won"] * 1e3 for use in stood]
    assert values["time_to_resolution"].value == pytest.approx(sum(waited) / len(waited), rel=1e-6)

    priced = [
        (sum(each for each in own if each is not None), use)
        for use in uses
        if None not in (own := [_cost(call, spans) for call in use["calls"]])
    ]
    wins = sum(use in stood for _, use in priced)
    assert values["cost_per_success"].value == pytest.approx(sum(cost for cost, _ in priced) / wins)
