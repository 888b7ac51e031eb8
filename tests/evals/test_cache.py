from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from launchworthy.evals.cache import ReplyCache, cache_key

if TYPE_CHECKING:
    from tests.forking import Forking

PUTS = """
import sys
from pathlib import Path
from launchworthy.evals.cache import ReplyCache

troubles = []
cache = ReplyCache(Path(sys.argv[1]), on_trouble=troubles.append)
for number in range(300):
    cache.put(f"{sys.argv[2]}-{number}", f"{sys.argv[2]} said {number}".encode())
    cache.put(f"both-{number}", sys.argv[2].encode())
assert not troubles, troubles
"""


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def cache(tmp_path: Path, told: list[str]) -> Iterator[ReplyCache]:
    made = ReplyCache(tmp_path / "replies.sqlite", on_trouble=told.append)
    yield made
    made.close()


def test_what_was_put_is_there_for_the_next_process_too(cache: ReplyCache, tmp_path: Path) -> None:
    cache.put("a", b"one")
    cache.put("b", "zwei \N{SNOWMAN}".encode())
    assert (cache.get("a"), cache.get("c")) == (b"one", None)
    cache.close()
    assert cache.get("a") is None
    again = ReplyCache(tmp_path / "replies.sqlite")
    assert again.get("b") == "zwei \N{SNOWMAN}".encode()
    again.close()
    assert oct((tmp_path / "replies.sqlite").stat().st_mode & 0o777) == "0o600"


def test_the_first_reply_stays(cache: ReplyCache) -> None:
    cache.put("a", b"one")
    cache.put("a", b"another")
    assert cache.get("a") == b"one"


def _written(path: Path) -> int:
    """Bytes that this process handed to the kernel."""
    return int(next(line for line in Path("/proc/self/io").read_text().splitlines() if "wchar" in line)[7:])


def test_the_thousandth_put_writes_no_more_than_the_hundredth(cache: ReplyCache) -> None:
    costs = []
    for block in range(10):
        before = _written(cache.path)
        for number in range(block * 400, block * 400 + 400):
            cache.put(f"key {number}", os.urandom(300))
        costs.append(_written(cache.path) - before)
    assert max(costs[5:]) < 2.0 * min(costs[1:5])


def test_it_holds_no_more_than_it_may_and_lets_the_oldest_go(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path / "replies.sqlite", max_bytes=1_000_000)
    for number in range(2_000):
        cache.put(str(number), os.urandom(1_000))
    assert cache.get("0") is None
    assert cache.get("1999") is not None
    there = [number for number in range(2_000) if cache.get(str(number)) is not None]
    assert there == list(range(there[0], 2_000))
    assert 600 <= len(there) <= 850
    cache.close()
    assert (tmp_path / "replies.sqlite").stat().st_size < 1_100_000


def test_a_reply_larger_than_the_whole_is_not_kept(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path / "replies.sqlite", max_bytes=1_000)
    cache.put("small", b"x")
    cache.put("large", os.urandom(5_000))
    assert (cache.get("small"), cache.get("large")) == (b"x", None)
    cache.close()


def test_a_reply_that_is_too_old_is_asked_for_again(tmp_path: Path) -> None:
    now = [1_000.0]
    cache = ReplyCache(tmp_path / "replies.sqlite", max_age_s=60.0, clock=lambda: now[0])
    cache.put("a", b"old")
    now[0] += 59.0
    assert cache.get("a") == b"old"
    now[0] += 2.0
    assert cache.get("a") is None
    cache.put("a", b"new")
    assert cache.get("a") == b"new"
    cache.close()


def test_two_processes_fill_it_at_once_and_neither_is_in_trouble(tmp_path: Path, forking: Forking) -> None:
    path = tmp_path / "replies.sqlite"
    processes = [forking.start("-c", PUTS, str(path), name) for name in ("ana", "ben")]
    for process in processes:
        with process:
            assert process.wait(60) == 0
    cache = ReplyCache(path)
    for name in ("ana", "ben"):
        assert all(cache.get(f"{name}-{n}") == f"{name} said {n}".encode() for n in range(300))
    assert all(cache.get(f"both-{n}") in (b"ana", b"ben") for n in range(300))
    cache.close()


