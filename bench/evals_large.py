"""A run of 100,000 stored gold items that is killed half way and gone on with.

Run by ``bench/evals.py --items 100000``. The gold set rests in the store before the run begins, as an import leaves
it, and the run reads it from there. The endpoint counts calls by item, so that one that was repeated is seen; the run is a process of its own, so that
its peak memory is the run's and not the benchmark's.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


def _keep_gold(folder: Path, count: int) -> None:
    from launchworthy.gold import GoldItem, freeze
    from launchworthy.store import Store

    version, items = freeze(
        (
            GoldItem(
                id=f"q{number:06}",
                input=number,
                expected=f"the answer to {number} is {number}",
                slices=("even",) if number % 2 == 0 else ("odd",),
                meta={"relevant": {f"d{number}": 1}},
            )
            for number in range(count)
        ),
        product="bench",
        name="large",
        created_at=datetime.now(UTC),
    )
    with Store.open(folder) as store:
        store.gold.add_gold(version, items)


def _sit(url: str, folder: Path) -> None:
    from launchworthy.evals import HttpTarget, Limits, ReplyCache, evaluate, measure_run, scorer_of
    from launchworthy.evals.gist import gist_of
    from launchworthy.evals.remembering import RememberingTarget
    from launchworthy.gold import find_version, stream_items
    from launchworthy.records import Run
    from launchworthy.store import Store

    run = Run(
        id="large",
        product="bench",
        workflow="answer",
        release="r-000000000000",
        target=url,
        gold="bench@g-000000000000",
        split="all",
        scorers=("exact_match", "token_f1", "hit@5"),
        status="running",
        started_at=datetime.now(UTC),
    )
    scorers = [scorer_of(name) for name in run.scorers]
    with Store.open(folder) as store:
        target = RememberingTarget(
            HttpTarget(url=url), ReplyCache(folder / "replies.sqlite"), known={"run": 1}
        )
        version = find_version(store.gold, "large", product="bench")
        started, before = time.perf_counter(), time.process_time()
        first: list[float] = []

        async def ask(item: Any) -> Any:
            if not first:
                first.append(time.perf_counter() - started)
            return await remembered(item)

        remembered, target.ask = target.ask, ask  # type: ignore[method-assign]
        gold = stream_items(
            store.gold, version, split="all", by="bench", purpose="run large", now=datetime.now(UTC)
        )
        done = evaluate(
            gold,
            target=target,
            scorers=scorers,
            runs=store.runs,
            run=run,
            limits=Limits(concurrency=50),
        )
        asked_s, asked_cpu = time.perf_counter() - started, time.process_time() - before
        peak_asking = _peak_mb()
        measured = measure_run(gist_of(store.runs.iter_run_items("large")), scorers)
    told = {
        "done": done.done,
        "errors": done.errors,
        "first_call_s": first[0] if first else None,
        "asked_s": asked_s,
        "asked_cpu_s": asked_cpu,
        "measured_s": time.perf_counter() - started - asked_s,
        "figures": len(measured),
        "peak_asking_mb": peak_asking,
        "peak_mb": _peak_mb(),
    }
    print(json.dumps(told), flush=True)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_large(url: str, count: int, *, calls: Any) -> None:
    """Run, kill half way, go on; ``calls()`` answers (calls, different items) that the endpoint has seen."""
    with TemporaryDirectory() as folder:
        subprocess.run([sys.executable, __file__, folder, str(count)], check=True)
        command = [sys.executable, __file__, url, folder]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as first:
            while calls()[0] < count // 2 and first.poll() is None:
                time.sleep(0.05)
            first.send_signal(signal.SIGKILL)
        time.sleep(0.5)
        at_kill = calls()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        told = json.loads(done.stdout)
        total, different = calls()
    print(
        f"{count:,} stored items x 3 scorers, 50 at once, killed with SIGKILL at {at_kill[0]:,} calls; load {os.getloadavg()[0]:.1f}"
    )
    print(f"  done {told['done']:,}, errors {told['errors']:,}, figures {told['figures']:,}")
    print(f"  from going on to the first new call {told['first_call_s']:.2f} s          to reach <= 2 s")
    print(
        f"  calls repeated {total - different:,} (50 were under way)     to reach 0 of those that had come back"
    )
    rest = count - at_kill[0]
    print(
        f"  the rest in {told['asked_s']:.1f} s: {rest / told['asked_s']:,.0f} items/s, "
        f"{told['asked_cpu_s'] * 1_000 / rest:.2f} ms CPU an item; measured in {told['measured_s']:.1f} s"
    )
    print(
        f"  peak memory {told['peak_asking_mb']:.0f} MB asking, {told['peak_mb']:.0f} MB with measuring     to reach <= 200 MB"
    )


if __name__ == "__main__":
    if sys.argv[1].startswith("http"):
        _sit(sys.argv[1], Path(sys.argv[2]))
    else:
        _keep_gold(Path(sys.argv[1]), int(sys.argv[2]))
