from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from launchworthy.errors import DiskFullError, InputError, OverloadedError, StorageError
from launchworthy.evals.engine import Limits, Progress, evaluate
from launchworthy.evals.scoring import own_scorer
from launchworthy.evals.target import CallableTarget
from launchworthy.gold import GoldItem
from launchworthy.records import Run, RunItem, Score

NewRun = Callable[..., Run]


def _items(count: int) -> list[GoldItem]:
    return [
        GoldItem(id=f"q{n:04}", input=n, expected=str(n), slices=("even",) if n % 2 == 0 else ())
        for n in range(count)
    ]


def _exact(row: Mapping[str, Any]) -> bool:
    return bool(row["output"] == row["reference"])


EXACT = own_scorer(_exact, name="exact")
PASSES = 2  # how often a run goes through its items
FAST = Limits(concurrency=8, timeout_s=5, retries=0)


def test_every_item_is_asked_once_scored_and_kept(runs: Any, new_run: NewRun) -> None:
    calls: list[int] = []

    def ask(number: int) -> str:
        calls.append(number)
        return str(number if number % 10 else -1)

    run = evaluate(
        _items(100), target=CallableTarget(ask), scorers=[EXACT], runs=runs, run=new_run(), limits=FAST
    )
    assert (run.status, run.items, run.done, run.errors) == ("complete", 100, 100, 0)
    assert sorted(calls) == list(range(100))
    items = runs.run_items(run.id)
    assert sum(item.scores["exact"].value for item in items) == 90
    assert items[0].slices == ("even",)
    assert all(item.latency_ms is not None and item.latency_ms >= 0 for item in items)
    assert runs.headers[run.id] == run


def test_coroutines_run_side_by_side_and_never_more_than_asked_for(runs: Any, new_run: NewRun) -> None:
    now, most = 0, 0

    async def ask(number: int) -> str:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return str(number)

    evaluate(_items(40), target=CallableTarget(ask), scorers=[], runs=runs, run=new_run(), limits=FAST)
    assert most == 8


def test_a_target_that_breaks_on_one_item_keeps_the_rest(runs: Any, new_run: NewRun) -> None:
    def ask(number: int) -> Any:
        if number == 3:
            raise ValueError("boom")
        if number == 4:
            raise SystemExit(3)
        if number == 5:
            return {1, 2}
        if number == 6:
            return {"ranked": "not a list"}
        if number == 7:
            return "\ud800"
        return str(number)

    run = evaluate(
        _items(10), target=CallableTarget(ask), scorers=[EXACT], runs=runs, run=new_run(), limits=FAST
    )
    assert (run.status, run.done, run.errors) == ("complete", 10, 5)
    errors = {item.item_id: item.error for item in runs.run_items(run.id) if item.error}
    assert list(errors) == ["q0003", "q0004", "q0005", "q0006", "q0007"]
    assert errors["q0003"] == "ValueError: boom"
    assert errors["q0004"] == "SystemExit: 3"
    assert all(not item.scores for item in runs.run_items(run.id) if item.error)


