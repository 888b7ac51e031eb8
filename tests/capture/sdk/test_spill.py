from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.capture.sdk import spill as spill_module
from launchworthy.capture.sdk.spill import MAGIC, Frame, Spill, frames_in, packed, spill_folder

frames = st.builds(
    Frame,
    signal=st.sampled_from(["traces", "logs"]),
    batch_id=st.binary(min_size=16, max_size=16).map(bytes.hex),
    records=st.integers(0, 2**32 - 1),
    body=st.binary(max_size=60),
)


def _frame(n: int, size: int = 100) -> Frame:
    return Frame(signal="traces", batch_id=f"{n:032x}", records=n, body=bytes([n % 256]) * size)


def _sent(spill: Spill, most: int = 10**6) -> list[Frame]:
    """What a server that takes so many batches is sent."""
    taken: list[Frame] = []

    def deliver(frame: Frame) -> bool:
        if len(taken) >= most:
            return False
        taken.append(frame)
        return True

    spill.send(deliver)
    return taken


@pytest.fixture
def dropped() -> list[Frame]:
    return []


@pytest.fixture
def new(tmp_path: Path, dropped: list[Frame]) -> Callable[..., Spill]:
    def make(limit: int = 100_000) -> Spill:
        return Spill(tmp_path / "spill", limit_bytes=limit, dropped=dropped.append)

    return make


@given(st.lists(frames, max_size=4))
@settings(max_examples=40)
def test_a_segment_cut_anywhere_gives_the_whole_frames_before_the_cut(kept: list[Frame]) -> None:
    whole = [packed(frame) for frame in kept]
    data = b"".join(whole)
    ends = [sum(map(len, whole[: n + 1])) for n in range(len(whole))]
    for cut in range(len(data) + 1):
        found = list(frames_in(data[:cut], start=0))
        assert [frame for frame, _ in found] == kept[: sum(end <= cut for end in ends)]
        assert [after for _, after in found] == [end for end in ends if end <= cut]


@given(frames, st.data())
def test_a_damaged_frame_is_never_read_as_another(frame: Frame, data: Any) -> None:
    whole = bytearray(packed(frame))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    assert [found for found, _ in frames_in(bytes(whole), start=0)] == []


@given(st.binary(max_size=300))
def test_any_bytes_can_be_read(data: bytes) -> None:
    assert list(frames_in(MAGIC + data, start=0)) == []


def test_what_is_kept_comes_back_in_order_and_once(new: Callable[..., Spill]) -> None:
    spill = new()
    kept = [_frame(n) for n in range(5)]
    assert all(spill.append(frame) for frame in kept)
    assert spill.waiting()
    assert _sent(spill) == kept
    assert not spill.waiting()
    assert _sent(spill) == []


def test_a_server_that_stops_in_the_middle_is_sent_only_the_rest(new: Callable[..., Spill]) -> None:
    spill = new()
    kept = [_frame(n) for n in range(5)]
    for frame in kept:
        spill.append(frame)
    assert _sent(spill, most=2) == kept[:2]
    assert _sent(new()) == kept[2:]


def test_the_next_process_finds_it_and_what_is_kept_meanwhile(new: Callable[..., Spill]) -> None:
    first, second = new(), new()
    first.append(_frame(1))
    first.roll()  # as the end of the process does
    second.append(_frame(2))
    assert _sent(second) == [_frame(1), _frame(2)]


def test_a_segment_that_another_process_writes_is_left_to_it(new: Callable[..., Spill]) -> None:
    writer, other = new(), new()
    writer.append(_frame(1))
    assert _sent(other) == []
    assert other.waiting()
    writer.append(_frame(2))
    assert _sent(writer) == [_frame(1), _frame(2)]


