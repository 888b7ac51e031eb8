"""Budgets: what is spent stays spent, whoever else spends at the same time and whatever the clock does."""

from __future__ import annotations

import threading
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.runtime.permission import (
    Charge,
    MemorySpending,
    Overrun,
    Principal,
    Request,
    Reservation,
    Ruling,
)

DAY = 86_400_000


def _charge(amount: float, *, most: float = 10, user: str | None = None, unit: str = "USD") -> Charge:
    return Charge(
        tool="pay", user=user, unit=unit, amount=amount, most=most, window_ms=DAY, rule="p/tools/pay"
    )


def _taken(ledger: MemorySpending, amount: float, at: int, **further: Any) -> Reservation:
    taken = ledger.reserve([_charge(amount, **further)], at_ms=at)
    assert isinstance(taken, Reservation)
    return taken


def test_calls_at_the_same_time_cannot_overspend_together() -> None:
    ledger, won, gate = MemorySpending(), list[int](), threading.Barrier(8)

    def spend(number: int) -> None:
        gate.wait()
        for _ in range(50):
            if isinstance(
                ledger.reserve([_charge(0.1), _charge(1, most=200, unit="")], at_ms=5), Reservation
            ):
                won.append(number)

    threads = [threading.Thread(target=spend, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 100  # 10 USD at 0.1 a call, to the cent
    assert ledger.spent(_charge(0), at_ms=5) == 10
    assert ledger.spent(_charge(0, unit=""), at_ms=5) == 100


def test_all_budgets_are_charged_or_none() -> None:
    ledger = MemorySpending()
    _taken(ledger, 9, 1, user="u")
    refused = ledger.reserve([_charge(2), _charge(2, user="u")], at_ms=2)
    assert isinstance(refused, Overrun)
    assert (refused.charge.user, refused.spent) == ("u", 9)
    assert ledger.spent(_charge(0), at_ms=2) == 0
    twice = ledger.reserve([_charge(6), _charge(6)], at_ms=2)
    assert isinstance(twice, Overrun)


def test_what_did_not_run_is_given_back_once_and_what_ran_counts_at_what_it_took() -> None:
    ledger = MemorySpending()
    first, second = _taken(ledger, 4, 1), _taken(ledger, 5, 1)
    ledger.release(first)
    ledger.release(first)
    assert ledger.spent(_charge(0), at_ms=1) == 5
    ledger.settle(second, amount=1.5)
    ledger.release(second)
    ledger.settle(second, amount=0)
    assert ledger.spent(_charge(0), at_ms=1) == 1.5
    for nonsense in (float("nan"), float("inf"), -3.0):
        ledger.settle(_taken(ledger, 1, 1), amount=nonsense)
    assert ledger.spent(_charge(0), at_ms=1) == 4.5


def test_a_call_that_took_more_than_was_reserved_leaves_less_for_the_next() -> None:
    ledger = MemorySpending()
    ledger.settle(_taken(ledger, 4, 1), amount=9)
    assert isinstance(ledger.reserve([_charge(2)], at_ms=1), Overrun)


def test_a_reservation_of_a_process_that_is_gone_counts_until_it_is_old() -> None:
    ledger = MemorySpending()
    _taken(ledger, 10, 1)
    assert isinstance(ledger.reserve([_charge(1)], at_ms=DAY), Overrun)
    late = _taken(ledger, 10, DAY + 1)
    ledger.release(late)
    assert ledger.spent(_charge(0), at_ms=DAY + 1) == 0


def test_a_clock_that_goes_back_refills_nothing() -> None:
    now = [5 * DAY]
    ledger = MemorySpending(clock_ms=lambda: now[0])
    assert isinstance(ledger.reserve([_charge(10)]), Reservation)
    now[0] = 2 * DAY
    assert ledger.spent(_charge(0)) == 10
    assert isinstance(ledger.reserve([_charge(1)]), Overrun)
    now[0] = 5 * DAY + 10
    assert isinstance(ledger.reserve([_charge(1)]), Overrun)
    now[0] = 6 * DAY
    assert isinstance(ledger.reserve([_charge(10)]), Reservation)
    now[0] = 4 * DAY  # what is entered now counts from the latest time that was seen
    ledger.reserve([_charge(0.0)])
    now[0] = 7 * DAY - 1
    assert ledger.spent(_charge(0)) == 10


def test_users_who_came_once_leave_nothing_behind() -> None:
    ledger = MemorySpending()
    for number in range(15_000):
        taken = _taken(ledger, 1, number * DAY // 100, user=f"u{number}")
        if number % 2:
            ledger.settle(taken)
    assert len(ledger._windows) < 6_000
    assert len(ledger._open) < 6_000
    late = ledger.reserve([_charge(1, user="u0")], at_ms=0)
    assert isinstance(late, Reservation)
    ledger.release(late)


def test_amounts_too_small_to_see_still_add_up() -> None:
    ledger = MemorySpending()
    for _ in range(100):
        _taken(ledger, 1e-12, 1)
    assert ledger.spent(_charge(0), at_ms=1) >= 100e-12


def test_reading_the_future_forgets_nothing() -> None:
    ledger = MemorySpending()
    _taken(ledger, 7, 10)
    assert ledger.spent(_charge(0), at_ms=10 + DAY) == 0
    assert ledger.spent(_charge(0), at_ms=11) == 7


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3 * DAY), st.integers(0, 400), st.sampled_from(["settle", "release", "leave"])
        ),
        max_size=40,
    )
)
def test_no_window_of_a_day_ever_holds_more_than_the_budget(calls: list[tuple[int, int, str]]) -> None:
    ledger, kept, now = MemorySpending(), list[tuple[int, float]](), 0
    for at, cents, then in calls:
        now = max(now, at)
        taken = ledger.reserve([_charge(cents / 100)], at_ms=at)
        before = sum(amount for when, amount in kept if when > now - DAY)
        assert isinstance(taken, Reservation) == (round(before * 100) + cents <= 1_000)
        if isinstance(taken, Overrun):
            continue
        if then == "release":
            ledger.release(taken)
        else:
            kept.append((now, cents / 100))
            if then == "settle":
                ledger.settle(taken)
    for end in {when for when, _ in kept}:
        assert sum(round(amount * 100) for when, amount in kept if end - DAY < when <= end) <= 1_000


