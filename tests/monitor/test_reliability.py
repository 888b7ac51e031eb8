"""Latency and shares of calls, against SciPy and plain counting."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

from launchworthy.contract import ClaimKind
from launchworthy.evidence import State
from launchworthy.evidence.claim_status import status
from launchworthy.evidence.judgement import proportion
from launchworthy.monitor import measuring
from launchworthy.stats import quantile_interval

if TYPE_CHECKING:
    from tests.monitor.conftest import ClaimOf, World


def _bounds_of_quantile(values: list[float], *, q: float, level: float) -> tuple[float, float]:
    """Order statistics by the binomial distribution, as David and Nagaraja write them."""
    ordered, n = sorted(values), len(values)
    upper = next((r for r in range(1, n + 1) if stats.binom.sf(r - 1, n, q) <= 1 - level), None)
    lower = next((r for r in range(n, 0, -1) if stats.binom.cdf(r - 1, n, q) <= 1 - level), None)
    return (
        -math.inf if lower is None else ordered[lower - 1],
        math.inf if upper is None else ordered[upper - 1],
    )


def _exact(hits: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    low = 0.0 if hits == 0 else float(stats.beta.ppf(1 - level, hits, n - hits + 1))
    high = 1.0 if hits == n else float(stats.beta.ppf(level, hits + 1, n - hits))
    return low, high


@pytest.mark.parametrize(
    ("metric", "q"), [("latency_p95", 0.95), ("latency_p50", 0.5), ("latency_p99.5", 0.995)]
)
@pytest.mark.parametrize("ties", [False, True])
def test_a_latency_percentile_has_the_bounds_of_its_order_statistics(
    world: World, claim: ClaimOf, metric: str, q: float, ties: bool
) -> None:
    rng = random.Random(3)
    values = [rng.lognormvariate(6, 1) for _ in range(400)]
    if ties:
        values = [float(round(value, -2)) for value in values]
    for value in values:
        world.call(duration_ms=value)
    piece = world.one(claim(f"reliability/{metric}", at_most=4000.0, unit="ms"))
    assert piece.value == sorted(values)[math.ceil(q * 400) - 1]
    assert (piece.low, piece.high) == _bounds_of_quantile(values, q=q, level=0.95)
    assert (piece.unit, piece.n, piece.unit_of_analysis) == ("ms", 400, "call")
    assert [each["value"] for each in piece.detail["worst"]] == sorted(values, reverse=True)[:20]


def test_a_percentile_agrees_with_the_exact_test_of_the_share_that_is_slower(
    world: World, claim: ClaimOf
) -> None:
    rng = random.Random(4)
    values = [float(rng.randrange(1, 40)) for _ in range(300)]
    for value in values:
        world.call(duration_ms=value)
    piece = world.one(claim("reliability/latency_p90", at_most=1.0, unit="ms"))
    assert piece.low is not None
    assert piece.high is not None
    for threshold in np.arange(0.5, 41.0, 0.5):
        slower = sum(value > threshold for value in values)
        low, high = _exact(slower, 300)
        assert (piece.high <= threshold) == (high <= 0.10)
        assert (piece.low > threshold) == (low > 0.10)


def test_every_split_of_a_thousand_ranks_is_the_same_as_in_python(world: World, claim: ClaimOf) -> None:
    values = [float(place) for place in range(1, 1001)]
    random.Random(5).shuffle(values)
    for value in values:
        world.call(duration_ms=value)
    percents = [1, 2.5, 7, 28, 29, 57, 58, 95, 99, 99.9]
    claims = [claim(f"reliability/latency_p{p:g}", at_most=1.0, unit="ms") for p in percents]
    found = world.measure(*claims)
    for each, percent in zip(claims, percents, strict=True):
        own = quantile_interval(values, q=percent / 100, sides=1)
        piece = found[each.address]
        assert (piece.value, piece.low, piece.high) == (own.value, own.low, own.high)


def test_too_few_calls_leave_a_percentile_without_an_upper_bound(world: World, claim: ClaimOf) -> None:
    asked = claim("reliability/latency_p95", at_most=4000.0, unit="ms")
    for _ in range(58):
        world.call(duration_ms=10.0)
    assert world.one(asked).high == math.inf
    assert status(asked, [world.one(asked)], release="r-1", now=world.now).state is State.UNPROVEN
    world.call(duration_ms=10.0)
    piece = world.one(asked)
    assert piece.high == 10.0
    assert status(asked, [piece], release="r-1", now=world.now).state is State.MET


def test_an_unproven_percentile_says_how_many_more_calls_would_settle_it(
    world: World, claim: ClaimOf
) -> None:
    asked = claim("reliability/latency_p95", at_most=4000.0, unit="ms")
    for place in range(80):
        world.call(duration_ms=9000.0 if place < 2 else 100.0, ago=86_400.0 * 2)
    found = status(asked, [world.one(asked)], release="r-1", now=world.now)
    assert found.state is State.UNPROVEN
    assert found.plan is not None
    assert found.plan.needed is not None
    assert found.plan.needed > 50
    # 80 calls in two days are 40 a day.
    assert found.plan.days == pytest.approx(found.plan.needed / 40.0)


def test_what_failed_has_no_latency_and_what_timed_out_was_waited_for(world: World, claim: ClaimOf) -> None:
    for _ in range(70):
        world.call(duration_ms=100.0)
    world.call(status="error", error_type="ValueError", duration_ms=1.0)
    late = world.call(status="error", error_type="openai.APITimeoutError", duration_ms=8000.0)
    world.call(duration_ms=None)
    piece = world.one(claim("reliability/latency_p95", at_most=4000.0, unit="ms"))
    assert piece.n == 71
    assert piece.unscored == 1
    assert piece.detail["unscored_because"] == {"the call has no duration": 1}
    assert world.traces(piece)[0] == late.hex()
    assert world.one(claim("reliability/latency", at_most=4000.0, unit="ms")).value == pytest.approx(
        (70 * 100 + 8000) / 71
    )


def test_only_calls_of_the_release_workflow_product_and_window_count(world: World, claim: ClaimOf) -> None:
    world.call(duration_ms=5.0)
    world.call(duration_ms=1.0, release="r-2")
    world.call(duration_ms=2.0, release=None)
    world.call(duration_ms=3.0, workflow="refund")
    world.call(duration_ms=4.0, product="other")
    world.call(duration_ms=6.0, ago=31 * 86_400)
    world.call(duration_ms=7.0, ago=-60)
    world.call(duration_ms=8.0, cohort="evaluation")
    world.span(kind="step", duration_ms=9.0)
    judged = world.span(kind="evaluation", workflow=None, release=None, duration_ms=10.0)
    world.call(duration_ms=11.0, trace=judged, parent_span_id=b"evaluate")
    asked = claim("reliability/latency_p50", at_most=4000.0, unit="ms")
    piece = world.one(asked)
    assert (piece.value, piece.n, piece.release) == (5.0, 1, "r-1")
    assert piece.source == "records:2026-10-25T12:00:00Z/2026-11-24T12:00:00Z"
    assert piece.producer.startswith("launchworthy.monitor ")
    unnamed = world.one(asked, release=None)
    assert (unnamed.value, unnamed.n, unnamed.release) == (2.0, 1, None)


def test_without_spans_of_kind_workflow_the_root_of_each_trace_is_the_call(
    world: World, claim: ClaimOf
) -> None:
    trace = world.span(kind="agent", duration_ms=50.0)
    world.span(kind="model", duration_ms=20.0, trace=trace, parent_span_id=b"12345678")
    asked = claim("reliability/latency_p50", at_most=4000.0, unit="ms")
    assert world.one(asked).value == 50.0
    world.call(duration_ms=70.0, trace=trace, parent_span_id=b"12345678")
    piece = world.one(asked)
    assert (piece.value, piece.n) == (70.0, 1)


def test_no_records_are_no_evidence(world: World, claim: ClaimOf) -> None:
    asked = claim("reliability/latency_p95", at_most=4000.0, unit="ms")
    assert world.measure(asked) == {}
    world.call(release="r-2")
    assert world.measure(asked, claim("outcomes/resolved", at_least=0.6, unit="ratio")) == {}
    assert world.measure(release=None) == {}


def test_shares_of_independent_calls_are_exact_and_can_be_judged_again(world: World, claim: ClaimOf) -> None:
    failed = {world.call(status="error", error_type="ValueError").hex() for _ in range(3)}
    late = world.call(status="error", error_type="TimeoutError").hex()
    slow = world.call(duration_ms=8001.0).hex()
    for _ in range(195):
        world.call(duration_ms=8000.0)
    found = world.measure(
        claim("limits/timeout", kind=ClaimKind.NEVER, limit=8000.0, unit="ms"),
        claim("reliability/error", at_most=0.01, unit="ratio"),
        claim("reliability/availability", at_least=0.99, unit="ratio"),
        claim("reliability/timeout", at_most=0.01, unit="ratio"),
    )
    for name, hits, bad in (
        ("error", 4, {*failed, late}),
        ("availability", 196, {*failed, late}),
        ("timeout", 2, {late, slow}),
    ):
        piece = found[world.at(f"reliability/{name}")]
        assert piece.value == hits / 200
        assert (piece.low, piece.high) == pytest.approx(_exact(hits, 200), abs=1e-9)
        assert proportion(piece) == (hits, 200)
        assert set(world.traces(piece)) == bad


def _effect(rows: list[tuple[str, bool]]) -> float:
    """Design effect of a share, averaged with the largest possible as one telling user more."""
    n, share = len(rows), sum(hit for _, hit in rows) / len(rows)
    of_user: dict[str, list[bool]] = {}
    for user, hit in rows:
        of_user.setdefault(user, []).append(hit)
    moved = sum(sum(hit - share for hit in hits) ** 2 for hits in of_user.values())
    units = len(of_user)
    variance = units / (units - 1) * moved / n**2
    estimated = max(1.0, variance / (share * (1 - share) / n))
    telling = min(
        sum(any(hits) for hits in of_user.values()), sum(not all(hits) for hits in of_user.values())
    )
    largest = sum(len(hits) ** 2 for hits in of_user.values()) / n
    return (telling * estimated + largest) / (telling + 1)


def test_where_one_user_makes_most_calls_the_bounds_are_those_of_fewer_calls(
    world: World, claim: ClaimOf
) -> None:
    rng = random.Random(8)
    rows = [("u_heavy", rng.random() < 0.5) for _ in range(200)]
    rows += [(f"u_{place}", rng.random() < 0.05) for place in range(100)]
    for user, failed in rows:
        world.call(user_id=user, status="error" if failed else "ok")
    piece = world.one(claim("reliability/error", at_most=0.05, unit="ratio"))
    failures = sum(failed for _, failed in rows)
    share, effect = failures / 300, _effect(rows)
    worth = 300 / effect
    assert effect > 10
    assert piece.value == pytest.approx(share)
    assert piece.low == pytest.approx(stats.beta.ppf(0.05, share * worth, worth - share * worth + 1))
    assert piece.high == pytest.approx(stats.beta.ppf(0.95, share * worth + 1, worth - share * worth))
    assert piece.high is not None
    assert piece.high > _exact(failures, 300)[1] + 0.1
    assert (piece.n, piece.unit_of_analysis) == (101, "user")
    assert piece.detail["design_effect"] == pytest.approx(effect)
    assert proportion(piece) is None


def test_a_flawless_share_of_few_users_proves_no_more_than_the_users_do(world: World, claim: ClaimOf) -> None:
    for place in range(300):
        world.call(user_id=f"u_{place % 3}", session_id=f"s_{place}")
    piece = world.one(claim("reliability/error", at_most=0.05, unit="ratio"))
    assert (piece.value, piece.n) == (0.0, 3)
    assert piece.high == pytest.approx(_exact(0, 3)[1])


def test_a_percentile_of_repeating_users_has_the_ranks_of_fewer_calls(world: World, claim: ClaimOf) -> None:
    rng = random.Random(9)
    rows = [(rng.choice("abcdefghij"), rng.lognormvariate(5, 1)) for _ in range(400)]
    rows = [(user, value * (5 if user == "a" else 1)) for user, value in rows]
    for user, value in rows:
        world.call(user_id=user, duration_ms=value)
    piece = world.one(claim("reliability/latency_p75", at_most=4000.0, unit="ms"))
    ordered = sorted(value for _, value in rows)
    assert piece.value == ordered[299]
    worth = 400 / _effect([(user, value > ordered[299]) for user, value in rows])
    ranks = range(1, math.floor(worth) + 1)
    upper = next(r for r in ranks if stats.beta.cdf(0.75, r, worth - r + 1) <= 0.05)
    lower = next(r for r in ranks if stats.beta.cdf(0.25, r, worth - r + 1) <= 0.05)
    assert piece.high == ordered[math.ceil(upper * 400 / worth) - 1]
    assert piece.low == ordered[400 - math.ceil(lower * 400 / worth)]
    alone = _bounds_of_quantile(ordered, q=0.75, level=0.95)
    assert piece.low is not None
    assert piece.high is not None
    assert piece.low < alone[0] <= alone[1] < piece.high
    assert (piece.n, piece.method) == (10, "order statistics, clustered")


def test_what_is_missing_weighs_the_same_whether_calls_or_users_are_counted(
    world: World, claim: ClaimOf
) -> None:
    for place in range(400):
        world.call(user_id=f"u_{place % 20}", duration_ms=None if place < 40 else 10.0)
    asked = claim("reliability/latency_p50", at_most=4000.0, unit="ms")
    piece = world.one(asked)
    assert piece.n + piece.unscored <= 23
    assert piece.detail["unscored_records"] == 40
    found = status(asked, [piece], release="r-1", now=world.now)
    assert found.state is State.UNPROVEN
    assert "could not be measured" in found.reason


def test_inner_spans_tell_of_tools_and_retrievals(world: World, claim: ClaimOf) -> None:
    inner: dict[str, Any] = {"parent_span_id": b"12345678"}
    trace = world.call()
    for place in range(40):
        world.span(
            kind="tool", duration_ms=float(place), status="error" if place < 2 else "ok", trace=trace, **inner
        )
    lost = world.span(kind="retrieval", context="[]", duration_ms=7.0, **inner)
    world.span(kind="retrieval", context='[{"id": "a"}]', duration_ms=5.0, **inner)
    world.span(kind="retrieval", context=None, duration_ms=6.0, **inner)
    world.span(kind="retrieval", context="[]", status="error", **inner)
    found = world.measure(
        claim("reliability/tool_call_error", at_most=0.01, unit="ratio"),
        claim("reliability/tool_latency_p50", at_most=10.0, unit="ms"),
        claim("reliability/retrieval_latency_p50", at_most=10.0, unit="ms"),
        claim("reliability/empty_retrieval", at_most=0.05, unit="ratio"),
    )
    assert found[world.at("reliability/tool_call_error")].value == 2 / 40
    assert found[world.at("reliability/tool_latency_p50")].value == 20.0
    assert found[world.at("reliability/retrieval_latency_p50")].value == 6.0
    empty = found[world.at("reliability/empty_retrieval")]
    assert (empty.value, empty.n, empty.unscored) == (0.5, 2, 1)
    assert world.traces(empty) == [lost.hex()]


def test_a_call_that_does_not_tell_of_its_first_token_or_fallback_is_not_scored(
    world: World, claim: ClaimOf
) -> None:
    world.call(first_token_ms=30.0, attributes={"launchworthy.fallback": "search_results"})
    world.call(first_token_ms=10.0, attributes={"launchworthy.fallback": False})
    world.call(first_token_ms=20.0, attributes={"launchworthy.fallback": ""})
    world.call(attributes={"other": "launchworthy.fallback"})
    world.call(attributes='{"launchworthy.fallback": broken')
    world.call(status="error", error_type="ValueError")
    found = world.measure(
        claim("reliability/first_token_p50", at_most=10.0, unit="ms"),
        claim("reliability/fallback", at_most=0.02, unit="ratio"),
    )
    token = found[world.at("reliability/first_token_p50")]
    assert (token.value, token.n, token.unscored) == (20.0, 3, 2)
    fallback = found[world.at("reliability/fallback")]
    assert (fallback.value, fallback.n, fallback.unscored) == (1 / 3, 3, 3)


def test_of_the_calls_that_failed_the_newest_twenty_are_shown(world: World, claim: ClaimOf) -> None:
    failed = [world.call(status="error", ago=60.0 * (place + 1)).hex() for place in range(30)]
    world.call(ago=1.0)
    piece = world.one(claim("reliability/error", at_most=0.05, unit="ratio"))
    assert list(world.traces(piece)) == failed[:20]


def test_where_nothing_tells_it_the_reason_says_what_is_missing(world: World, claim: ClaimOf) -> None:
    world.call()
    piece = world.one(claim("reliability/fallback", at_most=0.02, unit="ratio"))
    assert (piece.value, piece.n, piece.unscored) == (None, 0, 1)
    assert "launchworthy.fallback" in piece.detail["reason"]


def test_a_slice_counts_the_calls_that_carry_it(world: World, claim: ClaimOf) -> None:
    world.call(duration_ms=1.0, attributes={"launchworthy.slice": "online"})
    world.call(duration_ms=2.0, attributes={"launchworthy.slice": ["new_card", "online"]})
    world.call(duration_ms=4.0, attributes={"launchworthy.slice": "offline", "note": "online"})
    world.call(duration_ms=5.0)
    piece = world.one(claim("reliability/latency_p99", at_most=10.0, unit="ms", slice_="online"))
    assert (piece.value, piece.n, piece.slice) == (2.0, 2, "online")


def test_simulated_traffic_is_named_as_such_and_its_share_told(world: World, claim: ClaimOf) -> None:
    asked = claim("reliability/latency_p50", at_most=10.0, unit="ms")
    for _ in range(3):
        world.call()
    assert not world.one(asked).simulated
    world.call(simulated=True)
    piece = world.one(asked)
    assert piece.simulated
    assert piece.detail["simulated_share"] == 0.25


@pytest.mark.parametrize(
    "name", ["a' OR 1=1 --", '"; DROP TABLE spans; --', "$1 ?", "<b>\x1b[31m", "answer\n", "日本"]
)
def test_names_of_any_text_select_their_own_records_and_nothing_else(
    world: World, claim: ClaimOf, name: str
) -> None:
    world.call(
        product=name, workflow=name, release=name, duration_ms=3.0, attributes={"launchworthy.slice": name}
    )
    world.call(product=name, workflow=name, release=name, duration_ms=9.0)
    world.call(duration_ms=100.0)
    claims = [
        claim("reliability/latency_p50", at_most=9.0, unit="ms", product=name, workflow=name, slice_=name),
        claim("reliability/timeout", at_most=0.1, unit="ratio", product=name, workflow=name),
        claim("limits/timeout", kind=ClaimKind.NEVER, limit=5.0, unit="ms", product=name, workflow=name),
        claim(
            "success",
            kind=ClaimKind.COVER,
            at_least=0.9,
            unit="ratio",
            product=name,
            workflow=name,
            event=name,
        ),
        claim("outcomes/resolved", at_least=0.9, unit="ratio", product=name, workflow=name),
    ]
    world.outcome(name, product=name, workflow=name, session_id=name)
    found = world.measure(*claims, release=name, product=name)
    assert [found[each.address].value for each in claims] == [3.0, 0.5, 1.0, 0.0, 0.0]


def test_a_measure_that_throws_leaves_its_claim_unproven_with_the_reason_and_the_others_measured(
    world: World, claim: ClaimOf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def throws(_: Any) -> None:
        raise ZeroDivisionError("a fault of ours")

    measures = {**measuring._MEASURES, "bound:reliability/error": throws}
    monkeypatch.setattr(measuring, "_MEASURES", measures)
    world.call()
    found = world.measure(
        claim("reliability/error", at_most=0.1, unit="ratio"),
        claim("reliability/availability", at_least=0.1, unit="ratio"),
    )
    broken, well = found[world.at("reliability/error")], found[world.at("reliability/availability")]
    assert (broken.value, well.value) == (None, 1.0)
    assert broken.detail["reason"] == "measuring it failed (ZeroDivisionError); the server's log says why"
    assert "a fault of ours" in caplog.text
