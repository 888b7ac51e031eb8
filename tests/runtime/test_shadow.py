"""A candidate beside the live release: never seen, never waited for, never acting, all on record."""

from __future__ import annotations

import asyncio
import contextvars
import operator
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import launchworthy as lw
from launchworthy.errors import InputError
from launchworthy.testing import Recording, recording

CONTRACT = """
launchworthy: 1
product: shop
owners: {product: ana@shop.example}
roles: [customer]
workflows:
  answer:
    user: customer
    job: get an answer
    no_answer: {otherwise: refuse}
    fallbacks: [cached_answer, refuse]
    limits: {actions_per_user: 2/d, actions_per_workflow: 4/d}
tools:
  search: {effect: read, roles: [customer]}
  look: {effect: read, roles: [customer], approval: [{by: customer}]}
  refund: {effect: pay, roles: [customer], approval: unattended, limits: {total: 100/d}}
"""


@pytest.fixture
def recorded() -> Iterator[Recording]:
    with recording(product="shop", release="r-live") as found:
        yield found


def _shadows(recorded: Recording) -> list[Any]:
    return [span for span in recorded.spans if span.attributes.get("launchworthy.cohort") == "shadow"]


def test_it_is_on_record_as_the_candidates_with_a_trace_of_its_own(recorded: Recording) -> None:
    @lw.model_call("small")
    def ask(question: str) -> str:
        return question.upper()

    trial = lw.shadow(ask, release="r-next", workflow="answer")

    @lw.workflow("answer")
    @trial.beside
    def answer(question: str) -> str:
        return "live"

    with lw.identify(user="u-1"):
        assert answer("why") == "live"
    assert trial.flush()
    shadows = _shadows(recorded)
    assert {span.name for span in shadows} == {"invoke_workflow answer", "chat small"}
    traces = {span.trace_id for span in shadows}
    assert len(traces) == 1
    lives = [span for span in recorded.spans if span not in shadows]
    assert len(lives) == 1
    assert traces.isdisjoint({lives[0].trace_id})
    for span in shadows:
        assert span.attributes["launchworthy.release"] == "r-next"
        assert span.attributes["launchworthy.shadow_of"] == lives[0].trace_id
        assert span.attributes["user.id"] == lives[0].attributes["user.id"]
    assert lives[0].attributes["launchworthy.release"] == "r-live"


def test_the_live_call_neither_waits_nor_meets_an_error(recorded: Recording) -> None:
    gate = threading.Event()

    def slow(question: str) -> str:
        gate.wait(10)
        raise SystemExit("the candidate is broken")

    trial = lw.shadow(slow, release="r-next", workflow="answer")

    @trial.beside
    def answer(question: str) -> str:
        return "live"

    assert [answer("why") for _ in range(200)] == ["live"] * 200
    counters = trial.counters
    assert counters.dropped >= 200 - 104  # four run, a hundred wait
    assert counters.dropped + counters.waiting == 200
    gate.set()
    assert trial.flush()
    counters = trial.counters
    assert (counters.failed + counters.dropped, counters.ran, counters.waiting) == (200, 0, 0)
    assert all(span.status == "error" for span in _shadows(recorded))


def test_an_error_of_the_live_release_is_raised_as_ever_and_has_no_shadow(recorded: Recording) -> None:
    trial = lw.shadow(lambda: 1, release="r-next")

    @trial.beside
    def answer() -> str:
        raise KeyError("live")

    with pytest.raises(KeyError):
        answer()
    assert trial.counters == type(trial.counters)()


def test_coroutines_and_generators_run_to_their_end(recorded: Recording) -> None:
    parts: list[str] = []

    async def awaited(word: str) -> str:
        await asyncio.sleep(0)
        parts.append(word)
        return word

    async def streamed(word: str) -> AsyncIterator[str]:
        for letter in word:
            parts.append(letter)
            yield letter

    def generated(word: str) -> Iterator[str]:
        parts.append(f"{word}!")
        yield word

    for candidate in (awaited, streamed, generated):
        trial = lw.shadow(candidate, release="r-next", workflow="answer")

        @trial.beside
        async def live(word: str) -> str:
            return "live"

        assert asyncio.run(live("ab")) == "live"
        assert trial.flush()
        assert trial.counters.ran == 1
    assert parts == ["ab", "a", "b", "ab!"]


def test_a_share_of_calls_is_taken_and_the_rest_counted(recorded: Recording) -> None:
    ran: list[int] = []
    trial = lw.shadow(ran.append, release="r-next", share=0.2)
    for place in range(300):
        trial(place)
        trial.flush()
    assert trial.counters.ran == len(ran)
    assert trial.counters.ran + trial.counters.left_out == 300
    assert 20 < len(ran) < 110
    for wrong in (0, -1, 1.01, float("nan")):
        with pytest.raises(InputError, match="no share"):
            lw.shadow(ran.append, release="r-next", share=wrong)


def test_decisions_are_compared_and_told_by_segment(recorded: Recording) -> None:
    trial = lw.shadow(
        lambda amount: amount > 50,
        release="r-next",
        workflow="decide",
        agree=operator.eq,
        segment=lambda amount: "large" if amount > 50 else "small",
    )

    @trial.beside
    def decide(amount: int) -> bool:
        return amount > 100

    for amount in (10, 70, 200):
        decide(amount)
    assert trial.flush()
    told = {
        (span.attributes["launchworthy.slice"], span.attributes["launchworthy.shadow_agrees"])
        for span in _shadows(recorded)
    }
    assert told == {("small", True), ("large", False), ("large", True)}


def _enforcer(ran: list[str], **options: Any) -> lw.Enforcer:
    from launchworthy.contract import parse_contract

    tools = {name: partial(ran.append, name) for name in ("search", "look", "refund")}
    return lw.Enforcer.load(parse_contract(CONTRACT), tools=tools, **options)


