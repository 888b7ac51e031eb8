"""What the server does beside answering goes on when it fails once."""

from __future__ import annotations

import asyncio
import logging

import pytest

from launchworthy.errors import StorageError
from launchworthy.server.app import repeat


def test_long_work_is_done_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    now = [0.0]

    class Enough(Exception):
        pass

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 4:
            raise Enough

    async def at_once(work: object) -> None:
        now[0] += (0.5, 20.0, 1.0)[len(waits) - 1]

    monkeypatch.setattr("launchworthy.server.app.asyncio.sleep", sleep)
    monkeypatch.setattr("launchworthy.server.app.to_thread.run_sync", at_once)
    monkeypatch.setattr("launchworthy.server.app.time.monotonic", lambda: now[0])
    with pytest.raises(Enough):
        asyncio.run(repeat(lambda: None, after_s=2.0, every_s=60.0, name="sweeping"))
    assert waits == [2.0, 60.0, 180.0, 60.0]


def test_work_that_fails_is_told_and_done_again(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []
    enough = asyncio.Event()

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def work() -> None:
            done.append(1)
            if len(done) == 1:
                raise StorageError("the disk is gone")
            if len(done) == 2:
                raise ZeroDivisionError
            loop.call_soon_threadsafe(enough.set)

        task = asyncio.create_task(repeat(work, after_s=0.0, every_s=0.0, name="sweeping"))
        await asyncio.wait_for(enough.wait(), 10)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with caplog.at_level(logging.WARNING, logger="launchworthy.server"):
        asyncio.run(main())
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    assert "sweeping did not finish: LW500 the disk is gone" in caplog.text
