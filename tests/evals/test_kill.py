from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from tests.forking import Forking

SITTING = """
import json, os, sys
from dataclasses import asdict
from datetime import UTC, datetime
from launchworthy.evals import HttpTarget, Limits, evaluate
from launchworthy.gold import GoldItem
from launchworthy.records import Run, RunItem

class FileStore:
    def __init__(self, path): self.path = path
    def add_run(self, run): print(json.dumps([run.status, run.done]), flush=True)
    def add_run_items(self, run_id, items):
        with open(self.path, "a") as file:
            for item in items: file.write(json.dumps(asdict(item)) + chr(10))
            file.flush(); os.fsync(file.fileno())
    def iter_run_items(self, run_id):
        if not os.path.exists(self.path): return []
        with open(self.path) as file: return [RunItem(**json.loads(line)) for line in file]

items = [GoldItem(id=f"q{n:03}", input=n) for n in range(200)]
run = Run(id="r", product="p", workflow="w", release="r-1", target="t", gold="g@1", split="all", scorers=(),
          status="running", started_at=datetime(2026, 11, 24, tzinfo=UTC))
evaluate(items, target=HttpTarget(url=sys.argv[1]), scorers=[], runs=FileStore(sys.argv[2]), run=run,
         limits=Limits(concurrency=5, timeout_s=60))
"""


def test_after_kill_9_no_call_that_had_come_back_is_made_again(
    serve: Any, tmp_path: Path, forking: Forking
) -> None:
    hanging = True

    async def handler(request: web.Request) -> web.Response:
        number = (await request.json())["input"]
        if hanging and number >= 60:
            await asyncio.sleep(60)
        return web.json_response({"output": str(number)})

    endpoint = serve(handler)
    kept = tmp_path / "items.jsonl"
    command = ("-c", SITTING, endpoint.url, str(kept))
    with forking.start(*command) as first:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            lines = kept.read_text().splitlines() if kept.exists() else []
            if len(lines) == 60 and len(endpoint.calls) == 65:
                break
            time.sleep(0.02)
        first.kill()
    hanging = False
    second = forking.run(*command)
    assert second.returncode == 0, second.stderr
    assert json.loads(second.stdout.splitlines()[0]) == ["running", 60]
    assert json.loads(second.stdout.splitlines()[-1]) == ["complete", 200]
    asked = Counter(call["input"] for call in endpoint.calls)
    assert {number for number, times in asked.items() if times == 2} == set(range(60, 65))
    assert sum(asked.values()) == 205
    assert len({json.loads(line)["item_id"] for line in kept.read_text().splitlines()}) == 200
