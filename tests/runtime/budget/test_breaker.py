"""When a model that fails is left alone, and when it is tried again."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from launchworthy.runtime.budget import Breaker, BreakerState


def _opened(at: float = 0.0) -> Breaker:
    breaker = Breaker(failures=3, rest_s=10, longest_rest_s=35)
    for _ in range(3):
        breaker.failed(at)
    return breaker


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not() -> None:
    breaker = Breaker(failures=3, rest_s=10)
    for _ in range(5):
        breaker.failed(0.0)
        breaker.failed(0.0)
        breaker.succeeded(0.0)
    assert breaker.state(0.0) is BreakerState.CLOSED
    breaker.failed(1.0)
    breaker.failed(1.0)
    assert breaker.allows(1.0)
    breaker.failed(1.0)
    assert breaker.state(1.0) is BreakerState.OPEN
    assert not breaker.allows(10.9)


def test_half_open_lets_one_through_and_its_success_closes_it() -> None:
    breaker = _opened()
    assert breaker.state(10.0) is BreakerState.HALF_OPEN
    assert [breaker.allows(10.0) for _ in range(3)] == [True, False, False]
    breaker.succeeded(10.5)
    assert breaker.state(10.5) is BreakerState.CLOSED
    assert all(breaker.allows(10.5) for _ in range(3))


def test_each_failed_try_doubles_the_rest_up_to_the_longest() -> None:
    breaker, now, rests = _opened(), 10.0, []
    for _ in range(4):
        assert breaker.allows(now)
        breaker.failed(now)
        start = now
        while not breaker.allows(now):
            now += 1.0
        rests.append(now - start)
        breaker.failed(now)
        start = now
        while breaker.state(now) is BreakerState.OPEN:
            now += 1.0
    assert rests == [20, 35, 35, 35]


def test_a_try_that_never_comes_back_loses_its_turn() -> None:
    breaker = _opened()
    assert breaker.allows(10.0)
    assert not breaker.allows(15.0)
    assert breaker.allows(20.0)


def test_a_clock_going_back_neither_opens_nor_closes_it() -> None:
    breaker = _opened(at=100.0)
    assert not breaker.allows(5.0)
    assert breaker.state(5.0) is BreakerState.OPEN
    assert breaker.allows(110.0)
    breaker.succeeded(0.0)
    assert breaker.state(0.0) is BreakerState.CLOSED


def test_a_failure_that_began_before_it_opened_does_not_lengthen_the_rest() -> None:
    breaker = _opened()
    breaker.failed(9.0)
    breaker.failed(9.9)
    assert breaker.allows(10.0)


def test_of_many_threads_one_gets_through_half_open() -> None:
    breaker, got = _opened(), []
    ready = threading.Barrier(8)

    def ask() -> None:
        ready.wait()
        got.append(breaker.allows(10.0))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [False] * 7 + [True]


@given(
    st.lists(
        st.tuples(st.sampled_from(("ask", "failed", "succeeded")), st.floats(-50, 400, allow_nan=False)),
        max_size=60,
    )
)
def test_whatever_happens_it_is_never_shut_for_longer_than_the_longest_rest(
    events: list[tuple[str, float]],
) -> None:
    breaker, latest = Breaker(failures=2, rest_s=10, longest_rest_s=40), float("-inf")
    for what, at in events:
        latest = max(latest, at)
        if what == "ask":
            breaker.allows(at)
        elif what == "failed":
            breaker.failed(at)
        else:
            breaker.succeeded(at)
            assert breaker.allows(at)
    assert not events or breaker.allows(latest + 40.0)