def test_a_decision_says_what_is_used_and_whose_budget_it_is(policy_of: Any) -> None:
    pay = {
        "effect": "pay",
        "roles": ["agent"],
        "approval": "unattended",
        "limits": {"per_user": "100 USD/d", "total": "3/d"},
    }
    policy, ledger = policy_of({"pay": pay}), MemorySpending()

    def call(amount: Any, **further: Any) -> Any:
        request = Request(tool="pay", roles=("agent",), arguments={"amount": amount}, at_ms=1, **further)
        decision = policy.decide(request, spending=ledger)
        if decision.ruling is Ruling.ALLOW:
            assert isinstance(ledger.reserve(decision.charges, at_ms=1), Reservation)
        return decision

    assert call(80, user="u").ruling is Ruling.ALLOW
    refused = call(30, user="robot", on_behalf_of=(Principal(roles=("agent",), user="u"),))
    assert refused.rule == "shop/tools/pay/limits/per_user"
    assert (
        refused.reason == "80 USD of the budget of one user, 100 USD/d, are used, and this call takes 30 USD"
    )
    assert call(30, user="v").ruling is Ruling.ALLOW
    assert call(90).ruling is Ruling.ALLOW
    assert call(1, user="w").rule == "shop/tools/pay/limits/total"
    assert call("1 EUR", user="w").rule == "shop/tools/pay/limits/per_user"


def test_those_who_name_no_user_share_one_budget(policy_of: Any) -> None:
    note = {"effect": "write", "roles": ["agent"], "approval": "unattended", "limits": {"per_user": "1/d"}}
    policy, ledger = policy_of({"note": note}), MemorySpending()
    request = Request(tool="note", roles=("agent",), at_ms=1)
    ledger.reserve(policy.decide(request, spending=ledger).charges, at_ms=1)
    again = policy.decide(request, spending=ledger)
    assert again.reason == "1 of the budget of one user, 1/d, are used, and this would be one more"
