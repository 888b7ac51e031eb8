"""Whether an erasure left anything behind is looked for in every file, and drilled."""

from __future__ import annotations

import json
import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from launchworthy.contract import claims, parse_contract
from launchworthy.errors import InputError, NotFoundError, StorageError
from launchworthy.evidence import State
from launchworthy.evidence.claim_status import status
from launchworthy.gold import GoldItem, freeze
from launchworthy.records import TABLES, Rows, Run, RunItem
from launchworthy.server.local import LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "subject-said-c41d-only-once"
USER = "mia.miller@example.com"


def _rows(table: str, **values: Any) -> Rows:
    known = {
        "product": "docs-bot",
        "workflow": "answer",
        "trace_id": secrets.token_bytes(16),
        "span_id": secrets.token_bytes(8),
        TABLES[table].time: time.time_ns() - 10**9,
        **values,
    }
    return Rows(table, {name: [known.get(name)] for name in TABLES[table].names})


def _everywhere(workspace: LocalWorkspace, user: str) -> None:
    """What somebody said, in every place where a data folder keeps texts."""
    store = workspace._store
    trace = secrets.token_bytes(16)
    name = workspace._pseudonym(user)
    old = time.time_ns() - 6 * 86_400 * 10**9
    store.ingest(
        [
            _rows("spans", user_id=name, trace_id=trace, input=json.dumps(CANARY), kind="workflow"),
            _rows("spans", user_id=name, start_time=old, context=json.dumps([{"content": CANARY}])),
            _rows("feedback", user_id=name, comment=CANARY),
            _rows("scores", user_id=name, name="x", explanation=CANARY),
            _rows("outcomes", user_id=name, event="x", attributes=json.dumps({"note": CANARY})),
        ],
        batch_id="b-1",
    )
    item = GoldItem(id="g-1", input=CANARY, expected="x", meta={"trace_id": trace.hex()})
    version, items = freeze([item], product="docs-bot", name="answer", created_at=workspace._clock(), note="")
    workspace.add_gold(version, items)
    workspace.add_run(
        Run(
            id="run-1",
            product="docs-bot",
            workflow="answer",
            release="r",
            target="t",
            gold="answer@1",
            split="dev",
            scorers=(),
            status="complete",
            started_at=workspace._clock(),
        )
    )
    workspace.add_run_items("run-1", [RunItem(item_id="g-1", output=CANARY, trace_id=trace.hex())])
    store.flush()
    store.seal()


def test_a_text_is_found_in_every_place_and_after_erasing_in_none(workspace: LocalWorkspace) -> None:
    _everywhere(workspace, USER)
    (workspace._store.folder / "tmp" / "left-over.txt").write_text(f"debug: {CANARY}")
    places = {each["place"] for each in workspace.find_texts(texts=[CANARY, USER])}
    assert {
        "hot.duckdb: spans.input",
        "segments: spans.context",
        "hot.duckdb: feedback.comment",
        "hot.duckdb: scores.explanation",
        "hot.duckdb: outcomes.attributes",
        "metadata.sqlite: gold_items.body",
        "metadata.sqlite: run_chunks.body",
        "hot.duckdb: spans.user_id",
        "tmp/left-over.txt",
    } <= places
    (workspace._store.folder / "tmp" / "left-over.txt").unlink()
    workspace.erase_subject(product="docs-bot", user_id=USER, by="officer@example.com")
    assert workspace.find_texts(texts=[CANARY, USER]) == []
    workspace.measure_all()  # signs what was appended
    assert workspace.audit(product="docs-bot") == []


def test_what_waits_in_the_log_is_found_too(open_workspace_here: Callable[..., LocalWorkspace]) -> None:
    workspace = open_workspace_here(flush_interval_s=3_600)
    workspace._store.ingest([_rows("spans", input=json.dumps(CANARY))], batch_id="b")
    places = {each["place"] for each in workspace.find_texts(texts=[CANARY])}
    assert "hot.duckdb: spans.input" in places


def test_people_in_their_office_are_not_what_is_looked_for(
    workspace: LocalWorkspace, contract_text: str
) -> None:
    workspace.register_contract(product="docs-bot", text=contract_text, path="")
    assert workspace.find_texts(texts=["ana@example.com"]) == []


def test_a_short_id_is_looked_for_by_its_pseudonym(workspace: LocalWorkspace) -> None:
    _everywhere(workspace, "ana")
    found = workspace.find_texts(texts=["ana"])
    assert {(each["place"], each["text"]) for each in found} >= {("hot.duckdb: spans.user_id", 0)}
    workspace.erase_subject(product="docs-bot", user_id="ana", by="me")
    assert workspace.find_texts(texts=["ana"]) == []


