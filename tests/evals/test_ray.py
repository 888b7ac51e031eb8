"""A run on a real Ray cluster, head and two workers on this machine: the same results, also when one dies."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster

from launchworthy.cli.main import main
from launchworthy.errors import InputError
from launchworthy.evals import (
    CallableTarget,
    HttpTarget,
    Limits,
    Progress,
    Target,
    evaluate,
    load_function,
    scorer_of,
)
from launchworthy.evals.ray_target import RayTarget
from launchworthy.gold import GoldItem
from launchworthy.records import Run, RunItem
from launchworthy.store import Store

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")

ITEMS = [
    GoldItem(id=f"q{number:03}", input=number, expected=f"{number} is {number % 7}") for number in range(120)
]


APP = """
import os, time

def answer(number):
    time.sleep(0.02)
    if number == 13:
        raise ValueError("thirteen")
    return {"output": f"{number} is {number % 7 if number % 5 else 'odd'}", "process": os.getpid()}
"""


@pytest.fixture
def answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CallableTarget:
    """Right on most, and tells which process answered."""
    (tmp_path / "answering_app.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("answering_app", None)
    return CallableTarget(load_function("answering_app:answer"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # Workers in reserve would be started for each run and never asked.
        patch.setenv("RAY_enable_worker_prestart", "0")
        patch.setenv("RAY_prestart_worker_first_driver", "0")
        found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        for _ in range(2):
            found.add_node(num_cpus=1)
        yield found
        ray.shutdown()
        found.shutdown()  # type: ignore[no-untyped-call]


def _run(
    folder: Path,
    target: Target,
    *,
    limits: Limits,
    watch: Callable[[Store, Progress], None] | None = None,
) -> tuple[Run, dict[str, RunItem]]:
    scorer = scorer_of("exact-match")
    run = Run(
        id="run-1",
        product="p",
        workflow="answer",
        release="r-1",
        target="t",
        gold="answer@g-1",
        split="all",
        scorers=(scorer.signature,),
        status="running",
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    with Store.open(folder) as store:
        done = evaluate(
            ITEMS,
            target=target,
            scorers=[scorer],
            runs=store.runs,
            run=run,
            limits=limits,
            on_progress=None if watch is None else lambda progress: watch(store, progress),
        )
        return done, {item.item_id: item for item in store.runs.run_items(run.id)}


def _results(items: dict[str, RunItem]) -> dict[str, Any]:
    return {
        name: (item.error, None if item.output is None else item.output["output"], item.scores)
        for name, item in items.items()
    }


def test_a_cluster_gives_what_one_machine_gives_and_spreads_the_calls(
    cluster: Cluster, tmp_path: Path, answer: CallableTarget
) -> None:
    limits = Limits(concurrency=12, retries=0)
    _, here = _run(tmp_path / "here", answer, limits=limits)
    run, there = _run(tmp_path / "there", RayTarget(answer, address=cluster.address), limits=limits)
    assert run.status == "complete"
    assert run.errors == 1
    assert _results(here) == _results(there)
    assert there["q013"].error == "ValueError: thirteen"
    processes = {item.output["process"] for item in there.values() if item.output is not None}
    assert len(processes) == 3
    assert os.getpid() not in processes


def test_a_worker_that_is_killed_mid_run_loses_and_changes_nothing(
    cluster: Cluster, tmp_path: Path, answer: CallableTarget
) -> None:
    limits = Limits(concurrency=12, retries=0)
    _, here = _run(tmp_path / "here", answer, limits=limits)
    killed: list[int] = []

    def kill_one(store: Store, progress: Progress) -> None:
        if progress.done >= 24 and not killed:
            answered = [item for item in store.runs.run_items("run-1") if item.output is not None]
            killed.append(answered[0].output["process"])
            os.kill(killed[0], signal.SIGKILL)

    target = RayTarget(answer, address=cluster.address)
    run, there = _run(tmp_path / "there", target, limits=limits, watch=kill_one)
    assert killed
    assert run.status == "complete"
    assert _results(here) == _results(there)
    assert len({item.output["process"] for item in there.values() if item.output is not None}) == 3


def test_what_ray_prints_of_its_machines_stays_out_of_standard_output(
    cluster: Cluster, tmp_path: Path, answer: CallableTarget, capsys: pytest.CaptureFixture[str]
) -> None:
    from ray._private.worker import print_to_stdstream  # what its thread calls when a machine dies

    def die(store: Store, progress: Progress) -> None:
        if progress.done < len(ITEMS):  # afterwards the cluster has been left, and Ray's thread with it
            gone = {"lines": ["a machine is gone"], "pid": "raylet", "is_err": False}
            print_to_stdstream(gone, ignore_prefix=False)

    ray.shutdown()
    target = RayTarget(answer, address=cluster.address, workers=1)
    _run(tmp_path, target, limits=Limits(concurrency=8), watch=die)
    print("results")
    told = capsys.readouterr()
    assert told.out == "results\n"
    assert "a machine is gone" in told.err


def test_a_target_that_no_worker_can_open_says_why(cluster: Cluster, tmp_path: Path) -> None:
    target = HttpTarget(url="http://127.0.0.1:1/ask", bearer_env="A_TOKEN_THAT_IS_NOT_SET")
    with pytest.raises(InputError, match=r"no worker .* could open the target: .*A_TOKEN_THAT_IS_NOT_SET"):
        _run(tmp_path, RayTarget(target, address=cluster.address), limits=Limits(concurrency=2))


def test_the_command_asks_from_the_cluster(
    cluster: Cluster, answer: CallableTarget, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ({"id": item.id, "input": item.input, "expected": item.expected} for item in ITEMS[:20])
    Path("gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    suite = "eval --product p --target answering_app:answer --gold gold.jsonl --scorer exact-match --data d"
    where = ["--engine", "ray", "--ray-address", cluster.address, "--json"]
    with pytest.raises(SystemExit) as ended:
        main([*suite.split(), *where])
    assert ended.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["done"], told["errors"]) == (20, 1)
    with pytest.raises(SystemExit) as refused:
        main([*suite.split(), "--ray-address", cluster.address])
    assert refused.value.code == 64
    assert "--engine ray" in capsys.readouterr().err


def test_a_cluster_that_is_not_there_is_told_with_the_way_to_start_one(
    tmp_path: Path, answer: CallableTarget
) -> None:
    ray.shutdown()
    with pytest.raises(InputError, match="no Ray cluster") as caught:
        _run(tmp_path, RayTarget(answer, address="127.0.0.1:1"), limits=Limits(concurrency=2))
    assert caught.value.hint.startswith("start one: ray start --head")
    assert "RAY_AUTH_MODE=token" in caught.value.hint, "Ray gives a cluster a token unless told not to"
