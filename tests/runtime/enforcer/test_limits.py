"""Time, money and ceilings: what happens at each, and which incident it is a case of."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from launchworthy.capture.pricing import Price, PriceTable, Rates
from launchworthy.runtime.budget import BreakerState
from launchworthy.runtime.budget.remote import RemoteSpending
from launchworthy.runtime.no_answer import Answer, NoAnswer, Policy
from launchworthy.runtime.permission import MemorySpending
from launchworthy.runtime.tool_result import ToolState

Make = Callable[..., Any]


def _ask(made: Any, text: str = "hello", **who: Any) -> Any:
    options = {"max_tokens": who.pop("max_tokens", 100)}
    with made.enforcer.call("answer", **{"user": "u-1", **who}) as call:
        call.model([{"role": "user", "content": call.input(text)}], **options)
        return call.answer()


def test_a_call_that_may_cost_too_much_is_not_made_and_opens_an_incident(shop: Make, contract: str) -> None:
    made = shop(contract.replace(", extractive_answer, route]", "]"))
    found = _ask(made, max_tokens=1_000_000)
    assert isinstance(found, NoAnswer)
    assert (found.condition, found.policy) == ("over_budget", Policy.DEFER)
    assert made.asked == []
    [over] = made.decisions("budget")
    assert (over["rule"], over["outcome"]) == ("shop/answer/limits/cost_per_action", "stopped")
    assert json.loads(over["facts"])["failure_mode"] == "long_talk"


def test_what_cost_more_than_it_may_is_told_and_the_next_question_is_not_asked(shop: Make) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 20_000, "total_tokens": 20_010}
    answer = {"choices": [{"message": {"content": "long"}}], "usage": usage}
    asked = []

    def main(messages: Any, **options: Any) -> Any:
        asked.append(messages)
        return answer

    made = shop(models={"vendor/main": main, "vendor/backup": main})
    with made.enforcer.call("answer", user="u-1") as call:
        call.input("hello")
        assert call.model("hello", max_tokens=10).cost_usd == (10 * 1 + 20_000 * 4) / 1e6
        assert not call.model("and more", max_tokens=10)
    assert len(asked) == 1
    assert made.told.span("chat vendor/main").attributes["launchworthy.cost_usd"] == 0.08001
    [over] = made.decisions("budget")
    assert (over["subject"], over["outcome"]) == ("cost_per_action", "overrun")


def test_past_its_time_the_fallback_answers_and_an_incident_names_the_failure_mode(
    shop: Make, contract: str
) -> None:
    released = threading.Event()

    def hangs(messages: Any, **options: Any) -> str:
        released.wait(20)
        return "late"

    made = shop(
        contract.replace("timeout: 3s", "timeout: 400ms").replace("at_most: 1s", "at_most: 100ms"),
        models={"vendor/main": hangs, "vendor/backup": hangs},
    )
    with made.enforcer.call("answer", user="u-1") as call:
        call.input("May shoes be returned?")
        call.retrieved([{"id": "h", "text": "Shoes may be returned.", "source": "help_centre"}])
        call.model("May shoes be returned?")
        found = call.answer()
    released.set()
    assert isinstance(found, Answer)
    assert found.fallback == "extractive_answer"
    [over] = made.decisions("budget")
    assert (over["rule"], over["outcome"]) == ("shop/answer/limits/timeout", "overrun")
    facts = json.loads(over["facts"])
    assert facts["failure_mode"] == "long_wait"
    assert facts["elapsed_ms"] >= facts["limit_ms"] == 400
    assert found.flags == ("limit:timeout",)


def test_each_user_has_so_many_actions_and_each_conversation_so_many_turns(shop: Make) -> None:
    made = shop()
    results = [_ask(made, user="u-1") for _ in range(6)]
    assert [isinstance(each, Answer) for each in results] == [True] * 5 + [False]
    assert results[-1].condition == "over_budget"
    assert isinstance(_ask(made, user="u-2"), Answer)
    turns = [_ask(made, user=f"v-{n}", session="s-1") for n in range(4)]
    assert [isinstance(each, Answer) for each in turns] == [True] * 3 + [False]
    rules = [each["rule"] for each in made.decisions("budget")]
    assert rules == ["shop/answer/limits/actions_per_user", "shop/answer/limits/turns"]


def test_a_ceiling_of_a_workflow_counts_what_was_really_spent_by_everybody(shop: Make, contract: str) -> None:
    spending = MemorySpending()
    changed = contract.replace("actions_per_user: 5/d", "cost_per_workflow: 0.001 USD/d").replace(
        ", extractive_answer, route]", "]"
    )
    made = shop(changed, spending=spending)
    kinds = [_ask(made, f"hello {n}", user=f"u-{n}") for n in range(12)]
    answered = sum(isinstance(each, Answer) for each in kinds)
    assert 2 < answered < 12
    assert [bool(each) for each in kinds] == sorted([bool(each) for each in kinds], reverse=True)
    assert made.decisions("budget")[0]["rule"] == "shop/answer/limits/cost_per_workflow"


def test_a_model_that_costs_nothing_answers_though_the_money_is_gone_and_no_ledger_tells(
    shop: Make, contract: str
) -> None:
    changed = contract.replace("actions_per_user: 5/d", "cost_per_user: 0.001 USD/d").replace(
        ", extractive_answer, route]", "]"
    )
    made = shop(changed, spending=_unheard())
    paid = _ask(made)
    assert (paid.condition, paid.policy) == ("model_or_tool_down", Policy.DEFER)
    assert paid.reason.startswith("nothing answered (vendor/main: ledger, vendor/backup: ledger")
    assert made.decisions("budget") == []  # nothing passed a limit, so that no incident says so
    own = Price(
        providers=frozenset({"vendor"}),
        models=("main", "backup"),
        rates=Rates(input=0.0, output=0.0),
        source="it runs here",
        seen="2026-01-01",
        version="own",
    )
    free = PriceTable(version="own", prices=(own,))
    assert isinstance(_ask(shop(changed, spending=_unheard(), prices=free)), Answer)


def test_where_no_ledger_tells_nothing_is_said_to_be_used_up(shop: Make) -> None:
    made = shop(spending=_unheard())
    found = _ask(made)
    assert found.condition == "model_or_tool_down"
    assert found.reason == "what is left of actions_per_user is not known, since the ledger did not answer"
    assert made.asked == []
    assert made.decisions("budget") == []
    with made.enforcer.call("refund", user="u-1", roles=["agent"]) as call:
        call.input("Mail ann@shop.example, please.")
        mailed = call.tool("send_mail", {"to": "ann@shop.example"})
    assert mailed.state is ToolState.DENIED
    assert "is not known, since the ledger did not answer" in mailed.reason
    assert made.decisions("budget") == []


def _unheard() -> RemoteSpending:
    """A ledger that does not answer, so that it has no room to give."""
    return RemoteSpending("http://127.0.0.1:9", product="shop", timeout_s=0.2, patience_s=0.0)


def test_the_breakers_can_be_looked_at(shop: Make) -> None:
    def down(messages: Any, **options: Any) -> str:
        raise ConnectionError

    made = shop(models={"vendor/main": down, "vendor/backup": lambda m, **o: "b"})
    for number in range(3):
        _ask(made, user=f"u-{number}")
    assert made.enforcer.breakers == {
        "vendor/main": BreakerState.OPEN, "vendor/backup": BreakerState.CLOSED,
    }  # fmt: skip
