from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from launchworthy.errors import ConflictError, InputError, LaunchworthyError, NotFoundError
from launchworthy.gold import ReviewStatus, find_version, read_items
from launchworthy.server.local import LocalWorkspace

if TYPE_CHECKING:
    from tests.server.conftest import Running, TraceRequest

Ask = Callable[..., str]

QUESTION = "How do I sort a list of numbers by their absolute value?"
SOURCES = """data:
  sources:
    pages: {class: public, may: [see, store, learn]}
    tickets: {class: confidential, may: [see, store]}
"""


def _attributes(**more: str) -> dict[str, str]:
    return {"gen_ai.input.messages": json.dumps([{"role": "user", "content": QUESTION}]), **more}


@pytest.fixture
def ask(workspace: LocalWorkspace, trace_request: TraceRequest) -> Ask:
    """Stores one call, and answers its trace id."""

    def store(seed: int = 0, *, source: str = "") -> str:
        documents = json.dumps([{"id": "d1", "content": "text", "source": source}])
        more = {"gen_ai.retrieval.documents": documents} if source else {}
        body, (span_id,) = trace_request(1, seed=seed, attributes=_attributes(**more))
        assert workspace.take("traces", body, "application/x-protobuf", None, f"b{seed}") == (0, "")
        workspace._store.flush()
        sql = "SELECT lower(hex(trace_id)) AS t FROM spans WHERE lower(hex(span_id)) = $1"
        return str(workspace.query(sql, [span_id])[0]["t"])

    return store


def test_a_promoted_trace_waits_is_reviewed_and_then_counts(workspace: LocalWorkspace, ask: Ask) -> None:
    trace = ask()
    made = workspace.promote_trace(
        product="docs-bot", name="answer", trace_id=trace, by="ana", expected="key=abs"
    )
    assert (made.items, made.waiting, sum(made.splits.values())) == (1, 1, 0)
    (item,) = workspace.waiting_items(product="docs-bot", name="answer")
    assert (item.input, item.meta["provenance"]["trace_id"]) == (QUESTION, trace)
    kept = workspace.review_item(
        product="docs-bot", name="answer", item_id=item.id, status=ReviewStatus.REVIEWED, by="bea"
    )
    assert (kept.waiting, sum(kept.splits.values())) == (0, 1)
    found = find_version(workspace, "answer", product="docs-bot")
    assert found.version == kept.version
    (asked,) = read_items(
        workspace, found, split=next(iter(found.splits)), by="a", purpose="p", now=found.created_at
    )
    assert asked.review is not None
    assert asked.review.by == "bea"
    with pytest.raises(ConflictError):
        workspace.promote_trace(product="docs-bot", name="answer", trace_id=trace, by="ana")


def test_what_the_contract_does_not_let_anyone_learn_from_is_refused(
    workspace: LocalWorkspace, ask: Ask, contract_text: str
) -> None:
    workspace.register_contract(product="docs-bot", text=contract_text + SOURCES, path="")
    trace = ask(source="tickets")
    with pytest.raises(InputError, match="tickets, which may not be learned from"):
        workspace.promote_trace(product="docs-bot", name="answer", trace_id=trace, by="ana")
    trace = ask(1, source="pages")
    assert workspace.promote_trace(product="docs-bot", name="answer", trace_id=trace, by="ana").waiting == 1


def test_a_trace_without_text_or_of_another_product_is_refused(
    workspace: LocalWorkspace, ask: Ask, contract_text: str
) -> None:
    text = contract_text + "data: {pii: {find: [name], record: drop}}\n"
    workspace.register_contract(product="docs-bot", text=text, path="")
    trace = ask()
    with pytest.raises(InputError, match="was not stored"):
        workspace.promote_trace(product="docs-bot", name="answer", trace_id=trace, by="ana")
    with pytest.raises(NotFoundError):
        workspace.promote_trace(product="other", name="answer", trace_id=trace, by="ana")
    for wrong in ("", "zz", "0" * 32):
        with pytest.raises(LaunchworthyError):
            workspace.promote_trace(product="docs-bot", name="answer", trace_id=wrong, by="ana")
    with pytest.raises(NotFoundError):
        workspace.waiting_items(product="docs-bot", name="answer")


