"""What was seen to go wrong in other tools, and must not here."""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import Result

from launchworthy.errors import InputError, OverloadedError
from launchworthy.evals import CallableTarget, Limits, evaluate, own_scorer
from launchworthy.evals.cache import ReplyCache
from launchworthy.gold import GoldItem
from launchworthy.records import Run, Score
from launchworthy.store import Store

if TYPE_CHECKING:
    from tests.forking import Forking

Call = Callable[..., Result]
NewRun = Callable[..., Run]


def _items(count: int) -> list[GoldItem]:
    return [GoldItem(id=f"q{n:04}", input=n, expected=str(n)) for n in range(count)]


def test_a_run_of_which_every_item_errored_does_not_exit_as_if_it_were_fine(run_eval: Call) -> None:
    result = run_eval("--target", "own_bot:broken", "--gold", "gold.jsonl", "--scorer", "exact-match")
    assert result.return_value == 1
    assert "nothing was measured" in result.stderr


@pytest.mark.parametrize("reason", ["", "why"])
def test_an_item_that_failed_counts_as_failed_whether_a_reason_was_given_or_not(
    runs: Any, new_run: NewRun, reason: str
) -> None:
    def judge(row: Mapping[str, Any]) -> Score:
        return Score(value=float(row["input"] % 5 != 0), detail={"reason": reason})

    scorer = own_scorer(judge, name="judge")
    evaluate(_items(50), target=CallableTarget(str), scorers=[scorer], runs=runs, run=new_run())
    found = scorer.estimate([item.scores["judge"] for item in runs.run_items("run-1")])
    assert found is not None
    assert (found.value, found.n) == (0.8, 50)


def test_a_scorer_with_neither_value_nor_reason_is_not_scored(runs: Any, new_run: NewRun) -> None:
    scorer = own_scorer(lambda _: Score(value=None, error=None), name="mute")
    evaluate(_items(3), target=CallableTarget(str), scorers=[scorer], runs=runs, run=new_run())
    scores = [item.scores["mute"] for item in runs.run_items("run-1")]
    assert [(score.value, score.error) for score in scores] == [(None, "the scorer answered nothing")] * 3


def test_a_target_that_crashes_at_item_900_keeps_the_899_and_goes_on_there(
    run_eval: Call, folder: Path, workspace: Any
) -> None:
    (folder / "own_bot.py").write_text(
        "import os\ncalls = 0\ndef ask(n):\n    global calls\n    calls += 1\n"
        "    if n >= 899 and not os.path.exists('mended'):\n        raise SystemExit(3)\n"
        "    return f'answer {n}'\n"
    )
    rows = [{"id": f"q{n:04}", "input": n, "expected": f"answer {n}"} for n in range(1_000)]
    (folder / "many.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    first = run_eval("--target", "own_bot:ask", "--gold", "many.jsonl", "--scorer", "exact-match")
    assert "1,000 of 1,000 items, 101 errors" in first.output
    assert "SystemExit: 3" in first.output
    assert "101 could not be scored" in first.output
    (run,) = workspace.runs()
    (folder / "mended").touch()
    second = json.loads(run_eval("--resume", run.id, "--json").stdout)
    assert (second["done"], second["errors"]) == (1_000, 0)
    assert sys.modules["own_bot"].calls == 1_101


FULL = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from launchworthy.errors import LaunchworthyError
from launchworthy.evals import CallableTarget, Limits, evaluate
from launchworthy.gold import GoldItem
from launchworthy.records import Run
from launchworthy.store import Store
import resource, os

folder = Path(sys.argv[1])
run = Run(id="r", product="p", workflow="w", release="r-1", target="t", gold="g@1", split="all", scorers=(),
          status="running", started_at=datetime(2026, 11, 24, tzinfo=UTC))
items = [GoldItem(id=f"q{n:05}", input=n) for n in range(1500)]
with Store.open(folder) as store:
    if sys.argv[2] == "full":
        with store.runs._database.read() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        store.runs._database._engine.dispose()
        from sqlalchemy import event
        event.listen(store.runs._database._engine, "connect",
                     lambda c, _: c.execute(f"PRAGMA max_page_count = {pages + 100}"))
    import launchworthy.evals.engine as engine
    engine._DISK_WAIT_S = 0.0
    try:
        done = evaluate(items, target=CallableTarget(lambda n: os.urandom(800).hex()), scorers=[],
                        runs=store.runs, run=run, limits=Limits(concurrency=8))
        print(json.dumps([done.status, len(store.runs.run_items("r"))]))
    except LaunchworthyError as error:
        print(json.dumps([error.message, len(store.runs.run_items("r"))]))
"""


def test_a_full_disk_is_told_and_what_was_stored_is_there_when_there_is_room_again(
    tmp_path: Path, forking: Forking
) -> None:
    def sit(disk: str) -> Any:
        done = forking.run("-c", FULL, str(tmp_path / "data"), disk)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    message, kept = sit("full")
    assert message == "the disk is full; nothing was acknowledged"
    assert 0 < kept < 1_500
    assert sit("roomy") == ["complete", 1_500]


def test_no_room_for_the_reply_cache_is_a_warning_and_no_more(
    run_eval: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: ReplyCache, *_: Any, **__: Any) -> None:
        self._tell(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    monkeypatch.setattr(ReplyCache, "put_many", refuse)
    result = run_eval("--target", "own_bot:good", "--gold", "gold.jsonl", "--scorer", "exact-match")
    assert result.return_value == 0
    assert "40 of 40 items" in result.stdout
    assert result.stderr.count("warning: the reply cache") == 1


def test_two_runs_at_once_in_one_data_folder_are_both_whole(tmp_path: Path, new_run: NewRun) -> None:
    with Store.open(tmp_path / "data") as store:
        cache = ReplyCache(tmp_path / "data" / "replies.sqlite")
        failures: list[BaseException] = []

        def work(run_id: str) -> None:
            try:
                evaluate(
                    _items(300),
                    target=CallableTarget(lambda n: f"{run_id} {n}"),
                    scorers=[],
                    runs=store.runs,
                    run=new_run(run_id),
                    limits=Limits(concurrency=4),
                )
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        cache.close()
        assert failures == []
        for run_id in ("a", "b"):
            outputs = {item.item_id: item.output for item in store.runs.run_items(run_id)}
            assert outputs == {f"q{n:04}": f"{run_id} {n}" for n in range(300)}


def test_a_wrong_type_in_row_7001_is_told_by_its_row_and_nothing_is_asked(
    run_eval: Call, folder: Path, workspace: Any
) -> None:
    rows: list[Any] = [{"id": f"q{n:05}", "input": n, "expected": str(n)} for n in range(8_000)]
    rows[7_000]["slices"] = 5
    (folder / "many.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError) as caught:
        run_eval("--target", "own_bot:good", "--gold", "many.jsonl", "--scorer", "exact-match")
    assert "many.jsonl:7001" in str(caught.value)
    assert workspace.runs() == []


def test_a_store_that_stays_busy_is_waited_for_and_then_told(runs: Any, new_run: NewRun) -> None:
    def busy(*_: Any) -> None:
        raise OverloadedError("the log is full", retry_after_s=0.0)

    runs.add_run_items = busy
    with pytest.raises(OverloadedError, match="full"):
        evaluate(_items(5), target=CallableTarget(str), scorers=[], runs=runs, run=new_run())
    assert runs.headers["run-1"].status == "failed"
