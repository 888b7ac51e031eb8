"""A step of a ramp is kept and chained exactly once, whoever takes it and whenever the process ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from launchworthy.errors import ConflictError, NotFoundError
from launchworthy.store import Store

if TYPE_CHECKING:
    from tests.forking import Forking

STEPS = """
import sys
from pathlib import Path
from launchworthy.store import Store
with Store.open(Path(sys.argv[1])) as store:
    store.ramps.add("support", ramp="one", body="0", chained='"start"')
    print("ready", flush=True)
    for version in range(1, 100_000):
        store.ramps.change("support", ramp="one", version=version, body=str(version), is_open=True,
                           chained=f'"step {version}"')
        print(version, flush=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as opened:
        yield opened


def _chained(store: Store) -> list[str]:
    return [entry.body for entry in store.ledger.ledger_entries("support") if entry.kind == "rollout"]


def test_of_twenty_who_decide_at_once_one_does(store: Store) -> None:
    store.ramps.add("support", ramp="one", body="0", chained='"start"')
    outcomes: list[str] = []

    def take(number: int) -> None:
        try:
            store.ramps.change(
                "support", ramp="one", version=1, body=str(number), is_open=True, chained=f'"{number}"'
            )
            outcomes.append(str(number))
        except ConflictError as error:
            outcomes.append(error.message)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (won,) = [each for each in outcomes if each.isdigit()]
    assert outcomes.count("somebody decided about it in between") == 19
    assert store.ramps.ramps("support") == [(2, won)]
    assert _chained(store) == ['"start"', f'"{won}"']


def test_one_release_at_a_time(store: Store) -> None:
    store.ramps.add("support", ramp="one", body="1", chained='"start"')
    with pytest.raises(ConflictError, match="one is under way"):
        store.ramps.add("support", ramp="two", body="2", chained='"start"')
    store.ramps.add("shop", ramp="two", body="2", chained='"start"')
    assert store.ramps.open_products() == ["shop", "support"]
    store.ramps.change("support", ramp="one", version=1, body="1", is_open=False, chained='"stop"')
    store.ramps.add("support", ramp="three", body="3", chained='"start"')
    assert [body for _, body in store.ramps.ramps("support")] == ["3", "1"]
    assert [body for _, body in store.ramps.ramps("support", only_open=True)] == ["3"]


def test_a_ramp_that_is_not_there_is_told(store: Store) -> None:
    with pytest.raises(NotFoundError, match="no ramp 'x'"):
        store.ramps.change("support", ramp="x", version=1, body="", is_open=True, chained='""')
    assert _chained(store) == []


def test_after_kill_9_the_ramp_and_the_chain_tell_the_same_steps(tmp_path: Path, forking: Forking) -> None:
    with forking.start("-c", STEPS, str(tmp_path / "data")) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(30)]
        process.kill()
        told += process.stdout.readlines()
    last = int(told[-1])
    with Store.open(tmp_path / "data") as store:
        ((version, body),) = store.ramps.ramps("support")
        assert int(body) in (last, last + 1)  # what was told is kept
        assert version == int(body) + 1
        assert _chained(store) == ['"start"', *(f'"step {number}"' for number in range(1, version))]