def test_threads_share_it(cache: ReplyCache, told: list[str]) -> None:
    def work(name: int) -> None:
        for number in range(100):
            cache.put(f"{name}/{number}", str(number).encode())
            assert cache.get(f"{name}/{number}") == str(number).encode()

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert all(cache.get(f"{name}/{number}") for name in range(4) for number in range(100))
    assert told == []


def test_a_file_that_is_no_cache_is_told_once_and_left_alone(tmp_path: Path, told: list[str]) -> None:
    path = tmp_path / "replies.sqlite"
    path.write_bytes(b"<html>this is no database</html>" * 200)
    cache = ReplyCache(path, on_trouble=told.append)
    cache.put("a", b"one")
    assert cache.get("a") is None
    assert len(told) == 1
    assert "is damaged" in told[0]
    assert "delete it" in told[0]
    assert path.read_bytes().startswith(b"<html>")


def test_damage_in_the_middle_of_the_file_gives_no_wrong_reply(tmp_path: Path, told: list[str]) -> None:
    path = tmp_path / "replies.sqlite"
    cache = ReplyCache(path)
    values = {str(number): os.urandom(600) for number in range(200)}
    for key, value in values.items():
        cache.put(key, value)
    cache.close()
    with path.open("r+b") as file:
        for offset in range(8_192 + 700, path.stat().st_size, 3_000):
            file.seek(offset)
            file.write(b"\xff" * 40)
    damaged = ReplyCache(path, on_trouble=told.append)
    for key, value in values.items():
        assert damaged.get(key) in (value, None)
        damaged.put(f"{key} again", b"x")
    damaged.close()
    assert len(told) <= 1


def test_a_value_that_was_tampered_with_is_no_reply(cache: ReplyCache) -> None:
    cache.put("a", b"one")
    other = sqlite3.connect(cache.path)
    with other:
        other.execute("UPDATE replies SET value = x'0123456789'")
    other.close()
    assert cache.get("a") is None
    cache.put("a", b"two")
    assert cache.get("a") == b"two"


def test_a_full_disk_is_told_once_and_what_is_there_still_answers(cache: ReplyCache, told: list[str]) -> None:
    cache.put("a", b"one")
    connection = cache._file
    assert connection is not None
    connection.execute("PRAGMA max_page_count = 1")  # SQLite then answers as on a full disk
    for number in range(200):
        cache.put(str(number), os.urandom(4_000))
    assert len(told) == 1
    assert "full" in told[0]
    assert cache.get("a") == b"one"


@pytest.mark.parametrize("broken", ["file/replies.sqlite", "."])
def test_a_place_that_cannot_be_written_is_told_once(tmp_path: Path, told: list[str], broken: str) -> None:
    (tmp_path / "file").touch()
    cache = ReplyCache(tmp_path / broken, on_trouble=told.append)
    cache.put("a", b"one")
    assert cache.get("a") is None
    assert len(told) == 1
    assert "cannot be used" in told[0]


def test_everything_that_decides_a_reply_is_in_its_key() -> None:
    base = {"target": "http://x", "release": "r-1", "input": {"a": 1, "b": [2]}, "repeat": 0}
    keys = [cache_key(**base)]
    keys += [cache_key(**base | change) for change in ({"repeat": 1}, {"input": "a"}, {"release": "r-2"})]
    keys.append(cache_key(**base, context="more"))
    assert len(set(keys)) == len(keys)
    assert cache_key(**dict(reversed(base.items()))) == keys[0]
    assert cache_key(input="\ud800") != cache_key(input="?")
    with pytest.raises(TypeError):
        cache_key(input=object())