def test_no_tool_that_acts_runs_in_shadow_not_even_from_threads_and_tasks(recorded: Recording) -> None:
    ran: list[str] = []
    results: list[Any] = []
    enforcer = _enforcer(ran)

    def candidate() -> None:
        with enforcer.call("answer", user="u-1", roles=["customer"], cohort="pilot") as call:
            results.extend(call.tool(name, {}) for name in ("search", "refund", "look"))
        inside = contextvars.copy_context()

        def threaded() -> None:
            with enforcer.call("answer", user="u-2", roles=["customer"]) as call:
                results.append(call.tool("refund", {}))

        thread = threading.Thread(target=inside.run, args=(threaded,))
        thread.start()
        thread.join()

        async def task() -> None:
            async with enforcer.acall("answer", user="u-3", roles=["customer"]) as call:
                results.append(await call.tool("refund", {}))

        asyncio.run(task())

    trial = lw.shadow(candidate, release="r-next")
    trial()
    assert trial.flush()
    assert trial.counters.ran == 1
    assert ran == ["search"]
    assert [each.state.value for each in results] == ["done", "denied", "denied", "denied", "denied"]
    assert "nobody sees what is done in shadow" in results[1].content
    assert results[1].rule == "shop/tools/refund"
    assert "nobody to ask" in results[2].content
    assert all(
        span.attributes["launchworthy.cohort"] == "shadow"
        for span in recorded.spans
        if span.attributes.get("launchworthy.workflow") == "answer"
    )
    with enforcer.call("answer", user="u-1", roles=["customer"]) as call:
        assert call.tool("refund", {})
    assert ran == ["search", "refund"]


def test_shadows_spend_their_own_share_and_nothing_of_the_users(recorded: Recording) -> None:
    enforcer = _enforcer([], models={"vendor/small": lambda messages: "yes"})
    stopped: list[bool] = []

    def answer(user: str) -> bool:
        with enforcer.call("answer", user=user, roles=["customer"]) as call:
            return call.stopped is None

    trial = lw.shadow(lambda user: stopped.append(not answer(user)), release="r-next", share=1.0)
    for user in ("u-1", "u-1", "u-1", "u-2", "u-2", "u-3"):
        trial(user)
        trial.flush()
    assert stopped == [False, False, True, False, False, True]  # its own two a user and four in all
    assert [answer("u-1") for _ in range(3)] == [True, True, False]
    overruns = [event for event in recorded.events if "'budget'" in str(event)]
    assert len(overruns) == 1  # the user's: of a shadow's no incident is opened


def test_what_it_is_asked_for_is_no_exposure(recorded: Recording) -> None:
    trial = lw.shadow(lambda: lw.exposure("tone", variant="warm", unit="u-1"), release="r-next")
    trial()
    assert trial.flush()
    assert not [event for event in recorded.events if event.name == "launchworthy.exposure"]
    lw.exposure("tone", variant="warm", unit="u-1")
    assert [event for event in recorded.events if event.name == "launchworthy.exposure"]


def test_no_cache_gives_users_what_a_shadow_or_another_release_answered(recorded: Recording) -> None:
    from launchworthy.contract import parse_contract
    from launchworthy.runtime.fallback import MemoryAnswerCache

    said: dict[str, str | None] = {"r-live": None, "r-next": "the candidate's", "r-pilot": "the pilot's"}
    cache = MemoryAnswerCache(clock=time.monotonic)

    def enforcer(release: str) -> lw.Enforcer:
        def ask(messages: Any, **_: Any) -> str:
            if said[release] is None:
                raise ConnectionError("down")
            return str(said[release])

        own = None if release == "r-next" else release  # a candidate takes that of the shadow
        return lw.Enforcer.load(
            parse_contract(CONTRACT), models={"vendor/small": ask}, cache=cache, release=own,
            tools=dict.fromkeys(("search", "look", "refund"), print),
        )  # fmt: skip

    def answer(release: str) -> Any:
        with enforcer(release).call("answer", user="u-1", roles=["customer"]) as call:
            return call.answer(call.model([{"role": "user", "content": call.input("Shoes?")}]))

    trial = lw.shadow(lambda: answer("r-next"), release="r-next")
    trial()
    assert trial.flush()
    assert trial.counters.ran == 1
    assert answer("r-pilot").text == "the pilot's"
    assert not answer("r-live")  # refused: nothing was kept that this release had answered
    said["r-live"] = "the live one's"
    assert answer("r-live").text == "the live one's"
    said["r-live"] = said["r-pilot"] = None
    assert (answer("r-live").text, answer("r-live").fallback) == ("the live one's", "cached_answer")
    assert answer("r-pilot").text == "the pilot's"


def test_no_shadow_has_a_shadow(recorded: Recording) -> None:
    ran: list[int] = []
    inner = lw.shadow(lambda: ran.append(1), release="r-after")
    outer = lw.shadow(lambda: inner(), release="r-next")
    outer()
    assert outer.flush()
    assert inner.flush()
    assert ran == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_the_end_of_a_process_waits_for_shadows_only_so_long(tmp_path: Path) -> None:
    program = """
import launchworthy as lw, time, logging
logging.basicConfig()
lw.init(product="shop", enabled=False)
quick = lw.shadow(lambda: (time.sleep(0.2), print("ran", flush=True)), release="r-next")
quick()
slow = lw.shadow(lambda: time.sleep(60), release="r-slow")
for _ in range(10):
    slow()
"""
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=True, cwd=tmp_path
    )
    assert "ran" in done.stdout
    assert "calls in shadow of r-slow were left" in done.stderr
    assert time.monotonic() - begun < 50
