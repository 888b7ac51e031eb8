"""One question to a model: retries, other models, slow ones, broken ones, and what answers in the end."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from launchworthy.runtime.budget import Breaker, BreakerState, Deadline
from launchworthy.runtime.fallback import Asked, Asking, Fallback, Reply, Restart, TooDear, Way
from launchworthy.runtime.running import Runner
from launchworthy.testing import recording


@pytest.fixture(autouse=True)
def _recorded() -> Iterator[None]:
    with recording():
        yield


class Money:
    """A purse that notes what happens to each request's money."""

    def __init__(self, dear: tuple[str, ...] = ()) -> None:
        self.dear, self.happened = dear, list[str]()

    def take(self, model: str, messages: Any, options: Mapping[str, Any]) -> Any:
        if model in self.dear:
            return TooDear(rule="shop/answer/limits/cost_per_action", reason=f"{model} costs too much")
        self.happened.append(f"take {model}")
        purse = self

        class Hold:
            def price(self, *, input_tokens: int, output_tokens: int, cached: int) -> float:
                return 0.02

            def paid(self, *, input_tokens: int, output_tokens: int, cached: int) -> float:
                purse.happened.append(f"paid {model} {output_tokens}")
                return 0.01

            def lost(self) -> None:
                purse.happened.append(f"lost {model}")

            def back(self) -> None:
                purse.happened.append(f"back {model}")

        return Hold()


def _entry(name: str, way: Way, **more: Any) -> Fallback:
    return Fallback(name=name, way=way, rule=f"shop/answer/fallbacks/{name}", **more)


RETRY = _entry("retry_once", Way.RETRY, times=1)
TWICE = _entry("retry_twice", Way.RETRY, times=2)
BACKUP = _entry("backup", Way.MODEL)
CACHED = _entry("cached_answer", Way.CACHED)
ROUTE = _entry("route", Way.NO_ANSWER)


class Desk:
    """Asks with what a test gives."""

    def __init__(self, *plan: Fallback, money: Money | None = None, **models: Callable[..., Any]) -> None:
        self.money = money or Money()
        self.breakers = {name: Breaker(failures=4) for name in models}
        self.asking = Asking(
            models=models,
            breakers=self.breakers,
            plan=plan,
            runner=Runner(),
            chance=random.Random(0),
        )

    def ask(
        self,
        *,
        timeout_s: float = 5.0,
        latency_s: float | None = None,
        cached: str | None = None,
        **options: Any,
    ) -> Asked:
        return self.asking.ask(
            "main",
            [{"role": "user", "content": "May I return shoes?"}],
            options,
            deadline=Deadline.begin(time.monotonic, timeout_s=timeout_s, latency_s=latency_s),
            purse=self.money,
            instant=lambda fallback: None if cached is None else Reply(text=cached),
        )

    def stream(self, *, committed: bool = False, timeout_s: float = 5.0) -> list[Any]:
        return list(
            self.asking.stream(
                "main",
                "hi",
                {},
                deadline=Deadline.begin(time.monotonic, timeout_s=timeout_s, latency_s=None),
                purse=self.money,
                instant=lambda fallback: None,
                committed=lambda: committed,
            )
        )


class Once:
    """Fails so often, then answers."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        self.left, self.error, self.calls = failures, error or ConnectionError("lost"), 0

    def __call__(self, messages: Any, **options: Any) -> str:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise self.error
        return "yes"


class Hangs:
    """Takes as long as the test lasts."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.asked = threading.Event()

    def __call__(self, messages: Any, **options: Any) -> str:
        self.asked.set()
        self.released.wait(20)
        return "too late"


@pytest.fixture
def hangs() -> Iterator[Hangs]:
    found = Hangs()
    yield found
    found.released.set()


def test_a_model_that_answers_needs_no_fallback() -> None:
    desk = Desk(RETRY, ROUTE, main=lambda messages, **options: "yes")
    asked = desk.ask()
    assert asked.reply is not None
    assert (asked.reply.text, asked.reply.model, asked.reply.fallback) == ("yes", "main", None)
    assert asked.failures == ()
    assert desk.money.happened[0] == "take main"
    assert desk.money.happened[1].startswith("paid main")


