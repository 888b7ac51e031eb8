from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from launchworthy.errors import ConflictError, InputError, NotFoundError
from launchworthy.gold import (
    GoldItem,
    Review,
    ReviewStatus,
    diff,
    freeze,
    gold_jsonl,
    load_gold,
    promoted,
    question_in,
    read_gold,
    reviewed,
    sources_in,
    with_item,
)

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
TRACE = "0123456789abcdef0123456789abcdef"


def _span(**changes: Any) -> dict[str, Any]:
    values = {
        "kind": "workflow",
        "workflow": "answer",
        "parent_span_id": None,
        "cohort": None,
        "release": "r-1",
        "simulated": None,
        "input": json.dumps("How do I sort a list?"),
        "context": None,
    }
    return {**values, **changes}


def _promote(*spans: dict[str, Any], **changes: Any) -> GoldItem:
    values: dict[str, Any] = {
        "trace_id": TRACE,
        "workflow": "answer",
        "expected": None,
        "by": "ana",
        "now": NOW,
    }
    return promoted(spans, **{**values, **changes})


def test_a_trace_becomes_a_proposed_item_that_says_where_it_came_from() -> None:
    item = _promote(_span(), _span(kind="model", input='"a prompt"'), expected="sorted()", slices=("plain",))
    assert (item.id, item.input, item.expected) == (f"t-{TRACE[:16]}", "How do I sort a list?", "sorted()")
    assert item.review == Review(status=ReviewStatus.PROPOSED, by="ana", at=NOW)
    assert not item.counts
    assert item.slices == ("plain",)
    assert item.meta["provenance"] == {
        "trace_id": TRACE,
        "release": "r-1",
        "by": "ana",
        "at": "2026-11-24T09:30:00+00:00",
    }


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        (None, None),
        ('"  "', None),
        ('"plain"', "plain"),
        ("not JSON", "not JSON"),
        ('{"amount": 3, "country": "AT"}', {"amount": 3, "country": "AT"}),
        ('{"question": "one field"}', "one field"),
        ('[{"role": "system", "content": "s"}, {"role": "user", "content": "first"},'
         ' {"role": "assistant", "content": "a"}, {"role": "user", "content": "last"}]', "last"),
        ('{"messages": [{"role": "user", "parts": [{"type": "text", "content": "parts"}]}]}', "parts"),
        ('[{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "seen"}]}]', "seen"),
        ('[{"role": "system", "content": "only"}]', None),
        ("[1, 2]", [1, 2]),
        ("[" * 5_000, "[" * 5_000),
    ],
)  # fmt: skip
def test_the_question_is_the_last_thing_that_the_user_said(stored: str | None, asked: Any) -> None:
    assert question_in(stored) == asked


def test_what_was_not_stored_cannot_be_promoted_and_evaluations_must_not_be() -> None:
    with pytest.raises(InputError, match="was not stored"):
        _promote(_span(input=None))
    with pytest.raises(NotFoundError, match="no trace"):
        _promote()
    with pytest.raises(InputError, match="evaluation"):
        _promote(_span(cohort="evaluation"))
    with pytest.raises(InputError, match="evaluation"):
        _promote(_span(kind="evaluation"), _span(parent_span_id=b"x"))


def test_documents_tell_the_sources_that_a_trace_read() -> None:
    documents = [{"id": 1, "source": "tickets"}, {"metadata": {"source": "policies"}}, "text", {"source": 7}]
    assert sources_in([_span(context=json.dumps(documents)), _span(context="{broken")]) == (
        "tickets",
        "policies",
        "",
    )


def test_the_same_question_is_not_taken_twice() -> None:
    known = [GoldItem(id="q1", input="How do  I sort a list?")]
    with pytest.raises(ConflictError, match="'q1' asks this already"):
        with_item(known, _promote(_span()))
    other = _promote(_span(input='"another"'))
    assert with_item(known, other)[-1] is other
    with pytest.raises(ConflictError):
        with_item([other], other)


def test_a_review_is_kept_through_a_file_and_told_by_a_difference(tmp_path: Path) -> None:
    before = (GoldItem(id="a", input="x"), _promote(_span()))
    after = reviewed(
        before, before[1].id, status=ReviewStatus.REVIEWED, by="bea", now=NOW, because="seen", expected="y"
    )
    assert after[1].counts
    assert after[1].expected == "y"
    path = tmp_path / "gold.jsonl"
    path.write_text(gold_jsonl(after), encoding="utf-8")
    assert load_gold(path) == tuple(sorted(after, key=lambda item: item.id))
    (change,) = diff(before, after).changed
    assert change.review == ("proposed", "reviewed")
    assert change.fields == ("expected", "review")


def test_a_rejection_needs_a_reason_and_an_item() -> None:
    item = _promote(_span())
    with pytest.raises(InputError, match="for a reason"):
        reviewed([item], item.id, status=ReviewStatus.REJECTED, by="bea", now=NOW, because=" ")
    with pytest.raises(NotFoundError):
        reviewed([item], "other", status=ReviewStatus.REVIEWED, by="bea", now=NOW)


def test_items_without_a_review_count_and_the_others_are_told_apart() -> None:
    items = [
        GoldItem(id="a", input="x", slices=("s",)),
        GoldItem(id="b", input="y", slices=("s",), review=Review(status=ReviewStatus.PROPOSED)),
        GoldItem(id="c", input="z", slices=("s",), review=Review(status=ReviewStatus.REJECTED)),
    ]
    version, _ = freeze(items, product="p", name="n", created_at=NOW)
    assert (version.items, version.waiting, version.rejected, version.slices) == (3, 1, 1, {"s": 1})


@pytest.mark.parametrize(
    ("review", "reason"),
    [
        ("propsed", "none of proposed"),
        (True, "none of proposed"),
        ({"by": "ana"}, "none of proposed"),
        ({"status": "reviewed", "mood": "good"}, "'mood' that is not read"),
        ({"status": "reviewed", "by": 7}, "'by' that is not read"),
        ({"status": "reviewed", "at": "yesterday"}, "no time"),
        ({"status": "reviewed", "at": "2026-11-24T10:00:00"}, "no time zone"),
    ],
)
def test_a_review_that_cannot_be_read_is_told_and_never_counts(
    tmp_path: Path, review: Any, reason: str
) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps({"id": "a", "input": "x", "review": review}) + "\n")
    (problem,) = read_gold(path).problems
    assert reason in problem.message
    assert problem.where == f"{path}:1"


def test_a_difference_tells_dev_items_field_by_field_and_keeps_the_others_back() -> None:
    old = [
        GoldItem(id="a", input="x", expected={"p": 1, "q": 2}),
        GoldItem(id="b", input="secret", expected="old", split="holdout"),
    ]
    new = [
        GoldItem(id="a", input="x", expected={"p": 1, "q": 3, "r": 1}),
        GoldItem(id="b", input="secret", expected="new", split="holdout", slices=("s",)),
    ]
    one, other = diff(old, new).changed
    assert [(c.name, c.old, c.new) for c in one.changes] == [
        ("expected/q", "2", "3"),
        ("expected/r", None, "1"),
    ]
    assert [(c.name, c.old, c.new, c.shown) for c in other.changes] == [
        ("expected", None, None, False),
        ("slices", "[]", '["s"]', True),
    ]
