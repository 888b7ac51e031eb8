"""Production traffic as something to score: a random sample of calls, answered by what was recorded.

May import ``errors``, ``gold``, ``records`` and this room. Nobody is asked again: the target is the record,
so that scorers, judges, storage and resume are those of any other run. Evaluation traffic is left out, and
simulated users' calls count only where they are asked for.
"""

# ruff: noqa: S608 (names in SQL are of this room; what comes from outside is bound)
from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from launchworthy.errors import InputError
from launchworthy.evals.target import Reply, TargetFailure
from launchworthy.gold import GoldItem
from launchworthy.records import MARKED_CALL, ROOT, last_text, no_evaluation, plain_value

__all__ = ["RecordedCalls", "sample_calls"]

Query = Callable[[str, Sequence[Any]], list[dict[str, Any]]]

_PAGE = 5_000
_FETCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCalls:
    """A target that answers each item with what the product answered then.

    Attributes:
        items: The questions, in order of trace id; an item's cluster is its user.
        calls: How many calls there were to choose from.
        replies: What was answered, by item id; a failure's message where the call failed.
    """

    items: tuple[GoldItem, ...]
    calls: int
    replies: dict[str, Reply | str]

    @property
    def name(self) -> str:
        return "recorded traffic"

    async def open(self, *, concurrency: int) -> None:
        pass

    async def close(self) -> None:
        pass

    async def ask(self, item: GoldItem) -> Reply:
        found = self.replies[item.id]
        if isinstance(found, str):
            raise TargetFailure(found, transient=False)
        return found


def sample_calls(
    query: Query,
    *,
    product: str,
    workflow: str,
    release: str | None,
    since: datetime,
    until: datetime,
    share: float = 1.0,
    most: int = 1_000,
    simulated: bool = False,
    seed: int = 0,
) -> RecordedCalls:
    """Draw calls of a workflow at random: each with the chance ``share``, and of these at most ``most``.

    Which calls are drawn depends on their trace ids and the seed alone, so that a sample drawn again is the
    same, and a larger one holds the smaller. A *call* is a span of kind ``workflow``, else a trace's root.

    Args:
        query: Answers one SELECT over the records.
        product, workflow: Whose calls.
        release: Of this release only; of any if None.
        since, until: Window (aware); ``until`` itself is outside.
        share: Chance of each call, above 0 to 1.
        most: Ceiling of the sample's size.
        simulated: Count calls of simulated users too.
        seed: Of the drawing.

    Raises:
        InputError: The share or the ceiling is impossible.
    """
    if not 0.0 < share <= 1.0:
        raise InputError(f"a share of {share!r} is not above 0 and up to 1", hint="write 2 % or 0.02")
    if most < 1:
        raise InputError("a sample of at most no calls is empty")
    where = "product = $1 AND workflow = $2 AND start_time >= $3 AND start_time < $4"
    values: list[Any] = [product, workflow, _ns(since), _ns(until)]
    where += f" AND {no_evaluation('$1')}"
    if not simulated:
        where += " AND NOT coalesce(simulated, false)"
    if release is not None:
        values.append(release)
        where += f" AND release = ${len(values)}"
    marked = query(f"SELECT 1 AS found FROM spans WHERE {where} AND {MARKED_CALL} LIMIT 1", values)
    where += f" AND {MARKED_CALL if marked else ROOT}"
    drawn, calls = _drawn(query, where, values, share=share, most=most, seed=seed)
    items, replies = [], {}
    for start in range(0, len(drawn), _FETCH):
        for item, reply in _fetched(query, where, values, drawn[start : start + _FETCH]):
            items.append(item)
            replies[item.id] = reply
    return RecordedCalls(items=tuple(items), calls=calls, replies=replies)


def _drawn(
    query: Query, where: str, values: Sequence[Any], *, share: float, most: int, seed: int
) -> tuple[list[str], int]:
    """Trace ids of the sample in order, and how many calls there are; a page of ids in memory at a time."""
    lowest: list[tuple[int, str]] = []  # a heap of the largest, so that the smallest digests stay
    calls, after = 0, ""
    while True:
        page = query(
            f"SELECT DISTINCT hex(trace_id) AS id FROM spans WHERE {where}"
            f" AND hex(trace_id) > ${len(values) + 1} ORDER BY id LIMIT {_PAGE}",
            [*values, after],
        )
        for row in page:
            digest = hashlib.sha256(f"{seed}/{row['id']}".encode()).digest()
            place = int.from_bytes(digest[:8])
            if place < share * 2**64:
                heapq.heappush(lowest, (-place, row["id"]))
                if len(lowest) > most:
                    heapq.heappop(lowest)
        calls += len(page)
        if len(page) < _PAGE:
            return sorted(name for _, name in lowest), calls
        after = page[-1]["id"]


def _fetched(
    query: Query, where: str, values: Sequence[Any], names: Sequence[str]
) -> list[tuple[GoldItem, Reply | str]]:
    holes = ", ".join(f"${len(values) + place}" for place in range(1, len(names) + 1))
    rows = query(
        "SELECT hex(trace_id) AS id, coalesce(user_id, session_id) AS unit, input, output, no_answer,"
        " status, error_type, status_message, duration_ms, cost_usd FROM spans"
        f" WHERE {where} AND hex(trace_id) IN ({holes}) ORDER BY id, start_time",
        [*values, *names],
    )
    holes = ", ".join(f"${place}" for place in range(2, len(names) + 2))
    passages: dict[str, list[Any]] = {}
    for row in query(
        f"SELECT hex(trace_id) AS id, context FROM spans WHERE product = $1 AND hex(trace_id) IN ({holes})"
        " AND context IS NOT NULL ORDER BY id, start_time",
        [values[0], *names],
    ):
        found = plain_value(row["context"])
        passages.setdefault(row["id"], []).extend(found if isinstance(found, list) else [found])
    seen: set[str] = set()
    answers = []
    for row in rows:
        if row["id"] not in seen:  # a trace with several calls counts by its first
            seen.add(row["id"])
            answers.append((_item(row, passages.get(row["id"])), _reply(row, passages.get(row["id"]))))
    return answers


def _item(row: dict[str, Any], passages: list[Any] | None) -> GoldItem:
    value = plain_value(row["input"])
    return GoldItem(
        id=row["id"].lower(),
        input=last_text(value, role="user") or value or "(not recorded)",
        cluster=row["unit"],
        context=passages,
    )


def _reply(row: dict[str, Any], passages: list[Any] | None) -> Reply | str:
    if row["status"] == "error":
        return f"{row['error_type'] or 'error'}: {row['status_message'] or 'the call failed'}"[:500]
    output = plain_value(row["output"])
    if output is None and row["no_answer"] is None:
        return "the response was not recorded"
    answer = dict(output) if isinstance(output, dict) else {"output": _said(output)}
    if row["no_answer"] is not None:
        answer["no_answer"] = row["no_answer"]
    if row["cost_usd"] is not None:
        answer["cost_usd"] = row["cost_usd"]
    documents = [passage for passage in passages or () if isinstance(passage, dict) and "id" in passage]
    if documents:
        answer.setdefault("ranked", [str(passage["id"]) for passage in documents])
    return Reply(raw=answer, latency_ms=row["duration_ms"] or 0.0, trace_id=row["id"].lower())


def _said(output: Any) -> Any:
    return last_text(output, role="assistant") or output


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000
