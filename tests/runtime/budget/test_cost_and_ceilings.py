"""What a request will cost at worst, and the ceilings that many calls share."""

from __future__ import annotations

import pytest

from launchworthy.capture.pricing import Price, PriceTable, Rates, default_prices
from launchworthy.contract import parse_contract
from launchworthy.errors import InputError
from launchworthy.runtime.budget import Deadline, Prices, ceilings_of, estimated_tokens

TABLE = PriceTable(
    version="test",
    prices=(
        Price(
            providers=frozenset({"vendor"}),
            models=("chat-small",),
            rates=Rates(input=1.0, output=4.0),
            source="test",
            seen="2026-01-01",
            version="test",
        ),
    ),
)
PRICES = Prices(TABLE, clock_ns=lambda: 1_767_225_600_000_000_000)


def _limits(text: str) -> str:
    return f"""
launchworthy: 1
product: shop
kind: generative
owners: {{product: ana@shop.example}}
workflows:
  answer: {{user: customer, job: get an answer, no_answer: refuse, limits: {{{text}}}}}
"""


def test_the_worst_case_is_the_prompt_and_all_that_may_be_answered() -> None:
    messages = [{"role": "user", "content": "x" * 3_000}]
    found = PRICES.at_worst("vendor/chat-small", messages, {"max_tokens": 500})
    assert found == pytest.approx((1_008 * 1.0 + 500 * 4.0) / 1e6)
    less = PRICES.at_worst("vendor/chat-small", messages, {"max_completion_tokens": 100})
    assert less == pytest.approx((1_008 * 1.0 + 100 * 4.0) / 1e6)


def test_a_request_without_a_bound_is_taken_to_answer_a_thousand_tokens() -> None:
    unbounded = PRICES.at_worst("vendor/chat-small", "hi", {})
    assert unbounded == PRICES.at_worst("vendor/chat-small", "hi", {"max_tokens": 1_024})
    assert unbounded == PRICES.at_worst("vendor/chat-small", "hi", {"max_tokens": True})


def test_a_prompt_is_never_counted_short() -> None:
    english = "The customer may return the shoes within thirty days of delivery. " * 20
    assert estimated_tokens(english) >= len(english) / 4
    assert estimated_tokens("退货政策" * 100) >= 400
    assert estimated_tokens("\ud800 lone surrogate") > 0
    deep: object = "x"
    for _ in range(5_000):
        deep = [deep]
    assert estimated_tokens({"role": "user", "content": deep}) > 0


def test_a_model_is_found_with_and_without_its_vendor_and_an_unknown_one_has_no_price() -> None:
    assert PRICES.knows("vendor/chat-small")
    assert PRICES.knows("chat-small")
    assert not PRICES.knows("vendor/other")
    assert PRICES.at_worst("vendor/other", "hi", {}) is None
    assert Prices(default_prices(), clock_ns=lambda: 1_790_000_000_000_000_000).knows("openai/gpt-4o-mini")


def test_ceilings_are_read_by_what_they_count_and_for_whom() -> None:
    contract = parse_contract(
        _limits(
            "actions_per_user: 50/d, cost_per_user: 2 USD/d, cost_per_workflow: 900 USD/month,"
            " tokens_per_session: 200000/week"
        )
    )
    found = {each.name: each for each in ceilings_of(contract.workflows["answer"], address="shop/answer")}
    assert found["actions_per_user"].window_ms == 86_400_000
    assert found["cost_per_workflow"].charge(3.0, user="u", session="s").user is None
    assert found["cost_per_workflow"].window_ms == 30 * 86_400_000
    assert found["cost_per_user"].charge(3.0, user="u", session="s").user == "u"
    assert found["tokens_per_session"].rule == "shop/answer/limits/tokens_per_session"
    assert found["tokens_per_session"].charge(3.0, user="u", session="s").user == "s"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("wishes_per_user: 3/d", "nothing enforces"),
        ("actions_per_account: 3/d", "nothing enforces"),
        ("cost_per_user: 5 USD/resolved", "no time"),
        ("cost_per_user: 5 EUR/d", "US dollars"),
        ("cost_per_user: 5/d", "US dollars"),
        ("actions_per_user: 5 USD/d", "counts no actions"),
    ],
)
def test_a_limit_that_nothing_can_enforce_is_an_error_and_not_a_promise(line: str, said: str) -> None:
    contract = parse_contract(_limits(line))
    with pytest.raises(InputError, match=said):
        ceilings_of(contract.workflows["answer"], address="shop/answer")


def test_a_deadline_has_a_soft_point_no_later_than_the_hard_one_and_no_time_is_endless() -> None:
    now = 100.0
    deadline = Deadline.begin(lambda: now, timeout_s=8.0, latency_s=4.0)
    assert (deadline.soft_left_s, deadline.left_s) == (4.0, 8.0)
    now = 105.0
    assert (deadline.soft_left_s, deadline.left_s, deadline.is_over) == (0.0, 3.0, False)
    now = 108.0
    assert deadline.is_over
    now = 90.0  # a clock that goes back gives no more than the whole
    assert deadline.left_s == 8.0
    assert Deadline.begin(lambda: 0.0, timeout_s=2.0, latency_s=9.0).soft_s == 2.0
    assert Deadline.begin(lambda: 0.0, timeout_s=None, latency_s=None).hard_s == 60.0
