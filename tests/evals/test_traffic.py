"""Calls that a product really answered, drawn at random and scored without asking anybody again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchworthy.errors import InputError
from launchworthy.evals import evaluate, measure_run, scorer_of
from launchworthy.evals.traffic import RecordedCalls, sample_calls
from launchworthy.records import TABLES, Rows, Run, last_text
from launchworthy.store import Store, StoreOptions

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def trace(number: int) -> bytes:
    return number.to_bytes(16)


def span(number: int, **columns: Any) -> dict[str, Any]:
    row = {
        "product": "shop",
        "workflow": "answer",
        "release": "r-1",
        "trace_id": trace(number),
        "span_id": number.to_bytes(8),
        "kind": "workflow",
        "status": "ok",
        "user_id": f"u{number % 5}",
        "start_time": int((NOW - timedelta(minutes=number % 1000 + 1)).timestamp() * 1e9),
        "duration_ms": 100.0,
        "input": f"question {number}",
        "output": f"answer {number}",
        **columns,
    }
    for name in ("input", "output", "context"):
        if row.get(name) is not None:
            row[name] = json.dumps(row[name])
    return row


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    options = StoreOptions(min_free_bytes=0, flush_interval_s=0.02)
    with Store.open(tmp_path / "data", clock=lambda: NOW, options=options) as opened:
        yield opened


def keep(store: Store, rows: list[dict[str, Any]]) -> None:
    columns = {name: [row.get(name) for row in rows] for name in TABLES["spans"].names}
    store.ingest([Rows("spans", columns)], batch_id=f"batch-{id(rows)}")
    store.flush()


def drawn(store: Store, **options: Any) -> RecordedCalls:
    known = {"product": "shop", "workflow": "answer", "release": None, "since": NOW - DAY, "until": NOW}
    return sample_calls(store.query, **{**known, **options})


def test_only_calls_that_users_made_of_this_workflow_release_and_window_are_drawn(store: Store) -> None:
    old = int((NOW - 2 * DAY).timestamp() * 1e9)
    rows = [
        span(1),
        span(2, kind="model", parent_span_id=b"\1" * 8, trace_id=trace(1)),
        span(3, kind="evaluation"),
        span(4, cohort="evaluation"),
        span(5, simulated=True),
        span(6, workflow="other"),
        span(7, product="other"),
        span(8, release="r-2"),
        span(9, start_time=old),
        span(10, kind="evaluation", trace_id=trace(11)),
        span(11, parent_span_id=b"\1" * 8),
    ]
    keep(store, rows)
    assert {item.id for item in drawn(store, release="r-1").items} == {trace(1).hex()}
    assert {item.id for item in drawn(store).items} == {trace(1).hex(), trace(8).hex()}
    assert drawn(store, release="r-1", simulated=True).calls == 2


def test_without_spans_of_workflows_the_root_of_a_trace_is_the_call(store: Store) -> None:
    keep(store, [span(1, kind="model"), span(2, kind="tool", parent_span_id=b"\1" * 8, trace_id=trace(1))])
    (item,) = drawn(store).items
    assert item.input == "question 1"


def test_a_sample_is_a_share_of_the_calls_the_same_each_time_and_part_of_a_larger_one(store: Store) -> None:
    keep(store, [span(number) for number in range(1, 2001)])
    small, again, large = drawn(store, share=0.1), drawn(store, share=0.1), drawn(store, share=0.3)
    ids = {item.id for item in small.items}
    assert small.calls == 2000
    assert 140 < len(ids) < 260  # 200, give or take four standard errors
    assert ids == {item.id for item in again.items}
    assert ids < {item.id for item in large.items}
    assert ids != {item.id for item in drawn(store, share=0.1, seed=1).items}
    capped = drawn(store, share=0.3, most=50)
    assert len(capped.items) == 50
    assert {item.id for item in capped.items} < {item.id for item in large.items}


def test_what_was_recorded_is_scored_with_its_passages_refusals_and_failures(store: Store) -> None:
    passages = [{"id": "doc-1", "content": "Lists are sorted by list.sort.", "score": 0.9}]
    rows = [
        span(1, output={"answer": "12 pages", "citations": ["doc-1"]}, cost_usd=0.25),
        span(2, kind="retrieval", parent_span_id=b"\1" * 8, trace_id=trace(1), context=passages),
        span(3, output=None, no_answer="refuse"),
        span(4, status="error", error_type="timeout", status_message="no answer in 8 s", output=None),
        span(5, output=None),
        span(
            6,
            input=[{"role": "system", "content": "Be short."}, {"role": "user", "content": "How many?"}],
            output=[{"role": "assistant", "parts": [{"type": "text", "content": "34 pages"}]}],
        ),
    ]
    keep(store, rows)
    found = drawn(store)
    by_id = {item.id: item for item in found.items}
    assert by_id[trace(1).hex()].context == passages
    assert by_id[trace(6).hex()].input == "How many?"
    assert by_id[trace(1).hex()].cluster == "u1"
    scorer = scorer_of(r"regex:pattern=\d+ pages")
    run = Run(
        id="run-1",
        product="shop",
        workflow="answer",
        release="r-1",
        target=found.name,
        gold="traffic@2026-11-24",
        split="traffic",
        scorers=(scorer.signature,),
        status="running",
        started_at=NOW,
    )
    done = evaluate(found.items, target=found, scorers=[scorer], runs=store.runs, run=run)
    items = {item.item_id: item for item in store.runs.run_items("run-1")}
    assert (done.done, done.errors) == (5, 2)
    assert items[trace(4).hex()].error == "timeout: no answer in 8 s"
    assert items[trace(5).hex()].error == "the response was not recorded"
    assert items[trace(1).hex()].scores["regex"].value == 1.0
    assert items[trace(6).hex()].scores["regex"].value == 1.0
    assert items[trace(1).hex()].trace_id == trace(1).hex()
    assert items[trace(1).hex()].cost_usd == 0.25
    (whole,) = [row for row in measure_run(list(items.values()), [scorer]) if row.metric == "regex"]
    assert whole.interval is not None
    assert whole.unscored == 2


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5, float("nan")])
def test_a_share_that_is_none_is_refused(store: Store, share: float) -> None:
    with pytest.raises(InputError, match="a share of"):
        drawn(store, share=share)


def test_no_calls_are_an_empty_sample(store: Store) -> None:
    assert drawn(store).items == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["role", "content", "parts", "messages", "text", "type"]), inner)
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_recorded_value_has_a_text_or_none(value: Any) -> None:
    assert isinstance(last_text(value, role="user"), str)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain ", "plain"),
        ({"question": "why?"}, "why?"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}, "b"),
        ([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]}], "a"),
        ([{"role": "assistant", "content": None, "tool_calls": []}], ""),
        ([1, 2], ""),
    ],
)
def test_the_last_turn_of_a_conversation_is_what_was_said(value: Any, text: str) -> None:
    assert last_text(value, role="user") == text
