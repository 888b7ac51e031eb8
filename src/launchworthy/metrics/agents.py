"""What an agent did: whether the task was done, with which tool calls, in how many steps, for how much.

May import this room, ``functions`` and ``records``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from launchworthy.errors import InputError
from launchworthy.functions import load_function
from launchworthy.metrics.conditions import read_conditions
from launchworthy.metrics.estimators import MeanEstimator, RatioEstimator
from launchworthy.metrics.metric import CannotScore, Field, Metric
from launchworthy.metrics.operation import amount
from launchworthy.metrics.pooled import PooledShareEstimator
from launchworthy.metrics.tool_calls import (
    Rules,
    ToolCall,
    calls_made,
    is_part,
    matched_calls,
    read_calls,
    refuse_unplain,
)
from launchworthy.records import Score

__all__ = [
    "FAMILY",
    "cost_to_success",
    "forbidden_tool_calls",
    "steps_to_success",
    "task_success",
    "tool_call_correctness",
    "tool_call_precision",
    "tool_call_recall",
]

_MADE = (
    Field(
        "tool_calls",
        "calls made, [] for none: OpenAI's {function: {name, arguments}}, or {name, arguments}",
        False,
    ),
    Field("messages", "else the conversation, whose assistant messages hold them", required=False),
)
_SUCCESS = (
    Field("success_when", "conditions on the conversation that must all hold", required=False),
    Field("expected_state", "what the final state must hold", required=False),
    Field("state", "the final state", required=False),
    Field("success", "true where the task was done, if neither of these says when it is", required=False),
    Field("output", "the last reply, for conditions", required=False),
    *_MADE,
)
_TRUTHS = ("success", "success_when", "expected_state")
_SUCCESS_CONVENTION = (
    "The item's own conditions decide: `success_when` and `expected_state`, and only without them what the "
    "target says of itself in `success`. One that is not met decides, even where another cannot be told."
)
_PARTS = Rules(arguments="subset")

Check = Callable[[Mapping[str, Any]], Any]


def _succeeded(row: Mapping[str, Any]) -> tuple[bool, list[str]]:
    """Whether the task was done, and what is lacking."""
    conditions, state = row.get("success_when"), row.get("expected_state")
    if conditions is None and state is None:
        success = row.get("success")
        if not isinstance(success, bool) and success not in (0, 1):
            raise CannotScore("field 'success' is missing or not true or false, and nothing says when it is")
        return bool(success), []
    lacking: list[str] = []
    unknown: CannotScore | None = None
    for one in () if conditions is None else read_conditions(conditions):
        try:
            if not one.holds(row):
                lacking.append(one.text)
        except CannotScore as reason:
            unknown = reason
    if state is not None:
        refuse_unplain(state, "expected_state")
        refuse_unplain(row.get("state"), "state")
        if row.get("state") is None:
            unknown = CannotScore("field 'state' is missing")
        elif not is_part(state, row["state"]):
            lacking.append("the expected state")
    if unknown is not None and not lacking:
        raise unknown
    return not lacking, lacking


def _checked(function: Check, row: Mapping[str, Any]) -> bool:
    try:
        said = function(row)
    except Exception as error:
        raise CannotScore(f"the check raised {type(error).__name__}: {str(error)[:200]}") from error
    if isinstance(said, (bool, int, float)) and said in (0, 1):
        return bool(said)
    raise CannotScore(f"the check answered {said!r:.40}, neither true nor false")


def task_success(*, check: str | Check | None = None) -> Metric:
    """Whether the task was done.

    Args:
        check: ``module:function`` (or the function) that takes the row and answers true or false.

    Raises:
        InputError: There is no such function.
    """
    function = load_function(check, what="check") if isinstance(check, str) else check

    def read(row: Mapping[str, Any]) -> Score:
        done, lacking = _succeeded(row) if function is None else (_checked(function, row), [])
        return Score(
            value=float(done),
            statistics={"total": float(done), "items": 1.0},
            detail={"lacking": lacking} if lacking else {},
        )

    options = {}
    if check is not None:
        options["check"] = check if isinstance(check, str) else getattr(check, "__qualname__", "function")
    return Metric(
        name="task-success",
        doc="Share of the tasks that were done.",
        fields=_SUCCESS,
        read=read,
        estimator=MeanEstimator(),
        unit_of_analysis="task",
        convention=_SUCCESS_CONVENTION + " With `check`, a function of your own decides instead.",
        source="τ-bench, outcome by the final state (Yao et al., 2024)",
        options=options,
        any_of=_TRUTHS if check is None else (),
    )


def _to_success(
    name: str, over: str, read_amount: Callable[[Mapping[str, Any]], float], **named: Any
) -> Metric:
    def read(row: Mapping[str, Any]) -> Score:
        value = read_amount(row)
        done, _ = _succeeded(row)
        return Score(value=value, statistics={over: value, "successes": float(done)})

    return Metric(
        name=name,
        read=read,
        unit_of_analysis="task",
        higher_is_better=False,
        convention=(
            "Ratio of sums: failures count above the line and not below it; no success: not measured. "
            + _SUCCESS_CONVENTION
        ),
        source="Deng et al., Applying the Delta Method in Metric Analytics (KDD 2018)",
        any_of=_TRUTHS,
        **named,
    )


def _steps(row: Mapping[str, Any]) -> float:
    if row.get("steps") is not None:
        return amount(row, "steps")
    messages = row.get("messages")
    if not isinstance(messages, (list, tuple)):
        raise CannotScore("field 'steps' is missing, and so is 'messages'")
    return float(
        sum(isinstance(message, Mapping) and message.get("role") == "assistant" for message in messages)
    )


def steps_to_success() -> Metric:
    """Steps of all tasks over the number done."""
    return _to_success(
        "steps-to-success",
        "steps",
        _steps,
        doc="Steps of all tasks, those that failed included, over the number done.",
        fields=(
            Field("steps", "steps taken; else the assistant's messages are counted", required=False),
            *_SUCCESS,
        ),
        estimator=RatioEstimator("steps", "successes", ""),
        unit="",
    )


def cost_to_success() -> Metric:
    """Cost of all tasks over the number done."""
    return _to_success(
        "cost-to-success",
        "cost_usd",
        lambda row: amount(row, "cost_usd"),
        doc="Cost of all tasks, those that failed included, over the number done.",
        fields=(Field("cost_usd", "cost of the whole conversation, in US dollars"), *_SUCCESS),
        estimator=RatioEstimator("cost_usd", "successes", "USD"),
        unit="USD",
    )


def _rules(order: str, arguments: str, tolerance: str | float, ignore: str) -> Rules:
    try:
        number = float(tolerance)
    except ValueError as error:
        raise InputError(f"the tolerance {tolerance!r:.40} is not a number", where="tolerance") from error
    names = frozenset(name.strip() for name in ignore.split(",") if name.strip())
    return Rules(order=order, arguments=arguments, tolerance=number, ignore=names)


def _forbidden(row: Mapping[str, Any], made: list[ToolCall]) -> list[str]:
    """Names of the calls made that were forbidden, or not among those allowed."""
    banned = read_calls(row.get("forbidden_calls") or [], "forbidden_calls", any_arguments=True)
    found = [call.name for call in made if any(_PARTS.same(one, call) for one in banned)]
    allowed = row.get("allowed_tools")
    if allowed is not None:
        if not isinstance(allowed, (list, tuple)) or not all(isinstance(name, str) for name in allowed):
            raise CannotScore("field 'allowed_tools' is not a list of names")
        found += [call.name for call in made if call.name not in allowed and call.name not in found]
    return found


def forbidden_tool_calls() -> Metric:
    """Tasks in which a forbidden call was made."""

    def read(row: Mapping[str, Any]) -> Score:
        if row.get("forbidden_calls") is None and row.get("allowed_tools") is None:
            raise CannotScore("nothing is forbidden: 'forbidden_calls' and 'allowed_tools' are missing")
        found = _forbidden(row, calls_made(row))
        value = float(bool(found))
        return Score(
            value=value,
            statistics={"total": value, "items": 1.0, "forbidden": float(len(found))},
            detail={"forbidden": found[:20]} if found else {},
        )

    return Metric(
        name="forbidden-tool-calls",
        doc="Share of the tasks in which a tool was called that must not be.",
        fields=(
            Field("forbidden_calls", "names, or {name, arguments} that a call must not hold", False),
            Field("allowed_tools", "names; a call of any other is forbidden", required=False),
            *_MADE,
        ),
        read=read,
        estimator=MeanEstimator(),
        unit_of_analysis="task",
        higher_is_better=False,
        convention="A task with several such calls counts once; `forbidden` of its statistics counts them.",
        source="Breaches counted by task, exact bounds",
        any_of=("forbidden_calls", "allowed_tools"),
    )


_CALLS_CONVENTION = (
    "An expected call without arguments may have any. `order`: strict, unordered, subsequence (others in "
    "between), subset (others beside). `arguments`: exact, subset, any; numbers may differ by `tolerance`, "
    "and arguments in `ignore` do not count. A row's `call_rules` goes before the metric's options."
)
_OPTIONS = ("order", "arguments", "tolerance", "ignore")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counts:
    """Calls of one task; ``right`` says whether it is right as a whole."""

    matched: int
    expected: int
    made: int
    right: bool


def _calls(
    name: str,
    doc: str,
    value: Callable[[_Counts], float],
    estimator: MeanEstimator | PooledShareEstimator,
    convention: str,
    *,
    order: str = "strict",
    arguments: str = "exact",
    tolerance: str | float = 0.0,
    ignore: str = "",
) -> Metric:
    rules = _rules(order, arguments, tolerance, ignore)

    def read(row: Mapping[str, Any]) -> Score:
        if row.get("expected_calls") is None:
            raise CannotScore("field 'expected_calls' is missing")
        expected = read_calls(row["expected_calls"], "expected_calls", any_arguments=True)
        made = calls_made(row)
        own = rules.with_row(row.get("call_rules"))
        matched = matched_calls(expected, made, own)
        others_allowed = own.order in ("subsequence", "subset")
        forbidden = _forbidden(row, made)
        right = matched == len(expected) and (others_allowed or matched == len(made)) and not forbidden
        found = value(_Counts(matched=matched, expected=len(expected), made=len(made), right=right))
        statistics = {
            "total": float(right),
            "items": 1.0,
            "matched": float(matched),
            "expected": float(len(expected)),
            "made": float(len(made)),
        }
        detail = {} if right else {"made": [call.name for call in made[:50]], "forbidden": forbidden[:20]}
        return Score(value=found, statistics=statistics, detail=detail)

    given = {"order": order, "arguments": arguments, "tolerance": f"{float(tolerance):g}", "ignore": ignore}
    plain = {"order": "strict", "arguments": "exact", "tolerance": "0", "ignore": ""}
    return Metric(
        name=name,
        doc=doc,
        fields=(
            Field("expected_calls", "calls that are due, in order: names, or {name, arguments}"),
            *_MADE,
            Field(
                "forbidden_calls", "calls that make the task wrong whatever else was called", required=False
            ),
            Field("call_rules", "{order, arguments, tolerance, ignore} for this row", required=False),
        ),
        read=read,
        estimator=estimator,
        unit_of_analysis="task",
        convention=f"{convention} {_CALLS_CONVENTION}",
        source="Berkeley Function Calling Leaderboard, AST match (Patil et al., 2024)",
        options={key: chosen for key, chosen in given.items() if chosen != plain[key]},
        any_of=("expected_calls",),
    )


def tool_call_correctness(**options: Any) -> Metric:
    """Tasks with the calls that were due, and no other where others are not allowed."""
    return _calls(
        "tool-call-correctness",
        "Share of the tasks in which the tool calls were those that were due.",
        lambda counts: float(counts.right),
        MeanEstimator(),
        "A task is right as a whole: every call due was made, none forbidden, and none beside them in strict "
        "and unordered order.",
        **options,
    )


def tool_call_precision(**options: Any) -> Metric:
    """Calls made that were due."""

    def value(counts: _Counts) -> float:
        if not counts.made:
            raise CannotScore("no tool was called")
        return counts.matched / counts.made

    return _calls(
        "tool-call-precision",
        "Share of the tool calls made that were due.",
        value,
        PooledShareEstimator("matched", "made"),
        "Pooled over tasks, the task being the cluster.",
        **options,
    )


def tool_call_recall(**options: Any) -> Metric:
    """Calls due that were made."""

    def value(counts: _Counts) -> float:
        if not counts.expected:
            raise CannotScore("no tool call was due")
        return counts.matched / counts.expected

    return _calls(
        "tool-call-recall",
        "Share of the tool calls due that were made.",
        value,
        PooledShareEstimator("matched", "expected"),
        "Pooled over tasks, the task being the cluster.",
        **options,
    )


FAMILY: Mapping[str, tuple[Callable[..., Metric], tuple[str, ...]]] = {
    "task-success": (task_success, ("check",)),
    "tool-call-correctness": (tool_call_correctness, _OPTIONS),
    "tool-call-precision": (tool_call_precision, _OPTIONS),
    "tool-call-recall": (tool_call_recall, _OPTIONS),
    "forbidden-tool-calls": (forbidden_tool_calls, ()),
    "steps-to-success": (steps_to_success, ()),
    "cost-to-success": (cost_to_success, ()),
}
