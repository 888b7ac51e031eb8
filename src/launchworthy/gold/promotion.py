"""From a trace to a gold item, and an item through its review. Pure; may import ``errors``, ``records``.

What a real user asked is the best question there is, but nobody has vouched for its answer yet: a promoted
item waits, and neither is asked nor counts until someone has reviewed it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from launchworthy.errors import ConflictError, InputError, NotFoundError
from launchworthy.gold.item import GoldItem, Review, ReviewStatus
from launchworthy.gold.split import split_of
from launchworthy.records import GenAI, is_evaluation

__all__ = ["asked_in", "promoted", "question_in", "reviewed", "sources_in", "with_item"]


def question_in(stored: str | None) -> Any:
    """What a user asked, from the input that a span keeps: the last thing a user said, else the value.

    None where nothing was stored.
    """
    if stored is None:
        return None
    try:
        value = json.loads(stored)
    except (ValueError, RecursionError):
        value = stored
    if isinstance(value, Mapping) and isinstance(value.get("messages"), list):
        value = value["messages"]
    if isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in ("input", "question", "query"):
        value = next(iter(value.values()))
    if (
        isinstance(value, list)
        and value
        and all(isinstance(each, Mapping) and "role" in each for each in value)
    ):
        said = [_said(each) for each in value if each["role"] == "user"]
        value = next((text for text in reversed(said) if text), None)
    return None if isinstance(value, str) and not value.strip() else value


def _said(message: Mapping[str, Any]) -> str:
    content = message.get("content", message.get("parts"))
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text", part.get("content")) if isinstance(part, Mapping) else part for part in parts]
    return "\n".join(text for text in texts if isinstance(text, str) and text.strip())


def asked_in(trace: Sequence[Mapping[str, Any]], *, workflow: str) -> Mapping[str, Any] | None:
    """The span that holds the user's question: the workflow's own, else the root; None of no spans."""
    own = [span for span in trace if span["kind"] == "workflow" and span["workflow"] == workflow]
    roots = [span for span in trace if span["parent_span_id"] is None]
    first = own or roots or list(trace)
    return next((span for span in first if span["input"] is not None), first[0] if first else None)


def sources_in(trace: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Data sources that the documents of a trace name; empty text for documents that name none."""
    found: dict[str, None] = {}
    for span in trace:
        try:
            documents = json.loads(span["context"] or "null")
        except (ValueError, RecursionError):
            continue
        whole = _whole(span.get("attributes"))
        for each in documents if isinstance(documents, list) else [documents]:
            if isinstance(each, str):
                found[whole] = None
            elif isinstance(each, Mapping):
                inner = each.get("metadata")
                told = (each.get("source"), inner.get("source") if isinstance(inner, Mapping) else None)
                found.update(dict.fromkeys([name for name in told if isinstance(name, str)] or [whole]))
    return tuple(found)


def _whole(attributes: Any) -> str:
    """The source of all documents of a retrieval, where its span says it."""
    try:
        told = json.loads(attributes or "null")
    except (ValueError, TypeError, RecursionError):
        return ""
    found = told.get(GenAI.DATA_SOURCE) if isinstance(told, Mapping) else None
    return found if isinstance(found, str) else ""


def promoted(
    trace: Sequence[Mapping[str, Any]],
    *,
    trace_id: str,
    workflow: str,
    expected: Any,
    by: str,
    now: datetime,
    slices: Sequence[str] = (),
    holdout: float = 0.0,
    sealed: float = 0.0,
) -> GoldItem:
    """The item that a trace becomes: proposed, with its provenance.

    Args:
        trace: Every span of it, as the store gives them.
        trace_id: Its id in hexadecimal.
        workflow: Workflow whose question is meant.
        expected: The truth, if it is known already.
        by: Who promotes it.
        now: When (aware).
        slices: Tags.
        holdout: Share that is kept back; the id of the trace decides.
        sealed: Share that only the launch gate reads.

    Raises:
        NotFoundError: No such trace.
        InputError: Its text was not stored, or it is evaluation traffic.
    """
    span = asked_in(trace, workflow=workflow)
    if span is None:
        raise NotFoundError(f"there is no trace {trace_id!r:.60}", where=trace_id)
    if any(map(is_evaluation, trace)):
        raise InputError("the trace is of an evaluation: its question came from a gold set", where=trace_id)
    asked = question_in(span["input"])
    if asked is None:
        raise InputError(
            "the text of this trace was not stored, so there is no question to keep",
            where=trace_id,
            hint="what records may hold is said by data/pii/record of the contract, and by the application",
        )
    provenance = {
        "trace_id": trace_id,
        "release": span["release"],
        "by": by,
        "at": now.isoformat(),
        "simulated": True if span["simulated"] else None,
    }
    item_id = f"t-{trace_id[:16]}"
    return GoldItem(
        id=item_id,
        input=asked,
        expected=expected,
        slices=tuple(sorted({name for name in slices if name.strip()})),
        split=split_of(item_id, holdout=holdout, sealed=sealed),
        review=Review(status=ReviewStatus.PROPOSED, by=by, at=now),
        meta={"provenance": {name: value for name, value in provenance.items() if value is not None}},
    )


def with_item(items: Iterable[GoldItem], item: GoldItem) -> tuple[GoldItem, ...]:
    """The items and one more.

    Raises:
        ConflictError: It is there already, or another asks the very same.
    """
    known = tuple(items)
    asked = _asked(item)
    for other in known:
        if other.id == item.id or (isinstance(item.input, str) and _asked(other) == asked):
            raise ConflictError(
                f"item {other.id!r:.80} asks this already",
                where=item.id,
                hint="a question that stands twice counts twice",
            )
    return (*known, item)


def _asked(item: GoldItem) -> Any:
    return " ".join(item.input.split()) if isinstance(item.input, str) else item.input


def reviewed(
    items: Iterable[GoldItem],
    item_id: str,
    *,
    status: ReviewStatus,
    by: str,
    now: datetime,
    because: str = "",
    expected: Any = None,
) -> tuple[GoldItem, ...]:
    """The items with one of them reviewed, and given its truth where ``expected`` is not None.

    Raises:
        NotFoundError: No such item.
        InputError: Rejected without a reason.
    """
    known = tuple(items)
    if all(item.id != item_id for item in known):
        raise NotFoundError(f"there is no item {item_id!r:.80}", where=item_id)
    if status is ReviewStatus.REJECTED and not because.strip():
        raise InputError("an item is rejected for a reason", where=item_id, hint="say it: --because TEXT")
    review = Review(status=status, by=by, at=now, because=because.strip())
    return tuple(
        item
        if item.id != item_id
        else replace(item, review=review, expected=item.expected if expected is None else expected)
        for item in known
    )
