"""What an agent did: which calls count as those due, when a task is done, and what failures cost."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from launchworthy.errors import InputError
from launchworthy.metrics import find_metric, score_rows
from launchworthy.metrics.conditions import read_conditions
from launchworthy.metrics.metric import CannotScore
from launchworthy.metrics.tool_calls import Rules, ToolCall, matched_calls
from launchworthy.records import Score


def _score(name: str, row: dict[str, Any], **options: str) -> Score:
    return find_metric(name, options=options).score(row)


def _value(name: str, row: dict[str, Any], **options: str) -> float | None:
    return _score(name, row, **options).value


def _openai(name: str, **arguments: Any) -> dict[str, Any]:
    return {"id": "c1", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


FIND, PAY = {"name": "find", "arguments": {"order": "A1"}}, {"name": "pay", "arguments": {"amount": 20.0}}


@pytest.mark.parametrize(
    "made",
    [
        {"tool_calls": [FIND, PAY]},
        {"tool_calls": [_openai("find", order="A1"), _openai("pay", amount=20)]},
        {"tool_calls": [{"name": "find", "args": {"order": "A1"}}, {"name": "pay", "input": {"amount": 20}}]},
        {
            "tool_calls": [
                {"type": "function_call", "name": "find", "arguments": '{"order": "A1"}'},
                {"type": "function_call", "name": "pay", "arguments": '{"amount": 2e1}'},
            ]
        },
        {
            "messages": [
                {"role": "user", "content": "refund A1"},
                {"role": "assistant", "content": None, "tool_calls": [_openai("find", order="A1")]},
                {"role": "tool", "tool_call_id": "c1", "content": "20"},
                {"role": "assistant", "tool_calls": [_openai("pay", amount=20)]},
            ]
        },
        {
            "messages": [
                {"role": "assistant", "content": [{"type": "text", "text": "Looking."},
                    {"type": "tool_use", "name": "find", "input": {"order": "A1"}}]},
                {"type": "function_call", "name": "pay", "arguments": '{"amount": 20}'},
            ]
        },
    ],
)  # fmt: skip
def test_the_calls_of_every_usual_shape_are_read(made: dict[str, Any]) -> None:
    row = made | {"expected_calls": [FIND, PAY]}
    assert _value("tool-call-correctness", row) == 1.0
    assert _value("tool-call-precision", row) == _value("tool-call-recall", row) == 1.0


A, B, C = {"name": "a"}, {"name": "b"}, {"name": "c"}


@pytest.mark.parametrize(
    ("made", "strict", "unordered", "subsequence", "subset"),
    [
        ([A, B], 1, 1, 1, 1),
        ([B, A], 0, 1, 0, 1),
        ([A, C, B], 0, 0, 1, 1),
        ([B, C, A], 0, 0, 0, 1),
        ([A], 0, 0, 0, 0),
        ([A, A], 0, 0, 0, 0),
        ([A, B, B], 0, 0, 1, 1),
        ([], 0, 0, 0, 0),
    ],
)
def test_order_counts_as_the_rule_says(
    made: list[Any], strict: int, unordered: int, subsequence: int, subset: int
) -> None:
    row = {"tool_calls": made, "expected_calls": ["a", "b"]}
    found = [
        _value("tool-call-correctness", row, order=order)
        for order in ("strict", "unordered", "subsequence", "subset")
    ]
    assert found == [strict, unordered, subsequence, subset]
    assert _value("tool-call-correctness", row | {"call_rules": {"order": "subset"}}) == subset


def test_where_no_call_is_due_any_call_is_wrong() -> None:
    assert _value("tool-call-correctness", {"tool_calls": [], "expected_calls": []}) == 1.0
    assert _value("tool-call-correctness", {"tool_calls": [A], "expected_calls": []}) == 0.0
    assert _value("tool-call-recall", {"tool_calls": [A], "expected_calls": []}) is None
    assert _value("tool-call-precision", {"tool_calls": [], "expected_calls": [A]}) is None


@pytest.mark.parametrize(
    ("expected", "given", "options", "value"),
    [
        ({"n": 1}, {"n": 1.0}, {}, 1.0),
        ({"n": 1}, {"n": True}, {}, 0.0),
        ({"n": 1}, {"n": "1"}, {}, 0.0),
        ({"n": 19.99}, {"n": 20}, {}, 0.0),
        ({"n": 19.99}, {"n": 20}, {"tolerance": "0.011"}, 1.0),
        ({"n": 10**400}, {"n": 1.5}, {"tolerance": "1"}, 0.0),
        ({"n": 10**400}, {"n": 10**400}, {}, 1.0),
        ({"a": 1}, {"a": 1, "b": 2}, {}, 0.0),
        ({"a": 1}, {"a": 1, "b": 2}, {"arguments": "subset"}, 1.0),
        ({"a": {"x": 1}}, {"a": {"x": 1, "y": 2}}, {"arguments": "subset"}, 1.0),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, {"arguments": "subset"}, 0.0),
        ({"a": 1}, {"a": 2}, {"arguments": "any"}, 1.0),
        ({"a": 1, "id": "x"}, {"a": 1, "id": "y"}, {"ignore": "id, when"}, 1.0),
        ({"a": None}, {"a": None}, {}, 1.0),
        ({"a": None}, {}, {}, 0.0),
        (None, {"a": 1}, {}, 1.0),
        ({}, {"a": 1}, {}, 0.0),
    ],
)
def test_arguments_are_the_same_as_the_rule_says(
    expected: Any, given: Any, options: dict[str, str], value: float
) -> None:
    row = {
        "tool_calls": [{"name": "t", "arguments": given}],
        "expected_calls": [{"name": "t", "arguments": expected}],
    }
    assert _value("tool-call-correctness", row, **options) == value


NAMES = st.lists(st.sampled_from("abc"), max_size=7)


@settings(max_examples=60)
@given(expected=NAMES, made=NAMES)
def test_as_many_calls_are_matched_as_can_be(expected: list[str], made: list[str]) -> None:
    due = [ToolCall(name, None) for name in expected]
    done = [ToolCall(name, {}) for name in made]
    longest = max(
        size
        for size in range(len(expected) + 1)
        for chosen in itertools.combinations(expected, size)
        if _is_subsequence(chosen, made)
    )
    assert matched_calls(due, done, Rules(order="strict")) == longest


def _is_subsequence(short: tuple[str, ...], long: list[str]) -> bool:
    rest = iter(long)
    return all(name in rest for name in short)


@pytest.mark.parametrize("seed", range(30))
def test_unordered_matching_is_the_largest_there_is(seed: int) -> None:
    # A tolerance makes calls overlap, so that taking the first that fits is not enough.
    rng = np.random.default_rng(seed)
    due, done = rng.integers(0, 12, size=7), rng.integers(0, 12, size=9)
    fits = np.abs(due[:, None] - done[None, :]) <= 1
    largest = int((maximum_bipartite_matching(csr_matrix(fits), perm_type="column") >= 0).sum())
    found = matched_calls(
        [ToolCall("t", {"n": int(n)}) for n in due],
        [ToolCall("t", {"n": int(n)}) for n in done],
        Rules(order="unordered", tolerance=1.0),
    )
    assert found == largest


def test_a_forbidden_call_makes_the_task_wrong_and_is_counted() -> None:
    row: dict[str, Any] = {
        "tool_calls": [FIND, PAY],
        "expected_calls": ["find"],
        "call_rules": {"order": "subset"},
    }
    assert _value("tool-call-correctness", row) == 1.0
    assert _value("tool-call-correctness", row | {"forbidden_calls": ["pay"]}) == 0.0
    assert _value("forbidden-tool-calls", row | {"forbidden_calls": ["delete"]}) == 0.0
    assert _value("forbidden-tool-calls", row | {"forbidden_calls": [PAY]}) == 1.0
    other = {"name": "pay", "arguments": {"amount": 21}}
    assert _value("forbidden-tool-calls", row | {"forbidden_calls": [other]}) == 0.0
    score = _score("forbidden-tool-calls", row | {"allowed_tools": ["find"]})
    assert (score.value, score.detail["forbidden"]) == (1.0, ["pay"])
    assert _value("forbidden-tool-calls", row) is None
    assert find_metric("forbidden-tool-calls").higher_is_better is False


def _cyclic() -> dict[str, Any]:
    held: dict[str, Any] = {}
    held["self"] = held
    return held


@pytest.mark.parametrize(
    "calls",
    [
        "find",
        {"name": "find"},
        [None],
        ["find"],
        [{"function": None}],
        [{"function": {"arguments": "{}"}}],
        [{"name": ""}],
        [{"name": 3}],
        [{"name": "t", "arguments": "{not json"}],
        [{"name": "t", "arguments": "[1]"}],
        [{"name": "t", "arguments": '{"n": NaN}'}],
        [{"name": "t", "arguments": '{"n": 1e999}'}],
        [{"name": "t", "arguments": "[" * 100_000}],
        [{"name": "t", "arguments": [1]}],
        [{"name": "t", "arguments": {"n": float("nan")}}],
        [{"name": "t", "arguments": {1: 2}}],
        [{"name": "t", "arguments": {"x": object()}}],
        [{"name": "t", "arguments": {"x": "y" * 2_000_000}}],
        [{"name": "t", "arguments": {str(n): n for n in range(60_000)}}],
        [{"name": "t", "arguments": _cyclic()}],
        [{"name": "t"}] * 501,
    ],
)
def test_malformed_calls_cannot_be_scored_and_are_never_wrong(calls: Any) -> None:
    for row in (
        {"tool_calls": calls, "expected_calls": ["find"], "forbidden_calls": ["x"]},
        {
            "messages": [{"role": "assistant", "tool_calls": calls}],
            "expected_calls": ["find"],
            "forbidden_calls": ["x"],
        },
    ):
        for name in ("tool-call-correctness", "tool-call-recall", "forbidden-tool-calls"):
            score = _score(name, row)
            assert score.value is None, (name, score)
            assert score.error


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"expected_calls": ["a"]},
        {"tool_calls": []},
        {"tool_calls": [], "expected_calls": "a"},
        {"tool_calls": [], "expected_calls": [3]},
        {"messages": "a", "expected_calls": ["a"]},
        {"messages": [3], "expected_calls": ["a"]},
        {"messages": [{"tool_calls": 3}], "expected_calls": ["a"]},
        {"tool_calls": [], "expected_calls": ["a"], "call_rules": {"order": "random"}},
        {"tool_calls": [], "expected_calls": ["a"], "call_rules": {"tolerance": "much"}},
        {"tool_calls": [], "expected_calls": ["a"], "call_rules": {"ignore": "id"}},
        {"tool_calls": [], "expected_calls": ["a"], "call_rules": {"no": 1}},
        {"tool_calls": [], "expected_calls": ["a"], "call_rules": 1},
        {"tool_calls": [], "expected_calls": ["a"], "allowed_tools": "a"},
    ],
)
def test_rows_without_what_is_needed_say_so(row: dict[str, Any]) -> None:
    score = _score("tool-call-correctness", row)
    assert score.value is None
    assert score.error


@pytest.mark.parametrize(
    "options",
    [
        {"order": "random"},
        {"arguments": "some"},
        {"tolerance": "much"},
        {"tolerance": "-1"},
        {"tolerance": "nan"},
    ],
)
def test_an_impossible_rule_is_an_error_of_whoever_wrote_it(options: dict[str, str]) -> None:
    with pytest.raises(InputError):
        find_metric("tool-call-correctness", options=options)


def test_options_stand_in_the_signature() -> None:
    assert find_metric("tool-call-correctness").signature == "tool-call-correctness|v1"
    found = find_metric("tool-call-correctness", options={"order": "subset", "tolerance": "0.01"})
    assert found.signature == "tool-call-correctness|order:subset|tolerance:0.01|v1"


def test_calls_are_pooled_with_the_task_as_the_cluster() -> None:
    rows = [
        {
            "tool_calls": [{"name": f"t{k if n % 4 else k + 100}"} for k in range(10)],
            "expected_calls": [f"t{k}" for k in range(10)],
        }
        for n in range(40)
    ]
    found = score_rows(find_metric("tool-call-precision"), rows).overall.interval
    assert found is not None
    assert (found.value, found.n) == (0.75, 40)
    assert found.low < 0.63  # 400 independent calls would give 0.705


CHAT: dict[str, Any] = {
    "output": "Refunded 20 EUR. Bye!",
    "messages": [
        {"role": "user", "content": "I never said refunded twice"},
        {"role": "assistant", "content": "What is your ORDER  number?"},
        {"role": "user", "content": "A1"},
        {
            "role": "assistant",
            "content": "Refunded 20 EUR. Bye!",
            "tool_calls": [_openai("pay", amount=20, to="A1")],
        },
    ],
    "state": {"refunds": {"A1": 20}, "open": []},
    "answered": True,
}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"contains": "refunded 20"}, True),
        ({"contains": ["never", "bye"]}, True),
        ({"contains": "order number"}, False),
        ({"contains": "order number", "anywhere": True}, True),
        ({"contains": "never said", "anywhere": True}, False),
        ({"regex": r"\d+ EUR"}, True),
        ({"regex": r"(?i)refunded \d+ eur"}, True),
        ({"regex": r"^\d+ EUR"}, False),
        ({"called": "pay"}, True),
        ({"called": "pay", "with": {"amount": 20}}, True),
        ({"called": "pay", "with": {"amount": 21}}, False),
        ({"called": "delete"}, False),
        ({"not": {"called": "delete"}}, True),
        ({"not": [{"called": "pay"}, {"called": "delete"}]}, True),
        ({"any": [{"called": "delete"}, {"contains": "bye"}]}, True),
        ({"state": {"refunds": {"A1": 20}}}, True),
        ({"state": {"refunds": {"A1": 21}}}, False),
        ({"answered": True}, True),
        ({"answered": False}, False),
        ({"no_answer": "route"}, False),
        ([{"contains": "bye"}, {"contains": "order number"}], False),
    ],
)
def test_a_task_is_done_when_its_conditions_hold(condition: Any, holds: bool) -> None:
    assert _value("task-success", CHAT | {"success_when": condition}) == float(holds)
    # what the target says of itself does not count where the item says what is right
    assert _value("task-success", CHAT | {"success_when": condition, "success": not holds}) == float(holds)


def test_a_condition_that_is_not_met_decides_even_where_another_cannot_be_told() -> None:
    row = {"output": "No.", "tool_calls": [], "success_when": [{"called": "pay"}, {"state": {"a": 1}}]}
    assert _value("task-success", row) == 0.0
    assert _value("task-success", row | {"tool_calls": [{"name": "pay"}]}) is None
    assert _value("task-success", row | {"expected_state": {"a": 1}}) == 0.0


def test_what_is_lacking_is_named() -> None:
    score = _score("task-success", CHAT | {"success_when": [{"called": "delete"}, {"contains": "bye"}]})
    assert score.detail["lacking"] == ["called delete"]


@pytest.mark.parametrize(
    "condition",
    [
        [],
        "bye",
        {},
        {"contains": ""},
        {"contains": 3},
        {"contains": "a", "regex": "b"},
        {"contains": "a", "anywhere": "yes"},
        {"regex": "("},
        {"called": 3},
        {"called": "a", "with": 3},
        {"state": 3},
        {"check": "os:abort"},
        {"not": []},
        {"any": {"contains": float("nan")}},
        {"contains": "a", "typo": 1},
        [{"not": [{"not": [{"any": 1}]}]}],
    ],
)
def test_a_broken_condition_cannot_be_scored_and_runs_no_code(condition: Any) -> None:
    score = _score("task-success", CHAT | {"success_when": condition})
    assert score.value is None
    assert score.error
    with pytest.raises(CannotScore):
        read_conditions(condition)


def test_conditions_that_nest_for_ever_end() -> None:
    deep: Any = {"contains": "bye"}
    for _ in range(500):
        deep = {"not": deep}
    assert _value("task-success", CHAT | {"success_when": deep}) is None
    assert (
        _value("task-success", CHAT | {"success_when": {"regex": "(a+)+$"}, "output": "a" * 40 + "!"}) is None
    )


def test_the_final_state_decides() -> None:
    row = {"expected_state": {"refunds": {"A1": 20}}, "state": {"refunds": {"A1": 20, "B2": 3}}}
    assert _value("task-success", row) == 1.0
    assert _value("task-success", row | {"state": {"refunds": {}}}) == 0.0
    assert _value("task-success", {"expected_state": {"a": 1}, "success": True}) is None
    assert _value("task-success", row | {"state": _cyclic()}) is None
    assert _value("task-success", {"success": True}) == 1.0
    assert _value("task-success", {"success": "yes"}) is None
    assert _value("task-success", {}) is None


def paid(row: dict[str, Any]) -> Any:
    if "raise" in row:
        raise RuntimeError("no database")
    return row.get("said")


def test_a_check_of_ones_own_decides() -> None:
    for row, value in (
        ({"said": True}, 1.0),
        ({"said": 0}, 0.0),
        ({"said": "yes"}, None),
        ({"raise": 1}, None),
        ({}, None),
    ):
        assert _value("task-success", row, check=f"{__name__}:paid") == value
    assert (
        _score("task-success", {"raise": 1}, check=f"{__name__}:paid").error
        == "the check raised RuntimeError: no database"
    )


def test_failures_count_in_what_a_success_costs_and_takes() -> None:
    rows = [{"cost_usd": 0.1 * (1 + n % 3), "steps": 2 + n % 5, "success": n % 4 != 0} for n in range(80)]
    cost = score_rows(find_metric("cost-to-success"), rows).overall.interval
    same = score_rows(find_metric("cost-per-success"), rows).overall.interval
    steps = score_rows(find_metric("steps-to-success"), rows).overall.interval
    assert cost is not None
    assert same is not None
    assert steps is not None
    assert (cost.value, cost.low, cost.high) == (same.value, same.low, same.high)
    assert cost.value == pytest.approx(sum(row["cost_usd"] for row in rows) / 60)
    assert steps.value == pytest.approx(sum(row["steps"] for row in rows) / 60)
    assert steps.low < steps.value < steps.high
    none = score_rows(find_metric("steps-to-success"), [row | {"success": False} for row in rows])
    assert none.overall.interval is None  # not measured, rather than infinitely dear


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ({"steps": 4, "success": True}, 4.0),
        ({"messages": CHAT["messages"], "success": False}, 2.0),
        ({"messages": [3, {"role": "assistant"}], "success": True}, 1.0),
        ({"success": True}, None),
        ({"steps": -1, "success": True}, None),
        ({"steps": float("nan"), "success": True}, None),
        ({"steps": "4", "success": True}, None),
        ({"steps": 4}, None),
    ],
)
def test_steps_are_told_or_are_the_assistants_turns(row: dict[str, Any], value: float | None) -> None:
    assert _value("steps-to-success", row) == value