def test_a_button_can_do_it_over_http(server: Running, trace_request: TraceRequest) -> None:
    running = server
    body, _ = trace_request(1, attributes=_attributes())
    status, _, answer = running.request(
        "POST", "/v1/traces", body, headers={"Content-Type": "application/x-protobuf"}
    )
    assert status == 200, answer
    running.wait_until_stored(1)
    (row,) = running.query("SELECT lower(hex(trace_id)) AS t FROM spans")

    def post(path: str, **given: Any) -> tuple[int, Any]:
        status, _, answer = running.request(
            "POST", f"/api/v1/products/docs-bot/gold/answer/{path}", json.dumps(given).encode()
        )
        return status, json.loads(answer)

    status, version = post("promote", trace_id=row["t"], by="ana")
    assert (status, version["waiting"]) == (200, 1)
    item = f"t-{row['t'][:16]}"
    status, told = post("review", item_id=item, status="rejected", by="bea")
    assert status == 400
    assert "for a reason" in told["error"]["message"]
    status, told = post("review", item_id=item, status="lgtm", by="bea")
    assert (status, told["error"]["where"]) == (400, "status")
    assert post("review", item_id="absent", status="reviewed", by="bea")[0] == 404
    status, version = post("review", item_id=item, status="rejected", by="bea", because="a joke")
    assert (status, version["waiting"], version["splits"]) == (200, 0, {})


def test_only_what_may_be_learnt_from_is_exported_for_training(
    workspace: LocalWorkspace, ask: Ask, contract_text: str, tmp_path: Path
) -> None:
    import duckdb

    traces = {
        name: ask(seed, source=name) for seed, name in enumerate(("pages", "tickets", "wiki", ""), start=1)
    }
    out = tmp_path / "out.parquet"
    with pytest.raises(InputError, match="no contract"):
        workspace.export("spans", out=out, where={"product": "docs-bot"}, learn=True)
    workspace.register_contract(product="docs-bot", text=contract_text + SOURCES, path="")
    assert workspace.export("spans", out=out, where={"product": "docs-bot"}, learn=True) == 2
    kept = {row[0] for row in duckdb.execute("SELECT trace_id FROM read_parquet(?)", [str(out)]).fetchall()}
    assert kept == {traces["pages"], traces[""]}
    assert workspace.refused_traces(product="docs-bot") == [
        {"source": "tickets", "traces": 1},
        {"source": "wiki", "traces": 1},
    ]
    assert workspace.export("spans", out=out, where={"product": "docs-bot"}) == 4
    # Where a contract names no source, none is ruled out; and nothing outlives its retention in an export.
    workspace.register_contract(product="docs-bot", text=contract_text, path="")
    assert workspace.export("spans", out=out, where={"product": "docs-bot"}, learn=True) == 4
    assert workspace.refused_traces(product="docs-bot") == []
    overdue = contract_text + "data: {retention: {traces: 1ms}}\n"
    workspace.register_contract(product="docs-bot", text=overdue, path="")
    assert workspace.export("spans", out=out, where={"product": "docs-bot"}, learn=True) == 0


@pytest.mark.parametrize("source", ["wiki", "payments"])
def test_a_trace_that_read_what_is_not_named_is_no_question_of_a_set(
    workspace: LocalWorkspace, ask: Ask, contract_text: str, source: str
) -> None:
    workspace.register_contract(product="docs-bot", text=contract_text + SOURCES, path="")
    trace = ask(source=source)
    with pytest.raises(InputError, match="does not name"):
        workspace.promote_trace(product="docs-bot", name="answer", trace_id=trace, by="ana")
