"""The ledger of what tools spend, on disk: it behaves as the one in memory, and never overspends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.errors import InputError
from launchworthy.runtime.permission import Charge, MemorySpending, Overrun, Reservation
from launchworthy.store.database import Database
from launchworthy.store.spending import SpendingRepository

START = datetime(2026, 11, 24, tzinfo=UTC)


def _charge(amount: float, *, user: str | None = "u1", most: float = 100.0, window_ms: int = 1_000) -> Charge:
    return Charge(
        tool="refund", user=user, unit="USD", amount=amount, most=most, window_ms=window_ms, rule="shop/tools"
    )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(tmp_path / "metadata.sqlite")
    yield found
    found.close()


@pytest.fixture
def ledger(database: Database) -> SpendingRepository:
    return SpendingRepository(database, product="shop", clock=lambda: START, name=str.upper)


def test_forty_calls_at_once_spend_no_more_than_the_budget(database: Database) -> None:
    taken: list[Reservation | Overrun] = []

    def take() -> None:
        own = SpendingRepository(database, product="shop", clock=lambda: START, name=str.upper)
        taken.append(own.reserve([_charge(7.0), _charge(7.0, user=None, most=60.0)]))

    threads = [threading.Thread(target=take) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(each, Reservation) for each in taken) == 8  # 8 x 7 = 56 fits into 60, 63 does not
    ledger = SpendingRepository(database, product="shop", clock=lambda: START, name=str.upper)
    assert ledger.spent(_charge(0.0)) == 56.0


def test_what_did_not_fit_took_nothing_from_any_budget(ledger: SpendingRepository) -> None:
    answer = ledger.reserve([_charge(50.0), _charge(50.0, user=None, most=40.0)])
    assert isinstance(answer, Overrun)
    assert answer.charge.user is None
    assert ledger.spent(_charge(0.0)) == 0.0


def test_a_settled_call_counts_what_it_really_took_and_cannot_be_released(ledger: SpendingRepository) -> None:
    kept = ledger.reserve([_charge(50.0)])
    assert isinstance(kept, Reservation)
    ledger.settle(kept, amount=12.5)
    ledger.release(kept)
    assert ledger.spent(_charge(0.0)) == 12.5
    dropped = ledger.reserve([_charge(80.0)])
    assert isinstance(dropped, Reservation)
    ledger.release(dropped)
    ledger.release(dropped)
    assert ledger.spent(_charge(0.0)) == 12.5


def test_a_clock_that_goes_back_empties_no_window(database: Database) -> None:
    now = [START]
    ledger = SpendingRepository(database, product="shop", clock=lambda: now[0], name=str.upper)
    assert isinstance(ledger.reserve([_charge(90.0)]), Reservation)
    now[0] = START - timedelta(days=2)
    assert isinstance(ledger.reserve([_charge(20.0)]), Overrun)
    now[0] = START + timedelta(seconds=1)
    assert isinstance(ledger.reserve([_charge(20.0)]), Reservation)


def test_products_do_not_share_budgets(database: Database, ledger: SpendingRepository) -> None:
    assert isinstance(ledger.reserve([_charge(90.0)]), Reservation)
    other = SpendingRepository(database, product="bank", clock=lambda: START, name=str.upper)
    assert isinstance(other.reserve([_charge(90.0)]), Reservation)


@pytest.mark.parametrize("amount", [-1.0, float("inf"), 1e300])
def test_an_amount_that_cannot_be_counted_is_refused(ledger: SpendingRepository, amount: float) -> None:
    with pytest.raises(InputError):
        ledger.reserve([_charge(amount, most=float("inf"))])


_STEPS = st.lists(
    st.tuples(
        st.integers(0, 700),
        st.integers(0, 6_000),
        st.sampled_from(["u1", "u2", None]),
        st.sampled_from(["keep", "settle", "release"]),
    ),
    max_size=12,
)


@given(steps=_STEPS)
@settings(max_examples=25, deadline=None)
def test_it_decides_as_the_ledger_in_memory_does(
    steps: list[tuple[int, int, str | None, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    database = Database(tmp_path_factory.mktemp("spending") / "metadata.sqlite")
    disk = SpendingRepository(database, product="shop", clock=lambda: START, name=str.upper)
    memory = MemorySpending()
    at_ms = 1_800_000_000_000
    try:
        for wait_ms, cents, user, then in steps:
            at_ms += wait_ms
            charge = _charge(cents / 100, user=user)
            on_disk = disk.reserve([charge], at_ms=at_ms)
            in_memory = memory.reserve([charge], at_ms=at_ms)
            assert type(on_disk) is type(in_memory)
            if isinstance(on_disk, Reservation) and isinstance(in_memory, Reservation):
                if then == "settle":
                    disk.settle(on_disk, amount=1.25)
                    memory.settle(in_memory, amount=1.25)
                elif then == "release":
                    disk.release(on_disk)
                    memory.release(in_memory)
            assert disk.spent(charge, at_ms=at_ms) == pytest.approx(memory.spent(charge, at_ms=at_ms))
    finally:
        database.close()
