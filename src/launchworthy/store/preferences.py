"""What people preferred, from records that may be learnt from: an answer beside what it should have been.

May import ``records`` and this room. Two kinds of pairs. A *correction* stands against the answer that it
corrects. A *rating* sets two answers to the very same question against each other, one that people liked and
one that they did not; answers on which people disagree are in no pair.
"""
# ruff: noqa: S608 (names in SQL come from the schema, values are bound)

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from launchworthy.records import (
    EVALUATION,
    TABLES,
    last_text,
    part_text,
    plain_value,
    turns_of,
)
from launchworthy.store.export import Learnable
from launchworthy.store.hot import Hot

__all__ = ["Pair", "Preferences", "preferences", "read_in"]

_NO_CALL = "its call is not there or is past its retention"
_NO_WORDS = "its question or its answer is not in words alone"
_SAME = "what was corrected is what was said"
_ALONE = "rated, with no other answer to the same question that was rated otherwise"
_SIMULATED = "it comes from no real user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One preference.

    Attributes:
        trace_id: Of the answer that is not preferred, in hexadecimal.
        other: Of the preferred one, where it was an answer too.
        workflow: Whose answer it is.
        because: ``correction`` or ``rating``.
        prompt: Turns with ``role`` and ``content``.
        chosen: What is preferred.
        rejected: What is not.
    """

    trace_id: str
    workflow: str
    because: Literal["correction", "rating"]
    prompt: list[dict[str, str]]
    chosen: str
    rejected: str
    other: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """Pairs, and what became none.

    Attributes:
        pairs: In order of the trace id.
        left_out: Why → how many pieces of feedback.
    """

    pairs: list[Pair] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Call:
    trace_id: str
    workflow: str
    prompt: tuple[tuple[str, str], ...]
    answer: str


def preferences(hot: Hot, learnable: Learnable, *, workflow: str | None = None) -> Preferences:
    """Every preference that may be learnt from.

    Args:
        hot: Where records are read.
        learnable: What of them may be learnt from.
        workflow: Of this one alone.
    """
    said, calls = _read(hot, learnable, workflow)
    left: Counter[str] = Counter()
    pairs: dict[tuple[str, str], Pair] = {}
    liked: dict[str, list[float]] = defaultdict(list)
    for row in said:
        call = calls.get(row["trace"], _NO_CALL)
        if row["simulated"]:
            call = _SIMULATED
        if isinstance(call, str):
            left[call] += 1
            continue
        if row["correction"] and row["correction"].strip():
            chosen = row["correction"].strip()
            if chosen == call.answer:
                left[_SAME] += 1
                continue
            pairs[call.trace_id, chosen] = _pair(call, chosen, because="correction")
        elif row["rating"]:
            liked[call.trace_id].append(row["rating"])
    corrected = {trace for trace, _ in pairs}
    rated = [(calls[trace], ratings) for trace, ratings in liked.items() if trace not in corrected]
    for pair in _of_ratings(((call, ratings) for call, ratings in rated if isinstance(call, _Call)), left):
        pairs[pair.trace_id, pair.chosen] = pair
    return Preferences(
        pairs=[pairs[key] for key in sorted(pairs)],
        left_out=dict(sorted(left.items(), key=lambda each: (-each[1], each[0]))),
    )


def read_in(hot: Hot, traces: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """What the spans of traces say of the documents that they read, as ``{context, attributes}``."""
    found: dict[str, list[dict[str, Any]]] = {trace: [] for trace in traces}
    with hot.reading() as cursor:
        rows = cursor.execute(
            "SELECT lower(hex(trace_id)), context, attributes FROM main.spans WHERE context IS NOT NULL"
            " AND trace_id IN (SELECT unhex(unnest(?)))",
            [list(found)],
        ).fetchall()
    for trace, context, attributes in rows:
        found[trace].append({"context": context, "attributes": attributes})
    return found


def _read(
    hot: Hot, learnable: Learnable, workflow: str | None
) -> tuple[list[dict[str, Any]], dict[str, _Call | str]]:
    own, values = learnable.condition(TABLES["feedback"])
    about = f"FROM main.feedback WHERE {own} AND (correction IS NOT NULL OR rating IS NOT NULL)"
    spans, more = learnable.condition(TABLES["spans"])
    with hot.roomy(), hot.reading() as cursor:
        said = _rows(
            cursor.execute(
                "SELECT lower(hex(trace_id)) AS trace, rating, correction, simulated IS TRUE AS simulated"
                f" {about} ORDER BY time, trace",
                values,
            )
        )
        asked = _rows(
            cursor.execute(
                "SELECT lower(hex(trace_id)) AS trace, workflow, input, output,"
                " simulated IS TRUE AS simulated,"
                f" kind = '{EVALUATION}' OR cohort IS NOT DISTINCT FROM '{EVALUATION}' AS evaluation"
                f" FROM main.spans WHERE {spans} AND (kind = 'workflow' OR parent_span_id IS NULL)"
                f" AND trace_id IN (SELECT trace_id {about})"
                " ORDER BY kind IS DISTINCT FROM 'workflow', start_time",
                [*more, *values],
            )
        )
    calls: dict[str, _Call | str] = {}
    not_people = {row["trace"] for row in asked if row["simulated"] or row["evaluation"]}
    for row in asked:
        if workflow is None or row["workflow"] == workflow:
            calls.setdefault(row["trace"], _SIMULATED if row["trace"] in not_people else _call(row))
    if workflow is not None:
        others = {row["trace"] for row in asked} - set(calls)
        said = [row for row in said if row["trace"] not in others]
    return said, calls


def _rows(cursor: Any) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _call(row: Mapping[str, Any]) -> _Call | str:
    prompt = _prompt(plain_value(row["input"]))
    answer = _words(plain_value(row["output"]), role="assistant")
    if prompt is None or not answer:
        return _NO_WORDS
    return _Call(row["trace"], row["workflow"] or "", prompt, answer)


def _prompt(value: Any) -> tuple[tuple[str, str], ...] | None:
    """The turns, where each says something in words and nothing else."""
    turns = turns_of(value)
    if turns is None:
        text = last_text(value, role="user")
        return (("user", text),) if text else None
    found = [(str(turn["role"]), _turn(turn)) for turn in turns]
    return None if any(not text for _, text in found) else tuple(found)


def _words(value: Any, *, role: str) -> str:
    turns = turns_of(value)
    if turns is None:
        return last_text(value, role=role)
    return _turn(turns[-1]) if turns[-1]["role"] == role else ""


def _turn(turn: Mapping[str, Any]) -> str:
    content = turn.get("content", turn.get("parts"))
    parts = [part_text(part) for part in (content if isinstance(content, list) else [content])]
    if turn.get("tool_calls") or any(part is None for part in parts):
        return ""
    return "\n".join(part for part in parts if part is not None).strip()


def _of_ratings(rated: Iterable[tuple[_Call, Sequence[float]]], left: Counter[str]) -> Iterable[Pair]:
    questions: dict[tuple[str, str], list[tuple[_Call, Sequence[float]]]] = defaultdict(list)
    for call, ratings in rated:
        questions[call.workflow, json.dumps(call.prompt)].append((call, ratings))
    for answers in questions.values():
        good = sorted((call for call, seen in answers if min(seen) > 0), key=lambda call: call.trace_id)
        bad = [call for call, seen in answers if max(seen) < 0]
        paired = [(call, good[0]) for call in bad if good and good[0].answer != call.answer]
        yield from (_pair(call, best.answer, because="rating", other=best.trace_id) for call, best in paired)
        left[_ALONE] += sum(len(seen) for _, seen in answers) if not paired else 0
    left += Counter()  # what was counted no times is not told


def _pair(
    call: _Call, chosen: str, *, because: Literal["correction", "rating"], other: str | None = None
) -> Pair:
    return Pair(
        trace_id=call.trace_id,
        other=other,
        workflow=call.workflow,
        because=because,
        prompt=[{"role": role, "content": content} for role, content in call.prompt],
        chosen=chosen,
        rejected=call.answer,
    )