@pytest.mark.parametrize("in_coroutine", [False, True])
def test_an_answer_beyond_what_is_kept_is_an_error_of_its_item(
    runs: Any, new_run: NewRun, in_coroutine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchworthy.evals.target.MAX_BYTES", 10_000)
    itself: list[Any] = []
    itself.append(itself)
    answers: list[Any] = [
        "x" * 9_000,
        "x" * 10_001,
        "é" * 5_001,
        {"output": "x", "extra": {"deep": ["x" * 5_000, "x" * 5_001]}},
        [0] * 10_001,
        itself,
        [itself] * 3 + ["x" * 10_000],
        {"output": "é" * 4_000, "n": [1, None, True]},
    ]

    def ask(number: int) -> Any:
        return answers[number]

    async def ask_later(number: int) -> Any:
        return answers[number]

    target = CallableTarget(ask_later if in_coroutine else ask)
    items = _items(len(answers))
    run = evaluate(items, target=target, scorers=[], runs=runs, run=new_run(), limits=FAST)
    errors = {item.item_id: str(item.error) for item in runs.run_items(run.id) if item.error}
    assert list(errors) == [f"q{n:04}" for n in range(1, 7)]
    assert all("larger than 10,000 bytes" in errors[f"q{n:04}"] for n in (1, 2, 3, 4))
    assert all("nests deeper" in errors[f"q{n:04}"] for n in (5, 6))


def test_an_answer_is_kept_as_it_was_when_it_came(runs: Any, new_run: NewRun) -> None:
    state: dict[str, Any] = {"output": "", "steps": []}

    async def ask(number: int) -> dict[str, Any]:
        state["output"] = str(number)
        state["steps"].append(number)
        return state

    limits = Limits(concurrency=1)
    evaluate(_items(30), target=CallableTarget(ask), scorers=[EXACT], runs=runs, run=new_run(), limits=limits)
    kept = runs.run_items("run-1")
    assert [item.output["output"] for item in kept] == [str(n) for n in range(30)]
    assert [len(item.output["steps"]) for item in kept] == list(range(1, 31))


def test_a_gold_set_that_cannot_be_read_to_its_end_stops_the_run_after_what_could(
    runs: Any, new_run: NewRun
) -> None:
    readings = 0

    class Breaking(list[GoldItem]):
        def __iter__(self) -> Iterator[GoldItem]:
            nonlocal readings
            readings += 1
            last = readings

            def read() -> Iterator[GoldItem]:
                for number, item in enumerate(list.__iter__(self)):
                    if last == PASSES and number == 150:
                        raise StorageError("the disk is gone")
                    yield item

            return read()

    items = Breaking(_items(400))
    with pytest.raises(StorageError, match="the disk is gone"):
        evaluate(items, target=CallableTarget(str), scorers=[], runs=runs, run=new_run(), limits=FAST)
    assert runs.headers["run-1"].status == "failed"
    assert 140 <= len(runs.run_items("run-1")) <= 150


def test_an_async_target_that_cancels_or_exits_costs_one_item_each(runs: Any, new_run: NewRun) -> None:
    async def ask(number: int) -> str:
        if number == 1:
            raise asyncio.CancelledError
        if number == 2:
            raise SystemExit
        return str(number)

    run = evaluate(_items(30), target=CallableTarget(ask), scorers=[], runs=runs, run=new_run(), limits=FAST)
    assert (run.status, run.done, run.errors) == ("complete", 30, 2)


def test_calls_that_hang_are_given_up_and_bounded(runs: Any, new_run: NewRun) -> None:
    never = threading.Event()

    def ask(number: int) -> str:
        if number % 2:
            never.wait()
        return str(number)

    limits = Limits(concurrency=20, timeout_s=0.1, retries=0)
    run = evaluate(
        _items(200), target=CallableTarget(ask), scorers=[], runs=runs, run=new_run(), limits=limits
    )
    threads = sum(thread.name == "launchworthy-target" for thread in threading.enumerate())
    never.set()
    assert run.done == 200
    assert threads <= 64 + 20
    reasons = Counter(re.sub(r"\d+", "#", item.error or "") for item in runs.run_items(run.id))
    assert reasons["no answer within #.# s"] >= 64
    assert reasons["# earlier calls still hang; no more are made"] > 0


def test_a_passing_error_is_tried_again_and_a_bug_is_not(runs: Any, new_run: NewRun) -> None:
    calls: Counter[int] = Counter()

    def ask(number: int) -> str:
        calls[number] += 1
        if number == 1 and calls[number] < 3:
            raise ConnectionError("reset")
        if number == 2:
            raise KeyError("bug")
        if number == 3:
            raise TimeoutError
        return str(number)

    limits = Limits(concurrency=4, timeout_s=5, retries=2)
    evaluate(_items(4), target=CallableTarget(ask), scorers=[], runs=runs, run=new_run(), limits=limits)
    assert dict(calls) == {0: 1, 1: 3, 2: 1, 3: 3}
    kept = {item.item_id: item for item in runs.run_items("run-1")}
    assert (kept["q0001"].error, kept["q0001"].attempts) == (None, 3)
    assert (kept["q0003"].error, kept["q0003"].attempts) == ("TimeoutError: ", 3)


def test_a_run_goes_on_where_it_stopped_and_asks_failed_items_again(runs: Any, new_run: NewRun) -> None:
    calls: list[int] = []
    broken = True

    def ask(number: int) -> Any:
        calls.append(number)
        if broken and number >= 10:
            raise ValueError("down")
        return {"output": str(number), "cost_usd": 0.5}

    target = CallableTarget(ask)
    first = evaluate(_items(20)[:15], target=target, scorers=[EXACT], runs=runs, run=new_run(), limits=FAST)
    assert (first.done, first.errors, first.cost_usd) == (15, 5, 5.0)
    broken = False
    calls.clear()
    second = evaluate(_items(20), target=target, scorers=[EXACT], runs=runs, run=first, limits=FAST)
    assert sorted(calls) == list(range(10, 20))
    assert (second.status, second.done, second.errors, second.cost_usd) == ("complete", 20, 0, 10.0)
    assert len(runs.run_items(first.id)) == 20


def test_the_cost_ceiling_begins_no_further_call(runs: Any, new_run: NewRun) -> None:
    def ask(number: int) -> Any:
        return {"output": str(number), "cost_usd": 0.1}

    limits = Limits(concurrency=2, retries=0, max_cost_usd=1.0)
    run = evaluate(
        _items(100), target=CallableTarget(ask), scorers=[], runs=runs, run=new_run(), limits=limits
    )
    assert run.status == "interrupted"
    assert 10 <= run.done <= 12
    assert run.config["stopped_because"] == "the cost ceiling of 1 USD was reached"
    again = evaluate(
        _items(100), target=CallableTarget(ask), scorers=[], runs=runs, run=run, limits=Limits(retries=0)
    )
    assert (again.status, again.done) == ("complete", 100)
    assert "stopped_because" not in again.config


@pytest.mark.parametrize(("ceiling", "most"), [(0.05, 5), (0.2, 20), (0.001, 1)])
def test_calls_under_way_are_counted_to_the_ceiling(
    runs: Any, new_run: NewRun, ceiling: float, most: int
) -> None:
    under_way, together = 0, 0

    async def ask(number: int) -> dict[str, Any]:
        nonlocal under_way, together
        under_way += 1
        together = max(together, under_way)
        await asyncio.sleep(0.005)
        under_way -= 1
        return {"output": str(number), "cost_usd": 0.01}

    limits = Limits(max_cost_usd=ceiling, concurrency=16)
    done = evaluate(
        _items(161), target=CallableTarget(ask), scorers=[], runs=runs, run=new_run(), limits=limits
    )
    assert done.cost_usd is not None
    assert ceiling <= done.cost_usd + 1e-9
    assert done.done <= most + 1
    assert (together > 1) is (ceiling > 0.01)
    assert "cost ceiling" in done.config["stopped_because"]


def test_the_cost_ceiling_counts_the_model_that_plays_the_user(runs: Any, new_run: NewRun) -> None:
    def converse(number: int) -> Any:
        return {"output": str(number), "cost_usd": 0.1, "user_cost_usd": 0.4}

    limits = Limits(concurrency=1, retries=0, max_cost_usd=1.0)
    run = evaluate(
        _items(20), target=CallableTarget(converse), scorers=[], runs=runs, run=new_run(), limits=limits
    )
    assert run.done == 2


def test_a_scorer_that_fails_could_not_score(runs: Any, new_run: NewRun) -> None:
    def hangs(row: Mapping[str, Any]) -> float:
        while True:
            with contextlib.suppress(Exception):
                time.sleep(10)

    def backtracks(row: Mapping[str, Any]) -> bool:
        return re.match(r"(a+)+$", "a" * 40 + "b") is not None

    scorers = [
        own_scorer(lambda row: float("nan"), name="nan"),
        own_scorer(lambda row: float("inf"), name="inf"),
        own_scorer(lambda row: row["missing"], name="raises"),
        own_scorer(lambda row: None, name="silent"),
        own_scorer(lambda row: "good", name="text"),
        own_scorer(hangs, name="hangs"),
        own_scorer(backtracks, name="backtracks"),
        own_scorer(lambda row: Score(value=1.0, statistics={"a": float("nan")}), name="half"),
        EXACT,
    ]
    limits = Limits(concurrency=2, scorer_timeout_s=0.1)
    run = evaluate(
        _items(2), target=CallableTarget(str), scorers=scorers, runs=runs, run=new_run(), limits=limits
    )
    assert (run.status, run.errors) == ("complete", 0)
    for item in runs.run_items(run.id):
        values = {name: score.value for name, score in item.scores.items()}
        assert values == {**dict.fromkeys(s.name for s in scorers[:-1]), "exact": 1.0}
        assert all(score.error for score in item.scores.values() if score.value is None)
        assert item.scores["hangs"].error == "the scorer took longer than 0.1 s"
        assert item.scores["backtracks"].error == "the scorer took longer than 0.1 s"


def test_a_scorer_that_hangs_is_left_behind_outside_the_main_thread_too(runs: Any, new_run: NewRun) -> None:
    never = threading.Event()
    result: list[Run] = []

    def work() -> None:
        scorers = [own_scorer(lambda row: never.wait(), name="hangs"), EXACT]
        limits = Limits(scorer_timeout_s=0.05)
        result.append(
            evaluate(
                _items(2),
                target=CallableTarget(str),
                scorers=scorers,
                runs=runs,
                run=new_run(),
                limits=limits,
            )
        )

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    never.set()
    assert result[0].status == "complete"
    assert [i.scores["exact"].value for i in runs.run_items("run-1")] == [1.0, 1.0]
    assert runs.run_items("run-1")[0].scores["hangs"].value is None


def test_the_same_run_twice_says_the_same_whatever_the_concurrency(runs: Any, new_run: NewRun) -> None:
    async def ask(number: int) -> str:
        await asyncio.sleep((number * 7 % 5) / 1000)
        return str(number - number % 3)

    for run_id, concurrency in (("one", 1), ("many", 25)):
        evaluate(
            _items(50),
            target=CallableTarget(ask),
            scorers=[EXACT],
            runs=runs,
            run=new_run(run_id),
            limits=Limits(concurrency=concurrency),
        )

    def said(run_id: str) -> list[Any]:
        return [(i.item_id, i.output, i.scores["exact"].value) for i in runs.run_items(run_id)]

    assert said("one") == said("many")


def test_two_runs_at_once_do_not_disturb_each_other(runs: Any, new_run: NewRun) -> None:
    async def ask(number: int) -> str:
        await asyncio.sleep(0.001)
        return str(number)

    def work(run_id: str) -> None:
        evaluate(_items(100), target=CallableTarget(ask), scorers=[EXACT], runs=runs, run=new_run(run_id))

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [len(runs.run_items(name)) for name in ("a", "b")] == [100, 100]
    assert {runs.headers[name].status for name in ("a", "b")} == {"complete"}


def test_an_interrupt_keeps_what_had_come_back(runs: Any, new_run: NewRun) -> None:
    def ask(number: int) -> str:
        if number == 20:
            time.sleep(30)
        return str(number)

    def interrupt(progress: Progress) -> None:
        if progress.done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(
            _items(21),
            target=CallableTarget(ask),
            scorers=[EXACT],
            runs=runs,
            run=new_run(),
            limits=Limits(concurrency=1),
            on_progress=interrupt,
        )
    header = runs.headers["run-1"]
    assert (header.status, header.done) == ("interrupted", 20)
    assert header.config["stopped_because"] == "interrupted"
    assert len(runs.run_items("run-1")) == 20


def test_a_store_that_is_full_stops_the_asking_and_says_so(runs: Any, new_run: NewRun) -> None:
    def refuse(run_id: str, items: Sequence[RunItem]) -> None:
        raise StorageError("disk full")

    runs.add_run_items = refuse
    calls: list[int] = []

    async def ask(number: int) -> str:
        calls.append(number)
        await asyncio.sleep(0.02)
        return str(number)

    with pytest.raises(StorageError, match="disk full"):
        evaluate(_items(2_000), target=CallableTarget(ask), scorers=[], runs=runs, run=new_run())
    assert len(calls) < 2_000
    assert runs.headers["run-1"].status == "failed"


def test_a_disk_that_stays_full_is_tried_three_times_and_then_told(
    runs: Any, new_run: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def full(run_id: str, items: Sequence[RunItem]) -> None:
        tried.append(len(items))
        raise DiskFullError("the disk is full", retry_after_s=30.0)

    monkeypatch.setattr("launchworthy.evals.engine._DISK_WAIT_S", 0.0)
    runs.add_run_items = full
    with pytest.raises(DiskFullError, match="the disk is full"):
        evaluate(_items(5), target=CallableTarget(str), scorers=[], runs=runs, run=new_run())
    assert len(tried) == 3


def test_a_store_that_is_busy_is_waited_for(runs: Any, new_run: NewRun) -> None:
    add, refusals = runs.add_run_items, [OverloadedError("busy", retry_after_s=0.01)] * 3

    def busy(run_id: str, items: Sequence[RunItem]) -> None:
        if refusals:
            raise refusals.pop()
        add(run_id, items)

    runs.add_run_items = busy
    assert evaluate(_items(5), target=CallableTarget(str), scorers=[], runs=runs, run=new_run()).done == 5


def test_a_batch_that_is_too_long_for_the_server_is_sent_in_pieces(runs: Any, new_run: NewRun) -> None:
    add = runs.add_run_items

    def narrow(run_id: str, items: Sequence[RunItem]) -> None:
        if len(items) > 3:
            raise InputError("the body is too long", code="LW413")
        add(run_id, items)

    runs.add_run_items = narrow
    assert evaluate(_items(50), target=CallableTarget(str), scorers=[], runs=runs, run=new_run()).done == 50
    assert len(runs.run_items("run-1")) == 50


def test_it_runs_inside_a_notebooks_event_loop(runs: Any, new_run: NewRun) -> None:
    async def cell() -> Run:
        return evaluate(_items(3), target=CallableTarget(str), scorers=[EXACT], runs=runs, run=new_run())

    assert asyncio.run(cell()).status == "complete"


def test_nothing_to_ask_is_complete_at_once(runs: Any, new_run: NewRun) -> None:
    assert evaluate([], target=CallableTarget(str), scorers=[], runs=runs, run=new_run()).status == "complete"


@pytest.mark.parametrize(
    "wrong",
    [{"concurrency": 0}, {"timeout_s": 0}, {"timeout_s": float("nan")}, {"retries": -1}, {"max_cost_usd": 0}],
)
def test_impossible_limits_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Limits(**wrong)


def test_an_id_that_stands_twice_is_refused(runs: Any, new_run: NewRun) -> None:
    with pytest.raises(InputError, match="twice"):
        evaluate([*_items(2), *_items(1)], target=CallableTarget(str), scorers=[], runs=runs, run=new_run())