@pytest.fixture
def promised(workspace: LocalWorkspace, contract_text: str) -> LocalWorkspace:
    text = contract_text + "data: {erasure_within: 72h}\n"
    workspace.register_contract(product="docs-bot", text=text, path="")
    return workspace


def test_a_drill_erases_a_person_who_was_made_up_and_is_evidence(
    promised: LocalWorkspace, contract_text: str
) -> None:
    _everywhere(promised, USER)
    piece = promised.drill_erasure(product="docs-bot", by="officer@example.com")
    assert (piece.value, piece.n, piece.detail["left"]) == (1.0, 1, [])
    assert {"hot.duckdb: spans.input", "segments: spans.input", "hot.duckdb: feedback.comment"} <= set(
        piece.detail["planted"]
    )
    assert piece.detail["removed"]["spans"] == 2
    contract = parse_contract(contract_text + "data: {erasure_within: 72h}\n")
    (claim,) = [each for each in claims(contract) if each.metric == "erasure_within"]
    (kept,) = [each for each in promised.evidence("docs-bot") if each.claim == claim.address]
    assert status(claim, [kept], release=None, now=promised._clock()).state is State.MET
    # Nobody else's records went.
    assert {each["place"] for each in promised.find_texts(texts=[CANARY])} >= {"hot.duckdb: spans.input"}


def test_a_drill_that_leaves_something_behind_is_told_so(
    promised: LocalWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> dict[str, Any]:
        return {"removed": {}}

    monkeypatch.setattr(promised, "erase_subject", broken)
    piece = promised.drill_erasure(product="docs-bot", by="me")
    assert piece.value == 0.0
    assert "hot.duckdb: spans.input" in piece.detail["left"]

    def failing(**_: Any) -> dict[str, Any]:
        raise StorageError("the disk is full")

    monkeypatch.setattr(promised, "erase_subject", failing)
    piece = promised.drill_erasure(product="docs-bot", by="me")
    assert "the disk is full" in piece.detail["remark"]


def test_what_is_not_promised_is_not_drilled(workspace: LocalWorkspace, contract_text: str) -> None:
    workspace.register_contract(product="docs-bot", text=contract_text, path="")
    with pytest.raises(InputError, match="says nothing of erasure"):
        workspace.drill_erasure(product="docs-bot", by="me")


def test_versions_of_gold_sets_are_removed_when_their_time_is_over(
    open_workspace_here: Callable[..., LocalWorkspace], contract_text: str
) -> None:
    later = [timedelta(0)]
    workspace = open_workspace_here(clock=lambda: datetime.now(UTC) + later[0])
    text = contract_text + "data: {retention: {gold: 30d}}\n"
    workspace.register_contract(product="docs-bot", text=text, path="")
    made = []
    for question in ("the first", "the second"):
        item = GoldItem(id="g-1", input=f"{CANARY} {question}", expected="x")
        version, items = freeze(
            [item], product="docs-bot", name="answer", created_at=workspace._clock(), note=""
        )
        workspace.add_gold(version, items)
        made.append(version.version)
        later[0] += timedelta(days=20)
    assert workspace.apply_retention() == {"gold_versions": 1}
    assert [each.version for each in workspace.gold_versions(product="docs-bot")] == [made[1]]
    with pytest.raises(NotFoundError):
        workspace.gold_items(product="docs-bot", name="answer", version=made[0], split=None)
    assert workspace.gold_items(product="docs-bot", name="answer", version=made[1], split=None)


def test_nothing_personal_touches_the_disk_of_the_server(
    workspace: LocalWorkspace, contract_text: str, trace_request: Any, tmp_path: Path
) -> None:
    text = contract_text + "data: {pii: {find: [email, card], record: redact}}\n"
    workspace.register_contract(product="docs-bot", text=text, path="")
    said = json.dumps([{"role": "user", "parts": [{"type": "text", "content": f"I am {USER}"}]}])
    attributes = {"gen_ai.input.messages": said, "user.id": USER, "note": f"of {USER}"}
    body, _ = trace_request(3, seed=1, attributes=attributes)
    workspace.take("traces", body, "application/x-protobuf", None, "b-1")
    assert workspace.find_texts(texts=[USER]) == []
    rows = workspace.query("SELECT input, user_id FROM spans")
    assert len(rows) == 3
    assert all("[EMAIL_1]" in row["input"] and row["user_id"] is None for row in rows)
