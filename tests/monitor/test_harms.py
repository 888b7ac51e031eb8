"""A candidate against the baseline while a ramp is under way, at every moment, on users who had only one."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from launchworthy import monitor
from launchworthy.contract import Claim, ClaimKind
from launchworthy.evidence import Evidence, State
from launchworthy.evidence.judgement import judge
from launchworthy.records import Own
from launchworthy.stats import asymptotic_sequence, watched_shares

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World

DAY_S = 86_400.0


def _claims(claim: ClaimOf, path: str, *, margin: float, **target: Any) -> tuple[Claim, Claim]:
    """A harm, and what it is about."""
    harm: Claim = claim("rollout/harms", kind=ClaimKind.DELTA, workflow=None, of=f"answer/{path}", **target)
    return replace(harm, margin=margin), claim(path, **target)


def _measure(world: World, *claims: Claim, days: float = 2.0, baseline: str | None = "r-1") -> list[Evidence]:
    world.settle()
    return [
        piece
        for piece in monitor.measure(
            claims,
            product=world.product,
            query=world.store.query,
            release="r-2",
            now=world.now,
            baseline=baseline,
            not_before=world.now - timedelta(days=days),
        )
        if piece.claim == claims[0].address
    ]


def _escalations(
    world: World, release: str, *, users: int, share: float, seed: int, ago_s: float = DAY_S
) -> int:
    rng, hits = random.Random(seed), 0
    for number in range(users):
        trace = world.call(release=release, user_id=f"{release}-{seed}-{number}", ago=ago_s)
        if rng.random() < share:
            world.outcome("escalated", trace=trace, ago=ago_s - 60)
            hits += 1
    return hits


def test_a_share_of_users_has_the_bounds_of_the_sequence_that_may_be_watched(
    world: World, claim: ClaimOf
) -> None:
    new = _escalations(world, "r-2", users=300, share=0.3, seed=1)
    old = _escalations(world, "r-1", users=600, share=0.1, seed=2)
    _escalations(world, "r-1", users=400, share=0.9, seed=3, ago_s=3 * DAY_S)  # before the ramp
    harm, of = _claims(claim, "outcomes/escalation", margin=0.02, at_most=0.2, unit="ratio")
    (piece,) = _measure(world, harm, of)
    expected = watched_shares((old, new), n=(600, 300), level=0.975, sides=1)
    assert (piece.value, piece.low, piece.high) == (expected.value, expected.low, expected.high)
    assert piece.value == pytest.approx(new / 300 - old / 600)
    worse = old / 600 + 0.02  # the planned looks take the candidate's share to be at the margin
    error = (worse * (1 - worse) / 300 + (old / 600) * (1 - old / 600) / 600) ** 0.5
    assert piece.detail["standard_error"] == pytest.approx(error)
    assert (piece.release, piece.kind, piece.n, piece.confidence) == ("r-2", ClaimKind.DELTA, 900, 0.975)
    assert piece.detail["baseline_release"] == "r-1"
    assert len(piece.detail["worst"]) == 20
    assert judge(harm, piece, now=world.now).state is State.UNMET


def test_who_had_both_releases_is_left_out_and_counted(world: World, claim: ClaimOf) -> None:
    _escalations(world, "r-2", users=100, share=0.1, seed=1)
    _escalations(world, "r-1", users=100, share=0.1, seed=1)
    for number in range(7):
        world.call(release="r-2", user_id=f"r-1-1-{number}", ago=DAY_S)
    harm, of = _claims(claim, "outcomes/escalation", margin=0.02, at_most=0.2, unit="ratio")
    (piece,) = _measure(world, harm, of)
    assert (piece.detail["switched"], piece.detail["users"], piece.detail["baseline_users"]) == (7, 100, 93)


def test_users_with_many_calls_count_once(world: World, claim: ClaimOf) -> None:
    rng = np.random.default_rng(4)
    sums: dict[str, list[tuple[int, int]]] = {"r-1": [], "r-2": []}
    for release, share in (("r-1", 0.05), ("r-2", 0.08)):
        for user in range(150):
            calls = int(rng.integers(1, 6))
            failed = rng.random(calls) < share
            for bad in failed:
                status = "error" if bad else "ok"
                world.call(release=release, user_id=f"{release}-{user}", status=status, ago=DAY_S)
            sums[release].append((int(failed.sum()), calls))
    harm, of = _claims(claim, "reliability/error", margin=0.02, at_most=0.1, unit="ratio")
    (piece,) = _measure(world, harm, of)
    values, errors = [], []
    for arm in ("r-2", "r-1"):
        k, m = np.array(sums[arm], dtype=float).T
        values.append(k.sum() / m.sum())
        errors.append(np.std(k - values[-1] * m, ddof=1) / m.mean() / np.sqrt(150))
    expected = asymptotic_sequence(
        values[0] - values[1], standard_error=float(np.hypot(*errors)), n=300, level=0.9875, sides=1
    )  # the exact bounds, which are wider by then, have the other half of the error
    assert piece.value == pytest.approx(values[0] - values[1])
    assert (piece.low, piece.high) == pytest.approx((expected.low, expected.high))


def test_a_slower_tail_is_found_and_an_equal_one_is_not(world: World, claim: ClaimOf) -> None:
    rng = np.random.default_rng(7)
    for release, factor in (("r-1", 1.0), ("r-2", 2.0), ("r-3", 1.0)):
        for user, took in enumerate(rng.lognormal(6, 0.5, size=800)):
            world.call(release=release, user_id=f"{release}-{user}", duration_ms=took * factor, ago=DAY_S)
    harm, of = _claims(claim, "reliability/latency_p95", margin=100.0, at_most=4_000.0, unit="ms")
    (slower,) = _measure(world, harm, of)
    assert judge(harm, slower, now=world.now).state is State.UNMET
    assert slower.value == pytest.approx(slower.detail["candidate"] - slower.detail["baseline"])
    (against_another,) = _measure(world, harm, of, baseline="r-3")
    assert judge(harm, against_another, now=world.now).state is State.UNMET
    world_of_equals = monitor.measure(
        (harm, of),
        product=world.product,
        query=world.store.query,
        release="r-3",
        now=world.now,
        baseline="r-1",
        not_before=world.now - timedelta(days=2),
    )
    assert judge(harm, world_of_equals[0], now=world.now).state is not State.UNMET
    low, high = world_of_equals[0].low, world_of_equals[0].high
    assert low is not None
    assert high is not None
    assert low < 0 < high


def test_few_users_say_nothing_rather_than_something_wrong(world: World, claim: ClaimOf) -> None:
    for release in ("r-1", "r-2"):
        for user in range(30):
            world.call(
                release=release, user_id=f"{release}-{user}", duration_ms=100.0, ago=DAY_S, cost_usd=0.1
            )
            world.call(
                release=release, user_id=f"{release}-{user}", duration_ms=900.0, ago=DAY_S, cost_usd=0.2
            )
    harm, of = _claims(claim, "reliability/latency_p95", margin=10.0, at_most=4_000.0, unit="ms")
    (piece,) = _measure(world, harm, of)
    assert (piece.low, piece.high) == (float("-inf"), float("inf"))
    assert judge(harm, piece, now=world.now).state is State.UNPROVEN


def test_a_user_who_calls_twice_costs_no_bounds_where_failures_are_rare(world: World, claim: ClaimOf) -> None:
    for release, failures in (("r-1", 1), ("r-2", 9)):
        for user in range(150):
            status = "error" if user < failures else "ok"
            world.call(release=release, user_id=f"{release}-{user}", status=status, ago=DAY_S)
    harm, of = _claims(claim, "reliability/error", margin=0.05, at_most=0.1, unit="ratio")
    (once,) = _measure(world, harm, of)
    for release in ("r-1", "r-2"):
        world.call(release=release, user_id=f"{release}-140", ago=DAY_S)
    (twice,) = _measure(world, harm, of)
    assert (once.low, once.high) == pytest.approx((twice.low, twice.high), abs=0.02)
    assert once.detail["standard_error"] == pytest.approx(twice.detail["standard_error"], rel=0.02)
    assert twice.value == pytest.approx(9 / 151 - 1 / 151)


def test_a_user_with_most_of_the_failures_is_one_user(world: World, claim: ClaimOf) -> None:
    for release in ("r-1", "r-2"):
        for user in range(120):
            for _ in range(40 if user == 0 else 1):
                status = "error" if release == "r-2" and user == 0 else "ok"
                world.call(release=release, user_id=f"{release}-{user}", status=status, ago=DAY_S)
    harm, of = _claims(claim, "reliability/error", margin=0.01, at_most=0.1, unit="ratio")
    (piece,) = _measure(world, harm, of)
    assert piece.value == pytest.approx(40 / 159)
    assert judge(harm, piece, now=world.now).state is State.UNPROVEN


def test_what_has_no_bounds_says_how_many_users_it_takes(world: World, claim: ClaimOf) -> None:
    for release in ("r-1", "r-2"):
        for user in range(30):
            world.call(release=release, user_id=f"{release}-{user}", cost_usd=0.01, ago=DAY_S)
    harm, of = _claims(claim, "economics/cost", margin=0.01, at_most=0.1, unit="USD")
    (cost,) = _measure(world, harm, of)
    assert cost.detail["remark"] == ("bounds are given from 100 users of each release on: r-2 has 30, r-1 30")
    for release in ("r-1", "r-2"):
        for user in range(30, 120):
            world.call(release=release, user_id=f"{release}-{user}", cost_usd=0.01, ago=DAY_S)
    (cost,) = _measure(world, harm, of)
    assert cost.detail["remark"] == "no two users differ in it yet, so that no bounds can be told"
    harm, of = _claims(claim, "reliability/latency_p95", margin=10.0, at_most=4_000.0, unit="ms")
    (slow,) = _measure(world, harm, of)
    assert "r-1 has 120, and 0 on the rarer side" in slow.detail["remark"]


def test_the_harms_share_the_error(world: World, claim: ClaimOf) -> None:
    _escalations(world, "r-2", users=200, share=0.1, seed=1)
    _escalations(world, "r-1", users=200, share=0.1, seed=2)
    harm, of = _claims(claim, "outcomes/escalation", margin=0.02, at_most=0.2, unit="ratio")
    others = [replace(harm, address=f"{harm.address}/{number}") for number in range(4)]
    (piece,) = _measure(world, harm, of, *others)
    assert piece.confidence == pytest.approx(0.99)


def test_without_a_ramp_or_an_event_nothing_is_said(world: World, claim: ClaimOf) -> None:
    world.call(release="r-2", user_id="a", ago=DAY_S)
    world.call(release="r-1", user_id="b", ago=DAY_S)
    harm, of = _claims(claim, "outcomes/escalation", margin=0.02, at_most=0.2, unit="ratio")
    assert _measure(world, harm, of, baseline=None) == []
    (piece,) = _measure(world, harm, of)
    assert piece.value is None
    assert piece.detail["reason"].startswith("of r-2: no outcome escalation or escalated was recorded")


def _grouped(world: World, release: str, **shares: float) -> None:
    rng = random.Random(release)
    for group, share in shares.items():
        for user in range(400):
            trace = world.call(
                release=release,
                user_id=f"{release}-{group}-{user}",
                ago=DAY_S,
                attributes={Own.SLICE: f"language:{group}"},
            )
            if rng.random() < share:
                world.outcome("escalated", trace=trace, ago=DAY_S - 60)


@pytest.mark.parametrize(("which", "margin"), [("gap", 0.05), ("ratio", 0.3)])
def test_groups_that_the_candidate_drives_apart_are_harm_and_others_are_not(
    world: World, claim: ClaimOf, which: str, margin: float
) -> None:
    outcome = claim("outcomes/escalation", at_most=0.5, unit="ratio")
    unit = "ratio" if which == "gap" else ""
    made = claim(f"fairness/{which}", at_most=0.5, unit=unit, workflow=None)
    told = {"of": "answer/outcomes/escalation", "groups": ("language",), "min_group": 100}
    promise = replace(made, address=f"{made.address}/answer/outcomes/escalation", options=told)
    own = promise.address.partition("/")[2]
    harm: Claim = claim("rollout/harms", kind=ClaimKind.DELTA, workflow=None, of=own, at_most=0.5, unit=unit)
    harm = replace(harm, margin=margin)
    _grouped(world, "r-1", de=0.5, en=0.5)
    _grouped(world, "r-2", de=0.9, en=0.2)
    (piece,) = _measure(world, harm, promise, outcome)
    assert piece.value == pytest.approx(piece.detail["candidate"] - piece.detail["baseline"])
    assert (piece.detail["smallest_group"], piece.detail["min_group"]) == (400, 100)
    assert piece.detail["candidate_groups"].get("highest", piece.detail["candidate_groups"].get("group")) == (
        "language:de"
    )
    shown = [each["trace"] for each in piece.detail["worst"]]
    assert len(set(shown)) == 20
    [of] = world.store.query(
        "SELECT count(*) AS n, count(*) FILTER (release = 'r-2') AS candidate FROM spans"
        f" WHERE lower(hex(trace_id)) IN ({', '.join(repr(each) for each in shown)})"
    )
    assert (of["n"], of["candidate"]) == (20, 20)
    assert judge(harm, piece, now=world.now).state is State.UNMET
    assert judge(replace(harm, margin=9.0), piece, now=world.now).state is State.MET


def test_groups_of_too_few_users_say_so(world: World, claim: ClaimOf) -> None:
    made = claim("fairness/gap", at_most=0.5, unit="ratio", workflow=None)
    told = {"of": "answer/outcomes/escalation", "groups": ("language",), "min_group": 500}
    promise = replace(made, address=f"{made.address}/answer/outcomes/escalation", options=told)
    own = promise.address.partition("/")[2]
    harm: Claim = claim(
        "rollout/harms", kind=ClaimKind.DELTA, workflow=None, of=own, at_most=0.5, unit="ratio"
    )
    for release in ("r-1", "r-2"):
        _grouped(world, release, de=0.2, en=0.2)
    outcome = claim("outcomes/escalation", at_most=0.5, unit="ratio")
    (piece,) = _measure(world, replace(harm, margin=0.1), promise, outcome)
    assert piece.value is None
    assert "no two groups have 500 uses each of both releases" in piece.detail["reason"]