def test_options_reach_the_function_of_the_model() -> None:
    seen: dict[str, Any] = {}

    def main(messages: Any, **options: Any) -> str:
        seen.update(options, messages=messages)
        return "yes"

    Desk(main=main).ask(max_tokens=7, tools=[{"type": "function"}])
    assert seen["max_tokens"] == 7
    assert seen["messages"][0]["content"] == "May I return shoes?"


def test_what_may_pass_is_tried_again_and_what_fails_is_not_paid() -> None:
    main = Once(1)
    desk = Desk(RETRY, ROUTE, main=main)
    asked = desk.ask()
    assert asked.reply is not None
    assert asked.reply.fallback == "retry_once"
    assert [each.name for each in asked.failures] == ["main"]
    assert desk.money.happened[:3] == ["take main", "back main", "take main"]


def test_retry_twice_tries_twice_and_no_more() -> None:
    main = Once(9)
    asked = Desk(TWICE, ROUTE, main=main).ask()
    assert main.calls == 3
    assert (asked.reply, asked.policy, asked.rule) == (None, "route", "shop/answer/fallbacks/route")


def test_a_request_that_the_model_refuses_is_not_repeated() -> None:
    class Refused(Exception):
        status_code = 400

    main = Once(1, Refused())
    asked = Desk(TWICE, BACKUP, main=main, backup=lambda messages, **options: "from backup").ask()
    assert main.calls == 1
    assert asked.reply is not None
    assert asked.reply.model == "backup"


def test_a_wait_that_does_not_fit_into_the_time_is_not_begun() -> None:
    busy = ConnectionError("429")
    busy.headers = {"retry-after": "600"}  # type: ignore[attr-defined]
    main = Once(1, busy)
    asked = Desk(RETRY, BACKUP, main=main, backup=lambda messages, **options: "b").ask(timeout_s=3)
    assert asked.reply is not None
    assert asked.reply.fallback == "backup"


def test_past_the_soft_point_another_model_is_asked_beside_and_the_first_good_answer_wins(
    hangs: Hangs,
) -> None:
    desk = Desk(RETRY, BACKUP, ROUTE, main=hangs, backup=lambda messages, **options: "from backup")
    asked = desk.ask(timeout_s=10, latency_s=0.05)
    assert asked.reply is not None
    assert (asked.reply.text, asked.reply.fallback) == ("from backup", "backup")
    assert not asked.timed_out
    assert "lost main" in desk.money.happened  # it may be billed


def test_a_slow_model_may_still_win_against_the_one_that_was_asked_beside_it() -> None:
    begun = threading.Event()

    def main(messages: Any, **options: Any) -> str:
        begun.wait(10)
        return "from main"

    def backup(messages: Any, **options: Any) -> str:
        begun.set()
        time.sleep(0.5)
        return "from backup"

    asked = Desk(BACKUP, main=main, backup=backup).ask(timeout_s=10, latency_s=0.05)
    assert asked.reply is not None
    assert asked.reply.text == "from main"


def test_an_answer_that_needs_no_model_waits_for_the_hard_point(hangs: Hangs) -> None:
    asked = Desk(CACHED, ROUTE, main=hangs).ask(timeout_s=0.4, latency_s=0.05, cached="as before")
    assert asked.reply is not None
    assert (asked.reply.text, asked.reply.fallback) == ("as before", "cached_answer")
    assert asked.timed_out
    assert [each.reason for each in asked.failures] == ["timeout"]


def test_at_the_hard_point_no_further_model_is_asked(hangs: Hangs) -> None:
    backup = Once(0)
    desk = Desk(RETRY, BACKUP, ROUTE, main=hangs, backup=backup)
    asked = desk.ask(timeout_s=0.2, latency_s=10)
    assert (asked.reply, asked.policy, asked.timed_out) == (None, "route", True)
    assert backup.calls == 0


def test_a_fallback_of_the_products_own_that_hangs_too_does_not_hold_the_call_up(hangs: Hangs) -> None:
    own = _entry("manual_form", Way.OWN, own=hangs)
    asked = Desk(own, ROUTE, main=hangs).ask(timeout_s=0.2)
    assert asked.policy == "route"
    assert [each.reason for each in asked.failures] == ["timeout", "TimeoutError"]


