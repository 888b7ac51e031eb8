"""The workspace on files: what it judges, measures, erases and signs."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from launchworthy.errors import ConflictError, InputError
from launchworthy.evals.cache import CACHE_FILE, ReplyCache
from launchworthy.evidence import Evidence
from launchworthy.gold import freeze, load_gold
from launchworthy.records import TABLES, Release, Rows
from launchworthy.server.local import LocalWorkspace
from launchworthy.server.reading import WorkspaceReading

if TYPE_CHECKING:
    from tests.server.conftest import OpenWorkspace, TraceRequest

PROTOBUF = "application/x-protobuf"
ADDRESS = "docs-bot/answer/quality/hit@5"


def _take(workspace: LocalWorkspace, body: bytes, *, batch: str = "b") -> tuple[int, str]:
    return workspace.take("traces", body, PROTOBUF, None, batch)


def _evidence(**changes: Any) -> Evidence:
    plain: dict[str, Any] = {
        "claim": ADDRESS,
        "kind": "bound",
        "value": 0.95,
        "low": 0.92,
        "high": 0.97,
        "n": 400,
        "unit": "ratio",
        "producer": "test",
        "observed_at": datetime.now(UTC) - timedelta(minutes=1),
    }
    return Evidence(**plain | changes)


def _state(workspace: LocalWorkspace, address: str = ADDRESS) -> str:
    verdict = workspace.judge.verdict("docs-bot")
    assert verdict is not None
    return next(each.state.value for each in verdict.statuses if each.claim.address == address)


def test_a_verdict_follows_the_evidence_and_the_contract(
    workspace: LocalWorkspace, contract_file: Path, contract_text: str
) -> None:
    workspace.follow_contract(contract_file)
    assert _state(workspace) == "unproven"
    workspace.add_evidence("docs-bot", [_evidence()])
    assert _state(workspace) == "met"
    contract_file.write_text(contract_text.replace("80 %", "99 %"))
    assert _state(workspace) == "unmet"
    told = workspace.verdict(product="docs-bot")
    assert told is not None
    assert json.loads(json.dumps(told))["exit_code"] == 1
    assert workspace.verdict(product="nobody") is None


def test_a_verdict_is_the_same_object_until_something_changes(
    open_workspace_here: OpenWorkspace, contract_file: Path
) -> None:
    now = [datetime(2026, 11, 24, 12, 0, 5, tzinfo=UTC)]
    workspace = open_workspace_here(clock=lambda: now[0])
    workspace.follow_contract(contract_file)
    first = workspace.judge.verdict("docs-bot")
    now[0] += timedelta(seconds=30)
    assert workspace.judge.verdict("docs-bot") is first
    now[0] += timedelta(seconds=30)
    second = workspace.judge.verdict("docs-bot")
    assert second is not first
    workspace.add_evidence("docs-bot", [_evidence(observed_at=now[0])])
    assert workspace.judge.verdict("docs-bot") is not second
    with pytest.raises(InputError, match="no stage 'moon'"):
        workspace.judge.verdict("docs-bot", stage="moon")


def test_the_release_judged_is_the_one_that_the_contract_and_its_files_describe(
    workspace: LocalWorkspace, contract_file: Path, contract_text: str
) -> None:
    prompt = contract_file.with_name("prompt.md")
    prompt.write_text("Answer briefly.")
    text = contract_text + "release:\n  model: {name: vendor/small}\n  prompt: prompt.md\n"
    contract_file.write_text(text)
    workspace.follow_contract(contract_file)
    known = workspace.contracts.in_force("docs-bot")
    assert known is not None
    first = workspace.judge.release(known)
    assert first is not None
    workspace.register_release(Release(first.parts, label="brief"), product="docs-bot")
    labelled = workspace.judge.release(known)
    assert labelled is not None
    assert (labelled.id, labelled.label) == (first.id, "brief")
    # A contract whose files are on another machine: the release that was registered there is meant.
    remote = workspace.register_contract(product="docs-bot", text=text, path="/elsewhere/launchworthy.yaml")
    known = workspace.contracts.in_force("docs-bot")
    assert known is not None
    assert (known.folder, known.version.version) == (None, remote)
    assert workspace.judge.release(known) == labelled
    prompt.write_text("Answer at length.")
    workspace.follow_contract(contract_file)
    known = workspace.contracts.in_force("docs-bot")
    assert known is not None
    edited = workspace.judge.release(known)
    assert edited is not None
    assert edited.id != first.id


def test_a_contract_without_a_release_judges_the_one_last_registered(
    workspace: LocalWorkspace, contract_file: Path
) -> None:
    workspace.follow_contract(contract_file)
    known = workspace.contracts.in_force("docs-bot")
    assert known is not None
    assert workspace.judge.release(known) is None
    for target in ("old:answer", "new:answer"):
        workspace.register_release(Release({"target": target}), product="docs-bot")
    found = workspace.judge.release(known)
    assert found is not None
    assert found.parts == {"target": "new:answer"}


def test_the_releases_that_serve_are_seen_in_the_last_day_of_records(
    workspace: LocalWorkspace, trace_request: TraceRequest
) -> None:
    for number, (release, count) in enumerate([("r-a", 3), ("r-b", 1)]):
        body, _ = trace_request(count, seed=number, attributes={"launchworthy.release": release})
        assert _take(workspace, body, batch=release) == (0, "")
    workspace._store.flush()
    assert workspace.judge.serving("docs-bot") == {"r-a": 0.75, "r-b": 0.25}
    assert workspace.judge.serving("nobody") == {}
    assert workspace.products() == ["docs-bot"]


def test_measuring_appends_what_the_gold_set_shows_once(
    workspace: LocalWorkspace, contract_file: Path, tmp_path: Path
) -> None:
    text = contract_file.read_text() + "gold:\n  answer: {looks: 5, refresh: 90d}\n"
    contract_file.write_text(text)
    workspace.follow_contract(contract_file)
    rows = tmp_path / "gold.jsonl"
    rows.write_text("".join(f'{{"id": "{n}", "input": "q{n}", "expected": "a"}}\n' for n in range(3)))
    version, items = freeze(
        load_gold(rows, holdout=0.4), product="docs-bot", name="answer", created_at=datetime.now(UTC)
    )
    workspace.add_gold(version, items)
    found = {piece.claim: piece for piece in workspace.measure(product="docs-bot")}
    assert found["docs-bot/gold/answer/looks"].value == 0
    assert _state(workspace, "docs-bot/gold/answer/looks") == "met"
    assert _state(workspace, "docs-bot/gold/answer/refresh") == "met"
    assert workspace.measure(product="docs-bot") == []
    assert len(workspace.evidence("docs-bot")) == len(found)


def test_a_subject_is_erased_by_the_id_that_the_application_knows(
    workspace: LocalWorkspace, trace_request: TraceRequest, tmp_path: Path
) -> None:
    said = "a sentence that only ana could have written"
    for number, user in enumerate(("ana@example.com", "bo@example.com")):
        body, _ = trace_request(
            2,
            seed=len(user),
            attributes={"user.id": user, "gen_ai.input.messages": json.dumps([said + user])},
        )
        _take(workspace, body, batch=str(number))
    workspace._store.flush()
    users = workspace.query("SELECT DISTINCT user_id FROM spans")
    assert all(row["user_id"].startswith("u_") for row in users)
    audit = workspace.erase_subject(product="docs-bot", user_id="ana@example.com", by="noor")
    assert audit["removed"] == {"spans": 2}
    assert workspace.query("SELECT count(*) AS n FROM spans") == [{"n": 2}]
    assert workspace.erase_subject(product="docs-bot", user_id="ana@example.com", by="noor")["removed"] == {}
    workspace.close()
    for path in (tmp_path / "data").rglob("*"):
        if path.is_file():
            assert b"ana@example.com" not in path.read_bytes(), path


def _replies(folder: Path) -> dict[str, bytes | None]:
    cache = ReplyCache(folder / CACHE_FILE)
    try:
        return {name: cache.get(name) for name in ("asked", "said", "trace", "other", "unknown")}
    finally:
        cache.close()


def test_erasing_forgets_the_remembered_replies_of_the_subject_and_those_of_nobody_knows_whom(
    workspace: LocalWorkspace, tmp_path: Path, trace_request: TraceRequest
) -> None:
    folder = tmp_path / "data"
    _take(workspace, trace_request(1, attributes={"user.id": "ana@example.com"})[0])
    workspace._store.flush()
    (row,) = workspace.query("SELECT trace_id FROM spans")
    cache = ReplyCache(folder / CACHE_FILE)
    told = {
        "asked": (["q1", "where does ana@example.com live?"], "1 Main Street"),
        "said": (["q2", "who lives there?"], {"output": "ana@example.com, \N{SNOWMAN}"}),
        "trace": (["q3", "what now?", {"trace_id": row["trace_id"]}], "2 Main Street"),
        "other": (["q4", "where does joana@example.com live?"], "3 Main Street"),
    }
    cache.put_many(
        [(key, json.dumps([said, 1.0, None]).encode()) for key, (_, said) in told.items()],
        asked=[json.dumps(asked).encode() for asked, _ in told.values()],
    )
    cache.put("unknown", b"4 Main Street")
    cache.close()
    workspace.erase_subject(product="docs-bot", user_id="nobody@example.com", by="noor")
    kept = _replies(folder)
    assert [name for name, value in kept.items() if value is None] == ["unknown"]
    workspace.erase_subject(product="docs-bot", user_id="ana@example.com", by="noor")
    assert {name: value for name, value in _replies(folder).items() if value is not None} == {
        "other": kept["other"]
    }


def test_where_the_remembered_replies_cannot_be_read_all_are_forgotten(
    workspace: LocalWorkspace, tmp_path: Path
) -> None:
    (tmp_path / "data" / CACHE_FILE).write_bytes(b"ana@example.com, and no database" * 100)
    workspace.erase_subject(product="docs-bot", user_id="ana@example.com", by="noor")
    assert not [path for path in (tmp_path / "data").iterdir() if path.name.startswith(CACHE_FILE)]


def test_retention_follows_the_contract(
    open_workspace_here: OpenWorkspace, contract_file: Path, trace_request: TraceRequest
) -> None:
    later = [timedelta(0)]
    workspace = open_workspace_here(clock=lambda: datetime.now(UTC) + later[0])
    contract_file.write_text(contract_file.read_text() + "data:\n  retention: {traces: 30d}\n")
    workspace.follow_contract(contract_file)
    _take(workspace, trace_request(4)[0])
    workspace._store.flush()
    workspace.maintain()
    assert workspace.query("SELECT count(*) AS n FROM spans") == [{"n": 4}]
    later[0] = timedelta(days=32)
    assert workspace.apply_retention() == {"spans": 4}
    assert workspace.query("SELECT count(*) AS n FROM spans") == [{"n": 0}]


def test_what_drift_is_measured_against_outlives_the_records_and_a_restart(
    open_workspace_here: OpenWorkspace, contract_file: Path
) -> None:
    later = [timedelta(0)]
    opened = partial(open_workspace_here, clock=lambda: datetime.now(UTC) + later[0])
    workspace = opened()
    watched = (
        "monitors: {tokens: {signal: input/tokens, method: ks, at_most: 0.2, window: 1d, page: product}}\n"
    )
    contract_file.write_text(f"{contract_file.read_text()}{watched}data: {{retention: {{traces: 7d}}}}\n")
    workspace.follow_contract(contract_file)

    def used(*, days: float, tokens: float) -> Evidence:
        later[0] = timedelta(days=days)
        began = int((datetime.now(UTC) + later[0]).timestamp() * 1e9) - 3_600 * 10**9
        rng = random.Random(days)
        rows = [
            {
                "product": "docs-bot",
                "workflow": "answer",
                "kind": "workflow",
                "trace_id": rng.randbytes(16),
                "span_id": rng.randbytes(8),
                "start_time": began + number,
                "user_id": f"u-{number}",
                "input": json.dumps({"tokens": tokens * rng.uniform(0.5, 1.5)}),
            }
            for number in range(200)
        ]
        columns = {name: [row.get(name) for row in rows] for name in TABLES["spans"].names}
        workspace._store.ingest([Rows("spans", columns)], batch_id=f"day-{days}")
        workspace.measure(product="docs-bot")
        held = workspace.evidence(product="docs-bot")
        return [piece for piece in held if piece.claim == "docs-bot/monitors/tokens"][-1]

    used(days=0, tokens=100)
    used(days=3, tokens=120)
    workspace.close()
    workspace = opened()
    later[0] = timedelta(days=12)
    assert workspace.apply_retention() == {"spans": 400}
    piece = used(days=12, tokens=180)
    assert piece.low is not None
    assert piece.low > 0.2
    assert piece.detail["reference"].startswith("the kept counts of its own first calls")


def test_the_audit_finds_a_tail_that_was_cut_off(open_workspace_here: OpenWorkspace, tmp_path: Path) -> None:
    workspace = open_workspace_here()
    workspace.add_evidence("docs-bot", [_evidence()])
    assert [fault.fault for fault in workspace.audit(product="docs-bot")] == ["no_head"]
    entry = workspace.record(product="docs-bot", kind="verdict", body={"conclusion": "hold"})
    assert (entry.seq, entry.kind, json.loads(entry.body)) == (2, "verdict", {"conclusion": "hold"})
    assert [each.seq for each in workspace.ledger_entries(product="docs-bot", after=1)] == [2]
    assert workspace.audit(product="docs-bot") == []  # it was signed at once
    workspace.add_evidence("docs-bot", [_evidence(n=401)])
    assert [fault.fault for fault in workspace.audit(product="docs-bot")] == ["unsigned_tail"]
    workspace.close()  # signs what is left
    with sqlite3.connect(tmp_path / "data" / "metadata.sqlite") as metadata:
        metadata.execute("DELETE FROM ledger WHERE seq = 3")
    metadata.close()
    again = open_workspace_here()
    assert [fault.fault for fault in again.audit(product="docs-bot")] == ["truncated"]
    # What is appended to a cut chain is not signed: the cut stays to be seen.
    again.add_evidence("docs-bot", [_evidence(n=402), _evidence(n=403)])
    again.close()
    assert "rewritten" in [fault.fault for fault in open_workspace_here().audit(product="docs-bot")]


def test_heads_that_were_taken_away_are_not_made_anew(
    open_workspace_here: OpenWorkspace, tmp_path: Path
) -> None:
    workspace = open_workspace_here()
    workspace.add_evidence("docs-bot", [_evidence()])
    workspace.close()
    shutil.rmtree(tmp_path / "data" / "heads")
    again = open_workspace_here()
    again.add_evidence("docs-bot", [_evidence(n=401)])
    again.measure_all()
    assert [fault.fault for fault in again.audit(product="docs-bot")] == ["no_head"]


def test_heads_may_be_kept_elsewhere_under_any_name(
    open_workspace_here: OpenWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAUNCHWORTHY_HEADS", str(tmp_path / "elsewhere"))
    workspace = open_workspace_here()
    for product in ("..", "a/b", "docs-bot"):
        workspace.add_evidence(product, [_evidence()])
    workspace.measure_all()
    folders = sorted(path.name for path in (tmp_path / "elsewhere").iterdir())
    assert folders == ["%2E%2E", "a%2Fb", "docs-bot"]
    assert all(workspace.audit(product=product) == [] for product in ("..", "a/b", "docs-bot"))


@pytest.mark.parametrize("kind", ["evidence", "erasure", "", "two words", "x" * 41])
def test_an_entry_may_not_pass_for_what_it_is_not(workspace: LocalWorkspace, kind: str) -> None:
    with pytest.raises(InputError):
        workspace.record(product="docs-bot", kind=kind, body={})


def test_a_folder_that_is_open_is_not_opened_twice(open_workspace_here: OpenWorkspace) -> None:
    open_workspace_here()
    with pytest.raises(ConflictError, match="owns this data folder"):
        open_workspace_here()


def test_pages_read_what_the_workspace_holds(workspace: LocalWorkspace, contract_file: Path) -> None:
    reading = WorkspaceReading(workspace)
    assert (reading.contract("docs-bot"), reading.verdict("docs-bot"), reading.problems("x")) == (
        None,
        None,
        (),
    )
    workspace.follow_contract(contract_file)
    contract = reading.contract("docs-bot")
    assert contract is not None
    assert contract.file == str(contract_file)
    assert reading.verdict("docs-bot") is not None
    contract_file.write_text("product: 1")
    assert reading.problems("docs-bot")


def test_evidence_that_contradicts_its_own_sample_is_not_taken(workspace: LocalWorkspace) -> None:
    with pytest.raises(InputError, match=r"value is 0\.95, but the sample says 370 of 400"):
        workspace.add_evidence("docs-bot", [_evidence(), _evidence(sample={"successes": 370, "n": 400})])
    assert workspace.evidence("docs-bot") == []


def test_a_price_that_changed_counts_from_the_next_call_on_and_a_broken_edit_changes_none(
    workspace: LocalWorkspace,
    trace_request: TraceRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    prices = tmp_path / "prices.json"

    def charge(usd_per_million: float) -> None:
        entry = {"providers": ["vendor"], "models": ["vendor/small"], "input": usd_per_million, "output": 0.0}
        entry |= {"source": "https://vendor.example", "seen": "2026-11-20"}
        prices.write_text(json.dumps({"version": f"at {usd_per_million}", "prices": [entry]}))

    def cost(seed: int) -> tuple[float, str]:
        body, (span,) = trace_request(seed=seed, attributes={"gen_ai.usage.input_tokens": 1_000_000})
        assert _take(workspace, body, batch=str(seed)) == (0, "")
        workspace._store.flush()
        rows = workspace.query("SELECT lower(hex(span_id)) AS span, cost_usd, price_version FROM spans")
        (row,) = (row for row in rows if row["span"] == span)
        return row["cost_usd"], row["price_version"]

    charge(2.0)
    monkeypatch.setenv("LAUNCHWORTHY_PRICES", str(prices))
    assert cost(1) == (2.0, "at 2.0")
    charge(30.0)
    assert cost(2) == (30.0, "at 30.0")
    prices.write_text('{"version": "own", "prices": [')
    assert cost(3) == (30.0, "at 30.0")
    assert str(prices) in caplog.text
    charge(4.5)
    assert cost(4) == (4.5, "at 4.5")