def test_beyond_the_bound_the_oldest_are_dropped_and_counted(
    new: Callable[..., Spill], dropped: list[Frame], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spill = new(limit=20_000)
    kept = [_frame(n, 1_000) for n in range(100)]
    for frame in kept:
        spill.append(frame)
        assert sum(path.stat().st_size for path in (tmp_path / "spill").iterdir()) <= 20_000
    left = _sent(spill)
    assert dropped + left == kept
    assert 10 <= len(left) < 20
    assert caplog.text.count("the oldest are dropped") == 1


def test_a_batch_larger_than_the_bound_is_dropped_alone(
    new: Callable[..., Spill], dropped: list[Frame]
) -> None:
    spill = new(limit=5_000)
    spill.append(_frame(1))
    assert not spill.append(_frame(2, 6_000))
    assert dropped == [_frame(2, 6_000)]
    assert _sent(spill) == [_frame(1)]


def test_a_torn_tail_costs_only_the_torn_batch(new: Callable[..., Spill], tmp_path: Path) -> None:
    spill = new()
    spill.append(_frame(1))
    spill.append(_frame(2))
    spill.roll()
    (path,) = (tmp_path / "spill").iterdir()
    os.truncate(path, path.stat().st_size - 1)
    assert _sent(new()) == [_frame(1)]
    assert not new().waiting()


@pytest.mark.parametrize("content", [b"", b"LWSPILL", b"something else entirely", MAGIC + b"\xff" * 8])
def test_a_file_that_is_no_segment_goes_and_nothing_is_sent(
    new: Callable[..., Spill], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "spill").mkdir()
    (tmp_path / "spill" / "0-0-x.spill").write_bytes(content)
    (tmp_path / "spill" / "notes.txt").write_text("not ours")
    assert _sent(new()) == []
    assert [path.name for path in (tmp_path / "spill").iterdir()] == ["notes.txt"]


def test_a_folder_that_cannot_be_written_drops_and_says_so(
    tmp_path: Path, dropped: list[Frame], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    spill = Spill(tmp_path / "file" / "spill", limit_bytes=10_000, dropped=dropped.append)
    assert not spill.append(_frame(1))
    assert not spill.append(_frame(2))
    assert dropped == [_frame(1), _frame(2)]
    assert caplog.text.count("cannot be kept") == 1


def test_only_this_machines_user_may_read_it(new: Callable[..., Spill], tmp_path: Path) -> None:
    new().append(_frame(1))
    assert (tmp_path / "spill").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "spill").iterdir())


def test_each_server_has_its_own_folder(tmp_path: Path) -> None:
    assert spill_folder(tmp_path, "http://a") != spill_folder(tmp_path, "http://b")


SENDER = """
import sys
from pathlib import Path
from launchworthy.capture.sdk.spill import Spill

folder, taken = map(Path, sys.argv[1:])

def deliver(frame):
    with taken.open("a") as file:
        file.write(frame.batch_id + "\\n")
    return True

Spill(folder, limit_bytes=10**6, dropped=lambda frame: None).send(deliver)
"""


def test_processes_that_send_at_once_send_nothing_twice(tmp_path: Path) -> None:
    folder = tmp_path / "spill"
    kept = [_frame(n, 500) for n in range(200)]
    for n in range(0, 200, 20):
        spill = Spill(folder, limit_bytes=10**6, dropped=lambda frame: None)
        for frame in kept[n : n + 20]:
            spill.append(frame)
        spill.roll()
    senders = [
        subprocess.Popen([sys.executable, "-c", SENDER, str(folder), str(tmp_path / f"taken{n}")])
        for n in range(3)
    ]
    assert [sender.wait(30) for sender in senders] == [0, 0, 0]
    taken = [line for path in tmp_path.glob("taken*") for line in path.read_text().split()]
    assert sorted(taken) == [frame.batch_id for frame in kept]


def test_without_file_locks_nothing_is_kept_and_it_is_said(
    new: Callable[..., Spill],
    dropped: list[Frame],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(spill_module, "flock", None)
    assert not new().append(_frame(1))
    assert dropped == [_frame(1)]
    assert "no file locks" in caplog.text
    assert list((tmp_path / "spill").iterdir()) == []