@pytest.mark.parametrize("own", ["Use the form.", lambda messages: {"text": "Use the form."}])
def test_a_text_or_function_of_the_product_answers(own: Any) -> None:
    asked = Desk(_entry("manual_form", Way.OWN, own=own), main=Once(9)).ask()
    assert asked.reply is not None
    assert (asked.reply.text, asked.reply.fallback) == ("Use the form.", "manual_form")


@pytest.mark.parametrize(
    "garbage",
    [None, 7, {}, [], "", "   ", ..., {"choices": []}, {"choices": [{"message": None}]},
     "<html>502</html>", {"choices": [{"message": {"content": None}}]}, b"bytes"],
    ids=repr,
)  # fmt: skip
def test_what_is_no_answer_counts_as_a_failure(garbage: Any) -> None:
    asked = Desk(BACKUP, main=lambda messages, **options: garbage, backup=lambda m, **o: "from backup").ask()
    assert asked.reply is not None
    assert asked.reply.text == "from backup"


def test_a_model_that_failed_too_often_is_left_alone() -> None:
    main = Once(99)
    desk = Desk(BACKUP, main=main, backup=lambda messages, **options: "b")
    for _ in range(6):
        desk.ask()
    assert main.calls == 4
    assert desk.breakers["main"].state(time.monotonic()) is BreakerState.OPEN
    assert desk.ask().failures[0].reason == "resting"


def test_a_request_refused_for_what_it_asks_does_not_open_the_breaker() -> None:
    class Refused(Exception):
        status_code = 422

    desk = Desk(BACKUP, main=Once(99, Refused()), backup=lambda messages, **options: "b")
    for _ in range(6):
        desk.ask()
    assert desk.breakers["main"].state(time.monotonic()) is BreakerState.CLOSED


def test_what_costs_too_much_is_not_asked_and_a_cheaper_model_is() -> None:
    desk = Desk(
        RETRY, BACKUP, money=Money(dear=("main",)), main=Once(0), backup=lambda messages, **options: "cheap"
    )
    asked = desk.ask()
    assert asked.reply is not None
    assert asked.reply.text == "cheap"
    assert asked.too_dear is not None
    assert asked.too_dear.rule == "shop/answer/limits/cost_per_action"


def test_a_crash_of_the_models_function_is_a_failure_like_any_other() -> None:
    def main(messages: Any, **options: Any) -> str:
        raise SystemExit(3)

    asked = Desk(BACKUP, main=main, backup=lambda messages, **options: "b").ask()
    assert asked.reply is not None
    assert asked.reply.text == "b"


def _parts(*parts: Any) -> Callable[..., Iterator[Any]]:
    def main(messages: Any, **options: Any) -> Iterator[Any]:
        assert options["stream"] is True
        for part in parts:
            if isinstance(part, Exception):
                raise part
            yield part

    return main


def test_a_stream_comes_part_by_part_and_ends_with_what_came_of_it() -> None:
    *parts, asked = Desk(main=_parts("May ", "be ", "returned.")).stream()
    assert parts == ["May ", "be ", "returned."]
    assert asked.reply.text == "May be returned."


def test_a_stream_that_breaks_before_anything_went_out_begins_anew_elsewhere() -> None:
    *parts, asked = Desk(BACKUP, main=_parts("May ", ConnectionError()), backup=_parts("Yes", ".")).stream(
        committed=False
    )
    assert [part for part in parts if not isinstance(part, Restart)] == ["May ", "Yes", "."]
    assert isinstance(parts[1], Restart)
    assert asked.reply.text == "Yes."


def test_a_stream_that_breaks_after_something_went_out_is_not_begun_anew() -> None:
    desk = Desk(BACKUP, main=_parts("May ", ConnectionError()), backup=_parts("No."))
    *parts, asked = desk.stream(committed=True)
    assert parts == ["May "]
    assert asked.reply is None
    assert "lost main" in desk.money.happened


def test_a_stream_that_stalls_ends_at_the_hard_point() -> None:
    stall = threading.Event()

    def main(messages: Any, **options: Any) -> Iterator[str]:
        yield "May "
        stall.wait(20)

    *parts, asked = Desk(main=main).stream(committed=True, timeout_s=0.3)
    stall.set()
    assert parts == ["May "]
    assert (asked.reply, asked.timed_out) == (None, True)
