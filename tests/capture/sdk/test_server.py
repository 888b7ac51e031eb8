"""The SDK against the real server: what waited on disk arrives once, whatever answers were lost."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import launchworthy as lw
from launchworthy.capture.sdk.delivery import Answer, Delivery, Verdict
from launchworthy.capture.sdk.ended import Counters
from launchworthy.capture.sdk.exporter import Exporter
from launchworthy.capture.sdk.settings import settings_from
from launchworthy.capture.sdk.spill import Frame, Spill
from launchworthy.testing import recording


@pytest.fixture
def address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def server(address: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    port = address.rpartition(":")[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "launchworthy", "up", "--port", port, "--data", str(tmp_path / "data")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{address}/healthz", timeout=5).close()
            break
        except OSError:
            time.sleep(0.1)
    yield process
    process.terminate()
    process.wait(30)


def _query(address: str, sql: str) -> list[dict[str, Any]]:
    request = urllib.request.Request(
        f"{address}/api/v1/query",
        data=json.dumps({"sql": sql}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return list(json.load(answer))


def _stored(address: str, sql: str, count: int) -> list[dict[str, Any]]:
    """The rows once there are so many, and no more come after them."""
    rows: list[dict[str, Any]] = []
    for _ in range(100):
        before, rows = rows, _query(address, sql)
        if len(before) == len(rows) >= count:
            break
        time.sleep(0.2)
    assert len(rows) == count
    return rows


def test_what_waited_arrives_once_though_answers_were_lost(
    address: str, server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    real = Delivery(address, api_key=None, version="1")
    lost: list[str] = []

    class LosesEachAnswerOnce:
        def __call__(self, frame: Frame, *, timeout_s: float) -> Answer:
            answer = real(frame, timeout_s=timeout_s)
            assert answer == Answer(verdict=Verdict.TAKEN)
            if frame.batch_id not in lost:
                lost.append(frame.batch_id)
                return Answer(verdict=Verdict.LATER, why="the answer was lost")
            return answer

        def close(self) -> None:
            real.close()

    exporter = Exporter(
        replace(settings_from(product="shop", state=tmp_path), batch_spans=10, delay_s=0.01),
        delivery=LosesEachAnswerOnce(),  # type: ignore[arg-type]
        spill=lambda dropped: Spill(tmp_path / "spill", limit_bytes=10**6, dropped=dropped),
        resource={},
    )
    with recording(product="shop") as recorded:
        for n in range(30):
            with lw.workflow("answer", user=f"user {n}"):
                lw.outcome("resolved", value=n)
    for ended in recorded._ended:
        exporter.add_span(ended)
    for event in recorded.events:
        exporter.add_event(event)
    for _ in range(20):
        if exporter.flush(10):
            break
    exporter.close(2)
    assert exporter.counters == Counters(accepted=60, delivered=60)
    assert len(lost) >= 6
    assert len({row["user_id"] for row in _stored(address, "SELECT user_id FROM spans", 30)}) == 30
    outcomes = _stored(address, "SELECT value FROM outcomes ORDER BY value", 30)
    assert [row["value"] for row in outcomes] == list(range(30))
