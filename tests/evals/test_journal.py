from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from launchworthy.evals.cache import CACHE_FILE, ReplyCache, cached_texts, forget_replies
from launchworthy.evals.journal import ReplyJournal

if TYPE_CHECKING:
    from tests.forking import Forking

WRITES = """
import sys, time
from pathlib import Path
from launchworthy.evals.cache import ReplyCache
journal = ReplyCache(Path(sys.argv[1])).journal()
journal.write("ab01", b'["one", 1.0, null]')
journal.write("ab02", b'["two", 1.0, null]')
print("written", flush=True)
time.sleep(60)
"""


def _killed(path: Path, forking: Forking) -> Path:
    """The journal that a process left which was killed after two replies."""
    with forking.start("-c", WRITES, str(path)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.kill()
    (left,) = path.parent.glob("*.journal")
    return left


def _held(path: Path, *keys: str) -> list[bytes | None]:
    cache = ReplyCache(path)
    try:
        return [cache.get(key) for key in keys]
    finally:
        cache.close()


def test_what_a_killed_process_had_written_is_in_the_cache_of_the_next(
    tmp_path: Path, forking: Forking
) -> None:
    path = tmp_path / CACHE_FILE
    left = _killed(path, forking)
    assert oct(left.stat().st_mode & 0o777) == "0o600"
    assert _held(path, "ab01", "ab02") == [b'["one", 1.0, null]', b'["two", 1.0, null]']
    assert not left.exists()


def test_a_torn_line_and_a_line_that_is_none_are_left_out(tmp_path: Path, forking: Forking) -> None:
    path = tmp_path / CACHE_FILE
    left = _killed(path, forking)
    with left.open("ab") as file:
        file.write(b"nospace\n\xff\xfe \n\nab03 [1]\nab04 [2")
    assert _held(path, "ab02", "ab03", "ab04") == [b'["two", 1.0, null]', b"[1]", None]


def test_the_journal_of_a_process_that_runs_is_its_own(tmp_path: Path) -> None:
    path = tmp_path / CACHE_FILE
    cache = ReplyCache(path)
    journal = cache.journal()
    assert journal is not None
    journal.write("ab01", b"[1]")
    assert _held(path, "ab01") == [None]
    assert forget_replies(tmp_path, about=lambda text: True) == 0
    assert list(cached_texts(tmp_path)) == ["[1]"]
    journal.clear()
    journal.write("ab02", b"[2]")
    assert list(cached_texts(tmp_path)) == ["[2]"]
    journal.close()
    journal.close()
    cache.close()
    assert not list(tmp_path.glob("*.journal"))


def test_erasing_leaves_nothing_of_what_a_killed_process_had_written(
    tmp_path: Path, forking: Forking
) -> None:
    path = tmp_path / CACHE_FILE
    left = _killed(path, forking)
    forget_replies(tmp_path, about=lambda text: False)
    assert not left.exists()
    assert _held(path, "ab01") == [None]


def test_where_no_journal_can_be_made_the_run_goes_on_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    cache = ReplyCache(tmp_path / CACHE_FILE, on_trouble=told.append)

    def full(self: ReplyJournal, beside: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ReplyJournal, "__init__", full)
    assert cache.journal() is None
    assert "No space left on device" in told[0]
    cache.close()
